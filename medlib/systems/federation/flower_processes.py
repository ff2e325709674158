"""The same federation as real processes on this machine: TLS, and nodes that prove who they are.

Flower's server (SuperLink) and a node (SuperNode) for each hospital listen on 127.0.0.1 only, with
keys, certificates and settings in one folder. Every process is started in a group of its own; its
group and all that it started are ended with it. A "book" is a folder of what the processes need to
know, read without unpickling anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import psutil
import torch

import medlib
from medlib.systems.federation.certificates import make_node_key, make_server_certificate
from medlib.systems.federation.flower_rounds import FlowerRun, client_app, server_strategy
from medlib.systems.federation.quiet_flower import SILENT, import_flower
from medlib.systems.federation.site_training import Recipe, Site

__all__ = ["SuperLink", "app_of", "serve", "superlink", "write_book"]

_PART = tuple(field.name for field in dataclasses.fields(Site))
_APP = {
    "pyproject.toml": """[project]
name = "federation"
version = "1.0.0"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "book"
[tool.flwr.app.components]
serverapp = "hospitals.apps:server"
clientapp = "hospitals.apps:client"
[tool.flwr.app.config]
book = "{book}"
""",
    "hospitals/__init__.py": "",
    "hospitals/apps.py": """from flwr.serverapp import ServerApp
from medlib.systems.federation.flower_processes import app_of, serve
server, client = ServerApp(), app_of("{book}")

@server.main()
def main(grid, context):
    serve(grid, "{book}")
""",
}


def write_book(
    folder: Path,
    sites: Mapping[str, Site],
    *,
    factory: str,
    settings: Mapping[str, Any],
    init: int,
    recipe: Recipe,
    seed: int,
    local: Collection[str] = (),
) -> None:
    """Write what the processes need: how to make the network, the recipe, and each one's images.

    Args:
        folder: is made; each hospital's images are in a file of its own.
        factory: "module:function" that makes the network from `settings` and a `generator`.
        init: seed of that generator.
        sites, recipe, seed, local: as for `federate`.
    """
    folder.mkdir(parents=True)
    for name, site in sites.items():
        torch.save({part: getattr(site, part) for part in _PART}, folder / f"site_{name}.pt")
    plan = {
        "factory": factory, "settings": dict(settings), "init": init, "seed": seed,
        "recipe": dataclasses.asdict(recipe), "local": sorted(local), "hospitals": sorted(sites),
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")


def app_of(book: str):
    """The ClientApp of a node's process: it reads the images of its own hospital only."""
    plan, net = _plan(Path(book))

    class OwnSite(dict):
        def __missing__(self, name: str) -> Site:
            parts = torch.load(Path(book) / f"site_{name}.pt", weights_only=True)
            return self.setdefault(name, Site(**parts))

    torch.set_num_threads(1)
    recipe = Recipe(**plan["recipe"])
    return client_app(net, OwnSite(), recipe=recipe, seed=plan["seed"], local=plan["local"])


def serve(grid, book: str) -> None:
    """The server's process: run the strategy, and write what came of it beside the plan."""
    plan, net = _plan(Path(book))
    strategy = server_strategy(net, len(plan["hospitals"]), local=plan["local"])
    run = strategy.run(grid, rounds=plan["recipe"]["rounds"])
    torch.save(dataclasses.asdict(run), Path(book) / "run.part")
    os.replace(Path(book) / "run.part", Path(book) / "run.pt")


