"""The form in which instance tunnel and preview send timestamps: structs of seconds and nanoseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_NANOS = 1_000_000_000


def with_struct_timestamps(batch: pa.RecordBatch) -> pa.RecordBatch:
    """
    Turn the timestamp columns of a batch into structs; clients expect nested timestamps as they are.

    :param batch: rows with ``arrow_type`` columns
    :return: the same rows, ``timestamp[ns]`` as ``struct<sec: int64, nano: int32>``
    """
    import pyarrow as pa

    arrays = [_struct(array) if array.type == pa.timestamp("ns") else array for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def _struct(array: pa.Array) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    missing = array.is_null()
    mask = missing.to_numpy(zero_copy_only=False)
    seconds, nanos = np.divmod(array.view(pa.int64()).fill_null(0).to_numpy(), _NANOS)
    # The client looks at the fields alone, so they are NULL where the struct is.
    fields = [pa.array(seconds, pa.int64(), mask=mask), pa.array(nanos, pa.int32(), mask=mask)]
    return pa.StructArray.from_arrays(fields, ["sec", "nano"], mask=missing)
