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
# **Question.** A man of sixty has had his first seizure. In his brain's white matter, the wiring
# between the nerve cells of grey matter, there may be a tumour that grows fast, and surgeons must
# know where it ends: what they leave grows, and what they take in vain he needs. His MRI shows
# structure, sharply: a tumour is dim, as grey matter is. His PET, by a labelled sugar (the *tracer*
# FDG), shows how much the tissue burns, blurred and noisy: a tumour may burn as much as grey matter
# does. MRI is suspicious in one place and PET in another. Whom should the
# surgeons believe, and can a network that has both learn it? And what will it say of a patient who
# never had a PET?
#
# Hospitals make it easier for themselves: with MRI of other kinds, and with tracers of amino acids,
# which grey matter hardly takes ([Albert et al. 2016](https://doi.org/10.1093/neuonc/now058)). We
# keep the hard pair, because it teaches.
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
# **Data.** The anatomy is real: the MNI152 template, the average of many brains, and its
# intensities in T1, a usual kind of MRI in which white matter is bright. A pixel is 2 mm wide. The
# tracer's uptake, blur, counts and noise are simulated, and so are all lesions, so that we know
# where they are and who can see them. The lesions were made to pass for grey matter in both images;
# how much of what follows is owed to that, a trial below asks. Both images are perfectly aligned,
# and nothing in the head swallows or deflects the tracer's rays. Noise is drawn pixel by pixel
# behind the blur; in a reconstructed PET neighbouring pixels are noisy together. Training patches
# come from the front of the head, test patches from the back. All patches are of *one* average
# brain and overlap: no interval here speaks of patients. Real tumours with outlines, by MRI of
# several kinds but without PET, are in the public [BraTS
# collection](https://doi.org/10.1109/TMI.2014.2377694).

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
modality_dropout: float = 0.5  # share of scans that lose an image in one training, 0 ≤ x ≤ 1
joined: str = "attention"  # arm that is to lead single images: "attention" or "attention-others"
probed: str = "attention"  # arm into which lesions are put: "attention" or "attention-evident"
prepared: str = "attention-dropped"  # beside no dropout: "attention-dropped" or "early"
control: str = "attention-others"  # arm with no PET of its own: "attention-others" or "attention"

# %%
import numpy as np
import torch

from data_fetch.tasks.mri_and_pet import PIXEL_MM, SEEN_BY, inner, mri_and_pet
from medlib import experiment
from medlib.diagnosis.fusion.filling import fit_filling
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
# the PET at a middle dose: grey matter takes up four times as much of the tracer as white matter.
# Each patch has one lesion. It begins in white matter and may reach into grey, where it is darker,
# or takes up more, than grey matter does: that part a single image can see. A third of the lesions
# are dimmer in MRI only, a third take up more in PET only, a third do both. The dose is given in
# *counts*: how many a pixel of grey matter is expected to send. Half the injected dose, or half the
# minutes in the scanner, is about half the counts.

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
rows += [[rgb(sample.array[i, m], window, masks[i]) for i in shown]
         for m, window in enumerate((MRI_GREY, PET_GREY))]

# %%
run.figure(
    image_rows(
        rows, titles=[["MRI"] * len(shown), ["PET"] * len(shown),
                      [f"seen by {SEEN_BY[seen_by[i]]}" for i in shown], [""] * len(shown)],
        window=None, pixel_mm=PIXEL_MM),
    name="patches", data="simulated",
    alt="Six patches of brain in four rows: MRI, a blurred and grainy PET, and both once more with"
    " the lesion outlined in orange.",
    caption="Each lesion (outlined in the lower rows) is seen by MRI, by PET or by both. They were"
    " made to pass for grey matter: dim in MRI, with uptake in PET. Real anatomy, simulated PET,"
    f" noise and lesions; {len(shown)} of n = {n_test} test patches of one template.",
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
# 3. their variances $\sigma_m^2$ and $\sigma_p^2$ are known;
# 4. the weight is chosen before the measurements are seen.
#
# Combine them as $w\,\hat\theta_p + (1-w)\,\hat\theta_m$. With weights that add up to one the sum
# is unbiased too, whatever $w$ is, as long as it does not depend on the measurements. Its variance
# is $w^2\sigma_p^2 + (1-w)^2\sigma_m^2$, for independent errors do not mix. Put the derivative to
# zero, $2w\sigma_p^2 = 2(1-w)\sigma_m^2$:
#
# $$ w = \frac{\sigma_p^{-2}}{\sigma_p^{-2} + \sigma_m^{-2}}, \qquad
#    \text{variance left: } \frac{1}{\sigma_p^{-2} + \sigma_m^{-2}} . $$
#
# Weigh by *precision*, one over the variance. Precisions add up; so the second device always helps,
# however bad it is, and the sum is better than either alone.
#
# If the first two assumptions fail, gather the mean products of the errors in a matrix, $M_{ij} =
# E[e_i e_j]$, where $E$ is the mean over many repetitions: variances *plus squared biases* on its
# diagonal. Let $v$ be the vector of all weights. The mean squared error of the sum is $v^\top M v$.
# For two, put in $v = (1-w, w)$ and the derivative to zero: $w = (M_{mm} - M_{mp}) / (M_{mm} +
# M_{pp} - 2 M_{mp})$. For more, a multiplier for the condition that weights add up to one gives $v
# = M^{-1}\mathbf 1 / (\mathbf 1^\top M^{-1} \mathbf 1)$, with $\mathbf 1$ a vector of ones. (Who
# knows a bias with its sign subtracts it. $M$ is for one that cannot be taken off, because its sign
# changes from place to place.)

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
    " {more:.0%} more error. The library's weights differ from these by {by_hand_difference:.0g}"
    " at most.",
    w=w[1], b=w_biased[1], left=weighted_error(w, np.diag(variances)),
    more=weighted_error(w, biased) / weighted_error(w_biased, biased) - 1,
)

# %% [markdown]
# ## Can a network learn it?
#
# Now a map of such numbers. Let $\theta$ be what a lesion adds to the uptake, in units of grey
# matter: one half in a full lesion, zero elsewhere. Subtract what healthy tissue looks like from
# each image, and both are estimates of that map. MRI has the same noise everywhere. PET counts $k$
# with mean $c\,(u + \theta)$, where $u$ is the healthy uptake, one in grey matter and a quarter in
# white, and a Poisson number has a variance as large as its mean: the estimate $k/c - u$ has the
# variance $(u+\theta)/c$. (The two variances above were just these, in white matter at twenty
# counts. And this one holds $\theta$ itself: the formula here is told the truth, and the network is
# not.) So PET's weight should *rise with the dose*, and at one dose it should be *lower in grey
# matter*, where more counts mean more noise. (That $u$ is known is a gift of the simulation.)
#
# A small network sees, in each pixel, the probabilities of grey and white matter and the dose. From
# two numbers, $a$ for PET and $b$ for MRI, it makes PET's weight $e^a / (e^a + e^b)$; MRI's is the
# rest. This is a *softmax*, and "attention" between two images is no more than that here. It learns
# from squared errors. We do not tell it the formula.

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
def learned(what, blur="sharp", times=1):
    again = torch.Generator()
    again.set_state(same_start)
    return fit_weighing(
        learn_on, shown=what, counts=(COUNTS[0], COUNTS[-1]), steps=times * weight_steps,
        generator=again, blur_sd=sd_of[blur], peak_rate=0.1, batch_size=16)


