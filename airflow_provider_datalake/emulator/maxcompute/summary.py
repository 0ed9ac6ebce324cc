"""The summary of a finished task: what it read, wrote and cost, in the service's two forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.jobs import Job


def run_seconds(job: Job) -> float:
    """
    Tell how long a job ran.

    :param job: the job
    :return: seconds, 0 when it did not run or has not ended
    """
    if job.started_at is None or job.ended_at is None:
        return 0.0
    return max(0.0, job.ended_at - job.started_at)


def as_json(job: Job) -> dict[str, Any]:
    """
    Summarise a finished job for programs.

    :param job: the job
    :return: the content of the service's ``JsonSummary``
    """
    inputs, outputs = job.result.get("inputs", []), job.result.get("outputs", [])
    seconds = run_seconds(job)
    summary: dict[str, Any] = {
        # One core works for one job; the service counts CPU in hundredths of core seconds.
        "Cost": {"CPU": round(seconds * 100), "Memory": 0, "Input": sum(item["bytes"] for item in inputs)},
        "Inputs": {_name(item): [item["rows"], item["bytes"]] for item in inputs},
        "Outputs": {_name(item): [item["rows"], item["bytes"]] for item in outputs},
        "RunTime": round(seconds, 3),
        "Stages": [
            {
                "Name": stage.name,
                "InstanceCount": stage.total_workers,
                "InputRecords": stage.input_records,
                "OutputRecords": stage.output_records,
            }
            for stage in job.stages
        ],
    }
    for key in ("files_before", "files_after", "bytes_before", "bytes_after"):
        if key in job.result:
            summary[key.title().replace("_", "")] = job.result[key]
    return summary


def as_text(job: Job) -> str:
    """
    Summarise a finished job for people.

    :param job: the job
    :return: the content of the service's ``Summary``
    """
    seconds = run_seconds(job)
    lines = [f"resource cost: cpu {seconds / 60:.2f} Core * Min, memory 0.00 GB * Min"]
    for title in ("inputs", "outputs"):
        items = job.result.get(title, [])
        if items:
            lines.append(f"{title}:")
            lines.extend(f"\t{_name(item)}: {item['rows']} ({item['bytes']} bytes)" for item in items)
    lines.append(f"Job run time: {seconds:.3f}")
    lines.append("Job run mode: service job")
    for stage in job.stages:
        lines.append(f"{stage.name}:")
        lines.append(f"\tinstance count: {stage.total_workers}")
        lines.append(f"\tinput records: {stage.input_records}")
        lines.append(f"\toutput records: {stage.output_records}")
    if "files_before" in job.result:
        lines.append(job.result["text"])
    return "\n".join(lines)


def _name(item: dict[str, Any]) -> str:
    return f"{item['table']}/{item['partition']}" if item["partition"] else item["table"]
