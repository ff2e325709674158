"""Nothing more is kept unless it is asked for."""

import pytest

from medlib.systems.deidentification.options import Options


def test_by_default_all_goes():
    options = Options()
    assert (options.dates, options.times) == ("remove", "remove")
    assert not any(
        (options.descriptor_words, options.structured_text, options.rectangles,
         options.pixels_inspected, options.patient)
    )  # fmt: skip


def test_times_alone_are_not_kept():
    with pytest.raises(ValueError, match="only with dates"):
        Options(times="keep")
    assert Options(dates="shift", times="keep").times == "keep"
