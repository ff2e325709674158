# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # From edges to objects
#
# **Question.** A company offers a clinic a program that reads photographs of the back of the eye.
# Nobody had a million such photographs, so its network first learned from a million pictures of
# cats, cups and cars. "No matter," says the salesman, "an edge is an edge. The early layers carry
# over, the late ones we throw away." If he is right, good. If it is the late layers that tell a
# round bleeding from a harmless streak, the program was cut where it hurts, and the patients whom
# it sends home will find out. Can one look inside and see?
#
# **Objectives.** After this chapter you will be able to
#
# - compute how much of an image a unit of a network can see, and measure how much it looks at;
# - say exactly what a change of scale and zero, $aI + b$, does to a filter and to the
#   normalisation behind it;
# - show what a channel answers to without flattering yourself;
# - ask every depth of a network the same question, against the baselines that count;
# - measure which depths moved in fine-tuning, and know what that number does not say.
#
# **Prerequisites.** Python, the chain rule, convolutional networks, logistic regression, and what
# an AUC is. **Minutes.** About 50 minutes.
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
n_fields: int = 3  # images behind each gradient field, 1 ≤ x ≤ 100
n_views: int = 14  # views of each kind shown to the channels, 4 ≤ x ≤ 500
view_units: int = 7  # side of those views, in units of 32 pixels, 2 ≤ x ≤ 27
size: int = 64  # side of the tasks' images in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a simulated lesion takes away, 0 < x ≤ 0.8
n_train: int = 300  # training images of each task, even, 28 ≤ x ≤ 5000
n_test: int = 200  # test images of each task, even, 28 ≤ x ≤ 5000
strength: float = 1.0  # C of the probes' logistic regression, 0 < x ≤ 1000
n_deals: int = 40  # times that labels are dealt out at random, 2 ≤ x ≤ 1000
steps: int = 120  # steps of fine-tuning, 2 ≤ x ≤ 10000
rate: float = 3e-4  # highest learning rate of fine-tuning, 0 < x ≤ 1

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import minimum_filter

from data_fetch.packaged import head_ct, ihc, imagenet_weights, mni152
from data_fetch.packaged import photograph, photograph_names, retina
from data_fetch.square_crops import square_crops, which_photograph
from medlib import experiment
from medlib.experiment import COLORS
from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.efficientnet_lite import initialise, load_imagenet, preprocess

run = experiment.start("translation/inside_the_visual_brain", locals())

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


def framed(place, color):
    """A coloured frame around an image."""
    for spine in place.spines.values():
        spine.set(visible=True, color=color, linewidth=2)


def along_depth(place, lines, *, ylabel, **limits):
    """Lines over depth: name -> (values, colour, style)."""
    for name, (values, color, style) in lines.items():
        place.plot(range(len(values)), values, style, color=color, label=name)
    place.set(xticks=range(len(DEPTHS)), xticklabels=WORDS, xlabel="depth", ylabel=ylabel, **limits)


def two_rows(columns, above, below):
    """Columns of two images on one grey scale: title -> (upper, lower, limit)."""
    figure, axes = plt.subplots(2, len(columns), figsize=(7.2, 3.9))
    for line, (title, (upper, lower, limit)) in zip(axes.T, columns.items(), strict=True):
        bare(line[0], upper, title, vmin=-limit, vmax=limit)
        bare(line[1], lower, vmin=-limit, vmax=limit)
    axes[0, 0].set_ylabel(above)
    axes[1, 0].set_ylabel(below)
    return figure


def depth_frame(depth):
    """One position of the slider: the field, and what three channels answer to."""
    figure = plt.figure(figsize=(7.2, 2.6))
    left, right = figure.subfigures(1, 2, width_ratios=[1, 2.5])
    place = left.subplots()
    found, theory, held = trained[depth], fields[depth], sides["trained", depth]
    middle, last = found.centre_px[0], found.energy.shape[0] - 1
    reach = min(theory.size_px * 0.6, middle, last - middle)
    amount = np.sqrt(found.energy / found.energy.max())
    place.imshow(amount, cmap="magma", vmax=0.5)
    for side, style in ((theory.size_px, ":"), (held, "-")):
        box = (middle - side / 2, middle - side / 2)
        place.add_patch(plt.Rectangle(box, side, side, fill=False, color="white", linestyle=style))
    place.set(xlim=(middle - reach, middle + reach), ylim=(middle + reach, middle - reach))
    place.set_title(f"{depth}: sees {theory.size_px} px, uses {held}", fontsize=8.5)
    place.set(xlabel="pixels", yticks=[])
    kinds_shown = [("photographs", k) for k in range(4)] + [(kind, 0) for kind in VIEW_PAINT]
    table = right.subplots()
    bare(table, mosaic([[exemplar(kind, depth, c, k) for kind, k in kinds_shown]
                        for c in chosen[depth]]))  # fmt: skip
    table.text(0, -6, "photographs", fontsize=8)
    for column, (kind, _) in enumerate(kinds_shown[4:], start=4):
        table.text(70 * column, -6, kind, fontsize=8, color=VIEW_PAINT[kind])
    for row, channel in enumerate(chosen[depth]):
        table.text(-8, 70 * row + 32, f"{channel}", fontsize=7, ha="right", va="center")
    table.text(-8, -6, "channel", fontsize=7, ha="right")
    return figure


# %% [markdown]
# ## A picture first
#
# Here is the first layer of the network, all of it. A *filter* is a small block of weights $k$: for
# every $3 \times 3$ neighbourhood and each of the three colours one number. It slides over the
# image $I$, and at each place it *answers* with the sum of weight times pixel. Blocks of weights
# have the shape of tiny images, so they can be shown as such: grey is zero, lighter is positive,
# darker negative, and a tint means that the colours are weighed differently.

# %%
from medlib.translation.derivative_filter import filter_kinds, grey_kernels, sum_share

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
weights = source.stem[0].weight.detach().cpu().double().numpy()  # (32, 3, 3, 3)
kinds = filter_kinds(weights)
kernels = grey_kernels(weights)  # what a grey image meets: the sum over the three colours
share = sum_share(kernels)  # |sum of weights| / sum of |weights|

# %% tags=["hide-input"]
order = np.argsort([list(KIND_PAINT).index(kind) for kind in kinds], kind="stable")
figure, axes = plt.subplots(4, 8, figsize=(7.2, 3.9))
for place, f in zip(axes.flat, order, strict=True):
    tiny = np.moveaxis(weights[f], 0, -1)
    loudest = max(np.abs(tiny).max(), 0.01 * np.abs(weights).max())
    bare(place, 0.5 + 0.5 * tiny / loudest)
    framed(place, KIND_PAINT[kinds[f]])
    place.set_title(f"{f}: {share[f]:.2f}", fontsize=7.5, color=KIND_PAINT[kinds[f]])
