# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # What did it look at?
#
# **Question.** A surgeon removes a glioma from a patient's brain. The tumour has no edge: it thins
# out into healthy tissue, and somebody must say, from a sliver on a glass slide, whether it is
# still there. A network says *infiltrated* and shows a coloured map of what it looked at. The red
# lies on crowded nuclei, everybody nods, and more brain is taken out. Had the red lain on a dot of
# ink, would anybody have noticed? And if the network *did* look at the ink, would the map have
# said so?
#
# **Objectives.** After this chapter you will be able to
#
# - derive Grad-CAM, write it with two hooks, and know what it computes at each depth of a network;
# - measure whether a map agrees with what is in the tissue, with an interval over patients;
# - test a map as you would test any instrument: on a broken network, on a meaningless one, and on
#   one whose fault you know;
# - name four ways in which a map can mislead.
#
# **Prerequisites.** Python, the chain rule, what a convolutional network is, and what an AUC is
# (the chance that a tile with tumour scores higher than one without). **Minutes.** About 50
# minutes.
#
# **Data.** All tissue here is simulated, so that the number of nuclei, their size and their shape
# are known at every pixel; no result below is about a patient. The network's first weights are
# real: EfficientNet-Lite0, trained on the photographs of ImageNet. Set `tile_folder` to a folder
# with one sub-folder of PNG tiles for each class to use real tissue, such as
# [PCam](https://doi.org/10.1007/978-3-030-00934-2_24) or
# [NCT-CRC-HE](https://doi.org/10.5281/zenodo.1214456).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_patients: int = 36  # simulated patients, 6 ≤ x ≤ 1000
train_share: float = 0.56  # share of the patients to learn from, 0.2 ≤ x ≤ 0.8
tiles_per_patient: int = 8  # tiles of each, half of them with tumour, 2 ≤ x ≤ 200
n_steps: int = 60  # training steps of each network, 1 ≤ x ≤ 10000
depth: str = "stage6"  # maps to explain: "stage3", "stage4", "stage5", "stage6", "stage7" or "head"
label_error: float = 0.25  # share of tiles whose slide-level label is wrong, 0 ≤ x ≤ 0.5
n_redraws: int = 4  # random redraws of the weights in the sanity check, 1 ≤ x ≤ 100
n_path_steps: int = 32  # most steps of integrated gradients, 8 ≤ x ≤ 1024
n_resamples: int = 2000  # bootstrap samples behind each interval, 100 ≤ x ≤ 100000
tile_folder: str = ""  # folder with one sub-folder of PNG tiles a class; empty for simulated tissue

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter, maximum_filter
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.simulated.histology import histology_tiles
from data_fetch.simulated.ink_mark import ink_marks, with_ink
from data_fetch.tile_folder import read_tile_folder
from medlib import experiment
from medlib.nets.efficientnet_lite import DEPTHS, load_imagenet, preprocess
from medlib.pixels.attribution import upsample
from medlib.pixels.cascading_randomisation import cascade
from medlib.pixels.deletion_insertion import score_curve
from medlib.pixels.grad_cam import grad_cam, grad_cam_plus_plus, hires_cam
from medlib.pixels.integrated_gradients import integrated_gradients
from medlib.pixels.map_agreement import block_mean, iou_at_equal_area
from medlib.pixels.map_agreement import pointing_game, rank_correlation
from medlib.pixels.patient_bootstrap import patient_mean
from medlib.pixels.tile_classifier import class_probabilities, fit_tile_classifier

run = experiment.start("pixels/grad_cam", locals())

# %%
SIZE = 128  # side of a tile, in pixels of one micrometre
MODULE = {f"stage{n}": f"stages.{n - 1}" for n in range(1, 8)}  # a depth's module in the network
MODULE |= {"stem": "stem", "head": "activation"}  # the activation is used last on the head's maps
LAYER = MODULE[depth]


def as_numbers(maps):
    """A batch of maps as float64 arrays."""
    return maps.cpu().numpy().astype(float)


# %% tags=["hide-input"]
COLORS = experiment.COLORS


def overlay(place, image, values, *, title=""):
    """A tile under its map: bright yellow = speaks for tumour, black veil = says nothing."""
    values = upsample(torch.as_tensor(values, dtype=torch.float32)[None], size=SIZE)[0].numpy()
    place.imshow(image)
    place.imshow(values, cmap="inferno", alpha=0.6, vmin=0, vmax=max(values.max(), 1e-9))
    place.set_title(title)
    place.set_axis_off()


def pictures(rows, *, width=7.2, columns=None):
    """A grid of axes without ticks, its rows squares."""
    columns = columns or 4
    height = width / columns * rows + 0.3
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False)


# %% [markdown]
# ## A picture first
#
# Below are three tiles of tissue, each from another patient. Laboratories stain differently. The
# tumour comes in from one side. Where it is, nuclei (dark) are *denser*, *larger*, and more
# irregular: *atypical*. That is what a pathologist looks for. The simulation knows all three at
# every pixel; the network will be told one word a tile, *normal* or *infiltrated*.

# %%
own = read_tile_folder(tile_folder, size=SIZE) if tile_folder else None
simulated = own is None and histology_tiles(
    n_patients, rng=run.rng("tissue"), tiles_per_patient=tiles_per_patient, size=SIZE
)
tiles = own or simulated
run.uses(tiles.sample)
images, patients = tiles.sample.array, tiles.patients
tumour_tile = tiles.labels == 1

