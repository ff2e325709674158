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
# with a rate and then a weight decay that its own validation files choose at the middle length, and
# trained with these for one, two and four times the steps. This notebook is no page of the book:
# `medbook sweep` runs it over seeds and kinds of comparison, and the chapter shows the table. The
# seed is the unit: it draws patients, first weights and batches. For one seed all arms see the same
# patients.
#
# **Prerequisites.** The chapter.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
kind: str = "home"  # what is compared: "home", "schedule", "films" or "by_sign"
n_train: int = 6000  # patients to learn from, 60 ≤ x ≤ 100000
n_validation: int = 1500  # patients to choose by, 60 ≤ x ≤ 100000
n_calibration: int = 6000  # patients to calibrate risks by, 60 ≤ x ≤ 100000
n_test: int = 10000  # patients to judge by, 60 ≤ x ≤ 100000
n_steps: int = 160  # steps of the shortest training, 1 ≤ x ≤ 10000
decide_h: int = 16  # hour at which risks are compared, 8 ≤ x ≤ 24
film_h: int = 4  # hour at which films are compared, 4 ≤ x ≤ 24
ordering: float = 1.2  # how much ordering follows the staff's concern, -2 ≤ x ≤ 2
ordering_reversed: float = -0.5  # the same where the sickest are measured least, -2 ≤ x ≤ 2
n_settings: int = 3  # rates and weight decays that are tried, 1 ≤ x ≤ 3

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
from medlib.diagnosis.records.trust_slope import trust_slope
from medlib.diagnosis.records.tuned_risk import DECAYS, RATES, tuned_risk
from medlib.measures.calibration import fit_logit_line
from medlib.measures.rank_auc import rank_auc, rank_auc_difference

run = experiment.start("diagnosis/images_and_records/_arms_to_their_end", locals())

# %% [markdown]
# ## Patients
#
# At home, or on a ward that measures by schedule; and the test patients as other hospitals measure
# them. Calibration patients choose nothing: by them a line is put through the logits.

# %%
SIZES = {"train": n_train, "validation": n_validation, "calibration": n_calibration,
         "test": n_test}
HOURS, MULTIPLES, TUNED_AT = 24, (1, 2, 4), 2
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

# %% [markdown]
# ## Training

# %%
def label(name):
    return name.replace(" ", "_").replace("-", "").lower()


def to_the_end(name, fit):
    """An arm's networks by length: its setting is chosen at one of them, and kept."""
    state = run.torch_generator(name).get_state()  # every training starts from it anew

    def anew(own):
        generator = torch.Generator()
        generator.set_state(state)
        return fit(own, generator)

    middle = {3: slice(None), 2: slice(0, 2), 1: slice(1, 2)}[n_settings]
    found = tuned_risk(anew, Recipe(steps=n_steps * TUNED_AT, hours=HOURS, device=run.device),
                       rates=RATES[middle], decays=DECAYS[middle])
    note(name, found)
    return {m: found.network if m == TUNED_AT else anew(stretched(found.recipe, m))[0]
            for m in MULTIPLES}


# %%
def note(name, found):
    run.result(f"rate_{label(name)}", found.recipe.rate)
    run.result(f"decay_{label(name)}", found.recipe.weight_decay)
    run.result(f"rate_edge_{label(name)}", float(found.rate_on_the_edge))
    run.result(f"decay_edge_{label(name)}", float(found.decay_on_the_edge))


def stretched(recipe, m):
    return Recipe(**(vars(recipe) | {"steps": n_steps * m}))


def arm_to_the_end(name, arm, **how):
    return to_the_end(name, lambda own, generator: fit_risk(
        arm, learn, check, recipe=own, generator=generator, **how))


# %%
def difference(name, first, second):
    run.result(name, rank_auc_difference(first, second, y), atol=0.004)


def at_decision(network, arm, seen):
    return replayed_risk(network, arm, seen, at=[decide_h])[:, 0]


def in_study(network, arm, seen):
    return offline_risk(network, arm, seen, hours=decide_h)[:, -1]


# %% [markdown]
# ## At home: what leaks, what a replay leaves of it, what timing is worth, and where

# %%
LEAKY = ("back fill", "back fill with masks", "interpolation")
HONEST = ("carried forward", "masks and intervals", "GRU-D")
CUT = "back fill cut first"


