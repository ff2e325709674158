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
# - tune six scores of novelty fairly, and tell which strangers each can see and which none can;
# - turn any score into a $p$-value that keeps its promise, and say under which condition;
# - weigh a gate's false alarms, misses and referrals against what they cost a clinic.
#
# **Prerequisites.** Python, matrices, what a Gaussian is, and what an AUC is: the chance that a
# stranger scores higher than a known tile.
#
# **Data.** The tissue is simulated, one tile a patient, so that patients are independent and we
# know what is known. The network is real: EfficientNet-Lite0 with the weights of ImageNet. Real are
# also the strangers from far away: a fundus photograph, an immunostain, a brain MR, a head CT.
# No result below is about patients. To use your own tiles, put them into a folder as
# `CLASS/PATIENT_number.png`, set `tile_folder`, and name in `beyond`, `between` and `unseen` three
# classes to hide from the network; [NCT-CRC-HE](https://doi.org/10.5281/zenodo.1214456) fits.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_learn: int = 800  # known patients to learn from, 60 ≤ x ≤ 20000
n_tune: int = 300  # known patients to tune on, 30 ≤ x ≤ 20000
n_calibrate: int = 500  # known patients to calibrate on, 120 ≤ x ≤ 20000
n_test: int = 500  # known patients to test on, 60 ≤ x ≤ 20000
n_altered: int = 120  # known patients with spoilt slides, or of other places, 20 ≤ x ≤ 5000
n_strange: int = 120  # patients of each unknown tissue, 20 ≤ x ≤ 5000
n_outliers: int = 80  # strangers of each kind to tune with, and from afar, 10 ≤ x ≤ 5000
n_scanners: int = 10  # laboratories that were not at home, 2 ≤ x ≤ 100
n_draw: int = 99  # patients of one calibration, 19 ≤ x ≤ 120
n_draws: int = 1000  # calibrations drawn, 10 ≤ x ≤ 100000
level: float = 0.05  # nominal share of false alarms, 0.05 ≤ x ≤ 0.5
beyond: str = "giant cell"  # unknown tissue beyond the known: a class of tissue_tiles
between: str = "low grade"  # unknown tissue between known ones: a class of tissue_tiles
unseen: str = "necrosis"  # unknown tissue to tune with: a class of tissue_tiles
deepest: str = "head"  # deepest layer that is read: "stage5", "stage6", "stage7" or "head"
eye_step_px: int = 48  # from one tile of the eye to the next, 48 ≤ x ≤ 130
gauss_at: str = "stage4"  # depth of the Gaussians: "stem", "stage2", "stage3", "stage4", "stage5"
second_sample: str = "held out"  # the control's other sample: "held out" or "training"
matched_by: str = "Mahalanobis"  # recorded score of claim one: "Mahalanobis", "colours"
past: str = "beyond"  # recorded tissue of the claim on confidence: "beyond" or "between"
shallow: str = "stem"  # recorded depth to compare: "stem", "stage5"
deep: str = "stage6"  # recorded depth to compare it with: "stage6", "stage5"
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
from data_fetch.simulated.matched_colours import with_colours_of
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
from medlib.diagnosis.novelty.realised_level import level_of_each_draw
from medlib.diagnosis.novelty.referral import ReferralCosts
from medlib.diagnosis.novelty.separation import auc_by_group, fpr_at_tpr, passed_at_kept
from medlib.diagnosis.novelty.stratified_mean import stratified_mean
from medlib.diagnosis.novelty.tuned_gate import cheapest_gate, cost_by_kind, mix_curve
from medlib.diagnosis.novelty.tuned_scores import tune_scores
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

