"""What bench/ counts and writes; never how long anything takes."""

import json
import struct
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from bench import __main__ as bench
from bench import measure as measuring
from bench import scikit_learn, setting, textbook
from bench.measure import Sample, measure, sample
from bench.one import Answer, Task, load
from bench.setting import NUM_PIXELS, BenchError, Setting, matrix_product_flops, model_params, read_setting
from bench.summary import best, markdown, summarise
from bench.ways import SCIKIT_LEARN, TEXTBOOK, WAYS, Kind, environment_of
from dlstudy.core.base.dataset import Split, save_dataset
from dlstudy.core.networks import cross_entropy
from dlstudy.core.params import SgdParams
from dlstudy.data.images import prepare
from dlstudy.data.params import ImagesParams
from dlstudy.sgd.loop import train_epoch
from tests.image_sets import IMAGE_SETS

ROOT = Path(__file__).resolve().parents[1]
TINY = Setting("mlp_relu", (784, 8, 10), "relu", batch_size=16, num_images=40, num_epochs=2, num_rounds=3)
STACK = replace(TINY, model="stack", widths=(784, 128, 10), batch_size=128)
RESNET = Setting("resnet18", (), "resnet18", batch_size=16, num_images=40, num_epochs=2, num_rounds=3)
PARAMS = """
prepare: {images: {dataset: FashionMNIST, train_size: 48, validation_size: 16, seed: 1}}
train:
  mlp_relu:
    {method: sgd, data: images, hidden: [8], activation: relu, init: he, lr: 0.1, batch_size: 16, num_epochs: 1}
vision:
  resnet18:
    {data: images, builder: resnet18, weights: , resolution: 28, classifier_width: , dropout: 0, num_images: 48,
     num_validation_images: 8, num_epochs: 1, looks: 1, batch_size: 16, optimiser: adam, lr: 0.002, warmup: 0.2,
     momentum: 0.9, weight_decay: 0.01, augmentation: [], num_seeds: 2, keep_weights: false}
"""


def way(name, model="mlp_relu"):
    return {way.name: way for way in WAYS[model]}[name]


