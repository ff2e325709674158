"""Each image's answer is its own, and first weights follow the generator."""

import torch

from medlib.translation.radiogenomics.tumour_network import SiteReader, TumourNetwork


def network(seed):
    return TumourNetwork(generator=torch.Generator().manual_seed(seed)).eval()


def test_an_answer_does_not_depend_on_the_batch():
    images = torch.randn(6, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, features = network(1)(images)
        alone = torch.cat([network(1)(image[None])[0] for image in images])
    assert torch.allclose(together, alone, atol=1e-5)
    assert features.shape == (6, 8)
    assert features.abs().max() <= 1


def test_first_weights_follow_the_generator_and_leave_the_global_one():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one, same, other = network(1), network(1), network(2)
    reader = SiteReader(features=8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert reader(torch.zeros(2, 8)).shape == (2,)
