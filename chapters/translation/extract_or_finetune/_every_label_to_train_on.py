# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Every label to train on
#
# **Objectives.** In the trial `_every_arm_to_its_end` each arm trains on few labelled images and is
# tuned and stopped by two hundred others, which are labelled as well. Whoever has those labels
# would train on them too. Here the same images of the same seeds are used so: the settings and the
# step to stop at are those that validation chose, and then each arm is trained once more on all
# labelled images. `medbook sweep` runs this notebook over domains, labels and seeds; chapters show
# the table.
#
# **Prerequisites.** *Quick repair or careful renovation*.
#
# The frozen network's head is fitted on all labels twice: with the scaling and the strength that
# validation chose for the few, and with those that five-fold cross-validation chooses on all. Full
# fine-tuning and norm only start from the former head, at the rate and with the schedule of the
# trial; once they stop where validation stopped them, and once the schedule is run to its last
# step. The test images are the trial's.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
domain: str = "near"  # what the images show: "near", "far" or "tissue"
labels: int = 20  # labelled images beside those to validate on: as in the trial, 4 ≤ x ≤ 5000
pool: int = 400  # images that the labelled ones are taken from, even, 4 ≤ x ≤ 5000
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_validation: int = 200  # images that validated in the trial, even, 20 ≤ x ≤ 5000
n_test: int = 400  # images to judge by, even, 20 ≤ x ≤ 5000
most_steps: int = 100000  # steps of a training at most, 3 ≤ x ≤ 100000
batch_size: int = 16  # images a step; fewer where there are fewer, 2 ≤ x ≤ 256

# %%
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import living_or_made
from medlib import experiment
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.nets.features import predict
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.finetuning import fine_tune
from medlib.translation.moving.study import label_images
from medlib.translation.moving.tuned import STRENGTHS, fit_linear, scores_of, tune_head

run = experiment.start("translation/extract_or_finetune/_every_label_to_train_on", locals())
trial = experiment.recorded(
    run, "_every_arm_to_its_end/sweep", chapter="translation/extract_or_finetune"
)
if seed not in trial.seeds or labels not in trial.grid["labels"]:
    raise ValueError(
        f"seed = {seed}, labels = {labels}: the trial has seeds {sorted(trial.seeds)} and labels"
        f" {sorted(trial.grid['labels'])}"
    )

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
few, validation, test = parts["train"].pick(labels), parts["validation"], parts["test"]
features = np.concatenate([few.features, validation.features])
marks = np.concatenate([few.labels, validation.labels])
images = torch.cat([few.images, validation.images])


# %%
def chosen(what):
    """What the trial recorded of this point."""
    values = trial.array(what, domain=domain, labels=labels)
    return float(values[sorted(trial.seeds).index(seed)])


def auc_of(scores):
    return roc_auc_score(test.labels, scores)


# %% [markdown]
# ## The frozen network

# %%
again = tune_head(few.features, few.labels, validation.features, validation.labels)
on_few = auc_of(scores_of(again.layer, test.features))
run.result("auc_frozen_few", on_few, unit="AUC", n=n_test, atol=0.02)
run.result("off_the_trial", on_few - chosen("auc_frozen"), unit="AUC", n=n_test, atol=0.02)
head = fit_linear(features, marks, scaled=again.scaled, strength=again.strength)
run.result("auc_frozen", auc_of(scores_of(head, test.features)), unit="AUC", n=n_test, atol=0.02)


# %%
folds = list(
    StratifiedKFold(5, shuffle=True, random_state=int(run.rng("folds").integers(2**31))).split(
        features, marks
    )
)


def out_of_fold(scaled, strength):
    """AUC of five heads, each on the fifth that it was not fitted on."""
    found = []
    for inside, outside in folds:
        layer = fit_linear(features[inside], marks[inside], scaled=scaled, strength=strength)
        found.append(roc_auc_score(marks[outside], scores_of(layer, features[outside])))
    return float(np.mean(found))


# %%
tried = {(s, c): out_of_fold(s, c) for s in (False, True) for c in STRENGTHS}
scaled, strength = max(tried, key=tried.get)
crossed = fit_linear(features, marks, scaled=scaled, strength=strength)
run.result(
    "auc_frozen_crossed", auc_of(scores_of(crossed, test.features)),
    unit="AUC", n=n_test, atol=0.02,
)
run.result("strength_crossed", strength, rtol=1e7)
run.result("scaled_crossed", scaled, atol=1)

# %% [markdown]
# ## The renovated networks


# %%
def auc_by_check(name, moves):
    """An arm of the trial on all labels: step -> its AUC, at the start and at every check."""
    if chosen(f"batch_statistics_{name}"):
        raise ValueError(f"{name}: the trial chose the batches' statistics, which is not done here")
    found = {0: auc_of(scores_of(head, test.features))}
    checks = iter([*range(every, steps[name], every), steps[name]])

    def looked_at(network):
        step = next(checks)
        found[step] = auc_of(np.diff(predict(network, test.images))[:, 0])
        return -step  # the last one is kept: nothing is chosen here

    fine_tune(
        Arm(name, moves=moves, peak_rate=chosen(f"rate_{name}")), source, images,
        torch.from_numpy(marks), head=head, steps=steps[name],
        batch_size=min(batch_size, len(marks)),
        generator=torch.Generator().manual_seed(int(run.rng(name).integers(2**31))),
        validate=looked_at, every=every,
    )
    return found


# %%
every = min(25, most_steps)
steps = {name: min(int(chosen(f"steps_{name}")), most_steps) for name in ("full", "norm_only")}
for name, moves in (("full", "all"), ("norm_only", "norm")):
    found = auc_by_check(name, moves)
    stop = min(int(chosen(f"best_step_{name}")), steps[name])
    for word, step in (("stopped", stop), ("run_out", steps[name])):
        run.result(f"auc_{name}_{word}", found[step], unit="AUC", n=n_test, atol=0.1)
run.finish()
