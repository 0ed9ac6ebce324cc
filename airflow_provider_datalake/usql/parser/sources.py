"""What a SELECT reads: rowsets, tables, queries in parentheses, VALUES, joins and APPLY."""

from __future__ import annotations

from abc import abstractmethod

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import Token, TokenKind
from airflow_provider_datalake.usql.parser.expressions import ExpressionParser

DEFAULT_SCHEMA = "dbo"
"""The schema of ``database..table``."""
SET_OPERATORS = ("UNION", "EXCEPT", "INTERSECT")
USER_OPERATORS = {
    "PROCESS": "PROCESS (a user-defined processor)",
    "REDUCE": "REDUCE (a user-defined reducer)",
    "COMBINE": "COMBINE (a user-defined combiner)",
}
TABLE_FUNCTION = "the call of a table-valued function"
PIVOTS = ("PIVOT", "UNPIVOT")
_JOIN_HINTS = (
    "SERIAL", "PAIR", "BROADCASTLEFT", "BROADCASTRIGHT", "FULLCROSS", "MERGE", "HASH", "LOOP", "INDEXLOOKUP",
)  # fmt: skip
"""They choose how a join is run, and change no result."""
_SIDES = ("INNER", "CROSS", "LEFT", "RIGHT", "FULL", "OUTER")
_SEMIJOINS = ("SEMIJOIN", "ANTISEMIJOIN")


