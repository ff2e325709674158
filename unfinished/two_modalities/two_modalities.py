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
# # When MRI and PET disagree
#
# **Question.** A young woman has seizures that no drug stops. If surgeons can find the small patch
# of cortex or white matter where they begin, they may take it out, and she may be free of them. Her
# MRI shows structure, sharply. Her PET shows how much sugar the tissue burns, blurred and noisy.
# The MRI is suspicious in one place and the PET in another. Whom should the surgeons believe, and
# can a network that has both learn it? And what will it say of a patient who never had a PET?
#
# **Objectives.** After this chapter you will be able to
#
# - derive how two noisy measurements of one thing should be weighed, and say when that is wrong;
# - read a map of attention weights for what it is, and not as trust;
# - join two images early, in the middle or late, and say what a sum of two answers cannot see;
# - ask a network what it owes to each image, by putting a lesion into one of them;
# - train a network that survives a missing image, and know its price.
#
# **Prerequisites.** Python with NumPy, a little PyTorch; variances, derivatives. What a
# convolution is, and what the logit of a probability is.
#
# **Data.** The anatomy is real: the MNI152 template, the average of many brains, and its T1
# intensities. The tracer's uptake, blur, counts and noise are simulated, and so are all lesions, so
# that we know where they are and who can see them. Training patches come from the front of the
# head, test patches from the back. All patches are of *one* average brain: no interval here speaks
# of patients. For the real thing: tumours by MRI of several kinds, with outlines, in the public
# [BraTS collection](https://doi.org/10.1109/TMI.2014.2377694).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 400  # scans to learn from, 16 ≤ x ≤ 100000
n_validation: int = 120  # scans to choose by, 16 ≤ x ≤ 100000
n_test: int = 150  # scans to judge by, 16 ≤ x ≤ 100000
n_maps: int = 100  # maps on which weights are learned, 16 ≤ x ≤ 100000
weight_steps: int = 300  # training steps of each network of weights, 1 ≤ x ≤ 100000
n_steps: int = 150  # training steps of each network that finds lesions, 1 ≤ x ≤ 100000
dose_known: bool = True  # whether weights may depend on the dose
evidence_seen: bool = True  # whether attention sees what it weighs
psf_mm: float = 6.0  # blur of the PET whose weights are biased, 0 ≤ x ≤ 20
pet_unit: float = 3.0  # by which PET values are multiplied for one network, 0.1 ≤ x ≤ 10
pet_of: str = "own"  # whose PET fusions are given: "own" or "another"
control_pet: str = "another"  # whose PET the control is given: "another" or "own"
modality_dropout: float = 0.5  # share of training scans that lose a modality, 0 ≤ x ≤ 1
probed: str = "attention"  # the network into whose scans lesions are put: "attention" or "late"

# %%
import numpy as np
import torch

from data_fetch.tasks.mri_and_pet import PIXEL_MM, SEEN_BY, inner, mri_and_pet
from medlib import experiment
from medlib.diagnosis.fusion.fusion_training import (
    FusionRecipe,
    Scans,
    fit_fusion,
    fusion_logits,
)
from medlib.diagnosis.fusion.insertion import insertion_moves
from medlib.diagnosis.fusion.inverse_variance import (
    inverse_variance_weights,
    least_error_weights,
    weighted_error,
)
from medlib.diagnosis.fusion.missing import without
from medlib.diagnosis.fusion.scan_precision import (
    recall_of_scans,
    scan_precision,
    threshold_of_share,
)
from medlib.diagnosis.fusion.two_estimates import Truth
from medlib.diagnosis.fusion.weighing import Shown, fit_weighing
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.plots.line_band import Line, line_band
from medlib.measures.mean_interval import mean_interval

run = experiment.start("diagnosis/two_modalities", locals())

# %% [markdown]
# ## A picture first
#
# Six patches of brain. Above the MRI: white matter bright, grey matter darker, fluid black. Below
# the PET at a usual dose: grey matter takes up four times as much of the tracer as white matter.
# Each patch has one lesion in white matter. A third are dimmer in MRI only, a third take up more
# in PET only, a third do both. The dose is given in *counts*: how many a pixel of grey matter is
# expected to send. Half the injected dose, or half the minutes in the scanner, is half the counts.

# %% tags=["key"]
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
scenes = {split: mri_and_pet(n, split=split, rng=run.rng(split)) for split, n in SIZES.items()}
masks, seen_by = scenes["test"].masks, scenes["test"].seen_by
sample = run.uses(scenes["test"].scan(counts=50.0))

# %%
MRI_GREY = Window(0.0, 1.1, ("MRI", "of the maximum"))
PET_GREY = Window(0.0, 1.6, ("PET", "of grey matter"))
shown = [int(i) for who in range(3) for i in np.flatnonzero(seen_by == who)[:2]]


def rgb(image, window, mask):
    """A grey image in colour, with the edge of a mask."""
    grey = np.clip((image - window.low) / (window.high - window.low), 0, 1)
    picture = np.repeat(grey[..., None], 3, axis=2)
    inside = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1)
    picture[mask & ~(inside & np.roll(mask, -1, 1))] = (1.0, 0.6, 0.1)
    return picture


