"""What pages call verdicts, rules and settings, in both languages: tables from `templates/`, and filters for them."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from dlstudy.core.base.params import read_yaml
from dlstudy.judging.rules import Rule
from dlstudy.study.params import JudgeParams

Language = Literal["en", "zh"]

TEMPLATES: Final = Path(__file__).with_name("templates")
ANSWER_WORDS: Final = {  # by answer: in English, of several statements, in Chinese, and the mark before it
    "holds": ("holds", "hold", "成立", "✔"),
    "conditions": ("holds with conditions", "hold with conditions", "有条件地成立", "◐"),
    "does_not_hold": ("does not hold", "do not hold", "不成立", "✘"),
    "open": ("open", "are open", "未定", "?"),
    "further": ("further question", "further questions", "延伸问题", "→"),
}
ENGLISH, PLURAL, CHINESE, MARK = (
    dict(zip(ANSWER_WORDS, column, strict=True)) for column in zip(*ANSWER_WORDS.values(), strict=True)
)
ANSWER: Final = {"en": ENGLISH, "zh": CHINESE}
RELATION: Final = {
    "en": {"says": "the note says it", "implies": "the note implies it", "beyond": "beyond the note"},
    "zh": {"says": "笔记所说", "implies": "笔记所隐含", "beyond": "超出笔记"},
}


@cache
def rule_table() -> dict[str, Any]:
    """The sentences of `rules.yaml` for regions and quantifiers, by language."""
    return read_yaml(TEMPLATES / "rules.yaml")


def rule_words(rule: Rule, settings: JudgeParams, language: Language = "en") -> str:
    """The rule as a sentence for the page."""
    words = rule_table()[language]
    if rule.quantifier == "total" and rule.region == "above":
        return str(words["can"])
    confidence, narrow = 100 * settings.confidence, 100 * (2 * settings.confidence - 1)
    numbers = {"c": f"{confidence:g}", "n": f"{narrow:g}", "m": f"{settings.margin:g}", "of": f"{rule.of:g}"}
    numbers["t"] = "" if rule.threshold is None else f"{rule.threshold:g}"
    for name, share in words["shares"].items():
        if (found := getattr(rule, name)) is not None:
            numbers["s"] = share.format(100 * found)
    region = words["regions"][rule.region]
    if rule.quantifier == "some":  # which nothing refutes
        region = re.split(", refuted|，低于|，高于", region)[0]
    sentence = f"{region}{words['quantifiers'][rule.quantifier]}".format(**numbers)
    return sentence + ("" if rule.proves else words["no_proof"])


# --- In Chinese, what results and settings call things ---

NUMERALS: Final = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
SEPARATORS: Final = (("; ", "；"), (": ", "："), (", ", "，"))


def in_words_zh(value: int) -> str:
    """A small whole number of things as prose has it: 2 -> 两, 13 -> 13 between spaces."""
    return NUMERALS[value] if value < len(NUMERALS) else f" {value:,} "


@cache
def table() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """The labels of `zh/labels.yaml`, and the patterns in their order."""
    content = read_yaml(TEMPLATES / "zh" / "labels.yaml")
    return content["labels"], [(re.compile(pattern), words) for pattern, words in content["patterns"].items()]


def zh(text: object) -> str:
    """The label in Chinese, as a whole or part by part; a name that is not listed stays as it is."""
    english = str(text)
    labels, patterns = table()
    if english in labels:
        return labels[english]
    for pattern, words in patterns:
        if found := pattern.fullmatch(english):
            return words.format(*map(zh, found.groups()))
    for mark, chinese_mark in SEPARATORS:
        parts = english.split(mark)
        if len(parts) > 1 and (chinese := [zh(part) for part in parts]) != parts:
            return chinese_mark.join(chinese)
    return english
