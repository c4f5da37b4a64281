"""Which arithmetic the numeric libraries use; to be settled before the first of them is imported.

*Portable* (the default, and what is committed) asks every library for its AVX2 kernels, so that all x86-64 processors
since 2013 compute the same bytes. *Native* lets each library take the fastest kernels the processor has; results
then agree within rounding only, from one processor generation to the next. Either way a run has one thread, because
the order of summation, and with it the last bits, depends on the number of threads.
"""

import os
from typing import Final

VARIABLE: Final = "DLSTUDY_ARITHMETIC"
SINGLE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
AVX2_KERNELS: Final = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own vectorised loops
    "MKL_CBWR": "AVX2",  # PyTorch's matrix products: conditional numerical reproducibility
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's convolutions
    "OPENBLAS_CORETYPE": "HASWELL",  # NumPy's and SciPy's matrix algebra
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy's vectorised loops
}


def environment(arithmetic: str) -> dict[str, str]:
    """The environment variables of an arithmetic, "portable" or "native"; ValueError for any other name."""
    if arithmetic == "portable":
        return SINGLE_THREAD | AVX2_KERNELS
    if arithmetic == "native":
        return SINGLE_THREAD
    raise ValueError(f"{VARIABLE}: expected 'portable' or 'native', found {arithmetic!r}")


def settle() -> None:
    """Put the arithmetic that the user chose into this process's environment, for it and its children."""
    os.environ.update(environment(os.environ.get(VARIABLE, "portable")))