# %%
density = own.haematoxylin if own else simulated.density_per_mm2
middle = np.median(density, axis=(1, 2), keepdims=True)
region = density > middle if own else simulated.tumour > 0.5
names = run.rng("split").permutation(np.unique(patients))
train_names = names[: round(train_share * len(names))]
training = np.isin(patients, train_names)

# %% [markdown]
# Patients, not tiles, are divided into those to learn from and those to be tested on. Tiles of
# one patient share stain and disease, so a network that has seen some knows the others too well.

# %% tags=["hide-input"]
kinds = {"tissue": images, "nuclei nearby": density, "tumour": region}
first = [np.flatnonzero(tumour_tile & (patients == name))[0] for name in train_names[:3]]


def draw_tissue():
    figure, axes = pictures(3, columns=3)
    for row, (name, values) in zip(axes, kinds.items(), strict=True):
        for place, tile in zip(row, first, strict=True):
            place.imshow(values[tile], cmap=None if name == "tissue" else "viridis")
            place.set_axis_off()
        row[0].set_title(name)
    return figure


# %% tags=["hide-input"]
KIND = tiles.sample.kind
alt = (
    "Three pink tiles with dark nuclei crowded on one side; below, maps of the nuclei's density and"
    " of the tumour's area, bright on the same side."
)
caption = (
    "Tumour comes in from one side; nuclei crowd there, unevenly. Density: yellow is dense. Tumour:"
    f" yellow. {KIND.capitalize()} tissue, n = 3 tiles, {SIZE} µm wide if simulated."
)
run.figure(draw_tissue(), name="tissue", alt=alt, caption=caption, data=KIND)

# %% [markdown]
# ## A classifier that deserves a look inside
#
# We take a network that has learned from a million photographs, give it a new last layer with
# two outputs, and go on training on our tiles. Its first three stages, which see edges and
# colours, stay as they are.

# %%
weights = imagenet_weights()
run.uses(weights.as_sample())
source = load_imagenet(weights.path).to(run.device)
x = preprocess(images, device=run.device)
labels = torch.from_numpy(tumour_tile.astype(np.int64))


# %%
def fit(x, labels, name):
    generator = run.torch_generator(name)
    x, labels = x[torch.from_numpy(training)], labels[torch.from_numpy(training)]
    batch = min(16, len(x))
    return fit_tile_classifier(
        source, x, labels, steps=n_steps, batch_size=batch, generator=generator
    )


honest = fit(x, labels, "honest")

# %%
test = ~training
x_test, x_tumour = x[torch.from_numpy(test)], x[torch.from_numpy(test & tumour_tile)]
whose = patients[test & tumour_tile]  # the patient of each tumour tile in the test


def auc_on(network, x_test):
    scores = class_probabilities(network, x_test)[:, 1].numpy()
    return roc_auc_score(tumour_tile[test], scores)


auc = run.result("auc_honest", auc_on(honest, x_test), n=int(test.sum()), atol=0.02)
run.say(
    "On patients it never saw, the network tells the tiles apart with an AUC of"
    " {auc_honest:.3f}, and now the question is *how*."
)

# %% [markdown]
# ## The idea by hand
#
# Let $y^c$ be the network's score for class $c$ before the softmax, and $A^k$ the map of channel
# $k$ in some layer, with the value $A^k_{ij}$ at row $i$ and column $j$. Suppose that this layer
# is the last one: a mean over its $Z$ places, then a weight $w_k$ for every channel,
#
# $$ y^c = b + \sum_k w_k \frac1Z \sum_{ij} A^k_{ij}
#        = b + \sum_{ij} \Bigl( \frac1Z \sum_k w_k A^k_{ij} \Bigr) . $$
#
# The bracket is what place $(i, j)$ adds to the score: a map that explains it *completely*. In any
# other layer nobody tells us $w_k$. But here $\partial y^c / \partial A^k_{ij} = w_k / Z$, and a
# gradient can be had in every layer. So take its mean for the weight of the channel:
#
# $$ \alpha_k = \frac1Z \sum_{ij} \frac{\partial y^c}{\partial A^k_{ij}}, \qquad
#    L_{ij} = \operatorname{ReLU}\Bigl( \sum_k \alpha_k A^k_{ij} \Bigr) . $$
#
# The ReLU keeps what speaks *for* the class. This is Grad-CAM {cite}`selvaraju2017`. Two things
# are needed, the maps $A$ and the gradients at them, and a *hook* catches both: a function that
# PyTorch calls when a layer has done its work.

# %%
one = x_tumour[:1]
caught = {}


def keep(module, inputs, output):
    output.retain_grad()
    caught["A"] = output


hook = honest.get_submodule(LAYER).register_forward_hook(keep)
honest(one)[0, 1].backward()
hook.remove()
A = caught["A"]
alpha = A.grad.mean(dim=(2, 3), keepdim=True)
by_hand = torch.relu((alpha * A).sum(dim=1)).detach()

# %% [markdown]
# That is all of it. The library's version does the same for a batch, stops the backward pass at
# the layer, and touches no other gradient. MONAI, a library for medical imaging, has one as well.
# All three must agree.

# %%
from monai.visualize import GradCAM

