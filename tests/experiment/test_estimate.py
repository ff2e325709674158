"""A number with its interval: what it refuses, how it prints, what the run keeps of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment import Estimate
from medlib.experiment.estimate import STEPS_ACROSS, interval_text
from medlib.experiment.record import Result
from tests.experiment.test_run import start

GAIN = Estimate(1.2345, 0.93, 1.51, n=12, unit="dB")


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDBOOK_STRICT", "1")
    return start(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": math.nan}, "value is nan; it must be a finite number"),
        ({"high": math.inf}, "high is inf"),
        ({"low": None}, "low is None; it must be a finite number"),
        ({"value": 2.0}, r"2 lies outside its interval \[0.93, 1.51\]"),
        ({"low": 1.51, "high": 0.93}, "given in this order"),
        ({"n": 0}, "n is 0; it counts independent units"),
        ({"n": 2.5}, r"n is 2.5"),
        ({"n": True}, "n is True"),
        ({"n": None}, "n is None"),
        ({"n": math.nan}, "n is nan"),
        ({"n": "dB"}, "n is 'dB'"),
        ({"unit": 12}, "the unit is 12"),
        ({"level": 95}, "a share such as 0.95, not 95 %"),
        ({"level": 0.0}, "level is 0"),
    ],
)
def test_what_is_no_estimate_is_refused_with_a_reason(change, says):
    right = {"value": 1.2, "low": 0.93, "high": 1.51, "n": 12, "unit": "dB"}
    with pytest.raises(ValueError, match=says):
        Estimate(**{**right, **change})


def test_scalars_of_other_libraries_become_plain_numbers():
    import torch

    found = Estimate(torch.tensor(1.5), np.float32(1.0), np.float64(2.0), np.int64(3))
    assert [type(part) for part in (found.value, found.low, found.high, found.n)] == [
        float,
        float,
        float,
        int,
    ]
    assert found == Estimate(1.5, 1.0, 2.0, 3, "", 0.95)
    with pytest.raises(AttributeError):
        found.value = 2.0


@pytest.mark.parametrize(
    ("spec", "printed"),
    [
        ("ci", "1.2 dB [0.9, 1.5]"),
        (".1ci", "1.2 dB [0.9, 1.5]"),
        (".2ci", "1.23 dB [0.93, 1.51]"),
        (".0ci", "1 dB [1, 2]"),
        ("+.1ci", "+1.2 dB [+0.9, +1.5]"),
        ("+ci", "+1.2 dB [+0.9, +1.5]"),
        (".3gci", "1.23 dB [0.93, 1.51]"),
        (".1eci", "1.2e+00 dB [9.3e-01, 1.5e+00]"),
        (".1f", "1.2"),
        ("", "1.234 dB"),
    ],
)
def test_formats(spec, printed):
    assert format(GAIN, spec) == printed


def test_shares_print_in_per_cent_and_points_without_width():
    share = Estimate(0.123, 0.098, 0.149, n=40)
    assert f"{share:%ci}; {share:.0%ci}" == "12% [10%, 15%]; 12% [10%, 15%]"
    assert f"{Estimate(2.0, 2.0, 2.0, n=1, unit='HU'):ci}" == "2.00 HU [2.00, 2.00]"


@pytest.mark.parametrize("spec", ["xci", "..1ci", "1.fci", "dB ci"])
def test_what_is_no_format_is_named(spec):
    with pytest.raises(ValueError, match=r"is no format; write ci, \.1ci"):
        format(GAIN, spec)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.floats(0, 1))
def test_no_digit_is_printed_that_the_interval_does_not_support(low, width, share):
    high = low + width
    value = min(high, low + share * width)
    shown = interval_text(value, low, high)
    _, _, rest = shown.partition("[")
    first, last = rest.rstrip("]").split(", ")
    decimals = len(first.partition(".")[2])
    step = 10.0**-decimals
    assert width / step >= STEPS_ACROSS * (1 - 1e-6) or decimals == 12
    assert decimals == 0 or width / (10 * step) < STEPS_ACROSS * (1 + 1e-6)
    assert abs(float(first) - low) <= 0.51 * step + 1e-9 * abs(low)
    assert abs(float(last) - high) <= 0.51 * step + 1e-9 * abs(high)


def test_the_sign_is_said_only_when_the_interval_allows_it():
    assert GAIN.verdict() == "a gain"
    assert Estimate(-1, -2, -0.1, n=3).verdict(loss="worse") == "worse"
    assert Estimate(0.0, 0.0, 1.0, n=3).verdict() == "neither a gain nor a loss for sure"
    assert Estimate(0, -1, 1, n=3).verdict(neither="unclear") == "unclear"


def test_a_result_takes_everything_from_its_estimate(run, capsys):
    result = run.result("gain", GAIN, atol=0.1)
    assert result == Result(
        name="gain", value=1.2345, unit="dB", low=0.93, high=1.51, level=0.95, n=12, atol=0.1
    )
    share = Estimate(0.5, 0.4, 0.6, n=9, level=0.9)
    assert run.result("share", share).level == 0.9
    run.say("A gain of {gain:ci}, in a share of {share:.0%ci}; {other:.1ci}.", other=GAIN)
    assert capsys.readouterr().out == (
        "A gain of 1.2 dB [0.9, 1.5], in a share of 50% [40%, 60%]; 1.2 dB [0.9, 1.5].\n"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n": 12}, "n given twice"),
        ({"unit": "dB"}, "unit given twice"),
        ({"unit": ""}, "unit given twice"),
        ({"interval": (0.93, 1.51), "level": 0.95}, "interval and level given twice"),
    ],
)
def test_what_an_estimate_brings_is_not_given_again(run, given, says):
    with pytest.raises(ValueError, match=f"result gain: {says}; an estimate brings its own"):
        run.result("gain", GAIN, **given)


def test_a_plain_result_is_recorded_as_ever(run):
    assert run.result("noise", 2.0) == Result(name="noise", value=2.0)


def test_an_interval_is_not_printed_where_there_is_none(run):
    run.result("noise", 2.0, unit="HU")
    with pytest.raises(ValueError, match=r"noise has no interval to print.*\{noise:.1f\}"):
        run.say("Noise: {noise:ci}.")


def test_a_table_prints_an_estimate_with_its_unit(run, capsys):
    run.table([{"filter": "TV", "gain": GAIN}], name="gains")
    assert "| TV | 1.234 dB |" in capsys.readouterr().out
