"""For the tests of DAGs: an emulator of the services, and a way to run a DAG to its end."""

from __future__ import annotations