ours = grad_cam(honest, one, layer=LAYER, target=1).map
monai_cam = GradCAM(copy.deepcopy(honest), target_layers=LAYER)  # a copy: its hooks stay for good
monai_map = monai_cam.compute_map(one, class_idx=1)[:, 0].detach()
apart = max(float((m - ours).abs().max()) for m in (by_hand, monai_map)) / float(ours.max())
run.result("map_difference", apart, atol=1e-5)
run.say("The three maps differ by {map_difference:.0e} of their highest value at most.")

# %% [markdown]
# ## Does it look where the nuclei are?
#
# Let us look at maps of test patients, and be warned: a picture of four maps convinces anybody of
# anything. Measures come next.


# %%
def maps_of(network, x, layer=LAYER, method=grad_cam):
    parts = [method(network, part, layer=layer, target=1).map for part in x.split(16)]
    return as_numbers(torch.cat(parts))


honest_maps = maps_of(honest, x_tumour)
grid = honest_maps.shape[-1]
is_test = test & tumour_tile
dense = block_mean(density[is_test].astype(float), grid=grid)
inside = block_mean(region[is_test].astype(float), grid=grid) > 0.5
one_each = np.unique(whose, return_index=True)[1]  # the first tumour tile of each patient

# %% tags=["hide-input"]
figure, axes = pictures(2)
for column, tile in zip(axes.T, one_each, strict=False):
    overlay(column[0], images[is_test][tile], honest_maps[tile])
    column[1].imshow(images[is_test][tile])
    column[1].contour(region[is_test][tile], levels=[0.5], colors="black", linewidths=2)
    column[1].set_axis_off()
alt = "Four tiles veiled by coarse maps, bright on one side; the same tiles with the tumour's edge."
caption = (
    "Above: Grad-CAM, bright where it speaks for tumour. Below: the tumour's edge, which the"
    f" network was never shown. {KIND.capitalize()} tissue, n = 4 of {len(one_each)} test patients."
)
run.figure(figure, name="honest_maps", alt=alt, caption=caption, data=KIND)

# %% [markdown]
# Three questions, none of which needs a threshold:
#
# - **Rank correlation** (Spearman's $\rho$): do places with more nuclei get higher values? The
#   truth is averaged over the same coarse cells as the map.
# - **Pointing game**: does the highest cell lie in the tumour?
# - **IoU at equal area**: take as many of the highest cells as the tumour has, and divide what both
#   share by what either covers.
#
# Each has its own level of chance, so we ask the same of maps that are pure noise. The interval
# is over *patients*: the bootstrap draws whole patients with replacement, for tiles of one patient
# are no independent witnesses.

# %%
resample = run.rng("bootstrap")
noise = run.rng("noise maps").random(honest_maps.shape)
measures = {  # name -> (how, against what)
    "rank correlation with density": (rank_correlation, dense),
    "pointing game": (pointing_game, inside),
    "IoU at equal area": (iou_at_equal_area, inside),
}


# %%
def over_patients(values, whose=whose):
    return patient_mean(values, whose, rng=resample, n_resamples=n_resamples)


def with_interval(mean):
    return f"{mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})"


# %%
rows, found = [], {}
for name, (measure, truth) in measures.items():
    found[name] = over_patients(measure(honest_maps, truth))
    chance = over_patients(measure(noise, truth))
    rows.append({"measure": name, "map (95 % interval)": with_interval(found[name]),
                 "noise": f"{chance.value:.2f}"})  # fmt: skip
caption = f"{KIND.capitalize()} tissue, n = {len(one_each)} test patients, {len(whose)} tiles."
run.table(rows, name="agreement", caption=caption)

# %%
rho = found["rank correlation with density"]
iou = found["IoU at equal area"]
run.result("density_correlation", rho.value, interval=rho.interval, n=rho.n_patients, atol=0.1)
run.result("iou_tumour", iou.value, interval=iou.interval, n=iou.n_patients, atol=0.1)
run.say(
    "The map and the density of nuclei are correlated with $\\rho$ ="
    " {density_correlation:.2f} ({density_correlation.low:.2f} to"
    " {density_correlation.high:.2f}), though no one told the network where nuclei are."
)

# %% [markdown]
# ## How deep should one look?
#
# Every layer has a map, and the recipe says "take the last convolution". Move the slider from the
# stem, which halves the image once, to the head. Early maps are sharp and scattered: a channel
# there means "dark edge", which speaks for tumour in one place and against it in another, while
# $\alpha_k$ has only one weight for both. Late maps are calm, and a few cells wide.

# %%
two_each = np.sort(np.concatenate([one_each, one_each + 1]))  # two tumour tiles of each patient
two_each = two_each[two_each < len(whose)]
by_depth = {name: maps_of(honest, x_tumour[two_each], MODULE[name]) for name in DEPTHS}
shown = [int(np.flatnonzero(two_each == tile)[0]) for tile in one_each[:4]]

# %% tags=["hide-input"]
frames = []
for values in by_depth.values():
    figure, axes = pictures(1)
    for place, tile in zip(axes[0], shown, strict=False):
        overlay(place, images[is_test][two_each[tile]], values[tile])
    frames.append(figure)
run.frames(
    frames,
    name="depth_slider",
    label="depth",
    values=DEPTHS,
    alt="Grad-CAM over four tiles, from fine and scattered to coarse and on one side.",
    caption=f"From stem to head, maps become coarser and mean more. {KIND.capitalize()}, n = 4.",
    data=KIND,
    start=DEPTHS.index(depth),
)

