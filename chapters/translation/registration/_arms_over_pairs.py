# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Who bends, who tears, and who can tell
#
# **Objectives.** One point of a recorded trial, a companion of *Can a map of the brain bend
# without tearing?*. Pairs of brain slices are drawn: bent by flows that change with time, and by
# cubic splines, so that the map from one to the other is known; and slices some way apart. Four
# things are fitted, a displacement, a displacement that pays for folds, a velocity, a velocity of
# two intervals; by Adam on each pair, and displacement and velocity also by a network that was
# trained on other pairs. Beside them stand no registration, rigid and affine maps, a sorting of
# greys, the true map, and SimpleITK's diffeomorphic demons and B-splines. Each has one knob of
# smoothness. All knobs are tried on one kind of grid, which grows while the best lies on its edge,
# and chosen by the mean Dice of validation pairs; what Dice of the pairs with a known map, and what
# their true distance would have chosen is kept beside. The chosen ones are then fitted twice and
# four times as long. Labels are in no loss.
# Networks and pairs can be made apart (`fitted_by`), on the same pairs of a seed.
# This notebook is no page of the book: `medbook sweep` runs it over seeds. A seed draws pairs,
# noise, first weights and batches; all of them warp one template's slices.
#
# **Prerequisites.** *Can a map of the brain bend without tearing?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
fitted_by: str = "network and pair"  # "network", "pair" or "network and pair"
resolution_mm: int = 3  # of slices, and their distance, 2 ≤ x ≤ 3
n_train: int = 300  # training pairs of each kind, 1 ≤ x ≤ 100000
n_validation: int = 8  # validation pairs of each kind, 2 ≤ x ≤ 10000
n_test: int = 12  # test pairs of each kind, 2 ≤ x ≤ 10000
largest_mm: float = 9.0  # about how far either image of a pair is bent, 0 < x ≤ 30
first_steps: int = 400  # of the shortest training, 1 ≤ x ≤ 100000
rates: list[float] = [0.008, 0.003, 0.02]  # highest, the first for all λ, 0 < x ≤ 0.1
width: int = 16  # channels of a network at full resolution, 2 ≤ x ≤ 256
pair_steps: int = 80  # of the shortest fit of a pair, at each resolution, 1 ≤ x ≤ 10000
peer_steps: int = 50  # SimpleITK's iterations at each resolution, 1 ≤ x ≤ 10000
weights: list[float] = [0.0003, 0.0009, 0.0027, 0.0081]  # λ, 2 or more, increasing, 0 < x ≤ 100
extensions: int = 2  # of a grid on whose edge the best lies, 0 ≤ x ≤ 10
peers: str = "SimpleITK"  # rivals from outside: "SimpleITK" or "none"

# %%
from functools import lru_cache

import numpy as np
import torch

from data_fetch.tasks.brain_levels import brain_levels
from medlib import experiment
from medlib.measures.mean_interval import mean_interval
from medlib.translation.registration.affine import fit_affine
from medlib.translation.registration.composition import invert
from medlib.translation.registration.drawn_pairs import KINDS, Bending, drawn_pairs
from medlib.translation.registration.edge_search import edge_search
from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.fold_barrier import BarredDisplacement
from medlib.translation.registration.grey_sorting import sort_greys
from medlib.translation.registration.integrator_error import integrator_error
from medlib.translation.registration.network_fit import fit_network
from medlib.translation.registration.pair_fit import fit_pairs
from medlib.translation.registration.registration_network import register, registration_network
from medlib.translation.registration.registration_scores import score_registration
from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.simpleitk_peers import register_by_simpleitk
from medlib.translation.registration.warp import warp
from medlib.translation.registration.warped_pairs import TISSUES

run = experiment.start("translation/registration/_arms_over_pairs", locals())

# %% [markdown]
# ## Pairs

