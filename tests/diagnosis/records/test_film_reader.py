"""A reader learns grades, and reads each film by itself."""

import numpy as np
import torch

from medlib.diagnosis.records.film_reader import FilmReader, film_vectors, fit_film_reader


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_reader_learns_grades_and_reads_each_film_by_itself():
    rng = np.random.default_rng(0)
    grades = rng.random(300).astype(np.float32)
    films = (200 * grades[:, None, None] + rng.integers(0, 30, (300, 32, 32))).astype(np.uint8)
    images = torch.from_numpy(films)
    reader = fit_film_reader(
        images, torch.from_numpy(grades), steps=60, generator=generator(), batch_size=64
    )
    vectors = film_vectors(reader, images)
    graded = reader.grade(vectors)[:, 0].detach().numpy()
    assert np.corrcoef(graded, grades)[0, 1] > 0.95
    torch.testing.assert_close(vectors[:7], film_vectors(reader, images[:7]))
    assert film_vectors(reader, images[:0]).shape == (0, 16)
    assert isinstance(reader, FilmReader)
