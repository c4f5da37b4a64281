import dataclasses
import math

import pytest
import torch
from torch import nn

from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import ACTIVATIONS, build_network, initialise
from dlstudy.tuning.stacks import (
    Images,
    Member,
    Order,
    Recipe,
    Stack,
    scores_on_test,
    scores_on_validation,
    stack_scores,
    train_stack,
)

RECIPE = Recipe(hidden=(12, 9), activations=("relu", "tanh"), batch_size=32, num_epochs=2)
MEMBERS = (Member(0, "he", 0.1), Member(0, "xavier", 0.02), Member(0, "he", 0.3))


@pytest.fixture(scope="module")
def pixels(images):
    return Images.of(images)


def textbook_network(recipe, member, pixels):
    """nn.Sequential with torch.nn's own modules, drawn as the study draws."""
    linear = build_network(pixels.pool.features.shape[1], recipe.hidden, pixels.num_classes, activation="identity")
    initialise(linear, member.init, generator(member.seed, "weights"))
    modules = []
    for number, layer in enumerate(layer for layer in linear if isinstance(layer, nn.Linear)):
        modules.append(layer)
        if number < len(recipe.hidden):
            modules += [nn.BatchNorm1d(layer.out_features)] if recipe.batch_norm else []
            modules.append(ACTIVATIONS[recipe.activations[number]]())
    return nn.Sequential(*modules, ACTIVATIONS[recipe.output]())