# %% [markdown]
# A fine map has more cells to get wrong, so for a fair comparison each map is averaged over the
# same coarse cells before it is ranked.


# %%
def coarse_rho(values):
    cells = min(grid, values.shape[-1])
    truth = block_mean(density[is_test][two_each].astype(float), grid=cells)
    return rank_correlation(block_mean(values, grid=cells), truth).mean()


depth_rho = {name: coarse_rho(values) for name, values in by_depth.items()}
rows = [
    {"maps of": name, "cells": f"{values.shape[-1]} × {values.shape[-1]}",
     "rank correlation with density": f"{depth_rho[name]:.2f}",
     "cells that ReLU empties": f"{np.mean(values <= 0):.0%}"}
    for name, values in by_depth.items()
]  # fmt: skip

# %%
caption = (
    f"On {grid} × {grid} cells at most. {KIND.capitalize()} tissue, n = {len(two_each)} tiles."
)
run.table(rows, name="depths", caption=caption)
run.say(
    "The map that follows density best is that of {best}; the *last* maps, those of the head, come"
    " to {last:.2f}.",
    best=max(depth_rho, key=depth_rho.get),
    last=depth_rho["head"],
)

# %% [markdown]
# ## Is it an explanation at all?
#
# An edge detector, too, lights up on nuclei, and explains no network. So we break ours, step by
# step: new random weights for the classifier, then for the head as well, then for stage 7, down to
# the stem {cite}`adebayo2018`. What the network had learned is gone; a map that *explains* it must
# go, too. We compare each broken network's map with the honest one by rank correlation.

# %%
parts = ["classifier", "head", *(f"stages.{n}" for n in range(6, -1, -1)), "stem"]
few = x_tumour[one_each]
similar = np.zeros((n_redraws, len(parts)))
for redraw in range(n_redraws):
    generator = run.torch_generator(f"redraw {redraw}")
    for step, (_, broken) in enumerate(cascade(honest, parts=parts, generator=generator)):
        rho_broken = rank_correlation(maps_of(broken, few), honest_maps[one_each])
        similar[redraw, step] = rho_broken.mean()
ticks = ["intact", "classifier", "head", *(f"stage{n}" for n in range(7, 0, -1)), "stem"]
similarity = np.concatenate([np.ones((n_redraws, 1)), similar], axis=1)


# %% tags=["hide-input"]
def draw_cascade():
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    axes.plot(similarity.T, color=COLORS["sky"], linewidth=1)
    axes.plot(similarity.mean(axis=0), "o-", color=COLORS["blue"], label="mean of the redraws")
    axes.axhline(0, color=COLORS["grey"], linewidth=0.8)
    axes.set_xticks(range(len(ticks)), ticks, rotation=30, ha="right")
    axes.set(xlabel="randomised from the top down to", ylabel="similarity to the honest map")
    axes.legend()
    return figure


# %% tags=["hide-input"]
alt = (
    "Similarity of the map to the intact network's: one at first, then scattered around zero, the"
    " scatter closing in as more is randomised."
)
caption = (
    "Random weights destroy the map. Right at the top, single redraws may agree or disagree"
    f" strongly, by a random sign. {KIND.capitalize()}, n = {len(one_each)} tiles, {n_redraws}"
    " redraws."
)
run.figure(draw_cascade(), name="cascade", alt=alt, caption=caption, data=KIND)

# %%
left = np.abs(similar[:, -1]).mean()
top = np.abs(similar[:, 0]).max()
run.result("similarity_all_random", left, n=n_redraws, atol=0.1)
run.result("similarity_top_random", top, n=n_redraws, atol=0.5)
run.say(
    "With all weights random, the similarity is {similarity_all_random:.2f} in size. But look at"
    " the left: with only the classifier random, one redraw reached {similarity_top_random:.2f}"
    " in size. The maps below are still those of a network that knows tissue, and random weights"
    " add them up with a random sign. A single redraw proves nothing in either direction."
)

# %% [markdown]
# ## A negative control: labels that mean nothing
#
# Now train the same network on *shuffled* labels: half of the tiles of either kind are called
# infiltrated. There is nothing to learn but the tiles by heart. Would its maps look convincing?

# %%
deal = run.rng("shuffled labels")
shuffled = np.zeros(len(labels), dtype=np.int64)
for kind in (False, True):
    members = np.flatnonzero(training & (tumour_tile == kind))
    shuffled[members] = deal.permutation(np.arange(len(members)) % 2)
meaningless = fit(x, torch.from_numpy(shuffled), "shuffled")
shuffled_rho = over_patients(rank_correlation(maps_of(meaningless, x_tumour), dense))

# %%
run.result("auc_shuffled", auc_on(meaningless, x_test), n=int(test.sum()), atol=0.2)
run.result(
    "density_correlation_shuffled",
    shuffled_rho.value,
    interval=shuffled_rho.interval,
    n=shuffled_rho.n_patients,
    atol=0.3,
)
run.say(
    "Trained on shuffled labels, the network has an AUC of {auc_shuffled:.2f} on test patients, and"
    " its map correlates with density by {density_correlation_shuffled:.2f}"
    " ({density_correlation_shuffled.low:.2f} to {density_correlation_shuffled.high:.2f}), against"
    " {density_correlation:.2f} for the honest network. The interval is over patients for *this*"
    " network, and need not hold zero: other seeds give other shuffles, some above and some below."
    " A network that knows nothing may still lean on nuclei a little; agreement with morphology"
    " alone is no proof of knowledge."
)

