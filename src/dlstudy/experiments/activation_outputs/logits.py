"""What is looked at in trained networks besides accuracy: whether layers collapse into one, which classes are dead."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dlstudy.tuning.jobs import Job, Row, final_scores
from dlstudy.tuning.stacks import Images, Stack

Affine = tuple[Tensor, Tensor]  # weight (outputs, inputs), bias (outputs,)


def layers_of(stack: Stack, place: int) -> list[Affine]:
    """The layers of one network of the stack, in float64."""
    return [(layer.weight[place].detach().double(), layer.bias[place].detach().double()) for layer in stack.layers]


def product_of(layers: Sequence[Affine]) -> Affine:
    """The one affine map that is all of them in turn: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)."""
    weight, bias = layers[0]
    for next_weight, next_bias in layers[1:]:
        weight, bias = next_weight @ weight, next_weight @ bias + next_bias
    return weight, bias


def collapse(layers: Sequence[Affine], features: Tensor) -> Row:
    """How far a network without activations is from its product on (images, pixels), and how many classes change."""
    signal = features = features.double()
    for weight, bias in layers:
        signal = signal @ weight.T + bias
    weight, bias = product_of(layers)
    at_once = features @ weight.T + bias  # (images, classes)
    return {
        "relative_difference": ((signal - at_once).abs().max() / signal.abs().max()).item(),
        "num_other_classes": int((signal.argmax(1) != at_once.argmax(1)).sum()),
    }


def silence(logits: Tensor) -> Row:
    """Of (images, classes): classes never predicted, classes whose logit is 0 for every image, images with none above.

    A class is predicted where its logit is the highest; of several as high, the first.
    """
    num_images, num_classes = logits.shape
    return {
        "num_never_predicted": num_classes - len(logits.argmax(1).unique()),
        "num_dead": int((logits == 0).all(0).sum()),
        "share_silent": int((logits == 0).all(1).sum()) / num_images,
    }


def confirming_job(images: Images, job: Job) -> list[Row]:
    """By table, what is found of each network of a stack: scores, and of those with one hidden layer more."""
    stack = job.trained(images)
    looks = looked_at(stack, images) if len(job.recipe.hidden) == 1 else [{}] * len(job.members)
    return [
        {"per_seed": scores} | ({} if scores["diverged"] else look)
        for scores, look in zip(final_scores(stack, images), looks, strict=True)
    ]


@torch.no_grad()
def looked_at(stack: Stack, images: Images) -> list[Row]:
    """Of each network, on the test images: how far it collapses if it has no activation, else its dead classes."""
    if stack.recipe.activations == ("identity",):
        places = range(len(stack.members))
        return [{"collapse": collapse(layers_of(stack, place), images.test.features)} for place in places]
    return [{"logits": silence(logits)} for logits in stack.outputs(images.test.features)]
