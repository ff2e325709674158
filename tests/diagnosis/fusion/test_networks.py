"""Each network joins the two where its name says, and sees nothing that it should not."""

import pytest
import torch

from medlib.diagnosis.fusion.networks import KINDS, FusionNet, parameter_count


def network(kind, seed=0):
    made = FusionNet(kind, generator=torch.Generator().manual_seed(seed)).eval()
    for head in (made.head, getattr(made, "pet_head", None)):
        if head is not None:  # heads begin with zeros: let them say something
            torch.nn.init.normal_(head.weight, generator=torch.Generator().manual_seed(seed))
    return made


def images(n=2, seed=0):
    return torch.randn(n, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_answer_is_the_prevalence(kind):
    fresh = FusionNet(kind, generator=torch.Generator().manual_seed(0), prevalence=0.1)
    torch.testing.assert_close(fresh(images()).sigmoid(), torch.full((2, 24, 24), 0.1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_network_sees(kind):
    one, net = images(), network(kind)
    for channel, name in ((0, "MRI"), (1, "PET"), (2, "PET")):
        changed = one.clone()
        changed[:, channel] += 1.0 + torch.rand(24, 24, generator=torch.Generator().manual_seed(5))
        differs = not torch.allclose(net(one), net(changed), atol=1e-5)
        assert differs == (kind not in ("MRI", "PET") or kind == name)


def test_late_is_a_sum_of_two_logits_and_the_others_are_not():
    one, other = images(seed=1), images(seed=2)
    mixed = [one.clone(), other.clone()]
    mixed[0][:, 0], mixed[1][:, 0] = other[:, 0], one[:, 0]
    for kind in ("early", "middle", "late", "attention"):
        net = network(kind)
        apart = net(one) + net(other) - net(mixed[0]) - net(mixed[1])
        assert (apart.abs().max() < 1e-4) == (kind == "late")


def test_attention_weights_are_weights():
    _, weight = network("attention").with_weights(images())
    assert weight.shape == (2, 24, 24)
    assert ((weight > 0) & (weight < 1)).all()
    assert network("middle").with_weights(images())[1] is None


def test_attention_is_between_its_two_sets_of_features():
    from medlib.diagnosis.fusion.networks import Attention

    a, b = torch.zeros(1, 4, 3, 3), torch.ones(1, 4, 3, 3)
    fused, weight = Attention(4)(a, b)
    torch.testing.assert_close(fused, weight[:, None].expand_as(fused))


def test_fusions_are_of_like_size():
    sizes = {kind: parameter_count(network(kind)) for kind in KINDS}
    assert max(sizes.values()) < 2.1 * min(sizes.values())


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind is 'deep'"):
        network("deep")
