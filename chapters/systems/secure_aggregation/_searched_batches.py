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
# by squared distance and L-BFGS, and by cosine and Adam; the labels are given to it. How much
# roughness costs, and the rate of Adam's steps, are chosen on a batch of *other* patients, as an
# attacker can who has images of their own: first the rate, without a penalty on roughness, then the
# penalty, for both ways from one grid. Each search starts a few times, and the start with the least
# objective counts. All is computed in double floats: in single ones the cosine's distance reaches
# the floor of what they resolve, and the search could not tell its last images from early ones.
# What it finds is held against all patches: is one found image nearest to
# a patient of the batch, and nearer than any two different patients are to each other? The same
# searches are pointed at what the server sees of the same gradient under a mask. By chance an
# image of nobody is nearest to one of the batch as often as the batch is large among all patches.
# This notebook is no page of the book: `medbook sweep` runs it over sizes and seeds. The seed
# draws patches, weights, masks and starts.
#
# **Prerequisites.** *Can a server add up what it cannot read?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
batch: int = 1  # patients of the batch, 1 ≤ x ≤ 64
channels: int = 16  # of the two convolutions, 1 ≤ x ≤ 256
n_steps: int = 200  # of the search by squared distance, 1 ≤ x ≤ 100000
n_cosine_steps: int = 400  # of the search by cosine, 1 ≤ x ≤ 100000
cosine_rates: list[float] = [0.03, 0.1, 0.3, 1.0]  # of its steps, to choose from, x > 0
n_tuning_steps: int = 150  # of each search that rate and penalty are chosen by, 1 ≤ x ≤ 100000
smoothnesses: list[float] = [0.0, 0.000001, 0.00001, 0.0001, 0.001, 0.01]  # penalty, x ≥ 0
n_starts: int = 3  # of each search, 1 ≤ x ≤ 100

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
x = torch.from_numpy((patches - patches.mean()) / patches.std())[:, None]
gallery, n = patches.reshape(len(patches), -1), len(patches)

# %%
with global_draws_from(run.torch_generator("weights"), devices=[]):
    network = nn.Sequential(
        nn.Conv2d(1, channels, 5, padding=2, stride=2), nn.Sigmoid(),
        nn.Conv2d(channels, channels, 5, padding=2, stride=2), nn.Sigmoid(),
        nn.Flatten(), nn.Linear(64 * channels, 2)).double()
order = torch.from_numpy(run.rng("patients").permutation(n))
own, known = order[:batch], order[batch : 2 * batch]  # known: the attacker's own patients
gradient = gradient_of(network, F.cross_entropy, x[own], labels[own])

# %% [markdown]
# ## What the server sees of it

# %%
flat = torch.cat([part.flatten() for part in gradient]).numpy()
by = plan(clip=2 * float(np.abs(flat).max()), clients=10)
keys = run.rng("seeds")
pairs = {other: keys.bytes(32) for other in range(2, 11)}
masked = mask(quantise(flat, by=by).words, me=1, self_seed=keys.bytes(32), pair_seeds=pairs)
seen = parted(torch.from_numpy(sum_of(masked, by=by)), like=gradient)

# %% [markdown]
# ## Searches

# %%
theirs = gradient_of(network, F.cross_entropy, x[known], labels[known])


def searched(observed, patients, name, *, starts=1, **how):
    """Likenesses to all patches of the images found from the best of some starts."""
    generator = run.torch_generator(name)
    tries = [match_gradient(
        observed, model=network, loss=F.cross_entropy, labels=labels[patients],
        shape=(1, 32, 32), generator=generator, **how) for _ in range(starts)]
    images = min(tries, key=lambda one: one.objective).images
    return likeness(torch.nan_to_num(images, posinf=0.0, neginf=0.0).flatten(1).numpy(), gallery)


# %%
def own_likeness(alike, patients):
    """Of each patient and the image most like it, on average."""
    return float(alike[:, patients].max(axis=0).mean())


def best_of(values, key, **how):
    """The value with which images of the known patients come out most like them."""
    alike = [own_likeness(searched(theirs, known, f"tuning {how['distance']}, {key} {k}",
                                   steps=n_tuning_steps, **{key: each}, **how), known.numpy())
             for k, each in enumerate(values)]
    return values[int(np.argmax(alike))]


# %%
WAYS = {"squared": {"distance": "squared", "steps": n_steps, "rate": 1.0},
        "cosine": {"distance": "cosine", "steps": n_cosine_steps}}
WAYS["cosine"]["rate"] = best_of(cosine_rates, "rate", distance="cosine")
for how in WAYS.values():
    how["smoothness"] = best_of(
        smoothnesses, "smoothness", distance=how["distance"], rate=how["rate"])

# %%
for way, how in WAYS.items():
    top = smoothnesses[-1]
    run.result(f"smoothness_{way}", how["smoothness"], atol=1e-12)
    run.result(f"smoothness_on_edge_{way}", float(how["smoothness"] == top))
rate = WAYS["cosine"]["rate"]
run.result("rate_cosine", rate, atol=1e-12)
run.result("rate_on_edge_cosine", float(rate in (cosine_rates[0], cosine_rates[-1])))
run.result("nearest_by_chance", batch / n, atol=1e-9)

# %%
alone, members = twins(gallery), own.numpy()
for sees, observed in {"plain": gradient, "masked": seen}.items():
    for way, how in WAYS.items():
        alike = searched(observed, own, f"start, {sees}, {way}", starts=n_starts, **how)
        hit = np.isin(alike.argmax(axis=1), members)
        clear = (alike[:, members] > alone).any(axis=0)
        run.result(f"nearest_{sees}_{way}", hit.mean(), n=batch, atol=0.4 / batch)
        run.result(f"clear_{sees}_{way}", clear.mean(), n=batch, atol=0.4 / batch)
        run.result(f"likeness_{sees}_{way}", own_likeness(alike, members), atol=0.01)

# %%
run.finish()
