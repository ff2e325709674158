# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One point of the whole trial
#
# **Objectives.** All arms of *Quick repair or careful renovation*, once, on one set of labelled
# images of each domain. This notebook is no page of the book: `medbook sweep` runs it over numbers
# of labels and seeds, and the chapter shows the table. The seed is the unit of that trial: it draws
# the labelled images, the test images and whatever is random in the training. For one seed the test
# images are the same at every number of labels, and a smaller set of labelled images is part of a
# larger one.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
labels: int = 20  # labelled images of each domain, even, 4 ≤ x ≤ 5000
pool: int = 400  # images of each domain that the labelled ones are taken from, even, 4 ≤ x ≤ 5000
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.18  # share of green light that a lesion takes away, 0 < x ≤ 0.8
n_test: int = 200  # test images of each domain, even, 20 ≤ x ≤ 5000
most_few: int = 50  # up to so many labels they are few, and the rates those for few, x ≥ 4
steps: int = 20  # training steps in the short budget, 2 ≤ x ≤ 10000
long_steps: int = 100  # training steps in the long budget, given where labels are many, x ≥ 2
batch_size: int = 8  # images a training step, 2 ≤ x ≤ 256
xi: float = 0.6  # factor of the learning rate from one depth to the next earlier one, 0 < x ≤ 1

# %%
from functools import partial

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import living_or_made, source_like
from medlib import experiment
from medlib.measures.frechet import frechet_distance
from medlib.nets.efficientnet_lite import load_imagenet
from medlib.nets.features import fit_head
from medlib.translation.moving.five_arms import NAMES, RATES, trial_arm
from medlib.translation.moving.study import label_images, measure_arm

run = experiment.start("translation/extract_or_finetune/_arms_at_one_size", locals())
run.require(
    labels <= pool, "labels", "pool",
    right="the labelled images are taken from the pool: labels is at most pool",
)

# %% [markdown]
# ## Images
#
# Near: real photographs. Far: real retina with simulated lesions. Tissue: simulated through and
# through.


# %%
def split_drawn(domain):
    """Images to learn from and images to judge by, from places that share nothing."""
    kind = living_or_made if domain == "near" else partial(fundus_lesions, contrast=contrast)
    for n, split in ((pool, "train"), (n_test, "test")):
        sample, marks = kind(n, split=split, rng=run.rng(f"{domain} {split}"), size=size)
        yield run.uses(sample).array, marks


# %%
def tissue_drawn():
    """The same of simulated tiles, of which no two have anything in common."""
    sample, marks = atypia_tiles(n_test + pool, rng=run.rng("tissue"), size=size)
    in_turn = np.stack([np.flatnonzero(marks == mark) for mark in (0, 1)], axis=1).ravel()
    array, marks = run.uses(sample).array[in_turn], marks[in_turn]
    return (array[n_test:], marks[n_test:]), (array[:n_test], marks[:n_test])


# %%
def first_of_each_label(images, marks):
    """The first images, as many as are labelled, half of each label."""
    rows = [np.flatnonzero(marks == mark)[: labels // 2] for mark in (0, 1)]
    rows = np.stack(rows, axis=1).ravel()
    return images[rows], marks[rows]


# %%
DOMAINS = ("near", "far", "tissue")
drawn = {"tissue": tissue_drawn()} | {d: tuple(split_drawn(d)) for d in ("near", "far")}
learn = {d: first_of_each_label(*drawn[d][0]) for d in DOMAINS}
judge = {d: drawn[d][1] for d in DOMAINS}

source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)
train = {d: label_images(source, *learn[d]) for d in DOMAINS}
test = {d: label_images(source, *judge[d]) for d in DOMAINS}

# %% [markdown]
# ## How far each domain lies from photographs

# %%
crops = run.uses(source_like(2 * n_test, rng=run.rng("source-like"), size=size)).array
cloud = label_images(source, crops, np.zeros(len(crops), int)).features
clouds = {"again": cloud[n_test:]} | {d: test[d].features for d in DOMAINS}
for name, other in clouds.items():
    distance = np.sqrt(frechet_distance(cloud[:n_test], other))
    run.result(f"distance_{name}", distance, n=n_test, atol=0.5)

# %% [markdown]
# ## The arms
#
# Rates and settings are the chapter's.

# %%
def measured(domain, name, situation):
    outcome = measure_arm(
        trial_arm(name, situation, depth_factor=xi), source, train[domain], test[domain],
        steps=long_steps if situation == "long" else steps, batch_size=batch_size,
        generator=run.torch_generator(f"{domain} {name} {situation}"),
    )
    label = f"auc_{domain}_{name.replace(' ', '_')}" + ("_long" if situation == "long" else "")
    return run.result(label, outcome.test.value, unit="AUC", n=n_test, atol=0.1).value


# %%
short = "few" if labels <= most_few else "many"
trained = {(d, name): measured(d, name, short) for d in DOMAINS for name in NAMES}
if short == "many":
    trained |= {(d, n, "long"): measured(d, n, "long") for d in DOMAINS for n in RATES["long"]}

# %% [markdown]
# ## Floors
#
# What the colours alone give, and what labels dealt out at random give: nothing, on average.


# %%
def six_numbers(images):
    return np.hstack([images.mean((1, 2)), images.std((1, 2))]) / 255


# %%
for domain in DOMAINS:
    dice = int(run.rng(f"colour {domain}").integers(2**31))
    trees = RandomForestClassifier(50, random_state=dice)
    trees.fit(six_numbers(learn[domain][0]), learn[domain][1])
    likely = trees.predict_proba(six_numbers(judge[domain][0]))[:, 1]
    floor = roc_auc_score(judge[domain][1], likely)
    run.result(f"auc_{domain}_colours", floor, unit="AUC", n=n_test, atol=0.03)

# %%
for domain in DOMAINS:
    dealt = train[domain].shuffled(rng=run.rng(f"shuffle {domain}"))
    scores = fit_head(dealt.features, dealt.labels).decision_function(test[domain].features)
    floor = roc_auc_score(test[domain].labels, scores)
    run.result(f"auc_{domain}_shuffled", floor, unit="AUC", n=n_test, atol=0.03)

# %%
run.finish()
