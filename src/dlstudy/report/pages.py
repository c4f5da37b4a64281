"""The values that the template of each page is filled with."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Final

from dlstudy.core.base.published import read_checksums
from dlstudy.data.image_sets import DATASETS, SIDE
from dlstudy.judging.judgement import A_A
from dlstudy.judging.register import FIXED, UNREGISTERED, load_register
from dlstudy.judging.statements import POINTS, Statement
from dlstudy.literature.published import Published
from dlstudy.measures.samples import records
from dlstudy.report.activations import activations_page, which
from dlstudy.report.classifiers import beside, classifier, rate_rows, torchvision_context
from dlstudy.report.markdown import Context, in_both_languages, with_bodies
from dlstudy.report.published import published_context, single_run_row
from dlstudy.report.scorecard import PAGE_OF, Judged, Section, by_verdict, citing, counts, measured, sections
from dlstudy.study.ladder import Ladder
from dlstudy.study.results import Results, TimingResults


@dataclass(frozen=True)
class Sources:
    """All that a page may draw on."""

    results: Results
    published: Published
    statements: tuple[Statement, ...]

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        return tuple(sections(self.results, self.statements))

    @property
    def readings(self) -> list[Judged]:
        return [reading for section in self.sections for reading in section.readings]

    @cached_property
    def which(self) -> Context:
        return which(Ladder.of(self.results))

    @property
    def beside(self) -> Published:
        """The published figures that may stand beside the results: those about the same images."""
        return self.published.beside(self.results.image_set().dataset)


def common(results: Results, published: Published) -> Context:
    """What every page may name; `published` are the figures that may stand beside the results."""
    return {
        "study": results.study,
        "settings": results.study.judge,
        "images": results.facts("images"),
        "image_set": results.image_set(),
        "side": SIDE,
        "comparable": bool(published.fashion_mnist),
    }


def regressor(results: Results, name: str) -> Context:
    """A row of the table of regressions."""
    per_seed = results.table(name, "per_seed")
    test = per_seed[per_seed["split"] == "test"]
    metrics = results.metrics(name)
    return {
        "name": name,
        "params": results.study.train[name],
        "num_seeds": len(test),
        "rmse": metrics["test_rmse"],
        "r2": metrics["test_r2"],
        "mae": test["mae"].mean(),
        "validation_rmse": metrics["validation_rmse"],
    }


def linear_problem(results: Results, data: str) -> Context:
    """Every model of one problem and, where one solves it in closed form, a row per coefficient.

    Of each descent the mean of the coefficient, and the largest difference from the closed form, relative to it.
    """
    exact, descents = results.closed_form(data), results.linear_descents(data)
    solution = results.table(exact, "coefficients")[["name", "value"]].to_numpy().tolist() if exact else []
    rows: list[Context] = [{"name": name, "exact": value, "descents": []} for name, value in solution]
    for row, descent in product(rows, descents):
        table = results.table(descent, "coefficients")
        found = table.loc[table["name"] == row["name"], "value"]
        apart = ((found - row["exact"]) / row["exact"]).abs().max()
        row["descents"].append({"mean": found.mean(), "apart": apart})
    return {
        "exact": exact,
        "descents": descents,
        "coefficients": rows,
        "plane": dict(solution),
        "models": [regressor(results, name) for name in results.regressors(data)],
    }


CHAPTER_NAMES: Final = {
    "linear": "Linear regression",
    "softmax": "Softmax regression",
    "torchvision": "torchvision",
    "perceptron": "Multilayer perceptron",
}
# The statements whose answers open a chapter's page; that of the multilayer perceptron opens with the short answer.
LEAD: Final = {"linear": ("LIN-3", "LIN-1"), "softmax": ("SOFT-4", "SOFT-3"), "torchvision": ("TV-1", "TV-2")}


def index_page(sources: Sources) -> Context:
    """The short answer, and the statements with their answers."""
    note = [each for each in sources.sections if each.statement.asserted]
    return {
        "which": sources.which,
        "note": note,
        "chapters": {
            name: [each for each in note if each.statement.en.chapter == chapter]
            for chapter, name in CHAPTER_NAMES.items()
        },
        "further": [each for each in sources.sections if not each.statement.asserted],
        "counts": counts(each.answer for each in note),
        "failing": [
            row["why_not"]
            for row in records(sources.results.controls())
            if row["passes"] == "no" and not row["control"].startswith(A_A)
        ],
        "num_readings": len(sources.readings),
    }


def readings_page(sources: Sources) -> Context:
    rows = by_verdict(sources.readings)
    asserted = [each for each in rows if each.reading.en.relation != "beyond"]
    beyond = [each for each in rows if each.reading.en.relation == "beyond"]
    return {"rows": rows, "asserted": asserted, "beyond": beyond, "counts": counts(each.verdict for each in rows)}


def method_page(sources: Sources) -> Context:
    found = sources.readings
    words = [each.row["registration"] for each in found]
    starts = (FIXED, "amended after results", "added after results", UNREGISTERED)
    num_of = {start: sum(each.startswith(start) for each in words) for start in starts}
    controls = records(sources.results.controls())
    return {
        "family": [each for each in found if each.reading.en.confirmatory],
        "num_readings": len(found),
        "fragile": [each for each in found if each.moves],
        "controls": [row | {"measured": measured(row | {"unit": POINTS})} for row in controls],
        "a_a": A_A,
        "register": load_register(sources.results.root / "statements" / "register.yaml"),
        "registrations": {start: num for start, num in num_of.items() if num},
    }


def chapter(sources: Sources, name: str) -> Context:
    """The statements of a chapter of the note, for the end of its page."""
    found = [each for each in sources.sections if each.statement.en.chapter == name]
    return {
        "sections": found,
        "chapter_counts": counts(each.answer for each in found if each.statement.asserted),
        "lead": LEAD.get(name, ()),
        "top_figure": "verdicts/ladder.png" if name == "perceptron" else "",  # stands above the cards
        "cites": citing(sources.sections),
    }


def models_page(sources: Sources) -> Context:
    results = sources.results
    models = results.classifiers() | results.study.vision
    classifiers = [classifier(results, name, params) for name, params in models.items()]
    num = results.facts("images")["num_examples"]["test"]
    errors = [math.sqrt(each["test"] * (1 - each["test"]) / num) for each in classifiers]  # of their accuracies
    return {
        "classifiers": classifiers,
        "housing": [regressor(results, name) for name in results.regressors("housing")],
        "synthetic": [regressor(results, name) for name in results.regressors("synthetic")],
        "published": beside(classifiers, sources.beside),
        "published_fits": sources.published.housing,
        "people": sources.beside.people,
        "standard_errors": {"num_images": num, "least": min(errors, default=0.0), "greatest": max(errors, default=0.0)},
        "rates": rate_rows(results),
    }


def data_page(sources: Sources) -> Context:
    facts = sources.results.facts
    return {"folder": facts("images").get("folder"), "housing": facts("housing"), "synthetic": facts("synthetic")}


def linear_page(sources: Sources) -> Context:
    return {
        "facts": sources.results.facts("housing"),
        "housing": linear_problem(sources.results, "housing"),
        "synthetic": linear_problem(sources.results, "synthetic"),
        "reproductions": records(sources.results.experiment("linearity", "reproduced")),
    } | chapter(sources, "linear")


def classifier_page(sources: Sources, *, hidden: bool) -> Context:
    """The page of the classifiers with hidden layers, or of those without."""
    found = sources.results.classifiers(hidden=hidden)
    models = [classifier(sources.results, name, params) for name, params in found.items()]
    return {"models": models} | chapter(sources, "perceptron" if hidden else "softmax")


def published_page(sources: Sources) -> Context:
    ladder = Ladder.of(sources.results)
    single_runs = [single_run_row(ladder, cell) for cell in ladder.living]
    return published_context(sources.results, sources.beside) | {"single_runs": single_runs}


def provenance_page(sources: Sources) -> Context:
    """`checksums` are of the files as they are published or, for a folder of images, as they were made of it."""
    facts, datasets = sources.results.facts("images"), sources.results.root / DATASETS
    of_images = facts.get("folder", {}).get("checksums") or read_checksums(datasets / facts["dataset"] / "SHA256SUMS")
    of_houses = read_checksums(datasets / "housing" / "SHA256SUMS")
    return {
        "checksums": {facts["name"]: of_images, "Ames housing": of_houses},
        "folder_name": facts["name"] if "folder" in facts else "",
        "versions": sources.results.versions().to_dict("records"),
    }


PAGES: Final[dict[str, Callable[[Sources], Context]]] = {  # by the name of the template and of the file
    "README": index_page,
    "models": models_page,
    "readings": readings_page,
    "method": method_page,
    "data": data_page,
    "linear_regression": linear_page,
    "softmax_regression": partial(classifier_page, hidden=False),
    "torchvision": lambda sources: (
        torchvision_context(sources.results, sources.beside) | chapter(sources, "torchvision")
    ),
    "multilayer_perceptron": lambda sources: classifier_page(sources, hidden=True) | {"which": sources.which},
    "activations": lambda sources: activations_page(sources.results),
    "activation_published": published_page,
    "provenance": provenance_page,
}


def render_pages(sources: Sources) -> Iterator[tuple[str, str]]:
    """File and text of each page but that of wall-clock times, in both languages; the same sources, the same text."""
    jinja, shared = with_bodies(sources.statements), common(sources.results, sources.beside)
    for name, context_of in PAGES.items():
        yield from in_both_languages(jinja, name, shared | context_of(sources))


def cost_pages(results: TimingResults, statements: tuple[Statement, ...]) -> Iterator[tuple[str, str]]:
    """File and text of the page of wall-clock times, which is made apart, in both languages."""
    found = sections(results, statements)
    readings = [reading for section in found for reading in section.readings]
    context = {
        "sections": found,
        "cites": citing(found),
        "counts": counts(each.verdict for each in readings),
        "rows": by_verdict(readings),
        "settings": results.study.judge,
        "thresholds": sorted({each.row["threshold"] for each in readings}),
        "timed": results.study.experiments.activation_cost,
    }
    yield from in_both_languages(with_bodies(statements), PAGE_OF["cost"], context)
