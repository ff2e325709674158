"""What is drawn is what came, and what was changed is framed."""

import matplotlib.pyplot as plt
import pytest

from medlib.experiment.plots.canvas import HIGHLIGHT
from medlib.systems.clinic.arrival import arrival
from medlib.systems.clinic.planted_faults import plant
from tests.systems.clinic.conftest import PAUL, study

OTHER = study(1, patient=PAUL, accession="A2")


def drawn(fault):
    figure = arrival(plant(fault, study(), other=OTHER), study(), verdict=fault)
    place = figure.axes[0]
    framed = [text.get_text() for text in place.texts if text.get_color() == HIGHLIGHT]
    assert len(framed) == len(place.patches)
    assert place.get_title(loc="left") == fault
    plt.close(figure)
    return len(place.texts), framed


def test_slices_that_changed_are_framed():
    assert drawn("none") == (8, [])
    assert drawn("half a series") == (4, [])
    assert drawn("another patient's slice") == (8, ["14 mm"])
    assert len(drawn("MONOCHROME1")[1]) == 8
    assert drawn("compressed") == (8, [])


def test_too_many_are_told():
    with pytest.raises(ValueError, match="0 images"):
        arrival([], study(), verdict="")
