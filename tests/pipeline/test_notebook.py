"""The notebooks of the docs are executed, every cell, as Jupyter does; they hold no output of some other day."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinysieve.model import Model

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_one_and_holds_no_output(notebook: Path) -> None:
    stored = json.loads(notebook.read_text(encoding="utf-8"))
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in stored["cells"]]
    assert len(set(names)) == len(names)
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


def test_the_first_notebook_goes_from_photos_to_a_fitted_model(tmp_path: Path) -> None:
    for needed in ("skimage", "bakenn", "ziglang", "unicorn", "tflite_micro", "pandas"):
        pytest.importorskip(needed, reason="needs the extras demo and mcu, and pandas")
    runner, notebook = Path(__file__).with_name("notebook_cells.py"), ROOT / "docs/notebooks/first.ipynb"
    done = subprocess.run([sys.executable, str(runner), str(notebook)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # 2 classes of 20 train photos, 15 % of them with a wrong label.
    found = re.search(r"(\d+) of 6 planted wrong labels were changed", done.stdout)
    assert found
    assert int(found[1]) >= 1
    assert "data:image/jpeg;base64," in done.stdout
    arena = Model.open(tmp_path / "fitted.tflite").inspect().arena_bytes
    assert arena is not None
    assert arena <= 320 * 1024
