"""Hospitals as real processes: the same bits, and a node that nobody registered stays out.

One node of its own kind, with an app that imports neither torch nor medlib, runs always: some 15
seconds of processor time. Two that train take minutes, as each message starts a process that
imports both, and run where `REAL_PROCESSES` is set.
"""

import importlib
import os
import socket
import ssl
import warnings
from functools import partial

import numpy as np
import psutil
import pytest
import torch

from medlib.systems.federation import flower_processes
from medlib.systems.federation.federation import federate
from medlib.systems.federation.flower_processes import superlink, write_book
from medlib.systems.federation.network import site_network
from medlib.systems.federation.site_training import Recipe

RECIPE = Recipe(rounds=2, steps=2, batch_size=4, keeps_state=True)
SETTINGS = {"channels": 1, "width": 4}


def of_this_run(folder):
    """Processes that have the folder among their arguments, settings or as their place."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FLWR_HOME") == str(folder / "home"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def listening(folder):
    """Where the processes of this run listen."""
    return {
        (c.laddr.ip, c.laddr.port)
        for process in of_this_run(folder)
        for c in process.net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }


def greeted(port, context):
    """Whether a TLS handshake with the server comes to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as bare:
        try:
            context.wrap_socket(bare, server_hostname="127.0.0.1").close()
        except ssl.SSLCertVerificationError:
            return False
    return True


def admits_who_registers_itself(link):
    """Whether a node that brings no key of its own may register one.

    A key that nobody registered is refused by any server of Flower; this only by a server that was
    started with node authentication. Flower's own way to connect ends the process that fails.
    """
    client = importlib.import_module("flwr.supernode.fleet_http_client").FleetHttpClient
    auth = importlib.import_module("flwr.supernode.node_auth_http_interceptor")
    keys = importlib.import_module("flwr.supercore.primitives.asymmetric")
    version = importlib.import_module("flwr.supercore.interceptors.http.runtime_version")
    error = importlib.import_module("flwr.supercore.error")
    fleet = importlib.import_module("flwr.proto.fleet_pb2")
    private, public = keys.generate_key_pairs()
    signs = [
        version.RuntimeVersionHttpInterceptor(component_name="SuperNode"),
        auth.NodeAuthHttpInterceptor(private, public),
    ]
    asked = fleet.RegisterNodeFleetRequest(public_key=keys.public_key_to_bytes(public))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of httpx, in Flower's use
        ca = str(link.folder / "ca.pem")
        with client.from_server_address(link.address, False, ca, interceptors=signs) as node:
            try:
                return node.RegisterNode(asked).node_id > 0
            except importlib.import_module("httpx").HTTPStatusError as refusal:
                told = error.FlowerError.from_json(refusal.response.text).code
                return told != error.ApiErrorCode.FLEET_SUPERNODE_REGISTRATION_DISABLED


# the server sends numbers to all nodes; a node sends them back with its hospital's name
ECHO = """import time
from pathlib import Path
import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
server, client = ServerApp(), ClientApp()

@client.train()
def train(message, context):
    numbers = message.content["numbers"]["w"].numpy()
    name = ConfigRecord({"hospital": context.node_config["hospital"]})
    back = ArrayRecord({"w": Array(numbers[::-1].copy())})
    return Message(RecordDict({"name": name, "numbers": back}), reply_to=message)

@server.main()
def main(grid, context):
    book = Path("{book}")
    while not (nodes := list(grid.get_node_ids())):
        time.sleep(0.1)
    sent = RecordDict({"numbers": ArrayRecord({"w": Array(np.load(book / "sent.npy"))})})
    for reply in grid.send_and_receive([Message(sent, node, "train") for node in nodes]):
        name = reply.content["name"]["hospital"]
        np.save(book / f"from_{name}.npy", reply.content["numbers"]["w"].numpy())
    (book / "prepared.pt").rename(book / "run.pt")
"""


@pytest.mark.timeout(600)  # of the clock, on a machine with other work; see above for its own work
def test_a_registered_node_answers_over_tls_and_a_stranger_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(flower_processes._APP, "hospitals/apps.py", ECHO)
    # nothing that these processes could still write is wanted: half a minute less of waiting
    monkeypatch.setattr(flower_processes, "_end", partial(flower_processes._end, patience=1.0))
    book = tmp_path / "book"
    book.mkdir()
    numbers = np.random.default_rng(0).normal(size=1000)
    np.save(book / "sent.npy", numbers)
    nothing = {"weights": {}, "last": {}, "best_round": 1, "validation_loss": []}
    torch.save(nothing, book / "prepared.pt")
    with superlink(tmp_path / "link", seconds=240) as link:
        stranger = link.start_node("stranger", register=False)
        link.start_node("A")
        link.run(book, seconds=300)
        ports = listening(tmp_path / "link")
        own = ssl.create_default_context(cafile=tmp_path / "link" / "ca.pem")
        assert greeted(link.port, own)
        assert not greeted(link.port, ssl.create_default_context())  # of no authority that we know
        assert not admits_who_registers_itself(link)
        assert stranger.wait(120) != 0
        log = (tmp_path / "link" / "node_stranger.log").read_text("utf-8")
        assert "Exit Code: 305" in log, log
    assert [path.name for path in book.glob("from_*")] == ["from_A.npy"]
    assert np.array_equal(np.load(book / "from_A.npy"), numbers[::-1])
    assert ("127.0.0.1", link.port) in ports
    assert {ip for ip, _ in ports} == {"127.0.0.1"}
    assert of_this_run(tmp_path / "link") == []


# minutes on a machine with other work, for each message starts a process: asked for by name
@pytest.mark.skipif("REAL_PROCESSES" not in os.environ, reason="set REAL_PROCESSES=1: minutes")
@pytest.mark.timeout(1100)
def test_processes_over_tls_give_the_bits_of_the_plain_loop(sites, tmp_path):
    two = {name: sites[name] for name in "AB"}
    write_book(
        tmp_path / "book", two, factory="medlib.systems.federation.network:site_network",
        settings=SETTINGS, init=0, recipe=RECIPE, seed=3,
    )  # fmt: skip
    with superlink(tmp_path / "link", seconds=240) as link:
        stranger = link.start_node("stranger", register=False)
        for name in two:
            link.start_node(name)
        run = link.run(tmp_path / "book", seconds=700)
        ports = listening(tmp_path / "link")
        assert not admits_who_registers_itself(link)
        assert stranger.wait(120) != 0
        log = (tmp_path / "link" / "node_stranger.log").read_text("utf-8")
        assert "Exit Code: 305" in log, log
    assert ("127.0.0.1", link.port) in ports
    assert {ip for ip, _ in ports} == {"127.0.0.1"}
    assert of_this_run(tmp_path / "link") == []
    net = site_network(**SETTINGS, generator=torch.Generator().manual_seed(0))
    plain = federate(net, two, recipe=RECIPE, seed=3)
    for mine, theirs in ((plain.last, run.last), (plain.weights, run.weights)):
        assert list(mine) == list(theirs)
        for entry, tensor in mine.items():
            assert torch.equal(tensor, theirs[entry]), entry
    assert run.best_round == plain.best_round
    assert run.validation_loss == tuple(r.validation_loss for r in plain.rounds)
