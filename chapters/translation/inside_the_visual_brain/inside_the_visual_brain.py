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
# # From edges to objects
#
# **Question.** A company offers a clinic a program that reads photographs of the back of the eye.
# Nobody had a million such photographs, so its network first learned from a million pictures of
# cats, cups and cars. "No matter," says the salesman, "an edge is an edge. The early layers carry
# over, the late ones we throw away." If he is right, good. If it takes deeper layers to tell a dot
# haemorrhage from a short piece of vessel, the program was cut where it hurts, and the patients
# whom it sends home will find out. Can one look inside and see?
#
# **Objectives.** After this chapter you will be able to
#
# - compute how much of an image a unit of a network can see, and measure how much it looks at;
# - compare two networks under normalisation statistics that were taken alike;
# - say exactly what a change of scale and zero, $aI + b$, does to a filter and to the
#   normalisation behind it;
# - show what a channel answers to without flattering yourself;
# - ask every depth of a network the same question in more than one way, against the baselines that
#   count, and say whether an answer belongs to the depth, to the scale of the image or to the way
#   of asking;
# - measure which depths moved in fine-tuning, and know what that number does not say.
#
# **Prerequisites.** Python, the chain rule, convolutional networks, logistic regression, and what
# an AUC is.
#
# **Data.** The network is real: EfficientNet-Lite0 with its ImageNet weights. Real photographs, a
# real head CT, the real MNI152 brain template (T1, an average of many heads), one real retina and
# one real stained tissue section show what its channels answer to. The medical task puts simulated
# lesions into the texture of that one retina; a second one consists of simulated tissue. In one
# place CT values are simulated on the template's real anatomy. Nothing here is a result about
# patients. With a network connection, `dataset` set to `pathmnist` or `breastmnist` makes the
# medical task of real public images ({cite}`yang2023`, {cite}`kather2019`,
# {cite}`aldhabyani2020`).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dataset: str = "fundus"  # the medical task: "fundus", "pathmnist" or "breastmnist"
scale: float = 0.4  # a, what every grey value is multiplied by, 0.01 ≤ x ≤ 1
shift: float = 0.3  # b, what is then added, on the network's scale of -1 to 1, -1 ≤ x ≤ 1
reach_mm: int = 4  # a window of CT and MRI reaches so far from its middle pixel, 1 ≤ x ≤ 20
field_units: int = 14  # side of the images behind gradients, in units of 32 pixels, 3 ≤ x ≤ 27
n_fields: int = 2  # images behind each gradient field, 1 ≤ x ≤ 100
n_compared: int = 4  # photographs behind the fields that are compared, 2 ≤ x ≤ 14
n_views: int = 10  # views of each kind shown to the channels, 4 ≤ x ≤ 500
view_units: int = 7  # side of those views, in units of 32 pixels, 2 ≤ x ≤ 27
size: int = 64  # side of the tasks' images in pixels, 32 ≤ x ≤ 128
magnify: int = 2  # times that the lesion task is magnified, 1 ≤ x ≤ 4
contrast: float = 0.18  # share of green light that a simulated lesion takes away, 0 < x ≤ 0.8
curvatures: str = "both"  # what the detector by hand is asked for: "both", or their "sum" alone
leak: float = 0.0  # planted fault: grey levels added to images of dots, seen or not, 0 ≤ x ≤ 50
border: bool = False  # planted fault: filters also answer where they stick out of the image
weights: str = "imagenet"  # from the fields on: "imagenet", or, planted, "drawn" or "shuffled"
n_statistics: int = 200  # crops of 64 px behind statistics (larger: fewer), 16 ≤ x ≤ 10000
n_train: int = 240  # training images of each task, even, 16 ≤ x ≤ 5000
n_validation: int = 100  # images that probes are tuned on, even, 16 ≤ x ≤ 5000
n_test: int = 200  # test images of each task, even, 16 ≤ x ≤ 5000
strengths: list[float] = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100]  # C, increasing, 1e-6 ≤ x ≤ 1000
steps: int = 50  # steps of fine-tuning, 2 ≤ x ≤ 10000
rate: float = 3e-4  # highest learning rate of fine-tuning, 0 < x ≤ 0.1

# %%
import copy
from dataclasses import replace
from itertools import pairwise, product

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats
from scipy.ndimage import gaussian_filter, label, maximum_filter, minimum_filter

from data_fetch.packaged import head_ct, ihc, imagenet_weights, mni152
from data_fetch.packaged import photograph, photograph_names, retina
from data_fetch.tasks.photograph_crops import which_photograph
from data_fetch.tasks.square_crops import at_size, square_crops
from medlib import experiment
from medlib.experiment import COLORS
from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.efficientnet_lite import initialise, load_imagenet, preprocess

run = experiment.start("translation/inside_the_visual_brain", locals())

# %%
from data_fetch.tasks.medmnist_two_classes import medmnist_two_classes, most_in_balance

many = {"train": n_train, "validation": n_validation, "test": n_test}
for split, n in many.items():
    most = n if dataset == "fundus" else most_in_balance(dataset, split=split)
    run.require(
        n <= most, "dataset", f"n_{split}",
        right=f"there are no more images, half of either label: n_{split} is at most {most}",
    )

# %% tags=["hide-cell"]
KIND_PAINT = {
    "derivative": COLORS["blue"],
    "brightness": COLORS["grey"],
    "colour": COLORS["orange"],
    "silent": COLORS["black"],
}
VIEW_PAINT = {
    "MRI": COLORS["blue"],
    "CT": COLORS["orange"],
    "retina": COLORS["green"],
    "tissue": COLORS["purple"],
}
TASK_KIND = "real and simulated" if dataset == "fundus" else "real"
WORDS = [depth.replace("stage", "") for depth in DEPTHS]  # stem, 1, ..., 7, head


def bare(place, image, title="", **how):
    """An image without axes."""
    place.imshow(image, **how)
    place.set_title(title, fontsize=8.5)
    place.set(xticks=[], yticks=[])
    place.spines[:].set_visible(False)


def mosaic(rows, side=64, gap=6):
    """Rows of small images as one image, each enlarged to `side` without smoothing."""
    sheet = np.full((len(rows) * (side + gap) - gap, len(rows[0]) * (side + gap) - gap, 3), 255)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            near = np.arange(side) * len(image) // side
            top, left = row * (side + gap), column * (side + gap)
            sheet[top : top + side, left : left + side] = image[near][:, near]
    return sheet.astype(np.uint8)


def framed(place, corner, side, color):
    """A coloured frame around a square."""
    box = plt.Rectangle(corner, side, side, fill=False, color=color, linewidth=2)
    place.add_patch(box)


def along_depth(place, lines, *, ylabel, **limits):
    """Lines over depth: name -> (values, colour, style)."""
    for name, (values, color, style) in lines.items():
        place.plot(range(len(values)), values, style, color=color, label=name)
    place.set(xticks=range(len(DEPTHS)), xticklabels=WORDS, xlabel="depth", ylabel=ylabel, **limits)
    place.label_outer()


