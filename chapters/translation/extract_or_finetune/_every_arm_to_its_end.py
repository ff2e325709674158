# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Every arm, tuned and trained to its end
#
# **Objectives.** All arms of the part on transfer learning, once: one domain, one number of labels,
# one set of labelled images. This notebook is no page of the book: `medbook sweep` runs it over
# domains, labels and seeds, and chapters show the table. The seed is the unit of that trial: it
# draws the images and whatever is random in the training. For one domain and seed the validation
# and test images are the same at every number of labels, and a smaller set of labelled images is
# part of a larger one.
#
# **Prerequisites.** *Quick repair or careful renovation*.
#
# Every arm is tuned by one procedure, on validation images: its rate, by three values and up to two
# more where the best lies on an edge; then its other settings, one after the other. The frozen
# network is tuned as well: its head's scaling and strength. Then each arm is trained four times as
# long. A rate that is right for few steps may be too high for many: as long as the longer training
# validates worse, it is tried again at a third of the rate, twice at most. Of each training the
# weights that validate best are kept, and those before the first step count: an arm may be left as
# it began. Of the shorter and the longer training the better one, on validation images, is the
# arm's end. The test images are looked at when all is chosen.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
domain: str = "near"  # what the images show: "near", "far" or "tissue"
labels: int = 20  # labelled images, even, 4 ≤ x ≤ 5000
pool: int = 400  # images that the labelled ones are taken from, even, 4 ≤ x ≤ 5000
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_validation: int = 200  # images to tune on, even, 20 ≤ x ≤ 5000
n_test: int = 400  # images to judge by, even, 20 ≤ x ≤ 5000
n_known: int = 16  # crops of photographs that test the memory, 4 ≤ x ≤ 1000
steps: int = 75  # steps of a training while tuning, 3 ≤ x ≤ 10000
times: int = 4  # how many times as long the chosen settings are trained, 2 ≤ x ≤ 100
demo_steps: int = 20  # steps of a training as in a demonstration, 2 ≤ x ≤ 1000
batch_size: int = 16  # images a step; fewer where there are fewer, 2 ≤ x ≤ 256

# %%
import numpy as np
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import ACCEPTED, living_or_made, recognisable
from medlib import experiment
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.nets.features import predict
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.forgetting import group_log_probability, source_logits
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.l2_sp import Pull
from medlib.translation.moving.layer_movement import movement_by_depth
from medlib.translation.moving.study import label_images
from medlib.translation.moving.tuned import (
    Bench,
    best_of,
    climb,
    fit_linear,
    lasting,
    scores_of,
)

run = experiment.start("translation/extract_or_finetune/_every_arm_to_its_end", locals())
if labels % 2 or labels > pool:
    raise ValueError(f"labels = {labels} must be even, and at most pool = {pool}")

# %% [markdown]
# ## Images
#
# Near: crops of real photographs. Far: real retina with simulated lesions. Both take the three sets
# from places that share no pixel. Tissue: simulated through and through, no two tiles alike.

# %%
SIZES = {"train": pool, "validation": n_validation, "test": n_test}


def drawn(split):
    if domain == "near":
        return living_or_made(SIZES[split], split=split, rng=run.rng(split), size=size)
    if domain == "far":
        return fundus_lesions(
            SIZES[split], split=split, rng=run.rng(split), size=size, contrast=contrast
        )
    return atypia_tiles(SIZES[split], rng=run.rng(split), size=size)


# %%
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
parts = {}
for split in SIZES:
    sample, marks = drawn(split)
    parts[split] = label_images(source, run.uses(sample).array, marks)
train, validation, test = parts["train"].pick(labels), parts["validation"], parts["test"]

crops, groups = recognisable(n_known, rng=run.rng("recognisable"), size=96)
photographs = preprocess(run.uses(crops).array, device=run.device)

# %% [markdown]
# ## Tuning
#
# Every training draws the same batches in the same order.

# %%
bench = Bench(
    source,
    train,
    validation,
    batch_size=batch_size,
    seed=int(run.rng("training").integers(2**31)),
)
heads = {statistics: bench.head(statistics) for statistics in ("source", "batch")}


def trained(arm, length=steps):
    return bench.fit(arm, head=heads[arm.statistics].layer, steps=length)


def climbed(values, arm_at):
    """The best training over one number of an arm, and whether it is still on an edge."""

    def trial(value):
        one = trained(arm_at(value))
        return one.validation, one

    return climb(values, trial)


# %%
def tuned_rate(arm, rates):
    return climbed(rates, lambda rate: arm.but(arm.name, peak_rate=rate))


def with_other(chosen, **changes):
    """The training, or that of one changed setting if it validates better."""
    return best_of([chosen, trained(chosen.arm.but(chosen.arm.name, **changes))])


# %%
chosen, edge = {}, {}
for name, moves, factor, rates in (
    ("norm only", "norm", 1.0, (1e-3, 3e-3, 1e-2)),
    ("graded", "all", 0.6, (3e-4, 1e-3, 3e-3)),
    ("full", "all", 1.0, (1e-4, 3e-4, 1e-3)),
):
    arm = Arm(name, moves=moves, depth_factor=factor)
    chosen[name], edge[name] = tuned_rate(arm, rates)
    chosen[name] = with_other(chosen[name], statistics="batch")

