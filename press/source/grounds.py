"""What each conclusion was run on: patients, real anatomy, pictures, simulation, or none of it.

``grounds.yml`` in a chapter's folder declares it once for all claims, and for those that stand on
something else. The page shows it at each claim, and so does the status page.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from press.errors import UserError
from press.source.project import Chapter, Project
from press.source.yaml_file import read_yaml

GROUNDS = "grounds.yml"


class Ground(StrEnum):
    """What a conclusion was run on; the value is the word that `grounds.yml` has for it."""

    PATIENTS = "patients"
    ANATOMY = "anatomy"
    PICTURES = "pictures"
    SIMULATION = "simulation"
    CODE = "code"


SAID: Mapping[Ground, str] = {
    Ground.PATIENTS: "patients",
    Ground.ANATOMY: "real anatomy or texture, simulated findings",
    Ground.PICTURES: "real pictures and scans, nothing found in patients",
    Ground.SIMULATION: "simulation",
    Ground.CODE: "code and arithmetic, no images",
}

_Grounds = Annotated[tuple[Ground, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _one_or_more(cls, content: object) -> object:
        """A single word is a list of one."""
        if isinstance(content, Mapping) and isinstance(content.get("run_on"), str):
            return {**content, "run_on": [content["run_on"]]}
        return content


class Other(_Strict):
    """A claim that stands on something else than the others."""

    claim: Annotated[str, Field(min_length=8)]
    run_on: _Grounds


class Grounds(_Strict):
    """What a chapter's conclusions were run on.

    Args:
        run_on: of every claim that is not named below.
        but: the claims that were run on something else, by their whole text.
    """

    run_on: _Grounds
    but: tuple[Other, ...] = ()

    def of(self, claim: str) -> tuple[Ground, ...]:
        """What the claim of this text was run on."""
        return {each.claim: each.run_on for each in self.but}.get(claim, self.run_on)

    def said(self, claim: str) -> str:
        """The same for a reader.

        >>> Grounds(run_on="simulation").said("the sum is right")
        'run on: simulation'
        """
        return f"run on: {'; '.join(SAID[ground] for ground in self.of(claim))}"


def grounds_of(project: Project, chapter: Chapter) -> Grounds | None:
    """What a chapter declares; None where it has no such file.

    Raises:
        UserError: its file is damaged, or says something that makes no sense.
    """
    path = chapter.source.with_name(GROUNDS)
    if not path.is_file():
        return None
    content = read_yaml(path)
    try:
        return Grounds.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"])
        raise UserError(f"{project.relative(path)}: {where}: {first['msg']}".strip()) from None
