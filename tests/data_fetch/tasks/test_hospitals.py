"""Three dials that do not turn each other, and hospitals that do not know of each other."""

import numpy as np
import pytest

from data_fetch.simulated.laboratory import reference_laboratory
from data_fetch.tasks.hospitals import hospitals

FORMS = ("training", "validation", "test", "balanced_validation", "balanced_test")


def make(counts=((3, 1), (0, 2)), *, seed=0, **more):
    more = {"validation": 4, "test": 4, "size": 32} | more
    return hospitals(np.array(counts), rng=np.random.default_rng(seed), **more)


@pytest.fixture(scope="module")
def two():
    return make()


def images(hospital, form, label=None):
    labelled = getattr(hospital, form)
    array = labelled.sample.array
    return array if label is None else array[labelled.labels == label]


def test_counts_are_exact_and_prevalence_is_the_hospitals_own(two):
    (a, b) = two
    assert [np.bincount(h.training.labels, minlength=2).tolist() for h in two] == [[3, 1], [0, 2]]
    assert np.bincount(a.validation.labels).tolist() == [3, 1]
    assert np.bincount(a.test.labels).tolist() == [3, 1]
    assert b.test.labels.tolist() == [1, 1, 1, 1]
    for hospital in two:
        for form in ("balanced_validation", "balanced_test"):
            assert np.bincount(getattr(hospital, form).labels).tolist() == [2, 2]
        assert hospital.training.sample.kind == "simulated"


def test_nobody_serves_two_purposes_or_two_hospitals(two):
    seen = [
        set(getattr(hospital, form).patients.tolist())
        for hospital in two
        for form in ("training", "validation", "test")
    ]
    assert len(set().union(*seen)) == sum(len(people) for people in seen)
    flat = [image.tobytes() for h in two for form in FORMS[:3] for image in images(h, form)]
    assert len(set(flat)) == len(flat)


@pytest.mark.parametrize("purpose", ["validation", "test"])
def test_both_forms_of_a_purpose_share_their_first_images(two, purpose):
    balanced = f"balanced_{purpose}"
    np.testing.assert_array_equal(images(two[0], purpose, 0)[:2], images(two[0], balanced, 0))
    assert set(getattr(two[0], balanced).patients) & set(getattr(two[0], purpose).patients)


def test_one_more_hospital_and_other_counts_change_no_image_that_stays(two):
    three = make(((1, 3), (0, 2), (4, 0)))
    for form in FORMS:
        np.testing.assert_array_equal(images(three[1], form), images(two[1], form))
    np.testing.assert_array_equal(
        images(three[0], "training", 0), images(two[0], "training", 0)[:1]
    )
    np.testing.assert_array_equal(
        images(three[0], "training", 1)[:1], images(two[0], "training", 1)
    )


def test_same_seed_same_images_other_seed_others(two):
    assert make()[0].training.sample.sha256 == two[0].training.sample.sha256
    assert make(seed=1)[0].training.sample.sha256 != two[0].training.sample.sha256


def test_no_shift_is_one_scanner_for_all_and_a_shift_is_each_its_own(two):
    assert two[0].laboratory == two[1].laboratory == reference_laboratory()
    half, full = make(scanner_shift=0.5), make(scanner_shift=1.0)
    assert half[0].laboratory != half[1].laboratory
    base = np.log(reference_laboratory().strengths)
    for one, other in zip(half, full, strict=True):
        steps = [np.log(h.laboratory.strengths) - base for h in (one, other)]
        np.testing.assert_allclose(2 * steps[0], steps[1], rtol=1e-9)
        assert (one.training.labels == other.training.labels).all()


def test_a_scanner_changes_colours_and_leaves_the_tissue(two):
    """Where nuclei are stays: across scanners, images of one patient go together, others do not."""
    shifted = make(scanner_shift=1.0)
    for hospital, other in zip(two, shifted, strict=True):
        ours, theirs = (images(h, "test")[..., 0].reshape(4, -1) for h in (hospital, other))
        together = np.corrcoef(ours, theirs)[:4, 4:]
        assert together.diagonal().min() > 0.6
        assert (together - np.diag(together.diagonal())).max() < 0.4
    means = [images(h, "test").mean(axis=(0, 1, 2)) for h in (*two, *shifted)]
    assert np.abs(means[2] - means[3]).max() > 10


def stain_of_each(hospital):
    """Mean optical density of red of each test image."""
    light = np.maximum(images(hospital, "test")[..., 0].astype(float), 1) / 243
    return -np.log10(light).mean(axis=(1, 2))


def test_slides_differ_in_stain_and_in_nothing_else():
    (plain,) = make(((8, 8),), slide_spread=0.0, test=16)
    (spread,) = make(((8, 8),), slide_spread=0.4, test=16)
    factor = np.log(stain_of_each(spread) / stain_of_each(plain))
    assert 0.2 < factor.std() < 0.6
    ours, theirs = (images(h, "test")[..., 0].reshape(16, -1) for h in (plain, spread))
    assert np.corrcoef(ours, theirs)[:16, 16:].diagonal().min() > 0.8
    (half,) = make(((8, 8),), slide_spread=0.2, test=16)
    np.testing.assert_allclose(
        2 * np.log(stain_of_each(half) / stain_of_each(plain)), factor, atol=0.1
    )


def test_both_stains_of_a_slide_go_together_and_two_slides_of_a_patient_do_not():
    (plain,) = make(((8, 8),), slide_spread=0.0, test=16)
    (spread,) = make(((8, 8),), slide_spread=0.4, test=16)
    factor = np.log(stain_of_each(spread) / stain_of_each(plain))
    assert np.abs(factor[:8] - factor[8:]).max() > 0.2, "one patient's, normal and infiltrated"


def concentrations(hospital):
    """Mean of each stain, unmixed from the images by the hospital's own vectors and lamp."""
    laboratory = hospital.laboratory
    light = np.maximum(images(hospital, "test").reshape(-1, 3), 1) / np.array(laboratory.white)
    return np.linalg.lstsq(np.array(laboratory.vectors).T, -np.log10(light).T)[0].mean(axis=1)


def test_stains_are_as_strong_as_the_laboratory_says(two):
    for hospital, other in zip(two, make(scanner_shift=0.6), strict=True):
        ratio = concentrations(other) / concentrations(hospital)
        strengths = np.array(other.laboratory.strengths)
        assert np.abs(np.log(strengths)).max() > 0.2, "or this test shows nothing"
        np.testing.assert_allclose(ratio, strengths, rtol=0.1)


def test_the_scanner_is_the_same_whatever_the_labels():
    one, other = make(((4, 0),), scanner_shift=1.0), make(((0, 4),), scanner_shift=1.0)
    assert one[0].laboratory == other[0].laboratory


@pytest.mark.parametrize(
    ("counts", "more", "message"),
    [
        (((0, 0),), {}, "an image in each"),
        (((-1, 2),), {}, "an image in each"),
        (((1, 1),), {"scanner_shift": 1.2}, r"scanner_shift is 1\.2"),
        (((1, 1),), {"slide_spread": 1.5}, r"slide_spread is 1\.5"),
        (((1, 1),), {"test": 3}, "test=3 must be even"),
        (((1, 1),), {"size": 16}, "at least 32"),
    ],
)
def test_numbers_out_of_range_are_refused(counts, more, message):
    with pytest.raises(ValueError, match=message):
        make(counts, **more)