# %%
def simulated_sets():
    """Known tiles for every purpose, and the hidden tissues; each tile is another patient."""
    home = [new_laboratory(rng=one) for one in run.rng("home laboratories").spawn(4)]
    sets = {name: tissue_tiles(n, rng=run.rng(name), laboratories=home)
            for name, n in SETS.items()}
    sets |= {role: tissue_tiles(n, rng=run.rng(role), laboratories=home, tissues=(ROLES[role],))
             for role, n in HIDDEN.items()}
    own = run.rng("their patients").spawn(n_scanners)
    there = [tissue_tiles(max(n_altered // n_scanners, 2), rng=one, laboratories=[place])
             for place, one in zip(OTHER_PLACES, own, strict=True)]
    for one in (*sets.values(), *there):
        run.uses(one.sample)
    images = {name: one.sample.array for name, one in sets.items()}
    labels = {name: one.labels for name, one in sets.items()}
    for which, key in ((images, "sample"), (labels, "labels")):
        parts = [one.sample.array if key == "sample" else one.labels for one in there]
        which["other scanner"] = np.concatenate(parts)
    return images, labels, sets["learn"].names

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
# slide, or from a scanner that nobody asked. *Far* ones are no such tissue at all.

# %%
tiles, labels, names = own_sets() if tile_folder else simulated_sets()
KIND = "real" if tile_folder else "simulated"
KINDS = "real" if tile_folder else "real and simulated"
TEST_FAULTS = ("out of focus", "pen", "fold", "air bubble", "overexposed")
TUNING_FAULTS = ("faded", "pixelated")
places = [new_laboratory(rng=one) for one in run.rng("other laboratories").spawn(n_scanners)]

# %%
altered = tiles["altered"]
tiles["other scanner"], scanner = through_scanners(
    altered, scanners=places, rng=run.rng("their noise"))
for name in TEST_FAULTS:
    tiles[name] = FAULTS[name](altered, rng=run.rng(name))
for name in TUNING_FAULTS:
    tiles[name] = FAULTS[name](tiles["tuning altered"], rng=run.rng(name))
if second_sample == "other scanner":
    tiles["altered"] = tiles["other scanner"]

# %%
FAR = [name for name in MODALITIES if name != "objects"]
for name in (*FAR, "objects"):
    if far == "same tissue" and name in FAR:
        tiles[name] = tiles["far away"]
        continue
    sample = run.uses(other_modality(name, n_outliers, rng=run.rng(name), size=SIZE))
    tiles[name] = sample.array

# %%
recolour = run.rng("colours")
half = len(tiles["test"]) // 2
lent = tiles["test"][half:]  # whose colours the others get
tiles["known, matched"] = with_colours_of(tiles["test"][:half], lent, rng=recolour)
MATCHED = [f"{name}, matched" for name in FAR]
for name in FAR:
    tiles[f"{name}, matched"] = with_colours_of(tiles[name], lent, rng=recolour)

# %%
shown = {names[c]: tiles["learn"][labels["learn"] == c] for c in range(min(3, len(names)))}
shown |= {beyond: tiles["beyond"], between: tiles["between"]}
shown |= {name: tiles[name] for name in ("other scanner", *TEST_FAULTS, *FAR, *MATCHED[:3])}
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
    " tiles (fundus, immunostain, MR, CT) are real; n = 1 tile of each kind.",
)

# %% [markdown]
# ## Features, and what "usual" means
#
# The network stays as ImageNet left it. At each of its depths, from the stem over seven stages to
# the head, a tile gives one map a channel. We keep of each map its mean and its standard deviation
# over places; from stage 7 on only the mean. So a tile becomes nine short lists of numbers, its
# *features* $f$. As a warning to ourselves we add a tenth, which needs no network: the mean and the
# spread of red, green and blue, six numbers in all. Whatever these can tell is no merit of a
# network.

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
# share one covariance $\Sigma$ (they are *tied*). Then how unusual $f$ is in class $c$ depends on
# one number only, the squared **Mahalanobis distance**, and the gate's score is that to the nearest
# class {cite}`lee2018`:
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
# the distance to one Gaussian of everything known, so that only what tells classes apart counts
# {cite}`ren2021`. The **$k$-th neighbour** needs no Gaussian: how far is the $k$-th nearest known
# tile {cite}`sun2022`? Two scores ask the classifier. With its scores $l_c$ before the softmax,
# **max-softmax** is $-\max_c p_c$, $p = \operatorname{softmax}(l/T)$ {cite}`hendrycks2017`, and the
# **energy** is $-T \log \sum_c e^{l_c/T}$ {cite}`liu2020`. All are turned so that higher is more
# unusual. (We rank by $\log(1 - \max_c p_c)$: the same order, and no ties where $p$ rounds to one.)
#
# Every score may choose its depth, its units (features as they are, each divided by its standard
# deviation, or scaled to length one) and its own setting: shrinkage $a$, $k$ or temperature $T$.
# The choice is made by one rule, the mean AUC on **validation strangers**: necrosis, faded and
# pixelated tiles, photographs of objects. *None of these kinds is tested.* Otherwise we would
# choose the gate for the burglar we already know. For the last two scores a logistic regression is
# fitted at every depth, its strength chosen on the validation tiles.

# %% tags=["key"]
TUNING = ("unseen", *TUNING_FAULTS, "objects")
tuned = tune_scores(
    known, y, validation=features["tune"], validation_labels=labels["tune"],
    outliers={name: features[name] for name in TUNING},
)
gate = {method: tuned.best(method, among=READ) for method in METHODS}
scores = {method: {name: one(f) for name, f in features.items()} for method, one in gate.items()}

# %%
rows = [{"score": method, "depth": one.depth, "units": one.scaling.kind,
         "its own": one.setting or "–", "AUC, validation": f"{one.validation_auc:.3f}",
         "colours alone": f"{tuned.best(method, among=['pixels']).validation_auc:.3f}"}
        for method, one in gate.items()]
caption = (
    f"What validation chose: {len(features['tune']['stem'])} known tiles against"
    f" {len(TUNING)} kinds of strangers, mean AUC. The last column is the best that the six numbers"
    " of colour can do under the same rule."
)
run.table(rows, name="chosen", caption=caption)

# %%
wrong = tuned.logits(features["test"]).argmax(axis=1) != labels["test"]
run.result("classifier_error", share_of(wrong.astype(float)), atol=0.01)
run.say(
    "The classifier itself (at {where}) names {n} known test tiles with an error of"
    " {classifier_error:.1%ci}.", where=tuned.classifier_depth, n=len(wrong),
)

# %% [markdown]
# Look at the last two rows before you read on. On strangers a classifier's confidence ranks at
# chance or below it at most depths. It was trained to tell classes apart. Nothing ever told it to
# be unsure elsewhere.
#
# ## Which strangers are seen?

# %%
NEAR = {"beyond": beyond, "between": between}
ALTERED = ("other scanner", *TEST_FAULTS)


plain = tuned.best("Mahalanobis", among=["pixels"])
scores["colours"] = {name: plain(f) for name, f in features.items()}


# %%
def separation(method, name):
    """AUC with its interval; for other scanners, the mean over scanners."""
    of, base = scores[method], "known, matched" if name in MATCHED else "test"
    if name == "other scanner":
        return mean_interval(auc_by_group(of[name], of[base], scanner), within=(0, 1))
    return auc(of[name], of[base])

# %%
KINDS_OF = ("altered", *NEAR, *ALTERED, *FAR, *MATCHED)

found = {method: {name: separation(method, name)
                  for name in KINDS_OF} for method in METHODS}

# %%
said = {"altered": "second sample"} | NEAR
rows = [{"stranger": said.get(name, name),
         **{method: f"{found[method][name].value:.2f}" for method in METHODS},
         "colours alone": f"{separation('colours', name).value:.2f}"}
        for name in found["Mahalanobis"]]
caption = (
    f"AUC against {len(tiles['test'])} known test patients (matched kinds: against {half} known"
    f" tiles with matched colours). n = {n_strange} patients of each unknown tissue, {n_altered}"
    f" altered patients, {n_scanners} scanners, {n_outliers} far tiles. Tissue is {KIND}; far kinds"
    " are real, each cut from one picture or average."
)
run.table(rows, name="who_sees_what", caption=caption)

# %%
columns = [
    Column({m: found[m][name] for m in METHODS}, x=("AUC", ""), title=title, reference=0.5)
    for name, title in (("beyond", beyond), ("between", between),
                        ("other scanner", "other scanner"), (FAR[0], FAR[0]))
]

# %%
run.figure(
    interval_points(*columns, highlight=("Mahalanobis",)), name="separation", data=KINDS,
    alt="Dots with intervals for six scores in four panels: distances lie high for giant cells and"
    " far tiles, max-softmax and energy lie below one half for giant cells, above for low grade.",
    caption=f"Distances see {beyond} tissue, confidence calls it more usual than what is known;"
    f" for {between} tissue it is the other way round. 95 % intervals over patients"
    f" (n = {n_strange}), scanners (n = {n_scanners}) and tiles (n = {n_outliers}). Far tiles are"
    f" real{', as are the others' if tile_folder else ', tissue is simulated'}.",
)

# %% [markdown]
# **Far** tiles are found by every distance, and not by confidence. But six numbers of colour find
# them, too, and that is a warning: *is it the picture that is strange, or its palette?* So we give
# each far tile the mean and spread of colours of a random known tile (the *matched* rows), and hold
# it against known tiles that went through the same. Then colours alone know nothing, and what is
# left is structure. All tiles have one size and were never resized, so size cannot tell either.

# %%
least = {}
for key, kinds in (("far", FAR), ("far_matched", MATCHED)):
    for method in ("colours", "Mahalanobis", "Euclid", "max-softmax"):
        least[key, method] = min(separation(method, name).value for name in kinds)
        said_so = method.lower().replace("-", "_")
        run.result(f"{key}_by_{said_so}", least[key, method], atol=0.03)

# %%
run.say(
    "On the far kind that is hardest for each, Mahalanobis reaches {far_by_mahalanobis:.3f},"
    " max-softmax {far_by_max_softmax:.2f}, and six numbers of colour {far_by_colours:.3f}. Colours"
    " matched, the six numbers are left with {far_matched_by_colours:.2f}. Mahalanobis at {where}"
    " keeps {far_matched_by_mahalanobis:.2f}, Euclid at {there} {far_matched_by_euclid:.2f},"
    " max-softmax {far_matched_by_max_softmax:.2f}.",
    where=gate["Mahalanobis"].depth, there=gate["Euclid"].depth,
)

# %% [markdown]
# So who reports nothing but far strangers has hardly tested a gate. (Recoloured, a *known* tile is
# strange as well, most of all to a shallow layer: that is why the matched rows have their own known
# tiles.)

# %%
lead = {name: auc_difference(
    *((scores[m][name], scores[m]["test"]) for m in ("Mahalanobis", "max-softmax")))
    for name in FAR}
run.result("far_lead", min(lead.values(), key=lambda one: one.low), atol=0.05)
for name, key in (("beyond", "beyond"), ("between", "between"), ("other scanner", "scanner")):
    run.result(f"{key}_by_mahalanobis", found["Mahalanobis"][name], atol=0.02)
    run.result(f"{key}_by_softmax", found["max-softmax"][name], atol=0.03)
    run.result(f"{key}_by_euclid", found["Euclid"][name], atol=0.03)

# %%
run.say(
    "**Near** ones are another matter. Of {beyond} tissue Mahalanobis makes"
    " {beyond_by_mahalanobis:.2ci}, max-softmax {beyond_by_softmax:.2ci}, far *below* one half: the"
    " classifier is surer of what it never saw than of what it knows, for the tissue lies beyond"
    " the known ones, on the far side of the boundary. Of {between} tissue, which lies *on* the"
    " boundary, it is unsure ({between_by_softmax:.2ci}), and there Mahalanobis is blind"
    " ({between_by_mahalanobis:.2ci}): what lies between the known is not far from them. Relative"
    " Mahalanobis, which looks only where classes differ, comes to {one:.2ci} and {two:.2ci}.",
    one=found["relative Mahalanobis"]["beyond"], two=found["relative Mahalanobis"]["between"],
)

# %% [markdown]
# Two doubts about Mahalanobis remain. Is it the *covariance* that helps, as is often said? The
# paired difference to Euclid, tuned by the same rule, answers kind by kind.

# %%
def lead_over(rival, name):
    """Mahalanobis's AUC less the rival's, in pairs; of other scanners, scanner by scanner."""
    both = [(scores[m][name], scores[m]["test"]) for m in ("Mahalanobis", rival)]
    if name != "other scanner":
        return auc_difference(*both)
    ours, theirs = (auc_by_group(*pair, scanner) for pair in both)
    return mean_interval(ours - theirs)


over = {name: lead_over("Euclid", name) for name in (*NEAR, *ALTERED)}
for name, value in over.items():
    run.result(f"over_euclid_{name.replace(' ', '_')}", value, atol=0.03)

# %%
won = [said.get(n, n) for n, v in over.items() if v.low > 0]
lost = [said.get(n, n) for n, v in over.items() if v.high < 0]
run.say(
    "It leads for sure on {won}, loses for sure on {lost}, and ties elsewhere. On the validation"
    " strangers the two came to {m:.3f} and {e:.3f}.",
    won=", ".join(won) or "none", lost=", ".join(lost) or "none",
    m=gate["Mahalanobis"].validation_auc, e=gate["Euclid"].validation_auc,
)

# %% [markdown]
# And what does an AUC mean at the microscope? Let the gate catch nineteen of twenty strangers: how
# many *known* tiles does it then hold up? (In the jargon, FPR at a given TPR.)

# %%
resample = run.rng("bootstrap")


def held_up(method, name):
    of, base = scores[method], "known, matched" if name in MATCHED else "test"
    return fpr_at_tpr(of[name], of[base], rng=resample, n_resamples=n_resamples)


SHOWN = ("Mahalanobis", "k-th neighbour", "max-softmax")
rates = {name: {m: held_up(m, name) for m in SHOWN} for name in (*NEAR, *ALTERED, *MATCHED)}

# %%
rows = [{"stranger": said.get(name, name), **{m: f"{rate:.2ci}" for m, rate in of.items()}}
        for name, of in rates.items()]
for name in ("beyond", "between", "other scanner"):
    run.result(f"fpr_{name.replace(' ', '_')}", rates[name]["Mahalanobis"], atol=0.05)
caption = (
    "Share of known tiles that are flagged when 95 % of the strangers are; 95 % bootstrap intervals"
    " over patients (over tiles of one picture for far kinds; scanners taken together)."
)
run.table(rows, name="false_alarms", caption=caption)

# %% [markdown]
# ## How deep should one look?
#
# Validation has chosen a depth. Was it good for every stranger? Here is Mahalanobis at each depth,
# with units and shrinkage chosen by the same rule there.

# %%
at_depth = {d: tuned.best("Mahalanobis", among=[d]) for d in ("pixels", *READ)}
followed = {"beyond": beyond, "between": between, "other scanner": "other scanner",
            "fold": "fold", MATCHED[0]: MATCHED[0]}


def by_depth(name):
    base = "known, matched" if name in MATCHED else "test"
    return [auc(one(features[name]), one(features[base])) for one in at_depth.values()]


lines = {title: Line.of(range(len(at_depth)), by_depth(name)) for name, title in followed.items()}

# %%
figure = line_band(lines, x=("depth", ""), y=("AUC", ""), level=0.5, height_in=3.4)
figure.axes[0].set_xticks(range(len(at_depth)), at_depth)
run.figure(
    figure, name="by_depth", data=KINDS,
    alt="Lines of AUC from pixels to head: other scanner falls from high to near one half, giant"
    " cells rise, low grade stays near one half, the matched fundus jumps to one at the stem.",
    caption="Shallow layers see the scanner, deep ones see the cells, and no depth sees both best."
    f" Bands: 95 % intervals over tiles. Validation chose {gate['Mahalanobis'].depth}. Far tiles"
    f" are real, tissue is {KIND}; n = {n_strange} patients, {n_outliers} far tiles.",
)

# %% tags=["key"]
def by_scanner(one):
    return auc_by_group(one(features["other scanner"]), one(features["test"]), scanner)


scanner_gain = mean_interval(by_scanner(at_depth[shallow]) - by_scanner(at_depth[deep]))
cells_gain = auc_difference(*(
    (at_depth[d](features["beyond"]), at_depth[d](features["test"])) for d in (deep, shallow)))

# %%
run.result("scanner_gain", scanner_gain, atol=0.03)
run.result("cells_gain", cells_gain, atol=0.03)
run.say(
    "For other scanners {shallow} beats {deep} by {scanner_gain:.2ci} (over {n} scanners); for"
    " {beyond} tissue {deep} beats {shallow} by {cells_gain:.2ci}. A gate at one depth is a choice"
    " of what to be warned of.", n=n_scanners,
)

# %% [markdown]
# ## How Gaussian are Gaussians?
#
# If each class *were* Gaussian and we *knew* its mean and covariance, theory would hand us the
# threshold. The squared distance of a tile to its own class would follow $\chi^2_d$, the law of a
# sum of $d$ squared standard normal numbers, and its upper end would mark as many known tiles as we
# like. Three things may spoil it: features that are not Gaussian, classes that do not share one
# covariance, and a $\Sigma$ that was estimated from few tiles and shrunk. The last would spoil it
# for Gaussian features as well. So we draw a **stand-in**: as many feature vectors, with the same
# labels, from the fitted Gaussians, and treat them in the same way.

# %%
draw = run.rng("stand-in")
held_out = {d: np.concatenate([features[name][d] for name in ("test", "calibrate")]) for d in READ}
held_labels = np.concatenate([labels["test"], labels["calibrate"]])

# %% tags=["key"]
def chi_square_at(depth, stand_in):
    units = fit_scaling(known[depth], kind="each by its sd")
    f, g = units(known[depth]), units(held_out[depth])
    if directions:
        axes = leading_directions(f, y, count=directions)
        f, g = f @ axes, g @ axes
    if stand_in:
        true = fit_gaussians(f, y)
        f, g = (gaussian_stand_in(true, n, rng=draw) for n in (y, held_labels))
    fitted = fit_gaussians(f, y)
    return own_distances(fitted, g, held_labels), own_distances(fitted, f, y), f.shape[1]

# %%
def alarms_at(depth, stand_in):
    squared, _, d = chi_square_at(depth, stand_in)
    return share_of(chi_square_alarms(squared, d=d, level=level))


by_chi = {d: [alarms_at(d, stand_in) for stand_in in (False, True)] for d in READ}
run.result("chi_square_alarms", by_chi[gauss_at][0], atol=0.03)
run.result("chi_square_alarms_gaussian", by_chi[gauss_at][1], atol=0.03)
squared, trained, d = chi_square_at(gauss_at, False)
pairs = {"test tiles": chi_square_quantiles(squared, d=d),
         "stand-in": chi_square_quantiles(chi_square_at(gauss_at, True)[0], d=d),
         "training tiles": chi_square_quantiles(trained, d=d)}

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
    for column, (title, color, mark) in enumerate((("test tiles", "orange", "s"),
                                                   ("stand-in", "blue", "o"))):
        values = [by_chi[each][column] for each in READ]
        bars = np.array([[v.value - v.low, v.high - v.value] for v in values]).T
        place.errorbar(range(len(READ)), [v.value for v in values], yerr=bars, marker=mark,
                       color=COLORS[color], label=title, lw=1.2)
    place.axhline(level, color="black", lw=0.8, ls=":")
    place.set_xticks(range(len(READ)), READ, rotation=60)
    place.set(ylabel="share flagged", title="flagged by χ²", ylim=(0, 1))
    place.legend()

# %%
figure, axes = panels(1, 2, height_in=3.2)
draw_quantiles(axes[0, 0])
draw_flagged(axes[0, 1])
run.figure(
    figure, name="chi_square", data=KIND,
    alt="Left: test tiles rise above the diagonal, the stand-in less, training tiles lie below."
    " Right: the share of known tiles that are flagged lies far above five per cent.",
    caption=f"χ² promises {level:.0%} of false alarms (dotted) and gives more; so it does of"
    f" features that are Gaussian (stand-in). Own class, Ledoit-Wolf. {KIND.capitalize()} tissue,"
    f" n = {len(squared)} held-out patients; 95 % intervals.",
)

# %%
run.say(
    "At {gauss_at} χ² flags {chi_square_alarms:.0%ci} of the known held-out tiles where it promises"
    " {level:.0%}; of the stand-in, which *is* Gaussian, {chi_square_alarms_gaussian:.0%ci}. So of"
    " what is too much, {part:.0%} is the work of an estimated covariance, and would be there if"
    " all were Gaussian. Training tiles lie *below* the diagonal: they have pulled means and"
    " covariance towards themselves, and look more usual than they are.",
    part=(by_chi[gauss_at][1].value - level) / max(by_chi[gauss_at][0].value - level, 1e-9),
)

# %% [markdown]
# Is each class Gaussian, then? To be fair to the assumption, take few directions, those in which
# tiles of a class vary most, and each class's *own* covariance. With $n$ tiles well above $d$
# Hotelling's law is exact for a new tile of a Gaussian class: an $F$ distribution in the place of
# $\chi^2$. What departs from it is not Gaussian.

# %% tags=["key"]
FEW = 10


def by_hotelling(depth):
    units = fit_scaling(known[depth], kind="each by its sd")
    f, g = units(known[depth]), units(held_out[depth])
    axes = leading_directions(f, y, count=FEW)
    sounded = [hotelling_alarms(f[y == c] @ axes, g[held_labels == c] @ axes, level=level)
               for c in range(len(names)) if (y == c).sum() > 2 * FEW]
    return share_of(np.concatenate(sounded))


in_few = {depth: by_hotelling(depth) for depth in ("stem", "stage2", gauss_at)}

# %%
run.result("hotelling_alarms", in_few[gauss_at], atol=0.02)
run.say(
    "In {few} directions the law flags {shares} of the tissue at a nominal {level:.0%}. This"
    " simulated tissue is nearly Gaussian there. (A real retina will not be, below.)",
    few=FEW, shares=", ".join(f"{share:.1%ci} at {depth}" for depth, share in in_few.items()),
)

# %% [markdown]
# ## A promise that is kept: ranks
#
# A score needs no law if it is only *ranked*. Put aside $m$ known tiles that took no part in
# fitting or tuning, the **calibration** set, and ask how many of them are at least as unusual:
#
# $$ p(x) = \frac{1 + \#\{i : s_i \ge s(x)\}}{m + 1} . $$
#
# If $x$ is known, $x$ and the $m$ are *exchangeable*: any order of the $m + 1$ scores is as likely
# as any other. So the rank of $x$ is uniform, and $P(p \le \alpha) \le \alpha$, whatever the score,
# the network, the tissue. That is **conformal** prediction {cite}`vovk2005`. It holds *on average
# over calibration sets*. With one set in hand the true false-alarm rate is a random number, that
# follows $\text{Beta}(k, m + 1 - k)$ with $k = \lfloor \alpha(m + 1) \rfloor$.

# %% tags=["key"]
model = fit_gaussians(f, y)
nearest = {name: mahalanobis_score(model, scaling(features[name][gauss_at]))
           for name in ("learn", "calibrate", "test", "other scanner")}
pool = nearest["calibrate" if calibrate_on == "held out" else "learn"]
p = conformal_p(nearest["test"], calibration=pool)
kept = mean_level(pool, nearest["test"], n_calibration=n_draw, level=level, rng=resample,
                  n_resamples=n_resamples, confidence=0.99)
promised = level_distribution(n_draw, level=level)

# %%
everyone = np.concatenate([nearest["calibrate"], nearest["test"]])
levels = level_of_each_draw(everyone, n_calibration=n_draw, n_draws=n_draws, level=level,
                            rng=run.rng("calibrations"))
run.result("mean_level", kept, atol=0.003)
run.result("level_sd", float(levels.std()), n=n_draws, atol=0.003)

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
    f" (dotted); the mean is right. {KIND.capitalize()} tissue: {len(everyone)} held-out patients,"
    f" divided anew n = {n_draws} times.",
)

