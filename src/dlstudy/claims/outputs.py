"""Claims of where an activation belongs: between layers (MLP-1), on the output (ACT-3, 4, 6), mixed (ACT-7).

Also the reading of ACT-11 that deep sigmoid networks can be rescued.
"""

from dataclasses import replace
from functools import partial
from typing import Any, Final

import pandas as pd

from dlstudy.claims.outputs_evidence import (
    EXPERIMENT,
    FOLDER,
    IDENTITY,
    MIXTURES,
    ONE_VS_REST,
    PLAIN,
    POINTS,
    PURE_RELU,
    PURE_SIGMOID,
    RELU_LOGITS,
    RESCUES,
    SOFTMAX,
    SOFTMAX_REGRESSION,
    Cell,
    data,
    difference,
    faults_of,
    protocol,
    rows_of,
    side,
)
from dlstudy.claims.outputs_rules import AnyHigher, Occurs, WorseBy
from dlstudy.judging.core import Claim, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import AtMost, Better, Equivalent, NonInferior
from dlstudy.judging.statistics import higher_share_p, share_interval
from dlstudy.study.results import MissingResultError, Results

ROUNDING: Final = 1e-12  # of float64 products of matrices, over the largest output
MORE_ERROR: Final = 2.0  # percent by which an error must be higher to matter

ACCURACY_DATA: Final = data("per_seed.csv", "chosen.csv", "tuning.csv")
OVER_SEEDS: Final = "on average over the seeds"


def comparison(statement: Statement, reading: str, tested: Text, first: Cell, second: Cell, **details: Any) -> Claim:
    """A claim about the difference in test accuracy, first less second."""
    content: dict[str, Any] = {
        "kind": "comparison",
        "quantifier": OVER_SEEDS,
        "unit": "accuracy points",
        "data": ACCURACY_DATA,
        "measure": partial(difference, first=first, second=second),
    }
    return Claim(statement=statement, reading=reading, tested=tested, **content | details)


# --- MLP-1: no activation ---

MLP_1: Final = Statement(
    "MLP-1",
    "perceptron",
    Text("The layers of a perceptron need an activation between them.", "感知机的各层之间必须有激活函数。"),
)


def _collapse(results: Results) -> Evidence:
    """How far a perceptron without activation is from one affine map, for each seed."""
    table = results.experiment(EXPERIMENT, "collapse")
    return Evidence(
        {
            "outputs": table["relative_difference"].tolist(),
            "images that change class": [float(num) for num in table["num_other_classes"]],
        },
        num_seeds=len(table),
        facts={"largest": table["relative_difference"].max(), "num_other": int(table["num_other_classes"].sum())},
    )


GOODFELLOW: Final = "Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.1"

MLP_1_CLAIMS: Final = (
    Claim(
        MLP_1,
        "collapse",
        Text(
            "Without an activation a trained perceptron is one affine map: the product of its matrices gives the same "
            "outputs but for rounding, and the same class for every test image.",
            "没有激活函数时，训练好的感知机就是一个仿射变换：各层矩阵之积给出同样的输出（仅有舍入误差），每张测试图像的类别也都相同。",
        ),
        "identity",
        "for every seed",
        "relative difference, or images",
        AtMost(ROUNDING, "difference, relative to the largest output or in images that change class,"),
        Literature("a composition of linear maps is linear", GOODFELLOW),
        "An error in the program; that matrices can be multiplied in advance is algebra.",
        data("collapse.csv"),
        _collapse,
    ),
    comparison(
        MLP_1,
        "accuracy",
        Text(
            "Without an activation a perceptron is as accurate as softmax regression, each at its best learning rate.",
            "没有激活函数的感知机与 softmax 回归准确率相当（各用自己的最佳学习率）。",
        ),
        IDENTITY,
        SOFTMAX_REGRESSION,
        rule=Equivalent(),
        literature=Literature("it can represent nothing more; how it is trained may differ", GOODFELLOW),
        would_change="A hidden layer with fewer units than classes, or a training too short for one of the two.",
        confirmatory=True,
    ),
    comparison(
        MLP_1,
        "needed",
        Text(
            "The same perceptron with ReLU is more accurate than without an activation.",
            "同样的感知机，用 ReLU 比不用激活函数更准确。",
        ),
        SOFTMAX,
        IDENTITY,
        rule=Better(),
        literature=Literature(
            "with one hidden layer 0.87, linear 0.84 at best (test accuracy)",
            "Xiao et al., Fashion-MNIST, 2017, table 3",
        ),
        would_change="Classes that a linear map tells apart.",
    ),
)


# --- ACT-3 and ACT-4: ReLU on the output ---

ACT_3: Final = Statement(
    "ACT-3",
    "perceptron",
    Text("ReLU can be used in hidden layers and nowhere else.", "ReLU 除了隐藏层，别处都不能用。"),
)


