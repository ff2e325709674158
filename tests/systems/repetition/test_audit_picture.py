"""The picture of an audit: every box and line is there, and too many are refused."""

import matplotlib.pyplot as plt
import pytest

from medlib.systems.repetition.audit_picture import Box, audit_picture


def test_every_box_and_line_is_drawn():
    states = ("agrees", "changed", "behind a break", "cut off", "agrees", "no longer so")
    boxes = [Box(f"entry{i}", f"{i:04x}", state) for i, state in enumerate(states)]
    figure = audit_picture(boxes, says=["first line", "second line"], signed=False)
    texts = [text.get_text() for text in figure.axes[0].texts]
    for i in range(6):
        assert any(f"{i} entry{i}" in text for text in texts)
    assert "first line" in texts
    assert any("does not fit" in text for text in texts)
    assert texts.count("✗") == texts.count("≠") == 1
    plt.close(figure)


@pytest.mark.parametrize(("boxes", "lines"), [(0, 1), (16, 1), (1, 6)])
def test_what_does_not_fit_is_refused(boxes, lines):
    with pytest.raises(ValueError, match="boxes"):
        audit_picture([Box("a", "0", "agrees")] * boxes, says=["a"] * lines, signed=True)
