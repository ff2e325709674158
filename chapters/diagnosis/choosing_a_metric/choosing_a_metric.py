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
# # Nearly every pixel is right: is that good?
#
# **Question.** A patient with multiple sclerosis has a scan of the brain every year. A network
# marks the lesions, small bright spots in white matter, and a neurologist counts them: new ones may
# mean that the drug does not work. The maker of the network says that nearly every pixel is right.
# Is that good? And if two networks are on offer, which number should decide between them?
#
# **Objectives.** After this chapter you will be able to
#
# - compute the usual measures of a segmentation from four counts, and say which of them a mask of
#   nothing passes;
# - predict what an error of one pixel does to the Dice of a small lesion and of a large one;
# - ask of any mean what it did with scans in which there is nothing to find;
# - tell a difference between two networks from a difference between two thresholds;
# - derive a threshold from what a miss costs, and know when it may be used.
#
# **Prerequisites.** Python with NumPy; probabilities, means and their intervals, by Student's $t$
# and by the bootstrap. What a network is; {doc}`/pixels/grad_cam` introduces one.
#
# **Data.** The anatomy is real: the MNI152 template, an average of many brains, warped anew for
# every slice. Contrast, noise and lesions are simulated, so that every lesion's edge is known.
# All slices are warps of one template: no interval here speaks of patients. Set `lesion_folder` to
# real scans with masks in the layout of the public
# [WMH challenge](https://doi.org/10.1109/TMI.2019.2905770) (its lesions are vascular, not those of
# multiple sclerosis) to train and judge the networks of this page on those.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 160  # slices to learn from, 16 ≤ x ≤ 10000
n_validation: int = 60  # slices to choose by, 16 ≤ x ≤ 10000
n_test: int = 80  # slices to judge by, 16 ≤ x ≤ 10000
n_steps: int = 200  # training steps of each network on this page, 1 ≤ x ≤ 100000
peak_rate: float = 0.008  # highest learning rate, 0 < x ≤ 0.1
largest_mm: float = 6.0  # radius of the largest simulated lesion, 1.5 ≤ x ≤ 60
n_places: int = 400  # places of each disc between the pixels, 10 ≤ x ≤ 10000
n_resamples: int = 2000  # bootstrap samples behind an interval, 100 ≤ x ≤ 100000
error_grows: bool = False  # an outline's error grows with the lesion, in place of one pixel
alarms_in: str = "healthy"  # slices that get a false alarm: "healthy" or "sick"
flip_at: str = "half"  # thresholds of the claim that rankings flip: "half" or "chosen"
shrinks_for: str = "tversky"  # who comes nearer to Dice: "tversky", or "again", its own twin
dear: str = "50"  # what a miss costs in the claim on costs: "2", "10" or "50"
costed: str = "dice"  # network whose probabilities name a threshold: "dice" or "ce"
rival: str = "again"  # whom the control compares: "again", Dice from another start, or "tversky"
lesion_folder: str = ""  # folder of your own scans; empty for simulated lesions

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

from data_fetch.tasks.lesion_folder import read_lesion_folder
from data_fetch.tasks.white_matter_lesions import COLUMNS, PIXEL_MM, ROWS
from data_fetch.tasks.white_matter_lesions import LesionLook, white_matter_lesions
from medlib import experiment
from medlib.diagnosis.scoring.costs import bayes_threshold, expected_cost
from medlib.diagnosis.scoring.lesions import candidates, match_lesions, recall_at
from medlib.diagnosis.scoring.lesions import threshold_at, touched
from medlib.diagnosis.scoring.one_pixel import grown_dice, shifted_dice, shrunk_dice
from medlib.diagnosis.scoring.overlap import confusion
from medlib.diagnosis.scoring.pooled_difference import pooled_difference
from medlib.diagnosis.scoring.scorecard import scorecard
from medlib.diagnosis.scoring.surfaces import surface_distances
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.plots.line_band import Line, line_band
from medlib.experiment.plots.paired_dots import paired_dots
from medlib.measures.mean_interval import mean_interval
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities

run = experiment.start("diagnosis/choosing_a_metric", locals())
LEAST_IOU = 0.1  # with how much overlap a region has found a lesion

# %% [markdown]
# ## A picture first
#
# Four slices, and the lesions in them. Fluid is dark, grey matter a little brighter than white, and
# most lesions are brighter than either, with soft edges. Some are a pixel or two wide. Some slices
# have none. There are three kinds of slices, drawn apart: networks learn from the *training*
# slices; whatever is chosen, a threshold for instance, is chosen on the *validation* slices; and
# the *test* slices judge. A pixel has sides of two millimetres. Not every lesion can be told by
# eye.