run.figure(
    figure, name="filters", data="none",
    alt="Thirty-two three by three blocks: oriented light-dark edges framed blue, even blocks"
    " framed grey, tinted ones framed orange, a few framed black.",
    caption="The first layer's n = 32 filters, each to its own scale (silent: flat): number, and"
    " |sum of weights| / sum of |weights| for a grey image. Blue frame: derivative filters; grey:"
    " brightness; orange: colour; black: silent.",
)  # fmt: skip

# %%
count = {kind: int((kinds == kind).sum()) for kind in KIND_PAINT}
for kind, n in count.items():
    run.result(f"filters_{kind}", n, n=len(kinds))
run.say(
    "Of {all} filters {filters_derivative:.0f} are derivative filters: light against dark, in"
    " some direction, with weights that cancel. {filters_colour:.0f} compare colours and hardly"
    " notice a grey image. {filters_silent:.0f} have weights so small that they do nothing at"
    " all. The remaining {filters_brightness:.0f} mix an edge with brightness, or blur.",
    all=len(kinds),
)  # fmt: skip

# %% [markdown]
# The answers of one filter at all places make a map, and each map is a *channel* of the next
# layer's input. Behind this first layer, the *stem*, the network has seven *stages* of layers and a
# last layer, the *head*, whose averaged channels the classifier reads: nine *depths* in all.
#
# Nobody wrote these filters down. Any network that learns from photographs grows edges at its first
# layer, and so do cats and people. The salesman has a point. How far does it carry?
#
# ## The idea by hand: an edge is an edge
#
# Two scanners show the same head with other numbers. Suppose that one image is the other one with
# another scale $a$ and another zero $b$. A filter with weights $k_{ij}$ answers to $I$ at row $r$
# and column $c$ with $u(r, c) = \sum_{ij} k_{ij}\, I(r + i, c + j)$. Hence
#
# $$ u_{aI + b} = \sum_{ij} k_{ij}\,\bigl(a\, I + b\bigr) = a\, u_I + b \sum_{ij} k_{ij} . $$
#
# If the weights sum to zero, the second term is gone: **a derivative filter answers to $aI + b$
# with exactly $a$ times its answer to $I$**. Brightness does not reach it. We try it on a real head
# CT, first with a textbook filter.

# %%
hu = run.uses(head_ct()).array.reshape(256, 2, 256, 2).mean(axis=(1, 3))  # two by two averaged
window = np.clip((hu - -40) / 140, 0, 1)  # the brain window: -40 HU is black, 100 HU is white
ct = (255 * window.astype(float) - 127) / 128  # the network's scale


def answer(image, kernel):
    rows, columns = image.shape[0] - 2, image.shape[1] - 2  # only where the kernel fits
    places = ((i, j) for i in range(3) for j in range(3))
    return sum(kernel[i, j] * image[i : i + rows, j : j + columns] for i, j in places)


sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
apart = np.abs(answer(scale * ct + shift, sobel) - scale * answer(ct, sobel)).max()
run.say("Largest difference, of answers up to {top:.1f}: {apart:.0e}, which is rounding.",
        top=np.abs(answer(ct, sobel)).max(), apart=apart)  # fmt: skip

# %% [markdown]
# Real filters are not textbook filters: their sums are small, not zero. The law has a second term
# for that, and with it it must hold for all of them.

# %%
from medlib.translation.derivative_filter import response_to_affine, scale_left

before = np.stack([answer(ct, kernel) for kernel in kernels])
after = np.stack([answer(scale * ct + shift, kernel) for kernel in kernels])
sums = kernels.sum(axis=(1, 2))
said = response_to_affine(before, kernel_sums=sums, scale=scale, shift=shift)
law_error = np.abs(said - after).max() / np.abs(after).max()
run.result("law_error", law_error, atol=1e-12)
run.say("All filters, with the term $b \\sum k$: largest error {law_error:.0e} of the largest"
        " answer.")  # fmt: skip

# %% [markdown]
# ## What normalisation makes of $a$
#
# In the network batch normalisation follows the filter. It subtracts a mean $m$ and divides by
# $\sqrt{v + \varepsilon}$, where $v$ is a variance and $\varepsilon$ a small number that keeps the
# quotient finite. It can take $m$ and $v$ from two places:
#
# - **fixed**, remembered from ImageNet: $m$ and $v$ do not know of $a$ and $b$. The scale $a$ stays
#   in every filter, and $b$ is gone only where the filter had removed it;
# - **from the images at hand**: if the answers to $I$ have mean $m$ and variance $v$, those to
#   $aI + b$ have mean $a m + b \sum k$ and variance $a^2 v$, so that
#
# $$ \frac{a u + b \sum k - (a m + b \sum k)}{\sqrt{a^2 v + \varepsilon}}
#    = \operatorname{sign}(a)\,\frac{u - m}{\sqrt{v + \varepsilon / a^2}} . $$
#
# Both are gone, $a$ up to its sign and up to $\varepsilon$, and for *every* filter, derivative or
# not. What $\varepsilon$ leaves is the factor $\sqrt{(v + \varepsilon)/(v + \varepsilon/a^2)}$.

# %%
norm = source.stem[1]
fixed_mean, fixed_variance = (
    x.detach().cpu().double().numpy()[:, None, None] for x in (norm.running_mean, norm.running_var)
)


def normalised(u, by_batch):
    own_mean, own_variance = u.mean(axis=(1, 2), keepdims=True), u.var(axis=(1, 2), keepdims=True)
    mean, variance = (own_mean, own_variance) if by_batch else (fixed_mean, fixed_variance)
    return (u - mean) / np.sqrt(variance + norm.eps)


# %%
live = kinds != "silent"
found = {}
for way in ("fixed", "batch"):
    old, new = (normalised(u, way == "batch")[live] for u in (before, after))
    factor = new.std(axis=(1, 2)) / old.std(axis=(1, 2))
    moved = np.abs((new - old * factor[:, None, None]).mean(axis=(1, 2))) / old.std(axis=(1, 2))
    found[way] = {"factor": factor, "moved": moved}
predicted = scale_left(before[live].var(axis=(1, 2)), scale=scale, eps=norm.eps)
run.result("eps_error", np.abs(found["batch"]["factor"] - predicted).max(), atol=1e-9)

# %%
picks = [np.flatnonzero(kinds == kind)[0] for kind in ("derivative", "brightness")]
rows = [
    {"filters": kind, "n": count[kind], "statistics": way}
    | {"scale left": f"{np.median(found[way]['factor'][kinds[live] == kind]):.3f}"}
    | {"zero moved by (SD)": f"{np.median(found[way]['moved'][kinds[live] == kind]):.3f}"}
    for kind in ("derivative", "brightness", "colour")
    for way in ("fixed", "batch")
]
run.table(rows, name="normalisation",
          caption=f"What a = {scale} and b = {shift} leave behind the first normalisation: medians"
          " over filters, one real head CT.")  # fmt: skip

