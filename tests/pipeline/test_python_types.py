"""A user's type checker knows what the public names give; a script that uses them wrongly is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
SCRIPT = """\
from pathlib import Path
import numpy as np
import tinysieve as ts

issues = ts.find_label_issues([[0.9, 0.1], [0.2, 0.8]], ["a", "b"], class_names=["a", "b"], images=[Path("a.jpg"), "b.jpg"])
reveal_type(issues)
reveal_type(issues.issues)
reveal_type(issues.estimated_errors)
model = ts.Model.open("model.tflite")
reveal_type(model.inspect())
reveal_type(model.inspect().macs)
reveal_type(model.fit(ram="320KiB"))
reveal_type(model.fit(ram=2**18).emulate("STM32F746"))
reveal_type(model.predict(np.zeros((2, 144, 144, 3), np.uint8)).labels)
reveal_type(model.save("copy.tflite"))
run = ts.Run("configs/voc2007.yaml", policy="consensus", **{"train.recipe": "demo"})
reveal_type(run.filter().train().quantize().verify().report())
reveal_type(run.samples)
reveal_type(run.diff("0", "HEAD").column("filepath"))
reveal_type(run.verdict.accuracy.value)
try:
    run.verify()
except ts.GateMissed as missed:
    reveal_type(missed.what)
"""
WRONG = """\
import tinysieve as ts

ts.Model.open("model.tflite").fit(ram=["320KiB"])
ts.Run("config.yaml").fliter()
ts.find_label_issues([[0.5, 0.5]], [0], ranking="margin")
ts.Modell
"""


def checked(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"
    file.write_text(script)
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--follow-imports=silent",
                           "--cache-dir", str(folder / "cache"), str(file)], capture_output=True, text=True, cwd=folder,
                          env={"MYPYPATH": str(SOURCE), "PATH": "/usr/bin:/bin"}, check=False)


def test_a_script_is_checked_against_real_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    right = checked(SCRIPT, tmp_path)
    revealed = re.findall(r'Revealed type is "(.*)"', right.stdout)
    assert right.returncode == 0, right.stdout
    assert len(revealed) == SCRIPT.count("reveal_type")
    assert [one for one in revealed if one == "Any" or one.startswith("builtins.object")] == []
    wrong = checked(WRONG, tmp_path)
    assert [int(line) for line in re.findall(r"script\.py:(\d+): error", wrong.stdout)] == [3, 4, 5, 6], wrong.stdout