plain = learned(Shown(dose=dose_known))


# %% tags=["key"]
@torch.no_grad()
def weights_at(network, c, blur="sharp"):
    estimate, weight = network(judge_on, seen[blur, c])
    return estimate.numpy(), weight.numpy()


def optimum_at(c, blur="sharp"):  # an oracle: the variance holds the true map
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
    alt="Weight of PET over the dose: two pairs of curves, for grey and for white matter, each a"
    " learned weight and the formula's.",
    caption="Weights that were learned from errors beside those of the formula, dose by dose and"
    f" tissue by tissue. One training, means over n = {n_test} test maps of one template; real"
    " anatomy, simulated measurements.",
)

# %%
worst = {tissue: float(np.abs(pairs[:, 0] - pairs[:, 1]).max()) for tissue, pairs in off.items()}
run.result("weight_off", worst["all"], n=n_test, atol=0.004)
run.result("weight_off_grey", worst["grey"], n=n_test, atol=0.005)
run.result("weight_off_white", worst["white"], n=n_test, atol=0.006)
run.result("weight_excess", excess, n=n_test, atol=0.003)
run.say(
    "MRI's noise has a standard deviation of {noise:g} here. The mean weight is at most"
    " {weight_off:.3f} from the formula's, {weight_off_grey:.3f} in grey"
    " and {weight_off_white:.3f} in white matter, and the error at most {weight_excess:.1%} above"
    " its error.", noise=judge_on.mri_sd,
)
rises = float(np.diff(off["all"][:, 0]).min())
fits = min(0.05 - worst["all"], 0.08 - worst["grey"], 0.08 - worst["white"], rises)
run.claim(
    "weights learned from errors alone rise with the dose, and lie within .05 of the formula, in"
    " grey and in white matter within .08",
    fits > 0, margin=fits, falsified_by="falsify_weights",
)

# %% [markdown]
# Move the dose. On the left the two estimates of the map, on the right two maps of weights. By the
# formula PET gets less weight where grey matter is; look for it at the middle doses.

# %%
one = int(np.flatnonzero(seen_by == 2)[0])
SHARE, MAP = Window(0.0, 1.0, ("weight of PET", "")), Window(-0.5, 1.0, ("estimate", ""))
pictures = []
for c in COUNTS:
    measured = [each[one].numpy() for each in (seen["sharp", c].mri, seen["sharp", c].pet)]
    maps_of_weight = (weights_at(plain, c)[1][one], optimum_at(c)[one])
    shown_maps = [np.where(inside[one], each, 0.0) for each in (*measured, *maps_of_weight)]
    pictures.append(image_rows(
        [shown_maps], titles=["by MRI", "by PET", "learned", "formula"],
        window=[MAP, MAP, SHARE, SHARE], pixel_mm=PIXEL_MM))

# %%
run.frames(
    pictures, name="dose_slider", label="dose (counts a pixel)", values=[f"{c:g}" for c in COUNTS],
    start=1, data="simulated",
    alt="Two noisy estimates of one lesion's map, by MRI and by PET; beside them two maps of PET's"
    " weight, learned and by formula, at the chosen dose.",
    caption="Dose by dose: both estimates of the map (anatomy taken off, no blur), the learned"
    " weight of PET and the formula's. Outside the brain nothing is shown. Simulated measurements"
    f" on real anatomy, n = 1 patch of {n_test}.",
)

# %% [markdown]
# ## What breaks it: three ways to misread a weight
#
# So attention can find the weights of the theory. It is tempting to read any map of attention so:
# *here the network trusts PET*. That fails in two ways that last, and in one that training mends.
#
# **It sees what it weighs.** That breaks the fourth assumption. The formula fixes weights before
# anybody looks at the measurements. Attention in a network hardly ever does: it is computed *from*
# the features. Let our small network see both estimates in its pixel. Where one is far from zero
# and the other is not, it may *choose*. It knows from training that most pixels have no lesion, and
# so mostly chooses what is nearer to zero. The sum is no longer linear in the measurements; it may
# do better than any fixed weights that add up to one.
#
# **Its input is biased.** That breaks the first. With a scanner's blur, PET is off at each edge of
# a lesion, whatever the dose. A network that learns from errors counts the squared bias like noise.
# So does $M$. We compute it for each mixture of grey and white matter by itself, for that is what
# the network sees.
#
# **Something else has a scale.** Multiply PET by three, and let the network learn one factor for
# each image, $g_m$ and $g_p$, as any layer before an attention does. Its answer is
# $(1-w)\,g_m\,\hat\theta_m + 3\,w\,g_p\,\hat\theta_p$. In one pixel only the two products count: a
# smaller $g_p$ or a smaller $w$ would do equally. Factors are the same in all pixels and weights
# are not, so they cannot replace each other exactly, but nearly. Both factors start at one. So PET
# starts three times too large, and training makes up for that partly by $g_p$, partly by $w$.
#
# Here are networks for all three, each from the same stream of first weights, batches and noise as
# the one above. Those with a unit are trained a second time, four times as long.

# %% tags=["key"]
others = {
    "evidence": learned(Shown(dose=dose_known, evidence=evidence_seen)),
    "blurred": learned(Shown(dose=dose_known), blur="blurred"),
}
UNITS = {"usual": 1.0, "other": pet_unit}


def in_unit(gain, times):
    shown = Shown(dose=dose_known, gains=True, pet_gain=gain)
    return weights_at(learned(shown, times=times), 100.0)

# %%
in_units = {(unit, times): in_unit(gain, times)
            for unit, gain in UNITS.items() for times in (1, 4)}
with_evidence = weights_at(others["evidence"], 100.0)

# %%
formula_error = error_of_maps(by_formula(100.0))
less = mean_interval(1 - error_of_maps(with_evidence[0]) / formula_error)
follows = float(np.corrcoef(with_evidence[1][inside], optimum_at(100.0)[inside])[0, 1])
run.result("evidence_less_error", less, atol=0.01)
run.result("evidence_follows", follows, n=n_test, atol=0.02)


mixture = sum(k * np.rint(4 * inner(getattr(scenes["test"], tissue))[inside]).astype(int)
              for k, tissue in ((5, "grey"), (1, "white")))
KINDS = [np.flatnonzero(mixture == kind) for kind in np.unique(mixture)]


