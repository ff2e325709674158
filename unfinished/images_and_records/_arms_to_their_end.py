# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Every arm at its own rate, to its end
#
# **Objectives.** One point of a recorded trial: the arms of *What was known at that hour?*, each
# with the rate and the weight decay that its own validation files choose, after one, two and four
# times the steps. This notebook is no page of the book: `medbook sweep` runs it over seeds and
# kinds of comparison, and the chapter shows the table. The seed is the unit: it draws patients,
# first weights and batches. For one seed all arms see the same patients.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
kind: str = "home"  # what is compared: "home", "schedule" or "films"
n_train: int = 6000  # patients to learn from, 60 ≤ x ≤ 100000
n_validation: int = 1500  # patients to choose by, 60 ≤ x ≤ 100000
n_test: int = 10000  # patients to judge by, 60 ≤ x ≤ 100000
n_steps: int = 160  # steps of the shortest training, 1 ≤ x ≤ 10000
decide_h: int = 16  # hour at which risks are compared, 8 ≤ x ≤ 24
film_h: int = 4  # hour at which films are compared, 4 ≤ x ≤ 24
ordering: float = 1.2  # how much ordering follows the staff's concern, -2 ≤ x ≤ 2
n_settings: int = 3  # rates that are tried, 1 ≤ x ≤ 3

# %%
import numpy as np
import torch

from data_fetch.tasks.ward_records import ward_patients
from medlib import experiment
from medlib.diagnosis.records.arms import ARMS
from medlib.diagnosis.records.film_reader import film_vectors, fit_film_reader
from medlib.diagnosis.records.film_risk import FilmShelf, film_risk, fit_film_risk
from medlib.diagnosis.records.hourly import Scale, hourly_rows
from medlib.diagnosis.records.replay import offline_risk, replayed_risk
from medlib.diagnosis.records.risk_training import Patients, Recipe, fit_risk
from medlib.diagnosis.records.summaries import tuned_table
from medlib.diagnosis.records.tuned_risk import RATES, tuned_risk
from medlib.measures.rank_auc import rank_auc, rank_auc_difference

run = experiment.start("diagnosis/images_and_records/_arms_to_their_end", locals())

# %% [markdown]
# ## Patients
#
# At home, or on a ward that measures by schedule; and the test patients as the other hospital
# measures them.

# %%
SIZES = {"train": n_train, "validation": n_validation, "test": n_test}
HOURS, MULTIPLES = 24, (1, 2, 4)
policy = 0.0 if kind == "schedule" else ordering
wards = {split: ward_patients(n, rng=run.rng(split)) for split, n in SIZES.items()}
y = wards["test"].outcome


def rows_of(ward, follow):
    record = ward.records(follow=follow)
    run.uses(record.sample)
    return hourly_rows(record.sample.array, patients=len(record),
                       channels=len(record.channels), hours=record.hours)


raw = {split: rows_of(ward, policy) for split, ward in wards.items()}
scale = Scale.of(raw["train"])
parts = {split: Patients(scale(raw[split]), wards[split].outcome) for split in SIZES}
learn, check, rows = parts["train"], parts["validation"], parts["test"].rows
elsewhere = scale(rows_of(wards["test"], 0.0)) if kind == "home" else rows

# %% [markdown]
# ## Training

# %%
def state_of(name):
    """The state of a stream, from which every setting of an arm starts anew."""
    return run.torch_generator(name).get_state()


def fresh(state):
    generator = torch.Generator()
    generator.set_state(state)
    return generator


def chosen(name, fit, state, multiple):
    """The best setting of an arm at a length, and what it was."""
    recipe = Recipe(steps=n_steps * multiple, hours=HOURS, device=run.device)
    rates = RATES[1:2] if n_settings == 1 else RATES[:n_settings]
    found = tuned_risk(lambda own: fit(own, fresh(state)), recipe, rates=rates)
    label = f"{name.replace(' ', '_').replace('-', '').lower()}_{multiple}"
    run.result(f"rate_{label}", found.recipe.rate)
    run.result(f"decay_{label}", found.recipe.weight_decay)
    run.result(f"edge_{label}", float(found.on_the_edge))
    return found.network


# %%
def difference(name, first, second):
    run.result(name, rank_auc_difference(first, second, y), atol=0.004)


def at_decision(network, arm, seen):
    return replayed_risk(network, arm, seen, at=[decide_h])[:, 0]


