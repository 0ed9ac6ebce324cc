"""
Delimited text of DataFrames, whole columns at a time: the same bytes as pandas writes, several times as fast.

What these few types do not cover is left to pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    import pyarrow as pa

PIECE_ROWS = 65_536
_INTEGRAL = 1e16
"""From here on Python writes floating point numbers with an exponent."""
_SMALL, _LARGE = 1e-4, 1e9
"""Between these Arrow writes fractions as Python does."""


def encode(frame: pd.DataFrame, delimiter: str) -> Iterator[pa.Buffer] | None:
    """
    Write the rows of a DataFrame as lines of text, without a line of names.

    :param frame: the data
    :param delimiter: what is between two cells
    :return: pieces of UTF-8 text; None where pandas has to do it
    """
    columns = [_column(frame.iloc[:, index], delimiter) for index in range(len(frame.columns))]
    known = [column for column in columns if column is not None]
    if len(known) < len(columns):
        return None
    return _pieces(known, len(frame), delimiter)


def _pieces(columns: list[_Column], rows: int, delimiter: str) -> Iterator[pa.Buffer]:
    import pyarrow.compute as pc

    for start in range(0, rows, PIECE_ROWS):
        texts = [column.texts(start, PIECE_ROWS) for column in columns]
        if len(texts) == 1:
            # A line that is empty would be no row.
            texts[0] = pc.if_else(pc.equal(texts[0], _text("")), _text('""'), texts[0])
        texts[-1] = pc.binary_join_element_wise(texts[-1], _text(""), _text("\n"))
        lines = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, _text(delimiter))
        yield _bytes(lines)


def _text(value: str) -> pa.Scalar:
    import pyarrow as pa

    # Texts of more than two gigabytes need wide offsets, and kernels want all of one type.
    return pa.scalar(value, pa.large_string())


def _bytes(lines: pa.Array) -> pa.Buffer:
    """Give the bytes of all texts, which are one after the other in memory."""
    import pyarrow as pa

    _, offsets, data = lines.buffers()
    if data is None:
        return pa.py_buffer(b"")
    ends = memoryview(offsets).cast("q")
    first, last = ends[lines.offset], ends[lines.offset + len(lines)]
    return data.slice(first, last - first)


class _Column:
    """The cells of one column, as texts."""

    def __init__(self, values: Any, delimiter: str) -> None:
        self._values = values
        self._delimiter = delimiter

    def texts(self, start: int, rows: int) -> pa.Array:
        """Give the texts of some rows, quoted where they have to be; missing values are empty."""
        import pyarrow as pa
        import pyarrow.compute as pc

        piece = self._values[start : start + rows]
        kind = piece.type if isinstance(piece, (pa.Array, pa.ChunkedArray)) else None
        if kind is None:
            return _float_texts(piece)
        if isinstance(piece, pa.ChunkedArray):
            piece = piece.combine_chunks()
        if pa.types.is_boolean(kind):
            piece = pc.if_else(piece, _text("True"), _text("False"))
        elif pa.types.is_integer(kind):
            piece = pc.cast(piece, pa.large_string())
        else:
            piece = _quoted(piece, self._delimiter)
        return pc.fill_null(piece, _text(""))


def _column(series: pd.Series, delimiter: str) -> _Column | None:
    """Take a column whose texts are those of Python's ``csv`` for sure."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = series.dtype
    if kind == "float64" and not isinstance(kind, pd.api.extensions.ExtensionDtype):
        return _Column(series.to_numpy(), delimiter)
    is_text = isinstance(kind, pd.StringDtype) or (
        kind == "object" and pd.api.types.infer_dtype(series, skipna=True) == "string"
    )
    if not is_text and kind.kind not in "iub":
        return None
    try:
        values = pa.array(series, pa.large_string() if is_text else None, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None
    if is_text and pc.any(pc.match_substring(values, "\r")).as_py():
        # Whether Python quotes it depends on Python's version.
        return None
    return _Column(values, delimiter)


def _quoted(texts: pa.Array, delimiter: str) -> pa.Array:
    import pyarrow.compute as pc

    special = pc.match_substring_regex(texts, f'[{delimiter}"\n]')
    if not pc.any(special).as_py():
        return texts
    mark = _text('"')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise(mark, doubled, mark, _text("")), texts)


def _float_texts(values: np.ndarray[Any, Any]) -> pa.Array:
    """Write floating point numbers as Python does: the fewest digits that make them again."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    size = np.abs(values)
    with np.errstate(invalid="ignore"):
        whole = (values == np.floor(values)) & (size < _INTEGRAL) & ~((values == 0) & np.signbit(values))
        usual = ~whole & (size >= _SMALL) & (size < _LARGE)
    missing = np.isnan(values)
    texts = pc.cast(pa.array(np.where(usual, values, 0.0)), pa.large_string())
    if whole.any():
        integers = pc.cast(pa.array(np.where(whole, values, 0.0).astype(np.int64)), pa.large_string())
        integers = pc.binary_join_element_wise(integers, _text(".0"), _text(""))
        texts = pc.if_else(pa.array(whole), integers, texts)
    rest = ~(whole | usual | missing)
    if rest.any():
        others = pa.array([repr(value) for value in values[rest].tolist()], pa.large_string())
        texts = pc.replace_with_mask(texts, pa.array(rest), others)
    if missing.any():
        texts = pc.if_else(pa.array(missing), _text(""), texts)
    return texts