# %% tags=["hide-input"]
columns = {"image": (ct, scale * ct + shift, 1.0)}
for f, way in ((picks[0], "fixed"), (picks[1], "fixed"), (picks[1], "batch")):
    above, below = (normalised(u, way == "batch")[f] for u in (before, after))
    columns[f"{kinds[f]}, {way}"] = above, below, 3 * above.std()
run.figure(
    two_rows(columns, "$I$", "$aI + b$"), name="affine", data="real",
    alt="A head CT and its paler version, with three answers each. The derivative filter's edges"
    " only get weaker; the brightness filter's answer changes its level under fixed statistics"
    " and does not change under the batch's own.",
    caption=f"Above I, below aI + b with a = {scale}, b = {shift}, each column on one grey scale."
    " Fixed statistics keep the scale, and the zero too where the filter is no derivative; the"
    " batch's own remove both. n = 1 real head CT, brain window.",
)  # fmt: skip

# %%
worst = found["batch"]["factor"].argmin()
run.say(
    "Under fixed statistics each filter keeps the whole of $a$. Under the batch's own most filters"
    " answer as if nothing had happened. The worst is left with {left:.2f} of its answer: a"
    " {kind} filter whose answers to a grey image vary so little that $\\varepsilon$ is not small"
    " beside them. The formula gives all these factors to within {eps_error:.0e}.",
    left=found["batch"]["factor"][worst], kind=kinds[live][worst],
)  # fmt: skip

# %% [markdown]
# So the derivative filter is half of the story that is usually told: it takes care of $b$ alone,
# and only *it* does so when statistics are fixed. Of $a$ no filter can get rid; that is the work of
# normalisation.
#
# ## Is MRI a rescaled CT?
#
# The story goes on: "locally an MRI is a CT with another scale, so early layers carry over from one
# to the other." That can be tested. The template tells at every millimetre how much grey matter,
# white matter and fluid there is. We give each tissue its usual CT number and so get the CT that
# belongs to this T1 image (simulated values on real anatomy). Then we fit a line
# $\text{MRI} = a \cdot \text{CT} + b$ in the window around every pixel, and ask how much of the
# variance it explains, $r^2$, and which sign $a$ has.

# %%
from data_fetch.simulated.head_ct import HeadTissues
from medlib.translation.local_affine import local_affine

t1, grey, white = (
    np.rot90(run.uses(mni152(kind)).array[:, :, 85]).astype(float) for kind in ("t1", "gm", "wm")
)
amounts = np.stack([grey, white, np.clip(1 - grey - white, 0, None)])
numbers = [np.mean(getattr(HeadTissues(), f"{name}_hu")) for name in ("grey", "white", "fluid")]
ct_like = np.tensordot(numbers, amounts, axes=1) / amounts.sum(axis=0)
side = 2 * reach_mm + 1
line = local_affine(ct_like, t1, window_px=side)
inside = minimum_filter(t1 > 0.05, side)  # windows that lie in the brain as a whole

# %%
fits = inside & (line.r2 > 0.9)
run.result("windows_that_fit", fits.sum() / inside.sum(), n=int(inside.sum()))
run.result("negative_scale", (line.slope[fits] < 0).mean(), n=int(fits.sum()))
edges = [answer(image, kernels[picks[0]])[inside[1:-1, 1:-1]] for image in (ct_like, t1)]
signed = np.corrcoef(*edges)[0, 1]
unsigned = np.corrcoef(*np.abs(edges))[0, 1]
run.say(
    "In windows of {side} mm the line explains more than nine tenths of the variance in"
    " {windows_that_fit:.0%} of the brain: there the story holds. But in"
    " {negative_scale:.0%} of those windows $a$ is *negative*. Answers of the same derivative"
    " filter to CT and to MRI correlate with {signed:+.2f}; without their signs, with"
    " {unsigned:+.2f}.", side=side, signed=signed, unsigned=unsigned,
)  # fmt: skip

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(7.2, 2.6))
bare(axes[0], ct_like, "CT (simulated values)", vmin=0, vmax=45)
bare(axes[1], t1, "T1 (real)")
bare(axes[2], np.where(inside, np.sign(line.slope), np.nan), "sign of a", cmap="coolwarm_r")
bare(axes[3], np.where(inside, line.r2, np.nan), "$r^2$, 0 to 1", cmap="viridis", vmin=0, vmax=1)
run.figure(
    figure, name="mri_ct", data="real and simulated",
    alt="Four brain slices: CT-like, T1, a map of the sign of the slope, red and blue mixed all"
    " over the brain, and a map of the fit.",
    caption="MRI = a CT + b, window by window: blue where a > 0 (fluid against tissue), red where"
    " a < 0 (grey matter against white). Real anatomy, CT values simulated; n ="
    f" {int(inside.sum())} windows of one slice.",
)  # fmt: skip

# %% [markdown]
# White matter is brighter than grey matter in T1 and darker in CT. So "a rescaled version" is true,
# with both signs, sometimes a few millimetres apart. An edge is an edge, but it may be upside down.
# Does the network mind? A plain ReLU cuts negative answers off. Here the activation is a ReLU6,
# which keeps what lies between zero and six.

# %%
gain, offset = (x.detach().cpu().double().numpy()[:, None, None] for x in (norm.weight, norm.bias))
passed = gain * normalised(before, by_batch=False) + offset
kept = ((passed > 0) & (passed < 6))[kinds == "derivative"].mean()
run.result("offset_derivative", np.median(offset[kinds == "derivative"]), n=count["derivative"])
run.say(
    "The derivative filters have learned an offset of {offset_derivative:.1f} (median): the"
    " middle of that range. Both signs get through; on the real head CT {kept:.0%} of their"
    " answers are not cut at either end.", kept=kept,
)  # fmt: skip

# %% [markdown]
# ## How far can a unit see, how far does it look?
#
# Call one place of a layer's maps, with all its channels, a *unit*. A unit of the second layer sees
# several units of the first. Count from the image upwards: let $r$
# be the side of the square that one unit sees, and $j$ the distance of neighbouring units, both in
# pixels. In the image $r = j = 1$. A layer with kernel $\kappa$ and stride $s$ makes of them
#
# $$ r \leftarrow r + (\kappa - 1)\, j, \qquad j \leftarrow j\, s . $$
#
# That is the *theoretical receptive field*.

# %%
from medlib.translation.receptive_field import gradient_field, side_above, side_holding
from medlib.translation.receptive_field import theoretical_fields

r, j = 1, 1
for kernel, stride in [(3, 2), (3, 1), (3, 2), (3, 1), (5, 2), (5, 1)]:  # stem to stage 3
    r, j = r + (kernel - 1) * j, j * stride