def side_by_side(rows, left, right):
    """Rows of two images on one grey scale: title -> (left, right, limit)."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(4.4, 2.15 * len(rows)))
    for place, (title, (before, after, limit)) in zip(axes, rows.items(), strict=True):
        gap = np.full((len(before), len(before) // 16), np.nan)
        bare(place, np.hstack([before, gap, after]), vmin=-limit, vmax=limit)
        place.set_title(f"{title}: {left}", fontsize=8.5, loc="left")
        place.set_title(right, fontsize=8.5, loc="right")
    return figure


# %% [markdown]
# ## A picture first
#
# Here is the first layer of the network, all of it. A *filter* is a small block of weights $w$: for
# every $3 \times 3$ neighbourhood and each of the three colours one number. It slides over the
# image $I$, and at each place it *answers* with the sum of weight times pixel. Blocks of weights
# have the shape of tiny images, so they can be shown as such: grey is zero, lighter is positive,
# darker negative, and a tint means that the colours are weighed differently.

# %% tags=["key"]
from medlib.translation.seeing.derivative_filter import filter_kinds, grey_kernels, sum_share

imagenet = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
filters = imagenet.stem[0].weight.detach().cpu().double().numpy()  # (32, 3, 3, 3)
even_below, grey_below = 0.1, 0.2  # thresholds in a continuum
kinds = filter_kinds(filters, derivative_below=even_below, colour_below=grey_below)
kernels = grey_kernels(filters)  # g, what a grey image meets: the sum over the colours
share = sum_share(kernels)  # |sum of g| / sum of |g|
grey_left = np.abs(kernels).sum(axis=(1, 2)) / np.abs(filters).sum(axis=(1, 2, 3))

# %%
order = np.argsort([list(KIND_PAINT).index(kind) for kind in kinds], kind="stable")
figure, place = plt.subplots(figsize=(5.2, 5.4))
for n, f in enumerate(order):
    row, column = divmod(n, 6)
    tiny, number = np.moveaxis(filters[f], 0, -1), (grey_left if kinds[f] == "colour" else share)[f]
    loudest = max(np.abs(tiny).max(), 0.01 * np.abs(filters).max())
    place.imshow(0.5 + 0.5 * tiny / loudest, extent=(column, column + 0.75, row + 0.75, row))
    framed(place, (column, row), 0.75, KIND_PAINT[kinds[f]])
    place.text(column + 0.37, row - 0.06, f"{f}: {number:.2f}", fontsize=8.5, ha="center",
               color=KIND_PAINT[kinds[f]])
place.set(xlim=(-0.1, 5.9), ylim=(5.9, -0.3), xticks=[], yticks=[], frame_on=False)
run.figure(
    figure, name="filters", data="none",
    alt="Thirty-two three by three blocks: oriented light-dark edges framed blue, even blocks"
    " framed grey, tinted ones framed orange, a few framed black.",
    caption="The first layer's n = 32 filters w, each to its own scale (silent: flat). Above each"
    " its index and a share. With k, the sum of w over colours: orange frame, colour, where sum |k|"
    f" / sum |w| (its share) is below {grey_below}; blue, derivative, where |sum k| / sum |k| (the"
    f" share of all others) is below {even_below}; grey, brightness, the rest; black, silent."
    " Magenta: negative on green.",
)

# %%
count = {kind: int((kinds == kind).sum()) for kind in KIND_PAINT}
for kind, n in count.items():
    run.result(f"filters_{kind}", n, n=len(kinds))
run.say(
    "Of {all} filters {filters_derivative:.0f} are derivative filters: light against dark, in"
    " some direction, with weights that cancel. {filters_colour:.0f} compare colours and hardly"
    " notice a grey image, though the thresholds cut a continuum. {filters_silent:.0f} have"
    " weights so small that they do nothing at all. The remaining {filters_brightness:.0f} mix an"
    " edge with brightness, or blur.",
    all=len(kinds),
)

# %% [markdown]
# The answers of one filter at all places make a map, and each map is a *channel* of the next
# layer's input. Behind this first layer, the *stem*, the network has seven *stages* of layers and a
# last layer, the *head*, whose averaged channels the classifier reads: nine *depths* in all.
#
# A stage is a chain of *blocks*. A block widens its input by a $1 \times 1$ layer (that of stage 1
# does not), filters each
# channel by itself (*depthwise*) with a kernel of $3 \times 3$ or $5 \times 5$, and narrows the
# result by another $1 \times 1$ layer.
#
# Nobody wrote these filters down, and a good part of them are edges in some direction, such as
# cats and people have, too. The salesman has a point. How far does it carry?
#
# ## The idea by hand: an edge is an edge
#
# Two MRI scanners, or two windows on one CT, show the same head with other numbers. Suppose that
# one image is the other one with another scale $a$ and another zero $b$. A grey image goes in as
# three equal colours, so a filter answers it with the sum of its weights over the colours, one
# number $k_{ij}$ a place. It answers to $I$ at place $p$ with $u_I(p) = \sum_{ij} k_{ij}\, I(p +
# (i, j))$. Hence, at every place,
#
# $$ u_{aI + b} = \sum_{ij} k_{ij}\,\bigl(a\, I + b\bigr) = a\, u_I + b \sum_{ij} k_{ij} . $$
#
# If the weights sum to zero, the second term is gone: **a derivative filter answers to $aI + b$
# with exactly $a$ times its answer to $I$**. Brightness does not reach it. We try it on a real head
# CT, first with a textbook filter.

# %% tags=["key"]
hu = run.uses(head_ct()).array.reshape(256, 2, 256, 2).mean(axis=(1, 3))  # two by two averaged
window = np.clip((hu - -40) / 140, 0, 1)  # the brain window: -40 HU is black, 100 HU is white
ct = (255 * window.astype(float) - 127) / 128  # the network's scale


# %% tags=["key"]
def answer(image, kernel, over_border=False):
    image = np.pad(image, 1) if over_border else image  # zeros beyond the edge, or stay inside
    rows, columns = image.shape[0] - 2, image.shape[1] - 2  # only where the kernel fits
    places = ((i, j) for i in range(3) for j in range(3))
    return sum(kernel[i, j] * image[i : i + rows, j : j + columns] for i, j in places)


# %% tags=["key"]
sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
apart = np.abs(answer(scale * ct + shift, sobel) - scale * answer(ct, sobel)).max()
run.say("Largest difference, of answers up to {top:.1f}: {apart:.0e}, which is rounding.",
        top=np.abs(answer(ct, sobel)).max(), apart=apart)

# %% [markdown]
# Real filters are not textbook filters: their sums are small, not zero. With its second term the
# law holds for all of them: that is algebra, so what follows tests our code, not the world.

# %% tags=["key"]
from medlib.translation.seeing.derivative_filter import response_to_affine, scale_left

before = np.stack([answer(ct, kernel, border) for kernel in kernels])
after = np.stack([answer(scale * ct + shift, kernel, border) for kernel in kernels])
sums = kernels.sum(axis=(1, 2))
said = response_to_affine(before, kernel_sums=sums, scale=scale, shift=shift)
law_error = np.abs(said - after).max() / np.abs(after).max()

# %%
run.result("law_error", law_error, atol=1e-12)
run.say("All filters, with the term $b \\sum k$: largest error {law_error:.0e} of the largest"
        " answer.")

# %% [markdown]
# ## What normalisation makes of $a$
#
# In the network batch normalisation follows the filter. It subtracts a mean $m$ and divides by
# $\sqrt{v + \varepsilon}$, where $v$ is a variance and $\varepsilon$ a small number that keeps the
# quotient finite. It can take $m$ and $v$ from two places:
#
# - **fixed**, remembered from ImageNet: $m$ and $v$ do not know of $a$ and $b$. Then
#
# $$ \begin{aligned}
#    & \frac{a u + b \sum k - m}{\sqrt{v + \varepsilon}} \\
#    & \quad = a\,\frac{u - m}{\sqrt{v + \varepsilon}}
#    + \frac{b \sum k - (1 - a)\, m}{\sqrt{v + \varepsilon}} :
#    \end{aligned} $$
#
#   the scale stays in every filter, and the zero is moved twice, by $b$, unless the filter had
#   removed it, and by $a$, which scales the answers away from the mean that is subtracted;
# - **from the images at hand**, if *all* images of the batch have the same $a$ and $b$: answers to
#   $I$ with mean $m$ and variance $v$ become answers with mean $a m + b \sum k$ and variance
#   $a^2 v$, and are normalised to
#
# $$ \begin{aligned}
#    & \frac{a u + b \sum k - (a m + b \sum k)}{\sqrt{a^2 v + \varepsilon}} \\
#    & \quad = \operatorname{sign}(a)\,\frac{u - m}{\sqrt{v + \varepsilon / a^2}} .
#    \end{aligned} $$
#
# Both are gone, $a$ up to its sign and up to $\varepsilon$, and for *every* filter, derivative or
# not. What $\varepsilon$ leaves is the factor $\sqrt{(v + \varepsilon)/(v + \varepsilon/a^2)}$. (A
# batch of images with different $a$ shares one $m$ and one $v$, and keeps the differences.)

# %%
norm = imagenet.stem[1]
fixed_mean, fixed_variance, gain, offset = (
    x.detach().cpu().double().numpy()[:, None, None]
    for x in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
)


# %% tags=["key"]
def normalised(u, by_batch, which=slice(None)):
    mean, variance = fixed_mean[which], fixed_variance[which]
    if by_batch:
        mean, variance = (f(u, axis=(1, 2), keepdims=True) for f in (np.mean, np.var))
    return (u - mean) / np.sqrt(variance + norm.eps)


# %% tags=["key"]
live = kinds != "silent"
left = {}
for way in ("fixed", "batch"):
    old, new = (normalised(u[live], way == "batch", live) for u in (before, after))
    left[way] = new.std(axis=(1, 2)) / old.std(axis=(1, 2))
predicted = scale_left(before[live].var(axis=(1, 2)), scale=scale, eps=norm.eps)

# %%
run.result("eps_error", np.abs(left["batch"] - predicted).max(), atol=1e-9)
usual = np.sqrt(fixed_variance[live, 0, 0] + norm.eps)  # what fixed statistics divide by
by_b = np.abs(shift * sums[live]) / usual
by_a = np.abs((1 - scale) * fixed_mean[live, 0, 0]) / usual

# %%
rows = []
for kind in ("derivative", "brightness", "colour"):
    columns = {"fixed: scale": left["fixed"], "zero, by b": by_b, "zero, by a": by_a}
    columns["own: scale"] = left["batch"]
    rows.append(
        {"filters": f"{kind} ({count[kind]})"}
        | {k: f"{np.median(v[kinds[live] == kind]):.3f}" for k, v in columns.items()}
    )

# %%
run.table(rows, name="normalisation",
          caption=f"What a = {scale} and b = {shift} leave behind the first normalisation, with"
          " fixed statistics and with the batch's own: the scale that is left; shifts of zero by"
          " |b Σk| and by |(1 - a) m|, in units of the fixed √(v + ε) (batch: none). *Own* means"
          " the batch's here. Medians over"
          " filters (n), a batch of one real head CT.")

# %%
picks = [np.flatnonzero(kinds == kind)[0] for kind in ("derivative", "brightness")]
shown = {"image": (ct, scale * ct + shift, 1.0)}
for f, way in ((picks[0], "fixed"), (picks[1], "fixed"), (picks[1], "batch")):
    pair = [normalised(u, way == "batch")[f] for u in (before, after)]
    shown[f"{kinds[f]}, {'own' if way == 'batch' else way}"] = *pair, 3 * pair[0].std()
run.figure(
    side_by_side(shown, "$I$", "$aI + b$"), name="affine", data="real",
    alt="A head CT and its paler version, with three answers each. The derivative filter's edges"
    " only get weaker; the brightness filter's answer changes its level under fixed statistics"
    " and does not change under the batch's own.",
    caption=f"Left I, right aI + b with a = {scale}, b = {shift}, each row on one grey scale."
    " Fixed statistics keep the scale, and move the zero where the filter is no derivative; the"
    " batch's own remove both. n = 1 real head CT, brain window.",
)

# %%
worst = left["batch"].argmin()
run.say(
    "Under fixed statistics each filter keeps the whole of $a$. Under the batch's own most filters"
    " answer as if nothing had happened. The worst is left with {left:.2f} of its answer: a"
    " {kind} filter whose answers to a grey image vary so little that $\\varepsilon$ is not small"
    " beside them. The formula gives all these factors to within {eps_error:.0e}.",
    left=left["batch"][worst], kind=kinds[live][worst],
)

# %% [markdown]
# So the derivative filter is half of the story that is usually told: it removes $b$, and only $b$.
# When statistics are fixed, nothing else does so, except, on grey images, the filters that compare
# colours. (By $a$ its zero is hardly moved either, for its
# remembered mean is next to nothing; that of brightness and colour filters moves by about a tenth
# of $\sqrt{v}$.) No filter can remove $a$; that is the work of normalisation.
#
# ## Is MRI a rescaled CT?
#
# The story goes on: "locally an MRI is a CT with another scale, so early layers carry over from one
# to the other." That can be tested. The template tells at every millimetre how much grey matter,
# white matter and fluid there is. We give each tissue its usual CT number and so get the CT that
# belongs to this T1 image (simulated values on real anatomy; no bone). Then we fit a line
# $\text{MRI} = a \cdot \text{CT} + b$ in the window around every pixel, and ask how much of the
# variance it explains, $r^2$, and which sign $a$ has: without noise, and with some, as every
# scanner has.

# %%
from data_fetch.simulated.head_ct import HeadTissues
from medlib.translation.seeing.local_affine import local_affine

t1, grey, white = (
    np.rot90(run.uses(mni152(kind)).array[:, :, 85]).astype(float) for kind in ("t1", "gm", "wm")
)
amounts = np.stack([grey, white, np.clip(1 - grey - white, 0, None)])
numbers = [np.mean(getattr(HeadTissues(), f"{name}_hu")) for name in ("grey", "white", "fluid")]
ct_like = np.tensordot(numbers, amounts, axes=1) / amounts.sum(axis=0)
side = 2 * reach_mm + 1
line = local_affine(ct_like, t1, window_px=side)
inside = minimum_filter(t1 > 0.05, side)  # windows that lie in the brain as a whole

# %% tags=["key"]
grain = run.rng("CT noise").normal(size=ct_like.shape)
derivative = np.flatnonzero(kinds == "derivative")


def alike(noisy, signed):
    """Median over derivative filters: correlation of their answers to CT and to MRI."""
    how, places = np.asarray if signed else np.abs, inside[1:-1, 1:-1]
    pairs = [[how(answer(image, kernels[f])[places]) for image in (noisy, t1)] for f in derivative]
    return np.median([np.corrcoef(*pair)[0, 1] for pair in pairs])


# %%
rows = []
for noise_hu in (0, 1, 4):
    noisy = ct_like + noise_hu * grain
    fit = local_affine(noisy, t1, window_px=side)
    good = inside & (fit.r2 > 0.9)
    negative = {"there": fit.slope[good] < 0, "in all": fit.slope[inside] < 0}
    rows.append(
        {"noise (HU)": noise_hu, "line fits": f"{good.sum() / inside.sum():.1%}"}
        | {f"a < 0, {where}": f"{v.mean():.0%}" for where, v in negative.items()}
        | {"signed": f"{alike(noisy, True):.2f}", "unsigned": f"{alike(noisy, False):.2f}"}
    )
    run.result(f"negative_{noise_hu}hu", negative["in all"].mean(), n=1)

# %%
run.table(rows, name="noise",
          caption=f"Windows of {side} mm: r² above nine tenths; a < 0 among those, and among all."
          " Then correlations between the derivative filters' answers to CT and to MRI, with and"
          f" without their signs (medians, n = {len(derivative)}). CT numbers:"
          f" grey {numbers[0]:g}, white {numbers[1]:g}, fluid {numbers[2]:g} HU.")
figure, axes = plt.subplots(2, 2, figsize=(5.0, 5.6))
bare(axes[0, 0], np.where(t1 > 0.05, ct_like, 0), "CT (simulated values)", vmin=0, vmax=45)
bare(axes[0, 1], t1, "T1 (real)")
bare(axes[1, 0], np.where(inside, np.sign(line.slope), np.nan), "sign of a", cmap="coolwarm_r")
bare(axes[1, 1], np.where(inside, line.r2, np.nan), "$r^2$", cmap="viridis", vmin=0, vmax=1)
figure.colorbar(axes[1, 1].images[0], ax=axes[1, 1], location="bottom", shrink=0.8)
run.figure(
    figure, name="mri_ct", data="real and simulated",
    alt="Four brain slices: CT-like, T1, a map of the sign of the slope, red and blue mixed all"
    " over the brain, and a map of the fit.",
    caption="MRI = a CT + b, window by window, no noise: blue where a > 0 (fluid against tissue),"
    " red where a < 0 (grey matter against white). Real anatomy, CT values simulated; n ="
    f" {int(inside.sum())} windows of one slice.",
)

# %% [markdown]
# White matter is brighter than grey matter in T1 and darker in CT. So "a rescaled version" is true
# without noise in part of the brain, with both signs, sometimes a few millimetres apart. (Without
# noise a good fit is half built in: the CT values are a mixture of tissues that were found on this
# very T1.) A clinical head CT has a few HU of noise; then hardly a window fits well, and those that
# do hold the large step between fluid and tissue, which is upright. The sign over *all* windows
# hardly changes. The last two columns ask the derivative filters themselves. Without signs their
# answers to CT and to MRI agree better than with them: the edges are at the same places, but some
# are reversed. (Our noise is white and our slice a millimetre thick. A scanner's noise is
# correlated from pixel to pixel, and its slices are often five times as thick, so that they mix
# tissues: both would change these shares.) And we left out the strongest edge of a head: cortical
# bone, the brightest of all on CT and black on T1, is upside down. On T2 images fluid is brightest,
# and its edge is upside down too; grey against white matter is upright there.
#
# An edge is an edge, but it may be upside down. Does the network mind? What a normalisation gives
# is multiplied by a *gain* and moved by an *offset*, both learned, and then passes the
# *activation*. A plain ReLU cuts negative answers off. Here it is a ReLU6, which keeps what lies
# between zero and six.

# %% tags=["key"]
passed = (gain * normalised(before, by_batch=False) + offset)[derivative]
whole = (passed > 0) & (passed < 6)
edge = np.abs(before[derivative])
strong = edge >= np.quantile(edge, 0.9, axis=(1, 2), keepdims=True)
tissue = (minimum_filter(hu, 3) >= -10) & (maximum_filter(hu, 3) <= 90)  # no air, no bone
pieces, _ = label(tissue)
in_brain = pieces == np.bincount(pieces[tissue]).argmax()  # the largest piece: no skin, no muscle
in_brain = in_brain if border else in_brain[1:-1, 1:-1]
faint, faint_whole = edge[:, in_brain], whole[:, in_brain]
brain_strong = faint >= np.quantile(faint, 0.9, axis=1, keepdims=True)

# %%
run.result("offset_derivative", np.median(offset[derivative]), n=len(derivative))
run.result("edges_whole", whole[strong].mean(), n=1, atol=1e-3)
run.result("edges_whole_brain", faint_whole.mean(), n=1, atol=1e-3)
run.result("edges_whole_brain_strong", faint_whole[brain_strong].mean(), n=1, atol=1e-3)
run.say(
    "The derivative filters have learned an offset of {offset_derivative:.1f} (median): the"
    " middle of that range. On the real head CT {kept:.0%} of their answers are not cut at either"
    " end, but most of those are air and flat tissue. Of each filter's strongest tenth, which on a"
    " head CT is skull and skin against air, {edges_whole:.0%} are left whole. Inside the brain"
    " {edges_whole_brain:.0%} of all answers are, and {edges_whole_brain_strong:.0%} of the"
    " brain's own strongest tenth.",
    kept=whole.mean(),
)

# %% [markdown]
# So both signs get through, and which side is lighter is not lost. The hardest edges, of bone and
# of air, lose their *height*: they end as zero or six, and "exactly $a$ times" is over. Inside the
# brain most answers keep it; of its own strongest edges it is about half.

# %% [markdown]
# ## How far can a unit see, how far does it look?
#
# Call one place of a layer's maps, with all its channels, a *unit*. A unit of the second layer
# sees several units of the first. Count from the image upwards: let $f$ be the side of the square
# that one unit sees, and $d$ the distance of neighbouring units, both in pixels. In the image $f =
# d = 1$. A layer with kernel $\kappa$ and stride $s$ (only every $s$-th place is computed) makes
# of them
#
# $$ f \leftarrow f + (\kappa - 1)\, d, \qquad d \leftarrow d\, s . $$
#
# That is the *theoretical receptive field*. Layers of $1 \times 1$ change neither and are skipped.

# %% tags=["key"]
from medlib.translation.seeing.receptive_field import energy_centre, gradient_field
from medlib.translation.seeing.receptive_field import side_above, side_holding, theoretical_fields

f, d = 1, 1
for kernel, stride in [(3, 2), (3, 1), (3, 2), (3, 1), (5, 2), (5, 1)]:  # stem to stage 3
    f, d = f + (kernel - 1) * d, d * stride
fields = theoretical_fields(imagenet)

# %%
run.say("Stage 3 by hand: {f} pixels; by the library, {same}. The head's units: {head} pixels, far"
        " more than the 224 of the images that the network learned from.",
        f=f, same=fields["stage3"].size_px, head=fields["head"].size_px)

# %% [markdown]
# To *see* is not to *look*. What the pixel at $p$ does to a unit with answers $u_1, u_2, \dots$,
# one a channel, is measured by derivatives: the *energy* of the pixel is $\sum_c (\partial u_c /
# \partial I(p))^2$, averaged over images. We take the *effective* field ([Luo et
# al.](https://doi.org/10.48550/arXiv.1701.04128)) to be the smallest square around the energy's own
# centre of mass that holds ninety-five hundredths of it. (Where the energy lies off the middle of
# what the unit sees, this square sticks out on the other side, and may be the wider one.) One
# backward pass an image is enough: with random signs $\sigma_c = \pm 1$ the square of $\partial
# (\sum_c \sigma_c u_c) / \partial I(p)$ has that sum as its mean, because the mixed terms cancel.
#
# Beside the trained network we measure one of the same shape with *random* weights. Its
# normalisation needs statistics, and here is a trap. Statistics depend on the size of the images:
# on small ones much of every map is border. A network whose statistics come from small crops and
# that is then used on large images is not the network that it would be. So **all networks that are
# compared get their statistics from the same photographs, at the size at which they are used**;
# the trained one is shown with its *own*, those of ImageNet, as well. (From here on *own* means
# ImageNet's, which the table above calls fixed.)

# %%
from medlib.measures.mean_interval import mean_interval
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.seeing.rearranged_kernels import shuffled_kernels, turned_kernels

rng = run.rng("views")
names = list(rng.permutation(photograph_names()))
pictures = [run.uses(photograph(name)).array for name in names]


# %%
def crops_of(them, n, side_px, rng):
    """n square crops, from each picture in turn."""
    turn = (them[k % len(them)] for k in range(n))
    return np.stack([square_crops(one, 1, size=side_px, rng=rng)[0] for one in turn])


def photographs_at(side_px, why):
    """Photographs for statistics: the same number of pixels, whatever their size."""
    n = max(4, round(n_statistics * (64 / side_px) ** 2))
    crops = crops_of(pictures, n, side_px, run.rng(f"statistics of {why}"))
    return preprocess(crops, device=run.device)


def drawn_network(stream):
    network = initialise(EfficientNetLite0(), generator=run.torch_generator(stream))
    return network.to(run.device).eval()


# %% tags=["key"]
def like_for_like(networks, photographs):
    return {
        name: refresh_statistics(copy.deepcopy(network), photographs)
        for name, network in networks.items()
    }


# %%
small_photographs = photographs_at(size, "tasks")
source, random_network = imagenet, drawn_network("random weights")
if weights != "imagenet":  # a planted fault
    source = (
        drawn_network("weights in their place") if weights == "drawn"
        else shuffled_kernels(imagenet, generator=run.torch_generator("places in their place"))
    )
    source = refresh_statistics(source, small_photographs)

# %%
field_px = 32 * field_units
large = preprocess(crops_of(pictures, n_fields, field_px, rng), device=run.device)
signs = run.torch_generator("signs")
compared = crops_of(pictures, n_compared, field_px, run.rng("compared fields"))
compared = preprocess(compared, device=run.device)


# %% tags=["key"]
def measured(network, depth, images=large):
    side = min(field_px, 32 * (fields[depth].size_px // 32 + 2))  # no larger than needed
    edge = (field_px - side) // 2
    part = images[..., edge : edge + side, edge : edge + side]
    return gradient_field(network, part, depth=depth, generator=signs)


def side_by_photograph(network, depth):
    one_by_one = (measured(network, depth, one) for one in compared.split(1))
    return np.array([side_holding(f) if f.energy.any() else 0 for f in one_by_one], dtype=float)


# %% tags=["key"]
large_photographs = photographs_at(field_px, "fields")
pair = {"trained": source, "random": random_network}
field_networks = like_for_like(pair, large_photographs) | {"own": source}
gradients = {
    name: {depth: measured(network, depth) for depth in DEPTHS}
    for name, network in field_networks.items()
}
sides = {(n, d): side_holding(found[d]) for n, found in gradients.items() for d in DEPTHS}

# %%
rows = [
    {"depth": depth, "theory": fields[depth].size_px}
    | {name: sides[name, depth] for name in gradients}
    | {f"{n} (Luo)": round(side_above(gradients[n][depth])) for n in pair}
    for depth in DEPTHS
]
run.table(rows, name="fields", caption="Sides of receptive fields in pixels, n ="
          f" {n_fields} real photographs of {field_px} pixels. Trained and random: statistics of"
          f" {len(large_photographs)} photographs of that size; own: those of ImageNet. Luo's"
          " measure, nearly: root of the number of pixels whose root energy is above 4.55 % of the"
          " highest (his: of the centre's).")

# %%
figure, place = plt.subplots(figsize=(5.4, 3.2))
lines = {
    "theoretical": ([fields[d].size_px for d in DEPTHS], COLORS["grey"], "o:"),
    "random weights": ([sides["random", d] for d in DEPTHS], COLORS["orange"], "s--"),
    "trained": ([sides["trained", d] for d in DEPTHS], COLORS["blue"], "o-"),
}
along_depth(place, lines, ylabel="side of the field (px)", yscale="log")
place.axhline(field_px, color=COLORS["grey"], linewidth=0.8)
place.legend()
run.figure(
    figure, name="field_sides", data="real",
    alt="Three rising curves over depth, equal at the stem. From stage 2 on theoretical on top,"
    " random weights in the middle, trained lowest; at stage 1 random lies a little above"
    " theoretical.",
    caption="From stage 2 on a trained unit looks at a fraction of what it can see, and at less"
    " than a unit with random weights and statistics of the same photographs. Thin line: the"
    f" images' own side, at which the last depths are cut off. n = {n_fields} real photographs.",
)

# %% [markdown]
# Two photographs and one draw of signs do not fix such a side to the pixel. So two depths are
# measured again, on more photographs, each by itself, and each photograph counts as one
# observation. And what makes
# the difference? Not the sizes of the kernels: both networks have the same. Two tests keep every
# trained weight. One *shuffles* the places within each depthwise kernel. The other *turns* each
# kernel as a whole, by quarters and with a mirror, by lot: what stood in the middle still does.

# %% tags=["key"]
rearranged = {
    "shuffled": shuffled_kernels(source, generator=run.torch_generator("shuffle")),
    "turned": turned_kernels(source, generator=run.torch_generator("turn")),
}
by_weights = field_networks | like_for_like(rearranged, large_photographs)
compare = [("stage5", n) for n in ("trained", "turned", "shuffled", "random")]
compare += [("head", n) for n in ("trained", "random")]
by_photograph = {(n, depth): side_by_photograph(by_weights[n], depth) for depth, n in compare}

# %%
for (name, depth), found in by_photograph.items():
    run.result(f"side_{depth}_{name}", mean_interval(found, unit="px"), atol=10)
wider = {
    (n, depth): mean_interval(by_photograph[n, depth] - by_photograph["trained", depth], unit="px")
    for depth, n in compare
    if n != "trained"
}
run.result("wider_head_random", wider["random", "head"], atol=10)
centre = {n: np.mean(energy_centre(gradients[n]["head"])) for n in pair}
run.say(
    "Stage 5: {side_stage5_trained:.0ci} trained, {side_stage5_turned:.0ci} turned,"
    " {side_stage5_shuffled:.0ci} shuffled, {side_stage5_random:.0ci} random. Head:"
    " {side_head_trained:.0ci} trained, {side_head_random:.0ci} random, of {theory} that it could"
    " see; by photograph the random one is wider by {wider_head_random:.0ci} (95 % t intervals over"
    " {n} photographs)."
    " Images of {field_px} pixels cut the last three depths off: energy spread evenly"
    " over the image would give {even:.0f}.",
    n=n_compared, theory=fields["head"].size_px, field_px=field_px,
    even=np.sqrt(0.95) * min(field_px, fields["head"].size_px),
)

# %% [markdown]
# :::{dropdown} Deeper: where is the middle of a field?
# :class-container: deeper
# The theoretical square is not centred on its unit: a layer with stride pads unevenly, and the
# offsets add up. A trained network may pull its weight back to where its unit stands. That is why
# we centre the effective square on the energy's own centre of mass.
# :::

# %%
jump = fields["head"].stride_px
own_cell = (field_px // jump // 2) * jump + (jump - 1) / 2
run.say(
    "The middle of the head's theoretical field is at pixel {middle:.0f}. The random network's"
    " energy lies around {centre[random]:.0f}, the trained one's around {centre[trained]:.0f};"
    " the middle of the unit's own cell is {cell}.",
    middle=gradients["trained"]["head"].centre_px[0], centre=centre, cell=own_cell,
)

# %% [markdown]
# At the head, where the images cut the field off, the difference is not known to the pixel; at
# stage 5 it is plain. So it matters where weights stand within their kernels: as training left
# them, they keep fields narrow. And it matters how far from the middle they stand more than in
# which direction: in this draw turned kernels keep most of the narrowness (with a wide interval),
# shuffled ones lose most of it, and so it is in each of ten other draws. Luo and colleagues saw the
# opposite: in their networks training made the effective field *grow*. Theirs were other networks,
# for other tasks, without depthwise kernels. "Training widens the field" is an observation about
# some networks, not a law, and so is ours. For a clinic the consequence is practical: do not infer
# from the theoretical field that the network takes the whole retina into account when it judges a
# spot. Measure.
#
# ## What does a channel answer to?
#
# The honest way to show what a channel likes is to search images for the places where it answers
# most strongly, and to show those, for channels drawn by lot. Thousands would be right; we search a
# few views of each kind. There are photographs and four kinds of medical images, each from a single
# source: slices of the T1 template, one head CT (in a brain window and in a wide one), one retina,
# one piece of tissue. Grey images go in as three equal colours.


# %%
def as_picture(values, low, high):
    grey_levels = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey_levels[..., None], 3, axis=2)


brain = mni152("t1").array
subjects = {
    "photographs": pictures,
    "MRI": [as_picture(np.rot90(brain[:, :, z]), 0, 1) for z in (55, 70, 85, 100, 115)],
    "CT": [as_picture(hu, -40, 100), as_picture(hu, -500, 1500)],
    "retina": [run.uses(retina()).array[200:1211, 200:1211]],
    "tissue": [run.uses(ihc()).array],
}

# %% tags=["key"]
from medlib.translation.seeing.strongest_crops import crop_around, strongest_answers

UNCUT = "head before its activation"


def peaks_and_uncut(network, images):
    caught = []
    hook = network.head.register_forward_hook(
        lambda layer, given, maps: caught.append((maps.amax((2, 3)), maps.mean((2, 3))))
    )
    found = strongest_answers(network, images)
    hook.remove()
    value, mean = (torch.cat(x).cpu().numpy() for x in zip(*caught, strict=True))
    return found | {UNCUT: replace(found["head"], value=value, mean=mean.mean(axis=0))}


# %% tags=["key"]
view_px = 32 * view_units
views = {kind: crops_of(them, n_views, view_px, rng) for kind, them in subjects.items()}
ready = {kind: preprocess(images, device=run.device) for kind, images in views.items()}
view_networks = like_for_like(pair, photographs_at(view_px, "views")) | {"own": source}
peaks = {
    (name, kind): peaks_and_uncut(network, images)
    for name, network in view_networks.items()
    for kind, images in ready.items()
}


# %%
def height(name, kind, depth):
    """Each channel's typical peak in an image, above its mean over photographs."""
    return peaks[name, kind][depth].value.mean(axis=0) - peaks[name, "photographs"][depth].mean


