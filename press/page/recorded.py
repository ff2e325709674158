"""What the pages tell of runs that a build does not repeat: when and by what they were made, and
whether the one point, or the small run beside them, that was run again gave the same."""

from __future__ import annotations

import html
from collections.abc import Iterator

from medlib.experiment.tables import MadeBy, SweepTable
from press.check.live import Again, repetition
from press.check.recorded import read_made_by
from press.page.masthead import seconds
from press.results import kept
from press.results.live import live_point
from press.results.stale import known_stale, stale_because
from press.source.project import Project

SHOWN = ("sweep", "full")  # what a chapter shows; the other kinds are about its claims


def recorded_lines(project: Project, chapter: str) -> list[str]:
    """The masthead's lines on what the page shows and no build repeats; none where it is nothing.

    Raises:
        UserError: a table is damaged.
    """
    items = []
    for name, kind in _tables(project, chapter):
        if kind in SHOWN:
            made = read_made_by(project, name, kind)
            items.append(f"- {_runs(project, name, kind)}: {made_text(made)}. "
                         f"{_again(project, name, kind, made)}")  # fmt: skip
    if not items:
        return []
    head = "Recorded, and not repeated by a build:"
    return [":::::{div} medbook-recorded", head, "", *items, ":::::", ""]


def _runs(project: Project, name: str, kind: str) -> str:
    what = f"`{name.rsplit('/', 1)[-1]}`"
    table = kept.read(project, name, "sweep", SweepTable) if kind == "sweep" else None
    if table is None:
        return f"{what}, one long run"
    count = len(table.points)
    return f"{what}, a sweep of {count} point{'s' if count != 1 else ''}"


def _again(project: Project, name: str, kind: str, made: MadeBy) -> str:
    if stale_because(project, project.notebook(name), made):
        return "**The code has changed since**, and nothing of it is run again."
    live = live_point(project, name) if kind == "sweep" else None
    if live is None:
        return "Nothing of it is run again."
    found = repetition(project, live)
    what = "A small run by the same code" if live.beside else "One point"
    what += f" ({live.told})"
    if found.outcome is Again.NOT_YET:
        return f"{what} is to be run again, and was **not yet**."
    said = f"**{found.outcome.value}**"
    if found.outcome is Again.DRAW:
        said += (
            f": {len(found.differences)} of its {len(live.recorded)} results differ by more than"
            " their tolerance, none by more than two seeds do"
        )
    elif found.differences:
        said += f" in {len(found.differences)} of {len(live.recorded)} results"
    return f"{what} was run again in this build: {said}."


def recorded_list(project: Project, chapter: str) -> list[str]:
    """The status page's list of all kept tables of a chapter: by what they were made, and when.

    Raises:
        UserError: a table is damaged.
    """
    known = known_stale(project)
    items = []
    for name, kind in _tables(project, chapter):
        made = read_made_by(project, name, kind)
        text = (
            f"- `{name.removeprefix(chapter).strip('/') or 'chapter'}`, {kind}: {made_text(made)}"
        )
        if stale_because(project, project.notebook(name), made):
            text += "; **stale**: made by other code, to be remade"
            text += f" ({known[f'{name}/{kind}']})" if f"{name}/{kind}" in known else ""
        elif kind == "sweep" and (live := live_point(project, name)):
            text += f"; {live.called}, run again: {repetition(project, live).outcome.value}"
        items.append(f"{text}.")
    return ["Recorded, not repeated by a build:", "\n".join(items)] if items else []


def made_text(made: MadeBy) -> str:
    """When, at which commit, on what, and in how long a table was made."""
    if made.first is None or made.last is None:
        return "when and on what it was made was not recorded"
    days = " to ".join(dict.fromkeys(f"{when:%d %B %Y}" for when in (made.first, made.last)))
    commits = ", ".join(f"`{commit[:10]}`" for commit in made.commits) or "unknown"
    machines = html.escape(", ".join(made.processor)) or "an unknown machine"
    return f"{days}, commit {commits}, {machines}, {seconds(made.cpu_s)} of CPU"


def _tables(project: Project, chapter: str) -> Iterator[tuple[str, str]]:
    """The kept tables of a chapter and its companions, by name and kind."""
    for name, kind in kept.tables_in(project):
        if name == chapter or name.startswith(f"{chapter}/"):
            yield name, kind
