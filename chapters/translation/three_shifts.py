# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Appearance, prevalence, meaning
#
# **Question.** For two years a program has read tissue in a screening programme, where one slide in
# a hundred shows infiltrating tumour. It did well. Now a tumour clinic in another town installs it.
# The clinic's scanner is set up differently, every second slide shows tumour, and its pathologist
# already says "infiltrated" where her colleague at home still says "watch". Three things have
# changed, each of them can make the program fail, and no error message will appear. Patients
# whose tumour is overlooked will not know why. Which of the three can we see before anybody is
# harmed, and which can we mend?
#
# **Objectives.** After this chapter you will be able to
#
# - tell the three shifts apart by what changes and what stays;
# - follow a shift in brightness through every layer of a network, and repair it in three ways, one
#   of which can do more harm than the shift;
# - correct probabilities for a new prevalence, and estimate a prevalence that nobody told you;
# - say what a reliability curve shows, and why an estimate of the prevalence depends on it;
# - recognise the shift that no test without labels can see, and plan how many labels will show it.
#
# **Prerequisites.** Python, Bayes' rule, logistic regression, what a convolution and batch
# normalisation do. Helpful: the chapter on extracting features or fine-tuning. **Minutes.** About
# 60 minutes.
#
# **Data.** The network and its weights are real (EfficientNet-Lite0, trained on ImageNet), and so
# are the photographs and the stained tissue that travel through its layers. The first diagnosis is
# made on real texture of *one* retina with simulated lesions. Prevalence and meaning need
# thousands of tiles whose truth is known: they are simulated tissue. So we learn about
# methods here, not about patients. With a network connection, set `dataset` to `pathmnist` to
# use real tissue instead of simulated ({cite}`yang2023`, {cite}`kather2019`); the data made for
# this question, from five hospitals, are
# [Camelyon17](https://doi.org/10.1109/TMI.2018.2867350).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dataset: str = "simulated"  # tissue for prevalence and meaning: "simulated" or "pathmnist"
expected_mean: float = 115.0  # mean grey level that the network expects, 60 ≤ x ≤ 160
shifted_mean: float = 180.0  # mean grey level that it is given, 100 ≤ x ≤ 230
n_photos: int = 48  # photographs sent through the layers, 4 ≤ x ≤ 500
n_retina: int = 240  # patches of retina to learn from, and as many to test, 20 ≤ x ≤ 2000
size: int = 48  # side of a tissue tile in pixels, 32 ≤ x ≤ 96
home_rate: float = 0.01  # prevalence in the screening programme, 0.005 ≤ x ≤ 0.4
clinic_rate: float = 0.5  # prevalence in the clinic, 0.02 ≤ x ≤ 0.98
n_home: int = 3000  # tiles to learn from, 100 ≤ x ≤ 3000
n_check: int = 4000  # labelled tiles at home that are not learned from, 100 ≤ x ≤ 4000
n_clinic: int = 400  # tiles at the clinic, 40 ≤ x ≤ 1000
act_above: float = 0.2  # probability of tumour from which one acts, 0.01 ≤ x ≤ 0.99
n_graded: int = 600  # tiles of every grade that two pathologists read, 60 ≤ x ≤ 2000
n_resamples: int = 200  # bootstrap samples behind an interval, 20 ≤ x ≤ 10000
n_positions: int = 9  # positions of each slider, 2 ≤ x ≤ 9

# %%
import copy
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.special import logit
from skimage.color import rgb2hed

from data_fetch.medmnist_two_classes import medmnist_two_classes
from data_fetch.packaged import ihc, imagenet_weights
from data_fetch.photograph_crops import source_like
from data_fetch.sample import sha256_of_array
from data_fetch.simulated.fundus_lesions import fundus_lesions
from data_fetch.simulated.histology import Morphology, histology_tiles
from medlib import experiment
from medlib.experiment import COLORS
from medlib.nets.efficientnet_lite import load_imagenet, preprocess

run = experiment.start("translation/three_shifts", locals())
KIND = "simulated" if dataset == "simulated" else "real"

# %% tags=["hide-cell"]
HEALTHY = Morphology(
    tumour_per_mm2=(900, 1800), tumour_enlargement=(1, 1), tumour_atypia=(0.1, 0.1)
)
SICK = Morphology(
    tumour_per_mm2=(2600, 4600), tumour_enlargement=(1, 1.25), tumour_atypia=(0.25, 0.6)
)
GRADED = Morphology(tumour_share=(0.0, 1.0))


