"""What a changed library does to the pages: our freshness against Jupyter Book's own cache.

The same two notebooks, in one run, on both sides. One prints a number that a library file computes;
the file is edited; does the page show the new number? The other raises: does the build say so?
The peer is `jupyter-book build` with `execute_notebooks: cache`, which looks at the notebooks only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from press.source.project import Project
from press.source.weave import weave, write_notebook

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "medlib/pixels/answer.py"
CHAPTER = """\
# %% [markdown]
# # {name}

# %% tags=["parameters"]
seed: int = 0  # master seed
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"

# %%
from medlib import experiment
from medlib.pixels.answer import answer
run = experiment.start("pixels/{name}", locals())

# %%
{code}

# %%
run.finish()
"""
CODE = {"value": 'print(f"the answer is {answer()}")', "raises": "1 / 0"}
CONFIG = "title: peer\nexecute:\n  execute_notebooks: cache\n"


@dataclass(frozen=True)
class Side:
    """What one side's pages and exit codes said."""

    name: str
    before: str
    after: str
    seconds: float
    exit_on_error: int


def make_project(root: Path) -> Path:
    """A project with a library file that answers 42 and a chapter that prints the answer."""
    for package in ("medlib", "medlib/pixels", "data_fetch"):
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").touch()
    shutil.copytree(ROOT / "medlib" / "experiment", root / "medlib" / "experiment")
    (root / LIBRARY).write_text("def answer():\n    return 42\n")
    write_chapter(root, "value")
    return root


def write_chapter(root: Path, name: str) -> None:
    """Write one of the two chapters."""
    folder = root / "chapters" / "pixels" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(CHAPTER.format(name=name, code=CODE[name]))


def environment(root: Path) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDBOOK_", "PYTEST_"))}
    path = os.pathsep.join((str(root), str(ROOT)))
    return kept | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def call(root: Path, *command: str | Path) -> int:
    """Run a command quietly; its exit code."""
    options = {"env": environment(root), "cwd": root, "capture_output": True}
    return subprocess.run([sys.executable, *command], check=False, **options).returncode


def shown(text: str) -> str:
    """The number that a page or notebook prints."""
    found = re.search(r"the answer is (\d+)", text)
    return found.group(1) if found else "nothing"


def press_builds(root: Path) -> str:
    """Run what the press finds stale; the number shown after it."""
    from press.cli.build import what_to_run
    from press.run.execute import execute_all

    project = Project(root)
    stale, _ = what_to_run(project)
    execute_all(project, [item.job for item in stale])
    return shown((project.run_dir(project.chapter("value")) / "notebook.ipynb").read_text())


def press_on_error(root: Path) -> int:
    """The exit code of `medbook run` on the chapter that raises."""
    return call(root, "-m", "press.cli.main", "--root", root, "run", "raises")


def stage_peer(root: Path) -> Path:
    """The same notebooks as a Jupyter Book."""
    stage = root / "peer"
    stage.mkdir(exist_ok=True)
    names = [chapter.name for chapter in Project(root).chapters]
    for chapter in Project(root).chapters:
        write_notebook(weave(chapter.source), stage / f"{chapter.name}.ipynb")
    (stage / "_config.yml").write_text(CONFIG)
    (stage / "index.md").write_text("# Peer\n")
    files = "".join(f"  - file: {name}\n" for name in names)
    (stage / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{files}")
    return stage


def peer_builds(root: Path) -> tuple[str, int]:
    """Build the Jupyter Book; the number on its page, and the exit code."""
    stage = stage_peer(root)
    start = "from jupyter_book.cli.main import main; main()"
    code = call(root, "-c", start, "build", stage)
    return shown((stage / "_build" / "html" / "value.html").read_text()), code


def compare(root: Path) -> tuple[Side, Side]:
    """Build, edit the library, build again, plant an error, build again: on both sides."""
    make_project(root)
    ours_before, (peer_before, _) = press_builds(root), peer_builds(root)
    (root / LIBRARY).write_text("def answer():\n    return 43\n")
    begin = time.perf_counter()
    ours_after = press_builds(root)
    middle = time.perf_counter()
    peer_after, _ = peer_builds(root)
    end = time.perf_counter()
    write_chapter(root, "raises")
    ours_code, (_, peer_code) = press_on_error(root), peer_builds(root)
    return (
        Side("press", ours_before, ours_after, middle - begin, ours_code),
        Side("Jupyter Book's cache", peer_before, peer_after, end - middle, peer_code),
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        sides = compare(Path(scratch))
    print("a library file changes what `the answer is` prints from 42 to 43; another page raises")
    print(f"{'':22} {'first':>6} {'after the edit':>15} {'seconds':>8} {'exit code on error':>19}")
    for side in sides:
        stale = "  (stale)" if side.after == side.before else ""
        line = f"{side.name:22} {side.before:>6} {side.after:>15} {side.seconds:>8.1f}"
        print(f"{line} {side.exit_on_error:>19}{stale}")
    print("(the peer's seconds include rendering its pages, the press's execution only)")


if __name__ == "__main__":
    main()
