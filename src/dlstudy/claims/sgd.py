"""Claims of minibatch SGD: SGD-1 to SGD-7, each held against theory that was computed before the measurement."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from dlstudy.judging.core import Claim, Decision, Evidence, Literature, Statement, Text, Verdict
from dlstudy.judging.rules import Always, Predicted, Sometimes
from dlstudy.judging.statistics import holm
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results

EXPERIMENT: Final = "sgd_theory"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
FACTS: Final = f"{FOLDER}/facts.json"
RATIO: Final = "measured / predicted"
SAMPLING: Final = {"without": "shuffled epochs", "with": "independent rows"}

COCHRAN: Final = "Cochran, Sampling Techniques, 3rd edition, 1977"
BOTTOU: Final = (
    "Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning, SIAM Review 60, 2018"
)
BACKPROP: Final = "LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998"
EDGE: Final = "Cohen et al., Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability, ICLR 2021"
GOH: Final = "Goh, Why Momentum Really Works, Distill, 2017"
MANDT: Final = "Mandt, Hoffman and Blei, Stochastic Gradient Descent as Approximate Bayesian Inference, JMLR 18, 2017"
RESHUFFLING: Final = (
    "Gürbüzbalaban, Ozdaglar and Parrilo, Why Random Reshuffling Beats Stochastic Gradient Descent, "
    "Mathematical Programming 186, 2021"
)


def two_sided_p(z: float) -> float:
    """How likely a standard normal value is to be as far from 0."""
    return math.erfc(abs(z) / math.sqrt(2))


@dataclass(frozen=True)
class ZScores:
    """A difference of 0 under every condition. Samples are z-scores, one a condition."""

    limit: float = 3.0

    def decide(self, evidence: Evidence, settings: JudgeParams) -> Decision:
        scores = {name: values[0] for name, values in evidence.samples.items()}
        adjusted = holm({name: two_sided_p(z) for name, z in scores.items()})
        where = max(scores, key=lambda name: abs(scores[name]))
        z, p_value = scores[where], adjusted[where]
        verdict: Verdict = "refuted" if p_value < two_sided_p(self.limit) else "supported"
        return Decision(verdict, z, z, z, self.limit, where, p_value if verdict == "refuted" else None)

    def words(self, settings: JudgeParams) -> str:
        level = two_sided_p(self.limit)
        return (
            f"Refuted if a p-value, two-sided and adjusted by Holm for all conditions, is below {level:.2g}, that of a "
            f"single z-score of {self.limit:g}; else supported. The z-score farthest from 0 is shown."
        )


@dataclass(frozen=True)
class SameFloor(Predicted):
    """Predicted, where the theory is that there is no difference. Samples are one floor / the other."""

    def words(self, settings: JudgeParams) -> str:
        percent = f"{100 * self.tolerance:g} %"
        return (
            f"Supported if the {100 * settings.confidence:g} % interval of the ratio lies strictly within {percent} "
            "of 1 under every condition; refuted if under one of them it lies wholly beyond (Bonferroni); else "
            "inconclusive. The condition whose interval reaches farthest from 1 is shown, or the one that refutes."
        )


def _file(*tables: str) -> tuple[str, ...]:
    return (*(f"{FOLDER}/{table}.csv" for table in tables), FACTS)


def _cell(lr: float, batch_size: float) -> str:
    return f"learning rate {lr:g}, B = {batch_size:g}"


def _by_cell(table: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """The values of a column for each learning rate and batch size."""
    names = [_cell(lr, size) for lr, size in zip(table["learning_rate"], table["batch_size"], strict=True)]
    return {str(name): values.tolist() for name, values in table.groupby(names, sort=False)[column]}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _cell_means(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A record a learning rate and batch size: the means over the seeds."""
    return _records(table.drop(columns="seed").groupby(["learning_rate", "batch_size"], as_index=False).mean())


# --- SGD-1: minibatch gradients estimate the full one ---