# %%
run.say(
    "Single calibrations scatter with a standard deviation of {level_sd:.1%}, where the Beta"
    " distribution says {sd:.1%}. (That their mean is right is arithmetic, for the same patients"
    " are divided again and again.) Whether it holds for *others* is the test. Averaged over all"
    " sets of"
    " {m} out of the {pool} calibration patients, {mean_level:.2%ci} of the known *test* patients"
    " are flagged (99 % interval over patients of both sets), where {level:.0%} was promised. With"
    " χ² it was {chi_square_alarms:.0%}.",
    m=n_draw, pool=len(pool), sd=float(promised.std()),
)

# %% [markdown]
# The promise speaks of tiles exchangeable with the calibration set. Known tissue from a laboratory
# that was not in it is not:

# %%
p_there = conformal_p(nearest["other scanner"], calibration=nearest["calibrate"])
there = [(p_there[scanner == s] <= level).mean() for s in range(n_scanners)]
run.result("flagged_elsewhere", mean_interval(np.array(there), within=(0, 1)), atol=0.03)
run.say(
    "At other scanners {flagged_elsewhere:.0%ci} of the *known* tissue are flagged (mean over {n}"
    " scanners).", n=n_scanners,
)

# %% [markdown]
# ### Right on average, wrong for some
#
# The promise is about *all* known tiles together. Who is it that gets the false alarms? If one
# class is more varied than the others, a shared threshold falls on its patients. The remedy is to
# rank within each class: $p_c(x)$ asks where $x$'s distance to class $c$ stands among the
# calibration tiles *of class $c$*, and $x$ is flagged if it fits none, $\max_c p_c \le \alpha$
# (*Mondrian* conformal prediction). A tile of class $c$ is then flagged with a chance of at most
# $\alpha$, in each class.

