"""Registration by SimpleITK, on the same pairs: demons, and B-splines.

Both answer as everything here does: a displacement from fixed to moving, in voxels, one channel an
axis in the order of the axes. SimpleITK counts axes the other way round and in millimetres.

- Demons: each voxel is pushed along the image's gradient, and the field smoothed after every step.
  In the diffeomorphic variant the push is exponentiated and composed.
- B-splines: displacements of a coarse lattice of control points, cubic between them, by L-BFGS.

SimpleITK comes with the book's `peers`, and is imported when first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.displacement import checked_spacing
from medlib.translation.registration.resolutions import checked_factors

__all__ = ["METHODS", "register_by_simpleitk"]

METHODS = ("diffeomorphic demons", "demons", "B-spline")


def register_by_simpleitk(
    fixed: Float[Tensor, "pairs 1 *grid"],
    moving: Float[Tensor, "pairs 1 *grid"],
    *,
    method: str,
    spacing_mm: Sequence[float],
    smoothness_mm: float,
    iterations: int = 100,
    factors: Sequence[int] = (4, 2, 1),
) -> Float[Tensor, "pairs dims *grid"]:
    """Register pairs one by one, from coarse to fine; each method has one knob of smoothness.

    Args:
        fixed, moving: images of one grid. Demons compare greys, and want one scale in both;
            B-splines go by the correlation.
        method: one of `METHODS`.
        spacing_mm: the voxel's side along each axis.
        smoothness_mm: of demons, the standard deviation of the Gaussian that smooths the field
            after each step; of B-splines, the distance between control points.
        iterations: at most, at each resolution.
        factors: how coarse, from coarse to fine, and 1 in the end; for B-splines powers of two.

    Returns:
        u in voxels, single precision, on the CPU; the same at every call: one thread.

    Raises:
        ImportError: SimpleITK is not installed.
        ValueError: an unknown method, shapes that differ, no smoothness, or factors that do not do.

    Example:
        >>> y, x = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
        >>> def blob(at): return torch.exp(-4 * ((y - at) ** 2 + x**2))[None, None]
        >>> by = register_by_simpleitk(
        ...     blob(0.0), blob(0.2), method="demons", spacing_mm=(1.0, 1.0), smoothness_mm=1.5,
        ...     factors=(1,))
        >>> round(float(by[0, 0, 12:20, 12:20].mean()))          # 0.2 of 15.5 mm
        3

    Source: Lowekamp et al. (2013), doi:10.3389/fninf.2013.00045; Vercauteren et al. (2009),
    doi:10.1016/j.neuroimage.2008.10.040; Rueckert et al. (1999), doi:10.1109/42.796284.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: one of {', '.join(METHODS)}")
    if fixed.shape != moving.shape:
        raise ValueError(f"fixed {tuple(fixed.shape)} and moving {tuple(moving.shape)} differ")
    if not smoothness_mm > 0 or iterations < 1:
        raise ValueError(f"smoothness_mm={smoothness_mm}, iterations={iterations}: positive")
    sitk = _simpleitk()
    sides = checked_spacing(spacing_mm, dims=fixed.ndim - 2)
    factors = checked_factors(factors, grid=fixed.shape[2:])
    if method == "B-spline" and any(factor & (factor - 1) for factor in factors):
        raise ValueError(f"factors={factors}: a lattice is refined by two, give powers of two")
    found = []
    for pair in zip(fixed[:, 0], moving[:, 0], strict=True):
        images = [_image(sitk, one.detach().cpu().numpy(), sides) for one in pair]
        if method == "B-spline":
            field = _b_spline(sitk, *images, smoothness_mm, iterations, factors)
        else:
            field = _demons(sitk, *images, smoothness_mm, iterations, factors, method)
        found.append(_in_voxels(sitk, field, sides))
    return torch.stack(found)


def _simpleitk():
    try:
        import SimpleITK
    except ImportError as missing:
        raise ImportError(
            "SimpleITK is not installed: pip install -c constraints.txt SimpleITK"
        ) from missing
    return SimpleITK


def _image(sitk, array: np.ndarray, sides: tuple[float, ...]):
    image = sitk.GetImageFromArray(array.astype(np.float64))
    image.SetSpacing(sides[::-1])  # its first axis is the array's last
    return image


def _in_voxels(sitk, field, sides: tuple[float, ...]) -> Tensor:
    mm = np.moveaxis(sitk.GetArrayFromImage(field), -1, 0)[::-1]
    voxels = mm / np.reshape(sides, (-1, *[1] * len(sides)))
    return torch.from_numpy(voxels.astype(np.float32))


def _demons(sitk, fixed, moving, smoothness_mm, iterations, factors, method):
    of = {
        "demons": sitk.DemonsRegistrationFilter,
        "diffeomorphic demons": sitk.DiffeomorphicDemonsRegistrationFilter,
    }
    field = None
    for factor in factors:
        still, moved = (_coarse(sitk, image, factor) for image in (fixed, moving))
        # its smoothing counts voxels, of this resolution
        deviations = [smoothness_mm / side for side in still.GetSpacing()]
        demons = of[method]()
        demons.SetNumberOfIterations(iterations)
        demons.SetMaximumRMSError(0.0)  # at its own 0.02 voxels a step it ends far too early
        demons.SetSmoothDisplacementField(True)
        demons.SetStandardDeviations(deviations)
        demons.SetNumberOfThreads(1)
        if field is None:
            field = demons.Execute(still, moved)
        else:
            start = sitk.Resample(field, still, sitk.Transform(), sitk.sitkLinear)
            field = demons.Execute(still, moved, start)
        if method == "demons":
            # it smooths before each step, and so leaves the last one as rough as the images
            smoothed = sitk.SmoothingRecursiveGaussian(field, smoothness_mm)
            field = sitk.Cast(smoothed, sitk.sitkVectorFloat64)
    return field


def _coarse(sitk, image, factor: int):
    return image if factor == 1 else sitk.BinShrink(image, [factor] * image.GetDimension())


def _b_spline(sitk, fixed, moving, smoothness_mm, iterations, factors):
    extent = [n * side for n, side in zip(fixed.GetSize(), fixed.GetSpacing(), strict=True)]
    mesh = [max(1, round(length / smoothness_mm / factors[0])) for length in extent]
    spline = sitk.BSplineTransformInitializer(fixed, mesh, order=3)
    search = sitk.ImageRegistrationMethod()
    search.SetInitialTransformAsBSpline(
        spline, inPlace=True, scaleFactors=[factors[0] // factor for factor in factors]
    )
    search.SetMetricAsCorrelation()
    search.SetMetricSamplingStrategy(search.NONE)
    search.SetInterpolator(sitk.sitkLinear)
    search.SetShrinkFactorsPerLevel(list(factors))
    search.SetSmoothingSigmasPerLevel([0.5 * (factor - 1) for factor in factors])
    search.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    # L-BFGS-B keeps scales for one lattice only, and fails when it is refined
    search.SetOptimizerAsLBFGS2(
        solutionAccuracy=1e-6, numberOfIterations=iterations, deltaConvergenceTolerance=1e-6
    )
    search.SetNumberOfThreads(1)
    found = search.Execute(fixed, moving)
    return sitk.TransformToDisplacementField(
        found,
        sitk.sitkVectorFloat64,
        fixed.GetSize(),
        fixed.GetOrigin(),
        fixed.GetSpacing(),
        fixed.GetDirection(),
    )
