# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Inflating a kernel
#
# **Question.** On a brain scan of an old man there is a small dark round spot. If it is a
# *microbleed*, his doctors will think twice before they thin his blood. If it is a *vein* that
# happens to cross the slice, nothing is wrong, and without the drug he may have a stroke. In that
# one slice the two look the same; the radiologist scrolls up and down. Our network has learned from
# a million photographs, which have no up and down. How do we give it a third dimension without
# throwing away what it knows?
#
# **Objectives.** After this chapter you will be able to
#
# - inflate a 2D kernel to 3D in four ways, and say what each one keeps and what it breaks;
# - derive the variance of a sum of correlated slices, and choose the divisor for the slices you
#   have;
# - inflate a whole pretrained network, normalisation and pooling included, and test it by two laws;
# - decide between a 3D network and a 2D one shared by all slices, by what the question needs.
#
# **Prerequisites.** Python, convolution, variance and correlation, batch normalisation as in
# {doc}`extract_or_finetune`. **Minutes.** About 50 minutes.
#
# **Data.** The network is real: EfficientNet-Lite0 with its ImageNet weights. The anatomy is real,
# the MNI152 template {cite}`fonov2011`, but it is an *average* of many heads, smoother than any
# of them. Spots and veins are simulated, so nothing here is about patients. Set `volume_file` to a
# file of MedMNIST's [NoduleMNIST3D](https://doi.org/10.5281/zenodo.10519652) {cite}`yang2023`, and
# the first task is made of real nodules.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
tissue: str = "t1"  # the map of the template to measure on: "t1", "gm" or "wm"
thickness_mm: int = 4  # slices of the whole network's volume, even, 2 ≤ x ≤ 8
brain_mm: int = 96  # height of the piece of brain measured, a multiple of 24, 48 ≤ x ≤ 120
n_draws: int = 20000  # draws of each Monte Carlo check, 100 ≤ x ≤ 10000000
n_train: int = 200  # patches to learn from, even, 8 ≤ x ≤ 5000
n_test: int = 200  # patches to test on, even, 8 ≤ x ≤ 5000
slices: int = 7  # slices of a patch, odd, 5 ≤ x ≤ 15
contrast: float = 0.4  # share of light that a spot takes away, 0 < x ≤ 1
steps: int = 40  # training steps, 2 ≤ x ≤ 10000
batch_size: int = 8  # patches a training step, 2 ≤ x ≤ 256
volume_file: str = ""  # a MedMNIST 3D file such as nodulemnist3d.npz; empty for the simulated task

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats
from torch import nn

from medlib import experiment
from medlib.experiment import COLORS

run = experiment.start("translation/from_2d_to_3d", locals())

# %% tags=["hide-cell"]
PAINT = {
    "mean": COLORS["blue"],
    "variance": COLORS["orange"],
    "centre": COLORS["green"],
    "measured": COLORS["purple"],
    "random": COLORS["grey"],
    "2D mean": COLORS["black"],
}
FIRST_KIND = "real" if volume_file else "simulated"


def strips(rows, titles):
    """Rows of slices, each row with its title."""
    shape = {"figsize": (7.2, 1.25 * len(rows)), "squeeze": False}
    figure, axes = plt.subplots(len(rows), len(rows[0]), **shape)
    for line, volume, title in zip(axes, rows, titles, strict=True):
        line[0].set_title(title)
        for place, plane in zip(line, volume, strict=True):
            place.imshow(plane, vmin=0, vmax=255)
            place.axis("off")
    return figure


def thickness_frame(volume, layers, thickness):
    """Two neighbouring slices, and every layer's variance against three predictions."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 3.0), width_ratios=[1, 1, 3])
    middle = len(volume) // 2
    for place, z in zip(axes, (middle, middle + 1), strict=False):
        place.imshow(volume[z, 0].cpu(), vmin=-1, vmax=1)
        place.set(title=f"slice {z}", xticks=[], yticks=[])
    x, plot = np.arange(len(layers)), axes[2]
    for name, values in predictions(layers).items():
        style = {"equal": "--", "decaying": ":", "all lags": "-"}[name]
        plot.plot(x, values, style, label=f"predicted: {name}")
    scaled = [layer.measured / layer.depth**2 for layer in layers]
    plot.plot(x, scaled, "o", color=COLORS["black"], label="measured")
    plot.set(ylim=(0.6, 1.02), xlabel="layer, from the stem on", title=f"{thickness} mm slices")
    plot.set_ylabel("variance kept when s = k")
    plot.legend(loc="lower left")
    return figure


def depth_lines(kept):
    """Variance relative to the 2D network's at each depth, a line a rule."""
    figure, axes = plt.subplots(figsize=(7.2, 3.0))
    for rule, ratios in kept.items():
        axes.plot(list(ratios), list(ratios.values()), "o-", color=PAINT[rule], label=rule)
    axes.axhline(1, color=COLORS["grey"], linestyle=":")
    axes.set(yscale="log", yticks=[], ylabel="variance / that of the 2D network", xlabel="depth")
    axes.set_yticks([0.8, 1, 1.5, 2, 3], ["0.8", "1", "1.5", "2", "3"], minor=False)
    axes.minorticks_off()
    axes.legend()
    return figure