# %% tags=["key"]
to_class = {name: model.distances(scaling(features[name][gauss_at]))
            for name in ("calibrate", "test")}
p_class = conformal_p_by_class(
    to_class["test"], calibration=to_class["calibrate"], labels=labels["calibrate"]
).max(axis=1)
# %% [markdown]
# One calibration is luck, as the histogram showed. So here, too, we average over all calibration
# sets of a given size out of those we have: all classes together against one threshold, or the
# tiles of a class among their own.

# %%
def averaged(c, pool, test, size):
    mine = labels["test"] == c
    return mean_level(pool, test[mine], n_calibration=min(size, len(pool)), level=level,
                      rng=resample, n_resamples=n_resamples, confidence=0.995)


one_cut, in_class, flags = {}, {}, {}
for c, name in enumerate(names):
    own = to_class["calibrate"][labels["calibrate"] == c, c]
    one_cut[name] = averaged(c, nearest["calibrate"], nearest["test"], n_draw)
    flags[name] = p[labels["test"] == c] <= level  # by one threshold, one calibration
    if len(own) >= least_calibration(level):
        ranked = averaged(c, own, to_class["test"][:, c], 59)
        in_class[name] = ranked if by_class else one_cut[name]

# %%
rows = [{"class": name, "test patients": len(flags[name]),
         "one threshold": f"{one_cut[name]:.1%ci}",
         "ranked within the class": f"{in_class[name]:.1%ci}" if name in in_class else "too few",
         "fits no class": f"{(p_class[labels['test'] == c] <= level).mean():.1%}"}
        for c, name in enumerate(names)]
