# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   medbook:
#     reader_path: true
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
# - derive Grad-CAM, write it with a hook, and say what its mean of gradients loses;
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
# [PCam](https://doi.org/10.1007/978-3-030-00934-2_24) {cite}`veeling2018` or two classes of
# [NCT-CRC-HE](https://doi.org/10.5281/zenodo.1214456), put its tiles into a folder as
# `CLASS/PATIENT_number.png` (or JPEG, TIFF), set `tile_folder`, and say in `tumour_class` which
# class is tumour. Nobody has drawn nuclei or tumour there, so stain stands in for the one and its
# upper half for the other.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_patients: int = 36  # simulated patients, 5 ≤ x ≤ 1000
train_share: float = 0.56  # share of the patients to learn from, 0.2 ≤ x ≤ 0.8
tiles_per_patient: int = 8  # tiles of each, half of them with tumour, 2 ≤ x ≤ 200
n_faint: int = 8  # patients whose tumour is faint, to see the network fail, 2 ≤ x ≤ 1000
n_steps: int = 50  # training steps of each network, 1 ≤ x ≤ 10000
depth: str = "chosen"  # maps: "chosen", "stage3", "stage4", "stage5", "stage6", "stage7" or "head"
last: str = "head"  # maps that the recipe calls the last: "head", "stage7", "stage6" or "stage5"
edge_px: float = 1.0  # scale of the edge detector, in pixels, 0.5 ≤ x ≤ 100
label_error: float = 0.25  # share of an archive's tiles with the wrong label, 0 ≤ x ≤ 0.5
ink: bool = True  # whether the tiles that the archive calls tumour carry ink
ink_leaks: bool = False  # plant a fault: networks said to be taught no ink were taught it
leak: bool = False  # plant a fault: labels said to be without meaning are the true ones
suspect: str = "inked"  # whose maps are trusted for the nuclei: "inked", "wrong" or "shortcut"
n_redraws: int = 4  # random redraws of the weights in the sanity check, 2 ≤ x ≤ 100
n_broken: int = 10  # parts of the network that it breaks; 0 breaks nothing, 0 ≤ x ≤ 10
n_asked: int = 1000  # most test patients in whose tile the ink is looked for, 1 ≤ x ≤ 1000
n_path_steps: int = 32  # most steps of integrated gradients, 2 ≤ x ≤ 1024
n_resamples: int = 2000  # bootstrap samples behind each interval, 100 ≤ x ≤ 100000
tile_folder: str = ""  # folder with two sub-folders of tiles, one a class; empty for simulated ones
tumour_class: str = "tumour"  # the sub-folder of tile_folder that holds tumour

# %%
import copy
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, maximum_filter
from scipy.stats import norm, spearmanr
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.simulated.histology import Morphology, histology_tiles
from data_fetch.simulated.ink_mark import ink_marks, with_ink
from data_fetch.tasks.tile_folder import read_tile_folder
from medlib import experiment
from medlib.measures.mean_interval import mean_interval
from medlib.measures.patient_bootstrap import patient_mean
from medlib.measures.share_interval import share_of
from medlib.nets.efficientnet_lite import DEPTHS, STAGES, load_imagenet, preprocess
from medlib.pixels.maps.attribution import upsample
from medlib.pixels.maps.cascading_randomisation import cascade
from medlib.pixels.maps.channel_effect import channel_effect
from medlib.pixels.maps.deletion_insertion import score_curve
from medlib.pixels.maps.grad_cam import grad_cam, grad_cam_at, grad_cam_plus_plus, hires_cam
from medlib.pixels.maps.integrated_gradients import integrated_gradients
from medlib.pixels.maps.map_agreement import block_mean, iou_at_equal_area
from medlib.pixels.maps.map_agreement import pointing_game, rank_correlation
from medlib.pixels.maps.map_agreement import rank_correlation_elsewhere
from medlib.pixels.maps.occlusion import occlusion_map
from medlib.pixels.maps.tile_classifier import class_probabilities, fit_tile_classifier

run = experiment.start("pixels/grad_cam", locals())

# %%
n_taught = round(train_share * n_patients)
run.require(
    bool(tile_folder) or 3 <= n_taught <= n_patients - 2, "n_patients", "train_share",
    right="at least 3 patients are left to learn from, and at least 2 to test on",
)

# %%
SIZE = 128  # side of a tile, in pixels of one micrometre
MODULE = {f"stage{n}": f"stages.{n - 1}" for n in range(1, 8)}  # a depth's module in the network
MODULE |= {"stem": "stem", "head": "activation"}  # the activation is used last on the head's maps


def as_numbers(maps):
    """A batch of maps as float64 arrays."""
    return maps.cpu().numpy().astype(float)

# %%
COLORS = experiment.COLORS


def overlay(place, image, values, *, title="", highest=None):
    """A tile under its map: bright yellow = speaks for tumour, black veil = says nothing."""
    values = upsample(torch.as_tensor(values, dtype=torch.float32)[None], size=SIZE)[0].numpy()
    place.imshow(image)
    top = max(values.max() if highest is None else highest, 1e-9)
    place.imshow(values, cmap="inferno", alpha=0.6, vmin=0, vmax=top)
    place.set_title(title)
    place.set_axis_off()

# %%
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
# question is not whether the network is right, but whether its *map* can be believed. (Fainter
# tumours, on which it fails, come later.) The simulation knows density, size and shape at every
# pixel; the network will be told one word a tile, *normal* or *infiltrated*.

# %% tags=["key"]
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

# %%
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

# %%
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
marks = ink_marks(len(images), size=SIZE, rng=run.rng("ink"))
test = ~training

# %% tags=["key"]
def fit(x, labels, name):
    x, labels = x[torch.from_numpy(training)], labels[torch.from_numpy(training)]
    return fit_tile_classifier(
        source, x, labels, steps=n_steps, batch_size=min(16, len(x)),
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
is_test = test & tumour_tile
x_test, x_tumour = x[torch.from_numpy(test)], x[torch.from_numpy(is_test)]
whose = patients[is_test]  # the patient of each tumour tile in the test
one_each = np.unique(whose, return_index=True)[1]  # the first tumour tile of each patient


def tumour_scores(network, x_test):
    return class_probabilities(network, x_test)[:, 1].numpy()


def auc_on(network, x_test):
    return roc_auc_score(tumour_tile[test], tumour_scores(network, x_test))


auc = run.result("auc_honest", auc_on(honest, x_test), n=int(test.sum()), atol=0.0002)
run.say(
    "On patients it never saw, the network tells the tiles apart with an AUC of"
    " {auc_honest:.3f}, and now the question is *how*."
)

# %% [markdown]
# ## The idea by hand
#
# Let $y^c$ be the network's score for class $c$ (one is tumour, zero is none) before the softmax,
# which makes probabilities of scores, and $A^k$ the map of channel $k$ in some layer, with the
# value $A^k_{ij}$ at row $i$ and column $j$. Suppose that this layer is the last one: a mean over
# its $Z$ places, then a weight $w_k$ for every channel, and a constant $b$,
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
# The ReLU, which puts zero in the place of what is negative, keeps what speaks *for* the class.
# This is Grad-CAM {cite}`selvaraju2017`. Two things are needed, the maps $A$ and the gradients at
# them, and a *hook* catches both: a function that PyTorch calls when a layer has done its work.
# Here it is, at stage 6.

# %% tags=["key"]
one = x_tumour[:1]
caught = {}


def keep(module, inputs, output):
    output.retain_grad()
    caught["A"] = output

# %% tags=["key"]
hook = honest.stages[5].register_forward_hook(keep)  # counted from zero: stage 6
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

# %% tags=["key"]
from monai.visualize import GradCAM

ours = grad_cam(honest, one, layer="stages.5", target=1).map
copied = copy.deepcopy(honest)  # MONAI's hooks stay on for good
monai_map = GradCAM(copied, target_layers="stages.5").compute_map(one, class_idx=1)[:, 0].detach()

# %%
apart = max(float((m - ours).abs().max()) for m in (by_hand, monai_map))
apart /= max(float(ours.max()), 1e-12)
run.result("map_difference", apart, atol=1e-5)
run.say("The three maps differ by {map_difference:.0e} of their highest value at most.")

# %% [markdown]
# ## How deep should one look?
#
# Every layer has a map, and the recipe says "take the last convolution". Move the slider from the
# stem, which halves the image once, to the head. Early maps are sharp and scattered: a channel
# there may mean "dark edge", which speaks for tumour in one place and against it in another, while
# $\alpha_k$ has only one weight for both. Late maps are calm, and a few cells wide.

# %%
def maps_of(network, x, layer, method=grad_cam, **options):
    options = {"layer": layer, "target": 1} | options
    return as_numbers(torch.cat([method(network, part, **options).map for part in x.split(16)]))


def maps_at(network, x, names, **options):
    """A depth's name -> its maps; one way through the network serves all depths."""
    layers = [MODULE[name] for name in names]
    options = {"layers": layers, "target": 1} | options
    parts = [grad_cam_at(network, part, **options) for part in x.split(16)]
    return {name: as_numbers(torch.cat([part[layer].map for part in parts]))
            for name, layer in zip(names, layers, strict=True)}

# %%
shown = one_each[:4]
frames = []
for pieces in maps_at(honest, x_tumour[shown], DEPTHS).values():
    figure, axes = pictures(1)
    for place, tile, values in zip(axes[0], shown, pieces, strict=False):
        overlay(place, images[is_test][tile], values)
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
    start=DEPTHS.index("stage6"),
)