def pooled_z(table: pd.DataFrame) -> float:
    """The z-score of the mean deviation of many minibatches, from means and variances of groups of them."""
    num = table["num_minibatches"]
    mean = (table["deviation"] * num).sum() / num.sum()
    variance = ((table["variance"] + table["deviation"] ** 2) * num).sum() / num.sum() - mean**2
    return float(mean / math.sqrt(variance / (num.sum() - 1)))


def _estimates(results: Results) -> Evidence:
    table, facts = results.experiment(EXPERIMENT, "means"), results.experiment_facts(EXPERIMENT)
    samples: dict[str, list[float]] = {}
    rows: list[dict[str, Any]] = []
    for batch_size, sampling in itertools.product(sorted(set(table["batch_size"])), SAMPLING):
        group = table[(table["batch_size"] == batch_size) & (table["sampling"] == sampling)]
        scores = [pooled_z(each) for _, each in group.groupby("coordinate", sort=True)]
        names = [f"B = {batch_size}, {SAMPLING[sampling]}, {name}" for name in facts["coordinates"]]
        samples |= {name: [z] for name, z in zip(names, scores, strict=True)}
        num = int(group.loc[group["coordinate"] == 0, "num_minibatches"].sum())
        rows.append({"sampling": sampling, "batch_size": int(batch_size), "num_minibatches": num, "z": scores})
    told = {
        "num_rows": facts["num_rows"],
        "coordinates": facts["coordinates"],
        "full_gradient": facts["full_gradient"],
        "num_epochs": facts["num_epochs"],
        "num_tests": len(samples),
        "num_beyond_two": sum(abs(z) > 2 for (z,) in samples.values()),
        "rows": rows,
    }
    return Evidence(samples, num_seeds=table["seed"].nunique(), facts=told)


SGD_1 = Statement(
    "SGD-1",
    "linear",
    Text(
        "The mean gradient of a minibatch estimates the gradient of the loss over all training examples.",
        "小批量上的平均梯度，是对全体训练样本损失梯度的估计。",
    ),
)

SGD_1_CLAIMS: Final = (
    Claim(
        SGD_1,
        "",
        Text(
            "Averaged over many minibatches, the minibatch gradient is the full gradient: it is off by chance only.",
            "对大量小批量取平均，小批量梯度就等于全量梯度，偏差只来自抽样的偶然性。",
        ),
        "prediction",
        "for every minibatch size, coordinate and way to draw",
        "standard errors (z)",
        ZScores(),
        Literature("known: uniform draws make it unbiased", BOTTOU),
        "A coordinate whose mean stays off by the same amount while more and more minibatches are drawn.",
        _file("means"),
        _estimates,
    ),
)


# --- SGD-2: its error depends on the minibatch size ---


def _variances(sampling: Literal["without", "with"]) -> Callable[[Results], Evidence]:
    def measure(results: Results) -> Evidence:
        table, facts = results.experiment(EXPERIMENT, "variances"), results.experiment_facts(EXPERIMENT)
        drawn = table[table["sampling"] == sampling]
        varying = drawn[drawn["predicted"] > 0]  # a minibatch of all rows, none twice, does not vary
        ratios = varying.assign(ratio=varying["measured"] / varying["predicted"])
        means = ratios.groupby("batch_size", as_index=False)[["predicted", "measured", "ratio"]].mean()
        all_rows = drawn[drawn["batch_size"] == facts["num_rows"]]
        told = {
            "num_rows": facts["num_rows"],
            "num_epochs": facts["num_epochs"],
            "gradient_variance": facts["gradient_variance"],
            "largest_at_all_rows": float(all_rows["measured"].max()),
            "rows": _records(means),
        }
        samples = {f"B = {batch_size}": each["ratio"].tolist() for batch_size, each in ratios.groupby("batch_size")}
        return Evidence(samples, num_seeds=table["seed"].nunique(), facts=told)

    return measure


