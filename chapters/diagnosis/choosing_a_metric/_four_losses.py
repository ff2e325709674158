# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Four losses, one network, every measure
#
# **Objectives.** One point of a recorded trial. On one draw of slices, real anatomy with simulated
# lesions, the same U-Net learns under four losses: cross-entropy, Dice, the sum of both, and a
# Tversky loss that weighs a missed pixel nine times an invented one. A second network under Dice,
# from another start, is the control: what separates it from the first is chance. All are trained
# three times, each time twice as long. At each length each loss chooses its rate on validation
# slices by its own value there, and each network keeps the weights that validate best. Every
# measure of the chapter is then taken on the test slices, at a threshold of one half, and at
# thresholds that validation slices chose.
# This notebook is no page of the book: `medbook sweep` runs it over seeds, and *Nearly every pixel
# is right: is that good?* shows the table. The unit of that trial is the seed, which draws slices,
# first weights and batches. All slices are warps of one template.
#
# **Prerequisites.** *Nearly every pixel is right: is that good?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 240  # slices to learn from, 16 ≤ x ≤ 10000
n_validation: int = 100  # slices to choose by, 16 ≤ x ≤ 10000
n_test: int = 200  # slices to judge by, 16 ≤ x ≤ 10000
first_steps: int = 300  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.004, 0.016, 0.064]  # highest rates to choose from, 0 < x ≤ 0.1
cost_ratios: list[float] = [2.0, 10.0, 50.0]  # what a missed pixel costs in invented ones, x > 0
least_iou: float = 0.1  # with how much overlap a region has found a lesion, 0 < x ≤ 1

# %%
import numpy as np
import torch
from sklearn.isotonic import IsotonicRegression

from data_fetch.tasks.white_matter_lesions import PIXEL_MM, white_matter_lesions
from medlib import experiment
from medlib.diagnosis.scoring.costs import bayes_threshold, best_threshold, expected_cost
from medlib.diagnosis.scoring.lesions import (
    candidates,
    match_lesions,
    recall_at,
    threshold_at,
    touched,
)
from medlib.diagnosis.scoring.overlap import confusion
from medlib.diagnosis.scoring.scorecard import HAUSDORFF_RULES, scorecard
from medlib.measures.calibration import fit_logit_line
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities

run = experiment.start("diagnosis/choosing_a_metric/_four_losses", locals())

# %% [markdown]
# ## Slices

# %%
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
parts = {
    name: white_matter_lesions(n, rng=run.rng(f"{name} slices")) for name, n in SIZES.items()
}
truth = {name: part.masks for name, part in parts.items()}
brain = run.uses(parts["train"].sample).array
middle, spread = float(brain.mean()), float(brain.std())


def tensors(name):
    """Standardised images and masks of a part, each with a channel."""
    images = (run.uses(parts[name].sample).array - middle) / spread
    return tuple(torch.from_numpy(each)[:, None].to(run.device) for each in (images, truth[name]))


x = {name: tensors(name) for name in parts}

# %% [markdown]
# ## Trainings
#
# A rate is chosen for each loss and each length, by that loss on validation slices.

# %%
LOSSES = {"ce": "cross-entropy", "dice": "Dice", "sum": "Dice and cross-entropy",
          "tversky": "Tversky"}
TIMES = (1, 2, 4)


def fit(loss, *, times, rate, start):
    return fit_segmenter(
        *x["train"], validation=x["validation"], loss=PIXEL_LOSSES[loss],
        steps=times * first_steps, peak_rate=rate,
        generator=run.torch_generator(f"{loss}, {times} times, rate {rate}, {start}"),
    )


# %%
fitted, rate_of = {}, {}
for times in TIMES:
    for name, loss in LOSSES.items():
        tried = {rate: fit(loss, times=times, rate=rate, start="first") for rate in rates}
        rate = rate_of[name, times] = min(tried, key=lambda rate: tried[rate].validation_loss)
        fitted[name, times] = tried[rate]
        for place, one in enumerate(tried.values()):
            run.result(f"validation_{name}_{times}_rate_{place}", one.validation_loss, atol=0.02)
    fitted["again", times] = fit(
        "Dice", times=times, rate=rate_of["dice", times], start="second"
    )

# %%
for (name, times), done in fitted.items():
    run.result(f"validation_{name}_{times}", done.validation_loss, atol=0.02)
    run.result(f"best_step_{name}_{times}", done.best_step, atol=200)
    if name != "again":
        run.result(f"rate_{name}_{times}", rate_of[name, times], atol=1e-9)
p = {  # what each network says of validation and test slices
    (key, part): pixel_probabilities(done.network, x[part][0]).numpy()
    for key, done in fitted.items() for part in ("validation", "test")
}

# %% [markdown]
# ## At a threshold of one half
#
# Overlaps are of all slices as one. The distances are under three rules for slices in which one of
# two masks is empty. Recall and false alarms of lesions are of regions, matched one to one.

# %%
TOLERANCE_MM = PIXEL_MM  # one pixel
y = truth["test"]
run.result("accuracy_nothing", confusion(np.zeros_like(y), y).pooled().accuracy()[0], n=n_test)
run.result("lesion_pixels", float(y.mean()), n=n_test)
at_half = {
    key: scorecard(p[key, "test"] >= 0.5, y, spacing_mm=(PIXEL_MM, PIXEL_MM), least_iou=least_iou)
    for key in fitted
}


def keep(what, key, value, *, unit="", atol=0.02):
    """Record a measure of one network; where it is not defined, the record has no number."""
    if np.isfinite(value):
        run.result(f"{what}_{key[0]}_{key[1]}", float(value), unit=unit, n=n_test, atol=atol)


