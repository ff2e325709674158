# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One point of the trial of readers
#
# **Objectives.** The readers of *Inflating a kernel*, each with its own rate and each trained to an
# end, on one question and one draw of volumes. This notebook is no page of the book: `medbook
# sweep` runs it over questions, kinds of readers and seeds, and the chapter shows the table. The
# seed is the unit: it draws the volumes to learn from, to choose by and to judge by, the random
# weights and the batches. For one seed all readers see the same volumes and the same batches. The
# anatomy is one averaged brain whatever the seed.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
question: str = "bleed"  # what stands against the vein: "bleed" or "beads"
kind: str = "planes"  # readers: "planes", those that stay 2D, or "volumes", those that are inflated
slices: int = 5  # slices of a patch, odd, 5 ≤ x ≤ 15
gap_mm: float = 3.0  # from one slice of a patch to the next, 1 ≤ x ≤ 6
contrast: float = 0.4  # share of light that a spot takes away, 0 < x ≤ 1
n_train: int = 200  # patches to learn from, even, 8 ≤ x ≤ 5000
n_validation: int = 200  # patches to choose rates and shrinkage by, even, 8 ≤ x ≤ 5000
n_test: int = 400  # patches to judge by, even, 8 ≤ x ≤ 5000
first_steps: int = 200  # steps of an aggregation on frozen features, 1 ≤ x ≤ 10000
steps: int = 55  # steps of a training; it goes on to two and to four times as many, 1 ≤ x ≤ 10000
batch_size: int = 8  # patches a step, 2 ≤ x ≤ 256

# %%
import numpy as np
import torch

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.bleed_or_vein import bleed_or_vein
from medlib import experiment
from medlib.measures.auc import auc_of
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.nets.trunk import Trunk
from medlib.translation.volumes.first_heads import with_aggregation, with_head
from medlib.translation.volumes.inflation import inflate
from medlib.translation.volumes.tuned_reader import tuned_reader
from medlib.translation.volumes.volume_study import (
    from_scratch,
    mean_of_slices,
    mean_of_stacks,
    prepare,
    score,
)

run = experiment.start("translation/from_2d_to_3d/_readers_to_their_end", locals())

# %% [markdown]
# ## Volumes
#
# To learn from, from the front of the brain; to choose by and to judge by, from the back, above and
# below.

# %%
parts = {}
for split, n in (("train", n_train), ("validation", n_validation), ("test", n_test)):
    rng = run.rng(f"{question} {split}")
    sample, labels = bleed_or_vein(
        n, split=split, rng=rng, against=question, slices=slices, gap_mm=gap_mm, contrast=contrast
    )
    parts[split] = prepare(run.uses(sample).array, labels, device=run.device)

# %% [markdown]
# ## Readers
#
# All are cut after the third stage, and none starts behind another: the shrinkage of the first head
# is chosen on validation volumes, and the recurrent network over slices, which has no such head, is
# first fitted to the frozen features at the rate that validates best. Then it is trained together
# with the network that feeds it. It sees one slice at a time, and their order. Normalisation may
# learn anew in all of them, which random weights need; that starts copies/√k as the same reader as
# copies/k, and they are left out.

# %%
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
flat = Trunk(source, depth="stage3", grey=True)
some = parts["train"].volumes[:32]


def aggregated():
    generator = run.torch_generator(f"{question} recurrent")
    return with_aggregation("recurrent", flat, parts, generator=generator, steps=first_steps)


def inflated(rule):
    return with_head(inflate(flat, rule=rule, depth=3), parts)


# %%
weights = run.torch_generator(f"{question} random")
READERS = {
    "planes": {
        "slice_average": lambda: with_head(mean_of_slices(flat), parts),
        "recurrent": aggregated,
        "as_colours": lambda: with_head(mean_of_stacks(Trunk(source, depth="stage3")), parts),
    },
    "volumes": {
        "by_k": lambda: inflated("mean"),
        "centre": lambda: inflated("centre"),
        "random": lambda: with_head(from_scratch(flat, some, depth=3, generator=weights), parts),
    },
}

# %% [markdown]
# ## Training
#
# The reader is looked at after one, two and four times `steps` steps. At each of these the rate is
# the one that validates best, compared with both of its neighbours on a ladder of rates, trained
# exactly as long; this is done with the statistics of normalisation kept and with them renewed, and
# the better of the two is taken. The rate is constant, and a running mean of the weights is judged.
# On test volumes only what was taken is judged. At the end the slices of each test volume are put
# in an order of their own.

# %%
MULTIPLES = (1, 2, 4)
batches = run.torch_generator(f"{question} batches")  # left as it is: the same for every reader
lengths = [steps * multiple for multiple in MULTIPLES]
orders = run.rng("wrong orders").permuted(np.tile(np.arange(slices), (n_test, 1)), axis=1)
test = parts["test"]
shuffled = torch.stack(
    [volume[:, order] for volume, order in zip(test.volumes, orders, strict=True)]
)

# %%
for name, make in READERS[kind].items():
    found = tuned_reader(
        make(), parts, lengths=lengths, batch_size=batch_size, generator=batches
    )
    for multiple, look in zip((0, *MULTIPLES), found.looks, strict=True):
        label = f"{name}_{multiple}"
        run.result(f"auc_{label}", look.test, unit="AUC", n=n_test, atol=0.03)
        run.result(f"rate_{label}", look.rate)
        run.result(f"renewed_{label}", float(look.renewed))
        run.result(f"validation_{label}", look.validation, unit="AUC", n=n_validation, atol=0.03)
    run.result(f"on_the_edge_{name}", float(sum(look.on_the_edge for look in found.looks)))
    wrong = auc_of(np.diff(score(found.network, shuffled))[:, 0], test.labels)
    run.result(f"shuffled_{name}", wrong.value, unit="AUC", n=n_test, atol=0.05)

# %%
run.finish()
