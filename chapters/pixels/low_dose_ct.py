# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # How much dose can we remove?
#
# **Question.** A child fell from a swing and needs a head CT; another comes back for the fifth
# scan of a shunt that drains the brain. X-rays are a small risk each time, and the risk adds up.
# A network that turns a scan at a fraction of the dose into one that *looks* like full dose is
# sold with pictures. If it wipes out a faint bleeding along with the noise, nobody will see that
# there was one. What may we trust?
#
# **Objectives.** After this chapter you will be able to
#
# - derive the noise of a CT measurement from the counting of photons, and say where the
#   derivation ends;
# - carry that noise through reconstruction into every pixel of the image;
# - compare a network with *tuned* classical filters, and recognise a comparison that is not fair;
# - say where knowing the variance helps and where it cannot;
# - test what matters to a patient: whether a lesion can still be found.
#
# **Prerequisites.** Python, first-year calculus, mean and variance. **Minutes.** About 50
# minutes.
#
# **Data.** The head CT is real: one slice of one patient, from pydicom's test files. The heads
# that train and test the network are simulated: the tissue maps of the MNI152 template with
# densities, skull and scalp put on. Every photon is simulated. Set `ct_folder` to a folder with
# the DICOM slices of one series (such as the public
# [LDCT-and-Projection-data](https://doi.org/10.7937/9NPB-2637)) to use another patient.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
dose_fraction: float = 0.1  # share of the full dose that is kept, 0 < x ≤ 1
n0: float = 1e5  # photons that reach a detector cell through air at full dose, 100 ≤ x ≤ 1e8
sigma_e: float = 5.0  # electronic noise of a detector cell, in photons, 0 ≤ x ≤ 1000
n_views: int = 180  # views over half a turn, 10 ≤ x ≤ 1000
pixel_mm: float = 2.0  # side of a pixel, 2 ≤ x ≤ 10
n_draws: int = 40000  # simulated measurements behind each Monte Carlo variance, 100 ≤ x ≤ 10000000
n_train: int = 48  # simulated heads to train on, 2 ≤ x ≤ 10000
n_validation: int = 6  # simulated heads to tune on, 2 ≤ x ≤ 1000
n_test: int = 12  # simulated heads to test on, 2 ≤ x ≤ 1000
n_inserts: int = 12  # random shapes put into each training head, 0 ≤ x ≤ 200
n_steps: int = 400  # training steps of each network, 1 ≤ x ≤ 100000
n_iterations: int = 150  # iterations of each weighted reconstruction, 1 ≤ x ≤ 10000
lesion_hu: float = 20.0  # contrast of the lesion to be found, in HU, 0 ≤ x ≤ 1000
lesion_mm: float = 10.0  # its diameter, 4 ≤ x ≤ 30
n_cases: int = 200  # scans in each of the observer's four sets, 20 ≤ x ≤ 100000
ct_folder: str = ""  # folder with the DICOM slices of one CT series; empty for the packaged head

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from medlib import experiment

run = experiment.start("pixels/low_dose_ct", locals())

# %% tags=["hide-input"]
COLORS = experiment.COLORS
WINDOW = (-60.0, 140.0)  # HU that are black and white on the screen: brain is read so


def show(place, image, title="", limits=WINDOW, cmap="gray"):
    """One image without axes; returns what a colour bar needs."""
    place.set_title(title)
    place.set_axis_off()
    return place.imshow(image.cpu(), vmin=limits[0], vmax=limits[1], cmap=cmap)


def pictures(rows, titles):
    """Rows of images in the brain window, each row cut to its body, titles over the first."""
    height = 7.2 / len(rows[0]) * len(rows) * 1.15 + 0.3
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(7.2, height), squeeze=False)
    for row, images in enumerate(rows):
        body = (images[0] > -500).nonzero()
        (top, left), (bottom, right) = body.amin(0).tolist(), body.amax(0).tolist()
        cut = slice(max(top - 2, 0), bottom + 3), slice(max(left - 2, 0), right + 3)
        for place, image, title in zip(axes[row], images, titles, strict=True):
            show(place, image[cut], title if row == 0 else "")
    return figure


def mean_interval(values, level=0.95):
    """Mean of independent values and its t interval."""
    values = np.asarray(values, dtype=float)
    reach = stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values)
    return values.mean(), (values.mean() - reach, values.mean() + reach)


# %% [markdown]
# ## A picture first
#
# CT prints density on the Hounsfield scale: air is $-1000$ HU, water is $0$, brain lies near
# $30$, and a fresh bleeding some tens of HU above it. Here is a real head, low in the skull,
# where the cerebellum lies between two dense pyramids of bone. A *small* dose makes it grainy;
# the grain is not evenly spread: it is worst between the pyramids. By the end you will
# be able to compute this grain, pixel by pixel, before any scan is made.

# %%
from data_fetch.packaged import head_ct
from data_fetch.readers import read_dicom_series
from medlib.pixels.grid import onto_grid
from medlib.pixels.projection import ParallelBeam, project

