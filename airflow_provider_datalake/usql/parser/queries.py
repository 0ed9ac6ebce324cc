"""Rowset expressions: SELECT, EXTRACT and set operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.sources import TABLE_FUNCTION, USER_OPERATORS, SourceParser

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span


class QueryParser(SourceParser):
    """Parses rowset expressions."""

    def query(self) -> ast.Query:
        """Parse a query that must come next, with the ORDER BY of its result."""
        self.descend()
        start = self.token.span
        left = self.limited(self._intersection(), start)
        while self.is_set_operator():
            left = self._set_operation(left)
            if self.is_word("ORDER") or self.is_word("SAMPLE"):
                left = self.limited(left, start)
                break  # which operands a further operator would combine is not defined
        self._option()
        self.ascend()
        return left

    def rowset(self) -> ast.Query:
        """Parse a query that has no ORDER BY of its own unless it is in parentheses."""
        self.descend()
        left = self._intersection()
        while self.is_set_operator():
            left = self._set_operation(left)
        self.ascend()
        return left

    def is_set_operator(self) -> bool:
        """Tell whether an operator comes next that combines two queries."""
        return any(self.is_word(*words) for words in (("UNION",), ("EXCEPT",), ("OUTER", "UNION")))

    def _intersection(self) -> ast.Query:
        left = self._simple_query()
        while self.accept_word("INTERSECT"):
            left = self._combined(left, "INTERSECT")
        self.note("UNION", "EXCEPT", "OUTER")
        return left

    def _set_operation(self, left: ast.Query) -> ast.SetOperation:
        outer = self.accept_word("OUTER")
        return self._combined(left, self.take().text, outer=outer)

    def _combined(self, left: ast.Query, operator: str, *, outer: bool = False) -> ast.SetOperation:
        everything = self.accept_word("ALL")
        distinct = not everything and (self.accept_word("DISTINCT") or not outer)
        by_name, columns = self._by_name()
        if self.accept_word("WITH"):
            # A hint that no row is in both: it changes no result.
            self.note("DISJOINT")
            if not self.accept_word("DISJOINT"):
                raise self.error()
            self.names()
        right = self._simple_query() if operator == "INTERSECT" else self._intersection()
        span = left.span.to(right.span)
        return ast.SetOperation(span, operator, distinct, left, right, outer, by_name, columns)

    def _by_name(self) -> tuple[bool, tuple[str, ...]]:
        if not self.accept_word("BY"):
            return False, ()
        self.expect_word("NAME")
        if not self.accept_word("ON"):
            return True, ()
        self.expect("(")
        columns: list[str] = []
        while True:
            if self.accept("*"):  # it is the last one
                columns.append("*")
                break
            columns.append(self.identifier().text)
            if not self.accept(","):
                break
        self.expect(")")
        return True, tuple(columns)

    def _simple_query(self) -> ast.Query:
        token = self.token
        if self.is_word("SELECT"):
            return self._select()
        if self.is_word("EXTRACT"):
            return self._extract()
        if self.is_word("VALUES"):
            self.take()
            rows = self.rows()
            return ast.ValuesQuery(self.span_from(token.span), rows)
        if self.is_operator("("):
            self.take()
            inner = self.query()
            self.expect(")")
            return inner
        if token.kind is TokenKind.VARIABLE:
            name = self.variable().text
            if self.is_operator("("):
                raise self.unsupported(TABLE_FUNCTION, token.span)
            return ast.RowsetReference(token.span, ast.Variable(token.span, name))
        if token.kind is TokenKind.WORD and token.text in USER_OPERATORS:
            raise self.unsupported(USER_OPERATORS[token.text])
        self.note("SELECT", "EXTRACT", "VALUES", TokenKind.VARIABLE, "'('")
        if self.is_word("EXTERNAL"):
            raise self.unsupported("a query of an external data source")
        table = self.object_name()
        if self.is_operator("("):
            raise self.unsupported(TABLE_FUNCTION, table.span)
        return ast.RowsetReference(table.span, table)

    # What may follow any query

    def limited(self, query: ast.Query, start: Span) -> ast.Query:
        """
        Parse the ORDER BY and the FETCH of a query, when they come next.

        :param query: the query
        :param start: where it begins, with the parentheses around it
        :return: the query that is sorted and cut
        """
        order_by = self.order_by()
        offset, fetch = self.limits()
        if self.is_word("SAMPLE"):
            raise self.unsupported("SAMPLE")
        if not order_by and offset is None and fetch is None:
            return query
        span = self.span_from(start)
        if isinstance(query, ast.Select | ast.SetOperation) and query.span.start == start.start:
            return replace(query, span=span, order_by=order_by, offset=offset, fetch=fetch)
        return self.all_of(query, span, order_by, offset, fetch)

    @staticmethod
    def all_of(
        query: ast.Query,
        span: Span,
        order_by: tuple[ast.SortItem, ...],
        offset: ast.Expression | None,
        fetch: ast.Expression | None,
    ) -> ast.Select:
        """
        Write ``SELECT * FROM (query) ORDER BY ...`` for a query that has no place for the clause itself.

        :param query: the query
        :param span: where it stands, with the clause
        :param order_by: items
        :param offset: rows to skip
        :param fetch: rows to return
        :return: the query around it
        """
        source: ast.Source = ast.QuerySource(query.span, query)
        if isinstance(query, ast.RowsetReference):
            source = ast.RowsetSource(query.span, query.name)
        star = ast.SelectItem(query.span, ast.Star(query.span))
        return ast.Select(span, (star,), source, order_by=order_by, offset=offset, fetch=fetch)

    def limits(self) -> tuple[ast.Expression | None, ast.Expression | None]:
        """Parse OFFSET and FETCH, when they come next."""
        offset = fetch = None
        if self.accept_word("OFFSET"):
            offset = self.expression()
            if not self.accept_word("ROWS"):
                self.expect_word("ROW")
        if self.accept_word("FETCH"):
            if not self.accept_word("FIRST"):
                self.accept_word("NEXT")
            fetch = self.expression()
            if not self.accept_word("ROWS"):
                self.accept_word("ROW")
            self.accept_word("ONLY")
        return offset, fetch

    def _option(self) -> None:
        """Move over ``OPTION (...)``, whose hints to the optimizer change no result."""
        if self.accept_word("OPTION"):
            self.skip_parentheses()

    # EXTRACT

    def _extract(self) -> ast.Extract:
        start = self.expect_word("EXTRACT")
        columns = [self.column_definition()]
        while self.accept(","):
            columns.append(self.column_definition())
        self.expect_word("FROM")
        files = self.expressions()
        if self.is_word("PARTITIONED"):
            raise self.unsupported("EXTRACT with PARTITIONED BY")
        self.expect_word("USING")
        using = self.expression()
        for word in ("READONLY", "REQUIRED"):
            if self.is_word(word):
                raise self.unsupported(f"{word} of a user-defined extractor")
        return ast.Extract(self.span_from(start.span), tuple(columns), files, using)

    def column_definition(self) -> ast.ColumnDefinition:
        """Parse ``name type``."""
        name = self.identifier()
        type_ = self.type_name()
        return ast.ColumnDefinition(name.span.to(type_.span), name.text, type_)

    # SELECT

    def _select(self) -> ast.Select:
        start = self.expect_word("SELECT")
        distinct = self.accept_word("DISTINCT")
        if not distinct:
            self.accept_word("ALL")
        items = self._select_items()
        source = self.source() if self.accept_word("FROM") else None
        where = self.expression() if self.accept_word("WHERE") else None
        group_by: tuple[ast.SelectItem, ...] = ()
        if self.accept_word("GROUP"):
            self.expect_word("BY")
            group_by = self._select_items()
        having = self.expression() if self.accept_word("HAVING") else None
        return ast.Select(self.span_from(start.span), items, source, distinct, where, group_by, having)

    def _select_items(self) -> tuple[ast.SelectItem, ...]:
        items = [self._select_item()]
        while self.accept(","):
            items.append(self._select_item())
        return tuple(items)

    def _select_item(self) -> ast.SelectItem:
        start = self.token
        if self.accept("*"):
            return ast.SelectItem(start.span, ast.Star(start.span))
        if self._is_qualified_star():
            self.take()
            self.take()
            self.take()
            span = self.span_from(start.span)
            return ast.SelectItem(span, ast.Star(span, start.text))
        value = self.expression()
        alias = self.identifier().text if self.accept_word("AS") else None
        return ast.SelectItem(self.span_from(start.span), value, alias)

    def _is_qualified_star(self) -> bool:
        named = self.is_identifier() or self.token.kind is TokenKind.VARIABLE
        return named and self.peek_operator(".") and self.peek_operator("*", 2)
