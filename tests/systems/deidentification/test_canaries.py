"""0 are left, whatever the options; and when a part of the cleaning is broken, some are found.

Two other programs clean the same dataset by their defaults: the canaries find what these let stand.
"""

import copy

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.tag import Tag

from medlib.systems.deidentification import deidentify as room
from medlib.systems.deidentification.canaries import canaries_left, plant_canaries
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.kept_text import MACHINE_BYTES, MACHINE_TEXT
from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.profile import code_of, table_tags

KEY = bytes(range(32))
ALL = {"structured_text": True, "pixels_inspected": True}


@pytest.fixture(scope="module")
def planted():
    dataset = dcmread(get_testdata_file("CT_small.dcm", download=False))
    planted, canaries = plant_canaries(dataset)
    del planted.EncapsulatedDocument  # at the top it is refused
    return planted, [each for each in canaries if not each.path.startswith("(0042,0011)")]


def after(planted, **options):
    result = deidentify(planted, key=KEY, options=Options(**ALL | options)).dataset
    return result


def test_all_are_there_before(planted):
    dataset, canaries = planted
    found = {left.canary.path for left in canaries_left(dataset, canaries)}
    assert found == {canary.path for canary in canaries}
    for tag in table_tags():
        if tag.group not in (0, 2) and tag != 0x00420011:
            assert tag in dataset


def test_each_is_unique_and_at_every_depth(planted):
    _, canaries = planted
    assert len({each.value for each in canaries}) == len(canaries)
    for start in ("(0008,1115)[0].(0008,1199)[0].(0010,0010)", "(0099,1002)[0].(0008,1199)[0].",
                  "(0099,1002)[0].(0010,0010)", "(0099,1001)", "(0002,0016)"):  # fmt: skip
        assert any(each.path.startswith(start) for each in canaries), start


@pytest.mark.parametrize(
    "options",
    [{}, {"dates": "shift"}, {"dates": "shift", "times": "keep"},
     {"descriptor_words": frozenset({"ct", "thorax"})}],
)  # fmt: skip
def test_none_is_left(planted, options):
    dataset, canaries = planted
    left = canaries_left(after(dataset, **options), canaries)
    if options.get("times") == "keep":
        left = [each for each in left if each.canary.kind != "TM"]  # they were to be kept
    for each in left:  # a name in capital letters is a code string; a machine's text is let stand
        tag = Tag(*(int(half, 16) for half in each.canary.path[-10:-1].split(",")))
        assert each.canary.kind == "CS" or tag in MACHINE_TEXT | MACHINE_BYTES, each
        assert code_of(tag) is None
    assert {each.canary.kind for each in left} == {"CS", "LO", "SH", "OW", "OF", "OD", "OL", "OV"}


def test_beside_the_table_and_behind_the_pixels(planted):
    _, canaries = planted
    named = {each.path for each in canaries}
    for path in ("(0010,0033)", "(0008,2127)", "(0018,0024)",
                 "(0028,2000)", "(7FE0,0010)", "(6002,3000)", "(6002,4000)", "(5002,2500)",
                 "(0008,1115)[0].(0010,0033)", "(0014,3050)", "(0072,0067)", "(0072,0069)",
                 "(0072,0073)", "(0072,0075)", "(0072,0081)", "(0028,1200)"):  # fmt: skip
        assert path in named, path


def test_every_kind_of_bytes_beside_the_table_goes(planted):
    dataset, _ = planted
    clean = after(dataset)
    for tag in (0x00720067, 0x00720069, 0x00720073, 0x00720075, 0x00720081, 0x00281200):
        assert tag in dataset
        assert tag not in clean


def test_recursion_switched_off_is_found(planted, monkeypatch):
    dataset, canaries = planted
    let_stand = [each.canary for each in canaries_left(after(dataset), canaries)]
    monkeypatch.setattr(room._Cleaner, "_items", lambda self, items, path: None)
    left = [e for e in canaries_left(after(dataset), canaries) if e.canary not in let_stand]
    assert len(left) > 500
    assert all(each.where == "bytes" or "[0]." in each.where for each in left)


