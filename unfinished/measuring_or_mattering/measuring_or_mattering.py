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
# # Measuring or mattering?
#
# **Question.** A company offers your clinic a number: the area of bright lesions in a brain scan,
# read by a network. One slide says that patients who were scanned twice got the same number again.
# The next says that it tells who will get worse. Your neighbour bought it, on another scanner, and
# now treats too few. Both slides were true. Which question did nobody ask, and what would have
# answered it?
#
# **Objectives.** After this chapter you will be able to
#
# - compute an intraclass correlation by hand, and say which of its six forms a question asks for;
# - say how far two readings of one patient may lie apart, on one scanner and on two;
# - judge a risk by ranking, calibration and net benefit, and know what each of them cannot see;
# - tell a model that fails elsewhere from a model that meets other patients;
# - name the error whenever one kind of number is offered as proof of the other.
#
# **Prerequisites.** Variance, logarithm, logistic regression, what an AUC is, and what a
# bootstrap does: it draws patients anew, with repeats, to see how much a number depends on them.
#
# **Data.** *Simulated:* lesions and scanners, on real anatomy (one average brain, warped anew for
# each patient), and who gets worse. There the truth is known. *Real:* nuclei of breast masses of
# several hundred patients, and a blood marker of several thousand people with what became of them.
# A table of your own, patients measured twice on each of two scanners, goes in by
# `readings_file`; the pairs of chest scans of
# [RIDER Lung CT](https://doi.org/10.7937/K9/TCIA.2015.U1X8A5NR), public, can be measured for one.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 200  # simulated patients that the network learns from, 8 ≤ x ≤ 10000
n_validation: int = 60  # and that its weights are chosen by, 4 ≤ x ≤ 10000
n_steps: int = 300  # training steps, 1 ≤ x ≤ 100000
peak_rate: float = 0.016  # highest learning rate, 0 < x ≤ 0.1
n_twice: int = 60  # patients scanned twice on each of two scanners, 10 ≤ x ≤ 10000
n_cohort: int = 300  # patients of either scanner that risks are learned from, 60 ≤ x ≤ 10000
n_clinic: int = 800  # patients of the clinic, scanned on both, 100 ≤ x ≤ 10000
blur_b: float = 1.5  # blur of scanner B in mm, where A has 0.9, 0.5 ≤ x ≤ 4
contrast_b: float = 0.8  # share of a lesion's brightness that B shows, 0.3 ≤ x ≤ 1.2
brain_effect: float = 0.0  # log odds of getting worse per SD of brain area, 0 ≤ x ≤ 10
treat_at: float = 0.3  # risk of getting worse from which one treats, 0.1 ≤ x ≤ 0.6
scanner_sd: float = 0.5  # SD of scanners among many, in SDs of patients, 0 ≤ x ≤ 3
n_studies: int = 400  # studies that draw their scanners, of each number of these, 20 ≤ x ≤ 100000
visit_at: float = 0.2  # risk of dying within five years for a yearly visit, 0.05 ≤ x ≤ 0.5
card: str = "age and sex"  # what is known without the blood: "age and sex" or "nothing"
age_spread: float = 0.5  # SD of age elsewhere, where at home it is 1, 0.2 ≤ x ≤ 1
n_marks: int = 10  # positions of the slider, 2 ≤ x ≤ 30
n_resamples: int = 1000  # bootstrap samples behind an interval, 100 ≤ x ≤ 100000
readings_file: str = ""  # CSV, a patient a row: A, A again, B, B again; else empty

# %%
import copy

import numpy as np
import torch
from scipy.special import expit

from data_fetch.packaged import breast_cancer
from data_fetch.packaged.light_chains import light_chains
from data_fetch.readers.repeated_readings import read_repeated_readings
from data_fetch.tasks.scanned_again import PIXEL_MM2, Scanner, scanned_again
from medlib import experiment
from medlib.experiment.estimate import Estimate
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.plots.line_band import Line, line_band
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.measures.share_interval import share_of
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities
from medlib.translation.validity.brier import brier
from medlib.translation.validity.calibration_curve import calibration_curve
from medlib.translation.validity.calibration_of_risk import (
    calibration_of_risk,
    logistic_fit,
    observed_over_expected,
)
from medlib.translation.validity.case_mix import case_mix_weights, draw_case_mix
from medlib.translation.validity.decision_curve import decision_curve
from medlib.translation.validity.delong import delong
from medlib.translation.validity.discordant_pair import (
    leads_of_pair,
    most_discordant,
    reliability,
    resampled_reliability,
)
from medlib.translation.validity.fall_elsewhere import fall_elsewhere
from medlib.translation.validity.intraclass_correlation import (
    FORMS,
    bootstrap_icc,
    intraclass_correlation,
)
from medlib.translation.validity.limits_of_agreement import limits_of_agreement, proportional_bias
from medlib.translation.validity.scanner_sampling import coverage_of_intervals
from medlib.translation.validity.survival_decision_curve import survival_decision_curve
from medlib.translation.validity.variation import (
    cv_root_mean_square,
    repeatability_coefficient,
    reproducibility,
)

run = experiment.start("translation/measuring_or_mattering", locals())
COLORS = experiment.COLORS
A, B = Scanner(), Scanner(blur_mm=blur_b, contrast=contrast_b)
BRAIN = 0.35  # intensity above which a pixel is brain: between fluid and white matter
MM2 = "mm²"

# %% [markdown]
# ## A picture first
#
# One patient, laid into two scanners, twice into each. Between two scans the patient stood up: the
# head lies a little differently, the noise is another, and so is the smooth field of brightness.
# Between two scanners the image differs as well. B blurs more, and its sequence shows a lesion with
# less contrast. No lesion has changed.

# %% tags=["key"]
sizes = {"train": n_train, "validation": n_validation, "twice": n_twice,
         "cohort A": n_cohort, "cohort B": n_cohort, "clinic": n_clinic}
patients = {name: scanned_again(n, rng=run.rng(f"{name}, patients")) for name, n in sizes.items()}
to_learn = {name: patients[name].scan(A, rng=run.rng(f"{name}, scans"))
            for name in ("train", "validation")}

# %%
middle = float(run.uses(to_learn["train"][0]).array.mean())
spread = float(to_learn["train"][0].array.std())


def tensor(images):
    """Standardised images with a channel."""
    return torch.from_numpy((images - middle) / spread)[:, None].to(run.device)


