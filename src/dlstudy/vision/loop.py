"""Training networks of torchvision by Adam or SGD with momentum, on a budget, with looks at the validation images.

Nothing random outlives a step: minibatches come from a stream an epoch, augmentation and dropout from one a step. So a
training that was interrupted goes on from its last checkpoint as if nothing had happened, to the same bytes.
"""

import hashlib
import math
import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from tqdm import tqdm

from dlstudy.core.base.arithmetic import AVX2_KERNELS
from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import Epoch, Run, Scores, cross_entropy, num_correct
from dlstudy.vision.networks import InputFormat, augmented, build_vision, format_of, network_inputs, outputs_of_images
from dlstudy.vision.params import VisionParams
from dlstudy.vision.pretrained import State, start_from

CHECKPOINT_SECONDS: Final = 30.0
"""How much work an interruption may cost, about. When a checkpoint is written changes no result."""

CODE: Final = ("vision/loop", "vision/layers", "vision/networks", "core/networks", "core/base/randomness")
"""The modules by whose change, be it of a comment, a checkpoint becomes worthless."""


OPTIMISERS: Final[dict[str, Callable[[list[dict[str, Any]], VisionParams], torch.optim.Optimizer]]] = {
    "sgd": lambda groups, params: torch.optim.SGD(
        groups, lr=params.lr, momentum=params.momentum, nesterov=params.momentum > 0, fused=True
    ),
    "adam": lambda groups, params: torch.optim.AdamW(groups, lr=params.lr, betas=(params.momentum, 0.999), fused=True),
}
"""By name: SGD with Nesterov's momentum; Adam with weight decay apart from the gradient (Loshchilov & Hutter, 2019)."""


def learning_rate(params: VisionParams, step: int, num_steps: int) -> float:
    """Of a step, counted from 0: rises linearly to `lr` in a share `warmup` of all steps, then falls linearly to 0."""
    num_rising = math.ceil(params.warmup * num_steps)
    if step < num_rising:
        return params.lr * (step + 1) / num_rising
    return params.lr * (num_steps - step) / (num_steps - num_rising)


def contiguous_view(values: Tensor) -> Tensor:
    """The same memory as a contiguous tensor: fused optimisers copy others to and fro, a fifth of ResNet's time."""
    return values.permute(0, 2, 3, 1).contiguous() if values.ndim == 4 else values.contiguous()


def look_steps(steps_per_epoch: int, looks: int) -> list[int]:
    """After how many steps of an epoch the validation images are looked at: evenly spread, the last at its end."""
    return sorted({math.ceil(steps_per_epoch * look / looks) for look in range(1, looks + 1)})


@dataclass
class Training:
    """A network in training with one seed. Whatever changes with a step is in `state`, and so in a checkpoint."""

    params: VisionParams
    seed: int
    train: Split  # uint8 images (images, 28, 28)
    validation: Split
    inputs: InputFormat
    network: nn.Module
    step: int = 0
    history: list[Epoch] = field(default_factory=list)
    total_loss: float = 0.0  # since the last look, over num_seen images
    total_correct: int = 0
    num_seen: int = 0

    def __post_init__(self) -> None:
        self.views = [contiguous_view(each.detach()) for each in self.network.parameters()]
        weights = [each for each in self.views if each.ndim > 1]
        others = [each for each in self.views if each.ndim == 1]  # biases, and batch normalisation's
        decay = self.params.weight_decay
        groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = OPTIMISERS[self.params.optimiser](groups, self.params)

    @classmethod
    def begin(cls, dataset: Dataset, params: VisionParams, seed: int, start: State | None = None) -> "Training":
        """Before the first step; the seed settles the initial weights, or those of the last layer after `start`."""
        with torch.random.fork_rng(devices=[]):
            _set_random_state(seed, "weights")
            network = build_vision(params, dataset.num_outputs)
        if start is not None:
            start_from(network, start)
        train = dataset.train.first(params.num_images)
        validation = dataset.validation.first(params.num_validation_images)
        return cls(params, seed, train, validation, format_of(params, dataset), network)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.train) / self.params.batch_size)

    @property
    def num_steps(self) -> int:
        return self.params.num_epochs * self.steps_per_epoch

    def batches(self) -> Iterator[Tensor]:
        """The rows of each minibatch that is still to come."""
        while self.step < self.num_steps:
            epoch, done = divmod(self.step, self.steps_per_epoch)
            order = torch.randperm(len(self.train), generator=generator(self.seed, f"minibatches/{epoch}"))
            yield from order.split(self.params.batch_size)[done:]

    def take_step(self, rows: Tensor) -> None:
        """One minibatch forward, backward, and along the gradient."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.params, self.step, self.num_steps)
        stream = generator(self.seed, f"augmentation/{self.step}")
        images = augmented(self.train.features.index_select(0, rows), self.params.augmentation, stream)
        targets = self.train.targets.index_select(0, rows)
        _set_random_state(self.seed, f"dropout/{self.step}")
        outputs = self.network(network_inputs(images, self.inputs))
        loss = cross_entropy(outputs, targets)
        loss.backward()
        for parameter, view in zip(self.network.parameters(), self.views, strict=True):
            view.grad = None if parameter.grad is None else contiguous_view(parameter.grad)
            parameter.grad = None
        self.optimiser.step()
        self.step += 1
        self.num_seen += len(rows)
        self.total_loss += loss.item() * len(rows)
        self.total_correct += int(num_correct(outputs, targets))

    def look(self) -> None:
        """Score the validation images; the scores on training images are of the minibatches since the last look."""
        of_validation = scores_of(self.network, self.validation, self.inputs)
        if self.step == 0:
            first = self.train.first(len(self.validation))
            self.history = [Epoch(0, scores_of(self.network, first, self.inputs), of_validation)]
            return
        of_train = Scores(self.total_loss / self.num_seen, self.total_correct / self.num_seen)
        if not math.isfinite(of_train.loss + of_validation.loss):
            raise DivergedError(
                f"seed {self.seed} diverged by step {self.step} of {self.num_steps}: expected a finite loss, found "
                f"{of_train.loss} (training), {of_validation.loss} (validation); lr {self.params.lr} is too large"
            )
        self.history.append(Epoch(self.step / self.steps_per_epoch, of_train, of_validation))
        self.total_loss, self.total_correct, self.num_seen = 0.0, 0, 0

    def run(self, checkpoint: Path, fingerprint: str, bar: Any) -> Run:
        """Train to the end, from the checkpoint if there is one of this very training."""
        self.network.train()
        looks = set(look_steps(self.steps_per_epoch, self.params.looks))
        with torch.random.fork_rng(devices=[]):
            if not self.restore(checkpoint, fingerprint):
                self.look()
            epochs, steps = divmod(self.step, self.steps_per_epoch)
            num_seen = epochs * len(self.train) + steps * self.params.batch_size
            bar.n = bar.last_print_n = bar.initial = num_seen  # which took no time now
            saved = time.monotonic()
            for rows in self.batches():
                _end_with_parent()
                self.take_step(rows)
                if (self.step - 1) % self.steps_per_epoch + 1 in looks:
                    self.look()
                bar.update(len(rows))
                if time.monotonic() - saved > CHECKPOINT_SECONDS or self.step == self.num_steps:
                    self.save(checkpoint, fingerprint)
                    saved = time.monotonic()
        values = {name: value.detach().contiguous() for name, value in self.network.state_dict().items()}
        return Run(self.seed, values, tuple(self.history))

    def save(self, path: Path, fingerprint: str) -> None:
        """Write everything that a step changes, whole or not at all."""
        content = {
            "fingerprint": fingerprint,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "history": [astuple(each) for each in self.history],
            "totals": (self.total_loss, self.total_correct, self.num_seen),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        neighbour = path.with_suffix(".partial")
        with neighbour.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave the new name without its content
        neighbour.replace(path)

    def restore(self, path: Path, fingerprint: str) -> bool:
        """Go to where a checkpoint was written; False if there is none, a damaged one, or one of another training."""
        try:
            content = torch.load(path, weights_only=True)
        except FileNotFoundError:
            return False
        except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError):
            told = f"{path}: warning: expected a checkpoint, found a damaged file; training begins anew"
            print(told, file=sys.stderr)
            return False
        if not isinstance(content, dict) or content.get("fingerprint") != fingerprint:
            return False
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.step = content["step"]
        self.history = [
            Epoch(epoch, Scores(*train), Scores(*validation)) for epoch, train, validation in content["history"]
        ]
        self.total_loss, self.total_correct, self.num_seen = content["totals"]
        return True


def _end_with_parent() -> None:
    """End this process if the one that it works for was killed: another would soon write the same checkpoints."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)


