"""Accepted results: written the same twice, compared within their tolerance, accepted with care."""

import json

import numpy as np
import pytest

from medlib.experiment import figures
from medlib.experiment.record import read_record
from press.check.drift import changes
from press.errors import UserError
from press.results.accepted import (
    distil,
    read_accepted,
    results_path,
    write_accepted,
)
from press.results.thumbnail import (
    THUMBNAIL_TOLERANCE,
    decode_thumbnail,
    encode_thumbnail,
    pixels_digest,
    thumbnail,
    thumbnail_distance,
)

ACCEPTED = "results/pixels/whole/accepted.json"
RECORD = "build/runs/pixels/whole/record.json"


@pytest.fixture
def accepted(accepted_book):
    return read_accepted(results_path(accepted_book.project.results, "pixels/whole"))


def test_the_same_run_gives_the_same_bytes(accepted_book, accepted, tmp_path):
    folder = accepted_book.root / "build/runs/pixels/whole"
    again = distil(read_record(folder / "record.json"), title=accepted.title, run_folder=folder)
    write_accepted(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_bytes() == (accepted_book.root / ACCEPTED).read_bytes()
    assert read_accepted(tmp_path / "again.json") == accepted


def test_it_holds_what_a_reader_could_dispute(accepted):
    assert accepted.title == "A whole chapter"
    assert [result.name for result in accepted.results] == ["mean", "noise"]
    assert [claim.control for claim in accepted.claims] == [False, False, True]
    assert [len(figure.thumbnails) for figure in accepted.figures] == [1, 2]
    assert accepted.made_with.packages["numpy"]
    assert accepted.made_with.cpu_s > 0


def test_one_number_takes_one_line(accepted_book):
    lines = (accepted_book.root / ACCEPTED).read_text("utf-8").splitlines()
    assert len([line for line in lines if '"name": "mean"' in line and '"value"' in line]) == 1


def test_the_digest_is_the_one_that_runs_record():
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 4), np.uint8)
    pixels[..., 3] = 255
    png = figures.to_png(pixels[..., :3])
    assert pixels_digest(figures.decode(png)) == figures.pixels_sha256(png)
    assert pixels_digest(pixels) != pixels_digest(pixels.reshape(7, 9, 4))


def curve(height, *, title="PSNR 41.9 dB"):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(figures.STYLE):
        figure = Figure()
        axes = figure.subplots()
        x = np.linspace(0, 10, 200)
        axes.plot(x, np.sin(x) + height)
        axes.set(ylim=(-2, 2), title=title)
        return thumbnail(figures.decode(figures.render(figure)))


def test_a_thumbnail_forgives_last_bits_and_a_digit_but_not_a_curve_that_moved():
    start = curve(0)
    assert thumbnail_distance(start, curve(1e-7)) < 1
    assert thumbnail_distance(start, curve(0, title="PSNR 42.0 dB")) < THUMBNAIL_TOLERANCE
    assert thumbnail_distance(start, curve(0.3)) > THUMBNAIL_TOLERANCE


def test_a_thumbnail_survives_text():
    small = np.random.default_rng(1).integers(0, 256, (32, 32)).astype(np.uint8)
    assert (decode_thumbnail(encode_thumbnail(small)) == small).all()
    with pytest.raises(ValueError, match="1024 bytes"):
        decode_thumbnail(encode_thumbnail(small[:5]))


def test_nothing_changes_between_equal_runs(accepted):
    slower = accepted.made_with.model_copy(update={"wall_s": 1e3, "commit": "other"})
    assert changes(accepted, accepted.model_copy(update={"made_with": slower})) == []


def test_every_change_is_shown(accepted):
    mean, noise = accepted.results
    now = accepted.model_copy(
        update={
            "title": "Another",
            "results": [mean.model_copy(update={"value": 0.7}), noise],
            "claims": accepted.claims[1:],
            "figures": [
                accepted.figures[0].model_copy(update={"pixels_sha256": ["0" * 64]}),
                accepted.figures[1],
            ],
            "made_with": accepted.made_with.model_copy(update={"packages": {"numpy": "9"}}),
        }
    )
    text = "\n".join(changes(accepted, now))
    assert "title was 'A whole chapter', is 'Another'" in text
    assert "result: mean was 0.5, is 0.7" in text
    assert "claim: 'the mean lies near the middle' is no longer made" in text
    assert "figure: ramp: its pixels differ" in text
    assert f"numpy was {accepted.made_with.packages['numpy']}, is 9" in text
    assert "noise" not in text
    (first,) = changes(None, now)
    assert first == "new: 2 results, 2 claims, 2 figures"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{", "cannot be read"), ('{"schema_version": 1, "chapter": "a/b"}', "damaged: title")],
)
def test_damaged_results_are_told_in_one_line(tmp_path, text, expected):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UserError, match=expected) as caught:
        read_accepted(tmp_path / "x.json")
    assert "\n" not in str(caught.value)
    assert "x.json" in str(caught.value)


# -- the verb -------------------------------------------------------------------------------------


def edit_record(book, change_it):
    path = book.root / RECORD
    record = json.loads(path.read_text("utf-8"))
    change_it(record)
    path.write_text(json.dumps(record), "utf-8")


def test_accepting_an_equal_run_leaves_the_file_alone(accepted_book):
    path = accepted_book.root / ACCEPTED
    before = path.stat().st_mtime_ns
    edit_record(accepted_book, lambda record: record.update(wall_s=99.0))
    done = accepted_book.medbook("accept", "whole")
    assert (done.returncode, done.stdout) == (0, "pixels/whole: nothing changes\n")
    assert path.stat().st_mtime_ns == before


def test_accepting_shows_what_changes_and_a_dry_run_writes_nothing(accepted_book):
    edit_record(accepted_book, lambda record: record["results"][0].update(value=0.55))
    before = (accepted_book.root / ACCEPTED).read_bytes()
    done = accepted_book.medbook("accept", "--dry-run")
    assert done.returncode == 0
    assert "would change\n  result: mean was 0.5, is 0.55" in done.stdout
    assert (accepted_book.root / ACCEPTED).read_bytes() == before
    assert accepted_book.medbook("check").returncode == 1
    done = accepted_book.medbook("accept")
    assert "wrote results/pixels/whole/accepted.json" in done.stdout
    assert accepted_book.medbook("check").returncode == 0


def test_a_stale_run_is_refused(accepted_book):
    accepted_book.edit(
        "chapters/pixels/whole/whole.py", "np.linspace(0, 1, size)", "np.zeros(size)"
    )
    done = accepted_book.medbook("accept")
    assert done.returncode == 1
    assert "stale: its code cells changed" in done.stderr


def test_a_run_whose_claim_fails_is_refused(accepted_book):
    def fail(record):
        record["claims"][0].update(holds=False, margin=-1.0)

    edit_record(accepted_book, fail)
    before = (accepted_book.root / ACCEPTED).read_bytes()
    done = accepted_book.medbook("accept")
    assert done.returncode == 1
    assert "does not hold: 'the mean lies near the middle'" in done.stderr
    assert (accepted_book.root / ACCEPTED).read_bytes() == before
