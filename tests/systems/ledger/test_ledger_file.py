"""Nothing is lost or mixed: cut at every byte, killed while writing, written by many at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medlib.systems.ledger import ledger_file
from medlib.systems.ledger.entry import Draft, to_line
from medlib.systems.ledger.ledger_file import append, read_ledger

NOON = "2024-05-03T12:00:00Z"
ROOT = Path(__file__).parents[3]


def notes(n, first=0):
    return [Draft("note", {"n": first + i, "text": "ü\n"}) for i in range(n)]


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger"
    append(path, notes(3), time=NOON)
    return path


def folder(path):
    """Every file beside the ledger but its lock, with its bytes and times."""
    return {
        one.name: (one.read_bytes(), one.stat().st_mtime_ns)
        for one in path.parent.iterdir()
        if one.suffix != ".lock"
    }


def python(*lines, **options):
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        **options,
    )


def test_what_is_written_is_read(ledger):
    more = append(ledger, notes(2, first=3), time=NOON)
    contents = read_ledger(ledger)
    assert [entry.body["n"] for entry in contents.entries] == list(range(5))
    assert contents.entries[3:] == more.entries
    assert contents.fault is None
    assert contents.torn == b""
    assert more.moved is None
    assert ledger.read_bytes() == b"".join(map(to_line, contents.entries))
    assert ledger.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def no_waiting(monkeypatch):
    """For hundreds of appends that are not about the disk."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.mark.usefixtures("no_waiting")
def test_cut_at_every_byte_of_the_last_entry(tmp_path):
    append(tmp_path / "whole", notes(3), time=NOON)
    data = (tmp_path / "whole").read_bytes()
    begins = data.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(begins, len(data) + 1):
        path = tmp_path / f"cut{end}" / "ledger"
        path.parent.mkdir()
        path.write_bytes(data[:end])
        kept = 3 if end >= len(data) - 1 else 2  # without its line break an entry is whole
        torn = data[begins:end] if kept == 2 else b""
        before = folder(path)
        seen = read_ledger(path)
        assert (len(seen.entries), seen.torn, seen.fault) == (kept, torn, None)
        assert folder(path) == before, "reading changed something"
        assert not list(path.parent.glob("*.lock"))
        written = append(path, notes(1, first=9), time=NOON)
        assert (written.moved is not None) == bool(torn)
        if torn:
            assert written.moved.read_bytes() == torn
            assert written.moved.parent == path.parent
        after = read_ledger(path)
        assert [e.body["n"] for e in after.entries] == [*range(kept), 9]
        assert (after.fault, after.torn) == (None, b"")


@pytest.mark.usefixtures("no_waiting")
def test_cut_within_the_first_entry(tmp_path):
    append(tmp_path / "whole", notes(1), time=NOON)
    data = (tmp_path / "whole").read_bytes()
    for end in [*range(0, len(data), 9), len(data) - 2, len(data) - 1]:
        path = tmp_path / f"cut{end}"
        path.write_bytes(data[:end])
        assert append(path, notes(1, first=9), time=NOON).entries[0].index == end // (len(data) - 1)
        assert read_ledger(path).fault is None


def test_killed_between_moving_aside_and_cutting_off(ledger, monkeypatch):
    os.truncate(ledger, ledger.stat().st_size - 5)
    monkeypatch.setattr(os, "ftruncate", lambda *_: pytest.exit("killed"))
    with pytest.raises(pytest.exit.Exception):
        append(ledger, notes(1), time=NOON)
    monkeypatch.undo()
    assert append(ledger, notes(1), time=NOON).moved is not None
    assert len(list(ledger.parent.glob("*.torn-*"))) == 1
    assert len(read_ledger(ledger).entries) == 3


WRITER = """
import sys
from pathlib import Path
from medlib.systems.ledger.entry import Draft
from medlib.systems.ledger.ledger_file import append
path, name, times, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for i in range(times):
    draft = Draft("note", {"writer": name, "i": i, "text": "x" * size})
    append(path, [draft], time="2024-05-03T12:00:00Z")
    print(i, flush=True)
"""


def writer(path, name, times, size):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, name, str(times), str(size)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


def test_many_writers_lose_and_mix_nothing(ledger):
    writers = [writer(ledger, name, 15, 5000) for name in "abc"]
    assert [one.wait() for one in writers] == [0, 0, 0]
    contents = read_ledger(ledger)
    assert contents.fault is None
    assert contents.torn == b""
    for name in "abc":
        own = [e.body["i"] for e in contents.entries if e.body.get("writer") == name]
        assert own == list(range(15))
    for one in writers:
        one.stdout.close()


@pytest.mark.parametrize("told", [1, 2, 3])
def test_a_killed_writer_loses_nothing_that_it_told(ledger, told):
    one = writer(ledger, "a", 1000, 300_000)
    for _ in range(told):
        last = int(one.stdout.readline())
    one.send_signal(signal.SIGKILL)
    one.wait()
    last = max([last, *map(int, one.stdout.read().split())])
    one.stdout.close()
    append(ledger, [Draft("note", {"writer": "b"})], time=NOON)
    contents = read_ledger(ledger)
    assert contents.fault is None
    own = [e.body["i"] for e in contents.entries if e.body.get("writer") == "a"]
    assert own == list(range(len(own)))
    assert last < len(own) <= last + 2  # one may have been written and not yet told
    assert contents.entries[-1].body["writer"] == "b"


