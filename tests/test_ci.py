"""The script that guards every change stops at the first fault, and tells where its time goes."""

import os
import re
import runpy
import subprocess
import sys
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

from medlib.systems.clinic import dicom_server, dicom_validation

ROOT = Path(__file__).parents[1]


def toc(chapters):
    names = "".join(f"      - file: part/c{n}\n" for n in range(chapters))
    return f"parts:\n  - chapters:\n{names}  - chapters:\n      - file: status\n"


@pytest.fixture
def run_ci(tmp_path):
    """Runs the script where every program that it calls is a stand-in, one of them failing.

    Each takes three seconds, by a clock of the test's own in place of the shell's.
    """
    (tmp_path / ".ci").mkdir()
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert len(re.findall(r"\bSECONDS\b", script)) == 4
    script = re.sub(r"\$?\bSECONDS\b", "$(cat clock)", script)
    (tmp_path / ".ci" / "run").write_text(script, "utf-8")
    (tmp_path / "clock").write_text("0\n", "utf-8")
    log = tmp_path / "log"

    def stand_in(path, failing):
        path.parent.mkdir(parents=True, exist_ok=True)
        words = f'echo "{path.name} $*" >> {log}\ncase "$*" in {failing}) exit 7;; esac\n'
        if path.name == "python":  # asked for the seconds of the chapters' tests: two of three
            words += 'case "$*" in *tests_of_chapters*) echo 2; exit;; esac\n'
        words += f"echo $(($(cat {tmp_path / 'clock'}) + 3)) > {tmp_path / 'clock'}\n"
        path.write_text(f"#!/bin/sh\n{words}", "utf-8")
        path.chmod(0o755)

    def run(failing="nothing", *, chapters=4, head="0000000"):
        (tmp_path / "_toc.yml").write_text(toc(chapters), "utf-8")
        for number in range(chapters):
            (tmp_path / f"build/runs/part/c{number:02d}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin/git").write_text(f"#!/bin/sh\necho {head}{'0' * 33}\n", "utf-8")
        (tmp_path / "bin/git").chmod(0o755)
        log.unlink(missing_ok=True)
        for name in (
            *("bin/make", "bin/chromium", "bin/Orthanc", "bin/dciodvfy"),
            *(".venv/bin/medbook", ".venv/bin/python"),
        ):
            stand_in(tmp_path / name, failing)
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", str(tmp_path / ".ci" / "run")],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, log.read_text("utf-8").splitlines()

    return run


def test_every_step_is_taken_and_told_with_its_seconds(run_ci):
    done, calls = run_ci()
    assert done.returncode == 0, done.stderr
    assert {"make test", "make book", "make door", "medbook check"} <= set(calls)
    assert sum("pytest tests/site" in call for call in calls) == 1
    summary = done.stdout.split("== Seconds by step\n")[1]
    rows = re.findall(r"^ *(\d+)  (once|each|four)  (.+)$", summary, re.M)
    taken = re.findall(r"^== (.+)  \[\d+ s\]$", done.stdout, re.M)
    (own, kind, _), rows = rows[-1], rows[:-1]
    assert (own, kind) == ("2", "each")
    assert [kind for _, kind, name in rows if "reproduce" in name] == ["four"]
    assert [name for *_, name in rows] == taken
    total = sum(int(seconds) for seconds, *_ in rows)
    each = 2 + sum(int(seconds) for seconds, kind, _ in rows if kind == "each")
    assert total == 3 * (len(calls) - 1) > each > 0
    assert ("6", "each", "make book: a cold build of the whole book") in rows
    assert f"{total}  in all, with 4 chapters\n" in summary
    # with four chapters all of them are reproduced; with twenty four are
    assert f"{total - each + each * 5}  with twenty\n" in summary
    assert "RED" not in done.stdout


