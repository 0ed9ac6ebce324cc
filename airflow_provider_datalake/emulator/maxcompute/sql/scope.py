"""Names: the relations that a query reads, and what a column reference means among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_datalake.emulator.catalog import Partition, Table
    from airflow_provider_datalake.emulator.maxcompute.types import DataType


def identifier(name: str) -> exp.Identifier:
    """
    Quote a name for DuckDB.

    :param name: any text
    :return: the identifier
    """
    return exp.Identifier(this=name, quoted=True)


def column(relation: str, name: str) -> exp.Column:
    """
    Refer to a column in DuckDB.

    :param relation: the relation's DuckDB alias
    :param name: the column's DuckDB name
    :return: the reference
    """
    return exp.Column(this=identifier(name), table=identifier(relation))


@dataclass
class Scan:
    """
    One reading of a stored table.

    :param name: its DuckDB name within the statement
    :param table: the table
    :param used: the columns that the statement refers to, in the order of their first use
    :param predicates: bound predicates on partition columns alone, all of which rows must satisfy
    :param partitions: the partitions to read, None for all; known after pruning
    :param node: where the query names the table
    """

    name: str
    table: Table
    alias: str
    used: dict[str, None] = field(default_factory=dict)
    predicates: list[exp.Expression] = field(default_factory=list)
    partitions: list[Partition] | None = None
    node: exp.Expression | None = None

    @property
    def partition_names(self) -> set[str]:
        """The names of the partition columns."""
        return {c.name for c in self.table.partition_columns}


@dataclass(frozen=True)
class Field:
    """
    One column that a relation offers.

    :param name: lower-case name
    :param type: its type
    :param expr: its DuckDB reference
    :param scan: the stored table that it comes from directly, None when computed
    """

    name: str
    type: DataType
    expr: exp.Expression
    scan: Scan | None = None


@dataclass
class Relation:
    """
    One item of a FROM clause.

    :param names: what it is called in full: ``("demo", "default", "t")`` or ``("alias",)``
    :param fields: its columns, in order
    :param optional: whether an outer join may fill it with NULLs
    :param merged: the columns that a join has merged with another relation's: only qualified names find them
    """

    names: tuple[str, ...]
    fields: Sequence[Field]
    optional: bool = False
    merged: frozenset[str] = frozenset()

    @property
    def visible(self) -> list[Field]:
        """The columns that unqualified names and ``*`` find."""
        return [f for f in self.fields if f.name not in self.merged]

    def is_called(self, parts: Sequence[str]) -> bool:
        """
        Check a qualifier.

        :param parts: e.g. ``("t",)``, ``("demo", "t")`` or ``("demo", "default", "t")``
        :return: whether it names this relation
        """
        if len(self.names) == 3 and len(parts) == 2:
            return tuple(parts) == (self.names[0], self.names[2])
        return tuple(parts) == self.names[-len(parts) :] and len(parts) <= len(self.names)


@dataclass
class Scope:
    """
    The relations that expressions of one query block may refer to.

    :param relations: in the order of the FROM clause
    :param parent: the scope of the enclosing block, for correlated subqueries
    """

    relations: list[Relation] = field(default_factory=list)
    parent: Scope | None = None
    # What a grouped block makes of its columns; set while its SELECT list is bound.
    grouping: Grouping | None = None
    # While the arguments of an aggregate are bound, columns are those of the FROM clause again.
    inside_aggregate: bool = False

    @property
    def active_grouping(self) -> Grouping | None:
        """What columns must go through at this moment."""
        return None if self.inside_aggregate else self.grouping

    def resolve(self, parts: Sequence[str]) -> tuple[Field, Scope, int] | None:
        """
        Find the column that a dotted name begins with.

        :param parts: lower-case parts; those beyond the column are fields of a struct
        :return: the column, the scope that has it and how many parts it took; None when nothing is called so
        :raises SemanticError: when more than one column is called so
        """
        for count in range(min(len(parts) - 1, 3), 0, -1):
            found = [r for r in self.relations if r.is_called(parts[:count])]
            if len(found) > 1:
                raise SemanticError(f"table alias {'.'.join(parts[:count])} is ambiguous")
            if found:
                match = _one([f for f in found[0].fields if f.name == parts[count]], parts[: count + 1])
                if match:
                    return match, self, count + 1
        match = _one([f for f in self.fields() if f.name == parts[0]], parts[:1])
        if match:
            return match, self, 1
        return self.parent.resolve(parts) if self.parent else None

    def fields(self) -> Iterator[Field]:
        """
        List every column, as ``*`` does.

        :return: the columns in order
        """
        for relation in self.relations:
            yield from relation.visible


def _one(found: list[Field], parts: Sequence[str]) -> Field | None:
    if len(found) > 1:
        raise SemanticError(f"column {'.'.join(parts)} is ambiguous")
    return found[0] if found else None


@dataclass
class Grouping:
    """
    How the SELECT list of a grouped block refers to its groups.

    :param relation: DuckDB alias of the inner query that groups
    :param keys: the keys as bound over the FROM clause
    """

    relation: str
    keys: list[Typed]
    aggregates: list[Typed] = field(default_factory=list)
    # Columns outside of keys and aggregates: legal only when an enclosing expression turns out to be a key.
    loose: list[tuple[str, exp.Expression]] = field(default_factory=list)

    def key(self, value: Typed) -> Typed | None:
        """
        Look for an expression among the keys.

        :param value: an expression bound over the FROM clause
        :return: the reference to the key, None when it is not one
        """
        for index, key in enumerate(self.keys):
            if key.expr == value.expr:
                return Typed(column(self.relation, key_name(index)), key.type, node=value.node)
        return None

    def aggregate(self, value: Typed) -> Typed:
        """
        Have the inner query compute an aggregate.

        :param value: the aggregate bound over the FROM clause
        :return: the reference to it
        """
        known = [a.expr for a in self.aggregates]
        if value.expr in known:
            index = known.index(value.expr)
        else:
            index = len(known)
            self.aggregates.append(value)
        return Typed(column(self.relation, aggregate_name(index)), value.type, node=value.node)


# "$" cannot be part of a MaxCompute name, so these never meet a column of the user's.
def key_name(index: int) -> str:
    return f"$k{index}"


def aggregate_name(index: int) -> str:
    return f"$a{index}"


def output_name(index: int) -> str:
    return f"$c{index}"
