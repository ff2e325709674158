"""A real table, the Wisconsin measurements of nuclei, from scikit-learn's wheel."""

from dataclasses import dataclass

import numpy as np

from data_fetch.labelled import Labelled
from data_fetch.packaged.wheel import packaged_file
from data_fetch.sample import Sample, sha256_of_file


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledTable(Labelled):
    """Measurements with a class each: sample.array is (case, feature)."""

    feature_names: tuple[str, ...]


def breast_cancer() -> LabelledTable:
    """Real cytology: 569 fine-needle aspirates of the breast, 30 measurements of nuclei each.

    Returns:
        LabelledTable; label 0 = malignant, 1 = benign (scikit-learn's order).

    >>> table = breast_cancer()
    >>> table.sample.array.shape, table.names
    ((569, 30), ('malignant', 'benign'))
    """
    from sklearn.datasets import load_breast_cancer

    path = packaged_file(
        "sklearn",
        "datasets/data/breast_cancer.csv",
        sha256="fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
    )
    bunch = load_breast_cancer()
    sample = Sample(
        np.asarray(bunch.data, dtype=np.float64),
        name="scikit-learn/breast_cancer",
        kind="real",
        unit="see feature_names (lengths in pixels)",
        sha256=sha256_of_file(path),
        path=path,
        licence="CC BY 4.0 (UCI Machine Learning Repository); copied in scikit-learn",
        cite="Wolberg W, Mangasarian O, Street N, Street W. Breast Cancer Wisconsin (Diagnostic). "
        "UCI Machine Learning Repository, 1993.",
        doi="10.24432/C5DW2B",
    )
    return LabelledTable(
        sample=sample,
        labels=np.asarray(bunch.target),
        names=tuple(map(str, bunch.target_names)),
        feature_names=tuple(map(str, bunch.feature_names)),
    )
