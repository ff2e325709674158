"""One modality goes, never both, and as often as asked."""

import pytest
import torch

from medlib.diagnosis.fusion.missing import drop_modalities, without


def ones(n=4000):
    return torch.ones(n, 3, 2, 2)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_are_as_asked(share):
    left = drop_modalities(ones(), share, generator=torch.Generator().manual_seed(0))
    mri, pet, dose = (left[:, c].flatten(1).mean(dim=1) for c in range(3))
    assert torch.equal(pet, dose)
    assert ((mri + pet) > 0).all()
    assert (mri == 0).float().mean() == pytest.approx(share / 2, abs=0.03)
    assert (pet == 0).float().mean() == pytest.approx(share / 2, abs=0.03)


def test_what_stays_is_not_changed():
    images = torch.randn(50, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    left = drop_modalities(images, 0.6, generator=torch.Generator().manual_seed(0))
    kept = left != 0
    assert torch.equal(left[kept], images[kept])


def test_without_takes_exactly_one():
    images = ones(2)
    assert (without(images, "MRI")[:, 0] == 0).all()
    assert (without(images, "MRI")[:, 1:] == 1).all()
    assert (without(images, "PET")[:, 1:] == 0).all()
    assert (without(images, "PET")[:, 0] == 1).all()
    assert without(images, "") is images
    assert (images == 1).all()


def test_what_is_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        drop_modalities(ones(2), 1.5, generator=torch.Generator())
    with pytest.raises(ValueError, match="modality is 'CT'"):
        without(ones(2), "CT")
