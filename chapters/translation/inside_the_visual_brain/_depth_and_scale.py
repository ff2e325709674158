# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One point of depth against scale
#
# **Objectives.** The lesion task of *From edges to objects* in patches of one size, magnified to
# one side, asked in three ways: how well does each depth of the network tell a round dot from a
# streak? This notebook is no page of the book: `medbook sweep` runs it over patches, sides and
# seeds, and the chapter shows the table. The seed is the unit: it draws the images, the random
# weights and the photographs that their statistics are taken from. For one seed and one size of
# patch the images are the same at every side, only larger or smaller. In a patch of twice the side
# the lesion is as long in pixels, and fills a quarter of the share.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
side_units: int = 2  # side that the patches are resized to, in units of 32 pixels, 1 ≤ x ≤ 14
size: int = 64  # side of a patch of the retina before that, in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_train: int = 300  # images to learn from, even, 28 ≤ x ≤ 5000
n_validation: int = 300  # images to choose the probe's shrinkage by, even, 28 ≤ x ≤ 5000
n_test: int = 200  # images to judge by, even, 28 ≤ x ≤ 5000
n_crops: int = 4  # crops of each photograph behind the statistics, 1 ≤ x ≤ 100
n_lots: int = 4  # draws of as many channels as the depth before has, 1 ≤ x ≤ 100
random_px: int = 128  # random weights are asked at sides up to this, 0 ≤ x ≤ 448

# %%
from itertools import pairwise

import numpy as np

from data_fetch.packaged import imagenet_weights, photograph, photograph_names
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.square_crops import at_size, square_crops
from medlib import experiment
from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.efficientnet_lite import initialise, load_imagenet, preprocess
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.seeing.pooled_features import three_ways
from medlib.translation.seeing.tuned_probe import tuned_probe

run = experiment.start("translation/inside_the_visual_brain/_depth_and_scale", locals())
side_px = 32 * side_units

# %% [markdown]
# ## Images

# %%
images, labels = {}, {}
for split, n in (("train", n_train), ("validation", n_validation), ("test", n_test)):
    rng = run.rng(f"lesion {split}")
    sample, labels[split] = fundus_lesions(n, split=split, rng=rng, size=size, contrast=contrast)
    patches = run.uses(sample).array
    images[split] = preprocess(np.stack([at_size(x, side_px) for x in patches]), device=run.device)

# %% [markdown]
# ## Networks
#
# Trained, with the statistics of ImageNet that it brings; and random, with statistics of
# photographs at the size at which it is used. Random weights cost as much as trained ones and are
# at guessing, so that they are not asked at the largest sides.

# %%
networks = {"own": load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)}
if side_px <= random_px:
    rng = run.rng("photographs")
    pictures = [run.uses(photograph(name)).array for name in photograph_names()]
    crops = np.concatenate([square_crops(p, n_crops, size=side_px, rng=rng) for p in pictures])
    drawn = initialise(EfficientNetLite0(), generator=run.torch_generator("random weights"))
    networks["random"] = refresh_statistics(
        drawn.to(run.device).eval(), preprocess(crops, device=run.device)
    )

# %% [markdown]
# ## One question for every depth, in three ways
#
# Channel means; mean, spread and extremes of every channel; means one $1 \times 1$ layer behind the
# depth. The shrinkage of each probe is chosen on validation images.


# %%
def asked(by_split, channels=slice(None)):
    """What a probe of these channels reaches, tuned on validation images."""
    return tuned_probe(*((by_split[split][:, channels], labels[split]) for split in labels))


read = {
    name: {split: three_ways(network, x) for split, x in images.items()}
    for name, network in networks.items()
}

# %%
for name, by_split in read.items():
    for way, by_depth in by_split["test"].items():
        for depth in by_depth:
            found = asked({split: x[way][depth] for split, x in by_split.items()})
            run.result(f"auc_{name}_{way}_{depth}", found.auc, unit="AUC", n=n_test, atol=0.005)
            run.result(f"validation_{name}_{way}_{depth}", found.validation_auc, unit="AUC",
                       n=n_validation, atol=0.005)

# %% [markdown]
# A deeper depth has more channels. How well is it read with as many as the depth before has, drawn
# by lot?

# %%
lot = run.rng("channels")
for before, depth in pairwise(DEPTHS[DEPTHS.index("stage3") :]):
    means = {split: x["means"][depth] for split, x in read["own"].items()}
    few, all_of_them = read["own"]["test"]["means"][before].shape[1], means["test"].shape[1]
    lots = [lot.choice(all_of_them, few, replace=False) for _ in range(n_lots)]
    aucs = [asked(means, channels).auc for channels in lots]
    run.result(f"auc_equal_{depth}", np.mean(aucs), unit="AUC", n=n_test, atol=0.005)

# %%
run.finish()
