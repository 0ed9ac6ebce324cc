"""
The article "Manage Azure Data Lake Analytics using Python" as one script, with the real services' names.

It knows nothing of an emulator: the environment's proxy and certificates lead there. It differs from the
article where the released clients do (plural operation groups, dictionaries for models), and it writes the
files of an upload and reads the job's result, which the article leaves to its reader.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path

from azure.datalake.store import core, multithread
from azure.identity import ClientSecretCredential
from azure.mgmt.datalake.analytics.account import DataLakeAnalyticsAccountManagementClient
from azure.mgmt.datalake.analytics.account.models import (
    AddDataLakeStoreWithAccountParameters,
    CreateDataLakeAnalyticsAccountParameters,
    CreateOrUpdateComputePolicyParameters,
)
from azure.mgmt.datalake.analytics.catalog import DataLakeAnalyticsCatalogManagementClient
from azure.mgmt.datalake.analytics.job import DataLakeAnalyticsJobManagementClient
from azure.mgmt.datalake.analytics.job.models import (
    CreateJobParameters,
    CreateUSqlJobProperties,
    JobState,
)
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters
from azure.mgmt.resource.resources import ResourceManagementClient
from msrestazure.azure_active_directory import ServicePrincipalCredentials

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT, CLIENT, SECRET = "emulator", "emulator", "emulator-secret"
GROUP, LOCATION, STORE, ANALYTICS = "article", "eastus2", "articlestore", "articleanalytics"
SCRIPT = """
@a  =
    SELECT * FROM
        (VALUES
            ("Contoso", 1500.0),
            ("Woodgrove", 2700.0)
        ) AS
              D( customer, amount );
OUTPUT @a
    TO "/data.csv"
    USING Outputters.Csv();
"""


def main(folder: Path) -> None:
    """
    Do what the article does; print what came of it as JSON.

    :param folder: where the files to upload are, and where they come back to
    """
    credentials = ServicePrincipalCredentials(CLIENT, SECRET, tenant=TENANT)
    resources = ResourceManagementClient(ClientSecretCredential(TENANT, CLIENT, SECRET), SUBSCRIPTION)
    stores = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION)
    accounts = DataLakeAnalyticsAccountManagementClient(credentials, SUBSCRIPTION)
    data_lake = ServicePrincipalCredentials(
        CLIENT, SECRET, tenant=TENANT, resource="https://datalake.azure.net/"
    )
    jobs = DataLakeAnalyticsJobManagementClient(data_lake, "azuredatalakeanalytics.net")
    catalog = DataLakeAnalyticsCatalogManagementClient(data_lake, "azuredatalakeanalytics.net")

    group = resources.resource_groups.create_or_update(GROUP, {"location": LOCATION})
    store = stores.accounts.create(
        GROUP, STORE, CreateDataLakeStoreAccountParameters(location=LOCATION)
    ).result()
    analytics = accounts.accounts.create(
        GROUP,
        ANALYTICS,
        CreateDataLakeAnalyticsAccountParameters(
            location=LOCATION,
            default_data_lake_store_account=STORE,
            data_lake_store_accounts=[AddDataLakeStoreWithAccountParameters(name=STORE)],
        ),
    ).result()

    job_id = str(uuid.uuid4())
    jobs.job.create(
        ANALYTICS,
        job_id,
        CreateJobParameters(
            name="Sample Job", type="USql", properties=CreateUSqlJobProperties(script=SCRIPT)
        ),
    )
    job = jobs.job.get(ANALYTICS, job_id)
    while job.state != JobState.ended:
        time.sleep(0.2)
        job = jobs.job.get(ANALYTICS, job_id)

    accounts.compute_policies.create_or_update(
        GROUP,
        ANALYTICS,
        "GaryMcDaniel",
        CreateOrUpdateComputePolicyParameters(
            object_id="3b097601-4912-4d41-b9d2-78672fc2acde",
            object_type="User",
            max_degree_of_parallelism_per_job=50,
            min_priority_per_job=250,
        ),
    )
    policies = list(accounts.compute_policies.list_by_account(GROUP, ANALYTICS))

    files = core.AzureDLFileSystem(
        store_name=STORE, token_credential=ClientSecretCredential(TENANT, CLIENT, SECRET)
    )
    multithread.ADLUploader(files, lpath=str(folder / "up"), rpath="/tree", nthreads=4)
    multithread.ADLDownloader(files, lpath=str(folder / "down"), rpath="/tree", nthreads=4)
    with files.open("/data.csv", "rb") as stream:
        data = stream.read().decode()

    result = {
        "group": group.name,
        "store": store.endpoint,
        "analytics": analytics.endpoint,
        "result": job.result.value,
        "pipelines": [one.pipeline_name for one in jobs.pipeline.list(ANALYTICS)],
        "databases": [one.name for one in catalog.catalog.list_databases(ANALYTICS)],
        "policies": [
            [one.name, one.object_type, one.max_degree_of_parallelism_per_job, one.min_priority_per_job]
            for one in policies
        ],
        "data": data,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
