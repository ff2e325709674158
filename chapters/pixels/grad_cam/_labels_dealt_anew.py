# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A map of a network that was taught nothing
#
# **Objectives.** One point of a recorded trial: on one draw of simulated tissue, three networks,
# one with the labels as they are, one with labels dealt anew within each class, and one with the
# planted fault that the dealt labels are the true ones after all. How much do their maps agree with
# the density of nuclei, in either direction? This notebook is no page of the book: `medbook sweep`
# runs it over seeds, and *What did it look at?* shows the table. The seed is the unit of that
# trial: it draws patients, deal, weights and batches.
#
# **Prerequisites.** *What did it look at?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_patients: int = 36  # simulated patients, 6 ≤ x ≤ 1000
train_share: float = 0.56  # share of the patients to learn from, 0.2 ≤ x ≤ 0.8
tiles_per_patient: int = 8  # tiles of each, half of them with tumour, 2 ≤ x ≤ 200
n_steps: int = 50  # training steps of each network, 1 ≤ x ≤ 10000

# %%
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.simulated.histology import histology_tiles
from medlib import experiment
from medlib.measures.patient_bootstrap import patient_mean
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.pixels.maps.dealt_labels import dealt_labels
from medlib.pixels.maps.grad_cam import grad_cam
from medlib.pixels.maps.map_agreement import block_mean, rank_correlation
from medlib.pixels.maps.tile_classifier import class_probabilities, fit_tile_classifier

run = experiment.start("pixels/grad_cam/_labels_dealt_anew", locals())
n_taught = round(train_share * n_patients)
run.require(
    3 <= n_taught <= n_patients - 2, "n_patients", "train_share",
    right="at least 3 patients are left to learn from, and at least 2 to test on",
)

# %% [markdown]
# ## Tissue and networks

# %%
tiles = histology_tiles(
    n_patients, rng=run.rng("tissue"), tiles_per_patient=tiles_per_patient, size=128
)
images, patients, tumour = run.uses(tiles.sample).array, tiles.patients, tiles.labels == 1
names = run.rng("split").permutation(np.unique(patients))
training = np.isin(patients, names[:n_taught])
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
x = preprocess(images, device=run.device)

# %%
truth = tumour[training]
taught = {
    "honest": truth.astype(np.int64),
    "dealt": dealt_labels(truth, rng=run.rng("deal")),
    "leaked": truth.astype(np.int64),
}
learn = x[torch.from_numpy(training)]
networks = {
    name: fit_tile_classifier(
        source, learn, torch.from_numpy(labels), steps=n_steps, batch_size=min(16, len(learn)),
        generator=run.torch_generator(name),
    )
    for name, labels in taught.items()
}

# %% [markdown]
# ## Depth and agreement
#
# The training patients of the honest network choose the depth, as in the chapter; all three are
# looked at there.


# %%
def maps_of(network, which, depth):
    parts = x[torch.from_numpy(which)].split(16)
    maps = torch.cat([grad_cam(network, part, layer=depth, target=1).map for part in parts])
    return maps.cpu().numpy().astype(float)


def correlation(maps, which, grid):
    cells = block_mean(maps, grid=grid)
    return rank_correlation(cells, block_mean(tiles.density_per_mm2[which], grid=grid))


def over_patients(values, which):
    return patient_mean(values, patients[which], rng=resample, n_resamples=2).value


# %%
resample = run.rng("bootstrap")  # of no consequence: intervals here are over seeds
depths = [f"stages.{n - 1}" for n in range(3, 8)] + ["activation"]
known, asked = training & tumour, ~training & tumour
coarse = {
    depth: correlation(maps_of(networks["honest"], known, depth), known, 4) for depth in depths
}
chosen = max(depths, key=lambda depth: over_patients(coarse[depth], known))
run.result("depth", depths.index(chosen) + 3, atol=6)

# %%
grid = maps_of(networks["honest"], asked, chosen).shape[-1]
noise = run.rng("noise maps").random((asked.sum(), grid, grid))
sizes = {"noise": np.abs(correlation(noise, asked, grid))}
for name, network in networks.items():
    sizes[name] = np.abs(correlation(maps_of(network, asked, chosen), asked, grid))
    scores = class_probabilities(network, x[torch.from_numpy(~training)])[:, 1].numpy()
    run.result(f"auc_{name}", roc_auc_score(tumour[~training], scores), unit="AUC",
               n=int((~training).sum()), atol=0.1)
for name, values in sizes.items():
    mean = over_patients(values, asked)
    run.result(f"agreement_{name}", mean, n=n_patients - n_taught, atol=0.05)

# %%
run.finish()
