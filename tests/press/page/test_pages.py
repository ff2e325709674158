import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from medlib.experiment.parameters import Parameter
from medlib.experiment.record import Claim, DataUse, Device, Figure, Record
from press.page.masthead import example_parameter, masthead, parameter_table
from press.page.pages import (
    WIDGET_STATE,
    WIDGET_VIEW,
    PageError,
    chapter_page,
    claims_markdown,
    figure_label,
    fold_sayings,
    join_folds,
    split_cell,
    table_markdown,
    without_chance,
)
from press.source.grounds import Grounds

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTl4kAAAAABJRU5ErkJggg=="
)
DIGEST = "0" * 64
PARAMETERS = {
    "seed": Parameter("seed", "int", 0, "master seed", low=0),
    "dose": Parameter("dose", "float", 0.25, "photons kept", low=0, low_open=True, high=1),
}


def record(**changes) -> Record:
    fields = {
        "chapter": "pixels/demo",
        "profile": "book",
        "seed": 0,
        "parameters": {"seed": 0, "dose": 0.25},
        "python": "3.11.7",
        "platform": "linux",
        "device": Device(requested="cpu", used="cpu", name="a processor"),
        "threads": 1,
        "started": "2026-01-01T00:00:00Z",
        "wall_s": 41.6,
        "cpu_s": 39.0,
        "peak_memory_mib": 612.0,
        "figures": [FIGURE],
        "claims": [Claim(text="the sum is right", holds=True, margin=0.4213, unit="dB")],
    }
    return Record(**(fields | changes))


FIGURE = Figure(
    name="dose_series",
    kind="static",
    pixels_sha256=[DIGEST],
    files=["figures/dose_series.png"],
    alt=['A "curve": it rises,\nthen falls.'],
    caption="It rises. Simulated.",
    data="simulated",
)


def shown(kind: str, data: dict, **about):
    return new_output("display_data", data, metadata={"medbook": {"kind": kind, **about}})


def said(text: str):
    return shown("say", {"text/markdown": text})


def printed(text: str):
    return new_output("stream", name="stdout", text=text)


def drawn():
    return shown("figure", {"image/png": PIXEL}, name="dose_series")


def page_of(*cells, tmp_path, title="# A title\n\nMore.", **changes):
    notebook = new_notebook(cells=[new_markdown_cell(title), *cells])
    return chapter_page(
        "pixels/demo",
        notebook,
        record(**changes),
        parameters=PARAMETERS,
        run_folder=tmp_path,
        source=b"# %% [markdown]\n",
    )


def text_of(page) -> str:
    return "\n\n".join(cell.source for cell in page.notebook.cells if cell.cell_type == "markdown")


def test_title_then_masthead_then_the_rest(tmp_path) -> None:
    sources = [cell.source for cell in page_of(tmp_path=tmp_path).notebook.cells]
    assert sources[0] == "# A title"
    assert "medbook-run" in sources[1]
    assert sources[2] == "More."


def test_a_chapter_without_title_is_refused(tmp_path) -> None:
    with pytest.raises(PageError, match="pixels/demo: no Markdown cell starts with a title"):
        page_of(tmp_path=tmp_path, title="## Only a section")


def test_outputs_keep_the_order_in_which_they_were_printed() -> None:
    outputs = [printed("one"), said("two"), printed("three"), drawn(), said("five")]
    parts = list(split_cell(new_code_cell("code", outputs=outputs)))
    assert [len(part.outputs) for part in parts] == [1, 1, 1, 1, 1]
    assert [part.outputs[0] for part in parts] == outputs
    assert [part.source for part in parts] == ["code", "", "", "", ""]
    assert all("remove-input" in part.metadata["tags"] for part in parts[1:])


def test_the_code_stands_above_an_output_of_its_own() -> None:
    parts = list(split_cell(new_code_cell("code", outputs=[said("one")])))
    assert [part.source for part in parts] == ["code", ""]


@pytest.mark.parametrize(
    ("source", "folded"),
    [
        ('run.say("It gains {gain:.1f} dB.", gain=1)', True),
        ('run.say("One.")\nrun.say("Two.")', True),
        ('gain = 1\nrun.say("It gains {gain}.", gain=gain)', False),
        ('run.table(rows, name="a", caption="b")', False),
        ("import numpy", False),
        ("", False),
    ],
)
def test_code_that_only_says_what_stands_below_is_folded(source, folded) -> None:
    cell = new_code_cell(source)
    assert fold_sayings(cell).metadata.get("tags", []) == (["hide-input"] if folded else [])
    assert "tags" not in cell.metadata


