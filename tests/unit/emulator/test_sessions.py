from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.catalog import CommitConflict, InvalidDefinition, NoSuchEntity, Table
from airflow_provider_datalake.emulator.sessions import DownloadSession, SessionClosed, Sessions, UploadStatus
from airflow_provider_datalake.emulator.storage import Storage
from tests.unit.emulator.tables import create, files_on_disk, insert, overwrite, scan, specs, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "data")
    yield storage
    storage.close()


@pytest.fixture
def sessions(storage: Storage) -> Sessions:
    return Sessions(storage)


def put(storage: Storage, sessions: Sessions, session_id: str, block_id: int, *values: int) -> None:
    table = sessions.get_upload(session_id).table
    (staged,) = stage(storage, table, [(value,) for value in values])
    sessions.put_block(session_id, block_id, staged)


def rows_of(session: DownloadSession) -> list[object]:
    return [value for batch in session.snapshot.read() for value in batch.column(0).to_pylist()]


class TestUpload:
    def test_blocks_become_visible_together_in_the_order_of_their_ids(
        self, storage: Storage, sessions: Sessions
    ):
        table = create(storage)
        session = sessions.create_upload(table)
        for block_id in (2, 0, 1):
            put(storage, sessions, session.id, block_id, block_id)
        assert scan(storage, table) == []
        sessions.commit_upload(session.id)
        assert scan(storage, table) == [(0,), (1,), (2,)]
        assert sessions.get_upload(session.id).status is UploadStatus.CLOSED

    def test_a_block_that_is_put_again_replaces_the_first(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        put(storage, sessions, session.id, 0, 1)
        put(storage, sessions, session.id, 0, 2)
        sessions.commit_upload(session.id)
        assert scan(storage, table) == [(2,)]
        assert len(files_on_disk(storage)) == 1

    def test_a_second_commit_changes_nothing(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        put(storage, sessions, session.id, 0, 1)
        for blocks in (None, [0], None):
            sessions.commit_upload(session.id, blocks)
        assert scan(storage, table) == [(1,)]
        with pytest.raises(SessionClosed, match="other blocks"):
            sessions.commit_upload(session.id, [0, 1])

    def test_a_second_commit_does_not_undo_what_came_after_the_first(
        self, storage: Storage, sessions: Sessions
    ):
        table = create(storage)
        session = sessions.create_upload(table, overwrite=True)
        put(storage, sessions, session.id, 0, 1)
        sessions.commit_upload(session.id)
        overwrite(storage, table, [(2,)])
        sessions.commit_upload(session.id)
        assert scan(storage, table) == [(2,)]
        assert len(files_on_disk(storage)) == 1

    def test_two_commits_at_once_are_one(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        put(storage, sessions, session.id, 0, 1)
        threads = [threading.Thread(target=sessions.commit_upload, args=(session.id,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert scan(storage, table) == [(1,)]

    def test_only_the_named_blocks_are_committed(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        for block_id in range(3):
            put(storage, sessions, session.id, block_id, block_id)
        with pytest.raises(NoSuchEntity, match="block 7"):
            sessions.commit_upload(session.id, [0, 7])
        assert sessions.get_upload(session.id).status is UploadStatus.NORMAL
        sessions.commit_upload(session.id, [0, 2])
        assert scan(storage, table) == [(0,), (2,)]
        assert sorted(sessions.get_upload(session.id).blocks) == [0, 2]
        assert len(files_on_disk(storage)) == 2

    def test_a_committed_session_takes_no_more_blocks(self, storage: Storage, sessions: Sessions):
        session = sessions.create_upload(create(storage))
        sessions.commit_upload(session.id)
        with pytest.raises(SessionClosed, match="has been committed"):
            put(storage, sessions, session.id, 0, 1)

    def test_a_missing_partition_is_refused_at_the_start_unless_it_shall_be_created(
        self, storage: Storage, sessions: Sessions
    ):
        table = create(storage, partitions={"p": "bigint"})
        with pytest.raises(NoSuchEntity, match="partition p='1'"):
            sessions.create_upload(table, ["01"])
        session = sessions.create_upload(table, ["01"], create_partition=True)
        put(storage, sessions, session.id, 0, 5)
        assert storage.catalog.list_partitions(table) == []
        sessions.commit_upload(session.id)
        assert scan(storage, table) == [(5, 1)]

    def test_the_partition_must_fit_the_table(self, storage: Storage, sessions: Sessions):
        table = create(storage, partitions={"p": "bigint"})
        for values in (None, [], ["1", "2"], ["x"]):
            with pytest.raises(InvalidDefinition):
                sessions.create_upload(table, values)

    def test_an_overwrite_replaces_its_partition_only(self, storage: Storage, sessions: Sessions):
        table = create(storage, partitions={"p": "string"})
        for value in "ab":
            insert(storage, table, [(1,)], [value])
        session = sessions.create_upload(table, ["a"], overwrite=True)
        put(storage, sessions, session.id, 0, 9)
        sessions.commit_upload(session.id)
        assert sorted(scan(storage, table)) == [(1, "b"), (9, "a")]

    def test_an_overwrite_without_rows_empties(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        insert(storage, table, [(1,)])
        sessions.commit_upload(sessions.create_upload(table, overwrite=True).id)
        assert scan(storage, table) == []

    def test_a_table_that_was_dropped_meanwhile_is_a_conflict(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        put(storage, sessions, session.id, 0, 1)
        storage.catalog.drop_table("demo", "t")
        again = create(storage)
        with pytest.raises(CommitConflict):
            sessions.commit_upload(session.id)
        assert scan(storage, again) == []

    def test_a_table_whose_columns_changed_meanwhile_takes_the_rows_by_their_columns(
        self, storage: Storage, sessions: Sessions
    ):
        table = create(storage, a="bigint", b="bigint")
        session = sessions.create_upload(table)
        (staged,) = stage(storage, session.table, [(1, 2)])
        sessions.put_block(session.id, 0, staged)
        changed = storage.catalog.drop_columns(table, ["a"])
        storage.catalog.add_columns(changed, specs(a="string"))
        sessions.commit_upload(session.id)
        assert scan(storage, table) == [(2, None)]

    def test_it_goes_on_after_a_restart(self, storage: Storage, sessions: Sessions, tmp_path: Path):
        table = create(storage, partitions={"p": "string"}, a="array<bigint>")
        session = sessions.create_upload(table, ["x"], True, True, "me")
        (staged,) = stage(storage, table, [([1],)])
        sessions.put_block(session.id, 3, staged)
        expected = sessions.get_upload(session.id)
        storage.close()
        again = Storage(tmp_path / "data")
        later = Sessions(again)
        assert later.get_upload(session.id) == expected
        assert (expected.table, expected.blocks) == (table, {3: staged})
        later.commit_upload(session.id)
        assert scan(again, table) == [([1], "x")]
        again.close()

    def test_an_unknown_session_is_named(self, sessions: Sessions):
        with pytest.raises(NoSuchEntity, match="upload session nope"):
            sessions.get_upload("nope")
        with pytest.raises(NoSuchEntity, match="download session nope"):
            sessions.get_download("nope")


class TestDownload:
    @pytest.fixture
    def table(self, storage: Storage) -> Table:
        table = create(storage, partitions={"p": "string"})
        for number, value in enumerate("ab"):
            insert(storage, table, [(number,)], [value])
        return table

    def test_it_shows_the_rows_as_they_were(self, storage: Storage, sessions: Sessions, table: Table):
        session = sessions.create_download(table)
        storage.catalog.rename_column(table, "a", "z")
        storage.catalog.drop_table("demo", "t")
        storage.sweep()
        again = sessions.get_download(session.id)
        assert rows_of(again) == [0, 1]
        assert again.snapshot.schema.names == ["a", "p"]

    def test_it_can_be_of_one_partition(self, storage: Storage, sessions: Sessions, table: Table):
        session = sessions.create_download(table, [storage.catalog.get_partition(table, ["b"]).id])
        assert (session.snapshot.row_count, rows_of(session)) == (1, [1])

    def test_closing_its_snapshot_does_not_end_it(self, storage: Storage, sessions: Sessions, table: Table):
        session = sessions.create_download(table)
        overwrite(storage, table, [], ["a"])
        with session.snapshot:
            pass
        assert rows_of(sessions.get_download(session.id)) == [0, 1]

    def test_it_goes_on_after_a_restart(
        self, storage: Storage, sessions: Sessions, table: Table, tmp_path: Path
    ):
        session = sessions.create_download(table)
        overwrite(storage, table, [], ["a"])
        storage.close()
        again = Storage(tmp_path / "data")
        later = Sessions(again).get_download(session.id)
        assert (later.snapshot.table, rows_of(later)) == (session.snapshot.table, [0, 1])
        assert later.snapshot.partitions == session.snapshot.partitions
        again.close()


class TestExpiry:
    def test_sessions_that_nobody_used_go_with_their_files(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        insert(storage, table, [(1,)])
        upload, download = sessions.create_upload(table), sessions.create_download(table)
        put(storage, sessions, upload.id, 0, 2)
        overwrite(storage, table, [(3,)])
        assert len(files_on_disk(storage)) == 3
        assert sessions.expire(time.time() - 3600) == 0
        assert sessions.expire(time.time() + 1) == 2
        assert len(files_on_disk(storage)) == 1
        for look_up, session_id in ((sessions.get_upload, upload.id), (sessions.get_download, download.id)):
            with pytest.raises(NoSuchEntity):
                look_up(session_id)
        assert scan(storage, table) == [(3,)]

    def test_a_committed_upload_keeps_its_rows(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        session = sessions.create_upload(table)
        put(storage, sessions, session.id, 0, 1)
        sessions.commit_upload(session.id)
        assert sessions.expire(time.time() + 1) == 1
        storage.sweep()
        assert scan(storage, table) == [(1,)]

    def test_use_keeps_a_session(self, storage: Storage, sessions: Sessions):
        table = create(storage)
        upload, download = sessions.create_upload(table), sessions.create_download(table)
        idle = sessions.create_download(table)
        moment = time.time()
        put(storage, sessions, upload.id, 0, 1)
        sessions.get_download(download.id)
        assert sessions.expire(moment) == 1
        assert sessions.get_upload(upload.id).blocks.keys() == {0}
        assert rows_of(sessions.get_download(download.id)) == []
        with pytest.raises(NoSuchEntity):
            sessions.get_download(idle.id)
