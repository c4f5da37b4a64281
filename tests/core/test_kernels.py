"""PyTorch's matrix algebra by NumPy and SciPy: the same numbers as PyTorch's own, up to rounding, and gradients."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch

from dlstudy.core.base.kernels import KERNELS
from tests import warm

SCRIPT = """
import json, sys
import stages
import torch
if sys.argv[1] == "replaced":
    from dlstudy.core.base import kernels
stream = torch.Generator().manual_seed(0)
def draw(*shape): return torch.randn(*shape, generator=stream, dtype=torch.float64)
A, B, y, stack = draw(7, 5), draw(5, 4), draw(7), draw(3, 4, 5)
H, values = A.T @ A, torch.linspace(0.1, 3, 9, dtype=torch.float64)
weight = draw(6, 5).requires_grad_()
outputs = torch.nn.functional.linear(stack, weight, torch.ones(6, dtype=torch.float64))
eigen, singular = torch.linalg.eigh(H), torch.linalg.svd(A, full_matrices=False)
found = {
    "mm": A @ B, "mm with a transpose": B.T @ A.T, "mv": A.T @ y, "dot": y @ y, "bmm": stack @ stack.mT,
    "einsum": torch.einsum("bij,bkj->bik", stack, stack),
    "addmm": torch.addmm(torch.ones(4, dtype=torch.float64), A, B, beta=2, alpha=0.5),
    "addmm without start": torch.addmm(torch.full((7, 4), torch.nan, dtype=torch.float64), A, B, beta=0),
    "addmv": torch.addmv(torch.ones(5, dtype=torch.float64), A.T, y),
    "baddbmm": torch.baddbmm(torch.ones(3, 1, 4, dtype=torch.float64), stack, stack.mT, beta=2, alpha=0.5),
    "linear": outputs, "gradient": torch.autograd.grad(outputs.square().sum(), weight)[0],
    "empty": draw(0, 5) @ B, "nothing summed": draw(3, 0) @ draw(0, 2),
    "sqrt": values.sqrt(), "exp": values.exp(), "log": values.log(), "erf": values.erf(),
    "tanh": (values - 1).tanh(), "tanh in place": (values - 1).tanh_(), "tanh of float": (values - 1).float().tanh(),
    "tanh of a transpose": A.T.tanh(), "tanh in place of a slice": A.clone()[:, 1:3].tanh_(),
    "slope of tanh": torch.autograd.grad(weight.tanh().sum(), weight)[0],
    "qr": torch.linalg.qr(A).R.abs(), "from qr": torch.linalg.qr(A).Q @ torch.linalg.qr(A).R,
    "complete qr": torch.linalg.qr(A, mode="complete").Q.abs()[:, :5], "r alone": torch.linalg.qr(A, mode="r").R.abs(),
    "inverse": torch.linalg.inv(H), "inverses": torch.linalg.inv(stack[:, :, :4]),
    "slope of inverse": torch.autograd.grad(torch.linalg.inv(weight.T @ weight).sum(), weight)[0],
    "sqrt of int": torch.tensor([4]).sqrt(),
    "slope of exp": torch.autograd.grad(weight.exp().sum(), weight)[0],
    "eigh": eigen.eigenvalues, "eigenvectors": eigen.eigenvectors * eigen.eigenvalues @ eigen.eigenvectors.T,
    "eigvalsh": torch.linalg.eigvalsh(H), "eigvals": torch.linalg.eigvals(H).real.sort().values,
    "complex": torch.linalg.eigvals(torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)).imag.sort().values,
    "svd": singular.U * singular.S @ singular.Vh, "cond": torch.linalg.cond(A),
    "pinv": torch.linalg.pinv(H, rtol=1e-9, hermitian=True),
    "lstsq": torch.linalg.lstsq(A, y.unsqueeze(1), driver="gelsy").solution,
    "lstsq, collinear": torch.linalg.lstsq(torch.cat([A, A], 1), y.unsqueeze(1), driver="gelsy").solution,
    "solve": torch.linalg.solve(H, A.T @ y), "solve for matrices": torch.linalg.solve(H, H @ B),
    "cholesky": torch.linalg.cholesky(H), "by factor": torch.cholesky_solve(H @ B, torch.linalg.cholesky(H)),
}
told = {name: [str(each.dtype), list(each.shape), each.flatten().tolist()] for name, each in found.items()}
print(json.dumps(told))
"""


def results(which):
    run = subprocess.run(
        [warm.python(), "-c", SCRIPT, which],
        cwd=Path(__file__).parents[2],
        env=warm.warmed(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_kernels_give_what_pytorchs_own_give_up_to_rounding():
    own, replaced = results("own"), results("replaced")
    assert own.keys() == replaced.keys()
    for name, (dtype, shape, values) in own.items():
        assert replaced[name][:2] == [dtype, shape], name
        assert replaced[name][2] == pytest.approx(values, rel=1e-12, abs=1e-13), name
    assert any(own[name] != replaced[name] for name in own), "expected other last bits somewhere: are they registered?"


def test_what_has_no_solution_is_refused_as_pytorch_does():
    singular = torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(torch.linalg.LinAlgError):
        torch.linalg.solve(singular, torch.ones(2, 1, dtype=torch.float64))
    with pytest.raises(torch.linalg.LinAlgError):
        torch.linalg.cholesky(-torch.eye(2, dtype=torch.float64))
    with pytest.raises(torch.linalg.LinAlgError):
        torch.linalg.inv(singular)
    assert torch.linalg.cholesky_ex(-torch.eye(2)).info == torch.linalg.inv_ex(torch.zeros(2, 2)).info == 1


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises((RuntimeError, ValueError)):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_every_kernel_is_of_an_operator_that_pytorch_has():
    assert not [name for name in KERNELS if not hasattr(torch.ops.aten, name)]