# %%
lot, chosen, awake = run.rng("channels"), {}, {}
for place in ((name, depth) for name in view_networks for depth in (*DEPTHS, UNCUT)):
    above = height(place[0], "photographs", place[1])
    awake[place] = np.flatnonzero(above > 0.01 * above.max())
    if place[1] in DEPTHS:
        chosen[place] = sorted(lot.choice(awake[place], 3, replace=False).tolist())


def exemplar(name, kind, depth, channel, k):
    found = peaks[name, kind][depth]
    image = found.best_images(channel, k=k + 1)[k]
    side = min(view_px, max(7, sides["trained", depth]))
    return crop_around(views[kind][image], centre_px=found.centre_px(image, channel), side=side)


# %% [markdown]
# Move the slider from the stem to the head. Above, what one unit sees (dotted; from stage 6 on
# larger than the image) and looks at (solid), trained and random. Below, one channel a row: the
# crops that excite it most, cut to the trained effective field (never fewer than seven pixels,
# never more than a view). The last row is a channel of the *random* network: what it shows needs
# no training.


# %%
SHOWN = [("photographs", k) for k in range(3)] + [(kind, 0) for kind in VIEW_PAINT]


def add_square(place, side, centre, style):
    """A white square around a place given as (row, column)."""
    box = (round(centre[1]) - side / 2, round(centre[0]) - side / 2)
    place.add_patch(plt.Rectangle(box, side, side, fill=False, color="white", linestyle=style))