# %%
nothing = np.zeros_like(masks[0])
rows = [[rgb(sample.array[i, m], window, nothing) for i in shown]
        for m, window in enumerate((MRI_GREY, PET_GREY))]
rows.append([rgb(sample.array[i, 0], MRI_GREY, masks[i]) for i in shown])

# %%
run.figure(
    image_rows(
        rows, titles=[["MRI"] * len(shown), ["PET"] * len(shown),
                      [f"seen by {SEEN_BY[seen_by[i]]}" for i in shown]],
        window=None, pixel_mm=PIXEL_MM),
    name="patches", data="simulated",
    alt="Six patches of brain in three rows: MRI, a blurred and grainy PET, and the MRI with the"
    " lesion outlined in orange.",
    caption="Each lesion (outlined below) is seen by MRI, by PET or by both. Alone, most could pass"
    " for grey matter: dim in MRI, and with uptake in PET. Real anatomy, simulated PET, noise and"
    f" lesions; {len(shown)} of n = {n_test} test patches.",
)

# %% [markdown]
# ## Two measurements of one thing
#
# Begin with a question that has an answer on paper. Two devices measure the same number $\theta$.
# The first says $\hat\theta_m = \theta + e_m$, the second $\hat\theta_p = \theta + e_p$. Assume of
# the errors that
#
# 1. they are zero on average: both are *unbiased*;
# 2. they have nothing to do with each other: they are *independent*;
# 3. their variances $\sigma_m^2$ and $\sigma_p^2$ are known.
#
# Combine them as $w\,\hat\theta_p + (1-w)\,\hat\theta_m$. With weights that add up to one the sum
# is unbiased too, whatever $w$ is. Its variance is $w^2\sigma_p^2 + (1-w)^2\sigma_m^2$, for
# independent errors do not mix. Put the derivative to zero, $2w\sigma_p^2 = 2(1-w)\sigma_m^2$:
#
# $$ w = \frac{\sigma_p^{-2}}{\sigma_p^{-2} + \sigma_m^{-2}}, \qquad
#    \text{variance left: } \frac{1}{\sigma_p^{-2} + \sigma_m^{-2}} . $$
#
# Weigh by *precision*, one over the variance. Precisions add up; so the second device always helps,
# however bad it is, and the sum is better than either alone.
#
# If the first two assumptions fail, gather the mean products of the errors in a matrix,
# $M_{mk} = E[e_m e_k]$: variances *plus squared biases* on its diagonal. The mean squared error of
# a sum is $w^T M w$, and the same derivation gives $w = M^{-1}1 / (1^T M^{-1} 1)$.

# %% tags=["key"]
variances = np.array([0.0225, 0.0125])  # of MRI and of PET
w = (1 / variances) / (1 / variances).sum()  # by hand
biased = np.diag(variances) + np.outer([0, 0.1], [0, 0.1])  # a PET that is off by 0.1
w_biased = np.linalg.solve(biased, np.ones(2)) / np.linalg.solve(biased, np.ones(2)).sum()

# %%
apart = max(np.abs(w - inverse_variance_weights(variances)).max(),
            np.abs(w_biased - least_error_weights(biased)).max())
run.result("by_hand_difference", apart, atol=1e-9)
run.say(
    "PET gets {w:.2f} of the weight, and the variance left is {left:.4f}, below both. If PET is off"
    " by a tenth on top of its noise, its best weight is {b:.2f}; whoever keeps {w:.2f} pays"
    " {more:.0%} more error. The library says the same within {by_hand_difference:.0e}.",
    w=w[1], b=w_biased[1], left=weighted_error(w, np.diag(variances)),
    more=weighted_error(w, biased) / weighted_error(w_biased, biased) - 1,
)

# %% [markdown]
# ## Can a network learn it?
#
# Now a map of such numbers: how much of a lesion is in each pixel. Subtract what healthy tissue
# looks like from each image, and both are estimates of that map. MRI has the same noise everywhere.
# PET counts $k$ with mean $c\,(u + \theta)$, where $u$ is the healthy uptake, and a Poisson number
# has a variance as large as its mean: the estimate $k/c - u$ has the variance $(u+\theta)/c$. So
# PET's weight should *rise with the dose*, and at one dose it should be *lower in grey matter*,
# where more counts mean more noise. (That $u$ is known is a gift of the simulation.)
#
# A small network sees, in each pixel, the probabilities of grey and white matter and the dose. It
# gives a weight by softmax, which is all that "attention" is, and learns from squared errors. We do
# not tell it the formula.

# %% tags=["key"]
def truth_of(scene):
    grey, white = inner(scene.grey), inner(scene.white)
    theta = scene.look.uptake_gain * inner(scene.lesion)
    parts = [theta, inner(scene.uptake()), np.stack([grey, white], axis=1)]
    parts = [torch.from_numpy(np.ascontiguousarray(part)).float() for part in parts]
    return Truth(*parts, torch.from_numpy(scene.brain))


maps = mri_and_pet(n_maps, split="train", rng=run.rng("maps"))
learn_on, judge_on = truth_of(maps), truth_of(scenes["test"])
COUNTS = (5.0, 20.0, 100.0, 500.0, 2000.0)

