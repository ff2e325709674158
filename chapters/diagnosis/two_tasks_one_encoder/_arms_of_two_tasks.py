# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # What outlines are worth to a classifier
#
# **Objectives.** One point of a recorded trial: one number of labelled patches, one draw. A small
# network tells round dots from streaks in real retina texture. Its arms: the label alone; the label
# and the outlines of the same patches; the outlines of as many other patches; the outlines of a
# speck that means nothing; and, with the patches' own outlines, weights that are learned, weights
# that balance gradients, and the weights of the joint likelihood. Every arm chooses its rate, and
# its weight where it has one, on validation patches by the class's loss; keeps the weights that
# validate best; and is trained three times, each time twice as long. This notebook is no page of
# the book: `medbook sweep` runs it over numbers of labels and seeds. The seed draws patches, first
# weights and batches; all patches are of one eye.
#
# **Prerequisites.** *Two questions, one image*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
labels: int = 20  # labelled patches, a multiple of 2, 4 ≤ x ≤ 2000
n_validation: int = 300  # patches to choose by, 20 ≤ x ≤ 10000
n_test: int = 1000  # patches to judge by, 20 ≤ x ≤ 10000
first_steps: int = 300  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.001, 0.003, 0.01]  # highest rates to choose from, 0 < x ≤ 0.1
weights: list[float] = [3.0, 30.0, 300.0, 3000.0]  # of the mask's loss, x > 0
contrast: float = 0.35  # light lost in the middle of a lesion, 0 < x ≤ 0.8

# %%
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from data_fetch.tasks.outlined_lesions import outlined_lesions
from medlib import experiment
from medlib.diagnosis.joint.gradient_cosine import pull_of
from medlib.diagnosis.joint.joint_likelihood import two_losses
from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed

run = experiment.start("diagnosis/two_tasks_one_encoder/_arms_of_two_tasks", locals())

# %% [markdown]
# ## Patches

# %%
sizes = {"train": labels, "validation": n_validation, "test": n_test}
drawn = {
    name: outlined_lesions(n, split=name, rng=run.rng(f"{name} patches"), contrast=contrast)
    for name, n in sizes.items()
}
drawn["others"] = outlined_lesions(labels, split="train", rng=run.rng("others"), contrast=contrast)
brain = run.uses(drawn["train"].sample).array
middle, spread = float(brain.mean()), float(brain.std())


def tensor(values):
    return torch.from_numpy(values).to(run.device)


# %%
x = {
    name: tensor((run.uses(part.sample).array - middle) / spread)[:, None]
    for name, part in drawn.items()
}
y = {name: tensor(part.labels) for name, part in drawn.items()}
lesions = {name: tensor(part.lesions)[:, None] for name, part in drawn.items()}
speck = tensor(drawn["train"].specks)[:, None]
PIXELS = float(x["train"][0].numel())

# %% [markdown]
# ## Arms
#
# The rate is chosen at a weight of thirty where an arm has a weight to choose, the weight after it.

# %%
own = Masked(x["train"], lesions["train"], same=True)
ARMS = {  # name -> masks, and the weight; None: to be chosen
    "single": (None, 0.0),
    "own": (own, None),
    "others": (Masked(x["others"], lesions["others"], same=False), None),
    "speck": (Masked(x["train"], speck, same=True), None),
    "learned": (own, "learned"),
    "balanced": (own, "balanced"),
    "likelihood": (own, PIXELS),
}


def fit(name, *, steps, rate, weight):
    return fit_two_headed(
        x["train"], y["train"], masked=ARMS[name][0], weight=weight,
        validation=(x["validation"], y["validation"]), steps=steps, peak_rate=rate,
        generator=run.torch_generator(f"{name}, {steps} steps, rate {rate}, weight {weight}"),
    )


def best(tried):
    """The setting whose network validates best."""
    return min(tried, key=lambda setting: tried[setting].validation_loss)


# %%
fitted, settings = {}, {}
for name, (_, weight) in ARMS.items():
    start = 30.0 if weight is None else weight
    tried = {
        (rate, start): fit(name, steps=first_steps, rate=rate, weight=start) for rate in rates
    }
    rate, _ = best(tried)
    if weight is None:
        tried |= {
            (rate, other): fit(name, steps=first_steps, rate=rate, weight=other)
            for other in weights if other != start
        }
    settings[name] = best(tried)
    fitted[name, 1] = tried[settings[name]]

# %%
TIMES = (1, 2, 4)
for times in TIMES[1:]:
    for name, (rate, weight) in settings.items():
        fitted[name, times] = fit(name, steps=times * first_steps, rate=rate, weight=weight)

# %% [markdown]
# ## Scores
#
# On test patches: the AUC of the class, and the Dice of the lesion's mask at one half where there
# is one. Of the arms that learn two things at once, the cosine between the two losses' gradients,
# on the labelled patches, at the end of the longest training.

# %%
@torch.no_grad()
def answers(network):
    parts = [network(part) for part in x["test"].split(250)]
    scores = torch.cat([part.classes for part in parts])
    return scores[:, 1] - scores[:, 0], torch.cat([part.pixels for part in parts])


for (name, times), done in fitted.items():
    scores, pixels = answers(done.network)
    auc = roc_auc_score(y["test"].cpu(), scores.cpu())
    run.result(f"auc_{name}_{times}", auc, unit="AUC", n=n_test, atol=0.1)
    run.result(f"validation_{name}_{times}", done.validation_loss, unit="nats", atol=0.5)
    if name not in ("single", "speck"):
        marked, truth = pixels > 0, lesions["test"]
        dice = 2 * (marked & truth).sum() / (marked.sum() + truth.sum()).clamp(min=1)
        run.result(f"dice_{name}_{times}", float(dice), n=n_test, atol=0.2)

# %%
for name, (rate, _) in settings.items():
    run.result(f"rate_{name}", rate, atol=0.1)
    run.result(f"weight_{name}", fitted[name, 4].weight, atol=1e4)

# %%
for name, masks in {"own": lesions["train"], "speck": speck}.items():
    network = fitted[name, 4].network
    said = network(x["train"][:64])
    both = two_losses(said.classes, said.pixels, labels=y["train"][:64], masks=masks[:64])
    pull = pull_of(both.of_class, both.of_mask, shared=list(network.encoder.parameters()))
    if np.isfinite(pull.cosine):
        run.result(f"cosine_{name}", pull.cosine, atol=0.5)

# %%
run.finish()