SGD_2 = Statement(
    "SGD-2",
    "linear",
    Text(
        "How far the estimate is off depends on how many examples the minibatch has.",
        "这一估计的误差大小取决于小批量中样本的个数。",
    ),
)

SGD_2_CLAIMS: Final = (
    Claim(
        SGD_2,
        "without",
        Text(
            "In shuffled epochs the variance of the minibatch gradient is (s²/B)(N − B)/(N − 1).",
            "在打乱后逐批取用（不放回）的一轮中，小批量梯度的方差为 (s²/B)(N − B)/(N − 1)。",
        ),
        "prediction",
        "for every minibatch size",
        RATIO,
        Predicted(0.05),
        Literature("known from survey sampling: the finite-population correction", COCHRAN),
        "A minibatch size at which the measured variance lies more than a twentieth from the formula's.",
        _file("variances"),
        _variances("without"),
    ),
    Claim(
        SGD_2,
        "with",
        Text(
            "With independently drawn rows the variance of the minibatch gradient is s²/B.",
            "若各样本独立抽取（有放回），小批量梯度的方差为 s²/B。",
        ),
        "prediction",
        "for every minibatch size",
        RATIO,
        Predicted(0.05),
        Literature("known: the variance of a mean of independent draws", COCHRAN),
        "A minibatch size at which the measured variance lies more than a twentieth from the formula's.",
        _file("variances"),
        _variances("with"),
    ),
)


# --- SGD-3: how large a step may be ---


def _critical(problem: Literal["linear", "softmax"]) -> Callable[[Results], Evidence]:
    def measure(results: Results) -> Evidence:
        table, facts = results.experiment(EXPERIMENT, "critical"), results.experiment_facts(EXPERIMENT)
        found = table[table["problem"] == problem]
        curves = results.experiment(EXPERIMENT, "curves")
        of_problem = curves[curves["problem"] == problem]
        last = of_problem[of_problem["step"] == of_problem["step"].max()]
        told = {
            "predicted": float(found["predicted"].iloc[0]),
            "measured": float(found["measured"].mean()),
            "num_starts": len(found),
            "images": results.image_set().name,
            "first_loss": float(of_problem.loc[of_problem["step"] == 0, "loss"].iloc[0]),
            "curves": _records(last[["factor", "learning_rate", "loss"]].assign(rising=_rising(of_problem))),
            "curvature": _records(results.experiment(EXPERIMENT, "curvature")),  # of softmax, at the lowest rate
            **{name: facts[name] for name in _CRITICAL_FACTS},
        }
        ratios = (found["measured"] / found["predicted"]).tolist()
        where = "Ames sales" if problem == "linear" else f"{told['images']}, W = 0"
        num_seeds = len(found) if problem == "linear" else 0  # one start serves for the images
        return Evidence({where: ratios}, num_seeds=num_seeds, facts=told)

    return measure


_CRITICAL_FACTS: Final = (
    "eigenvalues",
    "bisection_precision",
    "num_trial_steps",
    "num_images",
    "num_curve_images",
    "num_curve_steps",
    "num_classes",
)


def _rising(curves: pd.DataFrame) -> list[int]:
    """How many steps raise the loss, for each learning rate in ascending order."""
    return [int((each["loss"].diff() > 0).sum()) for _, each in curves.groupby("factor", sort=True)]


SGD_3 = Statement(
    "SGD-3",
    "linear",
    Text(
        "A step moves the parameters by the learning rate times the mean gradient.",
        "每一步沿负梯度方向移动参数，移动量为学习率乘以平均梯度。",
    ),
)

