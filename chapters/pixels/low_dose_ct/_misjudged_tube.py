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
# the two sets of scans come from two tubes. There is still no lesion in either, but for the set
# that is called "with" the tube's photons are misjudged by a twentieth. An observer can tell the
# sets apart without having found anything, and the control has to say so. This notebook is no page
# of the book: `medbook check pixels/low_dose_ct --falsify` runs it.
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
lesion_mm: float = 10.0  # diameter of the lesion that the observer looks for, 4 ≤ x ≤ 30
n_cases: int = 200  # scans in each of the observer's four sets, 20 ≤ x ≤ 100000
misjudged: float = 1.05  # the tube's photons, believed over true, for one of the sets, 1 ≤ x ≤ 2

# %%
import torch

from data_fetch.packaged import head_ct
from data_fetch.simulated.lesion import lesion_site
from medlib import experiment
from medlib.measures.auc import auc
from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.grid import onto_grid
from medlib.pixels.ct.observer import laguerre_gauss, train_observer
from medlib.pixels.ct.photon_noise import log_transform, simulate_counts
from medlib.pixels.ct.projection import ParallelBeam, project

run = experiment.start("pixels/low_dose_ct/_misjudged_tube", locals())
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
well = onto_grid(middle, spacing_mm=spacing_mm, size=beam.size, pixel_mm=pixel_mm)
rays = project(hu_to_mu(torch.from_numpy(well).to(run.device)), beam=beam)

# %%
site = lesion_site(well, diameter_mm=lesion_mm + 8, pixel_mm=pixel_mm, rng=run.rng("lesion"))
top, left_edge = (min(max(place - 32, 0), beam.size - 64) for place in site)
near = (..., slice(top, top + 64), slice(left_edge, left_edge + 64))
channels = laguerre_gauss(size=31, n_channels=6, width_px=2.5 * lesion_mm / pixel_mm)
row, column = site[0] - top, site[1] - left_edge
around = (slice(None), slice(row - 15, row + 16), slice(column - 15, column + 16))


# %%
def scans(rng, *, believed):
    """Twice n_cases scans without a lesion, cut around its place; `believed` is for the photons."""
    found, n0_low = [], dose_fraction * n0
    for part in torch.arange(2 * n_cases).split(50):
        lines = rays.expand(len(part), -1, -1)
        counts = simulate_counts(lines, n0=n0_low, sigma_e=sigma_e, rng=rng)
        rays_hat = log_transform(counts, n0=believed * n0_low).line_integrals
        found.append(mu_to_hu(fbp(rays_hat, beam=beam, window="hann"))[near])
    return torch.cat(found)[around]


# %%
def judge(present, absent):
    """Scores of the second half by an observer that learned from the first."""
    observer = train_observer(present[:n_cases], absent[:n_cases], channels=channels)
    return observer.score(present[n_cases:]), observer.score(absent[n_cases:])


# %% [markdown]
# ## The planted defect

# %%
absent = scans(run.rng("cases"), believed=1.0)
more = scans(run.rng("nothing"), believed=misjudged)
nothing = auc(*judge(more, absent))
run.result("auc_nothing", nothing, atol=0.02)

# %%
close = 0.15
text = "with nothing to find, the observer's AUC is within 0.15 of guessing, interval and all"
hidden = close - max(abs(bound - 0.5) for bound in nothing.interval)
run.claim(text, hidden > 0, margin=hidden, unit="AUC", control=True)
run.finish()