# %%
sd_of = {"sharp": 0.0, "blurred": psf_mm / np.sqrt(8 * np.log(2)) / PIXEL_MM}
of_day = run.torch_generator("measurements")
seen = {
    (blur, c): judge_on.measure(torch.full((n_test,), c), generator=of_day, blur_sd=sd)
    for blur, sd in sd_of.items() for c in COUNTS
}


same_start = run.torch_generator("weights").get_state()


# %%
def learned(what, blur="sharp"):
    again = torch.Generator()
    again.set_state(same_start)
    return fit_weighing(
        learn_on, shown=what, counts=(COUNTS[0], COUNTS[-1]), steps=weight_steps,
        generator=again, blur_sd=sd_of[blur], peak_rate=0.1, batch_size=16)


plain = learned(Shown(dose=dose_known))


# %% tags=["key"]
@torch.no_grad()
def weights_at(network, c, blur="sharp"):
    estimate, weight = network(judge_on, seen[blur, c])
    return estimate.numpy(), weight.numpy()


def optimum_at(c, blur="sharp"):
    noise = np.stack([np.full(masks.shape, judge_on.mri_sd**2), seen[blur, c].variance.numpy()])
    return inverse_variance_weights(noise)[1]

# %%
inside, theta = judge_on.inside.numpy(), judge_on.theta.numpy()
TISSUES = {"grey": inner(scenes["test"].grey) > 0.8, "white": inner(scenes["test"].white) > 0.8}


def by_formula(c, blur="sharp"):
    best, one = optimum_at(c, blur), seen[blur, c]
    return best * one.pet.numpy() + (1 - best) * one.mri.numpy()


def error_of_maps(estimate):
    """Mean squared error of each map, inside the brain."""
    return (((estimate - theta) ** 2) * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))


# %%
off = {}
for tissue, where in {"all": inside, **TISSUES}.items():
    pairs = [(weights_at(plain, c)[1][where].mean(), optimum_at(c)[where].mean()) for c in COUNTS]
    off[tissue] = np.array(pairs)
excess = max(error_of_maps(weights_at(plain, c)[0]).mean() / error_of_maps(by_formula(c)).mean()
             for c in COUNTS) - 1

# %%
run.figure(
    line_band(
        {f"{tissue} matter, {who}": Line(COUNTS, off[tissue][:, place])
         for tissue in TISSUES for place, who in enumerate(("learned", "formula"))},
        x=("dose", "counts a pixel"), y=("weight of PET", ""), log_x=True, x_ticks=COUNTS),
    name="weights", data="simulated",
    alt="Two pairs of curves rise with the dose from near zero to near one; in each pair the"
    " learned weight lies on the formula; the pair for white matter lies above that for grey.",
    caption="Weights that were learned from errors lie on those of the formula, dose by dose and"
    f" tissue by tissue. One training, means over n = {n_test} test maps; real anatomy, simulated"
    " measurements.",
)

# %%
worst = {tissue: float(np.abs(pairs[:, 0] - pairs[:, 1]).max()) for tissue, pairs in off.items()}
run.result("weight_off", worst["all"], n=n_test, atol=0.02)
run.result("weight_off_grey", worst["grey"], n=n_test, atol=0.03)
run.result("weight_off_white", worst["white"], n=n_test, atol=0.03)
run.result("weight_excess", excess, n=n_test, atol=0.02)
run.say(
    "The mean weight is at most {weight_off:.3f} from the formula's, {weight_off_grey:.3f} in grey"
    " and {weight_off_white:.3f} in white matter, and the error at most {weight_excess:.1%} above"
    " its error."
)
rises = float(np.diff(off["all"][:, 0]).min())
fits = min(0.05 - worst["all"], 0.08 - worst["grey"], 0.08 - worst["white"], rises)
run.claim(
    "weights learned from errors alone rise with the dose, and lie within .05 of the formula, in"
    " grey and in white matter within .08",
    fits > 0, margin=fits, falsified_by="falsify_part_by_part",
)

# %% [markdown]
# Move the dose. On the left what the scanner gives, on the right two maps of weights. PET gets less
# weight where grey matter is, most plainly so at the middle doses.

# %%
one = int(np.flatnonzero(seen_by == 2)[0])
SHARE = Window(0.0, 1.0, ("weight of PET", ""))
pictures = []
for c in COUNTS:
    scan = scenes["test"].scan(counts=c).array[one]
    weight = np.where(inside[one], weights_at(plain, c)[1][one], np.nan)
    best = np.where(inside[one], optimum_at(c)[one], np.nan)
    pictures.append(image_rows(
        [[*scan, np.nan_to_num(weight), np.nan_to_num(best)]],
        titles=["MRI", "PET", "learned weight", "formula"],
        window=[MRI_GREY, PET_GREY, SHARE, SHARE], pixel_mm=PIXEL_MM))

