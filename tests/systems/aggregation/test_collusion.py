"""What can be computed is the survivors' sum, and no more, until too many collude."""

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.collusion import exposed, learnt


def test_an_honest_round_tells_the_sum_of_the_survivors_only():
    view = learnt(n=6, threshold=4, colluders=[2, 5], dropouts=[3])
    assert view.honest == (1, 3, 4, 6)
    assert view.combinations.tolist() == [[1, 0, 1, 1]]
    assert view.exposed == ()


def test_a_round_that_was_given_up_tells_nothing():
    assert learnt(n=5, threshold=4, dropouts=[1, 2], colluders=[5]).combinations.size == 0


@pytest.mark.parametrize("k", range(5))
def test_t_colluders_open_everybody(k):
    view = learnt(n=6, threshold=3, colluders=range(1, k + 1))
    everybody = tuple(range(k + 1, 7))
    assert view.exposed == (everybody if k >= 3 else ())


def test_one_honest_client_among_colluders_stands_alone():
    assert learnt(n=5, threshold=5, colluders=[1, 2, 4, 5]).exposed == (3,)


def test_self_masks_are_for_those_who_come_late():
    late = {"n": 5, "threshold": 3, "dropouts": [2], "late": [2]}
    assert learnt(**late).exposed == ()
    assert learnt(**late, self_masks=False).exposed == (2,)
    assert learnt(n=5, threshold=3, self_masks=False).exposed == ()


@pytest.mark.parametrize(("n", "t", "k"), [(5, 3, 0), (5, 3, 1), (6, 3, 0), (9, 6, 2), (9, 6, 3)])
def test_a_lying_server_needs_two_groups_of_t(n, t, k):
    honest_ones = n - k
    two_groups = any(a >= t - k and honest_ones - a >= t - k for a in range(honest_ones + 1))
    assert bool(exposed(n, t, k, server="lying")) == two_groups == (2 * t <= n + k)
    assert exposed(n, t, k) == ()


@st.composite
def situations(draw):
    n = draw(st.integers(2, 5))
    some = st.sets(st.integers(1, n))
    dropouts = draw(some)
    late = {i for i in dropouts if draw(st.booleans())}
    return {
        "n": n,
        "threshold": draw(st.integers(1, n)),
        "colluders": draw(some),
        "dropouts": dropouts,
        "late": late,
        "self_masks": draw(st.booleans()),
    }


def by_sympy(*, n, threshold, colluders, dropouts, late, self_masks):
    """The whole view written out: every variable a column, every thing known a row."""
    clients = range(1, n + 1)
    names = [("x", i) for i in clients] + [("b", i) for i in clients]
    names += [("s", i, j) for i in clients for j in clients if i < j]
    unit = {name: [int(name == other) for other in names] for name in names}
    survivors = {*clients} - dropouts
    answered, all_open = len(survivors) >= threshold, len(colluders) >= threshold
    known = []
    for name in names:
        who = {*name[1:]}
        is_open = who & colluders or all_open
        if name[0] == "b":
            is_open = is_open or not self_masks or (answered and who <= survivors)
        elif name[0] == "s":
            is_open = is_open or (answered and who & dropouts)
        else:
            is_open = who & colluders
        if is_open:
            known.append(unit[name])
    for i in clients:
        if i in survivors or i in late:
            row = np.array(unit["x", i]) + unit["b", i]
            for j in clients:
                if i < j:
                    row = row + unit["s", i, j]
                elif j < i:
                    row = row - unit["s", j, i]
            known.append(row.tolist())
    matrix = sympy.Matrix(known) if known else sympy.zeros(1, len(names))
    rank = matrix.rank()
    return [
        i
        for i in clients
        if i not in colluders and matrix.col_join(sympy.Matrix([unit["x", i]])).rank() == rank
    ]


@settings(max_examples=30)
@given(situations())
def test_the_same_is_exposed_as_by_ranks_of_the_whole_view(situation):
    assert [*learnt(**situation).exposed] == by_sympy(**situation)


def test_rows_can_really_be_computed_and_others_cannot():
    """With numbers: worlds that look alike to the view agree on what it computes."""
    view = learnt(n=5, threshold=4, colluders=[5], dropouts=[2])
    assert view.combinations.tolist() == [[1, 0, 1, 1]]
    for one, two in itertools.combinations((0, 2, 3), 2):
        move = np.zeros(4, dtype=int)
        move[one], move[two] = (
            1,
            -1,
        )  # honest 'one' has more, 'two' less, s between them takes it up
        assert (view.combinations @ move == 0).all()


def test_the_slider_counts_from_the_end():
    assert exposed(5, 3, 3) == (1, 2)
    assert exposed(5, 3, 2, dropouts=2) == (1,)
    assert exposed(5, 3, 5) == ()


def test_what_is_wrong_is_refused():
    good = {"n": 4, "threshold": 3}
    for bad, message in [
        ({"threshold": 5}, "threshold is 5"),
        ({"colluders": [5]}, r"colluders are \[5\]"),
        ({"dropouts": [0]}, "dropouts are"),
        ({"late": [1]}, "late ones are among them"),
        ({"server": "mute"}, "server is 'mute'"),
    ]:
        with pytest.raises(ValueError, match=message):
            learnt(**good | bad)
    with pytest.raises(ValueError, match="3 colluders and 2 dropouts of 4 clients"):
        exposed(4, 3, 3, dropouts=2)
