"""From the submitted text to one statement: SET lines, then a query or a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot.tokens import TokenType

from airflow_provider_datalake.emulator.maxcompute.sql import commands
from airflow_provider_datalake.emulator.maxcompute.sql.errors import FeatureNotSupported, ParseError
from airflow_provider_datalake.emulator.maxcompute.sql.grammar import parse_query, tokenize, unexpected
from airflow_provider_datalake.emulator.maxcompute.sql.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlglot import exp
    from sqlglot.tokens import Token

    from airflow_provider_datalake.emulator.maxcompute.sql.source import Source

_QUERIES = ("SELECT", "WITH", "FROM", "INSERT", "VALUES", "(")
# What the service has and the emulator lacks.
_MISSING = frozenset(
    "ADD ANALYZE CALL CLONE COPY COST DECLARE DELETE DENY EXPLAIN EXPORT FREEZE GRANT IMPORT INSTALL KILL"
    " LIST LOAD MERGE MSCK PURGE PUT READ REBUILD REFRESH REMOVE REPLACE RESTORE REVOKE RUN STATUS TUNNEL"
    " UNDO UNLOAD UPDATE USE WAIT WHOAMI".split()
)


@dataclass(frozen=True)
class Parsed:
    """
    What a job is to do.

    :param settings: the SET lines before the statement
    :param query: the tree of a query or INSERT
    :param command: any other statement; without either, the text only sets flags
    """

    settings: Mapping[str, str]
    query: exp.Expression | None = None
    command: commands.Command | None = None


def parse(source: Source) -> Parsed:
    """
    Parse the text of a job.

    :param source: the submitted text
    :return: the statement
    :raises SqlError: when it is none, or more than one
    """
    parts = _split(tokenize(source))
    if not parts:
        raise ParseError("the statement is empty", 1, 1)
    settings: dict[str, str] = {}
    rest = list(parts)
    while rest and _is_word(rest[0][0], "SET"):
        settings.update([_setting(source, rest.pop(0))])
    if not rest:
        return Parsed(settings)
    if len(rest) > 1:
        at = source.position(rest[1][0].start)
        raise FeatureNotSupported("script mode (more than one statement in a job)", *at)
    return _statement(source, settings, rest[0])


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _is_word(token: Token, word: str) -> bool:
    return token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) and token.text.upper() == word


def _setting(source: Source, tokens: Sequence[Token]) -> tuple[str, str]:
    text = source.text[tokens[0].end + 1 : tokens[-1].end + 1]
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ParseError("invalid SET, expect SET key=value", *source.position(tokens[0].start))
    return key.strip(), value.strip()


def _statement(source: Source, settings: Mapping[str, str], tokens: list[Token]) -> Parsed:
    first = tokens[0]
    word = source.text[first.start : first.end + 1].split()[0].upper()
    if word in _QUERIES:
        return Parsed(settings, query=parse_query(source, tokens))
    parse_command = _COMMANDS.get(word)
    if parse_command:
        reader = Reader(source, tokens)
        reader.take()
        command = parse_command(reader)
        reader.end()
        return Parsed(settings, command=command)
    if word in _MISSING:
        raise FeatureNotSupported(word, *source.position(first.start))
    if word.startswith("@"):
        raise FeatureNotSupported("script mode", *source.position(first.start))
    raise unexpected(source, first)


def _unsupported(reader: Reader, what: str) -> FeatureNotSupported:
    found = reader.peek() or reader.peek(-1)
    return FeatureNotSupported(what, *reader.source.position(found.start if found else 0))


# -- CREATE, DROP, TRUNCATE ------------------------------------------------------------------------


def _create(reader: Reader) -> commands.Command:
    if not reader.skip_words("TABLE"):
        raise _unsupported(reader, f"CREATE {reader.take().text.upper()}")
    if_not_exists = reader.skip_words("IF", "NOT", "EXISTS")
    name = reader.table()
    if reader.skip_words("LIKE"):
        like = reader.table()
        lifecycle = reader.integer() if reader.skip_words("LIFECYCLE") else None
        return commands.CreateTable(name, if_not_exists=if_not_exists, like=like, lifecycle=lifecycle)
    columns = reader.listed(lambda: _table_element(reader)) if reader.at_sign("(") else ()
    options = _table_options(reader)
    query: tuple[Token, ...] = ()
    if reader.skip_words("AS"):
        query = reader.rest()
        if not query:
            raise reader.fail("a query")
        if columns:
            raise _unsupported(reader, "CREATE TABLE with columns and AS")
    elif not columns:
        raise reader.fail("'('")
    return commands.CreateTable(name, columns, if_not_exists=if_not_exists, query=query, **options)


def _table_element(reader: Reader) -> commands.ColumnSpec:
    if reader.at_words("PRIMARY", "KEY"):
        raise _unsupported(reader, "PRIMARY KEY")
    return reader.column()


def _table_options(reader: Reader) -> dict[str, Any]:
    options: dict[str, Any] = {}
    while (found := reader.peek()) is not None and not reader.at_words("AS"):
        if reader.skip_words("COMMENT"):
            options["comment"] = reader.string()
        elif reader.skip_words("PARTITIONED", "BY"):
            options["partition_columns"] = reader.listed(reader.column)
        elif reader.skip_words("LIFECYCLE"):
            options["lifecycle"] = reader.integer()
        elif reader.skip_words("TBLPROPERTIES"):
            options["properties"] = _checked_properties(reader, reader.properties())
        elif reader.skip_words("STORED", "AS"):
            # ALIORC is what the service uses by itself; its files are never seen.
            if reader.name("a file format").upper() != "ALIORC":
                raise FeatureNotSupported(
                    "STORED AS of an internal table", *reader.source.position(found.start)
                )
        else:
            what = found.text.upper()
            if what in ("CLUSTERED", "RANGE", "AUTO", "ROW", "STORED", "LOCATION", "USING"):
                raise _unsupported(reader, what)
            raise reader.fail("COMMENT, PARTITIONED BY, TBLPROPERTIES, LIFECYCLE or AS")
    return options


def _checked_properties(reader: Reader, properties: dict[str, str]) -> dict[str, str]:
    for key, value in properties.items():
        if key.lower() in ("transactional", "odps.sql.type.system") and value.lower() == "true":
            raise _unsupported(reader, f"a table with '{key}'='{value}'")
    return properties


def _drop(reader: Reader) -> commands.Command:
    if not reader.skip_words("TABLE"):
        raise _unsupported(reader, f"DROP {reader.take().text.upper()}")
    if_exists = reader.skip_words("IF", "EXISTS")
    name = reader.table()
    reader.skip_words("PURGE")
    return commands.DropTable(name, if_exists)


def _truncate(reader: Reader) -> commands.Command:
    reader.words("TABLE")
    name = reader.table()
    return commands.Truncate(name, reader.specs() if reader.at_words("PARTITION") else ())


# -- ALTER -----------------------------------------------------------------------------------------


def _alter(reader: Reader) -> commands.Command:
    if not reader.skip_words("TABLE"):
        raise _unsupported(reader, f"ALTER {reader.take().text.upper()}")
    name = reader.table()
    specs = reader.specs() if reader.at_words("PARTITION") else ()
    found = reader.peek()
    action = _ALTER.get(reader.name("what to alter").upper())
    if action is None:
        raise FeatureNotSupported(
            f"ALTER TABLE ... {found.text.upper() if found else ''}",
            *reader.source.position(found.start if found else 0),
        )
    if specs and action not in (_alter_set, _alter_touch):
        raise _unsupported(reader, "this change of a single partition")
    return action(reader, name, specs)


def _alter_add(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    columns = reader.skip_words("COLUMNS") or reader.skip_words("COLUMN")
    if_not_exists = reader.skip_words("IF", "NOT", "EXISTS")
    if reader.at_words("PARTITION"):
        return commands.AddPartitions(name, reader.specs(), if_not_exists)
    if not columns:
        raise reader.fail("PARTITION or COLUMNS")
    parenthesised = reader.at_sign("(")
    added = reader.listed(reader.column) if parenthesised else reader.separated(reader.column)
    return commands.AddColumns(name, added, if_not_exists)


def _alter_drop(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    if reader.skip_words("COLUMNS") or reader.skip_words("COLUMN"):
        parenthesised = reader.at_sign("(")
        dropped = reader.listed(reader.name) if parenthesised else reader.separated(reader.name)
        return commands.DropColumns(name, dropped)
    if_exists = reader.skip_words("IF", "EXISTS")
    return commands.DropPartitions(name, reader.specs(conditions=True), if_exists)


def _alter_change(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    reader.skip_words("COLUMN")
    column = reader.name("a column name")
    if reader.skip_words("RENAME", "TO"):
        return commands.ChangeColumn(name, column, new_name=reader.name("a column name"))
    if reader.skip_words("COMMENT"):
        return commands.ChangeColumn(name, column, comment=reader.string())
    if reader.skip_words("NULL"):
        return commands.ChangeColumn(name, column, nullable=True)
    if reader.skip_words("NOT", "NULL"):
        return commands.ChangeColumn(name, column, nullable=False)
    new_name, new_type, comment = reader.name("a column name"), reader.type(), None
    nullable = None
    while reader.peek() is not None:
        if reader.skip_words("COMMENT"):
            comment = reader.string()
        elif reader.skip_words("NOT", "NULL"):
            nullable = False
        elif reader.skip_words("NULL"):
            nullable = True
        else:
            raise _unsupported(reader, f"{reader.take().text.upper()} of a column")
    return commands.ChangeColumn(name, column, new_name, new_type, comment, nullable)


def _alter_rename(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    if reader.skip_words("COLUMN"):
        column = reader.name("a column name")
        reader.words("TO")
        return commands.ChangeColumn(name, column, new_name=reader.name("a column name"))
    reader.words("TO")
    return commands.RenameTable(name, reader.name("a table name"))


def _alter_set(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    if specs:
        raise _unsupported(reader, "SET for a single partition")
    if reader.skip_words("COMMENT"):
        return commands.SetTable(name, comment=reader.string())
    if reader.skip_words("LIFECYCLE"):
        return commands.SetTable(name, lifecycle=reader.integer())
    if reader.skip_words("TBLPROPERTIES"):
        return commands.SetTable(name, properties=_checked_properties(reader, reader.properties()))
    raise _unsupported(reader, f"ALTER TABLE ... SET {reader.take().text.upper()}")


def _alter_owner(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    reader.words("TO")
    return commands.SetTable(name, owner=reader.string())


def _alter_touch(reader: Reader, name: commands.Name, specs: Sequence[commands.Spec]) -> commands.Command:
    if reader.at_words("PARTITION"):
        specs = reader.specs()
    return commands.SetTable(name, touch=True, specs=tuple(specs))


_ALTER: dict[str, Callable[[Reader, commands.Name, Sequence[commands.Spec]], commands.Command]] = {
    "ADD": _alter_add,
    "DROP": _alter_drop,
    "CHANGE": _alter_change,
    "RENAME": _alter_rename,
    "SET": _alter_set,
    "CHANGEOWNER": _alter_owner,
    "TOUCH": _alter_touch,
}


# -- SHOW, DESC ------------------------------------------------------------------------------------


def _show(reader: Reader) -> commands.Command:
    if reader.skip_words("TABLES"):
        found = reader.peek()
        within = reader.table() if reader.skip_words("IN") or reader.skip_words("FROM") else None
        pattern = reader.string() if reader.skip_words("LIKE") else None
        return commands.ShowTables(within or commands.Name((), found.start if found else 0), pattern)
    if reader.skip_words("PARTITIONS"):
        name = reader.table()
        spec = reader.spec(conditions=True) if reader.skip_words("PARTITION") else ()
        return commands.ShowPartitions(name, spec)
    if reader.skip_words("CREATE", "TABLE"):
        return commands.ShowCreateTable(reader.table())
    raise _unsupported(reader, f"SHOW {reader.take().text.upper()}")


def _describe(reader: Reader) -> commands.Command:
    extended = reader.skip_words("EXTENDED")
    reader.skip_words("TABLE")
    name = reader.table()
    return commands.Describe(name, reader.spec() if reader.skip_words("PARTITION") else (), extended)


_COMMANDS: dict[str, Callable[[Reader], commands.Command]] = {
    "CREATE": _create,
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "ALTER": _alter,
    "SHOW": _show,
    "DESC": _describe,
    "DESCRIBE": _describe,
}
