"""What a Dask worker is handed: two functions that start the press's own processes beside it.

A worker, and the scheduler between, need none of the book's code: this file travels as its text
(`press.run.cluster`), so that whatever `press` they may have installed is never the one that runs.
Hence it imports nothing of ours, and gives and takes plain data only.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

LOOK_EVERY_S = 0.2
LEAVE_WITHIN_S = 15.0
PACKAGES = ("press", "medlib", "data_fetch")


def settle(data: bytes, digest: str) -> dict[str, Any]:
    """Unpack the sources under their digest, once, and let the worker show its passport there."""
    from distributed import get_worker

    worker = get_worker()
    about = {"worker": str(worker.name), "address": worker.address}
    if hashlib.sha256(data).hexdigest() != digest:
        return {**about, "differences": ["the sources arrived damaged"]}
    tree = _tree(worker, digest)
    if not tree.is_dir():
        tree.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=tree.parent))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(fresh, filter="data")
        fresh.rename(tree)
    checkouts = {}
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is not None and found.origin:
            checkouts[package] = str(Path(found.origin).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "press.run.admission"],
        input=json.dumps(checkouts) + "\n",
        capture_output=True,
        text=True,
        cwd=tree,
        env=_environment(tree),
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return {**about, "differences": [f"the press does not start there: {last}"]}
    return {**about, **json.loads(done.stdout)}


def run_point(order: dict[str, Any], digest: str, topic: str) -> dict[str, Any]:
    """Run one point in a process of its own, and bring its folder back as bytes.

    The process is ended, with its kernel, once nobody waits for the point any more: it was
    cancelled, its client is gone, or this worker is closing.
    """
    from distributed import get_worker

    worker = get_worker()
    tree = _tree(worker, digest)
    if not tree.is_dir():
        return {"ended": "unsettled"}
    key = worker.get_current_task()
    scratch = Path(tempfile.mkdtemp(prefix="point-", dir=tree.parent))
    log = scratch / "log.txt"
    over = threading.Event()
    try:
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "press.run.point", str(scratch)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=tree,
                env=_environment(tree),
                start_new_session=True,
            )
        watch = threading.Thread(target=_watch, args=(worker, key, process, over), daemon=True)
        watch.start()
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            last = _pass_on(process.stdout, order, worker, topic)
        except BrokenPipeError:
            last = {}
        finally:
            over.set()
            watch.join()
            _end(process)
            process.stdout.close()
        if last.get("event") != "ended":
            text = log.read_text(encoding="utf-8", errors="replace")
            return {"ended": "died", "code": process.returncode, "log": text.splitlines()[-8:]}
        return {**last, "ended": "whole", "folder": (scratch / "folder.tar").read_bytes()}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tree(worker: Any, digest: str) -> Path:
    return Path(worker.local_directory) / "medbook" / digest


def _environment(tree: Path) -> dict[str, str]:
    dropped = ("PYTHONHOME", "MEDBOOK_ROOT", "MEDBOOK_RUN_DIR")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"PYTHONPATH": str(tree), "PYTHONNOUSERSITE": "1"}


def _pass_on(lines: Any, order: dict[str, Any], worker: Any, topic: str) -> dict[str, Any]:
    """Tell the client how the point gets on, cells not too often; the last event."""
    event: dict[str, Any] = {}
    told = 0.0
    for line in lines:
        event = json.loads(line)
        now = time.monotonic()
        if event["event"] == "start" or (
            event["event"] == "cell" and now - told >= order["notice_s"]
        ):
            told = now
            worker.log_event(topic, {**event, "key": order["key"]})
    return event


def _watch(worker: Any, key: str, process: Any, over: threading.Event) -> None:
    """End the process as soon as nobody waits for it."""
    while not over.wait(LOOK_EVERY_S):
        task = worker.state.tasks.get(key)
        open_still = worker.status.name in ("running", "paused", "closing_gracefully")
        if not open_still or task is None or task.state == "cancelled":
            _end(process)
            return


def _end(process: Any) -> None:
    """Close the process's standard input, which tells it to leave; kill it if it does not."""
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(timeout=LEAVE_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