def textbook_training(recipe, member, pixels):
    """The textbook's loop, by torch.optim."""
    network = textbook_network(recipe, member, pixels).train()
    rows = torch.randperm(len(pixels.pool), generator=generator(member.seed, "split"))[: pixels.num_train]
    kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.SGD
    options = {"momentum": recipe.momentum} if recipe.momentum else {}
    optimiser = kind(network.parameters(), lr=member.lr, **options)
    num_steps, step = int(recipe.num_epochs * math.ceil(len(rows) / recipe.batch_size)), 0
    order = generator(member.seed, "minibatches")
    for _ in range(math.ceil(recipe.num_epochs)):
        for chosen in rows[torch.randperm(len(rows), generator=order)].split(recipe.batch_size):
            if step == num_steps:
                break
            for group in optimiser.param_groups:
                group["lr"] = member.lr * (1 - step / num_steps if recipe.decay else 1)
            outputs, targets = network(pixels.pool.features[chosen]), pixels.pool.targets[chosen]
            if recipe.loss == "binary_cross_entropy":
                wanted = nn.functional.one_hot(targets, pixels.num_classes).float()
                loss = nn.functional.binary_cross_entropy_with_logits(outputs, wanted) * pixels.num_classes
            else:
                loss = nn.functional.cross_entropy(outputs, targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
    return network.eval()


VARIANTS = {
    "plain": RECIPE,
    "momentum": dataclasses.replace(RECIPE, momentum=0.9),
    "momentum and batch norm, constant rate": dataclasses.replace(RECIPE, momentum=0.5, batch_norm=True, decay=False),
    "adam": dataclasses.replace(RECIPE, optimiser="adam"),
    "batch norm": dataclasses.replace(RECIPE, batch_norm=True),
    "one against the rest": dataclasses.replace(RECIPE, loss="binary_cross_entropy"),
    "relu on the outputs": dataclasses.replace(RECIPE, output="relu"),
    "constant rate, an epoch and a half": dataclasses.replace(RECIPE, decay=False, num_epochs=1.5),
}


@pytest.mark.parametrize("recipe", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("members", [MEMBERS, (Member(3, "he", 0.1), Member(4, "pytorch", 0.02))], ids=["one", "two"])
def test_every_member_is_trained_as_by_the_textbooks_loop(pixels, recipe, members):
    if recipe.optimiser == "adam" or recipe.momentum:  # whose steps are longer
        members = [member._replace(lr=member.lr / 20) for member in members]
    stack = train_stack(pixels, recipe, members)
    found = stack.outputs(pixels.test.features).detach()
    for place, member in enumerate(members):
        expected = textbook_training(recipe, member, pixels)(pixels.test.features).detach()
        # float32, sums in another order, 14 steps of them
        torch.testing.assert_close(found[place], expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_members_of_one_seed_see_one_minibatch_looked_up_once(pixels):
    assert Order(pixels, MEMBERS, 32).next().features.dim() == 2
    mixed = Order(pixels, (MEMBERS[0], Member(1, "he", 0.1), MEMBERS[0]), 32).next()
    assert mixed.features.shape == (3, 32, 784)
    assert torch.equal(mixed.features[0], mixed.features[2])
    assert torch.equal(mixed.targets[0], mixed.targets[2])
    assert not torch.equal(mixed.features[0], mixed.features[1])


def test_the_minibatches_of_an_epoch_are_the_training_split_each_image_once(pixels, images):
    order = Order(pixels, (MEMBERS[0],), 32)
    batches = [order.next() for _ in range(math.ceil(pixels.num_train / 32))]
    seen = torch.cat([batch.features for batch in batches]).sum(1).sort().values
    rows, _ = pixels.division(0)
    assert torch.equal(seen, pixels.pool.features[rows].sum(1).sort().values)
    assert [len(batch.features) for batch in batches] == [32] * 6 + [8]


def test_the_division_of_a_seed_is_that_of_the_other_experiments(pixels, images):
    divided = images.redivided(generator(7, "split"))
    train, validation = pixels.division(7)
    assert torch.equal(pixels.pool.targets[train], divided.train.targets)
    assert torch.equal(pixels.pool.targets[validation], divided.validation.targets)


def test_a_member_that_diverges_leaves_the_others_alone(pixels):
    good = train_stack(pixels, RECIPE, MEMBERS[:2])
    mixed = train_stack(pixels, RECIPE, (*MEMBERS[:2], Member(0, "he", 1e30)))
    assert good.finite() == [True, True]
    assert mixed.finite() == [True, True, False]
    for one, other in zip(good.parameters, mixed.parameters, strict=True):
        torch.testing.assert_close(other[:2], one, rtol=1e-4, atol=1e-5)  # products of another width sum otherwise


def test_scores_are_shares_of_the_right_images(pixels):
    stack = train_stack(pixels, RECIPE, MEMBERS)
    outputs = stack.outputs(pixels.test.features)
    expected = (outputs.argmax(2) == pixels.test.targets).double().mean(1).tolist()
    some = torch.tensor([3, 1, 40])
    of_some = (outputs[:, some].argmax(2) == pixels.test.targets[some]).double().mean(1).tolist()
    found = stack_scores(stack, pixels.test, some)
    assert [score.accuracy for score in found] == pytest.approx(of_some)
    assert [score.accuracy for score in scores_on_test(stack, pixels)] == pytest.approx(expected)
    _, rows = pixels.division(0)
    on_validation = (stack.outputs(pixels.pool.features[rows]).argmax(2) == pixels.pool.targets[rows]).double().mean(1)
    assert [score.accuracy for score in scores_on_validation(stack, pixels)] == pytest.approx(on_validation.tolist())


def test_every_member_is_scored_on_the_validation_split_of_its_own_seed(pixels):
    members = [Member(seed, "he", 0.1) for seed in (3, 4, 5)]
    stack = train_stack(pixels, RECIPE, members)
    found = [score.accuracy for score in scores_on_validation(stack, pixels)]
    for place, member in enumerate(members):
        _, rows = pixels.division(member.seed)
        right = stack.outputs(pixels.pool.features[rows])[place].argmax(1) == pixels.pool.targets[rows]
        assert found[place] == pytest.approx(right.double().mean().item())


def test_without_hidden_layers_a_stack_is_softmax_regression(pixels):
    recipe = Recipe(hidden=(), activations=(), batch_size=32, num_epochs=2)
    stack = train_stack(pixels, recipe, [Member(0, "zeros", 0.05)])
    assert isinstance(stack, Stack)
    assert len(stack.layers) == 1
    assert scores_on_test(stack, pixels)[0].accuracy > 0.9  # bars, ten places
