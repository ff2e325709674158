"""The options that name a scheduler, the same at every verb that runs many points."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from press.cli.desk import warn
from press.errors import UserError

if TYPE_CHECKING:
    from press.run.scheduler import Workers

FILE = click.Path(path_type=Path)
OPTIONS = (
    click.option(
        "--scheduler",
        metavar="tls://HOST:PORT",
        help="Run the points on the workers of this Dask scheduler, not on this machine's cores.",
    ),
    click.option(
        "--tls",
        "tls_folder",
        type=FILE,
        metavar="FOLDER",
        help="With tls://: the folder of ca.pem, cert.pem and key.pem.",
    ),
    click.option("--tls-ca", type=FILE, help="The certificate that both ends trust."),
    click.option("--tls-cert", type=FILE, help="This end's certificate."),
    click.option("--tls-key", type=FILE, help="The key of this end's certificate."),
)


def takes_scheduler(command: Callable[..., None]) -> Callable[..., None]:
    """Give a verb that has ``--jobs`` the options; its `jobs` is then a `press.run` `Workers`."""

    @functools.wraps(command)
    def with_scheduler(
        *arguments: Any,
        scheduler: str | None,
        tls_folder: Path | None,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        jobs: int | None,
        **options: Any,
    ) -> None:
        files = {"folder": tls_folder, "ca": tls_ca, "cert": tls_cert, "key": tls_key}
        command(*arguments, jobs=chosen_workers(scheduler, jobs, **files), **options)

    for option in reversed(OPTIONS):
        with_scheduler = option(with_scheduler)
    return with_scheduler


def chosen_workers(url: str | None, jobs: int | None, **files: Path | None) -> Workers:
    """The cluster at `url`, with a warning where others can listen in; `jobs` without a url.

    Raises:
        UserError: the address or a file cannot be right.
    """
    if url is None:
        if any(files.values()):
            raise UserError("certificates belong to --scheduler tls://HOST:PORT, which is missing")
        return jobs
    from press.run.address import read_address
    from press.run.scheduler import Cluster

    address = read_address(url, **files)
    if address.caution:
        warn(f"warning: {address.caution}")
    return Cluster(address, limit=jobs)