SGD_3_CLAIMS: Final = (
    Claim(
        SGD_3,
        "linear",
        Text(
            "In linear regression full-batch descent converges up to a learning rate of 2 / the Hessian's largest "
            "eigenvalue and diverges beyond.",
            "在线性回归中，全量梯度下降的学习率小于 2 除以黑塞矩阵的最大特征值时收敛，超过则发散。",
        ),
        "prediction",
        "from every start tried",
        RATIO,
        Predicted(0.01),
        Literature("known: a property of quadratic functions", BACKPROP),
        "A start from which descents converge at a learning rate a hundredth above it, or diverge a hundredth below.",
        _file("critical", "curves", "curvature"),
        _critical("linear"),
    ),
    Claim(
        SGD_3,
        "softmax",
        Text(
            "In softmax regression small deviations around W = 0 grow from a learning rate of 2K / the largest "
            "eigenvalue of X'X/n on, K being the number of classes.",
            "在 softmax 回归中，学习率超过 2K/λ 后（K 为类别数，λ 为 X'X/n 的最大特征值），"
            "W = 0 附近的微小偏离会被放大。",
        ),
        "prediction",
        "around W = 0",
        RATIO,
        Predicted(0.01),
        Literature("known for quadratic functions; beyond, the curvature moves with the parameters", EDGE),
        "A tiny deviation from W = 0 that shrinks at a learning rate a hundredth above it, or grows a hundredth below.",
        _file("critical", "curves", "curvature"),
        _critical("softmax"),
    ),
)


# --- SGD-4: how fast descent converges ---


def _contractions(results: Results) -> Evidence:
    table, facts = results.experiment(EXPERIMENT, "contractions"), results.experiment_facts(EXPERIMENT)
    ratios = table.assign(ratio=table["measured"] / table["predicted"])
    columns = ["learning_rate", "predicted", "measured", "ratio"]
    means = ratios.groupby("fraction", as_index=False)[columns].mean()
    means = means.assign(
        predicted_factor=np.exp(means["predicted"]),
        measured_factor=np.exp(means["measured"]),
        num_steps_to_tenth=np.log(0.1) / means["predicted"],
    )
    told = {"eigenvalues": facts["eigenvalues"], "reduction": facts["reduction"], "rows": _records(means)}
    by_fraction = ratios.groupby("fraction", sort=True)["ratio"]
    samples = {f"{fraction:g} of the critical rate": values.tolist() for fraction, values in by_fraction}
    return Evidence(samples, num_seeds=table["seed"].nunique(), facts=told)


SGD_4 = Statement(
    "SGD-4",
    "linear",
    Text(
        "Repeated steps bring the parameters nearer and nearer to the best ones.",
        "反复迭代使参数逐步逼近最优解。",
    ),
)

SGD_4_CLAIMS: Final = (
    Claim(
        SGD_4,
        "",
        Text(
            "In linear regression a step of full-batch descent multiplies the distance to the optimum, in the long "
            "run, by the largest absolute value of 1 − learning rate × eigenvalue.",
            "在线性回归中，全量梯度下降每走一步，到最优解的距离最终都乘以 1 − 学习率 × 特征值 的绝对值中最大的一个。",
        ),
        "prediction",
        "for every learning rate below the critical one",
        "measured / predicted logarithm",
        Predicted(0.02),
        Literature("known: every eigendirection shrinks by a factor of its own", GOH),
        "A learning rate at which the logarithm of the distance falls more than a fiftieth faster or slower.",
        _file("contractions"),
        _contractions,
    ),
)


# --- SGD-5: where it stops improving ---


def _floors(results: Results) -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "floors")
    return table.assign(ratio=table["measured"] / table["simple"], exact_ratio=table["measured"] / table["exact"])


def log_slope(table: pd.DataFrame, column: str) -> float:
    """The least-squares slope of the logarithm of a column on that of learning rate / batch size."""
    return float(np.polyfit(np.log(table["learning_rate"] / table["batch_size"]), np.log(table[column]), 1)[0])


