"""Max-softmax and energy, against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.novelty.confidence import energy_score, max_softmax_score

LOGITS = np.random.default_rng(0).normal(0, 5, size=(20, 3))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 30.0])
def test_equals_torch(temperature):
    heated = torch.from_numpy(LOGITS) / temperature
    soft = torch.log1p(-torch.softmax(heated, dim=1).amax(dim=1)).numpy()
    energy = -temperature * torch.logsumexp(heated, dim=1).numpy()
    sure = soft < -25  # there torch's 1 - p has lost its digits
    ours = max_softmax_score(LOGITS, temperature=temperature)
    assert np.allclose(ours[~sure], soft[~sure], rtol=1e-4)
    assert np.allclose(energy_score(LOGITS, temperature=temperature), energy)


@given(st.floats(-1e4, 1e4))
def test_softmax_forgets_a_constant_and_energy_keeps_it(constant):
    moved = LOGITS + constant
    assert np.allclose(max_softmax_score(moved), max_softmax_score(LOGITS))
    assert np.allclose(energy_score(moved), energy_score(LOGITS) - constant, atol=1e-6)


def test_huge_logits_stay_finite():
    huge = np.array([[1e5, -1e5], [2e5, -1e5]])
    assert max_softmax_score(huge).tolist() == [-2e5, -3e5]  # sure, and surer
    assert energy_score(huge).tolist() == [-1e5, -2e5]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="positive"):
        energy_score(LOGITS, temperature=0.0)
    with pytest.raises(ValueError, match="classes >= 2"):
        max_softmax_score(LOGITS[:, :1])
