# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One way to learn, one federation
#
# **Objectives.** One point of a recorded trial: one way to learn, one kind of difference between
# five simulated hospitals, one draw of everything else. The ways: each hospital alone; FedAvg;
# FedProx; FedBN; all images in one place. The hospitals differ in nothing, in how often their
# patients are ill, in scanner and stain, in size, or in illness and scanner together. All ways
# begin from the same first weights and see the same patients, and each makes as many gradient steps
# as any other, all hospitals together. Each tries five settings: five learning rates, or three
# rates and then two more pulls of FedProx at the best of them. What has the lowest validation loss
# is kept: of a hospital alone its own, else the mean over hospitals. That is done at the shortest
# training; the setting is kept for one of twice and one of four times as many rounds. Judged are
# AUCs at each hospital, on tests in which half of the patients are ill, and one AUC over all
# hospitals' tests, with half ill and with each hospital's own share. This notebook is no page of
# the book: `medbook sweep` runs it over ways, differences and seeds. The seed draws patients,
# scanners, mixtures, first weights and batches: it is one federation. The unit of every interval
# made of these points is the federation.
#
# **Prerequisites.** *Can hospitals learn together and keep their images?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
arm: str = "fedavg"  # way to learn: "local", "fedavg", "fedprox", "fedbn", "pooled"
setting: str = "alike"  # "alike", "skew1", "skew2", "scan1", "scan2", "size1", "size2", "both"
n_train: int = 200  # training images of all hospitals together, 200 ≤ x ≤ 100000
n_validation: int = 40  # validation images of each, an even number, 20 ≤ x ≤ 10000
n_test: int = 120  # test images of each, an even number, 40 ≤ x ≤ 10000
rounds: int = 8  # of the shortest training, 1 ≤ x ≤ 1000
steps: int = 10  # of a hospital in a round, 1 ≤ x ≤ 1000
batch_size: int = 16  # images a step, 2 ≤ x ≤ 1000
rates: list[float] = [0.01, 0.03, 0.1, 0.3, 1.0]  # 3 or more, increasing, 0 < x ≤ 1
pull: float = 0.3  # of FedProx, tried first; then a tenth of it and ten times as much, 0 < x ≤ 1

# %%
import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from data_fetch.tasks.hospitals import hospitals
from medlib import experiment
from medlib.systems.federation.allotment import geometric_sizes, skewed_counts
from medlib.systems.federation.arms import Learned, learn
from medlib.systems.federation.judged import auc_by_hospital, auc_over_all, eight_views
from medlib.systems.federation.judged import scores_by_hospital
from medlib.systems.federation.network import site_network
from medlib.systems.federation.site_training import Recipe, Site

run = experiment.start("systems/federated_learning/_arms_over_federations", locals())
SETTINGS = {  # skew of labels, shift of scanners, the largest hospital's size over the smallest's
    "alike": (0.0, 0.0, 1.0), "skew1": (0.5, 0.0, 1.0), "skew2": (0.9, 0.0, 1.0),
    "scan1": (0.0, 0.5, 1.0), "scan2": (0.0, 1.0, 1.0), "size1": (0.0, 0.0, 4.0),
    "size2": (0.0, 0.0, 16.0), "both": (0.9, 1.0, 1.0),
}
skew, shift, ratio = SETTINGS[setting]

# %% [markdown]
# ## Hospitals

# %%
sizes = geometric_sizes(n_train, n=5, ratio=ratio, least=2)
counts = skewed_counts(sizes, prevalence=0.5, skew=skew, rng=run.rng("mixtures"))
drawn = hospitals(counts, rng=run.rng("hospitals"), scanner_shift=shift,
                  validation=n_validation, test=n_test)


def tensors(part):
    """Halved to 2 µm a pixel, at a fixed level and contrast, the same for all hospitals."""
    x = torch.from_numpy(run.uses(part.sample).array).permute(0, 3, 1, 2).float() / 255
    x = ((avg_pool2d(x, 2) - 0.7) / 0.15).to(run.device)
    labels = torch.from_numpy(part.labels).to(run.device)
    return x.contiguous(memory_format=torch.channels_last), labels


# %%
sites = {h.name: eight_views(Site(*tensors(h.training), *tensors(h.validation))) for h in drawn}
tests = {"matched": {h.name: tensors(h.balanced_test) for h in drawn},
         "own": {h.name: tensors(h.test) for h in drawn}}
network = site_network(generator=run.torch_generator("first weights")).to(run.device)
network = network.to(memory_format=torch.channels_last)
training = int(run.rng("training").integers(2**31))

