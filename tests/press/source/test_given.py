"""What a person gives: one grammar in a file and on the command line, paths from where they are."""

import pytest

from press.errors import UserError
from press.source.given import read_grid, read_parameters
from press.source.project import Project
from press.source.yaml_file import read_yaml

PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
count: int = 4  # how many, even, 2 ≤ x ≤ 100
height: int = 48  # a height, a multiple of 24, 48 ≤ x ≤ 120
share: float = 0.5  # a share, 0 < x ≤ 1e6
wide: bool = False  # whether it is wide
sizes: list[int] = [1, 3]  # sizes, odd, x ≥ 1
scan_folder: str = ""  # a folder of slices; empty for none
stain_file: str = ""  # an image; empty for none
"""


@pytest.fixture
def given(book):
    book.chapter("pixels/x", "pass", parameters=PARAMETERS)
    project = Project(book.root)
    chapter = project.chapter("x")

    def read(*words, file=None):
        if file is not None:
            book.write("mine.yml", file)
        path = None if file is None else book.root / "mine.yml"
        return read_parameters(project, chapter, words, path)

    return read


SAME = {
    "seed": ["010", "7", "-0", "9223372036854775807"],
    "share": ["1e5", ".5", "2", "1.", "1E-3"],
    "wide": ["yes", "no", "true", "1", "0", "False"],
    "device": ["cuda"],
    "sizes": ["[1, 3, 5]", "[7]"],
}


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in SAME.items() for t in texts])
def test_a_file_and_the_command_line_mean_the_same(given, name, text):
    assert given(file=f"{name}: {text}\n") == given(f"{name}={text}")


def test_ten_is_ten_in_either(given):
    assert given("seed=010") == given(file="seed: 010\n") == {"seed": 10}
    assert given(file="share: 1e5\n") == {"share": 1e5}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: 12:30\n", "seed = '12:30': expected a int"),
        ("seed: 1\nseed: 2\n", "line 2: bad YAML: seed stands there twice"),
        ("seed: {a: 1}\n", "seed must be one value"),
        ("seed: [1, [2]]\n", "seed must be one value"),
        ("? [a]\n: 1\n", "a key must be a word or a number"),
        ("- 1\n", "expected `name: value` lines, found a list"),
        ("sed: 1\n", "unknown parameter 'sed' of pixels/x; did you mean 'seed'?"),
        ("seed:\n", "seed = '': expected a int"),
    ],
)
def test_what_a_file_gives_wrong_is_one_line(given, text, says):
    with pytest.raises(UserError) as caught:
        given(file=text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("count=7", "count = 7 must be even, such as 6 or 8 (default 4)"),
        ("height=50", "height = 50 must be a multiple of 24, such as 48 or 72"),
        ("height=119", "such as 96 or 120"),
        ("sizes=[1,2]", "sizes = 2 must be odd, such as 1 or 3"),
        ("seed=" + "9" * 400, "seed is a number of 400 digits: at most 9223372036854775807"),
        ("seed=" + "9" * 5000, "expected a int"),
        ("share=" + "9" * 400, "share = inf is out of range"),
        ("count=1_000_000", "out of range"),
    ],
)
def test_what_a_declaration_says_is_enforced(given, word, says):
    with pytest.raises(UserError) as caught:
        given(word)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("where", ["here", "home"])
def test_a_path_is_meant_from_where_the_person_stands(given, tmp_path, monkeypatch, where):
    scans, picture = tmp_path / "scans", tmp_path / "a.png"
    scans.mkdir()
    picture.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = {"here": "", "home": "~/"}[where]
    found = given(f"scan_folder={before}scans", file=f"stain_file: {before}a.png\n")
    assert found == {"scan_folder": str(scans), "stain_file": str(picture)}


def test_a_path_that_is_not_there_is_said_at_once(given, book):
    with pytest.raises(UserError, match=r"scan_folder = gone: there is no such folder"):
        given("scan_folder=gone")
    with pytest.raises(UserError, match=r"stain_file = no\.png: there is no such file"):
        given(file="stain_file: no.png\n")
    declared_grid = read_grid_of(book)
    with pytest.raises(UserError, match=r"stain_file = no\.png: there is no such file"):
        declared_grid("stain_file=no.png")
    assert given("scan_folder=") == {"scan_folder": ""}


def read_grid_of(book):
    from press.source.given import declared_parameters

    project = Project(book.root)
    chapter = project.chapter("x")
    return lambda item: read_grid(declared_parameters(project, chapter), [item], chapter=chapter)


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 10), ("12:30", "12:30"), ("yes", "yes"), ("1e5", 1e5), ("", None), ("true", True)],
)
def test_yaml_is_read_as_people_mean_it(tmp_path, text, value):
    (tmp_path / "a.yml").write_text(f"a: {text}\n")
    found = read_yaml(tmp_path / "a.yml")["a"]
    assert (found, type(found)) == (value, type(value))
