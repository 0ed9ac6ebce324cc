"""Scripts and their statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.definitions import DefinitionParser

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

NOT_RUN = {
    ("REFERENCE", "SYSTEM", "ASSEMBLY"): "REFERENCE SYSTEM ASSEMBLY (a .NET assembly)",
    ("REFERENCE",): "REFERENCE ASSEMBLY (a user assembly)",
    ("DEPLOY",): "DEPLOY RESOURCE",
    ("IMPORT",): "IMPORT PACKAGE (a package)",
    ("EXPORT",): "EXPORT (a package)",
    ("USING",): "USING (a name for a .NET namespace)",
}


class StatementParser(DefinitionParser):
    """Parses scripts."""

    def script(self) -> ast.Script:
        """Parse the whole text."""
        statements = self._statements()
        if self.token.kind is not TokenKind.END or self.has_lexical_error:
            raise self.error()
        return ast.Script(self.text, statements)

    def _statements(self, *ends: str) -> tuple[ast.Statement, ...]:
        """Parse statements up to the end, or up to a word that ends a block."""
        found: list[ast.Statement] = []
        while self.token.kind is not TokenKind.END and not any(self.is_word(word) for word in ends):
            if self.is_operator(";"):
                self.take()
                continue
            statement = self._statement()
            found.append(statement)
            if isinstance(statement, ast.If) and not self.is_operator(";"):
                continue
            if self.token.kind is not TokenKind.END:
                self.expect(";")
        self.note(*ends)
        return tuple(found)

    def _statement(self) -> ast.Statement:
        if self.token.kind is TokenKind.VARIABLE:
            return self._assignment()
        parse = {
            "DECLARE": self._declare,
            "OUTPUT": self._output,
            "USE": self._use,
            "CREATE": self.create,
            "DROP": self.drop,
            "ALTER": self._alter,
            "INSERT": self.insert,
            "TRUNCATE": self.truncate,
            "SET": self._set,
            "IF": self._if,
        }
        if self.token.kind is TokenKind.WORD and self.token.text in parse:
            return parse[self.token.text]()
        for words, feature in NOT_RUN.items():
            if self.is_word(*words):
                return self.unsupported_statement(feature, self.take().span)
        self.note(TokenKind.VARIABLE, *parse, *(words[0] for words in NOT_RUN))
        return self._procedure_call()

    def _procedure_call(self) -> ast.Statement:
        """Recognise the call of a procedure, which looks like any name."""
        if not self.is_identifier():
            raise self.error()
        start = self.token.span
        name = self.object_name()
        if not self.is_operator("("):
            self.note("'('")
            raise self.error()
        return self.unsupported_statement(f"the call of procedure {'.'.join(name.parts)}", start)

    def _assignment(self) -> ast.Assign:
        start = self.variable()
        self.expect("=")
        query = self.query()
        return ast.Assign(self.span_from(start.span), start.text, query)

    def _declare(self) -> ast.Statement:
        start = self.expect_word("DECLARE").span
        if self.accept_word("FUNCTION"):
            return self.unsupported_statement("DECLARE FUNCTION (a named function)", start)
        external = self.accept_word("EXTERNAL")
        constant = not external and self.accept_word("CONST")
        name = self.variable().text
        type_ = None
        if not self.accept("="):
            type_ = self.type_name()
            if type_.name in ("Func", "System.Func"):
                return self.unsupported_statement("a variable of type Func (a named lambda)", start)
            self.expect("=")
        value = self.expression()
        return ast.Declare(self.span_from(start), name, type_, value, external, constant)

    def _output(self) -> ast.Output:
        start = self.expect_word("OUTPUT").span
        first = self.token.span
        query = self.rowset()
        self.expect_word("TO")
        to = self.expression()
        query, order_by = self._output_order(query, first)
        for word in ("CLUSTERED", "PARTITIONED", "PARTITION"):
            if self.is_word(word):
                raise self.unsupported(f"OUTPUT with {word}")
        self.expect_word("USING")
        using = self.expression()
        if not order_by:
            query, order_by = self._output_order(query, first)
        if self.accept_word("OPTION"):
            self.skip_parentheses()
        return ast.Output(self.span_from(start), query, to, using, order_by)

    def _output_order(self, query: ast.Query, first: Span) -> tuple[ast.Query, tuple[ast.SortItem, ...]]:
        """Parse ORDER BY; with OFFSET or FETCH it does not only sort, so that the query is cut as well."""
        order_by = self.order_by()
        offset, fetch = self.limits() if order_by else (None, None)
        if offset is None and fetch is None:
            return query, order_by
        return self.all_of(query, self.span_from(first), order_by, offset, fetch), order_by

    def _use(self) -> ast.Use:
        start = self.expect_word("USE").span
        if self.accept_word("DATABASE"):
            name = self.identifier().text
            return ast.Use(self.span_from(start), name, None)
        schema = self.accept_word("SCHEMA")
        parts = self.object_name().parts
        if len(parts) > 2:
            raise self.error("a name of more than two parts")
        if len(parts) == 1 and not schema:
            return ast.Use(self.span_from(start), parts[0], None)
        return ast.Use(self.span_from(start), parts[0] if len(parts) == 2 else None, parts[-1])

    def _alter(self) -> ast.Statement:
        start = self.expect_word("ALTER").span
        if not self.accept_word("TABLE"):
            return self.other_object("ALTER", start)
        table = self.object_name()
        if self.accept_word("REBUILD"):
            if self.is_operator(";") or self.token.kind is TokenKind.END:
                return ast.Rebuild(self.span_from(start), table)
            return self.unsupported_statement("ALTER TABLE with REBUILD of partitions", start)
        for word in ("ADD", "DROP"):
            if self.is_word(word):
                return self.unsupported_statement(f"ALTER TABLE with {word}", start)
            self.note(word)
        raise self.error()

    def _set(self) -> ast.SetVariable:
        start = self.expect_word("SET").span
        name = self.token
        if name.kind is not TokenKind.VARIABLE or not name.text.startswith("@@"):
            self.note("system-variable")
            raise self.error()
        self.take()
        self.expect("=")
        value = self.expression()
        return ast.SetVariable(self.span_from(start), name.text, value)

    def _if(self) -> ast.If:
        """Parse IF; every ELSEIF becomes an IF in the ELSE of the one before."""
        self.descend()
        branches = []
        word = "IF"
        while self.is_word(word):
            start = self.take().span
            condition = self.expression()
            self.expect_word("THEN")
            branches.append((start, condition, self._statements("ELSEIF", "ELSE", "END")))
            word = "ELSEIF"
        otherwise = self._statements("END") if self.accept_word("ELSE") else ()
        self.expect_word("END")
        self.ascend()
        for start, condition, then in reversed(branches[1:]):
            otherwise = (ast.If(self.span_from(start), condition, then, otherwise),)
        start, condition, then = branches[0]
        return ast.If(self.span_from(start), condition, then, otherwise)
