"""The checks of the exercises of systems/reproducible_to_the_bit."""

import hashlib

from medlib.experiment.answers import as_number, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ----------------------------------------------------------------------------- a float that stops

FLOAT = Number(
    name="reproducible-float",
    asks="count at which it stops",
    answer=2**24,
    tolerance=0.5,
    within=(1, 1e12),
    mistakes=[
        Mistake(2**23, "one digit is missing: twenty-three are stored, and the leading one"),
        Mistake(2**32, "not all of the bits hold digits: sign and exponent take some"),
        Mistake(2**31, "that is the end of whole numbers of that size; this one has an exponent"),
        Mistake(2**25, "from there even steps of two are lost; when is a step of one lost?"),
        Mistake(2**24 - 1, "one more still makes a difference there, the last time"),
        Mistake(2**24 + 1, "that number does not exist in this format: that is why it stops"),
        Mistake(24, "those are the digits; which number is the first that needs one more?"),
        Mistake(2**11, "so far count numbers of sixteen bits; this one has thirty-two"),
    ],
    otherwise="up to which whole number can every whole number be written with so many digits?",
    hints=[
        "With three binary digits, which is the first whole number that cannot be written?",
        "With d digits every whole number up to 2 to the d can be written, but not the next.",
    ],
    solution=r"""
With 24 binary digits every whole number up to $2^{24} = 16\,777\,216$ can be written, and
$2^{24} + 1$ cannot: added exactly it lies half-way between two neighbours and is rounded to the
even one, back to $2^{24}$. A scan of $512 \times 512 \times 200$ voxels has more.
""",
    wrong=[1e6, 2**20],
)

# ---------------------------------------------------------------------------------- a dictionary

DICTIONARY = Number(
    name="reproducible-dictionary",
    asks="seconds until all are known",
    unit="s",
    answer=200,
    tolerance=1,
    within=(0, 1e12),
    mistakes=[
        Mistake(100, "that is when half of them are known, on average; at the latest is asked"),
        Mistake(180, "numbers that begin with zero are numbers too"),
        Mistake(20, "that is for eight digits"),
        Mistake(2000, "that is for ten digits"),
        Mistake(1.8, "nine digits are not nine million numbers"),
        Mistake(5e6, "that is the speed; how many numbers are there?"),
        Mistake(1e9, "so many numbers there are; how fast is the laptop?"),
    ],
    otherwise="how many numbers have nine digits, and how many are tried in a second?",
    hints=[
        "Zeros in front count: from 000000000 to 999999999.",
        "A thousand million numbers, five million a second.",
    ],
    solution="""
There are $10^9$ numbers, so $10^9 / (5 \\cdot 10^6) = 200$ seconds, whatever the number of
patients: one pass through all numbers serves for the whole table.
""",
    wrong=[45, 3600],
)

# ------------------------------------------------------------------------------ the broken link


def chained(texts):
    """The digests of a chain of texts."""
    digests, previous = [], ""
    for text in texts:
        previous = hashlib.sha256((previous + text).encode()).hexdigest()
        digests.append(previous)
    return digests


def first_broken(texts, digests, *, start="", recompute=False, last=False, own=False):
    """The index of the first broken entry, or what a usual mistake makes of it."""
    previous, found = start, []
    for i, (text, digest) in enumerate(zip(texts, digests, strict=True)):
        said = text if own else previous + text
        right = hashlib.sha256(said.encode()).hexdigest()
        if right != digest:
            found.append(i)
        previous = right if recompute else digest
    if not found:
        return -1
    return found[-1] if last else found[0]


TEXTS = ["scan", "befund: größer", "training", "AUC", "report"]


def scenes():
    """Texts, digests, and the right index."""
    whole = chained(TEXTS)
    yield TEXTS, whole, -1
    for i in range(len(TEXTS)):
        yield [*TEXTS[:i], TEXTS[i] + "!", *TEXTS[i + 1 :]], whole, i
    swapped = [whole[0], whole[1][::-1], *whole[2:]]
    yield TEXTS, swapped, 1
    yield [], [], -1


def check_link(answer, scene):
    """Compare on whole chains and on ones with one text or digest changed."""
    for texts, digests, right in scenes():
        found = as_number(attempt(answer, list(texts), list(digests)))
        if found == right:
            continue
        if right == -1:
            said = "an empty chain" if not texts else "a chain in which nothing was changed"
            return f"of {said} you return {found:g}; minus one says that there is no break"
        if found == -1:
            return f"entry {right} was changed, and you find no break"
        if found == right + 1:
            return (
                f"you return {found:g}, where entry {right} is the first: do indices begin at 0,"
                " and do you stop at the first?"
            )
        if found > right:
            return f"entry {right} was changed; you return {found:g}: stop at the first"
        return f"entry {right} was changed; you return {found:g}, where nothing is wrong yet"
    return None