def price_rows(results: Results, output: str, start: str = "mean") -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "price_per_seed")
    return table[(table["output"] == output) & (table["start"] == start)].set_index("seed")


def _price(results: Results) -> Evidence:
    """The error on test of ReLU on the output over that of a linear output, less 1, in percent, by seed."""
    relu, linear = (price_rows(results, output) for output in ("relu", "identity"))
    diverged = relu["diverged"].astype(bool) | linear["diverged"].astype(bool).reindex(relu.index)
    seeds = relu.index[~diverged]
    if not len(seeds):
        raise MissingResultError(f"{FOLDER}/price_per_seed.csv: expected a seed that did not diverge, found none")
    excess = POINTS * (relu.loc[seeds, "rmse"] / linear.loc[seeds, "rmse"] - 1)
    chosen = results.experiment(EXPERIMENT, "price_chosen")
    at_edge = chosen[chosen["at_edge"].astype(bool)]
    return Evidence(
        {"relu over linear": excess.tolist()},
        num_seeds=len(seeds),
        facts={
            **{"sides": price_sides(results), "failing": failing_rates(results)},
            **{"protocol": protocol(results), "threshold": MORE_ERROR},
        },
        faults=(
            *(
                f"{row.output}: its best learning rate, {row.lr:g}, lies at an end of those tried"
                for row in at_edge.itertuples()
            ),
            *(f"price, seed {seed}: diverged" for seed in relu.index[diverged]),
        ),
    )


def failing_rates(results: Results) -> dict[str, float | None]:
    """Of each output the smallest learning rate with which a tuning seed explains nothing; None if there is none."""
    trials = results.experiment(EXPERIMENT, "price_tuning")
    failing = trials[trials["explained_variance"] == 0].groupby("output")["lr"].min()
    return {output: float(failing[output]) if output in failing else None for output in ("identity", "relu")}


def price_sides(results: Results) -> list[dict[str, Any]]:
    """What the page tells of each variant: error and explained variance over the seeds, and outputs of 0."""
    rates = results.experiment(EXPERIMENT, "price_chosen").set_index("output")["lr"]
    sides = []
    for output, start in (("identity", "mean"), ("relu", "mean"), ("relu", "zero")):
        rows = price_rows(results, output, start)
        kept = rows[~rows["diverged"].astype(bool)]
        sides.append(
            {
                "output": output,
                "start": start,
                "lr": float(rates[output]),
                "num_seeds": len(kept),
                "rmse": kept["rmse"].mean(),
                "low": kept["rmse"].min(),
                "high": kept["rmse"].max(),
                "r2": kept["r2"].mean(),
                "num_dead": int((kept["share_zero"] == 1).sum()),
                "most_zero": kept["share_zero"].max(),
            }
        )
    return sides


ACT_3_CLAIMS: Final = (
    Claim(
        ACT_3,
        "literal",
        Text(
            "On the output of a perceptron for the price of a house, which is never negative, ReLU does worse than a "
            f"linear output: its error is more than {MORE_ERROR:g} % higher.",
            f"用感知机预测房价（永远不是负数）时，输出层用 ReLU 比线性输出差：误差高出 {MORE_ERROR:g}% 以上。",
        ),
        "comparison",
        "only: one counterexample refutes",
        "percent more root mean squared error",
        WorseBy(MORE_ERROR),
        Literature(
            "softplus, ReLU's smooth relative, was introduced for prices, which cannot be negative",
            "Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing, NIPS 2000",
        ),
        "Targets that are negative; or a ReLU that starts at 0 for every house, which never learns.",
        data("price_per_seed.csv", "price_chosen.csv", "price_tuning.csv"),
        _price,
        confirmatory=True,
    ),
)

ACT_4: Final = Statement(
    "ACT-4",
    "perceptron",
    Text(
        "A classifier should have no ReLU on its outputs (what remains of the statement above as advice).",
        "分类器的输出层不应使用 ReLU（把上一条当作建议来理解）。",
    ),
)


def logits_of(results: Results, cell: Cell) -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "logits")
    return table[table["variant"] == cell.variant]


def _advice(results: Results) -> Evidence:
    found = difference(results, SOFTMAX, RELU_LOGITS)
    told = {
        cell.variant: {
            "num_never_predicted": logits_of(results, cell)["num_never_predicted"].tolist(),
            "num_dead": logits_of(results, cell)["num_dead"].tolist(),
            "share_silent": logits_of(results, cell)["share_silent"].mean(),
        }
        for cell in (SOFTMAX, RELU_LOGITS)
    }
    return replace(found, facts={**found.facts, "logits": told})