def _floor_facts(results: Results, table: pd.DataFrame) -> dict[str, Any]:
    facts = results.experiment_facts(EXPERIMENT)
    first = table[table["seed"] == table["seed"].iloc[0]]  # theory is the same for every seed
    names = ("num_rows", "num_chains", "num_floor_steps", "num_steps_down", "smallest_loss", "eigenvalues", "noise")
    return {
        **{name: facts[name] for name in names},
        "rows": _cell_means(table),
        "simple_slope": log_slope(first, "simple"),
        "exact_slope": log_slope(first, "exact"),
        "largest_correction": float((first["exact"] / first["simple"]).max() - 1),
        "smallest_ratio": float(_worst(table, "ratio").min()),
        "largest_ratio": float(_worst(table, "ratio").max()),
        "smallest_exact_ratio": float(_worst(table, "exact_ratio").min()),
        "largest_exact_ratio": float(_worst(table, "exact_ratio").max()),
    }


def _worst(table: pd.DataFrame, column: str) -> "pd.Series[float]":
    """The mean of a column over the seeds, for each cell."""
    means: pd.Series[float] = table.groupby(["learning_rate", "batch_size"])[column].mean()
    return means


def _level(results: Results) -> Evidence:
    table = _floors(results)
    facts = _floor_facts(results, table)
    return Evidence(_by_cell(table, "ratio"), num_seeds=table["seed"].nunique(), facts=facts)


def _slope(results: Results) -> Evidence:
    table = _floors(results)
    slopes = [log_slope(each, "measured") for _, each in table.groupby("seed", sort=True)]
    facts = _floor_facts(results, table) | {"slopes": slopes, "mean_slope": float(np.mean(slopes))}
    return Evidence({"all learning rates and minibatch sizes": slopes}, num_seeds=len(slopes), facts=facts)


SGD_5 = Statement(
    "SGD-5",
    "linear",
    Text(
        "Minibatch SGD improves until it stops: with a constant learning rate, at some distance from the best.",
        "小批量随机梯度下降会不断改进直到停滞：学习率恒定时，它停在离最优解一定距离处。",
    ),
)

SGD_5_CLAIMS: Final = (
    Claim(
        SGD_5,
        "level",
        Text(
            "With a constant learning rate and independent draws the loss ends, on average, ½ Σ lr·cᵢ / (B(2 − lr·λᵢ)) "
            "above its minimum.",
            "学习率恒定且样本独立抽取时，损失最终平均停在比最小值高 ½ Σ lr·cᵢ / (B(2 − lr·λᵢ)) 的水平上。",
        ),
        "prediction",
        "for every learning rate and minibatch size tried",
        RATIO,
        Predicted(0.10),
        Literature("known for small learning rates, with the noise of the optimum taken for all", MANDT),
        "A learning rate and minibatch size in the grid whose floor lies more than a tenth from the formula's.",
        _file("floors"),
        _level,
    ),
    Claim(
        SGD_5,
        "slope",
        Text(
            "What is left of the loss above its minimum is proportional to learning rate / minibatch size.",
            "损失高出最小值的部分与“学习率除以小批量大小”成正比。",
        ),
        "prediction",
        "over the learning rates and minibatch sizes tried",
        "slope in log-log (predicted: 1)",
        Predicted(0.05),
        Literature("known for small learning rates", MANDT),
        "A grid of small learning rates over which the slope of the logarithms is below 0.95 or above 1.05.",
        _file("floors"),
        _slope,
    ),
)


# --- SGD-6: each iteration may lower the loss ---


def _steps(results: Results) -> Evidence:
    table, facts = results.experiment(EXPERIMENT, "first_steps"), results.experiment_facts(EXPERIMENT)
    full = results.experiment(EXPERIMENT, "full_batch")
    told = {
        "num_rows": facts["num_rows"],
        "num_chains": facts["num_chains"],
        "num_first_steps": facts["num_first_steps"],
        "rows": _cell_means(table),
        "mean_share": float(table["share"].mean()),
        "first_half": float(table["first_half"].mean()),
        "second_half": float(table["second_half"].mean()),
        "full_batch": _records(full),
        "full_batch_lowest": float(full["share"].min()),
    }
    return Evidence(_by_cell(table, "share"), num_seeds=table["seed"].nunique(), facts=told)


