"""The verb of `medbook` that renders the book without Jupyter Book: door."""

from __future__ import annotations

from pathlib import Path

import click

from press.cli.desk import Desk, interruptible, warn


@click.command()
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="The interpreter of its environment  [default: .venv-door/bin/python]",
)
@click.option("--no-wait", is_flag=True, help="Fail at once if another medbook is at work here.")
@click.pass_obj
def door(desk: Desk, python: Path | None, no_wait: bool) -> None:
    """Prove that the book can leave Jupyter Book: plain Sphinx makes the same pages.

    The staged book is rendered once more by the newest Sphinx and myst-nb, which live in an
    environment of their own (`make door` makes it), and the text of every page is compared with
    the site's. A page that differs is named, with the first words that do.

    \b
    Examples:
      make door
      medbook door --python /elsewhere/bin/python
    """
    from press.page.door import through_the_door
    from press.run.lock import LOCK, hold

    project = desk.project
    with interruptible(), hold(project.build / LOCK, wait=not no_wait, echo=warn):
        through_the_door(project, python=python, echo=click.echo)


commands = [door]
