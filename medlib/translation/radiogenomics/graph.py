"""Arrows between hospital, biology, image and response, and which independences they promise."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["arrows", "independent"]

Graph = Mapping[str, frozenset[str]]  # each variable with its causes


def arrows(*, link: str = "site to response", biology_differs: bool = False) -> Graph:
    """The world of the chapter: each variable with the variables that act on it.

    Args:
        link: "site to response": a hospital treats or refers in its own way; "response to site":
            patients go to a hospital because of how they will respond; "none".
        biology_differs: an arrow from hospital to biology: other patients live there.

    Raises:
        ValueError: another link; or arrows in a circle.

    Example:
        >>> sorted(arrows()["image"]), sorted(arrows(link="none")["response"])
        (['biology', 'site'], ['biology', 'genes'])
    """
    causes = {
        "site": set(), "biology": set(), "genes": set(),
        "image": {"biology", "site"}, "response": {"biology", "genes"},
    }  # fmt: skip
    if link == "site to response":
        causes["response"].add("site")
    elif link == "response to site":
        causes["site"].add("response")
    elif link != "none":
        raise ValueError(f"link is {link!r}; site to response, response to site, or none")
    if biology_differs:
        if link == "response to site":
            raise ValueError("a circle: biology acts on the response, the response on the hospital")
        causes["biology"].add("site")
    return {name: frozenset(of) for name, of in causes.items()}


def independent(graph: Graph, first: str, second: str, *, given: Collection[str] = ()) -> bool:
    """Whether the graph promises that two variables are independent, given others.

    Keep the variables asked about and all that act on them, however far back. Join any two that act
    on the same one: once it, or what it acts on, is known, they tell of each other. Forget which
    way arrows point, and take away what is given. Independent, if no way is left between the two.

    Args:
        graph: each variable with its causes.
        first, second: two variables.
        given: variables that are known.

    Raises:
        ValueError: a variable that is not in the graph, or one that is asked about and given.

    Example:
        >>> graph = arrows()
        >>> independent(graph, "biology", "site")
        True
        >>> independent(graph, "biology", "site", given=["response"])
        False

    Source: d-separation by moral graphs: Lauritzen et al. (1990), doi:10.1002/net.3230200503.
    """
    asked = {first, second, *given}
    if unknown := sorted(asked - set(graph)):
        raise ValueError(f"{unknown[0]!r} is not in the graph; there are {sorted(graph)}")
    if first == second or {first, second} & set(given):
        raise ValueError(f"{first!r} and {second!r} must differ, and neither be given")
    kept, waiting = set(), list(asked)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            waiting += graph[name]
    beside = {name: set() for name in kept}
    for name in kept:
        family = [name, *graph[name]]
        for one in family:
            beside[one] |= {other for other in family if other != one}
    reached, waiting = set(given), [first]
    while waiting:
        name = waiting.pop()
        if name == second:
            return False
        if name not in reached:
            reached.add(name)
            waiting += beside[name] - reached
    return True