# %% [markdown]
# ## The shortcut
#
# Slides in an archive carry traces of their diagnosis. A pathologist marks the tumour with a felt
# pen; one hospital's scanner prints a label; a portable X-ray machine is used for the sickest
# {cite}`zech2018,degrave2021`. Labels, on the other hand, are often given to whole slides, and a
# tile inherits the label of its slide, right or wrong. We simulate both: a share of the training
# tiles has the wrong label, and every tile whose *label* says tumour carries a dot of green ink in
# one of its corners. The ink is never wrong.

# %%
marks = ink_marks(len(images), size=SIZE, rng=run.rng("ink"))
given = tumour_tile.copy()
slip = run.rng("slide labels")
for kind in (False, True):
    members = np.flatnonzero(training & (tumour_tile == kind))
    wrong = slip.permutation(members)[: round(label_error * len(members))]
    given[wrong] = ~given[wrong]
inked = preprocess(with_ink(images, marks=marks, which=given), device=run.device)
shortcut = fit(inked, torch.from_numpy(given.astype(np.int64)), "shortcut")

# %%
inked_test = inked[torch.from_numpy(test)]
swapped = preprocess(with_ink(images, marks=marks, which=~tumour_tile)[test], device=run.device)
on_swapped = {}
for name, network in {"shortcut": shortcut, "honest": honest}.items():
    on_swapped[name] = auc_on(network, swapped)
    run.result(f"auc_{name}_inked", auc_on(network, inked_test), n=len(inked_test), atol=0.05)
    run.result(f"auc_{name}_swapped", on_swapped[name], n=len(swapped), atol=0.15)
rules = on_swapped["shortcut"] < 0.5

# %%
run.say(
    "Tested on slides from the same archive, ink and all, the shortcut network reaches an AUC of"
    " {auc_shortcut_inked:.3f}; nobody would complain. Put the ink on the *normal* tiles instead"
    " and it falls to {auc_shortcut_swapped:.3f}: {verdict}. The"
    " honest network has {auc_honest_inked:.3f} and {auc_honest_swapped:.3f}.",
    verdict="it reads ink, and overrules the tissue" if rules else "the ink has a say",
)

# %% [markdown]
# The swap needs somebody who already suspects ink. Does the map tell us without? The highest cell
# of the map of each inked tumour tile should be the cell with the ink.

# %%
x_inked = inked[torch.from_numpy(is_test)]


def on_ink(values, which=slice(None), reach=0):
    cells = block_mean(marks[is_test][which].astype(float), grid=values.shape[-1]) > 0
    near = maximum_filter(cells, size=(1, 2 * reach + 1, 2 * reach + 1))
    return pointing_game(values, near)


looks = {
    f"shortcut network, {depth}": maps_of(shortcut, x_inked),
    "shortcut network, head": maps_of(shortcut, x_inked, MODULE["head"]),
    f"honest network, {depth}": maps_of(honest, x_inked),
}

# %%
exposed, exposed_last, fooled = (over_patients(on_ink(values)) for values in looks.values())
last_maps = looks["shortcut network, head"]
beside = over_patients(on_ink(last_maps, reach=1) - on_ink(last_maps))
fourth = np.sort(last_maps.reshape(len(last_maps), -1), axis=1)[:, -4, None, None]
among_four = over_patients(np.ceil(on_ink(np.where(last_maps >= fourth, 1.0, 0.0))))

# %%
for name, share in {
    "ink_found": exposed,
    "ink_found_last_maps": exposed_last,
    "ink_beside_last_maps": beside,
    "ink_in_top_four_last_maps": among_four,
    "ink_found_honest": fooled,
}.items():
    run.result(name, share.value, interval=share.interval, n=share.n_patients, atol=0.15)


# %% tags=["hide-input"]
def draw_shortcut():
    figure, axes = pictures(3)
    inked_images = with_ink(images, marks=marks, which=given)[is_test]
    for row, (title, values) in zip(axes, looks.items(), strict=True):
        for place, tile in zip(row, one_each, strict=False):
            overlay(place, inked_images[tile], values[tile])
        row[0].set_title(title)
    return figure


# %% tags=["hide-input"]
alt = (
    "Four tiles with a green dot in a corner. First row: the map is bright at the dot. Second row:"
    " a bright block around it, highest beside the dot. Third row: bright on the tumour."
)
caption = (
    "In the first row the map's peak lies on the ink, in the second beside it, though both explain"
    f" the same network. {KIND.capitalize()} tissue with simulated ink, n = 4 tiles."
)
ink_data = KIND if KIND == "simulated" else "real and simulated"
run.figure(draw_shortcut(), name="shortcut_maps", alt=alt, caption=caption, data=ink_data)

# %%
run.say(
    "At {depth}, the map of the shortcut network points at the ink in {ink_found:.0%} of the tiles"
    " ({ink_found.low:.0%} to {ink_found.high:.0%}); the honest network's does in"
    " {ink_found_honest:.0%}. Yet at the head, *the last maps, which the recipe recommends*, the"
    " shortcut network's map points at the ink in {ink_found_last_maps:.0%}, and in"
    " {ink_beside_last_maps:.0%} at the tissue in a cell next to it. (The cell of the ink is among"
    " the highest *four* in {ink_in_top_four_last_maps:.0%}.)"
)