# %% tags=["key"]
if lesion_folder:
    own = read_lesion_folder(lesion_folder, shape=(ROWS, COLUMNS), pixel_mm=PIXEL_MM)
    shuffled = run.rng("patients").permutation(len(own.names))
    groups = np.array_split(shuffled, [len(shuffled) // 2, 3 * len(shuffled) // 4])
    parts = {name: np.isin(own.patients, some) for name, some in zip(
             ("train", "validation", "test"), groups, strict=True)}
else:
    sizes = {"train": n_train, "validation": n_validation, "test": n_test}
    look = LesionLook(radius_mm=(1.5, largest_mm))
    drawn = {name: white_matter_lesions(n, rng=run.rng(f"{name} slices"), look=look)
             for name, n in sizes.items()}

# %%
if lesion_folder:
    run.uses(own.sample)
    images = {name: own.sample.array[which] for name, which in parts.items()}
    truth = {name: own.masks[which] for name, which in parts.items()}
    whose = own.patients[parts["test"]]
else:
    images = {name: run.uses(part.sample).array for name, part in drawn.items()}
    truth = {name: part.masks for name, part in drawn.items()}
    whose = np.arange(n_test)
KIND, UNITS = ("real", "patients") if lesion_folder else ("simulated", "slices")
if not all(masks.any() for masks in truth.values()):
    raise ValueError("a part of the slices has no lesion at all: give more patients or slices")

# %%
y = truth["test"]
area = y.sum(axis=(1, 2))
shown = np.argsort(area, kind="stable")[[0, len(area) // 2, -len(area) // 5, -1]]
GREY = Window(0.0, 1.1, ("intensity", ""))


def outlined(image, mask, colour):
    """A slice in colour, with a mask laid over it."""
    rgb = np.repeat(np.clip(image / GREY.high, 0, 1)[..., None], 3, axis=2)
    rgb[mask] = 0.35 * rgb[mask] + 0.65 * np.array(colour)
    return rgb


run.figure(
    image_rows(
        [[images["test"][i] for i in shown], [y[i].astype(float) for i in shown]],
        titles=[[f"{area[i]} pixels of lesion" for i in shown], ["truth"] * 4],
        window=GREY, pixel_mm=PIXEL_MM,
    ),
    name="slices", data=KIND,
    alt="Four grey slices of a brain, from one without lesions to one with several bright spots;"
    " below, the lesions alone, white on black.",
    caption=f"Lesions fill {y.mean():.2%} of the pixels of the test slices. {KIND.capitalize()}"
    f" lesions, n = {len(y)} slices, four shown.",
)

# %% [markdown]
# ## Four counts
#
# Hold a mask against the truth, and every pixel is one of four: a *true positive* (marked, and
# lesion), a *false positive* (marked, and not), a *false negative* (lesion, and missed), a *true
# negative*. Nearly everything that papers report is made of these four numbers.

# %% tags=["key"]
def counts(marked, truth):
    tp, fp = (marked & truth).sum(), (marked & ~truth).sum()
    fn, tn = (~marked & truth).sum(), (~marked & ~truth).sum()
    return {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "precision": tp / max(tp + fp, 1),  # of what was marked, how much is lesion
        "recall": tp / (tp + fn),  # of the lesions, how much was marked; "sensitivity"
        "Dice": 2 * tp / (2 * tp + fp + fn),  # the harmonic mean of the two
        "IoU": tp / (tp + fp + fn),  # intersection over union
    }

# %% [markdown]
# Three readers who have not looked at the scan: one marks nothing, one marks everything, one marks
# pixels by lot, as many as there are lesions.

# %% tags=["key"]
lot = run.rng("lot").random(y.shape) < y.mean()
blind = {"nothing": np.zeros_like(y), "everything": np.ones_like(y), "by lot": lot}
rows = [{"who marks": who} | {name: f"{value:.4f}" for name, value in counts(mask, y).items()}
        for who, mask in blind.items()]

# %%
run.table(
    rows, name="blind", caption=f"Readers who have not looked. All pixels of {len(y)} slices as"
    f" one; precision of nothing, zero over zero, is put at zero; {KIND} lesions.",
)
nothing = counts(blind["nothing"], y)
run.result("accuracy_nothing_here", nothing["accuracy"], n=len(y), atol=1e-9)
run.say(
    "A mask of nothing is right in {accuracy_nothing_here:.2%} of all pixels. It helps nobody; it"
    " would be *more* accurate still on healthier people. (A mask by lot has, on average, a"
    " precision, a recall and a Dice of {share:.4f}, the lesions' share.)", share=y.mean(),
)

# %% [markdown]
# So accuracy tells how rare lesions are. Dice and IoU leave the true negatives out and, pooled as
# here, give nothing for nothing. But note three things before relying on them.
#
# *They are one measure.* With $D$ for Dice and $J$ for IoU, $J = D/(2-D)$: of two masks of one
# scan, they never prefer different ones. (Of two *means* over scans they may.)
#
# *They weigh a miss like a false alarm.* To weigh a missed pixel $\beta^2$ times as much as an
# invented one, take $F_\beta = (1+\beta^2)\,TP / ((1+\beta^2)\,TP + \beta^2 FN + FP)$; Dice is
# $F_1$.
#
# *They, too, know how rare lesions are.* Let a reader find a share $a$ of the lesions' pixels (the
# recall) and rightly leave a share $b$ of the others (the *specificity*), whatever the scan. If
# lesions fill the share $s$ of all pixels, then $TP = as$, $FP = (1-b)(1-s)$ and $TP + FN = s$, so
#
# $$ \text{accuracy} = a s + b(1-s), \qquad
#    D = \frac{2as}{as + s + (1-b)(1-s)} . $$
#
# If it is better at leaving than at finding ($b > a$) and not perfect at it ($b < 1$), the same
# reader, as lesions grow rarer, becomes ever more accurate, and its Dice falls to zero.

# %% tags=["key"]
share = np.logspace(-4, np.log10(0.3), 60)
a, b = 0.8, 0.999
same_reader = {
    "accuracy": a * share + b * (1 - share),
    "Dice": 2 * a * share / (a * share + share + (1 - b) * (1 - share)),
    "precision": a * share / (a * share + (1 - b) * (1 - share)),
}

# %%
run.figure(
    line_band(
        {name: Line(share, values) for name, values in same_reader.items()},
        x=("share of pixels that are lesion", ""), y=("value", ""), log_x=True,
        x_ticks=(0.0001, 0.001, 0.01, 0.1), mark_x=float(y.mean()),
    ),
    name="prevalence",
    alt="Accuracy stays near one from right to left; Dice and precision fall from near one to near"
    " zero.",
    caption=f"One reader, who finds {a:.0%} of the lesions' pixels and leaves {b:.1%} of the others"
    " alone, on scans with more or less lesion. Dotted: the share in our test slices. Computed from"
    " the formula; a simulated reader, no data.", data="simulated",
)

# %% [markdown]
# So a Dice from one hospital is not to be compared with a Dice from another whose patients are
# sicker. MONAI, a library for medical imaging, and scikit-learn have all these; ours must agree.

# %%
from monai.metrics import compute_dice, compute_iou
from sklearn.metrics import fbeta_score, jaccard_score

sick = area > 0
noisy = y ^ (run.rng("noisy marks").random(y.shape) < 0.0005)
ours = confusion(noisy, y)
batch = [torch.from_numpy(mask[sick][:, None]) for mask in (noisy, y)]
flat = [mask[sick].ravel() for mask in (y, noisy)]
apart = max(
    float(np.abs(compute_dice(*batch)[:, 0].numpy() - ours.dice()[sick]).max()),
    float(np.abs(compute_iou(*batch)[:, 0].numpy() - ours.iou()[sick]).max()),
    abs(fbeta_score(*flat, beta=2) - confusion(noisy[sick], y[sick]).pooled().f_beta(2)[0]),
    abs(jaccard_score(*flat) - confusion(noisy[sick], y[sick]).pooled().iou()[0]),
)

# %%
run.result("apart_from_libraries", apart, atol=1e-8)
run.say("Dice, IoU and F₂ differ from those of the two libraries by {apart_from_libraries:.0e} at"
        " most, on slices with a lesion.")

# %% [markdown]
# ## One pixel
#
# Draw an outline one pixel too wide. Is that a good segmentation? Take a round lesion of radius
# $r$, in pixels, and a mask of radius $r + 1$ around it. All of the lesion is marked, $\pi r^2$,
# and $\pi(r+1)^2$ in all, so
#
# $$ D = \frac{2 r^2}{r^2 + (r+1)^2} . $$
#
# A mask one pixel too narrow, or shifted by one, goes likewise (the shifted one shares a lens with
# the lesion). Check it on discs of pixels, with their middles anywhere between pixels.

# %% tags=["key"]
def disc(radius, middle, n=64):
    down, across = np.indices((n, n)) - n / 2
    return np.hypot(down - middle[0], across - middle[1]) < radius


def measured_dice(radius, mask_radius, shift, places):
    marks = np.stack([disc(mask_radius, np.add(place, (0, shift))) for place in places])
    return np.nanmean(confusion(marks, np.stack([disc(radius, p) for p in places])).dice())

# %%
radii = np.array([1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0])
places = run.rng("places").uniform(-0.5, 0.5, size=(n_places, 2))
by = radii / 4 if error_grows else np.ones_like(radii)
formulas = {"too wide": grown_dice, "too narrow": shrunk_dice, "shifted": shifted_dice}
changes = {"too wide": (1, 0), "too narrow": (-1, 0), "shifted": (0, 1)}
expected = {name: np.array([rule(np.array([r]), by=e)[0] for r, e in zip(radii, by, strict=True)])
            for name, rule in formulas.items()}

# %%
found = {name: np.array([measured_dice(r, r + wider * e, aside * e, places)
                         for r, e in zip(radii, by, strict=True)])
         for name, (wider, aside) in changes.items()}
off = max(np.abs(found[name] - expected[name])[1:].max() for name in found)
run.result("disc_off", off, n=n_places, atol=0.0009)
wide = dict(zip(radii, found["too wide"], strict=True))
size_costs = wide[8.0] - wide[2.0]
run.result("size_costs", size_costs, n=n_places, atol=0.0004)

# %%
run.figure(
    line_band(
        {name: Line(radii, expected[name], dots=found[name][:, None]) for name in formulas},
        x=("radius of the lesion", "pixels"), y=("Dice", ""), log_x=True, x_ticks=radii,
    ),
    name="one_pixel",
    alt="Three curves rise with the radius, steeply at first; dots lie on them.",
    caption="Dice of an outline that is one pixel too wide, too narrow or shifted by one: lines are"
    f" the formulas, dots are means over discs of pixels, n = {n_places} places each (simulated).",
    data="simulated",
)
run.say(
    "One pixel too wide costs a lesion of radius eight {big:.2f} of Dice, and one of radius two"
    " {small:.2f}. Formula and pixels differ by {disc_off:.3f} at most (from radius two on).",
    big=1 - wide[8.0], small=1 - wide[2.0],
)

# %%
run.claim(
    "the same error of one pixel costs a lesion of two pixels' radius at least .2 more Dice than"
    " one of eight, as the formula says within .02",
    size_costs >= 0.2 and off <= 0.02, margin=min(size_costs - 0.2, 0.02 - off), unit="Dice",
    falsified_by="falsify_error_grows",
)

# %% [markdown]
# Two readers who draw the same outline within a pixel have a Dice near one where lesions are large,
# and a poor one where they are small. Dice measures the size of lesions, too.
#
# ## In millimetres
#
# What a surgeon or a radiation oncologist asks is how far off an edge is. The distance from each
# point of one surface to the other surface answers, both ways. Their largest is **Hausdorff's
# distance**; the 95th percentile, *HD95*, forgives one stray pixel. **Normalised surface Dice** is
# the share of both surfaces that lies within a tolerance, say one pixel (so in the trial below) or
# what two readers differ by. Both must know the pixel's sides: scans are often coarse in one
# direction.

# %% tags=["key"]
block = np.zeros((32, 32), dtype=bool)
block[10:20, 10:20] = True
moved = {"down": np.roll(block, 1, axis=0), "across": np.roll(block, 1, axis=1)}
far = {way: surface_distances(mask, block, spacing_mm=(3.0, 1.0)) for way, mask in moved.items()}
dice = {way: counts(mask, block)["Dice"] for way, mask in moved.items()}

# %%
for way, distances in far.items():
    run.result(f"hausdorff_{way}", distances.hausdorff_mm(percentile=100), unit="mm", atol=1e-6)
run.say(
    "In pixels of 3 mm by 1 mm, a square moved down by one pixel is off by {hausdorff_down:.0f} mm,"
    " moved across by {hausdorff_across:.0f} mm. Its Dice is {down:.2f} and {across:.2f}.", **dice,
)

# %% [markdown]
# ## Nothing to find
#
# Some slices have no lesion. A mask of nothing is then perfect, and its Dice is zero
# over zero. A false alarm there makes it zero, and some leave such slices out. And where there is a
# lesion and nothing was marked, no distance can be measured at all. Someone must decide, and the
# libraries decide differently.

# %% tags=["key"]
from monai.metrics import compute_hausdorff_distance
from sklearn.metrics import f1_score

empty, spot = np.zeros((1, 1, 8, 8), dtype=bool), np.zeros((1, 1, 8, 8), dtype=bool)
spot[..., 3:5, 3:5] = True
cases = {"neither": (empty, empty), "marked, nothing there": (spot, empty),
         "missed": (empty, spot)}


def monai_dice(marked, truth, **options):
    marked, truth = torch.from_numpy(marked), torch.from_numpy(truth)
    return compute_dice(marked, truth, **options).numpy()[:, 0]

# %%
def monai_hd95(marked, truth):
    marked, truth = torch.from_numpy(marked), torch.from_numpy(truth)
    return float(compute_hausdorff_distance(marked, truth, percentile=95)[0, 0])


RULES_OF = {
    "ours, nnU-Net's": lambda marked, truth: confusion(marked[0], truth[0]).dice()[0],
    "MONAI": lambda *masks: monai_dice(*masks)[0],
    "MONAI, ignore_empty=False": lambda *masks: monai_dice(*masks, ignore_empty=False)[0],
    "scikit-learn": lambda marked, truth: f1_score(truth.ravel(), marked.ravel(), zero_division=0),
    "HD95 of MONAI": monai_hd95,
}

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MONAI warns of what is shown here
    rows = [{"masks": case} | {name: f"{rule(*masks):g}" for name, rule in RULES_OF.items()}
            for case, masks in cases.items()]
run.table(
    rows, name="empty", caption="Dice where a mask is empty, by the rule that each column names,"
    " and MONAI's HD95 (nan: left out of a mean; without a percentile, its default, the distance is"
    " infinite where one mask is empty, and so is the mean).",
)

# %% [markdown]
# (The evaluation of nnU-Net has our formula: nan where both are empty, and a mean over the rest.)
# So MONAI's default leaves every slice without a lesion out of the mean, and with it every false
# alarm in a healthy person. (With `ignore_empty=False` a mask of nothing has the share of such
# slices for a mean Dice.) To see what the default hides, take a good reader (here: the truth, one
# pixel wider) and let it raise an alarm in every healthy slice.

# %% tags=["key"]
from scipy.ndimage import binary_dilation

good = np.stack([binary_dilation(mask) for mask in y])
alarmed = good.copy()
alarmed[~sick if alarms_in == "healthy" else sick, 4:7, 4:7] = True
mean_of = {"MONAI": lambda mask: np.nanmean(monai_dice(mask[:, None], y[:, None])),
           "ours": lambda mask: np.nanmean(confusion(mask, y).dice())}
hidden = {name: mean(good) - mean(alarmed) for name, mean in mean_of.items()}

# %%
run.result("alarms_seen_by_monai", hidden["MONAI"], n=len(y), atol=1e-6)
run.result("alarms_seen_by_us", hidden["ours"], n=len(y), atol=0.018)
run.say(
    "With a false alarm in every {alarms_in} slice, MONAI's mean Dice falls by"
    " {alarms_seen_by_monai:.3f}; ours, which counts such a slice as zero, by"
    " {alarms_seen_by_us:.3f}."
)
run.claim(
    "false alarms in every healthy slice leave MONAI's mean Dice as it was, and cost the mean that"
    " counts them at least .05",
    hidden["MONAI"] == 0 and hidden["ours"] >= 0.05,
    margin=(hidden["ours"] - 0.05) - 1e3 * abs(hidden["MONAI"]), unit="Dice",
    falsified_by="falsify_alarms_in_sick",
)

# %% [markdown]
# That follows from the two definitions, and it is easily overlooked. Neither is wrong, and ours has
# a flaw of its own: a healthy slice counts for the networks that marked something there, and not
# for those that kept silent, so two networks are averaged over different slices. But a mean without
# its rule for empty masks says little, and two means with different rules cannot be compared at
# all.
#
# ## Four networks
#
# Now train. The network is MONAI's **U-Net**, which goes down to coarse maps and up again, and puts
# out a probability for each pixel. Four losses teach it. *Cross-entropy* asks for the right
# probability of every pixel. The *Dice loss* is one less Dice, with probabilities in place of
# marks, its counts summed over a batch, so that a slice without lesions does no harm. Many add the
# two up. The *Tversky loss* is one less
#
# $$ \frac{TP}{TP + 0.1\,FP + 0.9\,FN} = F_3 , $$
#
# for which a missed pixel is worth nine invented ones: it is made for recall.
#
# Each step of a training shows the network a few slices, a *batch*, and moves its weights a little
# against the slope of the loss; how far, the *learning rate* says. Not only the loss differs:
# cross-entropy's network begins with a much smaller probability in every pixel, set by hand.

# %%
middle, spread = float(images["train"].mean()), float(images["train"].std())
x = {name: torch.from_numpy((part - middle) / spread)[:, None].to(run.device)
     for name, part in images.items()}
targets = {name: torch.from_numpy(mask)[:, None].to(run.device) for name, mask in truth.items()}
NAMES = {"cross-entropy": "ce", "Dice": "dice", "Dice and cross-entropy": "sum",
         "Tversky": "tversky"}

# %% tags=["key"]
networks = {
    name: fit_segmenter(
        x["train"], targets["train"], validation=(x["validation"], targets["validation"]),
        loss=PIXEL_LOSSES[name], steps=n_steps, peak_rate=peak_rate,
        generator=run.torch_generator(name), batch_size=min(8, len(x["train"])),
    ).network
    for name in ("cross-entropy", "Dice", "Tversky")
}
p = {(name, part): pixel_probabilities(network, x[part]).numpy()
     for name, network in networks.items() for part in ("validation", "test")}

# %%
at_half = {name: p[name, "test"] >= 0.5 for name in networks}
run.figure(
    image_rows(
        [[outlined(images["test"][i], mask[i], (1.0, 0.6, 0.1)) for i in shown]
         for mask in (y, *at_half.values())],
        titles=[["truth"] * 4] + [[name] * 4 for name in networks], window=None, pixel_mm=PIXEL_MM,
    ),
    name="marked", data=KIND,
    alt="Four slices in four rows: the truth, and what each network marks in orange. The last row"
    " marks more around and beside the lesions than the others.",
    caption="Marked at a probability of one half. The network taught by Tversky's loss marks wider."
    f" {n_steps} training steps, {KIND} lesions.",
)

# %% [markdown]
# (The page trains three of the four; the trial below has all.) How do they compare? First on this
# page's slices, with differences of each from the network taught by Dice, and intervals from test
# slices drawn again with replacement. *Pooled* Dice sums the four counts over all slices first.
# *Lesions found* counts regions: a lesion is found if a marked region and it share a tenth of their
# union (a lenient rule, fixed beforehand: it forgives wide marks), each matched with at most one
# other.

# %% tags=["key"]
cards = {name: scorecard(mask, y, spacing_mm=(PIXEL_MM, PIXEL_MM), least_iou=LEAST_IOU)
         for name, mask in at_half.items()}


def columns(card):
    """For each slice: true and false positives, misses; lesions found, missed, invented; one."""
    pixels = card.pixels
    return np.stack([pixels.true_positives, pixels.false_positives, pixels.false_negatives,
                     card.found, card.missed, card.invented, np.ones(len(y))], axis=1)

# %%
def over(top, *below):
    """A ratio of summed counts."""
    return lambda c: c[..., top].sum(axis=-1) / np.maximum(c[..., below].sum(axis=-1), 1e-9)


MEASURES = {
    "pooled Dice": lambda c: 2 * c[..., 0] / np.maximum(2 * c[..., 0] + c[..., 1] + c[..., 2], 1),
    "lesions found": over([3], 3, 4),
    "false alarms a slice": over([5], 6),
}
units = {"false alarms a slice": "1/slice"}

# %%
resample = run.rng("bootstrap")
lead = {
    what: {name: pooled_difference(
        measure, columns(cards[name]), columns(cards["Dice"]), patients=whose, rng=resample,
        n_resamples=n_resamples, unit=units.get(what, ""))
        for name in ("cross-entropy", "Tversky")}
    for what, measure in MEASURES.items()
}

# %%
run.figure(
    interval_points(*[
        Column(values, x=(f"Δ {what}", units.get(what, "")), reference=0.0)
        for what, values in lead.items()]),
    name="here",
    alt="For cross-entropy and Tversky, three differences from the network taught by Dice, with"
    " intervals: overlap, lesions found, false alarms.",
    caption=f"Differences (Δ) from the network taught by Dice at a threshold of one half; 95 %"
    f" intervals over {len(np.unique(whose))} {UNITS}. One training each; {KIND} lesions.",
    data=KIND,
)

# %% [markdown]
# One training each, and not a long one, ranks nothing.

# %% [markdown]
# ## Longer, and on several draws
#
# A *recorded trial*, run beforehand and stored, drew slices several times, and more of them. All
# networks were trained three times, each time twice as long. At each length each loss chose its
# learning rate on validation slices, and every network kept the weights that validated best. A
# second network under the Dice loss, from another start and with other batches, shows how much luck
# does. The unit is the draw: of slices, first weights and batches. Intervals over draws are
# Student's, wide because the draws are few.

# %% tags=["key"]
trial = experiment.recorded(run, "_four_losses/sweep")
LENGTHS, LONGEST = (1, 2, 4), 4


def measured(what, network, times=LONGEST):
    """A recorded measure of a network, one number a draw."""
    return trial.array(f"{what}_{network}_{times}")


def ahead(what, network="tversky", other="dice", times=LONGEST, unit=""):
    """How far one network lies above another, draw by draw: a mean with its interval."""
    return mean_interval(measured(what, network, times) - measured(what, other, times), unit=unit)

# %%
n_draws, first = len(trial.seeds), trial.fixed["first_steps"]
R = [f"{ratio:g}" for ratio in trial.fixed["cost_ratios"]]
COLUMNS_OF = {
    "accuracy": "accuracy", "pooled Dice": "dice", "surface Dice": "surface_dice",
    "precision": "precision", "recall": "recall", "lesions found": "lesion_recall",
    "false alarms a slice": "alarms",
}

# %%
rows = [
    {"taught by": name} | {
        title: f"{measured(what, network).mean():.{4 if what == 'accuracy' else 2}f}"
        for title, what in COLUMNS_OF.items()}
    for name, network in (NAMES | {"Dice, another start": "again"}).items()
]
rows.insert(0, {"taught by": "a mask of nothing"} | dict.fromkeys(COLUMNS_OF, "0") | {
    "accuracy": f"{trial.array('accuracy_nothing').mean():.4f}", "precision": "–"})
run.table(
    rows, name="at_half",
    caption=f"At a threshold of one half, after the longest training ({LONGEST * first} steps):"
    f" means over n = {n_draws} draws of {trial.fixed['n_test']} test slices; simulated lesions.",
)
run.say(str(trial.made) + " To repeat it: `medbook sweep diagnosis/choosing_a_metric/_four_losses"
        " --seeds 0-{last} --accept`.", last=n_draws - 1)

# %%
rows = [
    {"taught by": name} | {
        f"loss after {first * times}": f"{measured('validation', network, times).mean():.4f}"
        for times in LENGTHS}
    | {"best step of the longest": f"{np.median(measured('best_step', network)):.0f}"}
    for name, network in NAMES.items()]
run.table(
    rows, name="ends", caption="Each loss's own value on validation slices (the four are not to be"
    " compared with each other), and the step at which the longest training had its least, the"
    f" median over n = {n_draws} draws; simulated lesions.")

# %% [markdown]
# Not all of them came to an end: from each length to the next the losses still fall, but for
# cross-entropy. (The best step says less: the rate goes to zero, so it tends to be late.) What the
# others would be after longer still, the trial does not know. Hold that against every lead below.

# %% [markdown]
# Was the grid of rates cut too short? At the longest length several losses took its highest. A
# second trial taught each of them once more at four times that rate, on the same slices.

# %%
more = experiment.recorded(run, "_one_rate_more/sweep")
edge, rows, with_it = max(trial.fixed["rates"]), [], {}

# %%
for name, network in NAMES.items():
    kept, beyond = measured("validation", network), more.array(f"validation_{network}")
    there, here = more.array(f"dice_tuned_{network}"), measured("dice_tuned", network)
    with_it[network] = np.where(beyond < kept, there, here)
    rows.append({
        "taught by": name,
        "took the highest rate": f"{(measured('rate', network) >= edge).sum()} of {n_draws}",
        "validation loss": f"{kept.mean():.4f}",
        f"at {more.fixed['rate']:g}": f"{beyond.mean():.4f}",
        "better there": f"{(beyond < kept).sum()} of {len(beyond)}",
        "Dice": f"{here.mean():.3f}", "Dice, chosen of all": f"{with_it[network].mean():.3f}"})

# %%
run.table(
    rows, name="one_rate_more",
    caption=f"Beyond the edge of the rates ({edge:g}), at the longest training: means of each"
    " loss's own value on validation slices, and of pooled Dice in the test, at a threshold from"
    f" validation slices. n = {n_draws} draws; simulated lesions.",
)
with_rate = mean_interval(with_it["tversky"] - with_it["dice"])
run.result("tuned_lead_with_rate", with_rate, atol=0.005)
better_there = [name for name, network in NAMES.items()
                if (more.array(f"validation_{network}") < measured("validation", network)).any()]
run.say("With this rate in the grid, Tversky's network would lie {tuned_lead_with_rate:+.3ci} from"
        " Dice's in Dice, at chosen thresholds; without it, {without:+.3ci}. Taught by"
        " {better_there}, some draws validate better there: for these the grid was too short, and"
        " the new rate is an edge, too. Lesions and costs were not measured there: what is said of"
        " them below holds for rates up to {edge:g}.", without=ahead("dice_tuned"), edge=edge,
        better_there="; ".join(better_there) or "none of them")

# %%
accuracies = [measured("accuracy", network, times) for times in LENGTHS
              for network in (*NAMES.values(), "again")]
least_right = min(float(values.min()) for values in accuracies)
dice_seen = [float(measured("dice", network, times).mean()) for times in LENGTHS
             for network in NAMES.values()]
run.say(
    "A mask of nothing and all networks of the trial are right in {least:.2%} of the pixels or"
    " more, and their Dice runs from zero to {most:.2f}. (A network has fewer right pixels than a"
    " mask of nothing whenever more than half of what it marks is wrong.)",
    least=min(least_right, float(trial.array("accuracy_nothing").min())), most=max(dice_seen),
)
below = [trial.array("accuracy_nothing") > measured("accuracy", "tversky", times)
         for times in LENGTHS]
run.result("nothing_ranked_higher", float(np.sum(below)), n=np.size(below), atol=0.5)
run.say("In {nothing_ranked_higher:.0f} of {n} trainings by Tversky's loss, {draws} draws at"
        " {lengths} lengths, accuracy ranks a mask of nothing above the network that on average"
        " finds most lesions at one half. Dice cannot: nothing scores zero.",
        n=np.size(below), draws=n_draws,
        lengths=len(LENGTHS))
all_right = min(nothing["accuracy"], least_right)
run.claim(
    "a mask of nothing on this page's slices and every network of the trial have more than 99 of a"
    " hundred pixels right",
    all_right > 0.99, margin=all_right - 0.99, falsified_by="falsify_large_lesions",
)

# %% [markdown]
# ### Do rankings flip?
#
# At a threshold of one half, they do. The network made for recall finds more lesions than the one
# taught by Dice, and has less Dice. By $F_3$, which is what its loss asks for, it is ahead, too.
# So whoever picks the measure picks the winner.

# %%
AT = {"half": {"Dice": "dice", "lesions found": "lesion_recall"},
      "chosen": {"Dice": "dice_tuned", "lesions found": "froc_100"}}
flips = {at: {what: [ahead(key, times=times) for times in LENGTHS] for what, key in keys.items()}
         for at, keys in AT.items()}
for at, both in flips.items():
    for what, estimates in both.items():
        name = f"flip_{at}_{what.split()[0].lower()}"
        run.result(name, estimates[-1], atol=0.005)

# %%
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True, layout="constrained")
for place, (at, both) in zip(axes, flips.items(), strict=True):
    lines = {what: Line.of([first * times for times in LENGTHS], estimates)
             for what, estimates in both.items()}
    line_band(lines, x=("training", "steps"), y=("difference", ""), log_x=True,
              x_ticks=[first * times for times in LENGTHS], level=0.0, axes=place)
    place.set_title("threshold one half" if at == "half" else "thresholds from validation slices")

# %%
run.figure(
    figure, name="flip", data="simulated",
    alt="Two panels over the length of training. Left, lesions found lie above zero and Dice below."
    " Right, both lie nearer to zero.",
    caption="The network taught by Tversky's loss less the one taught by Dice's: pooled Dice, and"
    " the share of lesions found. Left at a threshold of one half, right with a threshold that"
    " validation slices chose for each: for Dice, and for one false alarm a slice. Means and 95 %"
    f" intervals over n = {n_draws} draws; simulated lesions.",
)

# %%
half = flips[flip_at]
run.result("flip_half_f3", ahead("f3"), atol=0.005)
run.say(
    "At one half, Tversky's network is ahead by {flip_half_lesions:.3ci} of the lesions and behind"
    " in Dice, {flip_half_dice:+.3ci}; in F₃ it lies {flip_half_f3:+.3ci} from it."
)
surely = min(min(-one.high for one in half["Dice"]), min(one.low for one in half["lesions found"]))
run.claim(
    "at a threshold of one half, a lesion counting as found from an IoU of a tenth on, the network"
    " taught by Tversky's loss finds more lesions than the one taught by Dice's and has less Dice,"
    " at every length of training",
    surely > 0, margin=surely, falsified_by="falsify_flip_at_chosen",
)

# %% [markdown]
# But a threshold of one half is a default that nobody chose. A network made for recall has larger
# probabilities around and beside lesions; another would at first find more, too, from a lower
# threshold on. So let validation slices choose a threshold for each network: for Dice, the one that
# gives most Dice; for lesions, the one at which the network raises **one false alarm a slice**, and
# ask how many lesions it then finds in the test. (A curve of lesions found over false alarms is
# called *FROC*.) A probability has no regions; here a region is where it reaches a floor, and its
# score is its peak. The floor, too, is chosen on validation slices, and it differs much from
# network to network. First the curves of this page's networks; what is claimed rests on the trial.

# %%
FLOORS = (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8)  # the trial's
ALLOWED = np.linspace(0, 4, 41)  # false alarms a slice


def regions_of(name, floor, part):
    return candidates(p[name, part], truth[part], floor=floor, least_iou=LEAST_IOU)


def judged(name):
    """Regions of test slices, by the floor and from the score that validation slices chose."""
    known = {floor: regions_of(name, floor, "validation") for floor in FLOORS}
    recall = {floor: recall_at(regions, [1.0])[0] for floor, regions in known.items()}
    best = [floor for floor in FLOORS if recall[floor] == max(recall.values())]
    floor = best[len(best) // 2]
    return floor, threshold_at(known[floor], 1.0), regions_of(name, floor, "test")


# %%
froc = {name: judged(name) for name in networks}
run.figure(
    line_band(
        {name: Line(ALLOWED, recall_at(regions, ALLOWED)) for name, (*_, regions) in froc.items()},
        x=("false alarms", "1/slice"), y=("lesions found", ""), mark_x=1.0),
    name="froc", data=KIND,
    alt="Share of lesions found over false alarms a slice, a curve for each of three networks, with"
    " a dotted line at one false alarm a slice.",
    caption="FROC of this page's networks: the share of lesions that is found at no more than so"
    " many false alarms a slice, read at steps of a tenth. A curve is flat where more alarms find"
    " no more lesions, and at its end, where the floor leaves no more regions."
    f" {KIND.capitalize()} lesions, n = {len(y)} slices; one training each, so small gaps mean"
    " nothing.",
)

# %%
there = []
for name, (floor, score, regions) in froc.items():
    recalled, raised = regions.at(score)
    there.append(f"{recalled:.2f} for {name} (floor {floor:g}; {raised:.2f} false alarms came)")
run.say("Found with the scores that validation slices chose for one false alarm a slice: {there}.",
        there=", ".join(there))

# %% [markdown]
# And the trial:

# %% tags=["key"]
gone = {}  # how much smaller the difference is at chosen thresholds, at each length
for what, sign in {"Dice": -1, "lesions found": 1}.items():
    for times in LENGTHS:
        at_one_half, chosen = (
            sign * (measured(AT[at][what], shrinks_for, times)
                    - measured(AT[at][what], "dice", times))
            for at in ("half", "chosen"))
        gone[what, times] = mean_interval(np.abs(at_one_half) - np.abs(chosen))

# %%
alarms = {name: measured("froc_alarms_100", name).mean() for name in ("dice", "tversky")}
run.say(
    "There, Tversky's network lies {flip_chosen_lesions:+.3ci} from Dice's in lesions found, and"
    " {flip_chosen_dice:+.3ci} in Dice: in the mean, most of the flip was a difference of"
    " thresholds, or of how regions are cut from probabilities. (That more than half of it goes is"
    " sure at each length, but for Dice after the longest training.) What is left in Dice was"
    " {short:+.3ci} after the shortest training and {middle:+.3ci} after the next; in lesions found"
    " {few:+.3ci} and {more:+.3ci}. It is no rule that a measure's own loss is ahead in it:"
    " cross-entropy's network lies {ce_short:+.3ci}, {ce_middle:+.3ci} and {ce_long:+.3ci} from"
    " Dice's in Dice, at the three lengths, and {found_short:+.3ci}, {found_middle:+.3ci} and"
    " {found_long:+.3ci} in lesions found. (In the test, the false alarms came to"
    " {dice:.2f} a slice for Dice's network and {tversky:.2f} for Tversky's.)",
    **alarms, **dict(zip(("short", "middle"), flips["chosen"]["Dice"], strict=False)),
    **dict(zip(("few", "more"), flips["chosen"]["lesions found"], strict=False)),
    **{f"{word}_{length}": ahead(what, "ce", times=times)
       for word, what in (("ce", "dice_tuned"), ("found", AT["chosen"]["lesions found"]))
       for length, times in zip(("short", "middle", "long"), LENGTHS, strict=True)},
)
shrunk = min(one.low for one in gone.values())
run.claim(
    "thresholds chosen on validation slices bring the two nearer to each other than one half does,"
    " in Dice and in lesions found, at every length of training",
    shrunk > 0, margin=shrunk, falsified_by="falsify_shrinks_for_twin",
)

# %%
twins = {times: measured("dice", "again", times) - measured("dice", "dice", times)
         for times in LENGTHS}
behind = np.concatenate(list(twins.values()))
run.result("twin_behind", float(behind.mean()), n=len(behind), atol=0.02)
run.say(
    "Not every training ends well. Of {n} second networks under the Dice loss ({draws} draws at"
    " {lengths} lengths), {many} end a tenth or more of Dice below the first, the worst"
    " by {worst:.2f}; the mean is {twin_behind:+.2f}. Luck"
    " explains that in part: the first was the best of a training at each rate, and the second"
    " takes the rate that won.",
    many=int((behind <= -0.1).sum()), worst=-behind.min(), n=len(behind), draws=n_draws,
    lengths=len(LENGTHS),
)

# %% [markdown]
# ### A distance by convention
#
# And HD95, here the larger of the two directions' percentiles? It is not defined in a slice where
# one mask is empty. *Where defined*: leave such slices out, as a library does that returns nan. A
# network that marks little then answers for its easiest slices only. *Diagonal*: charge a miss, or
# an alarm in a healthy slice, with the largest distance there is (slices in which there was nothing
# and nothing was marked stay out). *Common*: only slices in which every network marked something
# and there was something. Expect tens of millimetres even for small lesions: a false alarm in the
# other half of the brain is that far off.

# %%
RULES = ("where_defined", "common", "diagonal")
hd95 = {rule: {name: mean_interval(measured(f"hd95_{rule}", network), unit="mm")
               for name, network in NAMES.items()} for rule in RULES}

# %%
run.figure(
    interval_points(*[
        Column(estimates, x=("HD95", "mm"), title=rule.replace("_", " "))
        for rule, estimates in hd95.items()]),
    name="hd95", data="simulated",
    alt="Three columns of distances with intervals, one for each rule; the last column's distances"
    " are about twice those of the others.",
    caption="The same masks under three rules for slices with an empty mask (mind the three"
    f" scales). Means and 95 % intervals over n = {n_draws} draws at a threshold of one half;"
    " simulated lesions.",
)

# %%
moved_by_rule = min(hd95["diagonal"][name].value - hd95["where_defined"][name].value
                    for name in NAMES)
run.result("hd95_by_rule", moved_by_rule, unit="mm", n=n_draws, atol=0.5)
for rule in RULES:
    run.result(f"hd95_lead_{rule}", ahead(f"hd95_{rule}", unit="mm"), atol=0.5)
run.say(
    "To charge empty masks instead of leaving them out moves every network's HD95 by"
    " {hd95_by_rule:.1f} mm or more, beyond any difference between two networks. Tversky's network"
    " lies {hd95_lead_where_defined:+.1ci} from Dice's where defined, {hd95_lead_common:+.1ci} on"
    " common slices, {hd95_lead_diagonal:+.1ci} with misses charged: one sign, but with intervals"
    " widened for three looks none is sure. After the shortest training the mean's sign turns with"
    " the rule, none of them sure by this measure, either."
)

# %% [markdown]
# ## What does a miss cost?
#
# The way out is to say what an error does to a patient. Let a missed pixel cost $R$ times as much
# as an invented one, which is our unit of cost. If lesion has the probability $p$ there, then to
# mark costs $1-p$ on average, to leave it $R\,p$. So mark where
#
# $$ p \ge t = \frac{1}{1 + R} . $$
#
# The threshold follows from the cost, and the best model is the one that costs least. But this $p$
# must be a *probability*: of the pixels given $p$, a share $p$ must be lesion. Is that so? A
# network taught by cross-entropy is paid for true probabilities. One taught by Dice is paid for
# overlap, and pushes nearly every pixel to zero or one. **Isotonic regression** mends that: on
# validation slices it looks up which share of the pixels with each value was lesion, in steps that
# only rise. Probabilities that are true in this sense are called *calibrated*. They are true where
# lesions are as frequent as in the validation slices, and the scanner is theirs; more on that
# below.

# %% tags=["key"]
from sklearn.isotonic import IsotonicRegression


def calibrated(name):
    """What the probabilities of a network mean, learned on validation slices."""
    steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    steps.fit(p[name, "validation"].ravel(), truth["validation"].ravel())
    return steps.predict(p[name, "test"].ravel()).reshape(y.shape)

# %%
from medlib.experiment.plots.reliability import reliability_diagram
from medlib.measures.calibration import reliability

means = {name: calibrated(name) for name in networks}
run.figure(
    reliability_diagram(
        {name: reliability(values.ravel()[values.ravel() > 0.001],
                           y.ravel()[values.ravel() > 0.001].astype(int), bins=12)
         for name, values in (("cross-entropy", p["cross-entropy", "test"]),
                              ("Dice", p["Dice", "test"]), ("Dice, mended", means["Dice"]))},
        event="lesion"),
    name="reliability", data=KIND,
    alt="Share of lesion over probability. Cross-entropy and the mended network lie near the"
    " diagonal, where they have points; the network taught by Dice does not.",
    caption="Of pixels that were given a probability, which share is lesion? Pixels above one in a"
    f" thousand, n = {len(y)} test slices; pixels of one slice are not independent, so the bars are"
    f" too short. {KIND.capitalize()} lesions.",
)

# %% [markdown]
# Move the slider: as a miss becomes dearer, the threshold falls. With one training each, small gaps
# between the curves mean nothing.

# %%
PRICES = (1, 2, 5, 10, 20, 50, 100)
AXIS = np.geomspace(0.002, 0.98, 40)
some = shown[-1]


def curves(ratio):
    """Expected cost a slice over the threshold, of each network with mended probabilities."""
    return {name: [expected_cost(means[name] >= t, y, cost_ratio=ratio).mean() for t in AXIS]
            for name in networks}


# %%
def draw_costs(place, ratio):
    """The curves of one cost ratio, and the network that is cheapest at the named threshold."""
    costs, named = curves(ratio), bayes_threshold(ratio)
    line_band({name: Line(AXIS, values) for name, values in costs.items()},
              x=("threshold", ""), y=("cost a slice", "invented pixels"), log_x=True,
              x_ticks=(0.01, 0.1, 0.5), mark_x=named, axes=place)
    place.set_ylim(0, 2.2 * min(min(values) for values in costs.values()))
    return min(networks, key=lambda name: expected_cost(
        means[name] >= named, y, cost_ratio=ratio).sum())


# %%
def draw_price(ratio):
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.2, 3.2), layout="constrained", width_ratios=(3, 2))
    best, named = draw_costs(left, ratio), bayes_threshold(ratio)
    right.imshow(outlined(images["test"][some], means[best][some] >= named, (1.0, 0.6, 0.1)))
    right.set_title(f"cheapest at t = {named:.2f}:\n{best}")
    right.set_axis_off()
    return figure


# %%
run.frames(
    [draw_price(ratio) for ratio in PRICES], name="price_slider",
    label="a missed pixel costs, in invented ones", values=PRICES, data=KIND,
    alt="Cost over threshold for three networks, a dotted line at the threshold named by the cost,"
    " and a slice with what the cheapest network marks there.",
    caption="Probabilities mended on validation slices; dotted, the threshold 1/(1 + R). Right:"
    " what the network marks that is cheapest there, on these very slices."
    f" {KIND.capitalize()} lesions, n = {len(y)} test slices; one training each.",
)

# %% [markdown]
# Now the recorded trial. How much more than necessary does one pay by taking the threshold
# $1/(1+R)$ from a network's own probabilities, beside the threshold that validation slices chose by
# trying? The table also has Platt's mending, the usual one: a logistic curve with two numbers.

# %%
WAYS = {"as they are": "named", "Platt": "platt", "isotonic": "isotonic"}


def overpaid(network, way, place):
    """By what share a way of choosing costs more than the threshold found by trying."""
    tried = measured(f"cost{place}_tuned", network)
    return mean_interval(measured(f"cost{place}_{way}", network) / tried - 1)


# %%
rows = []
for name, network in NAMES.items():
    for title, way in WAYS.items():
        each = {f"R = {ratio}": f"{100 * overpaid(network, way, place).value:+.1f} %"
                for place, ratio in enumerate(R)}
        rows.append({"taught by": name, "probabilities": title} | each)
run.table(
    rows, name="overpaid",
    caption="Cost at the threshold 1/(1 + R) over the cost at the threshold that validation slices"
    f" chose by trying, less one. Means over n = {n_draws} draws; simulated lesions.",
)

# %%
dearest = len(R) - 1
raw, mended = (overpaid(costed, way, dearest) for way in ("named", "isotonic"))
honest = overpaid("ce", "named", dearest)
run.result("overpaid_raw", raw, atol=0.01)
run.result("overpaid_mended", mended, atol=0.01)
run.result("overpaid_honest", honest, atol=0.01)
run.say(
    "At R = {dear}, the threshold named by the cost makes one pay {overpaid_raw:.1%} too much with"
    " the probabilities of the network taught by {who}, {overpaid_mended:.1%} once they are mended,"
    " and {overpaid_honest:.1%} with those of cross-entropy as they are.",
    dear=R[dearest], who={"dice": "Dice", "ce": "cross-entropy"}[costed],
)

# %%
saved = [mean_interval(measured(f"cost{dearest}_named", costed, times)
                       / measured(f"cost{dearest}_isotonic", costed, times) - 1)
         for times in LENGTHS]
run.result("saved_by_mending", saved[-1], atol=0.01)
surely_saved = min(one.low for one in saved)
run.claim(
    "where a miss is dear, a threshold from costs needs true probabilities: with those of the"
    " network taught by Dice as they are it costs at least a twentieth more than with mended ones,"
    " at each of three lengths of training",
    surely_saved >= 0.05, margin=surely_saved - 0.05, falsified_by="falsify_true_probabilities",
)

# %% [markdown]
# Read the rows of Platt: where two numbers cannot bend a network's probabilities into shape,
# mending costs more than leaving them as they are. And what matters is whether a probability is
# wrong *at the threshold*: Tversky's are falser than Dice's by Platt's slope, and yet cost little
# too much where a miss is dear.
#
# Which network, then? With the threshold that validation slices chose for each cost, compare what
# the errors cost. This is a comparison that a hospital can use, if it can say $R$.

# %%
PAIRS = {
    "Tversky less Dice": ("tversky", "dice"), "cross-entropy less Dice": ("ce", "dice"),
    "their sum less Dice": ("sum", "dice"), "cross-entropy less Tversky": ("ce", "tversky"),
}
columns_of_cost = []
for place, ratio in enumerate(R):
    values = {title: ahead(f"cost{place}_tuned", *pair, unit="pixels")
              for title, pair in PAIRS.items()}
    for title, estimate in values.items():
        run.result(f"cost_{ratio}_{'_'.join(PAIRS[title])}", estimate, atol=0.5)
    quantity = f"cost, R = {ratio}", "pixels"
    columns_of_cost.append(Column(values, x=quantity, reference=0.0))

# %%
run.figure(
    interval_points(*columns_of_cost), name="costs", data="simulated",
    alt="For three cost ratios, differences of cost between pairs of networks, with intervals.",
    caption="Differences of cost a slice, in invented pixels: left of zero, the first named is"
    " cheaper. Each network at the threshold that validation slices chose for this cost. Means and"
    f" 95 % intervals over n = {n_draws} draws, after the longest training; simulated lesions.",
)

# %% [markdown]
# And after each length of training, for what only one of them shows may be luck, or unfinished:

# %%
run.table(
    [{"": f"{title}, {first * times} steps"} | {
        f"R = {ratio}": f"{ahead(f'cost{place}_tuned', *pair, times=times):+.1ci}"
        for place, ratio in enumerate(R)} for title, pair in PAIRS.items() for times in LENGTHS],
    name="costs_by_length", caption="Differences of cost a slice, in invented pixels: below zero,"
    " the first named is cheaper. Thresholds as above; means and 95 % intervals over"
    f" n = {n_draws} draws; simulated lesions.",
)

# %% [markdown]
# What errors cost should decide: that is this chapter's answer to its question. After the longest
# training the least mean cost depends on $R$; after the two shorter ones it is cross-entropy's at
# every $R$, surely below Dice's. So where a miss costs most, is the network with most recall the
# one to buy? At one half (below) and with chosen thresholds it is cheaper than Dice's. But with
# chosen thresholds so is cross-entropy's, whose recall at one half is no higher than Dice's. Of
# these two, cross-entropy's is surely the cheaper after the two shorter trainings (after the
# shortest by a hair); after the longest these draws cannot say. Recall at one half does not tell
# what a network can do at another threshold.

# %%
recalls = {name: measured("recall", network).mean() for name, network in NAMES.items()}
at = R.index(dear)
run.result("cost_at_half_recall", ahead(f"cost{at}_half", unit="pixels"), atol=0.5)
chosen_cost = {
    (name, times): ahead(f"cost{at}_tuned", name, "dice", times=times, unit="pixels")
    for name in ("ce", "tversky") for times in LENGTHS}
for name in ("ce", "tversky"):
    run.result(f"cost_chosen_{name}", chosen_cost[name, LONGEST], atol=0.5)
run.result("cost_between", ahead(f"cost{at}_tuned", "ce", "tversky", unit="pixels"), atol=0.5)
run.result("recall_ce_dice", ahead("recall", "ce", "dice"), atol=0.01)
run.say(
    "Recall of pixels at one half: {tversky:.2f} for Tversky's network, {dice:.2f} for Dice's,"
    " {ce:.2f} for cross-entropy's (less Dice's: {recall_ce_dice:+.3ci}). At R = {dear}, Tversky's"
    " costs {cost_at_half_recall:+.0ci} a slice beside Dice's at one half. With chosen thresholds,"
    " Tversky's costs {cost_chosen_tversky:+.0ci} a slice beside Dice's,"
    " cross-entropy's {cost_chosen_ce:+.0ci}; between these two lie {cost_between:+.0ci}.",
    dear=dear,
    tversky=recalls["Tversky"], dice=recalls["Dice"], ce=recalls["cross-entropy"],
)

# %%
by_length = [f"{chosen_cost['ce', times]:+.0ci} at {first * times}" for times in LENGTHS]
least_dear = [f"{ahead(f'cost{place}_tuned', 'tversky', unit='pixels'):+.1ci} at R = {ratio}"
              for place, ratio in enumerate(R)]
run.say(
    "Tversky's network beside Dice's: {least_dear}. And cross-entropy's beside Dice's at"
    " R = {dear}, by steps of training: {by_length}. It shrinks while Dice's network still learns.",
    least_dear=", ".join(least_dear), by_length=", ".join(by_length), dear=dear,
)

# %%
cheaper = min(-one.high for one in chosen_cost.values())
run.claim(
    "where a missed pixel costs fifty invented ones, the network taught by Dice costs more than"
    " those taught by cross-entropy and by Tversky's loss, with thresholds chosen for it, at each"
    " of three lengths of training",
    cheaper > 0, margin=cheaper, unit="pixels", falsified_by="falsify_cheap_misses",
)

# %% [markdown]
# Weighing misses more cannot be the whole reason: cross-entropy does not. But cross-entropy rewards
# a network for telling a pixel that is lesion once in a hundred times from one that is once in ten
# thousand; an overlap hardly does. Whether that is it, the trial does not tell.
#
# ## What breaks it
#
# **Pixels are not lesions.** A cost of pixels lets one large lesion outweigh ten small ones, and
# the neurologist counts lesions. So count regions. But when has a region *found* a lesion, and at
# how many false alarms? Under "any overlap counts", marking everything finds all.

# %% tags=["key"]
def lesions_of(marked):
    pairs = list(zip(marked, y, strict=True))
    n_touched, n = np.sum([touched(mask, lesions) for mask, lesions in pairs], axis=0)
    matches = [match_lesions(mask, lesions, least_iou=LEAST_IOU) for mask, lesions in pairs]
    found = sum(match.found for match in matches)
    return n_touched / n, found / n, np.mean([match.invented for match in matches])

# %%
rows = []
for who, mask in {"everything": blind["everything"],
                  "cross-entropy, from one in a thousand": p["cross-entropy", "test"] >= 0.001,
                  "cross-entropy, from one half": at_half["cross-entropy"]}.items():
    touches, finds, raised = lesions_of(mask)
    rows.append({"marked": who, "lesions touched": f"{touches:.0%}",
                 "found, matched one to one": f"{finds:.0%}",
                 "false alarms a slice": f"{raised:.1f}"})
run.table(rows, name="lesions", caption="Two rules for what has been found, on this page's slices:"
          f" any overlap, or one region to one lesion with an IoU of {LEAST_IOU:g} or more."
          f" {KIND.capitalize()} lesions, n = {len(y)} slices.")

# %%
def found_from(least_iou, marked):
    """The share of lesions that is found if so much overlap is asked for."""
    matches = [match_lesions(*pair, least_iou=least_iou) for pair in zip(marked, y, strict=True)]
    return sum(m.found for m in matches) / max(sum(m.found + m.missed for m in matches), 1)


run.table(
    [{"least IoU": f"{least:g}"} | {name: f"{found_from(least, at_half[name]):.2f}"
                                    for name in ("Dice", "Tversky")}
     for least in (0.1, 0.3, 0.5)], name="how_much_overlap",
    caption="Share of lesions found at one half by two networks of this page, by how much overlap"
    f" a find takes. {KIND.capitalize()} lesions, n = {len(y)} slices; one training each.")

# %% [markdown]
# In this one training, nothing of the lead of the network that marks wide is left once a find takes
# an IoU of a half. The trial recorded a tenth only, so its flip of rankings is one under that rule.
#
# **Means hide who is missed.** Here is how many lesions a network touches, by their size. (Size is
# not all: faint ones are missed, too.)

# %%
from scipy.ndimage import label

sizes_of, hits = [], []
for mask, lesions in zip(at_half["cross-entropy"], y, strict=True):
    numbered, count = label(lesions, structure=np.ones((3, 3)))
    for number in range(1, count + 1):
        region = numbered == number
        sizes_of.append(region.sum())
        hits.append(mask[region].any())
sizes_of, hits = np.array(sizes_of), np.array(hits)

# %%
bands = {"1 to 4": (1, 4), "5 to 8": (5, 8), "9 to 16": (9, 16), "over 16": (17, np.inf)}
rows = []
for band, (low, high) in bands.items():
    part = (sizes_of >= low) & (sizes_of <= high)
    rows.append({"pixels of the lesion": band, "lesions": int(part.sum()),
                 "touched": f"{hits[part].mean():.0%}" if part.any() else "–"})
run.table(
    rows, name="by_size",
    caption="The network taught by cross-entropy, at one half, on this page's slices: lesions that"
    f" a mark touches, by size. {KIND.capitalize()} lesions, n = {len(hits)}.",
)

# %% [markdown]
# **A probability belongs to a clinic.** Suppose that another clinic sees mostly healthy people.
# Here are the same test slices, weighed so that few of them have a lesion. The probabilities were
# mended on slices in which most have one, and are too large there; so the threshold $1/(1+R)$ marks
# far too much. If you know how rare lesions are in the new place, and lesion pixels look alike in
# both, and healthy ones too, Bayes' rule mends the odds: with shares $s$ here and $s'$ there,
# multiply $p/(1-p)$ by $\frac{s'/(1-s')}{s/(1-s)}$. {doc}`/translation/three_shifts` has more of
# this. (Weighing whole slices changes the mix of healthy pixels: here it is not exact.)

# %% tags=["key"]
HEALTHIER = 0.05  # share of slices with a lesion in the other clinic
weight = np.where(sick, HEALTHIER / sick.mean(), (1 - HEALTHIER) / max((~sick).mean(), 1e-9))
rare = np.average(y.mean(axis=(1, 2)), weights=weight)
odds = rare / (1 - rare) * (1 - truth["validation"].mean()) / truth["validation"].mean()
moved = {name: odds * q / (odds * q + 1 - q) for name, q in means.items()}


def cost_there(marked, ratio):
    return np.average(expected_cost(marked, y, cost_ratio=ratio), weights=weight)

# %%
rows = []
for ratio in trial.fixed["cost_ratios"]:
    cut = bayes_threshold(ratio)
    for name in networks:
        least = min(cost_there(marks[name] >= t, ratio) for marks in (means, moved)
                    for t in (*AXIS, cut))
        rows.append({
            "a miss costs": f"{ratio:g}", "taught by": name,
            "at 1/(1 + R), mended here": f"{cost_there(means[name] >= cut, ratio):.1f}",
            "odds moved": f"{cost_there(moved[name] >= cut, ratio):.1f}",
            "least of those tried": f"{least:.1f}",
            "a mask of nothing": f"{cost_there(blind['nothing'], ratio):.1f}"})

# %%
run.table(
    rows, name="healthier", caption="Cost a slice, in invented pixels, where"
    f" {HEALTHIER:.0%} of the slices have a lesion (here {sick.mean():.0%}): the {len(y)} test"
    " slices, weighed anew. The least is over thresholds and odds on these very slices; few healthy"
    " ones carry nearly all the weight."
    f" {KIND.capitalize()} lesions; one training each.")

# %% [markdown]
# At the old threshold all or most rows cost more than a mask of nothing: a good network, used by
# the rule of another clinic, is worse than none.
#
# **The truth has an edge of its own.** Two neurologists differ by a pixel, and for a lesion of two
# pixels' radius that alone is a Dice far from one. Here the simulation knows the edge; with real
# scans, have some of them read twice, and print the readers' Dice with each other beside the
# network's.
#
# **All is one template.** Slices are warps of one averaged brain, lesions are blobs with a mean
# radius of three pixels at most, and the scanner is one formula. The trial compares losses under
# these, with one small network; its rates and weights were chosen by each loss's own value, not by
# cost. With the others' first probabilities, in two runs beside the trial of its shortest length,
# cross-entropy lost much of its lead at fifty. Slices are flat, so a lesion that two of them cut
# counts twice. And nothing here compares two dates, as the neurologist of the question does who
# looks for *new* lesions.
#
# ## The control
#
# Two networks that differ by nothing but chance must not be told apart. The pairs of the trial will
# not do: there the first was the luckiest of three. So a third trial taught two networks under the
# Dice loss at one rate, the middle of the three and fixed beforehand, on the same slices. The
# interval of each mean difference must hold zero. Three measures are looked at, so each interval is
# made wider for it. With so few draws, small differences would not be seen.

# %%
twin_trial = experiment.recorded(run, "_two_starts/sweep")
LOOKS = {"pooled Dice": "dice", "lesions found": "lesion_recall", "surface Dice": "surface_dice"}


def apart_by_chance(key):
    """A measure of the second network less that of the first, draw by draw."""
    if rival == "again":
        return twin_trial.array(f"{key}_other") - twin_trial.array(f"{key}_one")
    return measured(key, rival) - measured(key, "dice")


chance = {key: mean_interval(apart_by_chance(key), level=1 - 0.05 / len(LOOKS))
          for key in LOOKS.values()}

# %%
for key, estimate in chance.items():
    run.result(f"chance_{key}", estimate.value, n=len(twin_trial.seeds), atol=0.005)
seen_from = [f"{(chance[key].high - chance[key].low) / 2:.3f} in {what}"
             for what, key in LOOKS.items()]
run.say(
    "Over {n} draws of slices a difference would have had to reach {seen_from} to be told from"
    " chance, at one half and with three looks; in Dice one bad draw makes most of that. A true"
    " difference so large would be seen in about half of such trials. The"
    " {flip_chosen_dice:+.3f} that were left in Dice at chosen thresholds stand out from their own"
    " spread, not from this one. Costs have no such control: in the trial Dice's second network"
    " lies {cost_of_twin:+.0ci} pixels a slice from its first at R = {dear}.",
    seen_from=", ".join(seen_from), n=len(twin_trial.seeds), dear=dear,
    cost_of_twin=ahead(f"cost{at}_tuned", "again", "dice", unit=""),
)
run.figure(
    paired_dots(
        {name: twin_trial.array(f"dice_{which}")
         for name, which in {"one start": "one", "another": "other"}.items()},
        y=("pooled Dice at one half", ""), units="draws"),
    name="chance", data="simulated",
    alt="Dice of two networks, a line for each draw: some lines rise, some fall.",
    caption="Two networks under one loss at one rate, which differ by chance. Simulated lesions,"
    f" n = {len(twin_trial.seeds)} draws.",
)
within = min((e.high - e.low) / 2 - abs(e.value) for e in chance.values())
run.claim(
    "Dice, surface Dice and lesions found do not tell two networks apart that differ by start and"
    " batches alone",
    within > 0, margin=within, control=True, falsified_by="falsify_other_loss",
)

# %%
run.finish()

# %% [markdown]
# ## What to take along
#
# - Accuracy says how rare lesions are. Ask what a mask of nothing would score.
# - Dice and IoU are one measure. Both fall as lesions become rarer or smaller, with the same reader
#   and the same error of a pixel: compare them on the same scans only.
# - A mean has a rule for scans with nothing to find. Here it moved a distance by more than any two
#   networks differ; after the shortest training it turned the sign of a mean difference, though
#   none of these was sure. State it.
# - A threshold of one half is a default that nobody chose. Compare networks at thresholds chosen on
#   validation data, for the measure that is reported; in the mean, most of what looked like a
#   better network here, in lesions found more than in Dice, was a lower threshold.
# - Recall can be bought. Say at how many false alarms, and choose the threshold on other scans than
#   those that judge.
# - From what a miss costs follow the threshold, $1/(1+R)$, and the better network; but only for
#   probabilities that mean what they say, in this clinic. Mend them first, on validation data of
#   the same kind. What $R$ is, no network can say: ask those who treat the patients what they would
#   give to be spared one miss.
# - A loss is not the cost. At fifty invented pixels a miss, the network taught by Dice lost here,
#   in few draws of one template, at a threshold of its own, to cross-entropy, which weighs both
#   errors alike (less so with longer training), and to Tversky's loss, which does not. At ten it
#   lost after the two shorter trainings (after the shortest, to Tversky's by a hair), not after the
#   longest.
# - Count lesions where the doctor counts lesions, matched one to one.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("choosing-a-metric-iou")`
# gives a hint, and then another; `run.solution("choosing-a-metric-iou")` shows how it is done.
#
# ```{exercise}
# :label: choosing-a-metric-iou
# A lesion has 30 pixels. A mask has 40, of which 24 are lesion. Give the IoU.
# ```

# %% tags=["self-check"]
answer = None  # between 0 and 1
run.check("choosing-a-metric-iou", answer)

# %% [markdown]
# ```{exercise}
# :label: choosing-a-metric-narrow
# A lesion is a disc with a radius of 5 mm, on pixels of 1 mm. An outline is right but for being one
# pixel too narrow all around. Which Dice does the formula give?
# ```

# %% tags=["self-check"]
answer = None  # between 0 and 1
run.check("choosing-a-metric-narrow", answer)

# %% [markdown]
# ```{exercise}
# :label: choosing-a-metric-threshold
# A network gives each patient a calibrated probability of a new lesion. To send a healthy patient
# on to a second scan costs one unit, to miss a lesion costs thirty. From which probability on
# should a patient be sent?
# ```

# %% tags=["self-check"]
answer = None  # a probability, three digits
run.check("choosing-a-metric-threshold", answer)

# %% [markdown]
# ```{exercise}
# :label: choosing-a-metric-recall
# Write `recall_at_one(scores, is_lesion, n_lesions, n_scans)`: candidates have scores and are
# lesions or not (on validation scans); return the largest share of the `n_lesions` lesions that a
# threshold can find with
# at most one false alarm a scan (a candidate is kept if its score reaches the threshold; if no
# threshold will do, zero).
# ```

# %% tags=["self-check"]
recall_at_one = None  # a function
run.check("choosing-a-metric-recall", recall_at_one)

# %% [markdown]
# ```{exercise}
# :label: choosing-a-metric-means
# Two colleagues judge the *same* masks of the same 200 scans, half of them healthy. He reports a
# mean Dice of 0.8, with MONAI's defaults, <!-- number: posed --> she one of 0.4. What is the
# likeliest reason?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("choosing-a-metric-means", answer)

# %% [markdown]
# ```{exercise}
# :label: choosing-a-metric-more
# At a threshold of one half, network A finds more lesions than network B. Your department wants the
# network that finds more. What do you do next?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("choosing-a-metric-more", answer)

# %% [markdown]
# ## Further reading
#
# - L. Maier-Hein et al., which metric for which problem:
#   [doi:10.1038/s41592-023-02151-z](https://doi.org/10.1038/s41592-023-02151-z)
# - A. Reinke et al., how metrics mislead:
#   [doi:10.1038/s41592-023-02150-0](https://doi.org/10.1038/s41592-023-02150-0)
# - L. R. Dice, the measure:
#   [doi:10.2307/1932409](https://doi.org/10.2307/1932409)
# - F. Milletari, N. Navab, S.-A. Ahmadi, Dice as a loss:
#   [doi:10.1109/3DV.2016.79](https://doi.org/10.1109/3DV.2016.79)
# - S. S. M. Salehi, D. Erdogmus, A. Gholipour, Tversky's loss:
#   [doi:10.1007/978-3-319-67389-9_44](https://doi.org/10.1007/978-3-319-67389-9_44)
# - S. Nikolov et al., surface Dice:
#   [doi:10.2196/26151](https://doi.org/10.2196/26151)
# - D. P. Huttenlocher, G. A. Klanderman, W. J. Rucklidge, Hausdorff's distance between images:
#   [doi:10.1109/34.232073](https://doi.org/10.1109/34.232073)
# - O. Ronneberger, P. Fischer, T. Brox, the U-Net:
#   [doi:10.1007/978-3-319-24574-4_28](https://doi.org/10.1007/978-3-319-24574-4_28)
# - C. Elkan, decisions when errors have costs: The foundations of cost-sensitive learning, Proc.
#   IJCAI (2001), without a DOI
# - B. Zadrozny, C. Elkan, probabilities mended by isotonic regression:
#   [doi:10.1145/775047.775151](https://doi.org/10.1145/775047.775151)
# - H. J. Kuijf et al., the WMH challenge:
#   [doi:10.1109/TMI.2019.2905770](https://doi.org/10.1109/TMI.2019.2905770)
# - F. Isensee et al., nnU-Net:
#   [doi:10.1038/s41592-020-01008-z](https://doi.org/10.1038/s41592-020-01008-z)