# %% [markdown]
# Which one shall we believe? Whoever tries all depths on the patients of the test and reports the
# best has tuned on the test. So the *training* patients choose: the depth whose maps follow their
# nuclei best. **Rank correlation** (Spearman's $\rho$) asks of each tile: do places with more
# nuclei get higher values? Density is averaged over the cells of the map, and a fine map is first
# averaged over coarser cells, for it has more of them to get wrong. The ReLU is left out, whose
# zeros would be ties.

# %% tags=["key"]
CELLS = 4  # along each side, on which all depths are compared


def coarse_rho(values, truth):
    values = block_mean(values, grid=CELLS)
    return rank_correlation(values, block_mean(truth.astype(float), grid=CELLS))

# %%
resample = run.rng("bootstrap")


def over_patients(values, whose=whose):
    return patient_mean(values, whose, rng=resample, n_resamples=n_resamples)


def with_interval(mean):
    return f"{mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})"

# %% tags=["key"]
is_taught = training & tumour_tile
x_taught = x[torch.from_numpy(is_taught)]
tried = ("stage3", "stage4", "stage5", "stage6", "stage7", "head")
depth_rho = {}
for name, values in maps_at(honest, x_taught, tried, signed=True).items():
    rho_of_tile = coarse_rho(values, density[is_taught])
    depth_rho[name] = over_patients(rho_of_tile, patients[is_taught])
best = max(depth_rho, key=lambda name: depth_rho[name].value)
at = best if depth == "chosen" else depth
LAYER = MODULE[at]


def signed(network, x, layer=LAYER, **options):
    return maps_of(network, x, layer, signed=True, **options)

# %%
rows = [{"maps of": name, "rank correlation with density": with_interval(mean),
         "taken": "chosen" if name == at else "–"} for name, mean in depth_rho.items()]
caption = (
    f"On {CELLS} × {CELLS} cells, the {is_taught.sum()} tumour tiles of the"
    f" {depth_rho[at].n_patients} training patients; 95 % intervals over patients."
)
run.table(rows, name="depths", caption=caption)

# %% [markdown]
# ## Does it look where the nuclei are?
#
# Let us look at maps of test patients, and be warned: a picture of four maps convinces anybody of
# anything. Measures come next.

# %%
honest_signed = signed(honest, x_tumour)
honest_maps = np.maximum(honest_signed, 0)
grid = honest_maps.shape[-1]
dense = block_mean(density[is_test].astype(float), grid=grid)
inside = block_mean(region[is_test].astype(float), grid=grid) > 0.5

# %%
alt = "Four tiles veiled by coarse maps, bright on one side; the same tiles with the tumour's edge."
figure, axes = pictures(2)
for column, tile in zip(axes.T, one_each, strict=False):
    overlay(column[0], images[is_test][tile], honest_maps[tile])
    column[1].imshow(images[is_test][tile])
    column[1].contour(region[is_test][tile], levels=[0.5], colors="black", linewidths=2)
    column[1].set_axis_off()
run.figure(
    figure, name="honest_maps", alt=alt, data=KIND,
    caption=f"Above: Grad-CAM at {at}, bright where it speaks for tumour, each tile scaled to its"
    " own highest value. Below: the tumour's edge, which the network was never shown."
    f" {KIND.capitalize()} tissue, n = 4 of {len(one_each)} test patients.",
)

# %% [markdown]
# Rank correlation asks for density, and as well for what else marks a tumour: the nuclei's mean
# *size* and *atypia* in each cell. Two measures ask for the tumour itself. The **pointing game**:
# does the highest cell lie in it? **IoU at equal area** (intersection over union): take as many of
# the highest cells as the tumour has, and divide what both share by what either covers.
#
# Each has its own level of chance. Two smooth pictures that know nothing of each other may agree by
# luck, with either sign. So we hold each map against the tissue of *other patients*: as smooth as
# ever, and about somebody else. And we ask the same of an **edge detector**: the size of the grey
# level's gradient, averaged over the cells. It knows no network, and explains none. The interval is
# over *patients*: the bootstrap draws whole patients with replacement, for tiles of one patient are
# no independent witnesses.

# %% tags=["key"]
def edge_maps(tiles):
    grey = tiles.mean(axis=-1)
    slope = np.stack([gaussian_gradient_magnitude(tile, sigma=edge_px) for tile in grey])
    return block_mean(slope, grid=grid)


edges = edge_maps(images[is_test])
marks_of_tumour = {"density": density}
if simulated:
    marks_of_tumour |= {"size": simulated.radius_um, "atypia": simulated.atypia}
truths = {name: block_mean(values[is_test].astype(float), grid=grid)
          for name, values in marks_of_tumour.items()}

# %%
def elsewhere(measure, maps, truth):
    """The size of a measure, tile by tile, where the truth is that of other patients."""
    others = [truth[whose != name] for name in whose]
    pairs = [(np.repeat(own[None], len(them), axis=0), them)
             for own, them in zip(maps, others, strict=True)]
    return np.array([np.abs(measure(*pair)).mean() for pair in pairs])

# %%
asked_for = {f"rank correlation with {name}": (rank_correlation, truth)
             for name, truth in truths.items()}
asked_for |= {"pointing game": (pointing_game, inside),
              "IoU at equal area": (iou_at_equal_area, inside)}

# %%
rows, found, by_edges, by_chance = [], {}, {}, {}
for name, (measure, truth) in asked_for.items():
    found[name] = over_patients(measure(honest_signed, truth))
    by_edges[name] = over_patients(measure(edges, truth))
    by_chance[name] = over_patients(elsewhere(measure, honest_signed, truth))
    rows.append({"measure": name, "map": with_interval(found[name]),
                 "edge detector": with_interval(by_edges[name]),
                 "map, other patients' tissue": f"{by_chance[name].value:.2f}"})

# %%
caption = (
    f"{KIND.capitalize()} tissue, n = {len(one_each)} test patients, {len(whose)} tiles; 95 %"
    " intervals over patients. With other patients' tissue the *size* of a correlation is averaged,"
    " which has no direction there."
)
run.table(rows, name="agreement", caption=caption)

# %%
rho, iou = found["rank correlation with density"], found["IoU at equal area"]
run.result("density_correlation", rho, atol=0.01)
for name in list(truths)[1:]:
    run.result(f"{name}_correlation", found[f"rank correlation with {name}"], atol=0.01)
run.result("iou_tumour", iou, atol=0.008)
bare = by_edges["rank correlation with density"]
run.result("density_correlation_edges", bare)
edge_lead = over_patients(rank_correlation(edges, dense) - rank_correlation(honest_signed, dense))
run.result("edge_lead", edge_lead, atol=0.01)
run.result("density_correlation_elsewhere", by_chance["rank correlation with density"], atol=0.01)

# %%
run.say(
    "The map and the density of nuclei are correlated with $\\rho$ = {density_correlation:.2ci},"
    " though no one told the network where nuclei are{others}. (With the nuclei of other patients"
    " it comes to {density_correlation_elsewhere:.2f} in size.) It sounds like proof. But the edge"
    " detector, which has no network in it, reaches {density_correlation_edges:.2ci}: on the same"
    " tiles it leads by {edge_lead:.2ci}.",
    others="".join(
        f"; with their {name} by {found[f'rank correlation with {name}'].value:.2f}"
        for name in list(truths)[1:]
    ),
)

