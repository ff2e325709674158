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
# **Objectives.** One recorded run, a companion of *Can a map of the brain bend without tearing?*. A
# whole brain at 4 mm is bent by velocities that change with time, twice for each pair. A network
# that says a displacement, one that says a velocity, and a velocity fitted to each pair by itself
# are judged as in the plane: by the true distance, by Dice of three tissues, and by folds at the
# eight corners of each cell. One λ for all, which nobody tuned here, and one length: an example of
# what changes in space and of what it costs, and no ranking.
# This notebook is no page of the book: `medbook sweep` runs it.
#
# **Prerequisites.** *Can a map of the brain bend without tearing?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 24  # training pairs, 1 ≤ x ≤ 10000
n_test: int = 4  # test pairs, and as many validation pairs, 1 ≤ x ≤ 10000
largest_mm: float = 18.0  # greatest speed of either image, mm per unit of time, 0 < x ≤ 60
first_steps: int = 200  # of a training, 1 ≤ x ≤ 100000
width: int = 8  # channels of a network at full resolution, 2 ≤ x ≤ 64
pair_steps: int = 60  # of a pair's fit, at each resolution, 1 ≤ x ≤ 10000
weight: float = 0.003  # λ, 0 < x ≤ 100

# %%
import numpy as np
import torch

from data_fetch.packaged.brain_template import mni152
from medlib import experiment
from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.known_warp import known_warp, random_velocities
from medlib.translation.registration.network_fit import fit_network
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
found = {}
for name, model in MODELS.items():
    own = {of: torch.Generator().manual_seed(start) for of, start in starts.items()}
    network = registration_network(model, generator=own["first weights"], dims=3, width=width)
    fitted = fit_network(network.to(run.device), pairs["training"].images, batch_size=1, loss=LOSS,
                         validation=pairs["validation"].images, weight=weight, steps=first_steps,
                         peak_rate=3e-3, generator=own["batches"], every=max(first_steps // 4, 1))
    found[f"net_{name}"] = register(fitted.network, *pairs["test"].images, batch_size=1)
    run.result(f"late_gain_{name}", fitted.late_gain, atol=0.2)

# %%
images = [image.to(run.device) for image in pairs["test"].images]
found["pair_velocity"] = fit_pairs(*images, model=MODELS["velocity"], loss=LOSS, weight=weight,
                                   factors=(2, 1), steps=pair_steps).registered

# %%
def keep(name, by, back):
    """Means over pairs."""
    scores = score_registration(by, back_voxels=back, labels=list(TISSUES), spacing_mm=MM,
                                **pairs["test"].truth)
    run.result(f"error_{name}", scores.error_mm.mean(), unit="mm", n=n_test, atol=0.3)
    run.result(f"folded_{name}", 100 * scores.folded.mean(), unit="%", n=n_test, atol=1)
    run.result(f"dice_{name}", np.nanmean(scores.dice), n=n_test, atol=0.02)
    run.result(f"inverse_{name}", np.nanmean(scores.inverse_mm), unit="mm", n=n_test, atol=0.3)


still = torch.zeros_like(pairs["test"].known)
keep("none", still, still)
for name, fit in found.items():
    keep(name, fit.by_voxels, fit.back_voxels)

# %%
run.finish()