def _set_random_state(seed: int, purpose: str) -> None:
    """PyTorch's global random state, from which torchvision's initialisers and dropout draw."""
    torch.manual_seed(generator(seed, purpose).initial_seed())


def scores_of(network: nn.Module, split: Split, inputs: InputFormat) -> Scores:
    """The mean scores of a network on a split, in evaluation mode."""
    outputs = outputs_of_images(network, split.features, inputs)
    return Scores(cross_entropy(outputs, split.targets).item(), num_correct(outputs, split.targets).item() / len(split))


def fingerprint_of(training: Training) -> str:
    """What a checkpoint must have been made by to be continued.

    Parameters, seed, images, the network before the first step, code, versions of PyTorch and torchvision, arithmetic.
    """
    arithmetic = [os.environ.get(name) for name in AVX2_KERNELS]
    versions = [version(name) for name in ("torch", "torchvision")]
    settings = f"{training.params.model_dump_json()} {training.seed} {training.inputs} {versions} {arithmetic}"
    digest = hashlib.sha256(settings.encode())
    for array in (*training.train.arrays, *training.validation.arrays):
        digest.update(array.tobytes())
    for tensor in training.network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    for name in CODE:
        digest.update((Path(__file__).parents[1] / f"{name}.py").read_bytes())
    return digest.hexdigest()


def train_run(
    dataset: Dataset,
    params: VisionParams,
    start: State | None,
    label: str,
    folder: Path,
    seeds: Sequence[int],
    seed: int,
) -> Run:
    """A network trained with one seed, going on from `folder`'s checkpoint; its progress has a bar of its own."""
    training = Training.begin(dataset, params, seed, start)
    total, position = params.num_epochs * len(training.train), 1 + seeds.index(seed)
    with tqdm(total=total, desc=f"{label}, seed {seed}", unit="image", position=position, mininterval=2) as bar:
        checkpoint = folder / f"seed-{seed}.pt"
        try:
            return training.run(checkpoint, fingerprint_of(training), bar)
        except DivergedError:
            checkpoint.unlink(missing_ok=True)  # from it, this training would diverge again
            raise


def train_vision(
    dataset: Dataset,
    params: VisionParams,
    seeds: Sequence[int],
    *,
    label: str,
    folder: Path,
    start: State | None = None,
) -> list[Run]:
    """A run for each of the first `num_seeds` seeds, spread over processes.

    Checkpoints are in `folder`, to be deleted by the caller once the runs are on the disk.

    `start` has the published tensors that a network with `weights` begins with.
    """
    chosen = seeds[: params.num_seeds]
    try:
        return map_runs(train_run, chosen, label=label, shared=(dataset, params, start, label, folder, chosen))
    except DivergedError as error:
        raise DivergedError(f"train.{label}: {error}") from None
