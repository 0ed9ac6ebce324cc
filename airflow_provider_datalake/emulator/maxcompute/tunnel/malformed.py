"""What is wrong with a stream or a value that a client sends."""

from __future__ import annotations


class MalformedStream(ValueError):
    """The stream is cut short, breaks its wire format, or carries a value that the table cannot hold."""

    code = "MalformedDataStream"


class CorruptedStream(MalformedStream):
    """A checksum does not fit the data that came with it."""

    code = "CorruptedDataStream"