# %%
run.frames(
    pictures, name="dose_slider", label="dose (counts a pixel)", values=[f"{c:g}" for c in COUNTS],
    start=1, data="simulated",
    alt="MRI and PET of one patch; beside them two maps of PET's weight, learned and by formula,"
    " dark at a low dose and bright at a high one, darker along grey matter.",
    caption="With more dose PET gets more weight, and grey matter, where counts are many and noisy,"
    f" less than white. Simulated PET on real anatomy, n = 1 patch of {n_test}.",
)

# %% [markdown]
# ## What breaks it: three ways to misread a weight
#
# So attention can find the weights of the theory. It is tempting to read any map of attention so:
# *here the network trusts PET*. That fails in at least three ways, and each breaks something that
# the derivation rests on.
#
# **It sees what it weighs.** The formula fixes weights before anybody looks at the measurements.
# Attention in a network hardly ever does: it is computed *from* the features. Let our small network
# see both estimates in its pixel. Where one is far from zero and the other is not, it may *choose*.
# It knows from training that most pixels have no lesion, and so mostly chooses what is nearer to
# zero. The sum is no longer linear in the measurements; it may do better than any fixed weights.
#
# **Its input is biased.** With a scanner's blur, PET is off at each edge of a lesion, whatever the
# dose. A network that learns from errors counts the squared bias as if it were noise, as the matrix
# $M$ says it should.
#
# **Something else has a scale.** Give PET in other units, and let the network learn a factor for
# each image, as any layer before an attention does. Only the product of weight, factor and value
# enters the sum. A third of the weight with three times the value is the same.
#
# Here are networks for all three, each from the same stream of first weights, batches and noise as
# the one above.

# %% tags=["key"]
others = {
    "evidence": learned(Shown(dose=dose_known, evidence=evidence_seen)),
    "blurred": learned(Shown(dose=dose_known), blur="blurred"),
    "usual unit": learned(Shown(dose=dose_known, gains=True)),
    "other unit": learned(Shown(dose=dose_known, gains=True, pet_gain=pet_unit)),
}
UNITS = ("usual unit", "other unit")
at_100 = {name: weights_at(others[name], 100.0) for name in ("evidence", *UNITS)}

# %%
formula_error = error_of_maps(by_formula(100.0))
less = mean_interval(1 - error_of_maps(at_100["evidence"][0]) / formula_error)
follows = float(np.corrcoef(at_100["evidence"][1][inside], optimum_at(100.0)[inside])[0, 1])
run.result("evidence_less_error", less, atol=0.05)
run.result("evidence_follows", follows, n=n_test, atol=0.1)


def moments(c, blur):
    """Mean products of the errors of both estimates."""
    errors = np.stack([(each.numpy() - theta)[inside].astype(float)
                       for each in (seen[blur, c].mri, seen[blur, c].pet)])
    return errors @ errors.T / errors.shape[1]


# %%
told = []
for c in COUNTS:
    told.append({
        "dose": f"{c:g}",
        "formula": f"{optimum_at(c)[inside].mean():.3f}",
        "learned, sharp": f"{weights_at(plain, c)[1][inside].mean():.3f}",
        "with bias, by M": f"{least_error_weights(moments(c, 'blurred'))[1]:.3f}",
        "learned, blurred": f"{weights_at(others['blurred'], c, 'blurred')[1][inside].mean():.3f}",
        "error with evidence": "{:.2f}".format(
            error_of_maps(weights_at(others["evidence"], c)[0]).mean()
            / error_of_maps(by_formula(c)).mean()),
    })

# %%
run.table(told, name="misread", caption="Mean weight of PET, by formula and learned, sharp and"
          f" blurred by {psf_mm:g} mm; by M: one weight for the whole map. Last: error of attention"
          f" that sees the estimates, as a share of the formula's. Simulated, n = {n_test} maps.")

# %%
HIGH = COUNTS[-2:]
pulled = float(np.mean([weights_at(plain, c)[1][inside].mean()
                        - weights_at(others["blurred"], c, "blurred")[1][inside].mean()
                        for c in HIGH]))
run.result("blur_pulls", pulled, n=n_test, atol=0.015)

# %%
unit_weights = {name: float(at_100[name][1][inside].mean()) for name in UNITS}
unit_errors = {name: error_of_maps(at_100[name][0]) for name in unit_weights}
unit_moves = unit_weights["usual unit"] - unit_weights["other unit"]
unit_costs = mean_interval(unit_errors["other unit"] / unit_errors["usual unit"] - 1)
run.result("unit_moves_weight", unit_moves, n=n_test, atol=0.1)
run.result("unit_changes_error", unit_costs, atol=0.08)

# %%
run.say(
    "Attention that sees the estimates has {evidence_less_error:.0%ci} less error than the formula"
    " at 100 counts, and its weights follow the formula's with a correlation of"
    " {evidence_follows:.2f}. Blur takes {blur_pulls:.3f} from PET's weight at the two highest"
    " doses. In another unit PET's weight is {unit_moves_weight:.2f} lower, while the error changes"
    " by {unit_changes_error:+.0%ci}."
)

# %% [markdown]
# The formula is right, and none of this contradicts it. It is the best among weights that are fixed
# in advance, for unbiased estimates, with nothing else to learn. A weight in a network is a number
# on the way to an answer. (Where factors are free, errors fall well below the formula's in either
# unit: factors below one shrink everything towards zero, which most pixels are. That is a bias, and
# it pays.)

