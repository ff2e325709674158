"""One byte changed, anywhere: the audit names that, and nothing else as a cause."""

import hashlib
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medlib.systems.ledger.audit import World, audit
from medlib.systems.ledger.entry import Draft
from medlib.systems.ledger.kinds import (
    ImageSource,
    code_draft,
    data_draft,
    digests_of_files,
    environment_draft,
    images_draft,
    metric_draft,
    run_draft,
)
from medlib.systems.ledger.ledger_file import append, read_ledger
from medlib.systems.ledger.signed_head import sign_head
from medlib.systems.ledger.signing_keys import key_id

NOON = "2024-05-03T12:00:00Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def made(tmp_path):
    """A small study: its data, program, environment, ledger; the metric is the mean of the data."""
    data, code, ledger = tmp_path / "data", tmp_path / "code", tmp_path / "ledger"
    for folder in (data / "scans", code / "lib"):
        folder.mkdir(parents=True)
    (data / "truth.bin").write_bytes(bytes([1, 2, 3, 4]))
    (data / "scans" / "a.dcm").write_bytes(bytes([5, 6, 7, 8]))
    (code / "fit.py").write_text("print(1)\n")
    (code / "lib" / "net.py").write_text("x = 1\n")
    environment = {"packages": {"numpy": "2.1.0", "torch": "2.5.0"}, "threads": 1}

    def recompute(metric, run):
        every = (data / "truth.bin").read_bytes() + (data / "scans" / "a.dcm").read_bytes()
        return sum(every) / len(every) + run.body["parameters"]["shift"]

    def add(draft):
        return append(ledger, [draft], time=NOON).entries[0].digest

    scan = ImageSource(
        "1.1", "1.2", "1.3", "scans/a.dcm", digests_of_files(data)["scans/a.dcm"], {"KVP": 120}
    )
    rests_on = {
        "images": add(images_draft([scan])),
        "data": add(data_draft({"truth.bin": digests_of_files(data)["truth.bin"]})),
        "code": add(code_draft(digests_of_files(code), commit="abc")),
        "environment": add(environment_draft(environment)),
    }
    run = add(run_draft(name="fit", parameters={"shift": 0.25, "seed": 0}, rests_on=rests_on))
    add(metric_draft(name="mean", value=4.75, unit="1", run=run, interval=(4, 5), n=8))
    head = sign_head(read_ledger(ledger).entries, key=KEY, time=NOON)
    world = {
        "data": data, "code": code, "environment": environment, "recompute": recompute,
        "heads": [head], "keys": {key_id(KEY.public_key()): KEY.public_key()},
    }  # fmt: skip

    def report(**change):
        return audit(ledger, World(**world | change))

    return SimpleNamespace(ledger=ledger, report=report, **world)


def flipped(path, at=0):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    return hashlib.sha256(bytes(data)).hexdigest()


def only(causes):
    assert len(causes) == 1, causes
    return causes[0]


def test_what_did_not_change_agrees_and_stays_as_it_is(made):
    before = made.ledger.read_bytes()
    report = made.report()
    assert report.agrees
    assert report.checked == {
        "ledger": 6, "environment": 3, "code": 2, "data": 2, "metric": 1, "signed ends": 1,
    }  # fmt: skip
    assert made.ledger.read_bytes() == before


@pytest.mark.parametrize("file", ["truth.bin", "scans/a.dcm"])
@pytest.mark.parametrize("at", range(4))
def test_a_byte_of_data(made, file, at):
    was = hashlib.sha256((made.data / file).read_bytes()).hexdigest()
    found = flipped(made.data / file, at)
    report = made.report()
    cause = only(report.causes)
    assert (cause.part, cause.path, cause.was, cause.found) == ("data", file, was, found)
    metric = only([each for each in report.findings if each.follows])
    assert (metric.part, metric.path) == ("metric", "mean")
    assert report.findings == (cause, metric)


@pytest.mark.parametrize("at", range(6))
def test_a_byte_of_code(made, at):
    was = hashlib.sha256((made.code / "lib" / "net.py").read_bytes()).hexdigest()
    found = flipped(made.code / "lib" / "net.py", at)
    cause = only(made.report().findings)
    assert (cause.part, cause.path) == ("code", "lib/net.py")
    assert (cause.was, cause.found) == (was, found)


