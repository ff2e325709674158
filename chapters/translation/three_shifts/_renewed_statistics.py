# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One point of renewed statistics
#
# **Objectives.** The lesion task of *Appearance, prevalence, meaning*, read in one of three ways:
# by a probe on the frozen network, by the whole network fine-tuned under the statistics of its
# source, and fine-tuned under those of its batches. Then another camera, and the repairs. This
# notebook is no page of the book: `medbook sweep` runs it over the three ways and over seeds, and
# the chapter shows the table. The seed is the unit: it draws the images and the batches. For one
# seed the images are the same in all three ways.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
trained_under: str = "frozen"  # "frozen", or whose statistics it trains under: "source" or "batch"
size: int = 48  # side of an image in pixels, 32 ≤ x ≤ 128
contrast: float = 0.25  # share of green light that a lesion takes away, 0 < x ≤ 0.8
tone: float = 0.4  # exponent of the other camera's tone curve, 0.2 ≤ x ≤ 1
n_train: int = 400  # images to learn from, even, 20 ≤ x ≤ 5000
n_validation: int = 120  # images to tune by, even, 20 ≤ x ≤ 5000
n_test: int = 240  # images to judge by, even, 20 ≤ x ≤ 5000
steps: int = 60  # training steps; the rate is chosen at this length, 1 ≤ x ≤ 10000
batch_size: int = 16  # images a training step, 2 ≤ x ≤ 256

# %%
import copy

import numpy as np
import torch

from data_fetch.packaged import imagenet_weights
from data_fetch.tasks.fundus_lesions import fundus_lesions
from medlib import experiment
from medlib.measures.auc import auc_of
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.nets.features import cached_features, fit_head, predict
from medlib.nets.heads import zero_head
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.finetuning import fine_tune
from medlib.translation.shifts.covariate_shift import match_to, renormalise

run = experiment.start("translation/three_shifts/_renewed_statistics", locals())
RATES = (5e-5, 2e-4, 8e-4, 3.2e-3, 1.28e-2)  # tried on validation images, at each length
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)  # the same for the probe
TIMES = (1, 2, 4, 8)  # how often the shortest length

# %% [markdown]
# ## Images, two cameras

# %%
images, labels = {}, {}
for split, n in (("train", n_train), ("validation", n_validation), ("test", n_test)):
    rng = run.rng(f"lesion {split}")
    sample, labels[split] = fundus_lesions(n, split=split, rng=rng, size=size, contrast=contrast)
    images[split] = run.uses(sample).array
home, same = images["train"], images["test"]
sites = {"same": same, "other": np.rint(255 * (same / 255) ** tone).astype(np.uint8)}
look = {"mean": home.mean(axis=(0, 1, 2)), "sd": home.std(axis=(0, 1, 2))}
source = load_imagenet(run.uses(imagenet_weights().as_sample()).path).to(run.device)


# %%
def ready(pictures):
    return preprocess(pictures, device=run.device)


def renewed(network, pictures):
    return refresh_statistics(copy.deepcopy(network), ready(pictures))


def keep(name, scores):
    found = auc_of(scores, labels["test"])
    run.result(f"auc_{name}", found, atol=0.02)


# %% [markdown]
# ## Frozen: a probe, its shrinkage chosen on validation images


# %%
def features(pictures, network=source):
    return cached_features(network, ready(pictures))


def probe_on(network):
    """The probe of the network's features whose C does best on validation images."""
    learn, check = features(home, network), features(images["validation"], network)
    tried = [fit_head(learn, labels["train"], strength=c) for c in STRENGTHS]
    found = [auc_of(t.decision_function(check), labels["validation"]).value for t in tried]
    return tried[int(np.argmax(found))], STRENGTHS[int(np.argmax(found))]


# %%
if trained_under == "frozen":
    (probe, strength), (own_probe, own) = probe_on(source), probe_on(renewed(source, home))
    run.result("strength", strength)
    run.result("strength_anew", own)
    for where, there in sites.items():
        anew = features(there, renewed(source, there))
        keep(f"{where}_nothing", probe.decision_function(features(there)))
        keep(f"{where}_renormalised", probe.decision_function(features(renormalise(there, **look))))
        keep(f"{where}_matched", probe.decision_function(features(match_to(there, home))))
        keep(f"{where}_renewed", probe.decision_function(anew))
        keep(f"{where}_renewed_at_both", own_probe.decision_function(anew))

# %% [markdown]
# ## Trained: everything moves, the rate chosen on validation images
#
# At the shortest length all rates compete; at each longer one that which won before and the one
# below it, for what a short training bears can break a long one: at eight times the length a
# network under fixed statistics may give every image the same answer.


# %%
def scores_of(network, pictures):
    logits = predict(network, ready(pictures))
    return logits[:, 1] - logits[:, 0]


def trained(rate, times):
    """The network after so many times the steps, and its AUC on validation images."""
    arm = Arm("all", moves="all", peak_rate=rate, statistics=trained_under)
    fit = fine_tune(
        arm, source, ready(home), torch.as_tensor(labels["train"]).long(),
        head=zero_head(classes=2), steps=times * steps, batch_size=batch_size,
        generator=run.torch_generator(f"batches {rate} {times}"),
    )
    scores = scores_of(fit.network, images["validation"])
    return fit.network, auc_of(scores, labels["validation"]).value


# %%
if trained_under != "frozen":
    best = None
    for times in TIMES:
        competing = range(len(RATES)) if best is None else sorted({max(best - 1, 0), best})
        fits = {k: trained(RATES[k], times) for k in competing}
        best = max(fits, key=lambda k, fits=fits: fits[k][1])
        network, found = fits[best]
        run.result("rate" if times == 1 else f"rate_x{times}", RATES[best])
        run.result(f"validation_x{times}", found, unit="AUC", n=n_validation, atol=0.02)
        for where, there in sites.items():
            anew = renewed(network, there)
            keep(f"{where}_nothing_x{times}", scores_of(network, there))
            keep(f"{where}_renewed_x{times}", scores_of(anew, there))
            even = {"renormalised": renormalise(there, **look), "matched": match_to(there, home)}
            for repair, mended in even.items():
                keep(f"{where}_{repair}_x{times}", scores_of(network, mended))

# %%
run.finish()