def write_raw(folder, part, num_images):
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = (
        Random(num_images).randbytes(num_images * NUM_PIXELS),
        bytes(index % 10 for index in range(num_images)),
    )
    (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, num_images, 28, 28) + images)
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, num_images) + labels)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder with miniature parameters and data, as the current directory of this process and its children."""
    write_raw(tmp_path / "data/raw/images", "train", 64)
    write_raw(tmp_path / "data/raw/images", "t10k", 8)
    params = ImagesParams(dataset="FashionMNIST", train_size=48, validation_size=16, seed=1)
    save_dataset(
        tmp_path / "data/prepared/images.pt", prepare(tmp_path / "data/raw/images", params, IMAGE_SETS["FashionMNIST"])
    )
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (tmp_path / "params.yaml").write_text(PARAMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def samples_of(seconds, model="mlp_relu"):
    """Samples from the seconds of each round by way; 1.0 in every round for the others. Two cores work in each."""
    return {
        way.name: [Sample(value, 2 * value, 1, "AVX2", 2_000_000) for value in seconds.get(way.name, (1.0, 1.0, 1.0))]
        for way in WAYS[model]
    }


def test_the_setting_is_that_of_the_parameters(study):
    assert read_setting("mlp_relu", 40, 2, 3) == TINY
    assert read_setting("mlp_relu", None, 1, 1).num_images == 48


def test_the_stacks_shape_replaces_that_of_the_model_and_nothing_else(study):
    assert read_setting("stack", 40, 2, 3) == STACK
    assert model_params("stack").model_dump() == model_params("mlp_relu").model_dump() | {
        "hidden": (128,),
        "batch_size": 128,
    }


def test_an_epoch_of_a_network_of_torchvision_is_short(study, monkeypatch):
    assert read_setting("resnet18", 40, 2, 3) == RESNET
    monkeypatch.setattr(setting, "MOST_VISION_IMAGES", 32)
    assert read_setting("resnet18", 40, 2, 3).num_images == 32


def test_no_more_images_are_trained_on_than_the_network_has(study):
    change(study, "num_images: 48", "num_images: 24")
    assert read_setting("resnet18", 40, 2, 3).num_images == 24


def test_augmentation_which_the_plain_loop_does_not_do_is_refused(study):
    change(study, "augmentation: []", "augmentation: [flip]")
    with pytest.raises(BenchError, match=r"vision\.resnet18: .*augmentation \['flip'\]"):
        read_setting("resnet18", 40, 2, 3)


def change(study, old, new):
    text = (study / "params.yaml").read_text()
    assert old in text
    (study / "params.yaml").write_text(text.replace(old, new))


def test_missing_data_are_named_with_the_command_that_makes_them(study):
    (study / "data/prepared/images.pt").unlink()
    with pytest.raises(BenchError, match=r"data/prepared/images\.pt: .*`dvc repro prepare`"):
        read_setting("mlp_relu", None, 1, 1)


def test_more_images_than_the_training_split_are_refused(study):
    with pytest.raises(BenchError, match="expected at most 48, the training split, found 49"):
        read_setting("mlp_relu", 49, 1, 1)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_loop_runs_on_fewer_images_and_on_all(study, kind):
    epoch = load(Task(kind, "mlp_relu", num_images=48, num_epochs=1, num_networks=3, num_seeds=2))
    epoch(20)
    epoch(48)


@pytest.mark.parametrize("dataset", IMAGE_SETS)
def test_the_textbook_reads_the_raw_files_as_fractions(study, dataset):
    image, label = textbook.read_images(study / "data/raw/images", dataset)[3]
    raw = (study / "data/raw/images/train-images-idx3-ubyte").read_bytes()[16 + 3 * 784 :][:784]
    assert image.shape == (1, 28, 28)
    assert (image.flatten() * 255).round().to(torch.uint8).tolist() == list(raw)
    assert label == 3


def test_both_loops_do_the_same_work():
    generator = torch.Generator().manual_seed(0)
    split = Split(torch.rand(40, 5, generator=generator), torch.randint(3, (40,), generator=generator))
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    start = ours.weight.clone()
    train_epoch(ours, split, cross_entropy, iter(torch.arange(40).split(16)), iter([0.5] * 3))
    loader = DataLoader(list(zip(split.features, split.targets, strict=True)), batch_size=16)
    textbook.train_epoch(theirs, loader, torch.optim.SGD(theirs.parameters(), lr=0.5))
    # Three steps of weights near 1 in float32, whose spacing is 1.2e-7: the order of sums may differ, no more.
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=0, atol=1e-6)
    assert (ours.weight - start).abs().max() > 0.01  # a hundred times what would hide in the tolerance, and more


def test_scikit_learn_does_the_same_work():
    """One step from the same weights on all images at once: the same weights afterwards as by torch.optim.SGD."""
    generator = torch.Generator().manual_seed(0)
    features, classes = torch.rand(40, 5, generator=generator), torch.arange(40) % 3
    params = SgdParams(
        method="sgd",
        data="images",
        hidden=(4,),
        activation="relu",
        init="he",
        lr=0.5,
        batch_size=40,
        num_epochs=1,
    )
    theirs = scikit_learn.build_network(params)
    theirs.partial_fit(features.numpy(), classes.numpy(), classes=[0, 1, 2])
    layers = [nn.Linear(5, 4), nn.Linear(4, 3)]
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    with torch.no_grad():
        for layer, weight, bias in zip(layers, theirs.coefs_, theirs.intercepts_, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T))
            layer.bias.copy_(torch.from_numpy(bias))
    nn.functional.cross_entropy(network(features), classes).backward()
    torch.optim.SGD(network.parameters(), lr=0.5).step()
    theirs.partial_fit(features.numpy(), classes.numpy())
    for layer, weight, bias in zip(layers, theirs.coefs_, theirs.intercepts_, strict=True):
        np.testing.assert_allclose(weight.T, layer.weight.detach(), atol=1e-6)  # one step in float32
        np.testing.assert_allclose(bias, layer.bias.detach(), atol=1e-6)


def test_flops_are_those_that_torch_counts():
    network = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    with FlopCounterMode(display=False) as counter:
        network(torch.ones(6, 7)).sum().backward()
    assert matrix_product_flops((7, 5, 4, 3), 6) == counter.get_total_flops()


def test_arithmetic_and_threads_are_settled_for_each_way_alone(monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    monkeypatch.setenv("UNRELATED", "kept")
    textbook, native, portable = map(
        environment_of, map(way, ["textbook_workers_0", "ours_native_1", "ours_portable_1"])
    )
    assert [environment.get("MKL_CBWR") for environment in (textbook, native, portable)] == [None, None, "AVX2"]
    assert [environment.get("OMP_NUM_THREADS") for environment in (textbook, native, portable)] == [None, "1", "1"]
    theirs = environment_of(way("scikit_learn_threads_2", "stack"))
    assert [theirs.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")] == ["2", "2"]
    assert not {"OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "MKL_CBWR"} & set(theirs)  # nothing that slows it
    assert textbook["UNRELATED"] == portable["UNRELATED"] == "kept"


@pytest.mark.slow
def test_processes_at_once_are_measured_in_processes_of_their_own(study):
    found = measure(way("ours_portable_2"), TINY)
    assert found.num_threads == 1


def test_scikit_learn_tells_its_own_threads(study):
    assert measure(way("scikit_learn_threads_1", "stack"), replace(STACK, batch_size=16)).num_threads == 1


def test_the_networks_of_a_stack_share_its_time(study, monkeypatch):
    answers = Answer(8.0, 8.0, 1, "AVX2", 100)
    monkeypatch.setattr(measuring, "_line", lambda child, way: json.dumps(asdict(answers)))
    found = measure(way("ours_native_1", "stack"), STACK)
    assert found.seconds == 8.0 / (STACK.num_epochs * 8)  # eight networks


def test_a_process_that_fails_is_named(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with pytest.raises(BenchError, match=r"matrix_product_native: expected an answer, .* status 1"):
        measure(way("matrix_product_native"), TINY)
    assert "params.yaml: expected a file of parameters" in capfd.readouterr().err


def test_two_processes_share_the_time_of_the_slower():
    answers = [Answer(3.0, 2.5, 1, "AVX2", 100), Answer(4.0, 3.5, 1, "AVX2", 200)]
    expected = Sample(seconds=1.0, core_seconds=1.5, num_threads=1, kernels="AVX2", memory_bytes=300)
    assert sample(answers, num_model_epochs=2) == expected  # 4 model-epochs in 4 seconds, with 6 seconds of work


def test_the_textbook_counts_with_its_best_number_of_workers():
    samples = samples_of({"textbook_workers_1": (0.1, 2.0, 3.0), "textbook_workers_2": (0.9, 0.8, 9.0)})
    assert best(samples, TEXTBOOK) == "textbook_workers_2"  # by its median


def test_ratios_are_medians_of_the_ratios_within_rounds():
    textbook, ours, bound = (2.0, 8.0, 6.0), (1.0, 2.0, 1.0), (0.5, 1.5, 0.25)
    slow = dict.fromkeys((f"textbook_workers_{count}" for count in (0, 1, 4)), (99.0, 99.0, 99.0))
    ours_and_bound = {"ours_native_1": ours, "matrix_product_native": bound}
    results = summarise(TINY, samples_of(slow | {"textbook_workers_2": textbook} | ours_and_bound))
    row = results["ways"]["ours_native_1"]
    assert results["textbook"] == "textbook_workers_2"
    assert row["times_as_fast_as_textbook"] == 4.0  # of 2, 4, 6; the medians' ratio would be 6
    assert row["share_of_bound"] == 0.5  # of .5, .75, .25
    assert (row["fastest"], row["seconds"], row["slowest"], row["memory_mb"]) == (1.0, 1.0, 2.0, 2)
    assert results["ratios"]["one_process_over_two_native"]["median"] == 1.0
    assert results["ratios"]["portable_over_native"]["median"] == 1.0  # of 1, .5, 1
    assert results["ratios"]["textbook_over_native"] == {"median": 4.0, "least": 2.0, "most": 6.0}
    assert "scikit_learn" not in results  # it is compared at the stack's shape alone


def test_at_the_stacks_shape_the_rivals_count_with_their_best():
    theirs = {"textbook_workers_0": (8.0, 8.0, 9.0), "scikit_learn_threads_1": (3.0,) * 3}
    slow = {f"textbook_workers_{count}": (99.0,) * 3 for count in (1, 2, 4)} | {"scikit_learn_threads_2": (4.0,) * 3}
    ours = {"ours_native_1": (1.0, 2.0, 1.0), "ours_native_2": (0.5, 1.0, 0.25), "ours_portable_1": (1.0, 3.0, 2.0)}
    samples = samples_of(theirs | slow | ours | {"matrix_product_native": (0.5,) * 3}, "stack")
    samples["ours_native_1"] = [replace(one, core_seconds=one.seconds) for one in samples["ours_native_1"]]
    results = summarise(STACK, samples)
    assert (results["textbook"], results["scikit_learn"]) == ("textbook_workers_0", "scikit_learn_threads_1")
    assert best(samples, SCIKIT_LEARN) == "scikit_learn_threads_1"
    ratios = results["ratios"]
    assert ratios["textbook_over_native"]["median"] == 8.0  # of 8, 4, 9
    assert ratios["textbook_work_over_native"]["median"] == 16.0  # of 16, 8, 18: two cores against one
    assert ratios["scikit_learn_over_native"]["median"] == 3.0  # of 3, 1.5, 3
    assert ratios["scikit_learn_over_two_native"]["median"] == 6.0  # of 6, 3, 12
    assert ratios["portable_over_native"]["median"] == 1.5  # of 1, 1.5, 2
    assert ratios["one_process_over_two_native"]["median"] == 2.0  # of 2, 2, 4
    assert results["ways"]["ours_native_1"]["share_of_bound"] == 0.5  # of .5, .25, .5
    assert "share_of_bound" not in results["ways"]["ours_native_2"]


@pytest.mark.parametrize("setting", [TINY, STACK, RESNET], ids=lambda setting: setting.model)
def test_a_table_has_a_row_a_way_and_all_rows_the_same_columns(setting):
    results = {setting.model: summarise(setting, samples_of({}, setting.model))}
    lines = markdown(results).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + len(WAYS[setting.model])
    assert len({line.count("|") for line in table}) == 1


def test_keeping_replaces_what_stands_between_the_markers(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{bench.START}old\n{bench.END}after\n")
    results = {"mlp_relu": summarise(TINY, samples_of({}))}
    bench.keep("new", results, tmp_path)
    bench.keep("new", results, tmp_path)
    assert readme.read_text() == f"before\n{bench.START}\nnew\n\n{bench.END}after\n"
    assert json.loads((tmp_path / "results.json").read_text()) == results


def test_nothing_is_kept_where_the_markers_are_missing(tmp_path):
    (tmp_path / "README.md").write_text(bench.START)
    with pytest.raises(BenchError, match="end of results"):
        bench.keep("new", {}, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_the_committed_table_is_that_of_the_committed_results():
    results = ROOT / "bench/results.json"
    after_start = (ROOT / "bench/README.md").read_text().split(bench.START)[1]
    assert after_start.split(bench.END)[0].strip() == markdown(json.loads(results.read_text()))
