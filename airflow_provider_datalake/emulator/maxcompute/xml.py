"""XML bodies: building them, and reading those that clients send."""

from __future__ import annotations

import re
from email.utils import formatdate
from xml.etree import ElementTree

# What XML 1.0 cannot carry at all; a query or a comment may hold it all the same.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class MalformedXml(ValueError):
    """The body is not the XML document that the route expects."""


def element(
    tag: str, *content: ElementTree.Element | str | int | None, **attributes: str
) -> ElementTree.Element:
    """
    Build an element.

    :param tag: its name
    :param content: text, numbers and child elements in order; None adds nothing
    :param attributes: its attributes
    :return: the element
    """
    result = ElementTree.Element(tag, {name: _clean(value) for name, value in attributes.items()})
    for item in content:
        if isinstance(item, ElementTree.Element):
            result.append(item)
        elif item is not None:
            result.text = (result.text or "") + _clean(str(item))
    return result


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def to_bytes(root: ElementTree.Element) -> bytes:
    """
    Write a document.

    :param root: its root element
    :return: UTF-8 with an XML declaration
    """
    return f"<?xml version='1.0' encoding='utf-8'?>\n{to_text(root)}".encode()


def to_text(root: ElementTree.Element) -> str:
    """
    Write an element as text.

    :param root: the element
    :return: XML without a declaration
    """
    # A bare CR would come back as LF from any XML parser: queries must come back as they were sent.
    return ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;")


def parse(body: bytes, root_tag: str) -> ElementTree.Element:
    """
    Read a document.

    :param body: what the client sent
    :param root_tag: the root element that the route expects
    :return: the root element
    :raises MalformedXml: when the body is not XML or has another root
    """
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise MalformedXml(f"the body is not well-formed XML: {error}") from error
    if root.tag != root_tag:
        raise MalformedXml(f"expected a <{root_tag}> document, found <{root.tag}>")
    return root


def rfc822(seconds: float | None) -> str:
    """
    Write a time as the service's headers and documents do.

    :param seconds: seconds since the epoch, None for no time
    :return: e.g. ``Tue, 03 Jun 2025 12:00:00 GMT``, empty for no time
    """
    return "" if seconds is None else formatdate(seconds, usegmt=True)
