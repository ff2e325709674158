# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Everything drawn anew
#
# **Objectives.** One point of a recorded trial. A seed draws laboratories, known patients for every
# purpose, strangers and other laboratories; everything is fitted, tuned and calibrated again, and
# every measure of *Does it know what it does not know?* is taken once. This notebook is no page of
# the book: `medbook sweep` runs it over seeds, and the chapter shows the table. The seed is the
# unit. Tissue is simulated; the far tiles are cut, by every seed, from the same real pictures.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_learn: int = 800  # known patients to learn from, 120 ≤ x ≤ 20000
n_tune: int = 300  # known patients to tune on, 30 ≤ x ≤ 20000
n_calibrate: int = 999  # known patients to calibrate on, 199 ≤ x ≤ 20000
n_class: int = 400  # known patients of each class to test on, 24 ≤ x ≤ 20000
n_altered: int = 120  # known patients whose slides are spoilt, 20 ≤ x ≤ 5000
n_scanned: int = 240  # known patients of other laboratories, 20 ≤ x ≤ 5000
n_strange: int = 200  # patients of each unknown tissue, 20 ≤ x ≤ 5000
n_outliers: int = 80  # strangers of each kind to tune with, and from afar, 10 ≤ x ≤ 5000
n_scanners: int = 20  # laboratories that were not at home, 2 ≤ x ≤ 100
n_stand_ins: int = 8  # draws of Gaussian features, 1 ≤ x ≤ 1000
gauss_at: str = "stage4"  # depth of the Gaussians: "stem", "stage2", "stage3", "stage4", "stage5"
level: float = 0.05  # nominal share of false alarms, 0.05 ≤ x ≤ 0.5
costs_of_referral: list[float] = [0.1, 0.5]  # of a reading, in wrong answers, 0 ≤ x ≤ 1
reader_error: float = 0.02  # share of wrong readings, 0 ≤ x ≤ 1

# %%
import numpy as np
import torch

from data_fetch.packaged import imagenet_weights
from data_fetch.simulated.laboratory import new_laboratory
from data_fetch.simulated.matched_colours import with_colours_of
from data_fetch.simulated.matched_greys import with_greys_of
from data_fetch.simulated.slide_faults import FAULTS
from data_fetch.tasks.other_modalities import MODALITIES, other_modality
from data_fetch.tasks.tissue_classes import KNOWN, SHARES, tissue_tiles
from medlib import experiment
from medlib.diagnosis.novelty.candidates import METHODS
from medlib.diagnosis.novelty.ceiling import supervised_auc
from medlib.diagnosis.novelty.chi_square import class_moments, flagged_by_chi_square
from medlib.diagnosis.novelty.chi_square import gaussian_stand_in
from medlib.diagnosis.novelty.confidence import max_softmax_score
from medlib.diagnosis.novelty.conformal import conformal_p
from medlib.diagnosis.novelty.conformal_by_class import conformal_p_by_class
from medlib.diagnosis.novelty.feature_scaling import fit_scaling
from medlib.diagnosis.novelty.gaussian_by_class import hotelling_alarms, leading_directions
from medlib.diagnosis.novelty.gaussian_by_class import shapiro_by_direction
from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score
from medlib.diagnosis.novelty.nearest_mean import nearest_mean_score
from medlib.diagnosis.novelty.referral import ReferralCosts
from medlib.diagnosis.novelty.separation import fpr_at_tpr, passed_at_kept
from medlib.diagnosis.novelty.stratified_mean import stratified_mean
from medlib.diagnosis.novelty.tuned_gate import cheapest_gate, cost_by_kind
from medlib.diagnosis.novelty.tuned_scores import tune_scores
from medlib.measures.auc import auc
from medlib.nets.by_depth import read_by_depth
from medlib.nets.efficientnet_lite import DEPTHS, load_imagenet, preprocess

run = experiment.start("diagnosis/out_of_distribution/_many_draws", locals())


SHARES_KEPT = ("chi", "level", "hotelling", "sounds", "saved", "no gate")


def keep(*words, value, atol=0.01):
    """Record a number under words, as one name; shares of alarms and costs to less."""
    name = "_".join(words).lower()
    atol = 0.004 if name.startswith(SHARES_KEPT) else atol
    for mark in (" ", "-"):
        name = name.replace(mark, "_")
    run.result(name.replace(",", ""), float(value), atol=atol)


# %% [markdown]
# ## Tiles
#
# Test patients are drawn class by class and laboratory by laboratory, as many of each; what is said
# of all known tissue weighs the classes by their shares.