# %%
run.claim(
    "attention that sees both estimates has at least a quarter less error than the best fixed"
    " weights",
    less.low > 0.25, margin=less.low - 0.25, falsified_by="falsify_part_by_part",
)
run.claim(
    "blur takes weight from PET at high doses, at least .005",
    pulled > 0.005, margin=pulled - 0.005, falsified_by="falsify_part_by_part",
)
same_error = 0.15 - max(abs(unit_costs.low), abs(unit_costs.high))
run.claim(
    "PET in another unit loses at least .08 of its weight at 100 counts, while the error stays"
    " within 15 of a hundred",
    min(unit_moves - 0.08, same_error) > 0, margin=min(unit_moves - 0.08, same_error),
    falsified_by="falsify_part_by_part",
)

# %% [markdown]
# ## Where to join them
#
# Back to the question. A network now has to *find* the lesions. It sees MRI, PET and the dose, and
# gives a logit in each pixel. There are four usual places to join two images:
#
# - **early**: both are channels of one input;
# - **middle**: each has layers of its own, then features are laid side by side, and layers follow;
# - **attention**: the same, with the features weighed in each pixel by a softmax, and added;
# - **late**: each has a whole network, and two logits are added.
#
# If both images were independent *given* whether there is a lesion, the late sum would be all one
# needs. By Bayes, evidence adds up in logits:
#
# $$ \log\frac{P(1 \mid m, p)}{P(0 \mid m, p)}
#    = \log\frac{p(m \mid 1)}{p(m \mid 0)} + \log\frac{p(p \mid 1)}{p(p \mid 0)}
#    + \log\frac{P(1)}{P(0)} . $$
#
# But they are not. Both also depend on the *tissue*. A pixel that is dim in MRI is grey matter, or
# a lesion. Grey matter has a high uptake; a lesion that MRI alone sees has not. So if PET is *low*
# where MRI is dim, something is wrong. Neither image says so alone, and no sum of two answers does.

# %% tags=["key"]
def scans(split, *, counts=None, lesion_in="own", whose=pet_of):
    of = scenes[split]
    sample = run.uses(of.scan(counts=counts, lesion_in=lesion_in))
    dose = of.counts if counts is None else np.full(len(of), counts)
    own = Scans.of(sample.array, dose, of.masks)
    return own if whose == "own" else own.with_pet_of(np.roll(np.arange(len(of)), 1))


learn, check = scans("train"), scans("validation")
DOSES = (2.0, 20.0, 200.0)
test = {counts: scans("test", counts=counts) for counts in DOSES}

# %% [markdown]
# All networks have one training: cross-entropy of pixels, the same steps, rate and batches, and the
# weights of the best validation. The control is a fusion that is given the PET *of another patient*
# in training and test. It has all that the others have, but for what PET says of this patient.

# %% tags=["key"]
def fit(name, kind, learn=learn, check=check, dropout=0.0):
    return fit_fusion(
        kind, learn, check, recipe=FusionRecipe(steps=n_steps, dropout=dropout),
        generator=run.torch_generator(name), device=run.device).network


dealt = {split: scans(split, whose=control_pet) for split in ("train", "validation")}
networks = {kind: fit(kind, kind) for kind in ("MRI", "PET", "late", "attention")}
networks["with dropout"] = fit("with dropout", "attention", dropout=modality_dropout)
control = fit("control", "attention", dealt["train"], dealt["validation"])

# %% [markdown]
# A scan's **average precision** says how well the pixels of its lesion are ranked above its other
# pixels: one is perfect, and chance is the share of the lesion, a few in a hundred. Taken scan by
# scan, differences can be paired.

# %%
def precision(network, some):
    return scan_precision(fusion_logits(network, some.images).numpy(), masks)


ap = {(name, c): precision(network, test[c]) for name, network in networks.items() for c in DOSES}
ap["control"] = precision(control, scans("test", counts=20.0, whose=control_pet))
better = max(("MRI", "PET"), key=lambda kind: ap[kind, 20.0].mean())

# %%
lead = {
    "attention − better alone": mean_interval(ap["attention", 20.0] - ap[better, 20.0]),
    "attention − late": mean_interval(ap["attention", 20.0] - ap["late", 20.0]),
    "late − better alone": mean_interval(ap["late", 20.0] - ap[better, 20.0]),
    "control − MRI": mean_interval(ap["control"] - ap["MRI", 20.0]),
}
for key, name in zip(("alone", "late", "late_alone", "control"), lead, strict=True):
    run.result(f"lead_{key}", lead[name], atol=0.05)

