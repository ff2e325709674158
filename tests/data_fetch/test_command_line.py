"""`python -m data_fetch`: what a person sees, and exit codes that mean something."""

import sys

import pytest

import data_fetch.__main__ as command_line
from data_fetch.catalog import catalog, dataset
from tests.data_fetch.loopback import BODY, Server, entry, whole


@pytest.fixture
def call(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MEDBOOK_DATA", str(tmp_path / "data"))

    def with_arguments(*arguments):
        monkeypatch.setattr(sys, "argv", ["data_fetch", *arguments])
        code = 0
        try:
            command_line.run()
        except SystemExit as stopped:
            code = stopped.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return with_arguments


def test_list_names_everything_and_where_downloads_go(call, tmp_path):
    code, out, _ = call("list")
    assert code == 0
    for name in catalog():
        assert name in out
    assert "not here" in out
    assert str(tmp_path / "data") in out
    assert not (tmp_path / "data").exists(), "listing writes nothing"


def test_help_teaches(call):
    code, out, _ = call("--help")
    assert code == 0
    assert "python -m data_fetch get pathmnist" in out


def test_unknown_name_is_one_line_and_status_1(call):
    code, out, err = call("get", "pathmint")
    assert (code, out) == (1, "")
    assert err.startswith("error: no data set 'pathmint'; the nearest is 'pathmnist'")
    assert err.count("\n") == 1


def test_wrong_command_is_status_2(call):
    code, _, err = call("fetch")
    assert code == 2
    assert "No such command" in err


def test_packaged_data_need_no_download(call):
    code, _, err = call("get", "retina")
    assert code == 1
    assert "needs no download: call data_fetch.packaged.retina" in err


def test_get_then_verify(call, monkeypatch, server: Server, tmp_path):
    server.answers["/x"] = [whole(BODY)]
    example = entry(server.url("/x"))
    monkeypatch.setattr(command_line, "dataset", lambda _name: example)
    monkeypatch.setattr(command_line, "fetch", lambda _name, **kw: original(example, **kw))
    code, out, _ = call("get", "example")
    assert code == 0
    assert example.sha256 in out
    code, out, _ = call("verify", "example")
    assert (code, out) == (0, f"example: here, {example.known_hash} holds\n")
    (tmp_path / "data/example.bin").write_bytes(b"damaged")
    code, out, err = call("verify", "example")
    assert code == 1
    assert "DAMAGED" in out
    assert "1 of 1 data sets failed" in err


original = command_line.fetch


def test_verify_of_something_not_here_says_how_to_bring_it(call):
    code, out, _ = call("verify", "breastmnist")
    assert code == 1
    assert "not here. Without a network: on another machine download" in out


def test_verify_checks_all_that_is_here(call):
    code, out, _ = call("verify")
    assert code == 0
    assert "retina: here, sha256 holds" in out
    assert "simulated_head_ct: made on demand" in out


def test_show_prints_the_card(call):
    code, out, _ = call("show", "retina")
    assert code == 0
    assert out.strip() == dataset("retina").card_path.read_text(encoding="utf-8").strip()
