"""Sets of parameters drawn from the ranges that a chapter declares, small enough to run in seconds.

A draw starts from the quick profile and changes one to three parameters. Ends of ranges come more
often than chance would have it. A whole number sets how much there is to compute, so it is drawn
from the low end of its range to `MOST_TIMES` the quick profile's; a real number from all of it.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data_fetch.catalog import catalog
from medlib.experiment.parameters import LARGEST_INT, Parameter
from press.source.project import SMOKE_PROFILE, Chapter, Project

MOST_TIMES = 3
MOST_CHANGED = 3
MOST_ITEMS = 2  # of a list
SPREAD = 10  # of so many draws one is taken: the first ones are the simplest
NOT_DRAWN = ("device",)  # which there is depends on the machine


def drawn_sets(
    project: Project, chapter: Chapter, count: int, *, always_the_same: bool = True
) -> list[dict[str, Any]]:
    """`count` sets of parameters to run the quick profile of `chapter` with.

    Args:
        project: the checkout.
        chapter: the chapter.
        count: how many.
        always_the_same: the same sets at every call, as a test that must not waver needs.
    """
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=SPREAD * count,
        derandomize=always_the_same,
        database=None,
        phases=[Phase.generate],
    )
    @given(changes(project, chapter))
    def draw(changed: dict[str, Any]) -> None:
        found.append(changed)

    draw()
    return found[SPREAD - 1 :: SPREAD]


def changes(project: Project, chapter: Chapter) -> st.SearchStrategy[dict[str, Any]]:
    """One to three parameters of `chapter`, each with a value from its range."""
    quick = project.profile_parameters(SMOKE_PROFILE, chapter)
    strategies = {
        name: values_of(parameter, quick.get(name, parameter.default))
        for name, parameter in chapter.declared.items()
        if is_drawn(parameter)
    }
    names = st.lists(
        st.sampled_from(sorted(strategies)), min_size=1, max_size=MOST_CHANGED, unique=True
    )
    return names.flatmap(lambda some: st.fixed_dictionaries({n: strategies[n] for n in some}))


def is_drawn(parameter: Parameter) -> bool:
    """Whether there is something to draw: not of a path or another free text."""
    if parameter.item_type == "str" and len(at_hand(parameter)) < 2:
        return False
    return parameter.name not in NOT_DRAWN


def at_hand(parameter: Parameter) -> list[str]:
    """The choices that name no data set, which would have to be fetched."""
    return [choice for choice in parameter.choices if choice not in catalog()]


def values_of(parameter: Parameter, quick: Any) -> st.SearchStrategy[Any]:
    """Values from the range of `parameter`; `quick` is the quick profile's."""
    if parameter.is_list:
        items = _single(parameter, max(quick, default=0))
        sizes = st.integers(parameter.least_items, max(parameter.least_items, MOST_ITEMS))
        drawn = sizes.flatmap(
            lambda n: st.lists(items, min_size=n, max_size=n, unique=parameter.increasing)
        )
        return drawn.map(sorted) if parameter.increasing else drawn
    return _single(parameter, quick)


def _single(parameter: Parameter, quick: Any) -> st.SearchStrategy[Any]:
    kind = parameter.item_type
    if kind == "bool":
        return st.booleans()
    if kind == "str":
        return st.sampled_from(at_hand(parameter))
    low, high = ends_of(parameter)
    if kind == "float":
        middle = st.floats(
            parameter.low,
            parameter.high,
            exclude_min=parameter.low_open,
            exclude_max=parameter.high_open,
            allow_subnormal=False,
        )
        return st.one_of(st.sampled_from([low, high]), middle)
    if parameter.name != "seed":
        high = max(low, min(high, MOST_TIMES * int(quick)))
        high -= (high - parameter.offset) % parameter.step
    steps = st.integers(0, (high - low) // parameter.step)
    return st.one_of(st.sampled_from([low, high]), steps.map(lambda k: low + k * parameter.step))


def ends_of(parameter: Parameter) -> tuple[Any, Any]:
    """The least and the greatest value that a number may take; beside an open end, the next."""
    low, high = parameter.ends()
    assert low is not None, f"{parameter.name} has no least value"
    if parameter.item_type == "int":
        return low, LARGEST_INT if high is None else high
    assert high is not None, f"{parameter.name} has no greatest value"
    low = math.nextafter(low, math.inf) if parameter.low_open else low
    return low, math.nextafter(high, -math.inf) if parameter.high_open else high
