"""Falsifiers and longer training on a Dask cluster: the tables that this machine's cores give."""

import json

import pytest

from medlib.experiment.record import read_record
from press.errors import Exit
from press.results import kept
from press.run.execute import RECORD
from tests.press.conftest import make_book
from tests.press.run.dask_cluster import DaskCluster

PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
n_steps: int = 10  # steps of training, 1 ≤ x ≤ 100
rate: float = 0.5  # how fast, 0 < x ≤ 1
"""
IMPORTS = "from medlib.pixels.learned import learned"
LEARNED = "def learned(steps, rate):\n    return 1 - (1 - rate / 10) ** steps\n"
CODE = """\
import psutil
above = [" ".join(process.cmdline()) for process in psutil.Process().parents()]
run.say("{n:.0f} Dask workers.", n=sum("distributed.cli.dask_worker" in line for line in above))
if rate < 0.05:
    raise RuntimeError("too slow to wait for")
noise = float(run.rng("noise").normal())
late = learned(n_steps, rate)
run.result("late", late)
run.result("noise", noise)
run.claim("the slow one learns", late > 0.3, margin=late - 0.3, falsified_by="slow")
run.claim("it stays behind", late < 0.6, margin=0.6 - late, unit="points", falsified_by="slow")
run.claim("nothing leaks", abs(noise) < 9, margin=9 - abs(noise), control=True,
          falsified_by="_leaky")
run.claim("it may be slower still", late > 0.1, margin=late - 0.1, falsified_by="slowest")
run.claim("nobody knows how", late > 0, margin=late)
"""
LEAKY = """\
noise = 9 + learned(n_steps, rate) + float(run.rng("noise").normal()) ** 2
run.claim("nothing leaks", abs(noise) < 9, margin=9 - abs(noise), control=True)
"""
PROFILES = """\
slow: {rate: 0.1}
slowest: {rate: 0.01}
longer: {n_steps: 20}
"""
KEPT = {"--falsify": "falsified", "--longer": "longer"}
OF_THE_RUN = {"first", "last", "wall_s", "cpu_s", "commits"}  # the rest is what was found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    running = DaskCluster(tmp_path_factory.mktemp("cluster"))
    try:
        running.start_scheduler()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def here_and_there(cluster, tmp_path_factory):
    """Two books alike, and two workers that were started from the second one's checkout."""
    here, there = (make_book(tmp_path_factory.mktemp(name)) for name in ("here", "there"))
    for book in (here, there):
        book.write("medlib/pixels/learned.py", LEARNED)
        book.chapter("pixels/trained", CODE, imports=IMPORTS, parameters=PARAMETERS)
        book.chapter("pixels/trained/_leaky", LEAKY, imports=IMPORTS, parameters=PARAMETERS)
        book.write("chapters/pixels/trained/profiles.yml", PROFILES)
        book.commit()
    for name in ("alice", "bob"):
        cluster.worker_of(there, name)
    return here, there


@pytest.mark.parametrize(
    ("which", "worst"),
    [
        ("--falsify", "'it stays behind' still holds under its falsifier slow (margin 0.504"),
        ("--longer", "'it stays behind' does not keep its sign: ×1 seed 0: +0.199"),
    ],
)
def test_a_cluster_gives_the_table_that_this_machine_gives(
    cluster, here_and_there, which, worst, tmp_path
):
    kind = which.removeprefix("--")
    markdown, wrong, tables = [], [], []
    for book, options in zip(here_and_there, ([], cluster.options), strict=True):
        out = tmp_path / "table.md"
        done = book.medbook("check", "trained", which, "--accept", "-o", str(out), *options)
        assert done.returncode == Exit.CHECK_FAILED, done.stderr
        assert ran_below(book) == {f"{bool(options):d} Dask workers."}
        markdown.append(out.read_text("utf-8"))
        found = [line for line in done.stderr.splitlines() if f"trained: {kind[:6]}" in line]
        wrong.append(found)
        path = kept.path_of(book.project, "pixels/trained", KEPT[which])
        tables.append(without(json.loads(path.read_text("utf-8")), OF_THE_RUN))
    assert markdown[0] == markdown[1]
    assert wrong[0] == wrong[1]
    assert any(worst in line for line in wrong[1])
    assert tables[0] == tables[1]


def ran_below(book):
    """How many Dask workers each run of the chapter had above it, in its own words."""
    records = [read_record(path) for path in book.project.build.rglob(RECORD)]
    return {sentence for record in records for sentence in record.sentences}


def without(content, names):
    """A table's content less the fields of some names, at any depth."""
    if isinstance(content, dict):
        return {n: without(value, names) for n, value in content.items() if n not in names}
    return [without(each, names) for each in content] if isinstance(content, list) else content
