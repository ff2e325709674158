"""The script that guards every change stops at the first fault, and tells where its time goes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOC = "parts:\n  - chapters:\n" + "".join(f"      - file: part/c{n}\n" for n in range(4))


@pytest.fixture
def run_ci(tmp_path):
    """Runs the script where every program that it calls is a stand-in, one of them failing.

    Each takes three seconds, by a clock of the test's own in place of the shell's.
    """
    (tmp_path / ".ci").mkdir()
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert len(re.findall(r"\bSECONDS\b", script)) == 3
    script = re.sub(r"\$?\bSECONDS\b", "$(cat clock)", script)
    (tmp_path / ".ci" / "run").write_text(script, "utf-8")
    (tmp_path / "clock").write_text("0\n", "utf-8")
    (tmp_path / "_toc.yml").write_text(TOC + "  - chapters:\n      - file: status\n", "utf-8")
    log = tmp_path / "log"

    def stand_in(path, failing):
        path.parent.mkdir(parents=True, exist_ok=True)
        words = f'echo "{path.name} $*" >> {log}\ncase "$*" in {failing}) exit 7;; esac\n'
        if path.name == "python":  # asked for the seconds of the chapters' tests: two of three
            words += 'case "$*" in *tests_of_chapters*) echo 2; exit;; esac\n'
            words += 'case "$*" in *--ignore*) exit;; esac\n'  # beside another: takes no time
        words += f"echo $(($(cat {tmp_path / 'clock'}) + 3)) > {tmp_path / 'clock'}\n"
        path.write_text(f"#!/bin/sh\n{words}", "utf-8")
        path.chmod(0o755)

    def run(failing="nothing"):
        for name in ("bin/make", "bin/chromium", ".venv/bin/medbook", ".venv/bin/python"):
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
    assert sum("pytest tests/site" in call for call in calls) == 2  # side by side
    assert any(call.startswith("medbook reproduce --jobs 2 build/runs/") for call in calls)
    summary = done.stdout.split("== Seconds by step\n")[1]
    rows = re.findall(r"^ *(\d+)  (once|each)  (.+)$", summary, re.M)
    taken = re.findall(r"^== (.+)  \[\d+ s\]$", done.stdout, re.M)
    (own, kind, _), rows = rows[-1], rows[:-1]
    assert (own, kind) == ("2", "each")
    assert [name for *_, name in rows] == taken
    total = sum(int(seconds) for seconds, *_ in rows)
    each = 2 + sum(int(seconds) for seconds, kind, _ in rows if kind == "each")
    assert total == 3 * (len(calls) - 2) > each > 0
    assert ("6", "each", "make book: a cold build of the whole book") in rows
    assert f"{total}  in all, with 4 chapters\n" in summary
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


@pytest.mark.parametrize("failing", ["*--ignore*", "*/test_accessible.py*"])
def test_a_fault_in_either_half_of_the_site_test_ends_it(run_ci, failing):
    done, calls = run_ci(failing)
    assert done.returncode == 7
    assert re.search(r"RED in step: The built site", done.stdout)
    assert "make door" not in calls


def test_the_tests_of_every_chapter_are_told_apart(tmp_path):
    report = tmp_path / "tests.xml"
    cases = {"tests.test_every_chapter": 40.4, "tests.test_every_exercise": 2.0, "tests.test_ci": 9}
    lines = [f'<testcase classname="{name}" time="{s}"/>' for name, s in cases.items()]
    report.write_text(f"<testsuites><testsuite>{''.join(lines)}</testsuite></testsuites>")
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "tests_of_chapters.py", report],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "42\n"
