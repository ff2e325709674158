"""A crate is what it was: a byte, a file more or less, a word of the record; each is named."""

import json
import random

import pytest

from press.check.crate import crate_digest, inspect_crate, inspect_digests, read_crate
from press.crate.manifest import MANIFEST
from press.crate.opening import Crate, open_crate
from press.crate.packing import archive, write_crate
from press.crate.terms import METADATA
from press.errors import Exit, UserError
from press.finding import errors
from tests.press.packed_book import digested, write_folder


def told(files, tmp_path):
    return [str(finding) for finding in inspect_crate(Crate(tmp_path / "c", files))]


def test_a_crate_as_it_was_made_is_sound(crate_files, tmp_path):
    assert told(crate_files, tmp_path) == []
    write_crate(crate_files, tmp_path / "c.zip")
    packed = read_crate(tmp_path / "c.zip")
    assert packed.record.chapter == "pixels/whole"
    assert packed.digest == crate_digest(Crate(tmp_path, crate_files))
    assert len(packed.digest) == 64


def test_a_byte_flipped_anywhere_in_any_file_is_named(crate_files, tmp_path):
    """First, last and drawn places of every file; the bit is drawn as well."""
    draw = random.Random(0)
    for name, data in crate_files.items():
        places = {0, len(data) - 1, *(draw.randrange(len(data)) for _ in range(5))} if data else ()
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << draw.randrange(8)
            found = inspect_digests(Crate(tmp_path, {**crate_files, name: bytes(changed)}))
            assert any(name in finding.message for finding in errors(found)), (name, place)


def test_every_bit_of_the_manifest_and_of_a_small_file_is_held(crate_files, tmp_path):
    for name in (MANIFEST, "parameters.json"):
        data = crate_files[name]
        for place in range(0, len(data), 1 if len(data) < 200 else 41):
            for bit in range(8):
                changed = bytearray(data)
                changed[place] ^= 1 << bit
                files = {**crate_files, name: bytes(changed)}
                assert errors(inspect_digests(Crate(tmp_path, files))), (name, place, bit)


def test_no_byte_of_an_archive_changes_unseen(crate_files, tmp_path):
    """Of a small one: data, names, headers, dates; what is not an error is said in a note."""
    small = {name: crate_files[name] for name in ("record.json", "parameters.json")}
    graph = [{"@id": name, "@type": "File", "sha256": ""} for name in small]
    graph.append({"@id": MANIFEST, "@type": "File"})
    files = digested({**small, METADATA: json.dumps({"@graph": graph}).encode()})
    data = archive(files)
    path = tmp_path / "c.zip"
    assert inspect_digests(Crate(path, files)) == []
    silent = []
    for place in range(0, len(data), 13):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        try:
            if not inspect_digests(open_crate(path)):
                silent.append(place)
        except UserError:
            continue
    assert silent == []


@pytest.mark.parametrize("name", ["figures/ramp.png", "record.json", METADATA, MANIFEST])
def test_a_missing_file_is_named(crate_files, tmp_path, name):
    files = {key: data for key, data in crate_files.items() if key != name}
    assert any(f"{name} is missing" in line for line in told(files, tmp_path))


def test_an_extra_file_is_named(crate_files, tmp_path):
    lines = told({**crate_files, "code/medlib/more.py": b""}, tmp_path)
    assert (
        f"{tmp_path / 'c'}: digest: code/medlib/more.py is extra: {MANIFEST} does not list it"
        in lines
    )


def test_a_flipped_byte_in_an_archive_is_named_though_its_checksum_stops_it(crate_files, tmp_path):
    data = archive(crate_files)
    picture = crate_files["figures/ramp.png"]
    place = data.index(picture) + len(picture) // 2
    changed = bytearray(data)
    changed[place] ^= 1
    (tmp_path / "c.zip").write_bytes(changed)
    with pytest.raises(UserError, match=r"figures/ramp.png cannot be read: Bad CRC-32") as caught:
        read_crate(tmp_path / "c.zip")
    assert caught.value.exit_code == Exit.CHECK_FAILED


def spoiled_description(files, change):
    content = json.loads(files[METADATA])
    change({entity["@id"]: entity for entity in content["@graph"]})
    return digested({**files, METADATA: json.dumps(content).encode()})


def test_a_description_with_other_sizes_or_paths_is_named(crate_files, tmp_path):
    from press.crate.manifest import write_manifest

    content = json.loads(crate_files[METADATA])
    by_id = {entity["@id"]: entity for entity in content["@graph"]}
    by_id["record.json"]["contentSize"] = "1"
    by_id["parameters.json"]["sha256"] = 64 * "0"
    by_id["source.ipynb"]["@id"] = "../source.ipynb"
    files = {**crate_files, METADATA: json.dumps(content).encode()}
    lines = "\n".join(told({**files, MANIFEST: write_manifest(files)}, tmp_path))
    assert "another size is told of record.json" in lines
    assert "another sha256 is told of parameters.json" in lines
    assert "refused: '../source.ipynb' leaves the crate" in lines


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("code/medlib/experiment/run.py", b"import", b"import ", "is not the file that the run im"),
        ("code/constraints.txt", b"2.4.6", b"2.4.7", "code/constraints.txt is not the file that"),
        ("parameters.json", b"40", b"41", "does not hold the parameters of the run"),
        ("source.ipynb", b"linspace(0, 1", b"linspace(0, 9", "are not of the same code"),
        ("record.json", b'"schema_version": 1', b'"schema_version": 7', "record schema 7"),
        ("notebook.ipynb", b"{", b"[", "notebook.ipynb cannot be read"),
    ],
)
def test_a_forger_who_mends_the_digests_meets_the_record(
    crate_files, tmp_path, name, old, new, expected
):
    assert old in crate_files[name]
    files = digested({**crate_files, name: crate_files[name].replace(old, new)})
    lines = told(files, tmp_path)
    assert any(expected in line for line in lines), lines
    assert not any(": digest: " in line for line in lines)


def test_another_picture_is_not_what_the_run_drew(crate_files, tmp_path):
    for other in (crate_files["figures/slider-01.png"], b"no picture"):
        files = digested({**crate_files, "figures/ramp.png": other})
        assert any("ramp.png does not show what the run drew" in t for t in told(files, tmp_path))


def test_the_first_thing_wrong_is_told_and_how_many_more(crate_files, tmp_path):
    files = {**crate_files, "a": b"", "b": b""}
    write_folder(files, tmp_path / "c")
    with pytest.raises(
        UserError, match=r"digest: a is extra.*\(and \d more: `medbook crate --chec"
    ):
        read_crate(tmp_path / "c")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"@graph": 3}', b'{"@graph": "ab"}', b"\xff"]
)
def test_a_description_that_is_none_is_told_and_never_a_fault(crate_files, tmp_path, data):
    lines = told({**crate_files, METADATA: data}, tmp_path)
    assert any("RO-Crate 1.1, RO-Crate Metadata File" in line for line in lines)


def test_nested_nonsense_is_told(crate_files, tmp_path):
    deep = b'{"@graph": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    assert told({**crate_files, METADATA: deep}, tmp_path)
    odd = {"@graph": [{"@id": ["a"], "@type": "File"}, {"@id": 3, "@type": {"a": 1}}, {}]}
    assert told({**crate_files, METADATA: json.dumps(odd).encode()}, tmp_path)
