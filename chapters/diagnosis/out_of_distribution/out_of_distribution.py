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
# # Does it know what it does not know?
#
# **Question.** A network sorts brain tissue into three classes: normal, glioma, lymphoma. One
# morning the slide holds a fourth, a rare tumour of giant cells. The network has three answers and
# gives one of them, almost certain of it. Nobody asked whether it had ever seen such tissue. Could
# it have known, and could it have said so before the patient was treated for the wrong disease?
#
# **Objectives.** After this chapter you will be able to
#
# - derive Mahalanobis's distance from Gaussian classes, and compute it without inverting a matrix;
# - tune six scores of novelty fairly, and tell which strangers each can see;
# - turn any score into a $p$-value that keeps its promise, and say under which condition;
# - weigh a gate's false alarms, misses and referrals against what they cost a clinic.
#
# **Prerequisites.** Python, matrices, what a Gaussian is, and what an AUC is: the chance that a
# stranger scores higher than a known tile. Softmax and logistic regression; intervals, by Student's
# $t$ and by the bootstrap. $\chi^2$, $F$ and Beta distributions are met by name.
#
# **Data.** The tissue is simulated, one tile a patient, so that patients are independent and we
# know what is known. The network is real: EfficientNet-Lite0 with the weights of ImageNet. Real are
# also the strangers from far away: a fundus photograph, an immunostain, a brain MR, a head CT.
# No result below is about patients. To use your own tiles, put them into a folder as
# `CLASS/PATIENT_number.png`, set `tile_folder`, and name in `beyond`, `between` and `unseen` three
# classes to hide from the network; [NCT-CRC-HE](https://doi.org/10.5281/zenodo.1214456) fits. A
# folder does not tell how another place would show its slides, so other scanners are then left out.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_learn: int = 800  # known patients to learn from, 120 ≤ x ≤ 20000
n_tune: int = 300  # known patients to tune on, 12 ≤ x ≤ 20000
n_calibrate: int = 500  # known patients to calibrate on, 60 ≤ x ≤ 20000
n_test: int = 500  # known patients to test on, 40 ≤ x ≤ 20000
n_altered: int = 120  # known patients with spoilt slides, or of other places, 6 ≤ x ≤ 5000
n_strange: int = 120  # patients of each unknown tissue, 6 ≤ x ≤ 5000
n_outliers: int = 80  # strangers of each kind to tune with, and from afar, 6 ≤ x ≤ 5000
n_scanners: int = 10  # laboratories that were not at home, 2 ≤ x ≤ 100
n_draw: int = 99  # patients of one calibration, 19 ≤ x ≤ 120
n_draws: int = 1000  # calibrations drawn, 10 ≤ x ≤ 100000
level: float = 0.05  # nominal share of false alarms, 0.05 ≤ x ≤ 0.5
beyond: str = "giant cell"  # unknown tissue beyond the known: a class of tissue_tiles
between: str = "low grade"  # unknown tissue between known ones: a class of tissue_tiles
unseen: str = "necrosis"  # unknown tissue to tune with: a class of tissue_tiles
deepest: str = "head"  # deepest layer read: "stage2", "stage4", "stage6", "stage7", "head"
eye_step_px: int = 48  # from one tile of the eye to the next, 48 ≤ x ≤ 130
gauss_at: str = "stage4"  # depth of the Gaussians: "stem", "stage2", "stage3", "stage4"
second_sample: str = "held out"  # the control's other sample: "held out" or "training"
far_at: str = "tuned"  # recorded depth of claim one: "tuned", where validation chose, or "stem"
past: str = "beyond"  # recorded tissue of the claim on confidence: "beyond" or "between"
scanners: str = "as they are"  # other scanners of the claim on depth: "as they are", "matched"
chi_in: str = "all"  # features that χ² gets in the trial: "all" or "few", leading directions
calibrated_on: str = "held out"  # whom the trial calibrates on: "held out" or "training"
by_class: bool = True  # whether the claim on classes ranks within each
readings: str = "cheap"  # price of a reading in the trial: "cheap" or "dear"
cost_referral: float = 0.1  # of a reading, in wrong answers of the network, 0 ≤ x ≤ 1
reader_error: float = 0.02  # share of wrong readings, 0 ≤ x ≤ 1
n_resamples: int = 1000  # bootstrap samples behind an interval, 100 ≤ x ≤ 100000
tile_folder: str = ""  # folder with a sub-folder a class, the three hidden ones too; else empty

# %%
import numpy as np
import torch
from scipy.linalg import cholesky, solve_triangular

from data_fetch.packaged import imagenet_weights, retina
from data_fetch.simulated.laboratory import new_laboratory
from data_fetch.simulated.matched_greys import with_greys_of
from data_fetch.simulated.slide_faults import FAULTS
from data_fetch.tasks.class_folder import read_class_folder
from data_fetch.tasks.hidden_classes import with_hidden_classes
from data_fetch.tasks.other_modalities import MODALITIES, other_modality
from data_fetch.tasks.tissue_classes import tissue_tiles
from medlib import experiment
from medlib.diagnosis.novelty.candidates import METHODS
from medlib.diagnosis.novelty.ceiling import supervised_auc
from medlib.diagnosis.novelty.chi_square import chi_square_quantiles, class_moments
from medlib.diagnosis.novelty.chi_square import flagged_by_chi_square, gaussian_stand_in
from medlib.diagnosis.novelty.chi_square import own_distances
from medlib.diagnosis.novelty.confidence import max_softmax_score
from medlib.diagnosis.novelty.conformal import conformal_p, level_distribution
from medlib.diagnosis.novelty.conformal_by_class import conformal_p_by_class
from medlib.diagnosis.novelty.feature_scaling import fit_scaling
from medlib.diagnosis.novelty.gaussian_by_class import hotelling_alarms, leading_directions
from medlib.diagnosis.novelty.gaussian_by_class import shapiro_by_direction
from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score
from medlib.diagnosis.novelty.grouped_rates import held_up_by_group, passed_by_group
from medlib.diagnosis.novelty.realised_level import level_of_each_draw
from medlib.diagnosis.novelty.referral import ReferralCosts
from medlib.diagnosis.novelty.separation import auc_by_group
from medlib.diagnosis.novelty.stratified_mean import stratified_mean
from medlib.diagnosis.novelty.tuned_gate import cheapest_gate, cost_by_kind, mix_curve
from medlib.diagnosis.novelty.tuned_scores import tune_scores
from medlib.experiment.estimate import Estimate
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.plots.line_band import Line, line_band
from medlib.measures.auc import auc
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.measures.mean_interval import mean_interval
from medlib.measures.share_interval import share_of
from medlib.nets.by_depth import read_by_depth
from medlib.nets.efficientnet_lite import DEPTHS, load_imagenet, preprocess

run = experiment.start("diagnosis/out_of_distribution", locals())

# %%
run.require(n_draw <= n_learn, "n_draw", "n_learn",
            right="one calibration is at most as large as what is learned from")
run.require(DEPTHS.index(gauss_at) <= DEPTHS.index(deepest), "gauss_at", "deepest",
            right="what is used is read")

# %%
SIZE = 64  # side of a tile, in pixels
COLORS = experiment.COLORS
ROLES = {"beyond": beyond, "between": between, "unseen": unseen}
SETS = {"learn": n_learn, "tune": n_tune, "calibrate": n_calibrate, "test": n_test,
        "altered": n_altered, "tuning altered": n_outliers}
HIDDEN = {"beyond": n_strange, "between": n_strange, "unseen": n_outliers}
OTHER_PLACES = [new_laboratory(rng=one)
                for one in run.rng("other laboratories").spawn(n_scanners)]

# %%
def simulated_sets():
    """Known tiles for every purpose, and the hidden tissues; each tile is another patient."""
    home = [new_laboratory(rng=one) for one in run.rng("home laboratories").spawn(4)]
    sets = {name: tissue_tiles(n, rng=run.rng(name), laboratories=home)
            for name, n in SETS.items()}
    sets |= {role: tissue_tiles(n, rng=run.rng(role), laboratories=home, tissues=(ROLES[role],))
             for role, n in HIDDEN.items()}
    images = {name: run.uses(one.sample).array for name, one in sets.items()}
    return images, {name: one.labels for name, one in sets.items()}, sets["learn"].names

