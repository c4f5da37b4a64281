import os
import pickle

import pytest
import torch
from torch import nn
from torchvision import models

from dlstudy.core.base.published import WeightsError, weights_entry
from dlstudy.vision.networks import input_format, last_linear
from dlstudy.vision.pretrained import (
    _empty_network,
    body,
    load_state,
    pretrained_network,
    start_from,
)
from tests.stand_in import NAME, publish, random_network, save_as_published, under_its_checksum

EVERY = sorted(
    f"{type(entry).__name__}.{entry.name}"
    for builder in models.list_models(module=models)
    for entry in list(models.get_model_weights(builder))[:1]
)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return random_network().state_dict()


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Saves anything as the file of the weights, its checksum right, and gives its path."""

    def save(content):
        path = save_as_published(tmp_path, content)
        publish(monkeypatch, f"https://example.org/{path.name}")
        return path

    return save


def random_state(builder: str, **options: object) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return getattr(models, builder)(weights=None, **options).state_dict()


# --- Files ---


def test_tensors_come_back_as_they_were_saved(saved, state):
    found = load_state(saved(state), NAME)
    assert list(found) == list(state)
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_tensors_that_were_saved_as_parameters_come_back_as_tensors(saved, state):
    found = load_state(
        saved({key: nn.Parameter(value, value.is_floating_point()) for key, value in state.items()}), NAME
    )
    assert not any(value.requires_grad for value in found.values())
    assert torch.equal(found["fc.weight"], state["fc.weight"])


def test_weights_of_some_layers_only_are_refused(saved, state):
    path = saved(state | {"fc.bias": torch.full_like(state["fc.bias"], torch.nan)})
    with pytest.raises(WeightsError, match=r"expected finite weights of all layers, found others in fc\.bias"):
        load_state(path, NAME)


@pytest.mark.parametrize("content", [b"", pickle.dumps({}, 2)[:-1]], ids=["empty", "cut"])
def test_a_file_of_which_pytorch_has_nothing_to_say_is_refused_too(content, tmp_path, monkeypatch):
    (tmp_path / "content").write_bytes(content)
    path = under_its_checksum(tmp_path / "content")
    publish(monkeypatch, f"https://example.org/{path.name}")
    with pytest.raises(WeightsError, match="expected tensors by their names and no code, found: EOFError"):
        load_state(path, NAME)


def test_counts_that_older_files_lack_are_made_up_for(saved, state):
    without = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert len(without) < len(state)
    assert load_state(saved(without), NAME).keys() == state.keys()


def test_another_checksum_is_refused_with_the_one_expected_and_the_one_found(saved, state):
    path = saved(state)
    checksum = path.stem.rpartition("-")[2]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"expected SHA-256 {checksum}\.\.\. .*, found [0-9a-f]{{64}}$"):
        load_state(path, NAME)


def test_a_truncated_file_is_refused(saved, state):
    path = saved(state)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="expected SHA-256"):
        load_state(path, NAME)


class Code:
    """Once unpickled, it has made a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_code_in_a_file_is_refused_and_not_run(saved, state, tmp_path):
    folder = tmp_path / "made by code"
    with pytest.raises(WeightsError, match="expected tensors by their names and no code, found: "):
        load_state(saved(dict(state) | {"extra": Code(folder)}), NAME)
    assert not folder.exists()
    pickle.loads(pickle.dumps(Code(folder)))  # which is what would have happened
    assert folder.exists()


@pytest.mark.parametrize("content", [[torch.zeros(3)], {"fc.weight": 1.0}])
def test_other_things_than_named_tensors_are_refused(saved, content):
    with pytest.raises(WeightsError, match="expected tensors by their names, found"):
        load_state(saved(content), NAME)


def test_a_file_that_is_none_of_torchs_is_refused(tmp_path, monkeypatch):
    (tmp_path / "content").write_bytes(b"<html>404</html>" * 100)
    path = under_its_checksum(tmp_path / "content")
    publish(monkeypatch, f"https://example.org/{path.name}")
    with pytest.raises(WeightsError, match="expected tensors by their names and no code"):
        load_state(path, NAME)


def test_tensors_that_do_not_fit_are_named_with_file_expected_and_found(saved, state):
    wrong = dict(state)
    del wrong["conv1.0.weight"]
    wrong |= {"fc.weight": torch.zeros(10, 1024), "extra": torch.zeros(1)}
    path = saved(wrong)
    with pytest.raises(WeightsError) as caught:
        load_state(path, NAME)
    assert str(caught.value) == (
        f"{path}: expected the tensors of shufflenet_v2_x0_5, found no conv1.0.weight; "
        "fc.weight of shape (10, 1024), not (1000, 1024); extra, which it does not have"
    )


def test_of_many_tensors_that_do_not_fit_some_are_named(saved):
    with pytest.raises(WeightsError, match=r"conv1.0.weight; (no [\w.]+; ){4}and \d+ more$"):
        load_state(saved({}), NAME)