def pair(name):
    sample, masks = to_learn[name]
    return tensor(sample.array), torch.from_numpy(masks)[:, None].to(run.device)

# %% [markdown]
# The instrument is a small U-Net, an encoder and a decoder with bridges between them. It learned
# from scans of scanner A, with true outlines, and says for each pixel how probable a lesion is
# there. The *reading* of a scan is the sum of these probabilities times the area of a pixel, in
# mm²: the area that is to be expected. The weights that are kept are those of the step with the
# least loss in validation patients.

# %% tags=["key"]
instrument = fit_segmenter(
    *pair("train"), validation=pair("validation"), loss=PIXEL_LOSSES["cross-entropy"],
    steps=n_steps, peak_rate=peak_rate, generator=run.torch_generator("network"),
).network


def readings(who, scanner, name):
    """Lesion area and brain area in mm² of one scan of each patient, and the scans."""
    images = run.uses(patients[who].scan(scanner, rng=run.rng(name))[0]).array
    lesions = pixel_probabilities(instrument, tensor(images), batch_size=8).numpy()
    pixels = np.stack([lesions.sum(axis=(1, 2)), (images > BRAIN).sum(axis=(1, 2))])
    return pixels * PIXEL_MM2, images


# %%
scans = {key: readings("twice", scanner, f"twice, {key}")
         for key, scanner in (("A", A), ("A again", A), ("B", B), ("B again", B))}
twice, brain_twice = (
    np.stack([found[row] for found, _ in scans.values()], axis=1).reshape(n_twice, 2, 2)
    for row in (0, 1)
)  # (patient, scanner, repeat)
truth = patients["twice"].area_mm2

