"""Which arithmetic the numeric libraries use; to be settled before the first of them is imported.

*Portable* (the default, and what is committed) asks every library for its AVX2 kernels, and has NumPy and SciPy compute
PyTorch's matrix algebra (`core.kernels`), so that Intel's and AMD's processors that have AVX2 (of 2013 and later)
compute the same bytes. ARM's have kernels of their own: there, results differ by rounding, which training amplifies.
*Native* lets each library take the fastest kernels the processor has. DVC does not know which of the two made a result.

Either way a run has one thread, because the order of summation, and with it the last bits, depends on the number of
threads.
"""

import os
import platform
import sys
from typing import Final

from dlstudy.core.base.errors import SettingError

VARIABLE: Final = "DLSTUDY_ARITHMETIC"
SINGLE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
AVX2_KERNELS: Final = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own vectorised loops
    "MKL_CBWR": "AVX2",  # what PyTorch still leaves to MKL: conditional numerical reproducibility
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's convolutions
    "OPENBLAS_CORETYPE": "HASWELL",  # NumPy's and SciPy's matrix algebra, and so PyTorch's
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy's vectorised loops
}


def environment(arithmetic: str) -> dict[str, str]:
    """The environment variables of an arithmetic, "portable" or "native"; SettingError for any other name.

    AVX2 is a matter of x86-64: elsewhere the two are the same (NumPy warns of features that it cannot have).
    """
    if arithmetic == "portable":
        return SINGLE_THREAD | (AVX2_KERNELS if platform.machine().lower() in ("x86_64", "amd64") else {})
    if arithmetic == "native":
        return SINGLE_THREAD
    raise SettingError(f"{VARIABLE}: expected 'portable' or 'native', found {arithmetic!r}")


def settle() -> None:
    """Put the arithmetic that the user chose into this process's environment, for it and its children."""
    arithmetic = os.environ.get(VARIABLE) or "portable"
    os.environ.update(environment(arithmetic))
    if arithmetic == "native":
        print(
            f"{VARIABLE}=native: results will differ in their last bits from those of other processors, and DVC cannot "
            "tell. Do not commit them; `dvc repro --force --no-run-cache` computes portable ones again.",
            file=sys.stderr,
        )
