# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The network at its end
#
# **Objectives.** In the trial over doses the network has one rate, one length and one scan of each
# head, and learns from scans at full dose, while its rivals are tuned against the true image. Is it
# therefore that it loses more of the lesion than they do? Here it gets what an advocate would give
# it: the true image as its target, which no patient has; several scans of each head; a rate chosen
# on validation heads; and four times the steps. Every setting is judged twice: by its error against
# the true image on validation heads, which is what it is chosen by, and by the observer's AUC. The
# seed is the unit, as in the trial over doses: it draws heads, photons, first weights and place.
# This notebook is no page of the book: `medbook sweep` runs it.
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
n_scans: int = 4  # scans of each of them, 1 ≤ x ≤ 100
n_validation: int = 4  # simulated heads to choose by, 2 ≤ x ≤ 1000
n_inserts: int = 12  # random shapes put into each of these heads, 0 ≤ x ≤ 200
rates: list[float] = [4e-4, 1.3e-3, 4e-3, 1.2e-2]  # learning rates, increasing, 1e-6 ≤ x ≤ 1
n_steps: int = 400  # training steps while the rate is chosen, 1 ≤ x ≤ 100000
times: int = 4  # how many times as long the chosen rate is trained, 2 ≤ x ≤ 100
lesion_hu: float = 20.0  # contrast of the lesion to be found, in HU, 0 ≤ x ≤ 1000
lesion_mm: float = 10.0  # its diameter, 4 ≤ x ≤ 30
n_cases: int = 100  # scans in each of the observer's four sets, 20 ≤ x ≤ 100000

# %%
import torch

from data_fetch.packaged import head_ct
from data_fetch.simulated import head_ct as simulated_heads
from data_fetch.simulated.lesion import insert_lesion, lesion_site
from medlib import experiment
from medlib.measures.auc import auc, auc_difference
from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu
from medlib.pixels.ct.denoiser import DenoiserConfig, new_denoiser
from medlib.pixels.ct.denoiser_training import fit_denoiser
from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.grid import block_means, onto_grid
from medlib.pixels.ct.inserts import scatter_ellipses
from medlib.pixels.ct.lesion_reader import LesionReader
from medlib.pixels.ct.photon_noise import log_transform, simulate_counts
from medlib.pixels.ct.projection import ParallelBeam, project

run = experiment.start("pixels/low_dose_ct/_network_at_its_end", locals())
run.require(
    lesion_mm >= 2 * pixel_mm,
    "lesion_mm",
    "pixel_mm",
    right="the lesion must be seen on the grid: lesion_mm is at least twice pixel_mm",
)
WINDOW = (-60.0, 140.0)  # HU that are black and white on the screen: brain is read so

# %% [markdown]
# ## The chapter's scanner and heads

# %%
beam = ParallelBeam(size=128, n_views=n_views, pixel_cm=pixel_mm / 10)
fine = {"size": fold * beam.size, "pixel_mm": pixel_mm / fold}


def rays_of(world_hu):
    return project(hu_to_mu(torch.from_numpy(world_hu).to(run.device)), beam=beam, fold=fold)


def scan(line_integrals, fraction, rng):
    photons = {"n0": fraction * n0, "sigma_e": sigma_e}
    counts = simulate_counts(line_integrals, rng=rng, **photons)
    return log_transform(counts, n0=fraction * n0).line_integrals


def reconstruct(line_integrals):
    return mu_to_hu(fbp(line_integrals, beam=beam, window="hann"))


# %%
heads = simulated_heads.ct_slices(n_train + n_validation, rng=run.rng("heads"), **fine)
shapes = {"n_inserts": n_inserts, "radius_px": (1.0 * fold, 8.0 * fold)}
rough = scatter_ellipses(run.uses(heads).array, rng=run.rng("inserts"), **shapes)
train_p, valid_p = rays_of(rough).split([n_train, n_validation])
train_hu, valid_hu = (
    torch.from_numpy(block_means(rough, fold=fold)).to(run.device).split([n_train, n_validation])
)
valid_low = reconstruct(scan(valid_p, dose_fraction, run.rng("scans")))
on_truth = valid_hu.clamp(*WINDOW)

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
    """2 n_cases scans, as images cut around the place."""
    images = []
    for part in torch.arange(2 * n_cases).split(50):
        rays = scan(line_integrals.expand(len(part), -1, -1), dose_fraction, rng)
        images.append(reconstruct(rays)[reader.near])
    return torch.cat(images)


rng = run.rng("cases")
present, absent = cases(sick_p, rng), cases(well_p, rng)
fbp_scores = reader.scores(present, absent)

# %% [markdown]
# ## Trainings
#
# Two targets: the true image, and a scan at full dose, which a hospital could have. Both from the
# same scans at the low dose, the same first weights and the same crops in the same order. The rate
# is chosen for each target by the error that this target leaves on validation heads: against the
# true image, or against FBP of rays without noise.

# %%
rng = run.rng("training scans")
low = torch.cat([reconstruct(scan(train_p, dose_fraction, rng)) for _ in range(n_scans)])
full = torch.cat([reconstruct(scan(train_p, 1.0, rng)) for _ in range(n_scans)])
TARGETS = {"true": train_hu.repeat(n_scans, 1, 1), "full": full}
ASKED = {"true": on_truth, "full": reconstruct(valid_p).clamp(*WINDOW)}


def least_squares(model, part):
    return ((model(part[0]) - part[1]) / 50).square().mean()


untrained = new_denoiser(DenoiserConfig(scale=50.0), generator=run.torch_generator("weights"))
order = run.torch_generator("batches").get_state()


def trained(target, rate, steps):
    """What one training leaves: its error on validation heads in HU, and how the lesion is read."""
    network = fit_denoiser(
        least_squares, (low, TARGETS[target]), untrained=untrained, order=order, n_steps=steps,
        peak_rate=rate,
    )
    shown = network(valid_low).clamp(*WINDOW)
    scores = reader.scores(network(present), network(absent))
    return {
        "target": target, "rate": rate, "steps": steps,
        "asked_hu": float((shown - ASKED[target]).square().mean().sqrt()),
        "true_hu": float((shown - on_truth).square().mean().sqrt()),
        "auc": auc(*scores).value,
        "change": auc_difference(scores, fbp_scores).value,
    }


# %%
rows, chosen = [], {}
for target in TARGETS:
    short = [trained(target, rate, n_steps) for rate in rates]
    best = min(short, key=lambda row: row["asked_hu"])
    long = trained(target, best["rate"], times * n_steps)
    rows += [*short, long]
    end = min(best, long, key=lambda row: row["asked_hu"])
    chosen[target] = {"short": best, "long": long, "end": end}
run.table(rows, name="settings", caption="What chose each setting, and how it is read.")

# %% [markdown]
# ## What was found

# %%
blank = valid_low.clamp(*WINDOW)
run.result("auc_fbp", auc(*fbp_scores))
run.result("fbp_hu", float((blank - on_truth).square().mean().sqrt()), unit="HU")
for target, by_length in chosen.items():
    for length, row in by_length.items():
        run.result(f"auc_{target}_{length}", row["auc"])
        run.result(f"change_{target}_{length}", row["change"])
        run.result(f"error_{target}_{length}", row["true_hu"], unit="HU")
    run.result(f"rate_{target}", by_length["short"]["rate"])
    run.result(f"edge_{target}", float(by_length["short"]["rate"] in (rates[0], rates[-1])))
    run.result(f"long_{target}", float(by_length["end"] is by_length["long"]))
run.finish()
