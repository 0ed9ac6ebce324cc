"""Reading a submitted instance: one job with one task, as the client's XML describes it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.maxcompute.errors import invalid, not_supported
from airflow_provider_datalake.emulator.maxcompute.xml import MalformedXml, parse, to_text
from airflow_provider_datalake.emulator.numbers import whole_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LOWEST_PRIORITY = 9
SQL = "SQL"
MERGE = "Merge"
_LATER = {
    "SQLCost": "SQLCost tasks (execute_sql_cost)",
    "SQLRT": "SQLRT tasks (interactive sessions, MCQA)",
    "Copy": "Copy tasks",
    "MaxFrame": "MaxFrame tasks",
}


@dataclass(frozen=True)
class TaskRequest:
    """
    What one instance is asked to do; kept as JSON with its job.

    :param type: the task's element name, ``SQL`` or ``Merge``
    :param name: the task's name, under which clients look for its result
    :param query: SQL text, exactly as sent
    :param table: a Merge task's target, e.g. ``demo.t partition(pt='1')``
    :param settings: hints
    :param archive: whether a Merge task archives
    :param source: the ``<Job>`` document, for those who ask what was submitted
    """

    type: str
    name: str
    query: str = ""
    table: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    archive: bool = False
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TaskRequest:
        return cls(**data)


@dataclass(frozen=True)
class Submission:
    """
    A submitted instance.

    :param task: its one task
    :param name: the job's name
    :param key: the client's ``<Guid>``, None without one
    :param priority: 0 (first) to 9
    """

    task: TaskRequest
    name: str = ""
    key: str | None = None
    priority: int = LOWEST_PRIORITY


def read_submission(body: bytes) -> Submission:
    """
    Read the body of a submit.

    :param body: an ``<Instance>`` document
    :return: what it asks for
    :raises OdpsError: when the document is malformed or asks for what the emulator does not have
    """
    try:
        root = parse(body, "Instance")
    except MalformedXml as error:
        raise invalid(str(error)) from error
    if root.find("XflowInstance") is not None:
        raise not_supported("XFlow instances")
    job = root.find("Job")
    if job is None:
        raise invalid("the <Instance> has no <Job>")
    tasks = list(job.find("Tasks") or ())
    if len(tasks) != 1:
        raise invalid(f"a job takes exactly one task, got {len(tasks)}")
    try:
        source = to_text(job)
    except RecursionError:
        raise invalid("the elements of the <Job> are nested too deeply") from None
    return Submission(
        task=_task(tasks[0], source),
        name=_text(job, "Name"),
        key=_text(job, "Guid") or None,
        priority=_priority(_text(job, "Priority")),
    )


def _task(task: Element, source: str) -> TaskRequest:
    if task.tag in _LATER:
        raise not_supported(_LATER[task.tag])
    if task.tag not in (SQL, MERGE):
        raise not_supported(f"{task.tag} tasks")
    name = _text(task, "Name")
    if not name:
        raise invalid(f"the <{task.tag}> task has no <Name>")
    properties = {
        _text(item, "Name"): item.findtext("Value") or "" for item in task.iterfind("Config/Property")
    }
    settings = _settings(properties, "settings")
    if "odps.merge.cold.storage.mode" in settings:
        raise not_supported("ALTER TABLE ... FREEZE and RESTORE")
    if "odps.merge.txn.table.compact" in settings:
        raise not_supported("compaction of transactional tables")
    query = task.findtext("Query") or ""
    table = _text(task, "TableName")
    if task.tag == SQL and not query.strip():
        raise invalid("the SQL task has no <Query>")
    if task.tag == MERGE and not table:
        raise invalid("the Merge task has no <TableName>")
    archive = _settings(properties, "archiveSettings").get("odps.merge.archive.flag", "").lower() == "true"
    return TaskRequest(task.tag, name, query, table, settings, archive, source)


def _text(parent: Element, tag: str) -> str:
    return (parent.findtext(tag) or "").strip()


def _settings(properties: dict[str, str], name: str) -> dict[str, str]:
    text = properties.get(name) or "{}"
    try:
        values = json.loads(text)
    except ValueError:
        raise invalid(f"the task's {name!r} must be a JSON object, got {text[:80]!r}") from None
    if not isinstance(values, dict):
        raise invalid(f"the task's {name!r} must be a JSON object, got {text[:80]!r}")
    return {key: _setting(value) for key, value in values.items()}


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _priority(text: str) -> int:
    if not text:
        return LOWEST_PRIORITY
    priority = whole_number(text, most=LOWEST_PRIORITY)
    if priority is None:
        raise invalid(f"the priority must be a whole number from 0 to {LOWEST_PRIORITY}, got {text!r}")
    return priority
