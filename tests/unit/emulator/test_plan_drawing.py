from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.data_lake_analytics.records import Step
from airflow_provider_datalake.emulator.web.plan_drawing import GAP_X, HEIGHT, WIDTH, draw


@st.composite
def plans(draw_: st.DrawFn) -> list[Step]:
    count = draw_(st.integers(0, 12))
    steps: list[Step] = []
    for number in range(count):
        inputs = draw_(st.lists(st.sampled_from(steps), max_size=3)) if steps else []
        kind = "rowset" if inputs else "file"
        steps.append(Step(f"s{number}", kind, f"@s{number}", tuple({one.id: None for one in inputs})))
    return steps


@given(plans())
def test_what_is_read_stands_left_of_what_reads_it(steps: list[Step]) -> None:
    places = {box.step.id: box for box in draw(steps).boxes}
    for step in steps:
        for one in step.inputs:
            assert places[one].x + WIDTH + GAP_X <= places[step.id].x


@given(plans())
def test_no_box_covers_another_or_leaves_the_drawing(steps: list[Step]) -> None:
    drawing = draw(steps)
    for one, other in combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + WIDTH <= drawing.width
        assert box.y + HEIGHT <= drawing.height


@given(plans())
def test_every_input_has_its_curve(steps: list[Step]) -> None:
    assert len(draw(steps).curves) == sum(len(step.inputs) for step in steps)


def test_changes_of_the_catalog_are_not_drawn() -> None:
    assert draw([Step("a", "change", "CreateDatabase")]).boxes == ()


def test_of_a_long_name_the_end_is_shown() -> None:
    (box,) = draw([Step("a", "file", "adl://emulator.azuredatalakestore.net/raw/weather.csv")]).boxes
    assert box.title.startswith("…")
    assert box.title.endswith("/raw/weather.csv")
