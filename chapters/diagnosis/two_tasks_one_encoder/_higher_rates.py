# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Two learning rates more
#
# **Objectives.** One point of a recorded trial, a companion of *What outlines are worth to a
# classifier*. There, with few labels, most ways take the highest rate of their grid. So the ways
# that the chapter compares learn here once more at higher rates, from the same patches, first
# weights and batches as that trial gave them. Each tries as many settings as any other: both rates,
# each at two weights of the mask, or, where there is no weight to choose, at two weight decays. The
# setting whose class has the greatest AUC on validation patches is trained twice and four times as
# long, too. If it validates better than all of that trial, the grid was cut too short.
# This notebook is no page of the book: `medbook sweep` runs it over seeds, and *Does it help to be
# told where?* shows the table. The unit is the seed; all patches are of one eye.
#
# **Prerequisites.** *Does it help to be told where?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
labels: int = 20  # labelled patches, a multiple of 2, 4 ≤ x ≤ 2000
n_validation: int = 300  # patches to choose by, a multiple of 2, 20 ≤ x ≤ 10000
n_test: int = 1000  # patches to judge by, 20 ≤ x ≤ 10000
first_steps: int = 300  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.03, 0.1]  # highest of a training, 0 < x ≤ 1
decays: list[float] = [0.01, 0.1]  # of weights, where no weight is chosen, 0 ≤ x ≤ 1
contrast: float = 0.35  # light lost in the middle of a lesion, 0 < x ≤ 0.8

# %%
import torch
from sklearn.metrics import roc_auc_score

from data_fetch.tasks.outlined_lesions import outlined_lesions
from medlib import experiment
from medlib.diagnosis.joint.discs import discs
from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed

run = experiment.start("diagnosis/two_tasks_one_encoder/_higher_rates", locals())
WEIGHTS = {"own": (300.0, 30.0), "place": (300.0, 30.0), "speck": (3.0, 0.3)}
run.require(len(decays) == 2, "decays", "rates",
            right="every way must try as many settings: give two decays, as there are two weights")

# %% [markdown]
# ## Patches
#
# The streams are named as in the other trial.

# %%
sizes = {"train": labels, "validation": n_validation, "test": n_test}
drawn = {
    name: outlined_lesions(n, split=name, rng=run.rng(f"{name} patches"), contrast=contrast)
    for name, n in sizes.items()
}
train_patches = run.uses(drawn["train"].sample).array
middle, spread = float(train_patches.mean()), float(train_patches.std())


def tensor(values):
    return torch.from_numpy(values).to(run.device)


# %%
x = {
    name: tensor((run.uses(part.sample).array - middle) / spread)[:, None]
    for name, part in drawn.items()
}
y = {name: tensor(part.labels) for name, part in drawn.items()}
outlines = drawn["train"].lesions
marks = {"own": outlines, "place": discs(outlines, radius=4.0), "speck": drawn["train"].specks}
masked = {name: Masked(x["train"], tensor(some)[:, None], same=True)
          for name, some in marks.items()}

# %% [markdown]
# ## Trainings

# %%
TIMES = (1, 2, 4)
starts = {times: int(run.rng(f"start, {times} times").integers(2**62)) for times in TIMES}


def fit(name, setting, times):
    """Train one way; first weights and batches are those of the other trial."""
    rate, decay, weight = setting
    return fit_two_headed(
        x["train"], y["train"], masked=masked.get(name), weight=weight,
        validation=(x["validation"], y["validation"]), steps=times * first_steps, peak_rate=rate,
        weight_decay=decay, every=max(1, times * first_steps // 6),
        generator=torch.Generator().manual_seed(starts[times]),
    )


@torch.no_grad()
def auc_of(network):
    scores = torch.cat([network(part).classes for part in x["test"].split(250)]).cpu()
    return roc_auc_score(drawn["test"].labels, scores[:, 1] - scores[:, 0])


# %%
for name in ("single", *WEIGHTS):
    settings = [(rate, decay, 0.0) for rate in rates for decay in decays]
    if name in WEIGHTS:
        settings = [(rate, decays[0], weight) for rate in rates for weight in WEIGHTS[name]]
    tried = {setting: fit(name, setting, 1) for setting in settings}
    taken = min(tried, key=lambda s, t=tried: (-t[s].kept["auc"].auc, t[s].kept["auc"].loss))
    for what, value in zip(("rate", "decay", "weight"), taken, strict=True):
        run.result(f"{what}_{name}", value, atol=1e-9)
    for times in TIMES:
        done = tried[taken] if times == 1 else fit(name, taken, times)
        run.result(f"validation_{name}_{times}", done.kept["auc"].auc, unit="AUC", atol=0.03)
        for rule, ending in {"auc": "", "last": "_last"}.items():
            run.result(f"auc{ending}_{name}_{times}", auc_of(done.at(rule)), unit="AUC",
                       n=n_test, atol=0.03)

# %%
run.finish()
