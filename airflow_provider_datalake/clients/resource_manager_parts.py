"""What belongs to an account: rules, policies, linked stores; all are listed, made and deleted alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_datalake.clients.azure_rest import ALL, ListOptions, segment
from airflow_provider_datalake.clients.resource_manager_models import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_datalake.clients.azure_rest import AzureRest

P = TypeVar("P", bound=Part)


class Parts(Generic[P]):
    """
    All things of one kind that belong to one account.

    :param rest: the resource manager
    :param path: the path that they are below of
    :param kind: what they are
    :param what: their name for people
    """

    def __init__(self, rest: AzureRest, path: str, kind: type[P], what: str) -> None:
        self._rest = rest
        self._path = path
        self._kind = kind
        self._what = what

    def list(self, options: ListOptions = ALL) -> Iterator[P]:
        """
        Go through them.

        :param options: which ones are wanted
        :return: the parts
        """
        for item in self._rest.items(self._path, options, doing=f"list {self._what}"):
            yield self._kind.from_wire(item)

    def get(self, name: str) -> P:
        """
        Look at one.

        :param name: its name
        :return: the part
        :raises NotFoundError: when there is none of this name
        """
        return self._kind.from_wire(self._rest.get(self._one(name), doing=f"look at {self._what} {name!r}"))

    def create_or_update(self, part: P) -> P:
        """
        Make one, or make it as it should be.

        :param part: what it should be
        :return: what it is; services that say nothing are believed
        :raises ConfigurationError: when it cannot work
        """
        doing = f"create {self._what} {part.name!r}"
        body = {"properties": part.to_wire()}
        response = self._rest.send("PUT", self._one(part.name), doing=doing, repeatable=True, json=body)
        return self._kind.from_wire(self._rest.body(response, doing)) if response.content else part

    def update(self, name: str, properties: Mapping[str, Any]) -> P:
        """
        Change some properties of one.

        :param name: its name
        :param properties: value by name on the wire, e.g. ``minPriorityPerJob``
        :return: what it is now
        :raises NotFoundError: when there is none of this name
        """
        doing = f"update {self._what} {name!r}"
        body = {"properties": dict(properties)}
        response = self._rest.send("PATCH", self._one(name), doing=doing, repeatable=True, json=body)
        return self._kind.from_wire(self._rest.body(response, doing)) if response.content else self.get(name)

    def delete(self, name: str) -> bool:
        """
        Delete one; one that does not exist is fine.

        :param name: its name
        :return: whether there was one
        """
        return self._rest.delete(self._one(name), doing=f"delete {self._what} {name!r}")

    def _one(self, name: str) -> str:
        return f"{self._path}/{segment(name, self._what)}"
