# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Targets of two doses
#
# **Objectives.** What *How much dose can we remove?* says of the loss must fail where the known
# variance has something to tell. Here it has: every second training head has a target at a small
# share of the full dose, as if scans of two protocols had been put into one archive. The variance
# of every target is known, as in the chapter, so the weighted loss can leave the bad ones alone,
# and plain least squares cannot. This notebook is no page of the book:
# `medbook check pixels/low_dose_ct --falsify` runs it.
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
n_train: int = 48  # simulated heads to train on, 2 ≤ x ≤ 10000
n_test: int = 12  # simulated heads to test on, 2 ≤ x ≤ 1000
n_inserts: int = 12  # random shapes put into each training head, 0 ≤ x ≤ 200
n_steps: int = 400  # training steps of each network, 1 ≤ x ≤ 100000
poor_dose: float = 0.02  # share of the full dose of every second target, 0.01 ≤ x ≤ 1

# %%
import torch

from data_fetch.simulated import head_ct
from medlib import experiment
from medlib.measures.mean_interval import mean_interval
from medlib.measures.quality import window_psnr_db
from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.ct.denoiser import DenoiserConfig, known_variance_loss, new_denoiser
from medlib.pixels.ct.denoiser_training import fit_denoiser
from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.inserts import scatter_ellipses
from medlib.pixels.ct.noise_propagation import fbp_variance
from medlib.pixels.ct.photon_noise import log_transform, log_variance, simulate_counts
from medlib.pixels.ct.projection import ParallelBeam, project

run = experiment.start("pixels/low_dose_ct/_mixed_targets", locals())
WINDOW = (-60.0, 140.0)  # HU that are black and white on the screen: brain is read so

# %% [markdown]
# ## The chapter's heads and scans

# %%
beam = ParallelBeam(size=128, n_views=n_views, pixel_cm=pixel_mm / 10)
hu_per_mu = float(mu_to_hu(torch.tensor(1.0)) - mu_to_hu(torch.tensor(0.0)))
grid = {"size": fold * beam.size, "pixel_mm": pixel_mm / fold}
heads = run.uses(head_ct.ct_slices(n_train + n_test, rng=run.rng("heads"), **grid)).array
shapes = {"n_inserts": n_inserts, "radius_px": (1.0 * fold, 8.0 * fold)}
rough = scatter_ellipses(heads[:n_train], rng=run.rng("inserts"), **shapes)
train_p, test_p = (
    project(hu_to_mu(torch.from_numpy(each).to(run.device)), beam=beam, fold=fold)
    for each in (rough, heads[n_train:])
)


# %%
def reconstruct(line_integrals):
    return mu_to_hu(fbp(line_integrals, beam=beam, window="hann"))


def scan(line_integrals, fraction, rng):
    """The image at a share of the full dose, and its variance."""
    photons = {"n0": fraction * n0, "sigma_e": sigma_e}
    rays_hat = log_transform(simulate_counts(line_integrals, rng=rng, **photons), n0=fraction * n0)
    variance = fbp_variance(log_variance(line_integrals, **photons), beam=beam, window="hann")
    return reconstruct(rays_hat.line_integrals), variance * hu_per_mu**2


# %% [markdown]
# ## The planted defect

# %%
rng = run.rng("scans")
low, _ = scan(train_p, dose_fraction, rng)
target, variance = scan(train_p, 1.0, rng)
target[1::2], variance[1::2] = scan(train_p[1::2], poor_dose, rng)
test_low, _ = scan(test_p, dose_fraction, rng)

# %% [markdown]
# ## The chapter's two networks


# %%
def least_squares(model, part):
    noisy, target, _ = part
    return ((model(noisy) - target) / 50).square().mean()


def weighted(model, part):
    noisy, target, variance = part
    return known_variance_loss(model(noisy), target, variance=variance)


# %%
config = DenoiserConfig(scale=50.0)
untrained = new_denoiser(config, generator=run.torch_generator("weights"))
order = run.torch_generator("batches").get_state()


def fit(loss):
    """A denoiser, trained on random crops of the pairs."""
    stacks = low, target, variance
    return fit_denoiser(loss, stacks, untrained=untrained, order=order, n_steps=n_steps)


# %%
test_clean = reconstruct(test_p)
reached = [
    window_psnr_db(fit(loss)(test_low), truth=test_clean, window=WINDOW)
    for loss in (least_squares, weighted)
]
loss_gain = mean_interval(reached[1] - reached[0], unit="dB")
run.result("weighted_loss_gain", loss_gain, atol=0.3)

# %%
text = "with targets of one dose the known variance in a network's loss gains less than 0.5 dB"
run.claim(text, loss_gain.value < 0.5, margin=0.5 - loss_gain.value, unit="dB")
run.finish()
