"""Scripts and their statements."""

from __future__ import annotations

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.lexer import TokenKind
from airflow_provider_datalake.usql.parser.definitions import DefinitionParser

_NOT_RUN = {
    ("REFERENCE", "SYSTEM", "ASSEMBLY"): "REFERENCE SYSTEM ASSEMBLY (a .NET assembly)",
    ("REFERENCE",): "REFERENCE ASSEMBLY (a user assembly)",
    ("DEPLOY",): "DEPLOY RESOURCE",
    ("IMPORT",): "IMPORT PACKAGE (a package)",
    ("EXPORT",): "EXPORT (a package)",
    ("PROCESS",): "PROCESS (a user-defined processor)",
}


class StatementParser(DefinitionParser):
    """Parses scripts."""

    def script(self) -> ast.Script:
        """Parse the whole text."""
        statements = self._statements()
        if self.token.kind is not TokenKind.END:
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
        return tuple(found)

    def _statement(self) -> ast.Statement:
        with self.deeper():
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
            for word, parser in parse.items():
                if self.is_word(word):
                    return parser()
            for words, feature in _NOT_RUN.items():
                if self.is_word(*words):
                    return self.unsupported_statement(feature, self.take().span)
            self.note("variable", *parse, *(words[0] for words in _NOT_RUN))
            return self._call()

    def _call(self) -> ast.Statement:
        """Recognise the call of a procedure, which looks like any name."""
        if not self.is_identifier():
            raise self.error()
        position, start = self._position, self.token.span
        name = self.object_name()
        if self.is_operator("("):
            return self.unsupported_statement(f"the call of procedure {'.'.join(name.parts)}", start)
        self._position = position
        raise self.error()

    def _assignment(self) -> ast.Assign:
        start = self.variable()
        self.expect("=")
        query = self.query()
        return ast.Assign(self.span_from(start.span), start.text, query)

    def _declare(self) -> ast.Statement:
        start = self.expect_word("DECLARE").span
        if self.is_word("FUNCTION"):
            return self.unsupported_statement("DECLARE FUNCTION (a named lambda)", start)
        external = self.accept_word("EXTERNAL")
        constant = not external and self.accept_word("CONST")
        name = self.variable().text
        type_ = None
        if not self.is_operator("="):
            self.note("'='")
            type_ = self.type_name()
            if type_.name == "Func":
                return self.unsupported_statement("a variable of type Func (a named lambda)", start)
        self.expect("=")
        value = self.expression()
        return ast.Declare(self.span_from(start), name, type_, value, external, constant)

    def _output(self) -> ast.Output:
        start = self.expect_word("OUTPUT").span
        query = self.query()
        order_by: tuple[ast.SortItem, ...] = ()
        self.expect_word("TO")
        to = self.expression()
        while True:
            if self.accept_word("ORDER"):
                self.expect_word("BY")
                order_by = self.sort_items()
            elif self.is_word("CLUSTERED") or self.is_word("PARTITIONED") or self.is_word("PARTITION"):
                raise self.unsupported(f"OUTPUT with {self.token.text}")
            else:
                break
        self.expect_word("USING")
        using = self.expression()
        if not order_by and self.accept_word("ORDER"):
            self.expect_word("BY")
            order_by = self.sort_items()
        return ast.Output(self.span_from(start), query, to, using, order_by)

    def _use(self) -> ast.Use:
        start = self.expect_word("USE").span
        if self.accept_word("DATABASE"):
            return ast.Use(self.span_from(start), self.identifier().text, None)
        if self.accept_word("SCHEMA"):
            name = self.object_name()
        else:
            name = self.object_name()
            if len(name.parts) == 1:
                return ast.Use(self.span_from(start), name.parts[0], None)
        if len(name.parts) > 2:
            raise self.error("a name of more than two parts")
        database = name.parts[0] if len(name.parts) == 2 else None
        return ast.Use(self.span_from(start), database, name.parts[-1])

    def _alter(self) -> ast.Statement:
        start = self.expect_word("ALTER").span
        if not self.is_word("TABLE"):
            return self.other_object("ALTER", start)
        return self.unsupported_statement("ALTER TABLE", start)

    def _set(self) -> ast.SetVariable:
        start = self.expect_word("SET").span
        name = self.variable()
        self.expect("=")
        value = self.expression()
        return ast.SetVariable(self.span_from(start), name.text, value)

    def _if(self) -> ast.If:
        start = self.expect_word("IF").span
        condition = self.expression()
        self.expect_word("THEN")
        then = self._statements("ELSE", "END", "ELSEIF")
        otherwise: tuple[ast.Statement, ...] = ()
        if self.is_word("ELSEIF"):
            raise self.unsupported("ELSEIF; write ELSE IF ... END END")
        if self.accept_word("ELSE"):
            otherwise = self._statements("END")
        self.expect_word("END")
        return ast.If(self.span_from(start), condition, then, otherwise)