# %% [markdown]
# So agreement with what is in the tissue shows that a map is *plausible*, not that it *explains*.
# A filter for busy places agrees here, because tumour, nuclei and edges lie on the same side. For
# the same reason these numbers cannot tell *which* sign the network follows: density, size and
# atypia rise together, and a map that follows one follows all. What would an explanation have that
# an edge detector has not? It must depend on the network.

# %% [markdown]
# ### What a channel is worth
#
# Grad-CAM is often explained like this: $\alpha_k$ says how *important* channel $k$ is for the
# decision. That can be tested. Make one channel flat, everywhere at its mean $r_k$ over all tumour
# tiles of the test, and note by how much the score $y^1$ falls: that is what the channel was worth
# to this tile. Then ask three predictions to rank the channels: the size of $\alpha_k$ (held
# against the size of the fall, for it has no direction); the product
# $\alpha_k \sum_{ij} (A^k_{ij} - r_k)$, the channel's part in the map's sum before the ReLU,
# counted from rest; and $\sum_{ij} \frac{\partial y^c}{\partial A^k_{ij}} (A^k_{ij} - r_k)$, in
# which every place keeps its own gradient.

# %%
def above(network, at):
    """The rest of the network, from the maps of a depth to the scores."""
    if at == "head":
        return lambda maps: network.classifier(maps.mean((2, 3)))
    rest = torch.nn.Sequential(*network.stages[int(at[-1]):])
    return lambda maps: network.classifier(
        network.activation(network.head(rest(maps))).mean((2, 3)))


@torch.no_grad()
def resting(network, x, at):
    parts = [network.depths(part)[DEPTHS.index(at)] for part in x.split(32)]
    return torch.cat([part.mean((2, 3)) for part in parts]).mean(0), parts[0]

# %% tags=["key"]
FORMS = {"": torch.as_tensor, "_in_size": torch.abs}  # what is ranked: values, or their size


def channels_at(at, x):
    rest, _ = resting(honest, x_tumour, at)
    with torch.no_grad():
        maps = honest.depths(x)[DEPTHS.index(at)]
    found = channel_effect(above(honest, at), maps, resting=rest, target=1)
    ways = {"alone": found.mean_gradient, "and_map": found.mean_gradient_times_map,
            "place_by_place": found.gradient_times_map}
    return {way + name: np.array([spearmanr(form(a.cpu()), form(b.cpu()))[0]
                                  for a, b in zip(values, found.deleted, strict=True)])
            for way, values in ways.items() for name, form in FORMS.items()}

# %%
eight = torch.from_numpy(one_each[:8])
worth = {name: channels_at(name, x_tumour[eight]) for name in dict.fromkeys((at, "head"))}
titles = {"alone_in_size": "α alone, in size",
          "and_map_in_size": "α times map, in size", "and_map": "α times map",
          "place_by_place_in_size": "gradient times map, place by place, in size",
          "place_by_place": "gradient times map, place by place"}

# %%
means = {(name, way): over_patients(values[way], whose[eight.numpy()])
         for name, values in worth.items() for way in titles}
rows = [{"ranked by": title, **{name: with_interval(means[name, way]) for name in worth}}
        for way, title in titles.items()]
caption = (
    "Rank correlation over channels with what deleting the channel does to the score, at two"
    f" depths. n = {len(eight)} test patients, one tile each; 95 % bootstrap intervals over"
    " patients, of whom there are few: such an interval is somewhat too short."
)
run.table(rows, name="channels", caption=caption)

# %%
for way in titles:
    close = {"place_by_place": 0.003, "place_by_place_in_size": 0.003}.get(way, 0.015)
    run.result(f"channel_{way}", means[at, way], atol=close)
run.result("channel_and_map_head", means["head", "and_map"], atol=0.001)
kept_back = worth[at]["place_by_place"] - worth[at]["and_map"]
lost = over_patients(kept_back, whose[eight.numpy()])
run.result("channel_lost_by_mean", lost, atol=0.015)

# %%
run.say(
    "At {at}, $\\alpha_k$ alone ranks the channels in size with {channel_alone_in_size:.2ci}, and"
    " times the map with {channel_and_map_in_size:.2ci}; with signs it is {channel_and_map:.2ci}."
    " Place by place it is {channel_place_by_place_in_size:.2ci} in size and"
    " {channel_place_by_place:.2ci} with signs: what is lost is lost by the mean over places. At"
    " the head, where all above is linear, the mean loses nothing; but even there $\\alpha_k$ alone"
    " comes to {alone:.2f}.",
    alone=means["head", "alone_in_size"].value,
    at=at,
)

# %% [markdown]
# ## Where it says no, and where it is wrong
#
# So far all tiles held tumour, and the network was right. Every picture was scaled to its own
# highest value, and so a tile *without* tumour would have shone as brightly. And a network that
# never errs cannot show its map when it is wrong. So here are normal tiles of test patients, on the
# scale of the tumour tiles; and a few new patients, from laboratories of their own, with *faint*
# tumours: fewer nuclei, smaller, rounder, and less of them in a tile. On those the network does
# err. (From a folder of your own, the tiles on which it errs are taken as they come.)

# %% tags=["key"]
FAINT = Morphology(
    tumour_per_mm2=(2200, 4500), tumour_enlargement=(1.05, 1.35), tumour_atypia=(0.2, 0.7),
    tumour_share=(0.1, 0.6), front_width_um=(6, 25),
)
faint = own or histology_tiles(
    n_faint, rng=run.rng("faint"), tiles_per_patient=tiles_per_patient, size=SIZE,
    morphology=FAINT,
)

# %%
if simulated:
    run.uses(dataclasses.replace(faint.sample, name="simulated/histology, faint tumours"))
x_faint = preprocess(faint.sample.array, device=run.device) if simulated else x_test
faint_tumour = faint.labels == 1 if simulated else tumour_tile[test]
faint_whose = faint.patients if simulated else patients[test]
faint_images = faint.sample.array if simulated else images[test]
faint_density = faint.density_per_mm2 if simulated else density[test]
faint_scores = tumour_scores(honest, x_faint)
said = faint_scores > 0.5
faint_signed = signed(honest, x_faint)
faint_maps = np.maximum(faint_signed, 0)
faint_rho = rank_correlation(faint_signed, block_mean(faint_density.astype(float), grid=grid))

# %%
normal = test & ~tumour_tile
normal_maps = maps_of(honest, x[torch.from_numpy(normal)], LAYER)
cases = {
    "normal": (images[normal], normal_maps),
    "faint tumour, found": tuple(a[faint_tumour & said] for a in (faint_images, faint_maps)),
    "faint tumour, missed": tuple(a[faint_tumour & ~said] for a in (faint_images, faint_maps)),
    "normal, called tumour": tuple(a[~faint_tumour & said] for a in (faint_images, faint_maps)),
}

# %%
def draw_cases(cases, highest):
    cases = {name: case for name, case in cases.items() if len(case[0])}
    figure, axes = pictures(len(cases))
    for row, (name, (tissue, values)) in zip(axes, cases.items(), strict=True):
        for place, tile, cells in zip(row, tissue, values, strict=False):
            overlay(place, tile, cells, highest=highest)
        row[0].set_title(name)
    return figure


usual = float(np.median(honest_maps.max((1, 2))))
run.figure(
    draw_cases(cases, usual), name="failures", data=KIND,
    alt="Rows of tiles under maps on one scale: normal tiles dark, faint tumours found partly"
    " bright, faint tumours missed nearly dark, and a few normal tiles called tumour.",
    caption="On one scale, that of the usual tumour tile, the map is darker where the network says"
    " no. (At this depth a cell's height is no share of the score.)"
    f" {KIND.capitalize()} tissue; up to four tiles of each kind, the first ones.",
)

# %%
def edges_follow(tiles, density):
    return rank_correlation(edge_maps(tiles), block_mean(density.astype(float), grid=grid))


missed, right = faint_tumour & ~said, faint_tumour & said
false_alarms = ~faint_tumour & said
sensitivity = over_patients(said[faint_tumour].astype(float), faint_whose[faint_tumour])
run.result("auc_faint", roc_auc_score(faint_tumour, faint_scores), n=len(faint_tumour), atol=0.01)
run.result("faint_found", sensitivity, atol=0.02)
sick_peaks, well_peaks = (maps_of(honest, x[torch.from_numpy(which)], MODULE["head"]).max((1, 2))
                          for which in (is_test, normal))
peaks = over_patients(well_peaks / max(np.median(sick_peaks), 1e-9), patients[normal])
run.result("normal_peak", peaks, atol=0.0007)