# %%
def compare_home():
    """What leaks, what a replay leaves of it, and what times are worth."""
    names = ["carried forward", "back fill", "interpolation", "masks and intervals", "GRU-D"]
    states = {name: state_of(name) for name in names}
    known = [(part.rows[:, :decide_h], part.outcome) for part in (learn, check)]
    table = tuned_table(*known).risk(rows[:, :decide_h])
    for m in MULTIPLES:
        study, replay, there = {}, {}, {}
        for name in names:
            arm = ARMS[name]
            network = chosen(name, lambda own, g, arm=arm: fit_risk(
                arm, learn, check, recipe=own, generator=g), states[name], m)
            study[name] = offline_risk(network, arm, rows, hours=decide_h)[:, -1]
            replay[name] = at_decision(network, arm, rows)
            there[name] = at_decision(network, arm, elsewhere)
        report_home(m, study, replay, there, table)


# %%
def report_home(m, study, replay, there, table):
    """The differences at one length."""
    plain, timed = "carried forward", "masks and intervals"
    difference(f"above_ceiling_{m}", study["back fill"], wards["test"].best_risk(decide_h))
    for key, name in {"fall": "back fill", "fall_interpolation": "interpolation"}.items():
        difference(f"{key}_{m}", study[name], replay[name])
        difference(f"{key}_then_{m}", replay[name], replay[plain])
    difference(f"gain_{m}", replay[timed], replay[plain])
    difference(f"elsewhere_{m}", there[timed], there[plain])
    difference(f"elsewhere_grud_{m}", there["GRU-D"], there[plain])
    difference(f"grud_masks_{m}", replay["GRU-D"], replay[timed])
    difference(f"grud_table_{m}", replay["GRU-D"], table)
    difference(f"masks_table_{m}", replay[timed], table)


# %%
def compare_schedule():
    """A ward that measures by schedule: times alone, and beside values."""
    names = ["masks alone", "carried forward", "masks and intervals"]
    states = {name: state_of(name) for name in names}
    for m in MULTIPLES:
        risk = {}
        for name in names:
            arm = ARMS[name]
            network = chosen(name, lambda own, g, arm=arm: fit_risk(
                arm, learn, check, recipe=own, generator=g), states[name], m)
            risk[name] = at_decision(network, arm, rows)
        run.result(f"times_alone_{m}", rank_auc(risk["masks alone"], y), atol=0.005)
        difference(f"by_schedule_{m}", risk["masks and intervals"], risk["carried forward"])


# %%
def shelves():
    """The films of all patients, read by a reader that was taught on the training patients'."""
    films = {split: ward.films(follow=policy, until_h=HOURS) for split, ward in wards.items()}
    for each in films.values():
        run.uses(each.sample)
    reader = fit_film_reader(
        torch.from_numpy(films["train"].sample.array),
        torch.from_numpy(films["train"].cloudy.astype(np.float32)), steps=min(150, n_steps),
        generator=run.torch_generator("film reader"), device=run.device)
    return {split: FilmShelf.of(film_vectors(reader, torch.from_numpy(each.sample.array)),
                                each.patients, each.hours, n=SIZES[split])
            for split, each in films.items()}


# %%
def compare_films():
    """Films with the record, early in the day and at its end."""
    on_shelf, arm = shelves(), ARMS["masks and intervals"]
    withheld = {split: FilmShelf(each.vectors, torch.full_like(each.hours, torch.inf))
                for split, each in on_shelf.items()}
    ways = {"alone": ("attention", withheld), "attention": ("attention", on_shelf),
            "late": ("late", on_shelf)}
    states = {name: state_of(name) for name in ways}
    for m in MULTIPLES:
        risk = {}
        for name, (fusion, shelf) in ways.items():
            network = chosen(name, lambda own, g, fusion=fusion, shelf=shelf: fit_film_risk(
                arm, fusion, (learn, shelf["train"]), (check, shelf["validation"]),
                recipe=own, generator=g), states[name], m)
            risk[name] = film_risk(network, arm, rows, shelf["test"], hours=HOURS)
        for when, hour in {"early": film_h, "end": HOURS}.items():
            now = {name: each[:, hour - 1] for name, each in risk.items()}
            difference(f"films_{when}_{m}", now["attention"], now["alone"])
            difference(f"films_late_{when}_{m}", now["late"], now["alone"])
            difference(f"attention_{when}_{m}", now["attention"], now["late"])


# %%
{"home": compare_home, "schedule": compare_schedule, "films": compare_films}[kind]()
run.finish()
