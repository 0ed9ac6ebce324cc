"""EXTRACT and OUTPUT: files, file sets, and the parameters of extractors and outputters."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.usql.plan import ExtractStep, OutputStep
from airflow_provider_datalake.usql.text_format import ExtractFormat, OutputFormat
from tests.unit.usql.binder.support import PEOPLE, ROOT, compile_here, error_of

OUT = 'OUTPUT @r TO "/out.csv" USING Outputters.Csv();'


def extract_step(using: str, columns: str = "a int", path: str = '"/in/a.csv"') -> ExtractStep:
    step = compile_here(f"@r = EXTRACT {columns} FROM {path} USING {using};{OUT}").steps[0]
    assert isinstance(step, ExtractStep)
    return step


def output_step(rest: str) -> OutputStep:
    step = compile_here(f"{PEOPLE}OUTPUT @people {rest};").steps[-1]
    assert isinstance(step, OutputStep)
    return step


@pytest.mark.parametrize(
    ("using", "expected"),
    [
        ("Extractors.Csv()", ExtractFormat()),
        ("Extractors.Tsv()", ExtractFormat(delimiter="\t")),
        ("Extractors.Text()", ExtractFormat()),
        ("Extractors.Text(delimiter : '|')", ExtractFormat(delimiter="|")),
        ("Extractors.Text('|', Encoding.Unicode)", ExtractFormat(delimiter="|", encoding="utf-16-le")),
        ("Extractors.Csv(Encoding.[ASCII])", ExtractFormat(encoding="ascii")),
        ("Extractors.Csv(encoding : System.Text.Encoding.UTF8)", ExtractFormat()),
        ("Extractors.Csv(encoding : Encoding.BigEndianUnicode)", ExtractFormat(encoding="utf-16-be")),
        ("Extractors.Csv(encoding : Encoding.UTF7)", ExtractFormat(encoding="utf-7")),
        ("Extractors.Csv(encoding : Encoding.UTF32)", ExtractFormat(encoding="utf-32-le")),
        ('Extractors.Csv(encoding : Encoding.GetEncoding("Windows-1252"))', ExtractFormat(encoding="cp1252")),
        ("Extractors.Csv(encoding : System.Text.Encoding.GetEncoding(1258))", ExtractFormat(encoding="cp1258")),
        ("Extractors.Csv(escapeCharacter : '\\\\')", ExtractFormat(escape="\\")),
        ("Extractors.Csv(escapeCharacter : null)", ExtractFormat()),
        ('Extractors.Csv(nullEscape : "NULL", quoting : false)', ExtractFormat(null_escape="NULL", quoting=False)),
        ('Extractors.Csv(rowDelimiter : "\\n")', ExtractFormat(row_delimiter="\n")),
        ('Extractors.Csv(rowDelimiter : "\\r\\n")', ExtractFormat(row_delimiter="\r\n")),
        ("Extractors.Csv(silent : true, skipFirstNRows : 1)", ExtractFormat(silent=True, skip_first_rows=1)),
        ('Extractors.Csv(charFormat : "string")', ExtractFormat(char_format="string")),
    ],
)  # fmt: skip
def test_an_extractor_has_its_parameters(using: str, expected: ExtractFormat) -> None:
    assert extract_step(using).format == expected


@pytest.mark.parametrize(
    ("using", "expected"),
    [
        ("Outputters.Csv()", OutputFormat()),
        ("Outputters.Tsv(outputHeader : true)", OutputFormat(delimiter="\t", header=True)),
        ("Outputters.Text('|', \"yyyy\")", OutputFormat(delimiter="|", date_time_format="yyyy")),
        ("Outputters.Text(delimiter : '|', quoting : false)", OutputFormat(delimiter="|", quoting=False)),
        ('Outputters.Csv(dateTimeFormat : "d", encoding : Encoding.Unicode)', OutputFormat(date_time_format="d", encoding="utf-16-le")),
        ("Outputters.Csv(escapeCharacter : '~', nullEscape : \"-\")", OutputFormat(escape="~", null_escape="-")),
        ('Outputters.Csv(rowDelimiter : "\\n")', OutputFormat(row_delimiter="\n")),
        ("Outputters.Csv(rowDelimiter : null)", OutputFormat()),
        ('Outputters.Csv(charFormat : "string")', OutputFormat(char_format="string")),
    ],
)  # fmt: skip
def test_an_outputter_has_its_parameters(using: str, expected: OutputFormat) -> None:
    assert output_step(f'TO "/o.csv" USING {using}').format == expected


def test_parameters_may_be_variables() -> None:
    text = (
        f'DECLARE @n = 2; @r = EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(skipFirstNRows : @n);{OUT}'
    )
    step = compile_here(text).steps[0]
    assert isinstance(step, ExtractStep)
    assert step.format.skip_first_rows == 2


def test_virtual_columns_stay_in_their_places() -> None:
    step = extract_step(
        "Extractors.Csv()", "date DateTime, a int, host string", '"/logs/{date:yyyy}/{date:MM}/{host}.csv"'
    )
    assert [column.name for column in step.rowset.columns] == ["date", "a", "host"]
    assert step.virtual == {"date", "host"}
    assert step.files[0].pattern == ROOT + "/logs/{date:yyyy}/{date:MM}/{host}.csv"


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        ('"/in/a.csv", "/in/b.csv"', ["/in/a.csv", "/in/b.csv"]),
        ('"in/a.csv"', ["/in/a.csv"]),
        ('"/in/with%20space.csv"', ["/in/with%20space.csv"]),
        (f'"{ROOT}/in/a.csv"', ["/in/a.csv"]),
        ('"/in/" + "a.csv"', ["/in/a.csv"]),
        ('"/nothing/{*}.csv"', ["/nothing/{*}.csv"]),
    ],
)  # fmt: skip
def test_files_are_resolved(path: str, patterns: list[str]) -> None:
    assert [file.pattern for file in extract_step("Extractors.Csv()", path=path).files] == [
        ROOT + pattern for pattern in patterns
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('EXTRACT a int FROM «"/in/missing.csv"» USING Extractors.Csv()', "E_EMULATOR_FILENOTFOUND"),
        ('EXTRACT a int FROM "/in/a.csv", «"/in/missing.csv"» USING Extractors.Csv()', "E_EMULATOR_FILENOTFOUND"),
        ('EXTRACT a int FROM «""» USING Extractors.Csv()', "E_CSC_USER_EMPTYFILEPATH"),
        ("EXTRACT a int FROM «(string)null» USING Extractors.Csv()", "E_CSC_USER_EMPTYFILEPATH"),
        ('EXTRACT a int FROM «"adl://unknown/a.csv"» USING Extractors.Csv()', "E_CSC_USER_INVALIDFILENAME"),
        ("EXTRACT a int FROM «1» USING Extractors.Csv()", "E_EMULATOR_TYPEMISMATCH"),
        ("EXTRACT a int FROM «DateTime.UtcNow.ToString()» USING Extractors.Csv()", "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE"),
        ('EXTRACT a int, «a string» FROM "/in/a.csv" USING Extractors.Csv()', "E_EMULATOR_DUPLICATECOLUMN"),
        ('EXTRACT a «SqlArray<int>» FROM "/in/a.csv" USING Extractors.Csv()', "E_EMULATOR_TYPEMISMATCH"),
        ('EXTRACT a «Foo» FROM "/in/a.csv" USING Extractors.Csv()', "E_EMULATOR_INVALIDEXPRESSION"),
        ('EXTRACT a int FROM «"/logs/{d:yyyy}/a.csv"» USING Extractors.Csv()', "E_EMULATOR_VIRTUALCOLUMN"),
        ('EXTRACT a int, d «string» FROM "/logs/{d:yyyy}/a.csv" USING Extractors.Csv()', "E_EMULATOR_VIRTUALCOLUMN"),
        ('EXTRACT a int, d «byte[]» FROM "/logs/{d}/a.csv" USING Extractors.Csv()', "E_EMULATOR_VIRTUALCOLUMN"),
        ('EXTRACT «d string» FROM "/logs/{d}/a.csv" USING Extractors.Csv()', "E_EMULATOR_VIRTUALCOLUMN"),
        ('EXTRACT a int, d string FROM "/logs/{d}/a.csv", «"/in/a.csv"» USING Extractors.Csv()', "E_EMULATOR_VIRTUALCOLUMN"),
        ('EXTRACT a int, d string FROM «"/logs/{d:*}.csv"» USING Extractors.Csv()', "E_CSC_USER_STARFORMATSPECIFIERISDEPRECATED"),
        ('EXTRACT a int, d DateTime FROM «"/logs/{d:hh}.csv"» USING Extractors.Csv()', "E_CSC_USER_LOWERCASEHOURFORMATSPECIFIERSAREDEPRECATED"),
        ('EXTRACT a int FROM "/in/a.csv" USING «Extractors.Parquet()»', "E_EMULATOR_NOTSUPPORTED"),
        ('EXTRACT a int FROM "/in/a.csv" USING «new My.Extractor()»', "E_EMULATOR_NOTSUPPORTED"),
        ('EXTRACT a int FROM "/in/a.csv" USING «My.Extractor()»', "E_EMULATOR_NOTSUPPORTED"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(«header : true»)', "E_EMULATOR_INVALIDPARAMETER"),
        ("EXTRACT a int FROM \"/in/a.csv\" USING Extractors.Csv(«delimiter : ';'»)", "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Text(delimiter : «";"»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(skipFirstNRows : «true»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(skipFirstNRows : «-1»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(silent : true, «silent : true»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(rowDelimiter : «"ab"»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(encoding : «Encoding.Default»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(encoding : «Encoding.GetEncoding("koi8-r")»)', "E_EMULATOR_INVALIDPARAMETER"),
        ('EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv(charFormat : «"hex"»)', "E_CSC_USER_UNSUPPORTEDCHARFORMAT"),
    ],
)  # fmt: skip
def test_a_wrong_extract_is_an_error_at_its_place(query: str, code: str) -> None:
    assert error_of(f"@r = {query};").code == code


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ('OUTPUT «@nowhere» TO "/o.csv" USING Outputters.Csv();', "E_EMULATOR_UNKNOWNROWSET"),
        ('OUTPUT @people TO «""» USING Outputters.Csv();', "E_CSC_USER_EMPTYFILEPATH"),
        ('OUTPUT @people TO «"/folder/"» USING Outputters.Csv();', "E_CSC_USER_INVALIDFILENAME"),
        ('OUTPUT @people TO «"http://x/o.csv"» USING Outputters.Csv();', "E_CSC_USER_INVALIDFILENAME"),
        ('OUTPUT @people TO «"/o{*}.csv"» USING Outputters.Csv();', "E_EMULATOR_NOTSUPPORTED"),
        ('OUTPUT @people TO "/o.csv" USING «new My.Outputter()»;', "E_EMULATOR_NOTSUPPORTED"),
        ('OUTPUT @people TO "/o.csv" USING «Outputters.Parquet()»;', "E_EMULATOR_NOTSUPPORTED"),
        ('OUTPUT @people TO "/o.csv" USING Outputters.Csv(«skipFirstNRows : 1»);', "E_EMULATOR_INVALIDPARAMETER"),
        ('OUTPUT @people TO "/o.csv" ORDER BY «nothing» USING Outputters.Csv();', "E_EMULATOR_UNKNOWNCOLUMN"),
        (
            'OUTPUT @people TO "/o.csv" USING Outputters.Csv(); OUTPUT @people TO «"o.csv"» USING Outputters.Tsv();',
            "E_EMULATOR_DUPLICATEOUTPUT",
        ),
        (
            ('OUTPUT @people TO "/in/new.csv" USING Outputters.Csv();'
            '@r = EXTRACT a int FROM «"/in/new.csv"» USING Extractors.Csv();'),
            "E_EMULATOR_READSOWNRESULT",
        ),
        (
            ('@r = EXTRACT a int FROM "/in/a.csv" USING Extractors.Csv();'
            'OUTPUT @r TO «"/in/a.csv"» USING Outputters.Csv();'),
            "E_EMULATOR_READSOWNRESULT",
        ),
        (
            '@r = SELECT new SqlArray<int>{1} AS a FROM @people; OUTPUT @r TO "/o.csv" USING «Outputters.Tsv()»;',
            "E_CSC_USER_INVALIDTYPEINOUTPUTTER",
        ),
    ],
)  # fmt: skip
def test_a_wrong_output_is_an_error_at_its_place(statements: str, code: str) -> None:
    assert error_of(PEOPLE + statements).code == code


def test_an_output_is_sorted_by_sql_names() -> None:
    step = output_step('TO "/o.csv" ORDER BY score DESC, id USING Outputters.Csv()')
    assert step.order_by == (("score", True), ("id", False))