fields = theoretical_fields(source)
run.say("Stage 3 by hand: {r} pixels; by the library, {same}. The head's units: {head} pixels, far"
        " more than the 224 of the images that the network learned from.",
        r=r, same=fields["stage3"].size_px, head=fields["head"].size_px)  # fmt: skip

# %% [markdown]
# To *see* is not to *look*. What a pixel $x$ does to a unit with channels $y_1, y_2, \dots$ is
# measured by the derivatives: the *energy* of the pixel is $\sum_c (\partial y_c / \partial x)^2$,
# averaged over images. We take the *effective* field ([Luo et
# al.](https://doi.org/10.48550/arXiv.1701.04128)) to be the smallest square
# around the middle that holds ninety-five hundredths of all energy. One backward pass an image is
# enough: with random signs $s_c = \pm 1$ the square of
# $\partial (\sum_c s_c y_c) / \partial x$ has that sum as its mean, because the mixed terms cancel.
#
# Beside the trained network we measure one of the same shape with *random* weights. Its
# normalisation statistics are those of photographs, so that its answers are neither all cut off nor
# all zero.

# %%
from medlib.translation.norm_statistics import refresh_statistics

field_px = 32 * field_units
rng = run.rng("views")
names = list(rng.permutation(photograph_names()))
pictures = [run.uses(photograph(name)).array for name in names]
large = [
    square_crops(pictures[k % len(pictures)], 1, size=field_px, rng=rng)[0] for k in range(n_fields)
]
large = preprocess(np.stack(large), device=run.device)

# %%
random_network = initialise(EfficientNetLite0(), generator=run.torch_generator("random weights"))
random_network = random_network.to(run.device).eval()
crops = np.concatenate([square_crops(p, 10, size=size, rng=rng) for p in pictures])
crops = preprocess(crops, device=run.device)
refresh_statistics(random_network, crops)
signs = run.torch_generator("signs")


def measured(network, depth):
    side = min(field_px, 32 * (fields[depth].size_px // 32 + 2))  # no larger than needed
    edge = (field_px - side) // 2
    part = large[..., edge : edge + side, edge : edge + side]
    return gradient_field(network, part, depth=depth, generator=signs)


# %%
trained = {depth: measured(source, depth) for depth in DEPTHS}
untrained = {depth: measured(random_network, depth) for depth in DEPTHS}
sides = {("trained", depth): side_holding(found) for depth, found in trained.items()}
sides |= {("random", depth): side_holding(found) for depth, found in untrained.items()}
rows = [
    {"depth": depth, "theoretical (px)": fields[depth].size_px}
    | {f"effective, {name} (px)": sides[name, depth] for name in ("trained", "random")}
    | {"Luo's measure, trained": round(side_above(trained[depth]))}
    for depth in DEPTHS
]
run.table(rows, name="fields", caption=f"Sides of receptive fields, n = {n_fields} real photographs"
          f" of {field_px} pixels. Luo's measure: root of the number of pixels whose root energy is"
          " above 4.55 % of the highest.")  # fmt: skip

# %% tags=["hide-input"]
figure, place = plt.subplots(figsize=(7.2, 2.8))
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
    alt="Three rising curves over depth: theoretical on top, random weights in the middle, trained"
    " lowest.",
    caption="A trained unit looks at a fraction of what it can see, and at less than a unit with"
    f" random weights. Thin line: the images' own side. n = {n_fields} real photographs.",
)  # fmt: skip


# %%
def middle_share(network):
    """Share of the depthwise kernels' squared weights that sits in their middle, per size."""
    layers = [m.weight.detach() for m in network.modules() if getattr(m, "groups", 1) > 1]
    five = torch.cat([w.flatten(1) for w in layers if w.shape[-1] == 5]).square()
    return float((five[:, 12] / five.sum(dim=1).clamp_min(1e-12)).mean())


run.result("middle_trained", middle_share(source), atol=1e-4)
run.result("middle_random", middle_share(random_network), atol=1e-4)
run.say(
    "At the head a unit can see {theory} pixels and uses {used}. That is"
    " also less than the {loose} of the random network, though its kernels have the same sizes. One"
    " reason is easy to find: the middle weight of the network's kernels of five by five holds"
    " {middle_trained:.0%} of their squared weights after training, and"
    " {middle_random:.0%} at random.",
    theory=fields["head"].size_px, used=sides["trained", "head"], loose=sides["random", "head"],
)  # fmt: skip

# %% [markdown]
# This is the opposite of what Luo and colleagues saw: in their networks training made the effective
# field *grow*. Theirs learned other tasks, had no depthwise kernels, and were measured with another
# yardstick. "Training widens the field" is an observation about some networks, not a law. For a
# clinic the consequence is practical: do not infer from the theoretical field that the network
# takes the whole retina into account when it judges a spot. Measure.
#
# ## What does a channel answer to?
#
# The honest way to show what a channel likes is to search many images for the places where it
# answers most strongly, and to show those, for channels drawn by lot. We do so for photographs, and
# for the same channels on four kinds of medical images: T1 slices, the head CT (in a brain window
# and in a wide one), the retina, the tissue. Grey images go in as three equal colours.


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

# %%
view_px = 32 * view_units
views = {
    kind: np.concatenate(
        [square_crops(them[k % len(them)], 1, size=view_px, rng=rng) for k in range(n_views)]
    )
    for kind, them in subjects.items()
}

# %%
from medlib.translation.strongest_crops import crop_around, strongest_answers

ready = {kind: preprocess(images, device=run.device) for kind, images in views.items()}
peaks = {kind: strongest_answers(source, images) for kind, images in ready.items()}
loose_peaks = {kind: strongest_answers(random_network, images) for kind, images in ready.items()}


def height(peaks, kind, depth):
    """Each channel's typical peak in an image, above its mean over photographs."""
    return peaks[kind][depth].value.mean(axis=0) - peaks["photographs"][depth].mean


# %%
lot, chosen = run.rng("channels"), {}
for depth in DEPTHS:
    above = height(peaks, "photographs", depth)
    awake = np.flatnonzero(above > 0.01 * above.max())
    chosen[depth] = sorted(lot.choice(awake, 3, replace=False).tolist())


def exemplar(kind, depth, channel, k):
    found = peaks[kind][depth]
    image = found.best_images(channel, k=k + 1)[k]
    side = min(view_px, max(7, sides["trained", depth]))
    return crop_around(views[kind][image], centre_px=found.centre_px(image, channel), side=side)


# %% [markdown]
# Move the slider from the stem to the head. On the left, what one unit sees (dotted) and looks at
# (solid). On the right, one channel a row: the crops that excite it most, cut to its effective
# field (never fewer than seven pixels), from photographs and from each kind of medical image.

# %% tags=["hide-input"]
run.frames(
    [depth_frame(depth) for depth in DEPTHS], name="depth", label="depth", values=DEPTHS, start=3,
    data="real",
    alt=[
        f"{depth}: a unit sees a square of {fields[depth].size_px} pixels and uses"
        f" {sides['trained', depth]}; beside it the crops that excite three channels most."
        for depth in DEPTHS
    ],
    caption="Left: root energy of a unit's gradient, white boxes the theoretical (dotted) and"
    " effective (solid) field. Right: strongest crops for three channels drawn by lot, each from"
    f" another real image; n = {n_views} views of each kind.",
)  # fmt: skip

# %% [markdown]
# Early rows need no explanation: an edge in one direction, a colour, a fine grating, wherever it
# comes from. In the middle there are textures. Near the head photographs give whole things, and the
# medical crops in the same row often have nothing in common with them, or with each other. A
# strongest crop always exists. *How strong* is it?
#
# For each channel take the typical peak: the mean over images of its highest answer, above its mean
# answer to photographs. Divide the peak on medical images by the one on photographs. One means: as
# excited as by what it was trained on.

# %%
ratios = {}
for name, those in (("trained", peaks), ("random", loose_peaks)):
    for kind in VIEW_PAINT:
        for depth in DEPTHS:
            above = height(those, "photographs", depth)
            awake = above > 0.01 * above.max()
            ratios[name, kind, depth] = np.median(height(those, kind, depth)[awake] / above[awake])

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.9), sharey=True)
for place, name in zip(axes, ("trained", "random"), strict=True):
    lines = {
        kind: ([ratios[name, kind, d] for d in DEPTHS], color, "o-")
        for kind, color in VIEW_PAINT.items()
    }
    along_depth(place, lines, ylabel="peak / peak on photographs", ylim=(0, 1.7))
    place.axhline(1, color=COLORS["grey"], linestyle=":")
    place.set_title(f"{name} weights")
