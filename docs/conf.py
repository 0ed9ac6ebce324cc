"""Sphinx builds these pages; `make docs` calls it."""

from __future__ import annotations

import os
from pathlib import Path

# The pages on classes import Airflow, which keeps a configuration where this says.
os.environ["AIRFLOW_HOME"] = str(Path(__file__).parents[1] / "build" / "airflow")
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

project = "airflow-provider-datalake"
author = "the authors of airflow-provider-datalake"
html_title = "Data Lake provider"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"

html_theme = "furo"
html_static_path = ["_static"]
html_show_copyright = False

# Links to the headings of a page are checked as links to the page are.
myst_heading_anchors = 4
nitpicky = True

linkcheck_timeout = 20
