"""The text of values, as results and previews show them."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from airflow_provider_datalake.emulator.maxcompute.types import DataType

DEFAULT_TIMEZONE = "Asia/Shanghai"
NULL = "\\N"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DATE = date(1970, 1, 1).toordinal()
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def session_zone(settings: dict[str, str]) -> ZoneInfo:
    """
    Find the zone in which a job shows instants.

    :param settings: the job's settings
    :return: the zone of ``odps.sql.timezone``; the service's default when that names none
    """
    try:
        return ZoneInfo(settings.get("odps.sql.timezone") or DEFAULT_TIMEZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULT_TIMEZONE)


def text_of(value: pa.Scalar, data_type: DataType, zone: ZoneInfo) -> str | None:
    """
    Write one value as text.

    :param value: an Arrow scalar of the type in which the emulator keeps ``data_type``
    :param data_type: its MaxCompute type
    :param zone: the zone in which instants are shown
    :return: the text, None for NULL
    """
    if not value.is_valid:
        return None
    if data_type.name == "array":
        items = (_nested(item, data_type.children[0], zone) for item in value.values or ())
        return f"[{','.join(items)}]"
    if data_type.name == "map":
        return _map_text(value, data_type, zone)
    if data_type.name == "struct":
        fields = zip(data_type.field_names, data_type.children, strict=True)
        return "{" + ",".join(f"{name}:{_nested(value[name], child, zone)}" for name, child in fields) + "}"
    if data_type.name in ("datetime", "timestamp"):
        return _instant_text(value, zone)
    if data_type.name == "timestamp_ntz":
        return _instant_text(value, None)
    write = _WRITERS.get(data_type.name, str)
    return write(value.value if data_type.name == "date" else value.as_py())


def _map_text(value: pa.Scalar, data_type: DataType, zone: ZoneInfo) -> str:
    entries = value.values
    keys, values = entries.field(0), entries.field(1)
    pairs = (
        f"{_nested(key, data_type.children[0], zone)}:{_nested(item, data_type.children[1], zone)}"
        for key, item in zip(keys, values, strict=True)
    )
    return "{" + ",".join(pairs) + "}"


def _nested(value: pa.Scalar, data_type: DataType, zone: ZoneInfo) -> str:
    text = text_of(value, data_type, zone)
    if text is None:
        return NULL
    if data_type.is_text or data_type.is_temporal or data_type.name in ("json", "binary"):
        return '"' + text.replace('"', '\\"') + '"'
    return text


def _instant_text(value: pa.Scalar, zone: ZoneInfo | None) -> str:
    per_second = _UNITS[value.type.unit]
    seconds, fraction = divmod(value.value, per_second)
    moment = _EPOCH + timedelta(seconds=seconds)
    if zone is not None:
        moment = moment.astimezone(zone)
    # strftime("%Y") does not pad years below 1000 on every platform.
    text = f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}"
    if not fraction:
        return text
    digits = f"{fraction:0{len(str(per_second)) - 1}d}"
    return f"{text}.{digits if per_second == 1_000 else digits.rstrip('0')}"


def _float_text(value: float) -> str:
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return repr(float(text))
    return repr(value)


def _date_text(days: int) -> str:
    return date.fromordinal(_EPOCH_DATE + days).isoformat()


_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "float": _float_text,
    "double": repr,
    "decimal": lambda value: f"{value:f}",
    "binary": lambda value: value.hex().upper(),
    "date": _date_text,
}
