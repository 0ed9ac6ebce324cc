"""Projects, and what PyODPS asks of them unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from airflow_provider_datalake.emulator.catalog import DEFAULT_SCHEMA, EntityExists, NoSuchEntity
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError, not_supported
from airflow_provider_datalake.emulator.maxcompute.value_text import DEFAULT_TIMEZONE
from airflow_provider_datalake.emulator.maxcompute.xml import element, rfc822, to_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from airflow_provider_datalake.emulator.catalog import Catalog, Project
    from airflow_provider_datalake.emulator.maxcompute.calls import Call

_DEFAULT_PROPERTIES = {
    "odps.sql.timezone": DEFAULT_TIMEZONE,
    "odps.sql.type.system.odps2": "true",
    "odps.sql.decimal.odps2": "true",
    "odps.sql.allow.fullscan": "true",
    "odps.schema.model.enabled": "false",
}
_LATER = {
    "policy": "project policies",
    "security_configuration": "security options",
    "acl": "access control lists",
}


class Projects:
    """
    The projects of the catalog.

    :param catalog: where they are kept
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def ensure(self, name: str, *, owner: str) -> None:
        """
        Create a project unless it exists.

        :param name: its name
        :param owner: who owns a new one
        """
        try:
            self._catalog.create_project(name.lower(), owner=owner)
        except EntityExists:
            return

    def require(self, name: str) -> Project:
        """
        Look a project up.

        :param name: its name, in any case
        :return: the project
        :raises OdpsError: ``NoSuchProject`` when there is none
        """
        try:
            return self._catalog.get_project(name.lower())
        except NoSuchEntity:
            raise OdpsError(404, "NoSuchProject", f"ODPS-0420111: Project not found - '{name}'.") from None

    def list(self) -> list[Project]:
        """
        List all projects.

        :return: the projects by name
        """
        return self._catalog.list_projects()


def require_default_schema(call: Call) -> None:
    """
    Refuse requests into a schema, for projects have none but the default one.

    :param call: the request
    :raises OdpsError: when it names another schema
    """
    schema = call.query.get("curr_schema") or DEFAULT_SCHEMA
    if schema != DEFAULT_SCHEMA:
        raise OdpsError(404, "NoSuchSchema", f"ODPS-0422155: Schema not found - '{schema}'.")


def get_project(call: Call) -> Response:
    """
    Answer one project, with the headers that PyODPS reads.

    :param call: the request
    :return: the project's document
    """
    project = call.service.projects.require(call.path("project"))
    for action, feature in _LATER.items():
        if action in call.query:
            raise not_supported(feature)
    if "extended" in call.query:
        body = element("Project", element("Name", project.name), _extended(call, project))
    else:
        body = _document(project)
    headers = {
        "x-odps-owner": project.owner,
        "x-odps-creation-time": rfc822(project.created_at),
        "Last-Modified": rfc822(project.modified_at),
    }
    return Response(to_bytes(body), media_type="application/xml", headers=headers)


def _document(project: Project) -> Element:
    return element(
        "Project",
        element("Name", project.name),
        element("Type", "managed"),
        element("Comment", project.comment),
        element("Owner", project.owner),
        element("State", "AVAILABLE"),
        element("CreationTime", rfc822(project.created_at)),
        element("LastModifiedTime", rfc822(project.modified_at)),
        _properties("Properties", {**_DEFAULT_PROPERTIES, **(project.properties or {})}),
    )


def _extended(call: Call, project: Project) -> Element:
    catalog = call.service.storage.catalog
    size = sum(catalog.statistics(table).bytes for table in catalog.list_tables(project.name))
    return _properties("ExtendedProperties", {"usedQuotaPhysicalSize": str(size), "usedQuotaSize": str(size)})


def _properties(tag: str, properties: dict[str, str]) -> Element:
    items = [
        element("Property", element("Name", name), element("Value", value))
        for name, value in properties.items()
    ]
    return element(tag, *items)


def list_projects(call: Call) -> Response:
    """
    Answer one page of projects.

    :param call: the request; ``name`` is a prefix
    :return: the listing
    """
    prefix = (call.query.get("name") or "").lower()
    owner = call.query.get("owner")
    marker = call.query.get("marker") or ""
    found = [
        project
        for project in call.service.projects.list()
        if project.name.startswith(prefix) and (not owner or project.owner == owner) and project.name > marker
    ]
    size = call.page_size()
    page = found[:size]
    body = element(
        "Projects",
        element("Marker", page[-1].name if len(found) > size else ""),
        element("MaxItems", size),
        *[_document(project) for project in page],
    )
    return Response(to_bytes(body), media_type="application/xml")