class SuperLink:
    """A running server; see `superlink`."""

    def __init__(self, folder: Path, port: int, groups: dict[str, subprocess.Popen]):
        self.folder, self.port, self._groups = folder, port, groups
        self.address = f"127.0.0.1:{port}"
        self.known = {"server"}

    def start_node(self, name: str, *, register: bool = True) -> subprocess.Popen:
        """Start a hospital's node with a new key, which the server is told of, or not.

        A node that is not registered tries a few times, and ends with Flower's exit code 305.
        """
        key, public = make_node_key(self.folder / f"key_{name}")
        if register:
            from flwr.proto.control_pb2 import RegisterNodeRequest

            with self._control() as control:
                control.RegisterNode(RegisterNodeRequest(public_key=public))
        self.known |= {name} if register else set()
        return self._groups.setdefault(
            name,
            _start(
                self.folder, f"node_{name}", "flower-supernode",
                "--root-certificates", self.folder / "ca.pem", "--superlink", self.address,
                "--auth-supernode-private-key", key, "--node-config", f'hospital="{name}"',
                "--host", "127.0.0.1", "--port", _free_port(), "--max-retries", 3,
            ),
        )  # fmt: skip

    def run(self, book: Path, *, seconds: float = 600) -> FlowerRun:
        """Send the app to the server and wait until the run is written.

        Raises:
            TimeoutError: it was not, in time, or the server or a registered node ended; the
                message ends with its last words.
        """
        from flwr.cli.build import build_fab_from_disk
        from flwr.common.serde import fab_to_proto
        from flwr.proto.control_pb2 import StartRunRequest
        from flwr.supercore.fab import Fab

        app = self.folder / "app"
        for name, text in _APP.items():
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            (app / name).write_text(text.replace("{book}", str(book)), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a library's, in Flower's use
            packed = build_fab_from_disk(app)
        fab = Fab(hashlib.sha256(packed).hexdigest(), packed, {})
        with self._control() as control:
            control.StartRun(StartRunRequest(fab=fab_to_proto(fab)))
        needed = {name: self._groups[name] for name in sorted(self.known)}
        _wait_for(book.joinpath("run.pt").exists, seconds, needed, self.folder)
        found = torch.load(book / "run.pt", weights_only=True)
        return FlowerRun(**{**found, "validation_loss": tuple(found["validation_loss"])})

    @contextmanager
    def _control(self) -> Iterator[Any]:
        from flwr.cli.typing import SuperLinkConnection
        from flwr.cli.utils import init_http_client_from_connection

        before = os.environ.get("FLWR_HOME")
        os.environ["FLWR_HOME"] = str(self.folder / "home")
        connection = SuperLinkConnection(
            name="here", address=self.address, insecure=False,
            root_certificates=str(self.folder / "ca.pem"),
        )  # fmt: skip
        try:
            with redirect_stdout(io.StringIO()):  # it prints which server it talks to
                control = init_http_client_from_connection(connection)
            try:
                yield control
            finally:
                control.close()
        finally:
            os.environ.pop("FLWR_HOME")
            if before is not None:
                os.environ["FLWR_HOME"] = before


@contextmanager
def superlink(folder: Path, *, seconds: float = 120) -> Iterator[SuperLink]:
    """Start Flower's server with TLS and node authentication; end it and all nodes afterwards.

    Args:
        folder: for keys, certificates, settings and logs; is made.
        seconds: that it may take to listen.

    Raises:
        TimeoutError: it does not listen.
    """
    import_flower("flwr.cli.utils", "flwr.cli.build")
    (folder / "home").mkdir(parents=True)
    # what Flower would write there by itself names a server of its makers
    (folder / "home" / "config.toml").write_text("[superlink]\n", encoding="utf-8")
    make_server_certificate(folder)
    port = _free_port()
    groups: dict[str, subprocess.Popen] = {}
    try:
        groups["server"] = _start(
            folder, "server", "flower-superlink", "--enable-supernode-auth",
            "--ssl-ca-certfile", folder / "ca.pem", "--ssl-certfile", folder / "server.pem",
            "--ssl-keyfile", folder / "server.key", "--host", "127.0.0.1", "--port", port,
            "--disable-runtime-dependency-installation",
        )  # fmt: skip
        _wait_for(lambda: _listens(port), seconds, groups, folder)
        yield SuperLink(folder, port, groups)
    finally:
        _end(groups.values())


def _start(folder: Path, log: str, program: str, *arguments: Any) -> subprocess.Popen:
    """In a group of its own, whose number is the number of the process."""
    places = [str(Path(medlib.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    bin_folder = str(Path(sys.executable).parent)
    settings = {
        **os.environ, **SILENT, "FLWR_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PATH": bin_folder + os.pathsep + os.environ.get("PATH", ""),
    }  # fmt: skip
    with (folder / f"{log}.log").open("wb") as out:
        return subprocess.Popen(
            [Path(bin_folder) / program, *map(str, arguments)], stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, cwd=folder, env=settings, start_new_session=True,
        )  # fmt: skip


def _end(started: Collection[subprocess.Popen], *, patience: float = 10) -> None:
    """End what was started, and what that started: Flower puts tasks in groups of their own."""
    family: list[psutil.Process] = []
    for process in started:
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(process.pid).children(recursive=True)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(sign)
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
        psutil.wait_procs(family, timeout=patience)


def _wait_for(ready, seconds: float, needed: Mapping[str, subprocess.Popen], folder: Path) -> None:
    until = time.monotonic() + seconds
    while not ready():
        ended = [name for name, process in needed.items() if process.poll() is not None]
        if ended or time.monotonic() > until:
            which = ended[0] if ended else "server"
            log = folder / ("server.log" if which == "server" else f"node_{which}.log")
            last = log.read_text("utf-8", "replace")[-2000:]
            what = f"{which!r} ended" if ended else f"nothing came in {seconds:.0f} s"
            raise TimeoutError(f"{what}; the last words of {which!r}:\n{last}")
        with suppress(subprocess.TimeoutExpired):
            needed["server"].wait(0.2)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _plan(book: Path):
    plan = json.loads((book / "plan.json").read_text("utf-8"))
    module, function = plan["factory"].split(":")
    make = getattr(importlib.import_module(module), function)
    return plan, make(**plan["settings"], generator=torch.Generator().manual_seed(plan["init"]))
