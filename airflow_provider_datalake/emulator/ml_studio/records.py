"""The rows of workspaces and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.ml_studio.models import Dataset, Role, Workspace

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS workspaces (
    id TEXT PRIMARY KEY,
    primary_token TEXT NOT NULL,
    secondary_token TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS users (
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL COLLATE NOCASE,
    role TEXT NOT NULL,
    PRIMARY KEY (workspace, name)
);
CREATE TABLE IF NOT EXISTS datasets (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    family TEXT NOT NULL,
    name TEXT NOT NULL,
    data_type TEXT NOT NULL,
    description TEXT NOT NULL,
    owner TEXT NOT NULL,
    origin TEXT NOT NULL,
    file_name TEXT NOT NULL,
    upload TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    is_latest INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS datasets_by_name ON datasets (workspace, name) WHERE is_latest;
CREATE UNIQUE INDEX IF NOT EXISTS datasets_by_version ON datasets (workspace, family, version);
"""
# A version does not change a dataset's place in the list.
_LATEST = """
SELECT newest.* FROM datasets AS newest
JOIN (SELECT workspace, family, MIN(sequence) AS first FROM datasets GROUP BY workspace, family) AS families
    USING (workspace, family)
WHERE newest.is_latest AND newest.workspace = ?
ORDER BY families.first
"""


class Records:
    """
    Reads and writes rows on a connection of a transaction.

    :param connection: the connection
    :param contents: the folder of the contents
    """

    def __init__(self, connection: sqlite3.Connection, contents: Path) -> None:
        self._connection = connection
        self._contents = contents

    # Settings

    def setting(self, name: str) -> str | None:
        """
        Read a setting.

        :param name: its name
        :return: its value, None when there is none
        """
        row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        """
        Write a setting.

        :param name: its name
        :param value: its value
        """
        self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    # Workspaces

    def workspaces(self) -> list[Workspace]:
        """
        List the workspaces.

        :return: the workspaces, by id
        """
        return [Workspace(*row) for row in self._connection.execute("SELECT * FROM workspaces ORDER BY id")]

    def workspace(self, workspace: str) -> Workspace | None:
        """
        Find a workspace.

        :param workspace: its id
        :return: the workspace, None when there is none
        """
        row = self._connection.execute("SELECT * FROM workspaces WHERE id = ?", (workspace,)).fetchone()
        return None if row is None else Workspace(*row)

    def put_workspace(self, workspace: Workspace) -> None:
        """
        Write a workspace.

        :param workspace: the workspace
        """
        self._connection.execute(
            "INSERT INTO workspaces VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "primary_token = excluded.primary_token, secondary_token = excluded.secondary_token",
            (workspace.id, workspace.primary_token, workspace.secondary_token),
        )

    def users(self, workspace: str) -> dict[str, Role]:
        """
        List who is in a workspace.

        :param workspace: its id
        :return: their roles, by name
        """
        rows = self._connection.execute(
            "SELECT name, role FROM users WHERE workspace = ? ORDER BY name", (workspace,)
        )
        return {row["name"]: Role(row["role"]) for row in rows}

    def put_user(self, workspace: str, name: str, role: Role) -> None:
        """
        Write somebody's role.

        :param workspace: where
        :param name: who
        :param role: what they are
        """
        self._connection.execute("INSERT OR REPLACE INTO users VALUES (?, ?, ?)", (workspace, name, role))

    def remove_user(self, workspace: str, name: str) -> bool:
        """
        Remove somebody.

        :param workspace: where from
        :param name: who
        :return: whether they were there
        """
        statement = "DELETE FROM users WHERE workspace = ? AND name = ?"
        return self._connection.execute(statement, (workspace, name)).rowcount > 0

    # Datasets

    def latest(self, workspace: str) -> list[Dataset]:
        """
        List the newest versions.

        :param workspace: whose
        :return: the datasets, the oldest family first
        """
        return list(self._datasets(_LATEST, workspace))

    def dataset(self, workspace: str, dataset_id: str) -> Dataset | None:
        """
        Find a version.

        :param workspace: whose
        :param dataset_id: its id
        :return: the version, None when there is none
        """
        statement = "SELECT * FROM datasets WHERE workspace = ? AND id = ?"
        return next(self._datasets(statement, workspace, dataset_id), None)

    def named(self, workspace: str, name: str) -> Dataset | None:
        """
        Find the newest version of a dataset.

        :param workspace: whose
        :param name: its name
        :return: the version, None when there is none
        """
        statement = "SELECT * FROM datasets WHERE workspace = ? AND name = ? AND is_latest"
        return next(self._datasets(statement, workspace, name), None)

    def made_of(self, upload: str) -> Dataset | None:
        """
        Find what was made of an upload.

        :param upload: the upload's id
        :return: the version, None when nothing was
        """
        return next(self._datasets("SELECT * FROM datasets WHERE upload = ?", upload), None)

    def versions(self, workspace: str, family: str) -> list[Dataset]:
        """
        List the versions of a dataset.

        :param workspace: whose
        :param family: the family
        :return: the versions, the newest first
        """
        statement = "SELECT * FROM datasets WHERE workspace = ? AND family = ? ORDER BY version DESC"
        return list(self._datasets(statement, workspace, family))

    def add(self, dataset: Dataset) -> None:
        """
        Write a version, which is its family's newest from now on.

        :param dataset: the version
        """
        self._connection.execute(
            "UPDATE datasets SET is_latest = 0 WHERE workspace = ? AND family = ?",
            (dataset.workspace, dataset.family),
        )
        self._connection.execute(
            "INSERT INTO datasets (id, workspace, family, name, data_type, description, owner, origin, "
            "file_name, upload, size, created, version, is_latest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                dataset.id,
                dataset.workspace,
                dataset.family,
                dataset.name,
                dataset.data_type,
                dataset.description,
                dataset.owner,
                dataset.origin,
                dataset.file_name,
                dataset.upload,
                dataset.size,
                dataset.created,
                dataset.version,
            ),
        )

    def remove(self, workspace: str, family: str) -> None:
        """
        Remove all versions of a dataset.

        :param workspace: whose
        :param family: the family
        """
        self._connection.execute(
            "DELETE FROM datasets WHERE workspace = ? AND family = ?", (workspace, family)
        )

    def ids(self) -> set[str]:
        """
        List the ids of all versions.

        :return: the ids
        """
        return {str(row["id"]) for row in self._connection.execute("SELECT id FROM datasets")}

    def _datasets(self, statement: str, *parameters: str) -> Iterator[Dataset]:
        for row in self._connection.execute(statement, parameters):
            yield Dataset(
                id=row["id"],
                workspace=row["workspace"],
                family=row["family"],
                name=row["name"],
                data_type=row["data_type"],
                description=row["description"],
                owner=row["owner"],
                origin=row["origin"],
                file_name=row["file_name"],
                upload=row["upload"],
                size=row["size"],
                created=row["created"],
                version=row["version"],
                is_latest=bool(row["is_latest"]),
                path=self._contents / row["id"],
            )