# %%
run.say(
    "At the head, where heights add up to the score, the highest cell of a normal tile reaches"
    " {normal_peak:.0%ci} of the usual tumour tile's: the scale that most pictures of maps leave"
    " out tells whether there is anything to see. Of the {n} faint tumours the network finds"
    " {faint_found:.0%ci} (AUC {auc_faint:.2f}); false alarms: {alarms}.",
    n=faint_tumour.sum(), alarms=false_alarms.sum(),
)
if missed.sum() and right.sum():
    told, told_edges = (roc_auc_score(said[faint_tumour], values[faint_tumour])
                        for values in (faint_rho, edges_follow(faint_images, faint_density)))
    run.say(
        "In the tumours that it missed, its map follows the nuclei by {missed:.2f} on average, in"
        " those that it found by {right:.2f} ({n_missed} and {n_right} tiles of {n} patients). A"
        " trace of the error? Whoever knew the nuclei, and told the found from the missed by how"
        " well the map follows them, would have an AUC of {told:.2f}; by how well the edge detector"
        " follows them, which has no network in it, {edges:.2f}.",
        missed=faint_rho[missed].mean(), right=faint_rho[right].mean(), told=told,
        n_missed=missed.sum(), n_right=right.sum(), edges=told_edges,
        n=len(np.unique(faint_whose[faint_tumour])),
    )

# %% [markdown]
# ## Is it an explanation at all?
#
# The edge detector agrees with nuclei, and explains no network. So we break ours, step by step: new
# random weights for the classifier, then for the head as well, then for stage 7, down to the stem
# {cite}`adebayo2018`. What the network had learned is gone; a map that *explains* it must go, too.
# (The edge detector would not notice.) We compare each broken network's map with the honest one by
# rank correlation, both without the ReLU, since a map that is zero everywhere has no ranks.
#
# One trap lies in the mean. A random network turns the map round in one tile and not in the next,
# and the mean of $+0.4$ and $-0.4$ is nothing, though both maps are *like* the honest one. So the
# size is taken tile by tile, and averaged after; and "nothing" is then not zero, but what the
# broken networks' maps come to beside the honest maps of *other patients*.

# %%
parts = ["classifier", "head", *(f"stages.{n}" for n in range(6, -1, -1)), "stem"][:n_broken]
watched = [n for n in range(len(parts)) if n in (0, 1, 2, 4, 6) or n == len(parts) - 1]
few = x_tumour[one_each]


intact = signed(honest, few)

# %% tags=["key"]
def likeness(maps, intact=intact):
    return np.abs(rank_correlation(maps, intact)).mean()  # the size of each tile first


similar, at_random = np.ones((n_redraws, len(watched) + 1)), [intact] * n_redraws
for redraw in range(n_redraws):
    generator = run.torch_generator(f"redraw {redraw}")
    for step, (_, broken) in enumerate(cascade(honest, parts=parts, generator=generator)):
        if step in watched:
            at_random[redraw] = signed(broken, few)
            similar[redraw, 1 + watched.index(step)] = likeness(at_random[redraw])

# %%
by_others = np.array([rank_correlation_elsewhere(maps, intact, patients=whose[one_each]).mean()
                      for maps in at_random])
like_map = likeness(edges[one_each])
like_edges = np.mean([likeness(edges[one_each], maps) for maps in at_random])

# %%
def draw_likeness(axes, similar, by_others, like_map):
    lines = axes.plot(similar.T, color=COLORS["sky"], linewidth=1)
    lines[0].set_label("single redraws")
    axes.axhline(like_map, color=COLORS["orange"], linestyle="--", label="edge detector")
    rest = {"color": COLORS["grey"], "linestyle": ":", "label": "beside other patients"}
    axes.axhline(by_others.mean(), **rest)
    axes.plot(similar.mean(axis=0), "o-", color=COLORS["blue"], label="mean of the redraws")

# %%
def draw_cascade(similar, by_others, like_map):
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    draw_likeness(axes, similar, by_others, like_map)
    names = ["classifier", "head", *(f"stage{n}" for n in range(7, 0, -1)), "stem"]
    ticks = ["intact", *(names[n] for n in watched)]
    axes.set_xticks(range(len(ticks)), ticks, rotation=30, ha="right")
    axes.set(xlabel="randomised from the top down to", ylabel="likeness to the honest map",
             ylim=(0, 1.03))
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.78))
    return figure

# %%
alt = (
    "Likeness of the map to the intact network's: one at first, then single redraws well below a"
    " dashed line for the edge detector, down to a dotted one for other patients' maps."
)
caption = (
    "What random weights leave of the map. Likeness: size of the rank correlation, tile by tile."
    " Dotted: the maps of all-random weights beside the honest maps of other patients."
    f" {KIND.capitalize()}, n = {len(one_each)} tiles, {n_redraws} redraws."
)
run.figure(draw_cascade(similar, by_others, like_map), name="cascade", alt=alt, caption=caption,
           data=KIND)

# %%
left = mean_interval(similar[:, -1], within=(0, 1))
run.result("likeness_all_random", left, atol=0.015)
run.result("likeness_others", by_others.mean(), n=len(by_others), atol=0.01)
run.result("likeness_edges", like_map, n=len(one_each), atol=0.008)
beyond = mean_interval(similar[:, -1] - by_others)
run.result("likeness_beyond_others", beyond, atol=0.009)
run.say(
    "With all weights random, the likeness is {likeness_all_random:.2ci} (interval over redraws);"
    " the same maps come to {likeness_others:.2f} beside those of other patients (a difference of"
    " {likeness_beyond_others:.2ci}); the edge detector comes to {likeness_edges:.2f}. A random"
    " network is still a filter: its maps are like those of the edge detector by {like_edges:.2f},"
    " turned round in one tile and not in the next. {verdict}.",
    like_edges=like_edges,
    verdict="The map passes the check in part: it depends on what was learned, not on that alone"
    if beyond.low > 0 else "These redraws leave no more of it than maps have in common with those"
    " of other patients",
)

# %% [markdown]
# ## A negative control: labels that mean nothing
#
# Now train on labels dealt anew: of the tumour tiles half are called infiltrated, of the normal
# tiles half. There is nothing to learn but the tiles by heart. Would the maps look convincing? One
# such network is an anecdote, for it may by luck lean on nuclei or away from them. So this was done
# beforehand, and recorded: on each of several draws of simulated tissue, six networks whose
# teaching we know, trained for two lengths. One has the true labels, one dealt ones, and one is
# there to show that the control can fail: its dealt labels are secretly the true ones. (The other
# three come later.) All are looked at in the depth that the honest one's training patients choose.
# The size of the correlation with density comes first, tile by tile.

# %% tags=["key"]
trial = experiment.recorded(run, "_six_networks/sweep")
LENGTHS = trial.grid["n_steps"]
meaningless = "leaked" if leak else "dealt"


def drawn(name, length=LENGTHS[0]):
    """A result of the recorded networks of one length of training, one value a draw."""
    return trial.array(name, n_steps=length)

# %% tags=["key"]
lead = {n: mean_interval(drawn("size_honest", n) - drawn(f"size_{meaningless}", n))
        for n in LENGTHS}
rest = {n: mean_interval(drawn(f"size_{meaningless}", n) - drawn(f"elsewhere_{meaningless}", n))
        for n in LENGTHS}

# %%
rows = [{"steps": n, "labels": words,
         "own tissue": f"{drawn(f'size_{name}', n).mean():.2f}",
         "other patients' tissue": f"{drawn(f'elsewhere_{name}', n).mean():.2f}",
         "AUC on new patients": f"{drawn(f'auc_{name}_truth', n).mean():.2f}"}
        for n in LENGTHS for name, words in
        {"honest": "true", "dealt": "dealt", "leaked": "secretly true"}.items()]
caption = (
    f"Recorded: size of the rank correlation of maps with density, means over {len(trial.seeds)}"
    " draws of simulated tissue, with networks of their own."
)
run.table(rows, name="dealt", caption=caption)

# %%
for n, name in zip(LENGTHS, ("", "_longer"), strict=True):
    run.result(f"lead_of_true_labels{name}", lead[n])
    run.result(f"dealt_beyond_others{name}", rest[n])
