# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A control that must fail
#
# **Objectives.** The negative control of *How much dose can we remove?* with one defect planted:
# each observer is scored on the scans that it learned from. There is no lesion in any scan, but an
# observer finds in its own scans what chance has put there, and the control has to say so. This
# notebook is no page of the book: `medbook check pixels/low_dose_ct --falsify` runs it.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dose_fraction: float = 0.1  # share of the full dose that is kept, 0.01 ≤ x < 1
n0: float = 1e5  # photons that reach a detector cell through air at full dose, 100 ≤ x ≤ 1e8
sigma_e: float = 5.0  # electronic noise of a detector cell, in photons, 0 ≤ x ≤ 1000
n_views: int = 180  # views over half a turn, 10 ≤ x ≤ 1000
pixel_mm: float = 2.0  # side of a pixel, 2 ≤ x ≤ 10
fold: int = 2  # pixels of the scanned world along each side of one of the image, 1 ≤ x ≤ 4
lesion_mm: float = 10.0  # diameter of the lesion that the observer looks for, 4 ≤ x ≤ 30
n_cases: int = 200  # scans in each of the observer's four sets, 20 ≤ x ≤ 100000
praised: bool = True  # whether each observer is scored on the scans that it learned from

# %%
import torch

from data_fetch.packaged import head_ct
from data_fetch.simulated.lesion import lesion_site
from medlib import experiment
from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.grid import block_means, onto_grid
from medlib.pixels.ct.lesion_reader import LesionReader
from medlib.pixels.ct.null_control import null_auc
from medlib.pixels.ct.photon_noise import log_transform, simulate_counts
from medlib.pixels.ct.projection import ParallelBeam, project

run = experiment.start("pixels/low_dose_ct/_praised_observer", locals())
run.require(
    lesion_mm >= 2 * pixel_mm, "lesion_mm", "pixel_mm",
    right="the lesion must be seen on the grid: lesion_mm is at least twice pixel_mm",
)

# %% [markdown]
# ## The chapter's scans and observer

# %%
beam = ParallelBeam(size=128, n_views=n_views, pixel_cm=pixel_mm / 10)
scanned = run.uses(head_ct())
slices = scanned.array.reshape(-1, *scanned.array.shape[-2:])
middle, spacing_mm = slices[len(slices) // 2], scanned.spacing_mm[-2:]
fine = {"size": fold * beam.size, "pixel_mm": pixel_mm / fold}
world = onto_grid(middle, spacing_mm=spacing_mm, **fine)
rays = project(hu_to_mu(torch.from_numpy(world).to(run.device)), beam=beam, fold=fold)

# %%
room = {"diameter_mm": lesion_mm + 8, "pixel_mm": pixel_mm}
site = lesion_site(block_means(world, fold=fold), rng=run.rng("lesion"), **room)
width_px = 2.5 * lesion_mm / pixel_mm
reader = LesionReader(site=site, size=beam.size, width_px=width_px, n_learn=n_cases)


# %%
def scans(rng):
    """Twice n_cases scans without a lesion, cut around its place."""
    found, n0_low = [], dose_fraction * n0
    for part in torch.arange(2 * n_cases).split(50):
        lines = rays.expand(len(part), -1, -1)
        counts = simulate_counts(lines, n0=n0_low, sigma_e=sigma_e, rng=rng)
        rays_hat = log_transform(counts, n0=n0_low).line_integrals
        found.append(mu_to_hu(fbp(rays_hat, beam=beam, window="hann"))[reader.near])
    return torch.cat(found)[reader.around]


# %% [markdown]
# ## The planted defect

# %%
sets = scans(run.rng("nothing")), scans(run.rng("cases"))
groups = {"channels": reader.channels, "n_groups": max(1, min(8, n_cases // 25))}
nothing = null_auc(*sets, **groups, on_own_scans=praised)
run.result("auc_nothing", nothing.value, n=nothing.n, atol=0.008)

# %%
text = "with nothing to find, the observers' mean AUC is what guessing gives at its number of scans"
run.claim(text, nothing.room > 0, margin=nothing.room, unit="AUC", control=True)
run.finish()