caption = (
    f"Known test patients that are flagged at a nominal {level:.0%}: averages over calibrations,"
    f" with 99.5 % intervals over {len(labels['calibrate'])} calibration and the test patients; the"
    f" last column for the one calibration at hand. {KIND.capitalize()} tissue."
)
run.table(rows, name="by_class", caption=caption)

# %%
far_out = np.quantile(nearest["calibrate"], 1 - level)  # who is heavy, the calibration tiles say
in_pool = {name: (nearest["calibrate"][labels["calibrate"] == c] > far_out).mean()
           for c, name in enumerate(names)}
heaviest, lightest = max(in_pool, key=in_pool.get), min(in_pool, key=in_pool.get)
gap = stratified_mean(  # a difference of two means: twice half of it
    {"heavy": 2.0 * flags[heaviest], "light": -2.0 * flags[lightest]},
    shares={"heavy": 0.5, "light": 0.5})
run.result("gap_between_classes", gap, atol=0.01)
run.result("worst_class_one_threshold", one_cut[heaviest], atol=0.01)
worst = max(in_class.values(), key=lambda one: one.value)
run.result("worst_class_ranked_within", worst, atol=0.01)

# %%
run.say(
    "With one threshold {worst_class_one_threshold:.1%ci} of the patients with {heaviest} are"
    " flagged, more by {gap_between_classes:.1%ci} than of those with {lightest}. (Which class"
    " bears most and least was read off the calibration tiles.) Ranked within classes, no class"
    " bears more than {worst_class_ranked_within:.1%ci}.",
    heaviest=heaviest, lightest=lightest,
)

