"""Executes a notebook's code cells in one namespace, as Jupyter does, and shows what each cell ends with."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path


def run_cells(notebook: Path) -> None:
    """Execute every code cell; the value that a cell ends with is shown as HTML where it can, else as text."""
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"]), f"cell {number}").body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            if value is not None:
                print(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))


if __name__ == "__main__":
    run_cells(Path(sys.argv[1]))
