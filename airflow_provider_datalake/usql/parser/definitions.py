"""Statements that define and fill objects of the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.queries import QueryParser

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

UNSUPPORTED_OBJECTS = {
    ("FUNCTION",): "a table-valued function",
    ("PROCEDURE",): "a procedure",
    ("PACKAGE",): "a package",
    ("TYPE",): "a table type",
    ("ASSEMBLY",): "a user assembly",
    ("EXTERNAL", "TABLE"): "an external table",
    ("DATA", "SOURCE"): "an external data source",
    ("CREDENTIAL",): "a credential",
    ("STATISTICS",): "statistics",
    ("INDEX",): "an index of its own",
    ("CLUSTERED", "INDEX"): "an index of its own",
    ("CLUSTERED", "COLUMNSTORE"): "an index of its own",
}


class DefinitionParser(QueryParser):
    """Parses CREATE, DROP, INSERT and TRUNCATE."""

    def create(self) -> ast.Statement:
        """Parse a CREATE statement; its first word comes next."""
        start = self.expect_word("CREATE").span
        if self.accept_word("DATABASE"):
            exists = self._if_not_exists()
            name = self.identifier().text
            return ast.CreateDatabase(self.span_from(start), name, exists)
        if self.accept_word("SCHEMA"):
            exists = self._if_not_exists()
            schema = self.object_name()
            return ast.CreateSchema(self.span_from(start), schema, exists)
        if self.accept_word("TABLE"):
            return self._create_table(start)
        if self.accept_word("VIEW"):
            return self._create_view(start)
        return self.other_object("CREATE", start)

    def drop(self) -> ast.Statement:
        """Parse a DROP statement; its first word comes next."""
        start = self.expect_word("DROP").span
        for kind in ("DATABASE", "SCHEMA", "TABLE", "VIEW"):
            if self.accept_word(kind):
                exists = self._if_exists()
                name = self.object_name()
                return ast.Drop(self.span_from(start), kind, name, exists)
        return self.other_object("DROP", start)

    def other_object(self, verb: str, start: Span) -> ast.Unsupported:
        """Recognise a statement about an object that this compiler does not have, and move to its end."""
        for words, what in UNSUPPORTED_OBJECTS.items():
            if self.is_word(*words):
                return self.unsupported_statement(f"{verb} {' '.join(words)} ({what})", start)
            self.note(words[0])
        self.note("DATABASE", "SCHEMA", "TABLE", "VIEW")
        raise self.error()

    def unsupported_statement(self, feature: str, start: Span) -> ast.Unsupported:
        """Move to a statement's end, over blocks from BEGIN to END and over braces."""
        span = self.span_from(start)
        blocks = braces = 0
        while self.token.kind is not TokenKind.END:
            if self.is_word("BEGIN") or (blocks and self._begins_block()):
                blocks += 1
            elif blocks and self.is_word("END"):
                blocks -= 1
            elif blocks + braces <= 0 and self.is_operator(";"):
                break
            braces += self.is_operator("{") - self.is_operator("}")
            self.take()
        return ast.Unsupported(span, feature)

    def _begins_block(self) -> bool:
        if self.is_word("IF"):  # IF EXISTS and IF NOT EXISTS belong to definitions
            return not (self.peek_word("EXISTS") or (self.peek_word("NOT") and self.peek_word("EXISTS", 2)))
        return self.is_word("CASE")

    def _if_not_exists(self) -> bool:
        if not self.accept_word("IF"):
            return False
        self.expect_word("NOT", "EXISTS")
        return True

    def _if_exists(self) -> bool:
        if not self.accept_word("IF"):
            return False
        self.expect_word("EXISTS")
        return True

    # Tables and views

    def _create_table(self, start: Span) -> ast.CreateTable:
        exists = self._if_not_exists()
        name = self.object_name()
        columns: list[ast.ColumnDefinition] = []
        index: ast.IndexDefinition | None = None
        if self.accept("("):
            while True:
                self.note("INDEX")
                if self.is_word("INDEX") and index is None:
                    index = self._index()
                elif self._is_layout():
                    index = self._layouts(index)
                else:
                    columns.append(self.column_definition())
                if not self.accept(","):
                    break
            self.expect(")")
        if self._is_layout():
            index = self._layouts(index)
        query = None
        if self.accept_word("AS"):
            query = self.query()
        elif not columns:
            raise self.error()
        return ast.CreateTable(self.span_from(start), name, tuple(columns), index, query, exists)

    def _index(self) -> ast.IndexDefinition:
        start = self.expect_word("INDEX").span
        name = self.identifier().text
        self.expect_word("CLUSTERED")
        columnstore = self.accept_word("COLUMNSTORE")
        keys = () if columnstore else self._keys()
        index = ast.IndexDefinition(self.span_from(start), name, keys, columnstore=columnstore)
        return self._layouts(index) if self._is_layout() else index

    def _is_layout(self) -> bool:
        found = self.is_word("PARTITIONED") or self.is_word("DISTRIBUTED")
        if not found:
            self.note("PARTITIONED", "DISTRIBUTED")
        return found

    def _layouts(self, index: ast.IndexDefinition | None) -> ast.IndexDefinition:
        """Parse ``PARTITIONED BY`` and ``DISTRIBUTED BY``, of which one comes next."""
        index = index or ast.IndexDefinition(self.token.span, "")
        while self._is_layout():
            index = self._layout(index)
        return index

    def _layout(self, index: ast.IndexDefinition) -> ast.IndexDefinition:
        partitioned = self.take().text == "PARTITIONED"
        self.accept_word("BY")
        if partitioned:
            self.accept_word("BUCKETS")  # the word of an old preview
            if self.is_operator("("):
                keys = self.names()
                return replace(index, span=self.span_from(index.span), partition_keys=keys)
        kind, keys = self._distribution()
        buckets = self.integer() if self.accept_word("INTO") else None
        return replace(
            index,
            span=self.span_from(index.span),
            distribution=kind,
            distribution_keys=keys,
            buckets=buckets,
        )

    def _distribution(self) -> tuple[str, tuple[str, ...]]:
        for words in (("ROUND", "ROBIN"), ("DIRECT", "HASH"), ("HASH",), ("RANGE",)):
            if self.accept_word(*words):
                kind = " ".join(words)
                return kind, () if kind == "ROUND ROBIN" else tuple(name for name, _ in self._keys())
        raise self.error()

    def _keys(self) -> tuple[tuple[str, bool], ...]:
        self.expect("(")
        keys = []
        while True:
            name = self.identifier().text
            descending = self.accept_word("DESC")
            if not descending:
                self.accept_word("ASC")
            keys.append((name, descending))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(keys)

    def _create_view(self, start: Span) -> ast.CreateView:
        exists = self._if_not_exists()
        name = self.object_name()
        columns: tuple[str, ...] = ()
        if self.is_operator("("):
            columns = self.names()
        self.expect_word("AS")
        first = self.token.span
        query = self.query()
        text = self.text[first.start : self.previous.span.end]
        return ast.CreateView(self.span_from(start), name, query, text, columns, exists)

    # Rows

    def insert(self) -> ast.Statement:
        """Parse an INSERT statement; its first word comes next."""
        start = self.expect_word("INSERT").span
        self.accept_word("INTO")
        self.accept_word("TABLE")
        table = self.object_name()
        columns: tuple[str, ...] = ()
        if self.is_operator("(") and self.is_identifier(1):
            columns = self.names()
        if self.is_word("PARTITION") or self.is_word("ON"):
            return self.unsupported_statement(f"INSERT with {self.token.text} (table partitions)", start)
        query = self.query()
        return ast.Insert(self.span_from(start), table, query, columns)

    def truncate(self) -> ast.Statement:
        """Parse a TRUNCATE statement; its first word comes next."""
        start = self.expect_word("TRUNCATE").span
        self.expect_word("TABLE")
        exists = self._if_exists()
        table = self.object_name()
        if self.is_word("PARTITION"):
            return self.unsupported_statement("TRUNCATE of a PARTITION (table partitions)", start)
        return ast.Truncate(self.span_from(start), table, exists)
