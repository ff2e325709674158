"""The checks of the exercises of systems/from_scanner_to_decision."""

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

KILL = Choice(
    name="whole-journey-kill",
    asks="what the rerun does",
    options={
        "a": "It does the step once more; nothing shows.",
        "b": "It takes the step for done, and goes on without its files.",
        "c": "It does the step, finds other files than the line's, and stops, now and always.",
        "d": "It cannot start, as the chain of the ledger is broken.",
        "e": "It starts the study anew from its first step.",
        "f": "It does the step again under another UID, and the archive keeps both masks.",
    },
    answer="c",
    because={
        "a": "so it is in the order of this page; but now a line stands there, of other files",
        "b": "a line alone is not believed: the files must be there, with the line's digests",
        "d": "the line is whole and its digest right; a chain does not see that it came too early",
        "e": "the steps before have their lines and their files, and are kept",
        "f": "the UID follows from key, study and purpose; nor does this run get to the archive",
    },
    hints=[
        "How does the rerun know that a step was done? It asks two things: line and files.",
        "It is done again. What does the ledger then hold of it, and what lies in its folder?",
    ],
    solution=r"""
The line says that the step is done, and it is not: a promise before its fulfilment. The files are
not there, so the step is done again; now there is a mask, and the line speaks of an empty folder.
A ledger is not corrected, so this run stops, and so does every later one: the study is never read,
and somebody must be told. (A step such as *gate*, which leaves no file, would be done again and
nothing would show.) A line that can be written before its step says nothing of what the step made.
Digests force the right order upon us: files first, then the line.
""",
)

VOLUME = Number(
    name="whole-journey-volume",
    asks="volume in ml",
    answer=5.0,
    tolerance=0.12,
    within=(0.01, 1e5),
    mistakes=[
        Mistake(2.5, "half of the voxels are gone; but how far apart are the slices that came?"),
        Mistake(10.0, "slices are twice as far apart, but only half of the voxels are there"),
        Mistake(5000.0, "that is in cubic millimetres; a millilitre has a thousand of them"),
        Mistake(1.0, "a voxel is as thick as the step between slices, too"),
        Mistake(20.0, "that is one voxel in cubic millimetres; there are more"),
    ],
    otherwise="count the voxels that came, and take the size of one from the slices that came",
    hints=[
        "How large is a voxel if every second slice is missing?",
        "Twice as large, and half as many.",
    ],
    solution=r"""
About 125 voxels of $2 \times 2 \times 10$ mm: again 5 ml. On the average of many lesions the volume
is right, and so the fault is invisible in the mean; each single volume is a coarser guess, and a
lesion thinner than a slice's step may be gone altogether.
""",
    wrong=[0.5, 50.0],
)


def example(stored, bits):
    """What is right."""
    return (2**bits - 1 - stored.astype(np.int64)).astype(stored.dtype)


def check_turned(function, scene):
    """Compare on a few values of two kinds."""
    for bits, kind in ((12, np.uint16), (8, np.uint8)):
        stored = np.array([[0, 1, 7], [100, 2**bits - 2, 2**bits - 1]], dtype=kind)
        try:
            found = function(stored.copy(), bits)
        except OverflowError:
            return f"a number does not fit into {bits} bits: the ends follow from `bits`"
        except Exception:  # said in the usual words
            found = attempt(function, stored.copy(), bits)
        values = as_array(found, shape=stored.shape, means="one value a pixel")
        right = example(stored, bits).astype(float)
        if np.array_equal(values, right):
            if getattr(found, "dtype", None) != stored.dtype:
                return "the values are right; keep their type, so that the file stays the same size"
            continue
        if np.array_equal(values, right + 1):
            return "the largest value of b bits is one less than 2 to the b"
        if np.array_equal(values, np.iinfo(kind).max - stored.astype(float)):
            return "only some of the type's bits are used: the ends are those of `bits`"
        if np.array_equal(values, stored.max() - stored.astype(float) + stored.min() + 0.5):
            return "the ends are what can be stored, not what happens to be in the image"
        return f"of {bits} bits, {stored.ravel()[3]} should become {right.ravel()[3]:.0f}"
    stored = np.array([[10, 20]], dtype=np.uint16)
    values = as_array(attempt(function, stored, 12), shape=(1, 2), means="one value a pixel")
    if not np.array_equal(values, [[4085, 4075]]):
        return "the ends are what can be stored, not what happens to be in the image"
    return None


TURN = Code(
    name="whole-journey-turn",
    asks="a function of stored values and bits",
    check=check_turned,
    example=lambda scene: example,
    hints=[
        "The darkest value that can be stored becomes the brightest, and the other way round.",
        "The largest value of b bits is one less than two to the power of b.",
    ],
    solution=r"""
```python
def turned(stored, bits):
    return (2**bits - 1 - stored.astype(int)).astype(stored.dtype)
```

Not the image's own ends: two slices of one study would then be turned about different values.
""",
    wrong=[
        lambda scene: lambda stored, bits: stored,
        lambda scene: lambda stored, bits: (2**bits - stored.astype(int)).astype(stored.dtype),
        lambda scene: lambda stored, bits: (stored.max() - stored).astype(stored.dtype),
        lambda scene: lambda stored, bits: np.iinfo(stored.dtype).max - stored,
        lambda scene: lambda stored, bits: 2.0**bits - 1 - stored.astype(float),
        lambda scene: lambda stored, bits: 4095 - stored,
        lambda scene: 7,
    ],
)

REASON = Number(
    name="whole-journey-reason",
    asks="a probability",
    answer=0.750,
    tolerance=0.005,
    within=(-10, 100),
    mistakes=[
        Mistake(1.1, "those are the log-odds; a probability lies between 0 and 1"),
        Mistake(3.004, "those are the odds, lesion to none; what share of the whole is that?"),
        Mistake(0.818, "the expected size speaks against it, and it counts"),
        Mistake(0.786, "the offset counts as well: it is where an average study stands"),
        Mistake(0.870, "the expected size speaks against it: mind its sign"),
        Mistake(0.846, "you left out both what speaks against it and the offset"),
        Mistake(0.25, "that is the probability that there is none"),
        Mistake(75.0, "that is in per cent; here as a share of one"),
    ],
    otherwise="add all three, and turn log-odds into a probability",
    hints=[
        "Which three numbers make up the log-odds?",
        "Odds are e to the log-odds; the probability is odds over one plus odds.",
    ],
    solution=r"""
$-0.2 + 1.7 - 0.4 = 1.1$ nats; odds of $e^{1.1} \approx 3$ to 1, so $p \approx 0.75$. Nothing else
is in it: whoever reads the report can do this sum, and a report in which it does not come out is a
wrong one. What the sum cannot say is whether the surest voxels were right.
""",
    wrong=[110, -1.1],
)

EXERCISES = [REASON, KILL, VOLUME, TURN]