axes[1].set_ylabel("")
axes[1].legend(ncols=2)
run.figure(
    figure, name="excitement", data="real",
    alt="Trained: four lines near one that part at the head, the retina's far down, the tissue's"
    " up. Random: four lines apart at the stem that meet with depth.",
    caption="How strongly medical images excite the median channel, compared with photographs."
    " Training makes the head picky; with random weights all kinds become alike. Real images,"
    f" n = {n_views} views of each kind.",
)  # fmt: skip


# %%
def spread(name, depth):
    """How far the four kinds of medical images lie apart: largest ratio minus smallest."""
    values = [ratios[name, kind, depth] for kind in VIEW_PAINT]
    return max(values) - min(values)


for name, depth in [
    ("trained", "stem"),
    ("trained", "head"),
    ("random", "stem"),
    ("random", "stage7"),
]:
    run.result(f"spread_{depth}_{name}", spread(name, depth), n=n_views, atol=0.05)
run.say(
    "Between the kinds the ratio differs by {spread_stem_trained:.2f} at the stem and by"
    " {spread_head_trained:.2f} at the head. With random weights it is {spread_stem_random:.2f} at"
    " the stem and {spread_stage7_random:.2f} at stage 7 (behind it all kinds reach the ReLU6's"
    " ceiling). At the trained head the retina has {low:.2f} of a photograph's peak, the tissue"
    " {high:.2f}.",
    low=ratios["trained", "retina", "head"], high=ratios["trained", "tissue", "head"],
)  # fmt: skip

# %% [markdown]
# We expected another figure: four lines that sink with depth, because late channels are specialised
# in photographs. (With unequal numbers of images one even gets it: the highest of many peaks is
# higher than the highest of few.) What is measured is finer. Late channels do not shun the clinic.
# They are *picky*: a close-up of the retina, nearly empty, leaves them cold; tissue, crowded with
# shapes, excites them more than a photograph does. That is learned, for with random weights all
# kinds become alike.
#
# ## Ask every depth the same question
#
# Does it follow that late layers are of no use where they stay cold? No. A channel that is half as
# excited can still tell two images apart. So we ask directly. A **linear probe** ([Alain and
# Bengio](https://doi.org/10.48550/arXiv.1610.01644)) is a logistic regression on the features of
# one depth: here the mean of every channel over the image. It says how well one straight cut
# through these features answers a question. Three questions, the same for all depths:
#
# - **scenes** (natural): from which of fourteen photographs is this crop? Colour, brightness and
#   contrast are taken away, training and test crops come from different halves;
# - **lesion** (medical): is the dark spot in the retina a round dot or a streak? Real texture,
#   simulated spots (or the public data set of your choice);
# - **atypia** (medical): are the nuclei of this simulated tissue regular or atypical?
#
# Later depths have more channels, which by itself makes a probe stronger. The random network has
# the same number of channels at the same depth: what the trained one has above *it* was learned.

# %%
from data_fetch.medmnist_two_classes import medmnist_two_classes
from data_fetch.simulated.atypia_tiles import atypia_tiles
from data_fetch.simulated.fundus_lesions import fundus_lesions


def lesions(n, split):
    if dataset != "fundus":
        return medmnist_two_classes(dataset, n, split=split, rng=run.rng(split), size=size)
    return fundus_lesions(n, split=split, rng=run.rng(split), size=size, contrast=contrast)


tiles, regular = atypia_tiles(n_train + n_test, rng=run.rng("tissue"), size=size)
tiles = run.uses(tiles).array
tasks = {"scenes": {}, "lesion": {}}
tasks["atypia"] = {
    "train": (tiles[:n_train], regular[:n_train]), "test": (tiles[n_train:], regular[n_train:])
}  # fmt: skip

# %%
for split, n in (("train", n_train), ("test", n_test)):
    scene = which_photograph(n, split=split, rng=run.rng(f"scenes {split}"), size=size)
    for task, (sample, labels) in {"scenes": scene, "lesion": lesions(n, split)}.items():
        tasks[task][split] = run.uses(sample).array, labels

# %% tags=["hide-input"]
rows = []
for task, parts in tasks.items():
    images, labels = parts["test"]
    ends = np.argsort(labels, kind="stable")[[*range(5), *range(-5, 0)]]
    rows.append(images[:10] if task == "scenes" else images[ends])
figure, place = plt.subplots(figsize=(7.2, 2.2))
bare(place, mosaic(rows))
for row, task in enumerate(tasks):
    place.text(-8, 70 * row + 32, task, fontsize=8.5, ha="right", va="center")
run.figure(
    figure, name="tasks", data="real and simulated",
    alt="Three rows of ten small images: grey crops of photographs, close-ups of a retina with a"
    " faint spot, pink tissue with dark nuclei.",
    caption="Scenes: real. Lesion: five of each label"
    f" ({'real retina, simulated spots' if dataset == 'fundus' else dataset}). Atypia: simulated,"
    f" five of each label. n = 10 test images each, {size} pixels wide.",
)  # fmt: skip

