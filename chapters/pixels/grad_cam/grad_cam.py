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
# still there. A network says *infiltrated* and shows a coloured map of what it looked at. Crowded
# nuclei shine brightly, everybody nods, and more brain is taken out. Had a dot of ink shone, would
# anybody have noticed? And if the network *did* look at the ink, would the map have
# said so?
#
# **Objectives.** After this chapter you will be able to
#
# - derive Grad-CAM, write it with a hook, and know what it computes at each depth of a network;
# - measure whether a map agrees with what is in the tissue, with an interval over patients;
# - test a map as you would test any instrument: on a broken network, on a meaningless one, and on
#   one whose fault you know;
# - name five ways in which a map can mislead.
#
# **Prerequisites.** Python, the chain rule, what a convolutional network is, and what an AUC is
# (the chance that a tile with tumour scores higher than one without).
#
# **Data.** All tissue here is simulated, so that the number of nuclei, their size and their shape
# are known at every pixel; no result below is about a patient. The network's first weights are
# real: EfficientNet-Lite0, trained on the photographs of ImageNet. To use real tissue, such as
# [PCam](https://doi.org/10.1007/978-3-030-00934-2_24) or two classes of
# [NCT-CRC-HE](https://doi.org/10.5281/zenodo.1214456), put its tiles into a folder as
# `CLASS/PATIENT_number.png` (or JPEG, TIFF), set `tile_folder`, and say in `tumour_class` which
# class is tumour. Nobody has drawn nuclei or tumour there, so stain stands in for the one and its
# upper half for the other.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_patients: int = 36  # simulated patients, 6 ≤ x ≤ 1000
train_share: float = 0.56  # share of the patients to learn from, 0.2 ≤ x ≤ 0.8
tiles_per_patient: int = 8  # tiles of each, half of them with tumour, 2 ≤ x ≤ 200
n_steps: int = 50  # training steps of each network, 1 ≤ x ≤ 10000
depth: str = "stage6"  # maps to explain: "stage3", "stage4", "stage5", "stage6", "stage7" or "head"
label_error: float = 0.25  # share of an archive's tiles with the wrong label, 0 ≤ x ≤ 0.5
n_shuffles: int = 3  # networks trained on labels without meaning, 2 ≤ x ≤ 20
n_redraws: int = 4  # random redraws of the weights in the sanity check, 1 ≤ x ≤ 100
n_path_steps: int = 32  # most steps of integrated gradients, 8 ≤ x ≤ 1024
n_resamples: int = 2000  # bootstrap samples behind each interval, 100 ≤ x ≤ 100000
tile_folder: str = ""  # folder with two sub-folders of tiles, one a class; empty for simulated ones
tumour_class: str = "tumour"  # the sub-folder of tile_folder that holds tumour

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, maximum_filter
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.simulated.histology import histology_tiles
from data_fetch.simulated.ink_mark import ink_marks, with_ink
from data_fetch.tasks.tile_folder import read_tile_folder
from medlib import experiment
from medlib.measures.patient_bootstrap import patient_mean
from medlib.nets.efficientnet_lite import DEPTHS, STAGES, load_imagenet, preprocess
from medlib.pixels.maps.attribution import upsample
from medlib.pixels.maps.cascading_randomisation import cascade
from medlib.pixels.maps.deletion_insertion import score_curve
from medlib.pixels.maps.grad_cam import grad_cam, grad_cam_plus_plus, hires_cam
from medlib.pixels.maps.integrated_gradients import integrated_gradients
from medlib.pixels.maps.map_agreement import block_mean, iou_at_equal_area
from medlib.pixels.maps.map_agreement import pointing_game, rank_correlation
from medlib.pixels.maps.tile_classifier import class_probabilities, fit_tile_classifier

run = experiment.start("pixels/grad_cam", locals())

# %% tags=["hide-input"]
n_taught = round(train_share * n_patients)
run.require(
    bool(tile_folder) or 3 <= n_taught <= n_patients - 2, "n_patients", "train_share",
    right="at least 3 patients are left to learn from, and at least 2 to test on",
)

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
    bare = {"frame_on": False, "xticks": [], "yticks": []}
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, subplot_kw=bare)


# %% [markdown]
# ## A picture first
#
# Below are three tiles of tissue, each from another patient. Laboratories stain differently. The
# tumour comes in from one side. Where it is, nuclei (dark) are crowded (*cellularity*), and they
# are larger and more irregular (*atypia*). A pathologist looks for both, and for much that is not
# simulated here: mitoses, tumour cells around neurons, molecular stains. And a front inside an
# eighth of a millimetre is much sharper than a glioma's; this task is easy on purpose, for the
# question is not whether the network is right, but whether its *map* can be believed. The
# simulation knows density, size and shape at every pixel; the network will be told one word a tile,
# *normal* or *infiltrated*.

