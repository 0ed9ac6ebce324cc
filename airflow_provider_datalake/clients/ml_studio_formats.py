"""
The formats of ML Studio's datasets, as the service's own Python client writes and reads them.

Text is UTF-8 without a byte order mark, lines end with a line feed, there is no index. Reading skips a mark,
and the spaces that follow a comma.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_datalake.exceptions import ConfigurationError, DataLakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

ARFF = "ARFF"
PLAIN_TEXT = "PlainText"
GENERIC_CSV = "GenericCSV"
GENERIC_TSV = "GenericTSV"
GENERIC_CSV_NO_HEADER = "GenericCSVNoHeader"
GENERIC_TSV_NO_HEADER = "GenericTSVNoHeader"

TABULAR = {
    GENERIC_CSV: (",", True),
    GENERIC_CSV_NO_HEADER: (",", False),
    GENERIC_TSV: ("\t", True),
    GENERIC_TSV_NO_HEADER: ("\t", False),
}
"""Delimiter, and whether the first line names the columns."""
FRAMES = (PLAIN_TEXT, *TABULAR)
"""What a DataFrame can be written to and read from."""
DATA_TYPE_IDS = (ARFF, *FRAMES)

CHUNK_ROWS = 50_000
"""Rows of a piece, where contents are read in pieces."""


class BadContents(DataLakeError):
    """A dataset's contents are not what its format says, or cannot be put into it."""

    retryable = False


def check_data_type(data_type_id: str, *, frame: bool = False) -> str:
    """
    Refuse a format that there is not.

    :param data_type_id: the format
    :param frame: whether a DataFrame must fit into it
    :return: the format
    :raises ConfigurationError: when there is no such format, or it is raw only
    """
    if data_type_id == ARFF and frame:
        raise ConfigurationError(f"{ARFF} can be read and written as it is only, not as a DataFrame")
    allowed = FRAMES if frame else DATA_TYPE_IDS
    if data_type_id not in allowed:
        raise ConfigurationError(f"data_type_id must be one of {', '.join(allowed)}; got {data_type_id!r}")
    return data_type_id


def check_columns(frame: pd.DataFrame, data_type_id: str) -> None:
    """
    Refuse a DataFrame that a format cannot hold.

    :param frame: the data
    :param data_type_id: the format
    :raises BadContents: when there are no columns, or several of one name
    """
    if not len(frame.columns):
        raise BadContents("the data has no columns")
    if data_type_id in (GENERIC_CSV, GENERIC_TSV):
        names = [str(name) for name in frame.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadContents(f"several columns have the name {', '.join(map(repr, twice))}")


def write_frame(frame: pd.DataFrame, data_type_id: str, file: IO[bytes], *, header: bool = True) -> None:
    """
    Write a DataFrame to a file, piece by piece.

    :param frame: the data
    :param data_type_id: the format
    :param file: an open binary file
    :param header: False for the further pieces of a dataset, which have no line of names
    :raises BadContents: when the data does not fit into the format
    :raises ConfigurationError: when there is no such format
    """
    check_data_type(data_type_id, frame=True)
    check_columns(frame, data_type_id)
    text = io.TextIOWrapper(_Unclosed(file), encoding="utf-8", newline="", write_through=False)  # type: ignore[type-var]
    try:
        if data_type_id == PLAIN_TEXT:
            _write_lines(frame, text)
        else:
            _write_cells(frame, data_type_id, text, header=header)
        text.flush()
    except UnicodeEncodeError as error:
        raise BadContents(f"the data has text that is no Unicode: {error.reason}") from None
    finally:
        text.detach()


def _write_cells(
    frame: pd.DataFrame, data_type_id: str, text: io.TextIOWrapper[Any], *, header: bool
) -> None:
    from airflow_provider_datalake.clients.ml_studio_fast_text import encode

    delimiter, named = TABULAR[data_type_id]
    options: dict[str, Any] = {"sep": delimiter, "index": False, "lineterminator": "\n"}
    pieces = encode(frame, delimiter)
    if pieces is None:
        frame.to_csv(text, header=named and header, **options)
        return
    if named and header:
        frame.iloc[:0].to_csv(text, **options)
        text.flush()
    for piece in pieces:
        text.buffer.write(piece)


def _write_lines(frame: pd.DataFrame, text: IO[str]) -> None:
    for number, row in enumerate(frame.itertuples(index=False, name=None)):
        for value in row:
            if not isinstance(value, str):
                raise BadContents(f"row {number}: {PLAIN_TEXT} holds text only, found {type(value).__name__}")
        text.write("".join(row) + "\n")


def read_frame(file: IO[bytes], data_type_id: str) -> pd.DataFrame:
    """
    Read a DataFrame from a file.

    :param file: an open binary file
    :param data_type_id: its format
    :return: the data
    :raises BadContents: when the contents are not what the format says
    :raises ConfigurationError: when there is no such format
    """
    import pandas as pd

    check_data_type(data_type_id, frame=True)
    if data_type_id == PLAIN_TEXT:
        return _read_lines(file)
    with _problems(data_type_id):
        return pd.read_csv(file, **_options(data_type_id))


def read_frames(file: IO[bytes], data_type_id: str, **options: Any) -> Iterator[pd.DataFrame]:
    """
    Read a file in pieces; each has types of its own.

    :param file: an open binary file
    :param data_type_id: its format, not ``PlainText``
    :param options: further ones for pandas
    :return: the pieces
    :raises BadContents: when the contents are not what the format says
    """
    import pandas as pd

    check_data_type(data_type_id, frame=True)
    with _problems(data_type_id):
        reader = pd.read_csv(file, chunksize=CHUNK_ROWS, **{**_options(data_type_id), **options})
        with reader:
            yield from reader


def _options(data_type_id: str) -> dict[str, Any]:
    delimiter, named = TABULAR[data_type_id]
    return {
        "sep": delimiter,
        "header": 0 if named else None,
        "skipinitialspace": delimiter == ",",
        "encoding": "utf-8-sig",
    }


def _read_lines(file: IO[bytes]) -> pd.DataFrame:
    import pandas as pd

    # Not an open text file's lines: those end where the vendor's do, at \n, \r\n and \r.
    with _problems(PLAIN_TEXT):
        lines = file.read().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return pd.DataFrame({0: lines})


@contextmanager
def _problems(data_type_id: str) -> Iterator[None]:
    """Turn what pandas says about contents into a typed error."""
    import pandas as pd

    try:
        yield
    except pd.errors.EmptyDataError:
        raise BadContents(f"the dataset is empty, {data_type_id} needs at least one line") from None
    except UnicodeDecodeError as error:
        raise BadContents(f"the contents are no UTF-8: {error.reason}") from None
    except pd.errors.ParserError as error:
        words = " ".join(str(error).split())
        raise BadContents(f"the contents are no {data_type_id}: {words}") from None


class _Unclosed(io.RawIOBase):
    """A file that belongs to somebody else: a text layer over it may come and go."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._file.write(content)
        return len(content)