# %% [markdown]
# ## In the clinic
#
# A gate is not judged by its AUC, but by what it does to patients. Let the network answer what the
# gate lets through, and a pathologist read the rest. **Coverage** is the share of tiles that the
# network answers, **risk** the share of its answers that are wrong. A stranger of no known class
# that is let through is always wrong. What an error and a reading cost is for the clinic to say; so
# is the mix of cases that it meets. Both are assumed here, and are parameters or stand in the cell.

# %%
MIX = {"test": 0.80, "other scanner": 0.05, "beyond": 0.02, "between": 0.02}
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
    known=MIX["test"], scanners=MIX["other scanner"], spoilt=sum(MIX[n] for n in TEST_FAULTS),
    unknown=MIX["beyond"] + MIX["between"], lost=sum(MIX[n] for n in FAR),
)

# %%
whose = dict.fromkeys(ALTERED, "altered") | dict.fromkeys(TUNING_FAULTS, "tuning altered")


def mistakes(name):
    """Whether the network's answer is wrong; of an unknown tissue it always is."""
    if name not in (*whose, "test", "tune"):
        return np.ones(len(tiles[name]), dtype=bool)
    return tuned.logits(features[name]).argmax(axis=1) != labels[whose.get(name, name)]


errs = {name: mistakes(name) for name in (*MIX, *TUNING_MIX)}

# %%
def joined(of, mix):
    """Scores, mistakes and weights of a whole mix."""
    weights = [np.full(len(errs[n]), share / len(errs[n])) for n, share in mix.items()]
    return (np.concatenate([of[n] for n in mix]), np.concatenate([errs[n] for n in mix]),
            np.concatenate(weights))

# %% [markdown]
# No distance saw all strangers. Two gates in a row might see more: refer a tile if Mahalanobis *or*
# max-softmax finds it unusual, each ranked among the calibration tiles, so that both speak the same
# language. Each gate's threshold is where the validation mix costs least.

# %% tags=["key"]
as_p = {m: {n: conformal_p(scores[m][n], calibration=scores[m]["calibrate"])
            for n in (*MIX, *TUNING_MIX)} for m in ("Mahalanobis", "max-softmax")}
scores["either of two"] = {n: -np.minimum(as_p["Mahalanobis"][n], as_p["max-softmax"][n])
                           for n in (*MIX, *TUNING_MIX)}

# %% tags=["key"]
def threshold_of(method):
    s, wrong, w = joined(scores[method], TUNING_MIX)
    return referral_curve(s, wrong, costs=costs, weights=w).cheapest()


