"""OData's query options over lists of JSON objects: filter, order, page, select."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_datalake.emulator.azure.errors import invalid
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.emulator.azure.calls import Call

Item = dict[str, Any]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>datetime(?:offset)?'[^']*'|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w./]*)|(?P<sign>[(),]))"
)
_DEEPEST = 50
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": lambda text, part: text.lower().startswith(part.lower()),
    "endswith": lambda text, part: text.lower().endswith(part.lower()),
    "contains": lambda text, part: part.lower() in text.lower(),
    "substringof": lambda part, text: part.lower() in text.lower(),
}


def page(call: Call, items: Sequence[Item], path: str, *, most: int = 300) -> Item:
    """
    Apply the query options of a request to a list.

    :param call: the request
    :param items: all items, in their natural order
    :param path: the list's path below the service's address, for the link to the next page
    :param most: items of a page at most
    :return: ``value``, and ``nextLink`` where there are more
    :raises AzureError: when an option is malformed
    """
    found = list(items)
    if text := call.query("$filter"):
        test = parse_filter(text)
        found = [item for item in found if test(item)]
    if text := call.query("$orderby"):
        found = ordered(found, text)
    skip, top = _number(call, "$skip", 0), _number(call, "$top", None)
    wanted = found[skip:] if top is None else found[skip : skip + top]
    shown = wanted[:most]
    if text := call.query("$select"):
        names = [name.strip() for name in text.split(",")]
        shown = [{name: item[name] for name in names if name in item} for item in shown]
    result: Item = {"value": shown}
    if len(wanted) > len(shown):
        options = [(key, value) for key, value in call.request.query_params.multi_items()]
        options = [(key, value) for key, value in options if key.lower() not in ("$skip", "$top")]
        options.append(("$skip", str(skip + most)))
        if top is not None:
            options.append(("$top", str(top - most)))
        result["nextLink"] = f"{call.address}{quote(path)}?{urlencode(options)}"
    return result


def needed(call: Call, *, most: int = 300) -> int:
    """
    Tell how many items of a list a page can depend on, where the request neither filters nor sorts.

    :param call: the request
    :param most: items of a page at most
    :return: how many, counted from the list's beginning
    :raises AzureError: when an option is malformed
    """
    skip, top = _number(call, "$skip", 0), _number(call, "$top", None)
    return int(skip) + (most if top is None else min(top, most)) + 1


def _number(call: Call, name: str, default: int | None) -> Any:
    text = call.query(name)
    if text is None or text == "":
        return default
    number = whole_number(text, least=0)
    if number is None:
        raise invalid(f"{name} must be a number from 0 on, not {text!r}")
    return number


def ordered(items: list[Item], text: str) -> list[Item]:
    """
    Sort items.

    :param items: the items
    :param text: of ``$orderby``
    :return: the items in order
    :raises AzureError: when it is malformed
    """
    result = list(items)
    for part in reversed([part.strip() for part in text.split(",") if part.strip()]):
        match = re.fullmatch(r"([\w./]+)(?:\s+(asc|desc))?", part, re.IGNORECASE)
        if match is None:
            raise invalid(f"$orderby is malformed: {text!r}")
        name = match[1]
        result.sort(
            key=lambda item: (_value(item, name) is not None, _comparable(_value(item, name))),
            reverse=(match[2] or "").lower() == "desc",
        )
    return result


def parse_filter(text: str) -> Callable[[Item], bool]:
    """
    Read a ``$filter``.

    :param text: the expression
    :return: tells whether an item passes
    :raises AzureError: when it is malformed, or uses what is not supported
    """
    return _Filter(text).parse()


def time_bounds(text: str | None, name: str) -> tuple[float | None, float | None]:
    """
    Tell between which times what a filter lets pass can only lie, so that a store need not give more.

    :param text: the filter, None for none
    :param name: the property with the time
    :return: the earliest and the latest, seconds since the epoch; None where there is no limit
    :raises AzureError: when the filter is malformed
    """
    if not text:
        return None, None
    found = _Filter(text)
    found.parse()
    low = [
        value for one, word, value in found.conditions if one == name.lower() and word in ("ge", "gt", "eq")
    ]
    high = [
        value for one, word, value in found.conditions if one == name.lower() and word in ("le", "lt", "eq")
    ]
    return max(low, default=None), min(high, default=None)


class _Filter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._all: list[tuple[str, str, float]] = []
        self._alternatives = False
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error()
            self._tokens.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
            position = match.end()
        self._at = 0

    def parse(self) -> Callable[[Item], bool]:
        test = self._or()
        if self._at < len(self._tokens):
            raise self._error()
        return test

    @property
    def conditions(self) -> list[tuple[str, str, float]]:
        """Comparisons with times that all must hold: property in lower case, operator, time."""
        return [] if self._alternatives else self._all

    def _or(self) -> Callable[[Item], bool]:
        tests = [self._and()]
        while self._accept("or"):
            self._alternatives |= self._depth == 0
            tests.append(self._and())
        return lambda item: any(test(item) for test in tests)

    def _and(self) -> Callable[[Item], bool]:
        tests = [self._not()]
        while self._accept("and"):
            tests.append(self._not())
        return lambda item: all(test(item) for test in tests)

    def _not(self) -> Callable[[Item], bool]:
        if self._accept("not"):
            self._descend()
            inner = self._not()
            self._depth -= 1
            return lambda item: not inner(item)
        if self._accept("("):
            self._descend()
            inner = self._or()
            self._expect(")")
            self._depth -= 1
            return inner
        return self._comparison()

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise invalid(f"$filter is nested more than {_DEEPEST} levels deep")

    def _comparison(self) -> Callable[[Item], bool]:
        kind, text = self._take()
        if kind == "word" and text.lower() in _FUNCTIONS and self._accept("("):
            function = _FUNCTIONS[text.lower()]
            first = self._operand(*self._take())
            self._expect(",")
            second = self._operand(*self._take())
            self._expect(")")
            if self._accept("eq"):  # `startswith(name, 'a') eq true`
                self._expect("true")
            return lambda item: function(str(first(item) or ""), str(second(item) or ""))
        left = self._operand(kind, text)
        _, word = self._take()
        compare = _COMPARISONS.get(word.lower())
        if compare is None:
            raise self._error()
        right_kind, right_text = self._take()
        right = self._operand(right_kind, right_text)
        moment = _moment(str(right({}))) if right_kind in ("time", "text") else None
        if kind == "word" and moment is not None and self._depth == 0:
            self._all.append((text.lower(), word.lower(), moment))

        def test(item: Item) -> bool:
            a, b = _comparable(left(item)), _comparable(right(item))
            if a is None or b is None:
                return compare(a, b) if word.lower() in ("eq", "ne") else False
            if type(a) is not type(b):
                a, b = str(a), str(b)
            return compare(a, b)

        return test

    def _operand(self, kind: str, text: str) -> Callable[[Item], Any]:
        if kind == "text":
            value: Any = text[1:-1].replace("''", "'")
        elif kind == "time":
            value = text[text.index("'") + 1 : -1] if "'" in text else text
        elif kind == "number":
            value = float(text)
        elif text.lower() in ("true", "false", "null"):
            value = {"true": True, "false": False, "null": None}[text.lower()]
        elif kind == "word":
            return lambda item: _value(item, text)
        else:
            raise self._error()
        return lambda item: value

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].lower() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._error()

    def _error(self) -> Exception:
        return invalid(f"$filter is malformed or not supported: {self._text!r}")


def _value(item: Item, name: str) -> Any:
    found: Any = item
    for part in re.split(r"[./]", name):
        if not isinstance(found, dict):
            return None
        found = next((value for key, value in found.items() if key.lower() == part.lower()), None)
    return found


def _comparable(value: Any) -> Any:
    if isinstance(value, str):
        moment = _moment(value)
        # Enumerations are written in any case.
        return value.lower() if moment is None else moment
    if isinstance(value, bool) or value is None:
        return value
    return float(value) if isinstance(value, (int, float)) else str(value)


def _moment(text: str) -> float | None:
    if not re.match(r"\d{4}-\d\d-\d\dT", text):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
