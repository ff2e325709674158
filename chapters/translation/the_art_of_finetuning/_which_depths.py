# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Which depths may move
#
# **Objectives.** The title's question of *Move the late layers, barely touch the early?*, with
# rivals that are treated alike: rates that fall toward the stem, the same rates in the reverse
# order, one rate for all, only late depths moving, and only early ones. The head has the peak rate
# in every arm. This notebook is no page of the book: `medbook sweep` runs it over seeds, and the
# chapter shows the table. The seed is the unit: it draws the images and whatever is random in the
# training.
#
# **Prerequisites.** The chapter.
#
# Every arm is tuned by one procedure, on validation images: its peak rate, by three values and up
# to two more where the best lies on an edge; then two values of what else it has: ξ, the depth at
# which its window ends, or, for the arm that has nothing else, two rates beside the best. It is
# trained again for four times as long, at a third of the rate, twice at most, as long as that
# validates worse. Of each training the weights that validate best are kept, those before the first
# step among them, and of the two trainings the better one. All keep the source's statistics. The
# test images are looked at when all is chosen.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
labels: int = 100  # labelled images, even, 4 ≤ x ≤ 5000
pool: int = 400  # images that the labelled ones are taken from, even, 4 ≤ x ≤ 5000
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_validation: int = 200  # images to tune on, even, 20 ≤ x ≤ 5000
n_test: int = 400  # images to judge by, even, 20 ≤ x ≤ 5000
n_known: int = 16  # crops of photographs that test the memory, 4 ≤ x ≤ 1000
steps: int = 75  # steps of a training while tuning, 3 ≤ x ≤ 10000
times: int = 4  # how many times as long the chosen settings are trained, 2 ≤ x ≤ 100
batch_size: int = 16  # images a step; fewer where there are fewer, 2 ≤ x ≤ 256

# %%
import numpy as np
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import ACCEPTED, recognisable
from medlib import experiment
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.nets.features import predict
from medlib.translation.moving.depth_window import DepthWindow
from medlib.translation.moving.forgetting import group_log_probability, source_logits
from medlib.translation.moving.layer_movement import movement_by_depth
from medlib.translation.moving.study import label_images
from medlib.translation.moving.tuned import Bench, best_of, climb, scores_of

run = experiment.start("translation/the_art_of_finetuning/_which_depths", locals())
if labels % 2 or labels > pool:
    raise ValueError(f"labels = {labels} must be even, and at most pool = {pool}")

# %% [markdown]
# ## Images
#
# Real retina with simulated lesions; the three sets come from places that share no pixel.

# %%
SIZES = {"train": pool, "validation": n_validation, "test": n_test}
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
parts = {}
for split, n in SIZES.items():
    how = {"split": split, "rng": run.rng(split), "size": size, "contrast": contrast}
    sample, marks = fundus_lesions(n, **how)
    parts[split] = label_images(source, run.uses(sample).array, marks)
train, validation, test = parts["train"].pick(labels), parts["validation"], parts["test"]

crops, groups = recognisable(n_known, rng=run.rng("recognisable"), size=96)
photographs = preprocess(run.uses(crops).array, device=run.device)

# %% [markdown]
# ## Tuning
#
# Every training draws the same batches in the same order, and starts from the tuned head of the
# frozen network.

# %%
drawn = int(run.rng("training").integers(2**31))
bench = Bench(source, train, validation, batch_size=batch_size, seed=drawn)
head = bench.head("source").layer
SAME, at_the_same = 1e-3, {}  # a peak rate at which every arm is tried


def trained(arm):
    return bench.fit(arm, head=head, steps=steps)


def tuned(name, rates, *others, **window):
    """The best training over an arm's rate, then over what else it has; and whether on an edge."""
    arm = DepthWindow(name, **window)

    def trial(rate):
        one = trained(arm.but(name, peak_rate=rate))
        if rate == SAME:
            at_the_same[name] = one
        return one.validation, one

    chosen, edge = climb(rates, trial)
    rate = chosen.arm.peak_rate
    others = others or ({"peak_rate": rate / 3**0.5}, {"peak_rate": rate * 3**0.5})
    return best_of([chosen, *(trained(chosen.arm.but(name, **change)) for change in others)]), edge


# %%
FAST, SLOW = (3e-4, SAME, 3e-3), (1e-4, 3e-4, SAME)
XI = [{"depth_factor": factor} for factor in (0.4, 0.8)]
found = {
    "late first": tuned("late first", FAST, *XI, depth_factor=0.6),
    "early first": tuned("early first", FAST, *XI, depth_factor=0.6, early_first=True),
    "one rate": tuned("one rate", SLOW),
    "late only": tuned("late only", FAST, {"from_depth": 3}, {"from_depth": 8}, from_depth=6),
    "early only": tuned("early only", FAST, {"to_depth": 1}, {"to_depth": 5}, to_depth=3),
}

# %% [markdown]
# ## To the end

# %%
longer = {
    name: bench.fit_longer(short, head=head, steps=times * steps)
    for name, (short, _) in found.items()
}
ends = {name: best_of([short, longer[name]]) for name, (short, _) in found.items()}

# %% [markdown]
# ## Results


# %%
def kept(name, value, **how):
    return run.result(name.replace(" ", "_"), value, **how)


def auc_of(network):
    return roc_auc_score(test.labels, np.diff(predict(network, test.images))[:, 0])


def remembered(network):
    logits = source_logits(network, photographs, source_classifier=source.classifier)
    return float(group_log_probability(logits, groups, accepted=ACCEPTED))


# %%
frozen = roc_auc_score(test.labels, scores_of(head, test.features))
kept("auc_frozen", frozen, unit="AUC", n=n_test, atol=0.02)
kept("memory_frozen", remembered(source), unit="nats", n=n_known, atol=0.05)
for name, fit in ends.items():
    short, edge = found[name]
    for when, one in (("", fit), ("_tuned", short), ("_longer", longer[name])):
        kept(f"auc_{name}{when}", auc_of(one.network), unit="AUC", n=n_test, atol=0.1)
    kept(f"memory_{name}", remembered(fit.network), unit="nats", n=n_known, atol=2.0)
    kept(f"rate_{name}", fit.arm.peak_rate, rtol=30)
    kept(f"on_edge_{name}", edge, atol=1)
    kept(f"steps_{name}", fit.steps, unit="steps", atol=times * steps)
    kept(f"best_step_{name}", fit.best_step, unit="steps", atol=times * steps)
    for depth, moved in enumerate(movement_by_depth(fit.network, fit.start)):
        kept(f"moved_{name}_{depth}", moved, rtol=1)

# %%
for name, one in at_the_same.items():  # where nobody tuned the rate, and nobody stopped it
    kept(f"last_{name}_same", one.curve[-1][1], unit="AUC", n=n_validation, atol=0.2)
    kept(f"last_{name}_longer", longer[name].curve[-1][1], unit="AUC", n=n_validation, atol=0.2)
kept("xi_late_first", ends["late first"].arm.depth_factor, atol=1)
kept("xi_early_first", ends["early first"].arm.depth_factor, atol=1)
kept("from_depth_late_only", ends["late only"].arm.from_depth, atol=9)
kept("to_depth_early_only", ends["early only"].arm.to_depth, atol=9)

# %%
curves = [
    {"arm": name, "step": step, "validation AUC": round(auc, 4)}
    for name, fit in longer.items()
    for step, auc in fit.curve
]
run.table(curves, name="curves", caption="Validation AUC against steps, of the longer trainings.")
run.finish()
