"""One dataset per task, whatever moment a worker dies at."""

from __future__ import annotations

import hashlib
import io
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_datalake.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    ServiceError,
)
from airflow_provider_datalake.jobs.dataset_upload import (
    FAIL,
    REQUIRE,
    SKIP,
    STORE_KEY,
    UPDATE,
    DatasetRequest,
    DatasetUpload,
    Outcome,
    Source,
)
from tests.unit.clients.studio_fakes import EXAMPLE, FakeStudio, refusal
from tests.unit.jobs.fakes import FakeStore, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
BYTES = b"a,b\n1,2\n3,4\n"


def run(
    studio: FakeStudio, store: FakeStore, *, max_tries: int = 1, sent: bytes = BYTES, **fields: Any
) -> Outcome:
    @contextmanager
    def contents(data_type_id: str) -> Iterator[Source]:
        yield Source(io.BytesIO(sent), len(sent), 2)

    request = DatasetRequest(**{"name": "d", "origin": ["file", "x", 1], **fields})
    return DatasetUpload(studio.workspace(), store, max_tries, log).run(request, contents)


def kill(studio: FakeStudio, operation: str, *, after: bool = False) -> None:
    """Let the worker die at a request, before or after the service has done it."""
    original = getattr(studio, f"_{operation}")

    def die(request: Any) -> Any:
        setattr(studio, f"_{operation}", original)
        if after:
            original(request)
        raise Killed

    setattr(studio, f"_{operation}", die)


def versions_with(studio: FakeStudio, content: bytes) -> int:
    """How many versions of datasets were ever made of these bytes."""
    return sum(1 for one in studio.contents.values() if one == content)


def test_a_dataset_is_made() -> None:
    studio, store = FakeStudio(), FakeStore()
    outcome = run(studio, store, description="words")
    assert (outcome.action, outcome.rows, outcome.info.size) == ("created", 2, len(BYTES))
    assert studio.contents[outcome.info.id] == BYTES
    assert outcome.info.data_type_id == "GenericCSV"


def test_what_is_about_to_be_made_is_stored_before_it_is_asked_for() -> None:
    studio, store = FakeStudio(), FakeStore()
    kill(studio, "create")
    with pytest.raises(Killed):
        run(studio, store)
    stored = store[STORE_KEY]["before"]
    assert stored["upload_id"] == "u0"
    assert stored["size"] == len(BYTES)
    assert stored["sha256"] == hashlib.sha256(BYTES).hexdigest()
    assert stored["plan"]["name"] == "d"


DEATHS = [
    pytest.param(operation, after, id=f"{'after' if after else 'before'} {operation}")
    for operation in ("list", "begin", "block", "create", "get")
    for after in (False, True)
]


@pytest.mark.parametrize(("operation", "after"), DEATHS)
@pytest.mark.parametrize("if_exists", [FAIL, UPDATE, SKIP])
def test_a_worker_that_dies_leaves_one_dataset_to_the_next_try(
    operation: str, after: bool, if_exists: str
) -> None:
    studio, store = FakeStudio(), FakeStore()
    kill(studio, operation, after=after)
    with pytest.raises(Killed):
        run(studio, store, if_exists=if_exists)
    outcome = run(studio, store, if_exists=if_exists)
    assert (outcome.action, outcome.rows) == ("created", 2)
    assert studio.contents == {outcome.info.id: BYTES}


@pytest.mark.parametrize(("operation", "after"), DEATHS)
@pytest.mark.parametrize("if_exists", [UPDATE, REQUIRE])
def test_a_worker_that_dies_at_an_update_leaves_one_new_version(
    operation: str, after: bool, if_exists: str
) -> None:
    studio, store = FakeStudio(), FakeStore()
    old = studio.add("d")
    kill(studio, operation, after=after)
    with pytest.raises(Killed):
        run(studio, store, if_exists=if_exists)
    outcome = run(studio, store, if_exists=if_exists)
    assert outcome.action == "updated"
    assert outcome.info.family_id == old["FamilyId"]
    assert versions_with(studio, BYTES) == 1
    assert [one["Id"] for one in studio.datasets] == [outcome.info.id]


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("side", ["kill_before_set", "kill_after_set"])
def test_a_worker_that_dies_at_a_write_of_the_intent_leaves_one_dataset(write: int, side: str) -> None:
    studio, store = FakeStudio(), FakeStore()
    setattr(store, side, write)
    with pytest.raises(Killed):
        run(studio, store)
    store.kill_before_set = store.kill_after_set = None
    outcome = run(studio, store)
    assert studio.contents == {outcome.info.id: BYTES}


@pytest.mark.parametrize(("operation", "after"), DEATHS)
def test_a_rename_is_found_by_the_next_try(operation: str, after: bool) -> None:
    studio, store = FakeStudio(), FakeStore()
    studio.add("d")
    kill(studio, operation, after=after)
    with pytest.raises(Killed):
        run(studio, store, if_exists=REQUIRE, new_name="e")
    outcome = run(studio, store, if_exists=REQUIRE, new_name="e")
    assert [one["Name"] for one in studio.datasets] == [outcome.info.name] == ["e"]
    assert versions_with(studio, BYTES) == 1


