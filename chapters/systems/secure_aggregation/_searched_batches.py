# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Images searched out of a gradient
#
# **Objectives.** One point of a recorded trial: one size of batch, one draw. A small convolutional
# network with smooth activations, as it is before any training, gives the gradient of a batch of
# real patches of a retina, which play patients. A search looks for images with the same gradient:
# by squared distance and L-BFGS, and by cosine with a penalty on roughness; the labels are given to
# it. What it finds is held against all patches: is one found image nearest to a patient of the
# batch, and nearer than any two different patients are to each other? The same searches are pointed
# at what the server sees of the same gradient under a mask. This notebook is no page of the book:
# `medbook sweep` runs it over sizes and seeds. The seed draws patches, weights, masks and starts.
#
# **Prerequisites.** *Can a server add up what it cannot read?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
batch: int = 1  # patients of the batch, 1 ≤ x ≤ 64
channels: int = 16  # of the two convolutions, 1 ≤ x ≤ 256
n_steps: int = 400  # of the search by squared distance, 1 ≤ x ≤ 100000
n_cosine_steps: int = 800  # of the search by cosine, 1 ≤ x ≤ 100000
cosine_rate: float = 0.1  # of its steps, 0 < x ≤ 10
smoothness: float = 0.001  # weight of roughness in the search by cosine, 0 ≤ x ≤ 10

# %%
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data_fetch.packaged import retina
from medlib import experiment
from medlib.nets.global_draws import global_draws_from
from medlib.systems.aggregation.gradient_matching import gradient_of, match_gradient, parted
from medlib.systems.aggregation.masking import mask
from medlib.systems.aggregation.quantisation import plan, quantise, sum_of
from medlib.systems.aggregation.recognition import likeness, twins

run = experiment.start("systems/secure_aggregation/_searched_batches", locals())

# %% [markdown]
# ## Patches and a gradient

# %%
green = run.uses(retina()).array[:1408, :1408, 1] / 255.0
fine = green.reshape(704, 2, 704, 2).mean(axis=(1, 3))
patches = fine.reshape(22, 32, 22, 32).swapaxes(1, 2).reshape(-1, 32, 32)
down, across = np.mgrid[0:22, 0:22] * 64 + 32
patches = patches[(np.hypot(down - 703, across - 704) < 639).ravel()]
veiny = patches.std(axis=(1, 2))
labels = torch.from_numpy((veiny > np.median(veiny)).astype(np.int64))
x = torch.from_numpy((patches - patches.mean()) / patches.std()).float()[:, None]
gallery, n = patches.reshape(len(patches), -1), len(patches)

# %%
with global_draws_from(run.torch_generator("weights"), devices=[]):
    network = nn.Sequential(
        nn.Conv2d(1, channels, 5, padding=2, stride=2), nn.Sigmoid(),
        nn.Conv2d(channels, channels, 5, padding=2, stride=2), nn.Sigmoid(),
        nn.Flatten(), nn.Linear(64 * channels, 2))
own = torch.from_numpy(run.rng("patients").choice(n, size=batch, replace=False))
gradient = gradient_of(network, F.cross_entropy, x[own], labels[own])

# %% [markdown]
# ## What the server sees of it

# %%
flat = torch.cat([part.flatten() for part in gradient]).double().numpy()
by = plan(clip=2 * float(np.abs(flat).max()), clients=10)
keys = run.rng("seeds")
pairs = {other: keys.bytes(32) for other in range(2, 11)}
masked = mask(quantise(flat, by=by).words, me=1, self_seed=keys.bytes(32), pair_seeds=pairs)
seen = parted(torch.from_numpy(sum_of(masked, by=by)).float(), like=gradient)

# %% [markdown]
# ## Searches

# %%
WAYS = {"squared": {"distance": "squared", "steps": n_steps, "rate": 1.0},
        "cosine": {"distance": "cosine", "steps": n_cosine_steps, "rate": cosine_rate,
                   "smoothness": smoothness}}
alone = twins(gallery)
members = own.numpy()
for name, observed in {"plain": gradient, "masked": seen}.items():
    for way, how in WAYS.items():
        found = match_gradient(
            observed, model=network, loss=F.cross_entropy, labels=labels[own], shape=(1, 32, 32),
            generator=run.torch_generator(f"start, {name}, {way}"), **how)
        images = torch.nan_to_num(found.images, posinf=0.0, neginf=0.0)
        alike = likeness(images.flatten(1).numpy(), gallery)
        hit = np.isin(alike.argmax(axis=1), members)
        clear = (alike[:, members] > alone).any(axis=0)
        run.result(f"nearest_{name}_{way}", hit.mean(), n=batch, atol=0.5)
        run.result(f"clear_{name}_{way}", clear.mean(), n=batch, atol=0.5)
        run.result(f"likeness_{name}_{way}", alike[:, members].max(axis=0).mean(), atol=0.3)

# %%
run.finish()
