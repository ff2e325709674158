"""The ward's hidden states, its ordering, and the ceiling that no score can pass."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from data_fetch.simulated.ward import (
    CHANNELS,
    MEMORY_H,
    OUTCOME_H,
    OWN_SD,
    PREVALENCE,
    SHARES,
    SLOPE,
    intercept,
    risk_given_parts,
    ward_course,
)


@pytest.fixture(scope="module")
def many():
    return ward_course(20_000, rng=np.random.default_rng(0))


def test_hidden_parts_are_stationary_and_forget_as_they_should(many):
    np.testing.assert_allclose(many.parts.mean(axis=(0, 1)), 0, atol=0.03)
    np.testing.assert_allclose(many.parts.var(axis=0), 1, atol=0.06)
    for part, memory in enumerate(MEMORY_H):
        correlation = np.corrcoef(many.parts[:, 10, part], many.parts[:, 30, part])[0, 1]
        assert correlation == pytest.approx(np.exp(-20 / memory), abs=0.03)
    assert sum(SHARES) == pytest.approx(1)
    assert many.severity.var() == pytest.approx(1, abs=0.02)


def test_a_quarter_needs_intensive_care(many):
    assert many.outcome.mean() == pytest.approx(PREVALENCE, abs=0.012)
    sick = expit(SLOPE * many.severity[:, OUTCOME_H] + intercept())
    assert np.abs(sick.mean() - many.outcome.mean()) < 0.01


def test_by_schedule_all_are_measured_alike_and_by_concern_they_are_not(many):
    rates = np.array([rate for *_, rate in CHANNELS])
    quiet, keen, shy = (many.ordered(follow)[..., :-1] for follow in (0.0, 0.9, -0.5))
    np.testing.assert_allclose(quiet.mean(axis=(0, 1)), 1 - np.exp(-rates), atol=0.003)
    counts = [each.sum(axis=(1, 2)) for each in (quiet, keen, shy)]
    ranks = [roc_auc_score(many.outcome, count) for count in counts]
    assert ranks[0] == pytest.approx(0.5, abs=0.012)
    assert ranks[1] > 0.6
    assert ranks[2] < 0.45


def test_concern_is_severity_and_a_worry_of_its_own(many):
    worry = many.concern - many.severity[:, 1:49]
    assert worry.std() == pytest.approx(OWN_SD, abs=0.01)
    assert np.abs(np.corrcoef(worry[:, 20], many.severity[:, 21])[0, 1]) < 0.03


def test_everybody_has_a_film_in_the_first_four_hours(many):
    filmed = many.ordered(0.9)[..., -1]
    assert (filmed[:, :4].sum(axis=1) == 1).all()


@pytest.mark.parametrize("hour", [0, 16, 36, 50])
def test_the_ceiling_is_calibrated_and_the_mean_of_simulated_futures(many, hour):
    risk = risk_given_parts(many.parts[:, hour], hour=hour)
    for low in np.quantile(risk, [0, 0.25, 0.5, 0.75]):
        some = (risk >= low) & (risk < np.quantile(risk, min(1, np.mean(risk < low) + 0.25)))
        assert risk[some].mean() == pytest.approx(many.outcome[some].mean(), abs=0.03)
    state = many.parts[:1, hour]
    rho = np.exp(-(OUTCOME_H - hour) / np.array(MEMORY_H))
    noise = np.random.default_rng(1).standard_normal((200_000, 3))
    later = (rho * state + np.sqrt(1 - rho**2) * noise) @ np.sqrt(SHARES)
    assert risk[0] == pytest.approx(expit(SLOPE * later + intercept()).mean(), abs=0.004)


def test_nothing_known_at_an_hour_ranks_above_the_ceiling(many):
    ceiling = roc_auc_score(many.outcome, risk_given_parts(many.parts[:, 16], hour=16))
    for score in (many.severity[:, 16], many.concern[:, :16].mean(axis=1), many.parts[:, 16, 0]):
        assert roc_auc_score(many.outcome, score) < ceiling + 0.003
    assert roc_auc_score(many.outcome, many.severity[:, 40]) > ceiling + 0.05


def test_patient_i_does_not_depend_on_how_many_there_are(many):
    few = ward_course(5, rng=np.random.default_rng(0))
    for name in ("severity", "values", "concern", "chance", "minutes", "outcome"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:5])


def test_bad_input_is_refused(many):
    with pytest.raises(ValueError, match="n=0"):
        ward_course(0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="follow=3"):
        many.ordered(3)
    with pytest.raises(ValueError, match="hour=51"):
        risk_given_parts(many.parts[:2, 0], hour=51)
