"""Every figure of the study keeps to the rules, is committed as it is drawn, and is small."""

import io

import numpy as np
import pytest
from matplotlib import image
from PIL import Image

from dlstudy.figures.study import all_figures
from dlstudy.figures.style import COLOURS, DPI, WIDTH, key_above, new, png_bytes, style
from dlstudy.figures.verdicts import cost_figures, verdict_figures
from dlstudy.literature.published import load_published
from dlstudy.study.results import Results, TimingResults
from tests.committed import committed_study
from tests.conftest import ROOT
from tests.figures.rules import faults

REPORTS = ROOT / "reports"
MOST_BYTES = 4_000_000


@pytest.fixture(scope="module")
def figures():
    """By its path, each figure and its PNG: as the stages make it; a second layout may differ."""
    study = committed_study()
    results, timing = Results(ROOT, study), TimingResults(ROOT, study)
    with style():
        drawn = {f"figures/{name}.png": each for name, each in all_figures(results, load_published())}
        drawn |= {f"verdicts/{name}.png": each for name, each in verdict_figures(results)}
        drawn |= {f"timing/{name}.png": each for name, each in cost_figures(timing)}
        yield {name: (png_bytes(each), each) for name, each in drawn.items()}


def test_every_figure_keeps_to_the_rules(figures):
    assert {name: found for name, (_, each) in figures.items() if (found := faults(each))} == {}


def test_committed_figures_are_what_the_study_draws(figures):
    folders = [REPORTS / folder for folder in ("figures", "verdicts", "timing")]
    assert {path.relative_to(REPORTS).as_posix() for each in folders for path in each.iterdir()} == set(figures)
    for name, (content, _) in figures.items():
        committed = (REPORTS / name).read_bytes()
        # Other bytes may be the same pixels: another build of the compression library may pack them otherwise.
        if content != committed:
            again, before = (image.imread(io.BytesIO(png), format="png") for png in (content, committed))
            np.testing.assert_array_equal(again, before, err_msg=name)


def test_committed_pictures_are_sharp_and_small():
    pictures = list(REPORTS.glob("*/*.png"))
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.width == WIDTH * DPI, path.name
            assert picture.info["dpi"] == pytest.approx((DPI, DPI), abs=0.02)  # a PNG has whole pixels per metre
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES


def plain():
    figure, axes = new(3)
    axes.plot([0, 1], [0, 1], color=COLOURS[0], label="training")
    axes.set(xlabel="learning rate", ylabel=r"$\|w - w^* \| of many small words$")
    return key_above(figure)


def with_key_inside(figure):
    figure.axes[0].legend()


def with_overlap(figure):
    figure.axes[0].set_xticks([0, 0.01], ["learning", "rate"])


def with_many_colours(figure):
    for colour in COLOURS:
        figure.axes[0].plot([0, 1], [1, 0], color=colour)


BROKEN = {
    "a key over data": with_key_inside,
    "overlap": with_overlap,
    "6 colours": with_many_colours,
    "a sentence": lambda figure: figure.axes[0].set_title("the loss of every seed"),
    "small": lambda figure: figure.axes[0].text(0.5, 0.5, "tiny", fontsize=6),
    "outside": lambda figure: figure.text(0.98, 0.5, "far away"),
    "8.0 inches wide": lambda figure: figure.set_size_inches(8, 3),
}


def test_a_plain_figure_has_no_fault():
    with style():
        figure = plain()
        figure.draw_without_rendering()
        assert faults(figure) == []


@pytest.mark.parametrize("message", BROKEN)
def test_a_figure_that_breaks_a_rule_is_told_so(message):
    with style():
        figure = plain()
        BROKEN[message](figure)
        figure.draw_without_rendering()
        assert [found.split(":")[0] for found in faults(figure)] == [message]