def test_folds_that_follow_each_other_become_one_and_nothing_shown_moves() -> None:
    def fold(source, *outputs):
        return new_code_cell(source, outputs=[*outputs], metadata={"tags": ["hide-input"]})

    seen = new_code_cell("seen = 1")
    cells = [seen, fold("a = 1"), fold("b = 2"), fold("c = 3", printed("three")), fold("d = 4")]
    joined = join_folds([*cells, seen, fold("e = 5")])
    assert [cell.source for cell in joined] == [
        "seen = 1", "a = 1\n\n\nb = 2\n\n\nc = 3", "d = 4", "seen = 1", "e = 5"
    ]  # fmt: skip
    assert [len(cell.outputs) for cell in joined] == [0, 1, 0, 0, 0]
    assert cells[1].source == "a = 1"


def test_a_cell_whose_output_is_to_be_removed_shows_none(tmp_path) -> None:
    hidden = new_code_cell("x", outputs=[said("secret")], metadata={"tags": ["remove-output"]})
    gone = new_code_cell("plumbing", outputs=[drawn()], metadata={"tags": ["remove-cell"]})
    page = page_of(hidden, gone, tmp_path=tmp_path)
    assert "secret" not in text_of(page)
    assert not any("plumbing" in cell.source for cell in page.notebook.cells)


def test_a_figure_is_numbered_and_carries_alt_caption_and_pixels(tmp_path) -> None:
    page = page_of(new_code_cell("x", outputs=[drawn()]), tmp_path=tmp_path)
    text = text_of(page)
    assert "{figure} /_runs/pixels/demo/figures/dose_series.png" in text
    assert ":name: fig-demo-dose-series" in text
    assert ':alt: "A \\"curve\\": it rises, then falls."' in text
    assert "It rises. Simulated." in text
    assert page.files["_runs/pixels/demo/figures/dose_series.png"].startswith(b"\x89PNG")
    assert figure_label("translation/x_y", "a_b") == "fig-x-y-a-b"


def test_a_slider_has_its_still_picture_and_its_live_one(tmp_path) -> None:
    figure = FIGURE.model_copy(
        update={
            "kind": "interactive",
            "alt": ["The first of two frames.", "The second of two frames."],
            "files": ["figures/s-00.png", "figures/s-01.png"],
            "pixels_sha256": [DIGEST, DIGEST],
        }
    )
    view = {"model_id": "abc", "version_major": 2, "version_minor": 0}
    output = shown(
        "frames", {WIDGET_VIEW: view}, name="dose_series", alt="The second of two frames."
    )
    cell = new_code_cell("x", outputs=[output])
    with pytest.raises(PageError, match=r"s-01\.png: .*run the chapter again"):
        page_of(cell, tmp_path=tmp_path, figures=[figure])
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "s-01.png").write_bytes(b"png")
    page = page_of(cell, tmp_path=tmp_path, figures=[figure])
    assert page.files["_runs/pixels/demo/figures/s-01.png"] == b"png"
    assert ':alt: "The second of two frames."' in text_of(page)
    assert "medbook-frames" in text_of(page)
    assert '"model_id": "abc"' in text_of(page)


def test_a_figure_that_the_record_does_not_know_is_refused(tmp_path) -> None:
    with pytest.raises(PageError, match="'dose_series' is in the notebook but not in its record"):
        page_of(new_code_cell("x", outputs=[drawn()]), tmp_path=tmp_path, figures=[])


def test_an_output_of_unknown_kind_is_refused(tmp_path) -> None:
    cell = new_code_cell("x", outputs=[shown("hologram", {"text/plain": ""})])
    with pytest.raises(PageError, match="unknown kind, 'hologram'"):
        page_of(cell, tmp_path=tmp_path)


def test_a_table_gets_its_caption_and_label() -> None:
    text = table_markdown("pixels/demo", "two_filters", "| a |\n|---|\n| 1 |\n\n*Both of them.*")
    assert "{table} Both of them.\n:name: tab-demo-two-filters\n\n| a |" in text
    assert table_markdown("pixels/demo", "t", "| a |") == "| a |"


