# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One learning rate more
#
# **Objectives.** One point of a recorded trial, a companion of *Four losses, one network, every
# measure*. There, at the longest length, several losses choose the highest rate of their grid. So
# the same four losses learn here once more at four times that rate, on the same slices and from
# the same first weights as that trial would have given them. If one of them validated better, the
# grid was cut too short.
# This notebook is no page of the book: `medbook sweep` runs it over seeds, and *Nearly every pixel
# is right: is that good?* shows the table. The unit is the seed. All slices are warps of one
# template.
#
# **Prerequisites.** *Nearly every pixel is right: is that good?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 240  # slices to learn from, 16 ≤ x ≤ 10000
n_validation: int = 100  # slices to choose by, 16 ≤ x ≤ 10000
n_test: int = 200  # slices to judge by, 16 ≤ x ≤ 10000
steps: int = 1200  # steps of each training, 1 ≤ x ≤ 100000
rate: float = 0.256  # highest learning rate, 0 < x ≤ 1

# %%
import numpy as np
import torch

from data_fetch.tasks.white_matter_lesions import white_matter_lesions
from medlib import experiment
from medlib.diagnosis.scoring.overlap import confusion
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities

run = experiment.start("diagnosis/choosing_a_metric/_one_rate_more", locals())

# %% [markdown]
# ## Slices

# %%
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
parts = {
    name: white_matter_lesions(n, rng=run.rng(f"{name} slices")) for name, n in SIZES.items()
}
truth = {name: part.masks for name, part in parts.items()}
brain = run.uses(parts["train"].sample).array
middle, spread = float(brain.mean()), float(brain.std())


def tensors(name):
    """Standardised images and masks of a part, each with a channel."""
    images = (run.uses(parts[name].sample).array - middle) / spread
    return tuple(torch.from_numpy(each)[:, None].to(run.device) for each in (images, truth[name]))


x = {name: tensors(name) for name in parts}

# %% [markdown]
# ## Trainings
#
# The streams are named as in the other trial at its longest length.

# %%
LOSSES = {"ce": "cross-entropy", "dice": "Dice", "sum": "Dice and cross-entropy",
          "tversky": "Tversky"}
SHARES = np.geomspace(2e-5, 0.3, 60)  # of the pixels of validation slices, marked by a threshold


def dice_at(said, threshold, part):
    return confusion(said[part] >= threshold, truth[part]).pooled().dice(empty=0.0)[0]


# %%
for name, loss in LOSSES.items():
    done = fit_segmenter(
        *x["train"], validation=x["validation"], loss=PIXEL_LOSSES[loss], steps=steps,
        peak_rate=rate, generator=run.torch_generator(f"{loss}, 4 times, rate {rate}, first"),
    )
    said = {part: pixel_probabilities(done.network, x[part][0]).numpy() for part in truth}
    cuts = np.unique([*np.quantile(said["validation"], 1 - SHARES), 0.5])
    best = max(cuts, key=lambda cut, said=said: dice_at(said, cut, "validation"))
    run.result(f"validation_{name}", done.validation_loss, atol=0.02)
    run.result(f"best_step_{name}", done.best_step, atol=200)
    run.result(f"dice_{name}", dice_at(said, 0.5, "test"), n=n_test, atol=0.02)
    run.result(f"dice_tuned_{name}", dice_at(said, best, "test"), n=n_test, atol=0.02)

# %%
run.finish()
