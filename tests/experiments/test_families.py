import re

import pytest
from ruamel.yaml import YAML

from dlstudy.core.base.params import ParamsError
from dlstudy.experiments.census.families import FILE, family_of, load_families

FAMILIES = load_families()
ARXIV = re.compile(r"arXiv (\d\d)\d\d\.\d{4,5}")


def named(name):
    (family,) = (family for family in FAMILIES if family.name == name)
    return family


def changed(tmp_path, change):
    """families.yaml with a change, in another place."""
    content = YAML(typ="safe").load(FILE)
    change(content["families"])
    path = tmp_path / "families.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    return path


def test_every_builder_of_torchvision_has_a_family_and_every_family_its_builders():
    from torchvision import models

    assert sorted(family_of(FAMILIES)) == models.list_models(module=models)


def test_the_paper_is_the_one_that_torchvision_names():
    from torchvision import models

    others = {family for family in FAMILIES if family.name != "alexnet"}
    numbers = {
        builder: ARXIV.search(family.source)[0].removeprefix("arXiv ")
        for family in others
        for builder in set(family.builders) - {"squeezenet1_1"}  # a later version, of which no paper tells
    }
    assert [name for name, number in numbers.items() if number not in models.get_model_builder(name).__doc__] == []
    assert named("alexnet").source.endswith("NIPS 2012")  # torchvision names the later paper, whose layers it has


def year_of(source):
    found = ARXIV.search(source)  # a number on arXiv begins with the year and month
    return 2000 + int(found[1]) if found else int(source.split()[-1])


def test_the_year_is_that_of_the_preprint_or_venue():
    assert [family.name for family in FAMILIES if family.year != year_of(family.source)] == []


def test_families_stand_in_the_order_of_their_years():
    assert [family.year for family in FAMILIES] == sorted(family.year for family in FAMILIES)


def test_names_that_begin_alike_are_told_apart():
    of = family_of(FAMILIES)
    assert of["swin_v2_t"] == named("swin_v2")
    assert of["swin_t"] == named("swin")
    assert of["efficientnet_v2_s"] == named("efficientnet_v2")
    assert of["wide_resnet50_2"] == named("wide_resnet")


def test_a_builder_in_two_families_is_named(tmp_path):
    path = changed(tmp_path, lambda families: families[1]["builders"].append("alexnet"))
    with pytest.raises(ParamsError, match=r"families: expected each builder once, found more of alexnet"):
        load_families(path)


def test_a_family_that_is_there_twice_is_named(tmp_path):
    path = changed(tmp_path, lambda families: families[1].update(name="alexnet"))
    with pytest.raises(ParamsError, match=r"families: expected each family once, found more of alexnet"):
        load_families(path)


@pytest.mark.parametrize(("key", "value"), [("year", "2014"), ("year", 14), ("builders", []), ("sources", "He")])
def test_a_faulty_entry_is_named(tmp_path, key, value):
    path = changed(tmp_path, lambda families: families[2].update({key: value}))
    with pytest.raises(ParamsError, match=rf"families\.2\.{key}: expected "):
        load_families(path)
