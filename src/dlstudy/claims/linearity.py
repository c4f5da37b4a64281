"""Claims about linearity: in the inputs, by the price of a house on its area and age; and in the parameters."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from dlstudy.judging.core import Claim, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import AtMost, NoGain
from dlstudy.study.results import Results

EXPERIMENT: Final = "linearity"
DATA: Final = ("results/experiments/linearity/folds.csv", "results/experiments/linearity/facts.json")
THRESHOLD: Final = 2.0  # percent of the root mean squared error
TOLERANCE: Final = 1e-8
UNIT: Final = "% lower root mean squared error"

INPUTS: Final = Statement(
    "LIN-1",
    "linear",
    Text(
        "A linear model takes its output to be linear in its inputs, as a price in a house's area and age.",
        "线性模型假定输出是输入的线性函数，例如房价与面积、房龄成线性关系。",
    ),
)
PARAMETERS: Final = Statement(
    "LIN-1b",
    "linear",
    Text(
        "It is enough that the model is linear in its parameters: functions of the inputs may stand in for them.",
        "模型只要对参数是线性的就够了：输入可以先换成它们的函数。",
    ),
)


# --- Evidence ---


def gains_of(folds: pd.DataFrame, plain: str, richer: str) -> dict[str, list[float]]:
    """By how many percent the richer model's error is lower, in each fold of each repeat."""
    gains = 100 * (folds[plain] - folds[richer]) / folds[plain]
    return {f"repeat {repeat}": values.tolist() for repeat, values in gains.groupby(folds["repeat"])}