beam = ParallelBeam(size=128, n_views=n_views, pixel_cm=pixel_mm / 10)
scanned = run.uses(read_dicom_series(ct_folder) if ct_folder else head_ct())
slices = scanned.array.reshape(-1, *scanned.array.shape[-2:])
middle, spacing_mm = slices[len(slices) // 2], scanned.spacing_mm[-2:]
patient = onto_grid(middle, spacing_mm=spacing_mm, size=beam.size, pixel_mm=pixel_mm)
patient = torch.from_numpy(patient).to(run.device)

# %% [markdown]
# Two functions are all we need for a scan at any dose. The next sections take them apart.

# %%
from medlib.pixels.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.fbp import fbp
from medlib.pixels.photon_noise import log_transform, simulate_counts


def scan(line_integrals, fraction, rng):
    counts = simulate_counts(line_integrals, n0=fraction * n0, sigma_e=sigma_e, rng=rng)
    return log_transform(counts, n0=fraction * n0).line_integrals


def reconstruct(line_integrals, window="hann"):
    return mu_to_hu(fbp(line_integrals, beam=beam, window=window))


# %% tags=["hide-input"]
rays = project(hu_to_mu(patient), beam=beam)
rng = run.rng("first picture")
full, low = (reconstruct(scan(rays, fraction, rng)) for fraction in (1.0, dose_fraction))
figure = pictures([[reconstruct(rays), full, low]], ["no noise", "full dose", "low dose"])
alt = "A slice of a head three times: smooth, slightly grainy, and drowned in grain."
caption = (
    f"The same head at full dose and at {dose_fraction:.0%} of it. Real anatomy, simulated photons,"
    " n = 1 slice; black is -60 HU, white is 140 HU."
)
run.figure(figure, name="first_picture", alt=alt, caption=caption, data="real and simulated")

# %% [markdown]
# ## From photons to numbers, by hand
#
# A thin ray crosses the head. Each millimetre takes away the same *share* of the photons that are
# left, a share called the attenuation $\mu$. Adding up along the ray gives the law of Beer and
# Lambert,
#
# $$ I = I_0\, e^{-p}, \qquad p = \int \mu \,\mathrm{d}l , $$
#
# where $I_0$ photons set out, $I$ arrive, and the *line integral* $p$ is what reconstruction
# needs. A detector counts whole photons, which arrive independently, so the count is a Poisson
# variable; the electronics add a little noise of their own:
#
# $$ N \sim \operatorname{Poisson}(N_0 e^{-p}) + \operatorname{Normal}(0, \sigma_e^2),
#    \qquad \hat p = -\ln \frac{N}{N_0} . $$
#
# $N_0$ is the number of photons that air would let through and $\sigma_e$ the electronic noise,
# in photons. The hat says that $\hat p$ is an estimate.
#
# **How noisy is $\hat p$?** The variance of a Poisson variable is its mean $\bar N = N_0 e^{-p}$,
# so $\operatorname{Var} N = \bar N + \sigma_e^2$. A small change $\mathrm{d}N$ changes the
# logarithm by $-\mathrm{d}N/\bar N$. Squaring (this is the *delta method*),
#
# $$ \operatorname{Var}\hat p \;\approx\; \frac{\operatorname{Var} N}{\bar N^2}
#    = \frac{e^{p}}{N_0}\Bigl(1 + \sigma_e^2\,\frac{e^{p}}{N_0}\Bigr). $$
#
# The factor $e^p$ is the whole difficulty of low-dose CT: rays through bone are exponentially
# worse.
#
# **How far is a low dose from a full dose?** Let $\alpha$ be the share of the dose that is kept.
# If the two are *independent* scans, variances add. Without electronic noise,
#
# $$ \operatorname{Var}(\hat p_\alpha - \hat p_1) = \frac{e^p}{N_0}\Bigl(\frac1\alpha + 1\Bigr). $$
#
# If the low dose is made by *thinning*, keeping each photon of the full scan with probability
# $\alpha$, the two share photons: $\operatorname{Cov}(N_\alpha, N_1) = \alpha \bar N$, so
# $\operatorname{Cov}(\hat p_\alpha, \hat p_1) = \alpha\bar N / (\alpha\bar N\cdot\bar N) =
# e^p/N_0$, and twice this comes off:
#
# $$ \operatorname{Var}(\hat p_\alpha - \hat p_1) = \frac{e^p}{N_0}\Bigl(\frac1\alpha - 1\Bigr). $$
#
# Each scan is read out by itself, so in both cases electronic noise adds $\sigma_e^2 (e^p/N_0)^2
# (1/\alpha^2 + 1)$.
#
# ### Does it hold? Ask the dice
#
# We draw photons for rays that let through from very few to many photons *at the low dose*, and
# compare the variance of many draws with the formula. A logarithm of zero does not exist: counts
# below half a photon are set to half a photon, and counted as *starved*.

# %%
from medlib.pixels.dose_residual import independent_variance, thin, thinned_variance
from medlib.pixels.photon_noise import draw_photons, log_variance, read_out

left = torch.tensor([5, 10, 20, 30, 50, 100, 200, 500, 1000, 3000, 10000.0]).double()
p_true = (dose_fraction * n0 / left).log()
many = p_true[:, None].expand(-1, n_draws)
rng = run.rng("monte carlo")
photons = draw_photons(many, n0=n0, rng=rng)
kept = thin(photons, dose_fraction=dose_fraction, rng=rng)

# %%
p_full = log_transform(read_out(photons, sigma_e=sigma_e, rng=rng), n0=n0).line_integrals
thinned = log_transform(read_out(kept, sigma_e=sigma_e, rng=rng), n0=dose_fraction * n0)
p_thin, p_low = thinned.line_integrals, scan(many, dose_fraction, rng)

# %%
light = {"n0": n0, "dose_fraction": dose_fraction, "sigma_e": sigma_e}
single = p_low.var(1) / log_variance(p_true, n0=dose_fraction * n0, sigma_e=sigma_e)
apart = (p_low - p_full).var(1) / independent_variance(p_true, **light)
shared = (p_thin - p_full).var(1) / thinned_variance(p_true, **light)

# %% [markdown]
# Each point below is *measured variance over predicted variance*: one is perfect. The variance of
# $n$ normal draws has a relative standard error of $\sqrt{2/(n-1)}$, the thin grey band.

# %% tags=["hide-input"]
error = np.sqrt(2 / (n_draws - 1))


# %% tags=["hide-input"]
def draw_check():
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    axes.axhspan(1 - 1.96 * error, 1 + 1.96 * error, color=COLORS["grey"], alpha=0.35)
    axes.plot(left, single, "o-", label="one scan")
    axes.plot(left, apart, "s-", label="low minus full, two scans")
    axes.plot(left, shared, "^-", label="low minus full, thinned")
    axes.axvline(100, color=COLORS["grey"], linestyle=":")
    axes.set(xlabel="mean photons left at the low dose", ylabel="measured / predicted")
    axes.set_xscale("log")
    axes.legend()
    return figure


# %% tags=["hide-input"]
alt = "Measured over predicted variance: one at many photons, rising steeply below about 50."
caption = (
    "The three formulas hold from about a hundred photons (dotted) upwards and break below."
    f" Simulated, n = {n_draws} measurements a point; band: 95 % of the Monte Carlo error."
)
run.figure(draw_check(), name="variance_check", alt=alt, caption=caption, data="simulated")

# %% [markdown]
# How sure may we be? An interval at the usual level misses the truth one time in twenty, by design,
# and here are several intervals, computed again for every seed. So the claim at the end allows
# more: wide enough that *all* of them together fail once in a thousand runs (Bonferroni's
# correction), and still narrow enough to see an error of three hundredths. A word of warning: the
# delta method is an approximation, so with enough draws *every* interval would exclude it. The
# number of draws was fixed beforehand.

# %%
worst = float((single[left >= 100] - 1).abs().max())
checks = (torch.cat([apart[left >= 1000], shared[left >= 1000]]) - 1) / error
allowed = stats.norm.ppf(1 - 0.001 / 2 / len(checks))
off, inside = float(checks.abs().max()), int((checks.abs() < 1.96).sum())
broken = float((single[left == 10] - 1).abs())

# %%
run.result("formula_error_100_photons", worst, n=n_draws, atol=0.02)
run.result("residual_offset", off, unit="SE", n=len(checks), atol=1.5)
run.result("formula_error_10_photons", broken, n=n_draws, atol=0.05)
run.say(
    "With 100 photons or more, the formula is off by {formula_error_100_photons:.1%} at most."
    " With 1000 or more, {inside} of {checks} residual variances lie in their own 95 % intervals;"
    " the worst is {residual_offset:.1f} standard errors off, where {allowed:.1f} are allowed. At"
    " 10 photons the formula is off by {formula_error_10_photons:.0%}; at 5, {share:.1%} of the"
    " measurements are starved.",
    inside=inside,
    checks=len(checks),
    allowed=allowed,
    share=float(thinned.starved[0].double().mean()),
)

# %% [markdown]
# Why does it break? The logarithm is curved. A count that is too low by ten is logged further off
# than one that is too high by ten, so $\hat p$ is not only noisy but *biased*: on average too
# high by half its own variance. Dark, starved rays read as denser than they are, and since
# neighbouring rays share their fate, the error becomes a streak.
#
# ## From rays to an image
#
# The scanner measures $p$ along many parallel rays (a *view*), turns a little, and does it again.
# Written as a matrix, $p = A x$: $x$ holds the pixels' attenuation, and $a_{ij}$ is the length of
# ray $i$ in pixel $j$, averaged over the width of the detector cell. The shadow of a square pixel
# is a trapezoid, so each $a_{ij}$ has a closed form; almost all are zero, and one sparse matrix
# serves every image. Its transpose $A^\top$ sends each ray's number back along the ray, and that
# *backprojection* is exactly the gradient that any optimisation or network needs: $\langle Ax,
# y\rangle = \langle x, A^\top y\rangle$.
#
# Backprojection alone gives a blur. Filtering each view by the ramp $|f|$ undoes it: *filtered
# backprojection* (FBP). The ramp lifts the high frequencies, where there is the least signal and
# the most noise, so in practice a window (here Hann's) takes part of it back.

# %%
x, y = torch.rand(2, beam.size, beam.size, generator=run.torch_generator("adjoint")).to(run.device)
x = x.double().requires_grad_()
ray_values = project(y.double(), beam=beam)
forward = (project(x, beam=beam) * ray_values).sum()
forward.backward()  # the gradient of ⟨Ax, y⟩ with respect to x is Aᵀy
gap = abs(float((x.detach() * x.grad).sum() / forward.detach()) - 1)
run.say("⟨Ax, y⟩ and ⟨x, Aᵀy⟩ agree to {gap:.0e} of their size.", gap=gap)

# %% tags=["hide-input"]
photon_map = (dose_fraction * n0 * (-rays).exp()).cpu()
reach = beam.n_bins * beam.pixel_cm / 2
maps = {"line integrals p": (rays.cpu(), "gray")}
maps["log10 of photons left"] = (photon_map.log10(), "cividis")


# %% tags=["hide-input"]
def draw_sinogram():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True)
    for place, (title, (values, cmap)) in zip(axes, maps.items(), strict=True):
        shown = place.imshow(values, aspect="auto", extent=(-reach, reach, 180, 0), cmap=cmap)
        place.set(xlabel="detector position (cm)", title=title)
        figure.colorbar(shown, ax=place)
    axes[0].set(ylabel="angle (degrees)")
    return figure