def test_the_older_names_in_files_of_densenets_are_understood(tmp_path, monkeypatch):
    state = random_state("densenet121")
    older = {key.replace(".norm1", ".norm.1").replace(".conv2", ".conv.2"): value for key, value in state.items()}
    assert older.keys() != state.keys()
    path = save_as_published(tmp_path, older)
    monkeypatch.setattr(models.DenseNet121_Weights.IMAGENET1K_V1.value, "url", f"https://example.org/{path.name}")
    found = load_state(path, "DenseNet121_Weights.IMAGENET1K_V1")
    assert found.keys() == state.keys()
    assert torch.equal(
        found["features.denseblock1.denselayer1.norm1.weight"], state["features.denseblock1.denselayer1.norm1.weight"]
    )


# --- Networks ---


@pytest.mark.parametrize(
    ("builder", "name", "options"),
    [
        ("shufflenet_v2_x0_5", NAME, {}),
        ("resnet18", "ResNet18_Weights.IMAGENET1K_V1", {}),
        ("mobilenet_v3_small", "MobileNet_V3_Small_Weights.IMAGENET1K_V1", {}),
        ("regnet_y_400mf", "RegNet_Y_400MF_Weights.IMAGENET1K_V2", {}),
        ("googlenet", "GoogLeNet_Weights.IMAGENET1K_V1", {"init_weights": False, "aux_logits": True}),
    ],
)
def test_a_pretrained_network_computes_what_torchvisions_own_does(builder, name, options):
    state = random_state(builder, **options)
    own = getattr(models, builder)(weights=None, **options)
    own.load_state_dict(state)
    if builder == "googlenet":  # as torchvision sets it when it loads published weights itself
        own.transform_input = True
    inputs = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = own.eval()(inputs)
        assert torch.equal(pretrained_network(name, state)(inputs), expected)
        name_of_last, last = last_linear(own)
        features = body(pretrained_network(name, state))(inputs)
        assert features.shape == (2, last.in_features)
        assert torch.equal(own.get_submodule(name_of_last)(features), expected)


@pytest.mark.parametrize(
    ("builder", "last"),
    [("alexnet", "classifier.6"), ("vgg11", "classifier.6"), ("resnet18", "fc"), ("vit_b_16", "heads.head")],
)
def test_the_last_linear_layer_is_the_one_that_tells_the_classes_apart(builder, last):
    with torch.device("meta"):
        network = getattr(models, builder)(num_classes=7)
    name, layer = last_linear(network)
    assert (name, layer.out_features) == (last, 7)


def test_a_network_without_linear_layers_is_refused():
    with torch.device("meta"), pytest.raises(WeightsError, match="SqueezeNet: expected a network whose last layer is"):
        body(models.squeezenet1_1())


@pytest.mark.parametrize(
    ("builder", "name"),
    [("shufflenet_v2_x0_5", NAME), ("regnet_y_400mf", "RegNet_Y_400MF_Weights.IMAGENET1K_V2")],
)
def test_building_a_network_draws_no_random_numbers(builder, name):
    state = random_state(builder)
    before = torch.random.get_rng_state()
    pretrained_network(name, state)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_images_look_as_the_pictures_did_that_the_weights_were_trained_on():
    found = input_format("ResNet18_Weights.IMAGENET1K_V1", 96)
    assert (found.resolution, len(found.mean)) == (96, 3)
    assert found.mean == (0.485, 0.456, 0.406)  # of ImageNet, as every tutorial has them
    assert found.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    "name",
    ["ViT_B_16_Weights.IMAGENET1K_V1", *(f"ViT_{size}_Weights.IMAGENET1K_SWAG_E2E_V1" for size in ("B_16", "L_16"))],
)
def test_a_transformer_is_built_for_the_images_of_its_weights(name):
    _, entry = weights_entry(name)
    network = _empty_network(name)
    assert sum(each.numel() for each in network.parameters()) == entry.meta["num_params"]


def test_all_weights_say_what_images_have_to_look_like():
    assert [name for name in EVERY if len(input_format(name, 64).mean) != 3] == []


# --- Starting from them ---


def test_a_network_starts_from_all_tensors_but_those_of_its_last_layer(state):
    network = models.shufflenet_v2_x0_5(num_classes=10)
    own = {key: value.clone() for key, value in network.state_dict().items()}
    start_from(network, state)
    found = network.state_dict()
    assert found["fc.weight"].shape == (10, 1024)
    for key, value in found.items():
        assert torch.equal(value, (own if key.startswith("fc.") else state)[key]), key
    assert network.conv1[0].weight.data_ptr() != state["conv1.0.weight"].data_ptr()  # training leaves the state alone


def test_a_network_of_another_kind_is_refused(state):
    network = models.shufflenet_v2_x0_5(num_classes=10)
    network.conv1[0] = nn.Conv2d(1, 24, 3, bias=False)
    with pytest.raises(WeightsError, match=r"conv1.0.weight of shape \(24, 3, 3, 3\), not \(24, 1, 3, 3\)$"):
        start_from(network, state)
