"""The binder's errors: the service's documented codes where one fits, codes of our own where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.diagnostics import CompileError, Diagnostic

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

NOT_CONSTANT = "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE"
DOES_NOT_EXIST = "E_CSC_USER_DDLENTITYDOESNOTEXIST"
EMPTY_FILE_PATH = "E_CSC_USER_EMPTYFILEPATH"
INVALID_FILE_NAME = "E_CSC_USER_INVALIDFILENAME"
ALREADY_DECLARED = "E_CSC_USER_ROWSETVARIABLEALREADYDECLARED"
OUTPUTTER_TYPE = "E_CSC_USER_INVALIDTYPEINOUTPUTTER"
CHAR_FORMAT = "E_CSC_USER_UNSUPPORTEDCHARFORMAT"

NOT_SUPPORTED = "E_EMULATOR_NOTSUPPORTED"
ALIAS_REQUIRED = "E_EMULATOR_COLUMNALIASREQUIRED"
ALREADY_EXISTS = "E_EMULATOR_ENTITYALREADYEXISTS"
AMBIGUOUS_ALIAS = "E_EMULATOR_AMBIGUOUSALIAS"
AMBIGUOUS_COLUMN = "E_EMULATOR_AMBIGUOUSCOLUMN"
COLUMN_COUNT = "E_EMULATOR_COLUMNCOUNT"
CYCLIC_VIEW = "E_EMULATOR_CYCLICVIEW"
DUPLICATE_COLUMN = "E_EMULATOR_DUPLICATECOLUMN"
DUPLICATE_OUTPUT = "E_EMULATOR_DUPLICATEOUTPUT"
DUPLICATE_VARIABLE = "E_EMULATOR_DUPLICATEVARIABLE"
FILE_NOT_FOUND = "E_EMULATOR_FILENOTFOUND"
FROM_REQUIRED = "E_EMULATOR_FROMREQUIRED"
INVALID_PARAMETER = "E_EMULATOR_INVALIDPARAMETER"
INVALID_QUERY = "E_EMULATOR_INVALIDQUERY"
JOIN_CONDITION = "E_EMULATOR_JOINCONDITION"
NOT_GROUPED = "E_EMULATOR_COLUMNNOTGROUPED"
PROTECTED = "E_EMULATOR_PROTECTEDENTITY"
READS_OWN_RESULT = "E_EMULATOR_READSOWNRESULT"
TYPE_MISMATCH = "E_EMULATOR_TYPEMISMATCH"
UNKNOWN_COLUMN = "E_EMULATOR_UNKNOWNCOLUMN"
UNKNOWN_ROWSET = "E_EMULATOR_UNKNOWNROWSET"
UNKNOWN_VARIABLE = "E_EMULATOR_UNKNOWNVARIABLE"
VIRTUAL_COLUMN = "E_EMULATOR_VIRTUALCOLUMN"

NO_EFFECT = "W_EMULATOR_NOEFFECT"

_EXPLANATIONS = {
    NOT_CONSTANT: ("Expression cannot be constant folded.", "Use constants, variables and simple operators."),
    DOES_NOT_EXIST: ("The object does not exist.", "Create it in an earlier script, or correct its name."),
    NOT_SUPPORTED: (
        "The feature is part of U-SQL, but is not supported here.",
        "Rewrite the script without it.",
    ),
    ALIAS_REQUIRED: ("A computed column needs a name.", "Add AS and a name behind the expression."),
    OUTPUTTER_TYPE: ("The built-in outputters write simple types only.", "Convert the column in a SELECT."),
    FILE_NOT_FOUND: (
        "Input files must exist when the script is compiled.",
        "Upload it, or correct its name.",
    ),
    READS_OWN_RESULT: ("A script cannot read what it makes.", "Split the script in two."),
}


def failure(code: str, message: str, span: Span) -> CompileError:
    """
    Make a compile error.

    :param code: its code
    :param message: what is wrong, with the names that the script uses
    :param span: where
    :return: the error, to be raised
    """
    description, resolution = _EXPLANATIONS.get(code, ("", ""))
    return CompileError(Diagnostic(code, message, span, description=description, resolution=resolution))


def unsupported(feature: str, span: Span) -> CompileError:
    """
    Make the error for what U-SQL has and this compiler has not.

    :param feature: what, e.g. ``user-defined extractors``
    :param span: where
    :return: the error, to be raised
    """
    return failure(NOT_SUPPORTED, f"{feature}: not supported", span)


def no_effect(message: str, span: Span) -> Diagnostic:
    """
    Make the warning for a setting that is accepted and ignored.

    :param message: what is ignored
    :param span: where
    :return: the warning
    """
    return Diagnostic(NO_EFFECT, message, span, severity="Warning")
