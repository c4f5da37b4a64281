"""TV-1 to TV-3: the parts of torchvision, its models and its transforms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pandas as pd

from dlstudy.claims.census import HALF, MostOf
from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text, Verdict
from dlstudy.judging.rules import AtMost, NoException
from dlstudy.judging.statistics import Interval, share_difference_interval
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results
from dlstudy.vision.params import VisionParams

TOUR: Final = "torchvision_tour"
TOUR_FOLDER: Final = f"results/experiments/{TOUR}"
CENSUS: Final = "census"
CENSUS_FOLDER: Final = f"results/experiments/{CENSUS}"
PARTS: Final = ("datasets", "models", "transforms", "utils")  # that the note names
NAMED: Final = {"alexnet": "AlexNet", "vgg16": "VGG-16", "resnet18": "ResNet-18"}  # builders, for the note's families
FAMILIES: Final = {"alexnet": "AlexNet", "vgg": "VGG", "resnet": "ResNet"}  # by how the names of their builders begin
BASELINE: Final = "softmax_regression"
PERCEPTRON: Final = "mlp_relu"
RESNET: Final = "resnet18"
SCRATCH: Final = "that is trained from scratch"
BILLION: Final = 1e9
TOLERANCE: Final = 1e-6  # of the range of the pixels, which floats of seven digits should not reach
LEVELS: Final = 255.0  # steps of grey from black to white


@dataclass(frozen=True)
class MoreRight:
    """The first is right about more test images, under every condition.

    Samples, by condition: the accuracy of the first, that of the second, and how many test images there are.
    """

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        found = self._intervals(evidence, settings.confidence)
        wide = self._intervals(evidence, 1 - (1 - settings.confidence) / len(found))
        where = min(found, key=lambda name: found[name].low)
        verdict: Verdict = "inconclusive"
        if found[where].low > 0:
            verdict = "supported"
        elif worse := [name for name, each in wide.items() if each.low <= 0 and each.high < settings.margin]:
            where, verdict = min(worse, key=lambda name: found[name].high), "refuted"
        shown = found[where]
        return Decision(verdict, shown.estimate, shown.low, shown.high, 0.0, where)

    def _intervals(self, evidence: Evidence, confidence: float) -> dict[str, Interval]:
        """In accuracy points."""
        intervals = {}
        for name, (first, second, num) in evidence.samples.items():
            found = share_difference_interval(first, second, int(num), confidence)
            intervals[name] = Interval(*(100 * value for value in (found.estimate, found.low, found.high)))
        return intervals

    def words(self, settings: JudgeParams) -> str:
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the difference lies above 0 for every "
            f"network; refuted if for one it reaches 0 or below and ends below {settings.margin:g} points "
            "(Bonferroni); else inconclusive. The interval is the normal one of two samples of test images, as if they "
            "were not the same images: too wide rather than too narrow. It says what other images would change, of "
            "these trained networks; not what other seeds would. The network whose interval reaches lowest is shown."
        )


TV_1 = Statement(
    "TV-1",
    "torchvision",
    Text(
        "torchvision consists mainly of four parts: data sets, models, transforms and utilities.",
        "torchvision 主要由四部分构成：数据集、模型、变换和工具。",
    ),
)
TV_2 = Statement(
    "TV-2",
    "torchvision",
    Text(
        "Its models are the usual ones, AlexNet, VGG and ResNet among them, pretrained ones too.",
        "它的模型都是常用的结构，包括 AlexNet、VGG 和 ResNet，也有预训练好的。",
    ),
)
TV_3 = Statement(
    "TV-3",
    "torchvision",
    Text("Its transforms are the usual ones: cropping, rotating and so on.", "它的变换都是常用的操作：裁剪、旋转等。"),
)


# --- Evidence: parts ---


def properties_of(results: Results, **wanted: str) -> pd.DataFrame:
    """The rows of the table of properties with these values in these columns."""
    table = results.experiment(TOUR, "properties")
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def part_rows(results: Results) -> list[dict[str, Any]]:
    """A row a part: its public names, and what of it is put to work on how many images."""
    rows = []
    for part in results.experiment(TOUR, "parts").to_dict("records"):
        used = properties_of(results, part=part["part"])
        rows.append(
            {str(key): value for key, value in part.items()}
            | {
                "num_names": part["num_classes"] + part["num_functions"],
                "named": part["part"] in PARTS,
                "num_properties": int(used["property"].nunique()),
                "num_cases": int(used["num_cases"].max()) if len(used) else 0,
            }
        )
    return rows


def parts(results: Results) -> Evidence:
    """For each part that the note names, 1 if it is not there or no image passes through it, else 0."""
    rows = part_rows(results)
    by_name = {row["part"]: row for row in rows}
    works = {name: name in by_name and by_name[name]["num_names"] and by_name[name]["num_cases"] for name in PARTS}
    told = {"rows": rows, **results.experiment_facts(TOUR)}
    return Evidence({name: (0.0 if works[name] else 1.0,) for name in PARTS}, facts=told)


def mainly(results: Results) -> Evidence:
    """Every public class and function of torchvision, 1 if one of the four parts has it."""
    rows = part_rows(results)
    inside, outside = (sum(row["num_names"] for row in rows if row["named"] == named) for named in (True, False))
    others = [row["part"] for row in rows if not row["named"] and row["num_names"]]
    told = {"num_inside": inside, "num_outside": outside, "others": others}
    return Evidence({"": [1.0] * inside + [0.0] * outside}, facts=told)


# --- Evidence: models ---


def with_weights(results: Results) -> pd.DataFrame:
    builders = results.experiment(CENSUS, "builders")
    return builders[builders["published_num_parameters"] > 0]


def differing(results: Results, differs: Callable[[pd.DataFrame], "pd.Series[bool]"]) -> Evidence:
    """The networks of which something computed is not what is published: the note's three, and all others."""
    table = with_weights(results)
    other, named = differs(table), table["builder"].isin(list(NAMED))
    left_out = [name for name in NAMED if name not in set(table["builder"])]
    told = {
        "num_builders": len(table),
        "num_equal": int((~other).sum()),
        "others": table.loc[other, "builder"].tolist(),
        "rows": [
            {str(key): value for key, value in row.items()} | {"called": NAMED[row["builder"]]}
            for row in table[named]
            .sort_values("builder", key=lambda names: names.map(list(NAMED).index))
            .to_dict("records")
        ],
    }
    samples = {"AlexNet, VGG-16 and ResNet-18": other[named], "all other networks": other[~named]}
    return Evidence(
        {name: values.astype(float).tolist() for name, values in samples.items() if len(values)},
        facts=told,
        faults=tuple(f"experiments.census.families leaves out {NAMED[name]}" for name in left_out),
    )