# %%
from medlib.translation.linear_probe import features_by_depth, probe

networks = {"trained": source, "random": random_network}
features = {
    (name, task, split): features_by_depth(network, preprocess(images, device=run.device))
    for name, network in networks.items()
    for task, parts in tasks.items()
    for split, (images, _) in parts.items()
}


# %%
def probes(task, train, test, labels=None):
    """The probe's AUC at every depth, from the features of training and test images."""
    y = tasks[task]["train"][1] if labels is None else labels
    y_test = tasks[task]["test"][1]
    return np.array(
        [probe((train[d], y), (test[d], y_test), strength=strength).auc for d in DEPTHS]
    )


auc = {
    (name, task): probes(task, features[name, task, "train"], features[name, task, "test"])
    for name in networks
    for task in tasks
}

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True)
for place, task in zip(axes, tasks, strict=True):
    lines = {
        "trained": (auc["trained", task], COLORS["blue"], "o-"),
        "random": (auc["random", task], COLORS["orange"], "s--"),
    }
    along_depth(place, lines, ylabel="test AUC", ylim=(0.35, 1.02))
    place.axhline(0.5, color=COLORS["grey"], linestyle=":")
    place.set_title(task)
    place.label_outer()
axes[0].legend(loc="lower right")
run.figure(
    figure, name="probes", data="real and simulated",
    alt="Three panels of test AUC over depth. Trained: scenes and lesion rise towards stage 6,"
    " atypia towards the middle. Random: falls with depth, and starts highest on atypia.",
    caption="Which depth answers depends on the question, not on whether it is medical. Scenes"
    f" real, lesion {TASK_KIND}, atypia simulated; n = {n_test} test images each; AUC for scenes:"
    " mean of one against the rest.",
)  # fmt: skip

# %%
best = {task: int(auc["trained", task].argmax()) for task in tasks}
for task in tasks:
    run.result(f"auc_{task}_stem", auc["trained", task][0], unit="AUC", n=n_test, atol=0.02)
    run.result(f"auc_{task}_best", auc["trained", task].max(), unit="AUC", n=n_test, atol=0.02)
    run.result(f"auc_{task}_head", auc["trained", task][-1], unit="AUC", n=n_test, atol=0.02)
    run.result(f"auc_{task}_random_stem", auc["random", task][0], unit="AUC", n=n_test, atol=0.02)
run.say(
    "Scenes: {auc_scenes_stem:.2f} at the stem, {auc_scenes_best:.2f} at {b[scenes]},"
    " {auc_scenes_head:.2f} at the head. Lesion: {auc_lesion_stem:.2f},"
    " {auc_lesion_best:.2f} at {b[lesion]}, {auc_lesion_head:.2f}. Atypia:"
    " {auc_atypia_stem:.2f}, {auc_atypia_best:.2f} at {b[atypia]},"
    " {auc_atypia_head:.2f}.", b={task: DEPTHS[k] for task, k in best.items()},
)  # fmt: skip

# %% [markdown]
# Read it twice, for it is not what the salesman said.
#
# **Late layers serve the medical question.** "Early features transfer, late ones specialise," say
# the textbooks. The early ones do transfer, and are not enough: the shape of a faint spot among
# vessels cannot be read from averaged edges. It takes depth, as it does for scenes; the curves for
# photographs and for the retina rise together, and fall together, a little, on the last step to the
# head. Whoever cuts the network after its early layers throws away what was needed. (What does
# *not* carry over is the classifier: nobody needs dog breeds.)
#
# **What is simple peaks early.** Size and outline of dark nuclei on a clean ground are settled by
# the middle of the network, and nothing is gained after it.
#
# **And the baseline bites.** On simulated tissue the stem with *random* weights beats the trained
# one. (Why, is answered under "What breaks it".) A probe without a random baseline would have
# praised ImageNet for it. With depth the random network loses everything: its units mix more and
# more pixels at random, and the mean over them tells less and less.
#
# The negative control: labels of the lesion task dealt out at random. Every depth must fall to
# guessing.

# %%
deal = run.rng("deals")
dealt = np.stack([
    probes("lesion", features["trained", "lesion", "train"], features["trained", "lesion", "test"],
           labels=deal.permutation(tasks["lesion"]["train"][1]))
    for _ in range(n_deals)
])  # fmt: skip
farthest = float(np.abs(dealt.mean(axis=0) - 0.5).max())
run.result("shuffled_farthest", farthest, unit="AUC", n=n_deals, atol=0.02)
run.say("Mean AUC over {n_deals} deals, at the depth where it is farthest from one half:"
        " {shuffled_farthest:.3f} away from it.")  # fmt: skip

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

# %%
from medlib.translation.cka import linear_cka


def by_hand(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    K, L = x @ x.T, y @ y.T
    return (K * L).sum() / np.sqrt((K**2).sum() * (L**2).sum())


first, last = (features["trained", "lesion", "test"][d].astype(float) for d in ("stage3", "head"))
run.say("Stage 3 against the head on the same images: {hand:.4f} by hand, {library:.4f} by the"
        " library.", hand=by_hand(first, last),
        library=linear_cka(first, last, debiased=False))  # fmt: skip

# %% [markdown]
# One trap first. With more channels than images every table is nearly diagonal, each image being
# most like itself, and any two nearly diagonal tables look alike. Take features that are nothing
# but noise:

# %%
noise = run.rng("noise").normal(size=(2, n_test, 1280))
run.result("cka_noise_biased", linear_cka(*noise, debiased=False), n=n_test, rtol=1e-4)
honest = run.result("cka_noise_debiased", linear_cka(*noise), n=n_test, atol=1e-4)
run.say("CKA of two tables of pure noise: {cka_noise_biased:.2f}. With an unbiased estimate of"
        " its sums, which leaves the diagonals out: {cka_noise_debiased:+.3f}.")  # fmt: skip

# %% [markdown]
# So we use the unbiased estimate (L. Song et al., Journal of Machine Learning Research 13:1393;
# [Nguyen et al.](https://doi.org/10.48550/arXiv.2010.15327)) everywhere below. And we fine-tune
# twice: once with the true labels, once with labels dealt out at random, from which nothing can be
# learned about the retina.

# %%
from medlib.translation.arms import Arm
from medlib.translation.features import as_linear, fit_head
from medlib.translation.finetuning import fine_tune

images, true = tasks["lesion"]["train"]
prepared = {s: preprocess(tasks["lesion"][s][0], device=run.device) for s in ("train", "test")}
learned = {"true labels": true, "random labels": run.rng("random labels").permutation(true)}

# %%
tuned = {}
for name, labels in learned.items():
    head = as_linear(fit_head(features["trained", "lesion", "train"]["head"], labels))
    tuned[name] = fine_tune(
        Arm(name, moves="all", peak_rate=rate), source, prepared["train"],
        torch.from_numpy(labels), head=head, steps=steps, batch_size=8,
        generator=run.torch_generator(f"batches {name}"),
    ).network  # fmt: skip

# %%
looked_at = {"retina": prepared["test"], "photographs": crops}
old = {what: features_by_depth(source, x) for what, x in looked_at.items()}
cka, after_tuning = {}, {}
for name, network in tuned.items():
    new = {what: features_by_depth(network, x) for what, x in looked_at.items()}
    for what in looked_at:
        cka[name, what] = [linear_cka(old[what][d], new[what][d]) for d in DEPTHS]
    after_tuning[name] = probes(
        "lesion", features_by_depth(network, prepared["train"]), new["retina"]
    )

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.9))
styles = {"retina": "o-", "photographs": "s--"}
paints = {"true labels": COLORS["blue"], "random labels": COLORS["orange"]}
lines = {f"{name}, {what}": (v, paints[name], styles[what]) for (name, what), v in cka.items()}
along_depth(axes[0], lines, ylabel="CKA, before and after", ylim=(0, 1.03))
axes[0].legend(fontsize=7.5, loc="lower left")
lines = {"before": (auc["trained", "lesion"], COLORS["grey"], "o:")}
lines |= {name: (v, paints[name], "o-") for name, v in after_tuning.items()}
along_depth(axes[1], lines, ylabel="probe, lesion: test AUC", ylim=(0.35, 1.02))
axes[1].legend(fontsize=7.5, loc="lower right")
run.figure(
    figure, name="moved", data="real and simulated",
    alt="Left: CKA near one at the early depths and falling towards the head, for true and for"
    " random labels. Right: probes before and after; after random labels the late depths have"
    " lost.",
    caption=f"Left: {steps} steps move late depths most, whether labels mean something or not."
    " Right: what that did to the answers, the probes must say. Lesion task"
    f" {TASK_KIND}, n = {n_test} test images;"
    f" n = {len(looked_at['photographs'])} real crops of photographs.",
)  # fmt: skip

