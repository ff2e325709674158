"""Bars in the order in which steps were done, and seconds that add up."""

import matplotlib.pyplot as plt
import pytest

from medlib.systems.clinic.pipeline import Pipeline, Span
from medlib.systems.clinic.server_or_files import archive_in
from medlib.systems.clinic.steps import STEPS
from medlib.systems.clinic.timeline import LANES, Left, Scales, course, latency_s, per_hour
from medlib.systems.deidentification.keyed_values import keyed_uid
from tests.systems.clinic.conftest import KEY, READERS, study

SPANS = [Span("receive", 10.0, 10.5, False), Span("check", 10.5, 12.0, False)]


def test_scales_weigh_what_each_step_left(tmp_path):
    archive, images = archive_in(tmp_path / "archive"), study()
    archive.store(images)
    uid = images[0].StudyInstanceUID
    scales = Scales(tmp_path / "work" / keyed_uid(uid, key=KEY) / "1")
    pipeline = Pipeline(
        archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY, pause=scales
    )
    pipeline.run(uid)
    assert [one.step for one in scales.left] == list(STEPS)
    by = {one.step: one for one in scales.left}
    assert by["receive"].files == 8
    assert by["write"].files == 2
    assert by["classify"] == Left("classify", 0, 0)
    assert by["receive"].size_bytes > 8 * 25 * 22 * 2
    pipeline.run(uid)  # nothing is done again, so nothing is weighed
    assert len(scales.left) == len(STEPS)


def test_bars_lie_in_order_and_in_their_lanes():
    left = [Left("receive", 12, 296_000), Left("gate", 0, 0), Left("segment", 1, 2_000)]
    figure = course(left)
    bars = figure.axes[0].patches
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in bars] == [1, 2, 3]
    assert [round(bar.get_y() + bar.get_height() / 2) for bar in bars] == [0, 2, 2]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["receive\n12 files\n300 kB", "gate\nno file", "segment\n1 file\n< 10 kB"]
    plt.close(figure)
    assert sorted(step for steps in LANES.values() for step in steps) == sorted(STEPS)


def test_steps_that_nobody_knows_are_told():
    with pytest.raises(ValueError, match="nothing to draw"):
        course([])
    with pytest.raises(ValueError, match="none of the lanes"):
        course([Left("dream", 0, 0)])


def test_latency_and_throughput():
    assert latency_s(SPANS) == 2.0
    assert per_hour([SPANS, SPANS]) == 1800.0
    with pytest.raises(ValueError, match="no steps"):
        latency_s([])
