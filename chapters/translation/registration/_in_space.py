# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # In space
#
# **Objectives.** The run in space of *Can a map of the brain bend without tearing?*. A whole brain
# at 4 mm is bent by velocities that change with time, once for each image of a pair. A displacement
# and a velocity are said by a network, and fitted to each pair by itself, and are judged as in the
# plane: by the true distance, by Dice of three tissues, by what is missed there and back, and by
# folds at the eight corners of each cell. The seed draws pairs, noise, first weights and batches.
# The fits have two λ, a rough one and a smooth one, the networks the smooth one, which nobody tuned
# here: an example of what changes in space and of what it costs, and no ranking. Gradients are
# clipped, as in the plane.
# This notebook is no page of the book: `medbook sweep` runs it.
#
# **Prerequisites.** *Can a map of the brain bend without tearing?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 24  # training pairs, 1 ≤ x ≤ 10000
n_test: int = 4  # test pairs, and as many validation pairs, 1 ≤ x ≤ 10000
largest_mm: float = 18.0  # greatest speed of either image, mm per unit of time, 0 < x ≤ 60
first_steps: int = 300  # of a training, 1 ≤ x ≤ 100000
rate: float = 0.006  # highest learning rate of a network, 0 < x ≤ 1
clipped_at: float = 0.02  # the longest gradient that is followed in full, 0 < x ≤ 1000
width: int = 8  # channels of a network at full resolution, 2 ≤ x ≤ 64
pair_steps: int = 60  # of a pair's fit, at each of two resolutions, 1 ≤ x ≤ 10000
weight: float = 0.003  # λ of networks and fits, 0 < x ≤ 100
rough_weight: float = 0.0003  # λ of the fits that are given more freedom, 0 < x ≤ 100

# %%
import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from data_fetch.packaged.brain_template import mni152
from medlib import experiment
from medlib.nets.training import OneCycle, train
from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.known_warp import known_warp, random_velocities
from medlib.translation.registration.network_fit import registration_loss
from medlib.translation.registration.pair_fit import fit_pairs
from medlib.translation.registration.registration_network import register, registration_network
from medlib.translation.registration.registration_scores import score_registration
from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.warped_pairs import TISSUES, warped_pairs

run = experiment.start("translation/registration/_in_space", locals())
MM, LOSS = (4.0, 4.0, 4.0), LOSSES["squared error"]

# %%
kinds = [mni152(kind, resolution_mm=4) for kind in ("t1", "gm", "wm")]
run.uses(kinds[0])
channels = np.stack([kind.array[4:44, 5:53, :40] for kind in kinds])  # sides that can be halved
brain = torch.from_numpy(np.ascontiguousarray(channels))[None]


# %%
def drawn(n, name):
    """Pairs of one brain, each image bent by its own flow."""
    draw = run.rng(name)
    each = [known_warp(random_velocities(n, grid=brain.shape[2:], spacing_mm=MM, times=4, rng=draw,
                                         smoothness_mm=14.0, largest_mm=largest_mm,
                                         margin_mm=16.0), steps=4) for _ in range(2)]
    a, b = ((one.by_voxels, one.back_voxels) for one in each)
    return warped_pairs(brain.expand(n, -1, -1, -1, -1), a=a, b=b, noise=0.02, rng=draw,
                        kind="flow")


pairs = {name: drawn(n, f"{name} pairs") for name, n in
         (("training", n_train), ("validation", n_test), ("test", n_test))}

# %%
MODELS = {"displacement": FieldModel("displacement"),
          "velocity": FieldModel("stationary velocity", squarings=6)}
starts = {name: int(run.rng(name).integers(2**62)) for name in ("first weights", "batches")}
images = {name: [image.to(run.device) for image in some.images] for name, some in pairs.items()}


def loss_of(network, batch):
    return registration_loss(network, *batch, loss=LOSS, weight=weight).mean()


@torch.no_grad()
def left_on_validation(network):
    """The loss of validation pairs, one at a time."""
    each = zip(*(some.split(1) for some in images["validation"]), strict=True)
    return float(np.mean([loss_of(network, pair).item() for pair in each]))


# %%
def trained(model):
    """A network at the step that validated best, and what was left of doing nothing's loss."""
    own = {of: torch.Generator().manual_seed(start) for of, start in starts.items()}
    network = registration_network(model, generator=own["first weights"], dims=3, width=width)
    network = network.to(run.device).eval()
    at_first = left_on_validation(network)
    optimizer, schedule = OneCycle(peak_rate=rate).start(network.parameters(), steps=first_steps)
    optimizer.register_step_pre_hook(
        lambda *_: clip_grad_norm_(network.parameters(), clipped_at) and None)
    history = train(network, loss_of, images["training"], steps=first_steps, batch_size=1,
                    optimizer=optimizer, schedule=schedule, generator=own["batches"],
                    every=max(first_steps // 6, 1), validate=left_on_validation)
    return network, [loss / at_first for loss in history.validation_loss]


# %%
found = {}
for name, model in MODELS.items():
    network, left = trained(model)
    found[f"net_{name}"] = register(network, *images["test"], batch_size=1)
    run.result(f"left_of_loss_{name}", min(left), atol=0.1)
    half = min(left[: max(len(left) // 2, 1)])
    run.result(f"left_at_half_{name}", half, atol=0.1)  # of the steps, under the same schedule

# %%
for name, model in MODELS.items():
    for how, smoothness in (("smooth", weight), ("rough", rough_weight)):
        fit = fit_pairs(*images["test"], model=model, loss=LOSS, weight=smoothness, factors=(2, 1),
                        steps=pair_steps)
        found[f"pair_{name}_{how}"] = fit.registered
        run.result(f"ended_{name}_{how}", fit.ended, atol=1)


# %%
def keep(name, by, back):
    """Means over pairs; folds at the corners of cells, and across voxels, as is usual."""
    scores = score_registration(by, back_voxels=back, labels=list(TISSUES), spacing_mm=MM,
                                **pairs["test"].truth)
    run.result(f"error_{name}", scores.error_mm.mean(), unit="mm", n=n_test, atol=0.3)
    run.result(f"folded_{name}", 100 * scores.folded.mean(), unit="%", n=n_test, atol=1)
    run.result(f"across_{name}", 100 * scores.folded_central.mean(), unit="%", n=n_test, atol=1)
    run.result(f"dice_{name}", np.nanmean(scores.dice), n=n_test, atol=0.02)
    run.result(f"inverse_{name}", np.nanmean(scores.inverse_mm), unit="mm", n=n_test, atol=0.3)


still, true = torch.zeros_like(pairs["test"].known), pairs["test"].known
keep("none", still, still)
of_truth = score_registration(true, back_voxels=still, labels=list(TISSUES), spacing_mm=MM,
                              **pairs["test"].truth)
run.result("dice_true", np.nanmean(of_truth.dice), n=n_test, atol=0.02)
run.result("folded_true", 100 * of_truth.folded.mean(), unit="%", n=n_test, atol=1)
for name, fit in found.items():
    keep(name, fit.by_voxels, fit.back_voxels)

# %%
run.finish()
