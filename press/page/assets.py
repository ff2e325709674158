"""Web assets: what a page needs in the reader's browser, from npm, served by the book itself.

`package.json` and `package-lock.json` at the root pin them; reading a page fetches nothing else.
What the lock calls `dev` (the checker of accessibility) serves the tests alone, and no page.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from press.errors import Exit, UserError

FONT = "@fontsource-variable"
WIDGETS = "@jupyter-widgets/html-manager/dist"
SUBSETS = ("latin", "latin-ext", "greek")

# path under node_modules -> path under the site's _static/vendor
FILES: dict[str, str] = {
    # the full build: \boldsymbol, \cancel and the like would otherwise be separate requests
    "mathjax/es5/tex-svg-full.js": "mathjax/tex-svg-full.js",
    "mathjax/LICENSE": "mathjax/LICENSE",
    "requirejs/require.js": "requirejs/require.js",
    f"{WIDGETS}/embed-amd.js": f"{WIDGETS}/embed-amd.js",
    **{
        f"{FONT}/{font}/files/{font}-{part}-{cut}.woff2": f"fonts/{font}-{part}-{cut}.woff2"
        for font, parts, cuts in (
            ("inter", SUBSETS, ("wght-normal",)),
            ("source-serif-4", SUBSETS, ("opsz-normal", "opsz-italic")),
            ("inconsolata", SUBSETS[:2], ("wght-normal",)),  # narrow: 96 columns fit beside a text
        )
        for part in parts
        for cut in cuts
    },
    f"{FONT}/inter/LICENSE": "fonts/inter-LICENSE",
    f"{FONT}/source-serif-4/LICENSE": "fonts/source-serif-4-LICENSE",
    f"{FONT}/inconsolata/LICENSE": "fonts/inconsolata-LICENSE",
}


class AssetsError(UserError):
    """The web assets cannot be had; the message says what to install or to run."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.ENVIRONMENT)


def installed(root: Path) -> bool:
    """True when node_modules holds what the lock file says of pages, and every file we serve."""
    locked = _packages(root / "package-lock.json")
    there = _packages(root / "node_modules" / ".package-lock.json")
    return (
        bool(locked)
        and locked == there
        and all((root / "node_modules" / name).is_file() for name in FILES)
    )


def ensure_assets(root: Path, *, echo: Callable[[str], None] = print) -> Path:
    """Install the locked packages if they are not there, and return node_modules.

    Args:
        root: the project's root, which holds package.json and package-lock.json.
        echo: told, in one line, when an installation starts.

    Raises:
        AssetsError: npm is missing or failed; the message says what to do.
    """
    if installed(root):
        return root / "node_modules"
    if not (root / "package-lock.json").is_file():
        raise AssetsError(f"{root}: no package-lock.json, so the web assets are not pinned")
    npm = shutil.which("npm")
    if npm is None:
        raise AssetsError(
            "npm is missing; it brings the web assets (MathJax, widgets, fonts) that the pages"
            " serve themselves. Install it (Debian and Ubuntu: apt-get install npm; conda: conda"
            " install nodejs) and run the same command again"
        )
    echo("web assets: npm ci")
    done = subprocess.run(
        [npm, "ci", "--no-progress", "--loglevel=error"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise AssetsError(
            "npm ci failed: "
            + " | ".join(lines[:4] or [f"exit code {done.returncode}"])
            + " (is the npm registry reachable from here?)"
        )
    if not installed(root):
        missing = [name for name in FILES if not (root / "node_modules" / name).is_file()]
        raise AssetsError(
            "npm ci left node_modules unlike package-lock.json"
            + (f"; missing {missing[0]}" if missing else "")
        )
    return root / "node_modules"


def vendor_files(root: Path) -> dict[str, Path]:
    """The served files: path under ``_static/vendor`` -> the file in node_modules."""
    modules = root / "node_modules"
    files = {target: modules / source for source, target in FILES.items()}
    for font in sorted((modules / WIDGETS).glob("*.woff2")):  # icons; named by their content
        files[f"{WIDGETS}/{font.name}"] = font
    return files


def _packages(lock: Path) -> dict[str, tuple[str, str]]:
    """Package path -> (version, integrity) of a lock file, without what serves tests alone.

    Empty if the file cannot be read.
    """
    try:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return {
        path: (entry.get("version", ""), entry.get("integrity", ""))
        for path, entry in packages.items()
        if path and not entry.get("dev")
    }
