"""Random streams: repeatable by name, independent of each other and of their order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment.streams import generator, seed_sequence, torch_generator


@given(st.integers(0, 2**31), st.text(min_size=1, max_size=20))
def test_a_stream_depends_on_seed_and_name_only(seed, name):
    assert generator(seed, name).bytes(16) == generator(seed, name).bytes(16)


@given(st.integers(0, 2**31), st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9))
def test_names_and_seeds_separate_streams(seed, one, other):
    same = generator(seed, one).bytes(16) == generator(seed, other).bytes(16)
    assert same == (one == other)
    assert generator(seed, one).bytes(16) != generator(seed + 1, one).bytes(16)


def test_streams_are_uncorrelated():
    draws = np.array([generator(0, f"stream {i}").normal(size=2000) for i in range(20)])
    off_diagonal = np.corrcoef(draws)[np.triu_indices(20, 1)]
    assert abs(off_diagonal).max() < 5 / np.sqrt(2000)


def test_torch_stream_repeats_and_lives_on_the_cpu():
    import torch

    one, two = torch_generator(3, "init"), torch_generator(3, "init")
    assert one.device.type == "cpu"
    assert torch.equal(torch.rand(5, generator=one), torch.rand(5, generator=two))
    other = torch_generator(3, "order")
    assert not torch.equal(torch.rand(5, generator=two), torch.rand(5, generator=other))


def test_streams_of_a_seed_are_pinned():
    """A change of the derivation would silently change every number of the book."""
    assert generator(0, "patients").integers(2**32, size=2).tolist() == [1642781466, 3577943075]


def test_negative_seed_and_empty_name_are_refused():
    with pytest.raises(ValueError, match="seed = -1"):
        seed_sequence(-1, "x")
    with pytest.raises(ValueError, match="needs a name"):
        seed_sequence(0, "")
