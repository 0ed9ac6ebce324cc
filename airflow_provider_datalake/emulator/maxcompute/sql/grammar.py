"""
MaxCompute's grammar for queries: sqlglot's hive dialect with what it would lose or rewrite taken out.

The tree is only a source for the binder. So functions stay as written (sqlglot would turn them into its own
neutral nodes, with other semantics), types keep their text, and it is given nothing but queries and INSERT.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp, parser
from sqlglot.dialects.hive import Hive
from sqlglot.errors import ParseError as SqlglotParseError
from sqlglot.errors import TokenError
from sqlglot.parsers.hive import HiveParser
from sqlglot.tokens import Token, TokenType

from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.sql.source import Source


def _extract(self: Any) -> exp.Expression:
    part = self._parse_var_or_string(upper=False) or self.raise_error("expected a date part")
    unit = exp.Literal.string(part.name)
    self._match(TokenType.FROM) or self._match(TokenType.COMMA) or self.raise_error("expected FROM")
    return exp.Anonymous(this="extract", expressions=[unit, self._parse_disjunction()])


def _trim(self: Any) -> exp.Expression:
    side = self._prev.text.upper() if self._match_texts(("BOTH", "LEADING", "TRAILING")) else "BOTH"
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "trim")
    first = self._parse_bitwise()
    if self._match(TokenType.FROM):
        return exp.Anonymous(this=name, expressions=[self._parse_bitwise(), first])
    arguments = [first, self._parse_bitwise()] if self._match(TokenType.COMMA) else [first]
    return exp.Anonymous(this=name, expressions=arguments)


def _misplaced(self: Any, this: Any) -> None:
    self.raise_error("Unexpected NULL", self._prev)


_RESERVED = {TokenType.IS, TokenType.TABLE, TokenType.ALL, TokenType.ANY, TokenType.SOME, TokenType.COLUMN}


class DatalakeMaxCompute(Hive):
    """The dialect; not meant to generate SQL."""

    class Tokenizer(Hive.Tokenizer):
        """Hive's, without the statements whose rest it would swallow as one string."""

        COMMANDS: ClassVar[set[TokenType]] = set()
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            **{k: v for k, v in Hive.Tokenizer.KEYWORDS.items() if v != TokenType.COMMAND},
            "REGEXP": TokenType.RLIKE,
        }

    class Parser(HiveParser):
        """Hive's, with functions left as written."""

        STRICT_CAST = True
        # Words that the parser would take for names of what they follow.
        ALIAS_TOKENS = HiveParser.ALIAS_TOKENS - _RESERVED
        TABLE_ALIAS_TOKENS = HiveParser.TABLE_ALIAS_TOKENS - _RESERVED
        # By name alone, array(1, 2)[0] and a column called list would be taken for them.
        ARRAY_CONSTRUCTORS: ClassVar[dict[str, Any]] = {}
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CASE": HiveParser.NO_PAREN_FUNCTION_PARSERS["CASE"],
        }
        # For the parser, a NOT NULL would be short for a IS NOT NULL.
        RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = {
            **HiveParser.RANGE_PARSERS,
            **dict.fromkeys((TokenType.NULL, TokenType.ISNULL, TokenType.NOTNULL), _misplaced),
        }
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CAST": HiveParser.FUNCTION_PARSERS["CAST"],
            "EXTRACT": _extract,
            "TRIM": _trim,
        }

        def expression(
            self, instance: Any, token: Token | None = None, comments: list[str] | None = None
        ) -> Any:
            # NULL, TRUE and the like have no position of their own; of longer nodes the leftmost part counts.
            result = super().expression(instance, token, comments)
            if self._prev and "start" not in result.meta:
                result.update_positions(self._prev)
            return result

        def build_cast(self, strict: bool, **kwargs: Any) -> exp.Expr:
            # Not hive's own, which replaces what stands before BD and the type that it names.
            return parser.Parser.build_cast(self, strict, **kwargs)

        # The parser's own forms of these do without the words that must stand between their parts.

        def _parse_between(self, this: exp.Expr | None) -> exp.Between:
            low = self._parse_bitwise()
            if not self._match(TokenType.AND):
                self.raise_error("Expecting AND")
            return self.expression(exp.Between(this=this, low=low, high=self._parse_bitwise()))

        def _parse_case(self) -> exp.Expr | None:
            subject, branches = self._parse_disjunction(), []
            while self._match(TokenType.WHEN):
                condition = self._parse_disjunction()
                if not self._match(TokenType.THEN):
                    self.raise_error("Expecting THEN")
                branches.append(self.expression(exp.If(this=condition, true=self._parse_disjunction())))
            default = self._parse_disjunction() if self._match(TokenType.ELSE) else None
            if not branches or not self._match(TokenType.END):
                self.raise_error("Expecting END" if branches else "Expecting WHEN")
            return self.expression(exp.Case(this=subject, ifs=branches, default=default))

        def _parse_window_spec(self) -> dict[str, str | exp.Expr | None]:
            if self._prev.token_type == TokenType.AND:
                before = self._index - 1
                while self._tokens[before - 1].text.upper() not in ("ROWS", "RANGE", "GROUPS"):
                    before -= 1
                if self._tokens[before].token_type != TokenType.BETWEEN:
                    self.raise_error("Expecting BETWEEN", self._tokens[before])
            if self._match(TokenType.BETWEEN, advance=False):
                self.raise_error("Unexpected BETWEEN", self._curr)
            return super()._parse_window_spec()

        def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
            # Not hive's own, which takes the length of VARCHAR(n) away.
            start = self._curr.start if self._curr else 0
            result = parser.Parser._parse_types(self, *args, **kwargs)
            if isinstance(result, exp.DataType) and self._prev:
                result.meta["text"] = self.sql[start : self._prev.end + 1]
                result.meta["start"] = start
            return result


