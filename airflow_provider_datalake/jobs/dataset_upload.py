"""
From bytes to exactly one dataset of ML Studio, whatever happened to earlier tries of the task.

The service does not de-duplicate what is created. So what is about to be created is stored first: a later try
looks for a dataset that was made of the same upload, and asks for one only of that upload.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.ml_studio_download import Reader
from airflow_provider_datalake.clients.ml_studio_formats import GENERIC_CSV, check_data_type
from airflow_provider_datalake.clients.ml_studio_upload import (
    THREADS,
    Uploaded,
    create_once,
    find_by_upload,
    upload,
)
from airflow_provider_datalake.exceptions import ConfigurationError, ConflictError, NotFoundError
from airflow_provider_datalake.jobs.intent import Intent, differences, digest

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import IO

    from airflow_provider_datalake.clients.ml_studio import Dataset, Workspace
    from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo
    from airflow_provider_datalake.jobs.submission import IntentStore, TaskLog

STORE_KEY = "ml_studio_dataset"
FAIL, UPDATE, SKIP, REQUIRE = "fail", "update", "skip", "require"
"""What is done when there is a dataset of the name; ``require`` is to update what must be there."""
CREATED, UPDATED, SKIPPED = "created", "updated", "skipped"


@dataclass(frozen=True)
class Source:
    """
    Contents that are ready to be sent.

    :param file: an open binary file, at its start
    :param size: bytes
    :param rows: how many rows, None where that is not known
    """

    file: IO[bytes]
    size: int
    rows: int | None = None


@dataclass(frozen=True)
class DatasetRequest:
    """
    What a task wants.

    :param name: the dataset's name
    :param origin: what the contents come from, as plain JSON: with another one it is another request
    :param data_type_id: their format; None for the one that the dataset has, ``GenericCSV`` for a new one
    :param description: a person's words; None for those that the dataset has
    :param new_name: the name that it shall have; None for the one that it has
    :param if_exists: ``fail``, ``update``, ``skip`` or ``require``
    """

    name: str
    origin: Any
    data_type_id: str | None = None
    description: str | None = None
    new_name: str | None = None
    if_exists: str = FAIL


@dataclass(frozen=True)
class Outcome:
    """
    What came of it.

    :param info: the dataset
    :param action: ``created``, ``updated`` or ``skipped``
    :param rows: how many rows were sent, None where that is not known
    """

    info: DatasetInfo
    action: str
    rows: int | None = None


@dataclass(frozen=True)
class _Plan:
    name: str
    data_type_id: str
    description: str
    family_id: str | None

    @property
    def action(self) -> str:
        return UPDATED if self.family_id else CREATED


class DatasetUpload:
    """
    One task's upload of one dataset.

    :param workspace: where to
    :param store: where the intent is kept
    :param max_tries: the task instance's ``max_tries``; another one means that a person has cleared the task
    :param log: the task's log
    """

    def __init__(self, workspace: Workspace, store: IntentStore, max_tries: int, log: TaskLog) -> None:
        self._workspace = workspace
        self._calls = workspace.calls
        self._store = store
        self._max_tries = max_tries
        self._log = log

    def run(
        self,
        request: DatasetRequest,
        contents: Callable[[str], AbstractContextManager[Source]],
        *,
        threads: int = THREADS,
        stop: threading.Event | None = None,
    ) -> Outcome:
        """
        Make the dataset, or take up what an earlier try has made.

        :param request: what is wanted
        :param contents: opens the contents in a format; called only when they have to be sent
        :param threads: blocks in flight at a time
        :param stop: set it to end the upload
        :return: the dataset and what was done
        :raises ConflictError: when the name is used and must not be
        :raises NotFoundError: when the dataset must be there and is not
        :raises TransferError: when the contents do not come through whole
        """
        digests = digest(self._fields(request))
        intent = self._load(digests)
        if intent is not None and (done := self._finish_earlier(intent, request)) is not None:
            return done
        existing = self._workspace.find(request.name)
        if existing is not None and request.if_exists == SKIP:
            self._log.info("There is a dataset %r already; nothing is sent", request.name)
            return Outcome(existing.info, SKIPPED)
        plan = self._plan(request, existing)
        if intent is None:
            # Before anything is sent: from here on, a dataset with our bytes is ours.
            intent = self._save(Intent.fresh(digests, self._max_tries))
        with contents(plan.data_type_id) as source:
            sent = upload(
                self._calls, source.file, source.size, plan.data_type_id, threads=threads, stop=stop
            )
        intent = self._save(replace(intent, job_id=None, before=_before(sent, plan, source.rows)))
        return self._publish(intent, sent, plan, source.rows, request)

    def _fields(self, request: DatasetRequest) -> dict[str, Any]:
        return {
            # Not its address: another one may lead to the same workspace; if not, it knows no upload of ours.
            "workspace": self._calls.workspace_id,
            "name": [request.name, request.new_name],
            "origin": request.origin,
            "data_type_id": request.data_type_id,
            "description": request.description,
            "if_exists": request.if_exists,
        }

    def _load(self, digests: Mapping[str, str]) -> Intent | None:
        stored = Intent.from_json(self._store.get(STORE_KEY))
        if stored is None:
            return None
        if stored.max_tries != self._max_tries:
            self._log.info("The task was cleared: the contents are sent anew")
            return None
        if changed := differences(stored.digests, digests):
            self._log.info("The request has changed (%s): the contents are sent anew", ", ".join(changed))
            return None
        return stored

    def _save(self, intent: Intent) -> Intent:
        self._store.set(STORE_KEY, intent.to_json())
        return intent

    def _finish_earlier(self, intent: Intent, request: DatasetRequest) -> Outcome | None:
        """Take what an earlier try has made, or make it of what that one has sent."""
        before = intent.before
        if not before.get("upload_id"):
            return None
        sent = Uploaded(str(before["upload_id"]), int(before["size"]), str(before["sha256"]))
        plan = _Plan(*(before["plan"][name] for name in ("name", "data_type_id", "description", "family_id")))
        rows = before.get("rows")
        made = self._made(intent, sent)
        if made is not None:
            self._log.info("An earlier try has made dataset %r (%s)", made.name, made.id)
            return Outcome(made, plan.action, rows)
        self._log.info(
            "An earlier try has sent the contents: making the dataset of upload %s", sent.upload_id
        )
        try:
            return self._publish(intent, sent, plan, rows, request)
        except (NotFoundError, ConfigurationError) as error:
            self._log.warning(
                "The earlier upload cannot be used any more (%s): sending the contents anew", error
            )
            return None

    def _made(self, intent: Intent, sent: Uploaded) -> DatasetInfo | None:
        if intent.job_id:
            try:
                return self._calls.dataset(intent.job_id)
            except NotFoundError:
                return None
        return find_by_upload(self._calls, sent.upload_id)

    def _plan(self, request: DatasetRequest, existing: Dataset | None) -> _Plan:
        name = request.new_name or request.name
        if existing is None:
            if request.if_exists == REQUIRE:
                raise NotFoundError(f"there is no dataset {request.name!r} (names are case-sensitive)")
            kind = check_data_type(request.data_type_id or GENERIC_CSV)
            return _Plan(name, kind, request.description or "", None)
        if request.if_exists == FAIL:
            raise ConflictError(
                f"there is a dataset {request.name!r} already; if_exists='update' makes a new version of it"
            )
        existing.check_writable()
        kind = existing.data_type_id if request.data_type_id is None else request.data_type_id
        words = existing.description if request.description is None else request.description
        return _Plan(name, check_data_type(kind), words, existing.family_id)

    def _publish(
        self, intent: Intent, sent: Uploaded, plan: _Plan, rows: int | None, request: DatasetRequest
    ) -> Outcome:
        try:
            info = create_once(
                self._calls, sent.upload_id, plan.name, plan.data_type_id, plan.description, plan.family_id
            )
        except ConflictError as conflict:
            return self._resolve(conflict, intent, sent, plan, rows, request)
        self._save(intent.with_job(info.id))
        return Outcome(info, plan.action, rows)

    def _resolve(
        self,
        conflict: ConflictError,
        intent: Intent,
        sent: Uploaded,
        plan: _Plan,
        rows: int | None,
        request: DatasetRequest,
    ) -> Outcome:
        """Find out whose dataset is in the way."""
        found = find_by_upload(self._calls, sent.upload_id)
        holder = self._workspace.find(plan.name)
        if found is None and holder is not None and plan.family_id in (None, holder.family_id):
            # The name was free, or an older version's, when the task began.
            found = holder.info if self._has_our_bytes(holder.info, sent) else None
        if found is not None:
            self._log.info("Dataset %r (%s) in the way is our own", found.name, found.id)
            self._save(intent.with_job(found.id))
            return Outcome(found, plan.action, rows)
        if holder is None or plan.family_id is not None or request.if_exists not in (UPDATE, SKIP):
            raise conflict
        # Somebody has made it since we looked.
        if request.if_exists == SKIP:
            return Outcome(holder.info, SKIPPED)
        again = self._plan(request, holder)
        intent = self._save(replace(intent, before=_before(sent, again, rows)))
        return self._publish(intent, sent, again, rows, request)

    def _has_our_bytes(self, info: DatasetInfo, sent: Uploaded) -> bool:
        if info.size != sent.size:
            return False
        found = hashlib.sha256()
        for piece in Reader(self._calls, info).pieces():
            found.update(piece)
        return found.hexdigest() == sent.sha256


def _before(sent: Uploaded, plan: _Plan, rows: int | None) -> dict[str, Any]:
    return {
        "upload_id": sent.upload_id,
        "size": sent.size,
        "sha256": sent.sha256,
        "rows": rows,
        "plan": {
            "name": plan.name,
            "data_type_id": plan.data_type_id,
            "description": plan.description,
            "family_id": plan.family_id,
        },
    }