def test_files_that_are_gone_or_came(made):
    (made.code / "lib" / "net.py").unlink()
    (made.code / "json.py").write_text("")
    (made.code / "notes.txt").write_text("no program")
    (made.data / "truth.bin").unlink()
    found = {each.path: each for each in made.report(recompute=None).findings}
    assert set(found) == {"lib/net.py", "json.py", "truth.bin"}
    assert found["lib/net.py"].found is None
    assert found["truth.bin"].detail == "is gone"
    assert found["json.py"].was is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"packages": {"numpy": "2.1.1", "torch": "2.5.0"}, "threads": 1}, "packages.numpy"),
        ({"packages": {"numpy": "2.1.0", "torch": "2.5.0"}, "threads": 2}, "threads"),
        ({"packages": {"numpy": "2.1.0"}, "threads": 1}, "packages.torch"),
        (
            {"packages": {"numpy": "2.1.0", "torch": "2.5.0", "x": "1"}, "threads": 1},
            "packages.x",
        ),
    ],
)
def test_a_part_of_the_environment(made, change, path):
    cause = only(made.report(environment=change).findings)
    assert (cause.part, cause.path) == ("environment", path)
    assert cause.was != cause.found


def test_a_metric_that_nothing_explains(made):
    cause = only(made.report(recompute=lambda metric, run: 4.750000000000001).findings)
    assert (cause.part, cause.path, cause.follows) == ("metric", "mean", False)
    assert cause.was != cause.found
    assert "4.75 was written; it is 4.750000000000001 now" in cause.detail


@pytest.fixture
def judged(made):
    """The study's run left scores, and a second run, which rests on the first, judged them."""
    (made.data / "scores.bin").write_bytes(b"s")
    outputs = {"scores.bin": digests_of_files(made.data)["scores.bin"]}
    fit = read_ledger(made.ledger).entries[4].digest

    def add(draft):
        return append(made.ledger, [draft], time=NOON).entries[0].digest

    scoring = {"name": "score", "parameters": {"shift": 0}, "rests_on": {"fit": fit}}
    scored = add(run_draft(**scoring, outputs=outputs))
    judging = {"name": "judge", "parameters": {"shift": 0}, "rests_on": {"scored": scored}}
    judge = add(run_draft(**judging))
    add(metric_draft(name="auc", value=0.5, unit="AUC", run=judge))
    values = {"mean": 4.75, "auc": 0.5}

    def report(**other):
        changed = values | other.pop("values", {})
        return made.report(recompute=lambda metric, run: changed[metric.body["name"]], **other)

    return SimpleNamespace(report=report, data=made.data, checked=made.report().checked)


def test_what_follows_follows_through_every_run(judged):
    assert judged.report().agrees
    other = {"packages": {"numpy": "2.1.0", "torch": "0"}, "threads": 1}
    report = judged.report(environment=other, values={"auc": 0.6})
    assert [each.path for each in report.findings] == ["packages.torch", "auc"]
    assert only(report.causes).path == "packages.torch"
    flipped(judged.data / "scans" / "a.dcm")
    assert only(judged.report(values={"auc": 0.6}).causes).path == "scans/a.dcm"


def test_the_outputs_of_a_run_are_compared(judged):
    assert judged.checked["data"] == 3
    flipped(judged.data / "scores.bin")
    report = judged.report(values={"auc": 0.6})
    cause = only(report.causes)
    assert (cause.part, cause.path, cause.entry) == ("data", "scores.bin", 6)
    assert [each.path for each in report.findings if each.follows] == ["auc"]


@pytest.mark.parametrize("name", ["truth.bin", "scans"])
def test_a_link_to_the_same_bytes_is_no_file_of_the_data(made, name):
    elsewhere = made.data.parent / "elsewhere"
    (made.data / name).rename(elsewhere)
    (made.data / name).symlink_to(elsewhere)
    assert only(made.report(recompute=None).causes).part == "data"


