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
# # Appearance, prevalence, meaning
#
# **Question.** For two years a program has read tissue in a screening programme, where one tile in
# a hundred shows infiltrating tumour; the threshold above which somebody acts was chosen there. Now
# a tumour clinic in another town installs it. The clinic's scanner is set up differently, every
# second tile shows tumour, and its pathologist already says "infiltrated" where her colleague at
# home still says "watch". Three things have changed, each of them can make the program fail, and no
# error message will appear. Patients whose tumour is overlooked will not know why. Which of the
# three can we see before anybody is harmed, and which can we mend?
#
# **Objectives.** After this chapter you will be able to
#
# - tell the three shifts apart by what changes and what stays;
# - follow a shift in brightness through every layer of a network, image by image, and say what a
#   repair takes for granted and when it does more harm than the shift;
# - correct probabilities for a new prevalence, and estimate a prevalence that nobody told you;
# - say what a reliability curve shows, and why an estimate of the prevalence depends on it;
# - recognise the shift that no test without labels can see, and plan how many labels will show it,
#   once the other two are cleared.
#
# **Prerequisites.** Python, Bayes' rule, logistic regression, what a convolution and batch
# normalisation do. Helpful: the chapter on extracting features or fine-tuning.
#
# **Data.** The network and its weights are real (EfficientNet-Lite0, trained on ImageNet), and so
# are the photographs that travel through its layers. The first diagnosis is
# made on real texture of *one* retina with simulated lesions. Prevalence and meaning need
# thousands of tiles whose truth is known: they are simulated tissue, each tile from a patient of
# its own. (Real slides give many tiles a patient, and the prevalence among tiles, slides and
# patients are three numbers.) So we learn about methods here, not about patients. With a network
# connection, set `dataset` to `pathmnist` to use real tissue instead of simulated
# ({cite}`yang2023`, {cite}`kather2019`); slides of lymph nodes from five hospitals, whose stains
# and scanners differ, are in [Camelyon17](https://doi.org/10.1109/TMI.2018.2867350).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dataset: str = "simulated"  # tissue for prevalence and meaning: "simulated" or "pathmnist"
expected_mean: float = 115.0  # mean grey level that the network expects, 60 ≤ x ≤ 160
shifted_mean: float = 180.0  # mean grey level that it is given, 100 ≤ x ≤ 230
grain: float = 0.0  # SD of noise put on the brighter photographs, in grey levels, 0 ≤ x ≤ 80
tone: float = 0.4  # exponent of the other camera's tone curve, 0.2 ≤ x ≤ 0.9
n_photos: int = 48  # crops of photographs sent through the layers, 4 ≤ x ≤ 500
n_retina: int = 240  # patches of retina to learn from, and as many to test, 12 ≤ x ≤ 2000
mended_camera: str = "other"  # camera on which renewing is said to help: "other" or "same"
size: int = 48  # side of a tissue tile in pixels, 32 ≤ x ≤ 96
home_rate: float = 0.01  # prevalence in the screening programme, 0.005 ≤ x ≤ 0.4
clinic_rate: float = 0.5  # prevalence in the clinic, 0.02 ≤ x ≤ 0.98
n_home: int = 3000  # tiles to learn from, 100 ≤ x ≤ 3000
n_check: int = 4000  # labelled tiles at home that are not learned from, 100 ≤ x ≤ 4000
n_clinic: int = 400  # tiles at the clinic, 40 ≤ x ≤ 1000
act_above: float = 0.05  # probability of tumour from which one acts, 0.01 ≤ x ≤ 0.99
flatter: float = 0.8  # contrast of the flatter scanner, where home's is 1, 0.5 ≤ x ≤ 1.5
clinic_contrast: float = 1.0  # contrast of the clinic's own scanner, 0.5 ≤ x ≤ 1.5
n_graded: int = 1600  # tiles of every cellularity that two pathologists read, 60 ≤ x ≤ 4000
clinic_boundary: float = 0.3  # share of them below the clinic's boundary, home's 0.5, 0.1 ≤ x ≤ 0.9
n_deals: int = 200  # times that a pool of tiles is dealt to two sites, 10 ≤ x ≤ 10000
n_resamples: int = 200  # draws behind an interval or a power, 20 ≤ x ≤ 10000
n_folds: int = 5  # parts of home's tiles, each judged by what learned from the others, 2 ≤ x ≤ 10
n_strengths: int = 7  # strengths of a classifier of tissue that are tried, 2 ≤ x ≤ 7
n_positions: int = 9  # positions of each slider, 2 ≤ x ≤ 9

# %%
import copy
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.special import logit
from skimage.color import rgb2hed

from data_fetch.packaged import imagenet_weights
from data_fetch.sample import sha256_of_array
from data_fetch.simulated.histology import Morphology
from data_fetch.simulated.one_tile_each import one_tile_each
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.medmnist_two_classes import medmnist_two_classes, most_in_balance
from data_fetch.tasks.photograph_crops import ACCEPTED, RECOGNISED, recognisable, source_like
from data_fetch.tasks.photograph_of_crop import photograph_of_crop
from medlib import experiment
from medlib.experiment import COLORS
from medlib.measures.mean_interval import mean_interval
from medlib.measures.share_interval import share_of
from medlib.nets.efficientnet_lite import load_imagenet, preprocess

run = experiment.start("translation/three_shifts", locals())
KIND = "simulated" if dataset == "simulated" else "real"

# %%
run.require(
    abs(shifted_mean - expected_mean) >= 5, "shifted_mean", "expected_mean",
    right="without a shift there is nothing to follow: they are 5 grey levels or more apart",
)
run.require(
    clinic_rate >= home_rate + 0.01, "clinic_rate", "home_rate",
    right="tumour is more frequent at the clinic: clinic_rate is at least 0.01 above home_rate",
)
run.require(
    n_check >= 2 * n_clinic, "n_check", "n_clinic",
    right="two sets as large as the clinic's are taken at home: n_check is at least twice n_clinic",
)

# %%
total = n_home + n_check + 2 * n_clinic
most = total if dataset == "simulated" else most_in_balance(dataset, split="train") // 2
run.require(
    total <= most, "dataset", "n_home", "n_check", "n_clinic",
    right=f"no two sites share a tile: n_home + n_check + 2 n_clinic is at most {most}",
)

# %% tags=["hide-cell"]
HEALTHY = Morphology(
    tumour_per_mm2=(900, 1800), tumour_enlargement=(1, 1), tumour_atypia=(0.1, 0.1)
)
SICK = Morphology(
    tumour_per_mm2=(2600, 4600), tumour_enlargement=(1, 1.25), tumour_atypia=(0.25, 0.6)
)
GRADED = Morphology(
    tumour_share=(1.0, 1.0), tumour_per_mm2=(900, 4600),
    tumour_enlargement=(1, 1.25), tumour_atypia=(0.1, 0.6),
)


STOCK = {}  # real tissue that no site has taken yet, by label


def draw_tissue(name, n, infiltrated):
    """n tiles of one kind, normal (0) or infiltrated (1); no two sites share a tile."""
    if KIND == "simulated":
        fronts = np.ones(n, dtype=int) if infiltrated else np.arange(n) % 2  # between what is alike
        look = SICK if infiltrated else HEALTHY
        rng = run.rng(f"{name} {infiltrated}")
        sample = one_tile_each(fronts, rng=rng, size=size, morphology=look).sample
        images = sample.array
    else:
        if not STOCK:
            rng = run.rng("real tissue")
            sample, y = medmnist_two_classes(dataset, 2 * total, split="train", rng=rng, size=size)
            STOCK.update({k: sample.array[y == k] for k in (0, 1)}, sample=sample)
        sample, images = STOCK["sample"], STOCK[infiltrated][:n]
        STOCK[infiltrated] = STOCK[infiltrated][n:]
    return sample, images


