"""What the two source documents assert, and by what each chapter judges it.

``book/sources.yml`` lists every assertion in our own words with the chapters that judge it. A
chapter's ``verdicts.yml`` names, for each that it owes, claims or results that speak for or against
it, or says why it is not tested. No verdict is written down: `press.check.verdicts` computes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from press.errors import UserError
from press.source.project import Chapter, Project
from press.source.yaml_file import read_yaml

SOURCES = Path("book") / "sources.yml"
VERDICTS = "verdicts.yml"
Text = Annotated[str, Field(min_length=8)]
_Sheet = TypeVar("_Sheet", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(_Strict):
    """One measured thing that speaks for or against an assertion.

    Args:
        what: what was measured, in words that are true however it turns out.
        claim: the text of a claim of the chapter; it speaks if it holds.
        result: the name of a result; it speaks if it, with its whole interval, lies `above` or
            `below` the number given. If the interval holds the number the matter is open.
        speaks: "for" the assertion, or "against" it. Evidence that fails speaks the other way.
    """

    what: Text
    claim: str | None = None
    result: str | None = None
    above: float | None = None
    below: float | None = None
    speaks: Literal["for", "against"] = "for"

    @model_validator(mode="after")
    def _one_kind(self) -> Evidence:
        limits = (self.above is not None) + (self.below is not None)
        if (self.claim is None) == (self.result is None):
            raise ValueError("give a claim or a result, and not both")
        if limits != (self.result is not None):
            raise ValueError("a result needs `above` or `below`, one of them; a claim needs none")
        return self


class Owed(_Strict):
    """What a chapter brings on one assertion: evidence, what is left untested, or both."""

    evidence: tuple[Evidence, ...] = ()
    untested: Text | None = None

    @model_validator(mode="after")
    def _something(self) -> Owed:
        if not self.evidence and self.untested is None:
            raise ValueError("give evidence, or say under `untested` why there is none")
        return self


class Assertion(_Strict):
    """One thing that a source says as if it were so.

    Args:
        says: it, in our own words.
        judged_by: the chapters that owe a verdict, ``part/name``; some may be still to come.
    """

    says: Text
    judged_by: Annotated[tuple[str, ...], Field(min_length=1)]


class _Sources(_Strict):
    assertions: dict[str, Assertion]


class _Verdicts(_Strict):
    verdicts: dict[str, Owed]


def assertions(project: Project) -> dict[str, Assertion]:
    """Every assertion by its number, in the order of the file; none where there is no file.

    Raises:
        UserError: the file is damaged, or says something that makes no sense.
    """
    key = ("assertions",)  # each chapter's check asks for them
    if key not in project.kept:
        path = project.root / SOURCES
        there = path.is_file()
        project.kept[key] = _read(project, path, _Sources, "assertions").assertions if there else {}
    return project.kept[key]


def owed_by(project: Project, chapter: Chapter) -> dict[str, Owed]:
    """What a chapter brings, by the assertion's number; nothing where it has no sheet.

    Raises:
        UserError: its sheet is damaged, or says something that makes no sense.
    """
    path = chapter.source.with_name(VERDICTS)
    return _read(project, path, _Verdicts, "verdicts").verdicts if path.is_file() else {}


def _read(project: Project, path: Path, model: type[_Sheet], key: str) -> _Sheet:
    content = read_yaml(path)
    try:
        return model.model_validate({key: content})
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"][1:])
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{project.relative(path)}: {where}: {said}") from None
