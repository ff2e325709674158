# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Every cause at every length, drawn anew
#
# **Objectives.** One point of a recorded trial of *Could you show it again?* A seed draws patches,
# first weights and batches; one thing is changed at a time, at three lengths of training that are
# ended by a schedule and at one that is stopped at full rate. This notebook is no page of the book:
# `medbook sweep` runs it over seeds, and the chapter shows the table. The seed is the unit. Lesions
# are simulated, in the texture of one real eye.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # "auto", "cpu" or "cuda"; the trainings stay on the processor
n_train: int = 240  # patches to learn from, a multiple of 2, 16 ≤ x ≤ 5000
n_test: int = 512  # patches to decide on, a multiple of 2, 16 ≤ x ≤ 5000
first_steps: int = 150  # steps of the shortest training, 1 ≤ x ≤ 100000

# %%
from dataclasses import replace


from data_fetch.tasks.fundus_lesions import fundus_lesions
from medlib import experiment
from medlib.measures.auc import auc
from medlib.systems.repetition.bits import flip_bit, share_differing
from medlib.systems.repetition.fresh_process import train_elsewhere
from medlib.systems.repetition.set_order import order_of_set
from medlib.systems.repetition.small_training import Settings, train_small
from medlib.systems.repetition.switches import Switches

run = experiment.start("systems/reproducible_to_the_bit/_causes_and_seeds", locals())

# %%
run.device  # sets what torch may do
drawn = {split: fundus_lesions(n, split=split, rng=run.rng(f"{split} patches"), size=32)
         for split, n in (("train", n_train), ("test", n_test))}
images, test_images = (run.uses(drawn[split].sample).array for split in ("train", "test"))
labels, truth = drawn["train"].labels, drawn["test"].labels
draw = run.rng("trainings")
weights, batches, other_weights, other_batches = (int(n) for n in draw.integers(2**31, size=4))
plain = Settings(seed_of_weights=weights, seed_of_batches=batches, steps=first_steps)
LENGTHS = {"stopped": replace(plain, schedule="none"), "1": plain,
           "2": replace(plain, steps=2 * first_steps), "4": replace(plain, steps=4 * first_steps)}

# %%
place = int(draw.integers(images.size))
names = [f"patient{i:04d}.png" for i in range(n_train)]
where = {name: i for i, name in enumerate(names)}
walk = [where[name] for name in order_of_set(names, hash_seed=1 + seed)]
CAUSES = {
    "again": ({}, images, labels),
    "onednn": ({"switches": Switches(onednn=False)}, images, labels),
    "fused": ({"optimizer": "fused"}, images, labels),
    "reverse": ({"reverse": True}, images, labels),
    "bit": ({}, flip_bit(images, place=place), labels),
    "set": ({}, images[walk], labels[walk]),
    "seed": ({"seed_of_weights": other_weights, "seed_of_batches": other_batches}, images, labels),
}

# %%
there = train_elsewhere(images, labels, test_images, settings=list(LENGTHS.values()),
                        variables={"ATEN_CPU_CAPABILITY": "default"}).trained


def auc_of(one):
    return auc(one.logits[truth == 1], one.logits[truth == 0]).value


def keep(cause, key, one, first):
    """How far a training is from the first one, in weights, decisions and AUC."""
    flips = int((one.decisions != first.decisions).sum())
    run.result(f"share_{cause}_{key}", share_differing(first.last, one.last), atol=0.02)
    run.result(f"flips_{cause}_{key}", flips, unit="patches", atol=8)
    run.result(f"moved_{cause}_{key}", abs(auc_of(one) - auc_of(first)), unit="AUC", atol=0.01)
    run.result(f"auc_{cause}_{key}", auc_of(one), unit="AUC", atol=0.02)


# %%
for (key, settings), other in zip(LENGTHS.items(), there, strict=True):
    first = train_small(images, labels, test_images, settings=settings)
    run.result(f"auc_first_{key}", auc_of(first), unit="AUC", atol=0.02)
    run.result(f"wrong_{key}", int((first.decisions != truth).sum()), unit="patches", atol=15)
    keep("instructions", key, other, first)
    for cause, (change, on, called) in CAUSES.items():
        one = train_small(on, called, test_images, settings=replace(settings, **change))
        keep(cause, key, one, first)

# %%
run.finish()
