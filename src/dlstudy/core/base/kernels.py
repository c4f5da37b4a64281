"""PyTorch's matrix algebra, computed by NumPy and SciPy: the same bytes on the processors of Intel and AMD.

PyTorch leaves matrix products, linear algebra and some functions of single numbers to Intel's MKL, which takes other
kernels on AMD's processors, whatever it is asked. The OpenBLAS of NumPy and SciPy takes the kernels that
`core.arithmetic` names on every processor with AVX2, and is as fast. Importing this module registers NumPy's functions
as PyTorch's kernels for tensors on the CPU, below autograd: gradients go through them too. With the arithmetic
"native" nothing is registered.
"""

import os
from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
import scipy.linalg
import scipy.special
import torch
from torch import Tensor
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from dlstudy.core.base.arithmetic import AVX2_KERNELS


def product(first: Tensor, second: Tensor) -> Tensor:
    """First @ second of matrices (m, k), (k, n), of stacks of them, or of vectors, as np.matmul has it."""
    shape = torch.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    rows, columns = first.shape[-2:-1], second.shape[-1:] if second.ndim > 1 else ()
    result = torch.empty((*shape, *rows, *columns), dtype=first.dtype)
    with np.errstate(all="ignore"):  # a network that diverges overflows in silence, as PyTorch's do
        np.matmul(_array(first), _array(second), out=result.numpy())
    return result


def sum_with_product(start: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Beta * start + alpha * first @ second; `start` is broadcast."""
    result = product(first, second)
    if alpha != 1:
        result.mul_(alpha)
    return result.add_(start, alpha=beta) if beta else result


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The same memory; what autograd knows of a tensor is of no account below it."""
    return tensor.detach().resolve_conj().resolve_neg().numpy()


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _of_each_number(function: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    def kernel(values: Tensor) -> Tensor:
        given = values if values.is_floating_point() else values.to(torch.get_default_dtype())
        with np.errstate(all="ignore"):
            return _tensor(function(_array(given))).view(values.shape)

    return kernel


def _tanh(values: Tensor) -> Tensor:
    """Float32 by PyTorch itself, which is the same on all; given a result to fill, it is not asked to come here."""
    if values.dtype != torch.float64:
        return torch.tanh(values, out=torch.empty_like(values))
    return _tensor(np.tanh(_array(values)))


def _tanh_in_place(values: Tensor) -> Tensor:
    return values.copy_(_tanh(values))


def _qr(matrix: Tensor, mode: Literal["reduced", "complete", "r"] = "reduced") -> tuple[Tensor, Tensor]:
    if mode == "r":
        return matrix.new_empty(0), _tensor(np.linalg.qr(_array(matrix), mode))
    q, r = np.linalg.qr(_array(matrix), mode)
    return _tensor(q), _tensor(r)


def _inverse(matrix: Tensor, *, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    try:
        inverse, found = np.linalg.inv(_array(matrix)), 0
    except np.linalg.LinAlgError:
        if check_errors:
            raise LinAlgError("expected an invertible matrix, found a singular one") from None
        inverse, found = np.full(matrix.shape, np.inf), 1
    return _tensor(inverse).to(matrix.dtype), torch.tensor(found, dtype=torch.int32)


def _eigh(matrix: Tensor, lower_or_upper: Literal["L", "U"] = "L", compute_v: bool = True) -> tuple[Tensor, Tensor]:
    if not compute_v:
        return _tensor(np.linalg.eigvalsh(_array(matrix), lower_or_upper)), matrix.new_empty(0)
    values, vectors = np.linalg.eigh(_array(matrix), lower_or_upper)
    return _tensor(values), _tensor(vectors)


def _eigvals(matrix: Tensor) -> Tensor:
    values = np.linalg.eigvals(_array(matrix))
    return _tensor(values.astype(np.result_type(values.dtype, np.complex64)))


def _svd(
    matrix: Tensor, full_matrices: bool = False, compute_uv: bool = True, *, driver: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    if not compute_uv:
        return matrix.new_empty(0), _tensor(np.linalg.svd(_array(matrix), compute_uv=False)), matrix.new_empty(0)
    u, s, vh = np.linalg.svd(_array(matrix), full_matrices)
    return _tensor(u), _tensor(s), _tensor(vh)


def _least_squares(
    matrix: Tensor, right: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    cond = np.finfo(_array(matrix).dtype).eps * max(matrix.shape) if rcond is None else rcond
    solution, _, rank, _ = scipy.linalg.lstsq(_array(matrix), _array(right), cond=cond, lapack_driver="gelsy")
    return _tensor(solution), matrix.new_empty(0), torch.tensor(rank), matrix.new_empty(0)


def _cholesky(matrix: Tensor, *, upper: bool = False, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    try:
        factor, found = np.linalg.cholesky(_array(matrix), upper=upper), 0
    except np.linalg.LinAlgError:
        if check_errors:
            raise LinAlgError("expected a positive definite matrix, found another") from None
        factor, found = np.full(matrix.shape, np.nan), 1
    return _tensor(factor), torch.tensor(found, dtype=torch.int32)


def _solve_by_factor(right: Tensor, factor: Tensor, upper: bool) -> Tensor:
    return _tensor(scipy.linalg.cho_solve((_array(factor), not upper), _array(right)))


def _solve(
    matrix: Tensor, right: Tensor, *, left: bool = True, check_errors: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    given, wanted = (matrix, right) if left else (matrix.mT, right.mT)
    (factorise,) = scipy.linalg.get_lapack_funcs(("getrf",), (_array(given),))
    factors, pivots, found = factorise(_array(given))
    solution = _tensor(scipy.linalg.lu_solve((factors, pivots), _array(wanted), check_finite=False))
    if found and check_errors:
        raise LinAlgError("expected an invertible matrix, found a singular one")
    numbers = torch.from_numpy(pivots + 1).to(torch.int32)
    return solution if left else solution.mT, _tensor(factors), numbers, torch.tensor(found, dtype=torch.int32)


KERNELS: Final[dict[str, Callable[..., Any]]] = {
    "mm": product,
    "bmm": product,
    "mv": product,
    "dot": product,
    "addmm": sum_with_product,
    "addmv": sum_with_product,
    "baddbmm": sum_with_product,
    "sqrt": _of_each_number(np.sqrt),
    "exp": _of_each_number(np.exp),
    "log": _of_each_number(np.log),
    "erf": _of_each_number(scipy.special.erf),
    "tanh": _tanh,
    "tanh_": _tanh_in_place,
    "_linalg_eigh": _eigh,
    "linalg_eigvals": _eigvals,
    "_linalg_solve_ex": _solve,
    "_linalg_svd": _svd,
    "linalg_lstsq": _least_squares,
    "linalg_qr": _qr,
    "linalg_inv_ex": _inverse,
    "linalg_cholesky_ex": _cholesky,
    "_cholesky_solve_helper": _solve_by_factor,
}
"""By the name of PyTorch's operator. Not here, since it is the same on all: convolutions (oneDNN), and all else that
the study calls of functions of single numbers and of sums."""

_registered: Final = torch.library.Library("aten", "IMPL")


def _register() -> None:
    for name, kernel in KERNELS.items():
        _registered.impl(name, kernel, "CPU")


if os.environ.get("MKL_CBWR") == AVX2_KERNELS["MKL_CBWR"]:
    _register()
