"""What the status page says of a claim, on a screen of 360 px: all of it, and nothing sideways."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from medlib.experiment.record import Claim
from medlib.experiment.tables import ClaimColumn, MadeBy, SweepTable, SweptPoint
from press.page.status import claims_list
from press.results.falsified import FalsifiedTable, Refutation
from press.source.grounds import Grounds
from tests.site.crawl import NARROW_PX

ROOT = Path(__file__).resolve().parents[2]
TEXT = "on simulated heads the network leads filters at their defaults, and tuned ones by less"
NAME = "falsify_a_detector_that_is_louder_than_any_patient_will_ever_be"


@pytest.fixture
def page(browser, tmp_path):
    claims = [
        Claim(text=TEXT, holds=True, margin=0.4213, unit="dB", falsified_by=NAME),
        Claim(text="with nothing to find there is nothing found", holds=True, margin=0.1,
              control=True),
    ]  # fmt: skip
    margins = [0.4, -0.05, 0.2, 0.3]
    over = ClaimColumn(text=TEXT, unit="dB", holds=[m >= 0 for m in margins], margins=margins)
    seeds = SweepTable(
        chapter="a/b",
        grid={"seed": [1, 2, 3, 4]},
        points=[SweptPoint(point=f"p{n}", parameters={"seed": n}) for n in range(4)],
        claims=[over],
    )
    row = Refutation(text=TEXT, unit="dB", falsified_by=NAME, margin=0.4213, margin_there=-1.25,
                     refuted=True)  # fmt: skip
    falsified = FalsifiedTable(chapter="a/b", made_by=MadeBy(), claims=[row])
    grounds = Grounds(run_on=["patients", "anatomy", "pictures"])
    html = MarkdownIt().render(claims_list(claims, seeds, falsified, grounds))
    shutil.copy(ROOT / "book/_static/medbook.css", tmp_path / "medbook.css")
    (tmp_path / "x.html").write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Status</title>'
        '<link rel="stylesheet" href="medbook.css"></head>'
        f'<body><main class="bd-article">{html}</main></body></html>',
        "utf-8",
    )
    context = browser.new_context(viewport={"width": NARROW_PX, "height": 740})
    page = context.new_page()
    page.goto((tmp_path / "x.html").as_uri())
    yield page
    context.close()


@pytest.mark.browser
def test_a_claim_with_its_margins_and_its_falsifier_fits_a_phone(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW_PX
    text = page.inner_text("main").replace("\u00a0", " ")
    for said in (
        "margin +0.421 dB",
        "other seeds 3 of 4, margins −0.05 to +0.4 dB",
        "spread 0.193 dB, least margin is −0.26 of it",
        f"falsifier {NAME} refutes it (margin there −1.25 dB)",
        "no falsifier is named",
    ):
        assert said in text
