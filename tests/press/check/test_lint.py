"""Each lint goes red for the one thing it is there for, on a chapter that is otherwise whole."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import pytest

from medlib.experiment.exercise_sheet import read_sheet
from press.check.lint import lint_notebook
from press.check.prose import typed_numbers
from tests.press.whole_chapter import whole_chapter, whole_sheet

CHAPTER = "pixels/whole"


@cache
def exercises(chapter):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exercises.py"
        path.write_text(whole_sheet(chapter), encoding="utf-8")
        return read_sheet(path)


def lint(source, chapter=CHAPTER):
    notebook = jupytext.reads(source, fmt="py:percent")
    found = lint_notebook(notebook, chapter=chapter, exercises=exercises(chapter))
    return [finding.message for finding in found]


def test_a_whole_chapter_has_no_fault():
    assert lint(whole_chapter(CHAPTER)) == []


LONG = "\n".join(f"x{i} = {i}" for i in range(13))
HIDDEN = f'# %% tags=["hide-input"]\n{LONG}\n\n'
RAMP = "ramp = np.linspace"

MUTATIONS = {
    "a typed number": ("# Nothing.", "# PSNR falls by 3.2 dB.", "the number '3.2 dB' is typed"),
    "a typed number in an exercise": ("# First.", "# First, 12 %.", "the number '12 %' is typed"),
    "a reason that breaks its paragraph": (
        "# Nothing.",
        "# PSNR falls by 3.2 dB.\n# <!-- number: quoted --> Nothing.",
        "'<!-- number: quoted --> Nothing.' begins a line",
    ),
    "a long cell": (RAMP, f"{LONG}\n{RAMP}", "cell 5: 17 lines of code, at most 12"),
    "two plumbing cells": (
        "# %%\n" + RAMP,
        f"{HIDDEN}{HIDDEN}# %%\n{RAMP}",
        "a second long hidden cell (13 lines)",
    ),
    "no parameters": (' tags=["parameters"]', "", '0 cells are tagged "parameters"'),
    "code before parameters": (
        '# %% tags=["parameters"]',
        '# %%\n1\n\n# %% tags=["parameters"]',
        'tagged "parameters" must be the first code cell',
    ),
    "unreadable parameters": ("seed: int = 0", "seed = 0", "parameters cannot be read"),
    "no seed": ("seed: int = 0", "sed: int = 0", "parameter 'seed' is missing"),
    "no meaning": ("# master seed, x ≥ 0", "# x ≥ 0", "parameter 'seed' has no meaning"),
    "no device": ("device: str", "devices: str", "parameter 'device' is missing"),
    "another chapter's name": ('"pixels/whole"', '"pixels/hole"', "names 'pixels/hole'"),
    "work before start": (
        "run = experiment.start",
        "print(1)\nrun = experiment.start",
        "right after the parameters (and imports) must stand: run = experiment.start",
    ),
    "no finish": ("run.finish()\n", "", "run.finish() is called 0 times"),
    "two finishes": ("run.finish()", "run.finish()\nrun.finish()", "called 2 times"),
    "work after finish": ("run.finish()\n", "run.finish()\nprint(1)\n", "code after run.finish()"),
    "not Python": (RAMP, "ramp = = np.linspace", "not valid Python"),
    "an unknown alt": ('alt="A picture that is black on the left', 'old="', "has no alt="),
    "an empty alt": (
        'alt="A picture that is black on one side."',
        'alt=" "',
        "figure 'slider': run.frames has no alt=",
    ),
    "no caption": ('caption="Grey', 'title="Grey', "figure 'ramp': run.figure has no caption="),
    "a later part": (
        "import numpy as np",
        "import numpy as np\nfrom medlib.diagnosis.roc import roc",
        "imports medlib.diagnosis.roc; a chapter of part 'pixels' may import pixels",
    ),
    "a later part, otherwise": (
        "import numpy as np",
        "import numpy as np\nfrom medlib import systems",
        "imports medlib.systems",
    ),
    "a relative import": (
        "import numpy as np",
        "import numpy as np\nfrom . import x",
        "cell 3: relative import",
    ),
    "the press": (
        "import numpy as np",
        "import numpy as np\nimport press.finding",
        "imports press",
    ),
    "numpy's global seed": (RAMP, f"np.random.seed(0)\n{RAMP}", "np.random.seed is outside"),
    "numpy's own generator": (RAMP, f"np.random.default_rng()\n{RAMP}", "np.random.default_rng is"),
    "torch's seed": (RAMP, f"torch.manual_seed(0)\n{RAMP}", "torch.manual_seed seeds globally"),
    "torch's generator": (RAMP, f"torch.randn(3)\n{RAMP}", "torch.randn draws from the global"),
    "random": ("import numpy as np", "import random\nimport numpy as np", "random is seeded"),
    "no frames": ("run.frames(", "run.figures(", "no interactive figure"),
    "no control": (", control=True", "", "no negative control"),
    "no title": ("# # A whole chapter", "# A whole chapter", "must begin with its title"),
    "no objectives": ("Objectives", "Aims", "no objectives"),
    "no prerequisites": ("Prerequisites", "Needs", "no prerequisites"),
    "typed minutes": ("**Objectives.**", "**Minutes.** 20. **Objectives.**", "minutes are typed"),
    "nothing breaks it": ("## What breaks it", "## Limits", 'no section "What breaks it"'),
    "no further reading": ("## Further reading", "## Sources", 'no section "Further reading"'),
    "no DOI": ("doi:10.1073/pnas.90.21.9758", "", "further reading names no DOI"),
    "no label": ("# :label: pixels-whole-one\n", "", "an exercise without :label:"),
    "no check": ('run.check("pixels-whole-one", answer)', "answer", "has no cell to answer in"),
    "an answer": ("answer = None", "answer = 1", "is not left open"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_fault_is_named(name):
    old, new, expected = MUTATIONS[name]
    source = whole_chapter(CHAPTER)
    assert old in source
    found = lint(source.replace(old, new, 1))
    assert expected in "\n".join(found)


def test_a_later_part_may_import_an_earlier_one():
    source = whole_chapter("systems/whole").replace(
        "import numpy as np",
        "import numpy as np\nfrom medlib.pixels.ct.fbp import fbp\nimport data_fetch",
    )
    assert lint(source, "systems/whole") == []


def test_what_a_cell_shows_and_imports_is_not_counted_but_its_code_is():
    words = "run.say(\n" + '    "word "\n' * 20 + ")\n"
    imports = "from os import (\n" + "    path,\n" * 20 + ")\n"
    source = whole_chapter(CHAPTER).replace(RAMP, f"{imports}# a word\n{words}{RAMP}")
    assert lint(source) == []
    source = source.replace(RAMP, "x = [\n" + "    1,\n" * 8 + "]\n" + RAMP)
    assert "lines of code, at most 12" in lint(source)[0]


def test_one_plumbing_cell_may_be_long():
    source = whole_chapter(CHAPTER).replace("# %%\n" + RAMP, f"{HIDDEN}# %%\n{RAMP}")
    assert lint(source) == []


def test_code_of_a_solution_may_stand_after_finish():
    source = whole_chapter(CHAPTER) + '\n# %% tags=["solution"]\nprint(1)\n'
    assert lint(source) == []


def test_a_chapter_without_a_sheet_is_told_to_have_one():
    notebook = jupytext.reads(whole_chapter(CHAPTER), fmt="py:percent")
    found = [f.message for f in lint_notebook(notebook, chapter=CHAPTER, exercises={})]
    assert found[0] == "exercises.py has 0 exercises, at least 3 are needed"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("an AUC of 0.93", ["AUC of 0.93"]),
        ("accuracy 99", ["accuracy 99"]),
        ("it gains 3 dB", ["3 dB"]),
        ("it gains 3.2 dB", ["3.2 dB"]),
        ("in 40 % of cases, or 12 percent", ["40 %", "12 percent"]),
        ("r falls from .91 to -0.2", [".91", "-0.2"]),
        ("10 times faster and 3-fold", ["10 times faster", "3-fold"]),
        ("p < 0.05", ["0.05"]),
        ("| a | 0.5 |", ["0.5"]),
        ("```{note}\nit is 7.5 mm\n```", ["7.5"]),
    ],
)
def test_result_like_numbers_are_found(text, numbers):
    assert typed_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "in 1895 Röntgen saw 3 bones of 2 mm at 256×256 pixels",
        "see section 2.3, Figure 4.1 and Python 3.11",
        "$x = 0.5$, $$y = 3.2$$ and `dose=0.25`",
        "\\begin{align}x = 0.5\\end{align}",
        "```python\nx = 0.5\n```",
        "```{math}\nx = 0.5\n```",
        "```{figure} a.png\n:width: 0.5\nA caption\n```",
        "doi:10.1073/pnas.90.21.9758 and [here](https://a.org/1.5)",
        "<img width='50%'>",
        "a 95 % confidence interval",
        "the guideline says 7.5 %. <!-- number: quoted from the guideline -->",
        "ImageNet-1k, B0.5x and v2.0",
    ],
)
def test_other_numbers_are_left_alone(text):
    assert typed_numbers(text) == []


def test_an_escape_needs_a_reason_and_covers_its_paragraph_only():
    assert typed_numbers("it is 7.5 %. <!-- number: -->") == ["7.5 %"]
    text = "it is 7.5 %. <!-- number: cited -->\n\nit is 8.5 %."
    assert typed_numbers(text) == ["8.5 %"]
