"""What the catalog keeps beside what U-SQL makes: credentials, secrets and access control lists."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.database import Database

CREDENTIAL, SECRET = "credential", "secret"
_ROUNDS = 100_000
_ALL = ""
"""Stands for the whole catalog where else a database is named."""


@dataclass(frozen=True)
class Credential:
    """
    A credential or a secret.

    :param name: its name
    :param content: user and address, and what its password can be checked by
    :param created_at: seconds since the epoch
    """

    name: str
    content: dict[str, Any]
    created_at: float

    def has_password(self, password: str) -> bool:
        """
        Check a password.

        :param password: what was given
        :return: True when it is the right one
        """
        stored = bytes.fromhex(self.content["password"])
        return hmac.compare_digest(_digest(password, stored[:16]), stored)


def _digest(password: str, salt: bytes) -> bytes:
    return salt + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)


class Credentials:
    """
    The credentials, secrets and access control lists of all accounts.

    Nothing here reads a password again: what is kept of it can only be compared with.

    :param database: has the catalogs' tables
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: str, database: str, kind: str) -> list[Credential]:
        """
        List the credentials, or the secrets, of a database.

        :param account: the account
        :param database: the database
        :param kind: ``credential`` or ``secret``
        :return: in the order of their names
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, content, created_at FROM usql_credentials"
                " WHERE account = ? AND database = ? AND kind = ? ORDER BY name",
                (account, database, kind),
            ).fetchall()
        return [Credential(row["name"], json.loads(row["content"]), row["created_at"]) for row in rows]

    def find(self, account: str, database: str, kind: str, name: str) -> Credential | None:
        """
        Look one up.

        :param account: the account
        :param database: the database
        :param kind: ``credential`` or ``secret``
        :param name: its name
        :return: it, None when there is none
        """
        return next((one for one in self.get(account, database, kind) if one.name == name), None)

    def add(
        self, account: str, database: str, kind: str, name: str, password: str, content: dict[str, Any]
    ) -> bool:
        """
        Make one.

        :param account: the account
        :param database: the database
        :param kind: ``credential`` or ``secret``
        :param name: its name
        :param password: its password
        :param content: user and address
        :return: False when there is one of this name
        """
        kept = {**content, "password": _digest(password, os.urandom(16)).hex()}
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO usql_credentials VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (account, database, kind, name, json.dumps(kept), time.time()),
            )
        return cursor.rowcount > 0

    def change(
        self,
        account: str,
        database: str,
        kind: str,
        one: Credential,
        password: str | None,
        content: dict[str, Any],
    ) -> None:
        """
        Change one.

        :param account: the account
        :param database: the database
        :param kind: ``credential`` or ``secret``
        :param one: the one
        :param password: its new password, None for the old one
        :param content: what changes of user and address
        """
        kept = {**one.content, **content}
        if password is not None:
            kept["password"] = _digest(password, os.urandom(16)).hex()
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE usql_credentials SET content = ?"
                " WHERE account = ? AND database = ? AND kind = ? AND name = ?",
                (json.dumps(kept), account, database, kind, one.name),
            )

    def remove(self, account: str, database: str, kind: str, name: str | None = None) -> int:
        """
        Remove one, or all.

        :param account: the account
        :param database: the database
        :param kind: ``credential`` or ``secret``
        :param name: its name, None for all
        :return: how many there were
        """
        sql = "DELETE FROM usql_credentials WHERE account = ? AND database = ? AND kind = ?"
        parameters: tuple[str, ...] = (account, database, kind)
        if name is not None:
            sql, parameters = f"{sql} AND name = ?", (*parameters, name)
        with self._database.transaction() as connection:
            return connection.execute(sql, parameters).rowcount

    def acl(self, account: str, database: str | None) -> list[dict[str, str]]:
        """
        List who may use a database, or the catalog.

        :param account: the account
        :param database: the database, None for the catalog
        :return: the service's JSON
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT kind, principal, permission FROM usql_acl"
                " WHERE account = ? AND database = ? ORDER BY kind, principal",
                (account, database or _ALL),
            ).fetchall()
        return [
            {"aceType": row["kind"], "principalId": row["principal"], "permission": row["permission"]}
            for row in rows
        ]

    def grant(self, account: str, database: str | None, kind: str, principal: str, permission: str) -> None:
        """
        Let somebody use a database, or the catalog.

        :param account: the account
        :param database: the database, None for the catalog
        :param kind: the kind of the entry
        :param principal: who
        :param permission: what they may
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO usql_acl VALUES (?, ?, ?, ?, ?)",
                (account, database or _ALL, kind, principal, permission),
            )

    def revoke(self, account: str, database: str | None, kind: str, principal: str) -> None:
        """
        Take somebody off a list.

        :param account: the account
        :param database: the database, None for the catalog
        :param kind: the kind of the entry
        :param principal: who
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM usql_acl WHERE account = ? AND database = ? AND kind = ? AND principal = ?",
                (account, database or _ALL, kind, principal),
            )
