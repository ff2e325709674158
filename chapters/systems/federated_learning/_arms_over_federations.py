# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # All ways to learn, one federation
#
# **Objectives.** One point of a recorded trial: one kind of difference between five simulated
# hospitals, one draw of everything else, and the ways to learn that are asked of it. The ways: each
# hospital alone; FedAvg; FedProx; FedBN; FedAvg with a network that normalises each image by itself
# (`fedavg_gn`); all images in one place. The hospitals differ in nothing (`alike`); or in nothing
# and hold copies of the first one's images (`copies`); in size, sixteenfold (`size2`); in how often
# their patients are ill (`skew2`); in scanner and stain (`scan2`); or in illness and scanner
# together (`both`). All ways begin from the same first weights, see the same patients and make as
# many gradient steps, all hospitals together; one place makes them one after the other. Each tries
# the same learning rates; FedProx then tries two more pulls at the best of them. The last round is
# kept, always. A rate is chosen by AUC on validation images of which half are ill, of a hospital
# alone by its own, else by the mean over hospitals, at twice the shortest training, and taken for
# half and for twice as many rounds as well: at the shortest training some ways have hardly begun to
# learn, and chance would choose. Judged are AUCs at each hospital, on tests in which half are ill.
# The first federations are trained for eight times as many rounds, too, where hospitals are alike
# or differ in size. This notebook is no page of the book: `medbook sweep` runs it over differences
# and seeds. The seed draws patients, scanners, mixtures, first weights and batches: it is one
# federation. The unit of every interval made of these points is the federation.
#
# **Prerequisites.** *Can hospitals learn together and keep their images?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
setting: str = "alike"  # hospitals: "alike", "copies", "size2", "skew2", "scan2" or "both"
n_train: int = 200  # training images of all hospitals together, 200 ≤ x ≤ 100000
n_validation: int = 40  # validation images of each, an even number, 20 ≤ x ≤ 10000
n_test: int = 120  # test images of each, an even number, 40 ≤ x ≤ 10000
slide_spread: float = 0.4  # of the logarithm of a slide's own strength of stain, 0 ≤ x ≤ 1
rounds: int = 8  # of the shortest training, 1 ≤ x ≤ 1000
steps: int = 10  # of a hospital in a round, 1 ≤ x ≤ 1000
batch_size: int = 16  # images a step, 2 ≤ x ≤ 1000
rates: list[float] = [0.03, 0.1, 0.3, 1.0]  # 2 or more, increasing, 0 < x ≤ 1
pull: float = 0.3  # of FedProx, tried first; then a tenth of it and ten times as much, 0 < x ≤ 1
checked: int = 2  # federations, from seed 0, trained for eight times as many rounds, 0 ≤ x ≤ 1000

# %%
import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from data_fetch.simulated.laboratory import reference_laboratory
from data_fetch.tasks.hospitals import hospitals
from medlib import experiment
from medlib.measures.rank_auc import rank_auc
from medlib.systems.federation.allotment import geometric_sizes, skewed_counts
from medlib.systems.federation.arms import learn
from medlib.systems.federation.judged import auc_by_hospital, auc_over_all, eight_views
from medlib.systems.federation.judged import scores_by_hospital
from medlib.systems.federation.network import site_network
from medlib.systems.federation.site_training import Recipe, Site

run = experiment.start("systems/federated_learning/_arms_over_federations", locals())
SETTINGS = {  # skew of labels, shift of scanners, the largest hospital's size over the smallest's
    "alike": (0.0, 0.0, 1.0), "copies": (0.0, 0.0, 1.0), "size2": (0.0, 0.0, 16.0),
    "skew2": (0.9, 0.0, 1.0), "scan2": (0.0, 1.0, 1.0), "both": (0.9, 1.0, 1.0),
}
WAYS = {
    "alike": ("local", "fedavg", "pooled"), "copies": ("local", "fedavg"),
    "size2": ("local", "fedavg"), "both": ("fedavg", "pooled"),
    "skew2": ("local", "fedavg", "fedprox", "fedavg_gn", "pooled"),
    "scan2": ("local", "fedavg", "fedbn", "fedavg_gn", "pooled"),
}[setting]
skew, shift, ratio = SETTINGS[setting]

# %% [markdown]
# ## Hospitals