def draw_graded(n):
    """At most n tiles, and how cellular each is: nuclei per mm², or nuclear stain if real."""
    rng = run.rng("graded")
    if KIND == "simulated":
        tiles = one_tile_each(
            np.ones(n, dtype=int), rng=rng, size=size, morphology=GRADED, window_um=8.0
        )
        return tiles.sample, tiles.images, tiles.density_per_mm2
    n = min(n // 2 * 2, most_in_balance(dataset, split="test"))  # there are no more
    sample, _ = medmnist_two_classes(dataset, n, split="test", rng=rng, size=size)
    return sample, sample.array, rgb2hed(sample.array)[..., 0].mean(axis=(1, 2))


def gallery(rows, titles):
    """Rows of images, each row with its title."""
    figure, axes = plt.subplots(len(rows), 8, figsize=(6.0, 0.95 * len(rows) + 0.1))
    for line, images, title in zip(axes, rows, titles, strict=True):
        line[0].set_title(title)
        for place in line:
            place.axis("off")
        for place, image in zip(line, images, strict=False):
            place.imshow(image)
    return figure


# %% [markdown]
# ## Three ways to change
#
# Let $x$ be an image and $y$ its label. What a site sees is one joint distribution, and it can be
# taken apart in two ways,
#
# $$ p(x, y) = p(y \mid x)\,p(x) = p(x \mid y)\,p(y) . $$
#
# A *shift* means that a factor at the new site, written with a prime, is another one:
#
# | Shift | What changes | What stays | In our story |
# |---|---|---|---|
# | covariate | $p'(x) \ne p(x)$ | $p(y \mid x)$ | the scanner |
# | prior (or label) | $p'(y) \ne p(y)$ | $p(x \mid y)$ | one in a hundred, one in two |
# | concept | $p'(y \mid x) \ne p(y \mid x)$ | $p(x)$ | the other pathologist |
#
# The names follow a [review of dataset shift](https://doi.org/10.1016/j.patcog.2011.06.019). Taken
# at its word, the first row does not fit a scanner: the tissue $z$ and its meaning $p(y \mid z)$
# stay, and what changes is $p(x \mid z)$, how tissue becomes pixels. That is why it is the image
# that must be mended (some call it
# [acquisition shift](https://doi.org/10.1038/s41467-020-17478-w)). Each cure relies on what
# *stays*; so the wrong cure is not a weaker one, but a false one.
#
# ## I. Appearance
#
# ### A picture first
#
# EfficientNet-Lite0 expects pixel values around the mean of ImageNet's photographs, near the
# parameter `expected_mean`. Tissue on a slide is bright: light shines through it, and most of it is
# background. What happens if a network that expects a mean of $115$ is given $180$? We take crops
# of photographs, the network's own home, and change nothing but their brightness: one number is
# added to all pixels, and what leaves the range of 0 to 255 is cut off. Crops of one photograph
# are not independent, so every interval here is one over photographs: first the mean over the
# crops of each.

# %% tags=["key"]
from medlib.translation.shifts.covariate_shift import with_mean

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
deal = run.rng("photographs")
scenes = photograph_of_crop(2 * n_photos, rng=copy.deepcopy(deal))[:n_photos]
crops = run.uses(source_like(2 * n_photos, rng=deal, size=96)).array
photos, others = (
    with_mean(part, mean=expected_mean) for part in (crops[:n_photos], crops[n_photos:])
)
mirrored = photos[:, :, ::-1].copy()


# %%
def by_scene(values, scene=scenes):
    """The mean over the crops of each photograph: one number for each that is independent."""
    return np.array([values[scene == k].mean() for k in np.unique(scene)])


# %%
noise = run.rng("grain").normal(size=photos.shape)


def brightened(images, mean=shifted_mean):
    """The images at another mean grey level, with grain if the parameter says so."""
    bright = with_mean(images, mean=mean)
    if grain == 0:
        return bright
    return np.clip(np.rint(bright + grain * noise[: len(images)]), 0, 255).astype(np.uint8)


brighter = brightened(photos)

# %%
run.figure(
    gallery([photos[:8], brighter[:8]],
            [f"photographs, mean {expected_mean:g}", f"mean {shifted_mean:g}"]),
    name="brightness", data="real",
    alt="Two rows of small images: photographs, and below the same ones washed out.",
    caption="Crops of real photographs at the expected brightness and brighter."
    f" n = 8 of {n_photos} crops, of {len(np.unique(scenes))} photographs.",
)

# %% [markdown]
# ### The first layer by hand
#
# The first convolution and the batch normalisation behind it are called the *stem*. Let $W_{ckij}$
# be the kernels from colour $k$ to channel $c$. If every pixel of colour $k$ grows by $b_k$, each
# output of channel $c$ grows by
#
# $$ \Delta_c = \sum_k b_k \sum_{ij} W_{ckij}, $$
#
# because a convolution is linear and sums over its window. A kernel that takes *differences* sums
# to zero and sees nothing; a kernel that *averages* sees everything. The batch normalisation
# remembers from ImageNet the mean $m_c$ and the variance $v_c$ of what entered channel $c$. So the
# natural unit of a shift is the channel's own standard deviation,
#
# $$ \delta_c = \Delta_c \,/\, \sqrt{v_c} . $$

# %% tags=["key"]
stem, norm = source.stem
colour_means = [images.mean(axis=(0, 1, 2)) for images in (photos, brighter)]
step = np.diff(colour_means, axis=0)[0] / 128  # the network's input is (grey level - 127) / 128
b = torch.tensor(step, dtype=torch.float32)
kernel_sums = stem.weight.detach().cpu().sum(dim=(2, 3))
delta = (kernel_sums @ b / torch.sqrt(norm.running_var + norm.eps).cpu()).numpy()

# %% [markdown]
# The library sends the images through the network and measures, in every layer, what really
# arrives there. At the first layer it must find what we have computed, up to the frame of padding
# around an image.

# %% tags=["key"]
from medlib.translation.shifts.covariate_shift import remembered_statistics
from medlib.translation.shifts.image_shift import channel_means, shift_of_mean
from medlib.translation.shifts.image_shift import shift_per_image, shift_per_place

unit = [layer.sd for layer in remembered_statistics(source)]


def means_of(images):
    return channel_means(source, preprocess(images, device=run.device))


at_home, at_bright = means_of(photos), means_of(brighter)

# %%
first = (at_bright[0].mean(axis=0) - at_home[0].mean(axis=0)) / unit[0]
run.result("stem_slope", first @ delta / (delta @ delta), n=len(first), atol=1e-4)
run.result("stem_gap", np.abs(first - delta).max(), unit="SD", n=len(first), atol=1e-3)
run.say(
    "The measured shifts of the {n} channels of the first layer are {stem_slope:.3f} times those by"
    " hand, and no channel differs by more than {stem_gap:.2f} standard deviations. {blind:.0%} of"
    " the channels move by less than a tenth of one; the one that moves most moves by {most:.1f}.",
    n=len(first), blind=np.mean(np.abs(delta) < 0.1), most=np.abs(delta).max(),
)

# %% [markdown]
# ### Layer by layer, image by image
#
# Behind the first layer linearity ends: ReLU6 cuts below 0 and above 6. Is the error amplified on
# its way through the network, or does it fade? The size of a shift is a root mean square of
# $\delta$, over a layer's channels at least. But what else is averaged first? One may take each
# channel's mean over all crops and then the size; or its mean over the places of one crop; or the
# size over channels *and places*, for each crop, and average only then. They differ: where one
# place goes up and another down, the mean stands still although neither is what it was. A lesion is
# a place in one image, so the last of the three is the one that counts.
#
# And what is large? Two yardsticks, which nobody would call a change: *mirror* each crop, left for
# right, and turn its maps back before comparing; or add *grain* of one grey level, too faint to be
# seen.

# %% tags=["key"]
FAINT = 1.0  # standard deviation of the yardstick's grain, in grey levels
x_home = preprocess(photos, device=run.device)


def by_place(images, home=x_home, **options):
    """The size of the shift in every layer, over channels and places: (layers, crops)."""
    there = preprocess(images, device=run.device) if isinstance(images, np.ndarray) else images
    return shift_per_place(source, there, home, sds=unit, **options)

# %% tags=["key"]
means = dict.fromkeys([shifted_mean, expected_mean, 90.0, 140.0, 160.0, 200.0, 220.0])
means = sorted([*means][:n_positions])
each = {m: by_place(brightened(photos, m)) for m in means}
by_mirror = by_place(mirrored, mirrored=True)
grained = np.clip(np.rint(photos + FAINT * noise), 0, 255).astype(np.uint8)
by_grain = by_place(grained)

# %% [markdown]
# For comparison, the same with the mean over places first, and with the mean over all crops first:

# %% tags=["key"]
seen_at = {m: at_bright if m == shifted_mean else means_of(brightened(photos, m)) for m in means}
of_crop = {m: shift_per_image(x, at_home, sds=unit) for m, x in seen_at.items()}
of_mean = {m: shift_of_mean(x, at_home, sds=unit) for m, x in seen_at.items()}

# %% [markdown]
# Two questions deserve a pass of their own. Is it the cutting off at 255 that does the harm? Add
# the same number with nothing cut off. And in which layer is the shift least? The least of many is
# small by luck as well, so the layer is chosen on other crops (of the same photographs, it is true;
# we have no more).

# %% tags=["key"]
offset = float(np.median(brighter.astype(float) - photos))  # in grey levels
by_uncut = by_place(x_home + offset / 128)
on_others = by_place(brightened(others), home=preprocess(others, device=run.device))
least = int(on_others.mean(axis=1).argmin())

# %%
def sizes_by_layer(place, mean):
    """The size of the shift in every layer, two ways, and of the two yardsticks."""
    layers = np.arange(1, len(unit) + 1)
    low, high = np.quantile(each[mean], [0.1, 0.9], axis=1)
    place.fill_between(layers, low, high, color=COLORS["blue"], alpha=0.25)
    place.plot(layers, each[mean].mean(axis=1), color=COLORS["blue"], label="brighter")
    crop = of_crop[mean].mean(axis=1)
    place.plot(layers, crop, ":", color=COLORS["orange"], label="brighter, channel means")
    place.plot(layers, by_mirror.mean(axis=1), "--", color=COLORS["grey"], label="mirrored")
    place.plot(layers, by_grain.mean(axis=1), "-.", color=COLORS["green"], label="faint grain")
    place.set(ylim=(0, 1.3), xlabel="layer, from the image (1) to the features (49)")


# %%
def layer_frame(mean):
    """A photograph at one brightness, and the shift that it causes in every layer."""
    figure, (top, below) = plt.subplots(2, 1, figsize=(5.4, 5.2), height_ratios=[1, 2.4])
    colourful = np.argmax(photos.std(axis=-1).mean(axis=(1, 2)))
    top.imshow(brightened(photos, mean)[colourful])
    top.set_title(f"mean {mean:g}")
    top.axis("off")
    sizes_by_layer(below, mean)
    below.set_ylabel("shift in SDs of the channel")
    below.legend(loc="upper right")
    return figure


# %%
run.frames(
    [layer_frame(m) for m in means], name="layers", label="mean grey level",
    values=[f"{m:g}" for m in means], start=means.index(shifted_mean), data="real",
    alt=[f"A photograph at mean {m:g}, and the size of the shift in each of 49 layers: it starts at"
         f" {each[m][0].mean():.2f} standard deviations, falls to {each[m].mean(1).min():.2f} and"
         f" ends at {each[m][-1].mean():.2f}; where there is any, that of channel means falls much"
         " lower."
         for m in means],
    caption="Place by place, brightness loses in the first layers, and little of it comes back."
    + "".join(f" At {m:g} the first is moved by {each[m][0].mean():.2f} and the last by"
              f" {each[m][-1].mean():.2f}." for m in dict.fromkeys([shifted_mean, means[-1]]))
    + f" Mirroring moves the last by {by_mirror[-1].mean():.2f}, grain that nobody sees by"
    f" {by_grain[-1].mean():.2f}. Means over a crop's places hide how much is moved on the way."
    f" Lines: means over crops; band: 80 % of them. n = {n_photos} crops of"
    f" {len(np.unique(scenes))} real photographs.",
)

# %%
placed, crops_means = each[shifted_mean], of_crop[shifted_mean]
found = {
    "first": placed[0], "last": placed[-1], "least": placed[least],
    "first_mirror": by_mirror[0], "last_mirror": by_mirror[-1], "last_uncut": by_uncut[-1],
    "first_grain": by_grain[0], "last_grain": by_grain[-1],
    "growth": placed[-1] - placed[0],
    "regrowth": placed[-1] - placed[least],
    "growth_grain": by_grain[-1] - by_grain[0],
    "over_mirror": placed[-1] - by_mirror[-1],
    "last_of_crop": crops_means[-1], "regrowth_of_crop": crops_means[-1] - crops_means[least],
}

# %%
kept = {
    name: run.result(f"shift_{name}", mean_interval(by_scene(sizes), unit="SD"), atol=0.005)
    for name, sizes in found.items()
}

# %%
run.result("shift_last_of_mean", of_mean[shifted_mean][-1], unit="SD", n=n_photos, atol=0.001)
run.say(
    "Brightness starts at {shift_first:.2ci}, is down to {shift_least:.2ci} at layer {least}, and"
    " ends at {shift_last:.2ci}. From the first layer to the last that is {shift_growth:+.2ci}, and"
    " from layer {least} on {shift_regrowth:+.2ci}. With nothing cut off at 255 the brighter crops"
    " end at {shift_last_uncut:.2f}. Mirroring starts at {shift_first_mirror:.2f} and ends at"
    " {shift_last_mirror:.2f}, brightness {shift_over_mirror:+.2ci} beyond it. And the grain that"
    " nobody sees? It starts at {shift_first_grain:.3f} and ends at {shift_last_grain:.2ci},"
    " {grown:.0f} times as much.",
    least=least + 1, grown=kept["last_grain"].value / kept["first_grain"].value,
)
run.say(
    "Channel means tell another story: the mean over places ends at {shift_last_of_crop:.2f} and"
    " seems to have grown by {shift_regrowth_of_crop:+.2ci} since layer {least}; the mean over all"
    " crops ends at {shift_last_of_mean:.2f}.",
    least=least + 1,
)

# %% [markdown]
# And what does it do to the *answer*? We count how many crops change the class that the network
# ranks first among its thousand. Some of these crops show a piece of sky or of a wall; so we take
# crops of four photographs that the network does recognise, too, and count how often its first
# class is right.

# %% tags=["key"]
from medlib.nets.features import predict


def top1(images):
    return predict(source, preprocess(images, device=run.device)).argmax(axis=1)


was = top1(photos)
changed = {"brighter": top1(brighter) != was, "mirrored": top1(mirrored) != was}

# %%
known, which = recognisable(n_photos, rng=run.rng("recognisable"), size=96)
known = with_mean(run.uses(known).array, mean=expected_mean)
shown = {"as_is": known, "brighter": brightened(known), "mirrored": known[:, :, ::-1].copy()}
right = {
    how: np.array([c in ACCEPTED[g] for c, g in zip(top1(x), which, strict=True)])
    for how, x in shown.items()
}

# %%
for how, hits in changed.items():
    run.result(f"top1_{how}", mean_interval(by_scene(hits * 1.0), within=(0, 1)), atol=0.021)
for how, hits in right.items():
    run.result(f"right_{how}", hits.mean(), n=n_photos, atol=0.021)
excess = changed["brighter"] * 1.0 - changed["mirrored"]
run.result("top1_excess", mean_interval(by_scene(excess)), atol=0.021)
lost = right["as_is"] * 1.0 - right["brighter"]
run.result("right_lost", mean_interval(by_scene(lost, which)), atol=0.021)

# %%
names = {"as is": "as_is", "brighter": "brighter", "mirrored": "mirrored"}
rows = [
    {"photograph": name} | {
        said: f"{right[how][which == k].sum()} of {(which == k).sum()}"
        for said, how in names.items()
    }
    for k, name in enumerate(RECOGNISED)
]
run.table(rows, name="recognised", caption="Crops of four real photographs whose first class is"
          " right.")
run.say(
    "Brighter, {top1_brighter:.0%ci} of the crops get another first class. That sounds like ruin,"
    " until one mirrors them: {top1_mirrored:.0%ci}, a difference of {top1_excess:+.0%ci} over"
    " photographs. Crops of 96 pixels leave the first of a thousand classes on the edge, and much"
    " tips it. And of the crops that show something known {right_as_is:.0%} are named right as they"
    " are, {right_mirrored:.0%} mirrored and {right_brighter:.0%} brighter. Do not read that as"
    " *brightness costs little*: look at the rows. One photograph loses and another gains, and over"
    " four photographs the mean loss is {right_lost:+.0%ci}, which is to say unknown.",
)

# %% [markdown]
# So is brightness amplified? It is largest where it enters, and it ends at half of that. The early
# layers compare a place with its neighbours and cancel more than half of it; on the way to the end
# a little comes back, and it ends alike with nothing cut off at 255. What this network amplifies is
# what lies *between* neighbours: grain. (In channel means brightness falls lower, and more of it
# seems to come back; but what had gone was mostly the mean. And mirroring moves most layers between
# further than brightness does, and ends no higher: a large shift on the way need not be a large one
# at the end.) Do not make a law of it: it is one network, and a few photographs.
#
# ### What it does to a diagnosis, and three repairs
#
# Now to the retina: is a small dark lesion round, or a streak? A *probe*, a logistic regression on
# the features of the frozen network's last layer (`"head"`), learns it at home; how much it is
# shrunk is chosen on validation patches. The camera at the new site lifts the shadows: a value $v$
# becomes $255\,(v/255)^{0.4}$, with the parameter `tone` as exponent. That brightens, keeps the
# order of all values and pushes none out of range. Here are three repairs, none of which needs a
# label there:
#
# - **Renormalise** the input: for each colour a value $v$ becomes $(v - \bar v')\,s/s' + \bar v$,
#   with mean $\bar v'$ and standard deviation $s'$ over all of the new site's images, and
#   $\bar v$, $s$ those of the images learned from.
# - **Match histograms**: $v$ becomes $F^{-1}(F'(v))$, with the cumulative distributions $F'$ there
#   and $F$ at home; it undoes any monotone curve, not only a straight line.
# - **Renew batch normalisation**: put the new site's means and variances in place of $m_c$ and
#   $v_c$ ([Li et al.](https://doi.org/10.1016/j.patcog.2018.03.005)). We try it in two ways: at the
#   new site only, with the probe that we have; and at *both* sites, each with its own statistics,
#   with a probe fitted on features that were made that way.


# %%
def lesions(split, n):
    sample, labels = fundus_lesions(
        n, split=split, rng=run.rng(f"retina {split}"), size=64, contrast=0.25
    )
    return run.uses(sample).array, labels


home, home_labels = lesions("train", n_retina)
tune, tune_labels = lesions("validation", n_retina // 2)
same, labels = lesions("test", n_retina)
bright = np.rint(255 * (same / 255) ** tone).astype(np.uint8)
lifted = np.clip(same + np.rint(shifted_mean - expected_mean), 0, 255).astype(np.uint8)

# %% tags=["key"]
from medlib.measures.auc import auc, auc_difference, auc_of
from medlib.nets.features import cached_features, fit_head
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.shifts.covariate_shift import match_to, renormalise

look = {"mean": home.mean(axis=(0, 1, 2)), "sd": home.std(axis=(0, 1, 2))}


def features(images, network=source):
    return cached_features(network, preprocess(images, device=run.device))


def renewed(images):
    return refresh_statistics(copy.deepcopy(source), preprocess(images, device=run.device))


# %%
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)  # smaller = more shrinkage


def probe_on(network, name):
    """The probe of a network's features whose shrinkage does best on validation patches."""
    learn, check = features(home, network), features(tune, network)
    tried = [fit_head(learn, home_labels, strength=c) for c in STRENGTHS]
    scores = [auc_of(t.decision_function(check), tune_labels).value for t in tried]
    best = int(np.argmax(scores))
    run.result(name, STRENGTHS[best])
    return tried[best]


# %% tags=["key"]
probe, own_probe = probe_on(source, "strength"), probe_on(renewed(home), "strength_anew")
answers = {}
for where, there in (("bright", bright), ("same", same)):
    anew = features(there, renewed(there))
    answers[where] = {
        "nothing": probe.decision_function(features(there)),
        "renormalised": probe.decision_function(features(renormalise(there, **look))),
        "histograms matched": probe.decision_function(features(match_to(there, home))),
        "statistics renewed there": probe.decision_function(anew),
        "statistics renewed at both": own_probe.decision_function(anew),
    }
answers["lifted"] = {"nothing": probe.decision_function(features(lifted))}

# %%
rows = [
    {"repair": r, "other camera": f"{auc_of(answers['bright'][r], labels):.2ci}",
     "same camera": f"{auc_of(s, labels):.2ci}"}
    for r, s in answers["same"].items()
]
run.table(rows, name="repairs", caption="AUC of a probe on the frozen network; 95 % intervals over"
          f" n = {n_retina} simulated lesions, on patches of one half of one real retina.")

# %%
differences = {
    "loss": ("same", "nothing", "bright", "nothing"),
    "loss_lifted": ("same", "nothing", "lifted", "nothing"),
    "won_back": ("bright", "renormalised", "bright", "nothing"),
    "price": ("same", "nothing", "same", "renormalised"),
    "price_matched": ("same", "nothing", "same", "histograms matched"),
    "harm": ("same", "nothing", "same", "statistics renewed there"),
    "harm_both": ("same", "nothing", "same", "statistics renewed at both"),
}


def by_label(scores):
    return scores[labels == 1], scores[labels == 0]


# %%
gaps = {}
for name, (w1, r1, w2, r2) in differences.items():
    found = auc_difference(by_label(answers[w1][r1]), by_label(answers[w2][r2]))
    gaps[name] = run.result(name, replace(found, unit="AUC"), atol=0.01)

# %%
run.say(
    "Of eight strengths from {least:g} to {most:g} the probe takes {strength:g}, and the one that"
    " is fitted anew {strength_anew:g}. The other camera lifts the mean from {dark:.0f} to"
    " {light:.0f} ({clipped:.0%} of the red values are at 255, before and after), and the probe"
    " loses {loss:.3ci}. As many grey"
    " levels added to all pixels as in the photographs cost it {loss_lifted:.3ci}. Renormalising"
    " the other camera's images wins back {won_back:+.3ci}.",
    dark=same.mean(), light=bright.mean(), clipped=np.mean(bright[..., 0] == 255),
    least=STRENGTHS[0], most=STRENGTHS[-1],
)
run.say(
    "Now look at the right column, where nothing had to be cured. Renormalising costs"
    " {price:+.3ci}, matching {price_matched:+.3ci}, statistics renewed there {harm:+.2ci}, renewed"
    " at both sites {harm_both:+.2ci}. These are intervals of one draw; the recorded trial below"
    " has five. (Green varies by {learned:.0f} grey levels in the half of the eye that was learned"
    " from and by {tested:.0f} in the other: to stretch the one to the other takes content for"
    " camera.)",
    learned=home[..., 1].std(), tested=same[..., 1].std(),
)

# %% [markdown]
# ### When renewing works
#
# Renewing statistics is a popular cure, and here it costs more than the camera did. Is the cure
# bad, or the patient? In training under *batch statistics* each layer normalises by the batch at
# hand. So the next layer has only ever seen channels of one mean $\beta_c$ and one spread
# $|\gamma_c|$, the two numbers that batch normalisation learns, *of the images of that training*.
# Give such a network a new camera's statistics, with such images, and it sees again what it knows.
#
# ImageNet's weights were trained under batch statistics, too, but on photographs, and under a
# retina's statistics they are where they have never been. And under those of photographs? Renew
# them on our own crops, whose brightness was right from the start, and ask for the first class of
# the known crops again.

# %%
under_own = refresh_statistics(
    copy.deepcopy(source), preprocess(np.concatenate([photos, others]), device=run.device)
)
first_class = predict(under_own, preprocess(known, device=run.device)).argmax(axis=1)
still = np.array([c in ACCEPTED[g] for c, g in zip(first_class, which, strict=True)])
run.result("right_renewed", still.mean(), n=n_photos, atol=0.021)
fewer = right["as_is"] * 1.0 - still
fewer = mean_interval(by_scene(fewer, which), within=(-1, 1))
run.result("lost_by_own_statistics", fewer, atol=0.021)
run.say(
    "Under the statistics of {n} crops of {scenes} photographs {right_renewed:.0%} of the known"
    " crops are named right, where {right_as_is:.0%} were; over photographs"
    " {lost_by_own_statistics:.0%ci} are lost.",
    n=2 * n_photos, scenes=len(np.unique(scenes)),
)

# %% [markdown]
# So *photographs* is not enough. The batches of that training held a thousand kinds of things, in
# larger pictures; small crops of a few scenes are not such images either, and which of the two it
# is we cannot tell with so few. Would it help to fit the
# probe anew, on features made under the new statistics, so that at least the probe knows them?
#
# This and the rule itself can be tested. Renew the frozen network at both sites, with a probe of
# its own. And fine-tune the whole network on the lesions twice, once with its statistics left as
# they came from ImageNet, and once under those of its batches. Everything else is alike: the
# images, the steps, and a rate that is chosen for each on validation patches. Then give all the
# other camera, and renew. This takes minutes, so it is a recorded trial; the seed is its unit, and
# draws the images and the batches. Its patches are smaller and more, so its AUCs differ from those
# above; all come from the one retina, and the intervals say nothing about other eyes.

# %% tags=["key"]
trial = experiment.recorded(run, "_renewed_statistics/sweep")
STEPS = {f"_x{k}": k * trial.fixed["steps"] for k in (1, 2, 4, 8)}
LENGTHS = [x for x in STEPS if f"auc_same_nothing{x}" in trial.names]  # how long was trained


def scores_in(where, repair, way, length=""):
    """The AUC of each seed, with one camera and one repair."""
    return trial.array(f"auc_{where}_{repair}{length}", trained_under=way)


def gains_of_seeds(where, way, length, repair="renewed"):
    """What renewing at one site changes in each seed's AUC."""
    return scores_in(where, repair, way, length) - scores_in(where, "nothing", way, length)


def by_renewing(where, way, length, repair="renewed"):
    """The same as mean over seeds, with its 95 % t interval."""
    return mean_interval(gains_of_seeds(where, way, length, repair), unit="AUC")


# %%
from medlib.experiment.plots.interval_points import Column, interval_points

WAYS = {"frozen, a probe": "frozen", "trained, ImageNet's statistics": "source",
        "trained, its batches' statistics": "batch"}
longest = {"frozen": "", "source": LENGTHS[-1], "batch": LENGTHS[-1]}
ARMS = {"frozen, renewed there": ("frozen", "renewed"),
        "frozen, renewed at both": ("frozen", "renewed_at_both"),
        "trained, ImageNet's statistics": ("source", "renewed"),
        "trained, its batches' statistics": ("batch", "renewed")}
renewing = {
    (where, arm): by_renewing(where, way, longest[way], repair)
    for where in ("same", "other") for arm, (way, repair) in ARMS.items()
}

# %%
columns = [
    Column({arm: renewing[where, arm] for arm in ARMS},
           x=("change by renewing", "AUC"), title=f"{where} camera", reference=0)
    for where in ("same", "other")
]
run.figure(
    interval_points(*columns, highlight=["trained, its batches' statistics"]),
    name="renewing", data="real and simulated",
    alt="Change of AUC by renewing statistics, for two cameras: below zero for the frozen network,"
    " renewed there or at both sites, and for the one trained under ImageNet's statistics with both"
    " cameras; for the one trained under its batches' about zero with the same camera, and with the"
    " other above zero in the mean, with an interval that reaches a little below.",
    caption="On the other camera renewed statistics help each network that was fine-tuned under its"
    " batches' statistics, one much more than the rest: hence the wide interval. They harm one"
    " fine-tuned under ImageNet's, and the frozen one, even if they are renewed at both sites and"
    " the probe is fitted anew. Recorded; real retina, simulated lesions, longest training, mean"
    f" and 95 % t interval over n = {len(trial.seeds)} seeds.",
)

# %%
REPAIRS = {"nothing": "nothing", "renormalised": "renormalised", "matched": "histograms matched",
           "renewed": "renewed there", "renewed_at_both": "renewed at both"}


def seeds_mean(where, repair, way):
    """The mean over seeds as text; only the frozen network has a probe to fit anew."""
    if repair == "renewed_at_both" and way != "frozen":
        return ""
    return f"{mean_interval(scores_in(where, repair, way, longest[way]), within=(0, 1)):.2ci}"


# %%
rows = [
    {"network": text, "camera": where}
    | {said: seeds_mean(where, repair, way) for repair, said in REPAIRS.items()}
    for text, way in WAYS.items() for where in ("same", "other")
]
run.table(rows, name="renewed", caption="Recorded: test AUC by camera and repair; means over"
          f" {len(trial.seeds)} seeds with 95 % t intervals.")
rated = [name for name in trial.names if name.startswith("rate")]  # one, or one for each length
rates = {
    way: sorted({r for name in rated for r in trial.array(name, trained_under=way)})
    for way in ("source", "batch")
}
when = "the shortest length" if len(rated) == 1 else "each length"

# %%
strengths_of = {
    name: sorted({*trial.array(name, trained_under="frozen")})
    for name in ("strength", "strength_anew") if name in trial.names
}
strengths_of.setdefault("strength_anew", [])


def listed(values):
    return ", ".join(f"{value:g}" for value in values) or "not recorded"


# %%
run.say(str(trial.made) + " Again: `medbook sweep translation/three_shifts/_renewed_statistics"
        " -g trained_under=frozen,source,batch --seeds 0-4 --accept`. Chosen on validation patches:"
        " the probe's strength C ({probe}; {anew} where it is fitted anew), and of the rates, at"
        " {when}, {source} under ImageNet's statistics, {batch} under the batches'. All rates"
        " compete at the shortest length only; at each longer one the last winner and the rate"
        " below it do: none could go back to a higher one.",
        probe=listed(strengths_of["strength"]), anew=listed(strengths_of["strength_anew"]),
        when=when, source=listed(rates["source"]), batch=listed(rates["batch"]))

# %%
short = dict(zip(ARMS, ("frozen", "frozen_both", "source", "batch"), strict=True))
for (where, arm), found in renewing.items():
    run.result(f"renewing_{short[arm]}_{where}", found)


def across(name, after, before):
    """Record the mean difference of two arms, seed by seed."""
    return run.result(name, mean_interval(scores_in(*after) - scores_in(*before), unit="AUC"))


# %%
for name, repair in (("gap_frozen", "nothing"), ("gap_frozen_both", "renewed_at_both")):
    across(name, ("same", repair, "frozen"), ("other", repair, "frozen"))
for repair in ("renormalised", "matched"):
    across(f"trial_price_{repair}", ("same", "nothing", "frozen"), ("same", repair, "frozen"))
    across(f"trial_gain_{repair}", ("other", repair, "frozen"), ("other", "nothing", "frozen"))

# %%
for way in ("source", "batch"):
    across(f"gap_{way}", ("same", "nothing", way, LENGTHS[-1]),
           ("other", "nothing", way, LENGTHS[-1]))
across("renewed_over_matched", ("other", "renewed", "batch", LENGTHS[-1]),
       ("other", "matched", "batch", LENGTHS[-1]))
at_the_end = gains_of_seeds("other", "batch", LENGTHS[-1])
lead = {
    (w, x): across(f"source_lead_{w}{x}", (w, "nothing", "source", x), (w, "renewed", "batch", x))
    for w in ("same", "other") for x in LENGTHS
}

# %%
run.say(
    "The frozen network first. Untouched, its probe loses {gap_frozen:.3ci} to the other camera."
    " Renewed at both sites, with a probe of its own, the gap is {gap_frozen_both:+.3ci}: none is"
    " seen. Much of the diagnosis is gone, too, {renewing_frozen_both_same:+.2ci} on the camera"
    " that was right all along. And the two repairs of the image, over five seeds? Where nothing"
    " was broken renormalising costs {trial_price_renormalised:.3ci} and matching"
    " {trial_price_matched:.3ci}; on the other camera they win back"
    " {trial_gain_renormalised:+.3ci} and {trial_gain_matched:+.3ci}: no more than chance may.",
)
run.say(
    "Now the trained ones, at the end of the longest training. Renewing on the other camera is"
    " worth {renewing_batch_other:+.3ci} where the network was trained under its batches'"
    " statistics, from {least:+.3f} to {most:+.3f} in the single seeds, and"
    " {renewing_source_other:+.2ci} where it was trained under ImageNet's. For the former it is"
    " {renewed_over_matched:+.3ci} better than matching histograms, which needs no batch"
    " statistics: not better for sure. (The two repairs of the image helped that network as well:"
    " in the trial they raised its AUC on the other camera in every seed and at every length.)",
    least=at_the_end.min(), most=at_the_end.max(),
)

# %%
def at_lengths(found, form):
    """Estimates at every length of training, as text."""
    return ", ".join(f"{value:{form}} after {STEPS[x]} steps" for x, value in found.items())


leads = {w: {x: lead[w, x] for x in LENGTHS} for w in ("same", "other")}
run.say(
    "Nor need who keeps ImageNet's statistics from training to use be the loser. On the same camera"
    " that network, untouched, leads the other, renewed, by {same}; on the other camera by {other}."
    " After the longest training both intervals are wide, so who leads in the end we do not know."
    " And left alone after it, the one trained under ImageNet's loses {gap_source:.3ci} to the"
    " other camera, the one trained under its batches' {gap_batch:.3ci}: part of what renewing"
    " heals may be a wound that training under batches made.",
    same=at_lengths(leads["same"], "+.3ci"), other=at_lengths(leads["other"], "+.3ci"),
)

# %%
gain = {x: by_renewing("other", "batch", x) for x in LENGTHS}
untouched = {
    x: mean_interval(scores_in("same", "nothing", "batch", x)
                     - scores_in("other", "nothing", "batch", x), unit="AUC") for x in LENGTHS
}
run.say(
    "And the gain by renewing? On the other camera it is {gain}. It can hardly be more than what"
    " that camera takes from the untouched network that was trained under its batches' statistics:"
    " {lost}. Is it trained to an end? On validation patches its AUC is {reached}.",
    gain=at_lengths(gain, "+.3ci"), lost=at_lengths(untouched, ".3f"),
    reached=at_lengths(
        {x: trial.array(f"validation{x}", trained_under="batch").mean() for x in LENGTHS}, ".3f"
    ),
)

# %% [markdown]
# So ask of a repair what it takes for granted. Renewing takes for granted that weights *and images*
# are those of a training under batch statistics. ImageNet's weights had such a training, but not on
# these images; and a network that was fine-tuned under fixed statistics had none on them.
# Renormalising and matching take for granted that the new site shows the same *content*, and
# stretch away what differs between two halves of one eye. A repair is a change, too: measure it
# where nothing is broken.
#
# ## II. Prevalence
#
# ### Same tissue, other numbers
#
# From here on all tissue comes from one laboratory and one scanner. At home one tile in a hundred
# shows tumour; the classifier learns there, and more labelled tiles from home are kept aside to
# check it. In the clinic it is one tile in two. Our simulation grants that a tile with tumour looks
# the same in both places, that is $p(x \mid y)$ stays. Between a real screening programme and a
# real clinic it rarely does: tumours there are larger, and other diseases mimic them (the *spectrum
# effect*). If it stays, a threshold that is left alone finds the same share of the
# tumours in both places (its sensitivity) and gives the same share of false alarms. What changes is
# whether it is still a good threshold.

# %% tags=["key"]
counts = {"home": n_home, "check": n_check, "clinic": n_clinic, "quiet": n_clinic}
images, truth = {}, {}
for name, n in counts.items():
    sick = round(n * (clinic_rate if name == "clinic" else home_rate))
    sick = min(max(2, sick), n - 2)  # two of either kind, or nothing can be compared
    (sample, normal), (_, tumour) = draw_tissue(name, n - sick, 0), draw_tissue(name, sick, 1)
    tiles = np.concatenate([normal, tumour])
    about = {"name": f"tissue/{name}", "sha256": sha256_of_array(tiles)}
    images[name] = run.uses(replace(sample, array=tiles, **about)).array
    truth[name] = np.repeat([0, 1], [n - sick, sick])

# %%
def flatten(tiles, contrast):
    """Tiles through a scanner of another contrast, around the mean grey level at home."""
    level = images["check"].mean()
    return np.clip(np.rint(level + contrast * (tiles - level)), 0, 255).astype(np.uint8)


clinic_at_home = images["clinic"]  # the clinic's tiles as home's scanner would see them
if clinic_contrast != 1:
    images["clinic"] = flatten(clinic_at_home, clinic_contrast)

# %%
run.figure(
    gallery([images["clinic"][:8], images["clinic"][-8:]], ["normal", "infiltrated"]),
    name="tissue", data=KIND,
    alt="Two rows of small pink tiles with dark nuclei; below, nuclei are more, larger and darker.",
    caption=f"What the classifier must tell apart; {KIND} tissue, n = 8 tiles of each kind.",
)

# %% [markdown]
# The classifier is a logistic regression on the channel means of the network at one of nine depths
# (the first layer, `"stem"`; seven stages, each of several layers; and the last, `"head"`);
# `strength` is scikit-learn's $C$, smaller for more shrinkage. Both are chosen on the tiles to
# learn from, and no others: these are cut in parts (five, the parameter `n_folds`), and each part
# is judged by what was learned from the others. Taken are the depth and the strength of the least
# *log loss*, the mean over tiles of $-\ln$ of the probability that the truth was given.

# %% tags=["key"]
from medlib.measures.calibration import fit_logit_line, log_loss
from medlib.nets.by_depth import features_by_depth
from medlib.nets.trunk import Trunk
from medlib.translation.shifts.chosen_at_home import choose_probe, cross_fitted

strengths = [100.0, 10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4][-n_strengths:]
at_depths = features_by_depth(source, preprocess(images["home"], device=run.device))
choice = choose_probe(at_depths, truth["home"], strengths=strengths, folds=n_folds)
depth, strength, losses = choice
trunk = Trunk(source, depth=depth).to(run.device).eval()

# %% [markdown]
# The probabilities of the one that was taken need not be right. On the labelled tiles that it did
# not learn from, *Platt's line* corrects them: a regression of the label on the log odds, with a
# slope and an offset.

# %% tags=["key"]
@torch.no_grad()
def texture_of(tiles):
    batches = preprocess(tiles, device=run.device).split(64)
    return torch.cat([trunk(batch).cpu() for batch in batches]).numpy()


texture = {name: texture_of(tiles) for name, tiles in images.items()}
head = fit_head(texture["home"], truth["home"], strength=strength)
raw = {name: head.predict_proba(values)[:, 1] for name, values in texture.items()}
line = fit_logit_line(raw["check"], truth["check"])

# %%
def certain(values):
    """Probabilities of which none is nearer to 0 or 1 than twelve digits: their odds are finite."""
    return np.clip(values, 1e-12, 1 - 1e-12)


p = {name: certain(line(values)) for name, values in raw.items()}
p_clinic, clinic_y = p["clinic"], truth["clinic"]

# %% [markdown]
# A probability is *calibrated* if, among all tiles that are given the probability $q$, the share
# $q$ shows tumour. The *reliability curve* checks it in bins that hold equally many tiles. At the
# clinic it shows what the new prevalence does.

# %%
from medlib.measures.calibration import brier_score, calibration_error, reliability

home_pi, clinic_pi = truth["check"].mean(), clinic_y.mean()
auc_clinic = auc(p_clinic[clinic_y == 1], p_clinic[clinic_y == 0])
run.result("auc_clinic", replace(auc_clinic, unit="AUC"), atol=0.005)
run.result("lean", mean_interval(p_clinic - clinic_y), atol=0.005)
for name, q in (("home", p["check"]), ("clinic", p_clinic)):
    y = truth["check" if name == "home" else "clinic"]
    run.result(f"found_{name}", share_of(q[y == 1] > act_above), atol=0.03)

# %%
next_best = min(loss for (other, _), loss in losses.items() if other != depth)
run.result("depth", [*at_depths].index(depth) + 1, n=n_home)
run.result("tissue_strength", strength, n=n_home)
run.say(
    "Taken are depth {depth} of nine, {name}, and C = {tissue_strength:g}: the log loss is"
    " {least:.4f}, and at no other depth below {next_best:.4f}. The classifier ranks with"
    " {auc_clinic:.2ci}. Action above a probability of"
    " {act_above:.0%} finds {found_home:.0%ci} of the {home_n} tumours at home and"
    " {found_clinic:.0%ci} of the {clinic_n} at the clinic. At home, where tumour is rare, this may"
    " be a fair price for few false alarms. At the clinic a tile with the same features is far more"
    " often tumour than the program says: on average its probability lies {lean:+.2ci} from the"
    " truth.",
    home_n=truth["check"].sum(), clinic_n=clinic_y.sum(), name=f"`{depth}`",
    least=losses[depth, strength], next_best=next_best,
)

# %% [markdown]
# ### Prevalence known: Bayes' rule
#
# Write $\pi(y) = p(y)$ for the shares of both labels at home and $\pi'(y) = p'(y)$ for the
# clinic's; where no label is named, $\pi$ and $\pi'$ are those of tumour, $y = 1$. By Bayes' rule
# $p(x \mid y) \propto p(y \mid x)/p(y)$, with a factor that is the same for all $y$. This stays, so
#
# $$ p'(y \mid x) \propto p(x \mid y)\,\pi'(y) \propto p(y \mid x)\,\frac{\pi'(y)}{\pi(y)}, $$
#
# and dividing by the sum over $y$ makes it a probability. For two classes it is one factor on
# the odds: $\mathrm{odds}' = \mathrm{odds} \cdot
# \frac{\pi'}{1-\pi'} \big/ \frac{\pi}{1-\pi}$. By hand, and by the library:

# %% tags=["key"]
from medlib.translation.shifts.prior_shift import correct_prior


def both(p1):
    """The probabilities of both labels, from that of label 1."""
    return np.stack([1 - np.asarray(p1), p1], axis=-1)


odds = p_clinic / (1 - p_clinic) * clinic_pi / (1 - clinic_pi) * (1 - home_pi) / home_pi
corrected = correct_prior(both(p_clinic), old=both(home_pi), new=both(clinic_pi))[:, 1]
gap = max(np.abs(odds / (1 + odds) - corrected).max(), np.finfo(float).eps)

# %%
run.say("By hand and by the library the probabilities agree within {gap:.0e}.", gap=gap)


def reliability_panel(axes, q, y, color, label):
    """A reliability curve with its intervals."""
    curve = reliability(q, y, bins=8)
    reach = np.stack([curve.observed - curve.low, curve.high - curve.observed]).clip(0)
    axes.errorbar(
        curve.predicted, curve.observed, reach, fmt="o-", color=COLORS[color], lw=1.2, label=label
    )


# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(6.0, 3.4))
reliability_panel(left, p["check"], truth["check"], "green", "at home")
reliability_panel(right, p_clinic, clinic_y, "orange", "as is")
reliability_panel(right, corrected, clinic_y, "blue", "corrected")
for place, title in ((left, "home (magnified)"), (right, "clinic")):
    end = 1.0 if place is right else max(place.get_xlim()[1], place.get_ylim()[1])
    place.plot([0, end], [0, end], ":", color=COLORS["grey"])
    place.set(title=title, xlabel="probability of tumour", ylabel="share with tumour")
    place.legend()
run.figure(
    figure, name="reliability", data=KIND,
    alt="Reliability curves: at home, magnified, points lie near the diagonal; at the clinic the"
    " curve rises far above the diagonal; corrected it follows the diagonal.",
    caption="The same scores promise far too little tumour at the clinic until they are corrected"
    f" for its prevalence. {KIND.capitalize()} tissue, n = {n_check} tiles at home (on which the"
    f" line was fitted) and {n_clinic} at the clinic; bars: 95 % intervals.",
)

# %% [markdown]
# The AUC cannot see any of this: the correction moves all scores in step and changes no ranking.
# Three other numbers can. The *Brier score* is the mean of $(p - y)^2$, the log loss that of
# $-\ln p(y)$, and the *expected calibration error* (ECE) the mean distance from the diagonal,
# weighted by the tiles of a bin. The first two come with a bootstrap interval: draw the clinic's
# tiles again, with replacement, and look how far the number moves. (Their table comes when the
# prevalence has been estimated. The ECE counts noise as error, and drawing again adds noise, so a
# bootstrap interval of it would lie too high.)

# %%
resample = run.rng("bootstrap")


def limits(values):
    """The 95 % percentile interval of bootstrap values, and the share that is undefined."""
    values = np.asarray(values)
    lost = np.isnan(values)
    ends = np.quantile(values[~lost], [0.025, 0.975]) if not lost.all() else (np.nan, np.nan)
    return *ends, lost.mean()


def with_limits(score, q):
    draws = resample.integers(n_clinic, size=(n_resamples, n_clinic))
    low, high, _ = limits([score(q[rows], clinic_y[rows]) for rows in draws])
    return f"{score(q, clinic_y):.3f} ({low:.3f} to {high:.3f})"


# %% [markdown]
# ### Where to act
#
# If a missed tumour costs $C_\text{miss}$ and a false alarm $C_\text{alarm}$, acting is right where
# $p'(y{=}1 \mid x)\,C_\text{miss} > p'(y{=}0 \mid x)\,C_\text{alarm}$, that is above the threshold
# $\tau' = C_\text{alarm} / (C_\text{alarm} + C_\text{miss})$, our `act_above` (at five per cent a
# miss counts as nineteen false alarms). It depends on costs, not on the prevalence. What moves with
# the prevalence is the place $\tau$ of this threshold on the *old* scale, that of the uncorrected
# probability:
#
# $$ \frac{\tau}{1-\tau}
#    = \frac{\tau'}{1-\tau'} \cdot \frac{\pi}{1-\pi} \Big/ \frac{\pi'}{1-\pi'} . $$
#
# Move the prevalence. Both hills keep their shape, which is what $p(x \mid y)$ staying means; only
# their heights change (with a logarithmic axis they move up and down), and the threshold $\tau$
# wanders. The dotted line is the threshold of someone who did not move it. Two rules need no
# program: to act on every tile, and on none. A threshold that costs more than the cheaper of the
# two is worse than no program.

# %%
from medlib.translation.shifts.prior_shift import moved_threshold

rates = dict.fromkeys([0.2, home_rate, 0.5, 0.9, 0.02, 0.05, 0.1, 0.35, 0.7])
rates = sorted([*rates][:n_positions])


def cost(threshold, rate):
    """Cost of mistakes per 100 tiles, in false alarms."""
    missed = np.mean(p_clinic[clinic_y == 1] <= threshold)
    alarms = np.mean(p_clinic[clinic_y == 0] > threshold)
    return 100 * (rate * missed * (1 - act_above) / act_above + (1 - rate) * alarms)


costs = {}
for r in rates:
    moved = moved_threshold(act_above, old=home_pi, new=r)
    rules = {"fixed threshold": act_above, "moved threshold": moved, "act on all": -1, "on none": 2}
    costs |= {(name, r): cost(t, r) for name, t in rules.items()}

# %%
def two_hills(place, rate):
    """Scores of both kinds of tissue at one prevalence, with both thresholds."""
    bins = np.linspace(-9, 3, 31)
    for y, share, color in ((0, 1 - rate, "green"), (1, rate, "orange")):
        values = logit(p_clinic[clinic_y == y])
        weights = np.full(len(values), 100 * share / len(values))
        name = "tumour" if y else "normal"
        place.hist(values, bins, weights=weights, color=COLORS[color], alpha=0.55, label=name)
    moved = moved_threshold(act_above, old=home_pi, new=rate)
    place.axvline(logit(act_above), color=COLORS["grey"], linestyle=":", label="fixed")
    place.axvline(logit(moved), color=COLORS["black"], label="moved")


# %%
def cost_lines(place, rate):
    """What mistakes cost over the prevalence, with a dot at the one that is shown."""
    styles = {"fixed threshold": ":", "moved threshold": "-", "act on all": "--", "on none": "-."}
    for name, style in styles.items():
        color = COLORS["blue" if "threshold" in name else "grey"]
        place.plot(rates, [costs[name, r] for r in rates], style, color=color, label=name)
        place.plot(rate, costs[name, rate], "o", color=color)
    place.set(xscale="log", yscale="log", xlabel="prevalence", ylabel="cost per 100 tiles")
    place.set_xticks(rates[::2], [f"{r:.0%}" for r in rates[::2]])
    place.minorticks_off()
    place.legend()


# %%
def prevalence_frame(rate):
    """Scores at one prevalence with both thresholds, and what mistakes cost."""
    figure, (top, below) = plt.subplots(2, 1, figsize=(5.4, 6.0))
    two_hills(top, rate)
    top.set(xlabel="log odds of tumour, as learned at home", ylabel="tiles of 100 (log scale)")
    top.set(title=f"prevalence {rate:.0%}", yscale="log", ylim=(0.003, 100))
    top.legend(loc="upper left", ncols=2)
    cost_lines(below, rate)
    return figure


# %%
run.frames(
    [prevalence_frame(r) for r in rates], name="threshold", label="prevalence",
    values=[f"{r:.0%}" for r in rates], start=rates.index(0.2), data=KIND,
    alt=[f"At a prevalence of {r:.0%} the moved threshold costs"
         f" {costs['moved threshold', r]:.1f} per 100 tiles, the fixed one"
         f" {costs['fixed threshold', r]:.1f}, acting on all {costs['act on all', r]:.1f}, on none"
         f" {costs['on none', r]:.1f}; two hills of scores stand above." for r in rates],
    caption="The threshold wanders with the prevalence; whoever leaves it where it was pays, in the"
    " end more than for acting on everybody. Where tumour is frequent even the moved one gains"
    " little or nothing on that, and may even cost a little more: a miss is dear, and nearly all"
    " should be acted on."
    f" Costs in units of a false alarm. {KIND.capitalize()} tissue, n = {n_clinic} tiles of the"
    " clinic, weighted to each prevalence.",
)

# %%
acts = p_clinic > moved_threshold(act_above, old=home_pi, new=clinic_pi)
dear = (1 - act_above) / act_above  # what a miss costs, in false alarms
more = np.where(clinic_y == 1, dear * ~acts, acts - 1.0)  # than acting on all, tile by tile
run.result("moved_over_all", mean_interval(100 * more), atol=1.0)
run.say(
    "At the clinic itself the moved threshold costs {moved_over_all:+.0ci} per 100 tiles more than"
    " acting on all, so it is not sure that the program is worth having there. A calibrated score"
    " would cost no more; the low end of ours rests on the {n} tumours at home.",
    n=truth["check"].sum(),
)

# %% [markdown]
# ### Prevalence unknown: expectation and maximisation
#
# Nobody tells us $\pi'$, and there are no labels. But many tiles look like tumour, and that is
# news. If we knew $\pi'$, we could correct every probability, and the mean of the corrected ones
# would be the prevalence again. So start with $\pi$ and take turns:
#
# - **E**: correct each probability with the present guess of $\pi'$;
# - **M**: take their mean as the next guess.
#
# This is the EM algorithm of Saerens, Latinne and Decaestecker
# ([2002](https://doi.org/10.1162/089976602753284446)). Each turn raises the likelihood of the
# tiles, $\prod_i \sum_y p(y \mid x_i)\,\pi'(y)/\pi(y)$, whose logarithm has only one top.

# %% tags=["key"]
from medlib.translation.shifts.prior_shift import em_prior

ratio = p_clinic / (1 - p_clinic) * (1 - home_pi) / home_pi  # p(x | 1) / p(x | 0)
guess = [home_pi]
for _ in range(500):
    weight = guess[-1] * ratio
    guess.append(np.mean(weight / (weight + 1 - guess[-1])))
by_em = em_prior(both(p_clinic), old=both(home_pi))

# %% [markdown]
# ### Prevalence unknown: the confusion matrix
#
# The second way does not trust probabilities at all. Cut the scores somewhere and count how often
# the classifier *says* tumour, $\hat y = 1$. At home we know how often it errs: the confusion
# matrix $C_{ij} = p(\hat y{=}i,\, y{=}j)$. With the weights $w_j = \pi'(j)/\pi(j)$ the shares
# $a_i = p'(\hat y{=}i)$ of the answers that we count at the clinic must obey
#
# $$ a_i = \sum_j p(\hat y{=}i \mid y{=}j)\,\pi'(j) = \sum_j C_{ij}\,w_j , $$
#
# a linear system: *black-box shift estimation*, BBSE
# ([Lipton, Wang and Smola 2018](https://doi.org/10.48550/arXiv.1802.03916)). Epidemiologists have
# solved it since [1978](https://doi.org/10.1093/oxfordjournals.aje.a112510) for an imperfect test:
# $\pi' = (a_1 - \mathrm{FPR})/(\mathrm{TPR} - \mathrm{FPR})$, with the rates at which the test is
# positive among the ill (TPR) and the healthy (FPR). The closer the two rates, the smaller the
# denominator, and every error of counting is blown up. Divide each column of $C$ by $\pi(j)$; the
# *condition number* of this matrix, $p(\hat y{=}i \mid y{=}j)$, says how ill-posed the system is:
# one for a perfect test, infinity for one that answers alike whatever is true.

# %% tags=["key"]
from medlib.translation.shifts.prior_shift import bbse_prior, joint_confusion


def decide(q, cut=home_pi):
    """One-hot answers: tumour where it is likelier than the average at home, or than `cut`."""
    return np.eye(2)[(q > cut).astype(int)]


said = {name: decide(q) for name, q in p.items()}
by_bbse = bbse_prior(said["clinic"], confusion=joint_confusion(said["check"], truth["check"]))
tpr, fpr = (said["check"][truth["check"] == y, 1].mean() for y in (1, 0))
closed = (said["clinic"][:, 1].mean() - fpr) / (tpr - fpr)

# %%
run.say(
    "By hand EM ends at {by_hand:.3f} and the library's at {library:.3f}; BBSE's system and the"
    " closed formula give {solved:.3f} and {closed:.3f}.",
    by_hand=guess[-1], library=by_em.prior[1], solved=by_bbse.weights[1] * home_pi, closed=closed,
)

# %% [markdown]
# How sure are the two? There are two sources of error, the clinic's tiles and the few tumours at
# home on which the line and the matrix rest. The bootstrap draws both again, and every later
# interval uses the same draws. Drawing only one of them again tells which weighs more. Where a draw
# says tumour as often to normal tiles as to tumours, BBSE has no answer; we count how often that
# happens.

# %%
again = []  # bootstrap: rows at home, rows at the clinic, and the line fitted on the former
for _ in range(n_resamples):
    h, c = (resample.integers(n, size=n) for n in (n_check, n_clinic))
    both_kinds = 0 < truth["check"][h].sum() < n_check  # else no line, and no answer
    again.append((h, c, fit_logit_line(raw["check"][h], truth["check"][h]) if both_kinds else None))
as_drawn = np.arange(n_check), np.arange(n_clinic), line


def em_from(scores, h, c, refit):
    if refit is None:
        return np.nan
    q, pi = both(refit(scores[c])), both(truth["check"][h].mean())
    return em_prior(q, old=pi, tolerance=1e-5).prior[1]


# %%
def bbse_from(scores, h, c, refit, cut=home_pi):
    if refit is None:
        return np.nan
    confusion = joint_confusion(decide(p["check"][h], cut), truth["check"][h])
    if np.linalg.cond(confusion) > 1e9:
        return np.nan  # it answers alike whatever is true
    return bbse_prior(decide(line(scores[c]), cut), confusion=confusion).prior[1]


def estimate(how, scores, **settings):
    """Value, lower and upper end, and the share of draws without an answer."""
    value = how(scores, *as_drawn, **settings)
    return value, *limits([how(scores, *draw, **settings) for draw in again])


# %%
def keep(name, found):
    """Record an estimate and both ends of its bootstrap interval, whether they hold it or not."""
    for end, number in zip(("", "_low", "_high"), found[:3], strict=True):
        if np.isfinite(number):
            run.result(f"{name}{end}", number, n=n_clinic, atol=0.01 if home_rate < 0.05 else 0.05)


# %%
em_found, bbse_found = estimate(em_from, raw["clinic"]), estimate(bbse_from, raw["clinic"])
quiet_found = estimate(em_from, raw["quiet"])
keep("prevalence_em", em_found)
keep("prevalence_bbse", bbse_found)
keep("prevalence_quiet", quiet_found)

# %%
alone = {"both": again, "home": [(h, as_drawn[1], refit) for h, _, refit in again],
         "clinic": [(as_drawn[0], c, line) for _, c, _ in again]}
for what, draws in alone.items():
    sd = np.nanstd([em_from(raw["clinic"], *draw) for draw in draws], ddof=1)
    run.result(f"em_sd_{what}", sd, n=n_resamples, atol=0.01)
run.say(
    "EM's standard deviation over the draws is {em_sd_both:.3f}; {em_sd_home:.3f} if only the tiles"
    " at home are drawn again, {em_sd_clinic:.3f} if only the clinic's are.",
)

# %%
spoken = "{:.0%} ({:.0%} to {:.0%})".format
run.say(
    "The clinic's true prevalence is {clinic_rate:.0%}. EM says {em}, BBSE {bbse}, both without one"
    " label from the clinic. At a second clinic, where tumour is as rare as at home, EM says"
    " {rare}.",
    em=spoken(*em_found[:3]), bbse=spoken(*bbse_found[:3]),
    rare="{:.1%} ({:.2%} to {:.1%})".format(*quiet_found[:3]),
)

# %% [markdown]
# Where tumour is as rare as at home, EM can say little more than that: its interval there reaches
# several times the truth.
#
# A bootstrap takes the tiles that we have for the whole world, and our classifier for granted. A
# harder test: put the tiles of home and clinic back together, deal them out again, tumours to
# either place as many as before, and do all but the choice of depth and strength anew: learn, fit
# the line, estimate.

# %%
here_y = np.concatenate([truth[name] for name in ("home", "check", "clinic")])
here = np.concatenate([texture["home"], texture["check"], texture_of(clinic_at_home)])
there = here
if clinic_contrast != 1:
    tiles = np.concatenate([images["home"], images["check"], clinic_at_home])
    there = texture_of(flatten(tiles, clinic_contrast))


# %%
def dealt_to_sites(rng):
    """Rows of the tiles to learn from, to check and of the clinic, dealt kind by kind."""
    parts = []
    for kind in (0, 1):
        shares = [np.sum(truth[name] == kind) for name in ("home", "check")]
        order = rng.permutation(np.flatnonzero(here_y == kind))
        parts.append(np.split(order, np.cumsum(shares)))
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


# %%
def estimated_anew(rng):
    """EM and BBSE with sites, classifier and line of their own; no number where BBSE has none."""
    learn, check, clinic = dealt_to_sites(rng)
    own = fit_head(here[learn], here_y[learn], strength=strength)
    q, known_y = own.predict_proba(here[check])[:, 1], here_y[check]
    own_line = fit_logit_line(q, known_y)
    q_clinic = certain(own_line(own.predict_proba(there[clinic])[:, 1]))
    em = em_prior(both(q_clinic), old=both(known_y.mean()), tolerance=1e-5).prior[1]
    confusion = joint_confusion(decide(own_line(q)), known_y)
    if np.linalg.cond(confusion) > 1e9:
        return em, np.nan
    return em, bbse_prior(decide(q_clinic), confusion=confusion).prior[1]


# %%
redealt = run.rng("sites dealt anew")
off = np.array([estimated_anew(redealt) for _ in range(n_deals)]) - clinic_pi
within = run.result("em_within", share_of(np.abs(off[:, 0]) < 0.15), atol=0.02)
run.result("em_sd_deals", off[:, 0].std(ddof=1), n=n_deals, atol=0.01)
run.result("em_bias_deals", mean_interval(off[:, 0]), atol=0.01)
run.result("em_nearer", share_of(np.abs(off[:, 0]) < np.nan_to_num(np.abs(off[:, 1]), nan=1.0)),
           atol=0.03)
run.say(
    "In {n_deals} deals EM's standard deviation is {em_sd_deals:.3f} and its mean error"
    " {em_bias_deals:+.3ci}; the largest error is {worst:.3f}, and {em_within:.1%ci} are smaller"
    " than fifteen points. (These intervals say what other deals of *these* tiles would give, not"
    " what other tiles would.) EM comes nearer to the truth than BBSE in {em_nearer:.0%ci}.",
    worst=np.abs(off[:, 0]).max(),
)

# %%
versions = {
    "as is": p_clinic,
    "corrected, prevalence known": corrected,
    "corrected, EM": correct_prior(both(p_clinic), old=both(home_pi), new=by_em.prior)[:, 1],
    "corrected, BBSE": correct_prior(both(p_clinic), old=both(home_pi), new=by_bbse.prior)[:, 1],
}
rows = [
    {"probabilities": n, "Brier": with_limits(brier_score, q), "log loss": with_limits(log_loss, q),
     "ECE": f"{calibration_error(q, clinic_y):.3f}"}
    for n, q in versions.items()
]
run.table(rows, name="scores", caption="Lower is better; 95 % bootstrap intervals."
          f" {KIND.capitalize()} tissue, n = {n_clinic} tiles of the clinic.")

# %%
nats = {name: log_loss(q, clinic_y) for name, q in versions.items()}
saved = {name: nats["as is"] - value for name, value in nats.items()}
best = saved["corrected, prevalence known"]
coin = run.rng("calibrated labels")
perfect = [
    calibration_error(corrected, (coin.random(n_clinic) < corrected).astype(int))
    for _ in range(n_resamples)
]
run.say(
    "Of what the true prevalence takes off the log loss, EM's takes off {em:.0%} and BBSE's"
    " {bbse:.0%}. And calibration? A perfectly calibrated score with these probabilities would have"
    " an ECE of {ece:.3f} by the luck of {n} labels ({low:.3f} to {high:.3f}); measure the column"
    " by that, not by zero.",
    em=saved["corrected, EM"] / (best or np.nan), bbse=saved["corrected, BBSE"] / (best or np.nan),
    ece=np.mean(perfect), low=np.quantile(perfect, 0.025), high=np.quantile(perfect, 0.975),
    n=n_clinic,
)

# %% [markdown]
# **Ill-conditioned.** Where one cuts is left open by the method, but not by the data. Below, the
# same BBSE with other cuts. With the cut at one half, natural for a classifier, it seldom says
# tumour at home, where tumour is rare: the estimate rests on the few that the second column counts,
# the condition number is high, and the interval is wide. A draw of home's tiles in which it never
# says tumour would have no answer at all; the last column counts them. (What would lie outside 0 to
# 1 is cut off there.)

# %%
rows = []
for c in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002):
    matrix = joint_confusion(decide(p["check"], c), truth["check"])
    value, low, high, lost = estimate(bbse_from, raw["clinic"], cut=c)
    row = {"cut": c, "tumours at home that it names": f"{matrix[1, 1] * n_check:.0f}"}
    row["condition number"] = f"{np.linalg.cond(matrix / matrix.sum(axis=0)):.1f}"
    row["estimate"] = f"{value:.2f} ({low:.2f} to {high:.2f})"
    rows.append(row | {"draws without answer": f"{lost:.0%}"})
