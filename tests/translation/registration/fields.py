"""Fields and images to test with, smooth and drawn from one seed."""

import torch
from torch.nn import functional


def smooth_field(*grid, batch=1, size=1.0, seed=0, coarse=4, dtype=torch.float64):
    """Interpolated from a coarse grid; no value beyond `size`."""
    own = torch.Generator().manual_seed(seed)
    dims = len(grid)
    few = torch.rand(batch, dims, *[coarse] * dims, generator=own, dtype=dtype) * 2 - 1
    mode = "bicubic" if dims == 2 else "trilinear"
    field = functional.interpolate(few, size=grid, mode=mode, align_corners=True)
    return size * field / field.abs().max()


def faded(field, *, voxels):
    """The same, fading to zero towards the edge, so that nothing leaves the grid."""
    for axis, n in enumerate(field.shape[2:], start=2):
        at = torch.arange(n, dtype=field.dtype)
        edge = torch.minimum(at, n - 1 - at).div(voxels).clamp(max=1)
        shape = [1] * field.ndim
        shape[axis] = n
        field = field * (edge**2 * (3 - 2 * edge)).reshape(shape)
    return field


def linear_field(matrix, *grid):
    """u(x) = A (x - centre)."""
    matrix = torch.as_tensor(matrix, dtype=torch.float64)
    axes = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in grid]
    x = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return torch.einsum("da,a...->d...", matrix, x)[None]


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
