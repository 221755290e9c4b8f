"""Every page that is made, as it should be now."""

from __future__ import annotations

from pathlib import Path

from docsite.command_reference import commands_page, exits_page
from docsite.config_reference import config_page
from docsite.measured_tables import with_tables
from docsite.result_tables import ROOT
from docsite.run_files_reference import run_files_page
from docsite.scale_tables import SCALE_TABLES
from docsite.selection_tables import SELECTION_TABLES

DOCS = ROOT / "docs"


def made_pages() -> dict[Path, str]:
    """Text by path."""
    measured, scale, filters = (DOCS / name for name in ("measured.md", "scale.md", "filters.md"))
    return {DOCS / "reference/commands.md": commands_page(), DOCS / "reference/configuration.md": config_page(),
            DOCS / "reference/run-files.md": run_files_page(), DOCS / "reference/exit-codes.md": exits_page(),
            measured: with_tables(measured.read_text(encoding="utf-8")),
            scale: with_tables(scale.read_text(encoding="utf-8"), SCALE_TABLES),
            filters: with_tables(filters.read_text(encoding="utf-8"), SELECTION_TABLES)}
