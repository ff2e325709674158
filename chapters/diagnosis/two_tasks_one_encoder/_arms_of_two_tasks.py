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
# network tells round dots from streaks in real retina texture, in several ways: from the label
# alone; from the label and the outlines of the same patches; discs of one size in place of these
# outlines, which say where and nothing of the shape; the outlines of as many other patches; the
# outlines of a speck that means nothing; and, with the patches' own outlines, weights that are
# learned as variances, from the mean over pixels or from the sum, one that keeps both gradients
# equally long, and the fixed weight of the joint likelihood. All ways begin from the same first
# weights and see the same labelled patches in the same order. Each tries as many settings as any
# other, of rate and weight or of rate and weight decay, and takes the one whose *class* has the
# greatest AUC on validation patches. That is done at the shortest training; the setting is kept for
# one twice as long and one four times as long. Each network is judged with the weights of its
# greatest validation AUC, and by other rules of keeping. A last way uses no label: the roundness of
# what a network marks that learned outlines alone. This notebook is no page of the book: `medbook
# sweep` runs it over numbers of labels and seeds. The seed draws patches, first weights and
# batches; all patches are of one eye.
#
# **Prerequisites.** *Does it help to be told where?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
labels: int = 20  # labelled patches, a multiple of 2, 4 ≤ x ≤ 2000
all_at: list[int] = [20]  # numbers of labels at which all ways are trained, x ≥ 0
many_at: list[int] = [320]  # at which the ways are that are compared with many, x ≥ 0
n_validation: int = 300  # patches to choose by, a multiple of 2, 20 ≤ x ≤ 10000
n_fewer: int = 40  # of them, those of a second choice by fewer, a multiple of 2, 4 ≤ x ≤ 10000
n_test: int = 1000  # patches to judge by, 20 ≤ x ≤ 10000
first_steps: int = 300  # steps of the shortest training, 1 ≤ x ≤ 10000
rates: list[float] = [0.001, 0.003, 0.01]  # highest, where a weight is chosen, too; 0 < x ≤ 0.1
weights: list[float] = [0.3, 3.0, 30.0, 300.0, 3000.0, 30000.0]  # of the mask's loss, x > 0
fixed_rates: list[float] = [0.0003, 0.001, 0.003, 0.01]  # where no weight is, 0 < x ≤ 0.1
decays: list[float] = [0.01, 0.1]  # of weights, where no weight is; else the first, 0 ≤ x ≤ 1
contrast: float = 0.35  # light lost in the middle of a lesion, 0 < x ≤ 0.8

# %%
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from data_fetch.tasks.outlined_lesions import outlined_lesions
from medlib import experiment
from medlib.diagnosis.joint.discs import discs
from medlib.diagnosis.joint.gradient_cosine import pull_of
from medlib.diagnosis.joint.joint_likelihood import two_losses
from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed
from medlib.diagnosis.joint.roundness import roundness

run = experiment.start("diagnosis/two_tasks_one_encoder/_arms_of_two_tasks", locals())
run.require(
    len(rates) + len(weights) - 1 == len(fixed_rates) * len(decays),
    "rates", "weights", "fixed_rates", "decays",
    right="every way must try as many settings: len(rates) + len(weights) - 1 of a rate and a"
    " weight, len(fixed_rates) * len(decays) of a rate and a decay",
)
run.require(n_fewer <= n_validation, "n_fewer", "n_validation", right="fewer are some of all")
FIRST_WEIGHT = {"own": 300.0, "place": 300.0, "others": 300.0, "speck": 3.0}  # beside all rates
run.require(
    {300.0, 3.0} <= set(weights), "weights", "rates",
    right="rates are tried at a weight of 300, or 3 for the speck: weights must have both",
)

# %% [markdown]
# ## Patches

