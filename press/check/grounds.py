"""Does a chapter say of each claim what it was run on, and can that be, after what its run read?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from medlib.experiment.record import Record
from press.errors import UserError
from press.finding import Finding
from press.source.grounds import GROUNDS, Ground, grounds_of
from press.source.project import Chapter, Project

# What a run must have read before a claim of it can have been run on this. Real anatomy with
# simulated findings comes as either kind of data; code and arithmetic need none.
NEEDED = {
    Ground.PATIENTS: ("real",),
    Ground.PICTURES: ("real",),
    Ground.ANATOMY: ("real", "simulated"),
    Ground.SIMULATION: ("simulated",),
}
NO_IMAGES = "/weights"  # how the name of a network's weights ends


def inspect_grounds(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """What is wrong with a chapter's `grounds.yml`."""
    try:
        found = grounds_of(project, chapter)
    except UserError as error:
        yield Finding(chapter.id, "grounds", str(error))
        return
    if found is None:
        if record.claims:
            words = ", ".join(Ground)
            message = f"has no {GROUNDS}: write `run_on: ` and one of {words}"
            yield Finding(chapter.id, "grounds", message)
        return
    texts = [claim.text for claim in record.claims]
    named = Counter(each.claim for each in found.but)
    for text, times in named.items():
        if text not in texts:
            yield Finding(chapter.id, "grounds", f"{GROUNDS}: there is no claim {text!r}")
        if times > 1:
            yield Finding(chapter.id, "grounds", f"{GROUNDS}: stands there twice: {text!r}")
    for each in found.but:
        if each.run_on == found.run_on:
            message = f"{GROUNDS}: is run on what all are, and need not be named: {each.claim!r}"
            yield Finding(chapter.id, "grounds", message)
    kinds = {use.kind for use in record.data if not use.name.endswith(NO_IMAGES)}
    kinds |= {kind for figure in record.figures for kind in figure.data.split(" and ")}
    for ground in sorted({ground for text in texts for ground in found.of(text)}):
        if ground in NEEDED and not kinds.intersection(NEEDED[ground]):
            message = (
                f"{GROUNDS}: a claim is run on {ground}, but the run read and"
                f" showed no {' or '.join(NEEDED[ground])} data"
            )
            yield Finding(chapter.id, "grounds", message)