def parameters(results: Results) -> Evidence:
    return differing(results, lambda table: table["num_parameters"] != table["published_num_parameters"])


def operations(results: Results) -> Evidence:
    """In the unit of the metadata: 10^9 multiplications with an addition, to three decimals."""
    return differing(
        results, lambda table: (table["num_operations"] / BILLION).round(3) != table["published_operations"]
    )


def pretrained(results: Results) -> Evidence:
    """For each of the three, 1 if no weights are named whose file's name has a hash; and what loading gives."""
    weights = results.experiment(TOUR, "weights")
    hashed = weights[weights["hash"] != "none"]
    loading = properties_of(results, group="weights")
    samples = {called: (float(name not in set(hashed["builder"])),) for name, called in NAMED.items()}
    samples["loading"] = (float((loading["num_cases"] - loading["num_equal"]).sum()),)
    rows = [{str(key): value for key, value in row.items()} for row in weights.to_dict("records")]
    return Evidence(samples, facts={"rows": rows, "num_cases": int(loading["num_cases"].sum())})


def untrained_before(results: Results) -> dict[str, dict[str, VisionParams]]:
    """The networks that are trained from scratch, by family."""
    found = results.vision().items()
    return {
        called: {name: model for name, model in found if model.builder.startswith(start) and model.weights is None}
        for start, called in FAMILIES.items()
    }


def test_accuracy(results: Results, model: str) -> "pd.Series[float]":
    """By seed."""
    table = results.table(model, "per_seed")
    return table[table["split"] == "test"].set_index("seed")["accuracy"]