# %%
sizes = geometric_sizes(n_train, n=5, ratio=ratio, least=2)
counts = skewed_counts(sizes, prevalence=0.5, skew=skew, rng=run.rng("mixtures"))
drawn = hospitals(counts, rng=run.rng("hospitals"), scanner_shift=shift,
                  slide_spread=slide_spread, validation=n_validation, test=n_test)


def tensors(part):
    """Halved to 2 µm a pixel, at a fixed level and contrast, the same for all hospitals."""
    x = torch.from_numpy(run.uses(part.sample).array).permute(0, 3, 1, 2).float() / 255
    x = ((avg_pool2d(x, 2) - 0.7) / 0.15).to(run.device)
    labels = torch.from_numpy(part.labels).to(run.device)
    return x.contiguous(memory_format=torch.channels_last), labels


# %%
held = {h.name: drawn[0] if setting == "copies" else h for h in drawn}
sites = {
    h.name: eight_views(Site(*tensors(held[h.name].training), *tensors(h.balanced_validation)))
    for h in drawn
}
tests = {"matched": {h.name: tensors(h.balanced_test) for h in drawn},
         "own": {h.name: tensors(h.test) for h in drawn}}
first, training = (int(run.rng(name).integers(2**31)) for name in ("first weights", "training"))
networks = {
    norm: site_network(norm=norm, generator=torch.Generator().manual_seed(first))
    .to(run.device).to(memory_format=torch.channels_last) for norm in ("batch", "group")
}

# %% [markdown]
# Named before anything is trained: whom the question of fairness is about. The smallest hospital
# where sizes differ; where mixtures do, the four at which nearly all patients are of one kind;
# where scanners do, the one whose stains are farthest from the reference.

# %%
def angle(hospital):
    """Mean angle of a hospital's stain vectors with the published ones, degrees."""
    pairs = zip(hospital.laboratory.vectors, reference_laboratory().vectors, strict=True)
    return float(np.mean([np.degrees(np.arccos(np.clip(np.dot(*pair), -1, 1))) for pair in pairs]))


one_sided = [h.name for h, row in zip(drawn, counts, strict=True)
             if abs(row[1] / row.sum() - 0.5) > 0.25]
named = {"size2": ["E"], "skew2": one_sided,
         "scan2": [max(drawn, key=angle).name]}.get(setting, [])

# %% [markdown]
# ## Without training
#
# What one number reads: how uneven red is over a tile; and how uneven its optical density is beside
# its mean, in which the thickness of a slide cancels. Density is beside the lamp of the hospital,
# which every scanner measures on an empty field.

# %%
def unevenness(images, lamp):
    """Two numbers for each tile: spread of red, and of red's optical density over its mean."""
    red = np.maximum(images[..., 0].astype(float), 1)
    density = -np.log10(red / lamp)
    return {"sd_of_red": red.std(axis=(1, 2)),
            "sd_over_mean": density.std(axis=(1, 2)) / density.mean(axis=(1, 2))}


numbers = [(unevenness(h.balanced_test.sample.array, h.laboratory.white[0]),
            h.balanced_test.labels) for h in drawn]
for what in ("sd_of_red", "sd_over_mean"):
    found = [rank_auc(of[what], labels).value for of, labels in numbers]
    run.result(f"auc_{what}", np.mean(found), unit="AUC", n=5 * n_test, atol=0.01)

# %% [markdown]
# ## Settings, tried and taken

# %%
def fit(way, names, choice, times):
    """One training, of some hospitals or of all, at one rate and one pull."""
    rate, mu = choice
    recipe = Recipe(rounds=times * rounds, steps=steps, batch_size=batch_size, rate=rate, mu=mu)
    arm, norm = ("fedavg", "group") if way == "fedavg_gn" else (way, "batch")
    return learn(arm, networks[norm], {name: sites[name] for name in names}, recipe=recipe,
                 seed=training, keep="last")


def worth(done, names):
    """Validation AUC in the mean over some hospitals; of equal ones the lower loss."""
    auc, loss = (np.mean([of[n] for n in names]) for of in (done.kept_auc, done.kept_loss))
    return float(np.nan_to_num(auc)), -min(float(np.nan_to_num(loss, nan=1e9)), 1e9)


# %%
TRIED_AT = 2  # times the shortest training


def best(found, names):
    return max(found, key=lambda choice: worth(found[choice], names))