@pytest.mark.parametrize("failing", ["test", "check", "door", ".ci/clinic_servers.py"])
def test_the_first_fault_ends_it_and_is_named(run_ci, failing):
    done, calls = run_ci(failing)
    assert done.returncode == 7
    assert calls[-1].endswith(failing)
    assert (
        f"RED in step: {re.findall(r'^== (.+)  .[0-9]+ s.$', done.stdout, re.M)[-1]}" in done.stdout
    )
    assert "== Seconds by step" in done.stdout


def reproduced(calls):
    (call,) = [call for call in calls if call.startswith("medbook reproduce --jobs 2 ")]
    return [int(number) for number in re.findall(r"build/runs/part/c(\d+)/", call)]


def test_few_chapters_are_all_run_again(run_ci):
    for head in ("0000000", "0000001"):
        assert reproduced(run_ci(chapters=4, head=head)[1]) == list(range(4))


def test_of_many_chapters_each_commit_runs_its_share_again_and_in_turn_all(run_ci):
    shares = [reproduced(run_ci(chapters=20, head=f"000000{digit}")[1]) for digit in "012345"]
    assert shares[5] == shares[0]
    assert sorted(chain(*shares[:5])) == list(range(20))
    assert max(map(len, shares)) <= 4


def test_the_tests_of_every_chapter_are_told_apart(tmp_path):
    report = tmp_path / "tests.xml"
    cases = {"tests.test_every_chapter": 40, "tests.site.test_exercises": 2, "tests.test_ci": 14}
    lines = [f'<testcase classname="{name}" time="{s}"/>' for name, s in cases.items()]
    report.write_text(f"<testsuites><testsuite>{''.join(lines)}</testsuite></testsuites>")
    slowest = tmp_path / "slowest.txt"
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "tests_of_chapters.py", report, "28", slowest],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "21\n"  # 56 seconds of tests, side by side, in 28
    assert slowest.read_text("utf-8").split("\n")[0].split() == [
        "40",
        "tests.test_every_chapter",
        "(1)",
    ]


@pytest.fixture
def ask_for_servers(monkeypatch):
    """Runs the script that asks for the clinic's server and validator; both are stand-ins."""

    @contextmanager
    def starts():
        yield SimpleNamespace(version="1.0")

    def ask(*, server=None, validator=None, start=starts):
        monkeypatch.setattr(dicom_server, "why_no_server", lambda: server)
        monkeypatch.setattr(dicom_server, "dicom_server", start)
        monkeypatch.setattr(dicom_validation, "why_no_validator", lambda: validator)
        runpy.run_path(str(ROOT / ".ci" / "clinic_servers.py"))

    return ask


def test_a_server_that_starts_and_a_validator_are_enough(ask_for_servers, capsys):
    ask_for_servers()
    assert capsys.readouterr().out.startswith("Orthanc 1.0 runs")


def test_each_that_is_missing_is_named(ask_for_servers):
    for missing in ({"server": "none here"}, {"validator": "none there"}):
        with pytest.raises(SystemExit, match=f"^{next(iter(missing.values()))}$"):
            ask_for_servers(**missing)
    with pytest.raises(SystemExit, match=r"^none here\nnone there$"):
        ask_for_servers(server="none here", validator="none there")


def test_a_server_that_does_not_start_is_none(ask_for_servers):
    @contextmanager
    def fails():
        raise ValueError("Orthanc does not start; the end of its log: ...")
        yield

    with pytest.raises(SystemExit, match="does not start"):
        ask_for_servers(start=fails)


def test_a_machine_that_makes_no_namespace_ends_it_with_the_reason(tmp_path, monkeypatch):
    """The kernel's refusal, as `unshare` tells it, where Orthanc is installed."""
    refuses = tmp_path / "unshare"
    refuses.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))  # there is no validator either
    for part in ("_executable", "_plugin"):
        monkeypatch.setattr(dicom_server, part, lambda: "/installed")
    dicom_server.why_no_server.cache_clear()
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / ".ci" / "clinic_servers.py"))
    finally:
        dicom_server.why_no_server.cache_clear()
    server, validator = ended.value.code.split("\n")
    assert server.startswith("no network namespace may be made here: unshare failed")
    assert validator.startswith("dciodvfy is not installed")
