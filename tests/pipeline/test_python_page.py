"""`docs/python.md`: every example is executed, and prints what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_run import TinyRun
from tiny_tflite import tiny_model

PAGE = Path(__file__).parents[2] / "docs/python.md"


def test_the_page_is_true(tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra mcu")
    pytest.importorskip("pandas")
    prepare(tmp_path, tiny)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    runner.run(examples, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    assert len(examples.examples) > 20


def prepare(folder: Path, tiny: TinyRun) -> None:
    """The files that the page names: a model, a photo, and the configuration of a run that is done."""
    def pixel_input(tree: object) -> None:
        image = tree.subgraphs[0].tensors[0].quantization  # type: ignore[attr-defined]
        image.scale, image.zeroPoint = np.ones(1, np.float32), np.array([-128])

    (folder / "model.tflite").write_bytes(tiny_model(pixel_input, side=8, channels=3, wide=2))
    Image.new("RGB", (40, 30), (90, 120, 200)).save(folder / "photo.jpg")
    (folder / "tiny").symlink_to(tiny.run.parent)
    (folder / "run.yaml").write_text(tiny.config.read_text().replace(f"run: {tiny.run}", "run: tiny/run"))
