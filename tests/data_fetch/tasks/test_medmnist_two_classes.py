"""Two classes of MedMNIST: the right images, balanced, enlarged; no download is needed."""

import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.tasks import medmnist_two_classes as two


@pytest.fixture
def published(monkeypatch):
    labels = np.arange(90) % 9
    array = np.zeros((90, 28, 28, 3), dtype=np.uint8)
    array[..., 0] = (10 * labels)[:, None, None]

    def load(name, *, split, folder=None):
        sample = Sample(
            array, name=f"medmnist/{name}_{split}", kind="real", unit="intensity 0..255",
            sha256=sha256_of_array(array),
        )  # fmt: skip
        return sample, labels.astype(np.int64)

    monkeypatch.setattr(two, "load", load)


@pytest.mark.parametrize(("name", "codes"), [("pathmnist", (60, 80)), ("breastmnist", (10, 0))])
def test_takes_its_two_classes_in_balance(published, name, codes):
    rng = np.random.default_rng(0)
    sample, labels = two.medmnist_two_classes(name, 12, split="train", rng=rng, size=48)
    assert sample.array.shape == (12, 48, 48, 3)
    assert sample.array.dtype == np.uint8
    assert labels.sum() == 6
    assert np.array_equal(sample.array[:, 5, 5, 0], np.where(labels == 1, codes[1], codes[0]))
    assert sample.kind == "real"
    assert list(labels) != sorted(labels)


def test_errors_teach(published):
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="at most 20 images"):
        two.medmnist_two_classes("breastmnist", 40, split="train", rng=rng)
    with pytest.raises(DataError, match="there are pathmnist, breastmnist"):
        two.medmnist_two_classes("chestmnist", 4, split="train", rng=rng)
    with pytest.raises(DataError, match="n=3"):
        two.medmnist_two_classes("pathmnist", 3, split="train", rng=rng)


def test_how_many_there_are_is_known_before_anything_is_fetched():
    published = {"pathmnist": 89_996 + 10_004 + 7_180, "breastmnist": 546 + 78 + 156}
    for name, total in published.items():
        found = [two.most_in_balance(name, split=s) for s in ("train", "validation", "test")]
        assert sum(found) < total
        assert not any(n % 2 for n in found)
    assert two.most_in_balance("pathmnist", split="test") == 2 * 741
    with pytest.raises(DataError, match="there are pathmnist, breastmnist"):
        two.most_in_balance("chestmnist", split="train")
    with pytest.raises(DataError, match="train, validation and test"):
        two.most_in_balance("pathmnist", split="val")
