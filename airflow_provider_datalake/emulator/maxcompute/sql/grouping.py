"""GROUP BY: keys, grouping sets, and the functions that tell the sets apart."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.calls import function_name
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgumentCount, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.scope import Grouping, identifier, key_name
from airflow_provider_datalake.emulator.maxcompute.sql.typed import BIGINT, Typed, duckdb_cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_datalake.emulator.maxcompute.sql.binder import ExpressionBinder

Keys = tuple[int, ...]
_MOST_SETS = 512


class GroupBy:
    """
    The GROUP BY clause of one block.

    :param bind: binds a key over the FROM clause
    """

    def __init__(self, bind: Callable[[exp.Expression], Typed]) -> None:
        self._bind = bind
        self.keys: list[Typed] = []
        self.sets: list[Keys] | None = None

    def read(self, group: exp.Group) -> None:
        """
        Take the clause in.

        :param group: its tree
        :raises SemanticError: when it does not make sense
        """
        if group.args.get("all") or group.args.get("totals"):
            raise SemanticError("GROUP BY ALL and WITH TOTALS are not supported")
        factors: list[list[Keys]] = []
        plain = [e for e in group.expressions if not isinstance(e, _SETS)]
        for element in plain:
            factors.append([self._keys(element)])
        trailing = [e for name in ("grouping_sets", "rollup", "cube") for e in group.args.get(name) or []]
        everything = tuple(range(len(self.keys)))
        grouped = [e for e in group.expressions if isinstance(e, _SETS)] + trailing
        for element in grouped:
            if not element.expressions:
                # GROUP BY a, b WITH ROLLUP: over all that came before.
                factors = [self._rolled(element, [(k,) for k in everything])]
            elif isinstance(element, exp.GroupingSets) and plain and element in trailing:
                # GROUP BY a, b GROUPING SETS (...): the list names the keys, the sets choose among them.
                factors = [self._sets(element)]
                if any(k >= len(everything) for s in factors[0] for k in s):
                    raise SemanticError("GROUPING SETS must choose among the keys of GROUP BY")
            else:
                factors.append(self._sets(element))
        if grouped:
            self.sets = [
                tuple(dict.fromkeys(k for part in parts for k in part)) for parts in product(*factors)
            ]
            if len(self.sets) > _MOST_SETS:
                raise SemanticError(f"GROUP BY makes {len(self.sets)} grouping sets, more than {_MOST_SETS}")

    def clause(self) -> exp.Group:
        """
        Write DuckDB's clause, by the names that the keys have in the SELECT list.

        :return: the clause
        """
        names = [exp.Column(this=identifier(key_name(i))) for i in range(len(self.keys))]
        if self.sets is None:
            return exp.Group(expressions=names)
        sets = [exp.Tuple(expressions=[names[k].copy() for k in s]) for s in self.sets]
        return exp.Group(grouping_sets=[exp.GroupingSets(expressions=sets)])

    def _sets(self, element: exp.Expression) -> list[Keys]:
        if isinstance(element, exp.GroupingSets):
            return [
                s
                for e in element.expressions
                for s in (self._sets(e) if isinstance(e, _SETS) else [self._keys(e)])
            ]
        return self._rolled(element, [self._keys(e) for e in element.expressions])

    @staticmethod
    def _rolled(element: exp.Expression, parts: Sequence[Keys]) -> list[Keys]:
        if isinstance(element, exp.Rollup):
            chosen = [parts[:n] for n in range(len(parts), -1, -1)]
        else:
            chosen = [c for n in range(len(parts), -1, -1) for c in combinations(parts, n)]
        return [tuple(dict.fromkeys(k for part in c for k in part)) for c in chosen]

    def _keys(self, element: exp.Expression) -> Keys:
        nodes = element.expressions if isinstance(element, exp.Tuple) else [element]
        return tuple(self._key(n) for n in nodes)

    def _key(self, node: exp.Expression) -> int:
        value = self._bind(node.this if isinstance(node, exp.Paren) else node)
        if value.type.name == "map":
            raise SemanticError("MAP values cannot be grouped")
        for index, key in enumerate(self.keys):
            if key.expr == value.expr:
                return index
        self.keys.append(value)
        return len(self.keys) - 1


_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def bind_grouping(binder: ExpressionBinder, grouping: Grouping, node: exp.Anonymous) -> Typed:
    """
    Bind GROUPING(key, ...): a bit for each key, set in the rows whose grouping set lacks it.

    :param binder: the enclosing binder
    :param grouping: the block's groups
    :param node: the call
    :return: its value
    :raises SemanticError: when an argument is not a key
    """
    if not node.expressions and function_name(node) == "grouping":
        raise InvalidArgumentCount("function grouping needs at least 1 argument")
    arguments = [_position(binder, grouping, n) for n in node.expressions]
    return mark(grouping, arguments or list(range(len(grouping.keys))))


def mark(grouping: Grouping, keys: Sequence[int]) -> Typed:
    """
    Tell grouping sets apart.

    :param grouping: the block's groups
    :param keys: the positions of the keys asked for, the first one being the highest bit
    :return: the value
    """
    names = [exp.Column(this=identifier(key_name(k))) for k in keys]
    call = exp.Anonymous(this="GROUPING_ID", expressions=names)
    return grouping.aggregate(Typed(duckdb_cast(call, BIGINT), BIGINT))


def _position(binder: ExpressionBinder, grouping: Grouping, node: exp.Expression) -> int:
    binder.scope.inside_aggregate = True
    try:
        value = binder.bind(node)
    finally:
        binder.scope.inside_aggregate = False
    for index, key in enumerate(grouping.keys):
        if key.expr == value.expr:
            return index
    raise binder.statement.fail(SemanticError("the argument of GROUPING must be a key of GROUP BY"), node)
