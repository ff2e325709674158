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
# first weights and batches; one thing is changed at a time: only the weights at the start, only the
# batches, both; or something that no one would call a change of the study. Trainings are ended by a
# schedule at three lengths, and once stopped at full rate, where the weights of the last steps are
# averaged as well. This notebook is no page of the book: `medbook sweep` runs it over seeds, and
# the chapter shows the table. The seed is the unit. Lesions are simulated, in the texture of one
# real eye.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # "auto", "cpu" or "cuda"; the trainings stay on the processor
n_train: int = 240  # patches to learn from, a multiple of 2, 16 ≤ x ≤ 5000
n_test: int = 512  # patches to decide on, a multiple of 2, 16 ≤ x ≤ 5000
first_steps: int = 150  # steps of the shortest training, 1 ≤ x ≤ 100000
averaged_steps: int = 60  # last steps over which weights are averaged, 1 ≤ x ≤ 100000

# %%
from dataclasses import replace

import numpy as np

from data_fetch.tasks.fundus_lesions import fundus_lesions
from medlib import experiment
from medlib.measures.auc import auc
from medlib.systems.repetition.bits import flip_bit, relative_distance, share_differing
from medlib.systems.repetition.fresh_process import train_elsewhere
from medlib.systems.repetition.small_training import Settings, learned_numbers, train_small
from medlib.systems.repetition.switches import Switches

run = experiment.start("systems/reproducible_to_the_bit/_causes_and_seeds", locals())
run.require(averaged_steps <= first_steps, "averaged_steps", "first_steps",
            right="averaged_steps is at most first_steps")

# %%
run.device  # sets what torch may do
drawn = {split: fundus_lesions(n, split=split, rng=run.rng(f"{split} patches"), size=32)
         for split, n in (("train", n_train), ("test", n_test))}
images, test_images = (run.uses(drawn[split].sample).array for split in ("train", "test"))
labels, truth = drawn["train"].labels, drawn["test"].labels
told = np.concatenate([test_images, images])  # the networks are asked about both
draw = run.rng("trainings")
weights, batches, other_weights, other_batches = (int(n) for n in draw.integers(2**31, size=4))
plain = Settings(seed_of_weights=weights, seed_of_batches=batches, steps=first_steps)
stopped = replace(plain, schedule="none", average_last=averaged_steps)
LENGTHS = {"stopped": stopped, "1": plain, "2": replace(plain, steps=2 * first_steps),
           "4": replace(plain, steps=4 * first_steps)}

# %%
CHANGES = {
    "weights": {"seed_of_weights": other_weights},
    "batches": {"seed_of_batches": other_batches},
    "both": {"seed_of_weights": other_weights, "seed_of_batches": other_batches},
    "threads": {"switches": Switches(threads=2), "switched_steps": 1},
    "layout": {"channels_last": True},
    "onednn": {"switches": Switches(onednn=False)},
    "fused": {"optimizer": "fused"},
    "reverse": {"reverse": True},
    "bit": {},
}
one_bit = flip_bit(images, place=int(draw.integers(images.size)))

# %%
def elsewhere(**variables):
    return train_elsewhere(images, labels, told, settings=list(LENGTHS.values()),
                           variables={"PYTHONHASHSEED": "random", **variables}).trained


there = {"process": elsewhere(), "instructions": elsewhere(ATEN_CPU_CAPABILITY="default")}


def auc_of(logits):
    logits = logits[:n_test]
    return auc(logits[truth == 1], logits[truth == 0]).value


# %%
counted = learned_numbers()  # not the running statistics, which would outweigh all else


def keep(cause, key, one, first):
    """How far a training is from the first one: in decisions, in AUC, in what it learned.

    What a training gives is chaotic: no tolerance is honest but that of the same arithmetic.
    """
    kinds = {"": (one.logits, first.logits)}
    if first.averaged is not None:
        kinds["averaged_"] = (one.averaged, first.averaged)
    for kind, (now, before) in kinds.items():
        flips = int(((now > 0) != (before > 0))[:n_test].sum())
        run.result(f"{kind}flips_{cause}_{key}", flips, unit="patches", n=n_test)
        run.result(f"{kind}moved_{cause}_{key}", auc_of(now) - auc_of(before), unit="AUC")
    run.result(f"distance_{cause}_{key}", relative_distance(
        first.last[counted], one.last[counted]))
    run.result(f"share_{cause}_{key}", share_differing(first.last, one.last))


# %%
for place, (key, settings) in enumerate(LENGTHS.items()):
    first = train_small(images, labels, told, settings=settings)
    wrong = first.decisions != np.concatenate([truth, labels])
    run.result(f"auc_first_{key}", auc_of(first.logits), unit="AUC")
    run.result(f"wrong_{key}", int(wrong[:n_test].sum()), unit="patches", n=n_test)
    run.result(f"wrong_train_{key}", int(wrong[n_test:].sum()), unit="patches", n=n_train)
    for cause, trained in there.items():
        keep(cause, key, trained[place], first)
    for cause, change in CHANGES.items():
        one = train_small(one_bit if cause == "bit" else images, labels, told,
                          settings=replace(settings, **change))
        keep(cause, key, one, first)

# %%
run.finish()