# %% tags=["hide-input"]
alt = (
    "Two sinograms of the head: line integrals, and the photons left, fewest behind both pyramids."
)
caption = (
    "Bone behind bone leaves few photons. Real anatomy, simulated photons at the low dose, n = 1."
)
run.figure(draw_sinogram(), name="sinogram", alt=alt, caption=caption, data="real and simulated")

# %% tags=["hide-input"]
ray_span = float(rays.max().exp())
run.say(
    "Of {air:.0f} photons that reach the detector through air at the low dose, {least:.0f} come"
    " through the worst ray: the variance of the rays spans a factor of {span:.0f}.",
    air=dose_fraction * n0,
    least=float(photon_map.min()),
    span=ray_span,
)

# %% [markdown]
# ## From ray noise to pixel noise
#
# FBP is linear: pixel $j$ is a weighted sum of rays, $\mu_j = \sum_i r_{ji}\, p_i$. The rays'
# noises are independent, so
#
# $$ \operatorname{Var} \mu_j = \sum_i r_{ji}^2 \operatorname{Var} p_i . $$
#
# No simulation is needed: the ramp kernel, squared, carries the variance of the rays straight
# into every pixel. We scan the head a hundred times only to check. The second question is the
# *texture*: the noise power spectrum says how the variance is shared among spatial frequencies.
# White noise would be flat. FBP noise starts at zero and rises with the ramp.

# %%
from medlib.pixels.noise_propagation import fbp_variance

hu_per_mu = float(mu_to_hu(torch.tensor(1.0)) - mu_to_hu(torch.tensor(0.0)))
ray_variance = log_variance(rays, n0=dose_fraction * n0, sigma_e=sigma_e)
predicted = fbp_variance(ray_variance, beam=beam, window="hann") * hu_per_mu**2
rng = run.rng("repeated scans")
repeats = torch.stack([reconstruct(scan(rays, dose_fraction, rng)) for _ in range(100)])
measured = repeats.var(0)

# %%
tissue = (patient > 0) & (patient < 80)
noise_hu = float(predicted[tissue].mean().sqrt())
noise_ratio = float(measured[tissue].mean() / predicted[tissue].mean())
low_end, high_end = np.quantile(predicted[tissue].cpu(), [0.01, 0.99])

# %% tags=["hide-input"]
run.result("noise_hu", noise_hu, unit="HU")
run.result("noise_map_ratio", noise_ratio, n=100, atol=0.03)
run.say(
    "Soft tissue has {noise_hu:.0f} HU of noise; measured over predicted variance is"
    " {noise_map_ratio:.3f}. The variance of the rays spans a factor of {rays:.0f}, that of the"
    " pixels in soft tissue only {pixels:.1f}: each pixel has averaged over rays from all sides."
    " Remember this.",
    rays=ray_span,
    pixels=high_end / low_end,
)

# %%
from medlib.pixels.nps import fbp_nps, noise_power_spectrum, radial_spectrum

noise = (repeats - repeats.mean(0))[:, 32:96, 32:96]
spectrum = noise_power_spectrum(noise, pixel_cm=beam.pixel_cm)
spectrum = radial_spectrum(spectrum, pixel_cm=beam.pixel_cm)
frequency, power = spectrum.frequency_per_cm.cpu(), spectrum.power.cpu()
theory = fbp_nps(frequency, beam=beam, ray_variance=1.0, window="hann")
theory = theory * float(power.sum() / theory.sum())  # the shape is the prediction


# %% tags=["hide-input"]
def draw_noise():
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.6), width_ratios=(1, 1, 1.2))
    scale = (0, float(predicted.max().sqrt()))
    show(axes[0], predicted.sqrt(), "predicted", scale, "magma")
    shown = show(axes[1], measured.sqrt(), "from 100 scans", scale, "magma")
    figure.colorbar(shown, ax=axes[1], label="noise (HU)")
    axes[2].plot(frequency, power, "o", markersize=3, label="measured")
    axes[2].plot(frequency, theory, label="theory, scaled")
    axes[2].set(xlabel="frequency (1/cm)", ylabel="power (HU² cm²)", title="noise power")
    axes[2].legend()
    return figure


# %% tags=["hide-input"]
alt = "Two maps of noise that look alike, brightest mid-head; a spectrum that rises, then falls."
caption = (
    "Noise is predicted without a scan. Real anatomy, simulated photons, n = 100 scans of 1 slice."
)
run.figure(draw_noise(), name="noise_map", alt=alt, caption=caption, data="real and simulated")

# %% [markdown]
# ## Turn the dose yourself
#
# Left: the reconstruction. Right: what a low dose adds to an independent full-dose scan, the
# *residual* of the formulas above. Going down, grain grows like $1/\sqrt\alpha$, and then
# something else begins: streaks between the pyramids, where photons starve and the logarithm is
# biased.


# %% tags=["hide-input"]
def at_dose(fraction):
    rng = run.rng(f"slider {fraction}")
    image, reference = reconstruct(scan(rays, fraction, rng)), reconstruct(scan(rays, 1.0, rng))
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.8))
    show(axes[0], image, f"{fraction:.0%} of the dose")
    show(axes[1], image - reference, "minus full dose, -200 to 200 HU", (-200, 200), "RdBu_r")
    return figure