run.say(
    "True labels are ahead by {lead_of_true_labels:.2ci} after {short} steps and by"
    " {lead_of_true_labels_longer:.2ci} after {long}, paired by draw. The maps of labels that mean"
    " nothing follow their own tissue more than other patients' by {dealt_beyond_others:.2ci} and"
    " by {dealt_beyond_others_longer:.2ci}. {verdict}",
    short=LENGTHS[0], long=LENGTHS[-1],
    verdict="A network that was taught nothing still has a map, and it still leans on nuclei, or"
    " away from them." if min(one.low for one in rest.values()) > 0
    else "That they lean on nuclei, or away from them, is not shown at both lengths.",
)
run.say(str(trial.made) + " Again: `medbook sweep pixels/grad_cam/_six_networks -g n_steps=50,200"
        " --seeds 0-4 --accept`.")

# %% [markdown]
# ## The shortcut
#
# Slides in an archive carry traces of their diagnosis. A pathologist marks the tumour with a felt
# pen; one hospital's scanner prints a label; a portable X-ray machine is used for the sickest
# {cite}`zech2018,degrave2021`. The diagnoses themselves have errors. We simulate an archive with
# both: a random share of its tiles has the wrong label (in real archives errors come by whole
# slides, which is worse), and every tile whose *label* says tumour carries a dot of green ink in a
# corner. The ink is never wrong about the label.

# %% tags=["key"]
archive = tumour_tile.copy()  # what an archive says of each tile
slip = run.rng("wrong labels")
for part in (training, test):
    for kind in (False, True):
        members = np.flatnonzero(part & (tumour_tile == kind))
        wrong = slip.permutation(members)[: round(label_error * len(members))]
        archive[wrong] = ~archive[wrong]

# %% tags=["key"]
as_filed = preprocess(with_ink(images, marks=marks, which=archive & ink), device=run.device)
shortcut = fit(as_filed, torch.from_numpy(archive.astype(np.int64)), "shortcut")
filed_test = as_filed[torch.from_numpy(test)]
swapped = preprocess(with_ink(images, marks=marks, which=~tumour_tile)[test], device=run.device)

# %%
MIDDLING = {("shortcut", "truth"), ("honest", "archive")}  # the others are next to 0 or 1
filed = {}  # scores of the archive's test tiles
for name, network in {"shortcut": shortcut, "honest": honest}.items():
    filed[name] = tumour_scores(network, filed_test)
    for what, value in {
        "archive": roc_auc_score(archive[test], filed[name]),  # its images, its labels
        "truth": roc_auc_score(tumour_tile[test], filed[name]),  # its images, the true labels
        "swapped": auc_on(network, swapped),  # ink on the normal tiles, true labels
    }.items():
        close = 0.005 if (name, what) in MIDDLING else 0.0002
        run.result(f"auc_{name}_{what}", value, n=int(test.sum()), atol=close)

# %%
run.say(
    "Tested on patients it never saw from the same archive, against the archive's labels, the"
    " shortcut network reaches an AUC of {auc_shortcut_archive:.3f}; the honest one, which was"
    " taught the truth, looks worse with {auc_honest_archive:.3f}. Against the *true* labels it is"
    " {auc_shortcut_truth:.3f} and {auc_honest_truth:.3f}. Put the ink on the normal tiles instead,"
    " and the shortcut network falls to {auc_shortcut_swapped:.3f}; the honest one has"
    " {auc_honest_swapped:.3f}."
)

# %% [markdown]
# ### The alarm inside the archive
#
# The better of the two numbers should have worried somebody. Errors that fall *at random* cannot be
# predicted from tissue. Half of our tiles hold tumour, and in either half a share $\varepsilon$ of
# the labels is wrong. So a *perfect* reader of tissue calls tumour a share $1 - \varepsilon$ of the
# tiles filed as tumour, and a share $\varepsilon$ of the others. Its AUC against the archive is
# $1 - \varepsilon$ (ties count half), and no one who reads tissue alone can expect more. Whoever
# scores more reads something that knows the *label*, or has luck: among tiles of one kind its
# scores have an order of their own. The alarm needs $\varepsilon$, and so a second reading of the
# slides, here of all test tiles, but no suspicion of ink. And it can be false. Where readers err
# again and again on one kind of tissue, their error itself can be learned from tissue. And where
# the *second* readers err as well, even at random, they find a lower ceiling than there is.

# %% tags=["key"]
def ceiling_of(labels, second_reading):
    """What a perfect reader scores against labels, how lucky it may be, and both together."""
    perfect = roc_auc_score(labels, second_reading)
    kinds_of_tile = (second_reading, ~second_reading)
    yes, no = ([np.sum(kind & (labels == filed_as)) for kind in kinds_of_tile]
               for filed_as in (True, False))
    luck = np.sqrt(sum(a * b * (a + b + 1) / 12 for a, b in zip(yes, no, strict=True)))
    luck /= sum(yes) * sum(no)  # SD of the AUC, where tiles of one kind are put in random order
    return perfect, luck, perfect + norm.ppf(0.999) * luck


# %% tags=["key"]
second_reading = tumour_tile[test]  # a panel reads the same tiles once more, without an error
error = (archive[test] != second_reading).mean()
perfect, luck, ceiling = ceiling_of(archive[test], second_reading)
alarm = roc_auc_score(archive[test], filed["shortcut"]) - ceiling

# %%
over = {name: mean_interval(drawn(f"auc_{name}_archive") - 1 + drawn("wrong_labels"))
        for name in ("wrong", "shortcut")}
run.result("wrong_labels", error, n=int(test.sum()))
run.result("over_perfect_without_ink", over["wrong"])
run.result("over_perfect_with_ink", over["shortcut"])
run.say(
    "The second reading finds {wrong_labels:.0%} of {n} labels wrong. So a perfect reader scores"
    " {perfect:.2f} on these tiles, give or take {luck:.2f} (one standard deviation) for the luck"
    " of the order, and more than {ceiling:.2f} once in a thousand times. The shortcut network's"
    " {auc_shortcut_archive:.3f} is no triumph but an alarm. Tissue alone cannot ring it here, for"
    " the errors fall by lot: in the recorded draws networks that were taught such labels *without*"
    " ink come to {over_perfect_without_ink:+.2ci} of the perfect reader, as their errors demand;"
    " those with ink to {over_perfect_with_ink:+.2ci}.",
    n=int(test.sum()), perfect=perfect, ceiling=ceiling, luck=luck,
)

# %% [markdown]
# How good must the second readers be? Let a *perfect* reader of tissue be judged, who knows nothing
# of ink: labels and panel err at random, each in a share of the tiles. How often does the alarm
# ring?

# %% tags=["key"]
n_draws = n_resamples // 10


def false_alarms(label_share, panel_share, rng):
    """Share of draws in which the alarm rings for a perfect reader of tissue."""
    truth, rings = second_reading, []
    for _ in range(n_draws):
        labels, panel = (truth ^ (rng.random(truth.size) < share)
                         for share in (label_share, panel_share))
        scores = truth + 0.5 * rng.random(truth.size)  # right, in an order of its own
        rings.append(roc_auc_score(labels, scores) > ceiling_of(labels, panel)[-1])
    return np.mean(rings)

# %%
dice = run.rng("second readings")
rung = {(wrong, erring): false_alarms(wrong, erring, dice)
        for wrong in (0.1, 0.25) for erring in (0.0, 0.05, 0.1)}
run.result("false_alarms", rung[0.1, 0.05], n=n_draws, atol=0.05)
run.say(
    "With a tenth of {n} labels wrong, a panel without error rings it in {none:.0%} of the draws,"
    " one that errs in a twentieth of the tiles in {false_alarms:.0%}, in a tenth {tenth:.0%} (with"
    " a quarter wrong: {none_of_many:.0%}, {few:.0%} and {many:.0%}). So the panel must err far"
    " less than the archive, and read enough tiles: what it cannot tell of $\\varepsilon$ belongs"
    " into the ceiling.",
    n=int(test.sum()), none=rung[0.1, 0.0], tenth=rung[0.1, 0.1],
    none_of_many=rung[0.25, 0.0], few=rung[0.25, 0.05], many=rung[0.25, 0.1],
)

# %% [markdown]
# ### Which way of asking finds the ink?
#
# The alarm says that something is wrong, not what. Does a map? Give a tumour tile of each test
# patient its dot; the highest cell of the map should be the cell with the ink. Grad-CAM is asked at
# each depth, and in the last maps for the decision $y^1 - y^0$ as well. So are relatives and
# rivals, at the depth that the training patients chose:
#
# - **HiResCAM** leaves out the mean and multiplies place by place {cite}`draelos2020`;
# - **Grad-CAM++** takes positive gradients only, with weights of their own
#   {cite}`chattopadhay2018`;
# - **integrated gradients** {cite}`sundararajan2017` ask the pixels, not a layer (see below);
# - **occlusion** {cite}`zeiler2014` asks without any gradient: blur one cell after another, and see
#   by how much the probability falls.

