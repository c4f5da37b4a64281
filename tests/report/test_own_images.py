"""What the pages say where the study is about a folder of one's own images."""

import json
import shutil
from pathlib import Path

import pytest

from dlstudy.literature.published import load_published
from dlstudy.report.pages import Sources, render_pages
from dlstudy.study.results import Results
from tests.committed import committed_statements, committed_study

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = committed_statements(timed=False)
TEST = {"fraction": 0.2, "seed": 7}
FOLDER = {
    "smallest": [7, 90],
    "largest": [40, 30],
    "num_in_colour": 12,
    "checksums": {"train-images-idx3-ubyte": "00ff"},
}


def sources(root, *, drawn, described):
    """What pages are made of: the committed results, as if they were about three classes of pets."""
    for name in ("results", "metrics", "statements"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "requirements.txt", root)
    shutil.copytree(ROOT / "datasets/housing", root / "datasets/housing")
    (root / "datasets/pets").mkdir()
    (root / "datasets/pets/dataset.yaml").write_text("\n".join(["kind: folder", "name: My pets", *described]))
    path = root / "results/data/images/facts.json"
    facts = json.loads(path.read_text()) | {"dataset": "pets", "name": "My pets", "class_names": ["cat", "dog", "fish"]}
    facts["num_examples_by_class"] = {"train": [4, 3, 2], "validation": [2, 2, 1], "test": [2, 1, 1]}
    path.write_text(json.dumps(facts | {"folder": FOLDER | {"test": TEST if drawn else {}}}))
    results = Results(root, committed_study())
    return Sources(results, load_published(), STATEMENTS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """All pages."""
    return dict(render_pages(sources(tmp_path_factory.mktemp("plain"), drawn=True, described=[])))


def test_the_data_sheet_tells_classes_originals_and_how_the_test_split_was_drawn(plain):
    sheet = plain["data.md"]
    assert "## My pets" in sheet
    assert "grey images of 28 \u00d7 28 pixels; there are three classes. More: [datasets/pets/dataset.yaml]" in sheet
    assert "test images were drawn beforehand, 20.0 % of each class (seed 7)." in sheet
    assert "From 7 \u00d7 90 to 40 \u00d7 30 pixels, 12 of them in colour" in sheet
    assert "from 0 (black) to 255" in sheet
    assert "| fish | 2 | 1 | 1 |" in sheet


def test_the_pages_count_the_classes_and_outputs_of_the_set(plain):
    assert "one template for each of three classes" in plain["softmax_regression.md"]
    assert "| three classes by a linear model;" in plain["README.md"]
    assert "784-256-3, relu" in plain["models.md"] + plain["multilayer_perceptron.md"]
    assert "The first four training images of each class" in plain["torchvision.md"]
    assert "![Three images, a row for each transform]" in plain["torchvision.md"]
    assert "784-512-256-256-128-3 as UvA's" in plain["activation_published.md"]


def test_the_checksums_are_of_the_files_that_were_made_of_the_folder(plain):
    assert "Those of My pets are of the files that were made of the folder" in plain["provenance.md"]
    assert "| My pets | train-images-idx3-ubyte | `00ff` |" in plain["provenance.md"]


def test_words_of_the_yaml_are_used(tmp_path):
    words = ["thing: a pet", "kinds: kinds of pets", "origin: my family"]
    pages = render_pages(sources(tmp_path, drawn=False, described=words))
    sheet = next(text for name, text in pages if name == "data.md")  # later ones are not rendered
    assert "pixels, each of a pet; the classes are three kinds of pets. By my family. More:" in sheet
    assert "test images are the data set's own." in sheet
