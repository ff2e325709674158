"""A small study, readers that need no network, and an archive of each kind."""

import numpy as np
import pytest
from scipy.special import logit

from medlib.systems.clinic.dicom_server import dicom_server, why_no_server
from medlib.systems.clinic.pipeline import Pipeline
from medlib.systems.clinic.readers import Readers
from medlib.systems.clinic.server_or_files import archive_in, archive_of
from medlib.systems.clinic.simulated_head import Head
from medlib.systems.clinic.simulated_study import Patient, as_series

ERIKA, PAUL = Patient(), Patient("0027182", "Probe^Paul", "19400101")
KEY = bytes(range(32))
BRIGHT = 1500  # a stored value that only lesions have


def head(seed: int = 0, *, slices: int = 8, lesion: bool = True) -> Head:
    """Noise with a bright block in two slices; 25 x 22 is no multiple of 8."""
    volume = np.random.default_rng(seed).uniform(0.1, 0.9, (slices, 25, 22)).astype(np.float32)
    mask = np.zeros(volume.shape, dtype=bool)
    if lesion:
        mask[3:5, 8:12, 5:10] = True
    volume[mask] = 2.0
    return Head(volume, mask, (5.0, 2.0, 2.0))


def study(seed: int = 0, *, patient: Patient = ERIKA, accession: str = "A1", **kind):
    return as_series(head(seed, **kind), patient=patient, accession=accession)


def probability(volume) -> float:
    """That there is something bright."""
    return 0.93 if (volume > BRIGHT).any() else 0.04


READERS = Readers(
    "threshold",
    "1",
    novelty=lambda volume: (float(volume.mean()), 0.5 if volume.mean() < 1000 else 0.01),
    mask=lambda volume: volume > BRIGHT,
    probability=probability,
    evidence=lambda volume: volume.clip(min=0),
    contributions=lambda v: {"offset": -1.0, "surest voxels": 1.0 + logit(probability(v))},
)


@pytest.fixture(scope="session")
def server():
    """One server for all tests; each uses studies of its own."""
    if missing := why_no_server():
        pytest.skip(missing)
    with dicom_server() as running:
        yield running


@pytest.fixture(params=["server", "files"])
def archive(request, tmp_path):
    if request.param == "files":
        yield archive_in(tmp_path / "archive")
        return
    found = archive_of(request.getfixturevalue("server"))
    yield found
    for uid in found.studies():
        found.forget(uid)


@pytest.fixture
def filed(tmp_path):
    """A pipeline over files, and a study in it."""
    archive = archive_in(tmp_path / "archive")
    images = study()
    archive.store(images)
    made = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY)
    return made, images[0].StudyInstanceUID
