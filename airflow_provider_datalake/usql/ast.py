"""The syntax tree of a script: the parser makes it, the binder reads it. Nodes are frozen and have a span."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.types import Kind


@dataclass(frozen=True)
class Node:
    """
    Base of all nodes.

    :param span: where it stands in the script
    """

    span: Span


# Names and types


@dataclass(frozen=True)
class ObjectName(Node):
    """
    A possibly qualified name of a catalog object, e.g. ``db.dbo.T`` or ``[my table]``.

    :param parts: one to three identifiers, brackets removed
    """

    parts: tuple[str, ...]


@dataclass(frozen=True)
class TypeName(Node):
    """
    A type as written.

    :param name: dotted name as written, e.g. ``int``, ``DateTime``, ``System.Guid``, ``SQL.ARRAY``
    :param arguments: its type arguments
    :param optional: whether ``?`` follows
    :param array: whether ``[]`` follows
    """

    name: str
    arguments: tuple[TypeName, ...] = ()
    optional: bool = False
    array: bool = False


# Expressions: C# with U-SQL's additions


@dataclass(frozen=True)
class Literal(Node):
    """
    A constant.

    :param kind: its type: INT, LONG, UINT, ULONG, FLOAT, DOUBLE, DECIMAL, STRING, CHAR, BOOL or NULL
    :param value: the value; a CHAR's is a string of one UTF-16 unit
    """

    kind: Kind
    value: int | float | Decimal | str | bool | None


@dataclass(frozen=True)
class Name(Node):
    """
    An identifier in an expression: a column, a rowset alias, a type or a namespace.

    :param name: the identifier, brackets removed
    :param quoted: whether it was in brackets, and so can only be a column or an alias
    """

    name: str
    quoted: bool = False


@dataclass(frozen=True)
class Variable(Node):
    """
    ``@name`` or ``@@name``.

    :param name: with its at signs
    """

    name: str


@dataclass(frozen=True)
class Member(Node):
    """
    ``target.name``, for columns of an alias, properties, static members and namespaces alike.

    :param target: what stands before the dot
    :param name: what stands behind it
    :param conditional: whether the dot is ``?.``
    """

    target: Expression
    name: str
    conditional: bool = False


@dataclass(frozen=True)
class TypeReference(Node):
    """
    A keyword type in an expression, e.g. the ``int`` of ``int.Parse``.

    :param type: the type
    """

    type: TypeName


@dataclass(frozen=True)
class Argument(Node):
    """
    One argument of a call.

    :param value: its value
    :param name: of a named argument, ``skipFirstNRows : 1``
    """

    value: Expression
    name: str | None = None


@dataclass(frozen=True)
class Call(Node):
    """
    ``target(arguments)``: a method, a static method, an aggregate or a ranking function.

    :param target: a Name, a Member or a TypeReference's Member
    :param arguments: its arguments; ``COUNT(*)`` has one, a Star
    :param type_arguments: of ``Method<T>()``
    :param distinct: whether ``DISTINCT`` stands before the arguments
    """

    target: Expression
    arguments: tuple[Argument, ...]
    type_arguments: tuple[TypeName, ...] = ()
    distinct: bool = False


@dataclass(frozen=True)
class Star(Node):
    """
    ``*`` or ``alias.*``.

    :param qualifier: the alias, None for a bare star
    """

    qualifier: str | None = None


@dataclass(frozen=True)
class Index(Node):
    """
    ``target[arguments]``.

    :param target: an array, a map or a string
    :param arguments: the indexes
    """

    target: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Unary(Node):
    """
    An operator before its operand.

    :param operator: ``-``, ``+``, ``!``, ``~`` or ``NOT``
    :param operand: the operand
    """

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Node):
    """
    An operator between two operands.

    :param operator: a C# operator as written (``==``, ``??``, ``&&``...), ``AND`` or ``OR``
    :param left: the left operand
    :param right: the right operand
    """

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Conditional(Node):
    """
    ``test ? then : otherwise``.

    :param test: the condition
    :param then: its value when it holds
    :param otherwise: its value when it does not
    """

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Cast(Node):
    """
    ``(type) operand``.

    :param type: the type
    :param operand: what is cast
    """

    type: TypeName
    operand: Expression


@dataclass(frozen=True)
class TypeTest(Node):
    """
    ``operand is type`` or ``operand as type``.

    :param operator: ``is`` or ``as``
    :param operand: what is looked at
    :param type: the type
    """

    operator: str
    operand: Expression
    type: TypeName


@dataclass(frozen=True)
class New(Node):
    """
    ``new Type(arguments) {items}``; ``new[] {...}`` has no type.

    :param type: the type, None for an implicitly typed array
    :param arguments: the constructor's arguments
    :param items: the initializer's items; a map's entry, in braces of its own, has several expressions
    """

    type: TypeName | None
    arguments: tuple[Argument, ...] = ()
    items: tuple[tuple[Expression, ...], ...] | None = None


@dataclass(frozen=True)
class Lambda(Node):
    """
    ``parameters => body``.

    :param parameters: their names
    :param body: an expression
    """

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True)
class In(Node):
    """
    ``operand [NOT] IN (items)``.

    :param operand: what is looked for
    :param items: where
    :param negated: whether NOT stands there
    """

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True)
class Between(Node):
    """
    ``operand [NOT] BETWEEN low AND high``.

    :param operand: what is compared
    :param low: the lower bound, included
    :param high: the upper bound, included
    :param negated: whether NOT stands there
    """

    operand: Expression
    low: Expression
    high: Expression
    negated: bool = False


@dataclass(frozen=True)
class Like(Node):
    """
    ``operand [NOT] LIKE pattern [ESCAPE escape]``.

    :param operand: a string
    :param pattern: with ``%`` and ``_``
    :param escape: the escape character
    :param negated: whether NOT stands there
    """

    operand: Expression
    pattern: Expression
    escape: Expression | None = None
    negated: bool = False


@dataclass(frozen=True)
class IsNull(Node):
    """
    ``operand IS [NOT] NULL``.

    :param operand: what is tested
    :param negated: whether NOT stands there
    """

    operand: Expression
    negated: bool = False


@dataclass(frozen=True)
class Case(Node):
    """
    ``CASE [operand] WHEN ... THEN ... ELSE ... END``.

    :param operand: what the WHENs are compared with; None when they are conditions
    :param branches: pairs of WHEN and THEN
    :param otherwise: after ELSE
    """

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None = None


@dataclass(frozen=True)
class SortItem(Node):
    """
    One item of an ORDER BY.

    :param value: what is sorted by
    :param descending: whether DESC stands there
    """

    value: Expression
    descending: bool = False


@dataclass(frozen=True)
class FrameBound(Node):
    """
    One bound of a window frame.

    :param kind: ``PRECEDING``, ``FOLLOWING``, the same behind ``UNBOUNDED``, or ``CURRENT ROW``
    :param offset: how many rows, for PRECEDING and FOLLOWING
    """

    kind: str
    offset: Expression | None = None


@dataclass(frozen=True)
class Over(Node):
    """
    ``call [WITHIN GROUP (...)] OVER (PARTITION BY ... ORDER BY ... ROWS ...)``.

    :param call: the function
    :param partition_by: expressions
    :param order_by: items
    :param frame: ``ROWS`` or ``RANGE`` with its two bounds, None when not given
    :param within_group: items of WITHIN GROUP, for percentiles
    """

    call: Call
    partition_by: tuple[Expression, ...] = ()
    order_by: tuple[SortItem, ...] = ()
    frame: tuple[str, FrameBound, FrameBound] | None = None
    within_group: tuple[SortItem, ...] = ()


Expression: TypeAlias = (
    Literal
    | Name
    | Variable
    | Member
    | TypeReference
    | Call
    | Star
    | Index
    | Unary
    | Binary
    | Conditional
    | Cast
    | TypeTest
    | New
    | Lambda
    | In
    | Between
    | Like
    | IsNull
    | Case
    | Over
)


# Rowset expressions


@dataclass(frozen=True)
class ColumnDefinition(Node):
    """
    ``name type`` of an EXTRACT or a table.

    :param name: the column
    :param type: its type
    """

    name: str
    type: TypeName


@dataclass(frozen=True)
class Extract(Node):
    """
    ``EXTRACT columns FROM files USING extractor``.

    :param columns: what is read, virtual columns of file sets included
    :param files: one or several constant expressions
    :param using: e.g. ``Extractors.Csv(skipFirstNRows : 1)`` or ``new My.Extractor()``
    """

    columns: tuple[ColumnDefinition, ...]
    files: tuple[Expression, ...]
    using: Expression


@dataclass(frozen=True)
class SelectItem(Node):
    """
    One item of a SELECT list.

    :param value: an expression or a Star
    :param alias: after AS, None when not given
    """

    value: Expression
    alias: str | None = None


@dataclass(frozen=True)
class RowsetSource(Node):
    """
    A rowset variable or a table or view in FROM.

    :param name: a Variable (``@rs``) or an ObjectName
    :param alias: after AS, None when not given
    """

    name: Variable | ObjectName
    alias: str | None = None


@dataclass(frozen=True)
class QuerySource(Node):
    """
    A query in parentheses in FROM.

    :param query: the query
    :param alias: after AS
    :param columns: names in parentheses behind the alias
    """

    query: Query
    alias: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValuesSource(Node):
    """
    ``(VALUES (...), (...)) AS alias(columns)``.

    :param rows: the rows' expressions
    :param alias: after AS
    :param columns: the columns' names
    """

    rows: tuple[tuple[Expression, ...], ...]
    alias: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Join(Node):
    """
    Two sources joined.

    :param kind: ``INNER``, ``LEFT OUTER``, ``RIGHT OUTER``, ``FULL OUTER``, ``CROSS``, ``LEFT SEMIJOIN``,
        ``RIGHT SEMIJOIN``, ``LEFT ANTISEMIJOIN`` or ``RIGHT ANTISEMIJOIN``
    :param left: the left source
    :param right: the right source
    :param condition: after ON, None for CROSS
    """

    kind: str
    left: Source
    right: Source
    condition: Expression | None = None


@dataclass(frozen=True)
class Apply(Node):
    """
    ``left CROSS|OUTER APPLY EXPLODE(collection) AS alias(columns)``.

    :param kind: ``CROSS`` or ``OUTER``
    :param left: the left source
    :param collection: the argument of EXPLODE
    :param alias: after AS
    :param columns: one name for an array, two for a map; a type may stand behind a name and is dropped
    """

    kind: str
    left: Source
    collection: Expression
    alias: str
    columns: tuple[str, ...]


Source: TypeAlias = RowsetSource | QuerySource | ValuesSource | Join | Apply


@dataclass(frozen=True)
class Select(Node):
    """
    A SELECT.

    :param items: the list
    :param source: after FROM; None when there is none
    :param distinct: whether DISTINCT stands there
    :param where: the condition
    :param group_by: items; an alias may follow one (``GROUP BY a + b AS c``)
    :param having: the condition
    :param order_by: items
    :param offset: rows to skip
    :param fetch: rows to return; None for all
    """

    items: tuple[SelectItem, ...]
    source: Source | None
    distinct: bool = False
    where: Expression | None = None
    group_by: tuple[SelectItem, ...] = ()
    having: Expression | None = None
    order_by: tuple[SortItem, ...] = ()
    offset: Expression | None = None
    fetch: Expression | None = None


@dataclass(frozen=True)
class SetOperation(Node):
    """
    Two queries combined.

    :param operator: ``UNION``, ``INTERSECT`` or ``EXCEPT``
    :param distinct: True for DISTINCT, False for ALL
    :param left: the left query
    :param right: the right query
    :param outer: whether OUTER stands before
    :param by_name: whether columns are matched by name
    :param by_name_on: the columns after ON; ``("*",)`` for all, empty when not given
    """

    operator: str
    distinct: bool
    left: Query
    right: Query
    outer: bool = False
    by_name: bool = False
    by_name_on: tuple[str, ...] = ()
    order_by: tuple[SortItem, ...] = ()
    offset: Expression | None = None
    fetch: Expression | None = None


@dataclass(frozen=True)
class RowsetReference(Node):
    """
    A bare rowset as a query: ``@a`` in ``@x = @a UNION ALL @b`` or ``OUTPUT @a``; a table's name too.

    :param name: a Variable or an ObjectName
    """

    name: Variable | ObjectName


@dataclass(frozen=True)
class ValuesQuery(Node):
    """
    ``VALUES (...), (...)`` as a query, for INSERT.

    :param rows: the rows' expressions
    """

    rows: tuple[tuple[Expression, ...], ...]


Query: TypeAlias = Select | SetOperation | RowsetReference | ValuesQuery | Extract


# Statements


@dataclass(frozen=True)
class Declare(Node):
    """
    ``DECLARE [EXTERNAL | CONST] @name [type] = value``.

    :param name: with its at sign
    :param type: None when it is inferred
    :param value: a constant expression
    :param external: whether it is a default that an earlier DECLARE of the name overrides
    :param constant: whether CONST stands there
    """

    name: str
    type: TypeName | None
    value: Expression
    external: bool = False
    constant: bool = False


@dataclass(frozen=True)
class Assign(Node):
    """
    ``@rowset = query``.

    :param name: with its at sign
    :param query: the query
    """

    name: str
    query: Query


@dataclass(frozen=True)
class Output(Node):
    """
    ``OUTPUT rowset TO file [ORDER BY ...] USING outputter``.

    :param query: usually a RowsetReference
    :param to: a constant expression
    :param using: e.g. ``Outputters.Csv(outputHeader : true)``
    :param order_by: items
    """

    query: Query
    to: Expression
    using: Expression
    order_by: tuple[SortItem, ...] = ()


@dataclass(frozen=True)
class Use(Node):
    """
    ``USE DATABASE d``, ``USE SCHEMA s`` or ``USE d.s``.

    :param database: None when it stays
    :param schema: None when it stays; a new database's is ``dbo``
    """

    database: str | None
    schema: str | None


@dataclass(frozen=True)
class CreateDatabase(Node):
    """
    ``CREATE DATABASE [IF NOT EXISTS] name``.

    :param name: the database
    :param if_not_exists: whether an existing one is fine
    """

    name: str
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateSchema(Node):
    """
    ``CREATE SCHEMA [IF NOT EXISTS] name``.

    :param name: the schema, may be qualified by a database
    :param if_not_exists: whether an existing one is fine
    """

    name: ObjectName
    if_not_exists: bool = False


@dataclass(frozen=True)
class IndexDefinition(Node):
    """
    A table's index, partitions and distribution, which are kept in the catalog and change no result.

    :param name: the index
    :param keys: columns of CLUSTERED with their directions (True for descending)
    :param distribution: ``HASH``, ``RANGE``, ``DIRECT HASH``, ``ROUND ROBIN`` or empty
    :param distribution_keys: its columns
    :param buckets: after INTO
    :param partition_keys: columns of PARTITIONED BY
    :param columnstore: whether it is a CLUSTERED COLUMNSTORE
    """

    name: str
    keys: tuple[tuple[str, bool], ...] = ()
    distribution: str = ""
    distribution_keys: tuple[str, ...] = ()
    buckets: int | None = None
    partition_keys: tuple[str, ...] = ()
    columnstore: bool = False


@dataclass(frozen=True)
class CreateTable(Node):
    """
    ``CREATE TABLE [IF NOT EXISTS] name (...)`` or ``... AS query``.

    :param name: the table
    :param columns: empty with a query
    :param index: None when not given
    :param query: after AS
    :param if_not_exists: whether an existing one is fine
    """

    name: ObjectName
    columns: tuple[ColumnDefinition, ...] = ()
    index: IndexDefinition | None = None
    query: Query | None = None
    if_not_exists: bool = False


@dataclass(frozen=True)
class CreateView(Node):
    """
    ``CREATE VIEW [IF NOT EXISTS] name [(columns)] AS query``.

    :param name: the view
    :param query: its query
    :param text: the query's text, which the catalog keeps
    :param columns: names that replace the query's
    :param if_not_exists: whether an existing one is fine
    """

    name: ObjectName
    query: Query
    text: str
    columns: tuple[str, ...] = ()
    if_not_exists: bool = False


@dataclass(frozen=True)
class Drop(Node):
    """
    ``DROP DATABASE|SCHEMA|TABLE|VIEW [IF EXISTS] name``.

    :param kind: the word behind DROP
    :param name: what
    :param if_exists: whether a missing one is fine
    """

    kind: str
    name: ObjectName
    if_exists: bool = False


@dataclass(frozen=True)
class Insert(Node):
    """
    ``INSERT INTO table [(columns)] query``.

    :param table: the table
    :param query: what is inserted
    :param columns: which columns; the table's when empty
    """

    table: ObjectName
    query: Query
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Truncate(Node):
    """
    ``TRUNCATE TABLE [IF EXISTS] table``.

    :param table: the table
    :param if_exists: whether a missing one is fine
    """

    table: ObjectName
    if_exists: bool = False


@dataclass(frozen=True)
class Rebuild(Node):
    """
    ``ALTER TABLE table REBUILD``, which joins what was inserted piece by piece and changes no result.

    :param table: the table
    """

    table: ObjectName


@dataclass(frozen=True)
class SetVariable(Node):
    """
    ``SET @@name = value``.

    :param name: with its at signs
    :param value: the value
    """

    name: str
    value: Expression


@dataclass(frozen=True)
class If(Node):
    """
    ``IF condition THEN ... ELSE ... END``, decided when the script is compiled.

    :param condition: a constant expression
    :param then: statements
    :param otherwise: statements
    """

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Unsupported(Node):
    """
    A statement of U-SQL that this compiler knows and does not run; binding it is an error.

    :param feature: e.g. ``CREATE FUNCTION (table-valued functions)``, for the message
    """

    feature: str


Statement: TypeAlias = (
    Declare
    | Assign
    | Output
    | Use
    | CreateDatabase
    | CreateSchema
    | CreateTable
    | CreateView
    | Drop
    | Insert
    | Truncate
    | Rebuild
    | SetVariable
    | If
    | Unsupported
)


@dataclass(frozen=True)
class Script:
    """
    A whole script.

    :param text: its text
    :param statements: its statements
    """

    text: str
    statements: tuple[Statement, ...] = field(default=())
