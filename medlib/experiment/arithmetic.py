"""What rounds: the instructions, kernels and libraries behind a run's floating-point numbers.

The same code with the same seeds gives other last bits where another kernel adds in another order.
Which kernel that is depends on the processor and on variables of the environment that no code
mentions. `Run.finish` records both, and the press starts a run without those variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# Read by OpenBLAS, MKL, oneDNN, ATen, FBGEMM, NumPy, BLIS, NVPL and glibc's mathematics when they
# choose their instructions; the last two round CUDA's float32 products to ten bits.
PREFIXES = (
    "OPENBLAS_",
    "MKL_",
    "DNNL_",
    "ONEDNN_",
    "ATEN_",
    "FBGEMM_",
    "NPY_",
    "BLIS_",
    "NVPL_BLAS_",
)
NAMES = ("GLIBC_TUNABLES", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
HARMLESS = ("MKL_THREADING_LAYER",)  # without it some installations do not start


class Arithmetic(BaseModel):
    """What computed a run's numbers.

    Args:
        cpu_capability: torch's name of the instructions that it uses; empty without torch.
        simd: NumPy's names of those that it uses beyond its baseline.
        libraries: BLAS and OpenMP libraries in the process, by their place below site-packages:
            version, kernel and threading.
        variables: those of the environment that choose among the above, as they were set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_capability: str = ""
    simd: list[str] = []
    libraries: dict[str, str] = {}
    variables: dict[str, str] = {}

    def described(self) -> dict[str, str]:
        """Each thing by a name that a person knows, in the order of causes."""
        return {
            **self.variables,
            "CPU capability": self.cpu_capability or "unknown",
            "NumPy SIMD": " ".join(self.simd) or "baseline",
            **self.libraries,
        }


def chooses_arithmetic(variable: str) -> bool:
    """Whether a variable of the environment chooses instructions or kernels.

    The number of threads is not among them: a run sets it, and its record states it.

    >>> [chooses_arithmetic(name) for name in ("OPENBLAS_CORETYPE", "OMP_NUM_THREADS", "HOME")]
    [True, False, False]
    """
    if variable in HARMLESS or variable.endswith("_NUM_THREADS"):
        return False
    return variable in NAMES or variable.startswith(PREFIXES)


def arithmetic_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of an environment that choose the arithmetic, by name."""
    return {name: environment[name] for name in sorted(environment) if chooses_arithmetic(name)}


def arithmetic() -> Arithmetic:
    """What computes in this process, as far as it has been imported by now."""
    torch = sys.modules.get("torch")
    return Arithmetic(
        cpu_capability=torch.backends.cpu.get_cpu_capability() if torch else "",
        simd=_numpy_simd(),
        libraries=_libraries() | _inside_torch(),
        variables=arithmetic_variables(),
    )


def _numpy_simd() -> list[str]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return []
    return list(numpy.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", []))


def _libraries() -> dict[str, str]:
    """Version, kernel and threading of each loaded library that has threads of its own."""
    from threadpoolctl import threadpool_info

    found = {}
    for library in threadpool_info():
        about = (library.get(field) for field in ("version", "architecture", "threading_layer"))
        words = [library["internal_api"], *(word for word in about if word)]
        found[_short_path(Path(library["filepath"]))] = " ".join(words)
    return dict(sorted(found.items()))


def _short_path(path: Path) -> str:
    """The path below site-packages, or the bare name of a file that lies elsewhere.

    >>> _short_path(Path("/home/me/lib/python3/site-packages/torch/lib/libgomp.so.1"))
    'torch/lib/libgomp.so.1'
    """
    parts = path.parts
    start = max((i for i, part in enumerate(parts, 1) if part.endswith("-packages")), default=None)
    return path.name if start is None else "/".join(parts[start:])


def _inside_torch() -> dict[str, str]:
    """MKL and oneDNN, which torch has in itself, where no other library sees them."""
    torch = sys.modules.get("torch")
    lines = torch.__config__.show().splitlines() if torch else []
    found = {}
    for line in lines:
        text = line.strip(" -").replace("Intel(R) ", "").partition(" for ")[0]
        for name, sign in (("MKL in torch", "Math Kernel Library"), ("oneDNN in torch", "MKL-DNN")):
            if text.startswith(("oneAPI " + sign, sign)):
                found[name] = text.partition(sign)[2].strip()
    return found