run.table(rows, name="cuts", caption=f"BBSE by the cut; 95 % bootstrap intervals, {KIND} tissue,"
          f" n = {n_check} tiles at home with {truth['check'].sum()} tumours,"
          f" {n_clinic} at the clinic.")

# %% [markdown]
# ### What breaks it: probabilities that are wrong at home
#
# EM takes each probability at its word. Bend the word: multiply all log odds by a factor, above one
# for a classifier too sure of itself, below one for one too shy, and let the offset keep the mean
# right at home. Our line from home rests on few tumours and is itself not exact. To see the bending
# alone we grant EM what it never has: a line fitted on *labels of the clinic*, moved back to the
# prevalence at home. Half the clinic's tiles give the labels, EM is tried on the other half, and
# then they change places. (Each line rests on half of the clinic's labels and is inexact, too: the
# halves disagree, and at factor one their mean need not be the truth. Read the fall of the curve,
# not its height. BBSE with its cut moved along cannot notice the bending, for no tile changes
# sides.)

# %%
from scipy.optimize import brentq
from scipy.special import expit

factors = [0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5]
bent = {factor: [] for factor in factors}


def stretched(q, factor):
    """EM's prevalence from stretched log odds whose offset keeps the mean right at home."""
    side = factor * q["check"]
    reach = max(40, np.abs(side).max() + 20)
    o = brentq(lambda o: expit(side + o).mean() - home_pi, -reach, reach)
    sure = both(expit(factor * q["clinic"] + o))
    return em_prior(sure, old=both(home_pi), tolerance=1e-5).prior[1]