def search(way):
    """Every rate; then, of FedProx, two more pulls at the best rate."""
    first = pull if way == "fedprox" else 0.0
    found = {(rate, first): fit(way, sites, (rate, first), TRIED_AT) for rate in rates}
    if way == "fedprox":
        rate, _ = best(found, list(sites))
        more = {(rate, mu): fit(way, sites, (rate, mu), TRIED_AT) for mu in (pull / 10, 10 * pull)}
        found |= more
    return found


def who_choose(way):
    """Hospitals alone choose apart, all others together."""
    return [[name] for name in sites] if way == "local" else [list(sites)]

# %%
tried = {way: search(way) for way in WAYS}
taken = {way: {name: best(tried[way], names) for names in who_choose(way) for name in names}
         for way in WAYS}

# %%
def trained(way, names, times):
    """A way at its taken setting, for so many times as many rounds."""
    choice = taken[way][names[0]]
    return tried[way][choice] if times == TRIED_AT else fit(way, names, choice, times)


TIMES = (1, 2, 4) + ((8,) if seed < checked and setting in ("alike", "size2") else ())
done = {(way, times): [(names, trained(way, names, times)) for names in who_choose(way)]
        for way in WAYS for times in TIMES}

# %% [markdown]
# ## Scores

# %%
for (way, times), parts in done.items():
    states = {name: one.by_hospital[name] for names, one in parts for name in names}
    aucs = auc_by_hospital(scores_by_hospital(networks["group" if way == "fedavg_gn" else "batch"],
                                              states, tests["matched"]))
    for name, value in aucs.items():
        run.result(f"auc_{name.lower()}_{way}_{times}", value, unit="AUC", n=n_test, atol=0.03)
    for what, names in (("mean", list(sites)), ("named", named)):
        if names:
            value, n = np.mean([aucs[name] for name in names]), len(names) * n_test
            run.result(f"auc_{what}_{way}_{times}", value, unit="AUC", n=n, atol=0.03)
    run.result(f"auc_worst_{way}_{times}", min(aucs.values()), unit="AUC", n=n_test, atol=0.04)

# %% [markdown]
# One list of all hospitals' patients, with half ill everywhere and with each hospital's own share:
# read only where colour tells how likely illness is.

# %%
for (way, times), parts in done.items() if setting == "both" else ():
    states = {name: one.by_hospital[name] for names, one in parts for name in names}
    for kind, some in tests.items():
        value = auc_over_all(scores_by_hospital(networks["batch"], states, some))
        run.result(f"over_all_{kind}_{way}_{times}", value, unit="AUC", n=5 * n_test, atol=0.03)

# %% [markdown]
# What was sent. Whoever puts all images in one place sends images instead of weights.

# %%
image_bytes = sum(part.sample.array.nbytes for h in drawn
                  for part in (held[h.name].training, h.balanced_validation))
for (way, times), parts in done.items():
    up = image_bytes if way == "pooled" else sum(one.bytes_up for _, one in parts)
    down = sum(one.bytes_down for _, one in parts)
    run.result(f"bytes_up_{way}_{times}", up, unit="bytes", atol=0)
    run.result(f"bytes_down_{way}_{times}", down, unit="bytes", atol=0)
    missed = max(times * rounds - n for _, one in parts for n in one.kept_round.values())
    run.result(f"rounds_missed_{way}_{times}", missed, atol=0)

# %% [markdown]
# What was chosen, and what the edge of what was tried brought: where a rate lies on the edge, its
# validation AUC less its neighbour's, else 0; mean over those who choose.

# %%
def at_edge(way, names):
    rate, _ = taken[way][names[0]]
    if rate not in (rates[0], rates[-1]):
        return 0.0
    first = pull if way == "fedprox" else 0.0
    beside = rates[1] if rate == rates[0] else rates[-2]
    on_edge, neighbour = (worth(tried[way][at, first], names)[0] for at in (rate, beside))
    return on_edge - neighbour


for way in WAYS:
    gains = [at_edge(way, names) for names in who_choose(way)]
    run.result(f"edge_{way}", np.mean(gains), unit="AUC", atol=0.1)
    chosen = [np.log10(taken[way][name][0]) for name in sites]
    run.result(f"log_rate_{way}", np.mean(chosen), atol=1.0)

# %%
if "fedprox" in WAYS:
    run.result("pull_taken", taken["fedprox"]["A"][1], atol=10.0)

# %%
run.finish()
