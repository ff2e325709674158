"""MedMNIST's format on loopback: tiny files with the keys and types of the published ones."""

import hashlib
import io

import numpy as np
import pytest

from data_fetch import medmnist
from data_fetch.catalog import dataset
from data_fetch.errors import DataError
from tests.data_fetch.loopback import QUICK, whole


def published(name, *, images=None, labels=None):
    """The bytes of a file as MedMNIST publishes it: uint8 images, uint8 labels (n, 1)."""
    rng = np.random.default_rng(0)
    colour = (3,) if name == "pathmnist" else ()
    arrays = {}
    for split, n in (("train", 6), ("val", 2), ("test", 3)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (n, 28, 28, *colour), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n) % 2).astype(np.uint8)[:, None]
    arrays |= {"test_images": images} if images is not None else {}
    arrays |= {"test_labels": labels} if labels is not None else {}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue(), arrays


@pytest.fixture
def serve(server, monkeypatch):
    def with_body(name, body):
        server.answers["/x.npz"] = [whole(body)]
        entry = dataset(name).model_copy(
            update={"urls": (server.url("/x.npz"),), "md5": hashlib.md5(body).hexdigest()}
        )
        monkeypatch.setattr(medmnist, "dataset", lambda _name: entry)

    return with_body


@pytest.mark.parametrize("name", medmnist.names())
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_comes_as_rgb_images_and_flat_labels(serve, tmp_path, name, split):
    body, arrays = published(name)
    serve(name, body)
    images, labels = medmnist.load(name, split=split, folder=tmp_path, transfer=QUICK)
    expected = arrays[f"{split}_images"]
    assert images.array.shape == (len(expected), 28, 28, 3)
    np.testing.assert_array_equal(
        images.array[..., 2], expected[..., 2] if name == "pathmnist" else expected
    )
    np.testing.assert_array_equal(labels, arrays[f"{split}_labels"][:, 0])
    assert (images.kind, images.licence) == ("real", "CC BY 4.0")
    assert images.sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images": np.zeros((3, 64, 64), np.uint8)}, "expected uint8"),
        ({"images": np.zeros((3, 28, 28), np.float32)}, "expected uint8"),
        ({"images": np.zeros((4, 28, 28), np.uint8)}, "with 3 labels"),
        ({"labels": np.full((3, 1), 2, np.uint8)}, r"labels outside 0\.\.1"),
    ],
)
def test_a_file_of_another_content_is_refused(serve, tmp_path, changed, says):
    serve("breastmnist", published("breastmnist", **changed)[0])
    with pytest.raises(DataError, match=says):
        medmnist.load("breastmnist", split="test", folder=tmp_path, transfer=QUICK)


def test_unknown_names_and_splits_are_listed(tmp_path):
    with pytest.raises(DataError, match="there are breastmnist, pathmnist"):
        medmnist.load("retina", split="train", folder=tmp_path)
    with pytest.raises(DataError, match='choose "train", "val" or "test"'):
        medmnist.load("pathmnist", split="all", folder=tmp_path)


def test_registry_has_what_medmnist_publishes():
    """From medmnist/info.py of the MedMNIST repository, version 3.0 (Zenodo record 10519652)."""
    published_md5 = {
        "pathmnist": "a8b06965200029087d5bd730944a56c1",
        "breastmnist": "750601b1f35ba3300ea97c75c52ff8f6",
    }
    for name, md5 in published_md5.items():
        entry = dataset(name)
        assert entry.md5 == md5
        assert entry.urls[0].endswith(f"zenodo.org/records/10519652/files/{name}.npz?download=1")