def test_the_claims_box_tells_what_failed() -> None:
    good = Claim(text="this holds here", holds=True, margin=0.4213, unit="dB")
    bad = Claim(text="nothing is found", holds=False, margin=-2.0, control=True)
    assert "What this run established" in claims_markdown([good])
    text = claims_markdown([good, bad])
    assert "What this run did not establish" in text
    assert "✓</span> This holds here" in text
    assert "+0.421 dB" in text
    assert "✗" in text
    assert "negative control" in text
    assert "margin −2" in text
    assert claims_markdown([]) == ""
    assert "run on" not in text
    text = claims_markdown([good], Grounds(run_on="anatomy"))
    assert '<span class="medbook-on">run on: real anatomy or texture, simulated findings<' in text


def test_equal_runs_give_equal_pages_whatever_ids_and_times_they_were_stamped_with(tmp_path):
    def run(box: str, slider: str, stamp: str):
        view = {"model_id": box, "version_major": 2, "version_minor": 0}
        cell = new_code_cell("x", outputs=[new_output("display_data", {WIDGET_VIEW: view})])
        cell.metadata["papermill"] = {"start_time": stamp}
        notebook = new_notebook(cells=[new_markdown_cell("# T"), cell])
        notebook.metadata["papermill"] = {"end_time": stamp}
        models = {box: {"children": [f"IPY_MODEL_{slider}"]}, slider: {"value": 1}}
        notebook.metadata["widgets"] = {WIDGET_STATE: {"state": models}}
        for place, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{place}"
        return notebook

    first, second = run("f" * 32, "1" * 32, "noon"), run("2" * 32, "e" * 32, "dusk")
    assert nbformat.writes(without_chance(first)) == nbformat.writes(without_chance(second))
    unlike = copy.deepcopy(second)
    unlike.metadata["widgets"][WIDGET_STATE]["state"]["e" * 32]["value"] = 2
    assert nbformat.writes(without_chance(first)) != nbformat.writes(without_chance(unlike))


def test_the_masthead_tells_how_the_page_was_made() -> None:
    use = DataUse(name="head", kind="real", sha256=DIGEST, licence="CC0", doi="10.1/x")
    text = masthead(
        "pixels/demo",
        record(data=[use], git={"sha": "abcdef0123456789", "dirty": True}),
        parameters=PARAMETERS,
        minutes=45,
        folder="/_runs/pixels/demo",
    ).replace("\u00a0", " ")
    for piece in (
        '<span class="medbook-badge medbook-real">real</span>',
        '<span class="medbook-badge medbook-simulated">simulated</span>',
        "about 45 min",
        "1 of 1 hold",
        "<code>abcdef0123</code> with local changes",
        "42 s",
        "39 s",
        "612 MiB",
        "CPU, 1 thread",
        "`Source (.py) </_runs/pixels/demo/demo.py>`",
        "papermill build/notebooks/pixels/demo.ipynb demo_mine.ipynb -p dose 0.125",
        "https://doi.org/10.1/x",
    ):
        assert piece in text
    assert "profile" not in text.split("medbook-run")[0]


def test_a_run_of_another_profile_says_so() -> None:
    text = masthead(
        "pixels/demo", record(profile="smoke"), parameters=PARAMETERS, minutes=5, folder="/x"
    )
    assert "a run of profile `smoke`, not the book's own" in text


def test_the_parameter_table_shows_this_run_only_where_it_differs() -> None:
    assert "This run" not in parameter_table(PARAMETERS, {"seed": 0, "dose": 0.25})
    table = parameter_table(PARAMETERS, {"seed": 0, "dose": 0.5})
    assert "| `dose` | float | `0.25` | `0.5` | 0 \\< x ≤ 1 | photons kept |" in table


def test_the_example_is_one_that_the_range_allows() -> None:
    assert example_parameter(PARAMETERS) == ("dose", "0.125")
    whole = {"dose": Parameter("dose", "float", 1.0, "x", low=1.0, high=2.0)}
    assert example_parameter(whole) == ("dose", "2")
    assert example_parameter({"seed": PARAMETERS["seed"]}) == ("seed", "1")
