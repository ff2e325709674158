"""A run, in a kernel and out of one: what it records, refuses and shows."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import papermill
import pytest

from medlib import experiment
from medlib.experiment.figures import decode, pixels_sha256, to_png
from medlib.experiment.record import read_record

CELL = "seed: int = 0  # master seed, x ≥ 0\ndose: float = 0.5  # photons kept, 0 < x ≤ 1\n"
ALT = "A line that rises from left to right."


@dataclass(frozen=True)
class FakeSample:
    name: str = "wedge"
    kind: str = "simulated"
    sha256: str = "0" * 64


def start(monkeypatch=None, folder=None, **values):
    if folder is not None:
        monkeypatch.setenv("MEDBOOK_RUN_DIR", str(folder))
    return experiment.start("pixels/tiny", {"In": ["", CELL], "seed": 0, "dose": 0.5, **values})


def a_line():
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1])
    return figure


@pytest.fixture
def strict(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDBOOK_STRICT", "1")
    return start(monkeypatch, tmp_path)


def test_parameters_are_checked_at_the_start():
    assert start(seed=4).parameters == {"seed": 4, "dose": 0.5}
    with pytest.raises(ValueError, match=r"0 < x ≤ 1"):
        start(dose=2.0)


def test_parameters_that_do_not_go_together_are_refused_before_anything_happens(strict):
    strict.require(True, "seed", "dose", right="anything")
    says = r"seed = 0, dose = 0\.5: seed is at least dose \[pixels/tiny\]"
    with pytest.raises(ValueError, match=says):
        strict.require(False, "seed", "dose", right="seed is at least dose")
    with pytest.raises(ValueError, match="two parameters or more; there is no does"):
        strict.require(True, "seed", "does", right="anything")
    with pytest.raises(ValueError, match="two parameters or more"):
        strict.require(True, "seed", right="anything")
    strict.rng("patients")
    with pytest.raises(RuntimeError, match=r"move it up, right below experiment\.start"):
        strict.require(True, "seed", "dose", right="anything")


def test_papermills_unknown_parameter_is_an_error_that_names_the_nearest():
    cells = ["", CELL, "# Parameters\ndoes = 0.3\n"]
    with pytest.raises(ValueError, match=r"unknown parameter 'does'.*did you mean 'dose'"):
        experiment.start("pixels/tiny", {"In": cells, "seed": 0, "dose": 0.5, "does": 0.3})


def test_start_without_a_parameters_cell_says_so():
    with pytest.raises(RuntimeError, match="no parameters cell"):
        experiment.start("pixels/tiny", {"In": ["", "x = 1"], "seed": 0})


def test_a_script_finds_its_parameters_in_its_own_file(tmp_path):
    script = tmp_path / "tiny.py"
    script.write_text('"""A chapter."""\n# %% tags=["parameters"]\n' + CELL + "# %%\nx = 1\n")
    run = experiment.start("pixels/tiny", {"__file__": str(script), "seed": 2, "dose": 0.5})
    assert run.seed == 2


def test_stream_taken_twice_is_an_error_in_an_executed_run_only(strict, monkeypatch):
    strict.rng("noise")
    with pytest.raises(ValueError, match="taken before"):
        strict.rng("noise")
    monkeypatch.delenv("MEDBOOK_STRICT")
    live = start()
    assert live.rng("noise").random() == live.rng("noise").random()


def test_result_refuses_what_is_no_measurement(strict):
    with pytest.raises(ValueError, match="not a finite"):
        strict.result("psnr", float("nan"))
    with pytest.raises(ValueError, match="outside"):
        strict.result("psnr", 3.0, interval=(1.0, 2.0))
    strict.result("psnr", np.float32(1.5), unit="dB", interval=(1, 2), n=np.int64(4))
    with pytest.raises(ValueError, match="recorded twice"):
        strict.result("psnr", 1.0)


def test_claim_and_margin_must_agree(strict):
    strict.claim("the gain is positive", True, margin=0.2)
    strict.claim("the gain is large enough", False, margin=-0.1)
    with pytest.raises(ValueError, match="a margin is >= 0"):
        strict.claim("the gain is enormous", True, margin=-1.0)
    with pytest.raises(ValueError, match="not a number"):
        strict.claim("the gain is anything", True, margin=float("nan"))


def test_sentences_take_results_and_parameters_and_name_the_nearest(strict, capsys):
    strict.result("gain", 1.26, unit="dB", interval=(1.0, 2.0))
    strict.say("At dose {dose}: {gain:.1f} dB, {gain.low:.1f} to {gain.high:.1f}; {n} slices.", n=3)
    assert capsys.readouterr().out == "At dose 0.5: 1.3 dB, 1.0 to 2.0; 3 slices.\n"
    with pytest.raises(KeyError, match="did you mean 'gain'"):
        strict.say("{gian:.1f}")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"alt": ""}, "alt text"),
        ({"alt": "plot"}, "alt text"),
        ({"caption": ""}, "caption"),
        ({"data": "unknown"}, "must be one of"),
        ({"caption": "Real tissue, n = 1 slide."}, "caption must say so"),
    ],
)
def test_figures_without_words_are_refused(strict, change, says):
    words = {"alt": ALT, "caption": "It rises; simulated, n = 2.", "data": "simulated"}
    with pytest.raises(ValueError, match=says):
        strict.figure(a_line(), name="line", **{**words, **change})
    plt.close("all")


def test_figure_identity_is_its_pixels_and_nothing_else():
    one, two = to_png(a_line()), to_png(a_line())
    assert pixels_sha256(one) == pixels_sha256(two)
    changed = decode(one).copy()
    changed[0, 0, 0] ^= 1
    assert pixels_sha256(to_png(changed[..., :3])) != pixels_sha256(to_png(decode(one)[..., :3]))


def test_pictures_from_arrays_are_checked():
    assert decode(to_png(np.zeros((4, 5)))).shape == (4, 5, 4)
    with pytest.raises(ValueError, match=r"lie in 0\.\.1"):
        to_png(np.full((4, 5), 7.0))
    with pytest.raises(ValueError, match="height, width"):
        to_png(np.zeros(5))


def test_frames_must_match_their_values(strict):
    words = {"label": "dose", "alt": ALT, "caption": "Simulated wedge, n = 2.", "data": "simulated"}
    with pytest.raises(ValueError, match="two pictures or more"):
        strict.frames([np.zeros((4, 4))], name="s", values=[1], **words)
    with pytest.raises(ValueError, match="one value and alt text"):
        strict.frames([np.zeros((4, 4))] * 2, name="s", values=[1, 2, 3], **words)


def test_tables_need_equal_columns(strict, capsys):
    strict.table([{"filter": "TV", "PSNR (dB)": 41.234567}], name="filters")
    assert "| TV | 41.23 |" in capsys.readouterr().out
    with pytest.raises(ValueError, match="columns"):
        strict.table([{"a": 1}, {"b": 2}], name="bad")


def test_record_holds_what_the_run_did(strict, tmp_path):
    assert strict.uses(sample := FakeSample()) is sample
    strict.rng("noise")
    strict.device  # noqa: B018
    strict.result("gain", 1.5, unit="dB")
    strict.figure(
        a_line(), name="line", alt=ALT, caption="It rises; simulated, n = 2.", data="simulated"
    )
    strict.finish()
    record = read_record(tmp_path / "record.json")
    assert record.data[0].name == "wedge"
    assert record.streams == ["noise"]
    assert "medlib/experiment/run.py" in record.modules
    assert record.packages["numpy"] == np.__version__
    assert record.peak_memory_mib > 10
    png = (tmp_path / record.figures[0].files[0]).read_bytes()
    assert record.figures[0].pixels_sha256 == [pixels_sha256(png)]


def test_torch_without_a_device_is_an_error(strict):
    import torch  # noqa: F401

    strict._device = None
    with pytest.raises(RuntimeError, match="asked neither"):
        strict.finish()


@pytest.mark.chapter
def test_in_a_kernel_outputs_carry_what_the_press_needs(tmp_path):
    cells = [
        CELL,
        "from medlib import experiment\nrun = experiment.start('pixels/tiny', locals())",
        "import numpy as np\nrun.say('Dose {dose}.')\n"
        "run.figure(np.zeros((8, 8)), name='dark', alt='A dark square, nothing in it.',"
        " caption='Simulated darkness, n = 1.', data='simulated')\n"
        "run.frames([np.zeros((8, 8)), np.ones((8, 8))], name='fade', label='grey',"
        " values=[0, 1], alt='A square that brightens.',"
        " caption='Simulated fade, n = 2.', data='simulated')\n"
        "run.claim('darkness is dark', True, margin=1)",
        "run.result('darkness', 0.0)",
        "run.finish()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "language": "python",
        "display_name": "Python 3",
    }
    nbformat.write(notebook, tmp_path / "in.ipynb")
    done = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), None, {"dose": 0.25}, progress_bar=False, cwd=str(tmp_path)
    )
    outputs = [o for cell in done.cells for o in cell.get("outputs", [])]
    shown = [o for o in outputs if "medbook" in o.get("metadata", {})]
    assert [o for o in outputs if o.output_type == "execute_result"] == []
    assert [o.metadata["medbook"]["kind"] for o in shown] == ["say", "figure", "frames", "claims"]
    assert shown[1].metadata["medbook"]["alt"] == "A dark square, nothing in it."
    assert 'alt="A dark square, nothing in it."' in shown[1].data["text/html"]
    assert shown[0].data["text/markdown"] == "Dose 0.25."
    assert "✓" in shown[3].data["text/markdown"]
    states = json.dumps(done.metadata["widgets"])
    assert "jslink" in states or "LinkModel" in states
    record = read_record(next((tmp_path / "medbook-runs/pixels/tiny").glob("*/record.json")))
    assert record.parameters["dose"] == 0.25
    assert len(record.figures[1].files) == 2


def test_a_series_is_known_by_its_own_digest_not_by_the_folder_it_names(strict, tmp_path):
    series = SimpleNamespace(
        name="series", kind="real", sha256="a" * 64, path=tmp_path,
        members=(("1.dcm", "b" * 64),), members_glob="*",
    )  # fmt: skip
    assert strict.uses(series) is series
    use = strict._data["series"]
    assert use.path == str(tmp_path)
    assert use.file_sha256 is None
    assert use.members == {"1.dcm": "b" * 64}
    assert use.members_glob == "*"


def test_a_folder_without_its_members_is_refused_for_its_changes_could_not_be_told(
    strict, tmp_path
):
    series = SimpleNamespace(name="series", kind="real", sha256="a" * 64, path=tmp_path)
    with pytest.raises(ValueError, match="do not say which files were read: give `members`"):
        strict.uses(series)


def test_what_a_generator_draws_anew_is_numbered(strict):
    for letter in "abac":
        strict.uses(FakeSample(sha256=letter * 64))
    drawn = {name: (use.name, use.sha256[0]) for name, use in strict._data.items()}
    assert drawn == {
        "wedge": ("wedge", "a"), "wedge (2)": ("wedge (2)", "b"), "wedge (3)": ("wedge (3)", "c")
    }  # fmt: skip


def test_two_real_data_sets_of_one_name_are_refused(strict):
    strict.uses(FakeSample(kind="real"))
    strict.uses(FakeSample(kind="real"))
    with pytest.raises(ValueError, match="two different data sets are called 'wedge'; rename one"):
        strict.uses(FakeSample(kind="real", sha256="1" * 64))


def test_a_relative_path_is_recorded_in_full(strict, tmp_path, monkeypatch):
    (tmp_path / "ct.npz").write_bytes(b"abc")
    monkeypatch.chdir(tmp_path)
    strict.uses(SimpleNamespace(name="ct", kind="real", sha256="a" * 64, path="ct.npz"))
    use = strict._data["ct"]
    assert use.path == str(tmp_path / "ct.npz")
    assert use.file_sha256.startswith("ba7816bf")