# %%
for name, word in (("true labels", "true"), ("random labels", "random")):
    run.result(f"cka_stage2_{word}", cka[name, "retina"][2], n=n_test, atol=0.02)
    run.result(f"cka_stage7_{word}", cka[name, "retina"][7], n=n_test, atol=0.1)
    run.result(f"auc_tuned_{word}", after_tuning[name][5:].mean(), unit="AUC", n=n_test, atol=0.05)
run.result("auc_untuned", auc["trained", "lesion"][5:].mean(), unit="AUC", n=n_test, atol=0.02)
run.say(
    "With true labels CKA is {cka_stage2_true:.3f} at stage 2 and {cka_stage7_true:.2f}"
    " at stage 7; with random ones {cka_stage2_random:.3f} and"
    " {cka_stage7_random:.2f}. Probes from stage 5 on had a mean AUC of"
    " {auc_untuned:.2f} before; they have {auc_tuned_true:.2f} after true labels and"
    " {auc_tuned_random:.2f} after random ones."
)

# %% [markdown]
# Early layers hardly move, at the *same* rate as all others: their features are left as they are.
# The late ones move most, and they move far when there is nothing to learn, too. So "the late
# layers adapted to the retina" cannot be read off CKA: it says *that* features changed, not that
# they changed for the better. That is for the probes to say, and for more than one of them: after
# true labels the late depths usually answer better than after random ones, but on one of the five
# seeds that we tried first the two tied. So short a fine-tuning may also gain nothing, and we do
# not claim that it does.
#
# ## What breaks it
#
# **The border.** Filters at the image's edge see zeros beyond it, and $b$ is not added to those: at
# the border every derivative filter finds an edge of height $b$ that is not in the patient. That is
# why we used only places where the kernel fits.
#
# **One loud channel.** CKA is blind to rotation but not to the scale of a single channel. Multiply
# one channel by ten: nothing is lost, a probe that standardises its features does not even
# notice. CKA does.

# %%
loud = old["retina"]["stage5"].astype(float)
busiest = loud.std(axis=0).argmax()
louder = loud * np.where(np.arange(loud.shape[1]) == busiest, 10.0, 1.0)
run.result("cka_loud", linear_cka(loud, louder), n=n_test, atol=0.01)
run.say("Stage 5 with one channel of {channels} ten times as loud: CKA {cka_loud:.2f}.",
        channels=loud.shape[1])  # fmt: skip

# %% [markdown]
# **The mean over the image.** Our probes and our CKA see channel *means*. A derivative filter with
# an offset answers up at one side of a nucleus and down at the other, and the mean is nothing.
# Random filters have no offset: half of their answers are cut off, and the mean of the rest
# measures how many borders there are. If that is why the random stem won on tissue, then the
# *spread* of the answers over the image must make up for it.


# %%
@torch.no_grad()
def stem_with_spread(network, images):
    x = preprocess(images, device=run.device)
    maps = network.activation(network.stem(x))
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3))], dim=1).cpu().numpy()


for name, network in networks.items():
    pair = [(stem_with_spread(network, x), y) for x, y in tasks["atypia"].values()]
    found = probe(*pair, strength=strength).auc
    run.result(f"auc_atypia_stem_spread_{name}", found, unit="AUC", n=n_test, atol=0.02)
run.say(
    "With the standard deviation of every channel beside its mean, the trained stem rises from"
    " {auc_atypia_stem:.2f} to {auc_atypia_stem_spread_trained:.2f}, the random one from"
    " {auc_atypia_random_stem:.2f} to {auc_atypia_stem_spread_random:.2f}."
)

# %% [markdown]
# What a depth "knows" depends on how one asks it.
#
# **A negative scale.** $a < 0$ is not removed by any normalisation. This network's offsets let both
# signs through the first layer; one with plain ReLUs would show other edges on MRI than on CT.
#
# **Few scenes, one eye.** Fourteen photographs are not ImageNet, and one retina is no population.
# The *order* of depths is what we claim, not the numbers.
#
# ## What we claim
#
# Each conclusion carries its margin: how far it was from no longer holding.

# %%
text = "the affine law holds for all real first-layer filters to nine digits"
digits = -np.log10(max(law_error, 1e-17)) - 9
run.claim(text, digits > 0, margin=digits, unit="digits")

# %%
text = "trained units use narrower fields than random ones, at the head under half the theoretical"
narrower = min(1 - sides["trained", d] / sides["random", d] for d in DEPTHS[2:])
spare = 0.5 - sides["trained", "head"] / fields["head"].size_px
run.claim(text, min(narrower, spare) > 0, margin=min(narrower, spare), unit="of the width")
text = "kinds of medical images part with depth after training, and meet with random weights"
parted = spread("trained", "head") - spread("trained", "stem")
met = spread("random", "stem") - spread("random", "stage7")
run.claim(text, min(parted, met) > 0, margin=min(parted, met))

