"""A chapter with every piece that a chapter must have, and next to nothing to compute."""

from __future__ import annotations

WHOLE = """\
# ---
# jupyter:
#   medbook:
#     reader_path: true
# ---

# %% [markdown]
# # A whole chapter
#
# **Objectives.** Know the parts. **Prerequisites.** None.

# %% tags=["parameters"]
seed: int = 0  # master seed, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
size: int = 40  # side of the picture, 8 ≤ x ≤ 400

# %%
import numpy as np

from medlib import experiment

run = experiment.start("@@ID@@", locals())

# %% [markdown]
# ## The measurement

# %%
ramp = np.linspace(0, 1, size)[None, :] * np.ones((size, 1))
noise = run.rng("noise").normal(0, 0.01, ramp.shape)
mean = run.result("mean", ramp.mean(), atol=0.01, interval=(0.4, 0.6), n=ramp.size)
run.result("noise", noise.mean(), unit="grey", atol=0.1)

# %%
run.figure(
    ramp,
    name="ramp",
    alt="A picture that is black on the left and white on the right.",
    caption="Grey rises from left to right, simulated.",
    data="simulated",
)

# %%
run.frames(
    [ramp, ramp[:, ::-1]],
    name="slider",
    label="side",
    values=["left", "right"],
    alt="A picture that is black on one side.",
    caption="The dark side moves, simulated.",
    data="simulated",
)

# %% [markdown]
# ## What breaks it
#
# Nothing.

# %%
run.claim("the mean lies near the middle", True, margin=0.25)
run.claim("the ramp is wider than nothing", size > 0, margin=size)
calm = 1 - abs(noise.mean())
run.claim("noise alone makes no ramp", calm > 0, margin=calm, unit="grey", control=True)
run.say("The mean is {mean:.3f}.")
run.finish()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: @@LABEL@@-one
# First.
# ```

# %% tags=["self-check"]
answer = None  # a number
run.check("@@LABEL@@-one", answer)

# %% [markdown]
# ```{exercise}
# :label: @@LABEL@@-two
# Second.
# ```

# %% tags=["self-check"]
answer = None  # a number
run.check("@@LABEL@@-two", answer)

# %% [markdown]
# ```{exercise}
# :label: @@LABEL@@-three
# Third.
# ```

# %% tags=["self-check"]
answer = None  # a number
run.check("@@LABEL@@-three", answer)

# %% [markdown]
# ## Further reading
#
# - A paper. doi:10.1073/pnas.90.21.9758
"""


def whole_chapter(chapter_id: str) -> str:
    """The source of a chapter called `chapter_id` that passes every check."""
    label = chapter_id.replace("/", "-").replace("_", "-")
    return WHOLE.replace("@@ID@@", chapter_id).replace("@@LABEL@@", label)


SHEET = """\
from medlib.experiment.exercises import Number

EXERCISES = [
    Number(
        name=f"@@LABEL@@-{name}",
        asks="a number",
        answer=answer,
        tolerance=0.1,
        otherwise="count them once more",
        hints=["it is whole", "it is small"],
        solution="Counting gives it.",
        wrong=[4, 5, 6, 7, 8],
    )
    for answer, name in enumerate(("one", "two", "three"), start=1)
]
"""


def whole_sheet(chapter_id: str) -> str:
    """The sheet of its exercises."""
    return SHEET.replace("@@LABEL@@", chapter_id.replace("/", "-").replace("_", "-"))