# %%
def draw_field(place, depth, name):
    """A unit's gradient field with its theoretical (dotted) and effective (solid) square."""
    found, held, sees = gradients[name][depth], sides[name, depth], fields[depth].size_px
    middle, last = found.centre_px[0], found.energy.shape[0] - 1
    reach = min(max(sees * 0.6, 4), middle, last - middle)
    place.imshow(np.sqrt(found.energy / found.energy.max()), cmap="magma", vmax=0.5)
    add_square(place, sees, found.centre_px, ":")
    add_square(place, held, energy_centre(found), "-")
    place.set(xlim=(middle - reach, middle + reach), ylim=(middle + reach, middle - reach))
    place.set_title(f"{name}: uses {held} of {sees} px", fontsize=9)
    place.set(xlabel="pixels", yticks=[])


# %%
def draw_crops(table, depth):
    """What three trained channels and a random one like most, of photographs and of each kind."""
    lot = [*chosen["trained", depth], chosen["random", depth][0]]
    rows = list(zip(3 * ["trained"] + ["random"], lot, strict=True))
    bare(table, mosaic([[exemplar(name, kind, depth, c, k) for kind, k in SHOWN]
                        for name, c in rows]))
    table.text(0, -8, "photographs", fontsize=9)
    for column, (kind, _) in enumerate(SHOWN[3:], start=3):
        table.text(70 * column, -8, kind, fontsize=9, color=VIEW_PAINT[kind])
    for row, (name, channel) in enumerate(rows):
        word = f"{name}\n{channel}".removeprefix("trained\n")
        table.text(-8, 70 * row + 32, word, fontsize=8, ha="right", va="center")


# %%
def depth_frame(depth):
    """One position of the slider: two fields, and the crops below them."""
    figure = plt.figure(figsize=(5.4, 5.6))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    for place, name in zip(upper.subplots(1, 2), pair, strict=True):
        draw_field(place, depth, name)
    draw_crops(lower.subplots(), depth)
    return figure


# %%
run.frames(
    [depth_frame(depth) for depth in DEPTHS], name="depth", label="depth", values=DEPTHS, start=3,
    data="real",
    alt=[
        f"{depth}: a unit sees a square of {fields[depth].size_px} pixels and uses"
        f" {sides['trained', depth]}; below it the crops that excite three channels most."
        for depth in DEPTHS
    ],
    caption="Above: root energy of a unit's gradient, white boxes the theoretical (dotted) and"
    " effective (solid) field. Below: strongest crops for three trained channels and a random one,"
    f" drawn by lot, each from another view; n = {n_views} views of each kind, all real; each"
    " medical kind from one source.",
)

# %% [markdown]
# In many early rows the crops have an edge in one direction or a colour in common, in the middle
# some texture. Near the head they show whole things, but so they do in the random row: a crop that
# wide always shows a thing. And the medical crops in the same row often have nothing in common with
# the photographs, or with each other. A strongest crop always exists. *How strong* is it?
#
# For each channel take the typical peak: the mean over images of its highest answer, above its mean
# answer to photographs. Divide the peak on medical images by the one on photographs. One means: as
# excited as by photographs. (Channels that photographs hardly excite are left out.)

# %% tags=["key"]
ratios = {}
for name, depth in awake:
    which = awake[name, depth]
    photo = height(name, "photographs", depth)[which]
    for kind in VIEW_PAINT:
        ratios[name, kind, depth] = np.median(height(name, kind, depth)[which] / photo)


# %% tags=["key"]
def spread(name, depth):
    """How far the four kinds of medical images lie apart: largest ratio minus smallest."""
    values = [ratios[name, kind, depth] for kind in VIEW_PAINT]
    return max(values) - min(values)


# %%
TITLES = {"own": "trained, ImageNet's statistics", "trained": "trained, photographs' statistics"}
TITLES["random"] = "random weights, photographs' statistics"

# %%
figure, axes = plt.subplots(3, 1, figsize=(5.4, 7.4), sharex=True, sharey=True)
for place, (name, title) in zip(axes, TITLES.items(), strict=True):
    lines = {
        kind: ([ratios[name, kind, d] for d in DEPTHS], color, "o-")
        for kind, color in VIEW_PAINT.items()
    }
    along_depth(place, lines, ylabel="peak / photographs'")
    place.axhline(1, color=COLORS["grey"], linestyle=":")
    place.set_title(title)
axes[2].legend(ncols=2, loc="lower right")
run.figure(
    figure, name="excitement", data="real",
    alt="Trained, under either statistics: four lines that come closer up to the middle and part"
    " at the head. Random: four lines that start far apart and come slowly closer.",
    caption="How strongly medical images excite the median channel, compared with photographs."
    " Stem and head are read behind an activation, stages before one, so that steps to and from"
    " the ends compare unlike things. Which kind ends where depends on the statistics. Real"
    f" images, n = {n_views} views of each kind, but one source each.",
)

# %%
for name in view_networks:
    for depth in ("stem", "stage4", "stage6", "stage7", "head"):
        run.result(f"spread_{depth}_{name}", spread(name, depth), n=n_views, atol=0.01)
    run.result(f"spread_uncut_{name}", spread(name, UNCUT), n=n_views, atol=0.01)
run.say(
    "Alike in statistics: between the kinds the ratio differs by {spread_stem_trained:.2f} at the"
    " stem, {spread_stage6_trained:.2f} at stage 6, {spread_stage7_trained:.2f} at stage 7,"
    " {spread_uncut_trained:.2f} at the head before its activation and {spread_head_trained:.2f}"
    " behind it with trained weights; with random ones by {spread_stem_random:.2f},"
    " {spread_stage6_random:.2f}, {spread_stage7_random:.2f}, {spread_uncut_random:.2f} and"
    " {spread_head_random:.2f}. Under ImageNet's own statistics the trained network has"
    " {spread_stem_own:.2f}, {spread_stage6_own:.2f}, {spread_stage7_own:.2f},"
    " {spread_uncut_own:.2f} and {spread_head_own:.2f}; there the retina ends at {retina:.2f} of a"
    " photograph's peak, under the photographs' at {again:.2f}.",
    retina=ratios["own", "retina", "head"], again=ratios["trained", "retina", "head"],
)

# %% [markdown]
# We expected four lines that sink with depth, because late channels are specialised in
# photographs. (With unequal numbers of images one even gets it: the highest of many peaks is
# higher than the highest of few.) What is measured looks like another story: up to the middle
# trained kinds meet, at the head they part. But a stage is read *before* an activation, the head
# *behind* one, and unlike things were compared. Read before its activation, the trained head holds
# kinds about half as far apart as behind it. The activation parts them: its cut at zero leaves
# little but peaks, and any ratio of peaks is stretched; with random weights the cut does less. That
# is what we claim, no more. Not that late channels are specialised in photographs, not that trained
# kinds lie farther apart than random ones, nor who ends where: that changes with the statistics and
# with the random weights drawn, and one source of each kind is no sample.
#
# What does the trap from above look like here? The same random network, with statistics from the
# small crops of the tasks below, on these views:

# %% tags=["key"]
alike_small = like_for_like(pair, small_photographs)
at_wrong = strongest_answers(alike_small["random"], ready["photographs"])["head"].value
at_right = peaks["random", "photographs"]["head"].value
ceiling = {way: (value > 5.999).mean() for way, value in (("w", at_wrong), ("r", at_right))}

# %%
run.result("ceiling_wrong_size", ceiling["w"], n=n_views, atol=0.02)
run.result("ceiling_right_size", ceiling["r"], n=n_views, atol=0.02)
run.say(
    "Of the head's peaks {ceiling_wrong_size:.0%} stand at the activation's ceiling of six; with"
    " statistics of the size of use {ceiling_right_size:.0%}. At a ceiling all kinds of images are"
    " alike, and one may mistake that for a finding."
)

# %% [markdown]
# ## Ask every depth the same question
#
# Suppose that a medical image excites a late channel half as much as a photograph does. Is that
# layer of no use? Not for that reason: a channel that is half as excited can still tell two images
# apart. So we ask directly. A **linear probe** ([Alain and
# Bengio](https://doi.org/10.48550/arXiv.1610.01644)) is a logistic regression on the features of
# one depth: here the mean of every channel over the image. It says how well one straight cut
# through these features answers a question. Three questions, the same for all depths:
#
# - **scenes** (natural): from which of fourteen photographs is this crop? Colour, brightness and
#   contrast are taken away, training and test crops come from different halves;
# - **lesion** (medical): is the dark spot in the retina a round dot or a streak? Real texture,
#   simulated spots (or the public data set of your choice);
# - **atypia** (medical): are the nuclei of this simulated tissue regular or atypical (larger,
#   unequal, irregular)? The area that nuclei cover and the strength of the stain are drawn alike
#   for both.
#
# Later depths have more channels, which by itself makes a probe stronger. The random network has
# the same number of channels at the same depth: what the trained one has above *it* was learned.
# (Where the random network is at guessing, at a depth of few channels as at one of many, it cannot
# tell how much of a trained depth's lead over another is its number of channels.) Each probe is
# tuned alike: its $C$ (the smaller, the more its weights are held back) is the one that does best
# on validation images, and the test images are asked once. Validation images of the lesion come
# from a region of their own; those of scenes are other crops of the halves that are learned from,
# and overlap with them.
#
# And what would one reach by hand? Eight numbers an image: mean and standard deviation of each
# colour, and the mean step of grey from pixel to pixel, down and across.

# %%
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.fundus_lesions import fundus_lesions


def drawn(task, split, rng):
    n, how = many[split], {"rng": rng, "size": size}
    if task == "atypia":
        return atypia_tiles(n, **how)
    if task == "scenes":  # to tune on: other crops of the halves that are learned from
        return which_photograph(n, split="test" if split == "test" else "train", **how)
    if dataset != "fundus":
        return medmnist_two_classes(dataset, n, split=split, **how)
    return fundus_lesions(n, split=split, contrast=contrast, **how)


# %%
def with_leak(images, labels):
    """The images; those of label 1 brighter, if a leak is planted."""
    brighter = leak * labels[:, None, None, None]
    return np.clip(images + brighter, 0, 255).astype(np.uint8)


# %%
tasks = {"scenes": {}, "lesion": {}, "atypia": {}}
for task, split in ((task, split) for task in tasks for split in many):
    sample, labels = drawn(task, split, run.rng(f"{task} {split}"))
    sample = replace(sample, name=f"{sample.name}, {split}")
    images = run.uses(sample).array
    tasks[task][split] = with_leak(images, labels) if task == "lesion" else images, labels

# %%
bold = fundus_lesions(24, split="train", rng=run.rng("strong"), size=size, contrast=0.7)
shown = {"scenes": tasks["scenes"]["test"][0][:6]}
for title, (images, labels), words in (
    ("lesion", tasks["lesion"]["test"], ("streak", "dot")),
    ("lesion, strong", (bold.sample.array, bold.labels), ("streak", "dot")),
    ("atypia", tasks["atypia"]["test"], ("regular", "atypical")),
):
    shown |= {f"{title}:\n{words[k]}": images[labels == k][:6] for k in (0, 1)}

