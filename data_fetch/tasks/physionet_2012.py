"""Real records: the PhysioNet/Computing in Cardiology Challenge of 2012, set A.

4,000 stays in intensive care, 48 hours each: vital signs and laboratory values as they were
charted, and whether the patient left the hospital alive. There are no films.
"""

import csv
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_fetch.catalog import dataset
from data_fetch.download import fetch
from data_fetch.errors import DataError
from data_fetch.records import CHANNEL, PATIENT, TIME_H, Records
from data_fetch.sample import Sample, sha256_of_file
from data_fetch.transfer import Transfer

HOURS = 48
PATIENTS = 4000  # of set A
#: name in the files -> unit; the series that most patients have. Others may be asked for.
SERIES = {
    "HR": "/min", "SysABP": "mmHg", "NISysABP": "mmHg", "RespRate": "/min", "Temp": "°C",
    "GCS": "points", "Urine": "mL", "SaO2": "%", "FiO2": "1", "PaO2": "mmHg", "PaCO2": "mmHg",
    "pH": "1", "Lactate": "mmol/L", "BUN": "mg/dL", "Creatinine": "mg/dL", "WBC": "10³/µL",
    "Platelets": "10³/µL", "HCT": "%", "Glucose": "mg/dL", "K": "mmol/L", "Na": "mmol/L",
    "HCO3": "mmol/L",
}  # fmt: skip
_HEAD, _OUTCOMES = ["Time", "Parameter", "Value"], ("RecordID", "In-hospital_death")


def physionet_2012(
    *,
    series: Sequence[str] = tuple(SERIES),
    folder: Path | str | None = None,
    transfer: Transfer | None = None,
) -> Records:
    """The stays of set A, downloaded on first use, in the order of their numbers.

    A line of a patient's file is "hours:minutes,parameter,value". Negative values, with which the
    files say "unknown", are left out, and so is what is written there of a patient as a whole (age,
    height and the like), which is no measurement.

    Args:
        series: names as in the files, from `SERIES` or others.
        folder: the cache; `download.cache_folder()` by default.
        transfer: how patient the download is.

    Returns:
        Records of 48 hours; outcome 1 = died in hospital.

    Raises:
        DataError: no series, a file of another content, a patient without an outcome; also what
            `download.fetch` raises.
    """
    if not series or len(set(series)) != len(series):
        raise DataError(f"series {list(series)}: name one or more, each once")
    entry = dataset("physionet2012")
    archive = fetch(entry, folder=folder, transfer=transfer)
    died = _outcomes(fetch("physionet2012_outcomes", folder=folder, transfer=transfer))
    files = _files(archive)
    if missing := sorted(set(files) - set(died)):
        raise DataError(f"{archive}: no outcome of patient {missing[0]} in the file of outcomes")
    numbers = sorted(files)
    channel = {name: place for place, name in enumerate(series)}
    table = [line for k, number in enumerate(numbers)
             for line in _lines(files[number], number, patient=k, channel=channel)]  # fmt: skip
    lines = np.array(table, dtype=np.float64).reshape(-1, 4)
    lines = lines[np.lexsort((lines[:, CHANNEL], lines[:, TIME_H], lines[:, PATIENT]))]
    sample = Sample(
        lines, name="physionet/challenge_2012_set_a", kind="real", unit="see channels",
        sha256=sha256_of_file(archive), path=archive, licence=entry.licence, cite=entry.cite,
        doi=entry.doi, note="patient, hours since admission, channel, value",
    )  # fmt: skip
    return Records(
        sample=sample,
        channels=tuple((name, SERIES.get(name, "")) for name in series),
        outcome=np.array([died[number] for number in numbers], dtype=np.int64),
        names=("left alive", "died in hospital"),
        hours=HOURS,
    )


def _files(archive: Path) -> dict[int, str]:
    """The text of each patient's file, by number; nothing is unpacked to disk."""
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = Path(member.name)
                if not member.isfile() or name.suffix != ".txt" or not name.stem.isdigit():
                    continue
                found[int(name.stem)] = tar.extractfile(member).read().decode("ascii")
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{archive} is no archive of text files: {error}") from error
    if not found:
        raise DataError(f"{archive} holds no patient's file, such as set-a/132539.txt")
    return found


def _outcomes(path: Path) -> dict[int, int]:
    """Whether each patient died, by number."""
    rows = csv.DictReader(path.read_text(encoding="ascii").splitlines())
    if not set(_OUTCOMES) <= set(rows.fieldnames or ()):
        raise DataError(f"{path} has columns {rows.fieldnames}; expected {', '.join(_OUTCOMES)}")
    try:
        found = {int(row["RecordID"]): int(row["In-hospital_death"]) for row in rows}
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: an outcome is not a number: {error}") from error
    if not set(found.values()) <= {0, 1}:
        raise DataError(f"{path}: In-hospital_death is 0 or 1; found {sorted(set(found.values()))}")
    return found


def _lines(
    text: str, number: int, *, patient: int, channel: dict[str, int]
) -> list[tuple[float, float, float, float]]:
    """The measurements of one file."""
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or rows[0] != _HEAD:
        head = rows[0] if rows else "nothing"
        raise DataError(f"patient {number}: the file begins with {head}; expected {_HEAD}")
    found = []
    for place, row in enumerate(rows[1:], start=2):
        try:
            time, name, value = row
            hours, minutes = (int(part) for part in time.split(":"))
            at, number_of = hours + minutes / 60, float(value)
        except ValueError as error:
            raise DataError(f"patient {number}, line {place}: {row} ({error})") from error
        if not (0 <= at <= HOURS and 0 <= minutes < 60):
            raise DataError(f"patient {number}, line {place}: the time {time} is not in 48 hours")
        if name in channel and np.isfinite(number_of) and number_of >= 0:
            found.append((patient, at, channel[name], number_of))
    return found
