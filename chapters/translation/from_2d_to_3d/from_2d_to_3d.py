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
# # Inflating a kernel
#
# **Question.** On a brain scan of an old man there is a small dark round spot. If it is a
# *microbleed*, it counts: many of them, or all of them near the brain's surface, make his doctors
# think twice before they thin his blood. If it is a *vein* that happens to cross the slice, it does
# not count, and without the drug he may have a stroke. In that one slice the two look the same; the
# radiologist scrolls up and down. Our network has learned from a million photographs, which have
# nothing above them and nothing below. How do we give it a third dimension without throwing away
# what it knows?
#
# **Objectives.** After this chapter you will be able to
#
# - inflate a 2D kernel to 3D in four ways, and say what each one keeps and what it breaks;
# - derive the variance of a sum of correlated slices, and choose the divisor for the slices you
#   have;
# - inflate a whole pretrained network, normalisation and pooling included, and test it by two laws;
# - decide between a 3D network, a 2D one shared by all slices, and one that takes neighbouring
#   slices for colours, by what the question needs.
#
# **Prerequisites.** Python, convolution, variance and correlation, batch normalisation as in
# {doc}`extract_or_finetune`.
#
# **Data.** The network is real: EfficientNet-Lite0 with its ImageNet weights. The anatomy is real,
# the MNI152 template {cite}`fonov2011`, but it is an *average* of many young heads, smoother than
# any of them. Spots and veins are simulated, and their contrast is borrowed: real microbleeds are
# looked for on susceptibility-weighted images (SWI or T2*), where they *bloom*, larger than they
# are; the template is T1. Some of our spots lie where no bleed would. Nothing here is about
# patients. Set `volume_file` to a file of MedMNIST's
# [NoduleMNIST3D](https://doi.org/10.5281/zenodo.10519652) {cite}`yang2023`, and the first task is
# made of real nodules.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
tissue: str = "t1"  # the map of the template to measure on: "t1", "gm" or "wm"
thickness_mm: int = 4  # slices of the whole network's volume, even, 2 ≤ x ≤ 8
brain_mm: int = 96  # height of the piece of brain measured, a multiple of 24, 48 ≤ x ≤ 120
across_mm: int = 192  # its width, its length in proportion, a multiple of 4, 64 ≤ x ≤ 192
slider: str = "all"  # thicknesses compared: "all", or the two at its "ends"
anatomy: str = "brain"  # slices measured on: "brain", the same "scrambled" in order, or "noise"
judged: str = "all"  # depths that the rules are judged at: "all" or the "stem" alone
fit_on: str = "front"  # what measured divisors come from: "front" of the brain, or "noise"
noise_sd: float = 8.0  # noise of one scan, in grey levels of 255, 0 ≤ x ≤ 100
n_draws: int = 20000  # draws of each Monte Carlo check, 100 ≤ x ≤ 10000000
n_train: int = 200  # patches to learn from, even, 8 ≤ x ≤ 5000
n_validation: int = 200  # patches to choose a head's shrinkage by, even, 8 ≤ x ≤ 5000
n_test: int = 200  # patches to test on, even, 8 ≤ x ≤ 5000
slices: int = 5  # slices of a patch, odd, 5 ≤ x ≤ 15
gap_mm: float = 3.0  # from one slice of a patch to the next, 1 ≤ x ≤ 6
contrast: float = 0.4  # share of light that a spot takes away, 0 < x ≤ 1
asked: str = "its own"  # question that a claim on trained readers is judged on, or "the other"
linked: str = "beads"  # what claims on beads go by: "beads", or, planted, "unseen" or "leaking"
steps: int = 44  # training steps of the short try, 2 ≤ x ≤ 10000
batch_size: int = 8  # patches a training step, 2 ≤ x ≤ 256
peak_rate: float = 0.001  # highest learning rate, 0 < x ≤ 0.1
timings: int = 3  # training steps of which the fastest is timed, 1 ≤ x ≤ 100
volume_file: str = ""  # a MedMNIST 3D file such as nodulemnist3d.npz; empty for the simulated task

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats
from torch import nn

from medlib import experiment
from medlib.experiment import COLORS

run = experiment.start("translation/from_2d_to_3d", locals())

# %% tags=["hide-cell"]
READERS = {"slice average": "slice_average", "mean image": "mean_image",
           "both averages": "mean_image_beside", "as colours": "as_colours", "centre": "centre",
           "measured": "measured", "copies/k": "by_k", "copies/√k": "by_root_k",
           "random": "random"}
HUES = ("black", "sky", "sky", "gold", "green", "purple", "blue", "orange", "grey")
PAINT = {name: COLORS.get(hue, hue) for name, hue in zip(READERS, HUES, strict=True)}
WIDTH_IN = 5.0


def strips(rows, titles, place=None):
    """Rows of slices, each row with its title; an arrow at `place` of the middle slice."""
    shape = {"figsize": (WIDTH_IN, 1.3 * len(rows)), "squeeze": False}
    figure, axes = plt.subplots(len(rows), len(rows[0]), **shape)
    for line, volume, title in zip(axes, rows, titles, strict=True):
        for z, (spot, plane) in enumerate(zip(line, volume, strict=True)):
            spot.imshow(plane, vmin=0, vmax=255)
            spot.set(title=title if z == 0 else f"{z + 1}", xticks=[], yticks=[])
        if place is not None:
            arrow = {"arrowstyle": "->", "color": COLORS["gold"], "lw": 1.5}
            row, column = place
            line[len(volume) // 2].annotate(
                "", (column + 4, row + 4), (column + 13, row + 13), arrowprops=arrow
            )
    return figure


