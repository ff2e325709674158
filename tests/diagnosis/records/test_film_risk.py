"""Record and films in one network: nothing looks ahead, each part counts, late is a sum."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.records.arms import ARMS
from medlib.diagnosis.records.film_risk import (
    FUSIONS,
    FilmRisk,
    FilmShelf,
    film_risk,
    fit_film_risk,
)
from medlib.diagnosis.records.risk_training import Patients, Recipe
from medlib.measures.rank_auc import rank_auc

ARM = ARMS["masks and intervals"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def scene(n=40, seed=0):
    """Rows that know nothing, and a film at hour 2 whose first number is the outcome."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 8, 3)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.5] = np.nan
    outcome = rng.integers(0, 2, n)
    vectors = torch.from_numpy(rng.normal(size=(n, 4)).astype(np.float32))
    vectors[:, 0] = torch.from_numpy(2.0 * outcome.astype(np.float32) - 1)
    shelf = FilmShelf.of(vectors, np.arange(n), np.full(n, 1.5), n=n)
    return Patients(rows, outcome), shelf


@pytest.mark.parametrize("fusion", FUSIONS)
def test_before_an_hour_nothing_changes_with_what_comes_after(fusion):
    network = FilmRisk(ARM, 3, 4, hidden=5, fusion=fusion, generator=generator())
    patients, shelf = scene()
    rows = patients.rows.copy()
    rows[:, 4:] = rows[::-1, 4:]
    late = FilmShelf(torch.cat([shelf.vectors, shelf.vectors + 1], dim=1),
                     torch.cat([shelf.hours, torch.full((40, 1), 4.5)], dim=1))  # fmt: skip
    other = FilmShelf(torch.cat([shelf.vectors, shelf.vectors - 9], dim=1), late.hours)
    one = film_risk(network, ARM, patients.rows, late, hours=8)
    two = film_risk(network, ARM, rows, other, hours=8)
    np.testing.assert_array_equal(one[:, :4], two[:, :4])
    assert (one[:, 4:] != two[:, 4:]).any()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_it_learns_from_films_as_soon_as_they_are_taken(fusion):
    recipe = Recipe(steps=120, hours=4, hidden=5, rate=3e-2, batch_size=40)
    network, history = fit_film_risk(
        ARM, fusion, scene(200), scene(100, 1), recipe=recipe, generator=generator()
    )
    test, shelf = scene(200, 2)
    risk = film_risk(network, ARM, test.rows, shelf, hours=4)
    assert rank_auc(risk[:, -1], test.outcome).value > 0.95
    assert 0.35 < rank_auc(risk[:, 0], test.outcome).value < 0.65
    dealt = shelf.of_others(np.random.default_rng(0).permutation(200))
    guessed = film_risk(network, ARM, test.rows, dealt, hours=4)
    assert rank_auc(guessed[:, -1], test.outcome).value < 0.65
    assert min(history.validation_loss) < history.train_loss[0]


def test_late_is_the_records_logit_and_the_films():
    patients, shelf = scene()
    late = FilmRisk(ARM, 3, 4, hidden=5, fusion="late", generator=generator())
    rows = [part[:, :8] for part in ARM.inputs(patients.rows)]
    both = late(rows, shelf.vectors, shelf.hours)
    late.fusion = "films"
    films = late(rows, shelf.vectors, shelf.hours)
    torch.testing.assert_close(both - films, late.record(*rows))


def test_films_alone_do_not_see_the_record():
    patients, shelf = scene()
    network = FilmRisk(ARM, 3, 4, hidden=5, fusion="films", generator=generator())
    one, two = (
        film_risk(network, ARM, rows, shelf, hours=8) for rows in (patients.rows, -patients.rows)
    )
    np.testing.assert_array_equal(one, two)


def test_there_is_no_other_fusion():
    with pytest.raises(ValueError, match="there are attention, late, films"):
        FilmRisk(ARM, 3, 4, hidden=5, fusion="early", generator=generator())
