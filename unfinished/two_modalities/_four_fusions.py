# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One fusion, to its end
#
# **Objectives.** One point of a recorded trial: one way to join MRI and PET, trained three times,
# each time twice as long. At each length it chooses its rate on validation scans and keeps the
# weights that validate best. Then it is judged on test scans at several doses, with a modality
# missing, by a lesion that is put into one modality, and by its attention, if it has any. This
# notebook is no page of the book: `medbook sweep` runs it over arms and seeds, and *When MRI and
# PET disagree* shows the table. The seed is the unit: it draws scans, first weights and batches.
# For one seed all arms see the same scans. The anatomy is real, one averaged brain; the rest is
# simulated.
#
# **Prerequisites.** *When MRI and PET disagree.*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
arm: str = "early"  # kind of network, and behind it -dropped, -others, -evident or nothing
n_train: int = 600  # scans to learn from, 16 ≤ x ≤ 100000
n_validation: int = 200  # scans to choose by, 16 ≤ x ≤ 100000
n_test: int = 250  # scans to judge by, 16 ≤ x ≤ 100000
n_steps: int = 150  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.003, 0.01, 0.03]  # highest rates to choose from, 0 < x ≤ 0.1
dropout: float = 0.5  # share of scans that lose a modality in an arm "dropped", 0 ≤ x ≤ 1

# %%
import numpy as np
import torch

from data_fetch.tasks.mri_and_pet import TwoLooks, mri_and_pet
from medlib import experiment
from medlib.diagnosis.fusion.fusion_training import (
    FusionRecipe,
    Scans,
    fusion_logits,
    tuned_fusion,
)
from medlib.diagnosis.fusion.insertion import insertion_moves
from medlib.diagnosis.fusion.missing import without
from medlib.diagnosis.fusion.networks import KINDS, parameter_count
from medlib.diagnosis.fusion.scan_precision import (
    recall_of_scans,
    scan_precision,
    threshold_of_share,
)

run = experiment.start("diagnosis/two_modalities/_four_fusions", locals())
kind, _, how = arm.partition("-")
if kind not in KINDS or how not in ("", "dropped", "others", "evident"):
    raise ValueError(f"arm is {arm!r}; write one of {KINDS}, and nothing or -dropped, -others or"
                     " -evident behind it")

# %% [markdown]
# ## Scans
#
# *others*: every scan gets the PET, and its dose, of another patient, in training and in the test.
# *evident*: lesions that each modality shows clearly by itself. *dropped*: half of the training
# scans lose a modality.

# %%
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
DOSES, MULTIPLES, FALSE_SHARE = (2.0, 6.0, 20.0, 60.0, 200.0), (1, 2, 4), 0.01
look = TwoLooks(t1_factor=1.3, uptake_gain=1.2) if how == "evident" else TwoLooks()
scenes = {split: mri_and_pet(n, split=split, rng=run.rng(split), look=look)
          for split, n in SIZES.items()}
order = {split: np.roll(np.arange(n), 1) for split, n in SIZES.items()}


def scans(split, *, counts=None, lesion_in="own", dealt=how == "others"):
    """Scans of a part, each with its own dose or all with one."""
    of = scenes[split]
    sample = run.uses(of.scan(counts=counts, lesion_in=lesion_in))
    dose = of.counts if counts is None else np.full(len(of), counts)
    made = Scans.of(sample.array, dose, of.masks)
    return made.with_pet_of(order[split]) if dealt else made


# %%
learn, check = scans("train"), scans("validation")
at_dose = {counts: scans("test", counts=counts) for counts in DOSES}
chosen_at = scans("validation", counts=20.0)
put_in = {(counts, place): scans("test", counts=counts, lesion_in=place)
          for counts in (DOSES[0], 20.0, DOSES[-1])
          for place in ("neither", "MRI", "PET", "both")}
y, seen_by = scenes["test"].masks, scenes["test"].seen_by

# %% [markdown]
# ## Training, and what is recorded


# %%
def keep(name, value, atol):
    run.result(name, float(value), n=n_test, atol=atol)


def logits(network, some):
    return fusion_logits(network, some.images).numpy()


# %%
def judge(network, m):
    """Everything that is asked of a network."""
    for counts, some in at_dose.items():
        keep(f"ap_{counts:g}_{m}", scan_precision(logits(network, some), y).mean(), 0.03)
    threshold = threshold_of_share(
        logits(network, chosen_at), scenes["validation"].masks, share=FALSE_SHARE
    )
    at_20 = logits(network, at_dose[20.0])
    found = recall_of_scans(at_20, y, threshold=threshold)
    keep(f"false_{m}", (at_20 > threshold)[~y].mean(), 0.005)
    for place, who in enumerate(("mri", "pet", "both")):
        some = seen_by == place
        if some.any():
            keep(f"recall_{who}_{m}", found[some].mean(), 0.1)
            keep(f"ap_of_{who}_{m}", scan_precision(at_20[some], y[some]).mean(), 0.05)


# %%
def judge_fusion(network, m):
    """What is asked of two modalities together."""
    for gone in ("MRI", "PET"):
        left = without(at_dose[20.0].images, gone)
        scores = fusion_logits(network, left).numpy()
        keep(f"ap_without_{gone.lower()}_{m}", scan_precision(scores, y).mean(), 0.05)
    for counts in (DOSES[0], 20.0, DOSES[-1]):
        answers = [logits(network, put_in[counts, place])
                   for place in ("neither", "MRI", "PET", "both")]
        moved = insertion_moves(*answers, masks=y)
        for name in ("mri", "pet", "both", "beyond_the_sum"):
            keep(f"moved_{name}_{counts:g}_{m}", getattr(moved, name).mean(), 0.5)
    if kind == "attention":
        for counts, some in at_dose.items():
            weight = network.with_weights(some.images.to(run.device))[1]
            keep(f"weight_{counts:g}_{m}", weight.detach().mean(), 0.1)


# %%
state = run.torch_generator("training").get_state()
for m in MULTIPLES:
    again = torch.Generator()
    again.set_state(state)
    recipe = FusionRecipe(steps=m * n_steps, dropout=dropout if how == "dropped" else 0.0)
    fitted = tuned_fusion(kind, learn, check, recipe=recipe, rates=rates, generator=again,
                          device=run.device)
    run.result(f"rate_{m}", fitted.rate, atol=0.03)
    run.result(f"edge_{m}", float(fitted.on_the_edge), atol=1)
    run.result(f"best_step_{m}", fitted.best_step, atol=m * n_steps)
    run.result(f"validation_{m}", fitted.validation_loss, atol=0.01)
    judge(fitted.network, m)
    if kind not in ("MRI", "PET"):
        judge_fusion(fitted.network, m)
run.result("parameters", parameter_count(fitted.network))
run.finish()