@pytest.mark.parametrize(("end", "kept"), [(0, 3), (90, 3), (-2, 3), (-1, 4)])
def test_killed_at_a_byte_of_the_write_itself(ledger, end, kept):
    """The operating system takes a part of the bytes, and then the process is gone."""
    one = python(
        "import os, signal, sys",
        "from pathlib import Path",
        "from medlib.systems.ledger.entry import Draft",
        "from medlib.systems.ledger.ledger_file import append",
        "write = os.write",
        "def dying(file, data):",
        f"    write(file, bytes(data)[:{end}])",
        "    os.kill(os.getpid(), signal.SIGKILL)",
        "os.write = dying",
        f"append(Path({str(ledger)!r}), [Draft('note', {{'n': 7}})], time={NOON!r})",
    )
    one.communicate()
    assert one.returncode == -signal.SIGKILL
    assert len(read_ledger(ledger).entries) == kept
    written = append(ledger, notes(1), time=NOON)
    assert (written.moved is None) == (end in (0, -1))
    assert len(read_ledger(ledger).entries) == kept + 1


def test_no_room_on_the_disk_takes_back_what_was_written(ledger, monkeypatch):
    before, write = ledger.read_bytes(), os.write

    def full(file, data):
        write(file, bytes(data)[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        append(ledger, notes(1), time=NOON)
    assert ledger.read_bytes() == before


def test_short_writes_are_finished(ledger, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data)[:7]))
    append(ledger, notes(1, first=3), time=NOON)
    assert len(read_ledger(ledger).entries) == 4


def test_it_waits_for_the_disk_before_it_returns(tmp_path, monkeypatch):
    done = []
    fsync, write = os.fsync, os.write
    monkeypatch.setattr(
        os, "fsync", lambda file: (done.append(os.fstat(file).st_mode), fsync(file))
    )
    monkeypatch.setattr(os, "write", lambda *a: (done.append("write"), write(*a))[1])
    append(tmp_path / "new", notes(1), time=NOON)
    kinds = ["write" if x == "write" else "folder" if x & 0o040000 else "file" for x in done]
    assert kinds == ["folder", "write", "file"]


@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_the_last_line_is_found_whatever_its_length(ledger, monkeypatch, block):
    monkeypatch.setattr(ledger_file, "_BLOCK", block)
    append(ledger, [Draft("note", {"text": "x" * 300})], time=NOON)
    append(ledger, notes(1), time=NOON)
    assert read_ledger(ledger).fault is None


def test_a_damaged_line_is_named_and_not_moved(ledger):
    data = ledger.read_bytes().replace(b'"n":2', b'"n":3')
    ledger.write_bytes(data)
    assert read_ledger(ledger).fault.wrong == "content changed"
    with pytest.raises(ValueError, match="damaged"):
        append(ledger, notes(1), time=NOON)
    ledger.write_bytes(data.replace(b'{"body":{"n":1', b'{"body"X{"n":1'))
    fault = read_ledger(ledger).fault
    assert (fault.position, fault.wrong) == (1, "unreadable")
    assert not list(ledger.parent.glob("*.torn-*"))


@pytest.mark.parametrize(
    "data", [b"hello", b"hello\n", b'{"a":1}\n', b"\x89PNG\r\n\x1a\n", b"\n", b"{}", bytes(100)]
)
def test_what_is_no_ledger_is_refused_and_left_alone(tmp_path, data):
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no ledger"):
        read_ledger(path)
    with pytest.raises(ValueError, match=r"no ledger|no entry of a ledger"):
        append(path, notes(1), time=NOON)
    assert path.read_bytes() == data
    assert not list(tmp_path.glob("*.torn-*"))


def test_a_folder_and_what_is_not_there(tmp_path):
    for call in (read_ledger, lambda path: append(path, notes(1), time=NOON)):
        with pytest.raises(ValueError, match="is a folder"):
            call(tmp_path)
        with pytest.raises(ValueError, match="there is no"):
            call(tmp_path / "none" / "ledger")
    with pytest.raises(ValueError, match="there is no"):
        read_ledger(tmp_path / "ledger")


def test_no_permission(ledger):
    ledger.chmod(0)
    ledger.parent.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(ValueError, match="no permission to read"):
            read_ledger(ledger)
        with pytest.raises(ValueError, match="no permission to write"):
            append(ledger, notes(1), time=NOON)
    finally:
        if root:
            os.seteuid(0)
        ledger.parent.chmod(0o700)


def test_a_lock_that_is_held_is_told(ledger):
    with (
        ledger_file.FileLock(f"{ledger}.lock"),
        pytest.raises(ValueError, match="is a writer hanging"),
    ):
        append(ledger, notes(1), time=NOON, lock_timeout_s=0.01)
    assert len(append(ledger, notes(1), time=NOON).entries) == 1


def test_what_is_no_json_leaves_the_ledger_as_it_was(ledger):
    before = ledger.read_bytes()
    with pytest.raises(ValueError, match="is nan"):
        append(ledger, [*notes(1), Draft("note", {"x": float("nan")})], time=NOON)
    assert ledger.read_bytes() == before


def test_nothing_to_write_is_nothing_written(ledger):
    before = ledger.read_bytes()
    assert append(ledger, [], time=NOON).entries == ()
    assert ledger.read_bytes() == before