# %%
for factor in (0.4, 0.8):
    chosen["graded"] = with_other(chosen["graded"], depth_factor=factor)

# %%
thaw = GradualUnfreezing.within(steps=steps)
gradual = chosen["graded"].arm.but("gradual", unfreezing=thaw)
rate = gradual.peak_rate
chosen["gradual"], edge["gradual"] = tuned_rate(gradual, (rate / 3, rate, rate * 3))

# %%
free = chosen["full"].arm
chosen["L2-SP"], edge["L2-SP"] = climbed(
    (1.0, 10.0, 100.0), lambda alpha: free.but("L2-SP", weight_decay=0.0, pull=Pull(alpha=alpha))
)

# %%
random = Arm("scratch", pretrained=False, statistics="batch")
chosen["scratch"], edge["scratch"] = tuned_rate(random, (1e-3, 3e-3, 1e-2))

# %% [markdown]
# ## At the end, and after a demonstration
#
# The chosen settings for longer, and for as few steps as a demonstration takes.

# %%
longer = {
    name: bench.fit_longer(one, head=heads[one.arm.statistics].layer, steps=times * steps)
    for name, one in chosen.items()
}
ends = {name: best_of([one, longer[name]]) for name, one in chosen.items()}
demos = {n: trained(lasting(c.arm, demo_steps), demo_steps) for n, c in chosen.items()}

# %% [markdown]
# ## Results


# %%
def auc_of(fit):
    scores = np.diff(predict(fit.network, test.images))[:, 0]
    return roc_auc_score(test.labels, scores)


def kept(name, value, **how):
    return run.result(name.replace(" ", "_").replace("-", "_").lower(), value, **how)


head = heads["source"]
kept("auc_frozen", roc_auc_score(test.labels, scores_of(head.layer, test.features)),
     unit="AUC", n=n_test, atol=0.02)
old = fit_linear(train.features, train.labels, scaled=True, strength=0.01)
kept("auc_frozen_standardised", roc_auc_score(test.labels, scores_of(old, test.features)),
     unit="AUC", n=n_test, atol=0.02)

# %%
for name in chosen:
    for when, fit in (("_tuned", chosen[name]), ("_longer", longer[name]), ("_demo", demos[name])):
        kept(f"auc_{name}{when}", auc_of(fit), unit="AUC", n=n_test, atol=0.1)
    for when, fit in (("_tuned", chosen[name]), ("_longer", longer[name])):
        kept(f"validation_{name}{when}", fit.validation, unit="AUC", n=n_validation, atol=0.1)

# %%
for name, fit in ends.items():
    kept(f"auc_{name}", auc_of(fit), unit="AUC", n=n_test, atol=0.1)
    kept(f"steps_{name}", fit.steps, unit="steps", atol=times * steps)
    kept(f"best_step_{name}", fit.best_step, unit="steps", atol=times * steps)
    kept(f"rate_{name}", fit.arm.peak_rate, rtol=30)
    kept(f"on_edge_{name}", edge[name], atol=1)
    kept(f"batch_statistics_{name}", fit.arm.statistics == "batch", atol=1)
kept("depth_factor_graded", ends["graded"].arm.depth_factor, atol=1)
kept("alpha_L2-SP", ends["L2-SP"].arm.pull.alpha, rtol=1000)
kept("strength_frozen", head.strength, rtol=1e7)
kept("scaled_frozen", head.scaled, atol=1)
kept("on_edge_frozen", head.on_edge, atol=1)

# %% [markdown]
# How far the weights have moved, early (depths 0 to 3) and late (5 to 8), and what is remembered of
# photographs. From scratch there is nothing to move from and nothing to remember.


# %%
def remembered(network):
    logits = source_logits(network, photographs, source_classifier=source.classifier)
    return float(group_log_probability(logits, groups, accepted=ACCEPTED))


kept("memory_frozen", remembered(source), unit="nats", n=n_known, atol=0.05)
for name, fit in ends.items():
    if name != "scratch":
        moved = movement_by_depth(fit.network, fit.start)
        kept(f"moved_early_{name}", moved[:4].mean(), rtol=1)
        kept(f"moved_late_{name}", moved[5:9].mean(), rtol=1)
        kept(f"memory_{name}", remembered(fit.network), unit="nats", n=n_known, atol=2.0)

# %%
curves = [
    {"arm": name, "step": step, "validation AUC": round(auc, 4)}
    for name, fit in longer.items()
    for step, auc in fit.curve
]
run.table(curves, name="curves", caption="Validation AUC against steps, of the longer trainings.")

# %% [markdown]
# ## Floor
#
# The frozen network with labels dealt out at random, tuned as the frozen network is: nothing, on
# average.

# %%
dealt = train.shuffled(rng=run.rng("shuffle"))
floor = fit_linear(dealt.features, dealt.labels, scaled=head.scaled, strength=head.strength)
kept("auc_shuffled", roc_auc_score(test.labels, scores_of(floor, test.features)),
     unit="AUC", n=n_test, atol=0.1)

# %%
run.finish()