# %%
NAMED = {"MRI": "MRI alone", "PET": "PET alone", "late": "late", "attention": "attention"}
run.figure(
    line_band(
        {word: Line.of(DOSES, [mean_interval(ap[name, c]) for c in DOSES])
         for name, word in NAMED.items()},
        x=("dose", "counts a pixel"), y=("average precision", ""), log_x=True, x_ticks=DOSES),
    name="fusions", data="simulated",
    alt="Average precision over the dose: attention lies far above the other three at every dose;"
    " late, PET alone and MRI alone lie close together below.",
    caption="Joined before the end, MRI and PET find what neither finds alone; the sum of two"
    f" logits gains little. Bands: 95 % over n = {n_test} test scans of one template, one training"
    " each; real anatomy, simulated PET and lesions.",
)
run.say(
    "At 20 counts attention leads the better image alone ({better}) by {lead_alone:+.2ci} of"
    " average precision and the sum of two logits by {lead_late:+.2ci}. That sum leads the better"
    " image by {lead_late_alone:+.2ci}. With another patient's PET a fusion is {lead_control:+.2ci}"
    " beside MRI alone.", better=better,
)

# %% [markdown]
# ### Who finds which
#
# A mean hides who is found. Choose for each network, on validation scans, the threshold that marks
# one healthy pixel in a hundred, and ask how much of each *kind* of lesion lies above it.

# %%
chosen_at = scans("validation", counts=20.0)
recall = {}
for name in NAMED:
    threshold = threshold_of_share(
        fusion_logits(networks[name], chosen_at.images).numpy(), scenes["validation"].masks,
        share=0.01)
    recall[name] = recall_of_scans(
        fusion_logits(networks[name], test[20.0].images).numpy(), masks, threshold=threshold)

# %%
run.figure(
    interval_points(*[
        Column({word: mean_interval(recall[name][seen_by == place], within=(0, 1))
                for name, word in NAMED.items()}, x=("pixels found", ""), title=f"seen by {who}")
        for place, who in enumerate(SEEN_BY)], highlight=["attention"]),
    name="who_finds", data="simulated",
    alt="Three columns, for lesions that MRI sees, that PET sees, and that both see: the share of"
    " pixels found by each of four networks.",
    caption="Networks with like averages find different lesions. Thresholds leave one false mark"
    " in a hundred healthy pixels of validation scans. 20 counts, one training each;"
    f" intervals over scans, n = {n_test} in all; simulated PET and lesions.",
)

# %% [markdown]
# Compare the last column with the others. A lesion that *both* images see need not be the easiest.
# Dim in MRI and high in PET is just how healthy grey matter looks: here the two agree, and agree on
# the wrong thing. Our lesions were made to pass for grey matter, and this is a finding about such
# lesions. Lesions that are plain in each image need no disagreement; the recorded trial below has
# an arm for them.
#
# ## What does it owe to each?
#
# The weights of an attention layer are no answer, as we saw. Here is a better question: take a scan
# *without* a lesion, put the lesion into the MRI alone, and see how far the logit moves; then into
# PET alone; then into both. Noise and anatomy stay as they are, down to the last count. For a sum
# of two logits the move for both *must* be the sum of the two moves.

# %% tags=["key"]
PLACES = ("neither", "MRI", "PET", "both")


def moved(network, counts):
    put_in = [scans("test", counts=counts, lesion_in=place) for place in PLACES]
    logits = [fusion_logits(network, some.images).numpy() for some in put_in]
    return insertion_moves(*logits, masks=masks)


moves = {(name, c): moved(networks[name], c) for name in ("late", "attention")
         for c in (DOSES[0], DOSES[-1])}

# %%
with torch.no_grad():
    weight = {(name, c): float(networks[name].with_weights(test[c].images.to(run.device))[1].mean())
              for name in ("attention", "with dropout") for c in DOSES}
run.table(
    [{"network": name, "dose": f"{c:g}", "in MRI": f"{found.mri.mean():+.2f}",
      "in PET": f"{found.pet.mean():+.2f}", "in both": f"{found.both.mean():+.2f}",
      "mean attention to PET": f"{weight[name, c]:.2f}" if (name, c) in weight else "–"}
     for (name, c), found in moves.items()],
    name="moves", caption="How far the mean logit inside a lesion moves when it is put into one"
    f" image or both. Means over n = {n_test} test scans; simulated.")

# %%
of_probed = moves[probed, DOSES[-1]]
run.result("moved_in_mri", mean_interval(of_probed.mri), atol=1.0)
run.result("moved_in_pet", mean_interval(of_probed.pet), atol=1.5)
beyond = mean_interval(of_probed.beyond_the_sum)
run.result("beyond_the_sum", beyond, atol=1.0)
attention_to = {"attention": weight["attention", 20.0], "dropped": weight["with dropout", 20.0]}
for key, value in attention_to.items():
    run.result(f"weight_{key}", value, n=n_test, atol=0.3)

# %%
run.say(
    "At the highest dose a lesion in MRI alone moves the probed network ({probed}) by"
    " {moved_in_mri:+.1ci}, one in PET alone by {moved_in_pet:+.1ci}; in both, it moves the logit"
    " by {beyond_the_sum:+.1ci} beyond the sum of these two. The mean attention to PET is"
    " {weight_attention:.2f}; the same network trained with missing images has"
    " {weight_dropped:.2f}."
)