# %%
figure, place = plt.subplots(figsize=(5.0, 5.2))
bare(place, mosaic(list(shown.values())))
for row, title in enumerate(shown):
    place.text(-8, 70 * row + 32, title, fontsize=8.5, ha="right", va="center")
run.figure(
    figure, name="tasks", data="real and simulated",
    alt="Rows of six small images: grey crops of photographs; close-ups of a retina with a faint"
    " spot, long or round; the same with dark spots; pink tissue with dark nuclei.",
    caption="Scenes: real. Lesion:"
    f" {'real retina, simulated spots' if dataset == 'fundus' else f'{dataset}, labels 0, 1'};"
    " the strong spots, real retina too, are only shown here, for the eye. Atypia: simulated."
    f" n = 6 images a row, {size} pixels wide.",
)

# %% tags=["key"]
from medlib.translation.seeing.depth_and_scale import WAYS, DepthAndScale
from medlib.nets.by_depth import features_by_depth
from medlib.translation.seeing.pooled_features import three_ways
from medlib.translation.seeing.tuned_probe import tuned_probe


def features_of(network, parts, ask=features_by_depth):
    ready = {split: preprocess(images, device=run.device) for split, (images, _) in parts.items()}
    return {split: ask(network, images) for split, images in ready.items()}


def one_way(threefold, way):
    """Of features asked for in three ways, those of one way."""
    return {split: ways[way] for split, ways in threefold.items()}


# %% tags=["key"]
def probes(features, parts, depths=DEPTHS):
    """At every depth a probe, tuned on validation images, and what it reaches on test images."""
    return [
        tuned_probe(
            *((features[split][depth], parts[split][1]) for split in parts), strengths=strengths
        )
        for depth in depths
    ]


# %% tags=["key"]
def eight_numbers(images):
    values = images.astype(float)
    steps = [np.abs(np.diff(values.mean(axis=3), axis=a)).mean(axis=(1, 2)) for a in (1, 2)]
    return np.column_stack([values.mean(axis=(1, 2)), values.std(axis=(1, 2)), *steps])


# %% [markdown]
# And a detector that knows what it looks for: a dot curves the light both ways, a streak across but
# not along. Both curvatures, the eigenvalues of the matrix of second derivatives, at five scales;
# their mean, spread and extremes make forty numbers {cite}`frangi1998`.

# %% tags=["key"]
def forty_numbers(images):
    light = images[..., 1] / images[..., 1].mean(axis=(1, 2), keepdims=True)
    kept = []
    for scale in (1, 1.5, 2, 3, 4):
        rr, cc, rc = (gaussian_filter(light, (0, scale, scale), order=(0, *ways))
                      for ways in ((2, 0), (0, 2), (1, 1)))
        middle, half = (rr + cc) / 2, np.hypot((rr - cc) / 2, rc)
        pair = (middle - half, middle + half) if curvatures == "both" else (middle,)
        kept += [f(one, axis=(1, 2)) for one in pair for f in (np.mean, np.std, np.min, np.max)]
    return np.column_stack(kept)


# %%
def by_numbers(numbers, parts):
    """What a probe of numbers by hand reaches, tuned like any depth's."""
    return tuned_probe(*((numbers(x), y) for x, y in parts.values()), strengths=strengths).auc


by_eight = {task: by_numbers(eight_numbers, parts) for task, parts in tasks.items()}
by_forty = by_numbers(forty_numbers, tasks["lesion"])


# %% tags=["key"]
small_networks = alike_small | {"own": source}
found, first, threefold = {}, {}, {}
for name, task in [*((n, t) for n in ("own", "random") for t in tasks), ("trained", "lesion")]:
    if task == "lesion":
        threefold[name] = features_of(small_networks[name], tasks[task], three_ways)
        first[name, task] = one_way(threefold[name], "means")
    else:
        first[name, task] = features_of(small_networks[name], tasks[task])
    found[name, task] = probes(first[name, task], tasks[task])
auc = {key: np.array([p.auc for p in curve]) for key, curve in found.items()}
best = int(np.argmax([p.validation_auc for p in found["own", "lesion"]]))  # not by the test

# %%
figure, axes = plt.subplots(3, 1, figsize=(5.4, 6.6), sharex=True)
for place, task in zip(axes, tasks, strict=True):
    lines = {"trained, own statistics": (auc["own", task], COLORS["blue"], "o-")}
    if task == "lesion":
        lines["trained"] = auc["trained", task], COLORS["green"], "^:"
    lines["random"] = auc["random", task], COLORS["orange"], "s--"
    along_depth(place, lines, ylabel="test AUC", ylim=(0.35, 1.02))
    place.axhline(0.5, color=COLORS["grey"], linestyle=":")
    place.set_title(task)
axes[1].legend(loc="upper left", ncols=2)
run.figure(
    figure, name="probes", data="real and simulated",
    alt="Three panels of test AUC over depth. Trained: scenes dip at stage 1, rise at stage 2 and"
    " stay; lesion is at one half up to stage 2, rises at stages 3 and 4 and sinks at the head;"
    " atypia peaks in the middle. Random: falls with depth on scenes and atypia, where it starts"
    " highest; never reads the lesion.",
    caption="Asked for means, which depth answers depends on the question. Scenes real, lesion"
    f" {TASK_KIND}, atypia simulated; n = {n_train} training, {n_validation} validation and"
    f" {n_test} test images each, {size} px, one draw of each. Green and orange: statistics of the"
    " same photographs. AUC for scenes: mean of one against the rest.",
)

# %%
rows = [{"depth": d} | {task: f"{auc['own', task][k]:.2f}" for task in tasks}
        | {f"{task}, random": f"{auc['random', task][k]:.2f}" for task in tasks}
        for k, d in enumerate(DEPTHS)]
run.table(rows, name="probes", caption="Test AUC of trained features under their own statistics,"
          f" and of random ones; {size} px, one draw.")
for (name, task), curve in auc.items():
    for depth, value in zip(DEPTHS, curve, strict=True):
        run.result(f"auc_{name}_{task}_{depth}", value, unit="AUC", n=n_test, atol=0.005)
run.result("auc_by_forty_lesion", by_forty, unit="AUC", n=n_test, atol=0.005)
for task, value in by_eight.items():
    run.result(f"auc_by_eight_{task}", value, unit="AUC", n=n_test, atol=0.005)
guess = np.sqrt((n_test + 1) / (3 * n_test**2))
run.say(
    "Scores that know nothing scatter around one half with a standard deviation of {guess:.2f} in"
    " {n_test} images of two kinds, half each. Validation images choose {depth} for the lesion; the"
    " test images give it {there:.2f}, and {early:.2f} to the best depth up to stage 2. The eight"
    " numbers by hand: {auc_by_eight_scenes:.2f} for scenes, {auc_by_eight_lesion:.2f} for the"
    " lesion, {auc_by_eight_atypia:.2f} for atypia. The forty: {auc_by_forty_lesion:.2f} for the"
    " lesion.",
    guess=guess, depth=DEPTHS[best], there=auc["own", "lesion"][best],
    early=auc["own", "lesion"][:3].max(),
)

# %% [markdown]
# Read it slowly, for it seems to settle the matter.
#
# **The early layers' means do not read the lesion.** Up to stage 2 it is at guessing; stages 3 and
# 4 bring most of it. Scenes are read from the stem on, but these are photographs, the network's own
# domain: nothing was carried over, and random weights read them, too.
#
# **The late layers lose some.** At the head the lesion is read worse than in the middle, and so is
# the tissue; the scenes lose next to nothing. "Late layers belong to their old task," says the
# textbook. Does it follow? Not yet.
#
# **Statistics matter more, the later.** With statistics of a few photographs in the place of its
# own the trained network reads the lesion worse, at stage 7 and the head by far. Layers that
# learned under some statistics work best under these.
#
# **And the baselines bite.** On tissue *and on scenes* the stem and stage 1 with *random* weights
# beat the trained ones; from stage 2 on the trained ones lead. (The random ones have statistics of
# photographs here, the trained ones their own. Why it is so for tissue, under statistics taken
# alike, is asked under "What breaks it".) A probe without a random baseline would have praised
# ImageNet for its stem. With depth the random network loses the tissue, and part of the scenes; the
# lesion it never reads. Worse: the eight numbers by hand read the tissue about as well as the best
# trained depth. Area and stain being alike, what is left to the eight numbers is how much border
# there is: fewer, larger nuclei have less. Such a task does not ask whether nuclei are atypical in
# the eyes of a pathologist. And the lesion? Eight numbers do not read it, but the forty of a
# detector made for dots and streaks do: in this draw as well as the depth that validation chose.
# That is a draw's luck: over ten other seeds the forty lie some six hundredths behind stage 6. So
# over a detector that knows what to look for the network gains hundredths of AUC. What it gains
# besides is that nobody had to know.
#
# ### Ask twice
#
# All that was about *means*. A faint spot covers about a hundredth of the image, and a mean dilutes
# it. So we ask again, with the same probe, tuned alike, in two other ways:
#
# - with **spread and extremes**: of every channel the mean, standard deviation, highest and lowest
#   answer over the image;
# - **one layer on**: the means behind the next layer, the $1 \times 1$ by which the following block
#   widens its input, with its activation. Such a layer looks no further; its field is that of the
#   depth before it. Behind stage 7 that layer is the head, and we read it *before* its activation.
#   The stem and the head are not asked so: no such layer stands behind them.

# %% tags=["key"]
again = {}
for name in ("own", "random"):
    for way in ("pooled", "behind"):
        reached = probes(one_way(threefold[name], way), tasks["lesion"], WAYS[way])
        again[name, way] = {d: probe.auc for d, probe in zip(WAYS[way], reached, strict=True)}

# %%
figure, place = plt.subplots(figsize=(5.4, 3.4))
for name, color, word in (("own", COLORS["blue"], ""), ("random", COLORS["orange"], ", random")):
    place.plot(auc[name, "lesion"], "o:", color=color, label=f"means{word}")
    place.plot([*again[name, "pooled"].values()], "s-", color=color,
               label=f"spread, extremes{word}")
    place.plot(range(1, 8), [*again[name, "behind"].values()], "^--", color=color,
               label=f"means, one layer on{word}", alpha=0.6)
place.set(xticks=range(len(DEPTHS)), xticklabels=WORDS, xlabel="depth", ylabel="test AUC, lesion",
          ylim=(0.35, 1.02))
place.axhline(0.5, color=COLORS["grey"], linestyle=":")
place.legend(fontsize=7, ncols=2, loc="lower right")
run.figure(
    figure, name="asked_twice", data=TASK_KIND,
    alt="Test AUC over depth. Trained: the means rise at stages 3 and 4; with spread and extremes"
    " the curve is high at stage 2 already; one layer on it is as high behind stage 3. Random: all"
    " three lie around one half.",
    caption="Asked for spread and extremes, stage 2 reads the lesion that its means do not show."
    f" Blue: trained network, own statistics; orange: random weights; lesions {TASK_KIND};"
    f" n = {n_train}, {n_validation} and {n_test} images, {size} px, one draw.",
)

# %%
for (name, way), curve in again.items():
    for depth, value in curve.items():
        run.result(f"auc_{way}_{name}_{depth}", value, unit="AUC", n=n_test, atol=0.005)
lead = auc["own", "atypia"][2] - auc["random", "atypia"].max()  # over the best random depth
run.result("stage2_lead_atypia", lead, unit="AUC", n=n_test, atol=0.01)
run.say(
    "Stage 2, asked for means, has {mean:.2f}; asked for spread and extremes too,"
    " {auc_pooled_own_stage2:.2f}, where random weights have {auc_pooled_random_stage2:.2f} and"
    " trained stage 6 has {auc_pooled_own_stage6:.2f}. Stage 3 has {third:.2f}, and one layer on"
    " {auc_behind_own_stage3:.2f} (random: {auc_behind_random_stage3:.2f}). Stage 7 has"
    " {seventh:.2f}, the head {auc_behind_own_stage7:.2f} before its activation and {head:.2f}"
    " behind it.",
    mean=auc["own", "lesion"][2], third=auc["own", "lesion"][3],
    seventh=auc["own", "lesion"][7], head=auc["own", "lesion"][8],
)

