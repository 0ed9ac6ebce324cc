"""The workspaces of one emulator."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.database import Database
from airflow_provider_datalake.emulator.definitions import InvalidDefinition
from airflow_provider_datalake.emulator.ml_studio.errors import (
    StorageError,
    StudioError,
    bad_request,
    conflict,
    not_found,
    unauthorized,
)
from airflow_provider_datalake.emulator.ml_studio.examples import (
    example_dataset,
    example_datasets,
)
from airflow_provider_datalake.emulator.ml_studio.experiments import Experiments
from airflow_provider_datalake.emulator.ml_studio.models import DATA_TYPES, EXAMPLES, Dataset, Role, Workspace
from airflow_provider_datalake.emulator.ml_studio.publishing import Publishing
from airflow_provider_datalake.emulator.ml_studio.records import SCHEMA, Records
from airflow_provider_datalake.emulator.ml_studio.signatures import LIFETIME_SECONDS, Signatures
from airflow_provider_datalake.emulator.ml_studio.uploads import Uploads

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.identity.principals import Principal
    from airflow_provider_datalake.emulator.identity.service import IdentityService

log = logging.getLogger(__name__)

CONTENTS = "contents"
"""What the addresses of contents begin with."""
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SLOTS = ("primary", "secondary")


class StudioService:
    """
    Everything that ML Studio's routes and pages work on.

    :param config: the emulator's settings; its workspace is made unless it exists
    :param identity: knows the people
    :raises InvalidDefinition: when the configured workspace cannot have such an id or token
    """

    def __init__(self, config: Config, identity: IdentityService) -> None:
        self.config = config
        self.identity = identity
        self.address_seconds = LIFETIME_SECONDS
        root = config.data_dir / "ml_studio"
        self._contents = root / CONTENTS
        self._contents.mkdir(parents=True, exist_ok=True)
        self.database = Database(root / "studio.db")
        self.database.ensure_schema(SCHEMA)
        self.uploads = Uploads(root / "uploads")
        self.experiments = Experiments(
            root / "stored_experiments", root / "experiments", config.studio_workspace
        )
        self._signatures = Signatures(self._key())
        self.publishing = Publishing(self.database, self._contents, self.uploads)
        self._configure()

    def start(self) -> None:
        """Begin to work; there is nothing that runs."""

    def stop(self) -> None:
        """Interrupt what runs; nothing does."""

    def close(self) -> None:
        """Release the files; no request may be under way any more."""
        self.database.close()

    def expire(self, now: float) -> None:
        """
        Give up the uploads that nobody goes on with.

        :param now: seconds since the epoch
        """
        self.uploads.expire(now)

    # Workspaces and who may what

    def workspaces(self) -> list[Workspace]:
        """
        List the workspaces.

        :return: the workspaces, by id
        """
        with self.database.read() as connection:
            return self._records(connection).workspaces()

    def workspace(self, workspace: str) -> Workspace:
        """
        Find a workspace.

        :param workspace: its id
        :return: the workspace
        :raises StudioError: when there is none
        """
        with self.database.read() as connection:
            found = self._records(connection).workspace(workspace)
        if found is None:
            raise not_found(f"There is no workspace {workspace!r}.")
        return found

    def authenticate(self, workspace: str, token: str) -> Workspace:
        """
        Let somebody in who has a token of a workspace.

        :param workspace: the workspace's id
        :param token: an authorization token
        :return: the workspace
        :raises StudioError: when there is no such workspace, or the token is not one of its own
        """
        with self.database.read() as connection:
            found = self._records(connection).workspace(workspace)
        if found is None:
            raise unauthorized()
        given = token.encode()
        known = (found.primary_token.encode(), found.secondary_token.encode())
        # Both are compared, however the first comes out.
        if not any([hmac.compare_digest(given, one) for one in known]):
            raise unauthorized()
        return found

    def create_workspace(self, workspace: str) -> Workspace:
        """
        Make a workspace with tokens of its own.

        :param workspace: its id
        :return: the workspace
        :raises StudioError: when it cannot have such an id, or there is one
        """
        if not _WORKSPACE.fullmatch(workspace) or workspace == EXAMPLES:
            raise bad_request(
                f"A workspace is named with up to 64 letters, digits, '-' and '_', got {workspace[:100]!r}."
            )
        made = Workspace(workspace, _new_token(), _new_token())
        with self.database.transaction() as connection:
            records = self._records(connection)
            if records.workspace(workspace) is not None:
                raise conflict(f"There is a workspace {workspace!r} already.")
            records.put_workspace(made)
            records.put_user(workspace, self.identity.owner.name, Role.OWNER)
        return made

    def regenerate(self, workspace: str, slot: str) -> Workspace:
        """
        Make a new token; the old one stops at once.

        :param workspace: the workspace's id
        :param slot: ``primary`` or ``secondary``
        :return: the workspace
        :raises StudioError: when there is no such workspace or slot
        """
        if slot not in _SLOTS:
            raise not_found(f"There is no {slot[:100]!r} token, only {' and '.join(_SLOTS)}.")
        with self.database.transaction() as connection:
            records = self._records(connection)
            found = records.workspace(workspace)
            if found is None:
                raise not_found(f"There is no workspace {workspace!r}.")
            made = replace(found, **{f"{slot}_token": _new_token()})
            records.put_workspace(made)
        return made

    def users(self, workspace: str) -> dict[str, Role]:
        """
        List who is in a workspace.

        :param workspace: its id
        :return: their roles, by name
        """
        with self.database.read() as connection:
            return self._records(connection).users(workspace)

    def invite(self, workspace: str, name: str, role: Role) -> None:
        """
        Let somebody into a workspace, or change their role.

        :param workspace: its id
        :param name: who
        :param role: what they are from now on
        :raises StudioError: when the name is empty
        """
        if not name.strip():
            raise bad_request("The name of a user is empty.")
        with self.database.transaction() as connection:
            self._records(connection).put_user(workspace, name.strip(), role)

    def remove_user(self, workspace: str, name: str) -> None:
        """
        Remove somebody from a workspace.

        :param workspace: its id
        :param name: who
        :raises StudioError: when they are not there
        """
        with self.database.transaction() as connection:
            if not self._records(connection).remove_user(workspace, name):
                raise not_found(f"There is no user {name!r} in workspace {workspace!r}.")

    def role_of(self, workspace: str, principal: Principal) -> Role | None:
        """
        Tell what somebody is in a workspace.

        :param workspace: its id
        :param principal: who; the emulator's owner owns every workspace
        :return: the role, None for somebody who is not there
        """
        if principal.is_owner:
            return Role.OWNER
        users = {name.lower(): role for name, role in self.users(workspace).items()}
        return users.get(principal.name.lower())

    def is_owner(self, workspace: str, principal: Principal) -> bool:
        """
        Tell whether somebody may see the tokens of a workspace, and its access code.

        :param workspace: its id
        :param principal: who
        :return: whether they are an owner
        """
        return self.role_of(workspace, principal) is Role.OWNER

    # Datasets

    def datasets(self, workspace: str) -> list[Dataset]:
        """
        List the newest version of each dataset.

        :param workspace: whose
        :return: the workspace's own in the order in which they were made, then the examples
        """
        with self.database.read() as connection:
            return [*self._records(connection).latest(workspace), *example_datasets()]

    def dataset(self, workspace: str, dataset_id: str) -> Dataset:
        """
        Find a version of a dataset, be it the newest one or not.

        :param workspace: whose
        :param dataset_id: the version's id
        :return: the version
        :raises StudioError: when there is none
        """
        found = example_dataset(dataset_id)
        if found is None:
            with self.database.read() as connection:
                found = self._records(connection).dataset(workspace, dataset_id)
        if found is None:
            raise not_found(f"There is no dataset {dataset_id[:200]!r} in workspace {workspace!r}.")
        return found

    def versions(self, workspace: str, family: str) -> list[Dataset]:
        """
        List the versions of a dataset.

        :param workspace: whose
        :param family: what they have in common
        :return: the versions, the newest first
        """
        examples = [one for one in example_datasets() if one.family == family]
        with self.database.read() as connection:
            return examples or self._records(connection).versions(workspace, family)

    # Contents

    def address(self, dataset: Dataset) -> tuple[str, str]:
        """
        Give access to contents for a while.

        :param dataset: the version
        :return: where they are below the service's address, and the query that grants reading, a secret
        """
        location = f"{CONTENTS}/{dataset.id}{DATA_TYPES[dataset.data_type]}"
        return location, self._signatures.sign(location, time.time() + self.address_seconds)

    def contents(self, name: str, query: Mapping[str, str]) -> Dataset:
        """
        Find the contents that an address is about.

        :param name: the last part of its path
        :param query: its query
        :return: the version that has them
        :raises StorageError: when the address grants nothing, or they are gone
        """
        self._signatures.check(f"{CONTENTS}/{name}", query, time.time())
        # Of the two parts of an id and the suffix.
        dataset_id = ".".join(name.split(".")[:2])
        try:
            return self.dataset(dataset_id.partition(".")[0], dataset_id)
        except StudioError:
            raise StorageError(404, "BlobNotFound", "The specified blob does not exist.") from None

    # What is done at the start

    def _records(self, connection: sqlite3.Connection) -> Records:
        return Records(connection, self._contents)

    def _key(self) -> bytes:
        with self.database.transaction() as connection:
            records = self._records(connection)
            if records.setting("key") is None:
                records.set_setting("key", secrets.token_hex(32))
            return bytes.fromhex(str(records.setting("key")))

    def _configure(self) -> None:
        config = self.config
        if not _WORKSPACE.fullmatch(config.studio_workspace) or config.studio_workspace == EXAMPLES:
            raise InvalidDefinition(
                "an ML Studio workspace is named with up to 64 letters, digits, '-' and '_', "
                f"got {config.studio_workspace!r}"
            )
        tokens = {"primary": config.studio_token, "secondary": config.studio_second_token}
        for slot, token in tokens.items():
            if not token or not token.isascii() or not token.isprintable() or " " in token:
                raise InvalidDefinition(
                    f"the {slot} token of an ML Studio workspace must be printable ASCII without spaces"
                )
        with self.database.transaction() as connection:
            records = self._records(connection)
            found = records.workspace(config.studio_workspace)
            if found is None:
                found = Workspace(config.studio_workspace, *tokens.values())
            for slot, token in tokens.items():
                name = f"{slot} token of {config.studio_workspace}"
                # A token that was made anew stays; one that the settings have changed does not.
                if records.setting(name) != token:
                    records.set_setting(name, token)
                    found = replace(found, **{f"{slot}_token": token})
            records.put_workspace(found)
            records.put_user(config.studio_workspace, self.identity.owner.name, Role.OWNER)


def _new_token() -> str:
    return uuid.uuid4().hex
