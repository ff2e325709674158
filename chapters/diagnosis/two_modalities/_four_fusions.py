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
# weights that validate best. Then it is judged on test scans at several doses, with an image
# missing, by a lesion that is put into one image, and by its attention, if it has any. This
# notebook is no page of the book: `medbook sweep` runs it over arms and seeds, and *When MRI and
# PET disagree* shows the table. The seed is the unit: it draws scans, first weights and batches.
# For one seed all arms see the same patches. The anatomy is real, one averaged brain; the rest is
# simulated.
#
# Every kind of network can be asked for, but the table has not all of them. Left out are dropout,
# another's PET and other lesions for *early* and *middle*; dropout for *late*; and single images of
# the lesions in between. None of them decides a sentence of the chapter, and the time went into
# longer trainings instead.
#
# **Prerequisites.** *When MRI and PET disagree.*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
arm: str = "attention"  # kind of network; behind it -dropped, -others, -half, -evident or nothing
n_train: int = 600  # scans to learn from, 16 ≤ x ≤ 100000
n_validation: int = 200  # scans to choose by, 16 ≤ x ≤ 100000
n_test: int = 250  # scans to judge by, 16 ≤ x ≤ 100000
n_steps: int = 300  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.001, 0.003, 0.01, 0.03, 0.1]  # highest rates to choose from, 0 < x ≤ 0.1
dropout: float = 0.5  # share of scans that lose an image in an arm "dropped", 0 ≤ x ≤ 1

# %%
from functools import partial

import numpy as np
import torch