# %%
home = [new_laboratory(rng=one) for one in run.rng("home laboratories").spawn(4)]
places = [new_laboratory(rng=one) for one in run.rng("other laboratories").spawn(n_scanners)]
ROLES = {"beyond": "giant cell", "between": "low grade", "unseen": "necrosis"}
FAR = [name for name in MODALITIES if name != "objects"]
TEST_FAULTS = ("out of focus", "pen", "fold", "air bubble", "overexposed")
TUNING_FAULTS = ("knife chatter", "compressed")


def all_of(parts):
    """Images and labels of several draws."""
    for part in parts:
        run.uses(part.sample)
    return (np.concatenate([part.sample.array for part in parts]),
            np.concatenate([part.labels for part in parts]))


# %%
tiles, labels = {}, {}
for name, n in {"learn": n_learn, "tune": n_tune, "calibrate": n_calibrate, "altered": n_altered,
                "tuning altered": n_outliers}.items():
    one = tissue_tiles(n, rng=run.rng(name), laboratories=home)
    tiles[name], labels[name] = all_of([one])
for role, tissue in ROLES.items():
    one = tissue_tiles(n_outliers if role == "unseen" else n_strange, rng=run.rng(role),
                       laboratories=home, tissues=(tissue,))
    tiles[role], _ = all_of([one])
each, own = n_scanned // n_scanners, run.rng("scanned").spawn(n_scanners)
tiles["other scanner"], labels["other scanner"] = all_of([
    tissue_tiles(each, rng=rng, laboratories=[place])
    for place, rng in zip(places, own, strict=True)])

# %%
each, own = n_class // len(home), iter(run.rng("test").spawn(len(KNOWN) * len(home)))
tiles["test"], _ = all_of([tissue_tiles(each, rng=next(own), laboratories=[place], tissues=(one,))
                           for one in KNOWN for place in home])
truth = labels["test"] = np.repeat(np.arange(len(KNOWN)), each * len(home))
laboratory = np.tile(np.repeat(np.arange(len(home)), each), len(KNOWN))
tiles["home"] = tiles["calibrate"][: len(tiles["other scanner"])]  # as many, nothing strange

# %%
for name in TEST_FAULTS:
    tiles[name] = FAULTS[name](tiles["altered"], rng=run.rng(name))
for name in TUNING_FAULTS:
    tiles[name] = FAULTS[name](tiles["tuning altered"], rng=run.rng(name))