# Whole strings, names and comments, and whatever else stands between them.
_PIECE = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`"""
    r"""|--[^\n]*|/\*.*?\*/|(?!['"`]|/\*).""",
    re.DOTALL,
)
_SUM = re.compile(r"([0-9.]+[eE][0-9]+)([+-])([0-9.]*)")
_SET_OPERATIONS = (TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT)
# What cannot be the end of an item, what cannot begin one, and which words need one after them.
_BY = {
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
    TokenType.PARTITION_BY,
    TokenType.SORT_BY,
    TokenType.DISTRIBUTE_BY,
    TokenType.CLUSTER_BY,
}
_HEADS = {*_BY, TokenType.ON, TokenType.USING}
_NO_END = {*_HEADS, TokenType.COMMA, TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.SELECT, TokenType.FROM}
_NO_START = {
    *_BY,
    *_SET_OPERATIONS,
    TokenType.COMMA,
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.FROM,
    TokenType.JOIN,
    TokenType.ON,
    TokenType.WHERE,
    TokenType.HAVING,
    TokenType.LIMIT,
}
# Without BY the tokenizer takes these for names.
_HALVES = {"GROUP", "ORDER", "SORT", "DISTRIBUTE", "CLUSTER"}
_DIALECT = DatalakeMaxCompute()


def tokenize(source: Source) -> list[Token]:
    """
    Cut a text into tokens.

    :param source: the whole submitted text
    :return: its tokens, without comments
    :raises ParseError: when a string or comment does not end, or a number runs into a word
    """
    try:
        tokens = [part for token in _DIALECT.tokenize(source.text) for part in _separated(token)]
    except TokenError as error:
        offset = _unterminated(source.text)
        what = "comment" if source.text.startswith("/*", offset) else "string or name"
        raise ParseError(f"a {what} does not end", *source.position(offset)) from error
    for number, word in pairwise(tokens):
        # The tokenizer would take 0x1F for a zero called x1F.
        is_joined = number.token_type == TokenType.NUMBER and word.start == number.end + 1
        if is_joined and source.text[word.start].isidentifier():
            text = source.text[number.start : word.end + 1]
            raise ParseError(f"invalid number '{text}'", *source.position(number.start))
    return tokens


def _separated(token: Token) -> list[Token]:
    """Take 1e3+1, which the tokenizer takes for one number, apart."""
    match = _SUM.fullmatch(token.text) if token.token_type == TokenType.NUMBER else None
    if match is None:
        return [token]
    parts = zip(match.groups(), (TokenType.NUMBER, None, TokenType.NUMBER), strict=True)
    types = {"+": TokenType.PLUS, "-": TokenType.DASH}
    result, offset = [], 0
    for text, token_type in parts:
        if text:
            start = token.start + offset
            column = token.col - len(token.text) + offset + len(text)
            kind = token_type or types[text]
            result.append(Token(kind, text, token.line, column, start, start + len(text) - 1))
        offset += len(text)
    return result


def _unterminated(text: str) -> int:
    """Find the string, quoted name or comment that does not end."""
    end = 0
    while match := _PIECE.match(text, end):
        end = match.end()
    return end


def parse_query(source: Source, tokens: list[Token]) -> exp.Expression:
    """
    Parse a query or an INSERT.

    :param source: the whole submitted text
    :param tokens: the tokens of this statement
    :return: its tree, whose nodes know their offsets in the text
    :raises ParseError: at the token that does not fit
    """
    _check_set_operations(source, tokens)
    _check_gaps(source, tokens)
    try:
        trees = _DIALECT.parser().parse(tokens, source.text)
    except SqlglotParseError as error:
        detail = error.errors[0] if error.errors else {}
        raise _parse_error(source, tokens, detail) from error
    except RecursionError as error:
        raise ParseError("the statement is nested too deeply", *source.position(tokens[0].start)) from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Expression) or isinstance(tree, exp.Command):
        raise unexpected(source, tokens[0])
    return tree


def _check_set_operations(source: Source, tokens: list[Token]) -> None:
    """Refuse INTERSECT beside UNION or EXCEPT: which one binds tighter is not documented."""
    groups: list[set[bool]] = [set()]
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.token_type == TokenType.L_PAREN:
            groups.append(set())
        elif token.token_type == TokenType.R_PAREN and len(groups) > 1:
            groups.pop()
        elif token.token_type in _SET_OPERATIONS and not (before and before.token_type == TokenType.STAR):
            groups[-1].add(token.token_type == TokenType.INTERSECT)
            if len(groups[-1]) > 1:
                message = "INTERSECT beside another set operation needs parentheses"
                raise SemanticError(message, *source.position(token.start))


def _check_gaps(source: Source, tokens: list[Token]) -> None:
    """Refuse what the parser overlooks: lists with a gap, clauses without content, other dialects' casts."""
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else None
        after = tokens[number + 1] if number + 1 < len(tokens) else None
        kind = token.token_type
        if kind == TokenType.COMMA:
            if before is None or before.token_type in _NO_END:
                raise unexpected(source, token)
            if after is None or after.token_type in _NO_START:
                raise unexpected(source, after)
        elif kind in _HEADS and (after is None or after.token_type in _NO_START):
            raise unexpected(source, after)
        elif kind == TokenType.FILTER and before and before.token_type == TokenType.R_PAREN:
            head = tokens[number + 2 : number + 3]
            if not head or head[0].token_type != TokenType.WHERE:
                raise unexpected(source, head[0] if head else None, "WHERE")
        elif kind == TokenType.VAR and token.text.upper() in _HALVES:
            if before is None or before.token_type != TokenType.DOT and before.text.upper() != "WITHIN":
                raise unexpected(source, token)
        elif kind == TokenType.DCOLON and source.text.startswith("::", token.start):
            raise unexpected(source, token)


def unexpected(source: Source, token: Token | None, expected: str = "") -> ParseError:
    """
    Describe a token that does not fit.

    :param source: the whole submitted text
    :param token: the token, None at the end of the statement
    :param expected: what would have fitted
    :return: the error to raise
    """
    text = source.text[token.start : token.end + 1] if token else "<EOF>"
    position = source.position(token.start if token else max(len(source.text.rstrip()) - 1, 0))
    return ParseError(f"invalid token '{text}'" + (f", expect {expected}" if expected else ""), *position)


def _parse_error(source: Source, tokens: list[Token], detail: dict[str, Any]) -> ParseError:
    # sqlglot names the line and the last column of the token.
    line, column = detail.get("line"), detail.get("col")
    for token in tokens:
        if (token.line, token.col) == (line, column):
            error = unexpected(source, token)
            description = str(detail.get("description") or "")
            if description.startswith("Expecting"):
                error.message += f", {description[0].lower()}{description[1:]}"
            return error
    return ParseError(str(detail.get("description") or "invalid statement"), line or 1, column or 1)
