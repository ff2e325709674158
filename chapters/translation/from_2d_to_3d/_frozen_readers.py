# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One draw of patches for frozen readers
#
# **Objectives.** What the readers of *Inflating a kernel* know before any training: on one draw of
# patches, for both questions, only a head is fitted to each. Two baselines that need no third
# dimension are among them: the slices' mean *image*, read by the 2D network as it is, and its
# features beside the mean of the slices' features. This notebook is no page of the book: `medbook
# sweep` runs it over seeds, and the chapter shows the table. The seed is the unit: it draws the
# patches to learn from, to choose by and to judge by, and the random weights. The anatomy is one
# averaged brain whatever the seed.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
slices: int = 5  # slices of a patch, odd, 5 ≤ x ≤ 15
gap_mm: float = 3.0  # from one slice of a patch to the next, 1 ≤ x ≤ 6
contrast: float = 0.4  # share of light that a spot takes away, 0 < x ≤ 1
faint: float = 0.01  # the same, where nothing can be seen, 0 < x ≤ 1
leak: float = 12.0  # grey levels by which label 1 is brighter in the arm that leaks, 0 ≤ x ≤ 100
n_train: int = 200  # patches to learn from, even, 8 ≤ x ≤ 5000
n_validation: int = 200  # patches to choose a head's shrinkage by, even, 8 ≤ x ≤ 5000
n_test: int = 400  # patches to judge by, even, 8 ≤ x ≤ 5000

# %%
import numpy as np
import torch
from torch import nn

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.bleed_or_vein import bleed_or_vein
from medlib import experiment
from medlib.measures.auc import auc_of
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.nets.trunk import Trunk
from medlib.translation.volumes.first_heads import with_head
from medlib.translation.volumes.inflation import inflate
from medlib.translation.volumes.measured_inflation import inflate_measured
from medlib.translation.volumes.volume_study import (
    from_scratch,
    mean_of_slices,
    mean_of_stacks,
    prepare,
    score,
)

run = experiment.start("translation/from_2d_to_3d/_frozen_readers", locals())

# %% [markdown]
# ## Patches
#
# Three tasks: bleed or vein, beads or vein, and beads or vein so faint that nothing can be seen.

# %%
STRENGTHS = tuple(10.0**power for power in range(-4, 4))  # C of a head
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
QUESTIONS = {"bleed": contrast, "beads": contrast, "unseen": faint}


def drawn(task, split, n):
    """Volumes and labels; the faint beads are those of the other task, but for their light."""
    against = "beads" if task == "unseen" else task
    options = {"slices": slices, "gap_mm": gap_mm, "contrast": QUESTIONS[task]}
    rng = run.rng(f"{task} {split}")
    return bleed_or_vein(n, split=split, rng=rng, against=against, **options)


def leaking(images, labels):
    """The images, a little brighter where the label is 1."""
    bright = images + leak * labels[:, None, None, None]
    return np.clip(np.rint(bright), 0, 255).astype(np.uint8)


patches = {}
for task, split, n in ((t, s, n) for t in QUESTIONS for s, n in SIZES.items()):
    sample, labels = drawn(task, split, n)
    images = run.uses(sample).array
    patches[task, split] = prepare(images, labels, device=run.device)
    if task == "beads":
        patches["leaking", split] = prepare(leaking(images, labels), labels, device=run.device)

# %% [markdown]
# ## Readers
#
# All are cut after the third stage. Divisors are measured on the patches to learn from.

# %%
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
flat, coloured = Trunk(source, depth="stage3", grey=True), Trunk(source, depth="stage3")


class OfMeanImage(nn.Module):
    """The 2D network's features of the mean of all slices, alone or beside the mean features."""

    def __init__(self, network, *, beside=False):
        super().__init__()
        self.network, self.slices = network, mean_of_slices(network) if beside else None

    def forward(self, volumes):
        image = self.network(volumes.mean(dim=2))
        return image if self.slices is None else torch.cat([self.slices(volumes), image], dim=1)


# %%
def readers(task):
    """Name -> reader of volumes, before any head."""
    some = patches[task, "train"].volumes
    return {
        "slice_average": mean_of_slices(flat),
        "mean_image": OfMeanImage(flat),
        "mean_image_beside": OfMeanImage(flat, beside=True),
        "as_colours": mean_of_stacks(coloured),
        "by_k": inflate(flat, rule="mean", depth=3),
        "by_root_k": inflate(flat, rule="variance", depth=3),
        "measured": inflate_measured(flat, some[:32], depth=3),
        "random": from_scratch(
            flat, some[:32], depth=3, generator=run.torch_generator(f"{task} random")
        ),
    }


# %% [markdown]
# ## What they know
#
# The head's shrinkage is chosen on validation patches, for each reader anew.

# %%
def reached(task, reader):
    """Test AUC of a reader with the head that validation patches choose."""
    parts = {split: patches[task, split] for split in SIZES}
    network = with_head(reader, parts, strengths=STRENGTHS)
    return auc_of(np.diff(score(network, parts["test"].volumes))[:, 0], parts["test"].labels)


for task in ("bleed", "beads"):
    for name, reader in readers(task).items():
        run.result(f"{task}_{name}", reached(task, reader).value, unit="AUC", n=n_test, atol=0.02)
for task in ("unseen", "leaking"):
    some = readers(task)
    for name in ("slice_average", "as_colours", "by_k", "by_root_k"):
        value = reached(task, some[name]).value
        run.result(f"{task}_{name}", value, unit="AUC", n=n_test, atol=0.02)
run.finish()