# %% tags=["hide-input"]
doses = [1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01]
alt = "A head slice and its difference from a full-dose scan; less dose, more grain and streaks."
caption = "Less dose: more grain, then streaks. Real anatomy, simulated photons, n = 1 slice."
steps = {"name": "dose_slider", "label": "share of the dose", "start": doses.index(0.1)}
run.frames(
    [at_dose(fraction) for fraction in doses],
    values=[f"{fraction:.0%}" for fraction in doses],
    alt=alt,
    caption=caption,
    data="real and simulated",
    **steps,
)

# %% [markdown]
# ## Filters, tuned
#
# Three classical filters, all from scikit-image. A **Gaussian** blur averages neighbours. **Total
# variation** looks for the image with the least sum of slopes that is still close to the data: it
# flattens grain and keeps edges. **Non-local means** averages pixels whose surroundings look
# alike, wherever they lie. Each has one strength. A paper that leaves it at its default compares
# its network with a strawman.
#
# So we tune, on validation heads that neither training nor test ever sees. The score is the peak
# signal-to-noise ratio (PSNR) of what a reader sees: the image clipped to the brain window,
# against the noise-free reconstruction. With $R$ the width of the window, it is
# $10\log_{10}(R^2/\text{mean squared error})$, in decibels; six more
# halve the root of the mean squared error.
#
# Training and validation heads carry random shapes of air, calcium and bone (`n_inserts` each): a
# network that never saw an air cell will polish it away, and a filter tuned on tidy heads is too
# strong for a real skull base. Both must learn from the same heads, or the comparison is not fair.

# %%
from data_fetch.simulated import head_ct as simulated_heads
from medlib.pixels.inserts import scatter_ellipses

parts = [n_train, n_validation, n_test]
grid = {"size": beam.size, "pixel_mm": pixel_mm}
heads = run.uses(simulated_heads.ct_slices(sum(parts), rng=run.rng("heads"), **grid)).array
rough = scatter_ellipses(heads[:-n_test], n_inserts=n_inserts, rng=run.rng("inserts"))
heads = torch.from_numpy(np.concatenate([rough, heads[-n_test:]])).to(run.device)
train_p, valid_p, test_p = project(hu_to_mu(heads), beam=beam).split(parts)

# %%
from medlib.pixels.quality import window_psnr_db

rng = run.rng("scans")
valid_low, test_low = (reconstruct(scan(p, dose_fraction, rng)) for p in (valid_p, test_p))
valid_clean, test_clean = reconstruct(valid_p), reconstruct(test_p)
patient_low, patient_clean = repeats[:6], reconstruct(rays).expand(6, -1, -1)


def psnr(images, clean):
    return window_psnr_db(images, truth=clean, window=WINDOW)


# %%
from functools import partial

from medlib.pixels.classical import gaussian_filter, nonlocal_means, total_variation, tune

filters = {"Gaussian": gaussian_filter, "TV": total_variation, "NLM": nonlocal_means}
default = {"Gaussian": 1.0, "TV": 0.1 * 200, "NLM": 0.1 * 200}
ladder = np.array([0.4, 0.8, 1.2, 1.6, 2.2, 3.0, 4.0])
grids = {"Gaussian": 0.5 * ladder, "TV": noise_hu * ladder, "NLM": noise_hu * ladder}


# %%
def on_screen(work, images, *, strength):
    return work(images, strength=strength).clamp(*WINDOW)


on_truth = valid_clean.clamp(*WINDOW)
tuned = {
    name: tune(partial(on_screen, work), valid_low, truth=on_truth, grid=grids[name].tolist())
    for name, work in filters.items()
}


