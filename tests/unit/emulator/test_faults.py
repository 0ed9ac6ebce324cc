from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.faults import FaultKind, FaultRule, parse_rule


def test_a_rate_alone_covers_all_services_and_kinds() -> None:
    rule = parse_rule("0.2")
    assert (rule.rate, rule.kinds, rule.method) == (0.2, tuple(FaultKind), "")
    assert all(
        rule.covers("GET", path) for path in ("/api/projects/demo", "/adla/a/jobs", "/arm/x", "/aad/y")
    )


def test_the_pages_meet_no_faults() -> None:
    assert not any(
        parse_rule("1").covers("GET", path) for path in ("/", "/jobs", "/health", "/static/style.css")
    )


def test_a_service_limits_the_rule() -> None:
    rule = parse_rule("1:reset,lost@adls")
    assert rule.kinds == (FaultKind.RESET, FaultKind.LOST)
    assert rule.covers("PUT", "/adls/emulator/webhdfs/v1/a")
    assert not rule.covers("PUT", "/adla/emulator/jobs/1")


def test_a_method_and_a_path_limit_the_rule() -> None:
    rule = parse_rule("0.5:503@PUT /adla/*/jobs/*")
    assert rule == FaultRule(0.5, (FaultKind.UNAVAILABLE,), "PUT", ("/adla/*/jobs/*",))
    assert rule.covers("PUT", "/adla/emulator/jobs/1")
    assert not rule.covers("GET", "/adla/emulator/jobs/1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with a rate"),
        ("2", "begins with a rate from 0 to 1"),
        ("nan", "begins with a rate"),
        ("0.1:explode", "unknown kind of fault 'explode'; there are 500, 503"),
        ("0.1@nowhere", "a path that begins with /"),
    ],
)
def test_a_malformed_rule_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_rule(text)