# %%
for half in (0, 1):
    ask, try_on = (np.arange(n_clinic) % 2 == k for k in (half, 1 - half))
    exact, pi = fit_logit_line(raw["clinic"][ask], clinic_y[ask]), both(clinic_y[ask].mean())
    scores = {"check": raw["check"], "clinic": raw["clinic"][try_on]}
    q = {k: logit(correct_prior(both(certain(exact(v))), old=pi, new=both(home_pi))[:, 1])
         for k, v in scores.items()}
    for factor in factors:
        bent[factor].append(stretched(q, factor))

# %% [markdown]
# It need not be bent on purpose. Fit the same regression with other strengths, and give EM its
# probabilities with and without Platt's line. Much shrinkage leaves all probabilities near the mean
# at home, and EM must explain the clinic's tiles by a clinic full of tumour.

# %%
by_strength = {}
for c in strengths:
    other = fit_head(texture["home"], truth["home"], strength=c)
    q = {k: other.predict_proba(texture[k])[:, 1] for k in ("check", "clinic")}
    lined = fit_logit_line(q["check"], truth["check"])(q["clinic"])
    by_strength[c] = [
        em_prior(both(v), old=both(home_pi), tolerance=1e-5).prior[1] for v in (q["clinic"], lined)
    ]

# %%
def bent_lines(place):
    """EM's estimate on either half of the clinic, against the factor on the log odds."""
    for half in (0, 1):
        place.plot(factors, [bent[f][half] for f in factors], ".", color=COLORS["sky"])
    place.plot(factors, [np.mean(bent[f]) for f in factors], "o-", color=COLORS["blue"])
    place.set(xscale="log", xlabel="factor on the log odds (1 = calibrated)")
    place.set_xticks(factors, [f"{f:g}" for f in factors])