from data_fetch.tasks.mri_and_pet import TwoLooks, inner, mri_and_pet
from medlib import experiment
from medlib.diagnosis.fusion.filling import fit_filling
from medlib.diagnosis.fusion.fusion_training import (
    FusionRecipe,
    Scans,
    attention_to_pet,
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
alone = kind in ("MRI", "PET")
allowed = ("", "half", "evident") if alone else ("", "dropped", "others", "half", "evident")
if kind not in KINDS or how not in allowed:
    raise ValueError(f"arm is {arm!r}; write one of {KINDS}, and nothing or -half or -evident"
                     " behind it, and behind a fusion -dropped or -others as well")

# %% [markdown]
# ## Scans
#
# Lesions pass for grey matter, in MRI and in PET. *evident*: each image shows them by itself,
# brighter in MRI than any tissue, and with an uptake above any. *half*: in between, a little darker
# than grey matter and with a little more uptake. *others*: every scan gets the PET, and its dose,
# of another patient, in training and in the test. *dropped*: half of the training scans lose an
# image.

# %%
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
DOSES, MULTIPLES, FALSE_SHARE = (2.0, 6.0, 20.0, 60.0, 200.0), (1, 2, 4), 0.01
LOOKS = {"half": TwoLooks(t1_factor=0.65, uptake_gain=0.75),
         "evident": TwoLooks(t1_factor=1.3, uptake_gain=1.2)}
scenes = {split: mri_and_pet(n, split=split, rng=run.rng(split), look=LOOKS.get(how))
          for split, n in SIZES.items()}
order = {split: np.roll(np.arange(n), 1) for split, n in SIZES.items()}


def scans(split, *, counts=None, lesion_in="own"):
    """Scans of a part, each with its own dose or all with one."""
    of = scenes[split]
    sample = run.uses(of.scan(counts=counts, lesion_in=lesion_in))
    dose = of.counts if counts is None else np.full(len(of), counts)
    made = Scans.of(sample.array, dose, of.masks)
    return made.with_pet_of(order[split]) if how == "others" else made


# %%
learn, check = scans("train"), scans("validation")
at_dose = {counts: scans("test", counts=counts) for counts in DOSES}
chosen_at = scans("validation", counts=20.0)
y, seen_by = scenes["test"].masks, scenes["test"].seen_by
healthy = scenes["test"].brain & ~y
WHERE = {"brain": scenes["test"].brain, "lesion": scenes["test"].brain & y,
         "grey": (inner(scenes["test"].grey) > 0.8) & healthy,
         "white": (inner(scenes["test"].white) > 0.8) & healthy}

# %% [markdown]
# A lesion of an arm *others* lies in two places; to put it into an image there means nothing, and
# is left out. A missing image is put to its mean, or guessed from the other one by a regression on
# the training scans, the same for all fusions; validation scans choose between the two.

# %%
PLACES = ("neither", "MRI", "PET", "both")
put_in, fillings = {}, {}
if not alone and how != "others":
    put_in = {counts: [scans("test", counts=counts, lesion_in=place) for place in PLACES]
              for counts in (DOSES[0], DOSES[-1])}
    fillings = {gone: fit_filling(learn.images, gone) for gone in ("MRI", "PET")}

# %% [markdown]
# ## What is recorded
#
# Tolerances are for another machine: small beside what the chapter concludes. Where one is not
# kept, other arithmetic has led a training elsewhere, and that should be told.


# %%
def keep(name, value, *, n=n_test, atol=0.01):
    run.result(name, float(value), n=n, atol=atol)


def logits(network, images):
    return fusion_logits(network, images).numpy()


# %%
def judge(network, m):
    """What is asked of every network: how well lesions are found, dose by dose, and which."""
    answers = {counts: logits(network, some.images) for counts, some in at_dose.items()}
    for counts, said in answers.items():
        keep(f"ap_{counts:g}_{m}", scan_precision(said, y).mean())
    threshold = threshold_of_share(
        logits(network, chosen_at.images), scenes["validation"].masks, share=FALSE_SHARE)
    at_20 = answers[20.0]
    keep(f"false_{m}", (at_20 > threshold)[~y].mean(), atol=0.002)
    found, precision = recall_of_scans(at_20, y, threshold=threshold), scan_precision(at_20, y)
    for place, who in enumerate(("mri", "pet", "both")):
        some = seen_by == place
        if some.any():
            keep(f"recall_{who}_{m}", found[some].mean(), n=int(some.sum()), atol=0.02)
            keep(f"ap_of_{who}_{m}", precision[some].mean(), n=int(some.sum()), atol=0.02)


# %%
def judge_missing(network, m):
    """What is left at 20 counts when one image is gone."""
    for gone, guessed in fillings.items():
        ways = {"without": partial(without, modality=gone), "guessed": guessed}
        known, asked = (
            {way: scan_precision(logits(network, put(some.images)), some.masks.numpy()).mean()
             for way, put in ways.items()}
            for some in (chosen_at, at_dose[20.0]))
        for way, ap in asked.items():
            keep(f"ap_{way}_{gone.lower()}_{m}", ap)
        keep(f"ap_left_{gone.lower()}_{m}", asked[max(known, key=known.get)])


# %%
def judge_moves(network, m):
    """How far a lesion moves the logit when it is put into one image or both."""
    for counts, somes in put_in.items():
        moved = insertion_moves(*(logits(network, some.images) for some in somes), masks=y)
        keep(f"before_{counts:g}_{m}", moved.before.mean(), atol=0.1)
        for what in ("mri", "pet", "both", "beyond_the_sum", "beyond_the_larger"):
            keep(f"moved_{what}_{counts:g}_{m}", getattr(moved, what).mean(), atol=0.1)


def judge_attention(network, m):
    """Where attention goes: the mean weight of PET, tissue by tissue and dose by dose."""
    for counts, some in at_dose.items():
        weight = attention_to_pet(network, some.images).numpy()
        for where, inside in WHERE.items():
            n = int(inside.any(axis=(1, 2)).sum())
            if n:
                keep(f"weight_{where}_{counts:g}_{m}", weight[inside].mean(), n=n, atol=0.02)


# %% [markdown]
# ## Training

# %%
state = run.torch_generator("training").get_state()
for m in MULTIPLES:
    again = torch.Generator()
    again.set_state(state)
    recipe = FusionRecipe(
        steps=m * n_steps, dropout=dropout if how == "dropped" else 0.0, every=100)
    fitted = tuned_fusion(kind, learn, check, recipe=recipe, rates=rates, generator=again,
                          device=run.device)
    run.result(f"rate_{m}", fitted.rate)
    run.result(f"edge_{m}", float(fitted.on_the_edge))
    run.result(f"tried_{m}", fitted.tried)
    run.result(f"best_step_{m}", fitted.best_step)
    run.result(f"validation_{m}", fitted.validation_loss, n=n_validation, atol=0.002)
    run.result(f"train_loss_{m}", fitted.train_loss, atol=0.003)
    judge(fitted.network, m)
    judge_missing(fitted.network, m)
    judge_moves(fitted.network, m)
    if kind == "attention":
        judge_attention(fitted.network, m)

# %%
run.result("parameters", parameter_count(fitted.network))
run.finish()