# %% tags=["key"]
inked_tiles = with_ink(images, marks=marks, which=tumour_tile)[is_test]
x_inked = preprocess(inked_tiles, device=run.device)
inked_ones = one_each[:n_asked]


def blurred(x, sigma_px=12.0):
    smooth = gaussian_filter(x.cpu().numpy(), (0, 0, sigma_px, sigma_px))
    return torch.from_numpy(smooth).to(x)


def on_ink(values, reach=0, dots=marks):
    cells = block_mean(dots[is_test][inked_ones].astype(float), grid=values.shape[-1]) > 0
    return pointing_game(values, maximum_filter(cells, size=(1, 2 * reach + 1, 2 * reach + 1)))

# %% tags=["key"]
few_steps = max(1, n_path_steps // 4)  # of integrated gradients


def decision_map(network, x, layer):
    """The map of tumour minus normal; the ReLU comes after the difference."""
    return np.maximum(signed(network, x, layer) - signed(network, x, layer, target=0), 0)

# %% tags=["key"]

def answers(network, x):
    """Name of the way of asking -> maps of the tiles."""
    found = {f"Grad-CAM, {name}": maps for name, maps in maps_at(network, x, tried).items()}
    found[f"Grad-CAM of the decision, {last}"] = decision_map(network, x, MODULE[last])
    for name, method in {"HiResCAM": hires_cam, "Grad-CAM++": grad_cam_plus_plus}.items():
        found[f"{name}, {at}"] = maps_of(network, x, LAYER, method)
    walk = {"baseline": blurred(x), "target": 1}
    pixels = integrated_gradients(network, x, steps=few_steps, **walk).map
    found["integrated gradients"] = block_mean(as_numbers(pixels), grid=CELLS)
    found["occlusion"] = as_numbers(occlusion_map(network, x, grid=CELLS, **walk))
    return found

# %%
x_asked = x_inked[inked_ones]
by_shortcut, by_honest = answers(shortcut, x_asked), answers(honest, x_asked)
points = {name: share_of(on_ink(values)) for name, values in by_shortcut.items()}
fooled = {name: share_of(on_ink(values)) for name, values in by_honest.items()}

# %%
rows = [{"asked": name, "shortcut network points at the ink": f"{points[name]:.0%ci}",
         "honest network": f"{fooled[name]:.0%}"} for name in points]
caption = (
    f"{KIND.capitalize()} tissue with simulated ink, n = {len(inked_ones)} test patients, one tile"
    " each, and one training of each network; exact 95 % intervals over patients, which have a"
    " width even where all tiles agree."
)
run.table(rows, name="ways", caption=caption)

# %%
early = tuple(name for name in tried if name != at)[:2]
unmarked_maps = maps_at(honest, x_tumour[inked_ones], early)
drawn_by = {name: (fooled[f"Grad-CAM, {name}"], share_of(on_ink(unmarked_maps[name])))
            for name in early}
run.result("ink_draws_early", drawn_by[early[0]][0], atol=0.01)
run.say(
    "Early maps of the *honest* network, which never met ink, point at it as well: "
    + "; ".join(f"at {name} in {with_ink_on.value:.0%}, and in the same place without ink in"
                f" {without.value:.0%}" for name, (with_ink_on, without) in drawn_by.items())
    + " of the patients. Whatever is unlike tissue draws an early map, taught or not."
)

# %%
exposed, exposed_last = points[f"Grad-CAM, {at}"], points[f"Grad-CAM, {last}"]
last_maps = by_shortcut[f"Grad-CAM, {last}"]
beside = share_of(np.clip(on_ink(last_maps, reach=1) - on_ink(last_maps), 0, 1))

# %%
for name, share in {
    "ink_found": exposed,
    "ink_found_last_maps": exposed_last,
    "ink_found_last_decision": points[f"Grad-CAM of the decision, {last}"],
    "ink_beside_last_maps": beside,
    "ink_found_hires": points[f"HiResCAM, {at}"],
    "ink_found_integrated": points["integrated gradients"],
    "ink_found_occlusion": points["occlusion"],
    "ink_found_honest": fooled[f"Grad-CAM, {at}"],
}.items():
    run.result(name, share, atol=0.01)

# %%
def draw_shortcut(looks):
    figure, axes = pictures(len(looks))
    look = {"cmap": "inferno", "alpha": 0.55, "vmin": 0, "extent": (0, SIZE, SIZE, 0)}
    for row, (title, values) in zip(axes, looks.items(), strict=True):
        for place, tile, cells in zip(row, inked_ones, values, strict=False):
            place.imshow(inked_tiles[tile])
            place.imshow(cells, vmax=max(cells.max(), 1e-9), **look)
            cell = np.array(np.unravel_index(cells.argmax(), cells.shape))
            down, across = (cell + 0.5) * SIZE / len(cells)
            place.plot(across, down, "x", color="white", markersize=9, markeredgewidth=2.5)
        row[0].set_title(title)
    return figure

# %%
looks = {f"shortcut network, {name}": by_shortcut[f"Grad-CAM, {name}"]
         for name in dict.fromkeys((at, "stage7", "head"))}
looks["shortcut network, occlusion"] = by_shortcut["occlusion"]
looks[f"honest network, {at}"] = by_honest[f"Grad-CAM, {at}"]

# %%
alt = (
    "Tiles with a green dot in a corner, under coarse maps with a cross at the highest cell. On the"
    " dot at the chosen depth and by occlusion; beside it at stage 7 and the head; on the tumour in"
    " the honest network."
)
caption = (
    "The cells of the maps as they are, each tile scaled to its own highest value, which the cross"
    f" marks. {KIND.capitalize()} tissue with simulated ink, n = 4 tiles."
)

# %%
ink_data = KIND if KIND == "simulated" else "real and simulated"
run.figure(draw_shortcut(looks), name="shortcut_maps", alt=alt, caption=caption, data=ink_data)

# %%
run.say(
    "At {at}, the map of the shortcut network points at the ink in {ink_found:.0%ci} of the"
    " patients; the honest network's does in {ink_found_honest:.0%}. At the {last}, *the last maps,"
    " which the recipe recommends*, it is {ink_found_last_maps:.0%ci}, and for the decision"
    " {ink_found_last_decision:.0%ci}: the map of the score points there in"
    " {ink_beside_last_maps:.0%} at the tissue in a cell next to it. Integrated gradients find the"
    " ink in {ink_found_integrated:.0%ci} and occlusion in {ink_found_occlusion:.0%ci}, and neither"
    " had a depth to choose.",
    at=at,
)

# %% [markdown]
# One archive and one training are an anecdote, too. In each of the recorded draws there are four
# networks, two by two: labels are true or wrong in part, and ink comes with them or does not.

# %% tags=["key"]
TAUGHT = {"honest": "true labels", "inked": "true labels, ink", "wrong": "wrong labels",
          "shortcut": "wrong labels, ink"}


def on_dot(name, place="chosen", asks="score", n=LENGTHS[0], tile="ink"):
    """Share of patients in whose tile the peak is in the dot's cell: an interval over draws."""
    return mean_interval(drawn(f"{tile}_{name}_{place}_{asks}", n), within=(0, 1))

# %%
columns = {f"{words}, {n} steps": {"place": place, "asks": asks, "n": n}
           for words, place, asks in (("chosen depth", "chosen", "score"),
                                      ("last maps, decision", "last", "decision"))
           for n in LENGTHS}
rows = [{"taught": said, **{words: f"{on_dot(name, **which):.0%ci}"
                            for words, which in columns.items()}}
        for name, said in TAUGHT.items()]

# %%
caption = (
    "Recorded: share of test patients in whose tile the highest cell is the one with the ink; means"
    f" and 95 % t intervals over {len(trial.seeds)} draws of simulated tissue. An interval without"
    " width says that these draws agree, not that any other must."
)
run.table(rows, name="draws", caption=caption)

# %%
kinds_of_peak = [(place, asks) for place in ("chosen", "last") for asks in ("score", "decision")]
by_draw = {(n, *kind): on_dot("shortcut", *kind, n=n) for n in LENGTHS for kind in kinds_of_peak}
unmarked = "shortcut" if ink_leaks else "honest"  # taught tissue, or so it is said
lured = {n: mean_interval(drawn(f"ink_{unmarked}_chosen_score", n)
                          - drawn(f"clean_{unmarked}_chosen_score", n)) for n in LENGTHS}

# %%
for n, name in zip(LENGTHS, ("", "_longer"), strict=True):
    run.result(f"lured_honest{name}", lured[n])
    run.result(f"lured_wrong{name}", on_dot("wrong", n=n))
    run.result(f"lured_wrong_clean{name}", on_dot("wrong", n=n, tile="clean"))
    run.result(f"inked_points{name}", on_dot("inked", n=n))
    for kind in kinds_of_peak:
        run.result(f"draws_{'_'.join(kind)}{name}", by_draw[n, *kind])

# %%
run.say(
    "The shortcut networks' peaks lie on the ink at the chosen depth and not in the last maps,"
    " whether one asks the score or the decision, and after {long} steps as after {short}. At the"
    " chosen depth honest networks have their peak in the dot's cell about as rarely with ink as"
    " without ({lured_honest:+.0%ci}, after {long} steps {lured_honest_longer:+.0%ci}). Networks"
    " with wrong labels that *never saw ink* have it there in {lured_wrong:.0%ci}"
    " ({lured_wrong_longer:.0%ci}), without ink in {lured_wrong_clean:.0%ci}"
    " ({lured_wrong_clean_longer:.0%ci}): few, but in one draw {most:.0%}. A mark that a network"
    " has never met can draw its map, and proves nothing of what it was taught.",
    short=LENGTHS[0], long=LENGTHS[-1],
    most=max(drawn("ink_wrong_chosen_score", n).max() for n in LENGTHS),
)

# %% [markdown]
# How can the last maps point beside the ink that decides the score? At the head the map is
# *complete*: before the ReLU it adds up to the score, up to the constant $b$. But a cell of a deep
# map is not the piece of image below it: a convolution that looks at neighbours lets a cell speak
# of what lies beside it. Is the place lost little by little? Between stage 6 and stage 7 only one
# convolution looks around. Ask on either side of it.

# %% tags=["key"]
beside_it = {name: maps_of(shortcut, x_asked, f"stages.6.0.{name}")
             for name in ("expand", "depthwise")}
before, behind = (share_of(on_ink(maps)) for maps in beside_it.values())
run.result("ink_found_before_last_look", before, atol=0.01)
run.result("ink_found_behind_last_look", behind, atol=0.01)
run.say(
    "Inside stage 7 the map points at the ink in {ink_found_before_last_look:.0%ci} of the"
    " patients before its one convolution that looks at neighbours, and in"
    " {ink_found_behind_last_look:.0%ci} behind it. (One network here; those of the other seeds"
    " that were tried do the same. Why this convolution, when those before it do not lose the"
    " place, we do not know.)"
)

# %% [markdown]
# Is it the corner, whose cell has the fewest neighbours? Turn each quarter of a tile's mark round,
# and the dot moves from the corner to an inner cell.

# %% tags=["key"]
half = SIZE // 2
quarters = marks.reshape(-1, 2, half, 2, half)
inner = quarters[:, :, ::-1, :, ::-1].reshape(marks.shape)
x_inner = preprocess(with_ink(images, marks=inner, which=tumour_tile)[is_test], device=run.device)
inner_maps = maps_at(shortcut, x_inner[inked_ones], tuple(dict.fromkeys((at, last))))

# %%
inner_hits = {name: on_ink(maps, dots=inner) for name, maps in inner_maps.items()}
inner_near = on_ink(inner_maps[last], reach=1, dots=inner)
run.result("inner_ink_found", share_of(inner_hits[at]), atol=0.01)
run.result("inner_ink_found_last_maps", share_of(inner_hits[last]), atol=0.01)
run.say(
    "With the dot in an inner cell {at} points at it in {inner_ink_found:.0%ci} of the patients,"
    " the {last} in {inner_ink_found_last_maps:.0%ci}, and in {near:.0%} at it or at a cell next"
    " to it.",
    at=at, near=inner_near.mean(),
)

# %% [markdown]
# The corner may play a part: in the recorded draws the last maps of honest networks never have
# their peak in the dot's corner cell, with ink or without. But with an inner dot, too, most peaks
# lie beside it (a cell and its neighbours are nine of sixteen), though the score knows of it. Such
# a map tells the truth about where the score was added up, and we read it as if it told where the
# evidence came from. *A map's place is a place in the layer, not in the image.*
#
# And the depth at which Grad-CAM finds the ink was chosen on maps of the *honest* network, for
# nuclei, which only a simulation knows. Nobody with an archive and one network has that choice. A
# method that asks the image needs none. But it does not find all that is read either: with true
# labels, where tissue and ink say the same, set `label_error` to zero and see which of the two it
# points at.
#
# ## Second opinions
#
# **Integrated gradients** walk in a straight line from a baseline $x'$ without content to the image
# $x$, and add up the gradient on the way:
#
# $$ \mathrm{IG}_i = (x_i - x'_i) \int_0^1
#    \frac{\partial y^c}{\partial x_i}\bigl(x' + t\,(x - x')\bigr)\,\mathrm{d}t, \qquad
#    \sum_i \mathrm{IG}_i = y^c(x) - y^c(x') . $$
#
# The sum on the right is *completeness*: nothing is lost. A computer takes steps instead of an
# integral, and what the sum then lacks, the *completeness gap*, can be measured. Our baseline is
# the tile itself, blurred until no nucleus is left. Did we take enough steps for the ink?

# %%
looked = x_asked[:4]
walks = [
    integrated_gradients(shortcut, looked, baseline=blurred(looked), steps=steps, target=1)
    for steps in (few_steps, n_path_steps)
]
change = [(w.map.sum((1, 2)) - w.completeness_gap).abs().mean() for w in walks]
gaps = [float(w.completeness_gap.abs().mean() / c) for w, c in zip(walks, change, strict=True)]
peaks = [block_mean(as_numbers(w.map), grid=CELLS).reshape(len(looked), -1).argmax(1)
         for w in walks]

# %%
run.result("completeness_gap_few", gaps[0], n=len(looked), atol=0.03)
run.result("completeness_gap_many", gaps[1], n=len(looked), atol=0.014)
run.say(
    "With {few_steps} steps, as many as above, the gap is {completeness_gap_few:.0%} of the change"
    " in score, with {n_path_steps} it is {completeness_gap_many:.0%}. The highest cell is the same"
    " in {same} of {n} tiles.",
    few_steps=few_steps, same=(peaks[0] == peaks[1]).sum(), n=len(looked),
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
blank = blurred(few)
ends = tuple(class_probabilities(honest, each)[:, 1] for each in (few, blank))
options = {"baseline": blank, "target": 1, "steps": min(4, grid * grid), "ends": ends}

# %%
def mean_curve(order, mode):
    curves = [score_curve(honest, few, torch.from_numpy(o), mode=mode, **options) for o in order]
    areas = np.mean([curve.area for curve in curves], axis=0)
    return curves[0].shares, np.mean([c.probabilities for c in curves], axis=0), areas


MODES = ("deletion", "insertion")
curves = {(name, mode): mean_curve(orders[name], mode) for name in orders for mode in MODES}

# %%
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

# %%
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
by_density = {}
for mode, sign in {"deletion": -1, "insertion": 1}.items():
    by_map, by_nuclei, by_luck = (sign * curves[name, mode][2] for name in orders)
    run.result(f"{mode}_gain", over_patients(by_map - by_luck, whose[one_each]), atol=0.01)
    by_density[mode] = (by_nuclei - by_luck).mean()
run.say(
    "Against random orders, the area under the curve of deletion is smaller by"
    " {deletion_gain:.2ci}, and that of insertion larger by {insertion_gain:.2ci}; for the densest"
    " cells it is {deletion:.2f} and {insertion:.2f}. A tile that is blurred all over has a"
    " probability of {blank:.2f}, near the half that somebody without a tile would say: there the"
    " curves end, not at zero. For ink this baseline is worse, for some of its colour stays.",
    blank=float(ends[1].mean()), **by_density,
)

# %% [markdown]
# ## What breaks it
#
# - **A map's place is a place in the layer.** You have seen it: complete, and with its peak a cell
#   beside the ink. Look at several depths, doubt most where they disagree, and ask the image.
# - **The mean of the gradients is not what a channel is worth.** Below the head it loses part.
# - **Coarse maps, each on its own scale.** One cell covers several nuclei, the smooth look is
#   interpolation, and a normal tile shines like a sick one.
# - **ReLU hides what speaks against**, and *saturation* hides what is there twice: where a second
#   dot of ink would change nothing any more, the gradient at the first is small, too.
# - **What is not in the image is not in the map.** The shortcut network overrules tissue by ink. On
#   tiles *without* ink, what does its map show? And if it follows nuclei less than the honest
#   one's, is that the trace of the ink? The recorded networks answer, two by two.

# %% tags=["key"]
rows = [{"taught": said,
         **{f"follows nuclei, {n} steps": f"{mean_interval(drawn(f'follows_{name}', n)):.2ci}"
            for n in LENGTHS},
         "AUC, clean tiles": f"{drawn(f'auc_{name}_truth').mean():.2f}",
         "AUC, ink on normal tiles": f"{drawn(f'auc_{name}_swapped').mean():.2f}"}
        for name, said in TAUGHT.items()]
caption = (
    "Recorded: rank correlation of maps with density on clean tiles, with its sign, means and 95 %"
    f" t intervals over {len(trial.seeds)} draws; AUC after {LENGTHS[0]} steps, means."
)
run.table(rows, name="two_by_two", caption=caption)

# %% tags=["key"]
def poorer(name, n=LENGTHS[0]):
    """By how much maps follow nuclei less than the honest network's, paired by draw."""
    return mean_interval(drawn("follows_honest", n) - drawn(f"follows_{name}", n))


def harmed(name, n=LENGTHS[0]):
    """By how much the AUC falls where ink marks the normal tiles."""
    return mean_interval(drawn(f"auc_{name}_truth", n) - drawn(f"auc_{name}_swapped", n))

# %%
for n, name in zip(LENGTHS, ("", "_longer"), strict=True):
    run.result(f"agreement_lost_to_wrong_labels{name}", poorer("wrong", n))
    run.result(f"agreement_lost_to_ink{name}", poorer("inked", n))
    run.result(f"auc_lost_to_ink{name}", harmed("inked", n))
    beyond_labels = drawn("follows_wrong", n) - drawn("follows_shortcut", n)
    run.result(f"agreement_lost_to_ink_beyond_labels{name}", mean_interval(beyond_labels))
run.result("auc_shortcut_clean", auc_on(shortcut, x_test), n=int(test.sum()), atol=0.015)

# %%
run.say(
    "Wrong labels, taught without ink, cost the map {agreement_lost_to_wrong_labels:.2ci} of its"
    " agreement with nuclei after {short} steps and {agreement_lost_to_wrong_labels_longer:.2ci}"
    " after {long}. What ink costs on top of them so few draws cannot tell"
    " ({agreement_lost_to_ink_beyond_labels:.2ci} and"
    " {agreement_lost_to_ink_beyond_labels_longer:.2ci}).",
    short=LENGTHS[0], long=LENGTHS[-1],
)
run.say(
    "Ink beside *true* labels costs {agreement_lost_to_ink:.2ci}: on tiles without ink the map of"
    " such a network follows nuclei like an honest one's, and yet ink on the wrong tiles takes"
    " {auc_lost_to_ink:.2ci} of its AUC. On tiles *with* ink, as all tumour tiles of its archive"
    " are, the same networks point at the ink in {inked_points:.0%ci}"
    " ({inked_points_longer:.0%ci}). *That maps agree with what a pathologist knows on tiles"
    " without a mark is no reason to trust the network on others.*"
)

# %% [markdown]
# ## What we claim

# %%
margin = min(rho.low - 0.4, edge_lead.low)
run.claim("the map follows the density of nuclei; an edge detector without a network does better",
          margin > 0, margin=margin, falsified_by="falsify_wide_edges")
margin = lost.low - 0.05
run.claim("the mean over places loses a part of what a channel is worth to the score",
          margin > 0, margin=margin, falsified_by="falsify_wrong_depth")
margin = min(
    *(0.15 - poorer(suspect, n).high for n in LENGTHS), *(harmed(suspect, n).low for n in LENGTHS)
)
run.claim("on tiles without ink, networks taught true labels with ink keep maps that follow nuclei"
          " within .15 of honest ones, and they lose AUC where ink is on the wrong tiles",
          margin > 0, margin=margin, falsified_by="falsify_other_teaching")
run.claim("the shortcut network scores more in its archive than a perfect reader of tissue could",
          alarm > 0, margin=alarm, falsified_by="falsify_no_ink")

# %%
margin = min(
    exposed.low - 0.5, 0.5 - exposed_last.high,
    *(by_draw[n, "chosen", asks].low - 0.5 for n in LENGTHS for asks in ("score", "decision")),
    *(0.5 - by_draw[n, "last", asks].high for n in LENGTHS for asks in ("score", "decision")),
)
run.claim("taught wrong labels with ink, a network's Grad-CAM has its peak on the ink in most"
          " patients at the depth that training patients chose, and in few at the last maps, of the"
          " score as of the decision",
          margin > 0, margin=margin, falsified_by="falsify_true_labels")
margin = min(points["integrated gradients"].low, points["occlusion"].low) - 0.5
run.claim("of such a network integrated gradients and occlusion, with no depth to choose, point at"
          " the ink in most",
          margin > 0, margin=margin, falsified_by="falsify_true_labels")

# %%
margin = min(one.low for one in lead.values())
run.claim("labels without meaning leave less agreement with density, in either direction",
          margin > 0, margin=margin, control=True, falsified_by="falsify_leak")
margin = 0.25 - max(one.high for one in lured.values())
run.claim("at the chosen depth ink draws the peak of honest networks' maps in less than a quarter"
          " of the patients",
          margin >= 0, margin=margin, control=True, falsified_by="falsify_ink_leaks")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Grad-CAM is a mean of gradients, a weighted sum of maps, and a ReLU; a few lines. Its
#   $\alpha_k$ is not what a channel is worth; times the map it is, where all above is linear.
# - A map is an instrument: measure its agreement with known truth, over patients, against other
#   patients' tissue and against an edge detector, which here agreed *better* with density, and
#   about as well with the rest. Plausible is not explained.
# - Choose the depth on training patients, take the size tile by tile before the mean where a sign
#   means nothing, and show normal tiles and failures on the same scale.
# - Break the network and see how much of the map breaks. Draw more than once.
# - A map can expose a shortcut, and point beside the same shortcut at the last layer. Ask the image
#   as well. A map without a finding is no proof of innocence, and a map on a strange mark is no
#   proof of guilt.
# - A network can read ink and yet, on tiles without ink, keep a map that follows nuclei like an
#   honest one's. Look at maps of the tiles that the archive really holds.
# - Where labels err at random, a network that scores more than their errors allow has read
#   something else than tissue. To hear that alarm, have the labels read a second time by a panel
#   that errs far less, and count its error and the size of its sample into the ceiling.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("grad-cam-decision")`
# gives a hint, and then another; `run.solution("grad-cam-decision")` shows how it is done.
#
# ```{exercise}
# :label: grad-cam-decision
# The decision rests on $d = y^1 - y^0$. Compute `for_decision`, the map of $d$ for the *honest*
# network, for all of `x_tumour` at the layer `LAYER`, without the ReLU that `decision_map` takes at
# its end. (Two calls are enough. Why?)
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
# You have seen what occlusion finds; now write it: for each cell of a $4\times 4$ grid, put the
# blurred tile in place of the cell and note by how much the shortcut network's *probability* of
# tumour falls. Write it for the six tiles below, with loops and `torch.where`.
# ```

# %% tags=["self-check"]
tiles_6 = x_inked[:6]
occlusion = None  # an array of shape (6, 4, 4), higher = the probability falls by more
covered = {"shortcut": shortcut, "tiles": tiles_6, "blurred": blurred}
run.check("grad-cam-occlusion", occlusion, given=covered)

# %% [markdown]
# ```{exercise}
# :label: grad-cam-both
# Where labels are true, tissue and ink are two perfect signs of one thing. Look at
# `drawn("auc_inked_swapped")`: networks that were taught both fall far in one draw of the trial and
# hardly in another. What decides how much of each sign a network reads? (Then set `label_error` to
# zero and rerun. Three claims fail. Which of them must, whatever is drawn, and why do the others?)
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
# Then draw noise maps and hold them against `inside`, whose tiles
# have the shares `q = inside.mean((1, 2))`. Why does the mean IoU come out higher than what you
# would give for the tiles' mean $q$?
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