# %%
def shrunk_lines(place):
    """EM's estimate against shrinkage, with and without Platt's line."""
    for k, (name, style) in enumerate((("without Platt's line", "s--"), ("with it", "o-"))):
        place.plot(strengths, [by_strength[c][k] for c in strengths], style, label=name)
    place.set(xscale="log", xlabel="strength C (smaller = more shrinkage)")
    place.legend()


# %%
def broken_figure():
    """EM against bent probabilities, and against shrinkage with and without Platt's line."""
    figure, (top, below) = plt.subplots(2, 1, figsize=(5.4, 5.6))
    bent_lines(top)
    shrunk_lines(below)
    for axes in (top, below):
        axes.axhline(clinic_pi, color=COLORS["grey"], linestyle=":")
        axes.set(ylim=(0, 1.03), ylabel="EM's prevalence")
        axes.minorticks_off()
    return figure


# %%
run.figure(
    broken_figure(), name="broken", data=KIND,
    alt="Above: the estimate of EM falls as the log odds are stretched, from"
    f" {np.mean(bent[factors[0]]):.2f} to {np.mean(bent[factors[-1]]):.2f}; at factor one it is"
    f" {np.mean(bent[1.0]):.2f}. Below: without Platt's line the estimate climbs to one as"
    " shrinkage grows; with it, it hardly moves.",
    caption="EM needs calibrated probabilities. Above: log odds stretched by a factor, on either"
    " half of the clinic (dots) and their mean. Below: a classifier shrunk more and more, with and"
    f" without Platt's line. Dotted: the truth. {KIND.capitalize()} tissue, n = {n_clinic} tiles.",
)
run.result("prevalence_em_shy", by_strength[strengths[-2]][0], n=n_clinic, atol=0.01)

