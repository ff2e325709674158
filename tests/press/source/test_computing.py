"""Words do not count among the code that made a table; whatever computes does."""

import pytest

from press.source.computing import computing_digest, library_digest

CELL = """\
low, high = interval(rng.normal(size=20))  # a comment
caption = f"Between {low:.2f} and {high:.2f}: " "a range."
alt = "A line " + ("rises" if high > 0 else "falls")
run.figure(plot(low), name="range", alt=alt, caption=caption, data="simulated")
run.table({"low": [low]}, name="ends", caption=("The two " "ends."))
run.result("low", low, unit="dB", atol=0.01, rtol=1e-3)
run.frames(views, alt=[f"At {m:g} it is {m.max():.1f}, falling." for m in means], caption="Views: "
           + "; ".join(f"{k} is at {side(k)} now" for k in sorted(views)), values=means)
run.say("The range ends at {high:.2f}" f" and begins at {low:.2f}.", high=ends["high"],
        n=count(low))
run.claim("the range is above zero", low > 0, margin=low, falsified_by="falsify_low")
"""


def digest(source: str) -> str:
    return computing_digest([source])


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("  # a comment", ""),
        ("Between {low:.2f} and {high:.2f}: ", "From {low:.1f} to "),
        ('"rises" if high > 0 else "falls"', '"climbs" if high >= 0 else "stays"'),
        ('("The two " "ends.")', '"Where it ends."'),
        ("atol=0.01", "atol=0.5"),
        (", rtol=1e-3", ""),
        ("The range ends at", "Its end is"),
        (" and begins at {low:.2f}.", "."),
        ('high=ends["high"]', 'high=ends["top"], low=low'),
        ("it is {m.max():.1f}, falling.", "we see {m.max():.3f}, and it grows."),
        ("{k} is at {side(k)} now", "{side(k)}"),
        ('name="range", alt', 'name="range",\n    alt'),
    ],
)
def test_words_and_tolerances_do_not_count(was, becomes):
    assert CELL.count(was) == 1
    assert digest(CELL.replace(was, becomes)) == digest(CELL)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("size=20", "size=21"),
        ('name="range"', 'name="ends"'),
        ('data="simulated"', 'data="measured"'),
        ('"low": [low]', '"low": [high]'),
        ('unit="dB"', 'unit="HU"'),
        ("above zero", "below zero"),
        ("margin=low", "margin=high"),
        ("falsify_low", "falsify_high"),
        ("{low:.2f}.", "{rng.normal():.2f}."),
        ('"rises" if high > 0', '"rises" if (low := -1) > 0'),
        ('("The two " "ends.")', "next(captions)"),
        ("alt=alt", "alt=run.note(low)"),
        ("{m.max():.1f}", "{m.min():.1f}"),
        ("in sorted(views)", "in sorted(means)"),
        ("values=means", "values=views"),
        ("n=count(low)", "n=count(high)"),
    ],
)
def test_whatever_computes_counts(was, becomes):
    assert CELL.count(was) == 1
    assert digest(CELL.replace(was, becomes)) != digest(CELL)


def test_a_tolerance_of_a_computation_counts():
    assert digest("solve(a, atol=1e-3)") != digest("solve(a, atol=1e-6)")


def test_an_angle_called_alt_counts():
    assert digest("alt = 30") != digest("alt = 40")
    assert digest("alt = angles['a']") != digest("alt = angles['b']")


def test_the_order_of_cells_counts_and_where_they_are_divided_does_not():
    assert computing_digest(["a = 1", "b = 2"]) == computing_digest(["a = 1\nb = 2"])
    assert computing_digest(["a = 1", "b = 2"]) != computing_digest(["b = 2", "a = 1"])


def test_a_cell_that_is_no_python_counts_as_it_stands():
    assert digest("%time x") != digest("%time  x")


LIBRARY = """\
\"\"\"A room.\"\"\"
from __future__ import annotations

STEPS = 4  # of a walk


class Walk:
    \"\"\"So many steps.\"\"\"

    n: int = STEPS
    \"\"\"How many.\"\"\"

    def ends(self) -> str:
        \"\"\"Where it ends.

        >>> Walk().ends()
        'here'
        \"\"\"
        if self.n < 0:
            raise ValueError("no walk goes backwards")
        return "here"
"""


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("A room.", "A room with a view."),
        ("  # of a walk", ""),
        ("So many steps.", "Steps."),
        ("How many.", "Their number."),
        (">>> Walk().ends()", ">>> Walk(n=4).ends()"),
        ("Where it ends.", "Its end. " * 20),
    ],
)
def test_docstrings_and_comments_of_a_library_file_do_not_count(was, becomes):
    assert was in LIBRARY
    assert library_digest(LIBRARY.replace(was, becomes)) == library_digest(LIBRARY)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("STEPS = 4", "STEPS = 5"),
        ("backwards", "back"),
        ('return "here"', 'return "there"'),
        ("self.n < 0", "self.n <= 0"),
        ("def ends", "def end"),
        ("n: int", "n: float"),
        ("from __future__ import annotations\n", ""),
        ("class Walk:", "@final\nclass Walk:"),
    ],
)
def test_all_else_of_a_library_file_counts(was, becomes):
    assert was in LIBRARY
    assert library_digest(LIBRARY.replace(was, becomes)) != library_digest(LIBRARY)


def test_a_function_that_loses_its_only_statement_is_another():
    stub, act = 'def f():\n    """Words."""\n', "def f():\n    g()\n"
    assert library_digest(stub) == library_digest("def f():\n    pass\n")
    assert library_digest(stub) != library_digest(act)


def test_what_is_no_python_counts_as_it_stands():
    assert library_digest("x = (1  # a") != library_digest("x = (1  # b")
