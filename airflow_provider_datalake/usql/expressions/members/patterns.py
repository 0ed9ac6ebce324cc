"""Regular expressions of .NET, written for RE2."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\\(?:[pP]\{\w+\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|k[<'{]|.)"
    r"|\(\?(?:<(?![=!])[A-Za-z_]\w*>|'\w+'|P<|[a-z]*(?:-[a-z]+)?[:)]|<[=!]|.)?"
    r"|\[\^?\]?|[*+?}][?+]?|[\s\S]",
    re.DOTALL,
)
_DIGIT = r"\p{Nd}"
_WORD = r"\p{L}\p{Mn}\p{Nd}\p{Pc}"
_SPACE = r"\x{09}-\x{0d}\x{85}\p{Z}"
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
"""In .NET these hold characters of all scripts, in RE2 those of ASCII only."""
_SAME = frozenset("tnrfv\\.^$|()[]{}*+?-/\"'#,:;<>=!@%&~_` ")
_ANCHORS = {"A": r"\A", "z": r"\z"}


def translated(pattern: str, flags: str = "", *, searching: bool = False) -> str:
    r"""
    Write a pattern for RE2.

    :param pattern: a pattern of .NET
    :param flags: of ``i``, ``m`` and ``s``
    :param searching: whether it only counts that there is a match, not where it ends: then ``$`` may stand
        before a last line feed
    :return: the pattern for RE2
    :raises ValueError: naming what RE2 does not have
    """
    found = f"(?{flags})" if flags else ""
    tokens = _TOKEN.finditer(pattern)
    for match in tokens:
        token = match[0]
        if token.startswith("["):
            found += _set(token, pattern, tokens)
        elif token.startswith("\\"):
            found += _escape(token)
        elif token.startswith("(?"):
            found += _group(token)
        elif token == "$":
            # Else the end of the text alone, for RE2 cannot look ahead.
            found += r"(?:\n?\z)" if searching and "m" not in flags else "$"
        elif token in ("*+", "++", "?+", "}+"):
            raise ValueError(f"nested quantifier {token!r}")
        else:
            found += token
    return found


def is_bounded(pattern: str) -> bool:
    r"""
    Tell whether a pattern asks for the edges of words, which RE2 finds in ASCII only.

    :param pattern: a pattern for RE2
    :return: whether ``\b`` or ``\B`` stands in it
    """
    return any(match[0] in (r"\b", r"\B") for match in _TOKEN.finditer(pattern))


def _escape(token: str) -> str:
    letter = token[1]
    if letter in ("b", "B"):
        return token
    if letter in _CLASSES:
        return f"[{_CLASSES[letter]}]"
    if letter.lower() in _CLASSES:
        return f"[^{_CLASSES[letter.lower()]}]"
    return _character(token)


def _character(token: str) -> str:
    """Translate an escape that means the same inside of a set and outside."""
    letter = token[1:2]
    if letter in ("p", "P") and token.endswith("}"):
        if re.fullmatch(r"\\[pP]\{[A-Z][a-z]?\}", token) is None:
            raise ValueError(f"{token!r}")
        return token
    if letter == "u" or (letter == "x" and len(token) == 4):
        return f"\\x{{{token[2:]}}}"
    if letter in _SAME:
        return token if not letter.isspace() else letter
    if letter in _ANCHORS:
        return _ANCHORS[letter]
    if letter == "Z":
        return r"(?:\n?\z)"
    if letter == "e":
        return r"\x{1b}"
    if letter == "a":
        return r"\x{07}"
    raise ValueError(f"{token!r}")


def _group(token: str) -> str:
    if named := re.fullmatch(r"\(\?(?:<(\w+)>|'(\w+)')", token):
        return f"(?P<{named[1] or named[2]}>"
    if re.fullmatch(r"\(\?[ims]*(?:-[ims]+)?[:)]", token):
        return token
    raise ValueError(f"{token!r}")


def _set(opening: str, pattern: str, tokens: object) -> str:
    found = opening.removesuffix("]")
    if opening.endswith("]"):
        found += r"\]"
    for match in tokens:  # type: ignore[attr-defined]
        for piece in re.findall(r"\\(?:[pP]\{\w+\}|u\w{4}|x\w{2}|.)|[\s\S]", match[0]):
            if piece == "]":
                return found + "]"
            if piece == "[":
                if found.endswith("-"):
                    raise ValueError("the subtraction of a set")
                found += r"\["
            elif piece == r"\b":
                found += r"\x{08}"
            elif piece[0] == "\\" and piece[1] in _CLASSES:
                found += _CLASSES[piece[1]]
            elif piece[0] == "\\" and piece[1].lower() in _CLASSES:
                raise ValueError(f"{piece!r} inside of a set")
            elif piece[0] == "\\":
                found += _character(piece)
            else:
                found += piece
    raise ValueError("a set that is not closed")
