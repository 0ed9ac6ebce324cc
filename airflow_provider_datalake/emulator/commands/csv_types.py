"""The types of CSV files' columns, by all of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.maxcompute_columns import BadData

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_datalake.clients.maxcompute_sources import Source

# A column has the first type that all of its values have. What looks like a number with leading zeros is a
# code, which would lose its zeros.
_TYPES = {
    "boolean": "true|false",
    "bigint": "-?(0|[1-9][0-9]{0,17})",
    "double": r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "datetime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?",
}


def infer_types(sources: Sequence[Source]) -> dict[str, str]:
    """
    Find types that all values have.

    :param sources: CSV files of the same columns, all of them texts
    :return: MaxCompute type by column; ``string`` where no other does, or there are no values
    :raises BadData: when a file is no such CSV
    """
    import pyarrow.compute as pc

    names = sources[0].schema.names
    left = {name: list(_TYPES) for name in names}
    seen: set[str] = set()
    for source in sources:
        for batch in _batches(source, names):
            for name in names:
                values = batch.column(name).drop_null()
                if len(values):
                    seen.add(name)
                    left[name] = [
                        kind
                        for kind in left[name]
                        if pc.all(pc.match_substring_regex(values, f"^({_TYPES[kind]})$")).as_py()
                    ]
    return {name: left[name][0] if name in seen and left[name] else "string" for name in names}


def _batches(source: Source, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from source.batches(names)
    except BadData as error:
        raise BadData(f"{source.name}: {error}") from None
