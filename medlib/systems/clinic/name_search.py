"""Does anything of the originals stand in what went out? A search that is shown to find."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Iterator, Sequence

from pydicom import Dataset, dcmread, dcmwrite

from medlib.systems.deidentification.validator import leaks

__all__ = ["SLIPS", "bytes_of", "finds_in", "slipped"]


def bytes_of(dataset: Dataset) -> bytes:
    """As a file."""
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def finds_in(
    written: bytes, originals: Sequence[Dataset], *, words: Sequence[str] = ()
) -> tuple[str, ...]:
    """Kinds of what of all originals of a study stands in the bytes of a file.

    Sought are the names, numbers, dates, places and UIDs of *every* object (by
    `deidentification.validator`, at all depths), dates with hyphens as well, times of the day, and
    further words.

    Args:
        written: a file, an object's or any other.
        originals: all objects of one study, as they came.
        words: such as names of files, in any letters.

    Returns:
        One entry a find: "name", "uid", "date", "time", "word" and so on.

    Raises:
        ValueError: no originals.

    Example:
        >>> one, other = Dataset(), Dataset()
        >>> one.PatientName, other.StudyDate = "Ample^Ex", "20240503"
        >>> finds_in(b"made on 2024-05-03 for Mr AMPLE", [one, other])
        ('name', 'date')
    """
    if not originals:
        raise ValueError("there are no originals: nothing could be found")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is no file of DICOM is read as if it were one
        found = [leak.identifier.kind for leak in leaks(_in_one(originals), written)]
    lowered = written.lower()
    dates = {value for value in _values(originals, "DA") if len(value) == 8}
    hyphened = {f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in dates}
    found += ["date" for day in sorted(hyphened) if day.encode() in lowered]
    times = {value for value in _values(originals, "TM") if len(value) >= 6}
    found += ["time" for time in sorted(times) if _holds_time(written, time)]
    found += ["word" for word in words if word.lower().encode() in lowered]
    return tuple(found)


def _in_one(originals: Sequence[Dataset]) -> Dataset:
    """The first, and of all others what differs, as items of a sequence: a search that looks at all
    depths sees all."""
    first, *others = originals
    whole = Dataset({e.tag: e for e in first if e.keyword != "PixelData"})
    whole.ReferencedImageSequence = [
        Dataset({e.tag: e for e in one if e.keyword != "PixelData" and first.get(e.tag) != e})
        for one in others
    ]
    return whole


def _values(originals: Sequence[Dataset], kind: str) -> set[str]:
    return {str(e.value) for one in originals for e in one.iterall() if kind == e.VR and e.value}


def _holds_time(written: bytes, time: str) -> bool:
    """With colons anywhere; as six digits only where a time is meant, for chance writes digits."""
    clock = f"{time[:2]}:{time[2:4]}:{time[4:6]}"
    if clock.encode() in written or (len(time) > 6 and time.encode() in written):
        return True
    return any(time[:6] in value for value in _times_of(written))


def _times_of(written: bytes) -> Iterator[str]:
    """What a DICOM file holds as times; nothing of other bytes."""
    try:
        elements = list(dcmread(io.BytesIO(written)).iterall())
    except Exception:  # no file of DICOM
        return
    for element in elements:
        if element.VR == "TM":
            yield str(element.value)
        elif element.VR == "DT":
            yield str(element.value)[8:]


def _uid_of_another(one: Dataset, originals: Sequence[Dataset]) -> None:
    """A reference that was overlooked, to a slice that is not the first."""
    one.add_new(0x00081155, "UI", originals[len(originals) // 2].SOPInstanceUID)


def _date(one: Dataset, originals: Sequence[Dataset]) -> None:
    one.ContentDate = originals[0].StudyDate


def _time(one: Dataset, originals: Sequence[Dataset]) -> None:
    one.ContentTime = originals[0].StudyTime


def _name_in_an_item(one: Dataset, originals: Sequence[Dataset]) -> None:
    item = Dataset()
    item.PersonName = originals[0].PatientName
    one.PersonIdentificationCodeSequence = [item]


SLIPS: dict[str, Callable[[Dataset, Sequence[Dataset]], None]] = {
    "UID of another slice": _uid_of_another,
    "date": _date,
    "time of the day": _time,
    "name in an item": _name_in_an_item,
}


def slipped(slip: str, result: Dataset, originals: Sequence[Dataset]) -> Dataset:
    """A copy of a result with one thing of the originals left in it, as a bug would leave it.

    Raises:
        ValueError: an unknown slip.
    """
    if slip not in SLIPS:
        raise ValueError(f"slip is {slip!r}; one of {', '.join(SLIPS)}")
    found = copy.deepcopy(result)
    SLIPS[slip](found, originals)
    return found