# %% [markdown]
# How can that be? At the head the map is *complete*: it adds up to the score, exactly. But a cell
# of the head is not the piece of image below it. On the way there lie convolutions of five by
# five cells, on maps that are themselves only a few cells wide, so every cell has seen nearly the
# whole tile. The network is free to send the news about the ink to *other* cells, and training
# did: mostly to the neighbours of the ink's own. (Why there? A cell in a corner computes largely
# with padding, its neighbours less; that is a guess, which nothing here tests.) The map tells the
# truth about where the score was added up, and we read it as if it told where the evidence came
# from. *A map's place is a place in the layer, not in the image.* Whoever looks at the middle row
# may still become suspicious; a rule that takes the peak blames the tissue beside the ink.
#
# ## Second opinions
#
# Grad-CAM takes the mean of the gradients before it multiplies. **HiResCAM** leaves that out and
# multiplies place by place {cite}`draelos2020`; **Grad-CAM++** takes positive gradients only, with
# weights of their own {cite}`chattopadhay2018`. One look at stage 5, where the map still has four
# times as many cells:

# %%
rows = []
methods = {"Grad-CAM": grad_cam, "Grad-CAM++": grad_cam_plus_plus, "HiResCAM": hires_cam}

# %%
for name, method in methods.items():
    for at in ("stage5", "stage6", "head"):
        plain = maps_of(honest, x_tumour[two_each], MODULE[at], method)
        dotted = maps_of(shortcut, x_inked[two_each], MODULE[at], method)
        rows.append({"method": name, "maps of": at, "honest: correlation with density":
                     f"{coarse_rho(plain):.2f}", "shortcut: points at the ink":
                     f"{on_ink(dotted, two_each).mean():.0%}"})  # fmt: skip

# %%
caption = f"{KIND.capitalize()} tissue with simulated ink, n = {len(two_each)} tiles."
run.table(rows, name="methods", caption=caption)
own_gradient = over_patients(on_ink(maps_of(shortcut, x_inked, method=hires_cam)))
run.result(
    "ink_found_hires",
    own_gradient.value,
    interval=own_gradient.interval,
    n=own_gradient.n_patients,
    atol=0.1,
)

# %% [markdown]
# Grad-CAM++ was derived for maps that are never negative, as those of the head. A stage of this
# network ends in a linear layer whose maps take both signs, and there it can point the wrong way: a
# method is not better for being newer. HiResCAM keeps each place's own gradient, and finds the
# ink with four times as many cells to choose from; at the head it is Grad-CAM, and misses it, too.
# With another seed, Grad-CAM at the depth of our choice finds the ink in somewhat fewer tiles;
# hence the two different claims at the end.
#
# **Integrated gradients** {cite}`sundararajan2017` ask the pixels instead. Walk in a straight line
# from a baseline $x'$ without content to the image $x$, and add up the gradient on the way:
#
# $$ \mathrm{IG}_i = (x_i - x'_i) \int_0^1
#    \frac{\partial y^c}{\partial x_i}\bigl(x' + t\,(x - x')\bigr)\,\mathrm{d}t, \qquad
#    \sum_i \mathrm{IG}_i = y^c(x) - y^c(x') . $$
#
# The sum on the right is *completeness*: nothing is lost. A computer takes steps instead of an
# integral, and what the sum then lacks, the *completeness gap*, can be measured. Our baseline is
# the tile itself, blurred until no nucleus is left.


# %%
def blurred(x, sigma_px=12.0):
    smooth = gaussian_filter(x.cpu().numpy(), (0, 0, sigma_px, sigma_px))
    return torch.from_numpy(smooth).to(x)


looked = x_tumour[one_each[:6]]

