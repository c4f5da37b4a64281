"""The committed reports are what the renderer makes of the committed results."""

from pathlib import Path

import pytest

from dlstudy.figures.study import all_figures
from dlstudy.figures.style import png_bytes, style
from dlstudy.literature.published import load_published
from dlstudy.report import pages as pages_module
from dlstudy.report.pages import PAGES, Sources, cost_pages, render_pages
from dlstudy.report.scorecard import PAGE_OF
from dlstudy.study.results import MissingResultError, Results, TimingResults
from tests.committed import committed_statements, committed_study

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = committed_statements(timed=False)
REPORTS = ROOT / "reports"


@pytest.fixture(scope="module")
def results():
    return Results(ROOT, committed_study())


@pytest.fixture(scope="module")
def pages(results):
    """All pages but that of times, which none of them asks for: they are rendered where nothing was timed, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Results, "timing", None)  # a call would fail
        return dict(render_pages(Sources(results, load_published(), STATEMENTS)))


@pytest.mark.parametrize("page", [f"{folder}{name}.md" for folder in ("", "zh/") for name in PAGES])
def test_a_committed_page_is_what_the_renderer_gives(pages, page):
    assert (REPORTS / page).read_text(encoding="utf-8") == pages[page]


def test_the_committed_page_of_times_is_what_the_renderer_gives_of_the_committed_times(results):
    statements = committed_statements(timed=True)
    made = dict(cost_pages(TimingResults(ROOT, results.study), statements))
    assert {page: (REPORTS / page).read_text(encoding="utf-8") for page in made} == made


def test_no_other_page_is_committed(pages):
    committed = {path.relative_to(REPORTS).as_posix() for path in REPORTS.rglob("*.md")}
    assert committed == {*pages, f"{PAGE_OF['cost']}.md", f"zh/{PAGE_OF['cost']}.md"}


def test_figures_do_not_depend_on_the_users_own_settings(results):
    import matplotlib as mpl

    def first():
        with style():
            return png_bytes(next(all_figures(results, load_published()))[1])

    plain = first()
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert first() == plain


def test_a_model_without_results_is_named_with_the_stage_that_makes_them(results):
    model = results.study.train["mlp_relu"]
    more = results.study.model_copy(update={"train": {**results.study.train, "unknown": model}})
    with pytest.raises(MissingResultError, match=r"evaluate@unknown"):
        rendered(Results(ROOT, more), "models")


def rendered(results, *names):
    """The pages with these names, in both languages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages_module, "PAGES", {name: PAGES[name] for name in names})
        return dict(render_pages(Sources(results, load_published(), STATEMENTS)))


def pages_of(results, models, *names):
    """The pages of a study with these models alone: all of them, or those with these names."""
    sections = {kind: getattr(results.study, kind) for kind in ("train", "vision")}
    kept = {kind: {name: of[name] for name in models if name in of} for kind, of in sections.items()}
    fewer = results.study.model_copy(update=kept)
    return rendered(Results(ROOT, fewer), *(names or PAGES))


def test_a_study_of_images_alone_renders(results):
    text = pages_of(results, results.classifiers())
    assert "No model in params.yaml is fitted to the houses" in text["linear_regression.md"]
    assert "Houses" not in text["models.md"]


def test_a_study_of_houses_alone_renders(results):
    text = pages_of(results, results.regressors("housing"))
    assert "No model in params.yaml has a hidden layer" in text["multilayer_perceptron.md"]
    assert "## Images" not in text["models.md"]


class OfDigits(Results):
    """The committed results, as if they were about other images."""

    def facts(self, data):
        return super().facts(data) | ({"dataset": "MNIST", "name": "MNIST"} if data == "images" else {})


def test_pages_of_other_images_say_their_name_and_compare_with_nothing_published(results):
    names = ("models", "data", "softmax_regression", "multilayer_perceptron", "provenance")
    text = rendered(OfDigits(ROOT, results.study), *names)
    assert "## Images: MNIST" in text["models.md"]
    assert "## MNIST\n" in text["data.md"]
    assert "(../datasets/mnist.md)" in text["data.md"]
    for page in ("softmax_regression.md", "multilayer_perceptron.md"):
        assert "images of [MNIST](data.md#mnist), once" in text[page]
        assert "on validation images of Fashion-MNIST" in text[page]  # for which learning rates were chosen
    assert "The published figures that we have are about Fashion-MNIST" in text["models.md"]
    assert not [figure.protocol for figure in load_published().fashion_mnist if figure.protocol in text["models.md"]]
    assert "| MNIST | train-images-idx3-ubyte | `ba891046" in text["provenance.md"]


def test_every_published_figure_stands_with_source_and_protocol(pages):
    for figure in (figure for figure in load_published().fashion_mnist if figure.beside):
        assert any(
            row.startswith(f"| {figure.source} | {figure.model} | {figure.value} |")
            and row.endswith(f" | {figure.protocol} |")
            for row in pages["models.md"].splitlines()
        )


def test_a_study_without_a_closed_form_still_tells_of_its_regressions(results):
    text = pages_of(results, ("linear_sgd", "synthetic_sgd"), "linear_regression")["linear_regression.md"]
    assert "| `linear_sgd` | minibatch SGD |" in text
    assert "least squares |" not in text
