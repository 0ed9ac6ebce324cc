"""The web application of the resource manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.azure.calls import azure_app
from airflow_provider_datalake.emulator.identity.tokens import MANAGEMENT
from airflow_provider_datalake.emulator.resource_manager import handlers, roles
from airflow_provider_datalake.emulator.resource_manager.providers import PROVIDERS

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from airflow_provider_datalake.emulator.azure.calls import Handler
    from airflow_provider_datalake.emulator.resource_manager.service import ResourceManagerService

    Route = tuple[str, str, Handler[ResourceManagerService]]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourcegroups/{{group}}"


def create_app(service: ResourceManagerService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted
    """
    routes: list[Route] = [
        ("PUT", _GROUP, handlers.put_group),
        # Before GET, which answers HEAD as well.
        ("HEAD", _GROUP, handlers.head_group),
        ("GET", _GROUP, handlers.get_group),
        ("DELETE", _GROUP, handlers.delete_group),
        ("GET", f"{_SUBSCRIPTION}/resourcegroups", handlers.list_groups),
        ("GET", f"{_SUBSCRIPTION}/operationresults/{{operation}}", handlers.group_operation),
        *_role_routes(),
    ]
    for name in PROVIDERS:
        routes += _provider_routes(name)
    return azure_app(service, service.identity, routes, MANAGEMENT)


def _provider_routes(name: str) -> list[Route]:
    provider = f"/providers/{name.lower()}"
    accounts = f"{_GROUP}{provider}/accounts"
    account = f"{accounts}/{{name}}"
    location = f"{_SUBSCRIPTION}{provider}/locations/{{location}}"
    handler = handlers.HANDLERS[name]
    routes: list[Route] = [
        ("PUT", account, handler.put),
        ("PATCH", account, handler.patch),
        ("GET", account, handler.get),
        ("DELETE", account, handler.delete),
        ("GET", accounts, handler.list_in_group),
        ("GET", f"{_SUBSCRIPTION}{provider}/accounts", handler.list_in_subscription),
        ("POST", f"{location}/checknameavailability", handler.check_name),
        ("GET", f"{location}/capability", handler.capability),
        ("GET", f"{location}/operationresults/{{operation}}", handler.operation),
        ("GET", f"{account}/operationresults/{{operation}}", handler.operation_result),
        ("GET", f"{provider}/operations", handler.operations),
        ("POST", f"{account}/enablekeyvault", handler.enable_key_vault),
    ]
    for part in PROVIDERS[name].parts:
        things = f"{account}/{part.path}"
        one = handlers.PartHandlers(PROVIDERS[name], part)
        routes += [
            ("PUT", f"{things}/{{part}}", one.put_part),
            ("PATCH", f"{things}/{{part}}", one.patch_part),
            ("GET", f"{things}/{{part}}", one.get_part),
            ("DELETE", f"{things}/{{part}}", one.delete_part),
            ("GET", things, one.list_parts),
        ]
        if part.path == "storageaccounts":
            routes += [
                ("GET", f"{things}/{{part}}/containers", one.no_containers),
                ("GET", f"{things}/{{part}}/containers/{{container}}", one.no_containers),
                ("POST", f"{things}/{{part}}/containers/{{container}}/listsastokens", one.no_containers),
            ]
    return routes


def _role_routes() -> list[Route]:
    routes: list[Route] = []
    account = f"{_GROUP}/providers/{{namespace}}/accounts/{{account}}"
    for scope in (_SUBSCRIPTION, _GROUP, account):
        assignments = f"{scope}/providers/microsoft.authorization/roleassignments"
        routes += [
            ("PUT", f"{assignments}/{{name}}", roles.put_assignment),
            ("GET", f"{assignments}/{{name}}", roles.get_assignment),
            ("DELETE", f"{assignments}/{{name}}", roles.delete_assignment),
            ("GET", assignments, roles.list_assignments),
            ("GET", f"{scope}/providers/microsoft.authorization/roledefinitions", roles.list_definitions),
        ]
    return routes
