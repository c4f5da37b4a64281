"""Rules, verdicts and relations in words, in both languages: one sentence per region and per quantifier."""

from typing import Final, Literal

from dlstudy.judging.rules import Rule
from dlstudy.study.params import JudgeParams

Language = Literal["en", "zh"]

ANSWER: Final = {
    "en": {
        "holds": "holds",
        "conditions": "holds with conditions",
        "does_not_hold": "does not hold",
        "open": "open",
        "further": "further question",
    },
    "zh": {
        "holds": "成立",
        "conditions": "有条件地成立",
        "does_not_hold": "不成立",
        "open": "未定",
        "further": "延伸问题",
    },
}
PLURAL: Final = {
    "holds": "hold",
    "conditions": "hold with conditions",
    "does_not_hold": "do not hold",
    "open": "are open",
}
MARK: Final = {"holds": "✔", "conditions": "◐", "does_not_hold": "✘", "open": "?", "further": "→"}
RELATION: Final = {
    "en": {"says": "the note says it", "implies": "the note implies it", "beyond": "beyond the note"},
    "zh": {"says": "笔记所说", "implies": "笔记所隐含", "beyond": "超出笔记"},
}

REGIONS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "better": "Supported if the {c} % interval of the difference lies above 0 and the difference is not equivalent "
        "to 0; refuted if it lies below 0, or if the {n} % interval lies within ±{m} points (too small to matter)",
        "not_worse": "Supported if the {c} % interval of the difference lies above -{m} points, refuted if below",
        "equivalent": "Supported if the {n} % interval of the difference lies within ±{m} points, refuted if the {c} % "
        "interval lies outside",
        "different": "Supported if the {c} % interval of the difference lies outside ±{m} points, refuted if the {n} % "
        "interval lies within",
        "above": "Supported if the value (its {c} % interval, unless it is exact) lies above {t}, refuted if below",
        "below": "Supported if the value (its {c} % interval, unless it is exact) lies below {t}, refuted if above",
        "at_most": "Supported if the value (its {c} % interval, unless it is exact) is at most {t}, refuted if above",
        "within": "Supported if the value (its {c} % interval, unless it is exact) lies within {t} of {of}, refuted if "
        "outside",
        "between": "Supported if the {c} % interval of the share lies strictly between 0 and 1, refuted if it is "
        "0 or 1",
    },
    "zh": {
        "better": "若差的 {c} % 区间高于 0 且差不等价于 0，则得到支持；若区间低于 0，"
        "或 {n} % 区间落在 ±{m} 个百分点之内（小到无关紧要），则被推翻",
        "not_worse": "若差的 {c} % 区间高于 -{m} 个百分点则得到支持，低于则被推翻",
        "equivalent": "若差的 {n} % 区间落在 ±{m} 个百分点之内则得到支持，{c} % 区间落在其外则被推翻",
        "different": "若差的 {c} % 区间落在 ±{m} 个百分点之外则得到支持，{n} % 区间落在其内则被推翻",
        "above": "若数值（除精确值外，取其 {c} % 区间）高于 {t} 则得到支持，低于则被推翻",
        "below": "若数值（除精确值外，取其 {c} % 区间）低于 {t} 则得到支持，高于则被推翻",
        "at_most": "若数值（除精确值外，取其 {c} % 区间）不超过 {t} 则得到支持，超过则被推翻",
        "within": "若数值（除精确值外，取其 {c} % 区间）与 {of} 相差不到 {t} 则得到支持，在其外则被推翻",
        "between": "若比例的 {c} % 区间严格介于 0 与 1 之间则得到支持，为 0 或 1 则被推翻",
    },
}
QUANTIFIERS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "single": "; else inconclusive.",
        "every": ", in every condition: one that contradicts refutes (Bonferroni); else inconclusive. "
        "The worst is shown.",
        "each": ", in each condition (Bonferroni): if some support it and some refute it, it depends on them.",
        "some": ": one condition is enough (Holm over all), and that none is found refutes nothing.",
        "share": ", in a condition. Of all conditions {s} must; undecided ones are counted both ways.",
        "total": ", all conditions added up.",
    },
    "zh": {
        "single": "；否则尚无定论。",
        "every": "，对每个条件都要如此：有一个相反即被推翻（Bonferroni）；否则尚无定论。列出最不利的条件。",
        "each": "，逐个条件判断（Bonferroni）：若有的支持、有的推翻，则视条件而定。",
        "some": "：有一个条件即可（对全部条件作 Holm 校正）；没有发现并不能推翻。",
        "share": "（逐个条件）。全部条件中须有 {s} 成立；未定的条件按成立与不成立各算一次。",
        "total": "，各条件合计。",
    },
}
SHARE: Final = {"en": ("at least {:g} %", "more than {:g} %"), "zh": ("至少 {:g} %", "超过 {:g} %")}
CAN: Final = {
    "en": "Supported by a single case; inconclusive if there is none, which proves nothing.",
    "zh": "有一例即得到支持；一例也没有时尚无定论，因为这证明不了什么。",
}
NO_PROOF: Final = {
    "en": ' Examples can agree with the sentence but not prove it: "consistent with" at best.',
    "zh": "例子只能与这句话相符，不能证明它：最多为“与证据相符”。",
}


def rule_words(rule: Rule, settings: JudgeParams, language: Language = "en") -> str:
    """The rule as a sentence for the page."""
    if rule.quantifier == "total" and rule.region == "above":
        return CAN[language]
    confidence, narrow = 100 * settings.confidence, 100 * (2 * settings.confidence - 1)
    numbers = {"c": f"{confidence:g}", "n": f"{narrow:g}", "m": f"{settings.margin:g}", "of": f"{rule.of:g}"}
    if rule.threshold is not None:
        numbers["t"] = f"{rule.threshold:g}"
    for words, share in zip(SHARE[language], (rule.at_least, rule.more_than), strict=True):
        if share is not None:
            numbers["s"] = words.format(100 * share)
    region = REGIONS[language][rule.region]
    if rule.quantifier == "some":  # which nothing refutes
        region = region.partition(", refuted")[0].partition("，低于")[0].partition("，高于")[0]
    sentence = region + QUANTIFIERS[language][rule.quantifier]
    return sentence.format(**numbers) + ("" if rule.proves else NO_PROOF[language])
