"""Results of SELECT statements through the instance tunnel, judged by the unmodified client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from odps import ODPS


@pytest.fixture
def numbers(odps: ODPS, table_name: str) -> str:
    """A table of 12,000 rows; gives its name."""
    import pandas as pd

    odps.create_table(table_name, "a bigint, b string")
    odps.write_table(table_name, pd.DataFrame({"a": range(12_000), "b": [f"row {n}" for n in range(12_000)]}))
    return table_name


def _select(odps: ODPS, query: str):
    return odps.execute_sql(query, hints={"odps.sql.timezone": "UTC"})


def test_records(odps):
    instance = _select(odps, "SELECT 1L AS a, 'x' AS b UNION ALL SELECT NULL, '中文' ORDER BY a LIMIT 9")
    with instance.open_reader(tunnel=True) as reader:
        assert reader.count == 2
        assert [record.values for record in reader] == [[None, "中文"], [1, "x"]]


def test_arrow_and_pandas(odps, numbers):
    instance = _select(odps, f"SELECT a, b FROM {numbers} ORDER BY a LIMIT 20000")
    with instance.open_reader(tunnel=True, arrow=True) as reader:
        assert reader.read_all().column("a").to_pylist() == list(range(12_000))
    with instance.open_reader(tunnel=True) as reader:
        frame = reader.to_pandas()
    assert list(frame["b"])[-1] == "row 11999"
    assert len(frame) == 12_000


def test_rows_beyond_ten_thousand_come_unless_the_client_limits_itself(odps, numbers):
    instance = _select(odps, f"SELECT a FROM {numbers}")
    with instance.open_reader(tunnel=True, limit=False, reopen=True) as reader:
        assert reader.count == 12_000
        assert sum(1 for _ in reader) == 12_000
    with instance.open_reader(tunnel=True, limit=True, reopen=True) as reader:
        assert reader.count == 10_000
        assert sum(1 for _ in reader) == 10_000


def test_ranges_and_columns(odps, numbers):
    from odps.tunnel import InstanceTunnel

    instance = _select(odps, f"SELECT a, b FROM {numbers} ORDER BY a LIMIT 20000")
    session = InstanceTunnel(odps).create_download_session(instance)
    for start, count in ((0, 1), (5000, 3), (11_999, 1)):
        expected = [[f"row {n}", n] for n in range(start, start + count)]
        with session.open_record_reader(start, count, columns=["b", "a"]) as reader:
            assert [record.values for record in reader] == expected
        with session.open_arrow_reader(start, count, columns=["b", "a"]) as reader:
            assert [list(row.values()) for row in reader.read().to_pylist()] == expected


def test_a_session_is_reopened_by_its_id(odps, numbers):
    from odps.errors import ODPSError
    from odps.tunnel import InstanceTunnel

    tunnel = InstanceTunnel(odps)
    instance = _select(odps, f"SELECT a FROM {numbers} LIMIT 5")
    session = tunnel.create_download_session(instance)
    assert tunnel.create_download_session(instance, download_id=session.id).count == 5
    with pytest.raises(ODPSError) as caught:
        tunnel.create_download_session(instance, download_id="missing")
    assert caught.value.code == "NoSuchDownload"


def test_results_stay_though_the_table_is_dropped(odps, numbers):
    instance = _select(odps, f"SELECT COUNT(*) AS n FROM {numbers}")
    odps.delete_table(numbers)
    with instance.open_reader(tunnel=True) as reader:
        assert [record.values for record in reader] == [[12_000]]


def test_results_survive_a_restart(own_emulator):
    emulator = own_emulator()
    instance_id = emulator.client().execute_sql("SELECT 1L AS a").id
    emulator.restart()
    with emulator.client().get_instance(instance_id).open_reader(tunnel=True) as reader:
        assert [record.values for record in reader] == [[1]]


def test_no_rows(odps, numbers):
    instance = _select(odps, f"SELECT a, b FROM {numbers} WHERE a < 0")
    with instance.open_reader(tunnel=True) as reader:
        assert reader.count == 0
        assert list(reader) == []
    with instance.open_reader(tunnel=True) as reader:
        assert [c.name for c in reader._download_session.schema.columns] == ["a", "b"]


def test_compressed(odps, numbers):
    instance = _select(odps, f"SELECT a FROM {numbers} LIMIT 10")
    with instance.open_reader(tunnel=True, compress_algo="zlib") as reader:
        assert len([record for record in reader.read(compress=True)]) == 10


def test_timestamps_and_missing_ones(odps):
    import pandas as pd

    instance = _select(
        odps,
        "SELECT CAST('1969-12-31 23:59:59.123456789' AS TIMESTAMP) AS t, 1 AS n"
        " UNION ALL SELECT CAST(NULL AS TIMESTAMP), 2 ORDER BY n LIMIT 9",
    )
    expected = [pd.Timestamp("1969-12-31 23:59:59.123456789"), None]
    with instance.open_reader(tunnel=True) as reader:
        assert [record[0] for record in reader] == expected
    with instance.open_reader(tunnel=True, arrow=True) as reader:
        assert reader.read_all().column("t").to_pylist() == expected


def test_a_bare_null_reads_as_a_string(odps):
    instance = _select(odps, "SELECT NULL AS n")
    with instance.open_reader(tunnel=True) as reader:
        assert [record.values for record in reader] == [[None]]
    with instance.open_reader(tunnel=True, arrow=True) as reader:
        assert reader.read_all().to_pydict() == {"n": [None]}


@pytest.mark.parametrize("query", ["SHOW TABLES", "CREATE TABLE IF NOT EXISTS {name} (a bigint)"])
def test_other_statements_have_no_rows_to_tunnel(odps, table_name, query):
    from odps.errors import InstanceTypeNotSupported
    from odps.tunnel import InstanceTunnel

    instance = odps.execute_sql(query.format(name=table_name))
    with pytest.raises(InstanceTypeNotSupported):
        InstanceTunnel(odps).create_download_session(instance)
    instance.open_reader()


def test_a_failed_instance_says_why(odps):
    from odps.errors import ODPSError
    from odps.tunnel import InstanceTunnel

    instance = odps.run_sql("SELECT * FROM no_such_table_here")
    instance.wait_for_completion(interval=0.05)
    with pytest.raises(ODPSError, match="no_such_table_here"):
        InstanceTunnel(odps).create_download_session(instance)


def test_a_running_instance_has_no_rows_yet(odps, long_sql):
    from odps.errors import ODPSError
    from odps.tunnel import InstanceTunnel

    instance = odps.run_sql(long_sql)
    try:
        with pytest.raises(ODPSError) as caught:
            InstanceTunnel(odps).create_download_session(instance)
        assert caught.value.code == "InstanceNotTerminate"
    finally:
        instance.stop()


def test_an_unknown_instance_is_refused(odps):
    from odps.errors import NoSuchObject
    from odps.tunnel import InstanceTunnel

    with pytest.raises(NoSuchObject):
        InstanceTunnel(odps).create_download_session("20250101000000000gmissing")


def test_a_db_api_cursor_fetches(odps, numbers):
    from odps import dbapi

    connection = dbapi.connect(odps)
    cursor = connection.cursor()
    cursor.execute(f"SELECT a, b FROM {numbers} WHERE a < 3 ORDER BY a LIMIT 3")
    assert [tuple(row) for row in cursor.fetchmany(2)] == [(0, "row 0"), (1, "row 1")]
    assert [tuple(row) for row in cursor.fetchall()] == [(2, "row 2")]
    assert [column[0] for column in cursor.description] == ["a", "b"]
