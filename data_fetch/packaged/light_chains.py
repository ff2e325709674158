"""A real cohort: free light chains in the blood of 7,874 residents, and how long they lived."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.io import arff

from data_fetch.errors import DataError
from data_fetch.packaged.wheel import packaged_file
from data_fetch.sample import Sample, sha256_of_file

_SHA256 = "bf2600ec437dd19071f73bdad82de681780457d1141ec36ed551b0026e6e5773"
COLUMNS = ("age", "man", "kappa", "lambda", "creatinine")


@dataclass(frozen=True, eq=False)
class Followed:
    """People, what was measured of them, and for how long they were followed.

    Attributes:
        sample: its array is (person, column): age in years, 1 = man, kappa and lambda in mg/dl,
            creatinine in mg/dl (nan where it was not measured).
        columns: what each is.
        years: to death, or to the last that is known; above 0.
        died: whether the years end with death.
    """

    sample: Sample
    columns: tuple[str, ...]
    years: Float[np.ndarray, " n"]
    died: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.years)

    def column(self, name: str) -> Float[np.ndarray, " n"]:
        """One measurement of all people.

        Raises:
            ValueError: there is no such column.
        """
        if name not in self.columns:
            raise ValueError(f"no column {name!r}; there are {', '.join(self.columns)}")
        return self.sample.array[:, self.columns.index(name)]


def light_chains() -> Followed:
    """Real: residents of one county, 50 years or older, one blood sample each, 1995 to 2003.

    People with no follow-up at all (three) are left out. Deaths' causes are not read: they are
    known only of those who died.

    Raises:
        DataError: scikit-survival, in whose wheel the file lies, is not installed.

    >>> people = light_chains()
    >>> len(people), people.columns, int(people.died.sum())
    (7871, ('age', 'man', 'kappa', 'lambda', 'creatinine'), 2166)
    """
    if importlib.util.find_spec("sksurv") is None:
        raise DataError(
            "scikit-survival is not installed; pip install -c constraints.txt scikit-survival"
        )
    path = packaged_file("sksurv", "datasets/data/flchain.arff", sha256=_SHA256)
    rows, _ = arff.loadarff(path)
    rows = rows[rows["futime"] > 0]
    array = np.column_stack(
        [rows["sex"] == b"M" if name == "man" else rows[name] for name in COLUMNS]
    ).astype(float)
    sample = Sample(
        array,
        name="scikit-survival/flchain",
        kind="real",
        unit="years, 1 = man, mg/dl",
        sha256=sha256_of_file(path),
        path=path,
        licence="shipped in the wheel of scikit-survival (GPL-3.0 or later), which names none for"
        " the data; published with R's survival package",
        cite="Dispenzieri A, Katzmann J, Kyle R, et al. Use of nonclonal serum immunoglobulin free"
        " light chains to predict overall survival in the general population. Mayo Clin. Proc."
        " 2012;87:517-523.",
        doi="10.1016/j.mayocp.2012.03.009",
        note="a stratified half of the people of the study",
    )
    return Followed(sample, COLUMNS, rows["futime"] / 365.25, rows["death"] == b"dead")
