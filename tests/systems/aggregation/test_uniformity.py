"""p-values are uniform where words are, and tiny where a mask leaks."""

import numpy as np
import pytest
import scipy.stats

from medlib.systems.aggregation.masking import mask
from medlib.systems.aggregation.quantisation import plan, quantise
from medlib.systems.aggregation.stream import CIPHERS, expand
from medlib.systems.aggregation.uniformity import bytes_uniform, pairs_uniform

TESTS = [bytes_uniform, pairs_uniform]


def seed(number):
    return number.to_bytes(32, "little")


def an_update(n=4000):
    """Small values, as updates are: far from uniform."""
    values = np.random.default_rng(5).normal(scale=0.01, size=n)
    return quantise(values, by=plan(clip=1.0, clients=10)).words


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_p_values_of_masked_updates_are_uniform_over_seeds(test, cipher):
    update = an_update()
    found = []
    for number in range(300):
        pairs = {2: seed(3 * number + 1), 3: seed(3 * number + 2)}
        own = seed(3 * number)
        found.append(test(mask(update, me=1, self_seed=own, pair_seeds=pairs, cipher=cipher)).p)
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize("test", TESTS)
def test_an_update_without_its_mask_is_found(test):
    assert test(an_update()).p < 1e-12


def test_a_mask_of_31_bits_is_found():
    leaking = an_update() + (expand(seed(1), 4000) >> np.uint32(1))
    assert bytes_uniform(leaking).p < 1e-12
    assert pairs_uniform(leaking).p < 1e-12


def test_a_mask_used_for_two_words_in_turn_is_found_by_pairs_alone():
    twice = expand(seed(1), 4000).repeat(2)
    assert pairs_uniform(twice).p < 1e-12
    assert pairs_uniform(expand(seed(1), 8000)).p > 0.01


def test_the_statistic_is_scipys():
    words = expand(seed(2), 3000)
    counts = np.stack(
        [np.bincount((words >> np.uint32(8 * k)) & np.uint32(255), minlength=256) for k in range(4)]
    )
    theirs = sum(scipy.stats.chisquare(one).statistic for one in counts)
    ours = bytes_uniform(words)
    assert ours.statistic == pytest.approx(theirs)
    assert ours.degrees == 4 * 255
    pairs = (words[0::2] >> np.uint32(28)).astype(int) * 16 + (words[1::2] >> np.uint32(28))
    theirs = scipy.stats.chisquare(np.bincount(pairs, minlength=256))
    assert pairs_uniform(words).statistic == pytest.approx(theirs.statistic)
    assert pairs_uniform(words).p == pytest.approx(theirs.pvalue)


def test_too_few_words_are_refused():
    with pytest.raises(ValueError, match="at least 5 are needed, so 1280 draws"):
        bytes_uniform(expand(seed(0), 1279))
    with pytest.raises(ValueError, match="so 1280 draws"):
        pairs_uniform(expand(seed(0), 2559))
    bytes_uniform(expand(seed(0), 1280))
    pairs_uniform(expand(seed(0), 2560))
    for bits in (0, 9):
        with pytest.raises(ValueError, match=f"bits is {bits}"):
            pairs_uniform(expand(seed(0), 10), bits=bits)