def test_private_elements_let_through_are_found(planted, monkeypatch):
    dataset, canaries = planted
    goes = room.why_removed
    monkeypatch.setattr(room, "why_removed", lambda tag: None if tag.is_private else goes(tag))
    monkeypatch.setattr(room._Cleaner, "_unnamed", lambda *_, **__: None)  # a second net
    left = canaries_left(after(dataset), canaries)
    assert any(each.where.endswith("(0099,1001)") for each in left)


def test_meta_information_let_through_is_found(planted, monkeypatch):
    dataset, canaries = planted
    monkeypatch.setattr(room, "clean_file_header", lambda dataset, uid: [])
    left = [each.where for each in canaries_left(after(dataset), canaries)]
    assert left.count("(0002,0016)") == 1


@pytest.mark.parametrize("part", ["_unnamed", "cut_tail"])
def test_what_is_beside_the_table_let_through_is_found(planted, monkeypatch, part):
    dataset, canaries = planted
    if part == "_unnamed":
        monkeypatch.setattr(room._Cleaner, part, lambda *_, **__: None)
    else:
        monkeypatch.setattr(room, part, lambda dataset: ())
    paths = {each.canary.path for each in canaries_left(after(dataset), canaries)}
    assert ("(0010,0033)" if part == "_unnamed" else "(7FE0,0010)") in paths


@pytest.mark.parametrize("tag", [(0x0010, 0x4000), (0x0008, 0x0050), (0x0010, 0x0030)])
def test_one_attribute_let_through_is_found(planted, monkeypatch, tag):
    dataset, canaries = planted
    code_of = room.code_of
    monkeypatch.setattr(
        room, "code_of", lambda t: None if (t.group, t.element) == tag else code_of(t)
    )
    monkeypatch.setattr(room._Cleaner, "_unnamed", lambda *_, **__: None)
    left = canaries_left(after(dataset), canaries)
    at = f"({tag[0]:04X},{tag[1]:04X})"
    assert any(each.where.endswith(at) for each in left)


def test_one_in_the_bytes_alone_is_found(planted):
    dataset, canaries = planted
    clean = after(dataset)
    (name,) = [each for each in canaries if each.path == "(0010,0010)"]
    clean.PixelData = clean.PixelData[:-20] + name.value.encode().ljust(20)
    left = canaries_left(clean, [name])
    assert [each.where for each in left] == ["bytes"]


def by_dicognito(dataset):
    from dicognito.anonymizer import Anonymizer

    def without_selectors(part, element):
        """Their dates and times are no pairs, and it takes them so."""
        if element.tag.group == 0x0072:
            del part[element.tag]

    dataset.walk(without_selectors)
    Anonymizer(seed="the same each time").anonymize(dataset)
    return dataset


def by_deid(dataset):
    from deid.config import DeidRecipe
    from deid.dicom.parser import DicomParser

    parser = DicomParser(dataset, recipe=DeidRecipe())
    parser.parse(remove_private=True)
    return parser.dicom


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("clean", "lets_stand"),
    [(by_dicognito, {"(0010,4000)", "(0099,1001)"}), (by_deid, {"(0010,2297)", "(0032,1066)"})],
)
def test_what_others_let_stand_is_found_and_goes_here(planted, clean, lets_stand):
    dataset, canaries = planted
    theirs = {e.canary.path for e in canaries_left(clean(copy.deepcopy(dataset)), canaries)}
    ours = {e.canary.path for e in canaries_left(after(dataset), canaries)}
    for inner in ("", "(0008,1115)[0].", "(0008,1115)[0].(0008,1199)[0]."):
        assert f"{inner}(0010,0010)" not in theirs | ours  # they did their work: names are gone
    found = lets_stand | {"(0002,0016)", "(7FE0,0010)"}  # who sent it; what is behind the pixels
    assert found <= theirs
    assert found.isdisjoint(ours)
    assert len(theirs) > 2 * len(ours)