# %%
shown = int(np.argsort(truth)[-max(1, n_twice // 10)])
run.figure(
    image_rows(
        [[images[shown] for _, images in scans.values()]],
        titles=[[f"{key}: {found[0][shown]:.0f} mm²" for key, (found, _) in scans.items()]],
        window=Window(0.1, 0.95, ("intensity", "")),
    ),
    name="one_patient", data="simulated",
    alt="Four axial slices of one brain with bright spots; the last two are more blurred and their"
    " spots paler.",
    caption="One patient with many lesions, four scans, and what the network reads. Two scans by"
    " one scanner give nearly the same number, two scanners do not. Real anatomy, simulated lesions"
    f" and scanners; one of n = {n_twice} patients.",
)

# %% [markdown]
# ## Measuring: does it read the same again?
#
# Call $x_{ij}$ the reading of patient $i$ the $j$-th time, or by the $j$-th scanner, of $n$
# patients and $k$ readings each. Say that
#
# $$ x_{ij} = m + p_i + s_j + e_{ij} : $$
#
# a mean, what is the patient's own, what is the scanner's own, and what is left. Each has a
# variance. An *intraclass correlation* is a share of variance: of all that varies, how much is the
# patients'? It is estimated from *mean squares*. Let $\bar x_i$ be the mean of a patient,
# $\bar x_{\cdot j}$ that of a scanner, $\bar x$ that of all.

# %%
if readings_file:
    own = run.uses(read_repeated_readings(readings_file))
    twice, truth = own.array, own.array.mean(axis=(1, 2))
KIND = "real" if readings_file else "simulated"
n_read = len(twice)

# %% tags=["key"]
x = twice[:, :, 0]  # (patient, scanner): the first reading on A, and the first on B
n, k = x.shape
by_patient, by_scanner, mean = x.mean(axis=1, keepdims=True), x.mean(axis=0), x.mean()
between = k * ((by_patient - mean) ** 2).sum() / (n - 1)
scanners = n * ((by_scanner - mean) ** 2).sum() / (k - 1)
left = ((x - by_patient - by_scanner + mean) ** 2).sum() / ((n - 1) * (k - 1))
by_hand = (between - left) / (between + (k - 1) * left + k * (scanners - left) / n)

# %% [markdown]
# With $B$ for `between`, $S$ for `scanners` and $E$ for `left`, the last line is
#
# $$ \mathrm{ICC}(2,1) = \frac{B - E}{B + (k-1)E + k\,(S - E)/n} . $$
#
# The first figure in the brackets is the model, the second whether one reading is used or the mean
# of $k$. Model 1: each patient was read by scanners of their own, and nothing is known of them.
# Model 2: the same scanners read all, they were drawn from many, and their offsets count as error.
# Model 3: these scanners and no others; a constant offset is forgiven ($S$ is left out). So the
# three answer three questions, and a paper that says "ICC" has not said which.

# %%
def icc(scores, form="2,1"):
    return intraclass_correlation(scores, form=form).estimate()


pairs = {"A and A again": twice[:, 0], "A and B": x}
run.table(
    [{"Form": form, **{what: f"{icc(scores, form):.2ci}" for what, scores in pairs.items()}}
     for form in FORMS],
    name="forms",
    caption=f"Six intraclass correlations of the same readings, {KIND}; intervals over patients by"
    f" F distributions, n = {n_read}.",
)

# %%
again, across = icc(pairs["A and A again"], "1,1"), icc(x)
run.result("icc_again", again, atol=0.02)
run.result("icc_across", across, atol=0.08)
run.result("icc_consistent", icc(x, "3,1"), atol=0.08)
run.result("by_hand_off", abs(by_hand - across.value), atol=1e-9)
run.say("By hand and by the library ICC(2,1) differ by {by_hand_off:.0e}. Two scans on A agree with"
        " ICC(1,1) {icc_again:.2ci}; one on A and one on B with ICC(2,1) {icc_across:.2ci}, or"
        " ICC(3,1) {icc_consistent:.2ci} if the offset is forgiven.")

# %% [markdown]
# The retest is excellent, and it is no evidence at all of what happens on another scanner. That is
# the first error: *repeatability* (nothing changed between two readings) offered as
# *reproducibility* (something did). The interval of ICC(2,1) is honest about it and reaches
# over nearly the whole scale, for reasons that will follow.
#
# A share of variance is no number for one patient. For that one wants mm². The *within-subject
# standard deviation* $s_w$ is the root of the mean of the patients' own variances. Of two readings
# of one patient the difference has the standard deviation $\sqrt2\, s_w$, so in nineteen of twenty
# pairs it is smaller than the *repeatability coefficient* <!-- number: a normal quantile -->
#
# $$ \mathrm{RC} = 1.96\, \sqrt2\; s_w . $$
#
# Relative to the reading there is a *coefficient of variation*, CV. And with two scanners in the
# sum, $\mathrm{RDC} = 1.96\,\sqrt{2\,(\sigma^2_\text{scanner} + \sigma^2_\text{interaction} +
# \sigma^2_e)}$, the *reproducibility coefficient*; the interaction is how the offset differs from
# patient to patient. <!-- number: the same quantile -->

# %% tags=["key"]
rc = repeatability_coefficient(twice[:, 0], unit=MM2)
cv = cv_root_mean_square(twice[:, 0])
rdc = reproducibility(twice, unit=MM2).reproducibility
beyond = share_of((np.abs(x[:, 0] - x[:, 1]) > rc.high).astype(float))
at_home = share_of((np.abs(twice[:, 0, 0] - twice[:, 0, 1]) > rc.high).astype(float))

# %%
run.result("rc", rc, atol=8)
run.result("cv", cv, atol=0.02)
run.result("rdc", rdc.value, unit=MM2, interval=(rdc.low, rdc.high), n=rdc.n, atol=60)
run.result("beyond", beyond, atol=0.12)
run.result("at_home", at_home, atol=0.04)
run.say("On A: RC {rc:.0ci}, CV {cv:.1%ci}. Over both scanners: RDC {rdc:.0ci}; its n is"
        " {n_scanners}, the scanners, and its upper end says what two scanners know of scanners."
        " The upper end of RC's interval is exceeded by {at_home:.0%ci} of patients on A and by"
        " {beyond:.0%ci} when the second scan is made on B.", n_scanners=rdc.n)

# %% [markdown]
# Bland and Altman's picture shows what no coefficient does. For each patient the difference of two
# readings stands over their mean. Dashed are the mean difference and the *limits of agreement*,
# 1.96 standard deviations to each side; bands are their intervals. <!--
# number: the quantile of a normal distribution that defines the limits -->

# %%
def draw_limits():
    figure, axes = panels(1, 2, height_in=3.2, sharey=True)
    for place, (what, scores) in zip(axes[0], pairs.items(), strict=True):
        first, second = scores.T
        found = limits_of_agreement(second, first, unit=MM2)
        place.plot((first + second) / 2, second - first, "o", ms=4, color=COLORS["blue"])
        for end in (found.lower, found.bias, found.upper):
            place.axhline(end.value, ls="--", lw=1, color=COLORS["orange"])
            place.axhspan(end.low, end.high, color=COLORS["orange"], alpha=0.18, lw=0)
        place.set(title=what, xlabel="mean of both (mm²)")
    axes[0, 0].set_ylabel("second less first (mm²)")
    return figure

# %%
agree = limits_of_agreement(x[:, 1], x[:, 0], unit=MM2)
slope = proportional_bias(x[:, 1], x[:, 0], unit=MM2).slope
run.figure(
    draw_limits(), name="limits", data=KIND,
    alt="Two scatter plots of differences over means. On the left dots lie close around zero, on"
    " the right they fall along a line below zero, the further the larger the lesions.",
    caption="Scanned twice on A, readings differ by little (left). On B they are lower, and the"
    f" more so the more lesions there are (right). {KIND.capitalize()}, n = {n_read} patients."
    " Dashed: mean and limits of agreement; bands: intervals of these over patients.",
)
run.result("bias_b", agree.bias, atol=30)
run.result("slope_of_bias", slope, atol=0.1)
run.say("B less A: {bias_b:.0ci} on average, and per mm² of the mean {slope_of_bias:+.2ci} more."
        " With a slope like this, one pair of limits is right for no one: too wide for few lesions,"
        " too narrow for many.")

# %%
MANY = 0.10  # twice what the coefficient promises
margin = min(beyond.low - MANY, again.low - 0.9)
run.claim("repeats on one scanner agree almost perfectly, and yet on another scanner at least twice"
          " as many patients as promised differ by more than the repeatability coefficient",
          margin > 0, margin=margin, falsified_by="falsify_like_a")

# %% [markdown]
# ## A share of what?
#
# An ICC divides by the variance between patients. Take the same instrument and the same scans, and
# keep only the middle half of the patients, who resemble each other. The error stays, the share
# does not.

# %%
alike = (truth >= np.quantile(truth, 0.25)) & (truth <= np.quantile(truth, 0.75))
run.result("icc_alike", icc(twice[alike, 0], "1,1"), atol=0.06)
run.result("rc_alike", repeatability_coefficient(twice[alike, 0], unit=MM2), atol=8)
run.say("Retest ICC of all: {icc_again:.3ci}; of the middle half: {icc_alike:.3ci}. RC of all:"
        " {rc:.0ci}; of the middle half: {rc_alike:.0ci}.")

# %% [markdown]
# So an ICC travels no better than an AUC does: both belong to an instrument *and its patients*.
# Two ICCs of two papers rank two groups of patients as much as two instruments. What may be carried
# elsewhere is the error itself, if it does not depend on size.
#
# ## Two scanners are no population
#
# Now the long interval. ICC(2,1) is about scanners drawn from many, and two were drawn. Simulate
# the whole study many times: patients with a standard deviation of one, scanners with `scanner_sd`,
# an error of three tenths, and sixty patients each. The truth is known. How often does the interval
# hold it? There are two intervals to be had: by $F$ distributions, which count the scanners, and by
# drawing patients anew, which is what most software and most papers do.

# %% tags=["key"]
NUMBERS = (2, 3, 5, 8)
covered = {
    number: coverage_of_intervals(
        n_studies, rng=run.rng(f"{number} scanners"), n_patients=60, n_scanners=number,
        scanner_sd=scanner_sd, error_sd=0.3,
    ) for number in NUMBERS
}

# %%
run.figure(
    line_band(
        {"by F, counts scanners": Line.of(NUMBERS, [covered[m].by_f for m in NUMBERS]),
         "patients drawn anew": Line.of(NUMBERS, [covered[m].over_patients for m in NUMBERS])},
        x=("scanners in the study", ""), y=("intervals that hold the truth", "share"), level=0.95,
        x_ticks=NUMBERS,
    ),
    name="coverage", data="simulated",
    alt="Two lines over two to eight scanners: one rises from about seven tenths to nine tenths,"
    " the other stays far lower; a dotted line at the promised share is above both.",
    caption="Of intervals that promise to hold ICC(2,1) in 95 of 100 studies (dotted), how many do."
    " Intervals over patients alone do so rarely, and with two scanners neither keeps its word."
    f" Simulated, n = {n_studies} studies a point; bands over studies.",
)
two, eight = covered[2], covered[8]
for key, found in (("two", two), ("eight", eight)):
    run.result(f"covered_{key}", found.by_f, atol=0.06)
    run.result(f"covered_patients_{key}", found.over_patients, atol=0.06)

# %%
run.say("With two scanners {covered_two:.0%ci} of intervals by F hold the truth, at a median width"
        " of {wide:.2f}; of those over patients {covered_patients_two:.0%ci}, at {narrow:.2f}. With"
        " eight: {covered_eight:.0%ci} and {covered_patients_eight:.0%ci}.",
        wide=two.width_by_f, narrow=two.width_over_patients)
margin = min(0.9 - two.by_f.high, 0.5 - two.over_patients.high, eight.by_f.low - two.by_f.high)
run.claim("with two scanners drawn from many, a nominal interval of ICC(2,1) holds the truth in"
          " fewer than nine of ten studies, one over patients alone in fewer than half, and with"
          " eight scanners the first does better", margin > 0, margin=margin,
          falsified_by="falsify_scanners_alike")

# %% [markdown]
# More patients do not help: they make the interval over patients shorter still, around the two
# scanners that happened to be there. The unit of that question is the scanner. A study of
# reproducibility needs many scanners and may have few patients, the reverse of what is usual.
#
# ## Mattering: does it tell who gets worse?
#
# A clinic follows patients, and notes who gets worse: $y = 1$. In this simulation the chance grows
# with the logarithm of the *true* lesion area and with nothing else. Each patient also has a second
# number that costs nothing: the area of the brain in the slice, all that is brighter than fluid.

# %% tags=["key"]
log_true = {who: np.log(patients[who].area_mm2) for who in ("cohort A", "cohort B", "clinic")}
scale = log_true["cohort A"].mean(), log_true["cohort A"].std()
read_a = {who: readings(who, A, f"{who} on A")[0] for who in ("cohort A", "clinic")}
read_b = {who: readings(who, B, f"{who} on B")[0] for who in ("cohort B", "clinic")}
brain_scale = read_a["cohort A"][1].mean(), read_a["cohort A"][1].std()


def outcome(who, brain):
    """Who gets worse: by the true lesion area, and by brain area only if we plant that."""
    line = -1.0 + 2.0 * (log_true[who] - scale[0]) / scale[1]
    line = line + brain_effect * (brain - brain_scale[0]) / brain_scale[1]
    return (run.rng(f"{who}, outcome").random(len(line)) < expit(line)).astype(int)


# %%
worse = {"cohort A": outcome("cohort A", read_a["cohort A"][1]),
         "cohort B": outcome("cohort B", read_b["cohort B"][1]),
         "clinic": outcome("clinic", read_a["clinic"][1])}
y = worse["clinic"]

# %% [markdown]
# First the ranking. The AUC is the chance that of two patients, one of whom got worse, that one has
# the higher reading. Its interval is DeLong's, over patients; it also gives the covariance of
# several AUCs on the same patients, so that differences have intervals of their own.

# %% tags=["key"]
ranked = delong(np.stack([read_a["clinic"][0], read_b["clinic"][0], read_a["clinic"][1],
                          log_true["clinic"]]), y)
auc_lesion, auc_b, auc_brain, auc_true = (ranked.area(row) for row in range(4))
more_useful = ranked.contrast(np.array([1, 0, -1, 0])).estimate
on_b = ranked.contrast(np.array([-1, 1, 0, 0])).estimate

# %%
draws = run.rng("patients for the correlations")
spread_of = {name: bootstrap_icc(scores, rng=copy.deepcopy(draws), n_resamples=n_resamples)
             for name, scores in (("lesion", twice[:, :, 0]), ("brain", brain_twice[:, :, 0]))}


def over_patients(name, scores):
    low, high = np.quantile(spread_of[name], [0.025, 0.975])
    value = icc(scores).value
    return Estimate(value, min(low, value), max(high, value), n=len(scores))


# %%
icc_of = {"lesion area": over_patients("lesion", twice[:, :, 0]),
          "brain area": over_patients("brain", brain_twice[:, :, 0])}
for name, found in (("auc_lesion", auc_lesion), ("auc_brain", auc_brain), ("auc_true", auc_true)):
    run.result(name, found, atol=0.02)
run.result("icc_brain", icc_of["brain area"], atol=0.01)
run.result("more_useful", more_useful, atol=0.03)
run.figure(
    interval_points(
        Column(icc_of, x=("ICC(2,1), A and B", "")),
        Column({"lesion area": auc_lesion, "brain area": auc_brain}, x=("AUC on A", ""),
               reference=0.5),
    ),
    name="two_biomarkers", data="simulated",
    alt="Two biomarkers in rows. On the left brain area is near one and lesion area far lower; on"
    " the right lesion area is high and brain area at one half.",
    caption="One reproducible and useless, one useful and irreproducible. Left: agreement of two"
    f" scanners, interval over n = {n_twice} patients, for these two scanners. Right: ranking of"
    f" n = {n_clinic} patients by who gets worse (dotted: a coin). Simulated.",
)

# %%
run.say("Brain area reads the same on both scanners, ICC(2,1) {icc_brain:.3ci}, and its AUC is"
        " {auc_brain:.2ci}. Lesion area does not, and its AUC on A is {auc_lesion:.2ci}; the true"
        " area would reach {auc_true:.2ci}.")
apart = icc_of["brain area"].low - icc_of["lesion area"].high
margin = min(apart, more_useful.low)
run.claim("of two biomarkers the one that two scanners read alike ranks patients worse than the one"
          " that they do not", margin > 0, margin=margin, falsified_by="falsify_brain_matters")

# %% [markdown]
# A number can be excellent as a measurement and say nothing to anybody. That is the second error:
# a high ICC offered as proof of value. (A third is to forbid useful numbers because they are hard
# to measure. Error does cost usefulness, but by a definite amount: see how far the reading's AUC
# lies below that of the true area.) As a control, the useless one must look useless: its AUC must
# lie where the AUC of a coin would, at this number of patients.

# %%
low, high = auc_by_chance(int(y.sum()), int((1 - y).sum()), level=0.99)
margin = min(auc_brain.value - low, high - auc_brain.value)
run.claim("brain area, on which the outcome does not depend, ranks patients as a coin would",
          margin >= 0, margin=margin, control=True, falsified_by="falsify_brain_counts")

# %% [markdown]
# ## From a rank to a risk
#
# A clinic does not treat ranks. It treats whoever's risk is high enough. So the reading is made
# into a risk: on a cohort that was scanned on A, a logistic regression of the outcome on the
# logarithm of the reading. Then the clinic replaces its scanner.

# %% tags=["key"]
def design(areas):
    return np.column_stack([np.ones(len(areas)), np.log(areas[0] if areas.ndim > 1 else areas)])


at_a = logistic_fit(design(read_a["cohort A"][0]), worse["cohort A"])[0]
at_b = logistic_fit(design(read_b["cohort B"][0]), worse["cohort B"])[0]
risks = {"scanner A": expit(design(read_a["clinic"][0]) @ at_a),
         "scanner B": expit(design(read_b["clinic"][0]) @ at_a),
         "B, learned anew": expit(design(read_b["clinic"][0]) @ at_b)}

# %% [markdown]
# Three things are asked of a risk, and no one of them implies another.
#
# *Ranking*: the AUC. Any increasing map of the risks leaves it as it is.
#
# *Calibration*: of patients who are told thirty per cent, do thirty in a hundred get worse? In the
# large: events *observed over expected*, $O/E$. In spread: the *slope* $b$ in
# $\operatorname{logit} P(y = 1) = a + b \operatorname{logit} r$, where $r$ is the told risk and
# one is right. The *Brier score*, the mean of $(r - y)^2$, holds both ranking and calibration;
# scaled, one is perfect and nought is whoever tells everyone the prevalence.
#
# *Worth*: treat from a risk $t$ on. To choose $t$ is to say what a needless treatment costs. If
# somebody with risk exactly $t$ might as well be treated as not, then one needless treatment weighs
# $t/(1-t)$ of a needed one. So the *net benefit*, in needed treatments per patient, is
#
# $$ \mathrm{NB}(t) = \frac{TP}{n} - \frac{FP}{n} \cdot \frac{t}{1-t} , $$
#
# with $TP$ the treated who would have got worse and $FP$ the treated who would not. Whoever treats
# nobody has nought. A model must beat that, and must beat treating all.

# %% tags=["key"]
treated = risks["scanner A"] >= treat_at
needed, needless = (treated & (y == 1)).mean(), (treated & (y == 0)).mean()
benefit_by_hand = needed - needless * treat_at / (1 - treat_at)

# %%
steps = np.unique(np.round(np.append(np.arange(0.05, 0.65, 0.05), treat_at), 4))
curve = decision_curve(np.stack(list(risks.values())), y, thresholds=steps,
                       rng=run.rng("clinic, resamples"), n_resamples=n_resamples)
place = int(np.flatnonzero(np.isclose(steps, treat_at))[0])
areas = delong(np.stack(list(risks.values())), y)


def slope_of(told):
    """The slope as text; where few patients or a poor reading leave it without an end, so."""
    try:
        return f"{calibration_of_risk(told, y).slope:.2ci}"
    except ValueError:
        return "has no end"

# %%
run.table(
    [{"Read on": name, "AUC": f"{areas.area(row):.2ci}",
      "O/E": f"{observed_over_expected(told, y):.2ci}", "slope": slope_of(told),
      "Brier, scaled": f"{brier(told, y).scaled:.2ci}",
      "NB": f"{curve.values[row, place]:.3f}"}
     for row, (name, told) in enumerate(risks.items())],
    name="three_questions",
    caption=f"The same n = {n_clinic} patients, risks from three sources. NB at t = {treat_at:g};"
    f" treating all has {curve.treat_all[place]:.3f}. Simulated; intervals over patients.",
)

# %%
ends = max(told.min() for told in risks.values()), min(told.max() for told in risks.values())
grid = np.linspace(*(ends if ends[0] < ends[1] else (0.2, 0.4)), 12)
curves = {name: calibration_curve(told, y, at=grid) for name, told in risks.items()}
lines = {"right": Line(grid, grid)} | {
    name: Line(grid, found.observed, found.low, found.high) for name, found in curves.items()}
run.figure(
    line_band(lines, x=("told risk", ""), y=("share that got worse", "")),
    name="calibration", data="simulated",
    alt="Curves of the observed share over the told risk. Those of scanner A and of B learned anew"
    " lie along the diagonal, that of B far above it.",
    caption="On B, patients who are told a low risk get worse far more often than told; learned"
    " anew on B, risks are right again. Smooth calibration curves with bands over patients."
    f" Simulated, n = {n_clinic}.",
)

# %%
run.figure(
    line_band(
        {name: Line(steps, curve.values[row], curve.low[row], curve.high[row])
         for row, name in enumerate(risks)} |
        {"treat all": Line(steps[curve.treat_all > -0.1], curve.treat_all[curve.treat_all > -0.1])},
        x=("threshold t", ""), y=("net benefit", "per patient"), level=0.0, mark_x=treat_at,
    ),
    name="benefit", data="simulated",
    alt="Net benefit over the threshold: scanner A on top, B learned anew little below, B with old"
    " risks far lower, treating all falling steeply.",
    caption="What acting on each risk is worth, in needed treatments per patient. On B, with risks"
    " learned on A, much of it is lost; learned anew, most of it is there again. Dotted: the"
    f" threshold set beforehand, and treating nobody. Simulated, n = {n_clinic}; bands over"
    " patients.",
)

# %%
told_b = observed_over_expected(risks["scanner B"], y)
lost = curve.difference(0, 1, at=treat_at)
back = curve.difference(2, 1, at=treat_at)
moved = areas.contrast(np.array([0, -1, 1])).estimate
run.result("auc_change_b", on_b, atol=0.02)
run.result("oe_b", told_b, atol=0.25)
run.result("nb_lost", lost, atol=0.02)
run.result("nb_back", back, atol=0.02)
run.result("auc_change_anew", moved.value, atol=1e-9)
run.result("nb_by_hand_off", abs(benefit_by_hand - curve.values[0, place]), atol=1e-9)

# %%
run.say("By hand and by the library the net benefit differs by {nb_by_hand_off:.0e}. From A to B"
        " the AUC changes by {auc_change_b:+.3ci}, but {oe_b:.2ci} times as many get worse as were"
        " told, and {lost:.0f} needed treatments are lost per thousand patients"
        " [{lost_low:.0f}, {lost_high:.0f}]. Risks learned anew on B win back {back:.0f}"
        " [{back_low:.0f}, {back_high:.0f}], and change the AUC by {auc_change_anew:.0e}.",
        lost=1000 * lost.value, lost_low=1000 * lost.low, lost_high=1000 * lost.high,
        back=1000 * back.value, back_low=1000 * back.low, back_high=1000 * back.high)


# %% [markdown]
# To put both on one scale, ask how much of its lead each keeps. An AUC leads over a coin, by its
# distance from one half. Net benefit leads over the better of treating all and treating none. (They
# are shares of different things, and the second depends on the threshold. But a share is what a
# reader hears in "nearly unchanged".) For the comparison, the AUC's share is taken at the low end
# of its interval.

# %%
best = 1.0 if curve.treat_all[place] > 0 else 0.0  # whether treating all is better than none
lead_auc = 1 + on_b.value / (auc_lesion.value - 0.5)
least_auc = 1 + on_b.low / (auc_lesion.value - 0.5)
lead_nb = 1 - lost.value / (curve.values[0, place] - best * curve.treat_all[place])
less = curve.contrast(np.array([-least_auc, 1, 0, (least_auc - 1) * best]), at=treat_at)
run.result("kept_of_auc", lead_auc, n=n_clinic, atol=0.05)
run.result("kept_of_nb", lead_nb, n=n_clinic, atol=0.2)
harms = int((curve.values[1] < curve.treat_all).sum())
run.say("Of its lead on A, on B the AUC keeps {kept_of_auc:.0%}, net benefit {kept_of_nb:.0%}. At"
        " {harms} of the {many} thresholds of the figure, the lowest of them, acting on B's old"
        " risks is worth less than treating all: there it helps to throw the number away.",
        harms=harms, many=len(steps))
run.claim("on the other scanner net benefit loses a larger share of its lead over the best that one"
          " can do without a reading than the AUC loses of its lead over a coin",
          less.high < 0, margin=-less.high, unit="per patient", falsified_by="falsify_like_a")

# %%
margin = back.low if abs(moved.value) < 1e-9 else -1.0
run.claim("risks that are learned anew on the other scanner win net benefit back, and change no"
          " rank", margin > 0, margin=margin, unit="per patient", falsified_by="falsify_like_a")

# %% [markdown]
# Here is the error in its usual dress: "validated on a second scanner, AUC unchanged". The AUC did
# change a little, as a network on blurred images does not only read lower, it reads some patients
# out of order; an AUC that is *exactly* unmoved belongs to an increasing map. But what harmed
# patients, AUC could not see. Nobody who reads only AUCs would have learned the risks anew.
#
# The same in pure form: bend the readings of A by an increasing map, a power, and lay them beside
# the unbent ones.

# %%
first = read_a["clinic"][0]
bent = first**1.5 * first.mean() / (first**1.5).mean()
same = delong(np.stack([first, bent]), y).contrast(np.array([-1, 1])).estimate.value
run.result("auc_bent", same, atol=1e-12)
run.result("icc_bent", icc(np.stack([first, bent], axis=1)), atol=0.05)
run.say("Bent and unbent readings: AUC differs by {auc_bent:.0e}, ICC(2,1) is {icc_bent:.2ci}.")

# %% [markdown]
# ## Real patients: ten measurements of nuclei
#
# All that was simulated. Here are the nuclei in needle aspirates of breast masses, outlined one by
# one; for each patient and each of ten features the table has the mean over nuclei *and its
# standard error*. So a piece of each validity can be measured on the same patients: the
# *reliability*, the share of the variance between patients that is not sampling of nuclei, and the
# AUC for cancer.

# %% tags=["key"]
nuclei = breast_cancer()
values = run.uses(nuclei.sample).array[:, :10]
errors = nuclei.sample.array[:, 10:20]
cancer = (nuclei.labels == 0).astype(int)
precise, useful = reliability(values, errors), delong(values.T, cancer)

# %%
names = [name.removeprefix("mean ") for name in nuclei.feature_names[:10]]
drawn = resampled_reliability(values, errors, rng=run.rng("nuclei"), n_resamples=n_resamples)
reach = np.quantile(drawn, [0.025, 0.975], axis=0)
order = np.argsort(-precise)
run.figure(
    interval_points(
        Column({names[j]: Estimate(precise[j], min(reach[0, j], precise[j]),
                                   max(reach[1, j], precise[j]), n=len(cancer)) for j in order},
               x=("reliability", "")),
        Column({names[j]: useful.area(j) for j in order}, x=("AUC for cancer", ""), reference=0.5),
    ),
    name="ten_nuclei", data="real",
    alt="Ten features in rows, ordered by reliability on the left; on the right their AUCs, which"
    " do not follow that order.",
    caption="Ten real biomarkers, the most precise on top (left), and how well each tells cancer"
    " (right; dotted: a coin). Precision and use go together for some and not for others."
    f" Real, n = {len(cancer)} patients; intervals over patients.",
)

# %%
shuffled = run.rng("halves").permutation(len(cancer))
one, other = np.array_split(shuffled, 2)
chosen = most_discordant(values[one], errors[one], cancer[one], rng=run.rng("choose pair"))
leads = leads_of_pair(values[other], errors[other], cancer[other], pair=chosen,
                      rng=run.rng("judge pair"), n_resamples=n_resamples)
run.result("pair_more_reliable", leads.more_reliable, atol=0.001)
run.result("pair_more_useful", leads.more_useful, atol=0.001)
run.say("On one half of the patients the most striking pair was chosen: {precise_one}, the more"
        " precise, and {useful_one}, the more useful. In the other half {precise_one} is more"
        " reliable by {pair_more_reliable:+.2ci} and {useful_one} has an AUC higher by"
        " {pair_more_useful:+.2ci}: {first}, {second}.",
        precise_one=names[chosen[0]], useful_one=names[chosen[1]],
        first=leads.more_reliable.verdict(gain="more precise for sure",
                                          neither="not more precise for sure"),
        second=leads.more_useful.verdict(gain="less useful for sure",
                                         neither="not less useful for sure"))

# %% [markdown]
# The reliability here is of one aspirate and one drawing of outlines; a second needle would add
# error of its own. The share of cancers is that of a collection, so that no risk learned here
# carries over to a clinic.
#
# ## Real patients: a marker that ranks, and what it is worth
#
# *Free light chains* are parts of antibodies in the blood. Some thousands of residents of one
# county, fifty years or older, gave one sample each and were followed. The question that a marker
# must answer is not "does it rank?" but "what does it add to what is on the card", their age and
# sex? Three risks of dying within five years are learned on a quarter of these people; all others
# judge. A hypothetical yearly visit is offered from a risk of `visit_at` on, a number that was
# fixed before anything was looked at.

# %% tags=["key"]
people = light_chains()
run.uses(people.sample)
YEARS = 5.0
known = people.died | (people.years >= YEARS)
died = (people.died & (people.years < YEARS)).astype(int)
chains = np.log2(people.column("kappa") + people.column("lambda"))
age, man = (people.column("age") - 65) / 10, people.column("man")
on_card = [age, man] if card == "age and sex" else []

# %%
dealt = run.rng("people").permutation(np.flatnonzero(known))
learn, home, abroad = np.split(dealt, [len(dealt) // 4, len(dealt) // 2])
judge = np.concatenate([home, abroad])


def risk_of(*columns):
    """Told risk of all people, learned on the first quarter."""
    table = np.column_stack([np.ones(len(people)), *columns])
    return expit(table @ logistic_fit(table[learn], died[learn])[0])


# %% tags=["key"]
told = {"light chains": risk_of(chains), card: risk_of(*on_card),
        "both": risk_of(*on_card, chains)}
ranks = delong(np.stack([risk[judge] for risk in told.values()]), died[judge])
at = np.unique(np.round(np.append(np.linspace(0.05, 0.5, n_marks), visit_at), 4))
worth = decision_curve(np.stack([risk[judge] for risk in told.values()]), died[judge],
                       thresholds=at, rng=run.rng("people, resamples"), n_resamples=n_resamples)
gain = worth.difference(2, 1, at=visit_at)

# %%
alone, added = ranks.area(0), ranks.contrast(np.array([0, -1, 1])).estimate
run.result("chains_auc", alone, atol=0.001)
run.result("card_auc", ranks.area(1) if on_card else 0.5, atol=0.001)
run.result("chains_add_auc", added, atol=0.001)
run.result("chains_add_nb", gain, atol=0.001)
run.say("Of n = {n} people, {events} of whom died: light chains alone, AUC {chains_auc:.2ci}; added"
        " to {card}, {chains_add_auc:+.3ci}. Worth at t = {visit_at:g}: {gain:.1f} needed visits"
        " more per thousand people [{low:.1f}, {high:.1f}].", n=len(judge),
        events=int(died[judge].sum()), gain=1000 * gain.value, low=1000 * gain.low,
        high=1000 * gain.high)

# %% [markdown]
# Move the slider: it sets the risk from which a visit is offered. On the right, what is
# then done of every thousand people. Where a line lies below that of treating all, or below nought,
# the model is worth less than no model.

# %%
shown_worth = {name: Line(at, worth.values[row], worth.low[row], worth.high[row])
               for row, name in enumerate(told)}
short = worth.treat_all > -0.06
shown_worth["all"] = Line(at[short], worth.treat_all[short])


def visits_at(t):
    """Needed and needless visits per thousand people, of each model."""
    chosen = [risk[judge] >= t for risk in told.values()]
    return [[1000 * (c & (died[judge] == what)).mean() for c in chosen] for what in (1, 0)]


most = 1.1 * max(map(sum, zip(*visits_at(at[0]), strict=True)))


# %%
def draw_threshold(t):
    """The decision curves, a mark at t, and what each model does to a thousand people."""
    figure, axes = panels(1, 2, height_in=3.3, width_ratios=(1.5, 1))
    line_band(shown_worth, x=("threshold t", ""), y=("net benefit", "per person"), level=0.0,
              mark_x=float(t), axes=axes[0, 0])
    good, bad = visits_at(t)
    axes[0, 1].barh(list(told), good, color=COLORS["blue"], label="needed")
    axes[0, 1].barh(list(told), bad, left=good, color=COLORS["orange"], label="needless")
    axes[0, 1].set(xlabel="visits per 1000 people", xlim=(0, most), title=f"t = {t:g}")
    axes[0, 1].invert_yaxis()
    axes[0, 1].legend()
    return figure


# %%
run.frames(
    [draw_threshold(t) for t in at], name="threshold", label="threshold t",
    values=[f"{t:g}" for t in at], data="real", start=int(np.isclose(at, visit_at).argmax()),
    alt="Lines of net benefit over the threshold with a mark, and bars of needed and needless"
    " visits for three models.",
    caption="Light chains alone lie below age and sex nearly everywhere; both together lie barely"
    f" above age and sex. Real, n = {len(judge)} people; bands over people. The line of treating"
    " all ends where it leaves the picture.",
)

# %%
WORTH = 0.01  # one needed visit more per hundred people
margin = min(WORTH - gain.high, added.low, alone.low - 0.65)
run.claim("in real people, a marker that ranks far better than a coin, and adds to age and sex for"
          " certain, adds less than one needed visit per hundred people at the threshold set"
          " beforehand", margin > 0, margin=margin, falsified_by="falsify_empty_card")

# %% [markdown]
# An AUC of a marker by itself answers a question that no clinic has. Nor does a small $p$-value
# help: with thousands of people, it is sure to be small. (At other thresholds the gain differs; the
# slider shows them all, and no treatment hangs on any of them.)
#
# Some people left the study before five years were over, and were left out above. That is not
# innocent: those who died early are all known. Counting everybody for as long as they were there,
# by Kaplan and Meier's method:

# %%
everyone = np.concatenate([judge, np.flatnonzero(~known)])
censored = survival_decision_curve(
    np.stack([told[card][everyone], told["both"][everyone]]), people.years[everyone],
    people.died[everyone].astype(int), horizon=YEARS, thresholds=np.array([visit_at]),
    rng=run.rng("followed"), n_resamples=min(n_resamples, 300))
kept = censored.values[1, 0] - censored.values[0, 0]
run.result("chains_add_nb_followed", kept, unit="per person", n=len(everyone), atol=0.001)
run.say("{left_out} of {total} had left before. With them the gain is {kept:.1f} per thousand"
        " instead of {gain:.1f}.", left_out=int((~known).sum()), total=len(people),
        kept=1000 * kept, gain=1000 * gain.value)

# %% [markdown]
# ## Other patients, or a model that fails?
#
# The model with age, sex and light chains goes abroad: to a clinic whose people resemble each
# other more in age. They are real people, of the half that was kept for this, each kept or not with
# a chance that depends on age alone, so that the spread of ages shrinks to `age_spread`. Nothing
# about the model or the blood has changed. What would its AUC be if every told risk were simply
# true? That can be computed without asking what became of anyone: of two people with risks
# $r_i > r_j$, only the first dies with the chance $r_i (1 - r_j)$, and only the second with
# $r_j (1 - r_i)$; count the first kind of pairs among both kinds.

# %% tags=["key"]
if age_spread < 1:
    kept_there = draw_case_mix(case_mix_weights(age[abroad], sd=age_spread), rng=run.rng("abroad"))
else:
    kept_there = np.ones(len(abroad), dtype=bool)
there = abroad[kept_there]
fall = fall_elsewhere((told["both"][home], died[home]), (told["both"][there], died[there]))
right_there = observed_over_expected(told["both"][there], died[there])

# %%
run.result("auc_home", fall.home, atol=0.001)
run.result("auc_there", fall.elsewhere, atol=0.001)
run.result("auc_expected", fall.expected, atol=0.001)
run.result("auc_fall", fall.fall, atol=0.001)
run.result("oe_there", right_there, atol=0.001)
run.say("At home (n = {n_home}) the AUC is {auc_home:.2ci}, abroad (n = {n_there}, {events} died)"
        " {auc_there:.2ci}: a fall of {auc_fall:.2ci}. By the told risks alone it should be"
        " {auc_expected:.2f} there. Deaths over deaths told abroad: {oe_there:.2ci}.",
        n_home=len(home), n_there=len(there), events=int(died[there].sum()))
FACTOR = 1.5
off_by = max(-np.log(right_there.low), np.log(right_there.high))
margin = min(fall.fall.low, np.log(FACTOR) - off_by)
run.claim("in real people who are more alike in age the same risks rank worse, while deaths stay"
          " within half as many again of what was told", margin > 0, margin=margin,
          falsified_by="falsify_same_mix")
run.finish()

# %% [markdown]
# So an AUC that falls at an external hospital proves no failure of the model, as an AUC that stays
# proves no health. Compare it with the expected one, and look at calibration; only what is missing
# beyond the expected fall speaks against the model. And a cohort that was made by choice of age is
# a kind one: a true other hospital differs in what nobody recorded.
#
# ## What breaks it
#
# - **One network, one pair of scanners.** Intervals here are over patients. Another network reads B
#   otherwise; ten seeds of this page train ten of them, on other patients.
# - **The other scanner was designed.** How much AUC a scanner takes is a matter of what it does: an
#   offset takes none, noise takes much (try `blur_b=3`).
# - **Truth by construction.** That the outcome follows the lesions was our decision. The anatomy is
#   one average brain, and a slice is no volume.
# - **RC supposes one size of error for all.** Where errors grow with the reading, as here, give
#   them in per cent, or by size.
# - **Net benefit has no costs but $t$**, and no doctor who decides otherwise. It is no trial:
#   nobody was helped by being ranked.
# - **Intervals of a real cohort are for its people.** One county, one collection.
#
# ## Take-aways
#
# - Repeatability, reproducibility, ranking, calibration and worth are five questions. Each has its
#   number; none is a proxy for another.
# - Say which ICC, between what, among whom; and give the error in the unit of the measurement.
# - For scanners, count scanners. Two say almost nothing, however many patients they saw.
# - Before anybody is treated by a number: is the risk right *here*, and is acting on it worth more
#   than acting on what is known anyway?
# - When an AUC changes, ask whether patients did. When it does not, ask what it cannot see.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("measuring-or-mattering-icc")` gives a hint, and then
# another; `run.solution("measuring-or-mattering-icc")` shows how it is done.
#
# ```{exercise}
# :label: measuring-or-mattering-icc
# Write ICC(3,1), the consistency of single readings, as a function of a table with one row a
# patient and one column a scanner. Use no library of statistics.
# ```

# %% tags=["self-check"]
def consistency(scores):
    return None  # a number


run.check("measuring-or-mattering-icc", consistency)

# %% [markdown]
# ```{exercise}
# :label: measuring-or-mattering-change
# On one scanner the within-subject standard deviation is 40 mm². A patient is scanned again after a
# year. From which change on would fewer than one in twenty patients without any change show as
# much?
# ```

# %% tags=["self-check"]
answer = None  # in mm²
run.check("measuring-or-mattering-change", answer)

# %% [markdown]
# ```{exercise}
# :label: measuring-or-mattering-benefit
# Of 1000 patients a model treats 320 at a threshold of 0.2; of these 120 would have got worse. What
# is its net benefit per patient? <!-- number: given in an exercise -->
# ```

# %% tags=["self-check"]
answer = None  # needed treatments per patient
run.check("measuring-or-mattering-benefit", answer)

# %% [markdown]
# ```{exercise}
# :label: measuring-or-mattering-proof
# A vendor writes: "Across five scanners the AUC stayed between 0.83 and 0.85, which shows that our
# reading is reproducible." What has been shown? <!-- number: given in an exercise -->
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("measuring-or-mattering-proof", answer)

# %% [markdown]
# ## Further reading
#
# - P. E. Shrout, J. L. Fleiss, the six forms, with the table that our tests reproduce:
#   [doi:10.1037/0033-2909.86.2.420](https://doi.org/10.1037/0033-2909.86.2.420)
# - K. O. McGraw, S. P. Wong, which form and which interval:
#   [doi:10.1037/1082-989X.1.1.30](https://doi.org/10.1037/1082-989X.1.1.30)
# - J. M. Bland, D. G. Altman, limits of agreement:
#   [doi:10.1016/S0140-6736(86)90837-8](https://doi.org/10.1016/S0140-6736(86)90837-8)
# - D. L. Raunig et al., technical performance of quantitative imaging biomarkers:
#   [doi:10.1177/0962280214537344](https://doi.org/10.1177/0962280214537344)
# - E. R. DeLong et al., comparing AUCs on the same patients:
#   [doi:10.2307/2531595](https://doi.org/10.2307/2531595)
# - B. Van Calster et al., levels of calibration:
#   [doi:10.1016/j.jclinepi.2015.12.005](https://doi.org/10.1016/j.jclinepi.2015.12.005)
# - A. J. Vickers, E. B. Elkin, decision curves:
#   [doi:10.1177/0272989X06295361](https://doi.org/10.1177/0272989X06295361)
# - T. P. A. Debray et al., other patients or a model that fails:
#   [doi:10.1016/j.jclinepi.2014.06.018](https://doi.org/10.1016/j.jclinepi.2014.06.018)
# - A. Dispenzieri et al., the light chains:
#   [doi:10.1016/j.mayocp.2012.03.009](https://doi.org/10.1016/j.mayocp.2012.03.009)