# %% [markdown]
# Two things to see. The joined network moves strongly for a lesion in one image, and *less* when
# it is in both than the two moves add up to: disagreement was the signal. And hold the mean weight
# of attention against the moves. It is a number within the network, another one in another
# training, and does not say which image the answer owes what.
#
# ## A patient without PET
#
# Put the missing image to its mean, and see what is left. A network that has never met a missing
# image has learned to compare, and now compares with nothing. The remedy is **modality dropout**
# ([Neverova et al. 2016](https://doi.org/10.1109/TPAMI.2015.2461544)): in training half of the
# scans lose one image.

# %% tags=["key"]
def precision_without(name, gone):
    left = without(test[20.0].images, gone)
    return scan_precision(fusion_logits(networks[name], left).numpy(), masks)


left = {(name, gone): precision_without(name, gone)
        for name in ("attention", "with dropout") for gone in ("PET", "MRI")}

# %%
mended = {gone: mean_interval(left["with dropout", gone] - left["attention", gone])
          for gone in ("PET", "MRI")}
price = mean_interval(ap["attention", 20.0] - ap["with dropout", 20.0])
short_of = mean_interval(ap["MRI", 20.0] - left["with dropout", "PET"])
unprepared = mean_interval((ap["MRI", 20.0] - left["attention", "PET"]
                            + ap["PET", 20.0] - left["attention", "MRI"]) / 2)
mended_both = mean_interval(sum(
    left["with dropout", gone] - left["attention", gone] for gone in ("PET", "MRI")) / 2)

# %%
for gone, estimate in mended.items():
    run.result(f"dropout_mends_no_{gone.lower()}", estimate, atol=0.06)
run.result("dropout_costs", price, atol=0.08)
run.result("specialist_leads", short_of, atol=0.06)
run.result("unprepared_loses", unprepared, atol=0.06)
run.result("dropout_mends", mended_both, atol=0.05)
two = {"attention": "attention", "attention, dropout": "with dropout"}

# %%
run.figure(
    interval_points(*[
        Column({"specialist": mean_interval(specialist)} | {
            word: mean_interval(values[name]) for word, name in two.items()},
            x=("average precision", ""), title=title)
        for title, specialist, values in (
            ("both there", ap["attention", 20.0], {n: ap[n, 20.0] for n in two.values()}),
            ("no PET", ap["MRI", 20.0], {n: left[n, "PET"] for n in two.values()}),
            ("no MRI", ap["PET", 20.0], {n: left[n, "MRI"] for n in two.values()}))]),
    name="missing", data="simulated",
    alt="Three columns: both images, no PET, no MRI. In each, average precision of the specialist,"
    " of attention, and of attention trained with dropout of images.",
    caption="What is left when an image is missing. Dropout in training helps where the fusion"
    " leant on the missing image, and costs with both there. The specialist of the first column is"
    f" the fusion itself. n = {n_test} scans, 20 counts,"
    " one training each; simulated PET and lesions.",
)
run.say(
    "Dropout brings {dropout_mends_no_pet:+.2ci} where PET is missing and"
    " {dropout_mends_no_mri:+.2ci} where MRI is: {dropout_mends:+.2ci} on average. Its price with"
    " both there is {dropout_costs:+.2ci}, at this length of training. With one image missing, the"
    " networks that were made for the other lead the fusion without dropout by"
    " {unprepared_loses:+.2ci} on average; without PET, the MRI network leads the one with dropout"
    " by {specialist_leads:+.2ci}. Which image a fusion leans on, and so which it misses, differs"
    " from training to training."
)

# %% [markdown]
# ## Each to its end
#
# The networks above were trained briefly, once, at one rate. That ranks nothing for sure. In a
# *recorded trial* each arm is trained at
# three rates, for one, two and four times as many steps, and takes the rate that validates best at
# each length. The seed draws scans, first weights and batches; it is the unit of the intervals.

# %%
trial = experiment.recorded(run, "_four_fusions/sweep", optional=True)
MULTIPLES = (1, 2, 4)
LEADS = {  # a result of one arm, less a result of another
    "early beside MRI alone": (("ap_20", "early"), ("ap_20", "MRI")),
    "early beside PET alone": (("ap_20", "early"), ("ap_20", "PET")),
    "early beside late": (("ap_20", "early"), ("ap_20", "late")),
    "late beside PET alone": (("ap_20", "late"), ("ap_20", "PET")),
    "middle beside early": (("ap_20", "middle"), ("ap_20", "early")),
    "attention beside middle": (("ap_20", "attention"), ("ap_20", "middle")),
    "plain lesions: early beside late": (("ap_20", "early-evident"), ("ap_20", "late-evident")),
    "early with another's PET, beside MRI": (("ap_20", "early-others"), ("ap_20", "MRI")),
}

# %%
LEADS |= {
    "no PET: early with dropout beside without": (
        ("ap_without_pet", "early-dropped"), ("ap_without_pet", "early")),
    "no PET: early with dropout beside MRI alone": (
        ("ap_without_pet", "early-dropped"), ("ap_20", "MRI")),
    "no MRI: early with dropout beside PET alone": (
        ("ap_without_mri", "early-dropped"), ("ap_20", "PET")),
    "both there: early with dropout beside without": (
        ("ap_20", "early-dropped"), ("ap_20", "early")),
    "attention to PET, 200 counts beside 2": (
        ("weight_200", "attention"), ("weight_2", "attention")),
}