class SourceParser(ExpressionParser):
    """Parses FROM clauses."""

    @abstractmethod
    def query(self) -> ast.Query:
        """Parse a query with its ORDER BY."""

    def object_name(self) -> ast.ObjectName:
        """Parse a name of one to three parts that must come next."""
        start = self.identifier()
        parts = [start.text]
        while self.accept("."):
            if self.is_operator(".") and len(parts) == 1:
                parts.append(DEFAULT_SCHEMA)
            else:
                parts.append(self.identifier().text)
        if len(parts) > 3:
            raise self.error("a name of more than three parts")
        return ast.ObjectName(self.span_from(start.span), tuple(parts))

    def rows(self) -> tuple[tuple[ast.Expression, ...], ...]:
        """Parse the rows of VALUES; the word has been taken."""
        rows = []
        while True:
            self.expect("(")
            rows.append(self.expressions())
            self.expect(")")
            if not self.accept(","):
                return tuple(rows)

    def names(self) -> tuple[str, ...]:
        """Parse names in parentheses."""
        self.expect("(")
        names = [self.identifier().text]
        while self.accept(","):
            names.append(self.identifier().text)
        self.expect(")")
        return tuple(names)

    def source(self) -> ast.Source:
        """Parse what follows FROM."""
        left = self._joined()
        while self.accept(","):
            right = self._joined()
            left = ast.Join(left.span.to(right.span), "CROSS", left, right)
        return left

    # Joins

    def _joined(self) -> ast.Source:
        left = self._single()
        while True:
            if self.is_word("CROSS", "APPLY") or self.is_word("OUTER", "APPLY"):
                left = self._apply(left)
            elif (kind := self._join_kind()) is not None:
                right = self._single()
                condition = None
                if kind != "CROSS":
                    self.expect_word("ON")
                    condition = self.expression()
                left = ast.Join(self.span_from(left.span), kind, left, right, condition)
            else:
                return left

    def _join_kind(self) -> str | None:
        """Parse the words of a join up to JOIN, SEMIJOIN or ANTISEMIJOIN."""
        start = self._position
        side = ""
        if not self.is_word("OUTER", "UNION"):  # that would be a set operation
            side = next((word for word in _SIDES if self.accept_word(word)), "")
        if side in ("LEFT", "RIGHT", "FULL"):
            self.accept_word("OUTER")
        elif side in ("CROSS", "OUTER"):
            self.note("APPLY")
        if self.token.kind is TokenKind.WORD:
            while self.token.text in _JOIN_HINTS:
                self.take()
        if side in ("", "LEFT", "RIGHT"):
            for word in _SEMIJOINS:
                if self.accept_word(word):
                    return f"{side or 'LEFT'} {word}"
        if self.accept_word("JOIN"):
            if side in ("", "INNER", "CROSS"):
                return side or "INNER"
            return f"{'LEFT' if side == 'OUTER' else side} OUTER"
        if self._position != start:
            raise self.error()
        return None

    def _apply(self, left: ast.Source) -> ast.Apply:
        kind = self.take().text
        self.expect_word("APPLY")
        if not self.is_word("EXPLODE"):
            values = self.is_operator("(") or self.is_word("VALUES")
            what = "a VALUES list" if values else "a user-defined applier"
            raise self.unsupported(f"{kind} APPLY of {what}")
        self.take()
        self.expect("(")
        collection = self.expression()
        self.expect(")")
        self.expect_word("AS")
        alias = self.identifier().text
        self.expect("(")
        columns = [self._exploded_column()]
        while self.accept(","):
            columns.append(self._exploded_column())
        self.expect(")")
        return ast.Apply(self.span_from(left.span), kind, left, collection, alias, tuple(columns))

    def _exploded_column(self) -> str:
        name = self.identifier()
        if self.is_type():  # it can only be the type that the collection holds
            self.type_name()
        return name.text

    # Single sources

    def _single(self) -> ast.Source:
        source = self._plain()
        for word in PIVOTS:
            if self.is_word(word):
                raise self.unsupported(word)
        return source

    def _plain(self) -> ast.Source:
        start = self.token
        if start.kind is TokenKind.VARIABLE:
            name = ast.Variable(start.span, self.variable().text)
            if self.is_operator("("):
                raise self.unsupported(TABLE_FUNCTION, start.span)
            alias = self._alias()
            return ast.RowsetSource(self.span_from(start.span), name, alias)
        if self.is_operator("("):
            return self._parenthesised(start)
        self.note("EXTERNAL", TokenKind.VARIABLE, "'('")
        if self.is_word("EXTERNAL"):
            raise self.unsupported("a query of an external data source")
        table = self.object_name()
        if self.is_operator("("):
            raise self.unsupported(TABLE_FUNCTION, table.span)
        if self.is_word("PARTITION"):
            raise self.unsupported("PARTITION behind a table (table partitions)")
        alias = self._alias()
        return ast.RowsetSource(self.span_from(start.span), table, alias)

    def _parenthesised(self, start: Token) -> ast.Source:
        self.take()
        self.descend()
        if self.is_word("VALUES"):
            self.take()
            rows = self.rows()
            self.expect(")")
            alias, columns = self._alias_with_columns()
            source: ast.Source = ast.ValuesSource(self.span_from(start.span), rows, alias, columns)
        elif self._begins_query():
            query = self.query()
            self.expect(")")
            alias, columns = self._alias_with_columns()
            source = ast.QuerySource(self.span_from(start.span), query, alias, columns)
        else:
            source = self.source()
            self.expect(")")
        self.ascend()
        return source

    def _begins_query(self) -> bool:
        """Tell ``(@a UNION ALL @b) AS u`` from ``(@a AS a CROSS JOIN @b AS b)``."""
        ahead = 0
        while self.peek_operator("(", ahead):
            ahead += 1
        first = self.peek(ahead)
        if first.kind is TokenKind.WORD and first.text in ("SELECT", "EXTRACT", "VALUES", *USER_OPERATORS):
            return True
        if first.kind is not TokenKind.VARIABLE and not self.is_identifier(ahead):
            return False
        ahead += 1
        while self.peek_operator(".", ahead):
            ahead += 1 if self.peek_operator(".", ahead + 1) else 2
        if self.peek_word("OUTER", ahead):
            return self.peek_word("UNION", ahead + 1)
        behind = self.peek(ahead)
        words = (*SET_OPERATORS, "ORDER")
        return self.peek_operator(")", ahead) or (behind.kind is TokenKind.WORD and behind.text in words)

    def _alias(self) -> str | None:
        return self.identifier().text if self.accept_word("AS") else None

    def _alias_with_columns(self) -> tuple[str | None, tuple[str, ...]]:
        alias = self._alias()
        columns: tuple[str, ...] = ()
        if alias is not None and self.is_operator("("):
            columns = self.names()
        return alias, columns