# %% [markdown]
# ### What breaks it: two shifts at once
#
# Everything above needs $p(x \mid y)$ to stay. Now let the clinic's scanner be flatter
# as well. The prevalence is the same, but nuclei look paler, the classifier errs at other
# rates, and both methods must blame the prevalence, for it is the only thing that they know. Repair
# the appearance first? With what? Renormalising asks for the mean and standard deviation of the new
# site's pixels. But a clinic full of tumour *has* other ones: nuclei are dark, and the repair takes
# part of the disease for the scanner. A glass slide of known greys would measure the scanner
# itself; the last row undoes what such a slide would show.

# %% tags=["key"]
flat = flatten(images["clinic"], flatter)
as_home = {"mean": images["check"].mean(axis=(0, 1, 2)), "sd": images["check"].std(axis=(0, 1, 2))}
variants = {"same scanner": images["clinic"],
            "same scanner, renormalised": renormalise(images["clinic"], **as_home),
            "flatter scanner": flat,
            "flatter, renormalised": renormalise(flat, **as_home),
            "flatter, undone by a slide": flatten(flat, 1 / flatter)}
scored = {
    name: head.predict_proba(texture_of(tiles))[:, 1]
    for name, tiles in variants.items()
}

# %%
rows, mixed, drawn = [], {}, {}
for name, values in scored.items():
    mixed[name] = np.array([how(values, *as_drawn) for how in (em_from, bbse_from)])
    drawn[name] = np.array([[how(values, *d) for d in again] for how in (em_from, bbse_from)])
    pair = [(value, *limits(draws)) for value, draws in zip(mixed[name], drawn[name], strict=True)]
    ranking = auc(values[clinic_y == 1], values[clinic_y == 0])
    row = {"clinic": name, "AUC": f"{ranking.value:.2f}"}
    for how, (value, low, high, _) in zip(("EM", "BBSE"), pair, strict=True):
        row[how] = f"{value:.2f} ({low:.2f} to {high:.2f})"
    rows.append(row | {"off by": "{:+.2f}, {:+.2f}".format(*(mixed[name] - clinic_pi))})
run.table(rows, name="mixed", caption="Estimates of one and the same prevalence,"
          f" {clinic_rate:.0%}, by EM and BBSE, with 95 % bootstrap intervals, and how far the"
          f" two are"
          f" off; {KIND} tissue, n = {n_clinic} tiles.")

# %%
MOVES = {"drift": "flatter scanner", "left": "flatter, renormalised",
         "needless": "same scanner, renormalised", "slide": "flatter, undone by a slide"}
moved_by, spoken_moves = {}, {}
for what, name in MOVES.items():
    for place, how in enumerate(("em", "bbse")):
        paired = (drawn[name] - drawn["same scanner"])[place]  # the same tiles in every draw
        found = (mixed[name] - mixed["same scanner"])[place], *limits(paired)
        keep(f"{what}_{how}", found)
        moved_by[what, how] = found
        spoken_moves[f"{what}_{how}_said"] = "{:+.2f} ({:+.2f} to {:+.2f})".format(*found[:3])

# %%
run.say(
    "On the same tiles, the flatter scanner moves EM by {drift_em_said} and BBSE by"
    " {drift_bbse_said}, with intervals of the same bootstrap, pair by pair. Renormalised,"
    " {left_em_said} and {left_bbse_said} remain. Nor is what remains the scanner's: renormalise"
    " the clinic that had the right scanner all along, and the estimates move by {needless_em_said}"
    " and {needless_bbse_said}. Undone by a slide, they move by {slide_em_said} and"
    " {slide_bbse_said}: what rounding to grey levels has cost.",
    **spoken_moves,
)

# %% [markdown]
# In the table a renormalised estimate may lie as far from the truth as an untouched one: the repair
# pulls downward by itself, for it takes the tumours' dark nuclei for the scanner. An estimate of
# zero cannot fall further, so its distance says how far the floor was and not how strong the
# scanner is; and another training of the same classifier, with other tiles, may be moved the other
# way. How far the estimate moves, and which way, depends on the classifier too.
#
# Does it hang on the depth of the network? Ours was chosen for what it does *at home*, where there
# is one scanner; nothing in that choice asks what will travel. So fit a classifier at every depth,
# each with the strength that is best at home, and count how far the flatter scanner moves the log
# odds of one and the same tile, up or down, in standard deviations of the log odds over the
# clinic's tiles.

# %%
def travelled(name, same_scanner, flat_scanner):
    """What a classifier at one depth loses to the flatter scanner: a row, the shift, both AUCs."""
    best = min(strengths, key=lambda c: losses[name, c])
    model = fit_head(at_depths[name], truth["home"], strength=best)
    before, after = (model.decision_function(x) for x in (same_scanner, flat_scanner))
    moved = np.abs(after - before).mean() / before.std()
    row = {"depth": name, "log loss at home": f"{losses[name, best]:.4f}"}
    aucs = [auc_of(scores, clinic_y).value for scores in (before, after)]
    row |= {"AUC": f"{aucs[0]:.2f}", "AUC, flatter": f"{aucs[1]:.2f}"}
    return row | {"log odds moved by": f"{moved:.2f} SD"}, moved, aucs


# %%
by_depth = {
    name: travelled(name, same_scanner, flat_scanner)
    for (name, same_scanner), flat_scanner in zip(
        features_by_depth(source, preprocess(images["clinic"], device=run.device)).items(),
        features_by_depth(source, preprocess(flat, device=run.device)).values(), strict=True)
}

# %%
run.table([row for row, *_ in by_depth.values()], name="depths", caption="A classifier at each"
          " depth of the network, and what the flatter scanner does to it."
          f" {KIND.capitalize()} tissue, n = {n_clinic} tiles of the clinic.")
moved_at = {name: found[1] for name, found in by_depth.items()}
fell = {name: found[2] for name, found in by_depth.items()}
least_at = min(moved_at, key=lambda name: moved_at[name])
run.result("moved_chosen", moved_at[depth], unit="SD", n=n_clinic, atol=0.02)
run.result("moved_last", moved_at["head"], unit="SD", n=n_clinic, atol=0.02)
run.say(
    "At {name}, which was chosen, the flatter scanner moves the log odds by {moved_chosen:.2f}; at"
    " the last depth, by {moved_last:.2f}; where it moves them least, at {least}, by"
    " {by_least:.2f}. And the AUC falls from {before:.2f} to {after:.2f}, where no other depth"
    " loses more than {most:.2f}.",
    name=f"`{depth}`", least=f"`{least_at}`", by_least=moved_at[least_at],
    before=fell[depth][0], after=fell[depth][1],
    most=max(a - b for name, (a, b) in fell.items() if name != depth),
)