SGD_6 = Statement(
    "SGD-6",
    "linear",
    Text(
        "Each iteration may lower the value of the loss.",
        "每一次迭代都可能降低损失函数的值。",
    ),
)

SGD_6_CLAIMS: Final = (
    Claim(
        SGD_6,
        "may",
        Text(
            "Some steps of minibatch SGD lower the loss over all training examples, and some do not.",
            "小批量随机梯度下降的一些迭代会降低全体训练样本上的损失，另一些则不会。",
        ),
        "count",
        "may",
        "share of steps",
        Sometimes(),
        Literature("known: SGD descends on average, not at every step", BOTTOU),
        "Trainings in which every single step lowers the loss, or none does.",
        _file("first_steps", "full_batch"),
        _steps,
    ),
    Claim(
        SGD_6,
        "every",
        Text(
            "Every step of minibatch SGD lowers the loss over all training examples.",
            "小批量随机梯度下降的每一步都会降低全体训练样本上的损失。",
        ),
        "count",
        "every step",
        "share of steps",
        Always(),
        Literature("known to be false: SGD is not a descent method", BOTTOU),
        "Trainings at every learning rate and minibatch size of the grid without one step that raises the loss.",
        _file("first_steps", "full_batch"),
        _steps,
    ),
)


# --- SGD-7: minibatches are drawn uniformly ---


def _reshuffled(results: Results) -> Evidence:
    table, facts = results.experiment(EXPERIMENT, "reshuffled"), results.experiment_facts(EXPERIMENT)
    ratios = table.assign(ratio=table["reshuffled"] / table["independent"])
    rows = [{**row, "num_steps": facts["num_rows"] // int(row["batch_size"])} for row in _cell_means(ratios)]
    gaps = [abs(row["ratio"] / row["predicted_ratio"] - 1) for row in rows]
    told = {
        "num_rows": facts["num_rows"],
        "num_chains": facts["num_chains"],
        "num_floor_epochs": facts["num_floor_epochs"],
        "rows": rows,
        "smallest_ratio": min(row["ratio"] for row in rows),
        "largest_ratio": max(row["ratio"] for row in rows),
        "largest_gap": max(gaps),  # between measurement and theory, relative
    }
    return Evidence(_by_cell(ratios, "ratio"), num_seeds=table["seed"].nunique(), facts=told)


SGD_7 = Statement(
    "SGD-7",
    "linear",
    Text(
        "The examples of a minibatch are drawn uniformly at random from the training set.",
        "小批量由从训练集中随机均匀抽取的样本组成。",
    ),
)

SGD_7_CLAIMS: Final = (
    Claim(
        SGD_7,
        "floor",
        Text(
            "For where SGD ends it makes no difference whether rows are drawn independently or the data are reshuffled "
            "for every epoch, as loaders do.",
            "样本是每次独立抽取，还是像常见的数据加载器那样每轮重新打乱，对随机梯度下降最终停在哪里没有影响。",
        ),
        "comparison",
        "for every learning rate and minibatch size",
        "reshuffled / independent",
        SameFloor(0.10),
        Literature("known to be false: reshuffling ends nearer to the optimum", RESHUFFLING),
        "Floors at the ends of epochs that differ by less than a tenth at every learning rate and minibatch size.",
        _file("reshuffled"),
        _reshuffled,
    ),
)

CLAIMS: Final[tuple[Claim, ...]] = (
    *SGD_1_CLAIMS,
    *SGD_2_CLAIMS,
    *SGD_3_CLAIMS,
    *SGD_4_CLAIMS,
    *SGD_5_CLAIMS,
    *SGD_6_CLAIMS,
    *SGD_7_CLAIMS,
)