def test_every_byte_of_the_ledger(made):
    data = made.ledger.read_bytes()
    for at in range(0, len(data), 29):  # each takes a tenth of a second
        position = data[:at].count(b"\n")
        flipped(made.ledger, at)
        cause = only(made.report(recompute=None).causes)
        assert cause.part == "ledger"
        assert cause.path.startswith((f"entry {position}:", "line 1", "end of the file")), at
        made.ledger.write_bytes(data)


def test_every_byte_of_the_ledger_without_a_head(made):
    data = made.ledger.read_bytes()
    for at in [*range(3, len(data) - 1, 97), len(data) - 1]:
        flipped(made.ledger, at)
        assert only(made.report(heads=()).causes).part == "ledger"
        made.ledger.write_bytes(data)


def test_a_ledger_cut_short_needs_a_head_to_be_found(made):
    lines = made.ledger.read_bytes().splitlines(keepends=True)
    made.ledger.write_bytes(b"".join(lines[:-1]))
    cause = only(made.report().findings)
    assert (cause.part, cause.path) == ("ledger", "head of entry 5: truncated")
    assert made.report(heads=()).agrees


def test_a_history_written_anew_is_a_fork(made):
    drafts = [Draft(entry.kind, entry.body) for entry in read_ledger(made.ledger).entries]
    made.ledger.unlink()
    append(made.ledger, drafts, time="2024-05-03T12:00:01Z")
    report = made.report()
    cause = only(report.causes)
    assert cause.path == "head of entry 5: forked"
    assert cause.was == made.heads[0].digest != cause.found


def test_a_torn_end_is_told(made):
    with made.ledger.open("ab") as stream:
        stream.write(b'{"body":{"n')
    cause = only(made.report().findings)
    assert cause.path == "end of the file: torn"


def test_the_most_upstream_stands_first(made):
    flipped(made.data / "truth.bin")
    flipped(made.code / "fit.py")
    data = made.ledger.read_bytes()
    made.ledger.write_bytes(data.replace(b'"seed":0', b'"seed":1'))
    report = made.report(environment={})
    parts = [each.part for each in report.findings]
    assert parts == ["ledger", "ledger", *["environment"] * 3, "code", "data", "metric"]
    assert [each.part for each in report.causes] == [
        "ledger", *["environment"] * 3, "code", "data",
    ]  # fmt: skip


def test_what_stands_behind_a_break_follows_from_it(made):
    flipped(made.data / "truth.bin")
    made.ledger.write_bytes(made.ledger.read_bytes().replace(b'"KVP":120', b'"KVP":121'))
    report = made.report(recompute=None, heads=())
    assert [each.part for each in report.findings] == ["ledger", "data"]
    assert only(report.causes).path == "entry 0: content changed"


def test_a_metric_of_no_run_is_the_ledgers_fault(made):
    append(made.ledger, [metric_draft(name="x", value=1, unit="", run="1" * 64)], time=NOON)
    cause = only(made.report().findings)
    assert (cause.part, cause.path) == ("ledger", "entry 6")


def test_a_body_that_is_not_of_its_kind_is_the_ledgers_fault(made):
    append(made.ledger, [Draft("data", {"files": 7}), Draft("images", {"images": [{}]})], time=NOON)
    assert [each.path for each in made.report().findings] == ["entry 6", "entry 7"]


@pytest.mark.parametrize("name", ["../ledger", "/etc/hostname"])
def test_a_file_outside_of_the_data_is_not_looked_at(made, name):
    append(made.ledger, [data_draft({name: "1" * 64})], time=NOON)
    assert only(made.report().findings).found is None


def test_what_is_not_given_is_not_checked(made):
    report = audit(made.ledger, World())
    assert report.agrees
    assert report.checked == {
        "ledger": 6, "environment": 0, "code": 0, "data": 0, "metric": 0, "signed ends": 0,
    }  # fmt: skip


def test_no_ledger_is_refused(made):
    with pytest.raises(ValueError, match="is not a file"):
        audit(made.data, World())
    with pytest.raises(ValueError, match="is not a folder"):
        audit(made.ledger, World(data=made.ledger))
