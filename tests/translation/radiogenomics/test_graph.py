"""Independences equal networkx's d-separation on every graph and question."""

import itertools

import networkx as nx
import numpy as np
import pytest

from medlib.translation.radiogenomics.graph import arrows, independent


def as_networkx(graph):
    found = nx.DiGraph()
    found.add_nodes_from(graph)
    found.add_edges_from((cause, name) for name, causes in graph.items() for cause in causes)
    return found


def questions(names):
    for first, second in itertools.combinations(names, 2):
        others = [name for name in names if name not in (first, second)]
        for n in range(len(others) + 1):
            for given in itertools.combinations(others, n):
                yield first, second, given


@pytest.mark.parametrize(
    ("link", "differs"),
    [
        ("none", False),
        ("site to response", False),
        ("response to site", False),
        ("none", True),
        ("site to response", True),
    ],
)
def test_every_question_about_the_worlds(link, differs):
    graph = arrows(link=link, biology_differs=differs)
    other = as_networkx(graph)
    for first, second, given in questions(sorted(graph)):
        expected = nx.is_d_separator(other, {first}, {second}, set(given))
        assert independent(graph, first, second, given=given) == expected, (first, second, given)


def test_random_graphs():
    rng = np.random.default_rng(0)
    for _ in range(12):
        order = rng.permutation(list("abcdef")).tolist()
        graph = {
            name: frozenset(cause for cause in order[:i] if rng.random() < 0.4)
            for i, name in enumerate(order)
        }
        other = as_networkx(graph)
        for first, second, given in questions("abcdef"):
            expected = nx.is_d_separator(other, {first}, {second}, set(given))
            assert independent(graph, first, second, given=given) == expected


def test_the_arrow_decides_which_independence_holds():
    to_response, to_site = arrows(), arrows(link="response to site")
    assert independent(to_response, "biology", "site")
    assert not independent(to_response, "biology", "site", given=["response"])
    assert not independent(to_site, "biology", "site")
    assert independent(to_site, "biology", "site", given=["response"])


def test_questions_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="'age' is not in the graph"):
        independent(arrows(), "age", "site")
    with pytest.raises(ValueError, match="neither be given"):
        independent(arrows(), "site", "image", given=["site"])
    with pytest.raises(ValueError, match="a circle"):
        arrows(link="response to site", biology_differs=True)
    with pytest.raises(ValueError, match="link is 'both'"):
        arrows(link="both")
