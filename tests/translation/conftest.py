"""The real ImageNet network, loaded once."""

import pytest

from data_fetch.packaged import imagenet_weights_path
from medlib.nets.efficientnet_lite import load_imagenet


@pytest.fixture(scope="session")
def imagenet():
    return load_imagenet(imagenet_weights_path())
