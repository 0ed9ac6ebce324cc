"""The calls that write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from airflow_provider_datalake.emulator.ml_studio.documents import users_document, workspace_document
from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, bad_request
from airflow_provider_datalake.emulator.ml_studio.models import NewDataset, Role
from airflow_provider_datalake.emulator.ml_studio.publishing import check_data_type
from airflow_provider_datalake.emulator.ml_studio.uploads import MAX_BLOCK

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.ml_studio.calls import Call

MAX_OUTPUT = 64 * 1024 * 1024


async def begin_upload(call: Call) -> Response:
    """
    Begin an upload; a body is all of its contents.

    :param call: the request
    :return: a JSON object with the upload's id
    """
    workspace = await call.authenticate()
    check_data_type(call.request.query_params.get("dataTypeId", ""))
    upload_id = await call.work(call.service.uploads.begin, workspace.id)
    try:
        await _fill(call, workspace.id, upload_id)
    except BaseException:
        # Nobody gets to know its id.
        call.service.uploads.cancel(upload_id)
        raise
    return JSONResponse({"Id": upload_id})


async def _fill(call: Call, workspace: str, upload_id: str) -> None:
    uploads = call.service.uploads
    piece = bytearray()
    number = 0
    async for chunk in call.request.stream():
        piece += chunk
        while len(piece) >= MAX_BLOCK:
            await call.work(uploads.append, workspace, upload_id, number, [bytes(piece[:MAX_BLOCK])])
            del piece[:MAX_BLOCK]
            number += 1
    if piece:
        await call.work(uploads.append, workspace, upload_id, number, [bytes(piece)])
        number += 1
    if number:
        await call.work(uploads.close, workspace, upload_id, number)


async def put_block(call: Call) -> Response:
    """
    Store a block of an upload.

    :param call: the request
    :return: a JSON object with the upload's id
    """
    workspace = await call.authenticate()
    content = await call.body(MAX_BLOCK)
    upload_id = call.request.query_params.get("uploadId", "")
    number, total = call.number("blockId"), call.number("numberOfBlocks")
    await call.work(call.service.uploads.put, workspace.id, upload_id, number, total, content)
    return JSONResponse({"Id": upload_id})


async def create_dataset(call: Call) -> Response:
    """
    Make a dataset, or a new version of one, of an upload.

    :param call: the request
    :return: the version's id, a JSON string
    """
    workspace = await call.authenticate()
    document = await call.document()
    source = document.get("DataSource")
    if not isinstance(source, dict):
        raise bad_request("The body has no object DataSource.")
    wanted = NewDataset(
        name=_text(source, "Name"),
        data_type=_text(source, "DataTypeId"),
        description=_text(source, "Description"),
        # Other clients send an empty text for a new dataset.
        family=_text(source, "FamilyId") or None,
        owner=_text(source, "Owner"),
        origin=_text(source, "SourceOrigin") or "FromResourceUpload",
        file_name=_text(document, "UploadedFromFileName"),
    )
    upload_id = _text(document, "UploadId")
    made = await call.work(call.service.publishing.create, workspace.id, upload_id, wanted)
    return JSONResponse(made.id)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a text, got {str(value)[:100]}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise bad_request(f"{name} is no Unicode text: character {error.start} is half of a pair.") from None
    return value


async def delete_dataset(call: Call) -> Response:
    """
    Delete a dataset with all its versions.

    :param call: the request
    :return: an empty answer
    """
    workspace = await call.authenticate()
    await call.work(call.service.publishing.delete, workspace.id, call.part("family"))
    return Response(status_code=204)


async def put_experiment(call: Call) -> Response:
    """
    Store an experiment.

    :param call: the request
    :return: the experiment's id, a JSON string
    """
    workspace = await call.authenticate()
    document = await call.document()
    await call.work(call.service.experiments.put, workspace.id, call.part("experiment"), document)
    return JSONResponse(call.part("experiment"))


async def put_output(call: Call) -> Response:
    """
    Store what a node of an experiment has given.

    :param call: the request
    :return: an empty answer
    """
    workspace = await call.authenticate()
    data_type = call.request.query_params.get("dataTypeId", "GenericCSV")
    check_data_type(data_type)
    content = b"".join(await call.body(MAX_OUTPUT))
    parts = (call.part("experiment"), call.part("node"), call.part("port"))
    await call.work(call.service.experiments.put_output, workspace.id, *parts, data_type, content)
    return Response(status_code=204)


async def delete_experiment(call: Call) -> Response:
    """
    Delete a stored experiment.

    :param call: the request
    :return: an empty answer
    """
    workspace = await call.authenticate()
    await call.work(call.service.experiments.delete, workspace.id, call.part("experiment"))
    return Response(status_code=204)


async def create_workspace(call: Call) -> Response:
    """
    Make a workspace, for the owner of the emulator.

    :param call: the request
    :return: a JSON object with its tokens
    """
    service = call.service
    principal = await call.work(service.identity.authenticate, call.request)
    if not principal.is_owner:
        raise StudioError(403, "Forbidden", "Only the owner of the emulator makes workspaces.")
    made = await call.work(service.create_workspace, call.part("workspace"))
    users = await call.work(service.users, made.id)
    return JSONResponse(workspace_document(made, users, tokens=True), 201)


async def regenerate(call: Call) -> Response:
    """
    Make a new token; the old one stops at once.

    :param call: the request
    :return: a JSON object with the tokens
    """
    workspace = await call.authenticate()
    made = await call.work(call.service.regenerate, workspace.id, call.part("slot").lower())
    return JSONResponse({"PrimaryToken": made.primary_token, "SecondaryToken": made.secondary_token})


async def invite(call: Call) -> Response:
    """
    Let people into a workspace.

    :param call: the request, with their names and their role
    :return: a JSON array of all who are there
    """
    workspace = await call.authenticate()
    document = await call.document()
    role = _role(document)
    names = [name.strip() for name in _text(document, "Emails").replace(",", ";").split(";")]
    if not any(names):
        raise bad_request("Emails is empty.")
    for name in filter(None, names):
        await call.work(call.service.invite, workspace.id, name, role)
    return JSONResponse(users_document(await call.work(call.service.users, workspace.id)))


async def put_user(call: Call) -> Response:
    """
    Let somebody into a workspace, or change their role.

    :param call: the request
    :return: a JSON array of all who are there
    """
    workspace = await call.authenticate()
    role = _role(await call.document())
    await call.work(call.service.invite, workspace.id, call.part("user"), role)
    return JSONResponse(users_document(await call.work(call.service.users, workspace.id)))


async def remove_user(call: Call) -> Response:
    """
    Remove somebody from a workspace.

    :param call: the request
    :return: an empty answer
    """
    workspace = await call.authenticate()
    await call.work(call.service.remove_user, workspace.id, call.part("user"))
    return Response(status_code=204)


def _role(document: dict[str, Any]) -> Role:
    given = _text(document, "Role")
    for role in Role:
        if role.lower() == given.lower():
            return role
    raise bad_request(f"Role must be one of {', '.join(Role)}, got {given[:100]!r}.")