# %% [markdown]
# **The early layers carry over further than their means tell.** Asked for spread and extremes,
# stage 2 reads the lesion, somewhat less well than stage 6; random weights stay at guessing,
# however they are asked. What loses the lesion there is averaging before looking. (The dip behind
# it, at stages 3 and 4, is deep in this draw: four times as many numbers, and few images to weigh
# them by. In the trial recorded below four hundredths of it are left at stage 3, none at stage 4.)
# Nobody has shown that this is enough for a patient: here every patch holds one lesion, and the
# forty numbers by hand come near.
#
# **One layer on**, with not a pixel more seen, the means behind stage 3 read the lesion as well as
# any depth. (That layer has six times the channels, and more questions have more chances; how much
# of the gain is the layer's, we did not separate.) And the head reads better before its activation
# than behind it. How a depth is asked counts for as much as which depth is asked. (We only read
# features out: what a network cut early could *learn* is another experiment.)
#
# ## Is it the depth, or the scale?
#
# Our images are 64 pixels wide; the network learned from 224. A head of two by two units sees more
# padding than retina. And a lesion of given size is long for an early unit's field and short for a
# late one's. So "stage 3 reads it" may be a statement about *pixels*, too. Arithmetic first. A
# streak takes most light away in its middle, and $e^{-\rho^4}$ of that at the elliptic radius
# $\rho$, whose half axes are $r\sqrt q$ and $r/\sqrt q$; $r$ and $q$ are drawn evenly, between
# limits that happen to be the same for both, and we take their middle. Half is taken away at
# $\rho = (\ln 2)^{1/4}$, so that the streak is
#
# $$ \ell = 2\, r \sqrt q\, (\ln 2)^{1/4} $$
#
# long, and $2\, r\, (\ln 2)^{1/4} / \sqrt q$ wide. Magnify the image by $m$, and it is $m\ell$. The
# fields stay what they are. If nothing counted but the field in lengths of the lesion, then an
# image of twice the side would be read like the old one *by depths whose field is twice as large*.
# We magnify the same images, and ask for means.

# %% tags=["key"]
middle = (3.0 + 4.5) / 2
lesion_px = 2 * middle * np.sqrt(middle) * np.log(2) ** 0.25
side_px = magnify * size


# %%
def larger(split):
    """The lesion images of one split, magnified, in their order if no fault is planted."""
    images, labels = tasks["lesion"][split]
    return np.stack([at_size(image, side_px) for image in images]), labels


# %% tags=["key"]
large_lesions = {split: larger(split) for split in many}
large_means = features_of(source, large_lesions)
magnified = np.array([p.auc for p in probes(large_means, large_lesions)])
change = magnified - auc["own", "lesion"]

# %%
for depth in ("stage3", "stage4", "stage6", "stage7", "head"):
    k = DEPTHS.index(depth)
    run.result(f"auc_magnified_{depth}", magnified[k], unit="AUC", n=n_test, atol=0.005)
    run.result(f"change_{depth}", change[k], unit="AUC", n=n_test, atol=0.005)
run.say(
    "The streak is {length:.0f} pixels long, and {longer:.0f} when magnified {magnify} times; units"
    " of stage 3 use, under ImageNet's statistics, a field of {third} pixels, of stage 4 {fourth},"
    " of stage 6 {sixth}. Magnified,"
    " the lesion is read with {auc_magnified_stage3:.2f} at stage 3 ({change_stage3:+.2f}),"
    " {auc_magnified_stage6:.2f} at stage 6 ({change_stage6:+.2f}), {auc_magnified_stage7:.2f} at"
    " stage 7 ({change_stage7:+.2f}) and {auc_magnified_head:.2f} at the head"
    " ({change_head:+.2f}). The network learned nothing anew: the same images, larger, and a new"
    " probe at each depth.",
    length=lesion_px, longer=magnify * lesion_px, third=sides["own", "stage3"],
    fourth=sides["own", "stage4"], sixth=sides["own", "stage6"],
)

# %% [markdown]
# One draw and one magnification are an anecdote. A recorded trial asks every depth in all three
# ways, over several seeds, and tunes on three times as many images. Magnifying leaves the *share*
# of the picture that the lesion fills as it was. So the trial takes patches of two sizes: in one of
# twice the side a lesion of the same length fills a quarter of the share. And it resizes them: the
# small ones as they are and magnified, the large ones as they are and shrunk, which is what becomes
# of a photograph that is made to fit. Each seed counts as one observation; it draws the images and
# the random weights. (All images are patches of one retina, and the trained network is one:
# intervals speak of draws.)

# %%
crossed = experiment.recorded(run, "_depth_and_scale/sweep", optional=True)
crossed = DepthAndScale(crossed) if crossed else None
if crossed:
    sides_px, (patch, wide_patch) = crossed.sides, crossed.patches
SIZES = ("blue", "green", "purple", "black")
SPELLED = {"means": "means", "pooled": "extremes", "behind": "one on"}


# %%
def by_depth(place, way, side, color):
    """AUC over depth at one size: dots for seeds, their mean, and random weights."""
    curve = crossed.auc(way, side, patch)
    place.plot(range(len(DEPTHS)), curve, ".", color=color, alpha=0.4)
    place.plot(curve.mean(axis=1), "o-", color=color, label=f"{side} px")
    if side <= crossed.trial.fixed["random_px"]:  # random weights were not asked at larger sides
        random = crossed.auc(way, side, patch, who="random")
        place.plot(random.mean(axis=1), ":", color=color)
    place.set(xticks=range(len(DEPTHS)), xticklabels=WORDS, ylabel="test AUC", ylim=(0.4, 1))
    place.set_title("means" if way == "means" else "mean, spread and extremes")


# %%
if crossed:
    figure, axes = plt.subplots(2, 1, figsize=(5.4, 6.0), sharex=True)
    for place, way in zip(axes, ("means", "pooled"), strict=True):
        for side, paint in zip(sides_px, SIZES, strict=False):
            by_depth(place, way, side, COLORS[paint])
    axes[0].legend(title=f"patches of {patch} px, resized to", loc="upper left")
    axes[1].set(xlabel="depth")
    run.figure(
        figure, name="scale", data="real and simulated",
        alt="Two panels of AUC over depth, a curve for each size. Means: the larger picture is read"
        " worse at stages 3 and 4, better from stage 5 on. Spread and extremes: worse at stage 2,"
        " better from stage 3 on.",
        caption="Magnified, the lesion is read worse at the early depths that read it and better at"
        " the late ones; which these are depends on the way of asking. Dots: seeds; dotted lines:"
        " random weights."
        " Trained network, own statistics; real retina, simulated lesions; recorded,"
        f" n = {crossed.n} draws of patches from one retina.",
    )


# %%
def in_words(way, depth, there, here=None):
    """A recorded mean with its interval; with `here`, of the change from there to here."""
    if depth not in WAYS[way]:
        return ""
    values = crossed.at(way, depth, *there)
    if here:
        return f"{mean_interval(values - crossed.at(way, depth, *here)):+.2ci}"
    in_full = f"{mean_interval(values, within=(0, 1)):.2ci}"
    return in_full if way == "means" else f"{values.mean():.2f}"


# %%
if crossed:
    columns = {f"{SPELLED[way]}, {side} px": (way, (side, patch))
               for way in WAYS for side in sides_px}
    rows = [{"depth": d} | {name: in_words(way, d, there) for name, (way, there) in columns.items()}
            for d in DEPTHS]
    run.table(rows, name="scale", caption="Recorded: test AUC for the lesion by depth and side of"
              f" the picture, patches of {patch} px, asked for means (with 95 % t intervals), for"
              " spread and extremes too (column extremes: mean, standard deviation, highest,"
              " lowest), and for means one layer on (empty: there is no such layer)."
              f" n = {crossed.n} draws.")
    run.say(str(crossed.trial.made) + " Again: `medbook sweep"
            " translation/inside_the_visual_brain/_depth_and_scale -g side_units=2,4 -g size=64,128"
            " --seeds 0-5 --accept`.")

# %%
if crossed:
    as_it_is, large = (sides_px[0], patch), (sides_px[1], patch)
    told_apart = {"larger": large, "less of the picture": (wide_patch, wide_patch)}
    columns = {f"{word}: {SPELLED[way]}": (way, there)
               for word, there in told_apart.items() for way in WAYS}
    rows = [{"depth": d}
            | {name: in_words(way, d, there, as_it_is) for name, (way, there) in columns.items()}
            for d in DEPTHS]
    run.table(rows, name="share", caption="Recorded: change of the test AUC, paired by seed (95 %"
              f" t intervals, n = {crossed.n}), against patches of {patch} px as they are. Larger:"
              f" the same patches at {large[0]} px; the lesion is twice as long and fills the same"
              f" share. Less of the picture: patches of {wide_patch} px as they are; the lesion is"
              " as long as before and fills a quarter of the share.")

# %% [markdown]
# And is it the *effective* field that counts? Then the curves of several sizes would become one
# when they are drawn over the field in lengths of the lesion. For comparison we try other numbers
# that grow with depth: the depth's own number, its stride $d$ and its theoretical field $f$, the
# last two in lengths of the lesion as well. (The fields were measured on far larger images. A patch
# is narrower than the fields of its late depths; there the picture, not the field, is the limit.)
# Each curve in turn is left out; the rest is joined to
# one rising curve, and we note how far the one that was left out lies from it.

# %%
from medlib.translation.seeing.one_curve import off_one_curve

grows = {
    "number of the depth": None,
    "stride": [fields[d].stride_px for d in DEPTHS],
    "theoretical field": [fields[d].size_px for d in DEPTHS],
    "effective field": [sides["own", d] for d in DEPTHS],
}


def places_of(numbers, side, patch):
    """Where stem to stage 7 lie: in lengths of the lesion or, without numbers, in order."""
    length = lesion_px * side / patch
    return np.arange(8.0) if numbers is None else np.array(numbers[:8]) / length


# %%
if crossed:
    figure, place = plt.subplots(figsize=(5.4, 3.4))
    for (side, paint), (of, style) in product(zip(sides_px, SIZES, strict=False),
                                              zip(crossed.patches, ("o-", "s:"), strict=True)):
        across = places_of(grows["effective field"], side, of)
        place.semilogx(across, crossed.auc("means", side, of).mean(axis=1)[:8], style,
                       color=COLORS[paint], label=f"{of} px to {side}")
    place.set(xlabel="effective field / length of the streak (without the head)",
              ylabel="test AUC, means")
    place.axvline(1, color=COLORS["grey"], linestyle=":")
    place.legend(fontsize=7)
    run.figure(
        figure, name="field_and_share", data="real and simulated",
        alt="Curves of AUC over field divided by length. They are not one: the larger the picture,"
        " the further left they rise; those of large patches lie far below.",
        caption="If the field in lengths of the lesion were all that counts, these curves would be"
        " one. At the same ratio a deeper depth reads the lesion better, and where the lesion fills"
        f" a smaller share (dotted) all read it worse. Means; real retina, simulated lesions;"
        f" recorded, n = {crossed.n} draws.",
    )


# %%
def off(numbers, way, of):
    """How far the curves of patches of one size lie from each other over some numbers."""
    x = [places_of(numbers, side, of) for side in sides_px]
    return off_one_curve(x, [crossed.auc(way, side, of).mean(axis=1)[:8] for side in sides_px])


# %%
if crossed:
    columns = {f"{SPELLED[way]}, {of} px": (way, of)
               for way in ("means", "pooled") for of in crossed.patches}
    rows = [{"over": word} | {name: f"{off(numbers, *what):.3f}" for name, what in columns.items()}
            for word, numbers in grows.items()]
    run.table(rows, name="one_curve", caption="How far each curve lies from the one that the other"
              f" sizes make (root mean square, AUC), stem to stage 7: patches of {patch} and"
              f" {wide_patch} px, each at {len(sides_px)} sides. Smaller is nearer to one curve.")
    for word, numbers in grows.items():
        away = off(numbers, "means", patch)
        run.result(f"off_{word.split()[0]}", away, unit="AUC", n=crossed.n, atol=0.005)

# %%
if crossed:
    at = {(way, d, side): crossed.at(way, d, side, patch)
          for way in ("means", "behind") for d in WAYS[way] for side in sides_px}
    equal = {side: crossed.one("auc_equal_stage6", side, patch) for side in sides_px}
    compared_by = {
        "late_gain": lambda side: at["means", "stage6", side] - at["means", "stage5", side],
        "late_gain_equal": lambda side: equal[side] - at["means", "stage5", side],
        "late_gain_behind": lambda side: at["means", "stage6", side] - at["behind", "stage5", side],
        "stage7_gain": lambda side: at["means", "stage7", side] - at["means", "stage6", side],
        "head_gain": lambda side: at["means", "head", side] - at["means", "stage6", side],
    }

# %%
if crossed:
    spelled = {}
    for word, gain in compared_by.items():
        for side in sides_px:
            gained = mean_interval(gain(side), unit="AUC")
            run.result(f"{word}_{side}px", gained, atol=0.005)
        spelled[word] = ", ".join(f"{{{word}_{side}px:+.2ci}} at {side} px" for side in sides_px)
    run.say(
        f"Asked for means, from stage 5 to stage 6 the AUC changes by {spelled['late_gain']}; when"
        " stage 6 may use only as many of its channels as stage 5 has, drawn by lot, by"
        f" {spelled['late_gain_equal']}; from one layer behind stage 5 to stage 6 by"
        f" {spelled['late_gain_behind']}. From stage 6 to stage 7 by {spelled['stage7_gain']}; from"
        f" stage 6 to the head by {spelled['head_gain']} (95 % t intervals, paired by seed)."
    )

