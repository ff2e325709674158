"""Kept tables against the present code: stale ones, other seeds, falsifiers, longer training.

A table whose code has changed is an error, unless ``results/known_stale.toml`` names it with a
reason. Tolerances of the accepted results are held against the spread over other seeds, where a
table keeps it: an alarm that rings only at more than half a standard deviation sleeps through, so
a wider one counts for no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from medlib.experiment.record import Record
from medlib.experiment.tables import FullRun, MadeBy, SweepTable
from medlib.experiment.trials import made_by
from press.check.live import inspect_live
from press.errors import UserError
from press.finding import Finding
from press.results import kept, longer, seeds
from press.results.accepted import Accepted, read_accepted, results_path
from press.results.falsified import FalsifiedTable, changed_since, read_falsified
from press.results.falsified import findings as falsifier_findings
from press.results.spreads import spreads
from press.results.stale import known_stale, pins_changed, stale_because
from press.source.project import Chapter, Project

MODELS = {"falsified": FalsifiedTable, "full": FullRun}


def inspect_kept(project: Project, chapter: Chapter, record: Record) -> list[Finding]:
    """What the kept tables of a chapter and its companions say of its run.

    Args:
        project: the checkout.
        chapter: the chapter.
        record: its present run.
    """
    found = inspect_stale(project, chapter)
    for inspect in (inspect_seeds, inspect_tolerances, inspect_falsifiers, inspect_longer):
        try:
            found += inspect(project, chapter, record)
        except UserError as error:
            if str(error) not in {finding.message for finding in found}:
                found.append(Finding(chapter.id, "results", str(error)))
    return found + inspect_live(project, chapter)


# -- stale -----------------------------------------------------------------------------------------


def inspect_stale(project: Project, chapter: Chapter) -> list[Finding]:
    """The kept tables of a chapter and its companions that other code made."""
    try:
        known = known_stale(project)
    except UserError as error:
        return [Finding(chapter.id, "results", str(error))]
    found: list[Finding] = []
    for name, kind in kept.tables_in(project):
        if name == chapter.id or name.startswith(f"{chapter.id}/"):
            found += _stale(project, name, kind, known.get(f"{name}/{kind}", ""))
    return found


def _stale(project: Project, name: str, kind: str, reason: str) -> Iterator[Finding]:
    try:
        made = read_made_by(project, name, kind)
        because = stale_because(project, project.notebook(name), made)
    except UserError as error:
        yield Finding(name, "results", str(error))
        return
    how = f"remake with `{kept.how_to_make(name, kind)}`"
    if because and reason:
        message = f"{kind}.json is stale: {'; '.join(because)}; {how}; kept for now: {reason}"
        yield Finding(name, "stale", message, "note")
    elif because:
        message = f"{kind}.json is stale, made by other code: {'; '.join(because)}; {how}"
        yield Finding(name, "stale", message)
    elif reason:
        message = f"{kind}.json is no longer stale: take it out of results/known_stale.toml"
        yield Finding(name, "stale", message)
    elif pins_changed(project, made):
        yield Finding(name, "stale", f"{kind}.json was made under other pins; {how}", "note")


def read_made_by(project: Project, name: str, kind: str) -> MadeBy:
    """What a kept table says of its making.

    Raises:
        UserError: it is damaged, or gone.
    """
    table = kept.read(project, name, kind, MODELS.get(kind, SweepTable))
    if table is None:
        raise UserError(f"{name}: {kind}.json is gone")
    if isinstance(table, FullRun):
        return made_by([table.record], code_sha256=table.code_sha256)
    return table.made_by


def stale_listed_in_vain(project: Project) -> Iterator[Finding]:
    """Entries of ``results/known_stale.toml`` that name no table."""
    there = {f"{name}/{kind}" for name, kind in kept.tables_in(project)}
    try:
        for table in known_stale(project):
            if table not in there:
                message = f"results/known_stale.toml names {table}, which is no kept table"
                yield Finding("", "stale", message)
    except UserError:  # said of every chapter
        return


# -- other seeds -----------------------------------------------------------------------------------


def inspect_seeds(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """What the table of other seeds says of the claims that the run makes."""
    again = f"`{kept.how_to_make(chapter.id, 'seeds')}`"
    table = seeds.read_seeds_table(project, chapter.id)
    if table is None:
        yield Finding(chapter.id, "seeds", f"no table of other seeds yet: {again}", "note")
        return
    yield from seeds.findings(table)
    tried = {claim.text for claim in table.claims}
    for claim in record.claims:
        if claim.text not in tried:
            message = f"{claim.text!r} was never tried on other seeds: {again}"
            yield Finding(chapter.id, "seeds", message)
    if not table.keeps_results:
        message = f"the table of other seeds keeps no results yet, only claims: {again}"
        yield Finding(chapter.id, "seeds", message, "note")


def inspect_tolerances(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """Stated tolerances that would not notice a change as large as another seed makes.

    They count for no more than half the standard deviation over seeds (`press.run.spread`).
    """
    table = seeds.read_seeds_table(project, chapter.id)
    path = results_path(project.results, chapter.id)
    if table is None or not table.keeps_results or not path.is_file():
        return
    names = list(too_wide(read_accepted(path), table))
    if names:
        message = (
            f"{len(names)} stated tolerances are wider than half the standard deviation over"
            f" {len(table.points)} seeds, which counts: {', '.join(names)}"
        )
        yield Finding(chapter.id, "tolerance", message, "note")


def too_wide(accepted: Accepted, table: SweepTable) -> Iterator[str]:
    """The accepted results whose tolerance exceeds half their standard deviation over seeds."""
    over_seeds = spreads(table)
    for result in accepted.results:
        spread = over_seeds.get(result.name)
        if spread is not None and spread.at_most(result.tolerance) < result.tolerance:
            yield result.name


# -- falsifiers, longer training -------------------------------------------------------------------


def inspect_falsifiers(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """Claims that nothing was shown to refute; errors once the chapter has an outcome to keep."""
    again = f"`{kept.how_to_make(chapter.id, 'falsified')}`"
    table = read_falsified(project, chapter.id)
    if table is None:
        named = sum(bool(claim.falsified_by) for claim in record.claims)
        message = f"{named} of {len(record.claims)} claims name a falsifier, none was run: {again}"
        yield Finding(chapter.id, "falsify", message, "note")
        return
    yield from falsifier_findings(table)
    for tried_as in table.falsifiers:
        if not tried_as.error and (how := changed_since(project, chapter, tried_as)):
            message = f"the falsifier {tried_as.name} is another than was run: {how}: {again}"
            yield Finding(chapter.id, "falsify", message)
    tried = {claim.text: claim.falsified_by for claim in table.claims}
    for claim in record.claims:
        if claim.text not in tried:
            message = f"{claim.text!r} was never tried under a falsifier: {again}"
            yield Finding(chapter.id, "falsify", message)
        elif claim.falsified_by != tried[claim.text]:
            message = (
                f"{claim.text!r} names the falsifier {claim.falsified_by or 'none'}, tried was"
                f" {tried[claim.text] or 'none'}: {again}"
            )
            yield Finding(chapter.id, "falsify", message)


def inspect_longer(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """Claims that a kept table shows to turn round when training is longer."""
    table = longer.read_longer(project, chapter.id)
    if table is not None:
        yield from longer.findings(table)