# %%
own = read_tile_folder(tile_folder, positive=tumour_class, size=SIZE) if tile_folder else None
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
if own:
    own.check_split(training, least=4)

# %% [markdown]
# Patients, not tiles, are divided into those to learn from and those to be tested on. Tiles of
# one patient share stain and disease, so a network that has seen some knows the others too well.

# %% tags=["hide-input"]
kinds = {"tissue": images, "nuclei nearby": density, "tumour": region}
sick = [name for name in train_names if np.any(tumour_tile & (patients == name))]
first = [np.flatnonzero(tumour_tile & (patients == name))[0] for name in sick[:3]]


def draw_tissue():
    figure, axes = pictures(3, columns=3)
    for row, (name, values) in zip(axes, kinds.items(), strict=True):
        for place, tile in zip(row, first, strict=True):
            span = {} if name == "tissue" else {"vmin": 0, "vmax": values[first].max()}
            place.imshow(values[tile], cmap="viridis", **span)
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
    "Tumour (yellow) comes in from one side; nuclei crowd there, unevenly. Density runs from none"
    f" (blue) to {density[first].max():.0f} {'per mm²' if own is None else 'of stain'} (yellow)."
    f" {KIND.capitalize()} tissue, n = 3 tiles of {SIZE} px{' or µm' if own is None else ''}."
)
run.figure(draw_tissue(), name="tissue", alt=alt, caption=caption, data=KIND)

# %% [markdown]
# ## A classifier that deserves a look inside
#
# We take a network that has learned from a million photographs, give it a new last layer with
# two outputs, and go on training on our tiles. It is built in steps: a *stem*, seven *stages* of
# convolutions, and a *head*, a last layer of many channels whose means over all places go to the
# two outputs. The stem and the first three stages, which see edges and colours, stay as they are.

# %%
weights = imagenet_weights()
run.uses(weights.as_sample())
source = load_imagenet(weights.path).to(run.device)
x = preprocess(images, device=run.device)
labels = torch.from_numpy(tumour_tile.astype(np.int64))


# %%
def fit(x, labels, name, steps=n_steps):
    x, labels = x[torch.from_numpy(training)], labels[torch.from_numpy(training)]
    return fit_tile_classifier(
        source, x, labels, steps=steps, batch_size=min(16, len(x)),
        generator=run.torch_generator(name),
    )


honest = fit(x, labels, "honest")

# %%
with torch.no_grad():
    maps = dict(zip(DEPTHS, source.depths(x[:1]), strict=True))
rows = [
    {"depth": name, "channels": a.shape[1], "cells of a map": f"{a.shape[2]} × {a.shape[3]}",
     "convolutions": 1 if name in ("stem", "head") else STAGES[int(name[-1]) - 1].blocks,
     "that reach over": {"stem": 3, "head": 1}.get(name) or STAGES[int(name[-1]) - 1].kernel}
    for name, a in maps.items()
]
caption = f"The network on a tile of {SIZE} px: convolutions that look at neighbours, and how far."
run.table(rows, name="network", caption=caption)

# %%
test = ~training
x_test, x_tumour = x[torch.from_numpy(test)], x[torch.from_numpy(test & tumour_tile)]
whose = patients[test & tumour_tile]  # the patient of each tumour tile in the test


def tumour_scores(network, x_test):
    return class_probabilities(network, x_test)[:, 1].numpy()


def auc_on(network, x_test):
    return roc_auc_score(tumour_tile[test], tumour_scores(network, x_test))


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
# That is all of it. Two cautions before we use it. In the last layer, whose maps are never
# negative, zero means "nothing here". Further down a channel may carry any constant, which the next
# layer takes off again: there the ReLU cuts at a zero that means little, and only the *order* of
# places can be read. And the decision rests on $y^1 - y^0$, not on $y^1$ alone.
#
# The library's version does the same for a batch, stops the backward pass at the layer, touches no
# other gradient, and leaves the ReLU out with `signed=True`. MONAI, a library for medical imaging,
# has one as well. All three must agree.

