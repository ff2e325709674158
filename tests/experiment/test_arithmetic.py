"""What rounds is recorded, without a path of this machine, and the variables that choose it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from medlib.experiment.arithmetic import (
    Arithmetic,
    arithmetic,
    arithmetic_variables,
    chooses_arithmetic,
)

CHOOSING = """ATEN_CPU_CAPABILITY BLIS_ARCH_TYPE DNNL_MAX_CPU_ISA FBGEMM_ENABLE_AVX512_256
GLIBC_TUNABLES MKL_CBWR MKL_ENABLE_INSTRUCTIONS NPY_DISABLE_CPU_FEATURES NVIDIA_TF32_OVERRIDE
ONEDNN_DEFAULT_FPMATH_MODE ONEDNN_MAX_CPU_ISA OPENBLAS_CORETYPE OPENBLAS_L2_SIZE"""
OTHER = "HOME MKL_NUM_THREADS MKL_THREADING_LAYER OMP_NUM_THREADS OPENBLAS_NUM_THREADS PATH"


def test_this_process_is_described():
    found = arithmetic()
    assert found.cpu_capability == torch.backends.cpu.get_cpu_capability()
    assert found.simd == np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    (blas,) = [text for path, text in found.libraries.items() if path.startswith("numpy.libs/")]
    assert blas.startswith("openblas ")
    assert "MKL in torch" in found.libraries or not torch.backends.mkl.is_available()
    assert "oneDNN in torch" in found.libraries or not torch.backends.mkldnn.is_available()


def test_no_path_of_this_machine_is_recorded():
    text = arithmetic().model_dump_json()
    assert os.sep + "lib" + os.sep + "python" not in text
    assert sys.prefix not in text
    assert not any(path.startswith(os.sep) for path in arithmetic().libraries)


@pytest.mark.parametrize("name", CHOOSING.split())
def test_a_variable_that_chooses_is_known(name):
    assert chooses_arithmetic(name)
    assert arithmetic_variables({"HOME": "/", name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", OTHER.split())
def test_a_variable_that_does_not_choose_is_left_alone(name):
    assert not chooses_arithmetic(name)


SHOW = """
import numpy, torch
from medlib.experiment.arithmetic import arithmetic
print(arithmetic().model_dump_json())
"""


def seen_by(**variables):
    clean = {name: value for name, value in os.environ.items() if not chooses_arithmetic(name)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=clean | variables, capture_output=True, check=True
    )
    return Arithmetic.model_validate(json.loads(done.stdout))


def test_a_variable_shows_in_the_kernel_that_it_chooses():
    plain, chosen = seen_by(), seen_by(OPENBLAS_CORETYPE="Nehalem", ATEN_CPU_CAPABILITY="default")
    assert plain.variables == {}
    assert chosen.variables == {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Nehalem"}
    assert chosen.cpu_capability == "DEFAULT"
    (kernel,) = [text for path, text in chosen.libraries.items() if path.startswith("numpy.libs/")]
    assert "Nehalem" in kernel
    assert plain.described() != chosen.described()


def test_causes_are_described_before_effects():
    found = Arithmetic(variables={"MKL_CBWR": "AVX2"}, libraries={"blas.so": "openblas 1"})
    assert list(found.described()) == ["MKL_CBWR", "CPU capability", "NumPy SIMD", "blas.so"]
