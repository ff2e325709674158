# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Five hospitals as processes
#
# **Objectives.** One point of a recorded trial: a small federation as a plain loop, and once more
# as real programs on this machine: Flower's server and a node for each of five hospitals, over TLS,
# each node with a key that the server was told of. A sixth node has a key of which nobody told the
# server. Recorded are how many numbers of the last weights differ from the loop's, whether the
# stranger was refused, how many ports were open to other machines, and how many processes were left
# when all was over. This notebook is no page of the book: `medbook sweep` runs it over seeds. A
# message starts a process of its own, so a point takes minutes. `way="in process"` leaves programs,
# keys and ports out: then only the weights are compared.
#
# **Prerequisites.** *Can hospitals learn together and keep their images?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "cpu"  # where to compute: "cpu" only, as the nodes do
way: str = "processes"  # how the hospitals run: "processes" or "in process"
n_train: int = 60  # training images of all hospitals together, a multiple of 5, 20 ≤ x ≤ 10000
rounds: int = 2  # of the federation, 1 ≤ x ≤ 100
steps: int = 2  # of a hospital in a round, 1 ≤ x ≤ 1000
patience_s: int = 1200  # seconds until the run is given up, 60 ≤ x ≤ 100000

# %%
import tempfile
from pathlib import Path

import numpy as np
import psutil
import torch

from data_fetch.tasks.hospitals import hospitals
from medlib import experiment
from medlib.systems.federation.federation import federate
from medlib.systems.federation.flower_processes import superlink, write_book
from medlib.systems.federation.flower_rounds import federate_by_flower
from medlib.systems.federation.network import site_network
from medlib.systems.federation.site_training import Recipe, Site

run = experiment.start("systems/federated_learning/_as_processes", locals())

# %% [markdown]
# ## Hospitals, and the plain loop

# %%
each = n_train // 5
drawn = hospitals(np.tile([each - each // 2, each // 2], (5, 1)), rng=run.rng("hospitals"),
                  scanner_shift=0.5, validation=8, test=2)


def tensors(part):
    x = torch.from_numpy(run.uses(part.sample).array).permute(0, 3, 1, 2).float() / 255
    return ((x - 0.7) / 0.15).contiguous(), torch.from_numpy(part.labels)


# %%
sites = {h.name: Site(*tensors(h.training), *tensors(h.validation)) for h in drawn}
first, training = (int(run.rng(name).integers(2**31)) for name in ("first weights", "training"))
recipe = Recipe(rounds=rounds, steps=steps, batch_size=8)
network = site_network(generator=torch.Generator().manual_seed(first))
loop = federate(network, sites, recipe=recipe, seed=training)

# %% [markdown]
# ## Programs

# %%
def of_this_run(home):
    """Processes that were started with this folder for a home."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if process.environ().get("FLWR_HOME") == str(home) else []
        except psutil.Error:
            continue
    return found


def addresses(processes):
    """Where they listen."""
    return [c.laddr.ip for one in processes for c in one.net_connections("inet")
            if c.status == psutil.CONN_LISTEN]


# %%
def as_programs(folder):
    """The federation as programs; then who was refused, who listened, and who was left."""
    write_book(folder / "book", sites, factory="medlib.systems.federation.network:site_network",
               settings={}, init=first, recipe=recipe, seed=training)
    with superlink(folder / "link", seconds=patience_s) as link:
        stranger = link.start_node("stranger", register=False)
        for name in sites:
            link.start_node(name)
        found = link.run(folder / "book", seconds=patience_s)
        heard = addresses(of_this_run(folder / "link" / "home"))
        refused = stranger.wait(patience_s) != 0
        said = "Exit Code: 305" in (folder / "link" / "node_stranger.log").read_text("utf-8")
    return found, refused and said, heard, len(of_this_run(folder / "link" / "home"))


# %%
if way == "processes":
    with tempfile.TemporaryDirectory() as folder:
        found, refused, heard, left = as_programs(Path(folder))
    run.result("stranger_refused", float(refused), atol=0)
    run.result("ports", len(heard), atol=20)
    run.result("ports_for_others", sum(ip != "127.0.0.1" for ip in heard), atol=0)
    run.result("processes_left", left, atol=0)
else:
    found = federate_by_flower(network, sites, recipe=recipe, seed=training)

# %%
differ = sum(int((found.last[k] != tensor).sum()) for k, tensor in loop.last.items())
run.result("numbers_that_differ", differ, n=sum(t.numel() for t in loop.last.values()), atol=0)
same = all(one.validation_loss == other
           for one, other in zip(loop.rounds, found.validation_loss, strict=True))
run.result("same_validation", float(same), atol=0)
run.finish()