# %% tags=["hide-input"]
def draw_tuning():
    figure, axes = plt.subplots(figsize=(7.2, 3.0))
    for name, found in tuned.items():
        decibels = 10 * np.log10(200**2 / np.array(found.errors))
        axes.plot(np.array(found.grid) / default[name], decibels, "o-", label=name)
    axes.axvline(1, color=COLORS["grey"], linestyle=":")
    axes.set(xscale="log", xlabel="strength / scikit-image's default", ylabel="PSNR (dB)")
    axes.set_xticks(ticks := [0.25, 0.5, 1, 2, 4], [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.legend()
    return figure


# %% tags=["hide-input"]
alt = "PSNR against filter strength; TV and NLM peak well to the right of their default."
caption = (
    "At the default (dotted) two filters look weak; tuned, they gain decibels. Simulated,"
    f" n = {n_validation} validation heads. Defaults are for images scaled so that the window"
    " is 0 to 1."
)
run.figure(draw_tuning(), name="tuning", alt=alt, caption=caption, data="simulated")

# %% [markdown]
# ## A network, and the loss that physics implies
#
# The network is small: five convolutions that predict the *noise*, which is then subtracted. What
# should it learn from? Nobody has noise-free scans of patients, so its targets are **independent
# full-dose scans, noise and all**. That works: for squared error the best prediction is the mean
# of the targets given the input, and noise that is independent of the input and has mean zero
# averages out. (Thinned targets share photons with the input, so their noise is *not* independent
# of it; an exercise asks what the network learns then.)
#
# The noise of the target has a known variance $v_j$ at pixel $j$: we just computed it. The
# Gaussian negative log-likelihood
#
# $$ L = \frac1{2}\,\overline{\frac{(t_j - f_j)^2}{v_j} + \ln v_j} $$
#
# (the bar is the mean over pixels, $t$ the target, $f$ the network's output) trusts each pixel as
# much as it deserves. Plain least squares, $\overline{(t_j - f_j)^2}$, trusts all alike. The
# formulas above tell one thing more: whichever way the pairs are made, the variance is
# proportional to $e^p/N_0$ while photons are plenty. The way of pairing changes a constant, not
# the weights.
#
# Both networks start from the same weights and see the same batches.

# %%
rng = run.rng("training scans")
low_hu = reconstruct(scan(train_p, dose_fraction, rng))
target_hu = reconstruct(scan(train_p, 1.0, rng))
target_rays = log_variance(train_p, n0=n0, sigma_e=sigma_e)
variance_hu = fbp_variance(target_rays, beam=beam, window="hann") * hu_per_mu**2

# %%
from medlib.pixels.denoiser import DenoiserConfig, known_variance_loss, new_denoiser, random_crops


def batch(generator):
    return random_crops(low_hu, target_hu, variance_hu, n=8, size=48, generator=generator)


def least_squares(model, part):
    noisy, target, _ = part
    return ((model(noisy) - target) / 50).square().mean()


def weighted(model, part):
    noisy, target, variance = part
    return known_variance_loss(model(noisy), target, variance=variance)


# %%
import copy

from medlib.nets.training import OneCycle, train
from medlib.pixels.denoiser import denoise

untrained = new_denoiser(DenoiserConfig(scale=50.0), generator=run.torch_generator("weights"))
order = run.torch_generator("batches")
order_state = order.get_state()


# %%
def fit(loss):
    model = copy.deepcopy(untrained).to(run.device, memory_format=torch.channels_last)
    recipe = OneCycle(peak_rate=4e-3, weight_decay=0.0)
    optimizer, schedule = recipe.start(model.parameters(), steps=n_steps)
    order.set_state(order_state)
    ways = {"optimizer": optimizer, "schedule": schedule, "generator": order}
    train(model, loss, batch, steps=n_steps, **ways)
    return partial(denoise, model)


network, network_weighted = fit(least_squares), fit(weighted)

# %% [markdown]
# ### Who is best?

# %%
methods = {"none (FBP)": lambda images: images}
for name, work in filters.items():
    methods[f"{name}, default"] = partial(work, strength=default[name])
    methods[f"{name}, tuned"] = partial(work, strength=tuned[name].strength)
methods |= {"network": network, "network, known variance": network_weighted}
on_heads = {name: psnr(work(test_low), test_clean) for name, work in methods.items()}
on_patient = {name: psnr(work(patient_low), patient_clean) for name, work in methods.items()}

# %% tags=["hide-input"]
columns = {"simulated heads (dB)": on_heads, "real head (dB)": on_patient}
rows = [
    {"method": name} | {title: f"{scores[name].mean():.1f}" for title, scores in columns.items()}
    for name in methods
]
caption = (
    f"PSNR in the brain window at {dose_fraction:.0%} of the dose, against noise-free FBP."
    f" n = {n_test} simulated test heads, and 6 scans of one real head."
)
run.table(rows, name="psnr", caption=caption)


# %%
def best(scores, kind):
    return max((name for name in methods if kind in name), key=lambda name: scores[name].mean())


rival, strawman = best(on_heads, ", tuned"), best(on_heads, "default")
real_rival = best(on_patient, ", tuned")

# %%
lead, lead_interval = mean_interval(on_heads["network"] - on_heads[rival])
easy_lead = (on_heads["network"] - on_heads[strawman]).mean()
real_lead, real_interval = mean_interval(on_patient["network"] - on_patient[real_rival])
by_hand = [partial(nonlocal_means, strength=strength) for strength in grids["NLM"]]
cheat = max(psnr(work(patient_low), patient_clean).mean() for work in by_hand)
real_cheat = on_patient["network"].mean() - cheat

# %% tags=["hide-input"]
run.result("lead_over_tuned", lead, unit="dB", interval=lead_interval, n=n_test, atol=0.7)
run.result("lead_over_default", easy_lead, unit="dB", n=n_test, atol=0.7)
run.result("real_lead", real_lead, unit="dB", interval=real_interval, n=6, atol=0.7)
run.result("real_lead_over_cheat", real_cheat, unit="dB", n=6, atol=0.7)

# %% tags=["hide-input"]
run.say(
    "On simulated heads the network leads the best filter at its *default* ({strawman}) by"
    " {lead_over_default:.1f} dB, and the best *tuned* one ({rival}) by {lead_over_tuned:+.1f} dB"
    " ({lead_over_tuned.low:+.1f} to {lead_over_tuned.high:+.1f}).",
    strawman=strawman,
    rival=rival,
)

# %% tags=["hide-input"]
run.say(
    "On the real head it leads the best tuned filter ({rival}) by {real_lead:+.1f} dB"
    " ({real_lead.low:+.1f} to {real_lead.high:+.1f}; the interval is over scans of one head, not"
    " over patients). Had somebody turned the knob of NLM on this very head, which is cheating, the"
    " lead would be {real_lead_over_cheat:+.1f} dB.",
    rival=real_rival,
)

# %% tags=["hide-input"]
inside = (test_clean > 0) & (test_clean < 60)
fluid = (inside & (test_clean < 20)).sum((1, 2)) / inside.sum((1, 2))
pick = int(fluid.argmax())  # the head with the largest ventricles
chosen = [methods[name] for name in ("none (FBP)", "TV, tuned", "NLM, tuned", "network")]
pairs = [(test_clean[pick], test_low[pick]), (patient_clean[0], patient_low[0])]
rows = [[clean, *(work(noisy[None])[0] for work in chosen)] for clean, noisy in pairs]

# %% tags=["hide-input"]
alt = (
    "A simulated and a real head: clean, noisy, denoised three ways. Smooth, but details are gone."
)
caption = (
    "Smooth is not the same as right. Top: simulated head; bottom: real anatomy; simulated photons."
)
figure = pictures(rows, ["no noise", "FBP", "TV", "NLM", "network"])
run.figure(figure, name="denoised", alt=alt, caption=caption, data="real and simulated")

# %% [markdown]
# Two warnings before the pictures persuade you. Go down the last column of the table: a strength
# that was tuned on simulated heads need not suit a real one, and neither need a network; validation
# heads must look like the patients to come. And look for the ventricles, the two dark horns in the
# middle of the first head. The last columns are beautiful. Where did the ventricles go?
#
# ## Where the known variance helps, and where it cannot
#
# Did the loss with the known variance help? And if the variance is so uneven among rays, should
# it not help a lot?

# %%
difference = on_heads["network, known variance"] - on_heads["network"]
loss_gain, interval = mean_interval(difference)
run.result("weighted_loss_gain", loss_gain, unit="dB", interval=interval, n=n_test, atol=0.5)
run.say(
    "Weighting the loss changes the network's PSNR by {weighted_loss_gain:+.2f} dB"
    " ({weighted_loss_gain.low:+.2f} to {weighted_loss_gain.high:+.2f})."
)

# %% [markdown]
# No gain (at this seed even a little loss), and there are three reasons why we could not expect
# much. First, FBP has already mixed rays of all
# qualities into each pixel: the factor that you were asked to remember is small among pixels, so
# equal weights are nearly right. Second, the quietest pixels, which the weights favour, are the air
# around the head, where there is nothing to learn. Third, weights never move the *goal*: with any
# positive weights the best output at a pixel is the mean of its targets given the input. They only
# decide how fast noisy targets average out. A network of five layers, trained for a few hundred
# steps, cannot be best everywhere; then weights also decide *where* it is good, and they favour
# places that PSNR in the brain window does not count.
#
# To use the variance where it is uneven, stay with the rays. **Penalised weighted least squares**
# (PWLS) reconstructs by
#
# $$ \hat x = \arg\min_x \tfrac12 \sum_i w_i \bigl(\hat p_i - [Ax]_i\bigr)^2
#    + \beta \sum_{j\sim k} \psi(x_j - x_k), $$
#
# where $w_i$ is the trust in ray $i$, the second sum runs over neighbouring pixels, $\beta$ sets
# the smoothing, and Huber's $\psi$ is quadratic for small steps and linear for large ones, so
# that edges survive. With $w_i = 1/\operatorname{Var}\hat p_i$ a starved ray is hardly heard;
# with equal weights it shouts as loudly as all others. We compare the two, *each with its own
# tuned* $\beta$, and as a check of the idea a third: the same weights dealt to the wrong rays.
# One trap: with equal weights the iteration converges more slowly. Stopped early (try a smaller
# `n_iterations`) it looks worse than it is, and the weights would get credit for mere speed.

# %%
from medlib.pixels.pwls import Penalty, pwls


def trust(line_integrals):  # from the measurement itself: nobody knows the true p
    return 1 / log_variance(line_integrals, n0=dose_fraction * n0, sigma_e=sigma_e)


def iterate(rays_hat, weights, beta):
    penalty = Penalty(beta=beta * dose_fraction * n0, delta_per_cm=0.002)
    given = {"weights": weights, "beam": beam, "penalty": penalty, "n_steps": n_iterations}
    start = fbp(rays_hat, beam=beam, window="hann")
    return mu_to_hu(pwls(rays_hat, start=start, **given).image)


# %%
rng = run.rng("weighted")
valid_m, test_m = (scan(p, dose_fraction, rng) for p in (valid_p[:2], test_p[:4]))
valid_hu, test_hu = heads[n_train:][:2], heads[-n_test:][:4]
level = float(trust(valid_m)[valid_p[:2] > 1].median())
schemes = {"equal": lambda m: torch.full_like(m, level), "known": trust}
betas, beta = [0.3, 1.0, 3.0, 10.0, 30.0], {}
for name, weigh in schemes.items():
    tried = [psnr(iterate(valid_m, weigh(valid_m), b), valid_hu).mean() for b in betas]
    beta[name] = betas[int(np.argmax(tried))]

# %%
deal = torch.from_numpy(run.rng("wrong rays").permutation(rays.numel())).to(run.device)
schemes["wrong rays"] = lambda m: trust(m).flatten(-2)[:, deal].reshape(m.shape)
beta["wrong rays"] = beta["known"]
rays_hat = torch.cat([test_m, scan(rays[None], dose_fraction, rng)])
truth_hu = torch.cat([test_hu, patient[None]])
fits = {name: iterate(rays_hat, weigh(rays_hat), beta[name]) for name, weigh in schemes.items()}
fit_psnr = {name: psnr(images, truth_hu) for name, images in fits.items()}

# %% tags=["hide-input"]
gains = fit_psnr["known"] - fit_psnr["equal"]
weight_gain, interval = mean_interval(gains[:-1])
wrong_gain = (fit_psnr["wrong rays"] - fit_psnr["equal"])[:-1].mean()
n_fits = len(gains) - 1
run.result("pwls_weight_gain", weight_gain, unit="dB", interval=interval, n=n_fits, atol=0.3)
run.result("pwls_weight_gain_real", gains[-1], unit="dB", n=1, atol=0.3)
run.result("pwls_wrong_rays_gain", wrong_gain, unit="dB", n=n_fits, atol=0.5)

# %% tags=["hide-input"]
run.say(
    "In PWLS the known variance gains {pwls_weight_gain:.1f} dB on simulated heads"
    " ({pwls_weight_gain.low:.1f} to {pwls_weight_gain.high:.1f}) and {pwls_weight_gain_real:.1f}"
    " dB on the real one. Dealt to the wrong rays, the weights change it by"
    " {pwls_wrong_rays_gain:+.1f} dB."
)

# %% tags=["hide-input"]
row = [reconstruct(rays_hat[-1]), fits["equal"][-1], fits["known"][-1], patient]
figure = pictures([row], ["FBP", "PWLS, equal weights", "PWLS, 1/variance", "truth"])
alt = (
    "The real head reconstructed three ways, and the truth; known weights leave the least streaks."
)
caption = "Rays trusted by their variance. Real anatomy, simulated photons, n = 1 slice."
run.figure(figure, name="pwls", alt=alt, caption=caption, data="real and simulated")

# %% [markdown]
# ## The question that PSNR hides
#
# A patient does not ask for decibels. The question is whether a faint lesion would be *seen*. We
# put one into the real head (a disc of `lesion_hu` at a random place in soft tissue), scan it
# many times with and many times without, and let a mathematical reader decide. The **channelised
# Hotelling observer** looks through a few smooth channels (here rings of growing complexity
# around the place, Laguerre-Gauss functions), learns from half of the scans the best linear rule
#
# $$ w = S^{-1}(\bar v_{\text{with}} - \bar v_{\text{without}}), $$
#
# where $v$ are the channels' responses, $\bar v$ their means and $S$ their covariance, and scores
# the other half. The area under its ROC curve (AUC) is the chance that of two scans, one with and
# one without the lesion, it points at the right one: one half is guessing. All methods judge the
# same scans, so their differences are measured in pairs (DeLong's interval).

# %%
from data_fetch.simulated.lesion import insert_lesion, lesion_site

well = patient.cpu().numpy()
disc = {"diameter_mm": lesion_mm, "pixel_mm": pixel_mm}
site = lesion_site(well, diameter_mm=lesion_mm + 8, pixel_mm=pixel_mm, rng=run.rng("lesion"))
sick = insert_lesion(well, contrast_hu=lesion_hu, centre=site, **disc)
sick_rays = project(hu_to_mu(torch.from_numpy(sick).to(run.device)), beam=beam)

# %%
top, left_edge = (min(max(x - 32, 0), beam.size - 64) for x in site)
near = (..., slice(top, top + 64), slice(left_edge, left_edge + 64))


def cases(line_integrals, rng):
    """2 n_cases scans, reconstructed without and with a window, cut around the place."""
    bare, windowed = [], []
    for part in torch.arange(2 * n_cases).split(50):
        rays_hat = scan(line_integrals.expand(len(part), -1, -1), dose_fraction, rng)
        bare.append(reconstruct(rays_hat, "ramp")[near])
        windowed.append(reconstruct(rays_hat)[near])
    return torch.cat(bare), torch.cat(windowed)


# %%
from medlib.pixels.observer import auc, auc_difference, laguerre_gauss, train_observer

channels = laguerre_gauss(size=31, n_channels=6, width_px=2.5 * lesion_mm / pixel_mm)
row, column = site[0] - top, site[1] - left_edge
around = (slice(None), slice(row - 15, row + 16), slice(column - 15, column + 16))


def judge(present, absent):
    """Scores of the second half by an observer trained on the first."""
    present, absent, half = present[around], absent[around], len(present) // 2
    observer = train_observer(present[:half], absent[:half], channels=channels)
    return observer.score(present[half:]), observer.score(absent[half:])


# %%
rng = run.rng("cases")
present, absent = cases(sick_rays, rng), cases(rays, rng)
readers = {"FBP, no window": (present[0], absent[0]), "FBP": (present[1], absent[1])}
for name in ("Gaussian, tuned", "TV, tuned", "NLM, tuned", "network"):
    work = methods[name]
    readers[name.removesuffix(", tuned")] = work(present[1]), work(absent[1])
scores = {name: judge(*pair) for name, pair in readers.items()}
areas = {name: auc(*pair) for name, pair in scores.items()}

# %%
centre = (row, column)
clean = {name: reconstruct(rays)[near] for name in readers}
clean["FBP, no window"] = reconstruct(rays, "ramp")[near]
pretty = {n: psnr(pair[1], clean[n].expand_as(pair[1])).mean() for n, pair in readers.items()}
remains = {name: pair[0].mean(0) - pair[1].mean(0) for name, pair in readers.items()}
lost = {name: 1 - float(image[centre] / remains["FBP"][centre]) for name, image in remains.items()}

# %% tags=["hide-input"]
rows = [
    {"method": name, "PSNR (dB)": f"{pretty[name]:.1f}", "AUC": f"{area.value:.3f}"}
    | {"95 % interval": f"{area.low:.3f} to {area.high:.3f}"}
    for name, area in areas.items()
]
caption = (
    f"A disc of {lesion_hu:g} HU, {lesion_mm:g} mm wide, in the real head;"
    f" n = {n_cases} scans with and {n_cases} without it (simulated photons)."
)
run.table(rows, name="detectability", caption=caption)

# %%
change = auc_difference(scores["network"], scores["FBP"])
prettier = pretty["network"] - pretty["FBP"]
rank = stats.kendalltau(list(pretty.values()), [area.value for area in areas.values()]).statistic
measured_auc = {"auc_fbp": areas["FBP"], "auc_network": areas["network"], "auc_change": change}
for name, area in measured_auc.items():
    run.result(name, area.value, interval=(area.low, area.high), n=2 * n_cases, atol=0.02)
run.result("psnr_change", prettier, unit="dB", n=2 * n_cases, atol=0.5)
run.result("rank_correlation", rank, n=len(areas), atol=0.4)

# %% tags=["hide-input"]
run.say(
    "The network raises PSNR by {psnr_change:.1f} dB and *changes the AUC by* {auc_change:+.3f}"
    " ({auc_change.low:+.3f} to {auc_change.high:+.3f}), from {auc_fbp:.3f} to {auc_network:.3f}."
    " It removes {lost:.0%} of the lesion's contrast. Over all methods, the rank correlation of"
    " PSNR with AUC (Kendall's) is {rank_correlation:+.2f}.",
    lost=lost["network"],
)


# %% tags=["hide-input"]
def draw_trade():
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    for name, area in areas.items():
        bars = [[area.value - area.low], [area.high - area.value]]
        color = COLORS["orange" if name == "network" else "blue"]
        axes.errorbar(pretty[name], area.value, yerr=bars, fmt="o", color=color)
        place = {"xytext": (-6, 4), "ha": "right"} if name == "FBP" else {"xytext": (6, 4)}
        axes.annotate(name, (pretty[name], area.value), textcoords="offset points", **place)
    axes.set(xlabel="PSNR in the brain window (dB)", ylabel="AUC of the observer")
    axes.margins(x=0.15)
    return figure


# %% tags=["hide-input"]
alt = "AUC against PSNR: the network lies furthest right, with the best PSNR, and has a low AUC."
caption = (
    "Prettier is not easier to read. Real anatomy, simulated lesion and photons;"
    f" n = {n_cases} scans with and {n_cases} without; bars: 95 % intervals."
)
run.figure(
    draw_trade(), name="psnr_against_auc", alt=alt, caption=caption, data="real and simulated"
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, len(remains), figsize=(7.2, 1.8))
for place, (name, image) in zip(axes, remains.items(), strict=True):
    show(place, image, name, (-lesion_hu - 1, lesion_hu + 1), "RdBu_r")
    place.title.set_fontsize(8)
alt = "Mean difference with minus without lesion: a red disc after FBP, little after the network."
caption = (
    "What is left of the lesion in the mean of many scans. Real anatomy, simulated lesion and"
    f" photons, n = {2 * n_cases} scans with and {2 * n_cases} without."
)
run.figure(figure, name="what_is_left", alt=alt, caption=caption, data="real and simulated")

# %% [markdown]
# Read the figure from left to right. The bare ramp has the lowest PSNR, yet its AUC equals that
# of the windowed FBP; so does the Gaussian's. No wonder: a smoothing filter weakens lesion and
# noise alike at the frequencies that tell them apart, and an observer that weighs its channels
# loses little by it. No processing can *add* information about the lesion. Filters that decide
# (non-local means, the network) can throw it away. Asked for the least squared error, a network
# that is unsure whether a faint spot is noise or lesion answers with the average of both: mostly
# background. That is the right answer to the question it was asked.
#
# A caveat: the observer knows where to look and weighs channels perfectly. A tired human is
# helped by smoothing more than it is.
#
# ## What breaks it
#
# **Another dose.** The network knows the noise of one dose and cannot be told about another. A
# filter whose strength is set from the *predicted* noise can: here is a use of the known variance
# that costs nothing.

# %%
rng = run.rng("other doses")
rows = []
for fraction in sorted({0.3 * dose_fraction, dose_fraction, min(1.0, 10 * dose_fraction)}):
    noisy = reconstruct(scan(test_p, fraction, rng))
    strength = tuned["NLM"].strength * np.sqrt(dose_fraction / fraction)  # noise goes as 1/√dose
    tried = (noisy, network(noisy), nonlocal_means(noisy, strength=strength))
    reached = [f"{psnr(images, test_clean).mean():.1f}" for images in tried]
    rows.append(dict(zip(("FBP (dB)", "network (dB)", "scaled NLM (dB)"), reached, strict=True)))
    rows[-1] = {"dose": f"{fraction:.0%}"} | rows[-1]

# %% tags=["hide-input"]
caption = (
    f"The network, trained at {dose_fraction:.0%} of the dose, at other doses, beside NLM whose"
    f" strength follows the predicted noise. n = {n_test} simulated heads."
)
run.table(rows, name="other_doses", caption=caption)

# %% [markdown]
# **Too few photons.** The logarithm is biased, and the bias does not average out: many starved
# scans agree on the wrong density. **Wrong constants.** If $N_0$ is misjudged by a twentieth, every
# ray is off by the same amount, and reconstruction turns that into a wrong density, too.

# %%
dim = 0.05 * dose_fraction * n0
counts = simulate_counts(rays.expand(20, -1, -1), n0=dim, sigma_e=sigma_e, rng=rng)
starving = log_transform(counts, n0=dim)
bias = (reconstruct(starving.line_integrals).mean(0) - reconstruct(rays))[tissue].mean()
shift = (reconstruct(rays + np.log(1.05)) - reconstruct(rays))[tissue].mean()

# %% tags=["hide-input"]
run.say(
    "At a twentieth of the low dose {share:.1%} of the rays starve and soft tissue reads"
    " {bias:+.0f} HU off on average. With $N_0$ a twentieth too high it reads {shift:+.0f} HU off,"
    " at any dose.",
    share=starving.starved_fraction,
    bias=float(bias),
    shift=float(shift),
)

# %% [markdown]
# **Another anatomy.** Set `n_inserts` to zero and run again: the network then knows only tidy
# simulated skulls; see what it does to the air cells of the real one. **One head.** All numbers on
# "the real head" are about one slice of one patient; the intervals are about photons. **A finer
# world.** Real scanners have fans, cones, scatter, a spectrum of energies and detectors that talk
# to their neighbours; the formulas above are the first term of each.
#
# **Negative control.** The same observer with nothing to find: half of the scans *without* lesion
# are called "with".

# %%
nothing = absent[1]
nothing = auc(*judge(nothing[:n_cases], nothing[n_cases:]), level=0.99)
interval = (nothing.low, nothing.high)
run.result("auc_nothing", nothing.value, interval=interval, level=0.99, n=n_cases, atol=0.02)
run.say(
    "With nothing to find, the AUC is {auc_nothing:.3f} (99 % interval {auc_nothing.low:.3f} to"
    " {auc_nothing.high:.3f})."
)

# %% [markdown]
# ## What we claim
#
# Each conclusion carries its margin: how far it was from no longer holding.

# %%
text = "with 100 photons or more the variance formula is within 5 % of Monte Carlo"
run.claim(text, worst < 0.05, margin=0.05 - worst)
text = "with 1000 photons or more both residual variances lie in joint 99.9 % intervals"
run.claim(text, off < allowed, margin=allowed - off, unit="SE")
text = "at 10 photons the variance formula is off by more than a fifth"
run.claim(text, broken > 0.2, margin=broken - 0.2)

# %%
text = (
    "on simulated heads the network leads filters at their defaults by more than 4 dB, and tuned"
    " ones, there and on the real head, by less than 1.5 dB"
)
tie = min(easy_lead - 4, 1.5 - max(lead, real_lead))
run.claim(text, tie > 0, margin=tie, unit="dB")
text = "in weighted least squares the known variance gains more than 0.5 dB on simulated heads"
run.claim(text, weight_gain > 0.5, margin=weight_gain - 0.5, unit="dB")
text = "in the loss of an image network the known variance gains less than 0.5 dB"
run.claim(text, loss_gain < 0.5, margin=0.5 - loss_gain, unit="dB")

# %%
text = "the network raises PSNR by more than 3 dB and lowers the observer's AUC"
seen = min(prettier - 3, -change.high)
run.claim(text, seen > 0, margin=seen, unit="AUC or dB, the lesser")
text = "with nothing to find, the observer guesses"
hidden = min(0.5 - nothing.low, nothing.high - 0.5)
run.claim(text, hidden > 0, margin=hidden, unit="AUC", control=True)
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Noise in CT is counted photons seen through a logarithm: its variance grows as $e^p/N_0$, and
#   the formula ends where counts drop to some tens.
# - Noise in the image follows from noise in the rays by arithmetic: the map and the texture,
#   before any scan.
# - Tune the baseline with the care that the network got, or do not compare.
# - A known variance helps where it is uneven, among rays; after FBP there is little left to know.
# - PSNR rewards being right on average over pixels. A lesion is few pixels. Measure the task.
#
# ## Exercises
#
# Type your answer in place of `None` and run the cell: it tells you whether you are right.
#
# ```{exercise}
# :label: low-dose-ct-dose
# A protocol gives 12 HU of noise in soft tissue. Reading stays safe up to 30 HU. Electronic noise
# may be neglected. What share of the dose is enough? **Self-check** below.
# ```

# %% tags=["self-check"]
answer = None  # share of the dose, between 0 and 1
if answer is None:
    print("Type your answer first.")
else:
    right = abs(answer - (12 / 30) ** 2) < 0.005
    print("Right." if right else "Not yet: how does noise depend on the dose?")

# %% [markdown]
# ```{exercise}
# :label: low-dose-ct-bone
# A ray crosses 14 cm of brain ($\mu = 0.2$ per cm) and 2 cm of dense bone ($\mu = 0.5$ per cm),
# with $N_0 = 20000$. How many photons arrive on average, and may the variance formula be used?
# **Self-check** below.
# ```

# %% tags=["self-check"]
answer_photons, answer_formula_holds = None, None  # a number; True or False
if answer_photons is None:
    print("Type your answers first.")
else:
    arrived = 20000 * np.exp(-(14 * 0.2 + 2 * 0.5))
    right = abs(answer_photons / arrived - 1) < 0.02 and answer_formula_holds == (arrived >= 100)
    print("Right." if right else "Not yet: add up p, then look at the first check of the dice.")

# %% [markdown]
# ```{exercise}
# :label: low-dose-ct-shared
# Suppose the network had been trained on *thinned* pairs: the low dose keeps a share $\alpha$ of
# the photons of the target. Its target's noise is then correlated with its input's. What share of
# the input's noise will the least-squares prediction keep? Derive it from
# $\operatorname{Cov}(\hat p_\alpha, \hat p_1)$ above, for the dose of this run. **Self-check**
# below measures it.
# ```

# %% tags=["self-check"]
answer = None  # the share of the noise that is kept
if answer is None:
    print("Type your answer first.")
else:
    pair = torch.stack([p_thin[-1], p_full[-1]])
    right = abs(answer - float(torch.cov(pair)[0, 1] / pair[0].var())) < 0.02
    print("Right." if right else "Not yet: regress the target's noise on the input's.")

# %% [markdown]
# ```{exercise}
# :label: low-dose-ct-train-on-lesions
# The network never saw a faint disc in training. Would it keep lesions if it had? Predict first.
# Then put lesions into the training heads with `insert_lesion` before the shapes are scattered,
# train again and compare what is left of the contrast. **Self-check:** compare the new table of
# detectability with the one above; what *cannot* change is the row of FBP.
# ```

# %% [markdown] tags=["solution"]
# ```{solution} low-dose-ct-dose
# :class: dropdown
# The variance goes as one over the dose, so the noise as one over its root: $\alpha = (12/30)^2 =
# 0.16$. <!-- number: arithmetic -->
# ```
#
# ```{solution} low-dose-ct-bone
# :class: dropdown
# $p = 14 \cdot 0.2 + 2 \cdot 0.5 = 3.8$, and $20000\,e^{-3.8} \approx 447$ photons: enough for
# the formula. <!-- number: arithmetic -->
# ```
#
# ```{solution} low-dose-ct-shared
# :class: dropdown
# The regression slope is $\operatorname{Cov}(\hat p_\alpha, \hat p_1)/\operatorname{Var}\hat
# p_\alpha = (e^p/N_0) / (e^p/(\alpha N_0)) = \alpha$. The network learns to keep a share $\alpha$
# of the noise, because that part of it *is* in the target. With independent scans the covariance
# is zero.
# ```
#
# ```{solution} low-dose-ct-train-on-lesions
# :class: dropdown
# A little more contrast may survive, for lesions became less surprising. But at this dose a spot
# of the lesion's size and contrast is often produced by noise alone, and then the best guess in
# squared error still lies in between. FBP does not learn, so its row stays.
# ```

# %% [markdown]
# ## Further reading
#
# - The physics and the mathematics of CT: {cite}`buzug2008`, and {cite}`kak1988` for filtered
#   backprojection. What the dose may do: {cite}`brenner2007`.
# - J. Hsieh on the noise of low counts and its streaks:
#   [doi:10.1118/1.598410](https://doi.org/10.1118/1.598410)
# - J.-B. Thibault et al. on the variance of log counts:
#   [doi:10.1117/12.660281](https://doi.org/10.1117/12.660281), and on reconstruction that uses it:
#   {cite}`thibault2007`; J. A. Fessler on penalised weighted least squares:
#   [doi:10.1109/42.293921](https://doi.org/10.1109/42.293921)
# - S. J. Riederer, N. J. Pelc, D. A. Chesler on the noise power spectrum of CT:
#   [doi:10.1088/0031-9155/23/3/008](https://doi.org/10.1088/0031-9155/23/3/008)
# - The filters: {cite}`chambolle2004` and {cite}`buades2005`. Networks for low-dose CT:
#   {cite}`chen2017`, {cite}`zhang2017`; learning from noisy targets: {cite}`lehtinen2018`.
# - Observers: {cite}`barrett1993`, {cite}`gallas2003` and the book {cite}`barrett2004`. K. Li
#   et al. measure how denoising networks lose information that a detection task needs:
#   [doi:10.1109/TMI.2021.3076810](https://doi.org/10.1109/TMI.2021.3076810)
# - Real low-dose data, with projections: {cite}`moen2021`.
