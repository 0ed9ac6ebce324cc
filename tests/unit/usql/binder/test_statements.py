"""Variables, settings and conditions."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError
from airflow_provider_datalake.usql.plan import OutputStep
from tests.unit.usql.binder.support import PEOPLE, ROOT, compile_here, error_of

SELECT = '@r = SELECT * FROM (VALUES (@v)) AS X(v);\nOUTPUT @r TO "/o.csv" USING Outputters.Csv();'


def output_of(text: str, **options: str) -> OutputStep:
    step = compile_here(text, **options).steps[-1]  # type: ignore[arg-type]
    assert isinstance(step, OutputStep)
    return step


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("DECLARE @v int = 1;", "int"),
        ("DECLARE @v = 1;", "int"),
        ("DECLARE @v long = 1;", "long"),
        ("DECLARE @v int? = null;", "int?"),
        ("DECLARE @v string = null;", "string"),
        ("DECLARE CONST @v = 1.5;", "double"),
        ('DECLARE EXTERNAL @v string = "a" + 1;', "string"),
        ("DECLARE @v byte = 5;", "byte"),
        ("DECLARE @v = new DateTime(2020, 1, 2);", "DateTime"),
        ("DECLARE @a = 2; DECLARE @v = @a * 3L;", "long"),
    ],
)
def test_a_variable_has_its_declared_or_inferred_type(declaration: str, expected: str) -> None:
    assert str(output_of(declaration + SELECT).columns[0].type) == expected


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ('DECLARE EXTERNAL @p = "/default.csv";', "/default.csv"),
        ('DECLARE @p = "/first.csv"; DECLARE EXTERNAL @p = "/default.csv";', "/first.csv"),
        ('DECLARE @p string = "/a" + "/" + "b.csv";', "/a/b.csv"),
        ('DECLARE @d = "/dir/"; DECLARE @p = @d + "x.csv";', "/dir/x.csv"),
    ],
)
def test_an_external_declaration_is_a_default_for_an_earlier_one(script: str, path: str) -> None:
    step = output_of(f"{script}{PEOPLE}OUTPUT @people TO @p USING Outputters.Csv();")
    assert step.uri == ROOT + path


def test_a_prelude_overrides_a_default() -> None:
    text = f'DECLARE EXTERNAL @p = "/d.csv";{PEOPLE}OUTPUT @people TO @p USING Outputters.Csv();'
    assert output_of(text, prelude='DECLARE @p = "/given.csv";').uri == f"{ROOT}/given.csv"


@pytest.mark.parametrize("prelude", ['DECLARE @p int = "x";', "DECLARE @p int = ;"])
def test_an_error_in_the_prelude_has_no_place_in_the_script(prelude: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile_here("DECLARE @a = 1;", prelude=prelude)
    assert caught.value.diagnostics[0].span == NOWHERE


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("DECLARE @a = 1; «DECLARE @a = 2»;", "E_EMULATOR_DUPLICATEVARIABLE"),
        ("DECLARE EXTERNAL @a = 1; «DECLARE @a = 2»;", "E_EMULATOR_DUPLICATEVARIABLE"),
        ("DECLARE EXTERNAL @a = 1; «DECLARE EXTERNAL @a = 2»;", "E_EMULATOR_DUPLICATEVARIABLE"),
        ("DECLARE @a = «@b»;", "E_EMULATOR_UNKNOWNVARIABLE"),
        ("DECLARE @a = «null»;", "E_EMULATOR_TYPEMISMATCH"),
        ('DECLARE @a int = «"1"»;', "E_EMULATOR_INVALIDEXPRESSION"),
        ("DECLARE @a int = «1L»;", "E_EMULATOR_INVALIDEXPRESSION"),
        ("DECLARE @a «Nonsense» = 1;", "E_EMULATOR_INVALIDEXPRESSION"),
        (f"{PEOPLE}«DECLARE @people = 1»;", "E_CSC_USER_ROWSETVARIABLEALREADYDECLARED"),
        (
            "DECLARE @a = 1; «@a = SELECT * FROM (VALUES (1)) AS X(v)»;",
            "E_CSC_USER_ROWSETVARIABLEALREADYDECLARED",
        ),
        ("DECLARE CONST @a = «DateTime.UtcNow»;", "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE"),
        ("«SET @@Nonsense = 1»;", "E_EMULATOR_UNKNOWNVARIABLE"),
        (
            "IF «DateTime.UtcNow > DateTime.UtcNow» THEN DECLARE @a = 1; END;",
            "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE",
        ),
        ("IF «1» THEN DECLARE @a = 1; END;", "E_EMULATOR_TYPEMISMATCH"),
        (
            "«CREATE» FUNCTION F() RETURNS @r AS BEGIN @r = SELECT 1 AS a FROM @b; END;",
            "E_EMULATOR_NOTSUPPORTED",
        ),
    ],
)
def test_a_wrong_statement_is_an_error_at_its_place(script: str, code: str) -> None:
    assert error_of(script).code == code


@pytest.mark.parametrize(("value", "path"), [("true", "/yes.csv"), ("1 > 2", "/no.csv")])
def test_if_chooses_statements_when_the_script_is_compiled(value: str, path: str) -> None:
    step = output_of(
        f"DECLARE @on = {value};{PEOPLE}"
        'IF @on THEN OUTPUT @people TO "/yes.csv" USING Outputters.Csv();'
        'ELSE OUTPUT @people TO "/no.csv" USING Outputters.Csv(); END;'
    )
    assert step.uri == ROOT + path


def test_a_branch_that_is_not_taken_is_not_bound() -> None:
    assert compile_here("IF false THEN @r = SELECT * FROM @nowhere; END;").steps == ()


def test_a_setting_without_effect_is_a_warning() -> None:
    (warning,) = compile_here('SET @@FeaturePreviews = "FileSetV2Dot5:on";').warnings
    assert (warning.severity, warning.span.line) == ("Warning", 1)
    assert "@@FeaturePreviews" in warning.message