# %% [markdown]
# What does best at home need not travel best. The first layer is next to the grey levels, the
# scanner's as well as the tissue's, which may be why; the table does not prove it. Nor do we choose
# again by it: its AUCs took the clinic's labels, and its last column the same tiles under both
# scanners.
#
# So ask something of the scanner's that does not know the disease: bare glass, a calibration slide,
# the lamp's setting. Undo the appearance by what is *not* tissue, and only then ask the tissue for
# its prevalence.
#
# ## III. Meaning
#
# ### Two pathologists
#
# A diffuse tumour has no edge. Its cells lie thinly among normal ones, and where "more nuclei than
# normal" begins is a matter of judgement. Here are tiles of every cellularity, from that of normal
# tissue to several times as much. The pathologist at home calls the upper half of them infiltrated,
# her colleague at the clinic the upper seven tenths. Both are consistent, and neither is wrong. The
# tiles are dealt out at random: half go home, half to the clinic.

# %% tags=["key"]
boundary = {"home": 0.5, "clinic": clinic_boundary}  # share of the tiles that lies below
sample, graded, cellularity = draw_graded(n_graded)
about = {"name": "tissue/graded", "sha256": sha256_of_array(graded)}
graded = run.uses(replace(sample, array=graded, **about)).array
dealt = run.rng("deal").permutation(len(graded))
at = {"home": dealt[: len(graded) // 2], "clinic": dealt[len(graded) // 2 :]}
calls = {
    who: (cellularity > np.quantile(cellularity, q)).astype(int) for who, q in boundary.items()
}
seen = seen_there = texture_of(graded)
if clinic_contrast != 1:
    seen_there = texture_of(flatten(graded, clinic_contrast))

# %% [markdown]
# Is there a shift? Ask a classifier to tell the two sites' tiles apart, on tiles that it has not
# seen: the *classifier two-sample test* of
# [Lopez-Paz and Oquab](https://doi.org/10.48550/arXiv.1610.06545). If its AUC is one half, it
# cannot. We ask the same question for all three shifts. For appearance, tiles from home against
# other tiles from home through the flatter scanner; for prevalence, home against clinic.
#
# A test *rings* when its *p* is below a *level* fixed beforehand, here five per cent. One that
# shall stay silent needs care. By its level it rings once in twenty times where nothing differs at
# all, so *one* small *p* says little, and neither does one large. So we check the test itself: take
# all tiles of both sites as one pool, deal them out again and again, and count how often it rings.
# It should be one in twenty, neither more nor less, give or take the luck of so many deals. (This
# asks about the test and the tiles. The pathologists' calls do not enter: without labels nothing
# that they say can.)

# %% tags=["key"]
from medlib.translation.shifts.dealt_again import dealt_again
from medlib.translation.shifts.two_sample import classifier_two_sample

spread = np.linspace(0, n_check - 1, 2 * n_clinic).astype(int)  # as rare there as at home
one, other = texture["check"][spread[::2]], images["check"][spread[1::2]]
pairs = {"nothing": (one, texture["check"][spread[1::2]]),
         "appearance": (one, texture_of(flatten(other, flatter))),
         "prevalence": (one, texture["clinic"]),
         "meaning": (seen[at["home"]], seen_there[at["clinic"]])}

# %%
tests = {what: classifier_two_sample(*pair, rng=run.rng(f"two-sample {what}"))
         for what, pair in pairs.items()}

# %% [markdown]
# A deal takes the pool's tiles as either site sees them, as many to each site as before.

# %% tags=["key"]
pools = {"nothing": (texture["check"], texture["check"], n_clinic),
         "meaning": (seen, seen_there, len(seen) // 2)}
deals = {
    what: dealt_again(here, away, n_each=n, n_deals=n_deals, rng=run.rng(f"deals {what}"))
    for what, (here, away, n) in pools.items()
}
rung = {what: np.array([t.p_value < 0.05 for t in found]) for what, found in deals.items()}

# %%
from scipy.stats import binom

from medlib.measures.auc_by_chance import auc_by_chance

rows = [
    {
        "what differs": what,
        "AUC": f"{t.auc:.2f} ({t.low:.2f} to {t.high:.2f})",
        "by chance": "{:.2f} to {:.2f}".format(*auc_by_chance(t.n_test // 2, t.n_test // 2)),
        "p": f"{t.p_value:.1g}" if t.p_value > 1e-16 else "< 1e-16",
        "rings, of all deals": f"{rung[what].mean():.0%}" if what in rung else "",
    }
    for what, t in tests.items()
]
run.table(rows, name="two_sample", caption="Can the sites be told apart? AUC with 95 % intervals,"
          " beside the 95 % of what chance alone gives; one-sided p of the Mann-Whitney test. Where"
          f" all tiles are seen alike, how often it rings at 5 % in {n_deals} deals of one pool."
          f" {KIND.capitalize()} tissue.")

# %%
halves = run.rng("two-sample strengths")  # copied: the same halves for every strength
ringing = {
    what: sum(
        classifier_two_sample(*pair, rng=copy.deepcopy(halves), strength=c).p_value < 0.05
        for c in strengths
    )
    for what, pair in pairs.items()
}
run.say(
    "The classifier of the sites is shrunk with C = .001, whatever the data; does anything hang on"
    " it? On other halves of the tiles and with {n} strengths from {least:g} to {most:g} the test"
    " rings with {appearance} of the {n} for the scanner, with {prevalence} for the prevalence,"
    " with {nothing} where nothing differs and with {meaning} for the pathologist.",
    n=n_strengths, least=strengths[-1], most=strengths[0], **ringing,
)

# %%
unseen = tests["meaning"]
run.result("auc_two_sample", unseen.auc, unit="AUC", interval=(unseen.low, unseen.high),
           n=unseen.n_test, atol=0.005)
for what, rings in rung.items():
    run.result(f"rings_{what}", share_of(rings), atol=0.011)
fewest, most = binom.ppf([0.005, 0.995], n_deals, 0.05) / n_deals
run.say(
    "Dealt {n_deals} times, the test rings in {rings_nothing:.1%ci} of the deals of the first row's"
    " tiles and in {rings_meaning:.1%ci} of the last row's. A test that keeps its level of 5 %"
    " rings in {fewest:.1%} to {most:.1%} of so many, but for one time in a hundred."
    " The single *p* where nothing differs is {p:.2f}: one such number, small or large, is an"
    " accident.",
    fewest=fewest, most=most, p=tests["nothing"].p_value,
)

# %% [markdown]
# The test sees the scanner, it sees the prevalence, and it does not see the pathologist. The last
# row proves nothing: tiles were dealt at random, and her calls are not in it. That no cleverer test
# would do better is no measurement but logic: the tiles of both sites have one and the same
# distribution $p(x)$, and a test without labels sees nothing but $p(x)$. Drift monitors that watch
# images, features or scores are such tests. Yet something has changed. The program has learned
# from the pathologist at home, at the depth that was chosen for tissue and with a strength chosen
# by the same rule (its probabilities from tiles that it did not learn from, then Platt's line);
# here it meets the other one:

# %% tags=["key"]
learn, y = seen[at["home"]], calls["home"][at["home"]]
by_c = {c: cross_fitted(learn, y, strength=c, folds=n_folds) for c in strengths}
reading = {c: log_loss(values, y) for c, values in by_c.items()}
best_c = min(reading, key=reading.get)
reader, to_home = fit_head(learn, y, strength=best_c), fit_logit_line(by_c[best_c], y)
run.result("reader_strength", best_c, n=len(y))
promise = to_home(reader.predict_proba(seen_there[at["clinic"]])[:, 1])
new = {who: values[at["clinic"]] for who, values in calls.items()}
called = (promise > 0.5).astype(int)


# %%
run.result("more_calls", mean_interval(new["clinic"] * 1.0 - called), atol=0.005)
agrees = {who: called == labels_of for who, labels_of in new.items()}
for who, hits in agrees.items():
    run.result(f"agreement_{who}", share_of(hits), atol=0.003)
run.result("less_agreement", mean_interval(agrees["home"] * 1.0 - agrees["clinic"]), atol=0.005)

# %%
run.say(
    "It takes C = {reader_strength:g}, of strengths up to {largest:g}, which hardly shrinks at all."
    " On the clinic's tiles the program calls {called:.0%} infiltrated, the clinic's pathologist"
    " {hers:.0%}: {more_calls:+.0%ci}, tile by tile. It agrees with her in"
    " {agreement_clinic:.0%ci}, and would agree with the pathologist at home,"
    " had she read them, in {agreement_home:.0%ci}: a difference of {less_agreement:+.0%ci}.",
    called=called.mean(), hers=new["clinic"].mean(), largest=strengths[0],
)

# %% [markdown]
# ### A handful of labels
#
# Ask the clinic's pathologist for a few labels. If her rule were that of home, the probability of
# label $y_i = 1$ would be $p_i$, so the number of tiles that she calls infiltrated,
# $S = \sum_i y_i$, would have the mean $\sum_i p_i$ and the variance $\sum_i p_i (1 - p_i)$
# ([Spiegelhalter's test of 1986](https://doi.org/10.1002/sim.4780050506) is akin, but weighs the
# residuals $y_i - p_i$ by $1 - 2p_i$). The exact distribution of such a sum, of independent and
# unequal coins, is called Poisson-binomial; the test *rings* where twice its smaller tail is below
# the *level*, five per cent. Draw twelve tiles, once, and then many times:

# %% tags=["key"]
from medlib.translation.shifts.concept_shift import check_labels, detection_rate

draw = run.rng("few")
found = [check_labels(promise[few], new["clinic"][few])
         for few in draw.choice(len(promise), (n_resamples, 12))]
p_values = np.array([f.p_value for f in found])

# %%
run.say(
    "The first twelve labels: {observed} called infiltrated, {expected:.1f} expected, *p* ="
    " {p:.2g}."
    " Over {n_resamples} draws of twelve the median of *p* is {median:.2g}, and the test rings"
    " in {rings:.0%}.",
    observed=found[0].observed, expected=found[0].expected, p=p_values[0],
    median=np.median(p_values), rings=np.mean(p_values < 0.05),
)

# %% [markdown]
# How many labels make it reliable? The *power* is the share of draws in which the test rings. If
# her rate exceeds what was promised by $\Delta$ on average, a sum of $n$ labels is off by
# $n\Delta$, with a standard deviation near $\sqrt{n\,\overline{p(1-p)}}$ (bars: means over tiles).
# To ring in four draws of five takes about
#
# $$ n \approx \frac{(1.96 + 0.84)^2\;\overline{p(1-p)}}{\Delta^2} . $$
#
# (In a normal distribution one in forty lies above $1.96$, where the test rings, and four in five
# above $-0.84$.)
#
# Which tiles should she label? Where $p_i$ is very near 0 or 1 both pathologists mostly agree; the
# news is in the tiles between. A change toward *more* calls shows best somewhat below one half,
# where a yes surprises most; but that needs a guess of the direction. So we take a band around one
# half, the tiles that are *undecided*, and beside it one of the guess, from near nought to one
# half. (Under another scanner the undecided are those by its own scores; should they bear one call
# only, the band is widened until both occur.) Choosing by $p_i$ is fair, since it looks at $x$
# only.
#
# And what else rings? The test compares $p'(y \mid x)$ with what was promised, whatever made them
# differ. So we also try it with the pathologist from home, when nothing has changed; when tumour is
# more frequent (four tiles in five); and when the scanner is flatter. In none of the three did
# anybody change her mind.

# %%
def undecided(promised, called, low=0.1, high=0.9):
    """The tiles of a probability from low to high; from ever farther out until both calls occur."""
    for out in (1, 0.1, 0.01, 1e-5):
        inside = (promised > low * out) & (promised < 1 - (1 - high) * out)
        if len(set(called[inside])) == 2:
            return inside
    return np.full(len(promised), True)


# %%
old_rule = new["home"]
between, below_half = undecided(promise, old_rule), undecided(promise, old_rule, 0.02, 0.5)
draw = run.rng("power")
weights = np.where(old_rule[between] == 1, 0.8 / old_rule[between].mean(),
                   0.2 / (1 - old_rule[between].mean()))
forty = draw.choice(np.flatnonzero(between), min(40, between.sum()), replace=False)
many = draw.choice(np.flatnonzero(between), 5000, p=weights / weights.sum())

# %%
paler = texture_of(flatten(graded[at["clinic"]], flatter))
pale = to_home(reader.predict_proba(paler)[:, 1])
unsure = undecided(pale, old_rule)

# %% tags=["key"]
groups = {
    "other pathologist, undecided tiles": (promise[between], new["clinic"][between]),
    "other pathologist, p from .02 to .5": (promise[below_half], new["clinic"][below_half]),
    "other pathologist, any tiles": (promise, new["clinic"]),
    "nothing changed": (promise[between], old_rule[between]),
    "tumour more frequent": (promise[many], old_rule[many]),
    "flatter scanner": (pale[unsure], old_rule[unsure]),
}

# %% [markdown]
# Then draw from each group, with replacement, and count.

# %% tags=["key"]
numbers = [3, 5, 8, 12, 20, 40]
n_sets = 20 * n_resamples
power = {
    group: [detection_rate(*pair, n_labels=n, rng=draw, n_draws=n_sets) for n in numbers]
    for group, pair in groups.items()
}

# %% tags=["key"]
q, y = groups["other pathologist, undecided tiles"]
needed = (1.96 + 0.84) ** 2 * np.mean(q * (1 - q)) / np.mean(y - q) ** 2
run.result("labels_needed", needed, atol=0.3)
all_yes = detection_rate(q, np.ones_like(y), n_labels=3, rng=run.rng("all"), n_draws=n_sets)

# %%
figure, axes = plt.subplots(figsize=(5.4, 4.4))
looks = (("blue", "o-"), ("purple", "D-"), ("sky", "s-"), ("grey", "o--"), ("orange", "^:"),
         ("green", "v:"))
for (group, found), (color, style) in zip(power.items(), looks, strict=True):
    axes.plot(numbers, found, style, color=COLORS[color], label=group)
axes.axhline(0.05, color=COLORS["grey"], linestyle=":")
axes.set(xscale="log", xlabel="new labels", ylabel="share of draws that ring", ylim=(-0.02, 1.02))
axes.set_xticks(numbers, numbers)
axes.minorticks_off()
axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
run.figure(
    figure, name="power", data=KIND,
    alt="Curves over three to forty labels. For the other pathologist on undecided tiles it rises"
    " from low at three labels to near one at twelve, sooner on those from .02 to .5, later"
    " on any tiles; for the pathologist from home it is near one throughout with the flatter"
    " scanner, rises slowly where tumour is more frequent, and stays low where nothing changed.",
    caption="A handful of labels shows the other pathologist, whom no unlabelled test can see (full"
    " lines). Three undecided tiles cannot be enough: the exact test is too coarse for so few. But"
    " it can ring for the other two shifts as well (dotted): clear them first. Where nothing has"
    " changed (dashed) it should ring no more often than its level says."
    f" {KIND.capitalize()} tissue, n = {n_sets} draws a point, with replacement.",
)

# %%
shown = {"power": "other pathologist, undecided tiles",
         "power_below": "other pathologist, p from .02 to .5",
         "power_any": "other pathologist, any tiles"}


def rings_of(group, n):
    """The share of draws that ring, with its interval over draws."""
    hits = round(power[group][numbers.index(n)] * n_sets)
    return share_of(np.arange(n_sets) < hits)


reliable = {
    (word, n): run.result(f"{word}_{n}", rings_of(group, n), atol=0.03)
    for word, group in shown.items() for n in (3, 5, 8, 12)
}

# %%
rung_by = {"false_alarms": "nothing changed", "rings_prevalence": "tumour more frequent",
           "rings_scanner": "flatter scanner"}
for name, group in rung_by.items():
    run.result(name, rings_of(group, 20), atol=0.03)
stricter = (cellularity > np.quantile(cellularity, 1 - clinic_boundary)).astype(int)[at["clinic"]]
by_guess = run.rng("a guess of the direction")
for name, tiles in (("stricter_12", between), ("stricter_below_12", below_half)):
    rate = detection_rate(promise[tiles], stricter[tiles], n_labels=12, rng=by_guess,
                          n_draws=n_sets)
    run.result(name, share_of(np.arange(n_sets) < round(rate * n_sets)), atol=0.03)
run.say(
    "By the formula {labels_needed:.0f} labels on undecided tiles, of which there are {n}. In the"
    " figure three ring in {power_3:.0%} of the draws (and would in {all_yes:.0%} if she said yes"
    " to every tile), five in {power_5:.0%}, eight in {power_8:.0%} and twelve in {power_12:.0%ci};"
    " of any tiles twelve ring in {power_any_12:.0%}. With tiles from .02 to .5 it is"
    " {power_below_3:.0%}, {power_below_5:.0%}, {power_below_8:.0%} and {power_below_12:.0%}. But"
    " had she been as much *stricter* than her colleague, twelve of those would ring in"
    " {stricter_below_12:.0%} and twelve of the wider band in {stricter_12:.0%}.",
    n=len(q), all_yes=all_yes,
)
run.say(
    "With twenty labels and the"
    " pathologist from home: {false_alarms:.0%} where nothing changed, {rings_prevalence:.0%}"
    " where tumour is more frequent, {rings_scanner:.0%} with the flatter scanner. (The last is a"
    " property of this reader and these tiles: with one of ten other seeds of this page the scanner"
    " hardly rang at all, so a silent bell does not clear it.)",
)

# %%
follow = run.rng("forty labels")
agreed = np.mean((promise > 0.5) == new["clinic"])
alike, no_better = 0, 0
for _ in range(n_resamples):
    asked = follow.choice(np.flatnonzero(between), min(40, between.sum()), replace=False)
    if len(set(new["clinic"][asked])) < 2:
        alike += 1
        continue
    moved = fit_logit_line(promise[asked], new["clinic"][asked])
    no_better += np.mean((moved(promise) > 0.5) == new["clinic"]) <= agreed
run.say(
    "To follow her takes more than to notice her. Of {n_resamples} draws of forty undecided tiles"
    " {alike} hold one label only, so that no line can be fitted to them, and in {no_better} a line"
    " fitted to them agrees with her on no more tiles than the old one.",
    alike=alike, no_better=no_better,
)

# %% [markdown]
# So a bell is not yet a change of meaning: it says that $p(y \mid x)$ is not what was promised, not
# why. First look for the other two shifts, which unlabelled tests do see, and mend them. What still
# rings is meaning, or a promise that was never exact: it rests on few tiles at home, so with many
# labels the dashed line may climb above its level as well. The test would not see a pathologist who
# swaps as many tiles in either direction, for $S$ would stay. And it does not tell which of the two
# is right: that is a matter for the pathologists, not for a program.
#
# ## What we claim

# %%
shrinks = -kept["growth"].high
run.claim("place by place and on average over photographs, a shift of brightness is smaller at the"
          " last layer than at the first", shrinks > 0, margin=shrinks, unit="SD",
          falsified_by="falsify_part_by_part")
gap = scores_in("same", "nothing", "frozen") - scores_in(mended_camera, "nothing", "frozen")
cost_of_light = mean_interval(gap).low
run.claim("a probe that has never met this camera's tone curve loses AUC to it, on average over the"
          " recorded draws", cost_of_light > 0, margin=cost_of_light, unit="AUC",
          falsified_by="falsify_part_by_part")

# %%
helps = min(gains_of_seeds(mended_camera, "batch", length).min() for length in LENGTHS)
hurts = min(-by_renewing(w, "source", n).high for w in ("same", "other") for n in LENGTHS)
cure = min(helps, hurts)
run.claim("on the other camera renewed statistics help, in every seed, a network fine-tuned on such"
          " images under its batches' statistics, and on both they harm one fine-tuned under"
          " ImageNet's, at each length of the recorded trial", cure > 0, margin=cure, unit="AUC",
          falsified_by="falsify_part_by_part")

# %%
def loss_by_tile(q):
    return -np.log(np.where(clinic_y == 1, q, 1 - q).clip(1e-12))


lower = mean_interval(loss_by_tile(p_clinic) - loss_by_tile(versions["corrected, EM"])).low
run.claim("corrected for a prevalence that was estimated without labels, the log loss falls",
          lower > 0, margin=lower, unit="nats", falsified_by="falsify_like_home")
near = within.low - 0.9
run.claim("EM comes within 15 percentage points of the true prevalence in more than nine of ten"
          " deals of the tiles", near > 0, margin=near,
          falsified_by="falsify_clinic_scanner")
lowered = -max(moved_by["needless", how][2] for how in ("em", "bbse"))
run.claim("renormalising a clinic that had the right scanner, and more tumour, lowers both"
          " estimates", lowered > 0, margin=lowered, falsified_by="falsify_like_home")

# %% [markdown]
# Not claimed: that renormalising or matching wins AUC back for the frozen network's probe on the
# other camera (in the recorded trial the intervals hold zero), that renewing helps a trained
# network more than matching does, that a flatter scanner lowers the estimates (in a run with
# another seed it raised them), or that EM comes nearer than BBSE.

# %%
enough = reliable["power", 12].low - 0.8
run.claim("twelve labels on undecided tiles show the other pathologist in four of five draws",
          enough >= 0, margin=enough, falsified_by="falsify_part_by_part")
kept_level = min(most - rung["meaning"].mean(), rung["meaning"].mean() - fewest)
run.claim("dealt again and again to two sites that see alike, the two-sample test rings as often as"
          " its level says, neither more nor less", kept_level >= 0, margin=kept_level,
          control=True, falsified_by="falsify_clinic_scanner")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Name what stays. Appearance changed: mend the image. Prevalence changed: mend the probability.
#   Meaning changed: ask for labels.
# - Take the size for each place of each image, then the mean: in a mean over places or images, what
#   happens to each cancels. And hold a change of answers against a change that means nothing.
# - A repair takes something for granted. Renewed statistics helped, in each of the recorded draws,
#   weights that were *trained on such images* under batch statistics (so did the repairs of the
#   image); elsewhere they may take the diagnosis away. Fine-tuned under fixed statistics, the
#   network hardly needed any of them. Try a repair where there is no shift to mend, and see what it
#   costs. And what was chosen at home was chosen for home: nobody asked whether it travels.
# - As long as $p(x \mid y)$ stays, prevalence changes neither AUC nor the sensitivity of a fixed
#   threshold. It changes what a score means and where to cut: look at the reliability curve and the
#   costs. Between screening and clinic $p(x \mid y)$ rarely stays.
# - EM wants calibrated probabilities, BBSE a cut that finds tumours; both want $p(x \mid y)$ to
#   stay. Their uncertainty comes from the few tumours at home, and from the clinic's own tiles.
# - A monitor without labels never sees a change of meaning. A handful of labels shows a large one,
#   if appearance and prevalence have been cleared first: they ring for those as well. To ask about
#   the tiles where a guessed change shows best saves labels if the guess is right, and blinds if
#   not.
# - A control is judged by what chance gives at its own size, and more than once.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("three-shifts-bayes")`
# gives a hint, and then another; `run.solution("three-shifts-bayes")` shows how it is done.
#
# ```{exercise}
# :label: three-shifts-bayes
# A program made for the screening programme, $\pi = 0.01$, gives a tile the probability $p = 0.2$.
# What is it at a clinic with $\pi' = 0.3$? Do it on paper, with odds.
# ```

# %% tags=["self-check"]
answer = None  # a probability
run.check("three-shifts-bayes", answer)

# %% [markdown]
# ```{exercise}
# :label: three-shifts-grey
# The clinic's pathologist is right and the program should follow her. Fit a new line on her first
# labels only, those of the undecided tiles `forty`: use `fit_logit_line` on `promise` and
# `new["clinic"]` there, and compute `follows`, the share of *all* tiles of `promise` on which the
# program then agrees with her.
# ```

# %% tags=["self-check"]
follows = None  # a share, between 0 and 1
readers = {"promise": promise, "hers": new["clinic"], "forty": forty}
run.check("three-shifts-grey", follows, given=readers)

# %% [markdown]
# ```{exercise}
# :label: three-shifts-threshold
# Three clinics complain. (a) The program's probabilities are far too low on average, its AUC is as
# at home, and EM, which sees no label, says that tumours are more frequent, as the registry does.
# (b) A new scanner was installed, and the two-sample test rings. (c) No test without labels rings,
# but the pathologist overrules the program again and again, always in the same direction. What do
# you do first at each?
# ```

# %% tags=["self-check"]
answer = None  # "1" to "6"; run the cell to see the options
run.check("three-shifts-threshold", answer)

# %% [markdown]
# ```{exercise}
# :label: three-shifts-bbse
# Write BBSE for two cuts that make *three* answers of a score ("normal", "unclear", "tumour"), with
# two classes of truth: three equations, two unknowns. Solve them with `np.linalg.lstsq` for cuts at
# `home_pi / 3` and `5 * home_pi`, and store the prevalence in `three_way`.
# ```

# %% tags=["self-check"]
three_way = None  # a prevalence
run.check("three-shifts-bbse", three_way, given={"p": p, "truth": truth, "home_pi": home_pi})

# %% [markdown]
# ```{exercise}
# :label: three-shifts-public
# With a network connection, rerun on real tissue: `medbook run translation/three_shifts -p
# dataset=pathmnist`. Its training tiles serve for all sites of the second part. Predict first: will
# the AUC be higher, and EM's interval shorter? Then type what your rerun found.
# ```

# %% tags=["self-check"]
rerun = None  # (auc_clinic, lower end, upper end of EM's interval) of your rerun
here = (auc_clinic.value, em_found[1], em_found[2])
run.check("three-shifts-public", rerun, given={"here": here})

# %% [markdown]
# ## Further reading
#
# - J. G. Moreno-Torres et al. on the names of the shifts:
#   [doi:10.1016/j.patcog.2011.06.019](https://doi.org/10.1016/j.patcog.2011.06.019)
# - M. Saerens, P. Latinne, C. Decaestecker, EM for new priors:
#   [doi:10.1162/089976602753284446](https://doi.org/10.1162/089976602753284446)
# - Z. C. Lipton, Y.-X. Wang, A. J. Smola, BBSE, with its error bound:
#   [doi:10.48550/arXiv.1802.03916](https://doi.org/10.48550/arXiv.1802.03916)
# - A. Alexandari, A. Kundaje, A. Shrikumar: calibrated, EM is hard to beat:
#   [doi:10.48550/arXiv.1901.06852](https://doi.org/10.48550/arXiv.1901.06852)
# - W. J. Rogan, B. Gladen, prevalence from an imperfect test:
#   [doi:10.1093/oxfordjournals.aje.a112510](https://doi.org/10.1093/oxfordjournals.aje.a112510)
# - Y. Li et al., batch normalisation's statistics of a new domain:
#   [doi:10.1016/j.patcog.2018.03.005](https://doi.org/10.1016/j.patcog.2018.03.005)
# - D. Lopez-Paz, M. Oquab, the classifier two-sample test:
#   [doi:10.48550/arXiv.1610.06545](https://doi.org/10.48550/arXiv.1610.06545)
# - D. J. Spiegelhalter, probabilistic prediction and its check:
#   [doi:10.1002/sim.4780050506](https://doi.org/10.1002/sim.4780050506)
# - P. Bándi et al., Camelyon17, five hospitals:
#   [doi:10.1109/TMI.2018.2867350](https://doi.org/10.1109/TMI.2018.2867350)
# - D. C. Castro, I. Walker, B. Glocker, causality and shift in medical imaging:
#   [doi:10.1038/s41467-020-17478-w](https://doi.org/10.1038/s41467-020-17478-w)
# - The network: {cite}`tan2019`; batch normalisation: {cite}`ioffe2015`; the interval of a
#   difference of AUCs: E. R. DeLong et al.,
#   [doi:10.2307/2531595](https://doi.org/10.2307/2531595)
