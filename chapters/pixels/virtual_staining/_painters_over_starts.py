# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One painter, from one start
#
# **Objectives.** The painters of *Colour without chemistry*, each with its own rate and each
# trained at three lengths. This notebook is no page of the book: `medbook sweep` runs it over
# painters and seeds, and the chapter shows the table. The seed is the unit: it draws the photons,
# the first weights and the patches. The tissue is the same one field whatever the seed: the upper
# part trains, a strip below it chooses the rate, the rest tests.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
painter: str = "pixels"  # "pixels", "forgiving", "pix2pix", "few" or "cycle"
misfit_px: float = 2.0  # misfit of the pairs of the first three, 0 ≤ x ≤ 8
n_patches: int = 4  # registered patches of "few", 1 ≤ x ≤ 1000
photons: float = 3000.0  # photons behind a pixel of the unstained image, 10 ≤ x ≤ 1e6
patch_px: int = 32  # side of a training patch, 32 ≤ x ≤ 64
tile_px: int = 40  # side of a tile to judge by, 16 ≤ x ≤ 40
batch_size: int = 4  # patches a training step, 1 ≤ x ≤ 256
threshold: float = 0.4  # of the counter, as a share of the tissue's dark end, 0 < x ≤ 1
steps: int = 150  # until the rate is chosen; then twice and four times as many, 1 ≤ x ≤ 100000

# %%
import math
from functools import partial

import numpy as np
import torch

from data_fetch.packaged import ihc
from medlib import experiment
from medlib.pixels.staining.autofluorescence import Glow, autofluorescence
from medlib.pixels.staining.cyclegan import CycleConfig, new_cyclegan, train_cyclegan
from medlib.pixels.staining.forgiving import forgiving_error
from medlib.pixels.staining.judgement import Judge, dark_end, dyes_of
from medlib.pixels.staining.pair_training import train_on_pairs
from medlib.pixels.staining.patches import misfit_pairs, random_patches, turned
from medlib.pixels.staining.pix2pix import PairConfig, train_pix2pix
from medlib.pixels.staining.stainer import StainerConfig, stain_images

run = experiment.start("pixels/virtual_staining/_painters_over_starts", locals())
RATES = (1e-3, 4e-3, 1.6e-2, 6.4e-2)  # tried on validation tissue, at the shortest length
TIMES = (1, 2, 4)  # how often the shortest length, at the rate that was chosen

# %% [markdown]
# ## Tissue

# %%
rgb = torch.from_numpy(run.uses(ihc()).array[..., :3] / np.float32(255)).permute(2, 0, 1)[None]
stained = torch.nn.functional.avg_pool2d(rgb, 2).transpose(2, 3).to(run.device)
glow = Glow(photons=photons)
unstained = autofluorescence(dyes_of(stained)[:, :2], rng=run.rng("photons"), glow=glow)
ROWS = {"train": slice(0, 122), "validation": slice(126, 166), "test": slice(174, None)}
x = {part: unstained[:, :, rows] for part, rows in ROWS.items()}
y = {part: stained[:, :, rows] for part, rows in ROWS.items()}

# %%
dark = dark_end(y["train"])
options = {"reference": y["train"], "tile_px": tile_px}
judges = {
    part: Judge(y[part], threshold=threshold * dark, **options) for part in ("validation", "test")
}
laxer, stricter = (
    Judge(y["test"], threshold=share * threshold * dark, **options) for share in (0.5, 1.25)
)

# %% [markdown]
# ## Painters

# %%
cut = {"n": batch_size, "size": patch_px}
pairs = partial(misfit_pairs, x["train"][0], y["train"][0], misfit_px=misfit_px, **cut)
chosen_patches = misfit_pairs(
    x["train"][0], y["train"][0], n=n_patches, size=patch_px, misfit_px=0.0,
    generator=run.torch_generator("few patches"),
)


def absolute_error(made, answer):
    return (made - answer).abs().mean()


def few_pairs(generator):
    which = torch.randint(n_patches, (batch_size,), generator=generator)
    return turned(*(part[which] for part in chosen_patches), generator=generator)


# %%
def by_pairs(error, sampler, *, rate, steps, generator):
    ways = {"steps": steps, "generator": generator, "device": run.device, "rate": rate}
    return train_on_pairs(error, sampler, **ways)


def with_critic(*, rate, steps, generator):
    config = PairConfig(pixel=30.0, learning_rate=rate, critic_rate=rate / 2)
    return train_pix2pix(
        lambda g: pairs(generator=g), steps=steps, config=config, network=StainerConfig(),
        generator=generator, device=run.device,
    )


# %%
def without_pairs(*, rate, steps, generator):
    config = CycleConfig(learning_rate=rate, critic_rate=rate / 2)
    gan = new_cyclegan(config, network=StainerConfig(), generator=generator).to(run.device)
    heaps = {
        f"sample_{name}": lambda g, heap=heap: random_patches(heap, **cut, generator=g)[0]
        for name, heap in (("x", x["train"][0]), ("y", y["train"][0]))
    }
    options = {"steps": steps, "config": config, "generator": generator}
    return train_cyclegan(gan, **heaps, **options).stain


# %%
reach = math.ceil(1.5 * misfit_px)
PAINTERS = {
    "pixels": partial(by_pairs, absolute_error, lambda g: pairs(generator=g)),
    "forgiving": partial(
        by_pairs, partial(forgiving_error, reach_px=reach), lambda g: pairs(generator=g)
    ),
    "few": partial(by_pairs, absolute_error, few_pairs),
    "pix2pix": with_critic,
    "cycle": without_pairs,
}

# %% [markdown]
# ## Training
#
# The rate is chosen by the PSNR in the validation strip, for every painter alike: a favour to the
# one without pairs, who would have none to choose by. (By structure a dead network, flat and at
# zero, would win against one whose nuclei are inverted after the shortest training.)


# %%
def trained(rate, times):
    generator = run.torch_generator(f"training at {rate} for {times}")
    try:
        network = PAINTERS[painter](rate=rate, steps=times * steps, generator=generator)
    except FloatingPointError:  # a rate at which it diverges is not chosen
        return None, 0.0
    return network, judges["validation"].psnr_db(stain_images(network, x["validation"]))


# %%
shortest = [trained(rate, 1) for rate in RATES]
best = int(np.argmax([found for _, found in shortest]))
run.result("rate", RATES[best])
for times in TIMES:
    network, found = shortest[best] if times == 1 else trained(RATES[best], times)
    field = stain_images(network, x["test"])
    judged = judges["test"](field)
    n = {"n": len(judges["test"].truth)}
    run.result(f"validation_x{times}", found, unit="dB", **n, atol=0.3)
    run.result(f"structure_x{times}", judged.structure, **n, atol=0.02)
    run.result(f"brown_x{times}", judged.brown, **n, atol=0.02)
    run.result(f"psnr_x{times}", judged.psnr_db, unit="dB", **n, atol=0.3)
    run.result(f"sharpness_x{times}", judged.sharpness, **n, atol=0.02)
    run.result(f"f1_x{times}", judged.f1, **n, atol=0.02)
    run.result(f"f1_lax_x{times}", laxer.match(field).f1, **n, atol=0.02)
    run.result(f"f1_strict_x{times}", stricter.match(field).f1, **n, atol=0.02)
    run.result(f"invented_x{times}", judged.nuclei.invented, **n, atol=3)
    run.result(f"erased_x{times}", judged.nuclei.erased, **n, atol=3)

# %%
run.finish()