def against(results: Results, other: str, models: Sequence[str], lacking: Sequence[str]) -> Evidence:
    """Mean test accuracies of some models, each beside that of another one. What lacks makes the verdict invalid."""
    second = test_accuracy(results, other)
    num = int(results.facts("images")["num_examples"]["test"])
    first = {name: test_accuracy(results, name) for name in models}
    samples = {name: (values.mean(), second.mean(), float(num)) for name, values in first.items()}
    told = {
        "other": {"model": other, "accuracy": second.mean(), "num_seeds": len(second)},
        "num_images": num,
        "rows": [
            {
                "model": name,
                "accuracy": values.mean(),
                "low": values.min(),
                "high": values.max(),
                "num_seeds": len(values),
            }
            for name, values in first.items()
        ],
    }
    return Evidence(
        samples or {other: (second.mean(), second.mean(), float(num))},  # itself: no difference, and the fault tells
        num_seeds=min((len(values) for values in first.values()), default=0),
        facts=told,
        faults=tuple(f"params.yaml has no {called}" for called in lacking),
    )


def trained(results: Results) -> Evidence:
    """The first network of each family, beside softmax regression."""
    found = untrained_before(results)
    firsts = [next(iter(models)) for models in found.values() if models]
    return against(results, BASELINE, firsts, [f"{called} {SCRATCH}" for called, models in found.items() if not models])


def beats_mlp(results: Results) -> Evidence:
    """The first ResNet-18, beside the ReLU perceptron."""
    if PERCEPTRON not in results.classifiers(hidden=True):
        return against(results, BASELINE, [], [f"{PERCEPTRON}, a perceptron of the images"])
    found = [name for name, model in untrained_before(results)["ResNet"].items() if model.builder == RESNET]
    return against(results, PERCEPTRON, found[:1], [] if found else [f"ResNet-18 {SCRATCH}"])


# --- Evidence: transforms ---


