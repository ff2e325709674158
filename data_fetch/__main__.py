"""`python -m data_fetch`: list the data, fetch one set, verify what is here."""

import importlib
import sys
from pathlib import Path

import click

from data_fetch.catalog import Dataset, catalog, dataset
from data_fetch.download import Transfer, by_hand, cache_folder, fetch, state
from data_fetch.errors import DataError
from data_fetch.sample import sha256_of_file


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """The book's data: real images inside installed packages, simulated ones, sets on the network.

    \b
    python -m data_fetch list              what there is, real or simulated, here or not
    python -m data_fetch get pathmnist     download one set, checked by its digest
    python -m data_fetch verify            check every digest, without a network
    python -m data_fetch show retina       a data set's card

    Downloads go to $MEDBOOK_DATA, or to the platform's cache folder.
    """


@main.command("list")
def list_() -> None:
    """Every data set: name, source, state, title."""
    width = max(map(len, catalog()))
    for entry in catalog().values():
        where = state(entry) if entry.source == "network" else "here"
        click.echo(f"{entry.name:<{width}}  {entry.source:<9}  {where:<10}  {entry.title}")
    click.echo(f"downloads: {cache_folder()}")


@main.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Another folder than the cache.")
def get(name: str, folder: Path | None) -> None:
    """Download NAME unless it is here, and check its digest."""
    path = fetch(name, folder=folder, transfer=Transfer())
    click.echo(f"{path}\nsha256 {sha256_of_file(path)}")
    if dataset(name).sha256 is None:
        click.echo("checked against the published MD5; its publisher gives no sha256")


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--folder", type=click.Path(path_type=Path), help="Another folder than the cache.")
def verify(names: tuple[str, ...], folder: Path | None) -> None:
    """Check the digests of NAMEs, or of everything that is here; no network is used."""
    entries = [dataset(name) for name in names] or list(catalog().values())
    bad = 0
    for entry in entries:
        verdict, wrong = _verdict(entry, folder=folder, asked=bool(names))
        bad += wrong
        click.echo(f"{entry.name}: {verdict}")
    if bad:
        raise DataError(f"{bad} of {len(entries)} data sets failed")


def _verdict(entry: Dataset, *, folder: Path | None, asked: bool) -> tuple[str, bool]:
    if entry.source == "simulated":
        return "made on demand", False
    if entry.source == "network":
        found = state(entry, folder=folder)
        if found == "here":
            return f"here, {entry.known_hash} holds", False
        at = (folder or cache_folder()) / entry.file
        if found == "damaged":
            return f"DAMAGED: {at} does not have the published digest {entry.known_hash}", True
        if found == "unreadable":
            return f"UNREADABLE: {at}; ask its owner to let you read it, or set MEDBOOK_DATA", True
        return (f"{found}. {by_hand(entry, folder=at.parent)}" if asked else found), asked
    module, function = entry.call.rsplit(".", 1)
    arguments = {"photograph": ("cat",)}.get(function, ())
    try:
        getattr(importlib.import_module(module), function)(*arguments)
    except (DataError, OSError) as error:
        return f"FAILED: {error}", True
    return "here, sha256 holds", False


@main.command()
@click.argument("name")
def show(name: str) -> None:
    """The card of NAME: what it is, licence, how to cite, what it can and cannot show."""
    click.echo(dataset(name).card_path.read_text(encoding="utf-8"))


def run() -> None:
    """Errors in one line, exit status 1 (2 for a wrong command line)."""
    try:
        main(standalone_mode=False)
    except DataError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("stopped; a partial download is kept and will be resumed", err=True)
        sys.exit(130)


if __name__ == "__main__":
    run()
