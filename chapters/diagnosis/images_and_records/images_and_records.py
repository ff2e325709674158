# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   medbook:
#     reader_path: true
# ---

# %% [markdown]
# # What was known at that hour?
#
# **Question.** It is ten in the evening on a medical ward, and one bed in intensive care is free. A
# program has watched the vital signs, the laboratory values and the chest films of those who came
# in the morning, and says of each how likely he is to need intensive care the day after tomorrow.
# On the hospital's old files it did better than anybody thought possible. A year later it ranks the
# patients no better than a program that looks back only; and of those to whom it gave the highest
# risks, fewer needed the bed than it had said. Nobody changed the program. What had it known in the
# files that it cannot know in the evening?
#
# **Objectives.** After this chapter you will be able to
#
# - lay out measurements at irregular times so that no row knows more than its hour;
# - find a leak of the future in a score, by a replay and by a ceiling that no honest score passes;
# - write one hour of GRU-D by hand, and attention to films that looks back only;
# - say what it is worth to know *when* something was measured, and what it costs elsewhere;
# - hold a recurrent network against a table that costs nothing.
#
# **Prerequisites.** Python, logistic regression, what a gated recurrent unit (GRU) is, and what an
# AUC is: of a patient who gets worse and one who does not, the chance that the first has the higher
# risk.
#
# **Data.** All patients are simulated, so that we know how ill each one is at every hour, and can
# have the *same* patients measured by another hospital. What we learn is about methods; no number
# below is about a patient. With a network connection, set `cohort` to `physionet2012`: the parts on
# filling and on networks then run on 4,000 real stays in intensive care, the
# [PhysioNet Challenge of 2012](https://physionet.org/content/challenge-2012/1.0.0/) (lower
# `n_train`, `n_validation`, `n_calibration` and `n_test` to 4,000 in all). Films, ceiling and
# other hospitals stay simulated: this archive has no films, and no archive has the same patients
# measured twice.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
cohort: str = "simulated"  # whose records are filled: "simulated" or "physionet2012"
n_train: int = 6000  # patients to learn from, 60 ≤ x ≤ 100000
n_validation: int = 1500  # patients to choose steps and settings by, 60 ≤ x ≤ 100000
n_calibration: int = 6000  # patients to calibrate risks by, 60 ≤ x ≤ 100000
n_test: int = 10000  # patients to judge by, 60 ≤ x ≤ 100000
n_steps: int = 160  # most training steps of each network, 1 ≤ x ≤ 10000
decide_h: int = 16  # hour at which risks are compared, 8 ≤ x ≤ 24
film_h: int = 4  # hour at which films must show what they add, 4 ≤ x ≤ 24
file_h: int = 48  # hours that are on file when gaps are filled, 24 ≤ x ≤ 48
ordering: float = 1.2  # how much ordering follows the staff's concern at home, -2 ≤ x ≤ 2
ordering_elsewhere: float = 0.0  # the same in the other hospital, 0 for by schedule, -2 ≤ x ≤ 2
ordering_reversed: float = -0.5  # the same in a third; below 0: the sickest least, -2 ≤ x ≤ 2
ordering_control: float = 0.0  # the same where masks must add nothing, -2 ≤ x ≤ 2
ahead: str = "back"  # how files of the claims on leaks were filled: "back" or "forward"
at_home: str = "home"  # where timing must add: "home" or "schedule"
told: str = "times"  # what the table is told that must rank lowest: "times" or "nothing"
table_timing: bool = True  # whether the table that networks must beat holds counts and times since
sum_sees: str = "films"  # what the sum sees in the claim on films: "films" or "nothing"
looks_back: bool = True  # whether attention sees the films taken so far alone

# %%
import numpy as np
import torch

from data_fetch.records import CHANNEL, TIME_H, VALUE
from data_fetch.tasks import physionet_2012 as physionet
from data_fetch.tasks.ward_records import ward_patients
from medlib import experiment
from medlib.diagnosis.records.arms import ARMS
from medlib.diagnosis.records.filling import RULES
from medlib.diagnosis.records.film_reader import film_vectors, fit_film_reader
from medlib.diagnosis.records.film_risk import FilmShelf, film_risk, fit_film_risk
from medlib.diagnosis.records.gru_d import GruD
from medlib.diagnosis.records.hourly import Scale, hourly_rows, hours_since, measured
from medlib.diagnosis.records.replay import offline_risk, replayed_risk
from medlib.diagnosis.records.risk_training import Patients, Recipe, fit_risk
from medlib.diagnosis.records.summaries import tuned_table
from medlib.diagnosis.records.trust_slope import trust_slope
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.plots.line_band import Line, line_band
from medlib.experiment.plots.reliability import reliability_diagram
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.measures.calibration import calibration_error, fit_logit_line, reliability
from medlib.measures.mean_interval import mean_interval
from medlib.measures.rank_auc import rank_auc, rank_auc_difference

run = experiment.start("diagnosis/images_and_records", locals())

# %%
run.require(
    cohort == "simulated"
    or n_train + n_validation + n_calibration + n_test <= physionet.PATIENTS,
    "cohort", "n_train", "n_validation", "n_calibration", "n_test",
    right=f"set A has {physionet.PATIENTS} stays: the four come to no more",
)
COLORS = experiment.COLORS
HOURS = 24  # of the first day: the networks are asked after each
SIZES = {"train": n_train, "validation": n_validation, "calibration": n_calibration,
         "test": n_test}
FILMED = ("train", "validation", "test")
SIMULATED = cohort == "simulated"

# %% [markdown]
# ## A picture first
#
# A stay on the simulated ward lasts 48 hours. Behind it is a hidden *severity*, made of three parts
# that wander: the circulation, which changes within a day; the lungs, which take longer; and what
# only somebody at the bedside notices. At hour 50, two hours after the last measurement, the
# patient needs intensive care or does not, the likelier the more severe the illness is *then*.
# Nothing that is measured is caused by the outcome: it has not happened yet.
#
# Four vital signs are taken every few hours (gaps of a day occur), six laboratory values about once
# a day, films about once a day, and all of it **more often when the staff is worried** (vital signs
# most, for they need no blood). The staff's concern is the severity, and besides it a worry that
# has nothing to do with the patient. The parameter `ordering` says how much ordering follows it;
# zero is a ward that measures by schedule. Channel four is the logarithm of lactate.

# %% tags=["key"]
wards = {split: ward_patients(n, rng=run.rng(split)) for split, n in SIZES.items()}
records = {split: ward.records(follow=ordering) for split, ward in wards.items()}
films = {split: wards[split].films(follow=ordering, until_h=HOURS) for split in FILMED}
lines = records["test"].of(0)
print(lines[:4].round(2), "patient, hour, channel, value", sep="\n")

# %%
for each in (*records.values(), *films.values()):
    run.uses(each.sample)
SHOWN = {"heart rate": 0, "oxygen saturation": 3, "log lactate": 4}
UNITS = {name: records["test"].channels[place][1] for name, place in SHOWN.items()}
everyone = wards["test"].outcome
worse, better = (int(np.flatnonzero(everyone == y)[0]) for y in (1, 0))


# %%
def draw_stay(ward, record, pictures, who):
    """Measured values as dots over the hours, films as ticks, and the first two films."""
    figure, axes = panels(len(SHOWN), 2, height_in=4.2, width_ratios=(4, 1))
    for place, (name, channel) in zip(axes[:, 0], SHOWN.items(), strict=True):
        of = record.of(who)[record.of(who)[:, CHANNEL] == channel]
        place.plot(of[:, TIME_H], of[:, VALUE], "o", color=COLORS["blue"])
        place.set(xlim=(0, record.hours), ylabel=f"{name}\n({UNITS[name]})")
        place.axvline(HOURS, color=COLORS["grey"], linestyle=":")
        for hour in pictures.hours[pictures.patients == who]:
            place.axvline(hour, color=COLORS["orange"], linewidth=1)
    place.set_xlabel("hours since admission (h)")
    return figure, axes[:, 1]


# %%
def draw_films(places, pictures, who):
    """The first films of a patient, one below the other."""
    own = np.flatnonzero(pictures.patients == who)
    for place in places:
        place.set_axis_off()
    for place, film in zip(places, own, strict=False):
        place.imshow(pictures.sample.array[film], vmin=0, vmax=255)
        place.set_title(f"{pictures.hours[film]:.0f} h")


# %%
run.result("share_worse", float(everyone.mean()), n=n_test, atol=0.01)
run.say("{share_worse:.0%} of the test patients need intensive care at hour 50.")
figure, beside = draw_stay(wards["test"], records["test"], films["test"], worse)
draw_films(beside, films["test"], worse)
run.figure(
    figure, name="stay", data="simulated",
    alt="Dots of heart rate, oxygen saturation and lactate at irregular times over two days, a few"
    " orange lines for films in the first; beside them small chest films.",
    caption="Each thing is measured at times of its own, with gaps. Orange: films of the first day,"
    " which ends at the dotted line; right, the first two of them. Simulated, n = 1 patient, the"
    " first in the test who needed intensive care in the end.",
)

# %% [markdown]
# ## Rows that know no more than their hour
#
# Most programs want a grid: one row an hour, one column a channel. Row $t$ gets what was measured
# within hour $t$, and where nothing was, it gets *nothing*, not a zero. Two more grids keep what
# the first one loses. The **mask** $m_t$ is one where something was measured. The **interval**
# $\delta_t$ counts the hours since the last measurement before row $t$:
#
# $$ \delta_1 = 0, \qquad \delta_t = 1 + (1 - m_{t-1})\,\delta_{t-1} . $$
#
# (Before anything was measured it so counts from the first hour.)

# %% tags=["key"]
def rows_of(record):
    return hourly_rows(record.sample.array, patients=len(record),
                       channels=len(record.channels), hours=record.hours)


ward_rows = {split: rows_of(record) for split, record in records.items()}
lactate = ward_rows["test"][worse : worse + 1, :, 4:5]
print("measured at", np.flatnonzero(measured(lactate)[0, :, 0]) + 1)
print("hours since", hours_since(measured(lactate))[0, :12, 0])

# %% [markdown]
# Values are put on the scale of the training patients, mean zero and variance one, each channel by
# itself. Then a network still wants a number in every cell. Here are four ways to find one, for a
# channel that was measured in the second, fifth and seventh of eight hours.

# %%
def read_physionet():
    """The real stays, dealt into four parts, and what becomes of each."""
    record = physionet.physionet_2012()
    run.uses(record.sample)
    order = run.rng("split").permutation(len(record))
    ends = np.cumsum(list(SIZES.values()))
    parts = dict(zip(SIZES, np.split(order[: ends[-1]], ends[:-1]), strict=True))
    rows = rows_of(record)
    return {split: (rows[who], record.outcome[who]) for split, who in parts.items()}


# %%
def scaled(rows, outcome, scale):
    return Patients(scale(rows), outcome)


ward_scale = Scale.of(ward_rows["train"])
ward_parts = {split: scaled(ward_rows[split], wards[split].outcome, ward_scale) for split in SIZES}
if SIMULATED:
    parts = ward_parts
else:
    stays = read_physionet()
    scale = Scale.of(stays["train"][0], tails=0.001)  # charts have typing errors
    parts = {split: scaled(*stays[split], scale) for split in SIZES}
ON_FILE = {split: Patients(part.rows[:, :file_h], part.outcome) for split, part in parts.items()}

# %% tags=["key"]
sparse = np.full((1, 8, 1), np.nan, dtype=np.float32)
sparse[0, [1, 4, 6], 0] = [2.0, 5.0, 1.0]
ways = {name: rule(sparse)[0, :, 0] for name, rule in RULES.items()}
cut = {name: rule(sparse[:, :4])[0, :, 0] for name, rule in RULES.items()}

# %%
def as_words(values):
    return ", ".join(f"{value:.0f}" for value in values)


names = {"mean": "mean fill", "forward": "carried forward", "back": "back fill",
         "interpolation": "interpolation"}
run.table(
    [{"rule": names[name], "hours 1 to 8": as_words(ways[name]),
      "hours 1 to 4, filled at hour 4": as_words(cut[name])} for name in RULES],
    name="rules", caption="The mean is zero on this scale.",
)

# %% [markdown]
# Look at hour 4 in both columns. Mean fill and the value carried forward say the same, whether the
# rest of the file is there or not. Back fill takes the value of hour 5. Interpolation is on its way
# to it. Both columns are *correct* tables of the same patient; but in the evening of hour 4 only
# the second one can be had. Whoever fills a whole file and cuts it afterwards has, at every hour, a
# little of the future in his rows, and where a laboratory value comes once a day, the future that
# leaks in is a day long. (Beyond the last value back fill and interpolation carry it forward, and
# where nothing is known they fill the mean. So in a replay they do not fail at once.)

# %% [markdown]
# ## One network for all
#
# If we are to compare ways to fill, all else must be equal. So all arms are one recurrent network
# of one width, which reads a row an hour and gives a risk after each; it has one training, with one
# rate, one number of steps and one way to choose the best of them on validation patients. Arms
# differ in what they see:
#
# - filled values alone, carried forward, back or interpolated;
# - values carried forward, and **masks and intervals** beside them;
# - values filled back, and masks and intervals beside *them*;
# - **GRU-D** ([Che et al. 2018](https://doi.org/10.1038/s41598-018-24271-9)): masks, and values and
#   memory that *fade* while nothing is measured.
#
# GRU-D lets the last value $x_{t'}$, measured at hour $t'$, go back to the mean (which is zero
# here), and the state $h_{t-1}$ to nothing, with learned rates $W$ and starts $b$. Where the
# bracket is below zero it counts as zero, so that nothing grows:
#
# $$ \gamma = e^{-\max(0,\, W \delta_t / 24 + b)}, \qquad
#    \hat x_t = m_t x_t + (1 - m_t)\,\gamma_x x_{t'}, \qquad
#    \hat h = \gamma_h h_{t-1} , $$
#
# with one $\gamma_x$ for each channel and one $\gamma_h$ for each number of the state, which sees
# $\delta$ of all channels. With $\delta$ in hours, rates $W$ are in 1/day. All else is a gated
# recurrent unit that sees the mask $m_t$ as well. Write $u_t = (\hat x_t, m_t)$, and $\sigma$ for
# the logistic function; $A$ and $B$ are learned matrices (and each $A u_t$ has a constant, too):
#
# $$ r = \sigma(A_r u_t + B_r \hat h), \quad z = \sigma(A_z u_t + B_z \hat h), \quad
#    \tilde h = \tanh(A_h u_t + B_h (r \hat h)), \quad h_t = (1 - z)\, \hat h + z\, \tilde h . $$
#
# Here is one hour of it by hand, with a state of four numbers: the library keeps $A_r$, $A_z$ and
# $A_h$ in one layer, `of_input`, so that its first eight numbers belong to $r$ and $z$.

# %% tags=["key"]
cell = GruD(1, 4, masks=True, decays=True, generator=run.torch_generator("by hand"))
m, delta = torch.tensor([[[1.0], [0.0]]]), torch.tensor([[[0.0], [1.0]]])
states = cell(torch.full((1, 2, 1), 2.0), m, delta)  # one value, carried into the second hour
days = delta[:, 1] / 24  # rates are per day
x_hat = torch.exp(-torch.relu(cell.input_rate * days + cell.input_start)) * 2.0
h_hat = torch.exp(-torch.relu(cell.state_rate(days))) * states[:, 0]
driven = cell.of_input(torch.cat([x_hat, m[:, 1]], dim=1))
r, z = torch.sigmoid(driven[:, :8] + cell.of_state(h_hat)).chunk(2, dim=1)
by_hand = (1 - z) * h_hat + z * torch.tanh(driven[:, 8:] + cell.of_reset(r * h_hat))

# %%
apart = float((by_hand - states[:, 1]).detach().abs().max())
run.result("by_hand_difference", apart, atol=1e-6)
run.say("By hand and by the library, the second state differs by {by_hand_difference:.0e} at most.")

# %% [markdown]
# Now train. As in a study, each arm's files are filled as a whole, and the network is asked after
# each of the first 24 hours. Validation patients are treated the same way: whoever uses a rule
# that looks ahead believes in it, and chooses by it.

# %% tags=["key"]
RECIPE = Recipe(steps=n_steps, rate=0.03, hours=HOURS, device=run.device)
NAMES = {name: arm for name, arm in ARMS.items() if name not in ("mean fill", "masks alone")}


def taught(name, arm, data, **how):
    generator = run.torch_generator(name)
    learn, check = data["train"], data["validation"]
    return fit_risk(arm, learn, check, recipe=RECIPE, generator=generator, **how)[0]


networks = {name: taught(name, arm, ON_FILE) for name, arm in NAMES.items()}

# %% [markdown]
# And something that is no network at all: a **table** with a row a patient. It holds each channel's
# last value, mean and last change, in how many hours it was measured (altogether, and in the last
# eight), and the hours since. A logistic regression is fitted to it, with the penalty that does
# best on validation patients, which may be the weakest that was tried. That is what a good
# statistician would try first. A second table leaves out all that says *when*: it holds values
# alone, and is tuned in the same way.

# %% tags=["key"]
def tuned(data, timing):
    known = [(data[split].rows[:, :decide_h], data[split].outcome)
             for split in ("train", "validation")]
    return tuned_table(*known, timing=timing, families=["logistic regression"])


table, bare = (tuned(ON_FILE, timing) for timing in (True, False))
print("with times:", table.name, "without:", bare.name, sep="\n")

# %% [markdown]
# ## Too good
#
# First the study's own result: test patients, whole files filled, risk at the hour of decision.
# In a simulation there is a **ceiling**. The hidden parts wander without memory of how they came to
# where they are; so whoever knows all three at hour $t$ knows all about hour 50 that can be known
# at hour $t$. His probability can be computed, and no score that knows the past alone ranks
# patients better, on average over patients.
#
# And there is a second line to hold scores against: the **values read exactly**. Whoever knows how
# the ward works can compute from the values measured so far all that they say of hour 50: Kalman's
# filter, the best running estimate of the hidden parts from values that come one by one. That
# reader does not ask why somebody was measured. What lies above him knows more than values:
# something of *when*, or something of the future.

# %% tags=["key"]
ids = {"carried forward": "forward", "back fill": "back",
       "interpolation": "interpolation", "back fill with masks": "back_masks",
       "masks and intervals": "masks", "GRU-D": "grud"}
test, y = ON_FILE["test"], ON_FILE["test"].outcome
study = {name: offline_risk(networks[name], arm, test.rows, hours=decide_h)[:, -1]
         for name, arm in NAMES.items()}
study |= {name: found.risk(test.rows[:, :decide_h])
          for name, found in {"table": table, "table of values": bare}.items()}
ceiling = wards["test"].best_risk(decide_h)
read_exactly = wards["test"].risk_by_values(decide_h, follow=ordering)

# %%
LEAKY = ("back fill", "back fill with masks", "interpolation")
ids |= {"table": "table", "table of values": "bare"}
for name, risk in study.items():
    run.result(f"auc_study_{ids[name]}", rank_auc(risk, y), atol=0.004)
run.result("auc_ceiling", rank_auc(ceiling, everyone))
run.result("auc_values", rank_auc(read_exactly, everyone))
if SIMULATED:
    for name in LEAKY:
        lead = rank_auc_difference(study[name], ceiling, y)
        run.result(f"above_ceiling_{ids[name]}", lead, atol=0.002)
    run.say(
        "At hour {hour} the ceiling is an AUC of {auc_ceiling:.3ci}. Back fill reaches"
        " {auc_study_back:.3ci}, {above_ceiling_back:+.3ci} beside it; with masks and intervals"
        " {above_ceiling_back_masks:+.3ci}; interpolation {above_ceiling_interpolation:+.3ci}. The"
        " values read exactly give {auc_values:.3ci}, and what the network makes of values carried"
        " forward {auc_study_forward:.3ci}.", hour=decide_h,
    )

# %% [markdown]
# A score that beats everything that could be known does not show a good network. It shows a leak.
# Masks and intervals do not keep it out: the network is told which cells were filled, and goes on
# reading what was filled into them. (And a score *below* the ceiling may leak, too: see how much of
# its own interpolation loses below.) On real patients there is no ceiling to hold it against, and
# nothing in the study's numbers rings. The validation patients, whose files are filled in the same
# way, cannot see it either. What else would show it?

# %% [markdown]
# ## The replay
#
# Send the *same* patients past the *same* network a second time, as they came: at hour $t$ it gets
# the rows up to $t$, filled by the *same* rule from these rows alone. Cut first, then fill. That is
# all there is to a prospective replay; it needs no new data, only the times at which things were
# recorded.

# %% tags=["key"]
replay = {name: replayed_risk(networks[name], arm, test.rows, at=[decide_h])[:, 0]
          for name, arm in NAMES.items()}
replay |= {name: study[name] for name in ("table", "table of values")}  # they never saw more
fall = {name: rank_auc_difference(study[name], replay[name], y) for name in study}

# %%
for name in study:
    run.result(f"auc_replay_{ids[name]}", rank_auc(replay[name], y), atol=0.004)
for name in LEAKY:
    run.result(f"fall_{ids[name]}", fall[name], atol=0.002)
same = {name: float(np.abs(study[name] - replay[name]).max())
        for name in ("carried forward", "masks and intervals", "GRU-D")}
run.result("honest_change", same["carried forward"], atol=1e-9)
run.result("honest_change_masks", max(same["masks and intervals"], same["GRU-D"]), atol=1e-9)

# %%
for name in LEAKY:
    behind = {"forward": replay["carried forward"], "bare": replay["table of values"]}
    for than, risk in behind.items():
        lead = rank_auc_difference(replay[name], risk, y)
        run.result(f"replay_{ids[name]}_{than}", lead, atol=0.004)

# %%
def points(values):
    return {name: rank_auc(risk, y) for name, risk in values.items()}


KIND = "simulated" if SIMULATED else "real"
TOP = float(rank_auc(ceiling, everyone)) if SIMULATED else None
figure = interval_points(
    Column(points(study), x=("AUC", ""), title="the study: filled, then cut", reference=TOP),
    Column(points(replay), x=("AUC", ""), title="the replay: cut, then filled", reference=TOP),
    highlight=LEAKY,
)

# %%
ends = np.array([place.get_xlim() for place in figure.axes])
for place in figure.axes:
    place.set_xlim(ends[:, 0].min(), ends[:, 1].max())
    if SIMULATED:
        place.axvline(float(rank_auc(read_exactly, y)), color=COLORS["grey"], linestyle="--")

# %%
run.figure(
    figure, name="study_and_replay", data=KIND,
    alt="Two columns of points, a row an arm, with dotted and dashed lines for the ceiling and for"
    " the values read exactly. Left, what was filled back or interpolated lies furthest to the"
    " right; right, it has moved to the left, and no other arm has moved.",
    caption="What looks ahead (orange) leads in the study and not in the replay; all else stays"
    " where it was. Dotted: the ceiling. Dashed: the values read exactly."
    f" {KIND.capitalize()} patients, n = {len(y)}, the same in both columns, at hour {decide_h};"
    " 95 % intervals over patients.",
)

# %%
run.say(
    "Back fill loses {fall_back:.3ci}, with masks {fall_back_masks:.3ci}, interpolation"
    " {fall_interpolation:.3ci}. In the replay back fill stands at {replay_back_forward:+.3ci}"
    " beside the same network with values carried forward, and at {replay_back_bare:+.3ci} beside"
    " the table of values; with masks it stands at {masks_behind:+.3ci} beside masks and intervals"
    " that were carried forward. The risks of the network with values carried forward change by"
    " {honest_change:.1g} at most, those of the networks with masks and decays by"
    " {honest_change_masks:.1g}: a rule that looks at no later row *is* its own replay.",
    masks_behind=rank_auc_difference(
        replay["back fill with masks"], replay["masks and intervals"], y),
)

# %% [markdown]
# Beside what the study promised the fall is large. Beside a network that was taught honestly it is
# small: one that was taught on rows from the future still ranks patients by their past, not better
# and not much worse, with masks somewhat worse. What is gone is the *promise*. Below, two patients
# pass through both. Move the slider through the first day. The dashed line is the logarithm of
# lactate as the study's file shows it, from the first hour on; dots are what had been measured by
# then. Risks move with other channels, too.

# %%
looks = list(range(1, HOURS + 1))
two = parts["test"].rows[[worse, better] if SIMULATED else [int(np.argmax(y)), int(np.argmin(y))]]
WATCHED = 4 if SIMULATED else list(physionet.SERIES).index("Lactate")
courses = {
    "back fill, study": offline_risk(networks["back fill"], ARMS["back fill"], two[:, :file_h],
                                     hours=HOURS),
    "back fill, replay": replayed_risk(networks["back fill"], ARMS["back fill"], two, at=looks),
    "masks, replay": replayed_risk(networks["masks and intervals"], ARMS["masks and intervals"],
                                   two, at=looks),
}


# %%
def draw_values(place, rows, hour):
    """A channel up to an hour: measured, as the study fills it, and as the replay does."""
    known = rows[None, :hour, None]
    place.plot(looks, RULES["back"](rows[None, :file_h, None])[0, :HOURS, 0], "--",
               color=COLORS["grey"], label="as the study fills it")
    place.plot(looks[:hour], RULES["back"](known)[0, :, 0], "-", color=COLORS["orange"],
               label="as it can be filled now")
    seen = np.flatnonzero(~np.isnan(rows[:hour]))
    place.plot(seen + 1, rows[seen], "o", color=COLORS["blue"], label="measured")
    place.set(xlim=(0.5, HOURS + 0.5), ylim=(-3, 3))


# %%
def draw_risks(place, patient, hour):
    """A patient's risks up to an hour."""
    for (name, risks), line in zip(courses.items(), ("--", "-", ":"), strict=True):
        color = COLORS["green"] if "masks" in name else COLORS["orange"]
        place.plot(looks[:hour], risks[patient, :hour], line, color=color, label=name)
    place.set(xlabel="hour (h)", ylim=(0, 1))


# %%
def draw_hour(hour):
    figure, axes = panels(2, 2, height_in=4.4, sharex=True, sharey="row")
    for column, title in enumerate(("worse later", "better later")):
        draw_values(axes[0, column], two[column, :, WATCHED], hour)
        draw_risks(axes[1, column], column, hour)
        axes[0, column].set_title(title)
    axes[0, 0].set_ylabel("log lactate (s.d.)")
    axes[1, 0].set_ylabel("risk")
    axes[0, 1].legend(loc="lower right")
    axes[1, 1].legend(loc="upper right")
    return figure


# %%
STOPS = [2, 6, 10, 14, 18, 24]
run.frames(
    [draw_hour(hour) for hour in STOPS], name="replay_slider", label="hour", values=STOPS,
    data=KIND, start=1,
    alt="Above, one laboratory value of two patients: dots measured so far, a dashed line that"
    " knows later dots in advance. Below, risks hour by hour under the study and the replay.",
    caption="The study's line moves before anything was measured, and its risk with it; what can be"
    f" filled now follows the dots. {KIND.capitalize()}, n = 2 patients: the first in the test who"
    " got worse, and the first who did not.",
)

# %% [markdown]
# ### How sure it is
#
# Ranking is half of it. A bed is given at a *threshold*, and a threshold wants probabilities that
# are true. As a careful study would, we calibrate each arm's risks on other patients (a line
# through the logits, Platt's), whose files were filled as all files were, and ask in the replay for
# the **slope**: the factor by which the logits would have to be multiplied to be right. One is
# right; below one, the risks are too extreme.

# %% tags=["key"]
def calibrated(name, risks):
    others = ON_FILE["calibration"]
    own = offline_risk(networks[name], NAMES[name], others.rows, hours=decide_h)[:, -1]
    return fit_logit_line(own, others.outcome)(risks)


slopes = {name: (trust_slope(calibrated(name, study[name]), y),
                 trust_slope(calibrated(name, replay[name]), y)) for name in NAMES}

# %%
rows = [{"arm": name, "AUC, study": f"{rank_auc(study[name], y):.3f}",
         "AUC, replay": f"{rank_auc(replay[name], y):.3f}",
         "slope, study": f"{slopes[name][0]:.2ci}", "slope, replay": f"{slopes[name][1]:.2ci}",
         "calibration error, replay":
             f"{calibration_error(calibrated(name, replay[name]), y):.3f}"} for name in NAMES]
run.table(rows, name="arms", caption=f"At hour {decide_h}, n = {len(y)} test patients, the same in"
          " every row; 95 % intervals over test patients, with the calibration as it is."
          " Calibration error: mean distance of risk and share in ten bins.")
for name in ("carried forward", "back fill", "interpolation"):
    run.result(f"slope_replay_{ids[name]}", slopes[name][1], atol=0.02)

# %%
SURE = ("carried forward", "back fill")
run.figure(
    reliability_diagram(
        {name: reliability(calibrated(name, replay[name]), y, bins=8) for name in SURE},
        event="intensive care" if SIMULATED else "death in hospital",
    ),
    name="reliability", data=KIND,
    alt="Share of patients over predicted probability beside the diagonal, for back fill and for"
    " the value carried forward; the table above has the slope of each.",
    caption="In the replay: a line flatter than the diagonal means risks that are too extreme."
    f" {KIND.capitalize()} patients, n = {len(y)}, calibrated on {n_calibration} others whose"
    f" files were filled in the same way; hour {decide_h}; 95 % intervals over patients.",
)
run.say(
    "In the replay the slope is {slope_replay_back:.2ci} for back fill and"
    " {slope_replay_interpolation:.2ci} for interpolation; for the value carried forward it is"
    " {slope_replay_forward:.2ci}. These intervals leave out that the line was fitted to a sample,"
    " too. Patients to calibrate by and to test by come alike, so for an arm that does not look"
    " ahead one is expected; all arms share one draw of both, and how far such an arm lies from one"
    " is the noise of that draw. Compare arms. The recorded trial below draws all of it anew."
)

# %% [markdown]
# ### Cut first, then fill
#
# Is it the rule, or the order? Let the same rule see, already in training, patients as they were
# known at some hour: cut there, then filled. The network, the number of steps and the choice of the
# step are the same. (A batch holds each patient at four random hours, and the network is asked at
# the last row only.)

# %% tags=["key"]
mended = taught("back fill, cut first", ARMS["back fill"], ON_FILE, cut_first=True)
cut_risk = replayed_risk(mended, ARMS["back fill"], test.rows, at=[decide_h])[:, 0]
others = ON_FILE["calibration"]
their_risk = replayed_risk(mended, ARMS["back fill"], others.rows, at=[decide_h])[:, 0]
mended_slope = trust_slope(fit_logit_line(their_risk, others.outcome)(cut_risk), y)

# %%
run.result("auc_cut_first", rank_auc(cut_risk, y), atol=0.004)
run.result("slope_cut_first", mended_slope, atol=0.02)
cut_lead = rank_auc_difference(cut_risk, replay["carried forward"], y)
run.result("cut_first_lead", cut_lead, atol=0.004)
run.say(
    "Cut first, back fill has an AUC of {auc_cut_first:.3ci} in study and replay alike"
    " ({cut_first_lead:+.3ci} beside the value carried forward), and a slope of"
    " {slope_cut_first:.2ci}. The rule was not the sin; the order was."
)

# %% [markdown]
# ## What missingness adds
#
# The staff orders when it worries, and it sees things that stand in no channel. Masks and intervals
# hand the network this worry. A carried-forward sequence may say when, too: it changes where
# something was measured, and almost only there. The *table* of values holds no sequence and knows
# far less of when. And the decays of GRU-D? And does any of it take a recurrent network?

# %% tags=["key"]
PLAIN = {"masks and intervals": "carried forward", "GRU-D": "carried forward",
         "table": "table of values"}  # the same, without being told when
gain = {name: rank_auc_difference(replay[name], replay[plain], y) for name, plain in PLAIN.items()}
beside = {name: rank_auc_difference(replay[name], read_exactly, y) if SIMULATED else None
          for name in ("carried forward", "table of values", *PLAIN)}
duels = {"grud_masks": ("GRU-D", "masks and intervals"), "grud_table": ("GRU-D", "table"),
         "masks_table": ("masks and intervals", "table")}
between = {key: rank_auc_difference(replay[first], replay[second], y)
           for key, (first, second) in duels.items()}

# %%
for name, lead in gain.items():
    run.result(f"gain_{ids[name]}", lead, atol=0.004)
for name, lead in between.items():
    run.result(f"lead_{name}", lead, atol=0.004)
for name, lead in beside.items() if SIMULATED else ():
    run.result(f"beside_values_{ids[name]}", lead, atol=0.003)
run.say(
    "Beside the value carried forward, masks and intervals bring {gain_masks:+.3ci} and GRU-D"
    " {gain_grud:+.3ci}. To the table, counts and times since bring {gain_table:+.3ci}. GRU-D"
    " stands beside masks and intervals at {lead_grud_masks:+.3ci}; beside the table GRU-D stands"
    " at {lead_grud_table:+.3ci}, masks and intervals at {lead_masks_table:+.3ci}."
)

if SIMULATED:
    run.say(
        "But how much of that is timing? Beside the values read exactly, values carried forward"
        " stand at {beside_values_forward:+.3ci} and the table of values at"
        " {beside_values_bare:+.3ci}; masks and intervals at {beside_values_masks:+.3ci}, GRU-D at"
        " {beside_values_grud:+.3ci}, the table with times at {beside_values_table:+.3ci}."
    )

# %% [markdown]
# A network that gets masks may do two things: read the ward's timing, and read *values* better, for
# now it is told which are fresh. Beside a weak reader of values both look like "what missingness
# adds". (Of the second the trial below sees nothing: on a ward that orders by schedule throughout,
# where masks tell freshness and no more, they add nothing, and after the longest training they cost
# a little.) What lies above the values read exactly
# is owed to timing, and at least that much is; the trial cannot tell it from nothing. Much of what
# timing tells, exactly read values tell too. What does a network learn that reads "the pulse was
# taken five times this evening" as "somebody is worried"?

# %% [markdown]
# ## What breaks it
#
# It learns the ward's habits. Let another hospital look after the *same* test patients. They are as
# ill as before, hour by hour, and the outcome is the same; but this hospital orders by schedule,
# whoever the patient is. Every count is now noise, and whoever counts still believes it. In a third
# one the sickest are measured *least* on paper: they lie on monitors whose numbers go elsewhere.

# %% tags=["key"]
def under(follow):
    """The same test patients, measured by a hospital with another policy."""
    record = wards["test"].records(follow=follow)
    run.uses(record.sample)
    return ward_scale(rows_of(record))[:, :decide_h]


POLICIES = sorted({ordering_reversed, ordering_elsewhere, 0.6, ordering})
measured_there = {follow: under(follow) for follow in POLICIES if follow != ordering}
measured_there[ordering] = ward_parts["test"].rows[:, :decide_h]

# %%
MOVED = ("carried forward", "masks and intervals", "GRU-D")
on_ward = networks if SIMULATED else {
    name: taught(f"{name}, ward", ARMS[name], ward_parts) for name in MOVED}
ward_tables = {"table": table, "table of values": bare} if SIMULATED else {
    "table": tuned(ward_parts, True), "table of values": tuned(ward_parts, False)}


def risks_under(follow):
    rows = measured_there[follow]
    found = {name: replayed_risk(on_ward[name], ARMS[name], rows, at=[decide_h])[:, 0]
             for name in MOVED}
    found |= {name: known.risk(rows) for name, known in ward_tables.items()}
    return found | {"values read exactly": wards["test"].risk_by_values(decide_h, follow=follow)}


# %%
there = {follow: risks_under(follow) for follow in POLICIES}
moved = there[ordering_elsewhere]
loss, turned = (
    {name: rank_auc_difference(there[follow][name], there[follow][plain], everyone)
     for name, plain in PLAIN.items()}
    for follow in (ordering_elsewhere, ordering_reversed))
ids |= {"values read exactly": "exactly"}
for name in moved:
    run.result(f"auc_elsewhere_{ids[name]}", rank_auc(moved[name], everyone), atol=0.005)
for name, lead in loss.items():
    run.result(f"elsewhere_{ids[name]}", lead, atol=0.004)
    run.result(f"reversed_{ids[name]}", turned[name], atol=0.009)

# %%
curves = {name: Line.of(POLICIES, [rank_auc(there[follow][name], everyone) for follow in POLICIES])
          for name in moved}
run.figure(
    line_band(curves, x=("how much ordering follows the staff's concern", ""), y=("AUC", ""),
              mark_x=ordering),
    name="policies", data="simulated",
    alt="AUC over the ordering policy, a line an arm: those that see masks or counts lie highest at"
    " the policy they learned, on the right, and lowest where the sickest are measured least, on"
    " the left; those that see values alone change less.",
    caption="Whoever reads the ward's habits gains where they were learned (dotted) and pays most"
    " where the sickest are measured least (left). Exactly read, values tell least at home, where"
    " orders crowd on few patients and hours. Simulated, the same"
    f" n = {n_test} patients throughout, hour {decide_h}; bands: 95 % over patients.",
)
word = ("it costs" if loss["table"].high < 0 else
        "some is left" if loss["table"].low > 0 else "what is left cannot be told from nothing")
run.say(
    "Measured by schedule, the same patients give the value carried forward an AUC of"
    " {auc_elsewhere_forward:.3ci}, and the values read exactly {auc_elsewhere_exactly:.3ci}"
    " ({auc_values:.3ci} at home: orders that crowd on few patients and hours tell less of values)."
    " Beside the value"
    " carried forward masks and intervals stand at {elsewhere_masks:+.3ci}, GRU-D at"
    " {elsewhere_grud:+.3ci}; the table with times, beside the one without, at"
    " {elsewhere_table:+.3ci}: {word}. Where the sickest are measured least the three stand at"
    " {reversed_masks:+.3ci}, {reversed_grud:+.3ci} and {reversed_table:+.3ci}. (One training each:"
    " what it costs the networks by schedule beside the value carried forward, the trial below does"
    " not confirm. Beside the table of values it finds them lower, and the value carried forward as"
    " well.)", word=word,
)

# %% [markdown]
# Nothing warns of it. The values look as they always did, and so do the patients. A new order set,
# a shortage of reagents, a study that pays for a daily lactate is enough. So watch *counts*, not
# only values, when a model moves. Could one thin the old records to a schedule on paper, and try
# there? Thinning cannot invent measurements that nobody ordered; what is left still depends on
# worry. At home gaps follow what nobody recorded, which is called *missing not at random*.

# %% [markdown]
# ### Where there is nothing to read
#
# Is it really the staff's worry that the masks carry, or would any second grid of numbers do? The
# control is a ward that measures by schedule *throughout*, in training as in the test. Who is
# measured then depends on nothing, neither on what was seen nor on what was not. This is what came
# to be called *missing completely at random*; when gaps may be ignored,
# [Rubin 1976](https://doi.org/10.1093/biomet/63.3.581) asks. A network that sees masks and
# intervals *alone* must then know nothing at all.

# %% tags=["key"]
random_records = {split: wards[split].records(follow=ordering_control) for split in FILMED}
random_rows = {split: rows_of(record) for split, record in random_records.items()}
random_scale = Scale.of(random_rows["train"])
random_parts = {split: scaled(rows, wards[split].outcome, random_scale)
                for split, rows in random_rows.items()}
network = taught("masks alone", ARMS["masks alone"], random_parts)
by_schedule = replayed_risk(
    network, ARMS["masks alone"], random_parts["test"].rows, at=[decide_h])[:, 0]

# %%
for record in random_records.values():
    run.uses(record.sample)
blind = rank_auc(by_schedule, everyone)
chance = auc_by_chance(int(everyone.sum()), int((1 - everyone).sum()), level=0.99)
run.result("auc_masks_alone_by_schedule", blind, atol=0.005)
run.say(
    "On a ward that measures by schedule, masks and intervals alone have an AUC of"
    " {auc_masks_alone_by_schedule:.3ci}; by chance it lies between {low:.3f} and {high:.3f} in 99"
    " of 100 draws of as many patients.", low=chance[0], high=chance[1],
)

# %% [markdown]
# ## Films, by the day
#
# A film says how cloudy the lungs are, which the record hardly knows early in the day. A
# small convolutional network first learns to grade the training patients' films as a radiologist
# did (here: the share of the lungs that is cloudy) and is then left as it is; of each film it hands
# on sixteen numbers.
#
# How should a state that changes hourly use a film that is nine hours old? By **attention across
# the two**: the record's state at hour $t$ asks (a query $q_t$ of $d$ numbers), each film $j$,
# taken at $t_j$, answers with a key $k_j$ and a value $v_j$, both learned from its numbers, and
# films count less with age, at a learned rate $\rho$ per day:
#
# $$ a_{tj} = \frac{q_t \cdot k_j}{\sqrt d} - \rho\,\frac{t - t_j}{24} \ \text{ for } t_j \le t,
#    \qquad o_t = \frac{\sum_j e^{a_{tj}}\, v_j}{1 + \sum_j e^{a_{tj}}} . $$
#
# That is a softmax with one answer more, "no film", whose score and value are zero: before the
# first film it takes all the weight, and it keeps a share afterwards. A film that is not yet taken
# has the score $-\infty$ and so the weight zero, exactly. That one line is what makes it *causal*;
# without it the network would read tomorrow's film.

# %% tags=["key"]
hours, taken = torch.arange(1.0, 7.0), torch.tensor([2.5, 5.0])
score = torch.zeros(6, 2) - 0.7 * (hours[:, None] - taken) / 24  # q · k = 0, ρ = 0.7 a day
score = score.masked_fill(taken > hours[:, None], -torch.inf)
weight = torch.softmax(torch.cat([score, torch.zeros(6, 1)], dim=1), dim=1)
print(weight.numpy().round(2), "two films and none, hours 1 to 6", sep="\n")

# %% [markdown]
# Films and record can be joined **early**, so that each can change what the other means: the record
# asks, and state and answer go through a small network together. We call that *attention*. Or
# **late**, a *sum*: the record has its logit, the films have theirs, weighed by an attention that
# asks the same of everybody, and the two are added; neither knows of the other, but both are taught
# together. What films add is measured against the *same* network, trained in the same way, from
# which all films are withheld.

# %%
reader = fit_film_reader(
    torch.from_numpy(films["train"].sample.array),
    torch.from_numpy(films["train"].cloudy.astype(np.float32)),
    steps=n_steps, generator=run.torch_generator("film reader"), device=run.device,
)
graded = reader.grade(film_vectors(reader, torch.from_numpy(films["test"].sample.array))
                      .to(run.device))[:, 0].detach().cpu().numpy()
run.result("film_grade_correlation", np.corrcoef(graded, films["test"].cloudy)[0, 1], atol=0.01)


# %%
def shelf_of(split):
    """The films of a split beside their patients."""
    own = films[split]
    vectors = film_vectors(reader, torch.from_numpy(own.sample.array))
    return FilmShelf.of(vectors, own.patients, own.hours, n=SIZES[split])


def withheld(shelf):
    return FilmShelf(shelf.vectors, torch.full_like(shelf.hours, torch.inf))


def shown(shelf):
    return shelf


FUSED = {"record alone": ("attention", withheld), "attention": ("attention", shown),
         "late": ("late", shown)}


# %% tags=["key"]
RECORD = ARMS["masks and intervals"]
shelves = {split: shelf_of(split) for split in FILMED}
joined, with_films = {}, {}
for name, (fusion, kept) in FUSED.items():
    shelf = {split: kept(each) for split, each in shelves.items()}
    learn, check = ((ward_parts[split], shelf[split]) for split in ("train", "validation"))
    joined[name], _ = fit_film_risk(
        RECORD, fusion, learn, check, recipe=RECIPE, generator=run.torch_generator(name))
    with_films[name] = film_risk(
        joined[name], RECORD, ward_parts["test"].rows, shelf["test"], hours=HOURS)

# %% [markdown]
# Is it causal? Change everything after hour 12, values, masks and films, and look whether one bit
# of the risks before has changed. And would the check see it if the one line were missing? Take it
# out, and ask again.

# %% tags=["key"]
def hours_that_change(network, looks_back):
    network.attention.looks_back = looks_back
    rows, shelf = ward_parts["test"].rows, shelves["test"]
    after = rows.copy()
    after[:, 12:] = rows[::-1, 12:]  # the afternoon of somebody else
    swapped = torch.where((shelf.hours > 12)[..., None], -shelf.vectors, shelf.vectors)
    first, then = (film_risk(network, RECORD, *seen, hours=HOURS)
                   for seen in ((rows, shelf), (after, FilmShelf(swapped, shelf.hours))))
    return (first != then).any(axis=0)

# %%
lines = {"with the line": looks_back, "without it": False}
changed = {name: hours_that_change(joined["attention"], back) for name, back in lines.items()}
for name, key in {"with the line": "before", "without it": "before_planted"}.items():
    run.result(f"changed_{key}", float(changed[name][:12].sum()), unit="hours")
run.say("Of the twelve hours before, {changed_before:.0f} change; without the line"
        " {changed_before_planted:.0f}.")
joined["attention"].attention.looks_back = True

# %%
alone = with_films["record alone"]

# %%
film_gain = {(fusion, hour): rank_auc_difference(with_films[fusion][:, hour - 1],
                                                 alone[:, hour - 1], everyone)
             for fusion in ("attention", "late") for hour in {film_h, HOURS}}
for (fusion, hour), lead in film_gain.items():
    run.result(f"films_{fusion}_{'early' if hour == film_h else 'end'}", lead, atol=0.002)
for hour in {film_h, HOURS}:
    lead = rank_auc_difference(with_films["attention"][:, hour - 1],
                               with_films["late"][:, hour - 1], everyone)
    run.result(f"attention_lead_{'early' if hour == film_h else 'end'}", lead, atol=0.004)

# %%
ASKED = [2, 4, 6, 9, 12, 16, 20, 24]


def gain_by_hour(risks):
    """How far risks lead those of the record alone, hour by hour."""
    leads = [rank_auc_difference(risks[:, hour - 1], alone[:, hour - 1], everyone)
             for hour in ASKED]
    return Line.of(ASKED, leads)


run.figure(
    line_band({word: gain_by_hour(with_films[name])
               for word, name in (("attention", "attention"), ("sum of two logits", "late"))},
              x=("hour", "h"), y=("AUC beside the record alone", ""), x_ticks=ASKED, level=0.0),
    name="films_by_hour", data="simulated",
    alt="What films add to the AUC over the hours of the first day: two lines with bands, attention"
    " and a sum of logits, beside zero.",
    caption="What films add, hour by hour. It is less at the end of the day: the record may catch"
    f" up, or films may age. One training each. Simulated, n = {n_test} patients; bands: 95 % over"
    " patients, paired.",
)

# %%
run.say(
    "The reader's grades correlate with the truth by {film_grade_correlation:.2f} on new films. At"
    " hour {early} films add {films_attention_early:+.3ci} by attention and"
    " {films_late_early:+.3ci} by a sum; at hour {end} {films_attention_end:+.3ci} and"
    " {films_late_end:+.3ci}. Attention beside the sum: {attention_lead_early:+.3ci} at hour"
    " {early}, {attention_lead_end:+.3ci} at hour {end}."
    if film_h < HOURS else
    "At hour {early} films add {films_attention_early:+.3ci} by attention.",
    early=film_h, end=HOURS,
)

# %% [markdown]
# Is adding two logits right in theory? Bayes' rule adds them where the two are independent given
# the *outcome*, and these are not: both look at the same lungs, so two logits that were learned
# apart would count them twice. Here they are learned together, and each takes back what the other
# says already. Where one changes what the other *means*, a sum may not be enough. The trial below
# has such a ward, too: films whose grade is turned round in half of the patients, and a record that
# shows in whom.

# %% [markdown]
# ## Each arm at its own rate, to its end
#
# One draw, one rate and one length rank nothing for sure; all networks above are illustrations. In
# a *recorded trial* each arm chooses among three rates, and then among three strengths of weight
# decay, by what validates best on *its own* validation files at the middle length. With these it is
# trained for one, two and four times the steps; tables have no length. The seed draws patients,
# first weights and batches, and is the unit of the intervals. Our conclusions rest on this trial,
# and each must hold at all three lengths. Two things are not equal: many choices lie on the edge of
# the grid (with three of each, two are edges), so networks, and the table of values, may not be
# tuned to the last; and tables are fitted for the hour of decision, networks for all hours of the
# day. The *best table* is a logistic regression or boosted trees, whichever validates better.

# %%
trial = experiment.recorded(run, "_arms_to_their_end/sweep")
MULTIPLES = (1, 2, 4)
LEADS = {
    "back fill, the study beside the ceiling": "above_back_fill",
    "the same with masks and intervals": "above_back_fill_with_masks",
    "interpolation, the study beside the ceiling": "above_interpolation",
    "back fill, what the replay takes": "fall_back_fill",
    "back fill in the replay, beside carried forward": "then_back_fill",
    "back fill in the replay, beside the table of values": "then_table_back_fill",
    "back fill cut first, beside carried forward": "then_back_fill_cut_first",
}

# %%
PAIRS = {
    "table with times beside table of values": "table_bare",
    "masks and intervals beside table of values": "masks_and_intervals_bare",
    "GRU-D beside table of values": "grud_bare",
    "masks and intervals beside carried forward": "masks_forward",
    "GRU-D beside carried forward": "grud_forward",
}

# %%
PAIRS |= {
    "carried forward beside values read exactly": "carried_forward_values",
    "table with times beside values read exactly": "table_values",
    "masks and intervals beside values read exactly": "masks_and_intervals_values",
    "GRU-D beside masks and intervals": "grud_masks",
    "masks and intervals beside the best table": "masks_and_intervals_table",
    "GRU-D beside the best table": "grud_table",
}

# %%
FILMS = {
    "attention beside the record alone": ("films_attention", "films"),
    "sum of two logits beside the record alone": ("films_late", "films"),
    "attention beside the sum": ("attention_late", "films"),
    "attention beside the sum, where the record turns films round": ("attention_late", "by_sign"),
}

# %% tags=["key"]
def over_seeds(key, length, kind="home"):
    return mean_interval(trial.array(f"{key}_{length}", kind=kind), unit="AUC")


def surely(key, sign=1, kind="home"):
    """What the intervals over seeds leave of a difference, at the length that leaves least."""
    ends = [over_seeds(key, length, kind) for length in MULTIPLES]
    return min(end.low if sign > 0 else -end.high for end in ends)


# %%
def at_each_length(what, key, kind="home"):
    return {"difference": what} | {
        f"{length * trial.fixed['n_steps']} steps": f"{over_seeds(key, length, kind):+.3ci}"
        for length in MULTIPLES}


OVER = (f" Recorded, simulated: differences of AUC, means over n = {len(trial.seeds)} seeds"
        " with 95 % t intervals.")
run.table([at_each_length(*row) for row in LEADS.items()], name="leaks_to_the_end",
          caption=f"What leaks, and what a replay leaves of it.{OVER}")

# %%
last = MULTIPLES[-1]
PLACES = {"home": "as at home", "schedule": "by schedule", "reversed": "the sickest least"}


def one_beside(first, second, place, length):
    """How far an arm leads another under a policy, from the recorded AUC of each."""
    upper, lower = (trial.array(f"auc_{name}_{place}_{length}", kind="home")
                    for name in (first, second))
    return mean_interval(upper - lower, unit="AUC")


# %%
UNTOLD = "carried forward, told nothing, beside table of values"
worth = [{"difference": UNTOLD} | {
    f"measured {how}": f"{one_beside('carried_forward', 'values_table', place, last):+.3ci}"
    for place, how in PLACES.items()}]
worth += [{"difference": what} | {
    f"measured {how}": f"{over_seeds(f'{key}_{place}', last):+.3ci}"
    for place, how in PLACES.items()} for what, key in PAIRS.items()]
run.table(worth, name="timing_to_the_end", caption="What timing is worth where it was learned,"
          f" and elsewhere, after the longest training.{OVER}")

# %% [markdown]
# Read it by columns. At home the first row is nothing, and the next five gain: *when* is worth
# something there. Where the sickest are measured least all six lose in the mean, and the first four
# surely; also the very first, which is told nothing. So what an arm loses beside the table of
# values is not all owed to being told *when*. For each arm there are then two things to ask. Does
# it fall behind its twin, the same without being told? And does it fall below the network that is
# told nothing, too? Here is the ward where the sickest are measured least, at each length.

# %%
TWINS = {
    UNTOLD: ("carried_forward", "values_table"),
    "table with times beside table of values": ("table", "values_table"),
    "table with times beside carried forward": ("table", "carried_forward"),
    "masks and intervals beside carried forward": ("masks_and_intervals", "carried_forward"),
    "GRU-D beside carried forward": ("grud", "carried_forward"),
}
run.table([{"difference": what} | {
    f"{length * trial.fixed['n_steps']} steps": f"{one_beside(*pair, 'reversed', length):+.3ci}"
    for length in MULTIPLES} for what, pair in TWINS.items()], name="told_and_untold",
    caption=f"Where the sickest are measured least; a table has no length.{OVER}")

# %% [markdown]
# The table with times, which gained at home as much as any network, loses most: surely beside its
# twin, and surely beside the network that is told nothing. Of the networks' loss beside the table
# of values about a third to more than a half is there in the network that is told nothing. Why,
# these arms do not tell: a
# carried-forward sequence may know when, too, or networks bear a move worse than a linear table.
# What is left to masks and intervals, and to GRU-D, beside their own twin is sure after the
# shorter trainings and not after the longest.

# %%
hour = trial.fixed["film_h"]
table_rows = [at_each_length(what, f"{key}_{hour}", kind)
              for what, (key, kind) in FILMS.items()]
table_rows.append(at_each_length("masks and intervals beside carried forward, on a ward that"
                                 " orders by schedule throughout", "by_schedule", "schedule"))
run.table(table_rows, name="films_to_the_end", caption=f"Films at hour {hour}, and timing where"
          f" it depends on nothing.{OVER}")

# %% [markdown]
# That a sum falls behind where the record turns films round, these seeds do not settle: no row of
# attention beside the sum is sure at all three lengths. There a sum can use no film at all, for
# which way a film points is decided by a coin. So attention's lead there is about all it has
# learned to use of films: a quarter to three fifths of what they add in the first row, though here
# their true grades are handed over. Where attention hardly leads, that may then be the task, or
# *this* attention, which is too weak to use what only joining can show. And the last row is what
# masks add where they can tell nothing but freshness: nothing, and after the longest training a
# small, sure loss.

# %%
def slope(name, length):
    return trial.array(f"slope_replay_{name}_{length}", kind="home")


SLOPES = {"carried forward": "carried_forward", "back fill": "back_fill",
          "back fill with masks": "back_fill_with_masks", "interpolation": "interpolation",
          "back fill, cut first": "back_fill_cut_first"}
run.table(
    [{"arm": name} | {f"{length * trial.fixed['n_steps']} steps":
                      f"{mean_interval(slope(key, length)):.2ci}" for length in MULTIPLES}
     for name, key in SLOPES.items()], name="slopes_to_the_end",
    caption="Slope of calibrated risks in the replay; patients to calibrate and to test by are"
    " drawn anew with each seed, and shared by all arms and lengths: compare rows, for what all"
    f" have in common is noise of the draw. Means over n = {len(trial.seeds)} seeds, 95 % t"
    " intervals.")

# %%
edges = {what: np.concatenate([trial.array(name, kind=kind).ravel() for kind, name in {
    (row.parameters["kind"], row.result) for row in trial.rows()
    if row.result.startswith(f"{what}_edge_")}]) for what in ("rate", "decay")}
run.say("{made} Of {n} choices {rate:.0f} took the lowest or highest rate, {decay:.0f} the"
        " weakest or strongest decay.", made=str(trial.made), n=edges["rate"].size,
        **{what: found.sum() for what, found in edges.items()})

