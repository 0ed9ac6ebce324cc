"""PyODPS's errors become the provider's own, with the connection's id."""

from __future__ import annotations

from typing import Any

import pytest
import requests  # the cases are its errors
from odps import errors as odps_errors  # the cases are PyODPS errors

from airflow_provider_datalake import exceptions
from airflow_provider_datalake.clients.maxcompute_errors import service_errors, translate


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (odps_errors.SignatureNotMatch("x"), exceptions.AuthenticationError),
        (odps_errors.Unauthorized("x"), exceptions.AuthenticationError),
        (odps_errors.NoPermission("x"), exceptions.AuthenticationError),
        (odps_errors.ODPSError("x", code="RequestTimeTooSkewed", status_code=400), exceptions.AuthenticationError),
        (odps_errors.ODPSError("x", code="InvalidAccessKeyId", status_code=400), exceptions.AuthenticationError),
        (odps_errors.NoSuchProject("x"), exceptions.NotFoundError),
        (odps_errors.NoSuchTable("x"), exceptions.NotFoundError),
        (odps_errors.NoSuchPartition("x"), exceptions.NotFoundError),
        (odps_errors.NoSuchObject("x", status_code=404), exceptions.NotFoundError),
        (odps_errors.ODPSError("x", code="ODPS-0130131:[1,15]"), exceptions.NotFoundError),
        (odps_errors.ObjectAlreadyExists("x"), exceptions.ConflictError),
        (odps_errors.InvalidArgument("x"), exceptions.ConfigurationError),
        (odps_errors.ParseError("x\ny"), exceptions.ConfigurationError),
        (odps_errors.ServiceUnavailable("x", status_code=503), exceptions.ServiceError),
        (odps_errors.ODPSError("x", status_code=500), exceptions.ServiceError),
        (odps_errors.ODPSError("x", code="FlowExceeded", status_code=429), exceptions.ServiceError),
        (odps_errors.ODPSError("x", code="Unheard", status_code=403), exceptions.AuthenticationError),
        (odps_errors.ODPSError("x", code="Unheard", status_code=422), exceptions.ConfigurationError),
        (odps_errors.ConnectTimeout("x"), exceptions.ServiceError),
        (requests.ConnectionError("x"), exceptions.ServiceError),
        (requests.ReadTimeout("x"), exceptions.ServiceError),
    ],
)  # fmt: skip
def test_each_error_has_its_type(error: Exception, expected: type[Exception]) -> None:
    assert type(translate(error, conn_id="c")) is expected


def test_message_names_connection_attempt_code_and_field() -> None:
    error = odps_errors.SignatureNotMatch("wrong", code="SignatureNotMatch", request_id="r1")
    message = str(translate(error, conn_id="my_conn", doing="load table t"))
    assert message == (
        "Connection 'my_conn': load table t: SignatureNotMatch: wrong [request r1] "
        "(check the fields 'login' and 'password')"
    )


def test_an_address_that_does_not_answer_may_be_either_of_two_fields() -> None:
    message = str(translate(requests.ConnectionError("refused"), conn_id="c"))
    assert (
        message == "Connection 'c': refused (check the field 'host', and 'tunnel_endpoint' where it is set)"
    )


def _raise(error: BaseException) -> Any:
    with service_errors("my_conn", "load table t"):
        raise error


def test_our_own_errors_get_the_connections_name_once() -> None:
    with pytest.raises(
        exceptions.NotFoundError, match=r"^Connection 'my_conn': load table t: gone$"
    ) as raised:
        _raise(exceptions.NotFoundError("gone"))
    with pytest.raises(exceptions.NotFoundError, match=r"^Connection 'my_conn': load table t: gone$"):
        _raise(raised.value)


def test_a_jobs_own_words_stay_as_they_are() -> None:
    with pytest.raises(exceptions.JobFailedError, match=r"^ODPS-0130131: no table$"):
        _raise(exceptions.JobFailedError("ODPS-0130131: no table", job_id="i"))


def test_what_is_neither_services_nor_ours_passes_through() -> None:
    with pytest.raises(KeyError):
        _raise(KeyError("bug"))