recolour = run.rng("colours")
half = n_calibrate // 2
lent = tiles["calibrate"][half:]
tiles["known matched"] = with_colours_of(tiles["calibrate"][: half // 2], lent, rng=recolour)
for name in (*FAR, "objects"):
    tiles[name] = run.uses(other_modality(name, n_outliers, rng=run.rng(name))).array
for name in FAR:
    tiles[f"{name} matched"] = with_colours_of(tiles[name], lent, rng=recolour)
tiles["other scanner matched"] = with_colours_of(tiles["other scanner"], lent, rng=recolour)

# %%
regrey = run.rng("greys")
tiles["known grey"] = with_greys_of(tiles["calibrate"][: half // 2], lent, rng=regrey)
for name in (*FAR, "other scanner"):
    tiles[f"{name} grey"] = with_greys_of(tiles[name], lent, rng=regrey)
CHANGED = [f"{name} {how}" for how in ("matched", "grey") for name in (*FAR, "other scanner")]
KINDS = ("beyond", "between", "other scanner", "home", *TEST_FAULTS, *FAR, *CHANGED)

# %%
network = load_imagenet(imagenet_weights().path).to(run.device)
LATE = ("stage7", "head")


def summary(maps):
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)


def features_of(images):
    found = read_by_depth(network, preprocess(images), summary)
    found = {d: (f[:, : f.shape[1] // 2] if d in LATE else f).astype(float)
             for d, f in found.items()}
    colour = images.reshape(len(images), -1, 3).astype(float)
    return {"pixels": np.concatenate([colour.mean(axis=1), colour.std(axis=1)], axis=1)} | found


def palette_of(images):
    """Nine numbers of colour, no arrangement: also how red, green and blue vary together."""
    colour = images.reshape(len(images), -1, 3).astype(float)
    away = colour - colour.mean(axis=1, keepdims=True)
    sd = np.maximum(away.std(axis=1), 1e-6)
    pairs = [(away[..., i] * away[..., j]).mean(axis=1) / (sd[:, i] * sd[:, j])
             for i, j in ((0, 1), (0, 2), (1, 2))]
    return np.concatenate([colour.mean(axis=1), sd, np.stack(pairs, axis=1)], axis=1)


# %%
palettes = {name: {"palette": palette_of(images)} for name, images in tiles.items()}
features = {name: features_of(images) for name, images in tiles.items() if name != "home"}
features["home"] = {d: f[: len(tiles["home"])] for d, f in features["calibrate"].items()}
known, y = features["learn"], labels["learn"]

# %% [markdown]
# ## Six scores, each at its tuned depth

# %%
def in_shares(values):
    """The mean over known tissue, from as many test patients of each class."""
    return sum(w * np.mean(values[truth == c]) for c, w in enumerate(SHARES))


def seen(strange, usual):
    return sum(w * auc(strange, usual[truth == c]).value for c, w in enumerate(SHARES))


def separation(score, name):
    """The AUC of a kind; recoloured tiles against known ones that were recoloured."""
    strange = score(features[name])
    if name in CHANGED:
        return auc(strange, score(features[f"known {name.split()[-1]}"])).value
    return seen(strange, score(features["test"]))


# %%
TUNING = ("unseen", *TUNING_FAULTS)
tuned = tune_scores(known, y, validation=features["tune"], validation_labels=labels["tune"],
                    outliers={name: features[name] for name in TUNING})
gate = {method: tuned.best(method, among=DEPTHS) for method in METHODS}
gate["colours"] = tuned.best("Mahalanobis", among=["pixels"])
for method, score in gate.items():
    for name in KINDS:
        keep("auc", method, name, value=separation(score, name))
    if method != "colours":
        keep("depth", method, value=DEPTHS.index(score.depth), atol=9)
        moved = [tuned.best(method, among=DEPTHS, without=k).depth != score.depth for k in TUNING]
        keep("moved", method, value=sum(moved), atol=3)
for kind in TUNING:
    keep("validation", kind, value=gate["Mahalanobis"].by_kind[kind])

# %%
palette = tune_scores(palettes["learn"], y, validation=palettes["tune"],
                      validation_labels=labels["tune"],
                      outliers={name: palettes[name] for name in TUNING}).best("Mahalanobis")
for name in (n for n in CHANGED if n.endswith("matched")):
    value = auc(palette(palettes[name]), palette(palettes["known matched"])).value
    keep("auc palette", name, value=value)

# %%
answering = {name: max_softmax_score(tuned.logits(f)) for name, f in features.items()}
for name in ("beyond", "between", "other scanner"):
    keep("auc answering", name, value=seen(answering[name], answering["test"]))
wrong = tuned.logits(features["test"]).argmax(axis=1) != truth
keep("classifier error", value=in_shares(wrong))

# %%
SHIFTS = {name: (name,) for name in ("beyond", "between", "other scanner")}
SHIFTS |= {"spoilt": TEST_FAULTS, "far": FAR, "far grey": [f"{name} grey" for name in FAR]}
unused = run.rng("no interval")
for method in METHODS:
    for shift, kinds in SHIFTS.items():
        usual = gate[method](features["known grey" if shift == "far grey" else "calibrate"])
        pair = np.concatenate([gate[method](features[name]) for name in kinds]), usual
        keep("held up", method, shift, value=fpr_at_tpr(*pair, rng=unused, n_resamples=1).value)
        keep("passed", method, shift, value=passed_at_kept(*pair, rng=unused, n_resamples=1).value)

# %%
deal = run.rng("folds")
for name in ("beyond", "between"):
    for depth in ("stage3", "stage6"):
        found = supervised_auc(features[name][depth], features["calibrate"][depth], rng=deal)
        keep("ceiling", name, depth, value=found.value)

# %% [markdown]
# ## Does the covariance help? The same depth, the same units

# %%
UNITS = {"sd": "each by its sd", "length": "unit length"}
COMPARED = [name for name in KINDS if name not in FAR]  # far tiles in their own colours: all one
difference = {(short, name): [] for short in UNITS for name in COMPARED}
for depth in DEPTHS:
    for short, kind in UNITS.items():
        units = fit_scaling(known[depth], kind=kind)
        f = units(known[depth])
        model = fit_gaussians(f, y)
        pair = [lambda by, m=model, u=units, d=depth: mahalanobis_score(m, u(by[d])),
                lambda by, f=f, u=units, d=depth: nearest_mean_score(u(by[d]), known=f, labels=y)]
        for name in COMPARED:
            ours, theirs = (separation(score, name) for score in pair)
            difference[short, name].append(ours - theirs)
            if short == "sd":
                keep("mahalanobis at", depth, name, value=ours)
                keep("euclid at", depth, name, value=theirs)
for (short, name), values in difference.items():
    keep("over euclid", short, name, value=np.mean(values))

# %% [markdown]
# ## χ² and stand-ins that are Gaussian

# %%
draw = run.rng("stand-in")
OTHERS = ("tune", "calibrate", "test")
others_labels = np.concatenate([labels[name] for name in OTHERS])
units = fit_scaling(known[gauss_at], kind="each by its sd")
learned, tested = units(known[gauss_at]), units(features["test"][gauss_at])
others = np.concatenate([units(features[name][gauss_at]) for name in OTHERS])
FEW, first = 10, np.arange(len(y)) < len(y) // 2  # axes from one half of what is learned


def stand_ins(kind, moments, known_labels):
    """The flags of test patients, averaged over draws."""
    means, covariances = moments
    if kind == "tied":
        covariances = np.repeat(np.einsum("c,cij->ij", SHARES, covariances)[None], len(KNOWN), 0)
    return np.mean([flagged_by_chi_square(
        gaussian_stand_in(means, covariances, known_labels, rng=draw), known_labels,
        gaussian_stand_in(means, covariances, truth, rng=draw), truth, level=level)
        for _ in range(n_stand_ins)], axis=0)


# %%
axes = leading_directions(learned[first], y[first], count=FEW)
for how, f, g, o, its in (("all", learned, tested, others, y),
                          ("few", learned[~first] @ axes, tested @ axes, others @ axes, y[~first])):
    moments = class_moments(o, others_labels)
    found = {kind: stand_ins(kind, moments, its) for kind in ("tied", "own")}
    found["tissue"] = flagged_by_chi_square(f, its, g, truth, level=level)
    for kind, flags in found.items():
        keep("chi", kind, how, value=in_shares(flags))
        for c, name in enumerate(KNOWN):
            keep("chi", kind, how, name, value=flags[truth == c].mean())

# %% [markdown]
# ## Is a class Gaussian?

# %%
def shares_of_variance(values, groups):
    """How much of the variance of each column lies between groups."""
    middle = values.mean(axis=0)
    between = sum((groups == g).mean() * (values[groups == g].mean(axis=0) - middle) ** 2
                  for g in np.unique(groups))
    return between / values.var(axis=0)


for depth in dict.fromkeys(("stem", "stage2", gauss_at)):
    units = fit_scaling(known[depth], kind="each by its sd")
    f, g = units(known[depth]), units(features["test"][depth])
    axes = leading_directions(f[first], y[first], count=FEW)
    f, g = f[~first] @ axes, g @ axes
    usable = [c for c in range(len(KNOWN)) if (y[~first] == c).sum() > 2 * FEW]
    flags = [hotelling_alarms(f[y[~first] == c], g[truth == c], level=level).mean() for c in usable]
    keep("hotelling", depth, value=np.average(flags, weights=[SHARES[c] for c in usable]))
    keep("shapiro", depth, value=(shapiro_by_direction(g, truth) < level).mean())
    places_in = [shares_of_variance(g[truth == c], laboratory[truth == c])
                 for c in range(len(KNOWN))]
    keep("by laboratory", depth, value=np.mean(places_in, axis=0).max())
    dealt = np.arange(len(truth)) % len(home)  # as many tiles of each class, of all laboratories
    for what, parts in (("one laboratory", laboratory), ("as many mixed", dealt)):
        rejected = [shapiro_by_direction(g[parts == part], truth[parts == part]) < level
                    for part in range(len(home))]
        keep("shapiro", what, depth, value=np.mean(rejected))

# %% [markdown]
# ## Ranks

# %%
units = fit_scaling(known[gauss_at], kind="each by its sd")
model = fit_gaussians(units(known[gauss_at]), y)
to_class = {name: model.distances(units(features[name][gauss_at]))
            for name in ("learn", "calibrate", "test", "other scanner", "beyond")}
nearest = {name: each.min(axis=1) for name, each in to_class.items()}
for key, on in (("held out", "calibrate"), ("training", "learn")):
    p = conformal_p(nearest["test"], calibration=nearest[on])
    keep("level", key, value=in_shares(p <= level))
    ranked = conformal_p_by_class(to_class["test"], calibration=to_class[on], labels=labels[on])
    fits_none = ranked.max(axis=1) <= level
    keep("level fits none", key, value=in_shares(fits_none))
    for c, name in enumerate(KNOWN):
        keep("level", key, name, value=(p[truth == c] <= level).mean())
        keep("level fits none", key, name, value=fits_none[truth == c].mean())
    keep("control", key, value=seen(nearest[on], nearest["test"]))
p = conformal_p(nearest["other scanner"], calibration=nearest["calibrate"])
keep("level other scanner", value=(p <= level).mean())
p = conformal_p(nearest["beyond"], calibration=nearest["calibrate"])
keep("level beyond", value=(p <= level).mean())
ranked = conformal_p_by_class(to_class["beyond"], calibration=to_class["calibrate"],
                              labels=labels["calibrate"])
keep("level fits none beyond", value=(ranked.max(axis=1) <= level).mean())
keep("control confidence", value=seen(answering["calibrate"], answering["test"]))

# %% [markdown]
# ## What gates save
#
# Each gate's depth and threshold are those that cost least in the validation mix.

# %%
USUAL = [f"usual {name}" for name in KNOWN]
MIX = {name: 0.80 * share for name, share in zip(USUAL, SHARES, strict=True)}
MIX |= {"other scanner": 0.05, "beyond": 0.02, "between": 0.02}
MIX |= {name: 0.10 / len(TEST_FAULTS) for name in TEST_FAULTS}
MIX |= {name: 0.01 / len(FAR) for name in FAR}
TUNING_MIX = {"tune": 0.85, "unseen": 0.04, "objects": 0.01}
TUNING_MIX |= {name: 0.10 / len(TUNING_FAULTS) for name in TUNING_FAULTS}
for c, name in enumerate(USUAL):
    features[name] = {d: f[truth == c] for d, f in features["test"].items()}
    labels[name], answering[name] = truth[truth == c], answering["test"][truth == c]
labels |= {n: labels["altered"] for n in TEST_FAULTS}
labels |= {n: labels["tuning altered"] for n in TUNING_FAULTS}
JUDGED = (*MIX, *TUNING_MIX)
errs = {n: (tuned.logits(features[n]).argmax(axis=1) != labels[n]) if n in labels
        else np.ones(len(answering[n]), dtype=bool) for n in JUDGED}

# %%
options = {m: {d: {n: tuned.at[m, d](features[n]) for n in (*JUDGED, "calibrate")} for d in DEPTHS}
           for m in METHODS[:4]}
options["confidence"] = {"answering": answering}


def as_p(scores):
    return {n: conformal_p(scores[n], calibration=scores["calibrate"]) for n in JUDGED}


of_answer = as_p(answering)
options["either"] = {
    d: {n: -np.minimum(p, of_answer[n]) for n, p in as_p(scores).items()}
    for d, scores in options["Mahalanobis"].items()}

GROUPS = {"usual": USUAL, "scanners": ["other scanner"], "unknown": ["beyond", "between"],
          "spoilt": TEST_FAULTS, "far": FAR}

# %%
for place, price in enumerate(costs_of_referral):
    costs = ReferralCosts(price, reader_error)
    for method, by_depth in options.items():
        by_depth = {d: {n: s[n] for n in JUDGED} for d, s in by_depth.items()}
        depth, cut = cheapest_gate(by_depth, errs, shares=TUNING_MIX, costs=costs)
        spent = cost_by_kind(by_depth[depth], errs, threshold=cut, costs=costs)
        saved = stratified_mean({n: errs[n] - spent[n] for n in MIX}, shares=MIX)
        keep("saved", method, str(place), value=saved.value)
        for group, kinds in GROUPS.items() if method in METHODS and place == 0 else ():
            keep("saved", method, "by", group, value=sum(
                MIX[n] * np.mean(errs[n] - spent[n]) for n in kinds))
        if method in METHODS:
            keep("gate depth", method, str(place), value=DEPTHS.index(depth), atol=9)
keep("no gate", value=stratified_mean({n: 1.0 * errs[n] for n in MIX}, shares=MIX).value)

# %% [markdown]
# ## What an alarm means
#
# The share of each kind that sets off the tuned Mahalanobis gate at three levels.

# %%
scores = {n: gate["Mahalanobis"](features[n]) for n in ("calibrate", "test", *KINDS)}
for place, alpha in enumerate((0.05, 0.01, 0.002)):
    for name in ("test", *KINDS):
        if name in (*CHANGED, "home"):
            continue
        sounds = conformal_p(scores[name], calibration=scores["calibrate"]) <= alpha
        share = in_shares(sounds) if name == "test" else sounds.mean()
        keep("sounds", name, str(place), value=share)

# %%
run.finish()
