"""The errors of SQL jobs, with the service's own codes: ``ODPS-0130131:[1,15] Table not found - ...``."""

from __future__ import annotations


class SqlError(Exception):
    """
    A statement failed; the text is what the service would answer.

    :param message: what is wrong, without code and position
    :param line: 1-based line in the submitted text, 0 when no position applies
    :param column: 1-based column in that line
    :param code: the service's code; the class's own by default
    """

    code = "ODPS-0130071"
    title = "Semantic analysis exception"

    def __init__(self, message: str, line: int = 0, column: int = 0, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.code = code or type(self).code

    def at(self, line: int, column: int) -> SqlError:
        """
        Give the error a position, unless it already has a more precise one.

        :param line: 1-based line
        :param column: 1-based column
        :return: the same error
        """
        if not self.line:
            self.line, self.column = line, column
        return self

    def __str__(self) -> str:
        position = f"[{self.line},{self.column}] " if self.line else ""
        title = f"{self.title} - " if self.title else ""
        return f"{self.code}:{position}{title}{self.message}"


class ParseError(SqlError):
    """The text is not a statement."""

    code = "ODPS-0130161"
    title = "Parse exception"


class SemanticError(SqlError):
    """The statement does not make sense: an unknown column, a type without conversion."""


class FeatureNotSupported(SemanticError):
    """The service can do it and the emulator cannot."""

    def __init__(self, message: str, line: int = 0, column: int = 0, *, code: str | None = None) -> None:
        super().__init__(f"{message} is not supported by the emulator", line, column, code=code)


class InvalidArgumentType(SemanticError):
    """A function does not take this type."""

    code = "ODPS-0130121"
    title = "Invalid argument type"


class InvalidArgumentCount(SemanticError):
    """A function does not take this number of arguments."""

    code = "ODPS-0130221"
    title = "Invalid number of arguments"


class IllegalTypeCast(SemanticError):
    """There is no conversion between these types."""

    code = "ODPS-0130141"
    title = "Illegal implicit type cast"


class IllegalUnion(SemanticError):
    """The queries of a set operation do not fit together."""

    code = "ODPS-0130241"
    title = "Illegal union operation"


class CartesianProduct(SemanticError):
    """A join without a condition, which the service refuses unless it is a map join."""

    code = "ODPS-0130252"
    title = "Cartesian product is not allowed"


class TableNotFound(SemanticError):
    """There is no such table."""

    code = "ODPS-0130131"
    title = "Table not found"


class TableExists(SemanticError):
    """There already is such a table."""

    code = "ODPS-0130211"
    title = "Table or view already exists"


class InvalidPartition(SemanticError):
    """There is no such partition, or the specification does not fit the table."""

    code = "ODPS-0130191"
    title = "Invalid partition"


class DdlError(SqlError):
    """The catalog refused a change."""

    code = "ODPS-0110061"
    title = "Failed to run ddltask"


class RuntimeFailure(SqlError):
    """Something met while the query ran makes it fail."""

    code = "ODPS-0010000"
    title = "System internal error"


class FunctionFailure(RuntimeFailure):
    """A function raised."""

    code = "ODPS-0123131"
    title = "User defined function exception"


class OutOfMemory(RuntimeFailure):
    """The query needs more memory than there is."""

    code = "ODPS-0123144"
    title = "Fuxi job failed"


class InvalidArgument(RuntimeFailure):
    """A function met a value that it does not take."""

    code = "ODPS-0121095"
    title = "Invalid argument"


class IllegalCastValue(RuntimeFailure):
    """A value cannot be converted to the type asked for."""

    code = "ODPS-0123091"
    title = "Illegal type cast"


class PartitionFailure(RuntimeFailure):
    """A partition vanished, or cannot be written."""

    code = "ODPS-0123031"
    title = "Partition exception"


def runtime_failure(code: str, message: str) -> RuntimeFailure:
    """
    Make the error of a code that was raised within a query.

    :param code: e.g. ``ODPS-0121095``
    :param message: what is wrong
    :return: the error of the class that has the code
    """
    classes = (InvalidArgument, IllegalCastValue, PartitionFailure, FunctionFailure, OutOfMemory)
    found = next((c for c in classes if c.code == code), RuntimeFailure)
    return found(message, code=code)
