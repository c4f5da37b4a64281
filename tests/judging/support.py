"""Statements and readings made up for tests."""

from dlstudy.judging.statements import Chinese, English, Reading, Statement

ANSWERS = dict.fromkeys(("holds", "conditions", "does_not_hold", "open", "further"), "So it is: {{ measured('a') }}.")


def english(readings, **changes):
    """Front matter of a document whose readings are given by name, each with what differs from the usual."""
    content = {
        "chapter": "linear",
        "says": "It is so.",
        "answers": ANSWERS,
        "readings": {name: reading(**details) for name, details in readings.items()},
    }
    return content | changes


def reading(**changes):
    found = {
        "relation": "says",
        "tested": "It is so.",
        "kind": "comparison",
        "quantifier": "always",
        "unit": "accuracy points",
        "measure": "linear.error",
        "rule": {"region": "better"},
        "literature": {"verdict": "known", "source": "somebody, 1900"},
        "would_change": "other evidence",
        "data": ["results/made_up.csv"],
    } | changes
    return {"difference": "A − B"} | found if found["unit"] == "accuracy points" else found


def chinese(names, **changes):
    words = {"tested": "如此。", "quantifier": "总是", "literature": "已知", "would_change": "别的证据"}
    return {"says": "如此。", "answers": ANSWERS, "readings": dict.fromkeys(names, words)} | changes


def statement(id="LIN-1", readings=None, **changes) -> Statement:
    given = {"a": {}} if readings is None else readings
    documents = English(**english(given, **changes)), Chinese(**chinese(given))
    return Statement(id, *documents, {"en": "Body of " + id, "zh": ""})


def one(key="LIN-1/a", **details) -> Reading:
    """A reading by its key."""
    id, _, name = key.partition("/")
    (found,) = statement(id, {name or "only": details}).readings
    return found