def _dead_classes(results: Results) -> Evidence:
    """The classes whose logit is 0 for every test image, with ReLU on the logits, by seed."""
    table = logits_of(results, RELU_LOGITS)
    if table.empty:
        raise MissingResultError(f"{FOLDER}/logits.csv: expected rows of {RELU_LOGITS}, found none")
    counts = [float(num) for num in table["num_dead"]]
    told = {"num_hit": sum(num > 0 for num in counts), "num_losing": int((table["num_never_predicted"] > 0).sum())}
    return Evidence({RELU_LOGITS.variant: counts}, num_seeds=len(counts), facts=told)


CS231N: Final = "Karpathy et al., CS231n: Convolutional Neural Networks for Visual Recognition, notes, 2015"

ACT_4_CLAIMS: Final = (
    comparison(
        ACT_4,
        "accuracy",
        Text(
            "A classifier is more accurate with linear outputs than with ReLU on them, each at its best learning rate.",
            "分类器采用线性输出比在输出上加 ReLU 更准确（各用自己的最佳学习率）。",
        ),
        SOFTMAX,
        RELU_LOGITS,
        rule=Better(),
        literature=Literature("the last layer usually has no activation, because its outputs are scores", CS231N),
        would_change="Outputs that start well above 0, so that none is cut off while they are learnt.",
        measure=_advice,
        data=(*ACCURACY_DATA, f"{FOLDER}/logits.csv"),
        confirmatory=True,
    ),
    Claim(
        ACT_4,
        "dead",
        Text(
            "With ReLU on the outputs a trained classifier can have a dead class: one whose output is 0 for every test "
            "image.",
            "在输出上加 ReLU 后，训练好的分类器可能出现“死亡”的类别：它的输出对每张测试图像都是 0。",
        ),
        "count",
        "can",
        "dead classes (mean of the seeds)",
        Occurs("dead class with a single seed"),
        Literature("a ReLU that no example activates has no gradient and stays as it is", CS231N),
        "Other initial weights or a smaller learning rate, with which no class dies.",
        data("logits.csv"),
        _dead_classes,
    ),
)


# --- ACT-6: sigmoid on the outputs ---

ACT_6: Final = Statement(
    "ACT-6",
    "perceptron",
    Text(
        "For classifiers, sigmoid tends to work better (read as: on the outputs).",
        "做分类时，sigmoid 往往更合适（理解为用在输出层）。",
    ),
)
RIFKIN: Final = "Rifkin and Klautau, In Defense of One-Vs-All Classification, JMLR 5, 2004"
ONE_VS_REST_CHANGES: Final = "Many more classes, or images that show several of them, where softmax does not apply."

ACT_6_CLAIMS: Final = (
    comparison(
        ACT_6,
        "better",
        Text(
            "With a sigmoid on each output and binary cross-entropy, each class against the rest, a classifier is more "
            "accurate than with softmax and cross-entropy.",
            "每个输出各用一个 sigmoid 和二元交叉熵（一对其余），比用 softmax 和交叉熵的分类器更准确。",
        ),
        ONE_VS_REST,
        SOFTMAX,
        rule=Better(),
        literature=Literature("as accurate as other schemes when well tuned", RIFKIN),
        would_change=ONE_VS_REST_CHANGES,
    ),
    comparison(
        ACT_6,
        "equivalent",
        Text(
            "With a sigmoid on each output and binary cross-entropy, each class against the rest, a classifier is as "
            "accurate as with softmax and cross-entropy.",
            "每个输出各用一个 sigmoid 和二元交叉熵（一对其余），与用 softmax 和交叉熵的分类器准确率相当。",
        ),
        ONE_VS_REST,
        SOFTMAX,
        rule=Equivalent(),
        literature=Literature("as accurate as other schemes when well tuned", RIFKIN),
        would_change=ONE_VS_REST_CHANGES,
        confirmatory=True,
    ),
)


# --- ACT-7: mixtures, exploratory ---

ACT_7: Final = Statement(
    "ACT-7",
    "perceptron",
    Text(
        "For classifiers, combinations with sigmoid tend to work better (read as: hidden layers of both kinds).",
        "做分类时，把 sigmoid 与其他函数搭配往往更合适（理解为不同隐藏层用不同的激活函数）。",
    ),
)


def best_mixture(results: Results) -> Cell:
    """The mixture of the highest validation accuracy, with the tuning seeds; the first of several."""
    return max(MIXTURES, key=lambda cell: float(rows_of(results, "chosen", cell)["validation_accuracy"].iloc[0]))


def _mixture(results: Results, against: Cell) -> Evidence:
    best = best_mixture(results)
    found = difference(results, best, against)
    sides = [side(results, cell) for cell in (PURE_RELU, PURE_SIGMOID, *MIXTURES)]
    return replace(found, facts={**found.facts, "best": best.variant, "rows": sides})


