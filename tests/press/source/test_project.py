"""The project knows where it stands, its chapters and their order."""

import pytest

from press.errors import UserError
from press.source.project import Project, find_root, read_yaml

TOC = """\
format: jb-book
root: index
parts:
  - caption: II
    chapters:
      - file: diagnosis/late
      - file: chapters/pixels/zebra.py
        sections:
          - file: pixels/apple
"""


@pytest.fixture
def ordered(book):
    for name in ("pixels/apple", "pixels/zebra", "diagnosis/late", "pixels/extra"):
        book.chapter(name, "")
    book.write("_toc.yml", TOC)
    book.write("chapters/pixels/draft/_draft.py", "")
    return book


def test_chapters_come_in_book_order_and_unlisted_ones_last(ordered):
    assert [chapter.id for chapter in Project(ordered.root).chapters] == [
        "diagnosis/late",
        "pixels/zebra",
        "pixels/apple",
        "pixels/extra",
    ]


@pytest.mark.parametrize(
    "text",
    ["pixels/apple", "apple", "chapters/pixels/apple/apple.py", "./chapters/pixels/apple.py"],
)
def test_a_chapter_answers_to_its_names(ordered, text):
    assert Project(ordered.root).chapter(text).id == "pixels/apple"


@pytest.mark.parametrize("text", ["pixels/aple", "aple", "pixel/apple"])
def test_an_unknown_chapter_names_the_nearest(ordered, text):
    with pytest.raises(UserError, match="did you mean pixels/apple"):
        Project(ordered.root).chapter(text)


def test_a_bare_name_that_two_parts_share_is_refused(ordered):
    ordered.chapter("diagnosis/apple", "")
    with pytest.raises(UserError, match="could be pixels/apple or diagnosis/apple"):
        Project(ordered.root).chapter("apple")


def test_a_book_without_a_table_of_contents_is_in_order_of_names(book):
    book.chapter("pixels/b", "")
    book.chapter("pixels/a", "")
    assert [chapter.name for chapter in Project(book.root).chapters] == ["a", "b"]


def test_the_root_is_found_from_any_folder_inside(ordered, monkeypatch):
    monkeypatch.delenv("MEDBOOK_ROOT", raising=False)
    assert find_root(ordered.root / "chapters" / "pixels") == ordered.root


def test_the_environment_names_the_root(ordered, monkeypatch, tmp_path):
    monkeypatch.setenv("MEDBOOK_ROOT", str(ordered.root))
    assert find_root() == ordered.root
    monkeypatch.setenv("MEDBOOK_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="has no folder chapters"):
        find_root()


def test_outside_a_checkout_the_installed_one_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDBOOK_ROOT", raising=False)
    assert (find_root(tmp_path) / "press" / "source" / "project.py").is_file()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [1,\nb: 2", "line 2: bad YAML"), (b"\xff", "cannot be read")],
)
def test_bad_yaml_is_one_clear_line(tmp_path, content, message):
    path = tmp_path / "p.yml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


def test_missing_yaml_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        read_yaml(tmp_path / "p.yml")


@pytest.mark.parametrize("content", ["- smoke", "smoke: [1]", "smoke: 3", "companions: {_a: 3}"])
def test_profiles_of_the_wrong_shape_are_refused(ordered, content):
    ordered.write("chapters/pixels/apple/profiles.yml", content)
    project = Project(ordered.root)
    with pytest.raises(UserError, match=r"profiles\.yml: expected"):
        project.profile_parameters("smoke", project.chapter("pixels/apple"))
