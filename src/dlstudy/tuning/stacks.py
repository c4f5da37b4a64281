"""Several perceptrons trained side by side: one *stack* of networks of the same shape, trained by one loop.

Networks as small as the study's leave a processor waiting: each operation takes as long to call as to compute. A stack
does the work of all its networks in one call, and is up to twice as fast a network. Its members share nothing but
time: each has its own seed (which divides the data, orders the minibatches and draws the initial weights), learning
rate and parameters, and one that diverges leaves the others alone. Members with the same seed see the same minibatch,
which is then looked up once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import ACTIVATIONS, EVALUATION_BATCH, build_network, initialise

StackLoss = Literal["cross_entropy", "binary_cross_entropy", "squared_error"]

BETAS: Final = (0.9, 0.999)  # of Adam, and its epsilon: Kingma & Ba, ICLR 2015, algorithm 1
EPSILON: Final = 1e-8
NORM_EPSILON: Final = 1e-5  # of batch normalisation, as torch.nn.BatchNorm1d has it; and its momentum
NORM_MOMENTUM: Final = 0.1


class Member(NamedTuple):
    """What a network of a stack has to itself."""

    seed: int
    init: str
    lr: float
    weights: str = "weights"  # the name of the stream that draws them: another one, other weights on the same data


@dataclass(frozen=True)
class Recipe:
    """What the networks of a stack have in common."""

    hidden: tuple[int, ...]  # width of each hidden layer
    activations: tuple[str, ...]  # of each hidden layer
    batch_size: int
    num_epochs: float  # passes over the training split; the last may be cut short
    output: str = "identity"  # activation of the outputs
    loss: StackLoss = "cross_entropy"
    optimiser: Literal["sgd", "adam"] = "sgd"
    momentum: float = 0.0  # of SGD; each step follows the sum of past gradients, an older one counting less
    batch_norm: bool = False  # before each activation
    decay: bool = True  # the learning rate falls linearly to 0; else it is constant
    output_init: str | None = None  # of the output layer's weights; that of the hidden layers, if none is named

    def num_steps(self, num_images: int) -> int:
        return max(1, math.floor(self.num_epochs * math.ceil(num_images / self.batch_size)))


# --- Data ---


@dataclass(frozen=True)
class Images:
    """All images that a seed may divide into training and validation split, and those of the test split.

    Pixels are standardised by the scale of the prepared training split, the same for every seed: two numbers, which
    tell nothing of an image.
    """

    pool: Split  # what a seed divides: features (images, pixels), float32, and targets (images,)
    test: Split
    num_train: int
    num_classes: int

    @classmethod
    def of(cls, dataset: Dataset) -> "Images":
        train, validation, test = map(dataset.standardised, dataset.splits.values())
        features = torch.cat([train.features, validation.features])
        pool = Split(features, torch.cat([train.targets, validation.targets]))
        return cls(pool, test, len(train), dataset.num_outputs)

    @property
    def guessing(self) -> float:
        """The accuracy up to which a network counts as guessing: twice that of a class at random."""
        return 2 / self.num_classes

    def division(self, seed: int) -> tuple[Tensor, Tensor]:
        """The rows of training and validation split: the division that `Dataset.redivided` makes of the seed."""
        rows = torch.randperm(len(self.pool), generator=generator(seed, "split"))
        return rows[: self.num_train], rows[self.num_train :]


class Minibatch(NamedTuple):
    features: Tensor  # (batch, pixels), of all members; or (members, batch, pixels)
    targets: Tensor  # (members, batch)


class Order:
    """The minibatches of every member of a stack: epoch by epoch every training image once, in the seed's order."""

    def __init__(self, images: Images, members: Sequence[Member], batch_size: int) -> None:
        self.pool, self.batch_size = images.pool, batch_size
        self.seeds = list(dict.fromkeys(member.seed for member in members))
        self.streams = [generator(seed, "minibatches") for seed in self.seeds]
        self.divisions = [images.division(seed)[0] for seed in self.seeds]
        self.which = torch.tensor([self.seeds.index(member.seed) for member in members])
        self.waiting: list[tuple[Tensor, ...]] = []

    def next(self) -> Minibatch:
        if not self.waiting:
            epochs = [
                rows[torch.randperm(len(rows), generator=stream)].split(self.batch_size)
                for rows, stream in zip(self.divisions, self.streams, strict=True)
            ]
            self.waiting = list(zip(*epochs, strict=True))[::-1]
        rows = self.waiting.pop()
        if len(rows) == 1:
            targets = self.pool.targets.index_select(0, rows[0])
            return Minibatch(self.pool.features.index_select(0, rows[0]), targets.expand(len(self.which), -1))
        chosen = torch.stack(rows).index_select(0, self.which)  # (members, batch)
        features = self.pool.features.index_select(0, chosen.flatten())
        return Minibatch(features.view(*chosen.shape, -1), self.pool.targets[chosen])


