"""Odd requests to the Azure services: each is refused with a reason, none meets a defect."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from tests.integration.azure_clients import ACCOUNT, SUBSCRIPTION, TOKEN

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

GROUP = f"/arm/subscriptions/{SUBSCRIPTION}/resourceGroups/odd"
ANALYTICS = f"{GROUP}/providers/Microsoft.DataLakeAnalytics/accounts/oddan"
STORE = f"{GROUP}/providers/Microsoft.DataLakeStore/accounts/oddst"
JOB = f"/adla/{ACCOUNT}/jobs/{uuid.UUID(int=1)}"
CATALOG = f"/adla/{ACCOUNT}/catalog/usql"
ROUTES = [
    ("PUT", JOB),
    ("PATCH", JOB),
    ("POST", f"/adla/{ACCOUNT}/buildJob"),
    ("PUT", f"{CATALOG}/databases/master/credentials/x"),
    ("PATCH", f"{CATALOG}/databases/master/credentials/x"),
    ("POST", f"{CATALOG}/databases/master/credentials/x"),
    ("PUT", f"{CATALOG}/databases/master/secrets/x"),
    ("PATCH", f"{CATALOG}/databases/master/secrets/x"),
    ("POST", f"{CATALOG}/acl?op=GRANTACE"),
    ("POST", f"{CATALOG}/acl"),
    ("PUT", GROUP),
    ("PUT", STORE),
    ("PATCH", STORE),
    ("PUT", f"{STORE}/firewallRules/r"),
    ("PUT", f"{STORE}/virtualNetworkRules/r"),
    ("PUT", f"{STORE}/trustedIdProviders/r"),
    ("PUT", ANALYTICS),
    ("PATCH", ANALYTICS),
    ("PUT", f"{ANALYTICS}/computePolicies/p"),
    ("PATCH", f"{ANALYTICS}/computePolicies/p"),
    ("PUT", f"{ANALYTICS}/storageAccounts/s"),
    ("PUT", f"{ANALYTICS}/dataLakeStoreAccounts/oddst"),
    ("PUT", f"{ANALYTICS}/providers/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=2)}"),
    (
        "POST",
        f"/arm/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DataLakeStore/locations/l/checkNameAvailability",
    ),
]
BODIES = [
    b"",
    b"[]",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"properties":[]}',
    b'{"properties":"x"}',
    b'{"location":5}',
    b'{"location":"x","tags":5}',
    b'{"location":"x","tags":{"a":[]},"identity":5}',
    b'{"location":"eastus2","properties":{"defaultDataLakeStoreAccount":5,"dataLakeStoreAccounts":[{"name":5}]}}',
    b'{"location":"eastus2","properties":{"encryptionConfig":5,"firewallRules":[5]}}',
    b'{"properties":{"objectId":5,"objectType":[],"maxDegreeOfParallelismPerJob":"x"}}',
    b'{"properties":{"startIpAddress":["x"],"endIpAddress":5}}',
    b'{"properties":{"roleDefinitionId":5,"principalId":[1]}}',
    b'{"properties":{"accessKey":5,"suffix":[1],"subnetId":5,"idProvider":5}}',
    b'{"password":5,"uri":[],"userId":{}}',
    b'{"password":"p","uri":["x"],"userId":{"a":1},"newPassword":5}',
    b'{"aceType":"User","principalId":5,"permission":[]}',
    b'{"name":[],"type":5}',
    b'{"name":"a","type":"USql","properties":{"script":1}}',
    b'{"name":"a","type":"USql","properties":{"script":"x","compileMode":[],"runtimeVersion":5}}',
    b'{"name":"a","type":"USql","properties":{"script":"x"},"related":[]}',
    b'{"name":"a","type":"USql","properties":{"script":"x"},"related":{"recurrenceId":5}}',
    b'{"name":"a","type":"USql","properties":{"script":"x"},"priority":99999999999999999999999}',
    b'{"name":"a","type":"USql","properties":{"script":"x"},"degreeOfParallelism":1e99}',
]
LISTS = [
    f"/adla/{ACCOUNT}/jobs",
    f"/adla/{ACCOUNT}/pipelines",
    f"{CATALOG}/databases",
    f"{GROUP}/providers/Microsoft.DataLakeStore/accounts",
]
QUERIES = [
    "$top=-1",
    "$top=x",
    "$skip=99999999999999999999999",
    "$filter=%00",
    "$filter=" + "(" * 2000,
    "$filter=" + "not " * 2000 + "a eq 1",
    "$filter=submitTime ge 0001-01-01T00:00:00Z",
    "$filter=submitTime ge 9999-99-99T00:00:00Z",
    "$orderby=a b c",
    "$orderby=properties desc",
    "$select=,",
    "startDateTime=x",
    "startDateTime=0001-01-01",
    "endDateTime=9999-12-31T23:59:59.999Z",
]


def assert_no_defect(answer: requests.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert "EmulatorDefect" not in answer.text, answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_odd_bodies_are_refused(emulator: Emulator, method: str, path: str) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    for made, body in ((GROUP, {"location": "l"}), (STORE, {"location": "l"})):
        session.put(f"{emulator.address}{made}", json=body, timeout=30).raise_for_status()
    properties = {"defaultDataLakeStoreAccount": "oddst", "dataLakeStoreAccounts": [{"name": "oddst"}]}
    body = {"location": "l", "properties": properties}
    session.put(f"{emulator.address}{ANALYTICS}", json=body, timeout=30).raise_for_status()
    for content in BODIES:
        assert_no_defect(session.request(method, f"{emulator.address}{path}", data=content, timeout=30))


@pytest.mark.parametrize("path", LISTS)
def test_odd_options_are_refused(emulator: Emulator, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for query in QUERIES:
        assert_no_defect(requests.get(f"{emulator.address}{path}?{query}", headers=headers, timeout=30))
