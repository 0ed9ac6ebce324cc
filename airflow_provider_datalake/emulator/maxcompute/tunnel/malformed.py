"""What is wrong with a stream or a value that a client sends."""

from __future__ import annotations


class MalformedStream(ValueError):
    """The stream is cut short, is not what the wire format prescribes, or carries a value the table cannot hold."""

    code = "MalformedDataStream"


class CorruptedStream(MalformedStream):
    """A checksum does not fit the data that came with it."""

    code = "CorruptedDataStream"