# %%
if crossed:
    ways_of = {"means": ["means"], "ways": list(WAYS)}
    best_of = {(word, side, of): crossed.chosen(side, of, ways=ways)
               for word, ways in ways_of.items() for side in sides_px for of in crossed.patches}
    for (word, side, of), reached in best_of.items():
        reached = mean_interval(reached, unit="AUC", within=(0, 1))
        run.result(f"chosen_{word}_{of}px_to_{side}px", reached, atol=0.005)
    for word, (before_px, side) in product(ways_of, pairwise(sides_px)):
        gained = best_of[word, side, patch] - best_of[word, before_px, patch]
        gained = mean_interval(gained, unit="AUC")
        run.result(f"magnified_gain_{word}_{side}px", gained, atol=0.005)

# %%
if crossed:
    reach, gain = {}, {}
    for word in ways_of:
        reach[word] = ", ".join(f"{{chosen_{word}_{patch}px_to_{s}px:.2ci}}" for s in sides_px)
        gain[word] = ", ".join(f"{{magnified_gain_{word}_{s}px:+.2ci}} up to {s} px"
                               for s in sides_px[1:])
    kept, shrunk = (f"{{chosen_ways_{wide_patch}px_to_{s}px:.2ci}}" for s in (wide_patch, patch))
    at_sides = " and ".join(f"{side} px" for side in sides_px)
    run.say(
        f"With the depth chosen on validation images, means reach {reach['means']} at {at_sides};"
        f" with the way of asking chosen as well, {reach['ways']}. Magnifying gains"
        f" {gain['means']} for means, and {gain['ways']} where the way is chosen. A patch of"
        f" twice the side, as it is, is read with {kept}, and shrunk to half with {shrunk}."
    )

# %% [markdown]
# What remains of "the early ones transfer, the late ones are useless"?
#
# - **Early ones transfer**: yes, to a depth that is asked for more than means. For the same lesion
#   at twice the size, reading moves to deeper depths: spread and extremes let stage 2 read it as it
#   is; of the magnified one stage 2 has lost much, and stage 3 reads it. (By means the *best* depth
#   stays where it was.) A depth must see far enough.
# - **Far enough in what?** Not in effective fields alone. In no column of the table above do the
#   curves of two sizes lie closest over these; asked for means, they lie closer over the plain
#   number of the depth. At the same ratio of field to lesion the deeper depth reads better. What
#   layers do counts beside how far they look.
# - **The share counts as well.** In a patch of twice the side, with a lesion as long as before,
#   every depth that read it reads it worse. A mean is diluted; an extreme has to compete with those
#   of four times as much retina. The extremes of stage 2 lose least, and the means of the layers
#   behind stages 3 and 5. (More than the share differs: a larger map has less border.)
# - **Late ones are useless**: no. Asked for means, stage 6 reads the lesion better than stage 5, at
#   either size, and keeps most of that lead with no more channels than stage 5 has. But the means
#   one layer behind stage 5, of many more channels, read it as well, and the magnified one better:
#   what stage 6 reads is there in stage 5, though not where a mean of its own would find it.
# - **The head**, asked for means, loses some hundredths against stage 6 at either size. Read before
#   its activation, which is one layer on from stage 7, it gives most of that back. It is a matter
#   of how one asks, and we cannot say that a late layer "belongs" to anything.
#
# So what this trial teaches is not "throw the late layers away". Nor is it "make everything fit the
# size from which the network learned": a small patch gained a little by being magnified, and a
# large one that was shrunk was read much worse, even with the depth and the way of asking chosen.
# Try patches and magnifications,
# ask in more than one way, and choose on validation images. (A retina is many small patches, and
# each of them can raise a false alarm. We asked single patches, each with its lesion.)
#
# ### A control that can go red
#
# The same task, the same labels, but the lesion painted out: drawn with next to no contrast. If a
# probe still told "dots" from "streaks", the labels would leak from somewhere else, and all of the
# above would be worth nothing. Every depth is asked in all three ways, and the one *farthest* from
# guessing counts: an early depth may see a leak that a mean over depths hides. It must lie within
# the interval that holds the largest of so many in all but one of a hundred draws, if all are
# guessing; the number of test images sets its width. (It is computed as if the probes were
# independent. They are not, so that the true one is narrower and the test a little too lenient.)

# %% tags=["key"]
blank = {}
for split, n in many.items():
    sample, labels = fundus_lesions(n, split=split, rng=run.rng(f"blank {split}"), size=size,
                                    contrast=1e-9)
    blank[split] = with_leak(sample.array, labels), labels
blank_asked = features_of(source, blank, three_ways)
nothing = [probes(one_way(blank_asked, way), blank, WAYS[way]) for way in WAYS]
nothing = np.array([probe.auc for reached in nothing for probe in reached])
farthest = np.abs(nothing - 0.5).max()
bound = stats.norm.isf((1 - 0.99 ** (1 / len(nothing))) / 2) * guess  # 99 %, largest of so many

# %%
run.result("auc_blank_farthest", farthest, unit="AUC", n=n_test, atol=0.01)
run.say("With nothing to be seen the farthest of {n} probes lies {auc_blank_farthest:.2f} from one"
        " half; allowed {bound:.2f}.", n=len(nothing), bound=bound)

# %% [markdown]
# ## Which depths move when we fine-tune?
#
# Now let all layers learn the medical task for a short while, at one rate for all, and compare each
# depth before and after. Channel by channel that is meaningless: a network may turn its features
# around without losing anything. **Centred kernel alignment** ([Kornblith et
# al.](https://doi.org/10.48550/arXiv.1905.00414)) compares what the features say about *pairs of
# images*. Let $X$ hold the features of $n$ images before, one image a row, with each column's mean
# subtracted, and $Y$ those after. $K = XX^\top$ and $L = YY^\top$ are the two tables of
# similarities of images. Then
#
# $$ \operatorname{CKA} = \frac{\sum_{ij} K_{ij} L_{ij}}
#    {\sqrt{\sum_{ij} K_{ij}^2 \, \sum_{ij} L_{ij}^2}} , $$
#
# the cosine between two tables: one if they agree up to a factor. It does not change when features
# are rotated, shifted, or all multiplied by one number.

# %% tags=["key"]
from medlib.translation.seeing.cka import linear_cka


