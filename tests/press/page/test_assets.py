import json
import os
from pathlib import Path

import pytest

from press.errors import Exit
from press.page.assets import FILES, AssetsError, ensure_assets, installed, vendor_files

ROOT = Path(__file__).resolve().parents[3]
LOCK = {"packages": {"": {"name": "x"}, "node_modules/a": {"version": "1.0.0", "integrity": "i"}}}


def write_lock(path: Path, lock: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lock), "utf-8")


def fill(root: Path, *, lock: dict = LOCK) -> None:
    """A node_modules that holds what `lock` says and every file that is served."""
    write_lock(root / "node_modules" / ".package-lock.json", lock)
    for name in FILES:
        path = root / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_lock(tmp_path / "package-lock.json", LOCK)
    return tmp_path


@pytest.fixture
def npm(tmp_path_factory, monkeypatch):
    """Puts a script of the test's own on the PATH as npm."""

    def put(script: str) -> None:
        folder = tmp_path_factory.mktemp("bin")
        program = folder / "npm"
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    return put


def test_what_the_lock_says_is_not_installed_again(root, npm) -> None:
    fill(root)
    npm("echo must not run >&2; exit 1")
    said: list[str] = []
    assert ensure_assets(root, echo=said.append) == root / "node_modules"
    assert said == []


def test_what_serves_tests_alone_may_be_absent_and_is_on_no_page(root, npm) -> None:
    """As after `npm ci` where NODE_ENV=production, which leaves it out."""
    axe = {"node_modules/axe-core": {"version": "4.0.0", "integrity": "i", "dev": True}}
    write_lock(root / "package-lock.json", {"packages": LOCK["packages"] | axe})
    fill(root)
    assert installed(root)
    assert not any("axe" in path for path in vendor_files(root))
    del axe["node_modules/axe-core"]["dev"]
    write_lock(root / "package-lock.json", {"packages": LOCK["packages"] | axe})
    assert not installed(root)


@pytest.mark.parametrize("damage", ["nothing there", "other version", "other bytes", "file gone"])
def test_whatever_differs_from_the_lock_is_installed(root, npm, damage) -> None:
    if damage != "nothing there":
        fill(root)
    if damage == "other version":
        write_lock(
            root / "node_modules" / ".package-lock.json",
            {"packages": {"node_modules/a": {"version": "1.0.1", "integrity": "i"}}},
        )
    if damage == "other bytes":
        write_lock(
            root / "node_modules" / ".package-lock.json",
            {"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "j"}}},
        )
    if damage == "file gone":
        (root / "node_modules" / next(iter(FILES))).unlink()
    assert not installed(root)
    good = root.parent / "good"
    fill(good)
    npm(f'test "$1" = ci && rm -rf node_modules && cp -r {good}/node_modules node_modules')
    said: list[str] = []
    ensure_assets(root, echo=said.append)
    assert said == ["web assets: npm ci"]
    assert installed(root)


def test_without_npm_the_message_says_what_to_install(root, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(AssetsError, match="apt-get install npm") as caught:
        ensure_assets(root)
    assert caught.value.exit_code == Exit.ENVIRONMENT


def test_what_npm_complains_of_is_told(root, npm) -> None:
    npm("echo npm error EINTEGRITY wrong bytes >&2; exit 1")
    with pytest.raises(AssetsError, match="EINTEGRITY wrong bytes"):
        ensure_assets(root, echo=lambda line: None)


def test_an_installation_unlike_the_lock_is_refused(root, npm) -> None:
    npm("mkdir -p node_modules; exit 0")
    with pytest.raises(AssetsError, match=r"unlike package-lock\.json"):
        ensure_assets(root, echo=lambda line: None)


def test_without_a_lock_nothing_is_installed(tmp_path, npm) -> None:
    npm("exit 0")
    with pytest.raises(AssetsError, match="not pinned"):
        ensure_assets(tmp_path)


def test_icons_of_the_widgets_are_served_too(root) -> None:
    fill(root)
    fonts = root / "node_modules/@jupyter-widgets/html-manager/dist/abc.woff2"
    fonts.write_text("font", "utf-8")
    served = vendor_files(root)
    assert served["@jupyter-widgets/html-manager/dist/abc.woff2"] == fonts
    assert set(FILES.values()) < set(served)


def test_our_lock_names_no_address_and_pins_what_package_json_asks_for() -> None:
    text = (ROOT / "package-lock.json").read_text("utf-8")
    assert "resolved" not in text
    assert "://" not in text
    lock = json.loads(text)["packages"]
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    assert lock[""]["dependencies"] == package["dependencies"]
    assert lock[""]["devDependencies"] == package["devDependencies"]
    wanted = package["dependencies"] | package["devDependencies"]
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all(entry.get("integrity") for path, entry in lock.items() if path)
    settings = (ROOT / ".npmrc").read_text("utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings
