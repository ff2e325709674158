"""The checks of the exercises of diagnosis/images_and_records."""

import math

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ------------------------------------------------------------ a value that fades

DECAY = Number(
    name="records-decay",
    asks="value that GRU-D sees",
    unit="standard deviations",
    answer=2 * math.exp(-0.75),
    tolerance=0.01,
    within=(-10, 10),
    mistakes=[
        Mistake(math.exp(-0.75), "that is the share that is left; of which value?"),
        Mistake(2 * math.exp(-18), "the rate is per *day*, and you multiplied it with hours"),
        Mistake(2 * math.exp(-0.5), "that is after one day; how many days are 36 hours?"),
        Mistake(2 * (1 - math.exp(-0.75)), "that is what was lost, not what is left"),
        Mistake(2.0, "that is the value carried forward; with decays it fades to the mean"),
        Mistake(2 * (1 - 0.75), "a straight line; the decay is an exponential"),
        Mistake(2 * 0.5**1.5, "you took W for the share that is left; it stands in an exponent"),
    ],
    otherwise="how many days have passed, and which share of the value is left after so many?",
    hints=[
        "Nothing was measured now: the mask is zero, and one of the two terms vanishes.",
        "36 hours are a day and a half: the exponent is minus W times that.",
    ],
    solution=r"""
$\gamma = e^{-\max(0,\, 0.5 \cdot 1.5 + 0)} = e^{-0.75} = 0.47$, and the gate sees $0.47 \cdot 2 =
0.94$ standard deviations: half of the alarm has gone to the mean.
""",
    wrong=[0.5, 1.2, 0.4],
)

# ------------------------------------------------------------ hours since the last

MASKS = ([1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 1, 1], [0, 0, 0], [1], [1, 1, 1, 1])


def true_since(mask):
    """δ of the chapter, hour by hour."""
    hours = [0]
    for before in mask[:-1]:
        hours.append(1 if before else hours[-1] + 1)
    return hours


def check_since(answer, scene):
    """Compare with the definition, on five masks."""
    for mask in MASKS:
        right = true_since(mask)
        given = as_array(attempt(answer, list(mask)), shape=(None,), means="hours").tolist()
        if len(given) != len(right):
            return f"for the mask {mask} it returns {len(given)} numbers; one an hour is asked for"
        if given == right:
            continue
        own = [0 if m else hours for m, hours in zip(mask, right, strict=True)]
        if given == own:
            return "an hour with a measurement of its own counts from the one *before* it"
        if given[1:] == [h + 1 for h in right[1:]] or given[1:] == [h - 1 for h in right[1:]]:
            return "you are off by one: the hour after a measurement is one hour since"
        if any(m and g == 0 for m, g in zip(mask, given[1:], strict=False)):
            return "the hour after a measurement is one hour since, not none"
        if given[:2] == [0, 0] and right[:2] == [0, 1]:
            return "before the first measurement it counts from the first hour: 0, 1, 2, ..."
        if given[0] != 0:
            return "the first hour has nothing before it: there the interval is zero"
        if given == right[::-1]:
            return "it is turned round: time runs from left to right"
        return f"for the mask {mask} it returns {given}, and δ is {right}"
    return None


SINCE = Code(
    name="records-since",
    asks="a function of a mask",
    check=check_since,
    example=lambda scene: true_since,
    hints=[
        "Keep a list that begins with the interval of the first hour, and append one hour after the"
        " other.",
        "Whether it starts again at one depends on the mask of the hour *before*.",
    ],
    solution=r"""
```python
def since(mask):
    hours = [0]
    for before in mask[:-1]:
        hours.append(1 if before else hours[-1] + 1)
    return hours
```
""",
    wrong=[
        lambda scene: (
            lambda mask: [0 if m else h for m, h in zip(mask, true_since(mask), strict=True)]
        ),
        lambda scene: lambda mask: [h + 1 for h in true_since(mask)],
        lambda scene: lambda mask: true_since(mask)[::-1],
        lambda scene: lambda mask: [0, *[1] * (len(mask) - 1)],
        lambda scene: lambda mask: true_since(mask)[1:],
        lambda scene: lambda mask: list(range(len(mask))),
        lambda scene: [0, 1, 2],
    ],
)

# ------------------------------------------------------------ what could be known

NAN = float("nan")
ROWS = (
    [NAN, 2.0, NAN, NAN, 5.0, NAN, 1.0, NAN],
    [4.0, NAN, NAN, NAN, 0.0, NAN, NAN, 3.0],
    [NAN, NAN, NAN, NAN, 7.0, NAN],
    [NAN, NAN, NAN, NAN, NAN, NAN],
)


def filled(row):
    """Straight lines between values, the nearest value beyond them, zeros where there is none."""
    row = np.asarray(row, dtype=float)
    seen = np.flatnonzero(~np.isnan(row))
    if not len(seen):
        return [0.0] * len(row)
    return np.interp(np.arange(len(row)), seen, row[seen]).tolist()


def true_fill(row, hour):
    """Cut, then fill."""
    return filled(row[:hour])


