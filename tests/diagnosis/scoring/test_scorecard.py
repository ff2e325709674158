"""All measures of one set of masks agree with each measure asked for alone."""

import numpy as np
import pytest
from monai.metrics import compute_hausdorff_distance

from medlib.diagnosis.scoring.lesions import match_lesions
from medlib.diagnosis.scoring.overlap import confusion
from medlib.diagnosis.scoring.scorecard import HAUSDORFF_RULES, scorecard

OPTIONS = {"spacing_mm": (2.0, 1.5), "least_iou": 0.1}


def scans(seed=0, n=12):
    """Masks and truth; in some scans one of them is empty, in some both."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((n, 16, 20), dtype=bool)
    marked = truth.copy()
    for i in range(n):
        for mask, absent in ((truth, i % 4 == 0), (marked, i % 6 in (0, 1))):
            row, column = rng.integers(1, 10, size=2)
            mask[i, row : row + 4, column : column + 5] = not absent
    return marked, truth


def test_counts_are_those_of_each_measure_alone():
    marked, truth = scans()
    card = scorecard(marked, truth, **OPTIONS)
    matches = [match_lesions(m, t, least_iou=0.1) for m, t in zip(marked, truth, strict=True)]
    assert card.found.tolist() == [match.found for match in matches]
    assert card.lesion_recall() == sum(m.found for m in matches) / sum(
        m.found + m.missed for m in matches
    )
    assert card.alarms_per_scan() == np.mean([match.invented for match in matches])
    assert np.array_equal(card.pixels.dice(), confusion(marked, truth).dice(), equal_nan=True)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
def test_hausdorff_where_defined_is_monais_and_the_other_rules_add_or_leave_scans():
    marked, truth = scans()
    card = scorecard(marked, truth, **OPTIONS)
    both = marked.any(axis=(1, 2)) & truth.any(axis=(1, 2))
    assert np.array_equal(card.both_there, both)
    monai = compute_hausdorff_distance(
        marked[both, None], truth[both, None], include_background=True, percentile=95,
        spacing=(2.0, 1.5),
    )  # fmt: skip
    assert card.hausdorff_mm("where defined") == pytest.approx(monai.numpy()[:, 0], abs=1e-3)
    some = np.arange(len(truth)) < 8
    assert len(card.hausdorff_mm("common", common=some)) == (both & some).sum()
    charged = card.hausdorff_mm("diagonal")
    one_alone = marked.any(axis=(1, 2)) ^ truth.any(axis=(1, 2))
    assert (charged == np.hypot(32, 30)).sum() == one_alone.sum() > 0
    assert len(charged) == (both | one_alone).sum()


def test_surface_dice_is_zero_for_a_miss_and_for_a_false_alarm_and_nothing_for_neither():
    marked, truth = scans()
    values = scorecard(marked, truth, **OPTIONS).surface_dice(2.0)
    there = np.stack([marked.any(axis=(1, 2)), truth.any(axis=(1, 2))])
    assert np.array_equal(np.isnan(values), ~there.any(axis=0))
    assert (values[there[0] ^ there[1]] == 0).all()


def test_without_lesions_there_is_no_recall():
    nothing = np.zeros((2, 8, 8), dtype=bool)
    assert np.isnan(scorecard(nothing, nothing, **OPTIONS).lesion_recall())


def test_an_unknown_rule_and_common_without_scans_are_refused():
    card = scorecard(*scans(), **OPTIONS)
    with pytest.raises(ValueError, match=f"none of {', '.join(HAUSDORFF_RULES)}"):
        card.hausdorff_mm("mean")
    with pytest.raises(ValueError, match="needs `common`"):
        card.hausdorff_mm("common")
