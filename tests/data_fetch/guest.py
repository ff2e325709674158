"""A program run for somebody whom permissions bind, as they do not bind root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def as_a_guest(*words: str) -> list[str]:
    """The lines that a program prints for somebody whom permissions bind."""
    before: list[str] = []
    if os.geteuid() == 0:  # they do not bind root, unless it gives that power up
        if not shutil.which("setpriv"):
            pytest.skip("root, and there is no setpriv to become less")
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*before, sys.executable, *words], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return (done.stdout + done.stderr).splitlines()
