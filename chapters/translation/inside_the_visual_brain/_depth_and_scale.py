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
# **Objectives.** The lesion task of *From edges to objects* at one magnification: how well does
# each depth of the network tell a round dot from a streak? This notebook is no page of the book:
# `medbook sweep` runs it over magnifications and seeds, and the chapter shows the table. The seed
# is the unit: it draws the images, the random weights and the photographs that statistics are
# taken from. For one seed the images are the same at every magnification, only larger.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
side_units: int = 2  # side that the images are magnified to, in units of 32 pixels, 1 ≤ x ≤ 14
size: int = 64  # side of an image before that, in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_train: int = 300  # images to learn from, even, 28 ≤ x ≤ 5000
n_validation: int = 100  # images to choose the probe's shrinkage by, even, 28 ≤ x ≤ 5000
n_test: int = 200  # images to judge by, even, 28 ≤ x ≤ 5000
n_crops: int = 4  # crops of each photograph behind the statistics, 1 ≤ x ≤ 100

# %%
import copy

import numpy as np

from data_fetch.packaged import imagenet_weights, photograph, photograph_names
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.square_crops import at_size, square_crops
from medlib import experiment
from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.efficientnet_lite import initialise, load_imagenet, preprocess
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.seeing.linear_probe import features_by_depth
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
    small = run.uses(sample).array
    images[split] = preprocess(np.stack([at_size(x, side_px) for x in small]), device=run.device)

# %% [markdown]
# ## Networks
#
# Trained, with the statistics of ImageNet that it brings; and trained and random, both with
# statistics of the same photographs at the size at which they are used.

# %%
rng = run.rng("photographs")
pictures = [run.uses(photograph(name)).array for name in photograph_names()]
crops = np.concatenate([square_crops(p, n_crops, size=side_px, rng=rng) for p in pictures])
crops = preprocess(crops, device=run.device)
trained = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
drawn = initialise(EfficientNetLite0(), generator=run.torch_generator("random weights"))
networks = {
    "own": trained,
    "trained": refresh_statistics(copy.deepcopy(trained), crops),
    "random": refresh_statistics(drawn.to(run.device).eval(), crops),
}

# %% [markdown]
# ## One question for every depth
#
# The shrinkage of each probe is chosen on validation images.

# %%
for name, network in networks.items():
    features = {split: features_by_depth(network, x) for split, x in images.items()}
    for depth in DEPTHS:
        found = tuned_probe(*((features[split][depth], labels[split]) for split in images))
        run.result(f"auc_{name}_{depth}", found.auc, unit="AUC", n=n_test, atol=0.005)
        run.result(f"validation_{name}_{depth}", found.validation_auc, unit="AUC",
                   n=n_validation, atol=0.005)

# %%
run.finish()