def each_cost(method, name, threshold):
    referred = scores[method][name] > threshold
    return np.where(referred, costs.of_reading, errs[name].astype(float))

# %%
GATES = (*METHODS, "either of two")
cut = {method: threshold_of(method) for method in GATES}
no_gate = {name: errs[name].astype(float) for name in MIX}
priced = {m: {n: each_cost(m, n, cut[m]) for n in MIX} for m in GATES}
curves = {}
for method in GATES:
    s, wrong_ones, w = joined(scores[method], MIX)
    curves[method] = referral_curve(s, wrong_ones, costs=costs, weights=w)

# %%
cost = {"no gate": stratified_mean(no_gate, shares=MIX)}
cost |= {m: stratified_mean(priced[m], shares=MIX) for m in GATES}
saved = {m: stratified_mean({n: no_gate[n] - priced[m][n] for n in MIX}, shares=MIX)
         for m in GATES}

# %%
def gate_row(method):
    curve, gain = curves[method], saved[method]
    at = np.searchsorted(curve.thresholds, cut[method], side="right") - 1
    return {"gate": method, "answered": f"{curve.coverage[at]:.0%}",
            "wrong of these": f"{curve.risk[at]:.1%}",
            "cost of 100 tiles": f"{100 * cost[method].value:.1f}",
            "saved by it": f"{100 * gain.value:.1f} [{100 * gain.low:.1f}, {100 * gain.high:.1f}]",
            "best threshold would cost": f"{100 * curve.cost.min():.1f}"}


without = cost["no gate"].value
rows = [{"gate": "no gate", "answered": "100%", "wrong of these": f"{without:.1%}",
         "cost of 100 tiles": f"{100 * without:.1f}", "saved by it": "–",
         "best threshold would cost": "–"}, *map(gate_row, GATES)]

# %%
caption = (
    f"The assumed mix; a human reading all would cost {100 * costs.of_reading:.0f}. Thresholds were"
    " chosen on the validation mix; the last column chose its own on the test, which nobody can."
    f" Paired 95 % intervals over tiles. Tissue {KIND}."
)
run.table(rows, name="costs", caption=caption)

# %%
for method in GATES:
    key = method.lower().replace(" ", "_").replace("-", "_")
    run.result(f"saved_{key}", saved[method], atol=0.006)
by_relative = stratified_mean({n: priced["Mahalanobis"][n] - priced["relative Mahalanobis"][n]
                               for n in MIX}, shares=MIX)
run.result("saved_more_by_relative", by_relative, atol=0.006)

# %%
ranked = sorted(GATES, key=lambda m: saved[m].value)
run.say(
    "Without a gate {cost:.1f} of 100 tiles are answered wrongly. The gate that saves most here is"
    " {first} ({most:.1%ci} of a wrong answer a tile), the least {last} ({least:.1%ci}). No gate is"
    " free: what it saves, it saves by sending tiles to a human. Relative Mahalanobis saves"
    " {saved_more_by_relative:.1%ci} more than Mahalanobis: it looks where classes differ, and so"
    " sees tissue between them, and known tiles that the classifier is about to get wrong.",
    cost=100 * without, first=ranked[-1], most=saved[ranked[-1]], last=ranked[0],
    least=saved[ranked[0]],
)

# %%
FLAGGED = (0, 1, 2, 5, 10, 20, 35, 50, 75, 100)
LOOK = {"Mahalanobis": ("blue", "-"), "relative Mahalanobis": ("black", ":"),
        "max-softmax": ("orange", "--"), "either of two": ("green", "-.")}


def at_level(method, per_cent):
    """The place on a gate's curve at which so many per cent of known tiles are referred."""
    t = np.quantile(scores[method]["test"], 1 - per_cent / 100)
    t = {0: np.inf, 100: -np.inf}.get(per_cent, t)
    return max(int(np.searchsorted(curves[method].thresholds, t, side="right")) - 1, 0)

# %%
def draw_half(place, quantity, per_cent):
    for method, (color, style) in LOOK.items():
        curve, at = curves[method], at_level(method, per_cent)
        y = getattr(curve, quantity)
        some = curve.coverage > 0.05  # of fewer answers the risk is hardly known
        place.plot(curve.coverage[some], y[some], style, color=COLORS[color], label=method)
        place.plot(curve.coverage[at], y[at], "o", color=COLORS[color], ms=8)
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
    texts.append(
        f"Curves of risk and of cost over coverage. With {per_cent} % of known tiles referred,"
        f" Mahalanobis's gate answers {one.coverage[at]:.0%}, errs in {one.risk[at]:.1%} of its"
        f" answers, and a tile costs {one.cost[at]:.3f}.")

# %%
run.frames(
    [draw_referral(each) for each in FLAGGED], name="referral", label="known tiles referred, %",
    values=FLAGGED, alt=texts, start=FLAGGED.index(5), data=KINDS,
    caption="Move the threshold: more referrals lower the risk, and at some point cost more than"
    f" they save (dotted: everything read by a human). Far tiles are real, tissue is {KIND};"
    f" n = {len(s)} tiles.",
)

# %% [markdown]
# ### What does an alarm mean?
#
# It is tempting to read an alarm as "this tissue is of no known class". Let the tuned Mahalanobis
# gate sound at the nominal level, and look at who set it off.

# %%
sounds = {n: (as_p["Mahalanobis"][n] <= level).astype(float) for n in MIX}
KNOWN_TISSUE = ("test", *ALTERED)
of_known = {n: a * (n in KNOWN_TISSUE) for n, a in sounds.items()}
named_right = {n: a * ~errs[n] for n, a in sounds.items()}
run.result("alarms_of_known_class", stratified_share(of_known, of=sounds, shares=MIX), atol=0.03)
run.result("alarms_named_right", stratified_share(named_right, of=sounds, shares=MIX), atol=0.03)
for name in NEAR:
    run.result(f"missed_{name}", share_of(1.0 - sounds[name]), atol=0.03)

