"""The cascade destroys from the top, nothing else, and never the network it was given."""

import pytest
import torch

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.pixels.maps.cascading_randomisation import cascade

PARTS = ("classifier", "head", "stages.6")


@pytest.fixture(scope="module")
def network():
    return EfficientNetLite0(classes=2).eval()


def changed(network, other):
    pairs = zip(network.named_parameters(), other.parameters(), strict=True)
    return {name.split(".")[0] if "stages" not in name else name[:8]
            for (name, p), q in pairs if p.ndim > 1 and not torch.equal(p, q)}  # fmt: skip


def test_each_step_destroys_one_part_more(network):
    before = {name: p.clone() for name, p in network.state_dict().items()}
    seen = [
        (name, changed(network, random))
        for name, random in cascade(
            network, parts=PARTS, generator=torch.Generator().manual_seed(0)
        )
    ]
    assert [name for name, _ in seen] == list(PARTS)
    assert [parts for _, parts in seen] == [set(PARTS[: n + 1]) for n in range(3)]
    assert all(torch.equal(p, before[name]) for name, p in network.state_dict().items())


def test_the_generator_decides(network):
    weights = [
        next(cascade(network, parts=PARTS[:1], generator=torch.Generator().manual_seed(s)))[1]
        .classifier.weight.detach().clone()
        for s in (0, 0, 1)
    ]  # fmt: skip
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_wrong_name_is_refused_at_once(network):
    with pytest.raises(ValueError, match="no part 'top'"):
        cascade(network, parts=("top",), generator=torch.Generator())