# %%
def by_moments(c, blur):
    """Mean weight of PET by M, which is computed for each mixture of tissues by itself."""
    errors = np.stack([(each.numpy() - theta)[inside].astype(float)
                       for each in (seen[blur, c].mri, seen[blur, c].pet)])
    found = [(least_error_weights(errors[:, some] @ errors[:, some].T / len(some))[1], len(some))
             for some in KINDS if len(some) >= 100]
    return float(np.average([w for w, _ in found], weights=[n for _, n in found]))


# %%
shrink_day = run.torch_generator("shrinkage")


def row_of(c):
    blurred = weights_at(others["blurred"], c, "blurred")[1]
    return {
        "dose": f"{c:g}",
        "formula": f"{optimum_at(c)[inside].mean():.3f}",
        "learned, sharp": f"{weights_at(plain, c)[1][inside].mean():.3f}",
        "by M, sharp": f"{by_moments(c, 'sharp'):.3f}",
        "by M, blurred": f"{by_moments(c, 'blurred'):.3f}",
        "learned, blurred": f"{blurred[inside].mean():.3f}",
    }

# %%
run.table([row_of(c) for c in COUNTS], name="misread",
          caption="Mean weight of PET, by formula and learned, sharp and"
          f" blurred by {psf_mm:g} mm; by M: one weight for each mixture of grey and white matter."
          f" One training each, simulated, n = {n_test} maps.")

# %% [markdown]
# How much of the gain from evidence is *choosing*? Most of a map is zero, so whoever makes every
# estimate smaller errs less, with no look at the evidence. Take weights from the healthy uptake
# alone, which is known before anybody measures, and multiply their sum by one fixed factor a dose,
# fitted on the training maps. These weights do not add up to one. And even a map of nothing is an
# estimate.

# %% tags=["key"]
def blind_sum(truth, one, c):
    noise = np.stack([np.full(one.pet.shape, truth.mri_sd**2), truth.uptake.numpy() / c])
    w_pet = inverse_variance_weights(np.maximum(noise, 1e-6))[1]
    return w_pet * one.pet.numpy() + (1 - w_pet) * one.mri.numpy()


def fixed_factor(c):
    one = learn_on.measure(torch.full((n_maps,), c), generator=shrink_day)
    known, where = blind_sum(learn_on, one, c), learn_on.inside.numpy()
    return (known * learn_on.theta.numpy())[where].sum() / (known**2)[where].sum()

# %%
formula_at = {c: error_of_maps(by_formula(c)).mean() for c in COUNTS}
blind_errors = {
    c: error_of_maps(fixed_factor(c) * blind_sum(judge_on, seen["sharp", c], c)) for c in COUNTS}
chosen = mean_interval(1 - error_of_maps(with_evidence[0]) / blind_errors[100.0])
errors = {
    "attention that sees the evidence": {
        c: error_of_maps(weights_at(others["evidence"], c)[0]).mean() for c in COUNTS},
    "blind weights, one factor": {c: each.mean() for c, each in blind_errors.items()},
    "a map of nothing": dict.fromkeys(COUNTS, error_of_maps(np.zeros_like(theta)).mean()),
}

# %%
shares = {who: {c: value / formula_at[c] for c, value in at.items()} for who, at in errors.items()}
run.table(
    [{"error, as a share of the formula's": who} | {f"{c:g} counts": f"{share:.2f}"
                                                    for c, share in at.items()}
     for who, at in shares.items()],
    name="shrunk", caption="Mean squared error inside the brain beside that of the formula, the"
    " best fixed weights that add up to one (an oracle: it knows the variance of the true map)."
    f" Simulated, n = {n_test} maps, one training.")
attentive, shrunk, empty = shares.values()
run.result("shrunk_share", shrunk[100.0], n=n_test, atol=0.01)
run.result("evidence_beside_blind", chosen, atol=0.01)

# %%
HIGH = COUNTS[-2:]
pulled = float(np.mean([weights_at(plain, c)[1][inside].mean()
                        - weights_at(others["blurred"], c, "blurred")[1][inside].mean()
                        for c in HIGH]))
by_m = float(np.mean([by_moments(c, "sharp") - by_moments(c, "blurred") for c in HIGH]))
run.result("blur_pulls", pulled, n=n_test, atol=0.003)
run.result("blur_pulls_by_m", by_m, n=n_test, atol=0.003)

# %%
unit_moves, unit_costs = {}, {}
for times, word in ((1, ""), (4, "_longer")):
    (usual, weight), (other, moved_weight) = (in_units[unit, times] for unit in UNITS)
    unit_moves[times] = float((weight - moved_weight)[inside].mean())
    unit_costs[times] = mean_interval(error_of_maps(other) / error_of_maps(usual) - 1)
    run.result(f"unit_moves_weight{word}", unit_moves[times], n=n_test, atol=0.005)
    run.result(f"unit_changes_error{word}", unit_costs[times], atol=0.01)

# %%
better_blind = [f"{c:g}" for c in COUNTS if shrunk[c] < attentive[c]]
better_empty = [f"{c:g}" for c in COUNTS if empty[c] < attentive[c]]
run.say(
    "At 100 counts, attention that sees the estimates has {evidence_less_error:.0%ci} less error"
    " than the formula. (Brackets hold a 95 % interval for the mean, computed from the spread over"
    " scans: if we drew such scans again and again, 95 in 100 such intervals would hold the mean of"
    " all.) Its weights follow the formula's with a correlation of"
    " {evidence_follows:.2f}. But blind weights with one fixed factor have only {shrunk_share:.0%}"
    " of the formula's error there. Beside *them* attention has {evidence_beside_blind:.0%ci} less,"
    " and that is what it gains by choosing. They are better than attention at {where}; even a map"
    " of nothing is, at {nowhere}.",
    where=f"{', '.join(better_blind)} counts" if better_blind else "no dose",
    nowhere=f"{', '.join(better_empty)} counts" if better_empty else "no dose",
)
run.say(
    "Blur takes {blur_pulls:.3f} from PET's weight at the two highest doses; M says"
    " {blur_pulls_by_m:.3f}. In another unit, after {weight_steps} steps, PET's weight at 100"
    " counts is {unit_moves_weight:.2f} lower, while the error changes by"
    " {unit_changes_error:+.0%ci}; after {longer} steps it is {unit_moves_weight_longer:.2f} lower,"
    " with an error changed by {unit_changes_error_longer:+.0%ci}. (One training each; the"
    " intervals are over maps. At high doses the network is itself off the formula by up to"
    " {itself:.3f}; networks from one start share part of that.)", longer=4 * weight_steps,
    itself=max(abs(weights_at(plain, c)[1][inside].mean() - optimum_at(c)[inside].mean())
               for c in HIGH),
)