# %% [markdown]
# ## Settings, tried and taken
#
# A hospital alone takes what is best for itself; all others, what is best in the mean.

# %%
def fit(which, rate, mu, times):
    """One training, of some hospitals or of all."""
    recipe = Recipe(rounds=times * rounds, steps=steps, batch_size=batch_size, rate=rate, mu=mu)
    return learn(arm, network, {name: sites[name] for name in which}, recipe=recipe, seed=training)


def loss_of(done, name=None):
    """Validation loss, of one hospital or in the mean; what is not finite is the worst."""
    losses = list(done.kept_loss.values()) if name is None else [done.kept_loss[name]]
    return min(float(np.mean(losses)), 1e9)


# %%
tried = {}
if arm == "fedprox":
    tried = {(rate, pull): fit(sites, rate, pull, 1) for rate in rates[1:-1]}
    at = min(tried, key=lambda s: loss_of(tried[s]))[0]
    tried |= {(at, mu): fit(sites, at, mu, 1) for mu in (pull / 10, 10 * pull)}
else:
    tried = {(rate, 0.0): fit(sites, rate, 0.0, 1) for rate in rates}
taken = {name: min(tried, key=lambda s: loss_of(tried[s], name if arm == "local" else None))
         for name in sites}

# %%
def together(parts):
    """Hospitals that were trained apart, as one `Learned`."""
    whats = ("by_hospital", "kept_loss", "kept_round")
    own = {what: {n: getattr(p, what)[n] for n, p in parts.items()} for what in whats}
    course = tuple(np.mean([p.course for p in parts.values()], axis=0).tolist())
    return Learned(**own, course=course, bytes_down=0, bytes_up=0)


# %%
def at_length(times):
    """The way at its taken setting, for so many times as many rounds."""
    if arm == "local":
        return together({name: fit([name], *taken[name], times) for name in sites})
    return fit(sites, *taken["A"], times)


TIMES = (1, 2, 4)
done = {times: at_length(times) for times in TIMES}

# %% [markdown]
# ## Scores

# %%
for times, one in done.items():
    by_test = {kind: scores_by_hospital(network, one.by_hospital, some)
               for kind, some in tests.items()}
    aucs = auc_by_hospital(by_test["matched"])
    right = [float(((s > 0) == (y == 1)).mean()) for s, y in by_test["matched"].values()]
    for name, value in aucs.items():
        run.result(f"auc_{name.lower()}_{times}", value, unit="AUC", n=n_test, atol=0.03)
    for what, values in (("auc", list(aucs.values())), ("right", right)):
        run.result(f"{what}_mean_{times}", np.mean(values), n=5 * n_test, atol=0.03)
        run.result(f"{what}_worst_{times}", min(values), n=n_test, atol=0.04)
    for kind, scored in by_test.items():
        run.result(f"over_all_{kind}_{times}", auc_over_all(scored), n=5 * n_test, atol=0.03)

# %% [markdown]
# What was sent. Whoever puts all images in one place sends images instead of weights.

# %%
parts = [part.sample.array for h in drawn for part in (h.training, h.validation)]
image_bytes = sum(array.nbytes for array in parts)
for times, one in done.items():
    up = image_bytes if arm == "pooled" else one.bytes_up
    run.result(f"bytes_up_{times}", up, unit="bytes", atol=0)
    run.result(f"bytes_down_{times}", one.bytes_down, unit="bytes", atol=0)

# %% [markdown]
# What was chosen, how it stood on validation images, and whether it lay on the edge of what was
# tried: as a share of the hospitals, which choose apart only when they learn alone.

# %%
rates_tried = sorted({rate for rate, _ in tried})
edge = [taken[name][0] in (rates_tried[0], rates_tried[-1]) for name in sites]
run.result("rate_on_edge", np.mean(edge), atol=1.0)
run.result("pull_on_edge", float(arm == "fedprox" and taken["A"][1] != pull), atol=1.0)
run.result("pull_taken", taken["A"][1], atol=10.0)
for name in sites:
    run.result(f"log_rate_{name.lower()}", np.log10(taken[name][0]), atol=1.0)
for place, one in enumerate(tried.values()):
    run.result(f"tried_{place}", loss_of(one), unit="nats", atol=0.1)

# %%
for times, one in done.items():
    run.result(f"validation_{times}", loss_of(one), unit="nats", atol=0.1)
    run.result(f"kept_round_{times}", np.mean(list(one.kept_round.values())), atol=rounds * times)
    for place, value in enumerate(one.course[times - 1 :: times], start=1):
        run.result(f"course_{times}_{place}", min(value, 1e9), unit="nats", atol=0.3)

# %%
run.finish()