def property_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One a property: how many cases, and for each format in how many it holds exactly and the largest deviation."""
    return [
        {
            "property": name,
            "num_cases": int(own["num_cases"].iloc[0]),
            "formats": {
                row["format"]: {"num_equal": row["num_equal"], "deviation": row["deviation"]}
                for row in own.to_dict("records")
            },
        }
        for name, own in table.groupby("property", sort=False)
    ]


def exceptions(results: Results, *, group: str, formats: Sequence[str] = ()) -> Evidence:
    """Of each property in each format the cases in which it does not hold exactly."""
    table = properties_of(results, group=group)
    counted = table[table["format"].isin(list(formats))] if formats else table
    samples = {
        f"{row['property']} ({row['format']})": (float(row["num_cases"] - row["num_equal"]),)
        for row in counted.to_dict("records")
    }
    return Evidence(samples, facts={"rows": property_rows(table), "num_cases": int(table["num_cases"].max())})


def deviations(results: Results) -> Evidence:
    """The largest deviation of each property, as a share of the range of the pixels."""
    table = properties_of(results, group="numbers")
    samples = {row["property"]: (row["deviation"] / LEVELS,) for row in table.to_dict("records")}
    return Evidence(samples, facts={"rows": property_rows(table), "num_cases": int(table["num_cases"].max())})


# --- Claims ---

DOCUMENTATION: Final = "documentation of torchvision"
SIMONYAN: Final = "Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015, table 2"
HE: Final = "He et al., Deep Residual Learning, CVPR 2016, table 1"
DIVE: Final = "Zhang et al., Dive into Deep Learning, PyTorch edition"
PER_SEED: Final = "results/evaluation/{}/per_seed.csv"


def of_transforms(
    reading: str,
    tested: Text,
    measure: Callable[[Results], Evidence],
    *,
    what: str,
    known: Literature,
    would_change: str,
) -> Claim:
    """A claim that a single image refutes."""
    return Claim(
        statement=TV_3,
        reading=reading,
        tested=tested,
        kind="identity",
        quantifier="always",
        unit="exceptions",
        rule=NoException(what),
        literature=known,
        would_change=would_change,
        data=(f"{TOUR_FOLDER}/properties.csv",),
        measure=measure,
    )


CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        statement=TV_1,
        reading="parts",
        tested=Text(
            "All four parts are there, and through each of them this study passes real images.",
            "四个部分都存在，而且本研究让真实图像通过了其中每一个。",
        ),
        kind="count",
        quantifier="every part",
        unit="parts missing",
        rule=NoException("part that is not there or takes no image"),
        literature=Literature("yes, among others", DOCUMENTATION),
        would_change="A version of torchvision that gives one of them up, as it did with reading videos.",
        data=tuple(f"{TOUR_FOLDER}/{name}" for name in ("parts.csv", "properties.csv", "facts.json")),
        measure=parts,
    ),
    Claim(
        statement=TV_1,
        reading="mainly",
        tested=Text(
            "More than half of torchvision's public classes and functions belong to these four parts.",
            "torchvision 的公开类和函数中，一半以上属于这四个部分。",
        ),
        kind="count",
        quantifier="mainly",
        unit="share of public names",
        rule=MostOf(HALF),
        literature=Literature("besides there are io, ops and tv_tensors", DOCUMENTATION),
        would_change="A count by other units, such as lines of code or how often users call each part.",
        data=(f"{TOUR_FOLDER}/parts.csv",),
        measure=mainly,
    ),
    Claim(
        statement=TV_2,
        reading="parameters",
        tested=Text(
            "AlexNet, VGG-16, ResNet-18 and all other classifiers, built here, have exactly the published number of "
            "parameters.",
            "在这里构建的 AlexNet、VGG-16、ResNet-18 以及所有其他分类模型，参数个数与公布的完全一致。",
        ),
        kind="count",
        quantifier="every network",
        unit="networks that differ",
        rule=NoException("network with another number of parameters"),
        literature=Literature("VGG-16: 138 million", SIMONYAN),
        would_change="One network whose number differs from the metadata of its weights.",
        data=(f"{CENSUS_FOLDER}/builders.csv",),
        measure=parameters,
    ),
    Claim(
        statement=TV_2,
        reading="operations",
        tested=Text(
            "One image takes them as many operations as published, to the last of the three decimals (in 10⁹).",
            "处理一幅图像所需的运算次数与公布的一致，精确到三位小数（以 10⁹ 计）。",
        ),
        kind="count",
        quantifier="every network",
        unit="networks that differ",
        rule=NoException("network with another number of operations"),
        literature=Literature("ResNet-18: 1.8 billion", HE),
        would_change="One network whose operations differ from the metadata, or another idea of what an operation is.",
        data=(f"{CENSUS_FOLDER}/builders.csv",),
        measure=operations,
    ),
    Claim(
        statement=TV_2,
        reading="trained",
        tested=Text(
            "Trained from scratch on the study's images within a budget of minutes, one network of each of the three "
            "families classifies the test images better than softmax regression.",
            "三个系列各取一个网络，在几分钟的预算内用本研究的图像从零训练，对测试图像的分类都比 softmax 回归更准确。",
        ),
        kind="comparison",
        quantifier="every family",
        unit="accuracy points",
        rule=MoreRight(),
        literature=Literature("yes: .902, .918 and .926 against .823", DIVE),
        would_change="Too small a budget: params.yaml says how many images and epochs each network sees.",
        data=(PER_SEED.format(BASELINE), "params.yaml"),
        measure=trained,
    ),
    Claim(
        statement=TV_2,
        reading="beats_mlp",
        tested=Text(
            "ResNet-18, within its budget, classifies the test images better than the ReLU perceptron.",
            "ResNet-18 在其预算内对测试图像的分类比 ReLU 多层感知机更准确。",
        ),
        kind="comparison",
        quantifier="on average over test images",
        unit="accuracy points",
        rule=MoreRight(),
        literature=Literature("yes: .926 against .845", DIVE),
        would_change="Another budget; the page tells what this one is.",
        data=(PER_SEED.format(PERCEPTRON), "params.yaml"),
        measure=beats_mlp,
    ),
    Claim(
        statement=TV_2,
        reading="pretrained",
        tested=Text(
            "torchvision names pretrained weights for all three, with a hash to check them by, and loads such a file, "
            "tried with one for ResNet-18, into a network that then gives the outputs of the one that was saved.",
            "torchvision 为三者都提供了带校验哈希的预训练权重，并能把这样的文件（以 ResNet-18 为例）载入网络，"
            "使其输出与保存时的网络一致。",
        ),
        kind="count",
        quantifier="every network",
        unit="failures",
        rule=NoException("network without such weights, or image with other outputs"),
        literature=Literature("yes", DOCUMENTATION),
        would_change="Weights that are withdrawn, or whose files no longer fit the networks.",
        data=(f"{TOUR_FOLDER}/weights.csv", f"{TOUR_FOLDER}/properties.csv"),
        measure=pretrained,
    ),
    of_transforms(
        "moves",
        Text(
            "Crops, flips, padding and quarter turns move pixels and change none: each equals the slice or permutation "
            "that it stands for, and four quarter turns or two flips give the image back.",
            "裁剪、翻转、填充和 90 度旋转只移动像素，不改变像素值："
            "各自等于相应的切片或重排，转四次或翻两次后还原图像。",
        ),
        partial(exceptions, group="moves"),
        what="exception",
        known=Literature("true by definition", DOCUMENTATION),
        would_change="One image of which one pixel comes out otherwise.",
    ),
    of_transforms(
        "neutral",
        Text(
            "A transform whose setting asks for no change changes no pixel of an image of whole numbers: brightness "
            "times 1, a turn by 0 degrees, the grey of what is grey, and so on.",
            "若参数表示“不改变”，变换就不会改变像素值为整数的图像中的任何像素："
            "亮度乘以 1、旋转 0 度、灰度图再取灰度等。",
        ),
        partial(exceptions, group="neutral", formats=("uint8",)),
        what="exception",
        known=Literature("not told", DOCUMENTATION),
        would_change="Weights of the three channels that add up to 1, in place of 0.2989, 0.587 and 0.114.",
    ),
    of_transforms(
        "scaled",
        Text(
            "An image scaled to floats, by ToTensor or by what the second version has in its place, has exactly the "
            "nearest floats to its pixels over 255.",
            "用 ToTensor 或 v2 中的对应变换把图像化为浮点数，结果恰好是像素除以 255 后最接近的浮点数。",
        ),
        partial(exceptions, group="scaled"),
        what="image that differs",
        known=Literature("values in [0, 1]; of the last bit nothing is said", DOCUMENTATION),
        would_change="A version that divides by 255 in place of multiplying by its reciprocal.",
    ),
    Claim(
        statement=TV_3,
        reading="numbers",
        tested=Text(
            "Scaling to floats and normalising, forth and back, are exact up to the rounding of floats: within a "
            "millionth of the range of the pixels.",
            "化为浮点数与标准化，往返之后仅有浮点舍入误差：不超过像素范围的百万分之一。",
        ),
        kind="identity",
        quantifier="always",
        unit="of the range of the pixels",
        rule=AtMost(TOLERANCE, "deviation"),
        literature=Literature("true by definition", DOCUMENTATION),
        would_change="One pixel that comes out farther away.",
        data=(f"{TOUR_FOLDER}/properties.csv",),
        measure=deviations,
    ),
    of_transforms(
        "random",
        Text(
            "Random transforms repeat themselves, pixel for pixel, when the seed does, and give what they promise: a "
            "window of the image, the image or its flip.",
            "随机种子相同时，随机变换的结果逐像素一致，结果也正如所承诺：图像的一个窗口、图像本身或其翻转。",
        ),
        partial(exceptions, group="random"),
        what="exception",
        known=Literature("they draw from PyTorch's global random state", DOCUMENTATION),
        would_change="One image that comes out otherwise with the same seed.",
    ),
    of_transforms(
        "grid",
        Text(
            "A grid by make_grid holds every image unchanged, in row i and column j the one of number i times the "
            "columns plus j.",
            "make_grid 排成的网格原样保存每幅图像，第 i 行第 j 列是编号为 i 乘列数加 j 的图像。",
        ),
        partial(exceptions, group="grid"),
        what="exception",
        known=Literature("true by definition", DOCUMENTATION),
        would_change="One cell that holds another image, or a changed one.",
    ),
    of_transforms(
        "undone",
        Text(
            "Whatever a transform does to an image, the opposite one undoes: eight turns by 45 degrees give it back, "
            "as do half the size and then twice, brighter and then darker, a crop and then a padding.",
            "任何变换都能由相反的变换复原：旋转 45 度八次、缩小一半再放大一倍、调亮再调暗、裁剪再填充，都能还原图像。",
        ),
        partial(exceptions, group="undone"),
        what="image that is another one afterwards",
        known=Literature("interpolation and clipping lose what they leave out", DOCUMENTATION),
        would_change="Nothing could: what is cut off or averaged away is gone.",
    ),
)