# --- Matrix products of many networks at once ---
#
# They have the same bytes on the processors of Intel and AMD, because they are NumPy's: its OpenBLAS takes the kernels
# that OPENBLAS_CORETYPE names (`core.arithmetic` sets Haswell's) on every processor with AVX2, while PyTorch's MKL
# chooses by maker. They are as fast, and write into memory that is there, so that a stack needs no copies. Each network
# has a product of its own: its numbers do not depend on how many others stand beside it.


class _StackedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(signal, weight)
        outputs = torch.empty(weight.shape[0], signal.shape[-2], weight.shape[1])
        _product(signal, weight.mT, outputs)
        return outputs.add_(bias.unsqueeze(1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        signal, weight = ctx.saved_tensors
        of_outputs = gradients[0].contiguous()  # (members, batch, outputs)
        of_signal = _product(of_outputs, weight, torch.empty(signal.shape)) if ctx.needs_input_grad[0] else None
        of_weight = _product(of_outputs.mT, signal, torch.empty(weight.shape))
        return of_signal, of_weight, of_outputs.sum(1)


def stacked_linear(signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A linear layer of every network: (members, batch, inputs) -> (members, batch, outputs), float32.

    The signal may be (batch, inputs), the same for all, if it needs no gradient. Weights are
    (members, outputs, inputs), biases (members, outputs), as nn.Linear has them.
    """
    return _StackedLinear.apply(signal, weight, bias)  # type: ignore[no-any-return]


def _product(first: Tensor, second: Tensor, result: Tensor) -> Tensor:
    with np.errstate(all="ignore"):  # a network that diverges overflows in silence, as PyTorch's do
        np.matmul(first.detach().numpy(), second.detach().numpy(), out=result.numpy())
    return result


# --- The stack ---


@dataclass(frozen=True)
class Layer:
    """One linear layer of every network: parameters as nn.Linear has them, a network a row."""

    weight: Tensor  # (members, outputs, inputs)
    bias: Tensor  # (members, outputs)

    def __call__(self, signal: Tensor) -> Tensor:
        """(members, batch, inputs), or (batch, inputs) for all members alike -> (members, batch, outputs)."""
        return stacked_linear(signal, self.weight, self.bias)


@dataclass
class Norm:
    """Batch normalisation of every network (Ioffe & Szegedy, ICML 2015), with a scale and a shift to be learnt."""

    scale: Tensor  # (members, units)
    shift: Tensor
    mean: Tensor  # running, for evaluation
    variance: Tensor

    @classmethod
    def new(cls, num_members: int, num_units: int) -> "Norm":
        scale, shift, mean, variance = (torch.full((num_members, num_units), value) for value in (1.0, 0.0, 0.0, 1.0))
        return cls(scale.requires_grad_(), shift.requires_grad_(), mean, variance)

    def __call__(self, signal: Tensor, *, training: bool) -> Tensor:
        """(members, batch, units) -> the same; one call for all members, which are so many units more to it."""
        num_members, num_images, num_units = signal.shape
        side_by_side = signal.transpose(0, 1).reshape(num_images, num_members * num_units)
        mean, variance, scale, shift = (each.view(-1) for each in (self.mean, self.variance, self.scale, self.shift))
        normalised = F.batch_norm(side_by_side, mean, variance, scale, shift, training, NORM_MOMENTUM, NORM_EPSILON)
        return normalised.view(num_images, num_members, num_units).transpose(0, 1)


@dataclass
class Stack:
    """The networks of a stack, and how they are trained."""

    recipe: Recipe
    members: tuple[Member, ...]
    layers: tuple[Layer, ...]
    norms: tuple[Norm, ...] = ()
    moments: list[tuple[Tensor, ...]] = field(default_factory=list)  # of each parameter: Adam's two, momentum's one

    @classmethod
    def new(cls, recipe: Recipe, members: Sequence[Member], num_inputs: int, num_outputs: int) -> "Stack":
        """As the seeds initialise it: every network starts as `sgd.start_run` would start it."""
        networks = [drawn_network(recipe, member, num_inputs, num_outputs) for member in members]
        layers = tuple(
            Layer(*(torch.stack(parameters).requires_grad_() for parameters in zip(*by_member, strict=True)))
            for by_member in zip(*networks, strict=True)
        )
        norms = tuple(Norm.new(len(members), width) for width in recipe.hidden if recipe.batch_norm)
        stack = cls(recipe, tuple(members), layers, norms)
        num_moments = 2 if recipe.optimiser == "adam" else int(recipe.momentum > 0)
        stack.moments = [tuple(torch.zeros_like(each) for _ in range(num_moments)) for each in stack.parameters]
        return stack

    @cached_property
    def parameters(self) -> list[Tensor]:
        of_layers = [parameter for layer in self.layers for parameter in (layer.weight, layer.bias)]
        return of_layers + [parameter for norm in self.norms for parameter in (norm.scale, norm.shift)]

    @cached_property
    def activations(self) -> list[nn.Module]:
        return [ACTIVATIONS[name]() for name in (*self.recipe.activations, self.recipe.output)]

    @cached_property
    def rates(self) -> Tensor:
        return torch.tensor([member.lr for member in self.members])

    def outputs(self, features: Tensor, *, training: bool = False) -> Tensor:
        """(members, batch, classes) of (members, batch, pixels), or of (batch, pixels) for all members alike."""
        signal = features
        for number, (layer, activation) in enumerate(zip(self.layers, self.activations, strict=True)):
            signal = layer(signal)
            if self.norms and number < len(self.norms):
                signal = self.norms[number](signal, training=training)
            signal = activation(signal)
        return signal

    def loss(self, batch: Minibatch) -> Tensor:
        """The mean loss of each member on its minibatch; (members,).

        Squared error is halved, of the outputs to the labels' unit vectors. Outputs of tanh reach from -1 to 1, and so
        do the labels then: -1 for every class but the right one.
        """
        outputs = self.outputs(batch.features, training=True)
        if self.recipe.loss != "cross_entropy":
            wanted = F.one_hot(batch.targets, outputs.shape[2]).to(outputs.dtype)
            if self.recipe.loss == "binary_cross_entropy":
                return F.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").sum(2).mean(1)
            if self.recipe.output == "tanh":
                wanted = 2 * wanted - 1
            return (outputs - wanted).square().sum(2).mean(1) / 2
        losses = F.cross_entropy(outputs.flatten(0, 1), batch.targets.flatten(), reduction="none")
        return losses.view(len(self.members), -1).mean(1)

    def step(self, batch: Minibatch, share: float, number: int) -> None:
        """One step of the optimiser at a share of the learning rates; `number` counts the steps from 1."""
        gradients = torch.autograd.grad(self.loss(batch).sum(), self.parameters)
        rates = self.rates * share
        with torch.no_grad():
            for index, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
                by_member = rates.view(-1, *[1] * (parameter.dim() - 1))
                if self.recipe.optimiser == "adam":
                    adam_step(parameter, gradient, by_member, self.moments[index], number)
                else:
                    for velocity in self.moments[index]:  # one with momentum, else none
                        torch.add(gradient, velocity, alpha=self.recipe.momentum, out=velocity)
                        gradient = velocity  # noqa: PLW2901
                    parameter.addcmul_(gradient, by_member, value=-1)

    def finite(self) -> list[bool]:
        """Whether all parameters of each network are finite numbers."""
        found = torch.stack([each.detach().flatten(1).isfinite().all(1) for each in self.parameters])
        return [bool(each) for each in found.all(0)]


def drawn_network(recipe: Recipe, member: Member, num_inputs: int, num_outputs: int) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each layer, as the member's seed draws them."""
    network = build_network(num_inputs, recipe.hidden, num_outputs, activation="identity")
    stream = generator(member.seed, member.weights)
    initialise(network[:-1], member.init, stream)
    initialise(network[-1], recipe.output_init or member.init, stream)
    return [(layer.weight.detach(), layer.bias.detach()) for layer in network if isinstance(layer, nn.Linear)]


def adam_step(parameter: Tensor, gradient: Tensor, rates: Tensor, moments: tuple[Tensor, ...], number: int) -> None:
    """One step of Adam, in place."""
    first, second = moments
    first.lerp_(gradient, 1 - BETAS[0])
    second.lerp_(gradient.square(), 1 - BETAS[1])
    # Root in float64: in float32 its last bits depend on the maker of the processor.
    corrected = (second / (1 - BETAS[1] ** number)).double().sqrt_().float().add_(EPSILON)
    parameter.sub_(rates / (1 - BETAS[0] ** number) * first / corrected)


# --- Training and scores ---


def train_stack(images: Images, recipe: Recipe, members: Sequence[Member]) -> Stack:
    """A trained stack. A member that diverges goes on with what are no numbers any more; `finite` tells."""
    stack = Stack.new(recipe, members, images.pool.features.shape[1], images.num_classes)
    order, num_steps = Order(images, members, recipe.batch_size), recipe.num_steps(images.num_train)
    for step in range(1, num_steps + 1):
        stack.step(order.next(), 1 - (step - 1) / num_steps if recipe.decay else 1.0, step)
    return stack


LARGEST_LOSS: Final = 1_000.0


class StackScore(NamedTuple):
    """Of a network of a stack on some images."""

    accuracy: float
    loss: float  # mean cross-entropy, at most LARGEST_LOSS: so much if it is no number


@torch.no_grad()
def stack_scores(stack: Stack, split: Split, rows: Tensor) -> list[StackScore]:
    """The scores of each member on some rows of a split: (images,), or its own ones, (members, images)."""
    num_members, num_images = len(stack.members), rows.shape[-1]
    num_right = torch.zeros(num_members, dtype=torch.int64)
    losses = torch.zeros(num_members, dtype=torch.float64)
    for part in rows.split(max(1, EVALUATION_BATCH * num_images // rows.numel()), -1):
        outputs, wanted = stack.outputs(split.features[part]), split.targets[part].expand(num_members, -1)
        num_right += (outputs.argmax(2) == wanted).sum(1)
        each = F.cross_entropy(outputs.flatten(0, 1), wanted.flatten(), reduction="none")
        losses += each.view(num_members, -1).double().sum(1)
    shares, means = (num_right.double() / num_images).tolist(), (losses / num_images).tolist()
    return [
        StackScore(share, min(mean, LARGEST_LOSS) if math.isfinite(mean) else LARGEST_LOSS)
        for share, mean in zip(shares, means, strict=True)
    ]


def scores_on_validation(stack: Stack, images: Images) -> list[StackScore]:
    """Of each member on its own validation split."""
    rows = {seed: images.division(seed)[1] for seed in {member.seed for member in stack.members}}
    own = [rows[member.seed] for member in stack.members]
    return stack_scores(stack, images.pool, own[0] if len(rows) == 1 else torch.stack(own))


def scores_on_test(stack: Stack, images: Images) -> list[StackScore]:
    return stack_scores(stack, images.test, torch.arange(len(images.test)))
