"""The cohort follows its equations, and the same patients serve at every link."""

import numpy as np
import pytest

from data_fetch.tasks.radiogenomic_cohort import (
    ARROWS,
    SIDE,
    Genome,
    World,
    gene_effects,
    radiogenomic_cohort,
)


@pytest.fixture(scope="module")
def cohort():
    return radiogenomic_cohort(1200, rng=np.random.default_rng(0))


def test_a_patient_does_not_depend_on_how_many_there_are(cohort):
    few = radiogenomic_cohort(5, rng=np.random.default_rng(0))
    assert np.array_equal(few.genes, cohort.genes[:5])
    assert np.array_equal(few.biology, cohort.biology[:5])
    assert np.array_equal(few.site, cohort.site[:5])
    assert np.array_equal(few.sample.array, cohort.sample.array[:5])


def test_images_are_scaled_and_show_biology_and_scanner(cohort):
    images = cohort.sample.array
    assert images.shape == (1200, 2, SIDE, SIDE)
    assert np.abs(images.mean(axis=(2, 3))).max() < 1e-5
    assert np.allclose(images.std(axis=(2, 3)), 1, atol=1e-4)
    dark = (images[:, 0, 8:24, 8:24] < 0).mean(axis=(1, 2))
    assert np.corrcoef(dark, cohort.biology)[0, 1] > 0.5
    rough = np.abs(np.diff(images, axis=3)).mean(axis=(2, 3))
    assert (rough[:, 0] > rough[:, 1]).mean() > 0.98


def test_without_a_difference_of_scanners_both_images_are_one():
    alike = radiogenomic_cohort(3, rng=np.random.default_rng(1), world=World(scanners=0))
    assert np.array_equal(alike.sample.array[:, 0], alike.sample.array[:, 1])


@pytest.mark.parametrize("arrow", ARROWS)
def test_the_link_is_what_it_is_asked_to_be_and_turns_round(cohort, arrow):
    shares = {}
    for link in (2.5, 0.0, -2.5):
        site, response = cohort.linked(link, arrow=arrow)
        shares[link] = site[response == 1].mean() - site[response == 0].mean()
    assert shares[2.5] > 0.4
    assert shares[-2.5] < -0.4
    assert abs(shares[0.0]) < 0.12


def test_what_changes_with_the_link_and_what_stays(cohort):
    (site, response), (other_site, other) = cohort.linked(2.5), cohort.linked(-2.5)
    assert np.array_equal(site, other_site)
    assert (response != other).mean() > 0.2
    arrow = ARROWS[1]
    (site, response), (other_site, other) = (
        cohort.linked(link, arrow=arrow) for link in (2.5, -2.5)
    )
    assert np.array_equal(response, other)
    assert (site != other_site).mean() > 0.2


def test_independences_are_those_of_the_arrows(cohort):
    """Biology and hospital: over all patients under one arrow, given the response under another."""
    z = cohort.biology
    site, response = cohort.linked(2.5)
    assert abs(np.corrcoef(z, site)[0, 1]) < 4 / np.sqrt(1200)
    assert max(abs(np.corrcoef(z[response == k], site[response == k])[0, 1]) for k in (0, 1)) > 0.1
    site, response = cohort.linked(2.5, arrow=ARROWS[1])
    assert np.corrcoef(z, site)[0, 1] > 0.2
    for k in (0, 1):
        own = response == k
        assert abs(np.corrcoef(z[own], site[own])[0, 1]) < 4 / np.sqrt(own.sum())


def test_the_image_of_a_patient_is_that_of_its_hospital(cohort):
    seen = cohort.taken_at(1 - cohort.site)
    assert np.array_equal(seen[7], cohort.sample.array[7, 1 - cohort.site[7]])


@pytest.mark.parametrize("spread", ["dense", "same sign", "scattered"])
def test_scores_have_a_spread_of_one(spread):
    genome = Genome(spread=spread)
    found = radiogenomic_cohort(1500, rng=np.random.default_rng(2), world=World(genome=genome))
    assert found.score.std() == pytest.approx(1, abs=0.08)
    effects = gene_effects(genome, rng=np.random.default_rng(3))
    per_pathway = {"scattered": [1] * 3}.get(spread, [10] * 3)
    assert (effects != 0).sum(axis=1).tolist() == per_pathway + [0] * 17
    assert (effects >= 0).all() == (spread == "same sign") or spread == "scattered"


def test_genes_go_together_within_pathways_and_ancestry_shifts_the_last():
    world = World(genome=Genome(stratified=1.0))
    found = radiogenomic_cohort(1500, rng=np.random.default_rng(4), world=world)
    table = np.corrcoef(found.genes[found.site == 0].T)
    inside = table[:10, :10][~np.eye(10, dtype=bool)]
    assert inside.mean() == pytest.approx(0.4, abs=0.06)
    assert abs(table[:10, 10:20].mean()) < 0.05
    apart = found.genes[found.site == 1].mean(axis=0) - found.genes[found.site == 0].mean(axis=0)
    assert apart[-10:].mean() == pytest.approx(1, abs=0.2)
    assert abs(apart[:-10].mean()) < 0.1


def test_biology_can_differ_by_hospital_but_not_before_one_is_chosen():
    found = radiogenomic_cohort(800, rng=np.random.default_rng(5), world=World(shift=0.6))
    z, site = found.biology, found.site
    assert z[site == 1].mean() - z[site == 0].mean() == pytest.approx(1.2, abs=0.3)
    with pytest.raises(ValueError, match="because of their response"):
        found.linked(1.0, arrow=ARROWS[1])


def test_numbers_out_of_range_are_refused(cohort):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n=0"):
        radiogenomic_cohort(0, rng=rng)
    with pytest.raises(ValueError, match="correlation=1"):
        radiogenomic_cohort(1, rng=rng, world=World(genome=Genome(correlation=1)))
    with pytest.raises(ValueError, match="not the last"):
        radiogenomic_cohort(1, rng=rng, world=World(genome=Genome(matter=20)))
    with pytest.raises(ValueError, match="spread is 'odd'"):
        radiogenomic_cohort(1, rng=rng, world=World(genome=Genome(spread="odd")))
    with pytest.raises(ValueError, match="arrow is 'back'"):
        cohort.linked(1, arrow="back")