# %%
def at_other_places():
    """Known tissue that was stained and scanned elsewhere from the start: images and labels."""
    each = max(n_altered // n_scanners, 2)
    own = run.rng("patients elsewhere").spawn(n_scanners)
    there = [tissue_tiles(each, rng=one, laboratories=[place])
             for place, one in zip(OTHER_PLACES, own, strict=True)]
    images = np.concatenate([run.uses(one.sample).array for one in there])
    return images, np.concatenate([one.labels for one in there])

# %%
def own_sets():
    """The same out of a folder."""
    own = read_class_folder(tile_folder, rng=run.rng("own tiles"), size=SIZE)
    run.uses(own.sample)
    images, labels, names = with_hidden_classes(
        own, hidden=list(ROLES.values()), parts=SETS, rng=run.rng("split"), most_hidden=n_strange)
    for role, name in ROLES.items():
        images[role], labels[role] = images[name], labels[name]
    return images, labels, names

# %% [markdown]
# ## A picture first
#
# Three tissues are known, stained in four laboratories. Normal brain has few nuclei. A diffuse
# glioma comes in from one side, with many and irregular ones. Lymphoma is crowded with small round
# ones. Then come strangers. *Near* ones are tissue: giant cells, more bizarre than anything known;
# a low-grade tumour, half-way between normal brain and glioma. Some are known tissue on a bad
# slide, or from a scanner that was not there in learning. *Far* ones are no such tissue at all.

# %%
tiles, labels, names = own_sets() if tile_folder else simulated_sets()
KIND = "real" if tile_folder else "simulated"
KINDS = "real" if tile_folder else "real and simulated"
TEST_FAULTS = ("out of focus", "pen", "fold", "air bubble", "overexposed")
TUNING_FAULTS = ("knife chatter", "compressed")
ALTERED = (*(() if tile_folder else ("other scanner",)), *TEST_FAULTS)

# %%
altered = tiles["altered"]
if not tile_folder:
    tiles["other scanner"], labels["other scanner"] = at_other_places()
    scanner = np.repeat(np.arange(n_scanners), len(tiles["other scanner"]) // n_scanners)
for name in TEST_FAULTS:
    tiles[name] = FAULTS[name](altered, rng=run.rng(name))
for name in TUNING_FAULTS:
    tiles[name] = FAULTS[name](tiles["tuning altered"], rng=run.rng(name))

# %%
FAR = [name for name in MODALITIES if name != "objects"]
for name in (*FAR, "objects"):
    sample = run.uses(other_modality(name, n_outliers, rng=run.rng(name), size=SIZE))
    tiles[name] = sample.array

# %%
regrey = run.rng("greys")
half = len(tiles["test"]) // 2
lent = tiles["test"][half:]  # whose greys the others get
tiles["known, grey"] = with_greys_of(tiles["test"][:half], lent, rng=regrey)
GREY = [f"{name}, grey" for name in FAR]
for name in FAR:
    tiles[f"{name}, grey"] = with_greys_of(tiles[name], lent, rng=regrey)

# %%
shown = {names[c]: tiles["learn"][labels["learn"] == c] for c in range(min(3, len(names)))}
shown |= {beyond: tiles["beyond"], between: tiles["between"]}
shown |= {name: tiles[name] for name in (*ALTERED, *FAR, *GREY[:3])}
def draw_strangers():
    figure, axes = panels(3, 6, height_in=4.6)
    for place, (name, some) in zip(axes.flat, shown.items(), strict=False):
        place.imshow(some[0])
        place.set_title(name.replace(", ", ",\n"), fontsize=8)
    for place in axes.flat:
        place.set_axis_off()
    return figure

# %%
run.figure(
    draw_strangers(), name="strangers", data=KINDS,
    alt="Small pink tiles with dark nuclei of three known tissues, and strange tiles: huge nuclei,"
    " a blurred tile, a pen stroke, an orange retina, a brown stain, grey slices.",
    caption=f"The first three tissues are known; all else is strange. Tissue is {KIND}, the far"
    " tiles (fundus, immunostain, MR, CT) are real; n = 1 tile of each kind. All faults are of one"
    " patient's tile, and the CT in grey is not shown.",
)

# %% [markdown]
# ## Features, and what "usual" means
#
# The network stays as ImageNet left it. At each of its depths, from the stem over seven stages to
# the head, a tile gives one map per channel. We keep of each map its mean and its standard
# deviation over places; from stage 7 on, where maps have few places left, only the mean. So a tile
# becomes nine lists of numbers, its *features* $f$. As a warning to ourselves we add a tenth, which
# needs no network: the mean and the spread of red, green and blue, six numbers in all. Whatever
# these can tell is no merit of a network.

# %%
weights = imagenet_weights()
run.uses(weights.as_sample())
network = load_imagenet(weights.path).to(run.device)
LATE = ("stage7", "head")
READ = DEPTHS[: DEPTHS.index(deepest) + 1]

# %%
def summary(maps):
    """The mean of each channel over places, and its standard deviation."""
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)


def features_of(images):
    found = read_by_depth(network, preprocess(images), summary)
    found = {d: (f[:, : f.shape[1] // 2] if d in LATE else f).astype(float)
             for d, f in found.items() if d in READ}
    colour = images.reshape(len(images), -1, 3).astype(float)
    return {"pixels": np.concatenate([colour.mean(axis=1), colour.std(axis=1)], axis=1)} | found

# %% tags=["key"]
features = {name: features_of(images) for name, images in tiles.items()}
known = features["learn"]
y = labels["learn"]

# %% [markdown]
# Suppose that the features of class $c$ follow a Gaussian with mean $\mu_c$, and that all classes
# share one covariance $\Sigma$ (they are *tied*). Take the logarithm of the Gaussian's density:
#
# $$ \log p(f \mid c) = -\tfrac12\, (f - \mu_c)^\top \Sigma^{-1} (f - \mu_c)
#    - \tfrac12 \log \det (2 \pi \Sigma) . $$
#
# The last term is the same for all $f$ and all $c$. So how unusual $f$ is in class $c$ depends on
# one number only, the squared **Mahalanobis distance** $M_c$, and the gate's score is that to the
# nearest class {cite}`lee2018`:
#
# $$ M_c(f) = (f - \mu_c)^\top \Sigma^{-1} (f - \mu_c), \qquad M(f) = \min_c M_c(f) . $$
#
# Higher means more unusual. Two things go wrong in practice. With many features and few tiles, the
# sample covariance $S$ is nearly singular, and its inverse explodes. **Shrinkage** mends it:
# $\Sigma = (1 - a)\,S + a\,\frac{\operatorname{tr} S}{d} I$, with $d$ the number of features.
# Ledoit and Wolf {cite}`ledoit2004` derive the $a$ that makes the expected squared error least. And
# inverting a matrix loses digits. So factor it, $\Sigma = L L^\top$ with $L$ triangular (Cholesky),
# and solve $L z = f - \mu_c$: then $M_c = z^\top z$. By hand, at one depth:

# %% tags=["key"]
scaling = fit_scaling(known[gauss_at], kind="each by its sd")
f = scaling(known[gauss_at])
mu = np.stack([f[y == c].mean(axis=0) for c in range(len(names))])
S = (f - mu[y]).T @ (f - mu[y]) / len(f)
a = fit_gaussians(f, y).shrinkage  # Ledoit and Wolf's
Sigma = (1 - a) * S + a * np.trace(S) / len(S) * np.eye(len(S))
L = cholesky(Sigma, lower=True)
z = [solve_triangular(L, (f - m).T, lower=True) for m in mu]
M = np.min([(each**2).sum(axis=0) for each in z], axis=0)

# %%
ours = mahalanobis_score(fit_gaussians(f, y), f)
run.result("by_hand_apart", float(np.max(np.abs(M - ours) / ours)), atol=1e-8)
run.result("ledoit_wolf", a, n=len(f), atol=1e-3)
run.say(
    "The library's version agrees to {by_hand_apart:.0e} of the distance. With {d} features and"
    " {n} tiles Ledoit and Wolf shrink by {ledoit_wolf:.3f}.",
    d=len(S), n=len(f),
)

# %% [markdown]
# ## Six scores, tuned alike
#
# Rivals deserve the same care. **Euclid** takes $\Sigma = I$. **Relative Mahalanobis** subtracts
# the distance to one Gaussian of everything known, $M_\text{rel} = M - M_0$ with the mean and the
# covariance $S_0$ of all known tiles, so that only what tells classes apart counts
# {cite}`ren2021`. The **$k$-th neighbour** needs no Gaussian: how far is the $k$-th nearest known
# tile {cite}`sun2022`? Two scores ask the classifier. With its scores $l_c$ before the softmax,
# **max-softmax** is $-\max_c p_c$, $p = \operatorname{softmax}(l/T)$ {cite}`hendrycks2017`, and the
# **energy** is $-T \log \sum_c e^{l_c/T}$ {cite}`liu2020`. All are turned so that higher is more
# unusual. (We rank by $\log(1 - \max_c p_c)$: the same order, and no ties where $p$ rounds to one.)
#
# Every score may choose its depth, its units (features as they are, each divided by its standard
# deviation, or scaled to length one) and its own setting: shrinkage $a$, $k$ or temperature $T$.
# The choice is made by one rule, the mean AUC on **validation strangers**: necrosis, tissue that a
# trembling knife cut in ripples, and tiles that were compressed too much. *None of these kinds is
# tested.* Otherwise we would choose the gate for the burglar we already know. For the last two
# scores a logistic regression is fitted at every depth, its strength chosen on the validation
# tiles. (Energy is said to keep what softmax forgets, a constant in all $l_c$. The $l_c$ of such a
# regression add up to zero, so here there is none to keep. What is left to differ: the energy
# roughly follows the largest $l_c$, max-softmax its lead over the second.) *Max-softmax* is tuned
# on strangers, like the others. A second doubt, *its own*, comes later: that of the classifier that
# answers, which nobody tuned on strangers. The two may stand at different depths.

# %% tags=["key"]
TUNING = ("unseen", *TUNING_FAULTS)
tuned = tune_scores(
    known, y, validation=features["tune"], validation_labels=labels["tune"],
    outliers={name: features[name] for name in TUNING},
)
gate = {method: tuned.best(method, among=READ) for method in METHODS}
scores = {method: {name: one(f) for name, f in features.items()} for method, one in gate.items()}

# %%
without = {m: [tuned.best(m, among=READ, without=kind).depth for kind in TUNING] for m in METHODS}
rows = [{"score": method, "depth": one.depth, "units": one.scaling.kind,
         "its own": one.setting or "–",
         **{{"unseen": unseen}.get(k, k): f"{one.by_kind[k]:.2f}" for k in TUNING},
         "depth without each kind": ", ".join(without[method])}
        for method, one in gate.items()]
caption = (
    f"What validation chose, and its AUC: {len(features['tune']['stem'])} known tiles against"
    f" n = {n_outliers} of each kind of stranger. Last column: the depth that would have been"
    " chosen without the first, the second, the third kind."
)
run.table(rows, name="chosen", caption=caption)

# %%
moved = [m for m, one in gate.items() if any(depth != one.depth for depth in without[m])]
wrong = tuned.logits(features["test"]).argmax(axis=1) != labels["test"]
run.result("classifier_error", share_of(wrong.astype(float)), atol=0.015)
run.say(
    "The last column is a warning: for {moved} of {all} scores one kind of stranger decides the"
    " depth. The classifier itself (at {where}) names {n} known test tiles with an error of"
    " {classifier_error:.1%ci}.",
    moved=len(moved), all=len(gate), where=tuned.classifier_depth, n=len(wrong),
)

# %% [markdown]
# Look at the last two rows before you read on. A classifier's confidence ranks near chance on the
# average, and not because it knows nothing: of some strangers it is surer than of known tissue
# (below one half), of others less sure. It was trained to tell classes apart. Nothing ever told it
# to be unsure elsewhere.
#
# ## One draw, and many
#
# Laboratories, patients and strangers of this page are one draw. Intervals over its patients do not
# know that another draw would have taught another gate. So what follows shows the one draw, and
# ranks nothing by it. In a *recorded trial* everything was drawn, learned, tuned and calibrated
# anew for each seed, with other numbers of tiles than here. The seed is its unit, and all that we
# claim of scores and levels rests on it.

# %%
trial = experiment.recorded(run, "_many_draws/sweep")


def per_seed(*words):
    """A recorded number, one value a seed."""
    return trial.array("_".join(words).lower().replace(" ", "_").replace("-", "_"))


def over_seeds(*words, within=(0, 1)):
    """Its mean, with a t interval over seeds."""
    return mean_interval(per_seed(*words), within=within)


# %%
run.say(str(trial.made) + " Again: `medbook sweep diagnosis/out_of_distribution/_many_draws"
        " --seeds 0-{last} --accept`. Below, *in the trial* means: over {n} seeds, with"
        " t intervals.", last=len(trial.seeds) - 1, n=len(trial.seeds))

# %% [markdown]
# ## Which strangers are seen?

# %%
RECORDED = not tile_folder  # a folder's tissue was not in the trial
NEAR = {"beyond": beyond, "between": between}
plain = tuned.best("Mahalanobis", among=["pixels"])
scores["colours"] = {name: plain(f) for name, f in features.items()}


def separation(method, name):
    """AUC with its interval; for other scanners, the mean over scanners."""
    of, base = scores[method], "known, grey" if name in GREY else "test"
    if name == "other scanner":
        return mean_interval(auc_by_group(of[name], of[base], scanner), within=(0, 1))
    return auc(of[name], of[base])


# %%
KINDS_OF = ("calibrate", *NEAR, *ALTERED, *FAR, *GREY)
found = {method: {name: separation(method, name) for name in KINDS_OF} for method in scores}

# %%
said = {"calibrate": "other known tiles"} | NEAR
rows = [{"stranger": said.get(name, name),
         **{method: f"{of[name].value:.2f}" for method, of in found.items()}}
        for name in KINDS_OF]
caption = (
    f"AUC against {len(tiles['test'])} known test patients (grey kinds: against {half} known"
    f" tiles in the greys of others). n = {n_strange} patients of each unknown tissue, {n_altered}"
    f" altered ones, {n_scanners} scanners, {n_outliers} far tiles. Tissue is {KIND}; far kinds"
    " are real, each cut from one picture or average. One draw."
)
run.table(rows, name="who_sees_what", caption=caption)

# %%
columns = [
    Column({m: found[m][name] for m in METHODS}, x=("AUC", ""), title=title, reference=0.5)
    for name, title in (("beyond", beyond), ("between", between), (ALTERED[0], ALTERED[0]),
                        (GREY[0], GREY[0]))
]

# %%
run.figure(
    interval_points(*columns, highlight=("Mahalanobis",)), name="separation", data=KINDS,
    alt="Dots with intervals for six scores in four panels: for giant cells distances lie high and"
    " max-softmax and energy below one half; for low grade distances lie near one half or below it,"
    " max-softmax and energy above; far tiles are high for distances.",
    caption=f"Of {beyond} and of {between} tissue, distance and confidence see different ones."
    f" One draw; 95 % intervals over patients (n = {n_strange}); for {ALTERED[0]}"
    + (f" over n = {n_scanners} scanners" if RECORDED else f" over n = {n_altered} tiles")
    + f"; for far tiles over tiles of one picture (n = {n_outliers}). Mind the different axes."
    f" Far tiles are real, tissue is {KIND}.",
)

# %% [markdown]
# **Far** tiles are found by every distance, and less by confidence. But six numbers of colour find
# them, too, and that is a warning: *is it the picture that is strange, or its palette?* To give
# each far tile the mean and spread of colours of a known tile is not enough: how red, green and
# blue vary *together* still tells. So we take all of the palette away. Each tile is turned grey,
# and its pixels get, rank by rank, the grey levels of a random known tile (the *grey* rows); known
# tiles go through the same. What is left is how pixels are arranged. All tiles have one size and
# were never resized, so size cannot tell either. Only then is a far stranger a test, and there are
# four of them, however many tiles are cut from each (they overlap): of a fifth picture nothing is
# said.

# %%
def over_far(*words, how):
    """Means over seeds, of the four far pictures, from the lowest to the highest."""
    return sorted(per_seed(*words, name, how).mean() for name in FAR)


matched = {what: over_far("auc", what, how="matched") for what in ("colours", "palette")}
in_grey = {what: over_far("auc", what, how="grey")
           for what in ("Mahalanobis", "Euclid", "max-softmax")}
stem = over_far("mahalanobis at stem", how="grey")

# %%
run.say(
    "In the trial six numbers of colour have AUCs of at least {plain:.3f} for the four pictures as"
    " they are; with mean and spread matched, {low:.2f} to {high:.2f}; but nine numbers, with the"
    " correlations of the colours, still {nine:.2f} to {most:.2f}. In grey, the picture that is"
    " hardest for each leaves Mahalanobis {m:.3f}, Euclid {e:.3f} and max-softmax {s:.2f}: it is a"
    " distance that is needed, with its covariance or without. That"
    " holds at the depths that were chosen: at the stem Mahalanobis comes to {least:.2f} to"
    " {best:.2f}.", low=matched["colours"][0], high=matched["colours"][-1],
    nine=matched["palette"][0], most=matched["palette"][-1], m=in_grey["Mahalanobis"][0],
    e=in_grey["Euclid"][0], s=in_grey["max-softmax"][0], least=stem[0], best=stem[-1],
    plain=min(per_seed("auc", "colours", name).mean() for name in FAR),
)

# %% [markdown]
# So who reports nothing but far strangers has hardly tested a gate. **Near** ones are another
# matter. The classifier is *surer* of tissue that lies beyond the known, on the far side of the
# boundary, than of what it knows. Of tissue *on* the boundary it is unsure. A distance sees what is
# far out, and is blind to what lies between the known: it is not far from them. (A score tuned to
# find strangers is one thing, the doubt of the classifier that answers another: both are below.)

# %%
NEAR_IN_TRIAL = ("beyond", "between", "other scanner")
near = {(m, n): over_seeds("auc", m, n) for n in NEAR_IN_TRIAL
        for m in ("Mahalanobis", "max-softmax", "relative Mahalanobis", "colours", "Euclid")}
for (m, n), value in near.items():
    run.result(f"{n}_by_{m}".lower().replace(" ", "_").replace("-", "_"), value, atol=0.01)
run.result("home_by_mahalanobis", over_seeds("auc Mahalanobis home"), atol=0.005)
for n in ("beyond", "between"):
    run.result(f"answering_{n}", over_seeds("auc answering", n), atol=0.005)
run.say(
    "In the trial Mahalanobis makes {beyond_by_mahalanobis:.2ci} of giant cells, max-softmax"
    " {beyond_by_max_softmax:.2ci}, far *below* one half. Of low-grade tissue it is"
    " {between_by_mahalanobis:.2ci} and {between_by_max_softmax:.2ci}. Relative Mahalanobis,"
    " which looks only where classes differ, comes to {beyond_by_relative_mahalanobis:.2ci} and"
    " {between_by_relative_mahalanobis:.2ci}. At other scanners Mahalanobis has"
    " {other_scanner_by_mahalanobis:.2ci} (as many tiles of home laboratories, drawn anew:"
    " {home_by_mahalanobis:.2ci}). Six numbers of colour have {other_scanner_by_colours:.2ci}:"
    " that is mostly no merit of a network. The doubt of the very classifier that answers has"
    " {answering_beyond:.2ci} for giant cells and {answering_between:.2ci} for low-grade tissue.",
)

# %% [markdown]
# Was there more to see? Cheat, to know: *teach* a logistic regression the strangers, and judge it
# by cross-validation. No gate could do so, for nobody has the strangers of tomorrow. What it
# reaches is what a *straight line* shows in these features: a floor of what there is, no ceiling.

# %%
deal = run.rng("folds")
for name in NEAR:
    value = supervised_auc(features[name][gauss_at], features["test"][gauss_at], rng=deal)
    run.result(f"ceiling_{name}", value, atol=0.02)
run.say(
    "Taught (at {where}), it reaches {ceiling_beyond:.2ci} for {beyond} tissue and"
    " {ceiling_between:.2ci} for {between}. Of what lies beyond, much more was to be seen than any"
    " gate saw. For what lies in a band between two classes this is no limit: no straight line cuts"
    " out a band, and the classifier's doubt, which nobody taught, does about as well (above).",
    where=gauss_at,
)

# %% [markdown]
# Is it the *covariance* that helps Mahalanobis, as is often said? Tuned scores sit at different
# depths, so their difference cannot tell. Compare the two at one depth, in the same units: then all
# that differs is $\Sigma$. (Euclid in units of each feature's spread is nearly Mahalanobis with a
# diagonal $\Sigma$; nearly, for the spread is that of all classes together.)

# %%
def gain_row(name):
    """Mahalanobis's AUC less Euclid's in both units, and at single depths."""
    at = {d: per_seed("mahalanobis at", d, name) - per_seed("euclid at", d, name)
          for d in ("stem", "stage3", "stage6")}
    return {"stranger": {"beyond": "giant cell", "between": "low grade"}.get(name, name),
            "each by its sd": f"{over_seeds('over euclid sd', name, within=(-1, 1)):+.3ci}",
            "unit length": f"{over_seeds('over euclid length', name, within=(-1, 1)):+.3ci}",
            **{f"{d}, by its sd": f"{mean_interval(v):+.2ci}" for d, v in at.items()}}


# %%
COMPARED = (*NEAR_IN_TRIAL, *TEST_FAULTS)
run.table([gain_row(name) for name in (*COMPARED, "home")], name="covariance",
          caption="Recorded, simulated tissue: AUC of Mahalanobis less that of Euclid at the"
          " same depth in the same units; first two columns: mean over all nine depths. Home:"
          " known tiles of home laboratories, drawn anew. Means over"
          f" n = {len(trial.seeds)} seeds with 95 % t intervals.")
for name in COMPARED:
    value = over_seeds("over euclid sd", name, within=(-1, 1))
    run.result(f"over_euclid_{name.replace(' ', '_')}", value, atol=0.002)
tuned_gain = mean_interval(per_seed("auc Mahalanobis beyond") - per_seed("auc Euclid beyond"))
run.result("tuned_gain_beyond", tuned_gain, atol=0.005)
run.say(
    "Over all depths the covariance adds {over_euclid_other_scanner:+.3ci} at other scanners and"
    " {over_euclid_beyond:+.3ci} for giant cells, most at the stem of the depths shown; for"
    " low-grade tissue it makes {over_euclid_between:+.3ci}. Between the two *as tuned*, each at"
    " its own depth, it is {tuned_gain_beyond:+.3ci} for giant cells.")

# %% [markdown]
# ### Six scores, four shifts, two rates
#
# Take the kinds together as a clinic would name them: another *scanner*, a *rare* tissue (and the
# tissue between), a *spoilt slide* of any of the five faults, an *other modality* of any of the
# four, as it is and in grey. What an AUC says of them, with everything drawn anew for each seed:

# %%
SHIFTS = {"other scanner": ("other scanner",), beyond: ("beyond",), between: ("between",),
          "spoilt slide": TEST_FAULTS, "other modality": FAR, "other modality, grey": GREY}
if tile_folder:
    del SHIFTS["other scanner"]
KEYS = dict(zip(reversed(SHIFTS), ("far_grey", "far", "spoilt", "between", "beyond", "scanner"),
                strict=False))  # short names, for the record

# %%
def auc_in_trial(method, kinds):
    """Mean over the kinds of a shift, one value a seed, with its interval over seeds."""
    each = [per_seed("auc", method, name.replace(",", "")) for name in kinds]
    return mean_interval(np.mean(each, axis=0), within=(0, 1))

# %%
run.table(
    [{"score": m} | {shift: f"{auc_in_trial(m, kinds):.2ci}" for shift, kinds in SHIFTS.items()}
     for m in METHODS],
    name="auc_by_shift",
    caption="Recorded: AUC of six scores for six shifts, each the mean over its kinds. Means over"
    f" n = {len(trial.seeds)} seeds with 95 % t intervals. Tissue is simulated, other modalities"
    " are real, four pictures that are the same for all seeds.")

# %% [markdown]
# And what does an AUC mean at the microscope? Two numbers go by the name *FPR at 95 % TPR*, and
# they are not the same; they differ in who is called positive. If **strangers** are ([Hendrycks and
# others](https://doi.org/10.48550/arXiv.1812.04606); so counts pytorch-ood): let the gate catch
# nineteen of twenty strangers: $t$ is the largest score with $\#\{s_i \ge t\} \ge 0.95\,n$, over
# the $n$ strangers' $s_i$. Which share of the known tiles has $s \ge t$, and is *held up*? If
# **known tiles** are {cite}`liu2020`: let it let through nineteen of twenty known tiles. Which
# share of the strangers *passes* with them? Lower is better in both, and a score that ranks by
# chance has 0.95 in both. In both the threshold is taken on the very tiles that are judged, on the
# strangers or on the known ones. So they tell how far apart two sets of scores lie. No clinic could
# set a gate by the first, for it takes tomorrow's strangers; the second is what a calibration
# (below) comes near to. <!-- number: 95 % is in the measure's name -->

# %%
TRIAL_KEYS = {"far_grey": "far grey", "scanner": "other scanner"}  # where they are not the same


def rate_per_seed(what, method, shift):
    return per_seed(what, method, TRIAL_KEYS.get(KEYS[shift], KEYS[shift]))


def rate_rows(what):
    return [{"score": m} | {
        shift: f"{mean_interval(rate_per_seed(what, m, shift), within=(0, 1)):.2ci}"
        for shift in SHIFTS} for m in METHODS]


# %%
MADE = (f" Recorded: gate, laboratories and tiles anew for each of n = {len(trial.seeds)} seeds;"
        " means with 95 % t intervals. Tissue is simulated; other modalities are four real"
        " pictures that are the same for all seeds.")
run.table(rate_rows("held up"), name="held_up", caption="*Held up*: share of known tiles that are"
          " flagged when 95 % of the strangers of a shift are." + MADE)
run.table(rate_rows("passed"), name="passed", caption="*Passed*: share of a shift's strangers that"
          " are not flagged when 95 % of the known tiles are not." + MADE)

# %%
def least(what, shift):
    """The score with the least mean rate, the rate, and by how much the next best is above it."""
    by = {m: rate_per_seed(what, m, shift) for m in METHODS}
    best, second = sorted(METHODS, key=lambda m: by[m].mean())[:2]
    return (f"{shift} {mean_interval(by[best], within=(0, 1)):.2ci} ({best}; {second}"
            f" {mean_interval(by[second] - by[best]):+.2ci})")


# %%
run.say("The best of the six, after the fact, with what the next best has more, hold up: {held}.",
        held="; ".join(least("held up", shift) for shift in SHIFTS))
run.say("They let pass: {passed}.", passed="; ".join(least("passed", shift) for shift in SHIFTS))

# %% [markdown]
# And with one draw, which is what most of us have? Here are the same rates of this page's tiles,
# with bootstrap intervals over what was drawn for each shift: patients, scanners or pictures, the
# gate given.

# %%
resample = run.rng("bootstrap")
DRAWN = {"spoilt slide": np.tile(np.arange(len(altered)), len(TEST_FAULTS))}
DRAWN |= {far: np.repeat(np.arange(len(FAR)), n_outliers) for far in list(SHIFTS)[-2:]}
if not tile_folder:
    DRAWN["other scanner"] = scanner

# %%
def both_rates(method, shift):
    """Held up and passed of one score and shift, with intervals over what was drawn for it."""
    of, kinds = scores[method], SHIFTS[shift]
    strange = np.concatenate([of[name] for name in kinds])
    usual = of["known, grey" if kinds is GREY else "test"]
    drawn = DRAWN.get(shift, np.arange(len(strange)))
    return [rate(strange, usual, drawn, rng=resample, n_resamples=n_resamples)
            for rate in (held_up_by_group, passed_by_group)]


# %%
BOTH = ("held up", "passed")
missed, moved = dict.fromkeys(BOTH, 0), dict.fromkeys(BOTH, 0.0)
for m in METHODS:
    for shift in SHIFTS:
        for what, value in zip(BOTH, both_rates(m, shift), strict=True):
            name = f"{what}_{KEYS[shift]}_{m}".lower().replace(" ", "_").replace("-", "_")
            run.result(name, value, atol=0.01)
            mean = rate_per_seed(what, m, shift).mean()
            missed[what] += not value.low <= mean <= value.high
            moved[what] = max(moved[what], abs(value.value - mean))

# %%
if RECORDED:
    run.say(
        "Of {cells} such intervals {held} do not hold the mean over seeds where it is a share held"
        " up, {passed} where it is a share that passes. The furthest rates are {far_held:.2f} and"
        " {far_passed:.2f} away.", cells=len(METHODS) * len(SHIFTS), held=missed["held up"],
        passed=missed["passed"], far_held=moved["held up"], far_passed=moved["passed"])

# %% [markdown]
# An interval over patients knows nothing of other laboratories, nor of the gate that other learning
# tiles would have made. One draw is one draw, however many tiles it has. So rank scores by the two
# tables, which drew everything anew, and there only where the next best is surely above the best.
#
# An AUC well above one half may still let most strangers pass, once nearly all known tiles are let
# through. That is the rate a clinic feels. No row is good in all columns: neighbours and confidence
# see other strangers than Mahalanobis's distance does. Rare tissue and other scanners pass each of
# the six more often than not.
#
# ## How deep should one look?
#
# Validation has chosen a depth. Was it good for every stranger? Here is Mahalanobis at each depth,
# with units and shrinkage chosen by the same rule there.

# %%
at_depth = {d: tuned.best("Mahalanobis", among=[d]) for d in ("pixels", *READ)}
followed = {"beyond": beyond, "between": between, **{n: n for n in ALTERED if n == "other scanner"},
            "fold": "fold", GREY[0]: GREY[0]}


def seen_at(one, name):
    """AUC at one depth; for other scanners the mean over scanners, with its interval."""
    strange, usual = (one(features[n]) for n in (name, "known, grey" if name in GREY else "test"))
    if name == "other scanner":
        return mean_interval(auc_by_group(strange, usual, scanner), within=(0, 1))
    return auc(strange, usual)


lines = {title: Line.of(range(len(at_depth)), [seen_at(one, name) for one in at_depth.values()])
         for name, title in followed.items()}

# %%
figure = line_band(lines, x=("depth", ""), y=("AUC", ""), level=0.5, height_in=3.4)
figure.axes[0].set_xticks(range(len(at_depth)), at_depth)
figure.axes[0].get_legend().remove()
figure.legend(loc="outside right upper")
run.figure(
    figure, name="by_depth", data=KINDS,
    alt="Lines of AUC from pixels to head: other scanner falls from high to near one half, giant"
    " cells rise and fall again at the head, low grade stays at one half or below, the grey fundus"
    " jumps up at the first stages.",
    caption="Shallow layers see the scanner, deep ones see the cells, and no depth sees both best."
    " One draw; bands: 95 % intervals over tiles, for other scanners over scanners. Validation"
    f" chose {gate['Mahalanobis'].depth}. Far tiles are real, tissue is {KIND}; n = {n_strange}"
    f" patients, {n_outliers} far tiles.",
)

# %% [markdown]
# No: look where each line is highest, and where validation went. One depth cannot be good for all.

# %%
def at_depths(name, high, low):
    """What one recorded depth gains on another for a kind of stranger."""
    first, second = (per_seed("mahalanobis at", depth, name) for depth in (high, low))
    return mean_interval(first - second)


elsewhere = "other scanner" if scanners == "as they are" else "other scanner matched"
scanner_gain = at_depths(elsewhere, "stem", "stage6")
cells_gain = at_depths("beyond", "stage6", "stem")
run.result("scanner_gain", scanner_gain, atol=0.005)
run.result("cells_gain", cells_gain, atol=0.005)
run.result("scanner_stem_matched", over_seeds("mahalanobis at stem other scanner matched"),
           atol=0.005)
run.say(
    "In the trial, for other scanners the stem beats stage six by {scanner_gain:.2ci}; for giant"
    " cells stage six beats the stem by {cells_gain:.2ci}. A gate at one depth is a choice of what"
    " to be warned of. And what the stem sees of a scanner are its colours: given the mean and"
    " spread of the colours of home tiles, other scanners have {scanner_stem_matched:.2ci} there.")

# %% [markdown]
# ## How Gaussian are Gaussians?
#
# If each class *were* Gaussian and we *knew* its mean and covariance, theory would hand us the
# threshold. The squared distance of a tile to its own class would follow $\chi^2_d$, the law of a
# sum of $d$ squared standard normal numbers, and its upper end would mark as many known tiles as we
# like. Three things may spoil it: a $\Sigma$ that was estimated from few tiles and shrunk, classes
# that do not share one covariance, and features that are not Gaussian. To tell them apart, draw
# **stand-ins** that *are* Gaussian, as many as there are tiles, and treat them in the same way:
# once with one covariance for all classes, once with each class's own. The covariances that they
# are drawn from are not shrunk, and come from all known tiles that were not learned from. (This
# part looks at one depth, in the middle of the network. It was chosen by hand: no scores are
# compared here, and any known tile may serve.)

# %%
draw = run.rng("stand-in")
units = fit_scaling(known[gauss_at], kind="each by its sd")
OTHERS = ("test", "calibrate", "tune")
learned, others = units(known[gauss_at]), units(np.concatenate(
    [features[name][gauss_at] for name in OTHERS]))
others_labels = np.concatenate([labels[name] for name in OTHERS])
n_held = len(labels["test"]) + len(labels["calibrate"])
held_out, held_labels = others[:n_held], others_labels[:n_held]
REPEATS = 8

# %% tags=["key"]
means, own = class_moments(others, others_labels)
tied = np.einsum("c,cij->ij", np.bincount(others_labels) / len(others_labels), own)


def stand_in(covariances):
    """Which held-out stand-ins χ² flags, averaged over draws."""
    return np.mean([flagged_by_chi_square(
        gaussian_stand_in(means, covariances, y, rng=draw), y,
        gaussian_stand_in(means, covariances, held_labels, rng=draw), held_labels, level=level)
        for _ in range(REPEATS)], axis=0)


# %%
flagged_of = {
    "tissue": flagged_by_chi_square(learned, y, held_out, held_labels, level=level),
    "Gaussian, one covariance": stand_in([tied] * len(names)),
    "Gaussian, own covariances": stand_in(own)}
run.result("chi_square_alarms", share_of(flagged_of["tissue"]), atol=0.03)
fitted, d = fit_gaussians(learned, y), learned.shape[1]
drawn = [gaussian_stand_in(means, [tied] * len(names), n, rng=draw) for n in (y, held_labels)]
pairs = {
    "test tiles": own_distances(fitted, held_out, held_labels),
    "stand-in": own_distances(fit_gaussians(drawn[0], y), drawn[1], held_labels),
    "training tiles": own_distances(fitted, learned, y)}
pairs = {title: chi_square_quantiles(each, d=d) for title, each in pairs.items()}

# %%
def draw_quantiles(place):
    for (title, pair), color in zip(pairs.items(), ("orange", "blue", "grey"), strict=True):
        place.plot(*pair, ".", color=COLORS[color], ms=3, label=title)
    place.axline((d, d), slope=1, color="black", lw=0.8)
    place.set(xlabel=f"quantile of χ² ({d} degrees)", ylabel="squared distance to own class",
              title="Q-Q plot")
    place.legend()

# %%
def draw_flagged(place):
    looks = zip(flagged_of.items(), (("orange", "s"), ("blue", "o"), ("green", "^")), strict=True)
    for (title, flags), (color, mark) in looks:
        values = [flags.mean(), *(flags[held_labels == c].mean() for c in range(len(names)))]
        place.plot(values, mark, color=COLORS[color], label=title)
    place.axhline(level, color="black", lw=0.8, ls=":")
    place.set_xticks(range(len(names) + 1), ["all", *names], rotation=20)
    place.set(ylabel="share flagged", title="flagged by χ²", ylim=(0, None))
    place.legend()

# %%
figure, axes = panels(1, 2, height_in=3.2)
draw_quantiles(axes[0, 0])
draw_flagged(axes[0, 1])
run.figure(
    figure, name="chi_square", data=KIND,
    alt="Left: test tiles rise above the diagonal, the stand-in less, training tiles lie below."
    " Right: the share flagged, for all and by class, of tissue and two Gaussian stand-ins; tissue"
    " follows the stand-in with own covariances, lies above it for normal brain and glioma;"
    " glioma is highest.",
    caption=f"χ² promises {level:.0%} of false alarms (dotted) and, of all tiles together, gives"
    f" more; so it does of features that are Gaussian. At {gauss_at}, own class, Ledoit-Wolf;"
    f" stand-ins: left one draw with one covariance, right means of {REPEATS} draws."
    f" {KIND.capitalize()} tissue, n = {n_held} held-out patients, one draw.",
)

# %% [markdown]
# Training tiles lie *below* the diagonal: they have pulled means and covariance towards themselves,
# and look more usual than they are. And one glance at the classes tells what the tied covariance
# does: where a class is more varied than the others, its own patients look unusual.

# %%
CLASSES = ("normal brain", "diffuse glioma", "lymphoma")
CHI = {"tissue": "tissue", "tied": "Gaussian, one covariance", "own": "Gaussian, own covariances"}
by_chi = {key: over_seeds("chi", key, chi_in) for key in CHI}
for key, value in by_chi.items():
    run.result(f"chi_square_{key}", value, atol=0.002)


def not_gaussian(*of):
    """What χ² flags of tissue beyond Gaussian stand-ins with each class's own covariance."""
    return mean_interval(per_seed("chi tissue all", *of) - per_seed("chi own all", *of))


too_much = [per_seed("chi", key, "all").mean() - level for key in CHI]
run.say(
    "In the trial χ² flags {chi_square_tissue:.1%ci} of the known test tiles where it"
    " promises {level:.0%}; of Gaussian stand-ins with one covariance {chi_square_tied:.1%ci},"
    " with their own {chi_square_own:.1%ci}. So taking one step after the other, {few:.0%} of what"
    " is too much is the work of few tiles and shrinkage, and another {untied:.0%} that of classes"
    " that do not share a covariance.",
    few=too_much[1] / too_much[0], untied=(too_much[2] - too_much[1]) / too_much[0])
run.result("chi_square_not_gaussian", not_gaussian(), atol=0.002)
run.say(
    "What remains, {chi_square_not_gaussian:+.1%ci} of all tiles, is not Gaussian, and not of one"
    " sign: {by_class}.",
    by_class=", ".join(f"{not_gaussian(name):+.1%ci} of {name}" for name in CLASSES))

# %% [markdown]
# How much of this is *few tiles*? Only stand-ins can tell, for they cost nothing: let there be four
# and sixteen times as many to learn from, with the same moments.

# %%
more, TIMES = run.rng("more stand-ins"), (1, 4, 16)


def with_more(covariances, times):
    """What χ² flags of held-out stand-ins if there were so many times the tiles; by draw."""
    its = np.tile(y, times)
    return mean_interval([flagged_by_chi_square(
        gaussian_stand_in(means, covariances, its, rng=more), its,
        gaussian_stand_in(means, covariances, held_labels, rng=more), held_labels,
        level=level).mean() for _ in range(REPEATS)], within=(0, 1))

# %%
by_times = {key: [with_more(each, times) for times in TIMES]
            for key, each in (("tied", [tied] * len(names)), ("own", own))}
for key, found_at in by_times.items():
    for times, value in zip(TIMES, found_at, strict=True):
        run.result(f"chi_square_{key}_times_{times}", value, atol=0.005)
run.say(
    "Learned from {times} times the {n} tiles, χ² flags {tied} of Gaussian stand-ins with one"
    " covariance, and {own} of those with their own (means of {draws} draws from this page's"
    " moments; t intervals over these). So the first is the work of few tiles, and goes with more."
    " Of the second a part is there at the last as well.",
    times=", ".join(map(str, TIMES)), n=len(y), draws=REPEATS,
    **{key: ", ".join(f"{e:.1%ci}" for e in each) for key, each in by_times.items()})

# %% [markdown]
# Is each class Gaussian, then? To be fair to the assumption, take few directions, those in which
# tiles of a class vary most, and each class's *own* covariance. With $n$ tiles in $q < n$
# directions [Hotelling's law](https://doi.org/10.1214/aoms/1177732979) is exact for a new tile of a
# Gaussian class: an $F$ distribution in the place of $\chi^2$. Exact it is only if the directions
# were *not* chosen by looking at the same tiles. So one half of the tiles gives the directions, the
# other mean and covariance. And a right number of alarms is no proof. Four clusters can have the
# tails of a Gaussian. So we ask for the shape, too: [Shapiro and Wilk's
# test](https://doi.org/10.1093/biomet/52.3-4.591), class by class along each direction, on tiles
# that had no part in it.

# %% tags=["key"]
FEW, first = 10, np.arange(len(y)) < len(y) // 2


def in_few_directions(depth):
    units = fit_scaling(known[depth], kind="each by its sd")
    f, g = (units(x[depth]) for x in (known, features["test"]))
    axes = leading_directions(f[first], y[first], count=FEW)
    f, its = f[~first] @ axes, y[~first]
    alarms = [hotelling_alarms(f[its == c], g[labels["test"] == c] @ axes, level=level)
              for c in range(len(names)) if (its == c).sum() > 2 * FEW]
    return np.concatenate(alarms), shapiro_by_direction(g @ axes, labels["test"])


# %%
few_of = {depth: in_few_directions(depth) for depth in dict.fromkeys(("stem", gauss_at))}
run.say(
    "In {few} directions of this draw the law flags {shares} at a nominal {level:.0%}, and the test"
    " of shape rejects {rejected} of {n} pairs of class and direction, where a Gaussian would be"
    " rejected in {level:.0%}.",
    few=FEW, n=FEW * len(names),
    shares=", ".join(f"{share_of(a):.1%ci} at {at}" for at, (a, _) in few_of.items()),
    rejected=", ".join(f"{(p < level).sum()} ({at})" for at, (_, p) in few_of.items()),
)

# %%
for depth in ("stem", "stage4"):
    for what, atol in {"hotelling": 0.002, "shapiro": 0.01, "by laboratory": 0.01,
                       "shapiro one laboratory": 0.005, "shapiro as many mixed": 0.005}.items():
        name = f"{what} {depth}".replace(" ", "_")
        run.result(name, over_seeds(what, depth), atol=atol)
run.say(
    "In the trial the law flags {hotelling_stem:.1%ci} at the stem and {hotelling_stage4:.1%ci}"
    " at stage four, and the test of shape rejects {shapiro_stem:.0%ci} and"
    " {shapiro_stage4:.0%ci}. The number of alarms may be nearly right, and still the shape is"
    " not that of a Gaussian. Part of the reason is known: a class is a *mixture* of four labs,"
    " and along the direction in which laboratories differ most they explain"
    " {by_laboratory_stem:.0%ci} and {by_laboratory_stage4:.0%ci} of the variance. Of the tiles of"
    " one laboratory the test rejects {shapiro_one_laboratory_stem:.0%ci} and"
    " {shapiro_one_laboratory_stage4:.0%ci}; of as many tiles of all four,"
    " {shapiro_as_many_mixed_stem:.0%ci} and {shapiro_as_many_mixed_stage4:.0%ci}: mixing explains"
    " a part. (A test of shape rejects more often the more tiles it gets; the trial gives it more"
    " than this page.)")

# %% [markdown]
# ## A promise that is kept: ranks
#
# A score needs no law if it is only *ranked*. Put aside $m$ known tiles that took no part in
# fitting or tuning, the **calibration** set, and ask how many of them are at least as unusual:
#
# $$ p(x) = \frac{1 + \#\{i : s_i \ge s(x)\}}{m + 1} . $$
#
# If $x$ is known, $x$ and the $m$ are *exchangeable*: any order of the $m + 1$ scores is as likely
# as any other. So the rank of $x$ is uniform, and for every nominal level $\alpha$ we have $P(p \le
# \alpha) \le \alpha$, whatever the score, the network, the tissue. That is **conformal** prediction
# {cite}`vovk2005`. It holds *on average over calibration sets*. With one set in hand the true
# false-alarm rate is a random number, that follows $\text{Beta}(k, m + 1 - k)$ with $k = \lfloor
# \alpha(m + 1) \rfloor$ ([Vovk](https://doi.org/10.48550/arXiv.1209.2673)).

# %% tags=["key"]
model = fit_gaussians(f, y)  # the gate by hand, at gauss_at: not the tuned one
to_class = {name: model.distances(scaling(features[name][gauss_at]))
            for name in ("learn", "calibrate", "test", *ALTERED)}
nearest = {name: each.min(axis=1) for name, each in to_class.items()}
p = conformal_p(nearest["test"], calibration=nearest["calibrate"])
promised = level_distribution(n_draw, level=level)

# %%
everyone = np.concatenate([nearest["calibrate"], nearest["test"]])
levels = level_of_each_draw(everyone, n_calibration=n_draw, n_draws=n_draws, level=level,
                            rng=run.rng("calibrations"))
run.result("level_here", share_of((p <= level).astype(float)), atol=0.02)
run.result("level_sd", float(levels.std()), n=n_draws, atol=0.003)
m = len(nearest["calibrate"])
usual = level_distribution(m, level=level).interval(0.95)

# %%
def draw_levels():
    figure, axes = panels(1, 1, height_in=2.9)
    place, top = axes[0, 0], max(levels.max(), promised.ppf(0.999))
    place.hist(levels, bins=np.linspace(0, top, 31), density=True, color=COLORS["sky"],
               label=f"{n_draws} calibrations")
    grid = np.linspace(0, top, 200)
    place.plot(grid, promised.pdf(grid), color=COLORS["orange"], label="Beta, as derived")
    place.axvline(level, color="black", ls=":", lw=1.2)
    place.set(xlabel="share of the other known tiles that are flagged", ylabel="density")
    place.legend()
    return figure

# %%
run.figure(
    draw_levels(), name="levels", data=KIND,
    alt="A histogram of false-alarm rates around the nominal level, under the curve of a Beta"
    " distribution.",
    caption=f"One calibration on {n_draw} patients may give twice or half the nominal level"
    f" (dotted). {KIND.capitalize()} tissue: {len(everyone)} held-out patients, divided anew"
    f" n = {n_draws} times. (That the mean is right is arithmetic: they are the same patients.)",
)

# %%
run.say(
    "Calibrations on {small} scatter with a standard deviation of {level_sd:.1%}, where the Beta"
    " distribution says {sd:.1%}. The one at hand, on {m} patients, flags {level_here:.1%ci} of the"
    " test patients. Of calibrations of this size, 95 in 100 have a true level between {low:.1%}"
    " and {high:.1%}; what one of them flags of some test patients is luck besides, and no test of"
    " the promise. (The patients that remain of the pool are few, too, which widens the scatter a"
    " little beyond Beta's.)",
    small=n_draw, sd=float(promised.std()), m=m, low=usual[0], high=usual[1],
)

# %% [markdown]
# The promise is about the average, so it takes many laboratories, many gates and many calibrations
# to test it. We call it kept if the whole interval lies within one point of the nominal level.

# %%
MARGIN = 0.01  # how near to the nominal level counts as kept
MARGIN_CLASS = 0.02  # the same for a class, of which there are fewer tiles
kept = over_seeds("level", calibrated_on)
run.result("mean_level", kept, atol=0.002)
run.result("level_training", over_seeds("level training"), atol=0.005)
run.result("flagged_elsewhere", over_seeds("level other scanner"), atol=0.005)
run.say(
    "In the trial, with a calibration of {m} patients, {mean_level:.2%ci} of the known test"
    " patients are flagged, where {level:.0%} was promised. With χ² it was"
    " {chi_square_tissue:.0%}. Calibrated on *training* tiles it would be"
    " {level_training:.0%ci}. And of known tissue from laboratories that were not at home,"
    " which is not exchangeable with the calibration set, {flagged_elsewhere:.0%ci} are"
    " flagged.", m=trial.fixed["n_calibrate"])

# %% [markdown]
# ### Right on average, wrong for some
#
# The promise is about *all* known tiles together. Who is it that gets the false alarms? If one
# class is more varied than the others, a shared threshold falls on its patients. The remedy is to
# rank within each class: $p_c(x)$ asks where $x$'s distance to class $c$ stands among the
# calibration tiles *of class $c$*, and $x$ is flagged if it fits none, $\max_c p_c \le \alpha$
# (*Mondrian* conformal prediction). A tile of class $c$ is then flagged with a chance of at most
# $\alpha$, in each class, and nobody needs to know its class: if the largest $p$-value is at most
# $\alpha$, so is that of the tile's own class. In one draw a class may well exceed $\alpha$; the
# promise is an average.

# %% tags=["key"]
p_class = conformal_p_by_class(
    to_class["test"], calibration=to_class["calibrate"], labels=labels["calibrate"]
).max(axis=1)
flags = {"one threshold": p <= level, "fits no class": p_class <= level}

# %%
RATES = {"one threshold": "level held out", "fits no class": "level fits none held out"}
def class_row(c, name):
    its = labels["test"] == c
    row = {"class": name, "test patients": int(its.sum())}
    row |= {f"{how}, here": f"{flag[its].mean():.1%}" for how, flag in flags.items()}
    if not tile_folder:
        row |= {f"{how}, trial": f"{over_seeds(key, name):.1%ci}" for how, key in RATES.items()}
    return row

# %%
caption = (
    f"Known test patients that are flagged at a nominal {level:.0%}, for the one calibration at"
    f" hand ({m} patients) and, where it was recorded, in the trial: mean over seeds, 95 % t"
    f" intervals. {KIND.capitalize()} tissue."
)
run.table([class_row(c, name) for c, name in enumerate(names)], name="by_class", caption=caption)

# %%
gap = mean_interval(per_seed("level held out", CLASSES[1])
                    - per_seed("level held out", CLASSES[0]))
ranked = RATES["fits no class" if by_class else "one threshold"]
in_class = {name: over_seeds(ranked, name) for name in CLASSES}
worst = max(in_class.values(), key=lambda one: one.value)
run.result("gap_between_classes", gap, atol=0.003)
run.result("worst_class", worst, atol=0.003)
run.say(
    "In the trial one threshold flags more patients with glioma than with normal brain, by"
    " {gap_between_classes:.1%ci}. Ranked within classes, the class that bears"
    " most has {worst_class:.1%ci}; we call the promise kept if the interval ends below"
    " {most:.0%}. It is no equality: normal brain has {least:.1%ci}. And it is not free: of giant"
    " cells one threshold flags {caught:.0%ci}, ranking within classes {then:.0%ci}.",
    most=level + MARGIN_CLASS, caught=over_seeds("level beyond"),
    then=over_seeds("level fits none beyond"), least=over_seeds(RATES["fits no class"], CLASSES[0]))

# %% [markdown]
# ## In the clinic
#
# A gate is not judged by its AUC, but by what it does to patients. Let the network answer what the
# gate lets through, and a pathologist read the rest. **Coverage** is the share of tiles that the
# network answers, **risk** the share of its answers that are wrong. A stranger of no known class
# that is let through is always wrong. What an error and a reading cost is for the clinic to say; so
# is the mix of cases that it meets. Both are assumed here, and are parameters or stand in the cell.

# %%
MIX = {"test": 0.80, "beyond": 0.02, "between": 0.02}
MIX |= {name: 0.05 for name in ALTERED if name == "other scanner"}
MIX |= {name: 0.10 / len(TEST_FAULTS) for name in TEST_FAULTS}
MIX |= {name: 0.01 / len(FAR) for name in FAR}
TUNING_MIX = {"tune": 0.85, "unseen": 0.04, "objects": 0.01}
TUNING_MIX |= {name: 0.10 / len(TUNING_FAULTS) for name in TUNING_FAULTS}
costs = ReferralCosts(referral=cost_referral, reader_error=reader_error)
run.say(
    "A wrong answer of the network costs 1, a reading {cost_referral:g}, and readers err in"
    " {reader_error:.0%}. Of the cases {known:.0%} are known tissue of known laboratories,"
    " {scanners:.0%} of others, {spoilt:.0%} spoilt slides, {unknown:.0%} unknown tissue,"
    " {lost:.0%} slides that belong elsewhere.",
    known=MIX["test"], scanners=MIX.get("other scanner", 0.0),
    spoilt=sum(MIX[n] for n in TEST_FAULTS), unknown=MIX["beyond"] + MIX["between"],
    lost=sum(MIX[n] for n in FAR),
)

# %%
whose = dict.fromkeys(TEST_FAULTS, "altered") | dict.fromkeys(TUNING_FAULTS, "tuning altered")


def mistakes(name):
    """Whether the network's answer is wrong; of an unknown tissue it always is."""
    if name not in (*whose, "test", "tune", "other scanner"):
        return np.ones(len(tiles[name]), dtype=bool)
    return tuned.logits(features[name]).argmax(axis=1) != labels[whose.get(name, name)]


JUDGED = (*MIX, *TUNING_MIX)
errs = {name: mistakes(name) for name in JUDGED}

# %% [markdown]
# Gates are tuned by what they shall be good for: each distance takes the depth *and* the threshold
# that cost least in the validation mix. The rival is the doubt of the very classifier that answers,
# its max-softmax. No score saw all strangers, so two together might see more: refer a tile if
# Mahalanobis *or* the classifier's doubt finds it unusual, each ranked among the calibration tiles,
# so that both speak the same language.

# %% tags=["key"]
doubt = {n: max_softmax_score(tuned.logits(features[n])) for n in (*JUDGED, "calibrate")}
options = {m: {d: {n: tuned.at[m, d](features[n]) for n in doubt} for d in READ}
           for m in METHODS[:4]}
options["its own doubt"] = {"answering": doubt}


def as_p(of):
    return {n: conformal_p(of[n], calibration=of["calibrate"]) for n in JUDGED}


options["either of two"] = {d: {n: -np.minimum(p, as_p(doubt)[n]) for n, p in as_p(of).items()}
                            for d, of in options["Mahalanobis"].items()}

# %%
best = {m: cheapest_gate(by_depth, errs, shares=TUNING_MIX, costs=costs)
        for m, by_depth in options.items()}
gates = {m: {n: options[m][depth][n] for n in MIX} for m, (depth, _) in best.items()}
spent = {m: cost_by_kind(gates[m], errs, threshold=best[m][1], costs=costs) for m in gates}
curves = {m: mix_curve(gates[m], errs, shares=MIX, costs=costs) for m in gates}
no_gate = {name: errs[name].astype(float) for name in MIX}
cost = {m: stratified_mean(each, shares=MIX) for m, each in {"no gate": no_gate, **spent}.items()}
saved = {m: stratified_mean({n: no_gate[n] - spent[m][n] for n in MIX}, shares=MIX) for m in gates}

# %%
SAVED = {"relative Mahalanobis": "relative_mahalanobis", "k-th neighbour": "k_th_neighbour",
         "its own doubt": "confidence", "either of two": "either"}

# %%
def gate_row(method):
    depth, threshold = best[method]
    curve, gain = curves[method], saved[method]
    at = np.searchsorted(curve.thresholds, threshold, side="right") - 1
    row = {"gate": method, "depth": depth, "answered": f"{curve.coverage[at]:.0%}",
           "wrong of these": f"{curve.risk[at]:.1%}",
           "saved, net": f"{100 * gain.value:.1f}"}
    if RECORDED:
        each = mean_interval(100 * per_seed("saved", SAVED.get(method, method), "0"))
        row["saved, net, in the trial"] = f"{each:.2ci}"
    return row

# %%
free = cost["no gate"].value
rows = [{"gate": "no gate", "depth": "–", "answered": "100%", "wrong of these": f"{free:.1%}",
         "saved, net": "–"}, *map(gate_row, gates)]
if RECORDED:
    rows[0]["saved, net, in the trial"] = "–"
caption = (
    "The assumed mix. What a gate saves on 100 tiles, net: the errors that it spares less what its"
    " readings cost, in wrong answers of the network. Depths and thresholds were chosen on the"
    f" validation mix. One draw of {KIND} tissue and real far tiles, and, where recorded, the"
    " trial: mean over seeds, 95 % t intervals."
)
run.table(rows, name="costs", caption=caption)

# %%
run.result("cost_without_gate", cost["no gate"], atol=0.01)
run.result("saved_here_relative", saved["relative Mahalanobis"], atol=0.01)

# %%
def saved_more(one, other, price):
    """What one gate saves beyond another, seed by seed."""
    both = (per_seed("saved", name, price) for name in (one, other))
    return mean_interval(np.subtract(*both))


by_relative = saved_more("relative Mahalanobis", "Mahalanobis",
                         "0" if readings == "cheap" else "1")
by_either = saved_more("either", "relative Mahalanobis", "0")
run.result("saved_more_by_relative", by_relative, atol=0.0005)
run.result("saved_more_by_either", by_either, atol=5e-5)

# %%
GROUPS = {"usual": "usual known tissue", "unknown": "unknown tissue", "spoilt": "spoilt slides"}
gained = {said_so: mean_interval(100 * (per_seed("saved relative Mahalanobis by", group)
                                        - per_seed("saved Mahalanobis by", group)))
          for group, said_so in GROUPS.items()}

# %%
on_100 = {name: Estimate(100 * e.value, 100 * e.low, 100 * e.high, n=e.n)
          for name, e in (("relative", by_relative), ("either", by_either))}
run.say(
    "In the trial relative Mahalanobis saves, net of readings, the worth of {relative:+.2ci} wrong"
    " answers on 100 tiles beside Mahalanobis: {where}, and the rest at other scanners and of far"
    " tiles. A likely reason: it looks where classes differ, and so sees known tiles that the"
    " classifier is about to get wrong. Either of two saves {either:+.2ci} beside relative"
    " Mahalanobis: hardly more. No gate is free: what it saves, it saves by sending tiles to a"
    " human.", where=", ".join(f"{e:+.2ci} of {name}" for name, e in gained.items()), **on_100)

# %%
FLAGGED = (0, 1, 2, 5, 10, 20, 35, 50, 75, 100)
LOOK = {"Mahalanobis": ("blue", "-"), "relative Mahalanobis": ("black", ":"),
        "its own doubt": ("orange", "--"), "either of two": ("green", "-.")}


def at_level(method, per_cent):
    """The place on a gate's curve at which so many per cent of known tiles are referred."""
    t = np.quantile(gates[method]["test"], 1 - per_cent / 100)
    t = {0: np.inf, 100: -np.inf}.get(per_cent, t)
    return max(int(np.searchsorted(curves[method].thresholds, t, side="right")) - 1, 0)

# %%
def draw_half(place, quantity, per_cent):
    for method, (color, style) in LOOK.items():
        curve, at = curves[method], at_level(method, per_cent)
        y = getattr(curve, quantity)
        some = curve.coverage > 0.05  # of fewer answers the risk is hardly known
        place.plot(curve.coverage[some], y[some], style, color=COLORS[color], label=method)
        if curve.coverage[at] > 0.05:
            place.plot(curve.coverage[at], y[at], "o", mfc="none", color=COLORS[color], ms=8)
    place.set(xlabel="coverage", xlim=(0, 1.02), ylim=(0, None),
              title=f"{quantity} against coverage")

# %%
def draw_referral(per_cent):
    figure, axes = panels(1, 2, height_in=3.0)
    for place, quantity in zip(axes[0], ("risk", "cost"), strict=True):
        draw_half(place, quantity, per_cent)
    axes[0, 0].set(ylabel="risk of the network's answers")
    axes[0, 1].set(ylabel="mean cost of a tile")
    axes[0, 1].axhline(costs.of_reading, color="black", ls=":", lw=1)
    axes[0, 1].legend(loc="lower left")
    return figure

# %%
one = curves["Mahalanobis"]
texts = []
for per_cent in FLAGGED:
    at = at_level("Mahalanobis", per_cent)
    errs_in = f", errs in {one.risk[at]:.1%} of its answers" if one.coverage[at] > 0 else ""
    texts.append(
        f"Curves of risk and of cost over coverage. With {per_cent} % of known tiles referred,"
        f" Mahalanobis's gate answers {one.coverage[at]:.0%}{errs_in}, and a tile costs"
        f" {one.cost[at]:.3f}.")

# %%
run.frames(
    [draw_referral(each) for each in FLAGGED], name="referral", label="known tiles referred, %",
    values=FLAGGED, alt=texts, start=FLAGGED.index(5), data=KINDS,
    caption="Move the threshold. More referrals lower the risk only if a gate ranks errors well:"
    " where few tiles are answered, the classifier's own doubt may make it rise: strangers are"
    " among what it is surest of. Below the best coverage referrals cost more than they save"
    " (dotted: a human reads everything). Dots: equal shares of known tiles referred. One draw. Far"
    f" tiles are real, tissue is {KIND}; n = {sum(len(errs[name]) for name in MIX)} tiles.",
)

# %% [markdown]
# ### What does an alarm mean?
#
# It is tempting to read an alarm as "this tissue is of no known class". How strongly does it speak?
# The **likelihood ratio** of a kind says how much more often it sets off the gate than usual known
# tissue does. Above ten an alarm is said to change what one believes a great deal
# ([Jaeschke, Guyatt and Sackett](https://doi.org/10.1001/jama.271.9.703)). Here is the
# gate by Mahalanobis that validation strangers had chosen, at the nominal level. (It is not the
# gate by hand of the part on ranks, and flags other shares.)

# %% tags=["key"]
tuned_p = {n: conformal_p(scores["Mahalanobis"][n], calibration=scores["Mahalanobis"]["calibrate"])
           for n in MIX}
sounds = {n: (p <= level).mean() for n, p in tuned_p.items()}
ratio = {n: share / max(sounds["test"], 1 / len(tuned_p["test"])) for n, share in sounds.items()}

# %%
def recorded_ratio(kind, place=0):
    """Mean share of a kind that sounds over that of usual tissue, at one of the trial's levels."""
    some, usual = per_seed("sounds", kind, str(place)), per_seed("sounds test", str(place))
    ratio = some.mean() / usual.mean()
    around = mean_interval((some - ratio * usual) / usual.mean())  # of a ratio of two means
    return Estimate(ratio, ratio + around.low, ratio + around.high, n=len(some))


rows = [{"kind": said.get(name, "usual known tissue" if name == "test" else name),
         "of a known class": "yes" if name in ("test", *ALTERED) else "no",
         "sounds": f"{sounds[name]:.0%}", "likelihood ratio": f"{ratio[name]:.1f}"}
        | ({"ratio, in the trial": f"{recorded_ratio(name):.1ci}"} if RECORDED else {})
        for name in MIX]

# %%
caption = (
    f"Share of each kind that sets off the gate at a nominal {level:.0%}, and how many times that"
    f" is the share of usual known tissue. One draw of {KIND} tissue, real far tiles; the trial:"
    " mean over seeds, 95 % t intervals."
)
run.table(rows, name="alarms", caption=caption)

# %%
for name in NEAR:
    run.result(f"ratio_{name}", recorded_ratio(name), atol=0.3 if name == "beyond" else 0.05)
run.result("ratio_beyond_at_1", recorded_ratio("beyond", 1), atol=0.5)
fewest = min((recorded_ratio(name) for name in FAR), key=lambda one: one.value)
run.result("ratio_far", fewest, atol=0.5)
sound = {n: per_seed("sounds", n, "0") for n in (*TEST_FAULTS, *NEAR)}
spoilt = np.mean([sound[n] for n in TEST_FAULTS], axis=0)
run.result("spoilt_to_unknown", mean_interval(
    spoilt / np.mean([sound[n] for n in NEAR], axis=0)), atol=0.25)
run.say(
    "In the trial giant cells sound {ratio_beyond:.1ci} times as often as usual known tissue,"
    " low-grade tissue {ratio_between:.1ci} times, and far tiles {ratio_far:.0ci} times or more,"
    " near the most that there can be: one over the share of usual tissue that sounds. But spoilt"
    " slides of *known* tissue sound {spoilt_to_unknown:.1ci} times as often as unknown tissue"
    " does, by this gate and with these faults. And silence proves little: giant cells are silent"
    " {silence:.1f} times as often as usual tissue.",
    silence=(1 - per_seed("sounds beyond", "0").mean()) / (1 - per_seed("sounds test", "0").mean()))

# %% [markdown]
# The rest is arithmetic of how frequent strangers are. Leave out spoilt slides and other places, so
# that nothing is left but usual known tissue and unknown tissue, half of each kind. Which share of
# the alarms is then of *known* tissue, and does a stricter level help?

# %%
LEVELS, PREVALENCES = (0.05, 0.01, 0.002), (0.01, 0.05, 0.2, 0.5)


def known_among_alarms(prevalence, alpha):
    share = {n: (tuned_p[n] <= alpha).mean() for n in ("test", *NEAR)}
    known, unknown = share["test"], np.mean([share[n] for n in NEAR])
    alarms = (1 - prevalence) * known + prevalence * unknown
    return f"{(1 - prevalence) * known / alarms:.0%}" if alarms > 0 else "no alarm"


run.table([{"unknown tissue in the clinic": f"{prevalence:.0%}"}
           | {f"level {alpha:g}": known_among_alarms(prevalence, alpha) for alpha in LEVELS}
           for prevalence in PREVALENCES], name="known_among_alarms",
          caption="Share of alarms that are of usual known tissue, by how frequent unknown tissue"
          f" is and by the gate's level. One draw, {KIND} tissue: n = {len(tuned_p['test'])} known,"
          f" {n_strange} of each unknown tissue.")

# %%
run.say(
    "In the trial a stricter level speaks louder, and less often: the ratio of giant cells is"
    " {ratios} at the three levels, and of giant cells {shares} sound. On this page the strictest"
    " level leaves so few alarms that one draw cannot tell.",
    ratios=", ".join(f"{recorded_ratio('beyond', place):.0ci}" for place in range(len(LEVELS))),
    shares=", ".join(f"{per_seed('sounds beyond', str(place)).mean():.0%}"
                     for place in range(len(LEVELS))))

# %% [markdown]
# ## Real texture, and one patient
#
# Everything about tissue was simulated. Here is a real eye: one fundus photograph, cut into tiles
# that do not overlap. Learn from some, calibrate on others, and judge the rest, in three ways: deal
# tiles out at random; learn and calibrate on the left half and judge the right; learn and calibrate
# in the middle and judge the rim, as if a camera with a wider field had been bought.

# %%
EYE = 48  # side of a tile of the eye, in pixels
eye = run.uses(retina())
steps = range(0, 1411 - EYE, eye_step_px)
corners = [(r, c) for r in steps for c in steps
           if np.hypot(r + EYE / 2 - 703, c + EYE / 2 - 704) < 640]  # all of it is retina
cut_out = np.stack([eye.array[r : r + EYE, c : c + EYE] for r, c in corners])
middle = np.array(corners) + EYE / 2 - np.array([703, 704])
away = np.hypot(*middle.T)
shuffled = run.rng("tiles of the eye").permutation(len(corners))
HOME = {"dealt at random": shuffled < len(shuffled) // 2, "left half, right half": middle[:, 1] < 0,
        "middle, rim": away < np.median(away)}
eye_features = features_of(cut_out)

# %%
def eye_gate(home):
    """A gate learned from half of the home tiles; whom to calibrate on; the scores of all."""
    at = shuffled[home[shuffled]]
    learn, calibrate = np.array_split(at, 2)
    f = eye_features[gauss_at]
    units = fit_scaling(f[learn], kind="each by its sd")
    gate = fit_gaussians(units(f[learn]), np.zeros(len(learn), dtype=int))
    return lambda by_depth: mahalanobis_score(gate, units(by_depth[gauss_at])), calibrate

# %%
rows, flagged = [], {}
for name, home in HOME.items():
    score, calibrate = eye_gate(home)
    s = score(eye_features)
    sounded = conformal_p(s[~home], calibration=s[calibrate]) <= level
    flagged[name] = share_of(sounded.astype(float))
    rows.append({"learned and calibrated on, judged": name, "tiles judged": int((~home).sum()),
                 "flagged": f"{flagged[name]:.1%ci}"})

# %%
caption = (
    f"A real eye at {gauss_at}, nominal {level:.0%}; exact 95 % intervals over *tiles of one eye*:"
    " there is one patient, so nothing here is known of another."
)
run.table(rows, name="one_eye", caption=caption)
for name, key in zip(HOME, ("dealt", "halves", "rim"), strict=True):
    run.result(f"eye_{key}", flagged[name], atol=0.02)

# %%
dealt = HOME["dealt at random"]
few_eye, shape_eye = {}, {}
for depth in dict.fromkeys(("stem", "stage2", gauss_at)):
    units = fit_scaling(eye_features[depth][dealt], kind="each by its sd")
    f, g = (units(eye_features[depth][at]) for at in (dealt, ~dealt))
    half_seen, f = np.array_split(f, 2)  # directions from one half, the law from the other
    axes = leading_directions(half_seen, np.zeros(len(half_seen), dtype=int), count=FEW)
    few_eye[depth] = share_of(hotelling_alarms(f @ axes, g @ axes, level=level))
    shape_eye[depth] = shapiro_by_direction(g @ axes, np.zeros(len(g), dtype=int))[0]
run.result("hotelling_eye", few_eye["stage2"], atol=0.03)

# %%
rejected_eye = np.concatenate(list(shape_eye.values())) < level
run.result("shapiro_eye", float(rejected_eye.mean()), n=rejected_eye.size, atol=0.05)

# %%
score, _ = eye_gate(dealt)
spoil, usual = run.rng("spoilt eye"), score(eye_features)[~dealt]
strange = {name: FAULTS[name](cut_out[~dealt], rng=spoil)
           for name in ("out of focus", "overexposed", "pixelated")}
stain = run.uses(other_modality("immunostain", 60, rng=run.rng("stain of the eye"), size=EYE))
strange["immunostain"] = stain.array
seen = {name: auc(score(features_of(each)), usual).value for name, each in strange.items()}

# %%
run.say(
    "Dealt at random, {eye_dealt:.0%ci} are flagged. But a gate that was calibrated on the left"
    " half flags {eye_halves:.0%ci} of the right: the left holds the optic disc, and perhaps so"
    " allows more. And one calibrated in the middle flags {eye_rim:.0%ci} at the rim. *Calibrate"
    " on patients like those you will meet, and look again whenever a camera, a clinic or a season"
    " changes.* Real features are less Gaussian still: in {few} directions Hotelling's law flags"
    " {shares}, and {rejected} of the {few} are rejected by their shape. Strangers to the eye have"
    " AUCs of {seen}; the stain may owe its own to its palette.",
    few=FEW, rejected=", ".join(f"{(p < level).sum()}" for p in shape_eye.values()),
    shares=", ".join(f"{share:.0%} at {depth}" for depth, share in few_eye.items()),
    seen=", ".join(f"{value:.2f} ({name})" for name, value in seen.items()),
)

# %% [markdown]
# ## What breaks it
#
# - **A stranger between the known.** Mahalanobis's and Euclid's distances are blind to it, the
#   $k$-th neighbour takes it for usual, relative Mahalanobis sees a little; a classifier that is
#   unsure sees more. And a stranger beyond the known makes a classifier *surer*. Use both, and know
#   that both can miss.
# - **The wrong depth.** Features that learned to forget the scanner cannot warn of a scanner.
# - **A threshold from theory.** $\chi^2$ needs Gaussian features, classes with one covariance, and
#   that it is known.
# - **Calibration on training tiles.** They look more usual than new ones.
# - **Another population.** Ranks promise nothing about patients unlike the calibration set.
# - **Validation strangers.** Others choose other depths: look at the table's last column. Whoever
#   tunes on the strangers that are tested measures his own foresight.

# %% [markdown]
# ## What we claim

# %%
def in_greys(*score):
    """How well a score sees the four pictures when all of them are grey, one value a seed."""
    return {name: per_seed(*score, name, "grey") for name in FAR}


ours = in_greys(*(("auc Mahalanobis",) if far_at == "tuned" else ("mahalanobis at", far_at)))
theirs = in_greys("auc max-softmax")
over_softmax = [mean_interval(ours[name] - theirs[name]) for name in FAR]
harder = [mean_interval(ours[name] - per_seed("auc Mahalanobis", tissue))
          for name in FAR for tissue in NEAR]
margin = min(one.low for one in (*over_softmax, *harder))
run.claim("in the greys of known tiles, Mahalanobis's distance beats max-softmax on tiles of each"
          " of four far pictures, and unknown tissue is harder for it than every one of them",
          margin > 0, margin=margin, falsified_by="falsify_at_the_stem")

# %%
margin = min(0.5 - near["max-softmax", past].high, near["Mahalanobis", past].low - 0.5,
             near["max-softmax", "between"].low - near["Mahalanobis", "between"].high)
run.claim("tissue beyond the known is seen by Mahalanobis's distance and makes max-softmax"
          " surer; of tissue between the known max-softmax sees more",
          margin > 0, margin=margin, falsified_by="falsify_between_only")
margin = min(scanner_gain.low, cells_gain.low)
run.claim("a shallow layer sees other scanners better, a deep one tissue beyond the known",
          margin > 0, margin=margin, falsified_by="falsify_scanners_matched")

# %%
margin = min(by_chi[key].low for key in ("tissue", "tied")) - 1.5 * level
run.claim("learned from as few tiles as here, a threshold from χ² flags at least one and a half"
          " times as many known tiles as it promises, of tissue as of Gaussian features",
          margin > 0, margin=margin, falsified_by="falsify_few_directions")
margin = MARGIN - max(kept.high - level, level - kept.low)
run.claim("averaged over draws of everything, the conformal false-alarm rate is the nominal"
          " level, to within one point", margin >= 0, margin=margin,
          falsified_by="falsify_calibrated_on_training")

# %%
margin = min(gap.low, *(level + MARGIN_CLASS - one.high for one in in_class.values()))
run.claim("with one threshold one class is flagged more often than another; ranked within"
          " classes, none is flagged more often than promised, to within two points",
          margin > 0, margin=margin, falsified_by="falsify_one_threshold")
run.claim("in the assumed mix a gate by relative Mahalanobis saves more than one by"
          " Mahalanobis", by_relative.low > 0, margin=by_relative.low,
          falsified_by="falsify_dear_readings")

# %% [markdown]
# The control runs on this page's draw: known tiles that were not learned from must look like other
# known tiles. (Put tiles that *were* learned from in their place, and it fails:
# `second_sample="training"`.)

# %%
second = "calibrate" if second_sample == "held out" else "learn"
low, high = auc_by_chance(len(nearest[second]), len(nearest["test"]), level=0.99)
told = auc(nearest[second], nearest["test"])
run.result("control_auc", told, atol=0.02)
margin = min(told.value - low, high - told.value)
run.claim("a second sample of known tissue is not told from the first",
          margin >= 0, margin=margin, control=True, falsified_by="falsify_second_is_training")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - A classifier's confidence is about the border between known classes. Beyond them it grows.
# - Mahalanobis's distance asks how far a tile is from what was learned, in units of how much known
#   tiles vary. To see what the covariance does for it, compare it with Euclid at *one* depth.
# - Tune every rival by one rule, on strangers of kinds that are not tested, see on how few of them
#   the choice rests, and hold the result against a score that needs no network. Other scanners are
#   mostly found by their colours; far strangers are, too, until nothing of a palette is left.
# - Whoever reports a false positive rate at a fixed true positive rate must say who is positive,
#   and on whom the threshold was taken. For rare tissue both rates are high where the AUC looks
#   decent.
# - The depth decides what is seen: shallow the scanner, deep the cells.
# - Do not take thresholds from $\chi^2$. Few tiles and untied classes spoil it, Gaussian or not;
#   more tiles mend the first only.
# - Rank among known tiles that took no part in learning: the false-alarm rate is then right on
#   average, over calibrations and over classes together; class by class only if ranked so, which
#   catches fewer strangers; and for other patients not at all. One calibration at hand may be lucky
#   or not.
# - Judge a gate in the mix that it will meet, by the doubt of the classifier that answers, too.
#   A gate also earns by catching errors on known tiles.
# - An alarm says "look here", not "unknown disease": spoilt slides of known tissue sound more often
#   than unknown tissue does. Count what a gate saves, and what it costs.
# - There is no one best gate on this page. A depth by AUC and a depth by costs differ; in the mix
#   that we assumed relative Mahalanobis, or either of two, cost least. For a clinic of your own:
#   put known cases aside for calibration, take strangers of a few kinds for tuning, write down mix
#   and costs, choose by these, and calibrate again when anything changes.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("out-of-distribution-distance")` gives a hint, and then
# another; `run.solution("out-of-distribution-distance")` shows how it is done.
#
# ```{exercise}
# :label: out-of-distribution-distance
# Write the *relative* Mahalanobis distance by hand: `relative` for the features `strange` (one row
# a tile), from the known features `usual` and their classes `classes`. Take the plain covariances,
# divided by the number of tiles and not shrunk, $S$ within classes and $S_0$ around the one mean.
# Invert nothing.
# ```

# %% tags=["self-check"]
usual, classes = scaling(known[gauss_at])[:, :8], y
strange = scaling(features["beyond"][gauss_at])[:, :8]
relative = None  # an array with one number a tile, higher = more unusual
run.check("out-of-distribution-distance", relative,
          given={"usual": usual, "classes": classes, "strange": strange})

# %% [markdown]
# ```{exercise}
# :label: out-of-distribution-calibration
# A screening service can afford one false alarm in 200 known tiles, $\alpha = 0.005$. What is the
# least number of calibration tiles with which a conformal gate can ever sound at that level?
# ```

# %% tags=["self-check"]
answer = None  # a number of tiles
run.check("out-of-distribution-calibration", answer)

# %% [markdown]
# ```{exercise}
# :label: out-of-distribution-alarm
# A gate is calibrated at $\alpha = 0.05$, finds 90 of 100 strangers, and 1 of 100 tiles is a
# stranger. All other tiles are like the calibration tiles. Which share of its alarms is of
# strangers?
# ```

# %% tags=["self-check"]
answer = None  # between 0 and 1
run.check("out-of-distribution-alarm", answer)

# %% [markdown]
# ```{exercise}
# :label: out-of-distribution-confidence
# The softmax of a linear classifier was *surer* of giant cells than of known tissue. Which change
# would let a gate notice them, in this chapter's setting?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("out-of-distribution-confidence", answer)

# %% [markdown]
# ```{exercise}
# :label: out-of-distribution-referral
# Another clinic: a wrong answer costs 1, a reading a twentieth of that, and readers err in 4 of
# 100. From which probability of a wrong answer on should a tile be referred?
# ```

# %% tags=["self-check"]
answer = None  # a probability
run.check("out-of-distribution-referral", answer)

# %% [markdown]
# ## Further reading
#
# - K. Lee et al., Mahalanobis's distance in the features of a network:
#   [doi:10.48550/arXiv.1807.03888](https://doi.org/10.48550/arXiv.1807.03888)
# - J. Ren et al., relative Mahalanobis, for near strangers:
#   [doi:10.48550/arXiv.2106.09022](https://doi.org/10.48550/arXiv.2106.09022)
# - O. Ledoit, M. Wolf, shrinkage:
#   [doi:10.1016/S0047-259X(03)00096-4](https://doi.org/10.1016/S0047-259X(03)00096-4)
# - Y. Sun et al., nearest neighbours:
#   [doi:10.48550/arXiv.2204.06507](https://doi.org/10.48550/arXiv.2204.06507)
# - D. Hendrycks, K. Gimpel, max-softmax:
#   [doi:10.48550/arXiv.1610.02136](https://doi.org/10.48550/arXiv.1610.02136)
# - D. Hendrycks, M. Mazeika, T. Dietterich, strangers as the positive class:
#   [doi:10.48550/arXiv.1812.04606](https://doi.org/10.48550/arXiv.1812.04606)
# - W. Liu et al., energy:
#   [doi:10.48550/arXiv.2010.03759](https://doi.org/10.48550/arXiv.2010.03759)
# - V. Vovk, A. Gammerman, G. Shafer, conformal prediction:
#   [doi:10.1007/b106715](https://doi.org/10.1007/b106715)
# - S. Bates et al., testing for outliers with conformal p-values:
#   [doi:10.1214/22-AOS2244](https://doi.org/10.1214/22-AOS2244)
# - C. K. Chow, what a referral may cost:
#   [doi:10.1109/TIT.1970.1054406](https://doi.org/10.1109/TIT.1970.1054406)
# - J. N. Kather et al., the NCT-CRC-HE tiles:
#   [doi:10.1371/journal.pmed.1002730](https://doi.org/10.1371/journal.pmed.1002730)