# %%
run.say(
    "Of all alarms in this mix, {alarms_of_known_class:.0%ci} are raised by tissue of a *known*"
    " class: false alarms, spoilt slides, other scanners. {alarms_named_right:.0%ci} of all alarms"
    " are of tiles that the classifier names correctly. And silence proves little: the gate lets"
    " {missed_beyond:.0%ci} of {beyond} and {missed_between:.0%ci} of {between} tissue pass.",
)

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
few_eye = {}
for depth in ("stem", "stage2", gauss_at):
    units = fit_scaling(eye_features[depth][dealt], kind="each by its sd")
    f, g = (units(eye_features[depth][at]) for at in (dealt, ~dealt))
    axes = leading_directions(f, np.zeros(len(f), dtype=int), count=FEW)
    few_eye[depth] = share_of(hotelling_alarms(f @ axes, g @ axes, level=level))
run.result("hotelling_alarms_eye", few_eye["stage2"], atol=0.02)

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
    " half flags {eye_halves:.0%ci} of the right: the left holds the optic disc, has seen more, and"
    " allows more. And one calibrated in the middle flags {eye_rim:.0%ci} at the rim. *Calibrate on"
    " patients like those you will meet, and look again whenever a camera, a clinic or a season"
    " changes.* Real features are less Gaussian, too: in {few} directions Hotelling's law flags"
    " {shares}. Strangers are found here as well, with an AUC of {seen}.",
    few=FEW, shares=", ".join(f"{share:.0%} at {depth}" for depth, share in few_eye.items()),
    seen=", ".join(f"{value:.2f} ({name})" for name, value in seen.items()),
)

# %% [markdown]
# ## What breaks it
#
# - **A stranger between the known.** No distance sees it; a classifier that is unsure may. And a
#   stranger beyond the known makes a classifier *surer*. Use both, and know that both can miss.
# - **The wrong depth.** Features that forget the scanner on purpose cannot warn of a scanner.
# - **A threshold from theory.** $\chi^2$ needs Gaussian features and a known covariance.
# - **Calibration on training tiles.** They look more usual than new ones: try
#   `calibrate_on="training"`.
# - **Another population.** Ranks promise nothing about patients unlike the calibration set.
# - **Validation strangers.** Others would have chosen other depths. Whoever tunes on the strangers
#   that are tested measures his own foresight.
#
# ## What we claim

# %%
by_m, by_s = found["Mahalanobis"], found["max-softmax"]
margin = min(*(one.low for one in lead.values()),
             min(by_m[n].low for n in FAR) - max(by_m[n].high for n in NEAR))
run.claim("on every far kind Mahalanobis's distance beats max-softmax, and unknown tissue is harder"
          " for it than every far kind",
          margin > 0, margin=margin, falsified_by="falsify_nothing_far")
margin = min(0.5 - by_s["beyond"].high, by_m["beyond"].low - 0.5,
             by_s["between"].low - by_m["between"].high)
run.claim("tissue beyond the known is seen by Mahalanobis's distance and makes max-softmax surer;"
          " of tissue between the known max-softmax sees more",
          margin > 0, margin=margin, falsified_by="falsify_between_only")

# %%
margin = min(scanner_gain.low, cells_gain.low)
run.claim("a shallow layer sees other scanners better, a deep one tissue beyond the known",
          margin > 0, margin=margin, falsified_by="falsify_not_shallow")

# %%
margin = min(share.low for share in by_chi[gauss_at]) - 1.5 * level
run.claim("χ² flags at least half as many known tiles again as it promises, of tissue as of"
          " Gaussian features", margin > 0, margin=margin, falsified_by="falsify_few_directions")
margin = min(kept.high - level, level - kept.low)
run.claim("averaged over calibration sets, the conformal false-alarm rate is the nominal level",
          margin >= 0, margin=margin, falsified_by="falsify_calibrated_on_training")

# %%
margin = min(gap.low,
             *(min(one.high - level, level - one.low) for one in in_class.values()))
run.claim("with one threshold one class is flagged more often than another; ranked within"
          " classes, each is flagged as promised", margin > 0, margin=margin,
          falsified_by="falsify_one_threshold")

# %%
run.claim("in the assumed mix a gate by relative Mahalanobis saves more than one by Mahalanobis",
          by_relative.low > 0, margin=by_relative.low, falsified_by="falsify_dear_readings")

# %%
low, high = auc_by_chance(len(tiles["altered"]), len(tiles["test"]), level=0.99)
margin = min(min(by_m["altered"].value, by_s["altered"].value) - low,
             high - max(by_m["altered"].value, by_s["altered"].value))
run.claim("a second sample of known tissue is not told from the first, by distance or confidence",
          margin >= 0, margin=margin, control=True, falsified_by="falsify_other_second_sample")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - A classifier's confidence is about the border between known classes. Beyond them it grows.
# - Mahalanobis's distance asks how far a tile is from what was learned, in units of how much known
#   tiles vary. The covariance helped against other scanners and folds, and not against tissue
#   between the classes.
# - Tune every rival by one rule, on strangers of kinds that are not tested, and hold the result
#   against a score that needs no network. Far strangers are found by their colours.
# - The depth decides what is seen: shallow the scanner, deep the cells.
# - Do not take thresholds from $\chi^2$. Rank among known tiles that took no part in learning: the
#   false-alarm rate is then right on average, over calibrations and over classes together; class by
#   class only if ranked so; and for other patients not at all.
# - Judge a gate in the mix that it will meet. Relative Mahalanobis, which leads on no far kind,
#   saved more here than Mahalanobis: errors on *known* tiles are worth finding, too.
# - An alarm says "look here", not "unknown disease". Most alarms in a clinic are of known tissue.
#   Count what a gate saves, and what it costs.
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
# would mend that, in this chapter's setting?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("out-of-distribution-confidence", answer)

# %% [markdown]
# ```{exercise}
# :label: out-of-distribution-referral
# A wrong answer costs 1, a reading a tenth of that, and readers err in 2 of 100. From which
# probability of a wrong answer on should a tile be referred?
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
