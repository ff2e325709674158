# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One dose, every reader
#
# **Objectives.** The lesion of *How much dose can we remove?* at one share of the dose: how well is
# it found after FBP, after three filters, a network and penalised weighted least squares, each
# tuned or trained at this very dose, and how well on the rays themselves? The chapter shows the
# results over doses and seeds. The seed is the unit: it draws the heads that train and tune, the
# photons, the first weights and the place of the lesion, and not the head that is read, which is
# one slice of one patient. This notebook is no page of the book: `medbook sweep` runs it.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dose_fraction: float = 0.1  # share of the full dose that is kept, 0.01 ≤ x ≤ 1
n0: float = 1e5  # photons that reach a detector cell through air at full dose, 100 ≤ x ≤ 1e8
sigma_e: float = 5.0  # electronic noise of a detector cell, in photons, 0 ≤ x ≤ 1000
n_views: int = 180  # views over half a turn, 10 ≤ x ≤ 1000
pixel_mm: float = 2.0  # side of a pixel, 2 ≤ x ≤ 10
fold: int = 2  # pixels of the scanned world along each side of one of the image, 1 ≤ x ≤ 4
n_train: int = 24  # simulated heads to train on, 2 ≤ x ≤ 10000
n_validation: int = 4  # simulated heads to tune on, 2 ≤ x ≤ 1000
n_inserts: int = 12  # random shapes put into each of these heads, 0 ≤ x ≤ 200
n_steps: int = 400  # training steps of the network, 1 ≤ x ≤ 100000
lesion_hu: float = 20.0  # contrast of the lesion to be found, in HU, 0 ≤ x ≤ 1000
lesion_mm: float = 10.0  # its diameter, 4 ≤ x ≤ 30
n_cases: int = 100  # scans in each of the observer's four sets, 20 ≤ x ≤ 100000

# %%
from functools import partial

import numpy as np
import torch
from scipy import stats

from data_fetch.packaged import head_ct
from data_fetch.simulated import head_ct as simulated_heads
from data_fetch.simulated.lesion import insert_lesion, lesion_site
from medlib import experiment
from medlib.measures.auc import auc, auc_difference
from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.ct.classical import gaussian_filter, nonlocal_means, total_variation, tune
from medlib.pixels.ct.denoiser import DenoiserConfig, new_denoiser
from medlib.pixels.ct.denoiser_training import fit_denoiser
from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.grid import block_means, onto_grid
from medlib.pixels.ct.inserts import scatter_ellipses
from medlib.pixels.ct.lesion_reader import LesionReader
from medlib.pixels.ct.observer import Observer, train_observer
from medlib.pixels.ct.photon_noise import log_transform, log_variance, simulate_counts
from medlib.pixels.ct.projection import ParallelBeam, project
from medlib.pixels.ct.quadratic_pwls import pwls_rows, quadratic_pwls

run = experiment.start("pixels/low_dose_ct/_auc_against_dose", locals())
run.require(
    lesion_mm >= 2 * pixel_mm,
    "lesion_mm",
    "pixel_mm",
    right="the lesion must be seen on the grid: lesion_mm is at least twice pixel_mm",
)
WINDOW = (-60.0, 140.0)  # HU that are black and white on the screen: brain is read so

# %% [markdown]
# ## The chapter's scanner and heads
#
# Rays are made from a world whose pixels are finer than those that any method reconstructs.

# %%
beam = ParallelBeam(size=128, n_views=n_views, pixel_cm=pixel_mm / 10)
n0_low = dose_fraction * n0
fine = {"size": fold * beam.size, "pixel_mm": pixel_mm / fold}


def rays_of(world_hu):
    return project(hu_to_mu(torch.from_numpy(world_hu).to(run.device)), beam=beam, fold=fold)


def scan(line_integrals, fraction, rng):
    photons = {"n0": fraction * n0, "sigma_e": sigma_e}
    counts = simulate_counts(line_integrals, rng=rng, **photons)
    return log_transform(counts, n0=fraction * n0).line_integrals


def reconstruct(line_integrals):
    return mu_to_hu(fbp(line_integrals, beam=beam, window="hann"))


def trust(line_integrals):
    return 1 / log_variance(line_integrals, n0=n0_low, sigma_e=sigma_e)


# %%
heads = simulated_heads.ct_slices(n_train + n_validation, rng=run.rng("heads"), **fine)
shapes = {"n_inserts": n_inserts, "radius_px": (1.0 * fold, 8.0 * fold)}
rough = scatter_ellipses(run.uses(heads).array, rng=run.rng("inserts"), **shapes)
train_p, valid_p = rays_of(rough).split([n_train, n_validation])
valid_hu = torch.from_numpy(block_means(rough[n_train:], fold=fold)).to(run.device)

# %% [markdown]
# ## Every method tuned at this dose, against the true image

# %%
rng = run.rng("scans")
valid_rays = scan(valid_p, dose_fraction, rng)
valid_low = reconstruct(valid_rays)
on_truth = valid_hu.clamp(*WINDOW)
noise_hu = float((valid_low - reconstruct(valid_p))[(valid_hu > 0) & (valid_hu < 80)].std())


def on_screen(work, images, *, strength):
    return work(images, strength=strength).clamp(*WINDOW)


