"""Links from a task to MaxCompute's own pages."""

from __future__ import annotations

from airflow_provider_datalake.links.pushed import PushedLink


class MaxComputeLogviewLink(PushedLink):
    """Show the instance's Logview page; the address is valid for a few hours after the submit."""

    name = "MaxCompute Logview"
    # The operator pushes the address under this key at once, so that the link shows while the task runs.
    xcom_key = "maxcompute_logview"