# %% [markdown]
# ## What we claim
#
# What knowing *when* costs elsewhere we first asked beside the network with values carried forward.
# There the loss of the two networks is not certain after the longest training, and by schedule not
# even its sign. An earlier form of this page then held them beside the table of values, where their
# loss is certain; but so is the loss of the network that is told nothing, and a claim that such an
# arm passes says nothing of being told. We have dropped it. What is left is asked of the table
# alone, beside two arms that are told nothing; of the networks we claim no loss. It was put into
# these words after all five seeds had been seen, so no seed of the trial is left to confirm it.

# %%
filled = {"back": ("back_fill", "back_fill_with_masks"),
          "forward": ("carried_forward", "masks_and_intervals")}[ahead]
margin = min(surely(f"above_{name}") for name in filled)
run.claim("filled before it is cut, back fill scores above what anybody could have known at"
          " the hour, without masks and intervals and with them, at each of three lengths of"
          " training", margin > 0, margin=margin, unit="AUC",
          falsified_by="falsify_no_row_from_ahead")
other = {"back": "back_fill", "forward": "back_fill_cut_first"}[ahead]
margin = min(mean_interval(slope("carried_forward", length) - slope(other, length)).low
             for length in MULTIPLES)
run.claim("calibrated on files filled as its own were, back fill's risks are more extreme in"
          " the replay than those of the value carried forward, at each of three lengths of"
          " training", margin > 0, margin=margin,
          falsified_by="falsify_no_row_from_ahead")

# %%
margin = surely(f"table_bare_{at_home}")
run.claim("at home, counts and times since add to a table of values", margin > 0,
          margin=margin, unit="AUC", falsified_by="falsify_measured_elsewhere")
lowest = {"times": "table", "nothing": "carried_forward"}[told]
margin = min(-one_beside(lowest, other, "reversed", length).high
             for other in ("values_table", "carried_forward") for length in MULTIPLES)
run.claim("where the sickest are measured least, the table with counts and times since ranks below"
          " the table of values, and below a network that is told nothing of when, at each of three"
          " lengths of its training", margin > 0,
          margin=margin, unit="AUC", falsified_by="falsify_told_nothing")
rival = "table" if table_timing else "bare"
margin = 0.01 + min(surely(f"{name}_{rival}_home", sign=-1)
                    for name in ("masks_and_intervals", "grud"))
run.claim("neither masks and intervals nor GRU-D lead a tuned table of last values, counts and"
          " times by more than .01 of AUC, at each of three lengths of training",
          margin > 0, margin=margin, unit="AUC",
          falsified_by="falsify_table_without_times")

# %%
margin = min(chance[1] - blind.value, blind.value - chance[0])
run.claim("where all is ordered by schedule, masks and intervals alone tell nothing",
          margin >= 0, margin=margin, unit="AUC", control=True,
          falsified_by="falsify_control_orders_by_concern")
seen, planted = (changed[name][:12].sum() for name in lines)
run.claim("no risk changes with what comes later, and without the one line it does",
          seen == 0 < planted, control=True, margin=float(12 * (seen == 0 < planted) - seen),
          unit="hours", falsified_by="falsify_looks_ahead")

# %%
lead = {"films": "attention_late", "nothing": "films_attention"}[sum_sees]  # beside the record
spare = [trial.array(f"films_attention_{hour}_{length}", kind="films") / 3
         - trial.array(f"{lead}_{hour}_{length}", kind="films") for length in MULTIPLES]
adds = [surely(f"films_{fusion}_{hour}", kind="films") for fusion in ("attention", "late")]
margin = min(*adds, *(mean_interval(each).low for each in spare))
run.claim("early in the day films add to the record, and attention leads the sum of two logits"
          " by less than a third of what they add, at each of three lengths of training",
          margin > 0, margin=margin, unit="AUC", falsified_by="falsify_sum_sees_nothing")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Cut first, then fill. A rule that looks at a later row leaks, however harmless its name, and
#   masks and intervals beside it do not mend that.
# - A leak does not show in the study, nor in validation files that were filled alike. It shows in a
#   replay of the same patients hour by hour, against a ceiling (where a simulation knows it), and
#   in risks that are too extreme.
# - When something was measured is information about the people who ordered it. Hold it against the
#   best reading of the values, not against a weak one, before you say what it is worth. Ask how a
#   model does under another policy *before* it moves: old records cannot tell, for what nobody
#   ordered is not in them.
# - Build the table of last values, counts and times since first, and tune it with care. It is as
#   good as the networks at home, and pays for it where habits are turned round.
# - Attention across films and records is causal by one line, a mask; take it out once and see your
#   test go red. What films add depends on the hour; how far a sum of two logits goes, ask with an
#   attention that is strong enough to lead where it can.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("records-decay")` gives a hint, and then another;
# `run.solution("records-decay")` shows how it is done.
#
# ```{exercise}
# :label: records-decay
# A lactate two standard deviations above the mean was measured 36 hours ago, and never since.
# GRU-D has learned $W = 0.5$ per day and $b = 0$ for this channel. What does GRU-D see now, in
# standard deviations above the mean?
# ```

# %% tags=["self-check"]
x_hat_now = None  # standard deviations
run.check("records-decay", x_hat_now)

# %% [markdown]
# ```{exercise}
# :label: records-since
# Write `since(mask)`: from the mask of one channel, a list of zeros and ones (one an hour), the
# hours since the last measurement *before* each hour, as $\delta$ is defined above.
# ```

# %% tags=["self-check"]
def since(mask):
    ...  # a list, as long as the mask


run.check("records-since", since)

# %% [markdown]
# ```{exercise}
# :label: records-known
# Write `fill_at(row, hour)`: `row` is one channel of one patient, a list of numbers with `nan`
# where nothing was measured. Return the first `hour` values, interpolated in straight lines as one
# could have done *at that hour*; before the first value, that value; after the last, the last;
# nothing known: zeros.
# ```

# %% tags=["self-check"]
def fill_at(row, hour):
    ...  # a list of `hour` numbers


run.check("records-known", fill_at)

# %% [markdown]
# ```{exercise}
# :label: records-harmless
# A colleague standardises each patient's values by *that patient's own* mean and standard deviation
# over the whole stay, and then carries the last value forward. What is it?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("records-harmless", answer)

# %% [markdown]
# ```{exercise}
# :label: records-policy
# At home a count of lactates raises the risk: each one multiplies the odds by $1.5$, and on
# average a patient has two. A new hospital gives everybody four, whatever the patient is. By what
# factor are the odds too high there, for the average patient, if nothing else changes?
# ```

# %% tags=["self-check"]
factor = None  # a number
run.check("records-policy", factor)

# %% [markdown]
# ## Further reading
#
# - Z. Che et al., GRU-D:
#   [doi:10.1038/s41598-018-24271-9](https://doi.org/10.1038/s41598-018-24271-9)
# - D. B. Rubin, when missing data may be ignored:
#   [doi:10.1093/biomet/63.3.581](https://doi.org/10.1093/biomet/63.3.581)
# - D. Agniel, I. S. Kohane, G. M. Weber, when a test was ordered often tells more than its value:
#   [doi:10.1136/bmj.k1479](https://doi.org/10.1136/bmj.k1479)
# - B. van Calster et al., why calibration is looked at beside the AUC:
#   [doi:10.1186/s12916-019-1466-7](https://doi.org/10.1186/s12916-019-1466-7)
# - S. Kaufman et al., leakage:
#   [doi:10.1145/2382577.2382579](https://doi.org/10.1145/2382577.2382579)
# - J. Platt, a line through the logits: in Advances in Large Margin Classifiers (MIT Press, 1999),
#   without a DOI
# - A. Vaswani et al., attention:
#   [doi:10.48550/arXiv.1706.03762](https://doi.org/10.48550/arXiv.1706.03762)
# - R. E. Kalman, the filter: [doi:10.1115/1.3662552](https://doi.org/10.1115/1.3662552)
# - I. Silva et al., Computing in Cardiology 39, 245 (2012): the
#   [PhysioNet Challenge of 2012](https://physionet.org/content/challenge-2012/1.0.0/)
# - A. L. Goldberger et al., PhysioNet:
#   [doi:10.1161/01.CIR.101.23.e215](https://doi.org/10.1161/01.CIR.101.23.e215)
