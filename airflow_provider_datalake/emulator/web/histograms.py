"""How numbers are spread: a few figures, and the bars of a histogram as they are drawn."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 240
HEIGHT = 80
_BARS = 20
_GAP = 1.5


@dataclass(frozen=True)
class Summary:
    """
    Figures of a column.

    :param figures: name and value, as they are shown
    """

    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bar:
    """
    One bar, in the picture's units.

    :param x: left edge
    :param y: upper edge
    :param width: how wide
    :param height: how high
    :param label: what it counts, for people
    """

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """
    A histogram.

    :param bars: from left to right
    :param first: what is at the left end
    :param last: what is at the right end
    :param most: how many the highest bar stands for
    """

    bars: tuple[Bar, ...]
    first: str
    last: str
    most: int


def summarize(numbers: Sequence[float], missing: int) -> Summary:
    """
    Compute figures.

    :param numbers: the values
    :param missing: how many rows have none
    :return: the figures
    """
    finite = [number for number in numbers if math.isfinite(number)]
    figures = []
    if finite:
        mean = statistics.fmean(finite)
        # The module's own is exact, and takes a second for a large column.
        squares = math.fsum((number - mean) ** 2 for number in finite)
        deviation = math.sqrt(squares / (len(finite) - 1)) if len(finite) > 1 else 0.0
        figures = [
            ("Mean", short(mean)),
            ("Median", short(statistics.median(finite))),
            ("Min", short(min(finite))),
            ("Max", short(max(finite))),
            ("Deviation", short(deviation)),
        ]
    figures += [("Unique", f"{len(set(numbers)):,}"), ("Missing", f"{missing:,}")]
    return Summary(tuple(figures))


def count_values(numbers: Sequence[float]) -> Histogram | None:
    """
    Make a histogram.

    :param numbers: the values; those that are not finite are left out
    :return: the histogram, a bar for each value where these are few whole numbers; None without values
    """
    finite = [number for number in numbers if math.isfinite(number)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if all(number.is_integer() for number in finite) and high - low < _BARS:
        counts = Counter(int(number) for number in finite)
        values = range(int(low), int(high) + 1)
        return _drawn([(short(value), counts[value]) for value in values], short(low), short(high))
    # Halved first: the range of the largest numbers is infinite.
    step = (high / 2 - low / 2) / _BARS * 2
    places = [0] * _BARS
    for number in finite:
        place = int((number / 2 - low / 2) / step * 2) if step else 0
        places[min(place, _BARS - 1)] += 1
    edges = [low + step * number for number in range(_BARS)] + [high]
    labels = [f"{short(start)} to {short(end)}" for start, end in zip(edges[:-1], edges[1:], strict=True)]
    return _drawn(list(zip(labels, places, strict=True)), short(low), short(high))


def short(number: float) -> str:
    """
    Write a number for people.

    :param number: the number
    :return: at most six digits, whole numbers whole
    """
    if abs(number) < 1e15 and float(number).is_integer():
        return f"{int(number):,}" if abs(number) >= 10_000 else str(int(number))
    return f"{number:.6g}"


def _drawn(counts: Sequence[tuple[str, int]], first: str, last: str) -> Histogram:
    most = max(count for _, count in counts)
    width = WIDTH / len(counts)
    bars = []
    for at, (label, count) in enumerate(counts):
        # What is there is seen, however rare.
        height = max(HEIGHT * count / most, 1.0) if count else 0.0
        bars.append(
            Bar(
                round(at * width + _GAP / 2, 2),
                round(HEIGHT - height, 2),
                round(width - _GAP, 2),
                round(height, 2),
                f"{label}: {count:,}",
            )
        )
    return Histogram(tuple(bars), first, last, most)
