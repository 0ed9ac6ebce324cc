"""Rowset expressions: SELECT, EXTRACT, set operations and what they read from."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.expressions import ExpressionParser

_NOT_RUN = {
    "PROCESS": "PROCESS (a user-defined processor)",
    "REDUCE": "REDUCE (a user-defined reducer)",
    "COMBINE": "COMBINE (a user-defined combiner)",
    "PIVOT": "PIVOT",
    "UNPIVOT": "UNPIVOT",
}
_SIDES = ("LEFT", "RIGHT", "FULL")


class QueryParser(ExpressionParser):
    """Parses rowset expressions."""

    def query(self) -> ast.Query:
        """Parse a query that must come next."""
        with self.deeper():
            left = self._intersection()
            while True:
                outer = self.is_word("OUTER", "UNION")
                if outer:
                    self.take()
                if self.accept_word("UNION"):
                    left = self._set_operation(left, "UNION", outer=outer)
                elif self.accept_word("EXCEPT"):
                    left = self._set_operation(left, "EXCEPT")
                else:
                    return left

    def _intersection(self) -> ast.Query:
        left = self._simple_query()
        while self.accept_word("INTERSECT"):
            left = self._set_operation(left, "INTERSECT")
        return left

    def _set_operation(self, left: ast.Query, operator: str, *, outer: bool = False) -> ast.SetOperation:
        distinct = not self.accept_word("ALL")
        if distinct:
            self.accept_word("DISTINCT")
        by_name, columns = self._by_name()
        right = self._simple_query() if operator == "INTERSECT" else self._intersection()
        span = left.span.to(right.span)
        return ast.SetOperation(span, operator, distinct, left, right, outer, by_name, columns)

    def _by_name(self) -> tuple[bool, tuple[str, ...]]:
        if not self.is_word("BY", "NAME"):
            return False, ()
        self.expect_word("BY", "NAME")
        if not self.accept_word("ON"):
            return True, ()
        self.expect("(")
        columns = []
        while True:
            columns.append("*" if self.accept("*") else self.identifier().text)
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
            rows = self._rows()
            return ast.ValuesQuery(self.span_from(token.span), rows)
        if self.accept("("):
            inner = self.query()
            self.expect(")")
            return inner
        if token.kind is TokenKind.VARIABLE:
            self.take()
            return ast.RowsetReference(token.span, ast.Variable(token.span, token.text))
        if token.kind is TokenKind.WORD and token.text in _NOT_RUN:
            raise self.unsupported(_NOT_RUN[token.text])
        self.note("SELECT", "EXTRACT", "VALUES", "variable", "'('")
        if self.is_identifier():
            name = self.object_name()
            if self.is_operator("("):
                raise self.unsupported("the call of a table-valued function", name.span)
            return ast.RowsetReference(name.span, name)
        raise self.error()

    def object_name(self) -> ast.ObjectName:
        """Parse a name of one to three parts that must come next."""
        start = self.identifier()
        parts = [start.text]
        while self.accept("."):
            parts.append(self.identifier().text)
        if len(parts) > 3:
            raise self.error("a name of more than three parts")
        return ast.ObjectName(self.span_from(start.span), tuple(parts))

    # EXTRACT

    def _extract(self) -> ast.Extract:
        start = self.expect_word("EXTRACT")
        columns = [self.column_definition()]
        while self.accept(","):
            columns.append(self.column_definition())
        self.expect_word("FROM")
        files = self.expressions()
        if self.is_word("PARTITIONED", "BY"):
            raise self.unsupported("EXTRACT with PARTITIONED BY")
        self.expect_word("USING")
        using = self.expression()
        if self.is_word("READONLY") or self.is_word("REQUIRED"):
            raise self.unsupported(f"{self.token.text} of a user-defined extractor")
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
        items = [self._select_item()]
        while self.accept(","):
            items.append(self._select_item())
        source = self._sources() if self.accept_word("FROM") else None
        where = self.expression() if self.accept_word("WHERE") else None
        group_by: tuple[ast.SelectItem, ...] = ()
        if self.accept_word("GROUP"):
            self.expect_word("BY")
            group_by = self._group_items()
        having = self.expression() if self.accept_word("HAVING") else None
        order_by: tuple[ast.SortItem, ...] = ()
        if self.accept_word("ORDER"):
            self.expect_word("BY")
            order_by = self.sort_items()
        offset, fetch = self._limits()
        if self.is_word("SAMPLE"):
            raise self.unsupported("SAMPLE")
        return ast.Select(
            self.span_from(start.span),
            tuple(items),
            source,
            distinct,
            where,
            group_by,
            having,
            order_by,
            offset,
            fetch,
        )

    def _select_item(self) -> ast.SelectItem:
        start = self.token
        if self.accept("*"):
            return ast.SelectItem(start.span, ast.Star(start.span))
        value = self.expression()
        alias = self.identifier().text if self.accept_word("AS") else None
        return ast.SelectItem(self.span_from(start.span), value, alias)

    def _group_items(self) -> tuple[ast.SelectItem, ...]:
        items = [self._select_item()]
        while self.accept(","):
            items.append(self._select_item())
        return tuple(items)

    def _limits(self) -> tuple[ast.Expression | None, ast.Expression | None]:
        offset = fetch = None
        if self.accept_word("OFFSET"):
            offset = self.expression()
            self._rows_word()
        if self.accept_word("FETCH"):
            if not self.accept_word("FIRST"):
                self.accept_word("NEXT")
            fetch = self.expression()
            self._rows_word()
            if self.is_word("ONLY"):
                self.take()
        return offset, fetch

    def _rows_word(self) -> None:
        if not self.accept_word("ROWS"):
            self.accept_word("ROW")

    # FROM

    def _sources(self) -> ast.Source:
        left = self._joined()
        while self.accept(","):
            right = self._joined()
            left = ast.Join(left.span.to(right.span), "CROSS", left, right)
        return left

    def _joined(self) -> ast.Source:
        left = self._source()
        while True:
            if self.is_word("CROSS", "APPLY") or self.is_word("OUTER", "APPLY"):
                left = self._apply(left)
            elif (kind := self._join_kind()) is not None:
                right = self._source()
                condition = None
                if kind != "CROSS":
                    self.expect_word("ON")
                    condition = self.expression()
                left = ast.Join(self.span_from(left.span), kind, left, right, condition)
            else:
                return left

    def _join_kind(self) -> str | None:
        if self.accept_word("JOIN"):
            return "INNER"
        if self.accept_word("INNER"):
            self.expect_word("JOIN")
            return "INNER"
        if self.accept_word("CROSS"):
            self.expect_word("JOIN")
            return "CROSS"
        for word in ("SEMIJOIN", "ANTISEMIJOIN"):
            if self.accept_word(word):
                return f"LEFT {word}"
        for side in _SIDES:
            if self.accept_word(side):
                for word in ("SEMIJOIN", "ANTISEMIJOIN"):
                    if side != "FULL" and self.accept_word(word):
                        return f"{side} {word}"
                self.accept_word("OUTER")
                self.expect_word("JOIN")
                return f"{side} OUTER"
        return None

    def _apply(self, left: ast.Source) -> ast.Apply:
        kind = self.take().text
        self.expect_word("APPLY")
        if not self.is_word("EXPLODE"):
            what = "a VALUES list" if self.is_operator("(") else "a user-defined applier"
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
        if self.is_identifier():  # a type stands behind the name
            self.type_name()
        return name.text

    def _source(self) -> ast.Source:
        start = self.token
        if start.kind is TokenKind.VARIABLE:
            self.take()
            name = ast.Variable(start.span, start.text)
            alias = self._alias()
            return ast.RowsetSource(self.span_from(start.span), name, alias)
        if self.is_operator("("):
            return self._parenthesised()
        self.note("EXTERNAL", "variable", "'('")
        if self.is_word("EXTERNAL"):
            raise self.unsupported("a query of an external data source")
        table = self.object_name()
        if self.is_operator("("):
            raise self.unsupported("the call of a table-valued function", table.span)
        if self.is_word("PARTITION"):
            raise self.unsupported("PARTITION behind a table (table partitions)")
        return ast.RowsetSource(self.span_from(start.span), table, self._alias())

    def _parenthesised(self) -> ast.Source:
        start = self.expect("(")
        if self.is_word("VALUES"):
            self.take()
            rows = self._rows()
            self.expect(")")
            alias, columns = self._alias_with_columns()
            return ast.ValuesSource(self.span_from(start.span), rows, alias, columns)
        if self._begins_query():
            query = self.query()
            self.expect(")")
            alias, columns = self._alias_with_columns()
            return ast.QuerySource(self.span_from(start.span), query, alias, columns)
        with self.deeper():
            inner = self._sources()
        self.expect(")")
        return inner

    def _begins_query(self) -> bool:
        ahead = 0
        while self.peek(ahead).text == "(" and self.peek(ahead).kind is TokenKind.OPERATOR:
            ahead += 1
        first = self.peek(ahead)
        if first.kind is TokenKind.WORD and first.text in ("SELECT", "EXTRACT", *_NOT_RUN):
            return True
        # `(@a UNION ALL @b) AS u`, in contrast to `(@a AS a JOIN ...)`
        behind = self.peek(ahead + 1)
        return first.kind is TokenKind.VARIABLE and (
            behind.text in ("UNION", "EXCEPT", "INTERSECT", "OUTER", ")")
        )

    def _alias(self) -> str | None:
        if self.accept_word("AS"):
            return self.identifier().text
        return None

    def _alias_with_columns(self) -> tuple[str | None, tuple[str, ...]]:
        alias = self._alias()
        if alias is None or not self.accept("("):
            return alias, ()
        columns = [self.identifier().text]
        while self.accept(","):
            columns.append(self.identifier().text)
        self.expect(")")
        return alias, tuple(columns)

    def _rows(self) -> tuple[tuple[ast.Expression, ...], ...]:
        rows = []
        while True:
            self.expect("(")
            rows.append(self.expressions())
            self.expect(")")
            if not self.accept(","):
                return tuple(rows)