def learning_figure(fits, titles):
    """Training loss on the left, test AUC with its interval on the right, a row a task."""
    figure, axes = plt.subplots(len(fits), 2, figsize=(7.2, 2.7 * len(fits)), squeeze=False)
    for line, found, title in zip(axes, fits.values(), titles, strict=True):
        width = max(1, steps // 8)
        for place, (name, fit) in enumerate(found.items()):
            smooth = np.convolve(fit.loss, np.ones(width) / width, "valid")
            line[0].plot(np.arange(len(smooth)) + width, smooth, color=PAINT[name], label=name)
            for shift, mark, one in ((-0.15, "o", fit.before), (0.15, "s", fit.after)):
                x, face = place + shift, "white" if mark == "o" else PAINT[name]
                line[1].plot([x, x], [one.low, one.high], color=PAINT[name])
                line[1].plot(x, one.value, mark, color=PAINT[name], markerfacecolor=face)
        line[0].set(title=title, xlabel="training step", ylabel="loss")
        line[1].axhline(0.5, color=COLORS["grey"], linestyle=":")
        line[1].set(xticks=range(len(found)), ylabel="test AUC", ylim=(0.3, 1.02))
        line[1].set_xticklabels(list(found), rotation=20)
        line[0].legend(fontsize=7)
    return figure


# %% [markdown]
# ## A picture first
#
# Three small volumes, each a row of slices from below to above, cut from the front of the brain
# for training and from the back for testing. (Left and right would not do: this template is
# symmetric, so the right half has seen the left.) A **vein** crosses all slices. A **bleed** is
# round in all three directions, and in the middle slice it has exactly the section that a vein
# would have. The third row we call **beads**: in every slice a spot with all the properties of a
# vein's section, but each at a place of its own.

# %%
from data_fetch.simulated.bleed_or_vein import bleed_or_vein
from data_fetch.volume_archive import read_volume_archive
from medlib.translation.volume_study import prepare


def draw(task, split, n):
    rng, shape = run.rng(f"{task} {split}"), {"slices": slices}
    if task == "bleed" and volume_file:
        sample, labels = read_volume_archive(volume_file, n, split=split, rng=rng, **shape)
    else:
        options = {"contrast": contrast, "against": task, **shape}
        sample, labels = bleed_or_vein(n, split=split, rng=rng, **options)
    return run.uses(sample).array, labels


# %%
raw = {(task, split): draw(task, split, n) for task in ("bleed", "beads")
       for split, n in (("train", n_train), ("test", n_test))}  # fmt: skip
patches = {key: prepare(*value, device=run.device) for key, value in raw.items()}

# %% tags=["hide-input"]
shown = []
for task, y in (("bleed", 0), ("bleed", 1), ("beads", 1)):
    images = raw[task, "train"][0][raw[task, "train"][1] == y]
    shown.append(images[images.mean(axis=(1, 2, 3)).argmax()])  # bright tissue shows a spot best
names = ["label 0", "label 1"] if volume_file else ["vein", "bleed"]
kinds = "real and simulated" if volume_file else "simulated"
run.figure(
    strips(shown, [*names, "beads"]), name="patches", data=kinds,
    alt="Three rows of slices: a dark spot in every slice, moving slowly; a dark spot in the middle"
    " slice only; a dark spot that jumps from slice to slice.",
    caption=f"In the middle slice vein and bleed are the same spot. {kinds.capitalize()} spots,"
    f" real anatomy of an averaged brain, n = 3 of {2 * n_train} patches of {slices} slices.",
)  # fmt: skip

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
# - **Mean**: $s = k$. If all slices are equal, $y = u$: the network sees a photograph, repeated,
#   and says what it always said. This is what was done for
#   [films](https://doi.org/10.1109/CVPR.2017.502).
# - **Variance**: $s = \sqrt k$. If the slices are independent, $\operatorname{Var} y =
#   \operatorname{Var} u$.
# - **Centre**: one copy only, in the middle, and zeros elsewhere: $y = u$ for every input. The
#   neighbours have no say yet, but they can learn to.
#
# Medical images have one channel and the network's first layer wants three. For a grey image all
# three are equal, so their kernels may simply be added up.

# %%
from data_fetch.packaged import imagenet_weights
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.translation.inflation import inflate_conv
from medlib.translation.stem import one_channel_stem

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
stem = one_channel_stem(source.stem[0])
volume = patches["bleed", "test"].volumes[:1]

# %%
with torch.no_grad():
    u = torch.stack([stem(volume[:, :, z]) for z in range(slices)], dim=2)
    colour = torch.stack([source.stem[0](volume[:, :, z].expand(-1, 3, -1, -1))
                          for z in range(slices)], dim=2)  # fmt: skip
    by_hand = (u[:, :, 1:4] + u[:, :, 2:5] + u[:, :, 0:3]) / 3
    library = inflate_conv(stem, rule="mean")(volume)[:, :, 1:4]
run.result("grey_stem_difference", (u - colour).abs().max(), atol=1e-4)
run.result("by_hand_difference", (by_hand - library).abs().max(), atol=1e-4)
run.say(
    "The grey stem differs from the colour stem by {grey_stem_difference:.0e} at most, the blurred"
    " answers from the 3D kernel's by {by_hand_difference:.0e}."
)

# %% [markdown]
# ## What happens to the variance
#
# Neither rule asks what the slices are like. Let every $u_z$ have variance $\sigma^2$, and let
# answers that lie $h$ slices apart have correlation $\rho_h$. The variance of a sum is the sum of
# all covariances. Of the $k^2$ pairs of slices, $k$ are a slice with itself, and $2(k-h)$ lie $h$
# apart:
#
# $$ \operatorname{Var} y = \frac{\sigma^2}{s^2}\Bigl(k + 2\sum_{h=1}^{k-1}(k-h)\,\rho_h\Bigr). $$
#
# If all pairs are alike, $\rho_h = \rho$, this is $\sigma^2\,(k + k(k-1)\rho)/s^2$. Now both rules
# are visible as its ends: $\rho = 1$ asks for $s = k$ and $\rho = 0$ for $s = \sqrt k$. Every real
# volume lies between them. And real slices are *not* all alike: what is far apart is less similar.
# The simplest such model is a decay, $\rho_h = \rho^h$ (an autoregression, in which each slice
# remembers only the one before).
#
# Does the algebra hold? Draw slices with known correlations, add them up, and compare. With $n$
# draws, a sample variance over its true value is $\chi^2_{n-1}/(n-1)$, which gives the interval;
# we check several settings, so each interval is widened to hold all of them at once.

# %%
from medlib.translation.slice_correlation import (
    decaying_correlations,
    depth_sum_ratio,
    equal_correlations,
    variance_ratio,
)

settings = [(model, k, rho) for model in (equal_correlations, decaying_correlations)
            for k in (3, 5) for rho in (0.0, 0.3, 0.6, 0.9)]  # fmt: skip
rng, level = run.rng("slices"), 0.01 / len(settings)
bounds = stats.chi2.ppf([level / 2, 1 - level / 2], n_draws - 1) / (n_draws - 1)


# %%
def drawn_ratio(lags):
    """Sample variance of a sum of correlated slices, over what the formula says."""
    k = len(lags) + 1
    near = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    covariance = np.concatenate([[1.0], lags])[near]
    drawn = rng.multivariate_normal(np.zeros(k), covariance, n_draws, method="cholesky")
    return drawn.sum(axis=1).var(ddof=1) / variance_ratio(lags)


ratios = [drawn_ratio(model(rho, depth=k)) for model, k, rho in settings]
slack = min(min(r / bounds[0] - 1, 1 - r / bounds[1]) for r in ratios)

# %%
run.result("monte_carlo_low", min(ratios), n=n_draws, atol=1e-6)
run.result("monte_carlo_high", max(ratios), n=n_draws, atol=1e-6)
run.say(
    "Measured over predicted, in {count} settings: {monte_carlo_low:.4f} to {monte_carlo_high:.4f};"
    " chance alone allows {low:.4f} to {high:.4f}.",
    count=len(settings), low=bounds[0], high=bounds[1],
)  # fmt: skip

# %% [markdown]
# ## How alike are real slices?
#
# Let us ask every layer. Run the 2D network slice by slice over a real volume. At each kernel that
# looks around (the stem and sixteen others; kernels of one pixel stay one slice deep) measure the
# answers' correlations $\rho_h$ between slices, and, without any formula, the variance after adding
# up $k$ slices. Move the slider: thicker slices lie further apart.

# %%
from data_fetch.packaged import mni152
from medlib.translation.measured_inflation import measure_depth
from medlib.translation.trunk import Trunk

trunk = Trunk(source, grey=True)
brain = run.uses(mni152(tissue, resolution_mm=2)).array[1:97, 2:114]  # (x, y, z)
brain = brain[:, :, 48 - brain_mm // 4 : 48 + brain_mm // 4]
planes = torch.from_numpy(np.ascontiguousarray(brain.transpose(2, 1, 0))).to(run.device)
planes = ((255 * planes - 127) / 128).flip(1)[:, None]  # front of the brain up


def thick(mm):
    """The brain in slices of `mm`: means over neighbouring slices of 2 mm."""
    count = mm // 2
    return planes[: len(planes) // count * count].unflatten(0, (-1, count)).mean(dim=1)


# %%
THICKNESSES = (2, 4, 6, 8)
layers = {mm: measure_depth(trunk, thick(mm)) for mm in THICKNESSES}


def predictions(found):
    """Variance kept when s = k, by three models of the correlations, layer by layer."""
    models = {"equal": lambda v, k: equal_correlations(v[0], depth=k),
              "decaying": lambda v, k: decaying_correlations(v[0], depth=k),
              "all lags": lambda v, k: v}  # fmt: skip
    return {name: [variance_ratio(model(f.correlations, f.depth), divisor=f.depth) for f in found]
            for name, model in models.items()}  # fmt: skip


# %% tags=["hide-input"]
run.frames(
    [thickness_frame(thick(mm), layers[mm], mm) for mm in THICKNESSES],
    name="thickness", label="slice thickness (mm)", values=THICKNESSES, data="real",
    alt="Two neighbouring slices of a brain, and a plot over the layers of measured variance beside"
    " three predicted curves, of which the one for equal correlations is mostly too high.",
    caption="The share of the variance that is left when copies are divided by k. Measured values"
    " lie near the curve that knows all lags; the one that takes all slices for equally alike is"
    f" mostly too high. Real anatomy of an averaged brain, n = {len(layers[2])} layers.",
)  # fmt: skip

# %%
measured = {mm: np.array([f.measured / f.depth**2 for f in layers[mm]]) for mm in THICKNESSES}
error = {(name, mm): np.array(values) / measured[mm] - 1
         for mm in THICKNESSES for name, values in predictions(layers[mm]).items()}  # fmt: skip
now = [(mm, f.correlations[0]) for mm in THICKNESSES for f in layers[mm]]
for mm in (2, 8):
    values = [rho for at, rho in now if at == mm]
    run.result(f"rho_lowest_{mm}mm", min(values), atol=0.01)
    run.result(f"kept_least_{mm}mm", measured[mm].min(), atol=0.01)
run.say(
    "Neighbours 2 mm apart are alike: no layer's correlation falls below {rho_lowest_2mm:.2f}. At"
    " 8 mm the lowest is {rho_lowest_8mm:.2f}, and division by $k$ leaves {kept_least_8mm:.0%} of"
    " that layer's variance or more."
)

# %%
for name in ("equal", "decaying", "all lags"):
    worst = max(np.abs(error[name, mm]).max() for mm in THICKNESSES)
    run.result(f"error_{name.replace(' ', '_')}", worst, n=len(now), atol=0.01)
run.say(
    "The largest relative error over all layers and thicknesses: {error_equal:.1%} if one"
    " correlation stands for all lags, {error_decaying:.1%} with a decay, {error_all_lags:.1%}"
    " with every lag measured."
)

# %% [markdown]
# Every lag measured is not exact either: the sum has fewer windows than there are slices, and the
# anatomy at the ends of the volume differs from that in its middle.
# Note which layers are least alike across slices: those just after the stem, which see edges. An
# edge moves from slice to slice; a feature of the middle layers, spread over many pixels, stays.
#
# ## The whole network
#
# So choose $s$ for the slices at hand, $s^2 = k + 2\sum_h (k-h)\rho_h$: a fourth rule,
# **measured**. One thing remains. With $s < k$ the *mean* of the answers grows by $k/s$, and batch
# normalisation, which remembers the 2D mean, would be wrong by that. Both can be kept: add the
# constant $(1 - k/s)\,\bar u$, with $\bar u$ the mean of the answers. The correlations must be
# measured layer after layer, each on what the *inflated* layers before it send, which one forward
# pass can do.

# %%
from medlib.translation.inflation import inflate
from medlib.translation.measured_inflation import inflate_measured

slabs = thick(thickness_mm)
block = slabs.transpose(0, 1)[None]  # (1, 1, slices, rows, columns)
inflated = {rule: inflate(trunk, rule=rule) for rule in ("mean", "variance", "centre")}
inflated["measured"] = inflate_measured(trunk, block)


# %%
def spread(maps):
    """Variance over all places, summed over channels."""
    return float(maps.transpose(0, 1).flatten(1).var(dim=1).sum())


with torch.no_grad():
    flat = {name: spread(maps) for name, maps in trunk.depths(slabs).items()}
    kept = {rule: {name: spread(maps) / flat[name] for name, maps in net.depths(block).items()}
            for rule, net in inflated.items()}  # fmt: skip

# %% tags=["hide-input"]
run.figure(
    depth_lines(kept), name="rules", data="real",
    alt="Four lines over the depth of the network: centre exactly at one, measured close to one,"
    " mean somewhat below, variance far above.",
    caption="What each rule makes of the variance, all layers inflated; 1 = as in the 2D network."
    f" Real anatomy of an averaged brain, n = {len(slabs)} slices of {thickness_mm} mm.",
)  # fmt: skip

# %%
off = {rule: {d: abs(np.log(r)) for d, r in found.items()} for rule, found in kept.items()}
for rule, found in off.items():
    run.result(f"log_ratio_{rule}", np.mean(list(found.values())), n=len(flat), atol=0.02)
run.say(
    "Mean distance of the logarithm of the variance from that of the 2D network: mean"
    " {log_ratio_mean:.2f}, variance {log_ratio_variance:.2f}, measured {log_ratio_measured:.2f},"
    " centre {log_ratio_centre:.2f}."
)

# %% [markdown]
# Real slices are so alike that $\sqrt k$ is far from what they need, and $k$ is not far. The
# network does not explode only because ReLU6 clips at six, and a clipped channel is a lost one.
# What we call "the variance rule" keeps the variance of *noise*.
#
# A network of this size needs tests that a picture cannot give. Two laws are exact: repeated slices
# must get the 2D answer under *mean*, and any volume its slices' answers under *centre*.

# %%
with torch.no_grad():
    plane = slabs[len(slabs) // 2 :][:1]
    repeated = plane[:, :, None].expand(-1, -1, 3, -1, -1)
    law_mean = (inflated["mean"](repeated) - trunk(plane)).abs().max()
    law_centre = (inflated["centre"](block) - trunk(slabs).mean(dim=0)).abs().max()
    broken = (inflated["variance"](repeated) - trunk(plane)).abs().max()
for name, value in (("mean", law_mean), ("centre", law_centre)):
    run.result(f"law_{name}", value, unit="feature units", atol=1e-3)
run.result("law_broken_by_variance", broken, unit="feature units", atol=0.05)
run.say(
    "Largest difference over 1280 features: {law_mean:.0e} under mean, {law_centre:.0e} under"
    " centre. The variance rule is off by {law_broken_by_variance:.1f}."
)

# %% [markdown]
# The copies at the ends of the volume were fed by repeating the first and the last slice. With
# zeros there, as inside the planes, the first law would fail at the ends.
#
# ### A divisor that does not matter
#
# There is an easy way out of the whole question: let batch normalisation measure its statistics
# anew. Whatever $s$ is, $(y - \bar y)/\operatorname{sd}(y)$ is the same, so *mean* and *variance*
# become one network. It costs what {doc}`extract_or_finetune` warned of: the new statistics are
# those of a small, strange data set.

# %%
from medlib.translation.norm_statistics import refresh_statistics

some = patches["bleed", "train"].volumes[:16]
shallow = Trunk(source, depth="stage3", grey=True)
renewed = [refresh_statistics(inflate(shallow, rule=rule, depth=3), some)
           for rule in ("mean", "variance")]  # fmt: skip
with torch.no_grad():
    fresh = [net(some) for net in renewed]
    kept_statistics = [inflate(shallow, rule=rule, depth=3)(some) for rule in ("mean", "variance")]
gap, wide = (float((b - a).abs().mean() / a.abs().mean()) for a, b in (fresh, kept_statistics))
run.result("gap_renewed", gap, n=len(some), atol=0.02)
run.result("gap_kept", wide, n=len(some), atol=0.1)
run.say(
    "With fresh statistics the two rules' features differ by {gap_renewed:.1%} on average; with"
    " those of ImageNet, by {gap_kept:.0%}."
)

# %% [markdown]
# What is left is the $\varepsilon$ that keeps normalisation from dividing by zero: it weighs more
# where a divisor has made the variance small.
#
# ## Slice by slice
#
# The rival of inflation: leave the network 2D, share it among all slices, and join the slices'
# feature vectors $f_1,\dots,f_D$ at the end. Take their **mean**; or a mean with learned weights,
# $\sum_z a_z f_z$ with $a = \operatorname{softmax}(v\cdot\tanh U f_z)$, called **attention**
# ; or let a **recurrent** network read them in order, from both ends. The
# features are computed once and kept. We cut the network after its third stage: small spots need no
# deep features.

# %%
from medlib.translation.slice_aggregation import fit_aggregation, slice_features
from medlib.translation.volume_study import auc_of, score

aucs = {}
for task in ("bleed", "beads"):
    learn, judge = patches[task, "train"], patches[task, "test"]
    features = [slice_features(shallow, part.volumes) for part in (learn, judge)]
    for kind in ("mean", "attention", "recurrent"):
        labels, generator = torch.from_numpy(learn.labels), run.torch_generator(f"{task} {kind}")
        head = fit_aggregation(kind, features[0], labels, generator=generator)
        aucs[task, kind] = auc_of(np.diff(score(head, features[1]))[:, 0], judge.labels)

# %% [markdown]
# ## The training curves
#
# Now train. All readers get the same patches, the same head to start from (a logistic regression on
# what the reader says before it has moved), the same number of steps. The normalisation keeps its
# ImageNet statistics, so that the rules stay different. `2D mean` is the shared 2D network, trained
# with its slices' mean; `random` has the 3D network's shape and nothing of its knowledge. Kernels
# are three slices deep.

# %%
from medlib.translation.volume_study import fit_volumes, from_scratch, mean_of_slices


def reader(name, task):
    part = patches[task, "train"].volumes[:32]
    if name == "2D mean":
        return mean_of_slices(shallow)
    if name == "measured":
        return inflate_measured(shallow, part, depth=3)
    if name == "random":
        return from_scratch(shallow, part, depth=3, generator=run.torch_generator(f"{task} random"))
    return inflate(shallow, rule=name, depth=3)


# %%
ARMS = {"bleed": ["2D mean", "centre", "measured", "mean", "variance", "random"],
        "beads": ["2D mean", "centre", "measured", "mean"]}  # fmt: skip
fits = {task: {} for task in ARMS}
for task, name in ((task, name) for task, names in ARMS.items() for name in names):
    fits[task][name] = fit_volumes(
        reader(name, task), patches[task, "train"], patches[task, "test"],
        steps=steps, batch_size=batch_size, generator=run.torch_generator(f"{task} {name} batches"),
    )  # fmt: skip

# %% tags=["hide-input"]
titles = ["bleed or vein", "beads or vein"]
run.figure(
    learning_figure(fits, titles), name="training", data=kinds,
    alt="Two rows: falling training losses on the left; on the right, AUC before and after training"
    " with intervals for every reader. For beads the 2D reader stays at chance.",
    caption="Left: training loss (moving mean). Right: test AUC with 95 % intervals, before (open)"
    f" and after training (filled). {kinds.capitalize()} spots in real anatomy of one averaged"
    f" brain, n = {n_train} training and {n_test} test patches.",
)  # fmt: skip

# %%
found = {(task, name): fit.after for task, own in fits.items() for name, fit in own.items()}
found |= {(task, f"2D frozen, {kind}"): one for (task, kind), one in aucs.items()}
rows = []
for (task, name), one in sorted(found.items()):
    key = f"auc_{task}_{name.replace(',', '').replace(' ', '_').lower()}"
    run.result(key, one.value, unit="AUC", interval=(one.low, one.high), n=n_test, atol=0.08)
    words = f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
    rows.append({"task": task, "reader": name, "AUC (95 % interval)": words})
run.table(rows, name="aucs", caption=f"Test AUC, n = {n_test} patches, {kinds} spots.")

# %% [markdown]
# Two questions, two answers.
#
# **Bleed or vein** can be answered by counting: how many slices show a spot? Every reader that
# knows ImageNet answers better than chance, a frozen 2D network with the mean of its slices
# included. Do not rank the others by this figure: the training is short, and another seed ranks
# them otherwise. The one clear loser started from random weights.
#
# **Beads or vein** cannot be answered by counting. Every slice alone is distributed alike under
# both labels, so whatever adds up slices that were read apart has nothing to hold on to. Attention
# may choose slices, but not compare them; the recurrent network could, but it gets each slice as an
# average over all places, and *where* the spot was is gone. A network that compares neighbours
# place by place can answer. And here the blur helps: spots in line add up, and scattered ones do
# not, before anything has been trained. *Centre* starts without it, and in this short training does
# not find its way.
#
# Ask first whether the sign you look for shows *in* slices or *between* them. If you do not know, a
# rule that copies keeps both doors open, and costs little where the third dimension is not needed.
#
# ## Parameters, memory, time
#
# Copies cost parameters, but only kernels that look around are copied, and in this network those
# are few: most weights sit in kernels of one pixel. Memory is another matter. Training keeps every
# layer's maps until the gradient has passed; we count the bytes that are really kept.

# %%
from medlib.translation.activation_memory import activation_bytes, parameter_count
from medlib.translation.slice_aggregation import AGGREGATIONS, SliceWise

readers = {f"slice-wise, {kind}": SliceWise(trunk, make(trunk.channels)).eval()
           for kind, make in AGGREGATIONS.items()}  # fmt: skip
head = nn.Linear(trunk.channels, 2)
readers["3D, kernels k deep"] = nn.Sequential(inflated["mean"], head)
readers["3D, kernels 3 deep"] = nn.Sequential(inflate(trunk, depth=3), head)
readers = {name: network.to(run.device) for name, network in readers.items()}


# %%
def seconds(network, volumes):
    """Fastest of three forward and backward passes."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        network(volumes).sum().backward()
        taken.append(time.perf_counter() - begin)
    return min(taken)


# %%
batch = patches["bleed", "test"].volumes[:2]
cost = {name: (parameter_count(net), activation_bytes(net, batch) / len(batch), seconds(net, batch))
        for name, net in readers.items()}  # fmt: skip
rows = [{"reader": name, "parameters (millions)": round(parameters / 1e6, 2),
         "kept for the gradient (MB a volume)": round(kept_bytes / 1e6, 1)}
        for name, (parameters, kept_bytes, _) in cost.items()]  # fmt: skip
caption = f"The whole network with two outputs, patches of {slices} slices, 32 pixels wide."
run.table(rows, name="cost", caption=caption)

# %%
base, deep = cost["slice-wise, mean"], cost["3D, kernels k deep"]
run.result("parameters_ratio", deep[0] / base[0])
run.result("memory_ratio", deep[1] / base[1], rtol=0.05)
run.say(
    "Inflated, the network has {parameters_ratio:.2f} times the parameters and keeps"
    " {memory_ratio:.2f} times the bytes. In this run, on this machine, a training step took"
    " {k_deep:.1f} times as long with kernels k deep and {three:.1f} times with kernels three deep;"
    " with attention {attention:.1f}, recurrent {recurrent:.1f} times.",
    k_deep=deep[2] / base[2], three=cost["3D, kernels 3 deep"][2] / base[2],
    attention=cost["slice-wise, attention"][2] / base[2],
    recurrent=cost["slice-wise, recurrent"][2] / base[2],
)  # fmt: skip

# %% [markdown]
# ## What breaks it
#
# **Shuffled slices.** Suppose that slices arrive in the wrong order, as when a series is sorted by
# the wrong tag. Mean and attention cannot notice: their answer is the same, to rounding, which is
# comforting and blind. Does the inflated network notice?

# %%
order = torch.from_numpy(run.rng("wrong order").permutation(slices))
judge = patches["beads", "test"]
wrong = judge.volumes[:, :, order.to(judge.volumes.device)]
networks = {name: fits["beads"][name].network for name in ("2D mean", "measured")}
moved = {name: np.abs(score(net, wrong) - score(net, judge.volumes)).max()
         for name, net in networks.items()}  # fmt: skip
shuffled = auc_of(np.diff(score(networks["measured"], wrong))[:, 0], judge.labels)
run.result("auc_beads_measured_shuffled", shuffled.value, unit="AUC",
           interval=(shuffled.low, shuffled.high), n=n_test, atol=0.1)  # fmt: skip
run.say(
    "Shuffling changes the 2D reader's logits by {flat:.0e}, the inflated one's by up to"
    " {deep:.1f}; its AUC goes from {auc_beads_measured:.2f} to {auc_beads_measured_shuffled:.2f}.",
    flat=moved["2D mean"], deep=moved["measured"],
)  # fmt: skip

# %% [markdown]
# Hardly: a vein that runs steeply stays where it is, and strangers of one vein still meet in one
# place. What this network learned is *coincidence* from slice to slice, not order. Do not count
# on a 3D network to complain about a badly sorted series.
#
# **Other slices than those measured on.** A divisor chosen for thin slices is wrong for thick ones.
# Shuffled brain slices are the extreme case: does the formula notice, or does it only repeat what
# we want to hear?

# %%
strangers = thick(2)[torch.from_numpy(run.rng("strangers").permutation(len(planes)))]
lost = measure_depth(shallow, strangers)[0]
first = layers[2][0]
predicted = variance_ratio(lost.correlations, divisor=lost.depth)
run.result("rho_shuffled", lost.correlations[0], n=len(planes), atol=0.01)
run.result("kept_shuffled", lost.measured / lost.depth**2, n=len(planes), atol=0.01)
run.say(
    "In the stem, neighbours' correlation falls from {before:.2f} to {rho_shuffled:.2f}, and the"
    " variance kept from {kept_before:.2f} to {kept_shuffled:.2f}; the formula now predicts"
    " {predicted:.2f}. What correlation is left is the head itself, bright in the middle of every"
    " slice.",
    before=first.correlations[0], kept_before=first.measured / first.depth**2, predicted=predicted,
)  # fmt: skip

# %% [markdown]
# **An average is not a patient.** The template is smooth, and its slices are more alike than those
# of any single, noisy scan. Noise is independent from slice to slice and pulls every $\rho_h$ down.
# Measure on your own volumes.
#
# **The blur itself.** Keeping a variance is not keeping information. All rules that copy begin as a
# blur along depth, in every layer again; only *centre* begins sharp.
#
# ## What we claim

# %%
text = "the variance of a sum of correlated slices is what the formula says, in every setting"
run.claim(text, slack > 0, margin=slack)
worst = {name: max(np.abs(error[name, mm]).max() for mm in THICKNESSES)
         for name in ("equal", "decaying")}  # fmt: skip
text = "for real slices a decay with the lag predicts better than one correlation for all lags"
run.claim(text, worst["decaying"] < worst["equal"], margin=worst["equal"] - worst["decaying"])

# %%
text = (
    "all layers inflated, the mean rule keeps the 2D network's variance better than division by √k"
)
better = run.result("rule_gain", np.mean([off["variance"][d] - off["mean"][d] for d in flat]),
                    atol=0.02).value  # fmt: skip
run.claim(text, better > 0, margin=better, unit="log")
text = "measured divisors keep it better than either"
better = np.mean([min(off["mean"][d], off["variance"][d]) - off["measured"][d] for d in flat])
run.claim(text, better > 0, margin=better, unit="log")

# %%
final = {
    (task, name): fit.after.value for task, found in fits.items() for name, fit in found.items()
}
apart = [final["beads", "2D mean"], *(aucs["beads", k].value for k in AGGREGATIONS)]
text = "where only the link between slices tells, the inflated network beats every slice-wise one"
gain = final["beads", "measured"] - max(apart)
run.claim(text, gain > 0, margin=gain, unit="AUC")
text = "where counting slices suffices, frozen slices and their mean beat guessing"
above = aucs["bleed", "mean"].low - 0.5
run.claim(text, above > 0, margin=above, unit="AUC")

# %%
text = "from random weights the 3D network learns less in the same steps than inflated as measured"
gain = final["bleed", "measured"] - final["bleed", "random"]
run.claim(text, gain > 0, margin=gain, unit="AUC")
text = "trained slice-wise with the mean, beads and veins stay within 0.15 AUC of guessing"
hidden = 0.15 - abs(final["beads", "2D mean"] - 0.5)
run.claim(text, hidden > 0, margin=hidden, unit="AUC", control=True)
run.say(
    "Not claimed: which reader is best where counting suffices (here 2D {flat:.2f}, inflated"
    " {low:.2f} to {high:.2f}). The order changes with the seed.",
    flat=final["bleed", "2D mean"],
    low=min(final["bleed", name] for name in ("centre", "measured", "mean", "variance")),
    high=max(final["bleed", name] for name in ("centre", "measured", "mean", "variance")),
)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - An inflated kernel is the 2D kernel and a blur along depth. The divisor $s$ decides what is
#   kept: $k$ the mean, $\sqrt k$ the variance of noise, $\sqrt{k + 2\sum(k-h)\rho_h}$ that of
#   your slices.
# - Real neighbouring slices are nearly equal, so $k$ is nearly right and $\sqrt k$ far off.
# - Batch statistics measured anew make all divisors one.
# - Test an inflated network by laws: repeated slices under *mean*, any slices under *centre*.
# - A 3D network is no guard against slices in the wrong order.
# - Slice-wise networks see what shows in slices; only depth-wise kernels see what shows between.
#
# ## Exercises
#
# Type your answer in place of `None` and run the cell: it tells you whether you are right.
#
# ```{exercise}
# :label: from-2d-to-3d-alternating
# A scanner interleaves its slices, and every second one is a little warmer: $\rho_1 = 0$ but
# $\rho_2 = 1/2$. Which divisor $s$ keeps the variance for $k = 3$? **Self-check** below.
# ```

# %% tags=["self-check"]
answer = None  # a number
if answer is None:
    print("Type your answer first.")
else:
    right = abs(variance_ratio([0.0, 0.5], divisor=answer) - 1) < 1e-3
    print("Right." if right else "Not yet: how many pairs lie two apart?")

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-twice
# Two layers, each a 2D kernel of one weight inflated with $k = 3$ and $s = \sqrt 3$, receive slices
# that are independent. Layer one keeps the variance. By what factor does layer *two* change it? (No
# activation in between, far from the ends.) **Self-check** below.
# ```

# %% tags=["self-check"]
answer = None  # a factor
if answer is None:
    print("Type your answer first.")
else:
    noise = torch.randn(1, 200000, 1, 1, generator=run.torch_generator("exercise"))
    first_layer = (noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]) / 3**0.5
    factor = depth_sum_ratio(first_layer, depth=3, divisor=3**0.5)
    right = abs(answer / factor - 1) < 0.02
    print("Right." if right else "Not yet: are the slices that layer two gets still independent?")

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-weighted
# Copies need not be equal. Write `taps`, three numbers with sum 1 that weigh slices below, in and
# above, such that repeated slices still get the 2D answer, while slices of independent noise keep
# exactly half of their variance. Take `taps` symmetric, with the largest in the middle.
# **Self-check** below.
# ```

# %% tags=["self-check"]
taps = None  # such as [1 / 3, 1 / 3, 1 / 3]
if taps is None:
    print("Type your answer first.")
else:
    a, b, c = taps
    right = abs(a + b + c - 1) < 1e-6 and abs(a * a + b * b + c * c - 0.5) < 1e-3
    right &= abs(a - c) < 1e-6 and b > a
    print("Right." if right else "Not yet: two equations, two unknowns.")

# %% [markdown]
# ```{exercise}
# :label: from-2d-to-3d-public
# Fetch NoduleMNIST3D and run `medbook run translation/from_2d_to_3d -p
# volume_file=nodulemnist3d.npz`. Predict first: is malignancy shown in slices or between them,
# and so which reader wins? **Self-check:** the upper row of the figure of training curves.
# ```

# %% [markdown] tags=["solution"]
# ```{solution} from-2d-to-3d-alternating
# :class: dropdown
# $s^2 = 3 + 2\,(2\cdot 0 + 1\cdot \tfrac12) = 4$, so $s = 2$: more than $\sqrt 3$, less than 3.
# ```
#
# ```{solution} from-2d-to-3d-twice
# :class: dropdown
# After layer one, neighbours share two of three slices: $\rho_1 = 2/3$, $\rho_2 = 1/3$. The
# factor is $(3 + 2(2\cdot 2/3 + 1/3))/3 = 19/9$. Even for noise the "variance rule" holds for one
# layer only: its own blur makes slices alike.
# ```
#
# ```{solution} from-2d-to-3d-weighted
# :class: dropdown
# With $a = c$ and $b = 1 - 2a$: $2a^2 + (1-2a)^2 = 1/2$, so $6a^2 - 4a + 1/2 = 0$ and
# $a = (4 - \sqrt 4)/12 = 1/6$, $b = 2/3$. Between *centre* ($a = 0$) and *mean* ($a = 1/3$).
# ```
#
# ```{solution} from-2d-to-3d-public
# :class: dropdown
# Size and outline of a nodule show in its slices, so counting and averaging should go a long way;
# what may need depth is telling a nodule from a vessel that touches it. Expect small differences,
# and intervals that overlap.
# ```

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