# %% tags=["hide-input"]
class LastMaps(torch.nn.Module):
    """A network up to its last maps, as one module on which a hook can be put."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.depths(x)[-1]


# %% tags=["hide-input"]
def for_monai(network):
    """A copy, on which hooks may stay for good, and its module that makes the maps of `depth`."""
    network = copy.deepcopy(network)
    if depth != "head":
        return network, LAYER
    rest = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), network.classifier
    return torch.nn.Sequential(LastMaps(network), *rest), "0"  # MONAI wants a module used once


# %%
from monai.visualize import GradCAM

ours = grad_cam(honest, one, layer=LAYER, target=1).map
copied, layer = for_monai(honest)  # a copy: its hooks stay for good
monai_map = GradCAM(copied, target_layers=layer).compute_map(one, class_idx=1)[:, 0].detach()
apart = max(float((m - ours).abs().max()) for m in (by_hand, monai_map))
apart /= max(float(ours.max()), 1e-12)
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
alt = "Four tiles veiled by coarse maps, bright on one side; the same tiles with the tumour's edge."
figure, axes = pictures(2)
for column, tile in zip(axes.T, one_each, strict=False):
    overlay(column[0], images[is_test][tile], honest_maps[tile])
    column[1].imshow(images[is_test][tile])
    column[1].contour(region[is_test][tile], levels=[0.5], colors="black", linewidths=2)
    column[1].set_axis_off()
run.figure(
    figure, name="honest_maps", alt=alt, data=KIND,
    caption="Above: Grad-CAM, bright where it speaks for tumour, each tile scaled to its own"
    " highest value. Below: the tumour's edge, which the network was never shown."
    f" {KIND.capitalize()} tissue, n = 4 of {len(one_each)} test patients.",
)

# %% [markdown]
# Three questions:
#
# - **Rank correlation** (Spearman's $\rho$): do places with more nuclei get higher values? The
#   truth is averaged over the same coarse cells as the map.
# - **Pointing game**: does the highest cell lie in the tumour?
# - **IoU at equal area**: take as many of the highest cells as the tumour has, and divide what both
#   share by what either covers.
#
# Each has its own level of chance, so we ask the same of maps that are pure noise. And we ask it of
# an **edge detector**: the size of the grey level's gradient, averaged over the cells. It knows no
# network, and explains none. The interval is over *patients*: the bootstrap draws whole patients
# with replacement, for tiles of one patient are no independent witnesses.

# %%
resample = run.rng("bootstrap")
noise = run.rng("noise maps").random(honest_maps.shape)
grey = images[is_test].mean(axis=-1)
slope = np.stack([gaussian_gradient_magnitude(tile, sigma=1) for tile in grey])
edges = block_mean(slope, grid=grid)
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
rows, found, by_edges = [], {}, {}
for name, (measure, truth) in measures.items():
    found[name] = over_patients(measure(honest_maps, truth))
    by_edges[name] = over_patients(measure(edges, truth))
    rows.append({"measure": name, "map (95 % interval)": with_interval(found[name]),
                 "edge detector": with_interval(by_edges[name]),
                 "noise": f"{over_patients(measure(noise, truth)).value:.2f}"})
caption = f"{KIND.capitalize()} tissue, n = {len(one_each)} test patients, {len(whose)} tiles."
run.table(rows, name="agreement", caption=caption)

# %%
rho = found["rank correlation with density"]
iou = found["IoU at equal area"]
run.result("density_correlation", rho.value, interval=rho.interval, n=rho.n_patients, atol=0.1)
run.result("iou_tumour", iou.value, interval=iou.interval, n=iou.n_patients, atol=0.1)
bare = by_edges["rank correlation with density"]
run.result("density_correlation_edges", bare.value, interval=bare.interval, n=bare.n_patients)
like_map = over_patients(rank_correlation(edges, honest_maps)).value
run.result("similarity_edges", like_map, n=rho.n_patients, atol=0.1)

# %%
run.say(
    "The map and the density of nuclei are correlated with $\\rho$ ="
    " {density_correlation:.2f} ({density_correlation.low:.2f} to"
    " {density_correlation.high:.2f}), though no one told the network where nuclei are. It sounds"
    " like proof. But the edge detector, which has no network in it, reaches"
    " {density_correlation_edges:.2f} ({density_correlation_edges.low:.2f} to"
    " {density_correlation_edges.high:.2f}), and agrees with the network's map by"
    " {similarity_edges:.2f}."
)

# %% [markdown]
# So agreement with what is in the tissue shows that a map is *plausible*, not that it *explains*.
# Any filter for dark, busy places agrees here, because tumour, nuclei and edges lie on the same
# side. (For the same reason these numbers cannot tell whether the network follows nuclei or just
# the tumour's side.) What would an explanation have that an edge detector has not? It must depend
# on the network. That is tested next but one.

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
    caption="From stem to head, maps become coarser and calmer. Each is scaled to its own highest"
    f" value. {KIND.capitalize()} tissue, n = 4 tiles.",
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
    return rank_correlation(block_mean(values, grid=cells), truth)


depth_rho = {name: over_patients(coarse_rho(values), whose[two_each])
             for name, values in by_depth.items()}
rows = [
    {"maps of": name, "cells": f"{values.shape[-1]} × {values.shape[-1]}",
     "rank correlation with density": with_interval(depth_rho[name]),
     "cells that ReLU empties": f"{np.mean(values <= 0):.0%}"}
    for name, values in by_depth.items()
]

# %%
caption = (
    f"On {grid} × {grid} cells at most. {KIND.capitalize()} tissue, n = {len(two_each)} tiles."
)
run.table(rows, name="depths", caption=caption)
run.say(
    "On these tiles the map that follows density best is that of {best} ({most:.2f}); the *last*"
    " maps, those of the head, come to {last:.2f}.",
    best=(best := max(depth_rho, key=lambda name: depth_rho[name].value)),
    most=depth_rho[best].value,
    last=depth_rho["head"].value,
)

# %% [markdown]
# ## Is it an explanation at all?
#
# The edge detector agrees with nuclei, and explains no network. So we break ours, step by step: new
# random weights for the classifier, then for the head as well, then for stage 7, down to the stem
# {cite}`adebayo2018`. What the network had learned is gone; a map that *explains* it must go, too.
# (The edge detector would not notice.) We compare each broken network's map with the honest one by
# rank correlation, both without the ReLU, since a map that is zero everywhere has no ranks.

# %%
parts = ["classifier", "head", *(f"stages.{n}" for n in range(6, -1, -1)), "stem"]
few = x_tumour[one_each]


def signed(network, x, **options):
    return as_numbers(grad_cam(network, x, layer=LAYER, target=1, signed=True, **options).map)


# %%
similar = np.zeros((n_redraws, len(parts)))
intact = signed(honest, few)
for redraw in range(n_redraws):
    generator = run.torch_generator(f"redraw {redraw}")
    for step, (_, broken) in enumerate(cascade(honest, parts=parts, generator=generator)):
        similar[redraw, step] = rank_correlation(signed(broken, few), intact).mean()
ticks = ["intact", "classifier", "head", *(f"stage{n}" for n in range(7, 0, -1)), "stem"]
similarity = np.concatenate([np.ones((n_redraws, 1)), similar], axis=1)
chance = [rank_correlation(run.rng(f"chance {n}").random(intact.shape), intact).mean()
          for n in range(50)]


# %% tags=["hide-input"]
def draw_cascade():
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    lines = axes.plot(similarity.T, color=COLORS["sky"], linewidth=1)
    lines[0].set_label("single redraws")
    axes.axhline(like_map, color=COLORS["orange"], linestyle="--", label="edge detector")
    low, high = np.quantile(chance, [0.025, 0.975])
    axes.axhspan(low, high, color=COLORS["grey"], alpha=0.2, label="noise")
    axes.plot(similarity.mean(axis=0), "o-", color=COLORS["blue"], label="mean of the redraws")
    axes.set_xticks(range(len(ticks)), ticks, rotation=30, ha="right")
    axes.set(xlabel="randomised from the top down to", ylabel="similarity to the honest map")
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.58))
    return figure


# %% tags=["hide-input"]
alt = (
    "Similarity of the map to the intact network's: one at first, then single redraws scattered"
    " around zero, well below a dashed line for the edge detector."
)
caption = (
    "Random weights destroy the map, but not down to noise: single redraws keep or reverse a part"
    f" of it. Grey: 95 % of maps of pure noise. {KIND.capitalize()}, n = {len(one_each)} tiles,"
    f" {n_redraws} redraws."
)
run.figure(draw_cascade(), name="cascade", alt=alt, caption=caption, data=KIND)

# %%
left = np.abs(similar[:, -1]).mean()
top = np.abs(similar[:, 0]).max()
run.result("similarity_all_random", left, n=n_redraws, atol=0.1)
run.result("similarity_top_random", top, n=n_redraws, atol=0.5)
run.say(
    "With all weights random, the similarity is {similarity_all_random:.2f} in size; 95 % of maps"
    " of pure noise stay below {band:.2f}. A random network still filters edges, with a random"
    " sign. And look at the left: with only the classifier random, one redraw reached"
    " {similarity_top_random:.2f} in size. The maps below are still those of a network that knows"
    " tissue, and random weights add them up. A single redraw proves nothing in either direction.",
    band=np.quantile(np.abs(chance), 0.95),
)

# %% [markdown]
# ## A negative control: labels that mean nothing
#
# Now train on labels dealt anew: of the tumour tiles half are called infiltrated, of the normal
# tiles half. There is nothing to learn but the tiles by heart. Would the maps look convincing? One
# such network is an anecdote, for it may by luck lean on nuclei or away from them; so we train
# several, each on a deal of its own, with half as many steps to keep within the minute.


# %%
def dealt_labels(name):
    deal = run.rng(f"deal of {name}")
    dealt = np.zeros(len(labels), dtype=np.int64)
    for kind in (False, True):
        members = np.flatnonzero(training & (tumour_tile == kind))
        dealt[members] = deal.permutation(np.arange(len(members)) % 2)
    return torch.from_numpy(dealt)


# %%
aucs, rhos = [], []
for n in range(n_shuffles):
    name = f"shuffled labels {n}"
    meaningless = fit(x, dealt_labels(name), name, steps=max(1, n_steps // 2))
    aucs.append(auc_on(meaningless, x_test))
    rhos.append(over_patients(rank_correlation(maps_of(meaningless, x_tumour), dense)).value)

# %%
run.result("auc_shuffled", np.mean(aucs), interval=(min(aucs), max(aucs)), n=n_shuffles, atol=0.2)
run.result("shuffled_correlation", np.mean(np.abs(rhos)), n=n_shuffles, atol=0.3)
run.say(
    "The {n_shuffles} networks reach AUCs of {auc_shuffled.low:.2f} to {auc_shuffled.high:.2f} on"
    " test patients (all of them, not an interval). Their maps correlate with density by {each}: in"
    " size {shuffled_correlation:.2f} on average, against {density_correlation:.2f} for the honest"
    " network. A network that was taught nothing still has a map, and still leans on nuclei or away"
    " from them.",
    each=", ".join(f"{value:+.2f}" for value in rhos),
)

# %% [markdown]
# ## The shortcut
#
# Slides in an archive carry traces of their diagnosis. A pathologist marks the tumour with a felt
# pen; one hospital's scanner prints a label; a portable X-ray machine is used for the sickest
# {cite}`zech2018,degrave2021`. The diagnoses themselves have errors. We simulate an archive with
# both: a random share of its tiles has the wrong label (in real archives errors come by whole
# slides, which is worse), and every tile whose *label* says tumour carries a dot of green ink in a
# corner. The ink is never wrong about the label.

# %%
marks = ink_marks(len(images), size=SIZE, rng=run.rng("ink"))
archive = tumour_tile.copy()  # what the archive says of each tile
slip = run.rng("wrong labels")
for part in (training, test):
    for kind in (False, True):
        members = np.flatnonzero(part & (tumour_tile == kind))
        wrong = slip.permutation(members)[: round(label_error * len(members))]
        archive[wrong] = ~archive[wrong]

# %%
as_filed = preprocess(with_ink(images, marks=marks, which=archive), device=run.device)
shortcut = fit(as_filed, torch.from_numpy(archive.astype(np.int64)), "shortcut")

# %%
swapped = preprocess(with_ink(images, marks=marks, which=~tumour_tile)[test], device=run.device)
filed_test = as_filed[torch.from_numpy(test)]
for name, network in {"shortcut": shortcut, "honest": honest}.items():
    filed = tumour_scores(network, filed_test)
    for what, value in {
        "archive": roc_auc_score(archive[test], filed),  # the archive's images and labels
        "truth": roc_auc_score(tumour_tile[test], filed),  # its images, the true labels
        "swapped": auc_on(network, swapped),  # ink on the normal tiles, true labels
    }.items():
        run.result(f"auc_{name}_{what}", value, n=int(test.sum()), atol=0.15)

# %%
run.say(
    "Tested on patients it never saw from the same archive, against the archive's labels, the"
    " shortcut network reaches an AUC of {auc_shortcut_archive:.3f}; the honest one, which was"
    " taught the truth, looks worse with {auc_honest_archive:.3f}. Against the *true* labels it is"
    " {auc_shortcut_truth:.3f} and {auc_honest_truth:.3f}. Put the ink on the normal tiles instead,"
    " and the shortcut network falls to {auc_shortcut_swapped:.3f}; the honest one has"
    " {auc_honest_swapped:.3f}. No test inside the archive could have told."
)

# %% [markdown]
# The swap needs somebody who already suspects ink. Does the map tell us without? Give every tumour
# tile of the test its dot; the highest cell of the map should be the cell with the ink. A map that
# points anywhere finds it by chance in one cell of so many.

# %%
inked_tiles = with_ink(images, marks=marks, which=tumour_tile)[is_test]
x_inked = preprocess(inked_tiles, device=run.device)


def on_ink(values, which=slice(None), reach=0):
    cells = block_mean(marks[is_test][which].astype(float), grid=values.shape[-1]) > 0
    near = maximum_filter(cells, size=(1, 2 * reach + 1, 2 * reach + 1))
    return pointing_game(values, near)


# %%
looks = {
    f"shortcut network, {depth}": maps_of(shortcut, x_inked),
    "shortcut network, stage7": maps_of(shortcut, x_inked, MODULE["stage7"]),
    "shortcut network, head": maps_of(shortcut, x_inked, MODULE["head"]),
    f"honest network, {depth}": maps_of(honest, x_inked),
}

# %%
exposed, exposed_7, exposed_last = (
    over_patients(on_ink(looks[f"shortcut network, {at}"])) for at in (depth, "stage7", "head")
)
fooled = over_patients(on_ink(looks[f"honest network, {depth}"]))
last_maps = looks["shortcut network, head"]
beside = over_patients(on_ink(last_maps, reach=1) - on_ink(last_maps))
by_chance = (block_mean(marks[is_test].astype(float), grid=grid) > 0).mean()

# %%
for name, share in {
    "ink_found": exposed,
    "ink_found_stage7": exposed_7,
    "ink_found_last_maps": exposed_last,
    "ink_beside_last_maps": beside,
    "ink_found_honest": fooled,
}.items():
    run.result(name, share.value, interval=share.interval, n=share.n_patients, atol=0.15)


# %% tags=["hide-input"]
def draw_shortcut():
    figure, axes = pictures(len(looks))
    look = {"cmap": "inferno", "alpha": 0.55, "vmin": 0, "extent": (0, SIZE, SIZE, 0)}
    for row, (title, values) in zip(axes, looks.items(), strict=True):
        for place, tile in zip(row, one_each, strict=False):
            place.imshow(inked_tiles[tile])
            place.imshow(values[tile], **look)
            cell = np.array(np.unravel_index(values[tile].argmax(), values[tile].shape))
            down, across = (cell + 0.5) * SIZE / len(values[tile])
            place.plot(across, down, "x", color="white", markersize=9, markeredgewidth=2.5)
        row[0].set_title(title)
    return figure


# %% tags=["hide-input"]
alt = (
    "Tiles with a green dot in a corner, under maps of four by four cells with a cross at the"
    " highest. First row: the cross is on the dot. Second and third: in a cell beside it. Fourth:"
    " on the tumour."
)
caption = (
    "The cells of the maps as they are, each tile scaled to its own highest value, which the cross"
    f" marks. Three depths of one network, then the honest one. {KIND.capitalize()} tissue with"
    " simulated ink, n = 4 tiles."
)
ink_data = KIND if KIND == "simulated" else "real and simulated"
run.figure(draw_shortcut(), name="shortcut_maps", alt=alt, caption=caption, data=ink_data)

# %%
run.say(
    "At {depth}, the map of the shortcut network points at the ink in {ink_found:.0%} of the tiles"
    " (chance: {chance:.0%}); the honest network's does in {ink_found_honest:.0%}. At stage 7, one"
    " stage further up, it is {ink_found_stage7:.0%}, and at the head, *the last maps, which the"
    " recipe recommends*, {ink_found_last_maps:.0%}: there it points in {ink_beside_last_maps:.0%}"
    " at the tissue in a cell next to it.",
    chance=by_chance,
)
run.say(
    "A word on certainty: where the map points at the ink in every tile of every patient, the"
    " bootstrap interval has no width. By the exact binomial bound, {n} patients out of {n} still"
    " allow one patient in {one_in:.0f} for whom it would not.",
    n=exposed.n_patients, one_in=1 / (1 - 0.05 ** (1 / exposed.n_patients)),
)

# %% [markdown]
# How can that be? At the head the map is *complete*: before the ReLU it adds up to the score, up to
# the constant $b$. But a cell of a deep map is not the piece of image below it. Each convolution
# that looks at neighbours lets a cell speak of what lies beside it, and stage 7 has one that
# reaches over three by three cells of maps that are only a few cells wide. The network is free to
# send the news about the ink to the *next* cell, and training did. (Why it did, nothing here
# tests.) The map tells the truth about where the score was added up, and we read it as if it told
# where the evidence came from. *A map's place is a place in the layer, not in the image.* Whoever
# looks at the third row may still become suspicious; a rule that takes the peak blames the tissue
# beside the ink.
#
# ## Second opinions
#
# Grad-CAM takes the mean of the gradients before it multiplies. **HiResCAM** leaves that out and
# multiplies place by place {cite}`draelos2020`; **Grad-CAM++** takes positive gradients only, with
# weights of their own {cite}`chattopadhay2018`. Stage 5 has four times as many cells as the others;
# the dot touches four times as many, so chance is the same.

# %%
rows = []
methods = {"Grad-CAM": grad_cam, "Grad-CAM++": grad_cam_plus_plus, "HiResCAM": hires_cam}

# %%
for name, method in methods.items():
    for at in ("stage5", "stage6", "stage7", "head"):
        plain = maps_of(honest, x_tumour[two_each], MODULE[at], method)
        dotted = maps_of(shortcut, x_inked[two_each], MODULE[at], method)
        rows.append({"method": name, "maps of": at, "honest: correlation with density":
                     f"{coarse_rho(plain).mean():.2f}", "shortcut: points at the ink":
                     f"{on_ink(dotted, two_each).mean():.0%}"})

# %%
caption = (
    f"{KIND.capitalize()} tissue with simulated ink, n = {len(two_each)} tiles; by chance a map"
    f" points at the ink in {by_chance:.0%}."
)
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
# method is not better for being newer. HiResCAM keeps each place's own gradient; at the head it
# *is* Grad-CAM, and misses the ink, too. With another seed, Grad-CAM at the depth of our choice
# finds the ink in somewhat fewer tiles; hence the two different claims at the end.
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


looked = x_tumour[one_each[:4]]

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
run.say(
    "With {few_steps} steps the gap is {completeness_gap_few:.0%} of the change in score, with"
    " {n_path_steps} it is {completeness_gap_many:.0%}.",
    few_steps=n_path_steps // 8,
)

# %% [markdown]
# **Deletion and insertion** {cite}`petsiuk2018` ask the network itself. Blur the cells of a tile,
# highest on the map first: the sooner the probability of tumour falls, the more those cells
# mattered. Or start from the blurred tile and put cells back. Cells in random order are the
# baseline, and since one order is luck, we average over two.

# %%
shuffles = [run.rng(f"random order {n}").random(dense[one_each].shape) for n in range(2)]
orders = {
    "Grad-CAM first": [honest_maps[one_each]],
    "densest first": [dense[one_each]],
    "random orders": shuffles,
}
options = {"baseline": blurred(few), "target": 1, "steps": min(4, grid * grid)}


def mean_curve(order, mode):
    curves = [score_curve(honest, few, torch.from_numpy(o), mode=mode, **options) for o in order]
    areas = np.mean([curve.area for curve in curves], axis=0)
    return curves[0].shares, np.mean([c.probabilities for c in curves], axis=0), areas


# %%
MODES = ("deletion", "insertion")
curves = {(name, mode): mean_curve(orders[name], mode) for name in orders for mode in MODES}


# %% tags=["hide-input"]
def draw_curves():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
    for place, mode in zip(axes, MODES, strict=True):
        for name in orders:
            shares, probabilities, _ = curves[name, mode]
            place.plot(shares, probabilities.mean(axis=0), marker="o", label=name)
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
    "Blurring the map's highest cells first lowers the probability faster than chance, and about as"
    " fast as blurring the densest; blurring the rest raises it again, to that of a blurred tile."
    f" {KIND.capitalize()} tissue, n = {len(one_each)} tiles."
)
run.figure(draw_curves(), name="deletion", alt=alt, caption=caption, data=KIND)

# %%
gains = {}
for mode, sign in {"deletion": -1, "insertion": 1}.items():
    gained = sign * (curves["Grad-CAM first", mode][2] - curves["random orders", mode][2])
    gains[mode] = over_patients(gained, whose[one_each])
    mean = gains[mode]
    run.result(f"{mode}_gain", mean.value, interval=mean.interval, n=mean.n_patients, atol=0.1)
run.say(
    "Against random orders, the area under the curve of deletion is smaller by {deletion_gain:.2f}"
    " ({deletion_gain.low:.2f} to {deletion_gain.high:.2f}), and that of insertion larger by"
    " {insertion_gain:.2f} ({insertion_gain.low:.2f} to {insertion_gain.high:.2f}). But a tile that"
    " is blurred all over still has a probability of {blank:.2f}: blur is not *nothing* to this"
    " network, only something that it never saw. No baseline is without content.",
    blank=curves["densest first", "deletion"][1][:, -1].mean(),
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
run.result("density_correlation_shortcut_clean", clean_rho.value, interval=clean_rho.interval,
           n=clean_rho.n_patients, atol=0.3)
run.result("auc_shortcut_clean", auc_on(shortcut, x_test), n=int(test.sum()), atol=0.15)

# %%
run.say(
    "On clean tiles the shortcut network still has an AUC of {auc_shortcut_clean:.2f}, and its map"
    " correlates with density by {density_correlation_shortcut_clean:.2f}"
    " ({density_correlation_shortcut_clean.low:.2f} to"
    " {density_correlation_shortcut_clean.high:.2f}), the honest network's by"
    " {density_correlation:.2f}. The map is poorer, which somebody with an honest network beside it"
    " might notice; that *ink* is the reason cannot be read from it. ReLU empties {cut:.0%} of the"
    " honest network's cells.",
    cut=float(np.mean(honest_maps <= 0)),
)

# %% [markdown]
# ## What we claim

# %%
margin = rho.low - 0.4
run.claim("the honest network's map follows the density of nuclei", margin > 0, margin=margin)
margin = bare.low - rho.value
run.claim("so does an edge detector without any network, and better", margin > 0, margin=margin)
margin = like_map / 2 - left
run.claim("with random weights the map is less than half as like the honest one as edges are",
          margin > 0, margin=margin)

# %%
margin = exposed.value - 0.8
run.claim("Grad-CAM points at the ink in four of five tiles", margin >= 0, margin=margin)
margin = own_gradient.value - 0.9
run.claim("HiResCAM points at the ink in nine of ten tiles", margin >= 0, margin=margin)
margin = 0.5 - exposed_last.value
run.claim("at the last maps its peak is not on the ink in most tiles", margin > 0, margin=margin)

# %%
margin = rho.value / 2 - np.mean(np.abs(rhos))
run.claim("labels without meaning leave less than half of the agreement with density",
          margin > 0, margin=margin, control=True)
margin = 0.2 - fooled.value
run.claim("the honest network's map does not point at ink", margin > 0, margin=margin, control=True)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Grad-CAM is a mean of gradients, a weighted sum of maps, and a ReLU; a few lines.
# - A map is an instrument: measure its agreement with known truth, over patients, against noise and
#   against an edge detector, which here agreed *better*. Plausible is not explained.
# - Break the network and see the map break. Draw more than once.
# - A map can expose a shortcut, and point beside the same shortcut one stage further up. A map
#   without a finding is no proof of innocence. Moving the ink tests this shortcut and no other.
# - An archive cannot test against its own habits: there the shortcut network wins.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("grad-cam-decision")`
# gives a hint, and then another; `run.solution("grad-cam-decision")` shows how it is done.
#
# ```{exercise}
# :label: grad-cam-decision
# The decision rests on $d = y^1 - y^0$. Compute `for_decision`, the map of $d$ without the ReLU for
# all of `x_tumour` at the layer `LAYER`. (Two calls are enough. Why?)
# ```


# %% tags=["self-check"]
for_decision = None  # an array of shape (tiles, grid, grid)
asked = {"honest": honest, "x_tumour": x_tumour, "layer": LAYER, "inside": inside}
run.check("grad-cam-decision", for_decision, given=asked)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-decision-share
# In which share of these tiles does the highest cell of `for_decision` lie in the tumour?
# ```

# %% tags=["self-check"]
share_inside = None  # between 0 and 1
run.check("grad-cam-decision-share", share_inside, given=asked)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-occlusion
# Ask without any gradient: for each cell of a $4\times 4$ grid, put the blurred tile in place of
# the cell and note by how much the shortcut network's *probability* of tumour falls. Write it for
# the six tiles below, with loops and `torch.where`. Does the *occlusion map* point at the ink?
# ```

# %% tags=["self-check"]
tiles_6 = x_inked[:6]
occlusion = None  # an array of shape (6, 4, 4), higher = the probability falls by more
covered = {"shortcut": shortcut, "tiles": tiles_6, "blurred": blurred}
run.check("grad-cam-occlusion", occlusion, given=covered)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-both
# Set `label_error` to zero: now the tissue is never wrong either, and the ink is one of two
# perfect signs. Predict what becomes of the AUC with swapped ink, and of the share of tiles in
# which the map points at the ink; then rerun. (A claim will fail, and should.)
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("grad-cam-both", answer)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-chance
# A map of $k = 16$ cells is noise, the tumour covers a share $q$ of the cells. What do you expect
# of the pointing game, and of the IoU at equal area? Take $q = 1/2$, pretend that the overlap is
# always the expected one, and give the IoU.
# ```

# %% tags=["self-check"]
answer = None  # IoU at equal area, between 0 and 1
run.check("grad-cam-chance", answer)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-chance-higher
# Then simulate `q = inside.mean((1, 2))` with your own noise. Why does the IoU come out higher?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("grad-cam-chance-higher", answer)

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
# - M. D. Zeiler, R. Fergus, occlusion:
#   [doi:10.1007/978-3-319-10590-1_53](https://doi.org/10.1007/978-3-319-10590-1_53)
# - J. N. Kather et al., the NCT-CRC-HE tiles:
#   [doi:10.1371/journal.pmed.1002730](https://doi.org/10.1371/journal.pmed.1002730)