def check_fill(answer, scene):
    """Compare at several hours with what could be known."""
    for row in ROWS:
        for hour in (3, 4, 6):
            right = true_fill(row, hour)
            given = attempt(answer, list(row), hour)
            given = as_array(given, shape=(None,), means="values").tolist()
            if len(given) != hour:
                return f"at hour {hour} it returns {len(given)} values; there are {hour} rows then"
            if np.allclose(given, right):
                continue
            if np.allclose(given, filled(row)[:hour]):
                return "it knows later hours: it fills the whole row and cuts it then"
            if np.allclose(given, filled(row[: hour + 1])[:hour]):
                return "it sees an hour too many"
            carried = [right[0]]
            for value in row[1:hour]:
                carried.append(carried[-1] if np.isnan(value) else value)
            if np.allclose(given, carried):
                return "between two known values a straight line is asked for"
            last = max((k for k in range(hour) if not np.isnan(row[k])), default=hour)
            if np.allclose(given[: last + 1], right[: last + 1]):
                return "after the last value that is known, that value goes on"
            if given[0] == 0 and right[0] != 0:
                return "before the first value, that value; zeros only where nothing is known"
            return f"at hour {hour} of {row} it returns {given}; one could have known {right}"
    return None


KNOWN = Code(
    name="records-known",
    asks="a function of a row and an hour",
    check=check_fill,
    example=lambda scene: true_fill,
    hints=[
        "Which part of `row` may the function look at? Begin with that, and forget the rest.",
        "Find where something is known, and draw lines between these places; beyond the ends a"
        " value goes on as it is. One function of NumPy does both.",
    ],
    solution=r"""
```python
def fill_at(row, hour):
    known = np.asarray(row[:hour], dtype=float)
    seen = np.flatnonzero(~np.isnan(known))
    if not len(seen):
        return [0.0] * hour
    return np.interp(np.arange(hour), seen, known[seen]).tolist()
```

The slice in the first line is all the difference.
""",
    wrong=[
        lambda scene: lambda row, hour: filled(row)[:hour],
        lambda scene: lambda row, hour: filled(row[: hour + 1])[:hour],
        lambda scene: lambda row, hour: np.nan_to_num(row[:hour]).tolist(),
        lambda scene: lambda row, hour: row[:hour],
        lambda scene: lambda row, hour: filled(row[:hour])[-1],
        lambda scene: lambda row, hour: filled(row),
        lambda scene: 3.0,
    ],
)

# ------------------------------------------------------------ a quiet leak

HARMLESS = Choice(
    name="records-harmless",
    asks="what it is",
    options={
        "a": "Harmless: the last value carried forward looks at no later row.",
        "b": "Harmless, as long as the test patients' own outcomes are not used.",
        "c": "A leak: the mean and the deviation of the stay hold values that were not there yet.",
        "d": "A leak only if the patient's mean differs from the population's.",
        "e": "No leak, but it removes what distinguishes patients from each other.",
        "f": "Harmless: nothing passes from one patient to another; training and test stay apart.",
    },
    answer="c",
    because={
        "a": "the filling does not look ahead; but does the scale?",
        "b": "a leak of the future needs no outcome: later values are enough",
        "d": "it is one whatever the means are: a later rise lowers all earlier values",
        "e": "it does remove that; but ask first what the scale knows at hour 4",
        "f": "that leak is shut out, and it is the one that most people look for; this one runs"
        " inside a patient, from his later hours to his earlier ones",
    },
    hints=[
        "Take a patient whose values rise on the second day. What does his first day look like?",
        "Would a replay at hour 4 get the same numbers as the study?",
    ],
    solution=r"""
A patient whose lactate rises on the second day has a high mean over the stay, and so his first day
looks *low* on his own scale: the network learns that low is bad. In a replay the mean is that of
the hours so far, and the sign is gone. A scale is a filling rule, too: training patients' means are
fine, a patient's own only up to the hour.
""",
)

# ------------------------------------------------------------ a count elsewhere

POLICY = Number(
    name="records-policy",
    asks="factor on the odds",
    answer=2.25,
    tolerance=0.01,
    within=(0, 1000),
    mistakes=[
        Mistake(1.5**4, "that counts all four; two of them are expected at home, too"),
        Mistake(1.5, "there are two more than at home, and each has its factor"),
        Mistake(3.0, "factors of odds multiply; they are not added"),
        Mistake(6.0, "factors of odds multiply, one for each that is more than at home"),
        Mistake(2.0, "that is how many more there are; what does each do to the odds?"),
        Mistake(1 / 2.25, "that is how far they would be too *low*"),
        Mistake(2 * math.log(1.5), "that is on the scale of log odds; take the exponential"),
    ],
    otherwise="how many more are there than at home, and what does each one do to the odds?",
    hints=[
        "In a logistic regression a count adds to the log odds; what does it do to the odds?",
        "Compare four with the two that the average patient has at home.",
    ],
    solution=r"""
Two more than at home, each with a factor of $1.5$: the odds are $1.5^2 = 2.25$ times too high, for
patients who are as ill as before.
""",
    wrong=[0.81, 7, -1],
)

EXERCISES = [DECAY, SINCE, KNOWN, HARMLESS, POLICY]
