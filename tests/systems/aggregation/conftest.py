"""A source of bytes that is the same in every run, in place of `secrets.token_bytes`."""

import numpy as np
import pytest


@pytest.fixture
def seeded():
    return np.random.default_rng(20).bytes