# %%
def over_seeds(pair, times):
    first, second = (trial.array(f"{what}_{times}", arm=arm) for what, arm in pair)
    return mean_interval(first - second)


# %%
if trial is not None:
    first_steps = trial.fixed["n_steps"]
    run.table(
        [{"what": what} | {f"{first_steps * m} steps": f"{over_seeds(pair, m):+.3ci}"
                           for m in MULTIPLES} for what, pair in LEADS.items()],
        name="ends", caption="Recorded, simulated: differences of the mean average precision at 20"
        f" counts (last line: of mean weights), n = {len(trial.seeds)} seeds, 95 % t intervals.")
    run.say(str(trial.made))

# %% [markdown]
# ## What we claim of fusion

# %%
joined = min(lead["attention − better alone"].low, lead["attention − late"].low)
run.claim(
    "joined by attention before the end, MRI and PET find these lesions better than the better of"
    " them alone, and better than a sum of two logits",
    joined > 0, margin=joined, unit="average precision", falsified_by="falsify_part_by_part",
)
run.claim(
    "a lesion put into both images moves the joined network by at least half a logit less than the"
    " two moves for one image add up to",
    beyond.high < -0.5, margin=-0.5 - beyond.high, unit="logit",
    falsified_by="falsify_part_by_part",
)
run.claim(
    "averaged over a missing PET and a missing MRI, modality dropout helps the joined network",
    mended_both.low > 0, margin=mended_both.low, unit="average precision",
    falsified_by="falsify_part_by_part",
)
run.claim(
    "a fusion that is given another patient's PET shows no lead over MRI alone",
    lead["control − MRI"].low <= 0, margin=-lead["control − MRI"].low, unit="average precision",
    control=True, falsified_by="falsify_part_by_part",
)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Two independent, unbiased measurements are weighed by their precision. Say the two adjectives
#   aloud before you use it.
# - Attention can learn those weights. It may also select, absorb a bias or undo a unit, so a map of
#   weights is no map of trust.
# - A sum of two answers is enough where the images are independent given the disease. Where both
#   depend on the tissue, what tells is whether they fit together.
# - To know what a network owes to an image, change that image and nothing else.
# - A fusion that never met a missing image can be worse than a network that never had that image.
#   Dropout mends much of that, at a price. A specialist for each case may still be better.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("two-dose")` gives a hint, and then another;
# `run.solution("two-dose")` shows how it is done.
#
# ```{exercise}
# :label: two-dose
# In white matter, with an uptake of a quarter, a PET of 25 counts is combined with an MRI whose
# noise has a standard deviation of one tenth. Both are unbiased and independent. What is PET's
# weight?
# ```

# %% tags=["self-check"]
weight_of_pet = None  # a number from 0 to 1
run.check("two-dose", weight_of_pet)

# %% [markdown]
# ```{exercise}
# :label: two-weigh
# Write `combine(estimates, variances)`: two lists of the same length, of any number of independent
# unbiased estimates; return the combined estimate and its variance.
# ```

# %% tags=["self-check"]
def combine(estimates, variances):
    ...  # a pair of numbers


run.check("two-weigh", combine)

# %% [markdown]
# ```{exercise}
# :label: two-biased
# Two estimates have variances of $1$ each and independent noise, but the second is off by $2$.
# With which weight of the second is the mean squared error of the sum least?
# ```

# %% tags=["self-check"]
weight_of_second = None  # a number
run.check("two-biased", weight_of_second)

# %% [markdown]
# ```{exercise}
# :label: two-read
# A vendor shows a map of attention: over the tumour, PET has a weight of $0.9$. "So the network's
# decision rests on PET there." Which experiment would test that sentence?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("two-read", answer)

# %% [markdown]
# ## Further reading
#
# - A. C. Aitken, weights for least error:
#   [doi:10.1017/S0370164600014346](https://doi.org/10.1017/S0370164600014346)
# - M. O. Ernst, M. S. Banks, people who see and feel weigh by inverse variance:
#   [doi:10.1038/415429a](https://doi.org/10.1038/415429a)
# - T. Baltrušaitis, C. Ahuja, L.-P. Morency, learning from several modalities:
#   [doi:10.1109/TPAMI.2018.2798607](https://doi.org/10.1109/TPAMI.2018.2798607)
# - N. Neverova et al., dropout of modalities:
#   [doi:10.1109/TPAMI.2015.2461544](https://doi.org/10.1109/TPAMI.2015.2461544)
# - S. Jain, B. C. Wallace, attention is not explanation:
#   [doi:10.48550/arXiv.1902.10186](https://doi.org/10.48550/arXiv.1902.10186), and the answer of
#   S. Wiegreffe, Y. Pinter:
#   [doi:10.48550/arXiv.1908.04626](https://doi.org/10.48550/arXiv.1908.04626)
# - V. Fonov et al., the template:
#   [doi:10.1016/j.neuroimage.2010.07.033](https://doi.org/10.1016/j.neuroimage.2010.07.033)