# %%
text = "the medical question on retina is answered better from late depths than from early ones"
depth_helps = auc["trained", "lesion"][5:].max() - auc["trained", "lesion"][:4].max()
run.claim(text, depth_helps > 0, margin=depth_helps, unit="AUC")
text = "on simulated tissue the stem with random weights beats the trained stem"
bite = auc["random", "atypia"][0] - auc["trained", "atypia"][0]
run.claim(text, bite > 0, margin=bite, unit="AUC")

# %%
text = "fine-tuning moves stage 7 more than stage 2, with random labels as well as with true ones"
moved_late = min(v[2] - v[7] for (_, what), v in cka.items() if what == "retina")
run.claim(text, moved_late > 0, margin=moved_late, unit="CKA")

# %%
text = "of two tables of noise the debiased CKA stays within 0.1 of zero"
silent = 0.1 - abs(honest.value)
run.claim(text, silent > 0, margin=silent, unit="CKA", control=True)
text = "on labels dealt out at random the mean probe stays within 0.05 of guessing at every depth"
run.claim(text, farthest < 0.05, margin=0.05 - farthest, unit="AUC", control=True)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - A derivative filter removes $b$, never $a$; batch statistics remove both, fixed ones neither.
# - MRI is CT rescaled in places, with either sign. Edges carry over, their direction need not.
# - What a unit can see says little about what it looks at. Measure the gradient.
# - Late channels are picky, and late *features* still answer the retina's question best. Being less
#   excited is not being useless.
# - Which depth is best depends on the question. Probe before you cut, with a random network beside.
# - CKA tells how far a depth moved, not why. Debias it, and distrust a single loud channel.
#
# ## Exercises
#
# Type your answer in place of `None` and run the cell: it tells you whether you are right.
#
# ```{exercise}
# :label: inside-the-visual-brain-field
# Stage 4 has three blocks with kernels of $3 \times 3$; the first has stride 2, the others 1. At
# stage 3, $j = 8$. How many pixels does a unit of stage 4 see in width? **Self-check** below.
# ```

# %% tags=["self-check"]
answer_px = None  # a number of pixels
if answer_px is None:
    print("Type your answer first.")
else:
    good = answer_px == fields["stage4"].size_px
    print("Right." if good else "Not yet: start from stage 3, and double j after the first block.")

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-sharpen
# Write a filter of $3 \times 3$ that answers to $aI + b$ with $a$ times its answer to $I$ *plus
# exactly $b$*, that answers to a light spot more than a plain copy does, and that treats all four
# neighbours of a pixel alike and the four diagonal ones as if they were not there. **Self-check**
# below.
# ```

# %% tags=["self-check"]
my_filter = None  # an array of 3 rows and 3 columns
if my_filter is None:
    print("Type your answer first.")
else:
    my_filter = np.asarray(my_filter, dtype=float)
    tests = {
        "the zero must pass as exactly b": np.isclose(my_filter.sum(), 1),
        "a spot must count more than in a copy": my_filter[1, 1] > 1,
        "the neighbours must be alike": np.ptp(my_filter[[0, 1, 1, 2], [1, 0, 2, 1]]) == 0,
        "the diagonal ones must not count": not my_filter[::2, ::2].any(),
    }
    print(next((f"Not yet: {why}." for why, ok in tests.items() if not ok), "Right."))

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-eps
# A scanner is set so low that all images come out at $a = 1/100$. Normalisation uses the batch's
# own statistics, $\varepsilon = 10^{-3}$. How large must the variance $v$ of a filter's answers to
# the *original* images be, at least, so that nine tenths of its normal output are left? Two digits
# will do. **Self-check** below.
# ```

# %% tags=["self-check"]
v_least = None  # a variance
if v_least is None:
    print("Type your answer first.")
else:
    left = float(scale_left(np.array([float(v_least)]), scale=0.01, eps=1e-3)[0])
    print("Right." if abs(left - 0.9) < 2e-3 else f"Not yet: {left:.3f} of the output is left.")

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-cka
# Make a table of features with three columns that has a (biased) CKA of one with `puzzle` below,
# yet whose columns correlate with none of the columns of `puzzle` by more than nine tenths.
# **Self-check** below.
# ```

# %% tags=["self-check"]
puzzle = noise[0][:, :3]
mine = None  # an array of as many rows and 3 columns, made from puzzle
if mine is None:
    print("Type your answer first.")
else:
    crossed = np.corrcoef(puzzle.T, np.asarray(mine).T)[:3, 3:]
    same = linear_cka(puzzle, mine, debiased=False) > 0.9999
    apart = np.abs(crossed).max() < 0.9
    print("Right." if same and apart else "Not yet." + ("" if same else " CKA is not one.")
          + ("" if apart else " A column is still nearly one of puzzle's."))  # fmt: skip

# %% [markdown]
# ```{exercise}
# :label: inside-the-visual-brain-public
# With a network connection: `medbook run translation/inside_the_visual_brain -p dataset=pathmnist`.
# Tumour against normal mucosa, in colour. Predict first: at which depth does the probe's curve
# reach its plateau, earlier than for the lesion or later, and how good is the random network's
# stem? **Self-check:** compare with the figure of the probes; the claim about late depths was made
# for the retina and may fail. Why?
# ```

# %% [markdown] tags=["solution"]
# ```{solution} inside-the-visual-brain-field
# :class: dropdown
# $67 + 2 \cdot 8 = 83$, then $j = 16$; $83 + 2 \cdot 16 = 115$ and $115 + 2 \cdot 16 = 147$.
# ```
#
# ```{solution} inside-the-visual-brain-sharpen
# :class: dropdown
# The weights must sum to one: the classical sharpening filter, the middle 5, its four neighbours
# $-1$, zeros in the corners. (Any middle $1 + 4t$ with neighbours $-t$, $t > 0$, will do.)
# ```
#
# ```{solution} inside-the-visual-brain-eps
# :class: dropdown
# $\varepsilon/a^2 = 10$. From $(v + 10^{-3})/(v + 10) = 0.81$ follows
# $v = (8.1 - 10^{-3})/0.19 \approx 43$: hardly any first-layer filter varies so much. Images so
# faint are not saved by batch statistics.
# ```
#
# ```{solution} inside-the-visual-brain-cka
# :class: dropdown
# Anything that turns or mirrors the features as a whole and mixes all columns, such as
# `puzzle - 2 / 3 * puzzle.sum(axis=1, keepdims=True)`, a reflection. CKA does not see it;
# correlations of single columns do.
# ```
#
# ```{solution} inside-the-visual-brain-public
# :class: dropdown
# Colour and texture at large separate the two, and these are there early: expect a plateau within
# the first stages, a random stem that is far better than guessing, and little gained with depth.
# Then late depths have nothing to add, and the claim fails or holds by a hair. The question
# decides.
# ```

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