def by_hand(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    K, L = x @ x.T, y @ y.T
    return (K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum())


# %%
there, end = (first["own", "lesion"]["test"][d].astype(float) for d in ("stage3", "head"))
run.say("Stage 3 against the head on the same images: {hand:.4f} by hand, {library:.4f} by the"
        " library.", hand=by_hand(there, end),
        library=linear_cka(there, end, debiased=False))

# %% [markdown]
# One trap first. With more channels than images every table is nearly diagonal, each image being
# most like itself, and any two nearly diagonal tables look alike. Take features that are nothing
# but noise:

# %%
noise = run.rng("noise").normal(size=(2, n_test, 1280))
run.result("cka_noise_biased", linear_cka(*noise, debiased=False), n=n_test, rtol=1e-4)
honest = run.result("cka_noise_debiased", linear_cka(*noise), n=n_test, atol=1e-4)
run.say("CKA of two tables of pure noise: {cka_noise_biased:.2f}. With an unbiased estimate of"
        " its sums, which leaves the diagonals out: {cka_noise_debiased:+.3f}.")

# %% [markdown]
# So we use the unbiased estimate (L. Song et al., Journal of Machine Learning Research 13:1393;
# [Nguyen et al.](https://doi.org/10.48550/arXiv.2010.15327)) everywhere below. And we fine-tune
# twice: once with the true labels, once with labels dealt out at random, from which nothing can be
# learned about the retina. Each time the new classifier is first fitted on the frozen features, and
# the normalisation keeps ImageNet's statistics throughout.

# %%
from medlib.nets.depths import depth_of
from medlib.nets.features import as_linear, fit_head
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.finetuning import fine_tune

lesion_task = tasks["lesion"]
images, true = lesion_task["train"]
prepared = {s: preprocess(x, device=run.device) for s, (x, _) in lesion_task.items()}
learned = {"true labels": true, "random labels": run.rng("random labels").permutation(true)}

# %% tags=["key"]
tuned = {}
for name, labels in learned.items():
    head = as_linear(fit_head(first["own", "lesion"]["train"]["head"], labels))
    tuned[name] = fine_tune(
        Arm(name, moves="all", peak_rate=rate), source, prepared["train"],
        torch.from_numpy(labels), head=head, steps=steps, batch_size=8,
        generator=run.torch_generator(f"batches {name}"),
    ).network

# %%
def cka_or_zero(x, y):
    """CKA; zero where a training came to grief, and all images have the same features."""
    return linear_cka(x, y) if min(np.ptp(x, axis=0).max(), np.ptp(y, axis=0).max()) > 0 else 0.0


# %%
looked_at = small_photographs[:n_test]
old = {"retina": first["own", "lesion"]["test"]}
old["photographs"] = features_by_depth(source, looked_at)
cka, after_tuning = {}, {}
for name, network in tuned.items():
    read = {s: features_by_depth(network, x) for s, x in prepared.items()}
    new = {"retina": read["test"], "photographs": features_by_depth(network, looked_at)}
    for what, x in new.items():
        cka[name, what] = [cka_or_zero(old[what][d], x[d]) for d in DEPTHS]
    after_tuning[name] = np.array([p.auc for p in probes(read, lesion_task)])


# %%
def weight_change(network, depth):
    """Size of the change of a depth's weights, as a share of their own size."""
    old, new = (dict(net.named_parameters()) for net in (source, network))
    here = [name for name in old if depth_of(name) == DEPTHS.index(depth)]
    parts = zip(*((new[n] - old[n], old[n]) for n in here), strict=True)
    change, own = (torch.cat([x.detach().flatten() for x in part]).norm() for part in parts)
    return float(change / own)


# %%
figure, axes = plt.subplots(2, 1, figsize=(5.4, 5.6), sharex=True)
styles = {"retina": "o-", "photographs": "s--"}
paints = {"true labels": COLORS["blue"], "random labels": COLORS["orange"]}
lines = {f"{name}, {what}": (v, paints[name], styles[what]) for (name, what), v in cka.items()}
along_depth(axes[0], lines, ylabel="CKA, before and after", ylim=(0, 1.03))
axes[0].legend(loc="lower left")
lines = {"before": (auc["own", "lesion"], COLORS["grey"], "o:")}
lines |= {name: (v, paints[name], "o-") for name, v in after_tuning.items()}
along_depth(axes[1], lines, ylabel="probe, lesion: test AUC", ylim=(0.35, 1.02))
axes[1].legend(loc="lower right")
run.figure(
    figure, name="moved", data=TASK_KIND,
    alt="Above: CKA near one at the early depths and falling, for true and for random labels; lower"
    " on the retina than on photographs. Below: probes before and after; the late depths have lost"
    " after true labels, and more after random ones.",
    caption=f"Above: {steps} steps change most what the late depths say, whether labels mean"
    " something or not. Below: after so few steps late depths are read worse after either training,"
    " after random labels most. Longer trainings say otherwise, see the text. Lesion task"
    f" {TASK_KIND}, n = {n_test} test images;"
    f" n = {len(looked_at)} real crops of photographs.",
)

# %%
rows = [
    {"depth": depth}
    | {f"CKA, {name}": f"{cka[name, 'retina'][k]:.3f}" for name in tuned}
    | {"weights changed by": f"{weight_change(tuned['true labels'], depth):.2%}"}
    for k, depth in enumerate(DEPTHS)
]
run.table(rows, name="moved", caption="CKA on the retina before and after fine-tuning; change of a"
          " depth's own weights, as a share of their size (true labels).")

# %%
for name, word in (("true labels", "true"), ("random labels", "random")):
    run.result(f"cka_stage2_{word}", cka[name, "retina"][2], n=n_test, atol=0.002)
    run.result(f"cka_stage7_{word}", cka[name, "retina"][7], n=n_test, atol=0.01)
    run.result(f"auc_tuned_{word}", after_tuning[name][5:].mean(), unit="AUC", n=n_test, atol=0.005)
run.result("auc_untuned", auc["own", "lesion"][5:].mean(), unit="AUC", n=n_test, atol=0.005)
run.say(
    "With true labels CKA is {cka_stage2_true:.3f} at stage 2 and {cka_stage7_true:.2f}"
    " at stage 7; with random ones {cka_stage2_random:.3f} and"
    " {cka_stage7_random:.2f}. Probes from stage 5 on had a mean AUC of"
    " {auc_untuned:.2f} before; they have {auc_tuned_true:.2f} after true labels and"
    " {auc_tuned_random:.2f} after random ones."
)

# %% [markdown]
# (The probes after fine-tuning are fitted on the images that the network was fitted to; some of
# what they lose may be that.) On the retina CKA falls with depth, for true labels and for random
# ones alike; photographs, on which nothing was trained, change less. It
# must not be read as "late layers move most": the features of a depth carry the changes of *all*
# weights before it, so that CKA would fall even if all layers moved alike. The last column of the
# table asks each depth's weights alone. Early ones do move less, at the same rate; but that, too,
# is partly the optimiser's doing: AdamW moves every weight by about as much, which is a small share
# where weights are large.
#
# And "the late layers adapted to the retina" cannot be read off CKA either: it says *that* features
# changed, not that they changed for the better. That is for the probes to say, and after so few
# steps they say the opposite: worse, after true labels as well. One training of each kind on one
# draw cannot tell so small a change from chance, so we claim neither a loss nor a gain. Nor was
# this training at its end. With twice the steps, on two seeds, the probes of the late depths rise
# above what they were before, with four times far above, after true labels only; and with four
# times the steps CKA at stage 7 falls much further after true labels than after random ones. So
# that both look alike, and that late depths lose, is said of this short training and of no longer
# one.
#
# ## What breaks it
#
# **The border.** Filters at the image's edge see zeros beyond it, and $b$ is not added to those: at
# the border every derivative filter finds an edge of height $b$ that is not in the patient. That is
# why the filters by hand answered only where they fit; let them stick out, and the law fails. The
# probes have no such protection, and small images are mostly border to a late unit.
#
# **Statistics of another size.** We saw the ceiling of the random network. The fields tell the
# same: give *both* networks the statistics of small crops, alike but at the wrong size, and measure
# them on the large photographs once more.

# %%
for name, network in alike_small.items():
    side = side_holding(measured(network, "head"))
    run.result(f"side_head_wrong_size_{name}", side, unit="px", n=n_fields, atol=10)
run.say("Head, on the photographs of the table, trained against random: {trained} and {random}"
        " pixels with statistics of the size of use, {side_head_wrong_size_trained:.0f} and"
        " {side_head_wrong_size_random:.0f} with those of {size} pixels.",
        trained=sides["trained", "head"], random=sides["random", "head"])

# %% [markdown]
# Alike is not enough; alike *and* at the size of use.
#
# **One loud channel.** CKA is blind to rotation but not to the scale of a single channel. Multiply
# one channel by ten: nothing is lost, a probe that standardises its features does not even
# notice. CKA does.

# %% tags=["key"]
loud = old["retina"]["stage5"].astype(float)
busiest = loud.std(axis=0).argmax()
louder = loud * np.where(np.arange(loud.shape[1]) == busiest, 10.0, 1.0)

# %%
run.result("cka_loud", linear_cka(loud, louder), n=n_test, atol=0.005)
run.say("Stage 5 with one channel of {channels} ten times as loud: CKA {cka_loud:.2f}.",
        channels=loud.shape[1])

# %% [markdown]
# **The mean over the image.** Our probes and our CKA see channel *means*. A derivative filter with
# an offset answers up at one side of a nucleus and down at the other, and the mean is nothing.
# Random filters have no offset: half of their answers are cut off, and the mean of the rest
# measures how many borders there are. If that is why the random stem won on tissue, then taking the
# offset from the trained stem must help it, and giving one to the random stem must hurt.


# %%
@torch.no_grad()
def stem_means(network, images, offset, which):
    stem = copy.deepcopy(network.stem)
    if offset is not None:
        stem[1].bias[which] = offset
    maps = network.activation(stem(preprocess(images, device=run.device)))
    return maps.mean(dim=(2, 3)).cpu().numpy()


# %%
learned_offset, every = float(np.median(offset[derivative])), slice(None)
swaps = {
    ("trained", "own"): (None, every),
    ("trained", "swapped"): (0.0, every),
    ("trained", "derivative"): (0.0, derivative),
    ("random", "own"): (None, every),
    ("random", "swapped"): (learned_offset, every),
}

# %%
stem = {}
for (name, word), (given, which) in swaps.items():
    parts = [(stem_means(small_networks[name], x, given, which), y)
             for x, y in tasks["atypia"].values()]
    changed = stem[name, word] = tuned_probe(*parts, strengths=strengths).auc
    run.result(f"auc_atypia_{name}_stem_{word}", changed, unit="AUC", n=n_test, atol=0.005)

# %%
run.say(
    "Both stems have the statistics of the same photographs here; the table above has the trained"
    " one under ImageNet's. Without its offset the trained stem rises from"
    " {auc_atypia_trained_stem_own:.2f} to {auc_atypia_trained_stem_swapped:.2f}, and to"
    " {auc_atypia_trained_stem_derivative:.2f} when only the {few} derivative filters lose it:"
    " {all_lose:.0%} and {few_lose:.0%} of the random stem's lead. With an offset of {given:.1f}"
    " the random one falls from {auc_atypia_random_stem_own:.2f} to"
    " {auc_atypia_random_stem_swapped:.2f}.",
    given=learned_offset, few=len(derivative),
    all_lose=(stem["trained", "swapped"] - stem["trained", "own"])
    / (stem["random", "own"] - stem["trained", "own"] or 1),
    few_lose=(stem["trained", "derivative"] - stem["trained", "own"])
    / (stem["random", "own"] - stem["trained", "own"] or 1),
)

# %% [markdown]
# So in this draw the offset is a good part of the random stem's lead, not all of it. (Over ten
# other seeds the trained stem without its offset and the random one can no longer be told apart.)
# Once more: what a depth "knows" depends on how one asks it.
#
# **A negative scale.** $a < 0$ is not removed by any normalisation. This network's offsets let both
# signs through the first layer; one with plain ReLUs and no offsets would show other edges on MRI
# than on CT.
#
# **Few scenes, one eye, one network.** Fourteen photographs are not ImageNet, one retina is no
# population, and other networks have other fields. What we claim is that the answer moves with the
# scale and with the way of asking, not the numbers.
#
# ## What we claim
#
# Each conclusion carries its margin: how far it was from no longer holding.

# %%
text = "the affine law holds for all first-layer filters to nine digits (a test of the code)"
digits = -np.log10(max(law_error, 1e-17)) - 9
run.claim(text, digits > 0, margin=digits, unit="digits", falsified_by="falsify_border")
text = "statistics alike, trained fields at stage 5 are narrower than random and shuffled ones"
narrow = min(wider[n, "stage5"].low for n in ("random", "shuffled"))  # of 95 % over photographs
run.claim(text, narrow > 0, margin=narrow, unit="px", falsified_by="falsify_shuffled")

# %%
text = "the head's activation parts kinds of images, more with trained weights than with random"
part = {n: spread(n, "head") - spread(n, UNCUT) for n in pair}
parted = part["trained"] - part["random"] - 0.1
run.claim(text, parted > 0, margin=parted, falsified_by="falsify_drawn")

# %%
text = "by means no depth up to stage 2 comes within 0.2 of the best; with extremes stage 2 does"
lesion = auc["own", "lesion"]  # best: the depth that validation images choose
early = lesion[best] - lesion[:3].max() - 0.2
second = {name: again[name, "pooled"]["stage2"] for name in ("own", "random")}
near, by_training = 0.2 - (lesion[best] - second["own"]), second["own"] - second["random"] - 0.2
asked = min(early, near, by_training)  # and random weights stay 0.2 behind stage 2
run.claim(text, asked > 0, margin=asked, unit="AUC", falsified_by="falsify_shortcut")
text = "by means the lesions, magnified, are read deeper: stage 7 gains over 0.03 on stage 3"
moved = change[DEPTHS.index("stage7")] - change[DEPTHS.index("stage3")] - 0.03
run.claim(text, moved > 0, margin=moved, unit="AUC", falsified_by="falsify_unmagnified")

# %%
text = "on simulated tissue the random stem beats the trained one, and the offset is part of why"
bite = stem["random", "own"] - stem["trained", "own"]
offset_helps = stem["trained", "swapped"] - stem["trained", "own"]
offset_hurts = stem["random", "own"] - stem["random", "swapped"]
why = min(bite, offset_helps, offset_hurts)
run.claim(text, why > 0, margin=why, unit="AUC", falsified_by="falsify_drawn")

# %%
text = "forty numbers by hand come within 0.1 of trained stage 2, asked for extremes"
by_hand = by_forty - second["own"] + 0.1
run.claim(text, by_hand > 0, margin=by_hand, unit="AUC", falsified_by="falsify_sum")

# %%
text = "with the lesion painted out no depth's probe leaves the 99 % interval of guessing"
spare = bound - farthest
run.claim(
    text, spare > 0, margin=spare, unit="AUC", control=True, falsified_by="falsify_leak"
)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - A derivative filter removes $b$, never $a$; batch statistics remove both, fixed ones neither.
# - MRI is CT rescaled in places, with either sign. Edges carry over, their direction need not.
# - What a unit can see says little about what it looks at. Measure the gradient.
# - Compare networks under statistics taken alike, at the size of use. Else you compare statistics.
# - Compare depths before an activation, or all behind one. A cut at zero stretches every ratio.
# - A mean over the image dilutes what is small. Before you say that a layer does not know, ask it
#   for its extremes, and ask one layer on.
# - Which depth is best depends on the question, on the scale, and on how it is asked. Twice as
#   large, a lesion is read better by late depths and worse by the early ones that read it before;
#   in a larger patch it is read worse, in a shrunk one hardly.
# - Tune every probe on validation images, and put a random network beside it, and numbers by hand:
#   some that know nothing of the question, and some that do.
# - CKA tells how far the features of a depth moved, not why, nor whether its own weights did.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("inside-the-visual-brain-field")` gives a hint, and then
# another; `run.solution("inside-the-visual-brain-field")` shows how it is done.
#
# ```{exercise}
# :label: inside-the-visual-brain-field
# Stage 4 has three blocks with depthwise kernels; the first has stride 2, the others 1. The table
# above gives its field with kernels of $3 \times 3$. Suppose that all three were $5 \times 5$. At
# stage 3, $f = 67$ and $d = 8$. How many pixels would a unit of stage 4 see in width?
# ```

# %% tags=["self-check"]
answer_px = None  # a number of pixels
run.check("inside-the-visual-brain-field", answer_px)

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-sharpen
# Write a filter of $3 \times 3$ that answers to $aI + b$ with $a$ times its answer to $I$ *plus
# exactly $b$*, that answers to a light spot more than a plain copy does, and that treats all four
# neighbours of a pixel alike and the four diagonal ones as if they were not there.
# ```

# %% tags=["self-check"]
my_filter = None  # an array of 3 rows and 3 columns
run.check("inside-the-visual-brain-sharpen", my_filter)

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-eps
# A scanner is set so low that all images come out at $a = 1/100$. Normalisation uses the batch's
# own statistics, $\varepsilon = 10^{-3}$. How large must the variance $v$ of a filter's answers to
# the *original* images be, at least, so that nine tenths of its normal output are left? Round up to
# a whole number.
# ```

# %% tags=["self-check"]
v_least = None  # a variance
run.check("inside-the-visual-brain-eps", v_least)

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-cka
# Make a table of features with three columns that has a (biased) CKA of one with `puzzle` below,
# yet whose columns correlate with none of the columns of `puzzle` by more than nine tenths.
# ```

# %% tags=["self-check"]
puzzle = noise[0][:, :3]
mine = None  # an array of as many rows and 3 columns, made from puzzle
run.check("inside-the-visual-brain-cka", mine, given={"puzzle": puzzle})

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-share
# A patch of twice the side holds the same lesion, unmagnified, at the same depth of the network. It
# moves the channel's answers at as many places as before, among four times as many. Take the
# answers at different places for independent and alike in spread. The probe sees how far the lesion
# moves the channel's *mean*, in standard deviations of that mean from patch to patch. By what
# factor is that smaller than before?
# ```

# %% tags=["self-check"]
factor = None  # a number, larger than one
run.check("inside-the-visual-brain-share", factor)

# %% [markdown]
# With a network connection there is more to try: `medbook run translation/inside_the_visual_brain
# -p dataset=pathmnist`, tumour against normal mucosa, in colour. Predict first: at which depth does
# the curve of the means reach its plateau, and is the random network's stem above guessing? One
# claim above speaks of the earliest depths; it was made for the retina. Does it hold there? Nobody
# marks this: we do not print what we have not run with this version.

# %% [markdown]
# ## Further reading
#
# - Effective receptive fields: W. Luo et al.,
#   [doi:10.48550/arXiv.1701.04128](https://doi.org/10.48550/arXiv.1701.04128). Arithmetic of
#   theoretical ones, with all special cases: A. Araujo et al.,
#   [doi:10.23915/distill.00021](https://doi.org/10.23915/distill.00021)
# - What channels answer to, from edges to objects: M. D. Zeiler and R. Fergus,
#   [doi:10.48550/arXiv.1311.2901](https://doi.org/10.48550/arXiv.1311.2901)
# - Transfer, depth by depth: {cite}`yosinski2014`; for medical images: {cite}`raghu2019`.
# - CKA: S. Kornblith et al.,
#   [doi:10.48550/arXiv.1905.00414](https://doi.org/10.48550/arXiv.1905.00414); its unbiased form:
#   T. Nguyen et al.,
#   [doi:10.48550/arXiv.2010.15327](https://doi.org/10.48550/arXiv.2010.15327); its weak sides: M.
#   Davari et al., [doi:10.48550/arXiv.2210.16156](https://doi.org/10.48550/arXiv.2210.16156)
# - Linear probes: G. Alain and Y. Bengio,
#   [doi:10.48550/arXiv.1610.01644](https://doi.org/10.48550/arXiv.1610.01644)
# - Batch normalisation: {cite}`ioffe2015`; the network: {cite}`tan2019`.
