"""Run a crate's run again with the code that the crate brings, in a folder of its own.

That code may be a stranger's. It runs as any program does, with all that its user may do: the
folder keeps the checkout clean and nobody safe. So it runs only where that was asked for.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medlib.experiment.environment import tracked_files
from press.check.crate import Packed, read_crate
from press.check.reproduce import OFFER, Verdict, reproduce_all
from press.crate import terms
from press.crate.opening import is_crate
from press.errors import UserError
from press.run.comparison import compare_digests
from press.source.project import Project

if TYPE_CHECKING:
    from press.check.reproduce import Show


def reproduce_with_its_code(
    project: Project, crate: Path, *, show: Show | None = None
) -> Verdict | UserError:
    """Execute a crate's run again with the crate's own chapter and library.

    Interpreter, packages and data are this machine's. How the checkout's files differ from those
    of the crate is among the verdict's notes.

    Raises:
        UserError: `crate` is none, or is damaged, or cannot be run at all.
    """
    if not is_crate(crate):
        raise UserError(f"{crate}: --code crate wants a crate; a run folder brings no code")
    packed = read_crate(crate)
    with unpacked_code(packed) as root:
        try:
            (found,) = reproduce_all(Project(root), [crate], show=show)
        except UserError as error:
            found = error
    if isinstance(found, UserError):  # what it would offer is what was done
        return UserError(str(found).removesuffix(OFFER), found.exit_code)
    here = compare_digests("code", packed.record.modules, tracked_files(project.root))
    notes = [f"in this checkout {difference.message}" for difference in here]
    return dataclasses.replace(found, notes=(*notes, *found.notes))


@contextmanager
def unpacked_code(packed: Packed) -> Iterator[Path]:
    """The code of a crate in a temporary folder that is laid out as a checkout.

    Nobody else may read it, and it is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="mb-code-") as folder:
        root = Path(folder).resolve()
        (root / "chapters").mkdir()
        for name, data in packed.crate.files.items():
            if name.startswith(terms.CODE):
                path = root / name.removeprefix(terms.CODE)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        yield root
