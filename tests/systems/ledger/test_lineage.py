"""A metric leads back to its images, an image leads on to its metrics, and gaps are told."""

import pytest

from medlib.systems.ledger.entry import entry_after
from medlib.systems.ledger.kinds import (
    ImageSource,
    code_draft,
    data_draft,
    images_draft,
    metric_draft,
    run_draft,
)
from medlib.systems.ledger.lineage import lineage, metrics_from

NOON = "2024-05-03T12:00:00Z"
ZEROS = "0" * 64


class Ledger(list):
    def add(self, draft):
        self.append(entry_after(self[-1] if self else None, draft, time=NOON))
        return self[-1].digest


def images(*uids):
    return images_draft([ImageSource("1", "2", uid, uid, ZEROS, {"KVP": 120}) for uid in uids])


@pytest.fixture
def ledger():
    """Two runs on one program: the first on images a and b, the second on b and c."""
    made = Ledger()
    code = made.add(code_draft({"fit.py": ZEROS}))
    for uids in (("a", "b"), ("b", "c")):
        seen = made.add(images(*uids))
        run = made.add(
            run_draft(name="fit", parameters={}, rests_on={"code": code, "images": seen})
        )
        made.add(metric_draft(name="auc", value=0.9, unit="AUC", run=run))
    return made


def test_a_metric_leads_back_to_its_images(ledger):
    one, other = [entry for entry in ledger if entry.kind == "metric"]
    assert lineage(ledger, one).instance_uids == ("a", "b")
    assert lineage(ledger, other).instance_uids == ("b", "c")
    assert [entry.index for entry in lineage(ledger, other).entries] == [0, 4, 5, 6]
    assert lineage(ledger, other).rests_on["code"] == ledger[0]


@pytest.mark.parametrize(("uid", "at"), [("a", [3]), ("b", [3, 6]), ("c", [6]), ("d", [])])
def test_an_image_leads_on_to_its_metrics(ledger, uid, at):
    assert [entry.index for entry in metrics_from(ledger, uid)] == at


def test_what_does_not_stand_before_is_told(ledger):
    with pytest.raises(ValueError, match="run that does not stand before it"):
        lineage(ledger[:2] + ledger[3:], ledger[3])
    with pytest.raises(ValueError, match="names 'images'"):
        lineage([ledger[0], *ledger[2:]], ledger[3])
    ledger.add(metric_draft(name="auc", value=0.9, unit="AUC", run=ledger[0].digest))
    with pytest.raises(ValueError, match="run that does not"):
        lineage(ledger, ledger[-1])  # of the code, which is no run
    with pytest.raises(ValueError, match="not a metric"):
        lineage(ledger, ledger[0])


@pytest.fixture
def chained():
    """Scans, cut into patches, on which a network is trained, which is judged: three runs."""
    made = Ledger()
    scans = made.add(images("a", "b"))
    patches = {"patches.npz": "1" * 64}
    cut = made.add(run_draft(name="cut", parameters={}, rests_on={"s": scans}, outputs=patches))
    cut_again = made.add(data_draft(patches))  # nobody says whose: the bytes do
    fit = made.add(
        run_draft(name="fit", parameters={}, rests_on={"p": cut_again}, outputs={"w": "2" * 64})
    )
    others = made.add(images("c"))
    judge = made.add(run_draft(name="judge", parameters={}, rests_on={"fit": fit, "c": others}))
    made.add(metric_draft(name="auc", value=0.9, unit="AUC", run=judge))
    lone = made.add(run_draft(name="lone", parameters={}, rests_on={"c": others}))
    made.add(metric_draft(name="mean", value=0.1, unit="1", run=lone))
    return made, cut


def test_a_scan_two_runs_away_is_found(chained):
    made, _ = chained
    assert [entry.index for entry in metrics_from(made, "a")] == [6]
    assert [entry.index for entry in metrics_from(made, "c")] == [6, 8]
    behind = lineage(made, made[6])
    assert [entry.index for entry in behind.entries] == [0, 1, 2, 3, 4, 5, 6]
    assert behind.instance_uids == ("a", "b", "c")
    assert set(behind.rests_on) == {"fit", "c"}
    assert [entry.index for entry in lineage(made, made[8]).entries] == [4, 7, 8]


def test_a_gap_two_runs_away_is_told(chained):
    made, _ = chained
    with pytest.raises(ValueError, match="run 3 names 'p'"):
        lineage([entry for entry in made if entry.index != 2], made[6])


def test_a_run_that_leaves_what_it_was_given_is_no_endless_road():
    made = Ledger()
    same = {"x": "1" * 64}
    data = made.add(data_draft(same))
    copied = made.add(run_draft(name="copy", parameters={}, rests_on={"d": data}, outputs=same))
    again = made.add(data_draft(same))
    run = made.add(run_draft(name="fit", parameters={}, rests_on={"c": copied, "d": again}))
    made.add(metric_draft(name="m", value=1, unit="1", run=run))
    assert [entry.index for entry in lineage(made, made[-1]).entries] == [0, 1, 2, 3, 4]
