"""A plan as a drawing: what is read on the left, what is written on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.emulator.data_lake_analytics.records import Step

WIDTH, HEIGHT = 210, 62
GAP_X, GAP_Y = 56, 18
MARGIN = 6
_MOST_TEXT = 28


@dataclass(frozen=True)
class Box:
    """
    A step in the drawing.

    :param step: the step
    :param title: what it is called, short
    :param x: its left edge
    :param y: its upper edge
    """

    step: Step
    title: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """
    A plan with places.

    :param boxes: its steps
    :param curves: the ways of the rows, as SVG paths
    :param width: of the whole
    :param height: of the whole
    """

    boxes: tuple[Box, ...]
    curves: tuple[str, ...]
    width: int
    height: int


def draw(steps: Sequence[Step]) -> Drawing:
    """
    Give the steps of a plan their places.

    :param steps: the steps, in an order in which they can run
    :return: the drawing; changes of the catalog, through which no rows go, are not in it
    """
    shown = [step for step in steps if step.kind != "change"]
    columns: dict[str, int] = {}
    for step in shown:
        columns[step.id] = 1 + max((columns[one] for one in step.inputs if one in columns), default=-1)
    used: dict[int, int] = {}
    boxes: dict[str, Box] = {}
    for step in shown:
        column = columns[step.id]
        row = used.get(column, 0)
        used[column] = row + 1
        x, y = MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)
        boxes[step.id] = Box(step, _short(step.label), x, y)
    curves = tuple(
        _curve(boxes[one], boxes[step.id]) for step in shown for one in step.inputs if one in boxes
    )
    width = 2 * MARGIN + len(used) * (WIDTH + GAP_X) - GAP_X if used else 0
    height = 2 * MARGIN + max(used.values(), default=0) * (HEIGHT + GAP_Y) - GAP_Y if used else 0
    return Drawing(tuple(boxes.values()), curves, width, height)


def _short(label: str) -> str:
    return label if len(label) <= _MOST_TEXT else f"\u2026{label[-_MOST_TEXT + 1 :]}"


def _curve(source: Box, target: Box) -> str:
    x1, y1 = source.x + WIDTH, source.y + HEIGHT // 2
    x2, y2 = target.x, target.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
