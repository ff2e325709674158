"""The container image that a run took place in, as a person names it: a run cannot see its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from press.crate.terms import RUN_TERMS
from press.errors import UserError

FORM = re.compile(
    r"(?:(?P<registry>[a-z0-9.-]+(?::\d+)?)/)?(?P<name>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?"
    r"@sha256:(?P<digest>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Image:
    """An image by its digest; its registry and its tag only say where it was found."""

    name: str
    sha256: str
    registry: str = ""
    tag: str = ""

    @classmethod
    def named(cls, text: str) -> Image:
        """Read ``registry/name:tag@sha256:digest``; registry and tag may be left out.

        >>> Image.named("images.example/book:2@sha256:" + 64 * "a").registry
        'images.example'

        Raises:
            UserError: it is not of that form; a tag alone may be another image tomorrow.
        """
        found = FORM.fullmatch(text)
        if not found:
            raise UserError(
                f"--image {text!r}: expected NAME@sha256:DIGEST, as `docker images --digests`"
                " shows it; a tag alone may be another image tomorrow"
            )
        registry = found["registry"] or ""
        host = "." in registry or ":" in registry or registry == "localhost"
        name = found["name"] if host or not registry else f"{registry}/{found['name']}"
        return cls(name, found["digest"], registry if host else "", found["tag"] or "")

    def entity(self) -> dict[str, Any]:
        """The image in the words of the Process Run Crate 0.5."""
        return {
            "@id": f"#image-{self.sha256[:12]}",
            "@type": "ContainerImage",
            "additionalType": {"@id": f"{RUN_TERMS}#DockerImage"},
            "registry": self.registry,
            "name": self.name,
            "tag": self.tag,
            "sha256": self.sha256,
        }