def test_a_try_after_a_crash_sends_nothing_again() -> None:
    studio, store = FakeStudio(), FakeStore()
    kill(studio, "create")
    with pytest.raises(Killed):
        run(studio, store)
    studio.requests.clear()
    run(studio, store)
    assert studio.ops() == ["list", "create", "get"]


def test_an_upload_that_the_service_has_forgotten_is_sent_again() -> None:
    studio, store = FakeStudio(), FakeStore()
    kill(studio, "create")
    with pytest.raises(Killed):
        run(studio, store)
    studio.uploads.clear()
    outcome = run(studio, store)
    assert studio.contents == {outcome.info.id: BYTES}


def test_a_finished_try_gives_its_dataset_again_though_a_newer_version_has_taken_its_place() -> None:
    studio, store = FakeStudio(), FakeStore()
    first = run(studio, store)
    latest = studio.datasets[0]
    studio.datasets[0] = {**latest, "IsLatest": False}
    assert run(studio, store).info.id == first.info.id


def test_a_cleared_task_sends_anew() -> None:
    studio, store = FakeStudio(), FakeStore()
    run(studio, store, if_exists=UPDATE)
    outcome = run(studio, store, max_tries=2, if_exists=UPDATE)
    assert outcome.action == "updated"
    assert versions_with(studio, BYTES) == 2
    assert len(studio.datasets) == 1


def test_another_source_is_sent_anew() -> None:
    studio, store = FakeStudio(), FakeStore()
    run(studio, store, if_exists=UPDATE)
    outcome = run(studio, store, if_exists=UPDATE, origin=["file", "x", 2], sent=b"x\n")
    assert (outcome.action, outcome.info.size) == ("updated", 2)


def test_a_used_name_is_refused_before_anything_is_sent() -> None:
    studio, store = FakeStudio(), FakeStore()
    studio.add("d", BYTES)
    with pytest.raises(ConflictError, match="there is a dataset 'd' already; if_exists='update'"):
        run(studio, store)
    assert studio.ops() == ["list"]
    assert not store


def test_a_used_name_can_be_skipped() -> None:
    studio, store = FakeStudio(), FakeStore()
    old = studio.add("d")
    outcome = run(studio, store, if_exists=SKIP)
    assert (outcome.action, outcome.info.id, outcome.rows) == ("skipped", old["Id"], None)
    assert studio.ops() == ["list"]


def test_an_update_needs_a_dataset() -> None:
    with pytest.raises(NotFoundError, match="there is no dataset 'd'"):
        run(FakeStudio(), FakeStore(), if_exists=REQUIRE)


def test_an_example_cannot_be_updated() -> None:
    studio = FakeStudio()
    studio.add("d", Id=EXAMPLE)
    with pytest.raises(ConfigurationError, match="example dataset"):
        run(studio, FakeStore(), if_exists=UPDATE)


def test_an_update_keeps_format_and_words() -> None:
    studio = FakeStudio()
    studio.add("d", DataTypeId="GenericTSV", Description="old")
    info = run(studio, FakeStore(), if_exists=UPDATE).info
    assert (info.data_type_id, info.description) == ("GenericTSV", "old")


def test_a_name_that_somebody_takes_meanwhile_is_a_conflict() -> None:
    studio = FakeStudio()
    studio.before["create"] = lambda: studio.add("d") and None
    with pytest.raises(ConflictError, match="NameUsed"):
        run(studio, FakeStore())


def test_a_name_that_somebody_takes_meanwhile_is_updated_or_skipped() -> None:
    for if_exists, action in ((UPDATE, "updated"), (SKIP, "skipped")):
        studio = FakeStudio()
        studio.before["create"] = lambda studio=studio: studio.add("d") and None  # type: ignore[misc]
        outcome = run(studio, FakeStore(), if_exists=if_exists)
        assert outcome.action == action
        assert len(studio.datasets) == 1


def test_a_conflict_with_our_own_bytes_is_our_success() -> None:
    studio = FakeStudio()
    # A worker that was given up, and is still alive, has made it of another upload.
    studio.before["create"] = lambda: studio.add("d", BYTES) and None
    outcome = run(studio, FakeStore())
    assert outcome.action == "created"
    assert studio.contents == {outcome.info.id: BYTES}


def test_a_rename_onto_another_dataset_with_the_same_bytes_stays_a_conflict() -> None:
    studio = FakeStudio()
    studio.add("d")
    studio.add("e", BYTES)
    with pytest.raises(ConflictError, match="NameUsed"):
        run(studio, FakeStore(), if_exists=REQUIRE, new_name="e")


def test_a_service_that_fails_for_long_is_an_error_and_the_next_try_goes_on() -> None:
    studio, store = FakeStudio(), FakeStore()
    studio.refuse["create"] = [refusal(500, "Oops")] * 4
    with pytest.raises(ServiceError, match="Oops"):
        run(studio, store)
    outcome = run(studio, store)
    assert studio.contents == {outcome.info.id: BYTES}
    assert studio.ops().count("begin") == 1