def mixture_claim(reading: str, tested: Text, against: Cell, rule: Better | NonInferior) -> Claim:
    return comparison(
        ACT_7,
        reading,
        tested,
        PURE_RELU,
        against,
        quantifier=f"exploratory; of the mixture that is best on validation, {OVER_SEEDS}",
        rule=rule,
        literature=Literature(
            "not settled; networks that mix activations at random or by search are no rule of thumb",
            "Ramachandran, Zoph and Le, Searching for Activation Functions, 2017: one function for all layers",
        ),
        would_change="Another mixture, depth or initialisation: few of many were tried.",
        measure=partial(_mixture, against=against),
    )


ACT_7_CLAIMS: Final = (
    mixture_claim(
        "better",
        Text(
            "A perceptron with hidden layers of sigmoid and of ReLU is more accurate than with ReLU alone.",
            "隐藏层混用 sigmoid 和 ReLU 的感知机，比只用 ReLU 的更准确。",
        ),
        PURE_RELU,
        Better(),
    ),
    mixture_claim(
        "not_worse",
        Text(
            "The best mixture of sigmoid and ReLU layers is at most the margin less accurate than ReLU alone.",
            "sigmoid 与 ReLU 隐藏层混用的最佳方案，与只用 ReLU 相比，至多差出一个容许差。",
        ),
        PURE_RELU,
        NonInferior(),
    ),
    mixture_claim(
        "over_sigmoid",
        Text(
            "A perceptron with hidden layers of sigmoid and of ReLU is more accurate than with sigmoid alone.",
            "隐藏层混用 sigmoid 和 ReLU 的感知机，比只用 sigmoid 的更准确。",
        ),
        PURE_SIGMOID,
        Better(),
    ),
)


# --- ACT-11: deep sigmoid rescued ---

ACT_11: Final = Statement(
    "ACT-11",
    "perceptron",
    Text(
        "Because their gradients vanish, sigmoid and tanh have to be avoided in some cases.",
        "sigmoid 和 tanh 会使梯度消失，所以有些场合不能用它们。",
    ),
)


def _rescued(results: Results) -> Evidence:
    """Which seeds reach the accuracy that counts as trained, plainly and with each rescue. A diverged one has not."""
    told = protocol(results)
    rows = {cell: rows_of(results, "per_seed", cell).sort_values("seed") for cell in (PLAIN, *RESCUES)}
    reached = {
        cell: [float(accuracy >= told["reached"]) for accuracy in table["accuracy"]] for cell, table in rows.items()
    }
    plain_rate = faults_of(results, (PLAIN,))
    return Evidence(
        {cell.variant: values for cell, values in reached.items()},
        num_seeds=len(reached[PLAIN]),
        facts={"protocol": told, "rows": rescue_rows(results, {cell: sum(values) for cell, values in reached.items()})},
        faults=tuple(fault for fault in plain_rate if not fault.endswith("diverged")),
    )


def rescue_rows(results: Results, num_reached: dict[Cell, float]) -> list[dict[str, Any]]:
    """What the page tells of each way to train: how many seeds reach it, with Wilson's interval; accuracies."""
    rows = []
    for cell, found in num_reached.items():
        per_seed = rows_of(results, "per_seed", cell)
        interval = share_interval(int(found), len(per_seed), results.study.judge.confidence)
        base = int(num_reached[PLAIN]), len(per_seed)
        rows.append(
            {
                **side(results, cell),
                "num_reached": int(found),
                "num_seeds": len(per_seed),
                "share_low": interval.low,
                "share_high": interval.high,
                "num_diverged": int(per_seed["diverged"].astype(bool).sum()),
                "p_value": None if cell == PLAIN else higher_share_p((int(found), len(per_seed)), base),
            }
        )
    return rows


ACT_11_CLAIMS: Final = (
    Claim(
        ACT_11,
        "rescued",
        Text(
            "A deep perceptron of sigmoid need not be avoided: with larger initial weights, batch normalisation, Adam "
            "or a longer training (at least one of them) it trains with more of the seeds than without.",
            "深层 sigmoid 感知机不必弃用：加大初始权重、批量归一化、改用 Adam 或延长训练，"
            "至少有一种办法能让更多的种子训练成功。",
        ),
        "comparison",
        "at least one of the four",
        "share of the seeds",
        AnyHigher(PLAIN.variant),
        Literature(
            "with batch normalisation deep networks of sigmoid can be trained",
            "Ioffe and Szegedy, Batch Normalization, ICML 2015, section 4.2.2",
        ),
        "A depth at which the plain network trains as well, or none of the four does.",
        ACCURACY_DATA,
        _rescued,
    ),
)

CLAIMS: Final[tuple[Claim, ...]] = (
    *MLP_1_CLAIMS,
    *ACT_3_CLAIMS,
    *ACT_4_CLAIMS,
    *ACT_6_CLAIMS,
    *ACT_7_CLAIMS,
    *ACT_11_CLAIMS,
)