def compare_home():
    """All arms of the page."""
    fixed = tables_and_filter()
    networks = {name: arm_to_the_end(name, ARMS[name]) for name in LEAKY + HONEST}
    networks[CUT] = arm_to_the_end(CUT, ARMS["back fill"], cut_first=True)
    arms = {name: ARMS.get(name, ARMS["back fill"]) for name in networks}
    for m in MULTIPLES:
        now = {name: (network[m], arms[name]) for name, network in networks.items()}
        replay = {name: at_decision(*each, rows) for name, each in now.items()}
        study = replay | {name: in_study(*now[name], rows) for name in LEAKY}
        what_leaks(m, study, replay, fixed["home"]["values, table"])
        how_sure(m, now, study, replay)
        for place, seen in MEASURED.items():
            there = {name: at_decision(*now[name], seen) for name in HONEST}
            what_timing_is_worth(f"{place}_{m}", there | fixed[place])


# %%
MEASURED = {"home": rows}
POLICY = {"home": ordering, "schedule": 0.0, "reversed": ordering_reversed}
if kind == "home":
    MEASURED |= {place: scale(rows_of(wards["test"], POLICY[place]))
                 for place in ("schedule", "reversed")}


def tables_and_filter():
    """What has no length of training, under each policy: tables, and the values read exactly."""
    known = [(part.rows[:, :decide_h], part.outcome) for part in (learn, check)]
    like = {"families": ["logistic regression"]}
    tables = {"best table": tuned_table(*known), "table": tuned_table(*known, **like),
              "values, table": tuned_table(*known, timing=False, **like)}
    return {place: {name: table.risk(seen[:, :decide_h]) for name, table in tables.items()}
            | {"values": wards["test"].risk_by_values(decide_h, follow=POLICY[place])}
            for place, seen in MEASURED.items()}


# %%
def what_leaks(m, study, replay, bare):
    """Beside the ceiling, and in the replay."""
    top = wards["test"].best_risk(decide_h)
    for name in (*LEAKY, "carried forward", "masks and intervals"):
        difference(f"above_{label(name)}_{m}", study[name], top)
        difference(f"fall_{label(name)}_{m}", study[name], replay[name])
    for name in (*LEAKY, CUT):
        difference(f"then_{label(name)}_{m}", replay[name], replay["carried forward"])
        difference(f"then_table_{label(name)}_{m}", replay[name], bare)


# %%
def how_sure(m, now, study, replay):
    """Slopes in study and replay, after a calibration as a study would do it."""
    others = parts["calibration"]
    for name in (*LEAKY, "carried forward", CUT):
        read = in_study if name in LEAKY else at_decision
        line = fit_logit_line(read(*now[name], others.rows), others.outcome)
        for when, risk in {"study": study[name], "replay": replay[name]}.items():
            slope = trust_slope(line(risk), y)
            run.result(f"slope_{when}_{label(name)}_{m}", slope.value, atol=0.04)


# %%
def what_timing_is_worth(at, risk):
    """With timing beside without, in pairs and beside the values read exactly."""
    plain, masks = "carried forward", "masks and intervals"
    difference(f"masks_forward_{at}", risk[masks], risk[plain])
    difference(f"grud_forward_{at}", risk["GRU-D"], risk[plain])
    difference(f"table_bare_{at}", risk["table"], risk["values, table"])
    difference(f"grud_masks_{at}", risk["GRU-D"], risk[masks])
    for name in (masks, "GRU-D"):
        difference(f"{label(name)}_table_{at}", risk[name], risk["best table"])
        difference(f"{label(name)}_bare_{at}", risk[name], risk["values, table"])
    for name in (plain, masks, "GRU-D", "table", "values, table"):
        difference(f"{label(name).replace(',', '')}_values_{at}", risk[name], risk["values"])
        run.result(f"auc_{label(name).replace(',', '')}_{at}", rank_auc(risk[name], y), atol=0.005)
    run.result(f"auc_values_{at}", rank_auc(risk["values"], y))


# %% [markdown]
# ## By schedule throughout: timing alone, and beside values