def faults_of(folds: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Folds that are missing, or there twice: an interval over others would be another one."""
    expected = {(repeat + 1, fold + 1) for repeat in range(facts["num_repeats"]) for fold in range(facts["num_folds"])}
    found = list(zip(folds["repeat"], folds["fold"], strict=True))
    complete = len(found) == len(expected) and set(found) == expected
    return () if complete else (f"{len(expected)} folds were to be scored, {len(set(found) & expected)} of them were",)


def summary(results: Results, plain: str, richer: str) -> dict[str, Any]:
    """The mean gain in percent of one model over another, with its interval and what the rule would say of it."""
    gains = gains_of(results.experiment(EXPERIMENT, "folds"), plain, richer)
    found = NoGain(THRESHOLD).decide(Evidence(gains), results.study.judge)
    return {"gain": found.estimate, "low": found.low, "high": found.high, "verdict": found.verdict}


def sizes(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = ("num_sales", "num_repeats", "num_folds", "num_knots", "num_columns", "num_large_houses", "large_area")
    return {name: facts[name] for name in names}


def spline_over_plane(unit: str) -> Callable[[Results], Evidence]:
    """Evidence on the price in dollars ("dollars") or on its natural logarithm ("log")."""

    def measure(results: Results) -> Evidence:
        folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
        plane, spline = f"plane_{unit}", f"spline_{unit}"
        told = {
            "plane_rmse": float(folds[plane].mean()),
            "spline_rmse": float(folds[spline].mean()),
            "share_of_folds_gained": float((folds[spline] < folds[plane]).mean()),
            "usual": summary(results, f"{plane}_usual", f"{spline}_usual"),
            "plane": dict(facts["planes"][unit]),
            "spline_r2": facts["spline_r2"][unit],
        }
        samples = gains_of(folds, plane, spline)
        return Evidence(samples, facts=sizes(facts) | told, faults=faults_of(folds, facts))

    return measure


def same_solution(results: Results) -> Evidence:
    """How far apart two ways to solve for the spline are, in every fold."""
    folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
    by_repeat = folds.groupby("repeat")["disagreement"]
    samples = {f"repeat {repeat}": values.tolist() for repeat, values in by_repeat}
    told = {"largest": float(folds["disagreement"].max()), "condition_number": facts["condition_number"]}
    return Evidence(samples, facts=sizes(facts) | told, faults=faults_of(folds, facts))


def boosting_over_spline(results: Results) -> Evidence:
    """What trees gain over the spline; besides, what products of the spline's columns gain."""
    folds, facts = results.experiment(EXPERIMENT, "folds"), results.experiment_facts(EXPERIMENT)
    models = ("plane", "spline", "products", "boosting")
    told = {
        "rmse": {name: float(folds[f"{name}_log"].mean()) for name in models},
        "products": summary(results, "spline_log", "products_log"),
        "boosting_over_products": summary(results, "products_log", "boosting_log"),
        "usual": summary(results, "spline_log_usual", "boosting_log_usual"),
        "boosting": dict(facts["boosting"]),
        "num_product_columns": facts["num_product_columns"],
    }
    samples = gains_of(folds, "spline_log", "boosting_log")
    return Evidence(samples, facts=sizes(facts) | told, faults=faults_of(folds, facts))


# --- Claims ---

HEDONIC: Final = Literature(
    "no: tests of house prices reject the simple functional forms",
    "Halvorsen and Pollakowski, Choice of functional form for hedonic price equations, "
    "Journal of Urban Economics 10, 1981",
)

OTHER_SALES: Final = (
    "Sales elsewhere, or of houses that differ less in size and age, on which the interval of the spline's gain ends "
    f"below {THRESHOLD:g} %."
)

CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        statement=INPUTS,
        reading="dollars",
        tested=Text(
            "The price in dollars is linear in area and age: cubic splines of the two predict it at most "
            f"{THRESHOLD:g} % better than a plane.",
            f"以美元计的房价对面积和房龄是线性的：改用两者的三次样条，预测误差最多只降低 {THRESHOLD:g}%。",
        ),
        kind="comparison",
        quantifier="for the sales in Ames, on average over held-out folds",
        unit=UNIT,
        rule=NoGain(THRESHOLD),
        literature=HEDONIC,
        would_change=OTHER_SALES,
        data=DATA,
        measure=spline_over_plane("dollars"),
    ),
    Claim(
        statement=INPUTS,
        reading="log",
        tested=Text(
            "The logarithm of the price is linear in area and age: cubic splines of the two predict it at most "
            f"{THRESHOLD:g} % better than a plane.",
            f"房价的对数对面积和房龄是线性的：改用两者的三次样条，预测误差最多只降低 {THRESHOLD:g}%。",
        ),
        kind="comparison",
        quantifier="for the sales in Ames, on average over held-out folds",
        unit=UNIT,
        rule=NoGain(THRESHOLD),
        literature=HEDONIC,
        would_change=OTHER_SALES,
        data=DATA,
        measure=spline_over_plane("log"),
    ),
    Claim(
        statement=PARAMETERS,
        reading="closed_form",
        tested=Text(
            "The formula that fits a plane fits a spline just so: the normal equations of its columns give the fitted "
            "values of a QR factorisation.",
            "拟合平面的公式同样能拟合样条：由样条各列写出的正规方程，与 QR 分解得到相同的拟合值。",
        ),
        kind="identity",
        quantifier="for the training rows of every fold",
        unit="relative difference of the fitted values",
        rule=AtMost(TOLERANCE, "relative difference"),
        literature=Literature(
            "known: once the basis functions are fixed, the model is linear in them",
            "Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009, chapter 5",
        ),
        would_change="Columns so nearly collinear, by more or closer knots, that squaring their condition number costs "
        "the normal equations their digits.",
        data=DATA,
        measure=same_solution,
    ),
    Claim(
        statement=PARAMETERS,
        reading="enough",
        tested=Text(
            "A spline of area plus a spline of age is enough: boosted trees, which are not linear in their parameters, "
            f"predict the logarithm of the price at most {THRESHOLD:g} % better.",
            "面积的样条加上房龄的样条就够了：对参数并非线性的梯度提升树，"
            f"预测房价对数的误差最多只比它低 {THRESHOLD:g}%。",
        ),
        kind="comparison",
        quantifier="for the sales in Ames, on average over held-out folds",
        unit=UNIT,
        rule=NoGain(THRESHOLD),
        literature=Literature(
            "not in general: a sum of curves has no interactions, which boosted trees of some depth can fit",
            "Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29, 2001",
        ),
        would_change="Sales on which area and age act on the price apart from each other, so that the interval of the "
        f"trees' gain ends below {THRESHOLD:g} %.",
        data=DATA,
        measure=boosting_over_spline,
    ),
)