# %% [markdown]
# The formula is right, and none of this contradicts it. It is the best among weights that are fixed
# in advance and add up to one, for unbiased estimates, with nothing else to learn. A weight in a
# network is a number on the way to an answer. (Where factors are free, factors below one shrink
# everything towards zero. That is a bias, and where most pixels are zero it pays.)

# %%
run.claim(
    "at 100 counts, attention that sees both estimates has at least a tenth less error than blind"
    " weights with one fitted factor",
    chosen.low > 0.1, margin=chosen.low - 0.1, falsified_by="falsify_weights",
)
pulls = pulled - max(by_m / 4, 0.003)
run.claim(
    "blur takes weight from PET at high doses, at least a quarter of what the squared bias asks for"
    " and at least .003", pulls > 0, margin=pulls, falsified_by="falsify_weights",
)

# %% [markdown]
# Of the unit we had claimed more: less weight at nearly the same error, whatever the length. Both
# lengths above say so. Then we trained twice and four times as long as these, on two seeds, and the
# weights in both units came within about a hundredth of each other. Where a network stands on its
# way depends on the unit; where it arrives does not. Nobody sees in a map how far it has come.

# %% [markdown]
# ## Where to join them
#
# Back to the question. A network now has to *find* the lesions. It sees MRI, PET and the dose, and
# gives a logit in each pixel. There are four usual places to join two images:
#
# - **early**: both are channels of one input;
# - **middle**: each has layers of its own, then features are laid side by side, and layers follow;
# - **attention**: the same, with the features weighed in each pixel by a softmax, and added;
# - **late**: each has a whole network, two logits are added, and both halves learn together.
#
# If both images were independent *given* whether there is a lesion, the late sum would be all one
# needs. Write $x_m$ and $x_p$ for the images, $f$ for a density, and 1 or 0 for lesion or none. By
# Bayes, evidence adds up in logits:
#
# $$ \log\frac{P(1 \mid x_m, x_p)}{P(0 \mid x_m, x_p)}
#    = \log\frac{f(x_m \mid 1)}{f(x_m \mid 0)} + \log\frac{f(x_p \mid 1)}{f(x_p \mid 0)}
#    + \log\frac{P(1)}{P(0)} . $$
#
# But they are not. Both also depend on the *tissue*. A pixel that is dim in MRI is grey matter, or
# a lesion. Grey matter has a high uptake; a lesion that MRI alone sees has not. So if PET is *low*
# where MRI is dim, something is wrong. Neither image says so alone, and no sum of two answers does.
# And there is a second reason: each lesion shows in one image at least. So even in one and the same
# tissue the images are not independent given a lesion: where MRI shows none, PET must show it.
#
# Say it plainly. In deep white matter our task is close to an *exclusive or*: dim and low is a
# lesion, bright and high is a lesion, dim and high is grey matter, bright and low is white. A sum
# of two answers cannot say that, and a third of the lesions is invisible to each image by itself.
# (The last third, dim and high, breaks even this rule: pixel by pixel they look like grey matter,
# and only place and shape tell.) That something joined earlier will lead was built in. By how much,
# and what is left of it for other lesions, was not.

# %% tags=["key"]
def scans(split, *, counts=None, lesion_in="own"):
    of = scenes[split]
    sample = run.uses(of.scan(counts=counts, lesion_in=lesion_in))
    dose = of.counts if counts is None else np.full(len(of), counts)
    return Scans.of(sample.array, dose, of.masks)


learn, check = scans("train"), scans("validation")
DOSES = (2.0, 20.0, 200.0)
test = {counts: scans("test", counts=counts) for counts in DOSES}

# %% [markdown]
# All networks have one training: cross-entropy of pixels, the same steps, learning rate and
# batches, and the weights of the best validation. Those of this page are trained briefly, once, at
# one rate. They show what is measured, and rank nothing: conclusions rest on a recorded trial,
# further down.

# %% tags=["key"]
def fit(name, kind, dropout=0.0):
    return fit_fusion(
        kind, learn, check, recipe=FusionRecipe(steps=n_steps, dropout=dropout),
        generator=run.torch_generator(name), device=run.device).network


networks = {kind: fit(kind, kind) for kind in ("MRI", "PET", "late", "attention")}
networks["with dropout"] = fit("with dropout", "attention", dropout=modality_dropout)

# %% [markdown]
# A scan's **average precision** says how well the pixels of its lesion are ranked above its other
# pixels. Go down the pixels from the highest logit; at each one of the lesion, note which share of
# the pixels so far is lesion. The mean of these shares is one if all lesion comes first; by chance
# it is the share of the lesion, a few in a hundred. Taken scan by scan, two networks can be
# compared on the same scan.

# %%
def precision(network, some):
    return scan_precision(fusion_logits(network, some.images).numpy(), masks)


ap = {(name, c): precision(network, test[c]) for name, network in networks.items() for c in DOSES}
NAMED = {"MRI": "MRI alone", "PET": "PET alone", "late": "late", "attention": "attention"}