# %%
def compare_schedule():
    """A ward where who is measured depends on nothing."""
    names = ("masks alone", "carried forward", "masks and intervals")
    networks = {name: arm_to_the_end(name, ARMS[name]) for name in names}
    for m in MULTIPLES:
        risk = {name: at_decision(networks[name][m], ARMS[name], rows) for name in names}
        run.result(f"times_alone_{m}", rank_auc(risk["masks alone"], y), atol=0.005)
        difference(f"by_schedule_{m}", risk["masks and intervals"], risk["carried forward"])


# %% [markdown]
# ## Films with the record
#
# The reader of films is trained as long as what reads its vectors. Of kind `by_sign` a defect is
# planted, for which adding logits cannot be enough: a film's grade is turned round in half of the
# patients, and only the record shows in whom (in place of its last channel, from the first hour).

# %%
def all_films():
    kept = {split: wards[split].films(follow=policy, until_h=HOURS)
            for split in ("train", "validation", "test")}
    for each in kept.values():
        run.uses(each.sample)
    return kept


def films_read(kept, m):
    """The films of all patients, read by a reader that was taught on the training patients'."""
    if kind == "by_sign":
        vectors = {split: torch.from_numpy((each.cloudy[:, None] - 0.3) / 0.25).float()
                   for split, each in kept.items()}
    else:
        reader = fit_film_reader(
            torch.from_numpy(kept["train"].sample.array),
            torch.from_numpy(kept["train"].cloudy.astype(np.float32)), steps=n_steps * m,
            generator=run.torch_generator(f"film reader {m}"), device=run.device)
        vectors = {split: film_vectors(reader, torch.from_numpy(each.sample.array))
                   for split, each in kept.items()}
    return {split: FilmShelf.of(vectors[split], each.patients, each.hours, n=SIZES[split])
            for split, each in kept.items()}


# %%
def planted(split, shelf):
    """A sign a patient, which the record shows and by which the films are multiplied."""
    sign = run.rng(f"sign {split}").choice([-1.0, 1.0], SIZES[split]).astype(np.float32)
    shown = parts[split].rows.copy()
    shown[:, :, -1] = np.nan
    shown[:, 0, -1] = 2 * sign
    turned = FilmShelf(shelf.vectors * torch.from_numpy(sign)[:, None, None], shelf.hours)
    return Patients(shown, parts[split].outcome), turned


def withheld(shelf):
    return FilmShelf(shelf.vectors, torch.full_like(shelf.hours, torch.inf))


# %%
def compare_films():
    """Films with the record, early in the day and later."""
    arm, kept = ARMS["masks and intervals"], all_films()
    read = {m: films_read(kept, m) for m in MULTIPLES}
    sets = {m: {split: (parts[split], shelf) for split, shelf in shelves.items()}
            for m, shelves in read.items()}
    if kind == "by_sign":
        once = {split: planted(split, shelf) for split, shelf in read[TUNED_AT].items()}
        sets = dict.fromkeys(MULTIPLES, once)
    ways = {"alone": "attention", "attention": "attention", "late": "late"}
    if kind == "by_sign":
        del ways["alone"]
    risk = {(name, m): each for name, fusion in ways.items()
            for m, each in fused(name, fusion, arm, sets).items()}
    for m in MULTIPLES:
        report_films(m, {name: risk[name, m] for name in ways})


# %%
def fused(name, fusion, arm, sets):
    """The risks of a way to join films and record, hour by hour, at each length."""
    kept = withheld if name == "alone" else lambda shelf: shelf

    def fit(own, generator):
        given = sets[own.steps // n_steps]
        pairs = [(given[split][0], kept(given[split][1])) for split in ("train", "validation")]
        return fit_film_risk(arm, fusion, *pairs, recipe=own, generator=generator)

    return {m: film_risk(network, arm, sets[m]["test"][0].rows, kept(sets[m]["test"][1]),
                         hours=HOURS)
            for m, network in to_the_end(name, fit).items()}


# %%
def report_films(m, risk):
    for hour in sorted({film_h, 8, 16, HOURS}):
        now = {name: each[:, hour - 1] for name, each in risk.items()}
        difference(f"attention_late_{hour}_{m}", now["attention"], now["late"])
        for name in ("attention", "late") if "alone" in now else ():
            difference(f"films_{name}_{hour}_{m}", now[name], now["alone"])


# %%
{"home": compare_home, "schedule": compare_schedule,
 "films": compare_films, "by_sign": compare_films}[kind]()
run.finish()
