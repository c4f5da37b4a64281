"""What every figure keeps to; the messages say what is wrong."""

import re
from itertools import pairwise

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from dlstudy.figures.style import SMALL, WIDTH

MOST_WORDS = 3  # a label; more is a sentence, which only one of the two languages' readers would read
MOST_COLOURS = 4  # besides greys
WORD = re.compile(r"[A-Za-z]{2,}")
NO_WORDS = re.compile(r"\$[^$]+\$|\b[A-Z]+-\d+")  # a formula, the id of a statement


def faults(figure):
    """What a figure that has been drawn breaks, a message each."""
    found = [] if figure.get_figwidth() == WIDTH else [f"{figure.get_figwidth()} inches wide"]
    texts = [*other_texts(figure), *(label for row in tick_labels(figure) for label in row)]
    found += [f"small: {text.get_text()!r}" for text in texts if text.get_fontsize() < SMALL]
    found += [f"outside: {text.get_text()!r}" for text in texts if leaves(figure, text)]
    found += [
        f"a sentence: {line!r}"
        for text in texts
        for line in text.get_text().splitlines()
        if len(WORD.findall(NO_WORDS.sub("", line))) > MOST_WORDS
    ]
    found += [
        f"overlap: {first.get_text()!r} and {second.get_text()!r}"
        for row in tick_labels(figure)
        for first, second in pairwise(row)
        if not first.get_rotation() and first.get_window_extent().overlaps(second.get_window_extent())
    ]
    found += ["a key over data" for axes in figure.axes if axes.axison and axes.get_legend()]
    num = len(colours(figure))
    return found + [f"{num} colours"] * (num > MOST_COLOURS)


def tick_labels(figure):
    """Of each axis that is drawn, the labels that are shown, in order."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = sorted((tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high), key=get_loc)
            labels = [label for tick in ticks for label in (tick.label1, tick.label2)]
            yield [label for label in labels if label.get_visible() and label.get_text()]


def get_loc(tick):
    return tick.get_loc()


def other_texts(figure):
    of_ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
    }
    off = {label for axes in figure.axes if not axes.axison for label in (axes.xaxis.label, axes.yaxis.label)}
    texts = set(figure.findobj(Text)) - of_ticks - off
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def leaves(figure, text):
    box, page = text.get_window_extent(), figure.bbox
    pixel = 1  # hinting
    inside = page.x0 - pixel <= box.x0 and box.x1 <= page.x1 + pixel
    return not (inside and page.y0 - pixel <= box.y0 and box.y1 <= page.y1 + pixel)


def colours(figure):
    """Those of lines, markers and areas that are no grey."""
    found = [line.get_color() for axes in figure.axes for line in axes.lines]
    found += [patch.get_facecolor() for axes in figure.axes for patch in axes.patches]
    found += [colour for axes in figure.axes for each in axes.collections for colour in each.get_facecolor()]
    found += [colour for axes in figure.axes for each in axes.collections for colour in each.get_edgecolor()]
    return {rgb for rgb in map(to_rgb, found) if np.ptp(rgb) > 0.05}
