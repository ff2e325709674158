"""Law 2: does a claim keep its sign when what is trained is trained longer?

A chapter says which of its parameters are training lengths: those that its parameter set ``longer``
names, each at twice the book's value. They are doubled, and doubled once more, on two seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

from medlib.experiment.parameters import ParameterError
from medlib.experiment.tables import ClaimColumn, SweepTable
from press.errors import UserError
from press.finding import Finding
from press.results import kept
from press.results.seeds import other_seeds
from press.results.sweep import Sweep, plan_points
from press.run.execute import settled_parameters
from press.source.given import declared_parameters
from press.source.project import BOOK_PROFILE, Chapter, Project

PROFILE = "longer"
TIMES = (1, 2, 4)
SEEDS = 2


def training_lengths(project: Project, chapter: Chapter) -> dict[str, int]:
    """The parameters that a chapter declares as its training lengths, at the book's values.

    Raises:
        UserError: one is not declared or not whole, or stands there at another value than twice
            the book's.
    """
    named = project.profiles.get(PROFILE, {}).get(chapter.id) or {}
    book = settled_parameters(project, chapter)
    for name, value in named.items():
        where = f"{chapter}: profile {PROFILE!r}: {name}"
        if name not in book:
            raise UserError(f"{where} is no parameter of the chapter")
        if not isinstance(book[name], int) or isinstance(book[name], bool):
            raise UserError(f"{where} is no whole number: a training length counts steps")
        if value != 2 * book[name]:
            raise UserError(f"{where} is {value!r}; twice the book's value is {2 * book[name]}")
    return {name: book[name] for name in named}


def plan_longer(project: Project, chapter: Chapter, *, profile: str = BOOK_PROFILE) -> Sweep:
    """The runs of a chapter at one, two and four times its training lengths, on two seeds.

    Raises:
        UserError: it declares no training lengths or no seed, or four times one is out of range.
    """
    lengths = training_lengths(project, chapter)
    if not lengths:
        raise UserError(
            f"{chapter} declares no training lengths: name them, at twice the book's values, in a"
            f" parameter set {PROFILE!r} in its profiles.yml"
        )
    base = settled_parameters(project, chapter, profile=profile)
    if "seed" not in base:
        raise UserError(f"{chapter} declares no parameter seed")
    seeds = [base["seed"], *other_seeds(base["seed"], SEEDS - 1)]
    every, told = [], []
    for times in TIMES:
        for seed in seeds:
            every.append({"seed": seed} | {name: base[name] * times for name in lengths})
            told.append({"times": times, "seed": seed})
    declared = declared_parameters(project, chapter)
    try:
        for name in lengths:
            declared[name].check(base[name] * TIMES[-1])
    except ParameterError as error:
        raise UserError(f"{chapter}: {TIMES[-1]} times its training length: {error}") from None
    grid = {"times": list(TIMES), "seed": seeds}
    return plan_points(
        project, chapter, every, grid=grid, profile=profile, kind="longer", told=told
    )


def read_longer(project: Project, chapter: str) -> SweepTable | None:
    """The kept table of longer trainings; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return kept.read(project, chapter, "longer", SweepTable)


def keeps_sign(table: SweepTable, claim: ClaimColumn) -> bool:
    """Whether, on each seed, a claim holds at every length or at none.

    That it holds on one seed and not on another is a matter of seeds, not of length.
    """
    for seed in table.seeds:
        pairs = zip(table.points, claim.holds, strict=True)
        signs = {holds for point, holds in pairs if point.parameters["seed"] == seed}
        if len(signs) != 1 or None in signs:
            return False
    return True


def findings(table: SweepTable) -> list[Finding]:
    """Claims that longer training turns round, and runs that failed."""
    found = [
        Finding(table.chapter, "longer", f"{_told(point.parameters)}: {point.error}")
        for point in table.failed
    ]
    for claim in table.claims:
        if not keeps_sign(table, claim):
            places = [
                f"{_told(point.parameters)}: {_margin(margin)}"
                for point, margin in zip(table.points, claim.margins, strict=True)
            ]
            message = f"{claim.text!r} does not keep its sign: {', '.join(places)} {claim.unit}"
            found.append(Finding(table.chapter, "longer", message.rstrip()))
    return found


def as_markdown(tables: Sequence[SweepTable]) -> str:
    """The tables as one Markdown table, one row a claim; a margin a seed at each length."""
    head = ["chapter", "claim", *(f"×{times}" for times in TIMES), "unit", "keeps its sign"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * len(TIMES) + "---|---|"]
    for table in tables:
        for claim in table.claims:
            text = claim.text.replace("|", "\\|") + (" *(control)*" if claim.control else "")
            cells = [", ".join(map(_margin, margins_at(table, claim, times))) for times in TIMES]
            kept_sign = "yes" if keeps_sign(table, claim) else "**no**"
            row = [table.chapter, text, *cells, claim.unit, kept_sign]
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def margins_at(table: SweepTable, claim: ClaimColumn, times: int) -> list[float | None]:
    """A claim's margins at one length, a seed each."""
    pairs = zip(table.points, claim.margins, strict=True)
    return [margin for point, margin in pairs if point.parameters["times"] == times]


def _told(parameters: dict[str, int]) -> str:
    return f"×{parameters['times']} seed {parameters['seed']}"


def _margin(value: float | None) -> str:
    return "none" if value is None else f"{value:+.3g}"
