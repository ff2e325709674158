"""Parameters: what the cell declares, what is refused, and that papermill reads the same."""

import nbformat
import papermill
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment.parameters import (
    Parameter,
    ParameterError,
    check_parameters,
    coerce,
    parse_parameters,
)

CELL = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dose_fraction: float = 0.25  # photons kept, 0 < x ≤ 1
deep: bool = False  # train the deeper network
sizes: list[int] = [20, 100]  # labelled images per arm, x ≥ 2
folder: str = ""  # a folder of DICOM slices; empty for the built-in ones
"""


def test_cell_declares_name_type_default_meaning_and_range():
    found = parse_parameters(CELL)
    assert list(found) == ["seed", "device", "dose_fraction", "deep", "sizes", "folder"]
    dose = found["dose_fraction"]
    assert (dose.low, dose.low_open, dose.high, dose.high_open) == (0, True, 1, False)
    assert dose.meaning == "photons kept"
    assert found["device"].choices == ("auto", "cpu", "cuda")
    assert found["folder"].choices == ()
    assert found["sizes"].default == [20, 100]
    assert found["sizes"].range_text() == "2 ≤ x"


def test_papermill_inspects_the_same_names_and_types(tmp_path):
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python"}
    nbformat.write(notebook, tmp_path / "n.ipynb")
    seen = papermill.inspect_notebook(str(tmp_path / "n.ipynb"))
    assert {n: p["inferred_type_name"] for n, p in seen.items()} == {
        n: p.type for n, p in parse_parameters(CELL).items()
    }


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("seed = 0  # untyped", "expected only"),
        ("seed: int  # no default", "needs a default"),
        ("seed: int = 0", "needs a trailing comment"),
        ("seed: complex = 0  # odd", "parameters are int, float"),
        ("seed: int = f()  # call", "must be a literal"),
        ("seed: int = 0.5  # half", "the default breaks"),
        ("dose: float = 2.0  # 0 < x ≤ 1", "out of range"),
        ("dose: float = 0.5  # 0 < x <= 1", "write ≤"),
        ("seed: int = 0  # one\nseed: int = 1  # two", "declares seed twice"),
        ("seed: int = = 0  # typo", "line 1"),
    ],
)
def test_bad_declarations_say_what_is_wrong(cell, says):
    with pytest.raises(ParameterError, match=says):
        parse_parameters(cell)


@pytest.mark.parametrize(
    ("given_values", "says"),
    [
        ({"dose_fractoin": 0.5}, "did you mean 'dose_fraction'"),
        ({"zzz": 1}, "there are seed, device"),
        ({"dose_fraction": 0.0}, "0 < x ≤ 1"),
        ({"dose_fraction": float("nan")}, "out of range"),
        ({"dose_fraction": "much"}, "expected a float"),
        ({"seed": True}, "expected a int"),
        ({"seed": -1}, "0 ≤ x"),
        ({"device": "gpu"}, "must be one of"),
        ({"sizes": 5}, "list"),
        ({"sizes": [1]}, "2 ≤ x"),
        ({"dose_fraction": 2.0}, "out of range.*the nearest is 1.0"),
        ({"seed": -1}, "the nearest is 0 "),
    ],
)
def test_bad_values_say_what_would_be_right(given_values, says):
    with pytest.raises(ParameterError, match=says):
        check_parameters(parse_parameters(CELL), given_values, chapter="pixels/low_dose_ct")


MISFITS = "misfits: list[float] = [0.0, 1.0]  # in pixels, 2 or more, increasing, 0 ≤ x ≤ 9"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [2.0, 1.0]])
def test_a_list_is_held_to_its_length_and_order(values):
    misfits = parse_parameters(MISFITS)["misfits"]
    assert misfits.meaning == "in pixels"
    assert misfits.range_text() == "2 or more, increasing, 0 ≤ x ≤ 9"
    with pytest.raises(ParameterError, match="expected a list of numbers, 2 or more, increasing"):
        misfits.check(values)
    assert misfits.check([0, 0.5, 9]) == [0.0, 0.5, 9.0]


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("3 < x ≤ 9", 4, 9), ("even, 3 ≤ x ≤ 9", 4, 8), ("odd, 3 < x < 9", 5, 7), ("x ≥ 3", 3, None)],
)
def test_ends_are_whole_numbers_of_the_declared_kind(text, least, most):
    count = parse_parameters(f"n: int = {least}  # how many, {text}")["n"]
    assert count.ends() == (least, most)
    assert count.nearest_to(-100) == least
    assert count.nearest_to(100) == most


def test_beside_an_open_end_no_real_number_is_the_nearest():
    dose = parse_parameters(CELL)["dose_fraction"]
    assert dose.nearest_to(0.0) is None
    assert dose.nearest_to(float("nan")) is None


def test_defaults_are_overridden_and_ints_serve_as_floats():
    values = check_parameters(parse_parameters(CELL), {"dose_fraction": 1, "seed": 7})
    assert values["dose_fraction"] == 1.0
    assert isinstance(values["dose_fraction"], float)
    assert values["seed"] == 7
    assert values["device"] == "auto"


@pytest.mark.parametrize(
    ("kind", "default", "text", "value"),
    [
        ("int", 0, "12", 12),
        ("float", 0.0, "1e-3", 1e-3),
        ("bool", False, "true", True),
        ("str", "", "a b", "a b"),
        ("list[int]", [1], "[2, 3]", [2, 3]),
        ("list[float]", [1.0], "2,3.5", [2.0, 3.5]),
        ("list[str]", ["x"], "a, b", ["a", "b"]),
    ],
)
def test_text_from_a_command_line_becomes_the_declared_type(kind, default, text, value):
    assert coerce(Parameter("p", kind, default), text) == value


@pytest.mark.parametrize(("kind", "text"), [("int", "1.5"), ("float", "x"), ("bool", "maybe")])
def test_text_of_the_wrong_type_is_refused(kind, text):
    with pytest.raises(ParameterError, match="expected"):
        coerce(Parameter("p", kind, None), text)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_accepted_value_lies_in_its_range(value):
    dose = parse_parameters(CELL)["dose_fraction"]
    try:
        accepted = dose.check(value)
    except ParameterError:
        assert not 0 < value <= 1
    else:
        assert 0 < accepted <= 1
