# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Two networks, one loss, one rate
#
# **Objectives.** One point of a recorded trial, the control of *Nearly every pixel is right: is
# that good?* Two networks learn under the Dice loss on the same slices, with the same rate, fixed
# beforehand, and for as long as the longest training there. They differ by first weights and
# batches alone: neither was chosen for its luck. What separates them is chance.
# This notebook is no page of the book: `medbook sweep` runs it over seeds, and the chapter shows
# the table. The unit is the seed. All slices are warps of one template.
#
# **Prerequisites.** *Nearly every pixel is right: is that good?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 240  # slices to learn from, 16 ≤ x ≤ 10000
n_validation: int = 100  # slices to choose by, 16 ≤ x ≤ 10000
n_test: int = 200  # slices to judge by, 16 ≤ x ≤ 10000
steps: int = 1200  # steps of each training, 1 ≤ x ≤ 100000
rate: float = 0.016  # highest learning rate, 0 < x ≤ 1
least_iou: float = 0.1  # with how much overlap a region has found a lesion, 0 < x ≤ 1

# %%
import numpy as np
import torch

from data_fetch.tasks.white_matter_lesions import PIXEL_MM, white_matter_lesions
from medlib import experiment
from medlib.diagnosis.scoring.scorecard import scorecard
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities

run = experiment.start("diagnosis/choosing_a_metric/_two_starts", locals())

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
# ## Two trainings

# %%
for name in ("one", "other"):
    done = fit_segmenter(
        *x["train"], validation=x["validation"], loss=PIXEL_LOSSES["Dice"], steps=steps,
        peak_rate=rate, generator=run.torch_generator(f"Dice, {name}"),
    )
    marked = pixel_probabilities(done.network, x["test"][0]).numpy() >= 0.5
    card = scorecard(marked, truth["test"], spacing_mm=(PIXEL_MM, PIXEL_MM), least_iou=least_iou)
    run.result(f"validation_{name}", done.validation_loss, atol=0.02)
    run.result(f"dice_{name}", card.pixels.pooled().dice()[0], n=n_test, atol=0.02)
    run.result(f"lesion_recall_{name}", card.lesion_recall(), n=n_test, atol=0.02)
    surface = np.nanmean(card.surface_dice(PIXEL_MM))
    run.result(f"surface_dice_{name}", surface, n=n_test, atol=0.02)

# %%
run.finish()