# %%
run.figure(
    line_band(
        {word: Line.of(DOSES, [mean_interval(ap[name, c]) for c in DOSES])
         for name, word in NAMED.items()},
        x=("dose", "counts a pixel"), y=("average precision", ""), log_x=True, x_ticks=DOSES),
    name="fusions", data="simulated",
    alt="Average precision over the dose, with a band: MRI alone, PET alone, late, attention.",
    caption=f"After {n_steps} steps, one training each: how well lesions are found, dose by dose."
    f" Bands: 95 % over n = {n_test} test scans, overlapping patches of one template; they know"
    " nothing of other trainings. Real anatomy, simulated PET and lesions.",
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
def on_one_axis(figure):
    """All columns from 0 to 1, to be compared."""
    for place in figure.axes:
        place.set_xlim(0, 1)
    return figure

# %%
run.figure(
    on_one_axis(interval_points(*[
        Column({word: mean_interval(recall[name][seen_by == place], within=(0, 1))
                for name, word in NAMED.items()}, x=("pixels found", ""), title=f"seen by {who}")
        for place, who in enumerate(SEEN_BY) if (seen_by == place).sum() > 1],
        highlight=["attention"])),
    name="who_finds", data="simulated",
    alt="A column for each kind of lesion, seen by MRI, by PET, by both: the share of"
    " pixels found by each of four networks.",
    caption="Who finds what: thresholds leave one false mark in a hundred healthy pixels of"
    f" validation scans. 20 counts, one training of {n_steps} steps each; intervals over scans,"
    f" overlapping patches of one template, n = {n_test} in all; simulated PET and lesions.",
)

# %% [markdown]
# Compare the columns for attention. A lesion that *both* images see need not be the easiest. Dim in
# MRI and high in PET is just how healthy grey matter looks: there the two images agree, and agree
# on the wrong thing. (PET alone and the late sum have hardly begun to learn after so few steps; the
# trial below asks the same of longer trainings.) Our lesions were made to pass for grey matter, so
# whatever is found here is found of such lesions. The trial has arms for lesions that are plainer.
#
# ## What does it owe to each?
#
# The weights of an attention layer are no answer, as we saw. Here is a better question: take a scan
# *without* a lesion, put the lesion into the MRI alone, and see how far the logit moves; then into
# PET alone; then into both. Anatomy stays as it is, and so does the luck of every pixel. For a sum
# of two logits the move for both *must* be the sum of the two moves. (A scan without any lesion is
# something new to these networks, too: in training each scan had one.)

# %% tags=["key"]
PLACES = ("neither", "MRI", "PET", "both")


def moved(network, counts):
    put_in = [scans("test", counts=counts, lesion_in=place) for place in PLACES]
    logits = [fusion_logits(network, some.images).numpy() for some in put_in]
    return insertion_moves(*logits, masks=masks)


moves = {(name, c): moved(networks[name], c) for name in ("late", "attention")
         for c in (DOSES[0], DOSES[-1])}

# %%
run.table(
    [{"network": name, "dose": f"{c:g}", "without": f"{found.before.mean():+.1f}",
      "in MRI": f"{found.mri.mean():+.2f}", "in PET": f"{found.pet.mean():+.2f}",
      "in both": f"{found.both.mean():+.2f}",
      "both less the larger": f"{found.beyond_the_larger.mean():+.2f}",
      "both less the sum": f"{found.beyond_the_sum.mean():+.2f}"}
     for (name, c), found in moves.items()],
    name="moves", caption="The mean logit in a lesion's place without it, and how far it moves when"
    f" the lesion is put into one image or both. The last two columns are computed in each scan and"
    " then averaged; the larger move is MRI's in some scans and PET's in others. After"
    f" {n_steps} steps, one training each; means over n = {n_test} test scans; simulated.")

# %% [markdown]
# Look at the last two columns. That both move *less than the sum* shows nothing: evidence for "one
# or the other" saturates, and lesions that are plain in each image show it more strongly. What
# tells is the *larger* of the two moves. If a lesion in both moves the logit less than the lesion
# in one alone, then the second image **takes back** what the first one said. A sum of two logits
# can do so only if a lesion in one of the images makes it *less* sure by itself.
#
# ## A head that moved
#
# To compare two images pixel by pixel, they must lie on each other. Here they do, by construction.
# Between an MRI and a PET a head moves by millimetres, and software moves it back to within some.
# Shift the test PET sideways, and ask the same networks.

# %% tags=["key"]
def shifted_precision(name, pixels):
    images = test[20.0].images.clone()
    images[:, 1] = torch.roll(images[:, 1], pixels, dims=-1)
    return mean_interval(scan_precision(fusion_logits(networks[name], images).numpy(), masks))


SHIFTS = (0, 1, 2, 3)
of_shift = {name: [shifted_precision(name, k) for k in SHIFTS] for name in NAMED}

# %%
run.figure(
    line_band({NAMED[name]: Line.of([PIXEL_MM * k for k in SHIFTS], values)
               for name, values in of_shift.items()},
              x=("shift of PET", "mm"), y=("average precision", ""),
              x_ticks=[PIXEL_MM * k for k in SHIFTS]),
    name="moved_head", data="simulated",
    alt="Average precision over the shift of the test PET in millimetres, four lines with bands:"
    " MRI alone, PET alone, late, attention.",
    caption="What is left when the test PET is shifted sideways. At 20 counts, one training of"
    f" {n_steps} steps each, none of which met a shift; bands: 95 % over n = {n_test} test scans of"
    " one template; simulated PET and lesions.",
)
run.say("Shifted by {most:g} mm, attention has {attention:.2ci} of average precision, where it had"
        " {before:.2ci}; MRI alone has {mri:.2ci}. The sum goes from {sum_before:.2ci} to"
        " {sum_after:.2ci}; but after so few steps it hardly uses PET, and what it does not use"
        " cannot mislead it.", most=PIXEL_MM * SHIFTS[-1],
        attention=of_shift["attention"][-1], before=of_shift["attention"][0],
        mri=of_shift["MRI"][0], sum_before=of_shift["late"][0], sum_after=of_shift["late"][-1])

# %% [markdown]
# ## A patient without PET
#
# Put the missing image to its mean, and see what is left. A network that has never met a missing
# image has learned to compare, and now compares with nothing that any patient ever had. Another
# filling is a *guess*: a regression on the other image, fitted on training scans. That adds no
# evidence. It lies where scans lie, without their noise; and it takes a dim lesion for grey matter,
# so that what it guesses takes the lesion back. The other remedy is **modality dropout**, in the
# manner of [Neverova et al. 2016](https://doi.org/10.1109/TPAMI.2015.2461544): in training half of
# the scans lose one image.

# %% tags=["key"]
guess = fit_filling(learn.images, "PET")


def without_pet(name, how):
    some = test[20.0].images
    left = without(some, "PET") if how == "mean" else guess(some)
    return scan_precision(fusion_logits(networks[name], left).numpy(), masks)


left = {(name, how): without_pet(name, how)
        for name in ("attention", "with dropout") for how in ("mean", "guessed")}

# %%
WAYS = {"attention, PET at its mean": ("attention", "mean"),
        "attention, PET guessed": ("attention", "guessed"),
        "with dropout, PET at its mean": ("with dropout", "mean")}
run.figure(
    interval_points(Column(
        {"MRI alone": mean_interval(ap["MRI", 20.0])}
        | {word: mean_interval(left[name, how]) for word, (name, how) in WAYS.items()},
        x=("average precision", ""))),
    name="missing", data="simulated",
    alt="Average precision without PET: of the network of MRI alone, of attention with PET put to"
    " its mean and guessed, and of attention trained with dropout of images.",
    caption="What is left of a fusion when PET is missing, beside a network that was made for MRI"
    f" alone. After {n_steps} steps, one training each; n = {n_test} scans of one template, 20"
    " counts; simulated PET and lesions.",
)

# %% [markdown]
# After so few steps a network has hardly learned to compare, so it has little to lose yet. What
# longer trainings lose, the trial shows.
#
# ## Longer, and at chosen learning rates
#
# In a *recorded trial* each *arm*, one kind of network with one kind of data, was trained three
# times, each time twice as long, on several draws of scans, first weights and batches. At each
# length it tried learning rates outward from a middle one until the best had worse neighbours, and
# kept the weights that validate best. The draw, or *seed*, is the unit of the intervals: they come
# of the spread over seeds (by Student's $t$, which makes them wider when there are few). No length
# is the last word: we claim what holds at all three, and not what holds at an end that nobody
# reached.
#
# Behind an arm's name stands what is special. *dropped*: half of the training scans lost an image,
# MRI or PET with equal chance; the dose goes with PET. *others*: each scan has another patient's
# PET. *evident*: each image shows its lesions plainly, beyond any tissue. *half*: lesions in
# between. Nothing: lesions that pass for grey matter.

# %%
trial = experiment.recorded(run, "_four_fusions/sweep")
TIMES, LONGEST = (1, 2, 4), 4


def of_trial(what, arm, times=LONGEST):
    """One recorded number of an arm, seed by seed."""
    return trial.array(f"{what}_{times}", arm=arm)


def over_lengths(what, arm, other):
    """An arm less another, at each length: a paired mean over seeds."""
    return [mean_interval(of_trial(what, arm, m) - of_trial(what, other, m)) for m in TIMES]

# %%
arms, n_seeds = trial.grid["arm"], len(trial.seeds)
lengths = [trial.fixed["n_steps"] * m for m in TIMES]
fell = {arm: of_trial("validation", arm, 4) < of_trial("validation", arm, 2) for arm in arms}
edges = {arm: sum(of_trial("edge", arm, m) for m in TIMES) for arm in arms}
run.say(str(trial.made) + " {arms} arms, {seeds} seeds. The trial differs from this page in three"
        " things: {many} training scans instead of {few}, learning rates that are chosen, and"
        " {short}, {middle} or {long} steps instead of {own}. So its numbers lie higher.",
        arms=len(arms), seeds=n_seeds, many=trial.fixed["n_train"], few=n_train, own=n_steps,
        **dict(zip(("short", "middle", "long"), lengths, strict=True)))

# %%
run.table(
    [{"arm": arm, "parameters": f"{trial.array('parameters', arm=arm)[0]:.0f}"}
     | {f"loss after {steps}": f"{of_trial('validation', arm, m).mean():.4f}"
        for steps, m in zip(lengths, TIMES, strict=True)}
     | {"of training": f"{of_trial('train_loss', arm).mean():.4f}",
        "fell to the last": f"{fell[arm].sum()} of {n_seeds}",
        "learning rate on the edge": f"{edges[arm].sum():.0f} of {len(TIMES) * n_seeds}"}
     for arm in arms],
    name="ends", caption="Validation loss at each length, and the training loss at the end of"
    " the longest, as cross-entropy a pixel; in how many seeds it still fell from the second length"
    " to the third; how often the chosen learning rate was the lowest or highest of all. Means over"
    f" n = {n_seeds} seeds; simulated.")

# %%
ends = {arm: of_trial("train_loss", arm).mean() for arm in ("late", "attention")}
run.say("From the second length to the third validation still improved in {fell} of {n}"
        " trainings: those are not at their end. In {edge} of {all} the best learning rate was"
        " the lowest or the highest of all. The late sum has more parameters than any other; its"
        " *training* loss ends {times:.1f} times as high as attention's. So if it falls behind,"
        " it did not learn by heart and fail: it cannot say it, or not so soon.",
        fell=int(sum(map(sum, fell.values()))), n=len(arms) * n_seeds,
        edge=int(sum(map(sum, edges.values()))), all=len(arms) * n_seeds * len(TIMES),
        times=ends["late"] / ends["attention"])
SHOWN = ("MRI", "PET", "late", "early", "middle", "attention")
found = {arm: [mean_interval(of_trial("ap_20", arm, m)) for m in TIMES] for arm in SHOWN}

# %%
run.figure(
    line_band({arm: Line.of(lengths, values) for arm, values in found.items()},
              x=("training", "steps"), y=("average precision", ""), log_x=True,
              x_ticks=lengths),
    name="trial", data="simulated",
    alt="Average precision at 20 counts over the length of training, a line with a band for"
    " each arm: MRI, PET, late, early, middle, attention.",
    caption="Recorded: average precision at 20 counts over the steps of training, for lesions"
    f" that pass for grey matter. Means and 95 % t intervals over n = {n_seeds} seeds; one"
    " template, simulated PET and lesions.")

# %%
PAIRS = (("attention", "MRI alone"), ("attention", "PET alone"), ("attention", "late"),
         ("early", "late"), ("middle", "late"), ("late", "MRI alone"), ("late", "PET alone"))
LEADS = {f"{arm}, beside {other}": (arm, other.split()[0]) for arm, other in PAIRS} | {
    "half: attention, beside late": ("attention-half", "late-half"),
    "evident: attention, beside late": ("attention-evident", "late-evident"),
    "evident: late, beside MRI alone": ("late-evident", "MRI-evident"),
    "evident: late, beside PET alone": ("late-evident", "PET-evident"),
}

# %%
leads = {what: over_lengths("ap_20", *pair) for what, pair in LEADS.items()}
run.table(
    [{"arm": what} | {f"{steps} steps": f"{lead:+.3ci}"
                      for steps, lead in zip(lengths, at, strict=True)}
     for what, at in leads.items()],
    name="leads", caption="Recorded: differences of average precision at 20 counts. *evident*:"
    " lesions that are plain in each image; *half*: in between."
    f" Means and 95 % t intervals over n = {n_seeds} seeds; simulated.")
for key, arm, other in (("late_mri", "late", "MRI"), ("late_pet", "late", "PET"),
                        ("plain_mri", "attention-evident", "MRI-evident"),
                        ("plain_pet", "attention-evident", "PET-evident")):
    run.result(f"lead_{key}", over_lengths("ap_20", arm, other)[-1])

# %%
run.say("After the longest training the sum of two logits lies {lead_late_pet:+.2ci} from PET"
        " alone and {lead_late_mri:+.2ci} from MRI alone. Where lesions are plain, attention"
        " lies {lead_plain_mri:+.2ci} from MRI alone and {lead_plain_pet:+.2ci} from PET alone."
        " Its average precision is {plain:.2f} there, and one is the most there is.",
        plain=of_trial("ap_20", "attention-evident").mean())

# %%
run.table(
    [{"arm": arm} | {f"seen by {who}": f"{of_trial(f'recall_{who.lower()}', arm).mean():.2f}"
                     for who in SEEN_BY}
     | {"false marks": f"{of_trial('false', arm).mean():.4f}",
        "average precision, both": f"{of_trial('ap_of_both', arm).mean():.2f}"} for arm in SHOWN],
    name="who_finds_trial", caption="Recorded, longest training: the share of pixels found, at"
    " a threshold that marks one in a hundred healthy pixels (air and fluid among them) of"
    " validation scans; what it marks of the test's; and the average precision for lesions that"
    f" *both* images show. Means over n = {n_seeds} seeds; 20 counts, simulated.")

# %%
for other in ("MRI", "PET"):
    gain = of_trial("ap_of_both", "attention") - of_trial("ap_of_both", other)
    run.result(f"lead_both_{other.lower()}", mean_interval(gain))
run.say("A fair question leaves out what one image cannot see. Of lesions that both show, attention"
        " finds more than MRI alone by {lead_both_mri:+.2ci} of average precision, and than PET"
        " alone by {lead_both_pet:+.2ci}. But most of that the sum of two logits has, too (last"
        " column above): that attention leads it on these lesions is not sure at any length; that"
        " early and middle do is sure after the longest only. Joining before the end brings most"
        " for lesions that one image shows.")

# %% [markdown]
# ### Does the finder's attention follow the noise?
#
# The chapter began with attention that learned the formula's weights. Does it do so in a network
# that looks for lesions? If it trusted the cleaner image place by place, PET's weight would rise
# with the dose. By how much, the formula says. A full lesion takes a quarter of MRI's brightness
# $T_1$ and adds one half to the uptake $u$. So MRI estimates the share of a lesion in a pixel with
# a standard deviation of $4 \sigma_z / T_1$, where $\sigma_z$ is its noise, and PET with $2
# \sqrt{u/c}$.

# %%
dosed, NOISE_SD = (2, 6, 20, 60, 200), 0.04  # the noise of MRI in the trial's scans
look, healthy = scenes["test"].look, scenes["test"].brain & ~masks
at = {where: np.stack([of_trial(f"weight_{where}_{c}", "attention") for c in dosed])
      for where in ("grey", "white", "lesion", "brain")}


def by_precision(c):
    """PET's weight in healthy brain if images were weighed by inverse variance, without blur."""
    of_mri = (NOISE_SD / ((1 - look.t1_factor) * np.maximum(scenes["test"].t1, 0.05))) ** 2
    of_pet = inner(scenes["test"].uptake()) / c / look.uptake_gain**2
    return inverse_variance_weights(np.stack([of_mri, of_pet]))[1][healthy].mean()


# %%
asked = np.array([by_precision(c) for c in dosed])
run.figure(
    line_band({where: Line.of(dosed, [mean_interval(w, within=(0, 1)) for w in at[where]])
               for where in ("grey", "white", "lesion")} | {"by the formula": Line(dosed, asked)},
              x=("dose", "counts a pixel"), y=("attention to PET", ""), log_x=True,
              x_ticks=dosed),
    name="attention", data="simulated",
    alt="Mean attention to PET over the dose, in grey matter, white matter and lesions, and the"
    " weight by the formula, which rises steeply.",
    caption="Recorded, longest training: attention of the network that finds lesions, tissue by"
    " tissue, beside the weight by inverse variance in healthy brain. Means and 95 % t intervals"
    f" over n = {n_seeds} seeds; simulated.")

# %%
by_dose = [mean_interval(of_trial("weight_brain_200", "attention", m)
                         - of_trial("weight_brain_2", "attention", m)) for m in TIMES]
by_tissue = [mean_interval(at["white"][i] - at["grey"][i]) for i in (0, 2, 4)]
due = asked[-1] - asked[0]
run.result("attention_by_dose", by_dose[-1])
run.result("attention_of_due", mean_interval((at["brain"][-1] - at["brain"][0]) / due))
follows = at["brain"][-1] - at["brain"][0] > due / 2
run.say("In {follows} of {n} seeds PET's mean weight in the brain rises by half of what the"
        " formula asks for, or more. From 2 to 200 counts it changes by"
        " {attention_by_dose:+.3ci}, where the"
        " formula asks for {due:+.2f}; it rises at every step"
        " of the dose in {rises} of {n} seeds. After shorter trainings it changes by {short:+.3ci}"
        " and {middle:+.3ci}. Over seeds it runs from {low:.2f} to {high:.2f} at 20 counts.",
        follows=int(follows.sum()), short=by_dose[0], middle=by_dose[1], due=due,
        rises=int((np.diff(at["brain"], axis=0) > 0).all(axis=0).sum()), n=n_seeds,
        low=at["brain"][2].min(), high=at["brain"][2].max())

# %%
run.say("In white matter the weight lies {at_2:+.2ci} from that in grey at 2 counts, {at_20:+.2ci}"
        " at 20, {at_200:+.2ci} at 200. White and grey matter differ in everything, so a difference"
        " alone is no sign of trust; one that followed the noise would have to change with the"
        " dose.", **dict(zip(("at_2", "at_20", "at_200"), by_tissue, strict=True)))

# %% [markdown]
# Features are learned together with their weights, and nothing asks a weight to be a precision: in
# another training the same answer may be had with another weight. Hold the spread over seeds
# against the change with the dose.
#
# ### What is taken back
#
# The same question as above, after the longest training: how far does a lesion move the answer when
# it is put into MRI, into PET, into both?

# %%
PROBED = ("late", "attention", "attention-half", "attention-evident")
run.table(
    [{"arm": arm, "without": f"{of_trial('before_200', arm).mean():+.1f}"}
     | {word: f"{of_trial(f'moved_{what}_200', arm).mean():+.2f}" for word, what in (
         ("in MRI", "mri"), ("in PET", "pet"), ("in both", "both"))}
     | {"both less the larger": "{:+.2ci}".format(
         mean_interval(of_trial("moved_beyond_the_larger_200", arm)))}
     for arm in PROBED],
    name="taken_back", caption="Recorded, longest training, 200 counts: the mean logit in a"
    " lesion's place without it, and its moves. Last: scan by scan, then means and 95 %"
    f" t intervals over n = {n_seeds} seeds; simulated.")

# %%
back = [mean_interval(of_trial("moved_beyond_the_larger_200", probed, m)) for m in TIMES]
run.result("beyond_the_larger", back[-1])
run.say("In both images, the lesion moves the probed network ({probed}) by"
        " {beyond_the_larger:+.1ci} beyond the larger of its two moves. The three lengths:"
        " {each}. Where lesions are plain (*evident*), it moves by {plain:+.1ci} beyond"
        " the larger.",
        each=", ".join(f"{one:+.1ci}" for one in back),
        plain=mean_interval(of_trial("moved_beyond_the_larger_200", "attention-evident")))

# %% [markdown]
# ### What dropout brings
#
# With an image missing, each fusion now gets the better of two fillings, the mean or the guess, as
# validation scans choose. Compare with and without dropout, and with networks that were made for
# the one image.

# %%
def left_of(arm, times):
    """Average precision with one image missing: the mean of no PET and no MRI."""
    return (of_trial("ap_left_pet", arm, times) + of_trial("ap_left_mri", arm, times)) / 2


brings = [mean_interval(left_of(prepared, m) - left_of("attention", m)) for m in TIMES]
costs = over_lengths("ap_20", "attention", "attention-dropped")
fair_costs = [mean_interval(of_trial("ap_20", "attention", m)
                            - of_trial("ap_20", "attention-dropped", 2 * m)) for m in TIMES[:2]]
late_left = mean_interval(left_of("late", LONGEST) - left_of("attention-dropped", LONGEST))
run.result("late_is_left", late_left)

# %%
single = (of_trial("ap_20", "MRI") + of_trial("ap_20", "PET")) / 2
of_mean = sum(of_trial(f"ap_without_{gone}", "attention") for gone in ("pet", "mri")) / 2
run.result("dropout_brings", brings[-1])
run.result("dropout_costs", costs[-1])
run.result("guess_brings", mean_interval(left_of("attention", LONGEST) - of_mean))
run.result("unprepared_loses", mean_interval(single - left_of("attention", LONGEST)))
run.result("specialist_leads", mean_interval(single - left_of("attention-dropped", LONGEST)))

# %%
cases = {"both there": "ap_20", "no PET": "ap_left_pet", "no MRI": "ap_left_mri"}
made_for = {"both there": "attention", "no PET": "MRI", "no MRI": "PET"}


def column(case, what):
    arms_of = {"attention": "attention", "with dropout": "attention-dropped", "late": "late"}
    left_there = {word: mean_interval(of_trial(what, arm)) for word, arm in arms_of.items()}
    made = {"made for it": mean_interval(of_trial("ap_20", made_for[case]))}
    return Column(made | left_there, x=("average precision", ""), title=case)

# %%
run.figure(
    interval_points(*[column(case, what) for case, what in cases.items()]),
    name="missing_trial", data="simulated",
    alt="Three columns, both images, no PET, no MRI: average precision of the network that was"
    " made for it, of attention, of attention trained with dropout, and of the sum of two logits.",
    caption="Recorded, longest training, 20 counts. In the first column the network made for it"
    f" is attention itself. 95 % t intervals over n = {n_seeds} seeds; simulated.")

# %%
def each_length(what, values):
    cells = [f"{one:+.2ci}" for one in values] + ["–"] * (len(lengths) - len(values))
    return {"what": what} | {f"{steps} steps": cell
                             for steps, cell in zip(lengths, cells, strict=True)}


run.table(
    [each_length("dropout brings, one image missing", brings),
     each_length("dropout costs, both there", costs),
     each_length("the same, beside dropout for twice the steps", fair_costs)],
    name="dropout", caption="Recorded: differences of average precision at 20 counts, attention"
    " with dropout and without. With dropout a network sees half as many whole scans."
    " Means and 95 %"
    f" t intervals over n = {n_seeds} seeds; simulated.")

# %%
run.say("On average over a missing PET and a missing MRI, dropout brings {dropout_brings:+.2ci}"
        " after the longest training, and costs {dropout_costs:+.2ci} where both are"
        " there. To guess"
        " the missing image and not to put it to its mean changes the fusion without dropout by"
        " {guess_brings:+.2ci}. The network that was made for the one image has"
        " {unprepared_loses:+.2ci} more than the fusion without dropout, and"
        " {specialist_leads:+.2ci} more than the one with it: surely more, on average over both"
        " cases, at the shorter lengths, too.")
run.say("The sum of two logits never met a missing image either. With one missing it has"
        " {late_is_left:+.2ci} beside attention with dropout. That fits the view that what"
        " breaks is"
        " the comparing. Dropout is one remedy; a sum that never compares is another, at a high"
        " price where both images are there.")

# %% [markdown]
# That is an average of two cases. For a missing MRI dropout helps at every length. For a missing
# PET, which is the case that this page began with, it helps less in the mean, and after the
# shortest training not for sure.

# %% [markdown]
# ## What we claim of fusion
#
# Each of these claims holds at all three lengths of training, or not at all; its margin, how far
# the number lies on the right side of its bound, is that of the length where it is least. Intervals
# are over seeds. The control: a fusion that is given the PET *of another patient*, and its dose, in
# training, validation and test, has all that the others have but for what PET says of this patient.

# %%
ahead = min(lead.low for other in ("MRI", "PET", "late")
            for lead in over_lengths("ap_20", joined, other))
run.claim(
    "joined by attention before the end, MRI and PET find lesions that pass for grey matter in"
    " either image better than MRI alone, than PET alone, and than a sum of two logits, at"
    " every length of training",
    ahead > 0, margin=ahead, unit="average precision", falsified_by="falsify_trial",
)

# %%
taken = -0.5 - max(one.high for one in back)
run.claim(
    "at the highest dose, a lesion put into both images moves the joined network less than the"
    " same lesion in one of them, at every length of training: the second takes back half a"
    " logit or more",
    taken > 0, margin=taken, unit="logit", falsified_by="falsify_trial",
)
helps = min(one.low for one in brings)
run.claim(
    "averaged over a missing PET and a missing MRI, with the better of two fillings, modality"
    " dropout helps the joined network, at every length of training",
    helps > 0, margin=helps, unit="average precision", falsified_by="falsify_trial",
)

# %%
by_others, by_own = (over_lengths("ap_20", arm, "MRI") for arm in (control, "attention"))
run.result("control_brings", by_others[-1])
nothing_gained = min(own.low / 10 - one.high for own, one in zip(by_own, by_others, strict=True))
run.say("With another patient's PET the fusion lies {control_brings:+.3ci} from MRI alone; with the"
        " patient's own it has {own:+.2ci} more.", own=by_own[-1])
run.claim(
    "another patient's PET, in training, validation and test, brings the joined network less than a"
    " tenth of what the patient's own brings over MRI alone, at every length of training",
    nothing_gained > 0, margin=nothing_gained, unit="average precision", control=True,
    falsified_by="falsify_trial",
)

# %%
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Two independent, unbiased measurements are weighed by their precision. Say the two adjectives
#   aloud before you use it.
# - Attention can learn those weights. It may also select, absorb a bias or, while it still learns,
#   follow the unit of an image, so a map of weights is no map of trust.
# - Where most of a map is nothing, shrinking everything is a strong rival that looks at no
#   evidence. Compare with it before you praise attention.
# - A sum of two answers is enough where the images are independent given the disease. Where both
#   depend on the tissue, what tells may be whether they fit together.
# - To know what a network owes to an image, change that image and nothing else, and compare with
#   the larger move, not with the sum.
# - A fusion that never met a missing image must be asked what it does without one, with the better
#   of several fillings, beside a network that never had that image. Here, on average over both
#   images, dropout helped where one was missing, and cost much where both were there; and the
#   network that was made for the one image was better than either fusion. Whoever can keep that
#   network beside the fusion needs no dropout.
# - Whom should the surgeons believe? Neither image by itself: here it was often their disagreement
#   that told. But only where they lie on each other: of the one short training that we asked, a
#   shift of a few millimetres took all the lead over MRI alone.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("two-dose")` gives a hint, and then another;
# `run.solution("two-dose")` shows how it is done.
#
# ```{exercise}
# :label: two-dose
# In healthy white matter, with an uptake of a quarter, a PET of 100 counts is combined with an MRI
# whose noise has a standard deviation of one tenth, in the same unit. Both are unbiased and
# independent. What is PET's weight?
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
# Two estimates have variances of $1$ each and independent noise, but the second is off by $2$, and
# nobody knows in which direction. Weights add up to one. With which weight of the second is the
# mean squared error of the sum least?
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