filters = {"gaussian": gaussian_filter, "tv": total_variation, "nlm": nonlocal_means}
grids = {
    "gaussian": np.geomspace(0.15, 3.0, 9),
    "tv": noise_hu * np.geomspace(0.1, 6.0, 9),
    "nlm": noise_hu * np.geomspace(0.1, 6.0, 9),
}
tuned = {
    name: tune(partial(on_screen, work), valid_low, truth=on_truth, grid=grids[name].tolist())
    for name, work in filters.items()
}

# %%
betas = np.geomspace(0.01, 30.0, 9)
copies = valid_rays.repeat(len(betas), 1, 1)
strengths = torch.from_numpy(n0_low * np.repeat(betas, n_validation)).to(copies)
smooth = {"weights": trust(copies), "beam": beam, "beta": strengths}
tried = mu_to_hu(quadratic_pwls(copies, **smooth)).clamp(*WINDOW)
errors = (tried.reshape(len(betas), *on_truth.shape) - on_truth).square().mean((1, 2, 3))
beta = float(betas[int(errors.argmin())])

# %%
rng = run.rng("training scans")
pairs = tuple(reconstruct(scan(train_p, share, rng)) for share in (dose_fraction, 1.0))


def least_squares(model, part):
    return ((model(part[0]) - part[1]) / 50).square().mean()


untrained = new_denoiser(DenoiserConfig(scale=50.0), generator=run.torch_generator("weights"))
order = run.torch_generator("batches").get_state()
network = fit_denoiser(least_squares, pairs, untrained=untrained, order=order, n_steps=n_steps)

# %% [markdown]
# ## The lesion, and who looks for it

# %%
scanned = run.uses(head_ct())
slices = scanned.array.reshape(-1, *scanned.array.shape[-2:])
middle, spacing_mm = slices[len(slices) // 2], scanned.spacing_mm[-2:]
well = onto_grid(middle, spacing_mm=spacing_mm, **fine)
look = {"diameter_mm": lesion_mm + 8, "pixel_mm": pixel_mm, "rng": run.rng("lesion")}
site = lesion_site(block_means(well, fold=fold), **look)
centre = tuple(fold * at + (fold - 1) / 2 for at in site)
disc = {"diameter_mm": lesion_mm, "pixel_mm": fine["pixel_mm"], "centre": centre}
sick = insert_lesion(well, contrast_hu=lesion_hu, **disc)
well_p, sick_p = rays_of(well), rays_of(sick)
width_px = 2.5 * lesion_mm / pixel_mm
reader = LesionReader(site=site, size=beam.size, width_px=width_px, n_learn=n_cases)


# %%
def cases(line_integrals, rng):
    """2 n_cases scans: their rays, and their images cut around the place."""
    rays, images = [], []
    for part in torch.arange(2 * n_cases).split(50):
        rays.append(scan(line_integrals.expand(len(part), -1, -1), dose_fraction, rng))
        images.append(reconstruct(rays[-1])[reader.near])
    return torch.cat(rays), torch.cat(images)


rng = run.rng("cases")
(sick_rays, present), (well_rays, absent) = cases(sick_p, rng), cases(well_p, rng)
scores = {"fbp": reader.scores(present, absent)}
scores["network"] = reader.scores(network(present), network(absent))
for name, work in filters.items():
    work = partial(work, strength=tuned[name].strength)
    scores[name] = reader.scores(work(present), work(absent))

# %% [markdown]
# PWLS with a quadratic penalty is linear in the rays once its weights are fixed: those of the mean
# of the scans that the observer learns from. What a channel sees of the image is then a sum over
# rays, so the observer reads the rays through rows that stand for channel and reconstruction.

# %%
mean_rays = torch.cat([sick_rays[:n_cases], well_rays[:n_cases]]).double().mean(0)
templates = torch.zeros(reader.n_channels, beam.size, beam.size, dtype=torch.float64)
templates[reader.near][reader.around] = reader.channels
options = {"weights": trust(mean_rays), "beam": beam, "beta": n0_low * beta, "n_steps": 150}
rows = pwls_rows(templates.to(run.device), **options)
learned = sick_rays[:n_cases].double(), well_rays[:n_cases].double()
judge: Observer = train_observer(*learned, channels=rows)
scores["pwls"] = tuple(judge.score(rays[n_cases:].double()) for rays in (sick_rays, well_rays))

# %% [markdown]
# ## What was found

# %%
signal = (sick_p - well_p).double()
variance = log_variance(well_p.double(), n0=n0_low, sigma_e=sigma_e)
run.result("auc_ideal", float(stats.norm.cdf(float((signal**2 / variance).sum() / 2) ** 0.5)))
for name, found in scores.items():
    run.result(f"auc_{name}", auc(*found))
for name in ("network", "nlm", "tv", "gaussian", "pwls"):
    run.result(f"change_{name}", auc_difference(scores[name], scores["fbp"]))

# %%
run.result("beta", beta, atol=0)
run.result("beta_at_edge", float(beta in (betas[0], betas[-1])))
for name, found in tuned.items():
    run.result(f"strength_{name}", found.strength)
    run.result(f"edge_{name}", float(found.at_edge))
run.finish()
