"""SET of system variables: those of the service are accepted; none changes a result here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.constants import fold_constant
from airflow_provider_datalake.usql.binder.errors import failure, no_effect

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment

KNOWN = frozenset(
    {
        "@@FeaturePreviews",
        "@@InternalDebug",
    }
)


def set_variable(environment: Environment, node: ast.SetVariable) -> None:
    """
    Bind a SET.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when the service has no such variable, or the value is no constant
    """
    if node.name not in KNOWN:
        raise failure(
            errors.UNKNOWN_VARIABLE,
            f"there is no system variable {node.name}; known are {', '.join(sorted(KNOWN))}",
            node.span,
        )
    fold_constant(environment, node.value)
    environment.plan.warn(no_effect(f"SET {node.name} has no effect", node.span))
