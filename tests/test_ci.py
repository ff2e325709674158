"""The script that guards every change stops at the first fault, and tells where its time goes."""

import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("failing", ["test", "check", "door"])
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
