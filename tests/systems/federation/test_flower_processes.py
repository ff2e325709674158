"""Two hospitals as real processes: the same bits, and a node that nobody registered stays out."""

import os

import psutil
import pytest
import torch

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
        ports = {
            (c.laddr.ip, c.laddr.port)
            for process in of_this_run(tmp_path / "link")
            for c in process.net_connections("inet")
            if c.status == psutil.CONN_LISTEN
        }
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