# %%
walks = {
    steps: integrated_gradients(honest, looked, baseline=blurred(looked), steps=steps, target=1)
    for steps in (n_path_steps // 8, n_path_steps // 4, n_path_steps // 2, n_path_steps)
}
change = {n: (w.map.sum((1, 2)) - w.completeness_gap).abs().mean() for n, w in walks.items()}
gaps = {n: float(w.completeness_gap.abs().mean() / change[n]) for n, w in walks.items()}

# %%
run.result("completeness_gap_few", gaps[n_path_steps // 8], n=len(looked), atol=0.5)
run.result("completeness_gap_many", gaps[n_path_steps], n=len(looked), atol=0.2)
ig_map = block_mean(as_numbers(walks[n_path_steps].map), grid=grid)
ig_rho = rank_correlation(ig_map, dense[one_each[:6]]).mean()
cam_rho = rank_correlation(honest_maps[one_each[:6]], dense[one_each[:6]]).mean()
run.result("density_correlation_ig", ig_rho, n=len(looked), atol=0.2)
run.say(
    "With {few_steps} steps the gap is {completeness_gap_few:.0%} of the change in score, with"
    " {n_path_steps} it is {completeness_gap_many:.0%}. Summed over the same cells, integrated"
    " gradients correlate with density by {density_correlation_ig:.2f}, Grad-CAM on the same tiles"
    " by {cam:.2f}.",
    few_steps=n_path_steps // 8,
    cam=cam_rho,
)

# %% [markdown]
# **Deletion and insertion** {cite}`petsiuk2018` ask the network itself. Blur the cells of a tile,
# highest on the map first: if the map is right, the probability of tumour must fall fast. Or start
# from the blurred tile and put cells back: it must rise fast. Cells in random order are the
# baseline.

# %%
orders = {
    "Grad-CAM first": torch.from_numpy(honest_maps[one_each]),
    "densest first": torch.from_numpy(dense[one_each]),
    "random order": torch.from_numpy(run.rng("random order").random(dense[one_each].shape)),
}
options = {"baseline": blurred(few), "target": 1, "steps": min(8, grid * grid)}
curves = {
    (name, mode): score_curve(honest, few, order, mode=mode, **options)
    for name, order in orders.items()
    for mode in ("deletion", "insertion")
}


# %% tags=["hide-input"]
def draw_curves():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
    for place, mode in zip(axes, ("deletion", "insertion"), strict=True):
        for name in orders:
            curve = curves[name, mode]
            place.plot(curve.shares, curve.probabilities.mean(axis=0), marker="o", label=name)
        place.set(title=mode, xlabel="share of the cells changed")
    axes[0].set_ylabel("mean probability of tumour")
    axes[1].legend()
    return figure


# %% tags=["hide-input"]
alt = (
    "Two panels of falling and rising curves; the order of Grad-CAM and of density fall and rise"
    " faster than the random order."
)
caption = (
    "Taking the map's highest cells first lowers the score faster than chance, and about as fast as"
    f" taking the densest ones. {KIND.capitalize()} tissue, n = {len(one_each)} tiles."
)
run.figure(draw_curves(), name="deletion", alt=alt, caption=caption, data=KIND)

# %%
saved = curves["random order", "deletion"].area - curves["Grad-CAM first", "deletion"].area
faster = over_patients(saved, whose[one_each])
run.result("deletion_gain", faster.value, interval=faster.interval, n=faster.n_patients, atol=0.1)
run.say(
    "Against random order, the area under the deletion curve is smaller by"
    " {deletion_gain:.2f} ({deletion_gain.low:.2f} to {deletion_gain.high:.2f})."
)

# %% [markdown]
# ## What breaks it
#
# - **A map's place is a place in the layer.** You have seen it: complete, faithful, and pointing
#   away from the ink. Look at several depths, and doubt most where they disagree.
# - **Coarse maps.** One cell covers several nuclei. The smooth look is made by interpolation.
# - **ReLU hides what speaks against.** A map shows a search for reasons *for* a class. What the
#   network saw and held against it is cut off.
# - **Saturation.** The gradient asks what a *small* change would do. Where a second dot of ink
#   would change nothing any more, the gradient at the first is small, too.
# - **A plausible map is not a correct model.** The next cell takes the shortcut network, which
#   overrules tissue by ink, and shows it tiles *without* ink.

# %%
clean_rho = over_patients(rank_correlation(maps_of(shortcut, x_tumour), dense))
run.result("density_correlation_shortcut_clean", clean_rho.value, n=clean_rho.n_patients, atol=0.3)
run.say(
    "On clean tiles the shortcut network's map correlates with density by"
    " {density_correlation_shortcut_clean:.2f}, the honest network's by {density_correlation:.2f}."
    " It still looks at tissue there: no map of a clean tile betrays what the network does once"
    " there is ink. ReLU empties"
    " {cut:.0%} of the honest network's cells.",
    cut=float(np.mean(honest_maps <= 0)),
)

# %% [markdown]
# ## What we claim

# %%
margin = rho.low - 0.4
run.claim("the honest network's map follows the density of nuclei", margin > 0, margin=margin)
margin = 0.35 - left
run.claim("random weights destroy the map", margin > 0, margin=margin)
margin = exposed.value - 0.8
run.claim("Grad-CAM points at the ink in four of five tiles", margin >= 0, margin=margin)
margin = own_gradient.value - 0.9
run.claim("HiResCAM points at the ink in nine of ten tiles", margin >= 0, margin=margin)
margin = 0.5 - exposed_last.value
run.claim("at the last maps its peak is not on the ink in most tiles", margin > 0, margin=margin)

# %%
run.claim("cells taken in the map's order lower the score faster than at random", faster.low > 0,
          margin=faster.low, unit="area")  # fmt: skip
margin = rho.value / 2 - abs(shuffled_rho.value)
run.claim("shuffled labels leave the map less than half of its agreement with density",
          margin > 0, margin=margin, control=True)  # fmt: skip
margin = 0.2 - fooled.value
run.claim("the honest network's map does not point at ink", margin > 0, margin=margin, control=True)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Grad-CAM is a mean of gradients, a weighted sum of maps, and a ReLU; eight lines.
# - A map is an instrument: measure its agreement with known truth, over patients, against noise.
# - Break the network and see the map break. Draw more than once.
# - A map can expose a shortcut, and point beside the same shortcut two layers further up. A map
#   without a finding is no proof of innocence; moving the ink is.
#
# ## Exercises
#
# Type your answer in place of `None` and run the cell: it tells you whether you are right.
#
# ```{exercise}
# :label: grad-cam-negative
# Two scores, $y^0$ for normal and $y^1$ for infiltrated. Compute `for_normal`, the map (without
# ReLU) of what speaks for *normal* in `x_tumour` at the layer `LAYER`. In how many of the tiles
# does its highest cell lie outside of the tumour? **Self-check** below.
# ```

# %% tags=["self-check"]
for_normal = None  # an array of shape (tiles, grid, grid)
share_outside = None  # between 0 and 1
if for_normal is None:
    print("Type your answer first.")
else:
    signed = as_numbers(grad_cam(honest, x_tumour, layer=LAYER, target=0, signed=True).map)
    right = np.allclose(for_normal, signed, atol=1e-5)
    right &= abs(share_outside - (1 - pointing_game(signed, inside).mean())) < 0.01
    print("Right." if right else "Not yet: which target, and where may the sign be lost?")

# %% [markdown]
# ```{exercise}
# :label: grad-cam-occlusion
# Ask without any gradient: for each cell of a $4\times 4$ grid, put the blurred tile in place of
# the cell and note by how much the shortcut network's probability of tumour falls. Do it for
# `x_inked`. Does the *occlusion map* point at the ink? **Self-check** below.
# ```

# %% tags=["self-check"]
occlusion = None  # an array of shape (tiles, 4, 4), higher = the probability falls by more
if occlusion is None:
    print("Type your answer first.")
else:
    cells = block_mean(marks[is_test].astype(float), grid=4) > 0
    hits = pointing_game(np.asarray(occlusion, dtype=float), cells).mean()
    print(f"It points at the ink in {hits:.0%} of the tiles.")
    print("Right." if hits > 0.8 else "Not yet: is the sign of the fall right?")

# %% [markdown]
# ```{exercise}
# :label: grad-cam-both
# Set `label_error` to zero: now the tissue is never wrong either, and the ink is one of two
# perfect signs. Predict what the map does, then rerun. **Self-check:** compare the printed AUC
# with swapped ink, and the share of tiles in which the map points at the ink, with those above.
# ```
#
# ```{exercise}
# :label: grad-cam-chance
# A map of $4 \times 4$ cells is noise, the tumour covers a share $q$ of the cells. What do you
# expect of the pointing game, and of the IoU at equal area for $q = 1/2$, roughly?
# **Self-check:** the column *noise* of the first table.
# ```

# %% [markdown] tags=["solution"]
# ```{solution} grad-cam-negative
# :class: dropdown
# `for_normal = as_numbers(grad_cam(honest, x_tumour, layer=LAYER, target=0, signed=True).map)` and
# `share_outside = 1 - pointing_game(for_normal, inside).mean()`. With ReLU all that speaks against
# *normal* is zero, and ties make the highest cell a matter of chance where nothing is positive.
# ```
#
# ```{solution} grad-cam-occlusion
# :class: dropdown
# For each of the 16 cells build `mask`, True in the cell, and `torch.where(mask, blurred(x_inked),
# x_inked)`; the map is the probability before minus the probability after, from
# `class_probabilities(shortcut, ...)[:, 1]`. It finds the ink, whatever the depth of the network:
# it asks the image, not a layer. Blur smears ink into its neighbours, which costs a little.
# ```
#
# ```{solution} grad-cam-both
# :class: dropdown
# The network uses both signs. Swapped ink harms it much less, and Grad-CAM points at the ink in far
# fewer tiles, though the ink still has a say: a network takes a shortcut as far as it pays. With
# wrong labels, as archives have them, the ink pays.
# ```
#
# ```{solution} grad-cam-chance
# :class: dropdown
# The highest cell is any cell, so the pointing game is won with probability $q$. Half of $k$ chosen
# cells fall inside: $I = k/2$, and $I/(2k - I) = (k/2)/(3k/2) = 1/3$.
# ```

# %% [markdown]
# ## Further reading
#
# - R. R. Selvaraju et al., Grad-CAM:
#   [doi:10.1109/ICCV.2017.74](https://doi.org/10.1109/ICCV.2017.74)
# - A. Chattopadhay et al., Grad-CAM++:
#   [doi:10.1109/WACV.2018.00097](https://doi.org/10.1109/WACV.2018.00097)
# - R. L. Draelos, L. Carin, HiResCAM, and why the mean of the gradients misleads:
#   [doi:10.48550/arXiv.2011.08891](https://doi.org/10.48550/arXiv.2011.08891)
# - M. Sundararajan, A. Taly, Q. Yan, integrated gradients:
#   [doi:10.48550/arXiv.1703.01365](https://doi.org/10.48550/arXiv.1703.01365)
# - J. Adebayo et al., sanity checks for saliency maps:
#   [doi:10.48550/arXiv.1810.03292](https://doi.org/10.48550/arXiv.1810.03292)
# - V. Petsiuk, A. Das, K. Saenko, deletion and insertion:
#   [doi:10.48550/arXiv.1806.07421](https://doi.org/10.48550/arXiv.1806.07421)
# - J. R. Zech et al., a network that recognised the hospital:
#   [doi:10.1371/journal.pmed.1002683](https://doi.org/10.1371/journal.pmed.1002683)
# - A. J. DeGrave, J. D. Janizek, S.-I. Lee, shortcuts instead of signal:
#   [doi:10.1038/s42256-021-00338-7](https://doi.org/10.1038/s42256-021-00338-7)
# - B. S. Veeling et al., the PCam tiles:
#   [doi:10.1007/978-3-030-00934-2_24](https://doi.org/10.1007/978-3-030-00934-2_24)
# - J. N. Kather et al., the NCT-CRC-HE tiles:
#   [doi:10.1371/journal.pmed.1002730](https://doi.org/10.1371/journal.pmed.1002730)