def thickness_frame(volume, layers, thickness, predicted):
    """Two neighbouring slices; below, every layer's variance against three predictions."""
    figure = plt.figure(figsize=(WIDTH_IN, 5.6))
    places = figure.subplot_mosaic([["a", "b"], ["plot", "plot"]], height_ratios=[1, 1.15])
    middle = len(volume) // 2
    for name, z in (("a", middle), ("b", middle + 1)):
        places[name].imshow(volume[z, 0].cpu(), vmin=-1, vmax=1)
        places[name].set(title=f"{thickness} mm, slice {z}", xticks=[], yticks=[])
    x, plot = np.arange(len(layers)), places["plot"]
    look = {"all lags": ("-", COLORS["green"], 5), "equal": ("--", COLORS["orange"], 1.8),
            "decaying": (":", COLORS["black"], 1.8)}
    for name, (style, color, width) in look.items():
        values = predicted[name]
        plot.plot(x, values, style, color=color, lw=width, label=f"predicted: {name}")
    scaled = np.array([layer.measured / layer.depth**2 for layer in layers])
    for k, mark in ((3, "o"), (5, "s")):
        own = np.array([layer.depth == k for layer in layers])
        plot.plot(x[own], scaled[own], mark, color=COLORS["blue"], label=f"measured, k = {k}")
    plot.set(ylim=(0.6, 1.02), xlabel="layer, from the stem on")
    plot.set_ylabel("variance kept when s = k")
    figure.legend(*plot.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def depth_lines(kept):
    """Variance relative to the 2D network's at each depth, a line a rule."""
    figure, axes = plt.subplots(figsize=(WIDTH_IN, 3.6))
    for rule, ratios in kept.items():
        axes.plot(list(ratios), list(ratios.values()), "o-", color=PAINT[rule], label=rule)
    axes.axhline(1, color=COLORS["grey"], linestyle=":")
    axes.set(yscale="log", yticks=[], ylabel="variance / that of the 2D network")
    axes.set_yticks([0.8, 1, 1.5, 2, 3], ["0.8", "1", "1.5", "2", "3"], minor=False)
    axes.minorticks_off()
    axes.tick_params(axis="x", rotation=30)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def reading_panels(found, titles):
    """Test AUC of frozen readers: a dot a draw, the mean with its interval, a panel a question."""
    shape = {"figsize": (WIDTH_IN, 2.8 * len(found)), "sharex": True, "squeeze": False}
    figure, axes = plt.subplots(len(found), 1, **shape)
    for place, readings, title in zip(axes[:, 0], found.values(), titles, strict=True):
        for row, (name, (mean, values)) in enumerate(readings.items()):
            place.plot(values, [row] * len(values), ".", color=PAINT[name], alpha=0.35)
            place.plot([mean.low, mean.high], [row, row], color=PAINT[name])
            place.plot(mean.value, row, "o", color=PAINT[name])
        place.axvline(0.5, color=COLORS["grey"], linestyle=":")
        place.set(title=title, yticks=range(len(readings)), yticklabels=list(readings))
        place.invert_yaxis()
    axes[-1, 0].set_xlabel("test AUC, nothing but the head fitted")
    return figure


# %% [markdown]
# ## A picture first
#
# Small volumes, each a row of slices from below to above, cut from the front of the brain for
# training and from the back for testing. (Left and right would not do: this template is symmetric,
# so the right half has seen the left.) A **vein** crosses all slices, upright or tilted. A
# **bleed** is about as high as it is wide, and in the middle slice it has exactly the section that
# a vein would have. The third kind we call **beads**: in every slice a spot with all the properties
# of a vein's section, but each at a place of its own.
#
# One more thing makes it hard. About every second patch, whatever its label, has another vein at
# its side, so "is there a slice without a spot?" is not the question. It is: *is there a spot that
# begins and ends?*

# %% tags=["key"]
from data_fetch.tasks.bleed_or_vein import bleed_or_vein
from data_fetch.tasks.volume_archive import read_volume_archive
from medlib.translation.volumes.volume_study import prepare

options = {"contrast": contrast, "slices": slices, "gap_mm": gap_mm}


# %%
def draw(task, split, n):
    rng = run.rng(f"{task} {split}")
    if task == "bleed" and volume_file:
        sample, labels = read_volume_archive(
            volume_file, n, split=split, rng=rng, slices=slices
        )
    else:
        sample, labels = bleed_or_vein(n, split=split, rng=rng, against=task, **options)
    return run.uses(sample).array, labels


# %% tags=["key"]
TASKS = ("bleed", "beads")
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
raw = {(task, split): draw(task, split, n) for task in TASKS for split, n in SIZES.items()}
patches = {key: prepare(*value, device=run.device) for key, value in raw.items()}
run.say(
    "A pixel is 1 mm wide, slices lie {gap_mm:g} mm apart, and a spot's radius is 2.5 to 4 mm:"
    " above and below the middle slice a bleed shows in {reach} at most.", reach=int(4 // gap_mm),
)

# %%
kinds = "real and simulated" if volume_file else "simulated"
stream = run.rng("picture")
trio = {kind: bleed_or_vein(24, split="train", rng=copy.deepcopy(stream), against=kind, **options)
        for kind in ("vein", "bleed", "beads")}
rival = trio["bleed"].labels == 1
same = {kind: sample.array[rival] for kind, (sample, _) in trio.items()}
pick = same["vein"].mean(axis=(1, 2, 3)).argmax()
shown = {kind: images[pick] for kind, images in same.items()}
apart = np.abs(shown["vein"].astype(int) - shown["bleed"])[[0, -1]]
ends = [np.unravel_index(plane.argmax(), plane.shape) for plane in apart]
run.figure(
    strips(list(shown.values()), list(shown), np.mean(ends, axis=0)),
    name="patches", data="simulated",
    alt="Three rows of slices at one place. Vein: at the arrow a dark spot in every slice. Bleed:"
    " the same spot in the middle slice, and none in the outermost ones. Beads: a spot in every"
    " slice, each elsewhere. What else is dark is the same in all rows.",
    caption="One place, three kinds. In the middle slice (arrow) vein and bleed are the same spot;"
    " beads put theirs elsewhere in each slice. Simulated spots, real anatomy of an averaged brain,"
    f" n = 3, the brightest of {rival.sum()} places drawn.",
)

# %% [markdown]
# ## One kernel by hand
#
# Let $w$ be a 2D kernel of $k\times k$ weights, and $u_z$ its answer to slice $z$. The simplest 3D
# kernel has $k$ copies of $w$, one for each of $k$ neighbouring slices, all divided by some $s$.
# Because convolution is linear, its answer is
#
# $$ y_z = \frac1s \sum_{d=1}^{k} u_{z+d-(k+1)/2} : $$
#
# apply the 2D kernel to each slice, and add up neighbouring *answers*. An inflated kernel, before
# any training, is the old kernel followed by a blur along depth. Nothing is left to choose but $s$.
#
# - **Copies/k**: $s = k$ (`rule="mean"`). If all slices are equal, $y = u$: the network sees a
#   photograph, repeated, and says what it always said. This is what was done for
#   [films](https://doi.org/10.1109/CVPR.2017.502).
# - **Copies/√k**: $s = \sqrt k$ (`rule="variance"`). If the slices are independent,
#   $\operatorname{Var} y = \operatorname{Var} u$.
# - **Centre**: one copy only, in the middle, and zeros elsewhere: $y = u$ for every input. The
#   neighbours have no say yet, but they can learn to.
#
# Our slices have one channel and the network's first layer, its *stem*, wants three. For a grey
# image all three are equal, so their kernels may simply be added up.

# %% tags=["key"]
from data_fetch.packaged import imagenet_weights
from medlib.nets.efficientnet_lite import STAGES, load_imagenet
from medlib.nets.stem import one_channel_stem
from medlib.translation.volumes.inflation import inflate_conv

weights = run.uses(imagenet_weights().as_sample())
source = load_imagenet(weights.path).to(run.device)
stem = one_channel_stem(source.stem[0])
volume = patches["bleed", "test"].volumes[:1]

# %% tags=["key"]
with torch.no_grad():
    planes = volume[0].transpose(0, 1)  # (slices, 1, rows, columns)
    colour = source.stem[0](planes.expand(-1, 3, -1, -1))
    grey = stem(planes)
    by_hand = (grey[:-2] + grey[1:-1] + grey[2:]) / 3
    library = inflate_conv(stem, rule="mean")(volume)[0].transpose(0, 1)[1:-1]
run.result("grey_stem_difference", (grey - colour).abs().max(), atol=1e-4)
run.result("by_hand_difference", (by_hand - library).abs().max(), atol=1e-4)
run.say(
    "The grey stem differs from the colour stem by {grey_stem_difference:.0e} at most, the"
    " blurred answers from the 3D kernel's by {by_hand_difference:.0e}."
)

# %% [markdown]
# ## What happens to the variance
#
# Neither divisor asks what the slices are like. Let every $u_z$ have variance $\sigma^2$, and let
# answers that lie $h$ slices apart have correlation $\rho_h$. The variance of a sum is the sum of
# all covariances. Of the $k^2$ pairs of slices, $k$ are a slice with itself, and $2(k-h)$ lie $h$
# apart:
#
# $$ \operatorname{Var} y = \frac{\sigma^2}{s^2}\Bigl(k + 2\sum_{h=1}^{k-1}(k-h)\,\rho_h\Bigr). $$
#
# If all pairs are alike, $\rho_h = \rho$, this is $\sigma^2\,(k + k(k-1)\rho)/s^2$. Now both
# divisors are visible as its ends: $\rho = 1$ asks for $s = k$ and $\rho = 0$ for $s = \sqrt k$.
# Where no correlation is negative, the right $s$ lies between them. And real slices are *not* all
# alike: what is far apart is less similar. The simplest such model is a decay, $\rho_h = \rho^h$
# (an autoregression, in which each slice remembers only the one before).
#
# Does the algebra hold? Draw slices with known correlations, add them up, and compare. With $n$
# draws, a sample variance over its true value is $\chi^2_{n-1}/(n-1)$, which gives the interval,
# widened so that it holds all settings at once in all but one of a hundred runs.

# %%
from medlib.translation.volumes.slice_correlation import (
    decaying_correlations,
    equal_correlations,
    variance_ratio,
)

settings = [(model, k, rho) for model in (equal_correlations, decaying_correlations)
            for k in (3, 5) for rho in (0.0, 0.3, 0.6, 0.9)]
rng = run.rng("slices")


# %% tags=["key"]
def drawn_ratio(lags):
    """Sample variance of a sum of correlated slices, over what the formula says."""
    k = len(lags) + 1
    near = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    covariance = np.concatenate([[1.0], lags])[near]
    drawn = rng.multivariate_normal(np.zeros(k), covariance, n_draws, method="cholesky")
    return drawn.sum(axis=1).var(ddof=1) / variance_ratio(lags)


# %%
ratios = [drawn_ratio(model(rho, depth=k)) for model, k, rho in settings]
tail = 0.01 / len(settings) / 2
low, high = stats.chi2.ppf([tail, 1 - tail], n_draws - 1) / (n_draws - 1)
run.result("monte_carlo_low", min(ratios), n=n_draws, atol=1e-6)
run.result("monte_carlo_high", max(ratios), n=n_draws, atol=1e-6)
run.say(
    "Measured over predicted, in {count} settings: {monte_carlo_low:.4f} to {monte_carlo_high:.4f};"
    " chance alone, in 99 of 100 runs, {low:.4f} to {high:.4f}.",
    count=len(settings), low=low, high=high,
)

# %% [markdown]
# ## How alike are slices?
#
# Let us ask every layer. Run the 2D network slice by slice over a volume. At each kernel that looks
# around (the stem and sixteen others; kernels of one pixel stay one slice deep) take the answers
# $u$: every channel minus its own mean over the whole volume, background included. $\sigma^2$ is
# the sum over channels of $\overline{u_z^2}$, and $\rho_h\sigma^2$ that of
# $\overline{u_z u_{z+h}}$. Beside it measure, without any formula, the variance after adding up
# $k$ slices. Move the slider: thicker slices, means over thin ones, lie further apart.

# %% tags=["key"]
from data_fetch.packaged import mni152
from medlib.nets.trunk import Trunk
from medlib.translation.volumes.measured_inflation import measure_depth

trunk = Trunk(source, grey=True)

# %%
brain = run.uses(mni152(tissue, resolution_mm=2)).array[1:97, 2:114]  # (x, y, z)
wide, high = (slice(48 - mm // 4, 48 + mm // 4) for mm in (across_mm, brain_mm))
long = slice(56 - 56 * across_mm // 192, 56 + 56 * across_mm // 192)
brain = brain[wide, long, high]
thin = torch.from_numpy(np.ascontiguousarray(brain.transpose(2, 1, 0)))
thin = ((255 * thin.to(run.device) - 127) / 128).flip(1)[:, None]  # front of the brain up
white = torch.from_numpy(run.rng("white").normal(0, 1, tuple(thin.shape))).to(thin)
if anatomy == "scrambled":
    thin = thin[torch.from_numpy(run.rng("scrambled").permutation(len(thin)))]
if anatomy == "noise":
    thin = white


# %% tags=["key"]
def thick(mm, source=thin):
    """The brain in slices of `mm`: means over neighbouring slices of 2 mm."""
    count = mm // 2
    return source[: len(source) // count * count].unflatten(0, (-1, count)).mean(dim=1)


# %%
THICKNESSES = (2, 4, 6, 8) if slider == "all" else (2, 8)
layers = {mm: measure_depth(trunk, thick(mm)) for mm in THICKNESSES}


# %% tags=["key"]
def predictions(found):
    """Variance kept when s = k, by three models of the correlations, layer by layer."""
    models = {"equal": lambda v, k: equal_correlations(v[0], depth=k),
              "decaying": lambda v, k: decaying_correlations(v[0], depth=k),
              "all lags": lambda v, k: v}
    return {name: [variance_ratio(model(f.correlations, f.depth), divisor=f.depth)
                   for f in found] for name, model in models.items()}


# %%
run.frames(
    [thickness_frame(thick(mm), layers[mm], mm, predictions(layers[mm])) for mm in THICKNESSES],
    name="thickness", label="slice thickness (mm)", values=THICKNESSES, data="real",
    alt="Two neighbouring slices of a brain, and a plot over the layers of measured variance beside"
    " three predicted curves, of which the one for equal correlations is mostly too high.",
    caption="The share of the variance that is left when copies are divided by k. The curve that"
    " takes all slices for equally alike is mostly too high; the decay nearly hides the curve with"
    f" all lags. Real anatomy of an averaged brain, n = {len(layers[2])} layers.",
)

# %%
measured = {mm: np.array([f.measured / f.depth**2 for f in layers[mm]]) for mm in THICKNESSES}
error = {(name, mm): np.array(values) / measured[mm] - 1
         for mm in THICKNESSES for name, values in predictions(layers[mm]).items()}
rho = {mm: np.array([f.correlations[0] for f in layers[mm]]) for mm in THICKNESSES}
for mm in (2, 8):
    run.result(f"rho_lowest_{mm}mm", rho[mm].min(), atol=0.01)
    run.result(f"kept_least_{mm}mm", measured[mm].min(), atol=0.01)
for name in ("equal", "decaying", "all lags"):
    worst = max(np.abs(error[name, mm]).max() for mm in THICKNESSES)
    key = f"error_{name.replace(' ', '_')}"
    run.result(key, worst, n=len(THICKNESSES) * len(rho[2]), atol=0.01)
run.say(
    "Neighbours 2 mm apart are alike: no layer's correlation falls below {rho_lowest_2mm:.2f}. At"
    " 8 mm the lowest is {rho_lowest_8mm:.2f}, and division by $k$ leaves every layer"
    " {kept_least_8mm:.0%} of its variance or more. The largest relative error over all layers and"
    " thicknesses is {error_equal:.1%} if the neighbours' correlation is taken for all lags,"
    " {error_decaying:.1%} if it decays from lag to lag, and {error_all_lags:.1%} with every lag"
    " measured."
)

# %% [markdown]
# With *every lag measured* the formula is an identity, up to the ends of the volume: it has fewer
# windows than slices. It tests nothing, and its error says how finely we can tell: a decay cannot
# be told from it, one correlation for all lags can.
#
# All this is one averaged head in front of an empty background, alike in all slices, which
# raises correlations. Nor has an average any noise. A scan has, and its noise is
# new in every slice. Add some, and ask again.

# %% tags=["key"]
noise = run.rng("noise").normal(0, noise_sd / 128, tuple(thin.shape))
noisy = measure_depth(trunk, thin + torch.from_numpy(noise).to(thin))
drop = rho[2] - np.array([f.correlations[0] for f in noisy])
run.result("rho_stem_noisy", noisy[0].correlations[0], atol=0.002)
run.result("drop_least", drop.min(), atol=0.002)
run.result("drop_most", drop.max(), atol=0.01)
run.say(
    "With noise of {noise_sd:g} grey levels the stem's correlation at 2 mm falls from {clean:.2f}"
    " to {rho_stem_noisy:.2f}; over the layers it falls by {drop_least:.2f} to {drop_most:.2f}.",
    clean=rho[2][0],
)

# %% [markdown]
# So the correlations belong to a layer, a spacing *and* a scanner. Measure on your own volumes.
#
# ## The whole network
#
# So choose $s$ for the slices at hand, $s^2 = k + 2\sum_h (k-h)\rho_h$: a fourth rule,
# **measured**, with a set of $\rho_h$ and an $s$ for each channel. One thing remains. With $s < k$
# the *mean* of the answers grows by $k/s$, and batch normalisation, which remembers the 2D mean,
# would be wrong by that. Both can be kept: add the constant $(1 - k/s)\,\bar u$, with $\bar u$ the
# mean of the answers. The correlations must be measured layer after layer, each on what the
# *inflated* layers before it send, which one forward pass can do.
#
# And the rest of the network? It has a stem, seven *stages* (blocks of layers) and a head. In each
# block one *depthwise* convolution, which gives every channel a kernel of its own, looks around in
# the plane; kernels of one pixel around it mix channels, and all but the last of a block are
# followed by ReLU6, $\min(\max(x,0),6)$. Inflation makes three decisions. Kernels that look around
# get depth $k$. **Strides** stay in the plane: all slices are kept, for there are few. **Pooling**,
# the mean over all places at the end, now runs over slices too; **normalisation** keeps every
# number, for a channel has one mean and one variance however many axes its places have.

# %%
firsts = np.cumsum([0, 1, *(stage.blocks for stage in STAGES[:-1])])
depths = ("stem", *(f"stage {number}" for number in range(1, len(STAGES) + 1)))
strides = (2, *(stage.stride for stage in STAGES))
rows = []
for at, depth, stride in zip(firsts, depths, strides, strict=True):
    near, far = layers[2][at], layers[8][at]
    k = near.depth
    rows.append({"where": depth, "kernel": f"{k}×{k} → {k}×{k}×{k}",
                 "stride": f"1×{stride}×{stride}",
                 "s, 2 mm": f"{near.divisor:.2f}", "s, 8 mm": f"{far.divisor:.2f}"})
run.table(
    rows, name="layers",
    caption="The first inflated kernel of each depth, and the divisor that would keep its variance"
    " (all channels together, template without noise). Slices come first, then rows and columns.",
)

# %% [markdown]
# A rule should be judged on slices that it was not fitted to. So measure the divisors on the front
# half of the brain, and look at the back half.

# %% tags=["key"]
from medlib.translation.volumes.inflation import inflate
from medlib.translation.volumes.measured_inflation import inflate_measured

half = thin.shape[2] // 2


# %%
def halves(mm):
    """Front and back half of the brain, each as a volume (1, 1, slices, rows, columns)."""
    whole = thick(mm).transpose(0, 1)[None]
    return whole[..., :half, :], whole[..., half:, :]


# %% tags=["key"]
front, back = halves(thickness_mm)
rules = {"copies/k": "mean", "copies/√k": "variance", "centre": "centre"}
inflated = {name: inflate(trunk, rule=rule) for name, rule in rules.items()}
model = {"front": front, "noise": thick(thickness_mm, white).transpose(0, 1)[None]}
inflated["measured"] = inflate_measured(trunk, model[fit_on])


# %% tags=["key"]
def spread(maps):
    """Variance over all places, summed over channels."""
    return float(maps.transpose(0, 1).flatten(1).var(dim=1).sum())


@torch.no_grad()
def variance_kept(volume, networks):
    """Each network's variance over that of the 2D network, depth by depth."""
    flat = {name: spread(maps) for name, maps in trunk.depths(volume[0].transpose(0, 1)).items()}
    return {rule: {name: spread(maps) / flat[name] for name, maps in net.depths(volume).items()}
            for rule, net in networks.items()}


# %%
def distance(ratios):
    """Mean over depths of how far the logarithm of the variance is off."""
    wanted = ratios if judged == "all" else ["stem"]
    return float(np.mean([abs(np.log(ratios[name])) for name in wanted]))


kept = variance_kept(back, inflated)

# %%
run.figure(
    depth_lines(kept), name="rules", data="real",
    alt="Four lines over the depth of the network: centre exactly at one,"
    " measured near one up to the last stage,"
    " copies divided by k below, copies divided by the root of k far above.",
    caption="What each rule makes of the variance, all layers inflated; 1 = as in the 2D network."
    " Divisors measured on the front half of the brain, judged on the back half. Real anatomy of an"
    f" averaged brain, n = {back.shape[2]} slices of {thickness_mm} mm.",
)

# %%
off = {READERS[name]: distance(ratios) for name, ratios in kept.items()}
for name, value in off.items():
    run.result(f"log_ratio_{name}", value, n=len(kept["centre"]), atol=0.02)
run.say(
    "Mean distance of the logarithm of the variance from that of the 2D network: copies/k"
    " {log_ratio_by_k:.2f}, copies/√k {log_ratio_by_root_k:.2f}, measured"
    " {log_ratio_measured:.2f}, centre {log_ratio_centre:.2f}."
)

# %% [markdown]
# *Centre* keeps it perfectly, by not looking at the neighbours. *Measured* comes nearest of the
# others on average. Even it loses variance in the last stages. Is that because the front of a head
# is not its back? And a divisor measured on thin slices, is it right for thick ones? Judge the back
# at 8 mm, with divisors measured on the front at 8 and at 2 mm, and on the very slices judged.

# %% tags=["key"]
front_2mm, (front_8mm, back_8mm) = halves(2)[0], halves(8)
source_of = {"2mm": front_2mm, "8mm": front_8mm, "itself": back_8mm}
fitted = {name: inflate_measured(trunk, volume) for name, volume in source_of.items()}
for name, ratios in variance_kept(back_8mm, fitted | {"k": inflated["copies/k"]}).items():
    run.result(f"log_ratio_fitted_{name}", distance(ratios), n=len(ratios), atol=0.02)
run.say(
    "On slices of 8 mm, divisors measured on the front at 8 mm are off by"
    " {log_ratio_fitted_8mm:.2f}, those measured there at 2 mm by {log_ratio_fitted_2mm:.2f}, and"
    " $k$, which was never measured, by {log_ratio_fitted_k:.2f}. Divisors measured on the very"
    " slices judged are off by {log_ratio_fitted_itself:.2f}."
)

# %% [markdown]
# So neither the spacing nor the place makes most of the error. A divisor keeps the variance that
# its 2D kernel finds in *what this kernel gets*, and that has been blurred by all layers before:
# what the blur took away no divisor brings back. Still, template slices are so alike that
# $\sqrt k$ is far from what they need.
#
# And on slices that are independent, for which $\sqrt k$ was made? Give the network volumes of pure
# noise, new in every slice.

# %% tags=["key"]
snow = thick(thickness_mm, white).transpose(0, 1)[None]
pair, off_on_noise = {name: inflated[name] for name in ("copies/k", "copies/√k")}, {}
alone = trunk.stem[0](snow[0].transpose(0, 1)).detach()
for name, ratios in variance_kept(snow, pair).items():
    whole = off_on_noise[name] = distance(ratios)
    kernel = spread(pair[name].stem[0](snow).detach()) / spread(alone)
    run.result(f"noise_kernel_{READERS[name]}", kernel, atol=0.03)
    run.result(f"noise_stem_{READERS[name]}", ratios["stem"], atol=0.03)
    run.result(f"noise_off_{READERS[name]}", whole, n=len(ratios), atol=0.03)
run.say(
    "On noise, the answers of the *first* kernels have {noise_kernel_by_root_k:.2f} times the"
    " variance of the 2D network's with √k, {noise_kernel_by_k:.2f} times with k; behind ReLU6,"
    " which clips the largest, {noise_stem_by_root_k:.2f} and {noise_stem_by_k:.2f} times. Over all"
    " depths the logarithm is off by {noise_off_by_root_k:.2f} with √k, and by"
    " {noise_off_by_k:.2f} with k."
)

# %% [markdown]
# For one layer the root is right, as derived (a little more than one with $\sqrt k$, than a third
# with $k$, for at the ends of the volume a slice is added to itself). It is the worse of the two
# for a whole network even here: the first layer's sums share slices, so what the second layer gets
# is no longer independent. No one divisor keeps the variance whatever the slices are.
#
# What does too much variance do? ReLU6 clips at six, and where it clips, the next layer cannot see
# what was there.


# %%
@torch.no_grad()
def clipped(network, volume):
    """Share of all activations that ReLU6 holds at six."""
    seen = []
    hooks = [m.register_forward_hook(lambda m, _, out: seen.append(
             ((out >= 6).sum().item(), out.numel())))
             for m in network.modules() if isinstance(m, nn.ReLU6)]
    network(volume)
    for hook in hooks:
        hook.remove()
    at_six, total = np.sum(seen, axis=0)
    return at_six / total


# %%
for name in ("copies/k", "copies/√k"):
    run.result(f"clipped_{READERS[name]}", clipped(inflated[name], back), atol=0.01)
flat = clipped(trunk, back[0].transpose(0, 1))
run.say(
    "Clipped at six: {flat:.2%} of the 2D network's activations, {clipped_by_k:.2%} with copies/k,"
    " {clipped_by_root_k:.2%} with copies/√k.", flat=flat,
)

# %% [markdown]
# A network of this size needs tests that a picture cannot give. Two laws are exact: repeated slices
# must get the 2D answer under *copies/k*, and any volume the mean of its slices' answers under
# *centre*.

# %% tags=["key"]
with torch.no_grad():
    slabs = back[0].transpose(0, 1)
    plane = slabs[len(slabs) // 2 :][:1]
    repeated = plane[:, :, None].expand(-1, -1, 3, -1, -1)
    law_mean = (inflated["copies/k"](repeated) - trunk(plane)).abs()
    law_centre = (inflated["centre"](back) - trunk(slabs).mean(dim=0)).abs()
    broken = (inflated["copies/√k"](repeated) - trunk(plane)).abs().mean()

# %%
for name, value in (("by_k", law_mean.max()), ("centre", law_centre.max())):
    run.result(f"law_{name}", value, unit="feature units", atol=1e-3)
run.result("law_broken_by_root_k", broken, unit="feature units", atol=0.05)
run.say(
    "Largest difference over 1280 features: {law_by_k:.0e} under copies/k, {law_centre:.0e} under"
    " centre. Copies/√k breaks the first law by {law_broken_by_root_k:.2f} in the mean; features"
    " themselves have a mean of {size:.2f}.", size=trunk(plane).detach().mean().item(),
)

# %% [markdown]
# The copies at the ends of the volume were fed by repeating the first and the last slice. With
# zeros there, as at the borders of each plane, the first law would fail at the ends.
#
# ### A divisor that does not matter
#
# There is an easy way out of the whole question: let batch normalisation measure its statistics
# anew. Whatever $s$ is, $(y - \bar y)/\operatorname{sd}(y)$ is the same, so both divisors become
# one network. It costs what {doc}`extract_or_finetune` warned of: the new statistics are those of a
# small, strange data set.

# %% tags=["key"]
from medlib.nets.norm_statistics import refresh_statistics

some = patches["bleed", "train"].volumes[:16]
shallow = Trunk(source, depth="stage3", grey=True)
pair = [inflate(shallow, rule=rule, depth=3) for rule in ("mean", "variance")]
with torch.no_grad():
    kept_statistics = [net(some) for net in pair]
    fresh = [refresh_statistics(net, some)(some) for net in pair]

# %%
gap, wide = (float((b - a).abs().mean() / a.abs().mean()) for a, b in (fresh, kept_statistics))
run.result("gap_renewed", gap, n=len(some), atol=0.02)
run.result("gap_kept", wide, n=len(some), atol=0.1)
run.say(
    "With fresh statistics the two divisors' features differ by {gap_renewed:.1%} on average; with"
    " those of ImageNet, by {gap_kept:.0%}."
)

# %% [markdown]
# What is left is the $\varepsilon$ that keeps normalisation from dividing by zero: it weighs more
# where a divisor has made the variance small.
#
# ## Slice by slice, as colours, in depth
#
# The rival of inflation: leave the network 2D, share it among all slices, and join the slices'
# feature vectors $f_1,\dots,f_D$ at the end. Take their **average**; or an average with learned
# weights, $\sum_z a_z f_z$ with $a = \operatorname{softmax}_z(v\cdot\tanh U f_z)$, a vector $v$ and
# a matrix $U$ learned, called **attention**; or let a **recurrent** network read them in order,
# from both ends.
#
# Between the two lies a third way, **as colours**: the network stays 2D, but sees three
# neighbouring slices at once, as if they were red, green and blue. (Its usual name is
# "2.5D".) <!-- number: a name --> What stands still is grey; what moves becomes coloured, and a
# network that has learned from photographs knows colour. Nothing need be inflated.
#
# We cut every network after its third stage, to save time: the spots are small. `random` has the 3D
# network's shape and nothing of its knowledge. Kernels are three slices deep, and the normalisation
# keeps the statistics it came with, so that the divisors stay different; that of `random` has them
# from training patches.

# %%
coloured = Trunk(source, depth="stage3")
random_weights = run.torch_generator("bleed random")

# %%
from medlib.translation.volumes.volume_study import (
    fit_volumes,
    from_scratch,
    mean_of_slices,
    mean_of_stacks,
    score,
)


# %% tags=["key"]
def reader(name, task):
    if name == "slice average":
        return mean_of_slices(shallow)
    if name == "as colours":
        return mean_of_stacks(coloured)
    if name == "random":
        part = patches[task, "train"].volumes[:32]
        return from_scratch(shallow, part, depth=3, generator=random_weights)
    return inflate(shallow, rule=rules[name], depth=3)


# %% [markdown]
# ### What they know before any training
#
# First the readers as they come, *frozen*: only a head is fitted, a logistic regression on their
# features, its shrinkage chosen on validation patches. No length of training enters here. We score
# by the **AUC**, the chance that a patch with label 1 scores higher than one with label 0 (one half
# is guessing). One draw of patches ranks nothing, so this is recorded over many, with the draw as
# the unit; all are cut from one averaged brain, and no interval speaks for another.
#
# Two rivals need no third dimension at all: average the *slices*, before the network and not behind
# it, and let the 2D network read the **mean image**, as it is; or give the head **both averages**,
# features of the mean image beside the mean of the slices' features. And the network whose divisors
# were *measured* may show whether keeping a variance helps anybody to read.

# %% tags=["key"]
from medlib.measures.mean_interval import mean_interval

draws = experiment.recorded(run, "_frozen_readers/sweep")


def read(task, name):
    """Test AUC of a frozen reader, one value a draw."""
    return draws.array(f"{task}_{READERS[name]}")


def lead(task, one, other):
    """How far one frozen reader is ahead of another, draw by draw, as a mean with its interval."""
    return mean_interval(read(task, one) - read(task, other), unit="AUC")

# %%
titles = ["bleed or vein", "beads or vein"]
FROZEN = [name for name in READERS if name != "centre"]
frozen = {task: {name: (mean_interval(read(task, name), within=(0, 1)), read(task, name))
                 for name in FROZEN} for task in TASKS}
run.figure(
    reading_panels(frozen, titles), name="frozen", data="simulated",
    alt="Two panels, a row a reader: test AUC of each draw, the mean with its interval. On bleeds"
    " most lie together, copies over the root of k lower and random weights near one half; on beads"
    " the slice average is at one half, and all that puts neighbours into one place is above it.",
    caption="What frozen readers know: test AUC, only a head fitted; dots: draws, with their mean"
    " and its 95 % interval. Recorded; simulated spots in real anatomy of one averaged brain,"
    f" n = {len(draws.seeds)} draws of patches.",
)
for task in TASKS:
    for name, (mean, _) in frozen[task].items():
        run.result(f"frozen_{task}_{READERS[name]}", mean)

# %%
PAIRS = [("copies/k", "slice average"), ("as colours", "slice average"),
         ("both averages", "slice average"), ("random", "slice average"),
         ("both averages", "copies/k"), ("copies/k", "copies/√k"), ("measured", "copies/k")]
ahead_of = {(task, *pair): lead(task, *pair) for task in TASKS for pair in PAIRS}
for (task, one, other), found in ahead_of.items():
    run.result(f"frozen_{task}_{READERS[one]}_over_{READERS[other]}", found)


# %%
def on(task, *pair):
    """A lead as text."""
    return f"{ahead_of[task, *pair]:+.3ci}"


average = "slice average"
run.say(
    "Against the slice average, on bleeds: copies/k {k}, slices as colours {colours}, both averages"
    " {both}. On beads: {k_beads}, {colours_beads} and {both_beads}; random weights {random}.",
    k=on("bleed", "copies/k", average), colours=on("bleed", "as colours", average),
    both=on("bleed", "both averages", average), k_beads=on("beads", "copies/k", average),
    colours_beads=on("beads", "as colours", average),
    both_beads=on("beads", "both averages", average), random=on("beads", "random", average),
)

# %%
run.say(
    "Does inflation read what no 2D network can? Both averages, of a network that nobody touched,"
    " minus copies/k: {both} on bleeds, {both_beads} on beads. Copies/k minus copies/√k: {root} and"
    " {root_beads}. Divisors that were measured, which keep the variance best, minus copies/k:"
    " {measured} and {measured_beads}.",
    both=on("bleed", "both averages", "copies/k"),
    both_beads=on("beads", "both averages", "copies/k"),
    root=on("bleed", "copies/k", "copies/√k"), root_beads=on("beads", "copies/k", "copies/√k"),
    measured=on("bleed", "measured", "copies/k"),
    measured_beads=on("beads", "measured", "copies/k"),
)
run.say(str(draws.made) + " Again: `medbook sweep translation/from_2d_to_3d/_frozen_readers --seeds"
        " 0-9 --accept`.")

# %% [markdown]
# **Bleed or vein** shows in the slices: some hold one spot fewer. **Beads or vein** does not show
# in any slice. Every slice alone is distributed alike under both labels, so whatever is averaged
# over slices has the same expectation (not the same distribution: its spread differs, and a curved
# enough score could use that; a logistic regression on these features did not). What puts
# neighbours into one place can answer at once: in a sum of copies, and in the mean image as well,
# spots in line add up and scattered ones do not; as colours, what is scattered is coloured.
# (*Centre*, not drawn, is the slice average before training, by its law: its kernels reach along
# depth but begin empty.) Even random kernels tell something there, for they reach along depth as
# well; of bleeds they tell next to nothing.
#
# So before any training a blur along depth is what an inflated network has to offer. On beads one
# may have that cheaper, and better; on bleeds copies/k keep a lead of hundredths. What inflation
# may be *for* needs training: its copies can learn to differ.
#
# ### What a short try would have told you
#
# Now train, briefly, the way one tries a new idea: so many steps, one rate for all, the first that
# came to mind. Same patches, same order, the same recipe for a head, whose shrinkage is fixed here
# and not chosen as above.

# %% tags=["key"]
batches, tried = run.torch_generator("batches"), {}
first = batches.get_state()
for name in ("slice average", "as colours", "copies/k", "random"):
    batches.set_state(first)
    tried[name] = fit_volumes(
        reader(name, "bleed"), patches["bleed", "train"], patches["bleed", "test"],
        steps=steps, batch_size=batch_size, peak_rate=peak_rate, generator=batches,
    )

# %%
rows = []
for name, fit in tried.items():
    one = fit.after
    words = f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
    rows.append({"reader": name, "before": f"{fit.before.value:.2f}", "after": words})
    spec = {"unit": "AUC", "interval": (one.low, one.high), "n": n_test, "atol": 0.04}
    run.result(f"short_{READERS[name]}", one.value, **spec)
caption = f"Bleed or vein: test AUC before and after {steps} steps, n = {n_test}, {kinds} spots."
run.table(rows, name="short", caption=caption)

# %% [markdown]
# Do not rank readers by this table. Intervals overlap, nobody chose a rate for any of them, it is
# one draw of patches, and nothing says that any of them was done learning. A conclusion about
# trained readers needs each of them at its own rate, several draws, and a ranking that stays when
# the training is doubled, and doubled again.
#
# ### Trained longer, each at its own rate
#
# That takes longer than a page may. It is a *recorded trial* of six readers: slice average,
# recurrent, as colours, copies/k, centre, random. One is recurrent, fitted to frozen features first
# and then trained together with the network that feeds it. The rate is constant and a running mean
# of the weights is judged, so that one training can be looked at after one, two and four times a
# length. At each of these we take the rate that does better on validation patches than both its
# neighbours on a ladder, tried for just as long, or the ladder's end; and of statistics kept and
# statistics renewed, as is usual for random weights, the better there. (Renewed, copies/√k start as
# copies/k; so they are left out.) There are five seeds, each with patches of its own: the seed is
# the unit of the intervals.

# %%
trial = experiment.recorded(run, "_readers_to_their_end/sweep")
MULTIPLES = (1, 2, 4)
KIND = {"slice average": "planes", "recurrent": "planes", "as colours": "planes",
        "copies/k": "volumes", "centre": "volumes", "random": "volumes"}


def reached(task, name, what):
    """One result of the trial for a reader, a value for each seed."""
    where = {"question": task, "kind": KIND[name]}
    return trial.array(what.format(READERS.get(name, name)), **where)


# %%
ENDS = {(task, name, m): reached(task, name, f"auc_{{}}_{m}")
        for task in TASKS for name in KIND for m in (0, *MULTIPLES)}
lengths = [trial.fixed["steps"] * m for m in MULTIPLES]
edges = {(task, name): int(reached(task, name, "on_the_edge_{}").sum())
         for task in TASKS for name in KIND}
late = {(task, name): (ENDS[task, name, 4] - ENDS[task, name, 2]).mean()
        for task in TASKS for name in KIND}
order_lost = {(task, name): mean_interval(ENDS[task, name, 4] - reached(task, name, "shuffled_{}"))
              for task in TASKS for name in KIND}


# %%
def ends_panel(place, task, title):
    """Test AUC over the length of training, a line a reader and a dot a seed."""
    for name in KIND:
        found = np.stack([ENDS[task, name, m] for m in MULTIPLES])
        color = PAINT.get(name, COLORS["sky"])
        place.plot(lengths, found.mean(axis=1), "o-", color=color, label=name)
        place.plot(lengths, found, ".", color=color, alpha=0.4)
    place.axhline(0.5, color=COLORS["grey"], linestyle=":")
    place.set(xscale="log", title=title, ylabel="test AUC")
    place.set_xticks(lengths, [str(n) for n in lengths])
    place.minorticks_off()


# %%
def ends_figure():
    """A panel a question."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH_IN, 6.4), sharex=True)
    for place, task, title in zip(axes, TASKS, titles, strict=True):
        ends_panel(place, task, title)
    axes[-1].set_xlabel("training steps")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


# %%
run.figure(
    ends_figure(), name="ends", data="simulated",
    alt="Two panels of test AUC over the length of training, a line a reader and a dot a seed. On"
    " bleeds five readers rise together and random weights far below them. On beads the slice"
    " average and the recurrent reader stay near one half, slices as colours and centre are near"
    " one, and random weights overtake copies over k.",
    caption="On bleeds what a network knows is a head start; on beads all that reaches along depth"
    " and does not begin as equal copies comes near the top. Each reader at its own rate: means"
    f" over seeds, and a dot for each. Simulated spots in real anatomy of one averaged brain;"
    f" recorded, n = {len(trial.seeds)} seeds.",
)

# %%
rows = []
for name in KIND:
    row = {"reader": name}
    for task, title in zip(TASKS, titles, strict=True):
        row[title] = f"{mean_interval(ENDS[task, name, 4], within=(0, 1)):.2ci}"
        row[f"{title}, lost by shuffling"] = f"{order_lost[task, name]:.2ci}"
    rows.append(row)
run.table(rows, name="ends", caption=f"Recorded: test AUC after {lengths[-1]} steps, and what it"
          " loses when the test patches' slices are shuffled: means over"
          f" {len(trial.seeds)} seeds with 95 % t intervals.")
run.say(str(trial.made))

# %%
others = max(late["bleed", name] for name in KIND if name != "random")
run.say(
    "On bleeds random weights rose by {rising:+.2f} in the last doubling, no other reader by more"
    " than {others:+.2f}; what still rises is not at its end. Of {looks} looks {edges} chose the"
    " lowest or the highest rate of the ladder, which is then not tuned: random weights on beads in"
    " {random} of {each}, copies/k in {copies}.",
    rising=late["bleed", "random"], others=others, edges=sum(edges.values()),
    random=edges["beads", "random"], copies=edges["bleed", "copies/k"] + edges["beads", "copies/k"],
    each=len(MULTIPLES) * len(trial.seeds),
    looks=len(edges) * len(MULTIPLES) * len(trial.seeds),
)


# %% tags=["key"]
def paired(task, one, other, multiple=4):
    """How far one reader is ahead of another, seed by seed, as a mean with its interval."""
    gain = ENDS[task, one, multiple] - ENDS[task, other, multiple]
    return mean_interval(gain, unit="AUC")


# %%
TRAINED = {"depth_on_bleeds": ("bleed", "copies/k", "slice average"),
           "colours_on_bleeds": ("bleed", "as colours", "slice average"),
           "depth_over_order": ("bleed", "copies/k", "recurrent"),
           "depth_over_colours": ("bleed", "copies/k", "as colours"),
           "depth_on_beads": ("beads", "copies/k", "recurrent"),
           "knowledge": ("bleed", "copies/k", "random"),
           "knowledge_on_beads": ("beads", "copies/k", "random"),
           "centre_on_bleeds": ("bleed", "centre", "slice average"),
           "sharp_on_bleeds": ("bleed", "centre", "copies/k"),
           "sharp_on_beads": ("beads", "centre", "copies/k"),
           "knowledge_sharp": ("beads", "centre", "random"),
           "colours_on_beads": ("beads", "as colours", "copies/k")}

# %%
for key, pair in TRAINED.items():
    run.result(key, paired(*pair), atol=0.005)
for key in ("knowledge", "sharp_on_beads", "knowledge_sharp"):
    for m in MULTIPLES[:-1]:
        run.result(f"{key}_x{m}", paired(*TRAINED[key], m), atol=0.005)
run.say(
    "After the longest training, AUC on bleeds minus the slice average's: copies/k"
    " {depth_on_bleeds:+.2ci}, centre {centre_on_bleeds:+.2ci}, slices as colours"
    " {colours_on_bleeds:+.2ci}. Copies/k minus the recurrent reader: {depth_over_order:+.2ci};"
    " minus slices as colours {depth_over_colours:+.2ci}. What was learned from photographs is"
    " worth, against random weights in the same shape, {knowledge_x1:+.2ci}, {knowledge_x2:+.2ci}"
    " and {knowledge:+.2ci} at the three lengths."
)

# %%
run.say(
    "On beads, copies/k minus the recurrent reader: {depth_on_beads:+.2ci}; minus random weights"
    " {knowledge_on_beads:+.2ci}. Slices as colours minus copies/k: {colours_on_beads:+.2ci}."
    " Centre minus copies/k, at the three lengths: {sharp_on_beads_x1:+.2ci},"
    " {sharp_on_beads_x2:+.2ci}, {sharp_on_beads:+.2ci}; on bleeds, at the last,"
    " {sharp_on_bleeds:+.2ci}. And knowledge on beads, between two that do not begin as equal"
    " copies, centre minus random weights: {knowledge_sharp_x1:+.2ci}, {knowledge_sharp_x2:+.2ci},"
    " {knowledge_sharp:+.2ci}."
)

# %% [markdown]
# And the opening question: how to give the network a third dimension without throwing away what it
# knows? Ask first whether the sign you look for shows *in* slices or *between* them.
#
# **In slices**, as on bleeds: what was learned from photographs is a head start that shrinks with
# each doubling of the training; whether anything of it lasts we did not see. The lead of copies/k
# over the slice average shrinks, too: from five hundredths to two, whose interval holds zero, and
# on validation patches none was left. (The slice average's rate was at the ladder's end in some
# seeds.) Slices taken for colours, which inflate nothing, led that average by three to five at each
# length. No reader was ahead of them, and the recurrent one was behind them after the longest.
#
# **Between slices**, as on beads: readers that get a slice's features only after they have been
# averaged over the slice stay near guessing. (The recurrent one has hardly begun to learn, and its
# best rates lie scattered over the whole ladder. That it does not in so few steps is all we saw;
# that it cannot, we did not show.) Copies/k keep every weight, and from the second length on random
# weights lead them. Centre, colours and, in the end, random weights come near the top. There centre
# cannot be told from random weights at any length (at the shortest, for the draws lie far apart).
# What they share is that none begins as equal copies. Why equal copies stay behind was not tried:
# they begin as a blur, in every layer; they also chose the lowest rates. Shuffle the slices, and
# the whole lead of centre and random weights is gone, while copies/k lose two hundredths: what the
# others had was the course from slice to slice, while copies/k read mainly whether spots lie in
# line. (Shuffled volumes are none that a reader was trained on.)
#
# So with few steps and few patches: take neighbouring slices for colours, or inflate into the
# *centre*; both keep what the network knows and leave its neighbours to be learned. (On patches
# from one averaged brain. Both averages, which did well untrained, are not among the trained
# readers.)
#
# ## Parameters, memory, time
#
# Copies cost parameters, but only kernels that look around are copied, and in this network those
# are few: most weights sit in kernels of one pixel. Memory is another matter. Training keeps every
# layer's maps until the gradient has passed; we count the bytes that are really kept.

# %% tags=["key"]
from medlib.translation.volumes.activation_memory import activation_bytes, parameter_count
from medlib.translation.volumes.slice_aggregation import AGGREGATIONS, SliceWise
from medlib.translation.volumes.step_time import step_seconds

readers = {f"slice-wise, {'average' if kind == 'mean' else kind}":
           SliceWise(trunk, make(trunk.channels)).eval()
           for kind, make in AGGREGATIONS.items()}
head = nn.Linear(trunk.channels, 2)
readers["as colours"] = nn.Sequential(mean_of_stacks(Trunk(source)), head)
readers["3D, kernels k deep"] = nn.Sequential(inflated["copies/k"], head)
readers["3D, kernels 3 deep"] = nn.Sequential(inflate(trunk, depth=3), head)
readers = {name: network.to(run.device) for name, network in readers.items()}

# %%
batch = patches["bleed", "test"].volumes[:2]
cost = {name: (parameter_count(net), activation_bytes(net, batch) / len(batch),
               step_seconds(net, batch, repeats=timings)) for name, net in readers.items()}
rows = [{"reader": name, "parameters (millions)": round(parameters / 1e6, 2),
         "kept for the gradient (MB a volume)": round(kept_bytes / 1e6, 1)}
        for name, (parameters, kept_bytes, _) in cost.items()]
caption = f"The whole network with two outputs, patches of {slices} slices, 32 pixels wide."
run.table(rows, name="cost", caption=caption)

# %%
base, deep = cost["slice-wise, average"], cost["3D, kernels k deep"]
run.result("parameters_ratio", deep[0] / base[0])
run.result("memory_ratio", deep[1] / base[1], rtol=0.05)
run.say(
    "Inflated, the network has {parameters_ratio:.2f} times the parameters and keeps"
    " {memory_ratio:.2f} times the bytes."
)

# %% [markdown]
# Time is the one thing here that another run will not repeat; where attention, which only adds
# work, looks faster than the average, you see how rough a few timings are. It is printed, not
# recorded:

# %%
for name, (_, _, taken) in cost.items():
    print(f"{name:24} {taken / base[2]:4.1f} times the slice-wise average's training step")

# %% [markdown]
# (*As colours* reads two images fewer.)

# %% [markdown]
# ## What breaks it
#
# **Shuffled slices.** Suppose that slices arrive in the wrong order, as when a series is sorted by
# the wrong tag. The average cannot notice: its answer is the same, to rounding, which is comforting
# and blind; so are attention's, the mean image's and both averages'. Do the others notice? Take
# frozen readers with their heads, on one draw of patches, and shuffle every test patch in an order
# of its own.

# %% tags=["key"]
from medlib.measures.auc import auc_difference
from medlib.translation.volumes.first_heads import with_head

networks, scores = {}, {}
for task, name in ((t, n) for t in TASKS for n in ("slice average", "as colours", "copies/k")):
    parts = {split: patches[task, split] for split in SIZES}
    networks[task, name] = with_head(reader(name, task), parts)
    scores[task, name] = np.diff(score(networks[task, name], parts["test"].volumes))[:, 0]

# %%
mixing, count = run.rng("wrong orders"), n_test
orders = torch.from_numpy(mixing.permuted(np.tile(np.arange(slices), (count, 1)), axis=1))


def by_label(values, task):
    """Scores of the patches with label 1, and of those with label 0."""
    labels = patches[task, "test"].labels
    return values[labels == 1], values[labels == 0]


# %% tags=["key"]
changes = []
for task, name in ((t, n) for t in TASKS for n in ("slice average", "as colours", "copies/k")):
    own = patches[task, "test"].volumes
    wrong = torch.stack([v[:, o] for v, o in zip(own, orders, strict=True)])
    wrong, right = np.diff(score(networks[task, name], wrong))[:, 0], scores[task, name]
    one = auc_difference(by_label(wrong, task), by_label(right, task))
    changes.append((task, name, np.abs(wrong - right).max(), one))

# %%
rows = []
for task, name, moved, one in changes:
    spec = {"interval": (one.low, one.high), "n": n_test, "atol": 0.03}
    run.result(f"shuffled_{task}_{READERS[name]}", one.value, unit="AUC", **spec)
    words = f"{one.value:+.2f} ({one.low:+.2f} to {one.high:+.2f})"
    rows.append({"task": task, "reader": name, "largest change of a score": f"{moved:.2g}",
                 "change of the AUC (95 % interval)": words})
caption = f"Frozen readers: slices shuffled, minus in order; n = {n_test}, {kinds} spots."
run.table(rows, name="shuffled", caption=caption)

# %% [markdown]
# Scores of what looks at neighbours move, and yet a reader does not tell you that it was misled: it
# has no answer for "these slices are out of order". Where the AUC of beads hardly falls, the reader
# perhaps goes by *coincidence* from slice to slice, which an upright vein keeps in any order. Check
# the order of a series by its headers, not by a network.
#
# **An average is not a patient.** The template is smooth; noise added to it made its slices less
# alike, as we saw, and a single scan, which we have not measured, has finer anatomy as well.
#
# **The blur itself.** Keeping a variance is not keeping information. All rules that copy begin as a
# blur along depth, in every layer again; only *centre* begins sharp, and on beads it showed.
#
# ## What we claim
#
# The first three conclusions rest on one averaged brain and on one set of weights, which no seed
# changes: n = 1. (Noise and its seed enter the half of the second that is about noise.) The next
# two rest on recorded draws of patches, from that same brain, and on no length of
# training. What is said of trained readers rests on the recorded trial alone, at each of its three
# lengths, and reaches no further.

# %%
worst = {name: max(np.abs(error[name, mm]).max() for mm in THICKNESSES)
         for name in ("equal", "decaying")}
text = (
    "for slices of the template the neighbours' correlation predicts better as a decay than taken"
    " for all lags"
)
spare = worst["equal"] - worst["decaying"]
run.claim(text, spare > 0, margin=spare, falsified_by="falsify_scrambled")

# %%
text = (
    "all layers inflated, dividing by k keeps the variance better than by √k, on the template's"
    " slices and on slices of independent noise"
)
better = min(off["by_root_k"] - off["by_k"], off_on_noise["copies/√k"] - off_on_noise["copies/k"])
run.claim(text, better > 0, margin=better, unit="log", falsified_by="falsify_one_layer")
text = "on slices that they were not measured on, measured divisors keep it better than k or √k"
better = min(off["by_k"], off["by_root_k"]) - off["measured"]
run.claim(text, better > 0, margin=better, unit="log", falsified_by="falsify_measured_on_noise")

# %%
text = (
    "before any training, where only the link between slices tells, slices as colours and copies"
    " divided by k read better than the average of the slices' features"
)
ahead = min(lead(linked, name, "slice average").low for name in ("as colours", "copies/k"))
run.claim(text, ahead > 0, margin=ahead, unit="AUC", falsified_by="falsify_unseen")

# %%
text = "on beads the average of the slices' features is within .06 of guessing"
found = mean_interval(read(linked, "slice average"))
hidden = 0.06 - max(abs(found.low - 0.5), abs(found.high - 0.5))
run.claim(
    text, hidden > 0, margin=hidden, unit="AUC", control=True, falsified_by="falsify_leak"
)

# %%
OTHER = {"bleed": "beads", "beads": "bleed"}


def least(question, *pairs):
    """The lowest end of several leads at each length; planted: on the other question."""
    task = OTHER[question] if asked == "the other" else question
    return min(paired(task, *pair, m).low for pair in pairs for m in MULTIPLES)


# %%
text = (
    "trained, on beads, slices as colours and copies/k read better than the slice average and the"
    " recurrent reader, at each of three lengths"
)
ahead = least("beads", *((one, other) for one in ("as colours", "copies/k")
                         for other in ("slice average", "recurrent")))
run.claim(text, ahead > 0, margin=ahead, unit="AUC", falsified_by="falsify_other_question")

# %%
text = "trained, on beads, kernels that begin in the centre lead copies/k at each of three lengths"
ahead = least("beads", ("centre", "copies/k"))
run.claim(text, ahead > 0, margin=ahead, unit="AUC", falsified_by="falsify_other_question")
text = "trained, on bleeds, random weights stay behind copies/k at each of three lengths"
ahead = least("bleed", ("copies/k", "random"))
run.claim(text, ahead > 0, margin=ahead, unit="AUC", falsified_by="falsify_other_question")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - An inflated kernel is the 2D kernel and a blur along depth. The divisor $s$ decides what is
#   kept: $k$ the mean, $\sqrt k$ the variance of noise (for one layer),
#   $\sqrt{k + 2\sum(k-h)\rho_h}$ that of your slices.
# - Slices of an averaged template are nearly equal, so for *one* layer $k$ is nearly right and
#   $\sqrt k$ far off. Noise and thick slices move the answer. Measure. In our whole network
#   $\sqrt k$ was too small even for independent slices: each layer's blur makes them alike. And to
#   keep a variance is not yet to read better.
# - Batch statistics measured anew make the divisor of copies nearly meaningless.
# - Test an inflated network by laws: repeated slices under *copies/k*, any slices under *centre*.
# - Do not expect a network to complain about slices in the wrong order.
# - What shows in slices can be read, but for some hundredths, without a third dimension. What shows
#   only between them the average of slices' features did not read; a reader that puts neighbours
#   into one place, copies along depth, slices as colours, even their mean image, can before any
#   training.
# - Trained, each at its own rate: where the sign shows in slices, knowing photographs gave a lead
#   that had halved, and not gone, after four times the steps; to have a third dimension was worth
#   little, and less the longer we trained; nothing was ahead of slices taken for colours. Where the
#   sign shows between slices, copies/k were behind kernels that begin in the centre, and behind
#   random ones.
# - A few steps at one rate rank nothing. Give every reader its own rate, and let it train until
#   doubling changes no ranking, before you say which is better.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("from-2d-to-3d-alternating")`
# gives a hint, and then another; `run.solution("from-2d-to-3d-alternating")` shows how it is done.
#
# ```{exercise}
# :label: from-2d-to-3d-alternating
# A scanner interleaves its slices, and every second one is brighter. Taken together, the
# answers of one layer have $\rho_1 = 0$ but $\rho_2 = 1/2$. Which divisor $s$ keeps the variance
# for $k = 3$?
# ```

# %% tags=["self-check"]
answer = None  # a number
run.check("from-2d-to-3d-alternating", answer)

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-twice
# Two layers in a row each add up three neighbouring slices and divide by $s = \sqrt 3$: a weight of
# one, copied by hand (our library would leave a kernel of one pixel flat). The slices that come in
# are independent. Layer one keeps the variance. By what factor does layer *two* change it? (No
# activation in between, far from the ends.)
# ```

# %% tags=["self-check"]
answer = None  # a factor
run.check("from-2d-to-3d-twice", answer)

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-weighted
# Copies need not be equal. Write `taps`, three numbers with sum 1 that weigh slices below, in and
# above, such that repeated slices still get the 2D answer, while slices of independent noise keep
# exactly half of their variance. Take `taps` symmetric, with the largest in the middle.
# ```

# %% tags=["self-check"]
taps = None  # such as [1 / 3, 1 / 3, 1 / 3]
run.check("from-2d-to-3d-weighted", taps)

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-public
# Fetch NoduleMNIST3D (`python -m data_fetch get nodulemnist3d`) and give the file it names to
# `medbook run translation/from_2d_to_3d -p volume_file=...`. The label is what radiologists
# suspected on the scan, not what a pathologist found. Predict first: does their suspicion show in
# slices or between them, and so how far apart will the trained slice average and copies/k be? Then
# look at the table of the short try (with more `steps` if you have time): one draw at one rate, so
# it may surprise you but decides nothing.
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("from-2d-to-3d-public", answer)

# %% [markdown]
# ## Further reading
#
# - J. Carreira and A. Zisserman, who inflated image networks for films:
#   [doi:10.1109/CVPR.2017.502](https://doi.org/10.1109/CVPR.2017.502)
# - S. Chen, K. Ma, Y. Zheng, Med3D, 3D networks pretrained on many medical volumes:
#   [doi:10.48550/arXiv.1904.00625](https://doi.org/10.48550/arXiv.1904.00625)
# - J. Yang et al., Reinventing 2D convolutions for 3D images, which compares such conversions:
#   [doi:10.1109/JBHI.2021.3049452](https://doi.org/10.1109/JBHI.2021.3049452)
# - D. Mishkin and J. Matas, scaling each layer by what it sends, measured:
#   [doi:10.48550/arXiv.1511.06422](https://doi.org/10.48550/arXiv.1511.06422)
# - M. Ilse, J. Tomczak, M. Welling, attention over parts of a whole:
#   [doi:10.48550/arXiv.1802.04712](https://doi.org/10.48550/arXiv.1802.04712)
# - S. M. Greenberg et al., cerebral microbleeds and what is mistaken for them:
#   [doi:10.1016/S1474-4422(09)70013-4](https://doi.org/10.1016/S1474-4422%2809%2970013-4)
# - J. Yang et al., MedMNIST v2, NoduleMNIST3D in it: {cite}`yang2023`. The network:
#   {cite}`tan2019`.