LINK = Code(
    name="reproducible-link",
    asks="a function of texts and digests",
    check=check_link,
    example=lambda scene: first_broken,
    hints=[
        "Keep the digest before in a variable that begins as an empty text.",
        "hashlib.sha256((previous + text).encode()).hexdigest(), compared with the digest there.",
    ],
    solution="""
```python
def first_broken(texts, digests):
    previous = ""
    for i, (text, digest) in enumerate(zip(texts, digests)):
        if hashlib.sha256((previous + text).encode()).hexdigest() != digest:
            return i
        previous = digest
    return -1
```
Whoever changes text $i$ *and* all digests from $i$ on is not found by this function, nor by any
other that knows the chain alone.
""",
    wrong=[
        lambda scene: lambda t, d: first_broken(t, d, last=True) if first_broken(t, d) < 0
        else len(t) - 1,
        lambda scene: lambda t, d: first_broken(t, d, own=True),
        lambda scene: lambda t, d: first_broken(t, d, start="0"),
        lambda scene: lambda t, d: first_broken(t, d) + 1,
        lambda scene: lambda t, d: -1,
        lambda scene: lambda t, d: None if first_broken(t, d) < 0 else first_broken(t, d),
        lambda scene: lambda t, d: first_broken(t, d) >= 0,
        lambda scene: 3,
    ],
)

# ------------------------------------------------------------------------------------- two choices

CAUSE = Choice(
    name="reproducible-cause",
    asks="what to look at first",
    options={
        "a": "the seeds of Python's hashes: sets may be walked in another order in each run",
        "b": "an operation that adds by chance, such as a scatter on two threads",
        "c": "the number of threads and the processor, on his side and on yours",
        "d": "the version of a library that nobody wrote down",
        "e": "the test set: with another one the third digit differs as well",
        "f": "the interval of the AUC: if it holds his value, no cause need be looked for",
    },
    answer="c",
    because={
        "a": "then his own reruns would differ from one another, as each draws its hash seed",
        "b": "then his own reruns would differ, and deterministic algorithms would have refused",
        "c": "it repeats for him, so it is no chance; it is all in the image except the machine",
        "d": "the container's digest fixes every file in it, forgotten ones too",
        "e": "the files of the commit and the container are the same; look at what is not in them",
        "f": "it says how far other test patches would move the AUC; his are the same ones, so the"
        " difference has a cause, however small it is",
    },
    hints=[
        "His reruns agree with one another. Which of the causes does that rule out?",
        "What of a run is neither in the commit nor in the image?",
    ],
    solution="""
It repeats for him, so nothing is left to chance. All files are the same, by digest. What is left is
what no file holds: how many threads share a sum, and which instructions the processor offers.
""",
)

HEAD = Choice(
    name="reproducible-head",
    asks="which lets an outsider find such an edit",
    options={
        "a": "a ledger in which each entry holds the digest of the one before",
        "b": "the same, with every entry signed by a key on the same server",
        "c": "the same ledger, copied each night to a second disk of the same server",
        "d": "the ledger's signed end, sent each month to somebody outside the department",
        "e": "a database that logs who changed what",
        "f": "the same ledger, encrypted, so that nobody without the key can change an entry",
    },
    answer="d",
    because={
        "a": "whoever can write the file can write all later digests anew",
        "b": "whoever has the server has the key, and signs the new history",
        "c": "who can write the one can write the other; and which of two copies is right?",
        "d": "what is outside cannot be rewritten with the rest; it fixes all that came before it",
        "e": "who administers the database can change its log as well",
        "f": "whoever writes entries has the key, and can encrypt another history with it; to hide"
        " a text is not to fix it",
    },
    hints=[
        "Against whom? Against somebody in the department who may do everything there.",
        "What must lie where he cannot reach it, and how little of it is enough?",
    ],
    solution="""
A signed end is a few dozen bytes. Held by somebody else, it fixes every entry up to it; what is
written after the last one that was sent can still be forged until the next.
""",
)

EXERCISES = [FLOAT, DICTIONARY, LINK, CAUSE, HEAD]