# %%
sizes = {"train": labels, "validation": n_validation, "test": n_test}
drawn = {
    name: outlined_lesions(n, split=name, rng=run.rng(f"{name} patches"), contrast=contrast)
    for name, n in sizes.items()
}
drawn["others"] = outlined_lesions(labels, split="train", rng=run.rng("others"), contrast=contrast)
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
marks = {  # what is outlined on the labelled patches
    "own": outlines, "place": discs(outlines, radius=4.0), "speck": drawn["train"].specks,
}
marks = {name: tensor(some)[:, None] for name, some in marks.items()}
PIXELS = float(x["train"][0].numel())
halves = [np.flatnonzero(drawn["validation"].labels == k)[: n_fewer // 2] for k in (0, 1)]
fewer = torch.from_numpy(np.concatenate(halves))

# %% [markdown]
# ## Ways to learn
#
# Where a weight is chosen, the rate is chosen first, at one weight; then the weight, at that rate.

# %%
masked = {name: Masked(x["train"], some, same=True) for name, some in marks.items()}
masked["others"] = Masked(x["others"], tensor(drawn["others"].lesions)[:, None], same=False)
FIXED_WEIGHT = {
    "single": 0.0, "likelihood": PIXELS, "learned": "learned", "learned_sum": "learned_sum",
    "balanced": "balanced",
}
by_rule = [name for name in FIXED_WEIGHT if name != "single"]
masked |= {"single": None} | dict.fromkeys(by_rule, masked["own"])
if labels in all_at:
    ways = [*FIXED_WEIGHT, *FIRST_WEIGHT]
else:
    ways = ["single", "own", *(["place", "speck", "learned"] if labels in many_at else [])]

# %%
TIMES = (1, 2, 4)
starts = {times: int(run.rng(f"start, {times} times").integers(2**62)) for times in TIMES}


def fit(name, setting, times):
    """Train one way; first weights and batches are those of all others of this length."""
    rate, decay, weight = setting
    return fit_two_headed(
        x["train"], y["train"], masked=masked[name], weight=weight, fewer=fewer,
        validation=(x["validation"], y["validation"]), steps=times * first_steps, peak_rate=rate,
        weight_decay=decay, every=max(1, times * first_steps // 6),
        generator=torch.Generator().manual_seed(starts[times]),
    )


def best(tried, rule="auc"):
    """The setting with the greatest validation AUC; of equals, with the least loss."""
    return min(tried, key=lambda s: (-tried[s].kept[rule].auc, tried[s].kept[rule].loss))


# %%
def try_all(name):
    """Every setting of a way, fitted at the shortest length."""
    if name in FIXED_WEIGHT:
        settings = [(rate, d, FIXED_WEIGHT[name]) for rate in fixed_rates for d in decays]
        return {setting: fit(name, setting, 1) for setting in settings}
    start = FIRST_WEIGHT[name]
    settings = [(rate, decays[0], start) for rate in rates]
    tried = {setting: fit(name, setting, 1) for setting in settings}
    rate = best(tried)[0]
    settings = [(rate, decays[0], weight) for weight in weights if weight != start]
    return tried | {setting: fit(name, setting, 1) for setting in settings}


# %%
tried = {name: try_all(name) for name in ways}
taken = {name: best(those) for name, those in tried.items()}
fitted = {(name, 1): tried[name][taken[name]] for name in ways}
for times in TIMES[1:]:
    fitted |= {(name, times): fit(name, taken[name], times) for name in ways}

# %% [markdown]
# ## Scores
#
# On test patches, the AUC of the class by several rules of keeping: the greatest validation AUC;
# the last step; the least validation loss; and, at the shortest length, settings and step chosen by
# few of the validation patches.

# %%
@torch.no_grad()
def answers(network):
    parts = [network(part) for part in x["test"].split(250)]
    scores = torch.cat([part.classes for part in parts])
    return (scores[:, 1] - scores[:, 0]).cpu(), torch.cat([part.pixels for part in parts]).cpu()


def keep_auc(name, scores):
    auc = roc_auc_score(drawn["test"].labels, scores)
    run.result(name, auc, unit="AUC", n=n_test, atol=0.03)


for (name, times), done in fitted.items():
    for rule, ending in {"auc": "", "last": "_last", "loss": "_loss"}.items():
        keep_auc(f"auc{ending}_{name}_{times}", answers(done.at(rule))[0])
for name, those in tried.items():
    by_fewer = those[best(those, "fewer")]
    keep_auc(f"auc_fewer_{name}_1", answers(by_fewer.at("fewer"))[0])

# %% [markdown]
# What was chosen, and how it stood on validation patches.

# %%
for name, those in tried.items():
    rate, decay, weight = taken[name]
    run.result(f"rate_{name}", rate, atol=1e-9)
    run.result(f"decay_{name}", decay, atol=1e-9)
    if not isinstance(weight, str):
        run.result(f"weight_{name}", weight, atol=1e-9)
    for place, done in enumerate(those.values()):
        run.result(f"tried_{name}_{place}", done.kept["auc"].auc, unit="AUC", atol=0.03)

# %%
for (name, times), done in fitted.items():
    kept = done.kept["auc"]
    run.result(f"best_step_{name}_{times}", kept.step, atol=times * first_steps / 6)
    run.result(f"validation_{name}_{times}", kept.auc, unit="AUC", atol=0.03)
    run.result(f"log_class_loss_{name}_{times}", np.log10(done.class_loss), atol=0.1)
    if name != "single":
        run.result(f"log_pixel_loss_{name}_{times}", np.log10(done.pixel_loss), atol=0.1)
    if isinstance(FIXED_WEIGHT.get(name), str):
        for which, at in {"last": done.kept["last"], "kept": kept}.items():
            log_weight = np.log10(at.weight)
            run.result(f"log_weight_{which}_{name}_{times}", log_weight, atol=0.1)

# %% [markdown]
# ## Gradients
#
# The cosine between the gradients of the class's loss on validation patches and the mask's on the
# labelled ones: at the first validation of the shortest training, and at the last step of the
# longest.

# %%
def cosine(network, which):
    """Of the class's gradient on validation patches and that of a mask, by shared weights."""
    network = network.double()
    of_class = torch.nn.functional.cross_entropy(
        network(x["validation"].double()).classes, y["validation"]
    )
    said = network(x["train"].double())
    both = two_losses(said.classes, said.pixels, labels=y["train"], masks=marks[which])
    return pull_of(of_class, both.of_mask, shared=list(network.encoder.parameters())).cosine


for name in [name for name in ways if name in marks]:
    for when, times, rule in (("early", 1, "first"), ("late", 4, "last")):
        value = cosine(fitted[name, times].at(rule), name)
        if np.isfinite(value):
            run.result(f"cosine_{name}_{when}", value, atol=0.05)

# %% [markdown]
# ## No label
#
# One rate, the middle one, and the last step: nothing is chosen, for that would take labels.

# %%
if labels in all_at:
    for times in TIMES:
        marker = fit("own", (rates[len(rates) // 2], decays[0], "mask_alone"), times).at("last")
        pixels = answers(marker)[1][:, 0].numpy()
        keep_auc(f"auc_rule_{times}", [roundness(each) for each in pixels])

# %%
run.finish()