# %%
for key, card in at_half.items():
    pooled, of_scans = card.pixels.pooled(), card.pixels.dice()
    for what in ("accuracy", "precision", "recall", "dice", "iou"):
        keep(what, key, getattr(pooled, what)()[0])
    keep("f3", key, pooled.f_beta(3.0)[0])
    keep("dice_of_scans", key, np.nanmean(of_scans))
    keep("dice_of_sick_scans", key, of_scans[y.any(axis=(1, 2))].mean())
    keep("surface_dice", key, np.nanmean(card.surface_dice(TOLERANCE_MM)))
    keep("lesion_recall", key, card.lesion_recall())
    keep("alarms", key, card.alarms_per_scan(), unit="1/scan", atol=0.3)

# %%
for times in TIMES:
    cards = {name: at_half[name, times] for name in (*LOSSES, "again")}
    common = np.all([card.both_there for card in cards.values()], axis=0)
    for name, card in cards.items():
        for rule in HAUSDORFF_RULES:
            values = card.hausdorff_mm(rule, common=common)
            if len(values):
                what = f"hd95 {rule}".replace(" ", "_")
                keep(what, (name, times), values.mean(), unit="mm", atol=3)

# %% [markdown]
# ## At thresholds that validation slices chose
#
# For pooled Dice, for recall and precision of lesions at the same time, and for each cost ratio.

# %%
SHARES = np.geomspace(2e-5, 0.3, 60)  # of the pixels of validation slices, marked by a threshold
thresholds = {
    key: np.unique([*np.quantile(p[key, "validation"], 1 - SHARES), 0.5]) for key in fitted
}


def cost(marked, ratio, part="test"):
    """Expected cost a slice, in invented pixels."""
    return expected_cost(marked, truth[part], cost_ratio=ratio).mean()


def dice_at(key, threshold, part):
    return confusion(p[key, part] >= threshold, truth[part]).pooled().dice(empty=0.0)[0]


# %%
for key in fitted:
    by_dice = max(thresholds[key], key=lambda t, key=key: dice_at(key, t, "validation"))
    keep("threshold_dice", key, by_dice, atol=0.5)
    keep("dice_tuned", key, dice_at(key, by_dice, "test"))


def mended(key):
    """Probabilities of test slices by Platt's line and by isotonic regression, and the slope."""
    known, asked = p[key, "validation"].ravel(), p[key, "test"].ravel()
    marks = truth["validation"].ravel().astype(int)
    line = fit_logit_line(known, marks)
    rising = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(known, marks)
    return line(asked).reshape(y.shape), rising.predict(asked).reshape(y.shape), line.slope


# %%
for key in fitted:
    known, asked = p[key, "validation"], p[key, "test"]
    platt, isotonic, slope = mended(key)
    for place, ratio in enumerate(cost_ratios):
        tuned = best_threshold(
            known, truth["validation"], cost_ratio=ratio, thresholds=thresholds[key]
        )
        keep(f"threshold_cost{place}", key, tuned, atol=0.5)
        ways = {"half": asked >= 0.5, "tuned": asked >= tuned}
        for name, said in {"named": asked, "platt": platt, "isotonic": isotonic}.items():
            ways[name] = said >= bayes_threshold(ratio)
        for way, marked in ways.items():
            value, unit = cost(marked, ratio), "pixels/scan"
            keep(f"cost{place}_{way}", key, value, unit=unit, atol=0.2 * ratio)
    run.result(f"slope_{key[0]}_{key[1]}", slope, atol=0.1)

# %% [markdown]
# ## Lesions at the same number of false alarms
#
# A candidate is a region where the probability reaches a floor; its score is its highest
# probability. The floor decides how large regions are, so each network chooses its own on
# validation slices: the one with most recall at one false alarm a slice, of equals the middle one.
# Validation slices also say from which score on candidates are kept; the false alarms that come of
# it on test slices are recorded. And what a threshold of one in a thousand finds, if any overlap
# counts, and if regions must match.

# %%
ALARMS, LOWEST = (0.5, 1.0, 2.0), 0.001
FLOORS = (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8)


def found_at(key, floor, part):
    return candidates(p[key, part], truth[part], floor=floor, least_iou=least_iou)


def best_floor(key):
    """The floor, its candidates on validation slices."""
    known = {floor: found_at(key, floor, "validation") for floor in FLOORS}
    recall = {floor: recall_at(found, [1.0])[0] for floor, found in known.items()}
    best = [floor for floor in FLOORS if recall[floor] == max(recall.values())]
    floor = best[len(best) // 2]
    return floor, known[floor]


# %%
for key in fitted:
    floor, known = best_floor(key)
    judged = found_at(key, floor, "test")
    keep("floor", key, floor, atol=1)
    for allowed in ALARMS:
        recall, alarms = judged.at(threshold_at(known, allowed))
        keep(f"froc_{round(100 * allowed)}", key, recall)
        keep(f"froc_alarms_{round(100 * allowed)}", key, alarms, unit="1/scan", atol=0.2)

# %%
for key in fitted:
    pairs = list(zip(p[key, "test"] >= LOWEST, y, strict=True))
    counts = np.sum([touched(m, t) for m, t in pairs], axis=0)
    matches = [match_lesions(m, t, least_iou=least_iou) for m, t in pairs]
    keep("lowest_touched", key, counts[0] / counts[1])
    keep("lowest_paired", key, sum(match.found for match in matches) / counts[1])
    keep("lowest_alarms", key, np.mean([m.invented for m in matches]), unit="1/scan", atol=5)

# %%
run.finish()
