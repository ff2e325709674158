"""Downloads from a real server that misbehaves: nothing bad is kept, and the message says why."""

import hashlib
import os
import socket
import threading
from pathlib import Path

import pytest

from data_fetch.download import Transfer, cache_folder, fetch, lock_file, state
from data_fetch.errors import ChecksumError, DataError, DownloadError
from tests.data_fetch.loopback import (
    BODY,
    QUICK,
    Server,
    entry,
    misplaced,
    ranged,
    resumable,
    status,
    truncated,
    whole,
)


def kept(folder: Path) -> list[str]:
    """Everything in the folder but the lock that filelock leaves."""
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")


def test_download_is_kept_pinned_and_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [whole(BODY)]
    wanted = entry(server.url("/x"))
    path = fetch(wanted, folder=tmp_path, transfer=QUICK)
    assert path.read_bytes() == BODY
    assert lock_file(path).read_text().split()[0] == hashlib.sha256(BODY).hexdigest()
    assert fetch(wanted, folder=tmp_path, transfer=QUICK) == path
    assert len(server.requests) == 1
    assert kept(tmp_path) == ["example.bin", "example.bin.sha256"]


def test_wrong_hash_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [whole(BODY[:-1] + b"!")]
    with pytest.raises(ChecksumError, match=r"does not have the digest sha256:.*It was not kept"):
        fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK)
    assert kept(tmp_path) == []


def test_wrong_md5_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [whole(b"other")]
    wanted = entry(server.url("/x"), sha256=None, md5=hashlib.md5(BODY).hexdigest())
    with pytest.raises(ChecksumError, match="md5:"):
        fetch(wanted, folder=tmp_path, transfer=QUICK)
    assert kept(tmp_path) == []


def test_truncated_body_is_not_taken_for_the_file(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [truncated(BODY, sent=70_000)]
    with pytest.raises(DownloadError, match=r"before the whole file had arrived.*tried 3 times"):
        fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK)
    assert kept(tmp_path) == ["example.bin.part"]
    assert state(entry(server.url("/x")), folder=tmp_path) == "partial"


def test_truncated_body_is_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [truncated(BODY, sent=70_000), ranged(BODY)]
    path = fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK)
    assert path.read_bytes() == BODY
    assert server.requests[1][1]["Range"] == "bytes=65536-"  # whole blocks are kept