def simulated_tissue(n, *, rng, morphology, infiltrated):
    """n tiles of one laboratory and the tumour's share of each; by parts, to save memory."""
    images, shares = [], []
    while (missing := n - sum(map(len, images))) > 0:
        patients = min(300, -(-missing * (1 + infiltrated) // 4))
        tiles = histology_tiles(
            patients, rng=rng.spawn(1)[0], tiles_per_patient=4, size=size,
            laboratory_variation=0.0, morphology=morphology,
        )  # fmt: skip
        keep = tiles.labels >= infiltrated
        images.append(tiles.images[keep])
        shares.append(tiles.tumour[keep].mean(axis=(1, 2)))
    return tiles.sample, np.concatenate(images)[:n], np.concatenate(shares)[:n]


STOCK = {}  # real tissue that no site has taken yet, by label


def draw_tissue(name, n, infiltrated):
    """n tiles of one kind, normal (0) or infiltrated (1); no two sites share a tile or patient."""
    if KIND == "simulated":
        how = {"morphology": SICK if infiltrated else HEALTHY, "infiltrated": infiltrated}
        sample, images, _ = simulated_tissue(n, rng=run.rng(f"{name} {infiltrated}"), **how)
    else:
        if not STOCK:
            total = n_home + n_check + 2 * n_clinic
            rng = run.rng("real tissue")
            sample, y = medmnist_two_classes(dataset, 2 * total, split="train", rng=rng, size=size)
            STOCK.update({k: sample.array[y == k] for k in (0, 1)}, sample=sample)
        sample, images = STOCK["sample"], STOCK[infiltrated][:n]
        STOCK[infiltrated] = STOCK[infiltrated][n:]
    return sample, images


def draw_graded(n):
    """n tiles of every grade and how severe each is: the tumour's share, or nuclear stain."""
    rng = run.rng("graded")
    if KIND == "simulated":
        return simulated_tissue(n, rng=rng, morphology=GRADED, infiltrated=1)
    sample, _ = medmnist_two_classes(dataset, n, split="test", rng=rng, size=size)
    return sample, sample.array, rgb2hed(sample.array)[..., 0].mean(axis=(1, 2))


def gallery(rows, titles):
    """Rows of images, each row with its title."""
    figure, axes = plt.subplots(len(rows), 8, figsize=(7.2, 1.1 * len(rows) + 0.1))
    for line, images, title in zip(axes, rows, titles, strict=True):
        line[0].set_title(title)
        for place in line:
            place.axis("off")
        for place, image in zip(line, images, strict=False):
            place.imshow(image)
    return figure


def layer_frame(mean):
    """A photograph at one brightness, and the shift that it causes in every layer."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.0), width_ratios=[1, 2.6])
    colourful = np.argmax(photos.std(axis=-1).mean(axis=(1, 2)))
    left.imshow(with_mean(photos, mean=mean)[colourful])
    left.set_title(f"mean {mean:g}")
    left.axis("off")
    layers = np.arange(1, len(at_home) + 1)
    size_of = [np.abs(d) for d in shifts[mean]]
    low, high = ([np.quantile(d, q) for d in size_of] for q in (0.1, 0.9))
    right.fill_between(layers, low, high, color=COLORS["blue"], alpha=0.25)
    right.plot(layers, [rms_shift(d) for d in shifts[mean]], color=COLORS["blue"])
    right.plot(layers, tissue_rms, ":", color=COLORS["orange"], label="real stained tissue")
    right.set(ylim=(0, 1.5), xlabel="layer, from the image (1) to the features (49)")
    right.set_ylabel("shift in SDs of the channel")
    right.legend(loc="upper right")
    return figure


def reliability_panel(axes, curve, title):
    """A reliability curve with its intervals, and the diagonal."""
    axes.plot([0, 1], [0, 1], ":", color=COLORS["grey"])
    reach = np.stack([curve.observed - curve.low, curve.high - curve.observed]).clip(0)
    axes.errorbar(curve.predicted, curve.observed, reach, fmt="o-", color=COLORS["blue"], lw=1.2)
    axes.set(title=title, xlabel="probability of tumour", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_ylabel("share with tumour")


def prevalence_frame(rate):
    """Scores at one prevalence with both thresholds, and what mistakes cost."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.0), width_ratios=[1.4, 1])
    bins = np.linspace(-9, 3, 31)
    for y, share, color in ((0, 1 - rate, "green"), (1, rate, "orange")):
        values = logit(p_clinic[clinic_y == y])
        weights = np.full(len(values), 100 * share / len(values))
        name = "tumour" if y else "normal"
        left.hist(values, bins, weights=weights, color=COLORS[color], alpha=0.55, label=name)
    moved = moved_threshold(act_above, old=home_rate, new=rate)
    left.axvline(logit(act_above), color=COLORS["grey"], linestyle=":", label="fixed")
    left.axvline(logit(moved), color=COLORS["black"], label="moved")
    left.set(xlabel="log odds of tumour, as learned at home", ylabel="tiles of 100", ylim=(0, 22))
    left.set_title(f"prevalence {rate:.0%}")
    left.legend(loc="upper left", fontsize=7)
    for name, style in (("fixed", ":"), ("moved", "-")):
        right.plot(rates, [costs[name, r] for r in rates], style, color=COLORS["blue"], label=name)
        right.plot(rate, costs[name, rate], "o", color=COLORS["blue"])
    right.set(xscale="log", xlabel="prevalence", ylabel="cost of mistakes per 100 tiles")
    right.legend(title="threshold", fontsize=7)
    return figure


def broken_figure():
    """EM against bent probabilities; both estimates on four versions of the clinic."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.9))
    left.plot(factors, [bent[f] for f in factors], "o-", color=COLORS["blue"], label="EM")
    left.plot(factors, [by_bbse.prior[1]] * len(factors), "--", color=COLORS["green"], label="BBSE")
    left.set(
        xscale="log", xlabel="factor on the log odds", ylabel="estimated prevalence", ylim=(0, 1)
    )
    left.set_xticks([0.4, 1, 2.5], ["0.4", "1", "2.5"])
    left.minorticks_off()
    for place, name in enumerate(mixed):
        right.plot(mixed[name][0], place, "o", color=COLORS["blue"])
        right.plot(mixed[name][1], place, "s", color=COLORS["green"])
    right.set(
        yticks=range(len(mixed)), yticklabels=mixed, xlabel="estimated prevalence", xlim=(0, 1)
    )
    right.invert_yaxis()
    for line_at in (left.axhline, right.axvline):
        line_at(clinic_pi, color=COLORS["grey"], linestyle=":")
    left.legend()
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
# at its word, the first row fits a scanner only if $x$ stands for the tissue: what the *pixels*
# mean has changed, which is why it is the image that must be mended (some call it
# [acquisition shift](https://doi.org/10.1038/s41467-020-17478-w)). Each cure relies on what
# *stays*; so the wrong cure is not a weaker one, but a false one.
#
# ## I. Appearance
#
# ### A picture first
#
# EfficientNet-Lite0 expects pixel values around the mean of ImageNet's photographs, near the
# parameter `expected_mean`. Tissue on a slide is bright: light shines through it, and most of it is
# background. What happens if a network that expects a mean of $115$ is given $180$? We take
# photographs, the network's own home, and change nothing but their brightness: one number is
# added to all pixels, and what leaves the range from $0$ to $255$ is cut off.

# %%
from medlib.translation.covariate_shift import with_mean

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
photos = run.uses(source_like(n_photos, rng=run.rng("photographs"), size=96)).array
photos = with_mean(photos, mean=expected_mean)
brighter = with_mean(photos, mean=shifted_mean)
field = run.uses(ihc()).array
corners = [(r, c) for r in range(0, 417, 64) for c in range(0, 417, 64)]
tissue = np.stack([field[r : r + 96, c : c + 96] for r, c in corners])

# %% tags=["hide-input"]
run.figure(
    gallery([photos[:8], brighter[:8], tissue[:48:6][:8]],
            [f"photographs, mean {expected_mean:g}", f"mean {shifted_mean:g}",
             f"stained tissue, mean {tissue.mean():.0f}"]),
    name="brightness", data="real",
    alt="Three rows of small images: photographs, the same ones washed out, and brown and blue"
    " stained tissue.",
    caption=f"Real photographs at the expected brightness and brighter; real tissue. n = 8 of"
    f" {n_photos} and of {len(tissue)}.",
)  # fmt: skip

# %% [markdown]
# ### The first layer by hand
#
# Let $W_{ckij}$ be the kernels of the first convolution, from colour $k$ to channel $c$. If every
# pixel of colour $k$ grows by $b_k$, each output of channel $c$ grows by
#
# $$ \Delta_c = \sum_k b_k \sum_{ij} W_{ckij}, $$
#
# because a convolution is linear and sums over its window. A kernel that takes *differences* sums
# to zero and sees nothing; a kernel that *averages* sees everything. What enters channel $c$ of the
# batch normalisation behind it has a mean $m_c$ and a variance $v_c$, which the network remembers
# from ImageNet. So the natural unit of a shift is the channel's own standard deviation,
#
# $$ \delta_c = \Delta_c \,/\, \sqrt{v_c} . $$

# %%
stem, norm = source.stem
colour_means = [images.mean(axis=(0, 1, 2)) for images in (photos, brighter)]
b = torch.tensor(np.diff(colour_means, axis=0)[0] / 128, dtype=torch.float32)  # the input's unit
kernel_sums = stem.weight.detach().cpu().sum(dim=(2, 3))
delta = (kernel_sums @ b / torch.sqrt(norm.running_var + norm.eps).cpu()).numpy()

# %% [markdown]
# The library sends the images through the network and measures, in every layer, what really
# arrives there. At the first layer it must find what we have computed, up to the frame of padding
# around an image.

# %%
from medlib.translation.covariate_shift import measured_statistics, remembered_statistics
from medlib.translation.covariate_shift import rms_shift, standardised_shift

unit = [layer.sd for layer in remembered_statistics(source)]


def statistics_of(images):
    return measured_statistics(source, preprocess(images, device=run.device))


def shift_of(there, home):
    return [
        standardised_shift(t.mean, h.mean, s) for t, h, s in zip(there, home, unit, strict=True)
    ]


# %%
at_home, at_bright = statistics_of(photos), statistics_of(brighter)
first = shift_of(at_bright, at_home)[0]
agreement = np.corrcoef(first, delta)[0, 1]
run.result("stem_agreement", agreement, n=len(first), atol=1e-3)
blind = np.mean(np.abs(delta) < 0.1)
run.say(
    "By hand and measured, the shifts of the {n} channels of the first layer correlate with"
    " {stem_agreement:.4f}. {blind:.0%} of the channels take differences and move by less than a"
    " tenth of a standard deviation; the one that moves most moves by {most:.1f}.",
    n=len(first), blind=blind, most=np.abs(delta).max(),
)  # fmt: skip

# %% [markdown]
# ### Layer by layer
#
# Behind the first layer linearity ends: ReLU6 cuts at $0$ and at $6$. A textbook sentence says that
# such an error is *propagated and amplified* through the network. Move the slider and see. The
# line is the root mean square of $\delta_c$ over a layer's channels, the band holds eight of ten
# channels, and the dotted line is real tissue against photographs, for comparison.

# %%
means = sorted({*[shifted_mean, expected_mean, 90.0, 140.0, 160.0, 200.0, 220.0][:n_positions]})
shifts = {m: shift_of(statistics_of(with_mean(photos, mean=m)), at_home) for m in means}
tissue_rms = [rms_shift(d) for d in shift_of(statistics_of(tissue), at_home)]
faded = [rms_shift(d) for d in shifts[shifted_mean]]

# %% tags=["hide-input"]
run.frames(
    [layer_frame(m) for m in means], name="layers", label="mean grey level",
    values=[f"{m:g}" for m in means], start=means.index(shifted_mean), data="real",
    alt=[f"A photograph at mean {m:g}, and the shift in each of 49 layers: it starts at"
         f" {rms_shift(shifts[m][0]):.2f} standard deviations and ends at"
         f" {rms_shift(shifts[m][-1]):.2f}; the dotted line of tissue stays high." for m in means],
    caption="A shift of brightness is largest at the first layer and fades on its way; what is"
    f" strange in tissue does not. Line: root mean square over channels; band: 80 % of them."
    f" n = {n_photos} real photographs, {len(tissue)} patches of one real slide.",
)  # fmt: skip

# %%
run.result("shift_first", faded[0], unit="SD", n=len(first), atol=0.01)
run.result("shift_last", faded[-1], unit="SD", n=len(unit[-1]), atol=0.01)
run.result("shift_first_tissue", tissue_rms[0], unit="SD", n=len(first), atol=0.01)
run.result("shift_last_tissue", tissue_rms[-1], unit="SD", n=len(unit[-1]), atol=0.02)
run.say(
    "The shift starts at {shift_first:.2f} standard deviations and ends at {shift_last:.2f}:"
    " propagated, yes; amplified, no. Real tissue, which is strange in more than its brightness,"
    " starts at {shift_first_tissue:.2f} and ends at {shift_last_tissue:.2f}."
)

# %% [markdown]
# So the textbook sentence does not hold for brightness, the example that it was written for. The
# shift reaches every layer, but it *fades*: this network has learned from photographs taken at
# noon and at dusk, and most of its channels answer to differences. For tissue the sentence holds.
# What is strange there is *what is seen*, not how brightly, and later layers, which know objects,
# find it stranger than early ones, which know edges. Do not make a law of either: it is one
# network. And a small mean shift is no promise of a right diagnosis, as we are about to see.
#
# ### What it does to a diagnosis, and three repairs
#
# Now to the retina: is a small dark lesion round, or a streak? A *probe*, a logistic regression on
# the frozen network's features, learns it at home. Then the camera at the new site is brighter.
# Here are three repairs, none of which needs a label there:
#
# - **Renormalise** the input: for each colour $v' = (v - \bar v')\,s/s' + \bar v$, with mean
#   $\bar v'$ and standard deviation $s'$ over all of the new site's images, and $\bar v$, $s$
#   those at home.
# - **Match histograms**: $v' = F^{-1}(F'(v))$ with the cumulative distributions $F'$ there and $F$
#   at home; it undoes any monotone curve, not only a straight line.
# - **Re-estimate batch normalisation**: put the new site's means and variances in place of $m_c$
#   and $v_c$ ([Li et al.](https://doi.org/10.1016/j.patcog.2018.03.005)). We try it in two ways: at
#   the new site only, with the probe that we have; and at *both* sites, each with its own
#   statistics, with a probe fitted on features that were made that way.


# %%
def lesions(split):
    sample, labels = fundus_lesions(
        n_retina, split=split, rng=run.rng(f"retina {split}"), size=64, contrast=0.25
    )
    return with_mean(run.uses(sample).array, mean=expected_mean), labels


home, home_labels = lesions("train")
same, labels = lesions("test")
bright = with_mean(same, mean=shifted_mean)

# %%
from medlib.translation.covariate_shift import match_to, renormalise
from medlib.translation.features import cached_features, fit_head
from medlib.translation.norm_statistics import refresh_statistics

look = {"mean": home.mean(axis=(0, 1, 2)), "sd": home.std(axis=(0, 1, 2))}


def features(images, network=source, depth="head"):
    return cached_features(network, preprocess(images, device=run.device), depth=depth)


def renewed(images):
    return refresh_statistics(copy.deepcopy(source), preprocess(images, device=run.device))


# %%
probe = fit_head(features(home), home_labels)
own_probe = fit_head(features(home, renewed(home)), home_labels)
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

# %%
from medlib.pixels.observer import auc, auc_difference


def by_label(scores):
    return scores[labels == 1], scores[labels == 0]


def as_text(found):
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


aucs = {w: {r: auc(*by_label(s)) for r, s in found.items()} for w, found in answers.items()}
rows = [
    {"repair": r, "brighter camera": as_text(aucs["bright"][r]), "same camera": as_text(a)}
    for r, a in aucs["same"].items()
]
run.table(rows, name="repairs", caption=f"Test AUC with 95 % intervals, n = {n_retina} patches of"
          " one real retina with simulated lesions.")  # fmt: skip

# %%
differences = {
    "loss": ("same", "nothing", "bright", "nothing"),
    "won_back": ("bright", "renormalised", "bright", "nothing"),
    "harm": ("same", "nothing", "same", "statistics renewed there"),
    "harm_both": ("same", "nothing", "same", "statistics renewed at both"),
}
gaps = {}
for name, (w1, r1, w2, r2) in differences.items():
    found = auc_difference(by_label(answers[w1][r1]), by_label(answers[w2][r2]))
    ends = found.low, found.high
    gaps[name] = run.result(name, found.value, unit="AUC", interval=ends, n=n_retina, atol=0.03)

# %%
run.say(
    "The brighter camera costs {loss:.2f} of AUC ({loss.low:.2f} to {loss.high:.2f}), and"
    " renormalising wins back {won_back:.2f} ({won_back.low:.2f} to {won_back.high:.2f}); what was"
    " cut off at white is lost for good. Now look at the right column, where nothing had to be"
    " cured: statistics renewed there cost {harm:.2f} ({harm.low:.2f} to {harm.high:.2f}), and"
    " renewed at both sites they still cost {harm_both:.2f} ({harm_both.low:.2f} to"
    " {harm_both.high:.2f})."
)

# %% [markdown]
# Renewing statistics is a popular cure, and we expected it to work at least at both sites. Why
# does it not? Close-ups of a retina are not ImageNet. Their own statistics rescale *every*
# channel, the quiet ones most, whose noise is then as loud as everybody's signal; no later layer
# was trained on that. Renewed at one site only, the probe's weights do not fit its features either.
# And the shift that was to be mended had all but faded at the depth where the probe reads, as the
# slider showed. A repair is a change, too. Measure it where nothing is broken.
#
# ## II. Prevalence
#
# ### Same tissue, other numbers
#
# From here on all tissue comes from one laboratory and one scanner. At home one tile in a hundred
# shows tumour; the classifier learns there, and more labelled tiles from home are kept aside to
# check it. In the clinic it is one tile in two. A tile with tumour looks the same in both
# places, that is $p(x \mid y)$ stays.

# %%
counts = {"home": n_home, "check": n_check, "clinic": n_clinic, "quiet": n_clinic}
images, truth = {}, {}
for name, n in counts.items():
    sick = max(2, round(n * (clinic_rate if name == "clinic" else home_rate)))
    (sample, normal), (_, tumour) = draw_tissue(name, n - sick, 0), draw_tissue(name, sick, 1)
    tiles = np.concatenate([normal, tumour])
    about = {"name": f"tissue/{name}", "sha256": sha256_of_array(tiles)}
    images[name] = run.uses(replace(sample, array=tiles, **about)).array
    truth[name] = np.repeat([0, 1], [n - sick, sick])

# %% tags=["hide-input"]
run.figure(
    gallery([images["clinic"][:8], images["clinic"][-8:]], ["normal", "infiltrated"]),
    name="tissue", data=KIND,
    alt="Two rows of small pink tiles with dark nuclei; below, nuclei are more, larger and darker.",
    caption=f"What the classifier must tell apart; {KIND} tissue, n = 8 tiles of each kind.",
)  # fmt: skip

# %% [markdown]
# The classifier is a logistic regression on the network's third stage, which knows texture. Its
# probabilities need not be right. On the labelled tiles that it did not learn from, *Platt's line*
# corrects them: a regression of the label on the log odds, with a slope and an offset.

# %%
from medlib.translation.calibration import fit_logit_line

texture = {name: features(tiles, depth="stage3") for name, tiles in images.items()}
head = fit_head(texture["home"], truth["home"], strength=0.1)
raw = {name: head.predict_proba(values)[:, 1] for name, values in texture.items()}
line = fit_logit_line(raw["check"], truth["check"])
p = {name: line(values) for name, values in raw.items()}
p_clinic, clinic_y = p["clinic"], truth["clinic"]

# %% [markdown]
# A probability is *calibrated* if, among all tiles that are given the probability $q$, the share
# $q$ shows tumour. The *reliability curve* checks it in bins that hold equally many tiles. At the
# clinic it shows what the new prevalence does.

# %%
from medlib.translation.calibration import brier_score, calibration_error, log_loss, reliability

home_pi = truth["check"].mean()
clinic_pi = clinic_y.mean()
auc_clinic = auc(p_clinic[clinic_y == 1], p_clinic[clinic_y == 0])
ends = auc_clinic.low, auc_clinic.high
run.result("auc_clinic", auc_clinic.value, unit="AUC", interval=ends, n=n_clinic, atol=0.02)
run.result("found_as_is", np.mean(p_clinic[clinic_y == 1] > act_above), n=n_clinic, atol=0.1)
run.say(
    "The classifier ranks well (AUC {auc_clinic:.2f}). But used as it is, with action above a"
    " probability of {act_above:.0%}, it finds only {found_as_is:.0%} of the clinic's tumours. It"
    " still believes that tumour is rare."
)

# %% [markdown]
# ### Prevalence known: Bayes' rule
#
# Write $\pi = p(y{=}1)$ for the prevalence at home and $\pi'$ for the clinic's. By Bayes' rule
# $p(x \mid y) \propto p(y \mid x)/p(y)$, with a factor that is the same for all $y$. This stays, so
#
# $$ p'(y \mid x) \;\propto\; p(x \mid y)\,p'(y) \;\propto\; p(y \mid x)\,\frac{p'(y)}{p(y)}, $$
#
# and dividing by the sum over $y$ makes it a probability. For two classes it is one factor on
# the odds: $\mathrm{odds}' = \mathrm{odds} \cdot
# \frac{\pi'}{1-\pi'} \big/ \frac{\pi}{1-\pi}$. By hand, and by the library:

# %%
from medlib.translation.prior_shift import correct_prior


def both(p1):
    """The probabilities of both labels, from that of label 1."""
    return np.stack([1 - np.asarray(p1), p1], axis=-1)


odds = p_clinic / (1 - p_clinic) * clinic_pi / (1 - clinic_pi) * (1 - home_pi) / home_pi
corrected = correct_prior(both(p_clinic), old=both(home_pi), new=both(clinic_pi))[:, 1]
run.result("bayes_difference", np.abs(odds / (1 + odds) - corrected).max(), atol=1e-9)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True)
panels = ((p["check"], truth["check"], "home, calibrated"), (p_clinic, clinic_y, "clinic, as is"),
          (corrected, clinic_y, "clinic, corrected"))  # fmt: skip
for place, (q, y, title) in zip(axes, panels, strict=True):
    reliability_panel(place, reliability(q, y, bins=8), title)
run.figure(
    figure, name="reliability", data=KIND,
    alt="Three reliability curves: at home all points lie near zero, on the diagonal; at the clinic"
    " the curve rises far above the diagonal; corrected it follows the diagonal.",
    caption="The same scores promise far too little tumour at the clinic until they are corrected"
    f" for its prevalence. {KIND.capitalize()} tissue, n = {n_check} tiles at home (on which the"
    f" line was fitted) and {n_clinic} at the clinic; bars: 95 % intervals.",
)  # fmt: skip

# %% [markdown]
# The AUC cannot see any of this: the correction moves all scores in step and changes no
# ranking. Three other numbers can. The *Brier score* is the mean of $(p - y)^2$, the *log loss*
# that of $-\ln p(y)$, and the *expected calibration error* (ECE) the mean distance from the
# diagonal, weighted by the tiles of a bin. Each comes with a bootstrap interval: draw the clinic's
# tiles again, with replacement, and look how far the number moves. (The ECE counts noise as error,
# and drawing again adds noise: its interval lies too high.)

# %%
scores = {"Brier": brier_score, "log loss": log_loss, "ECE": calibration_error}
resample = run.rng("bootstrap")


def limits(values):
    values = np.array(values)[~np.isnan(values)]
    return np.quantile(values, [0.025, 0.975]) if len(values) else (np.nan, np.nan)


def with_limits(score, q):
    draws = resample.integers(n_clinic, size=(n_resamples, n_clinic))
    low, high = limits([score(q[rows], clinic_y[rows]) for rows in draws])
    return f"{score(q, clinic_y):.3f} ({low:.3f} to {high:.3f})"


# %% [markdown]
# ### Where to act
#
# If a missed tumour costs $C_\text{miss}$ and a false alarm $C_\text{alarm}$, acting is right
# where $p'(y{=}1 \mid x)\,C_\text{miss} > p'(y{=}0 \mid x)\,C_\text{alarm}$, that is above the
# threshold $\tau' = C_\text{alarm} / (C_\text{alarm} + C_\text{miss})$. It depends on costs, not on
# the prevalence. What moves with the prevalence is where $\tau'$ lies on the *old* scale:
#
# $$ \frac{\tau}{1-\tau}
#    = \frac{\tau'}{1-\tau'} \cdot \frac{\pi}{1-\pi} \Big/ \frac{\pi'}{1-\pi'} . $$
#
# Move the prevalence. Both hills keep their shape, which is what $p(x \mid y)$ staying means; only
# their heights change, and the threshold $\tau$ wanders. The dotted line is the threshold of
# someone who did not move it.

# %%
from medlib.translation.prior_shift import moved_threshold

rates = sorted({0.2, *[home_rate, 0.5, 0.9, 0.02, 0.05, 0.1, 0.35, 0.7][: n_positions - 1]})


def cost(threshold, rate):
    """Cost of mistakes per 100 tiles, in false alarms."""
    missed = np.mean(p_clinic[clinic_y == 1] <= threshold)
    alarms = np.mean(p_clinic[clinic_y == 0] > threshold)
    return 100 * (rate * missed * (1 - act_above) / act_above + (1 - rate) * alarms)


costs = {("fixed", r): cost(act_above, r) for r in rates}
costs |= {("moved", r): cost(moved_threshold(act_above, old=home_pi, new=r), r) for r in rates}

# %% tags=["hide-input"]
run.frames(
    [prevalence_frame(r) for r in rates], name="threshold", label="prevalence",
    values=[f"{r:.0%}" for r in rates], start=rates.index(0.2), data=KIND,
    alt=[f"At a prevalence of {r:.0%} the moved threshold costs {costs['moved', r]:.1f} per 100"
         f" tiles, the fixed one {costs['fixed', r]:.1f}; two hills of scores stand beside."
         for r in rates],
    caption="The threshold wanders with the prevalence; whoever leaves it where it was pays."
    f" Costs in units of a false alarm. {KIND.capitalize()} tissue, n = {n_clinic} tiles of the"
    " clinic, weighted to each prevalence.",
)  # fmt: skip

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
# tiles, $\prod_i \sum_y p(y \mid x_i)\,\pi'(y)/p(y)$, whose logarithm has only one top.

# %%
from medlib.translation.prior_shift import em_prior

ratio = p_clinic / (1 - p_clinic) * (1 - home_pi) / home_pi  # p(x | 1) / p(x | 0)
guess = [home_pi]
for _ in range(500):
    weight = guess[-1] * ratio
    guess.append(np.mean(weight / (weight + 1 - guess[-1])))
by_em = em_prior(both(p_clinic), old=both(home_pi))
run.result("em_difference", abs(guess[-1] - by_em.prior[1]), atol=1e-3)

# %% [markdown]
# ### Prevalence unknown: the confusion matrix
#
# The second way does not trust probabilities at all. Cut the scores somewhere and count how often
# the classifier *says* tumour, $\hat y = 1$. At home we know how often it errs: the confusion
# matrix $C_{ij} = p(\hat y{=}i,\, y{=}j)$. With the weights $w_j = p'(j)/p(j)$ the shares
# $a_i = p'(\hat y{=}i)$ of the answers that we count at the clinic must obey
#
# $$ a_i = \sum_j p(\hat y{=}i \mid y{=}j)\,p'(j) = \sum_j C_{ij}\,w_j , $$
#
# a linear system: *black-box shift estimation*, BBSE
# ([Lipton, Wang and Smola 2018](https://doi.org/10.48550/arXiv.1802.03916)). Epidemiologists have
# solved it since [1978](https://doi.org/10.1093/oxfordjournals.aje.a112510) for an imperfect test:
# $\pi' = (a_1 - \mathrm{FPR})/(\mathrm{TPR} - \mathrm{FPR})$, with the rates at which the test is
# positive among the ill (TPR) and the healthy (FPR). The closer the two rates, the smaller the
# denominator, and every error of counting is blown up. The *condition number* of the matrix
# says by how much: one is a perfect test, infinity one that answers alike whatever is true.

# %%
from medlib.translation.prior_shift import bbse_prior, joint_confusion


def decide(q, cut=home_pi):
    """One-hot answers: tumour where it is likelier than the average at home, or than `cut`."""
    return np.eye(2)[(q > cut).astype(int)]


said = {name: decide(q) for name, q in p.items()}
by_bbse = bbse_prior(said["clinic"], confusion=joint_confusion(said["check"], truth["check"]))
tpr, fpr = (said["check"][truth["check"] == y, 1].mean() for y in (1, 0))
closed = (said["clinic"][:, 1].mean() - fpr) / (tpr - fpr)
run.result("bbse_difference", abs(closed - by_bbse.weights[1] * home_pi), atol=1e-9)

# %% [markdown]
# How sure are the two? There are two sources of error, the clinic's tiles and, much more so,
# the few tumours at home on which the line and the matrix rest. The bootstrap draws both again.


# %%
def em_from(home_rows, clinic_rows, scores=raw["clinic"]):
    y = truth["check"][home_rows]
    again = fit_logit_line(raw["check"][home_rows], y)
    return em_prior(both(again(scores[clinic_rows])), old=both(y.mean()), tolerance=1e-4).prior[1]


def bbse_from(home_rows, clinic_rows, cut=home_pi, scores=p_clinic):
    confusion = joint_confusion(decide(p["check"][home_rows], cut), truth["check"][home_rows])
    if np.linalg.cond(confusion) > 1e9:
        return np.nan  # it answers alike whatever is true
    return bbse_prior(decide(scores[clinic_rows], cut), confusion=confusion).prior[1]


# %%
EVERYTHING = np.arange(n_check), np.arange(n_clinic)


def interval_of(estimate, **settings):
    draws = [[resample.choice(rows, len(rows)) for rows in EVERYTHING] for _ in range(n_resamples)]
    return limits([estimate(*rows, **settings) for rows in draws])


def keep(name, value, interval):
    low, high = interval
    return run.result(
        name, value, interval=(min(low, value), max(high, value)), n=n_clinic, atol=0.05
    )


# %%
em_found = keep("prevalence_em", by_em.prior[1], interval_of(em_from))
bbse_found = keep("prevalence_bbse", by_bbse.prior[1], interval_of(bbse_from))
quiet = em_prior(both(p["quiet"]), old=both(home_pi)).prior[1]
run.result("prevalence_quiet", quiet, n=n_clinic, atol=0.01)
run.say(
    "The clinic's true prevalence is {clinic_rate:.0%}. EM says {prevalence_em:.0%}"
    " ({prevalence_em.low:.0%} to {prevalence_em.high:.0%}), BBSE {prevalence_bbse:.0%}"
    " ({prevalence_bbse.low:.0%} to {prevalence_bbse.high:.0%}), both without one label from the"
    " clinic. At a second clinic, where tumour is as rare as at home, EM says"
    " {prevalence_quiet:.1%}."
)

# %%
versions = {
    "as is": p_clinic,
    "corrected, prevalence known": corrected,
    "corrected, EM": correct_prior(both(p_clinic), old=both(home_pi), new=by_em.prior)[:, 1],
    "corrected, BBSE": correct_prior(both(p_clinic), old=both(home_pi), new=by_bbse.prior)[:, 1],
}
rows = [
    {"probabilities": n} | {s: with_limits(f, q) for s, f in scores.items()}
    for n, q in versions.items()
]
run.table(rows, name="scores", caption="Lower is better; 95 % bootstrap intervals."
          f" {KIND.capitalize()} tissue, n = {n_clinic} tiles of the clinic.")  # fmt: skip

# %% [markdown]
# You need not know the prevalence exactly. Even a rough estimate brings most of what the true one
# would: between one in a hundred and one in two lies a factor of a hundred on the odds, and being
# wrong by a few points hardly matters.
#
# **Ill-conditioned.** Where one cuts is left open by the method, but not by the data. Below, the
# same BBSE with other cuts. With the cut at one half, natural for a classifier, it hardly ever says
# tumour at home, where tumour is rare.

# %%
rows = []
for c in (0.5, 0.3, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002):
    matrix = joint_confusion(decide(p["check"], c), truth["check"])
    found = bbse_from(*EVERYTHING, cut=c), *interval_of(bbse_from, cut=c)
    row = {"cut": c, "tumours at home that it names": f"{matrix[1, 1] / home_pi:.0%}"}
    row["condition number"] = f"{np.linalg.cond(matrix / matrix.sum(axis=0)):.1f}"
    rows.append(row | {"estimate": "{:.2f} ({:.2f} to {:.2f})".format(*found)})
run.table(rows, name="cuts", caption=f"BBSE by the cut; 95 % bootstrap intervals, {KIND} tissue,"
          f" n = {n_check} tiles at home with {truth['check'].sum()} tumours,"
          f" {n_clinic} at the clinic.")  # fmt: skip

# %% [markdown]
# ### What breaks it: probabilities that are wrong at home
#
# EM takes each probability at its word. Bend the word: multiply all log odds by a factor, above
# one for a classifier too sure of itself, below one for one too shy, and let the offset
# keep the mean right at home. BBSE with its cut moved along does not notice, for no tile changes
# sides.

# %%
from scipy.optimize import brentq
from scipy.special import expit

factors = [0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5]
bent = {}
for factor in factors:
    home_side, clinic_side = (factor * logit(p[name]) for name in ("check", "clinic"))
    offset = brentq(lambda o, side=home_side: expit(side + o).mean() - home_pi, -30, 30)
    bent[factor] = em_prior(both(expit(clinic_side + offset)), old=both(home_pi)).prior[1]
shy = fit_head(texture["home"], truth["home"], strength=1e-3)
em_shy = em_prior(both(shy.predict_proba(texture["clinic"])[:, 1]), old=both(home_pi)).prior[1]
run.result("prevalence_em_shy", em_shy, n=n_clinic, atol=0.05)

# %%
run.say(
    "It need not be bent on purpose. Fit the same regression with more shrinkage and leave out"
    " Platt's line: its probabilities hardly leave the mean, and EM must explain the clinic's tiles"
    " by a prevalence of {prevalence_em_shy:.0%}."
)

# %% [markdown]
# ### What breaks it: two shifts at once
#
# Everything above needs $p(x \mid y)$ to stay. Now let the clinic's scanner have a fifth less
# contrast as well, which the eye hardly notices. The prevalence is the same, but nuclei look
# paler, the classifier errs at other rates, and both methods must blame the prevalence, for it is
# the only thing that they know. Repair the appearance first? With what? Renormalising asks for the
# mean and standard deviation of the new site's pixels. But a clinic full of tumour *has* other
# ones: nuclei are dark. The repair takes the disease for the scanner.


# %%
def flatten(tiles, contrast=0.8):
    """Tiles through a scanner of less contrast, around the mean grey level at home."""
    level = images["check"].mean()
    return np.clip(np.rint(level + contrast * (tiles - level)), 0, 255).astype(np.uint8)


# %%
flat = flatten(images["clinic"])
as_home = {"mean": images["check"].mean(axis=(0, 1, 2)), "sd": images["check"].std(axis=(0, 1, 2))}
variants = {"same scanner": images["clinic"], "flatter scanner": flat,
            "flatter, renormalised": renormalise(flat, **as_home),
            "same scanner, renormalised": renormalise(images["clinic"], **as_home)}  # fmt: skip
scored = {
    name: head.predict_proba(features(tiles, depth="stage3"))[:, 1]
    for name, tiles in variants.items()
}

# %%
rows, mixed = [], {}
for name, values in scored.items():
    em = em_from(*EVERYTHING, scores=values), *interval_of(em_from, scores=values)
    mixed[name] = em[0], bbse_from(*EVERYTHING, scores=line(values))
    ranking = auc(values[clinic_y == 1], values[clinic_y == 0])
    row = {"clinic": name, "AUC": f"{ranking.value:.2f}"}
    row["EM"] = "{:.2f} ({:.2f} to {:.2f})".format(*em)
    rows.append(row | {"BBSE": f"{mixed[name][1]:.2f}"})
run.table(rows, name="mixed", caption="Estimates of one and the same prevalence,"
          f" {clinic_rate:.0%}; {KIND} tissue, n = {n_clinic} tiles.")  # fmt: skip

# %%
for place, how in enumerate(("em", "bbse")):
    moved_by = mixed["flatter scanner"][place] - mixed["same scanner"][place]
    run.result(f"drift_{how}", moved_by, n=n_clinic, atol=0.1)
    needless = mixed["same scanner, renormalised"][place] - mixed["same scanner"][place]
    run.result(f"needless_{how}", needless, n=n_clinic, atol=0.1)
run.say(
    "The flatter scanner moves EM by {drift_em:+.2f} and BBSE by {drift_bbse:+.2f}, while the AUC"
    " hardly moves. Renormalising where the scanner was right all along moves them by"
    " {needless_em:+.2f} and {needless_bbse:+.2f}."
)

# %% tags=["hide-input"]
run.figure(
    broken_figure(), name="broken", data=KIND,
    alt="Left: the estimate of EM falls steadily as the log odds are stretched, while BBSE stays."
    " Right: estimates for four versions of the clinic, which differ by a large part of the axis.",
    caption="Left: EM needs calibrated probabilities. Right: a flatter scanner moves both estimates"
    " (circle: EM, square: BBSE), and renormalising moves them again. Dotted: the truth."
    f" {KIND.capitalize()} tissue, n = {n_clinic} tiles.",
)  # fmt: skip

# %% [markdown]
# What would help? Something of the scanner's that does not know the disease: a bare piece of
# glass, a calibration slide, the lamp's setting. Undo the appearance by what is *not* tissue, and
# only then ask the tissue for its prevalence.
#
# ## III. Meaning
#
# ### Two pathologists
#
# Tumour does not stop at a line. Here are tiles of every grade, from a trace of infiltration to
# tumour from edge to edge. The pathologist at home calls the upper half of them infiltrated, her
# colleague at the clinic the upper seven tenths. Both are consistent, and neither is wrong. The
# tiles are dealt out at random: half go home, half to the clinic.

# %%
boundary = {"home": 0.5, "clinic": 0.3}  # share of the graded tiles that lies below
sample, graded, severity = draw_graded(n_graded)
about = {"name": "tissue/graded", "sha256": sha256_of_array(graded)}
graded = run.uses(replace(sample, array=graded, **about)).array
dealt = run.rng("deal").permutation(n_graded)
at = {"home": dealt[: n_graded // 2], "clinic": dealt[n_graded // 2 :]}
calls = {who: (severity > np.quantile(severity, q)).astype(int) for who, q in boundary.items()}
seen = features(graded, depth="stage3")

# %% [markdown]
# Is there a shift? Ask a classifier to tell the two sites' tiles apart, on tiles that it has not
# seen: the *classifier two-sample test* of
# [Lopez-Paz and Oquab](https://doi.org/10.48550/arXiv.1610.06545). If its AUC is one half, it
# cannot. We ask the same question for all three shifts. For appearance, tiles from home against
# other tiles from home through the flatter scanner; for prevalence, home against clinic.

# %%
from medlib.translation.two_sample import classifier_two_sample

spread = np.linspace(0, n_check - 1, 2 * n_clinic).astype(int)  # as rare there as at home
one, other = spread[::2], spread[1::2]
pairs = {
    "nothing": (texture["check"][one], texture["check"][other]),
    "appearance": (
        texture["check"][one],
        features(flatten(images["check"][other]), depth="stage3"),
    ),
    "prevalence": (texture["check"][one], texture["clinic"]),
    "meaning": (seen[at["home"]], seen[at["clinic"]]),
}

# %%
tests = {
    what: classifier_two_sample(*pair, rng=run.rng(f"two-sample {what}"))
    for what, pair in pairs.items()
}

# %%
rows = [
    {
        "what differs": what,
        "AUC": f"{t.auc:.2f} ({t.low:.2f} to {t.high:.2f})",
        "p": f"{t.p_value:.1g}",
    }
    for what, t in tests.items()
]
run.table(
    rows, name="two_sample", caption=f"Can the sites be told apart? 95 % intervals, {KIND} tissue."
)
unseen = tests["meaning"]
run.result(
    "auc_two_sample",
    unseen.auc,
    unit="AUC",
    interval=(unseen.low, unseen.high),
    n=unseen.n_test,
    atol=0.02,
)

# %% [markdown]
# The test sees the scanner, it sees the prevalence, and it does not see the pathologist. No
# cleverer test would: the tiles of both sites have one and the same distribution $p(x)$, and a test
# without labels sees nothing but $p(x)$. Drift monitors that watch images, features or
# scores are such tests. Yet the clinic's pathologist and the program disagree:

# %%
from sklearn.model_selection import cross_val_predict

learn, y = seen[at["home"]], calls["home"][at["home"]]
reader = fit_head(learn, y, strength=0.1)
apart = cross_val_predict(reader, learn, y, cv=5, method="predict_proba")[:, 1]
promise = fit_logit_line(apart, y)(reader.predict_proba(seen[at["clinic"]])[:, 1])
new = {who: values[at["clinic"]] for who, values in calls.items()}
for who in boundary:
    accuracy = np.mean((promise > 0.5) == new[who])
    run.result(f"agreement_{who}", accuracy, n=len(promise), atol=0.03)

# %%
called = (promise > 0.5).mean()
run.say(
    "On the clinic's tiles the program agrees with the pathologist at home, had she read them, in"
    " {agreement_home:.0%}, and with the clinic's own in {agreement_clinic:.0%}. It calls"
    " {called:.0%} infiltrated, she {hers:.0%}.", called=called, hers=new["clinic"].mean(),
)  # fmt: skip

# %% [markdown]
# ### A handful of labels
#
# Ask the clinic's pathologist for a few labels. If her rule were that of home, the probability of
# label $y_i = 1$ would be $p_i$, so the number of tiles that she calls infiltrated,
# $S = \sum_i y_i$, would have the mean $\sum_i p_i$ and the variance $\sum_i p_i (1 - p_i)$
# ([Spiegelhalter 1986](https://doi.org/10.1002/sim.4780050506)). Compare:

# %%
from medlib.translation.concept_shift import check_labels, detection_rate

few = run.rng("few").choice(len(promise), 30, replace=False)
z = (new["clinic"][few].sum() - promise[few].sum()) / np.sqrt(
    (promise[few] * (1 - promise[few])).sum()
)
found = check_labels(promise[few], new["clinic"][few])
run.say(
    "With thirty labels: {observed} called infiltrated, {expected:.1f} expected, that is {z:.1f}"
    " standard deviations too many; the exact test says $p$ = {p:.2g}.",
    observed=found.observed, expected=found.expected, z=z, p=found.p_value,
)  # fmt: skip

# %% [markdown]
# One draw may be luck. How many labels make it reliable? The *power* is the share of draws in which
# the test rings. And which tiles should she label? Where $p_i$ is near $0$ or $1$, both
# pathologists agree; the news is in the tiles between. Choosing by $p_i$ is fair, since it looks at
# $x$ only, but it helps only if the program is sure of many tiles.

# %%
between = (promise > 0.1) & (promise < 0.9)
groups = {
    "undecided tiles": (between, "clinic"),
    "any tiles": (promise >= 0, "clinic"),
    "undecided tiles, pathologist from home": (between, "home"),
}
numbers = [n for n in (5, 10, 20, 40, 80) if n <= between.sum()]
draw = run.rng("power")
power = {
    group: [detection_rate(promise[rows], new[who][rows], n_labels=n, rng=draw) for n in numbers]
    for group, (rows, who) in groups.items()
}

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 2.8))
for (group, found), color in zip(power.items(), ("blue", "sky", "grey"), strict=True):
    axes.plot(numbers, found, "o-", color=COLORS[color], label=group)
axes.axhline(0.05, color=COLORS["grey"], linestyle=":")
axes.set(xscale="log", xlabel="new labels", ylabel="share of draws that ring", ylim=(-0.02, 1.02))
axes.set_xticks(numbers, numbers)
axes.minorticks_off()
axes.legend(loc="upper left")
run.figure(
    figure, name="power", data=KIND,
    alt="Two rising curves, for labels on undecided tiles and on any tiles; a third curve, for the"
    " pathologist from home, stays low.",
    caption="A few dozen labels show what no unlabelled test can; the pathologist from home should"
    " ring in no more draws than the level allows (dotted)."
    f" {KIND.capitalize()} tissue, n = 200 draws a point.",
)  # fmt: skip

# %%
for n, found in zip(numbers, power["undecided tiles"], strict=True):
    run.result(f"power_{n}", found, n=200, atol=0.1)
alarms = max(power["undecided tiles, pathologist from home"])
run.result("false_alarms", alarms, n=200, atol=0.05)
run.say("False alarms, with the pathologist from home: at most {false_alarms:.1%} of the draws.")

# %% [markdown]
# The test sees a pathologist who draws the line elsewhere. It would not see one who swaps as many
# tiles in either direction, for $S$ would stay. And once it has rung, it does not tell which of the
# two is right: that is a matter for the two pathologists, not for a program.
#
# ## What we claim

# %%
most = max(numbers)
fading = min(0.5 - faded[-1] / faded[0], tissue_rms[-1] / tissue_rms[0] - 1)
run.claim("from first to last layer a shift of brightness more than halves, that of tissue grows",
          fading > 0, margin=fading)  # fmt: skip
cost_of_light = gaps["loss"].value
run.claim("a brighter camera costs AUC if the probe has never met it",
          cost_of_light > 0, margin=cost_of_light, unit="AUC")  # fmt: skip
harm = min(gaps["harm"].value, gaps["harm_both"].value)
run.claim("statistics renewed at one site or at both cost AUC where nothing has changed",
          harm > 0, margin=harm, unit="AUC")  # fmt: skip

# %%
lower = log_loss(p_clinic, clinic_y) - log_loss(versions["corrected, EM"], clinic_y)
run.claim("corrected for a prevalence that was estimated without labels, the log loss falls",
          lower > 0, margin=lower, unit="nats")  # fmt: skip
near = 0.25 - np.abs(np.array(mixed["same scanner"]) - clinic_pi).max()
run.claim("with the same scanner EM and BBSE both come within a quarter of the true prevalence",
          near > 0, margin=near)  # fmt: skip
drift = np.abs(np.subtract(mixed["flatter scanner"], mixed["same scanner"])).min() - 0.1
run.claim("a flatter scanner moves both estimates of an unchanged prevalence by more than a tenth",
          drift > 0, margin=drift)  # fmt: skip

# %%
run.say(
    "Not claimed: that renormalising wins the AUC back. Here it changes it by {won_back:+.2f}"
    " ({won_back.low:+.2f} to {won_back.high:+.2f}); with other patches of the same eye it has"
    " also been next to nothing, for what was cut off at white stays lost."
)

# %%
rings = power["undecided tiles"][numbers.index(most)] - 0.8
run.claim("eighty labels on undecided tiles show the other pathologist in four of five draws",
          rings >= 0, margin=rings)  # fmt: skip
hidden = 0.1 - abs(unseen.auc - 0.5)
run.claim("no classifier of unlabelled tiles tells the two pathologists' sites apart",
          hidden > 0, margin=hidden, unit="AUC", control=True)  # fmt: skip
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Name what stays. Appearance changed: mend the image. Prevalence changed: mend the probability.
#   Meaning changed: ask for labels.
# - A shift of brightness reaches every layer and fades on its way, a strange content grows; what
#   either does to a diagnosis must be measured, not guessed.
# - A repair is a change. Renewed statistics did harm here even where there was no shift to mend.
# - AUC is blind to prevalence. Look at the reliability curve, the Brier score, the log loss.
# - EM wants calibrated probabilities, BBSE a cut that finds tumours; both want $p(x \mid y)$ to
#   stay, and their uncertainty comes from the few tumours at home.
# - A monitor without labels never sees a change of meaning. A few dozen labels show it.
#
# ## Exercises
#
# Type your answer in place of `None` and run the cell: it tells you whether you are right.
#
# ```{exercise}
# :label: three-shifts-bayes
# A program made for the screening programme, $\pi = 0.01$, gives a tile the probability $p = 0.2$.
# What is it at a clinic with $\pi' = 0.3$? Do it on paper, with odds. **Self-check** below.
# ```

# %% tags=["self-check"]
answer = None  # a probability
if answer is None:
    print("Type your answer first.")
else:
    right = correct_prior(both([0.2]), old=both(0.01), new=both(0.3))[0, 1]
    print(
        "Right." if abs(answer - right) < 0.005 else "Not yet: odds times a ratio of odds, twice."
    )

# %% [markdown]
# ```{exercise}
# :label: three-shifts-grey
# The clinic's pathologist is right and the program should follow her. Fit a new line on her first
# labels only: use `fit_logit_line` on 40 undecided tiles of `promise` and the labels
# `new["clinic"]`, chosen by a generator of your own, and compute `follows`, the share of *all*
# tiles of `promise` on which the program then agrees with her. **Self-check** below.
# ```

# %% tags=["self-check"]
follows = None  # a share, between 0 and 1
if follows is None:
    print("Type your answer first.")
else:
    before = np.mean((promise > 0.5) == new["clinic"])
    best = max(np.mean((promise > c) == new["clinic"]) for c in np.unique(promise))
    possible = before < follows <= best + 1e-9
    print("Right." if possible else "Not yet: labels move the offset, not the order of the tiles.")

# %% [markdown]
# ```{exercise}
# :label: three-shifts-threshold
# Three clinics complain. (a) The program finds every second tumour only, its AUC is as at home, and
# tumours are more frequent. (b) A new scanner was installed, and the two-sample test rings. (c) No
# test rings, but the pathologist overrules the program again and again, always in the same
# direction. What do you do first: i = mend the image, p = correct the probabilities, l = collect
# labels? Answer with three letters. **Self-check** below.
# ```

# %% tags=["self-check"]
answer = None  # such as "iii"
if answer is None:
    print("Type your answer first.")
else:
    off_at = [clinic for clinic, a, b in zip("abc", answer, "pil", strict=True) if a != b]
    print("Right." if not off_at else f"Look again at clinic {', '.join(off_at)}.")

# %% [markdown]
# ```{exercise}
# :label: three-shifts-bbse
# Write BBSE for a cut that makes *three* classes of answers of a score ("normal", "unclear",
# "tumour") and two classes of truth: three equations, two unknowns. Solve them with
# `np.linalg.lstsq` for cuts at `home_pi / 3` and `5 * home_pi`, and store the prevalence in
# `three_way`. **Self-check** below.
# ```

# %% tags=["self-check"]
three_way = None  # a prevalence
if three_way is None:
    print("Type your answer first.")
else:
    ends = [home_pi / 3, 5 * home_pi]
    bins = {k: np.eye(3)[np.digitize(p[k], ends)] for k in ("check", "clinic")}
    rates_of = np.stack([bins["check"][truth["check"] == k].mean(axis=0) for k in (0, 1)], axis=1)
    right = np.linalg.lstsq(rates_of, bins["clinic"].mean(axis=0))[0]
    close = min(abs(three_way - right[1]), abs(three_way - right[1] / right.sum())) < 0.01
    print("Right." if close else "Not yet: columns are p(answer | truth), one a kind of tissue.")

# %% [markdown]
# ```{exercise}
# :label: three-shifts-public
# With a network connection, rerun on real tissue: `medbook run translation/three_shifts -p
# dataset=pathmnist`. Its training tiles serve for all sites of the second part. Predict first: will
# EM be nearer to the truth or farther? **Self-check:** compare `auc_clinic` and `prevalence_em`
# with those above.
# ```

# %% [markdown] tags=["solution"]
# ```{solution} three-shifts-bayes
# :class: dropdown
# The odds are $0.2/0.8 = 1/4$. Times $\frac{0.3}{0.7} \cdot \frac{0.99}{0.01} \approx 42.4$ they
# become $10.6$, and the probability is $10.6/11.6 \approx 0.914$.
# ```
#
# ```{solution} three-shifts-grey
# :class: dropdown
# `rows = np.random.default_rng(1).choice(np.flatnonzero(between), 40, replace=False)`, then
# `moved = fit_logit_line(promise[rows], new["clinic"][rows])` and
# `follows = np.mean((moved(promise) > 0.5) == new["clinic"])`. Two numbers, fitted on a few
# labels, take back most of what her other boundary cost. No new network is needed, because the
# *order* of the tiles is the same for both pathologists.
# ```
#
# ```{solution} three-shifts-threshold
# :class: dropdown
# `pil`. (a) is prevalence: the ranking is intact, the threshold is not. (b) is appearance, as far
# as we can see. (c) is meaning, and labels decide it.
# ```
#
# ```{solution} three-shifts-bbse
# :class: dropdown
# The columns are the shares of each answer among the normal and the infiltrated tiles of `check`,
# the right side the shares of each answer among the clinic's. `lstsq` weighs the equations alike.
# More answers keep more of what the score knows, and less hangs on one cut.
# ```
#
# ```{solution} three-shifts-public
# :class: dropdown
# Real mucosa and tumour epithelium are easier to tell apart than our tiles. The better the
# classifier, the closer BBSE's matrix is to the identity and the closer EM is to counting: expect
# both to be nearer and their intervals shorter.
# ```

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
