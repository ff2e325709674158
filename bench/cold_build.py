"""A cold build of the whole book against Jupyter Book's own execution of the same notebooks.

Peer: `jupyter-book build` with `execute_notebooks: force`, on the same pages and the same woven
notebooks, in one run on one machine, each side with its own defaults. Also measured: a second build
with nothing changed, and one after an edit of prose.

Goals on two cores: cold ratio <= 0.55, nothing changed <= 5 s.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COLD_GOAL, UNCHANGED_GOAL_S = 0.55, 5.0


def copy_checkout(target: Path) -> Path:
    """The files that git knows or would know, copied; the web assets linked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / "node_modules").symlink_to(ROOT / "node_modules")
    return target


def timed(command: list[str | Path], *, log: Path, **options) -> float:
    """Wall seconds of a command that must succeed; its output goes to `log`."""
    begin = time.perf_counter()
    with log.open("w") as stream:
        done = subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, check=False, **options
        )
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{log.read_text()[-3000:]}")
    return time.perf_counter() - begin


def stage_for_peer(checkout: Path, stage: Path) -> None:
    """The press's own stage, with notebooks that have not been executed."""
    from press.source.project import Project
    from press.source.weave import weave, write_notebook

    shutil.copytree(checkout / "build" / "stage", stage)
    for chapter in Project(checkout).chapters:
        write_notebook(weave(chapter.source), stage / f"{chapter.id}.ipynb")
    config = yaml.safe_load((stage / "_config.yml").read_text())
    config["execute"] = {"execute_notebooks": "force", "timeout": -1}
    (stage / "_config.yml").write_text(yaml.safe_dump(config))


def main() -> None:
    """Measure, and print the ratios."""
    # threads are left to each side's own defaults: the press sets one a chapter, its peer none
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        checkout = copy_checkout(Path(scratch) / "book")
        log, stage = Path(scratch) / "log.txt", Path(scratch) / "peer"
        build = [BIN / "medbook", "--root", checkout, "build"]
        ours = timed(build, log=log, env=environment)
        unchanged = timed(build, log=log, env=environment)
        page = checkout / "book" / "how_to_read.md"
        page.write_text(page.read_text() + "\nOne more sentence.\n")
        prose = timed(build, log=log, env=environment)
        stage_for_peer(checkout, stage)
        peer = timed(
            [BIN / "jupyter-book", "build", "--path-output", Path(scratch) / "peer-out", stage],
            log=log,
            env=environment | {"PYTHONPATH": str(checkout)},
        )
    print(f"cores                                     {len(os.sched_getaffinity(0))}")
    print(f"cold build, medbook                       {ours:7.1f} s")
    print(f"cold build, Jupyter Book's own execution  {peer:7.1f} s")
    print(f"ratio (goal <= {COLD_GOAL})                     {ours / peer:7.2f}")
    print(f"nothing changed (goal <= {UNCHANGED_GOAL_S:.0f} s)              {unchanged:7.1f} s")
    print(f"one sentence of prose changed             {prose:7.1f} s")


if __name__ == "__main__":
    main()