# %%
levels = brain_levels(resolution_mm=resolution_mm)
run.uses(levels.sample)
MM = (float(resolution_mm),) * 2
bending = Bending(largest_mm=largest_mm, levels_apart=6 // resolution_mm)


def draw(split, each, name):
    blocks = [torch.from_numpy(block) for block in levels.blocks(split)]
    return drawn_pairs(blocks, each=each, spacing_mm=MM, rng=run.rng(name), bending=bending)


pairs = {split: draw(split, each, f"{split} pairs") for split, each in
         (("training", n_train if "network" in fitted_by else 1), ("validation", n_validation),
          ("test", n_test))}
# other pairs of the training's levels: what lies between the two was learned by heart
pairs["fresh"] = draw("training", n_test, "fresh pairs")
BENT = ("flow", "spline")


def images(split):
    return tuple(each.to(run.device) for each in pairs[split].images)


# %% [markdown]
# ## Scores

# %%
LOSS = LOSSES["squared error"]


def judged(by_voxels, back_voxels, split):
    """Scores, pair by pair."""
    return score_registration(by_voxels, back_voxels=back_voxels, labels=list(TISSUES),
                              spacing_mm=MM, **pairs[split].truth)


def mean_dice(scores):
    """What chooses: over labels, then over pairs."""
    return float(np.nanmean(scores.dice, axis=1).mean())


def known_dice(scores, split="validation"):
    """The same of pairs whose map is known, for a choice that can be held against the truth's."""
    return float(np.nanmean(scores.dice, axis=1)[np.isin(pairs[split].kind, BENT)].mean())


def known_error_mm(scores):
    return float(np.nanmean(scores.error_mm))


def known_folds(scores, split="test"):
    return 100 * float(scores.folded[np.isin(pairs[split].kind, BENT)].mean())


# %% [markdown]
# ## Networks
#
# First weights and batches are the same for all models and weights of one length. The rate is tried
# at the chosen λ: at one λ, losses can be compared.

# %%
MODELS = {
    "displacement": FieldModel("displacement"),
    "velocity": FieldModel("stationary velocity", squarings=7),
    "barred": BarredDisplacement(),
    "timed": FieldModel("time-dependent velocity", squarings=6, times=2),
}
TIMES = (1, 2, 4)
starts = {name: int(run.rng(name).integers(2**62)) for name in ("first weights", "batches")}


def own(name):
    return torch.Generator().manual_seed(starts[name])


# %%
def trained(model, weight, rate, steps):
    network = registration_network(model, generator=own("first weights"), width=width)
    return fit_network(network.to(run.device), pairs["training"].images, loss=LOSS, weight=weight,
                       validation=pairs["validation"].images, steps=steps, peak_rate=rate,
                       generator=own("batches"), every=max(steps // 12, 1))


def least_validation(fitted):
    return min(fitted.history.validation_loss)


# %%
class ByNetwork:
    """A network, trained; then asked for every pair."""

    def __init__(self, model):
        self.model, self.rate = model, rates[0]

    def fit(self, weight, times=1):
        return trained(self.model, weight, self.rate, times * first_steps)

    def maps(self, fitted, split):
        found = register(fitted.network, *pairs[split].images)
        return found.by_voxels, found.back_voxels


# %%
def choose_rate(arm, weight, found):
    """Set the rate with the lower validation loss; return what was fitted at each."""
    tried = {rates[0]: found}
    for arm.rate in rates[1:]:
        tried[arm.rate] = arm.fit(weight)
    arm.rate = min(tried, key=lambda rate: least_validation(tried[rate]))
    return tried


# %% [markdown]
# ## Pairs one by one, and rivals
#
# All validation pairs are fitted in one batch, in which no pair sees another, and none is stopped
# before its rate has come to its end.

# %%
class ByPair:
    """Adam on the pairs themselves."""

    def __init__(self, model):
        self.model = model
        self.maps = lru_cache(maxsize=None)(self._maps)  # choosers may agree

    def fit(self, weight, times=1):
        return weight, times

    def _maps(self, setting, split):
        weight, times = setting
        found = fit_pairs(*images(split), model=self.model, loss=LOSS, weight=weight,
                          gain=float("-inf"), steps=times * pair_steps).registered
        return found.by_voxels, found.back_voxels


# %%
class BySimpleITK:
    """One of its methods; the way back is sought."""

    def __init__(self, method):
        self.method = method
        self.maps = lru_cache(maxsize=None)(self._maps)

    def fit(self, smoothness_mm, times=1):
        return smoothness_mm, times

    def _maps(self, setting, split):
        by = register_by_simpleitk(*pairs[split].images, method=self.method, spacing_mm=MM,
                                   smoothness_mm=setting[0], iterations=setting[1] * peer_steps)
        return by, invert(by).by_voxels


# %%
arms = {}
if "network" in fitted_by:
    arms |= {f"net_{name}": ByNetwork(MODELS[name]) for name in ("displacement", "velocity")}
if "pair" in fitted_by:
    arms |= {f"pair_{name}": ByPair(model) for name, model in MODELS.items()}
grids = dict.fromkeys(arms, weights)
if "pair" in fitted_by and peers == "SimpleITK":
    for name, first_mm in (("diffeomorphic demons", 0.5), ("B-spline", 1.5)):
        arm = name.replace(" ", "_").replace("-", "_").lower()
        arms[arm] = BySimpleITK(name)
        grids[arm] = [first_mm * resolution_mm * 2**power for power in range(4)]

# %% [markdown]
# ## Knobs, tried and taken

# %%
def attempt(arm):
    def one(knob):
        fitted = arm.fit(knob)
        return fitted, judged(*arm.maps(fitted, "validation"), "validation")
    return one


found = {
    name: edge_search(attempt(arm), grid=grids[name], worth=lambda done: mean_dice(done[1]),
                      extensions=extensions)
    for name, arm in arms.items()
}
by_truth = {name: min(one.tried, key=lambda knob: known_error_mm(one.tried[knob][1]))
            for name, one in found.items()}
by_known_dice = {name: max(one.tried, key=lambda knob: known_dice(one.tried[knob][1]))
                 for name, one in found.items()}

# %%
for name, one in found.items():
    for chooser, knob in (("", one.best), ("_by_truth", by_truth[name]),
                          ("_by_known_dice", by_known_dice[name])):
        run.result(f"log_knob{chooser}_{name}", np.log10(knob), atol=0.5)
        run.result(f"on_edge{chooser}_{name}", knob in (min(one.tried), max(one.tried)), atol=1)


# %%
def keep_curve(name, place, scores, split):
    """One knob of the first grid, by kinds."""
    for kind in KINDS:
        at, end = pairs[split].of_kind(kind), f"{split}_{kind}_{name}_{place}"
        run.result(f"curve_dice_{end}", np.nanmean(scores.dice[at]), atol=0.005)
        run.result(f"curve_folded_{end}", 100 * scores.folded[at].mean(), unit="%", atol=0.2)
        if kind in BENT:
            run.result(f"curve_error_{end}", scores.error_mm[at].mean(), unit="mm", atol=0.05)


for name, arm in arms.items():
    for place, knob in enumerate(grids[name]):
        fitted, scores = found[name].tried[knob]
        keep_curve(name, place, scores, "validation")
        if isinstance(arm, ByNetwork):  # at one λ, on the pairs that decide
            keep_curve(name, place, judged(*arm.maps(fitted, "test"), "test"), "test")

# %% [markdown]
# ## Fitted, and fitted longer

# %%
kept = {}
for name, arm in arms.items():
    first, _ = found[name].kept
    if isinstance(arm, ByNetwork):
        tried = choose_rate(arm, found[name].best, first)
        first = tried[arm.rate]
        run.result(f"log_rate_{name}", np.log10(arm.rate), atol=1.0)
        for place, rate in enumerate(rates):
            run.result(f"loss_at_rate_{name}_{place}", least_validation(tried[rate]), atol=0.001)
    for times in TIMES:
        kept[name, times] = first if times == 1 else arm.fit(found[name].best, times)

# %%
tested, residual = {}, {}


def test(name, times, by, back):
    """Scores, and what the loss had to make small: the squared error that is left."""
    tested[name, times] = judged(by, back, "test")
    still, moving = pairs["test"].images
    residual[name, times] = (warp(moving, by_voxels=by) - still).square().flatten(1).mean(1).numpy()


for (name, times), fitted in kept.items():
    test(name, times, *arms[name].maps(fitted, "test"))

# %%
zero = torch.zeros_like(pairs["test"].known)
test("none", 1, zero, zero)
for kind in ("rigid", "affine"):
    one_by_one = [fit_affine(f, m, spacing_mm=MM, kind=kind, loss=LOSS).by_voxels for f, m in
                  zip(*(image.split(1) for image in pairs["test"].images), strict=True)]
    by = torch.cat(one_by_one)
    test(kind, 1, by, invert(by).by_voxels)
brains = {"fixed_mask": pairs["test"].mask, "moving_mask": pairs["test"].moving_labels[:, 0] > 0}
by = sort_greys(*pairs["test"].images, **brains)
test("sorted", 1, by, zero)
known = pairs["test"].known.nan_to_num()  # what overlap can be had without any error
test("truth", 1, known, invert(known).by_voxels)

# %%
MEASURES = {  # folds by cells' corners, and across pixels; of ln det J the standard deviation
    "dice": lambda s: (np.nanmean(s.dice, axis=1), "", 0.005),
    "surface": lambda s: (np.nanmean(s.surface_mm, axis=1), "mm", 0.1),
    "folded": lambda s: (100 * s.folded, "%", 0.2),
    "across": lambda s: (100 * s.folded_central, "%", 0.2),
    "unevenness": lambda s: (s.log_jacobian_sd, "", 0.05),
    "inverse": lambda s: (s.inverse_mm, "mm", 0.1),
    "error": lambda s: (s.error_mm, "mm", 0.05),
}
MEASURES |= {f"dice_of_{tissue.split()[0]}": lambda s, column=column: (s.dice[:, column], "", 0.01)
             for column, tissue in enumerate(TISSUES.values())}


# %%
def keep_scores(name, times, scores):
    """Every measure of every kind: means over pairs, of those where it is defined."""
    for kind in KINDS:
        at = pairs["test"].of_kind(kind)
        for what, of in MEASURES.items():
            values, unit, atol = of(scores)
            if np.isfinite(values[at]).any():  # of levels nobody knows the map, and none is true
                run.result(f"{what}_{kind}_{name}_{times}", np.nanmean(values[at]), unit=unit,
                           n=n_test, atol=atol)
        run.result(f"residual_{kind}_{name}_{times}", residual[name, times][at].mean(), n=n_test,
                   atol=0.001)


# %%
for (name, times), scores in tested.items():
    keep_scores(name, times, scores)

# %% [markdown]
# Differences between two arms on the same pairs, with t intervals over pairs. Pairs share a
# template and a few levels: of the trial's claims seeds are the unit.

# %%
CONTRASTS = [("net_displacement", "net_velocity"), ("pair_displacement", "pair_velocity"),
             ("pair_timed", "pair_velocity"), ("pair_barred", "pair_velocity"),
             ("net_velocity", "pair_velocity")]
CONTRASTS += [(arm, "pair_velocity") for arm in arms if isinstance(arms[arm], BySimpleITK)]
CONTRASTS = [two for two in CONTRASTS if set(two) <= set(arms)]


def differences(one, other, times):
    """Folds in %, distance in mm and Dice: one less the other, pair by pair."""
    a, b = tested[one, times], tested[other, times]
    known = ~np.isnan(a.error_mm)
    return {"folded": (100 * (a.folded - b.folded), "%"),
            "error": ((a.error_mm - b.error_mm)[known], "mm"),
            "dice": (np.nanmean(a.dice, axis=1) - np.nanmean(b.dice, axis=1), "")}


# %%
for one, other in CONTRASTS:
    for times in TIMES:
        for what, (values, unit) in differences(one, other, times).items():
            run.result(f"less_{what}_{one}_{other}_{times}", mean_interval(values, unit=unit),
                       atol={"folded": 0.2, "error": 0.05, "dice": 0.005}[what])

# %% [markdown]
# ## Had the truth chosen
#
# An oracle: nobody has it outside a simulation. Three choosers, all of the shortest fit at the
# first rate, so that the knob alone differs; judged by the pairs whose map is known.

# %%
for name, arm in arms.items():
    for chooser, knob in (("dice", found[name].best), ("known_dice", by_known_dice[name]),
                          ("truth", by_truth[name])):
        fitted, _ = found[name].tried[knob]
        scores = judged(*arm.maps(fitted, "test"), "test")
        run.result(f"folded_by_{chooser}_{name}", known_folds(scores), unit="%", atol=0.2)
        run.result(f"error_by_{chooser}_{name}", known_error_mm(scores), unit="mm", atol=0.05)
        run.result(f"dice_by_{chooser}_{name}", known_dice(scores, "test"), atol=0.005)

# %% [markdown]
# ## Ends, and memory
#
# What the last fifth of a training still gained; and the true distance on pairs that a network was
# trained on, and on others of the same levels: what lies between the two it has learned by heart.

# %%
for name, arm in arms.items():
    if isinstance(arm, ByNetwork):
        for times in TIMES:
            run.result(f"late_gain_{name}_{times}", kept[name, times].late_gain, atol=0.2)
        for split in ("training", "fresh"):
            scores = judged(*arm.maps(kept[name, 4], split), split)
            run.result(f"error_in_{split}_{name}", known_error_mm(scores), unit="mm", atol=0.05)

# %% [markdown]
# ## The integrator
#
# Velocities that the network has learned, at the chosen λ and at the least of the first grid,
# followed with so many squarings.

# %%
SQUARINGS = (0, 1, 2, 3, 5, 7, 9)
learned = {}
if "net_velocity" in arms:
    learned = {"chosen": kept["net_velocity", 4],
               "rough": found["net_velocity"].tried[weights[0]][0]}
for which, fitted in learned.items():
    velocity = register(fitted.network, *pairs["test"].images).numbers
    error = integrator_error(velocity, squarings=SQUARINGS, spacing_mm=MM,
                             mask=pairs["test"].mask)
    for place, k in enumerate(SQUARINGS):
        end = f"{which}_{k}"
        run.result(f"apart_{end}", error.apart_mm[place].mean(), unit="mm", atol=0.1)
        run.result(f"there_and_back_{end}", error.inverse_mm[place].mean(), unit="mm", atol=0.1)
        run.result(f"folded_after_{end}", 100 * error.folded[place].mean(), unit="%", atol=0.2)
    run.result(f"folded_followed_{which}", 100 * error.reference_folded.mean(), unit="%", atol=0.2)

# %%
run.finish()