def test_server_without_ranges_means_a_clean_restart(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [truncated(BODY, sent=70_000), whole(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY


def test_part_of_another_file_is_dropped_and_the_whole_is_fetched(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "example.bin.part").write_bytes(b"?" * 1000)
    server.answers["/x"] = [ranged(BODY), whole(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY
    assert "Range" not in server.requests[1][1]


def test_part_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "example.bin.part").write_bytes(BODY + b"more")
    server.answers["/x"] = [ranged(BODY), whole(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY


@pytest.mark.parametrize("left", [BODY, BODY + b"more"], ids=["as long", "longer"])
def test_a_part_that_the_server_cannot_go_on_from_is_thrown_away(
    server: Server, tmp_path: Path, left: bytes
) -> None:
    """The server honours every range, so that only a request without one gets the whole."""
    (tmp_path / "example.bin.part").write_bytes(left)
    server.answers["/x"] = [resumable(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY
    assert [request[1].get("Range") for request in server.requests] == [f"bytes={len(left)}-", None]
    assert kept(tmp_path) == ["example.bin", "example.bin.sha256"]


def test_a_part_after_which_the_server_sends_another_range_is_thrown_away(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "example.bin.part").write_bytes(BODY[:1000])
    server.answers["/x"] = [misplaced(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY
    assert [request[1].get("Range") for request in server.requests] == ["bytes=1000-", None]


def test_404_is_not_retried_and_says_how_to_bring_the_file(server: Server, tmp_path: Path) -> None:
    wanted = entry(server.url("/gone"), size_bytes=len(BODY))
    with pytest.raises(DownloadError) as caught:
        fetch(wanted, folder=tmp_path, transfer=QUICK)
    message = str(caught.value)
    assert "404 Not Found; the file was moved or withdrawn" in message
    assert f"download {server.url('/gone')} (102,400 bytes)" in message
    assert f"copy it to {tmp_path / 'example.bin'}" in message
    assert wanted.known_hash in message
    assert len(server.requests) == 1
    assert kept(tmp_path) == []


def test_500_then_success(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [status(500), status(503), whole(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY
    assert len(server.requests) == 3


def test_500_for_ever_gives_up(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [status(500)]
    with pytest.raises(DownloadError, match=r"answered 500 .*tried 3 times"):
        fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK)
    assert len(server.requests) == 3
    assert kept(tmp_path) == []


def test_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [status(302, Location=server.url("/there"))]
    server.answers["/there"] = [whole(BODY)]
    assert fetch(entry(server.url("/x")), folder=tmp_path, transfer=QUICK).read_bytes() == BODY


def test_redirects_in_a_circle_end(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [status(302, Location=server.url("/x"))]
    with pytest.raises(DownloadError, match="redirects"):
        fetch(entry(server.url("/x")), folder=tmp_path, transfer=Transfer(1, 0.0, progress=False))


def test_second_address_is_tried(server: Server, tmp_path: Path) -> None:
    server.answers["/mirror"] = [whole(BODY)]
    wanted = entry(server.url("/gone"), server.url("/mirror"))
    assert fetch(wanted, folder=tmp_path, transfer=QUICK).read_bytes() == BODY


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # nobody listens there once it is closed
    with pytest.raises(DownloadError, match=r"(?s)no connection.*Without a network.*MEDBOOK_DATA"):
        fetch(entry(f"http://127.0.0.1:{port}/x"), folder=tmp_path, transfer=QUICK)


def test_file_brought_by_hand_is_accepted_without_a_request(tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    path = fetch(entry("http://127.0.0.1:1/never"), folder=tmp_path, transfer=QUICK)
    assert path.read_bytes() == BODY
    assert lock_file(path).exists()


def test_damaged_cache_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(b"damaged")
    wanted = entry(server.url("/x"))
    assert state(wanted, folder=tmp_path) == "damaged"
    server.answers["/x"] = [whole(BODY)]
    assert fetch(wanted, folder=tmp_path, transfer=QUICK).read_bytes() == BODY
    assert state(wanted, folder=tmp_path) == "here"


def test_damaged_cache_is_never_returned_without_a_network(server: Server, tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(b"damaged")
    with pytest.raises(DownloadError, match=r"example.bin is there, but does not have the digest"):
        fetch(entry(server.url("/gone")), folder=tmp_path, transfer=QUICK)


def test_sha256_pinned_at_first_sight_is_held_to(tmp_path: Path) -> None:
    """An MD5 alone can be forged: a file with the same MD5 but another sha256 is refused."""
    wanted = entry("http://127.0.0.1:1/never", sha256=None, md5=hashlib.md5(BODY).hexdigest())
    (tmp_path / "example.bin").write_bytes(BODY)
    lock_file(tmp_path / "example.bin").write_text("0" * 64 + "  example.bin\n")
    with pytest.raises(ChecksumError, match="pins 0000"):
        fetch(wanted, folder=tmp_path, transfer=QUICK)
    assert state(wanted, folder=tmp_path) == "damaged"


def test_two_at_once_download_once(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = [whole(BODY)]
    wanted, paths = entry(server.url("/x")), []

    def get() -> None:
        paths.append(fetch(wanted, folder=tmp_path, transfer=QUICK))

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert len(server.requests) == 1


def test_unwritable_folder_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="set MEDBOOK_DATA to another folder"):
        fetch(entry("http://127.0.0.1:1/x"), folder=tmp_path / "file" / "in", transfer=QUICK)


def test_others_may_read_what_was_fetched(server: Server, tmp_path: Path) -> None:
    """A cache is shared: neither the folder, nor the file, nor its pin is its owner's alone."""
    server.answers["/x"] = [whole(BODY)]
    old = os.umask(0o022)
    try:
        path = fetch(entry(server.url("/x")), folder=tmp_path / "data", transfer=QUICK)
    finally:
        os.umask(old)
    modes = {each.name: each.stat().st_mode & 0o777 for each in (path, *path.parent.iterdir())}
    assert path.parent.stat().st_mode & 0o777 == 0o755
    assert {name: mode for name, mode in modes.items() if not name.endswith(".lock")} == {
        path.name: 0o644,
        f"{path.name}.sha256": 0o644,
    }


def test_only_network_sets_are_fetched() -> None:
    with pytest.raises(DataError, match=r"needs no download: call data_fetch.packaged.retina"):
        fetch("retina")


def test_cache_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEDBOOK_DATA", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MEDBOOK_DATA")
    assert cache_folder().name == "pixels-to-patients"


def test_progress_is_drawn_on_request(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers["/x"] = [whole(BODY)]
    fetch(entry(server.url("/x")), folder=tmp_path, transfer=Transfer(1, 0.0, progress=True))
    assert "100%" in capsys.readouterr().err
