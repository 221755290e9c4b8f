"""One HTML file that runs a model: the program, the golden vectors that prove it, the words of its scores; no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.bundle_words import is_picture, preprocessing, require_codes
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.oracle import expected_outputs
from tinysieve.quantize.firmware.wasm import compile_wasm
from tinysieve.quantize.tflite.graph import Graph, TensorInfo, read_graph
from tinysieve.quantize.tflite.io_contract import CODE_RANGES

VECTORS = 8
_KERNELS = "wide"
_COLOURS = {1: "grey", 3: "RGB"}
_TEMPLATES = Environment(loader=PackageLoader("tinysieve.pipeline"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True)
class Margins:
    """Positive score minus the largest other, one for each validation image, by its label."""

    positive: tuple[float, ...]
    negative: tuple[float, ...]


@dataclass(frozen=True)
class LiveModel:
    """What the page needs to know.

    Args:
        name: names the page.
        model: bytes of an int8 `.tflite`.
        labels: one a score, in the model's order.
        positive: number of the score that the threshold is about.
        margins: of validation images; None where nothing is known of them.
    """

    name: str
    model: bytes
    labels: tuple[str, ...]
    positive: int
    margins: Margins | None = None

    def html(self) -> str:
        """The page.

        Raises:
            InputError: the model takes no picture, or has operators without a kernel.
            MissingRequirement: ziglang or bakenn is not installed.
        """
        graph = read_graph(self.model)
        require_codes(graph)
        _require_picture(graph)
        data = json.dumps(self._settings(graph), separators=(",", ":"))
        return _TEMPLATES.get_template("live.html.j2").render(
            name=self.name, words=preprocessing(graph.inputs[0]), data=Markup(data.replace("<", "\\u003c")),
            style=Markup(_part("live.css")), script=Markup(_part("live.js")), policy=_policy(),
            digest=hashlib.sha256(self.model).hexdigest(), positive=self.labels[self.positive], labels=self.labels)

    def _settings(self, graph: Graph) -> dict[str, Any]:
        source, scores = graph.inputs[0], graph.outputs[0]
        inputs = golden_inputs(source.shape, source.dtype, VECTORS)
        rows = expected_outputs(self.model, inputs).rows
        program = generate(self.model, kernel_set(_KERNELS))
        return {
            "wasm": base64.b64encode(compile_wasm(program)).decode(), "labels": self.labels, "positive": self.positive,
            "input": _tensor(source) | {"planes": source.layout == "NCHW", "bytes": program.input_bytes} | _extents(source),
            "output": _tensor(scores) | {"bytes": sum(program.output_sizes)},
            "golden": [list(row) for row in rows], "margins": self.margins and asdict(self.margins),
        }


def _require_picture(graph: Graph) -> None:
    source = graph.inputs[0]
    if not is_picture(source) or _extents(source)["channels"] not in _COLOURS:
        raise InputError(f"the model takes {' x '.join(map(str, source.shape))}, which is no grey or RGB picture",
                         why="the page feeds it from a camera", fix="try it with 'tinysieve emulate'")


def _tensor(tensor: TensorInfo) -> dict[str, Any]:
    low, high = CODE_RANGES[tensor.dtype]
    return {"scale": tensor.scale, "zero_point": tensor.zero_point, "low": low, "high": high}


def _extents(source: TensorInfo) -> dict[str, int]:
    height, width, channels = (source.shape[index] for index in ((2, 3, 1) if source.layout == "NCHW" else (1, 2, 3)))
    return {"height": height, "width": width, "channels": channels}


def margins_of(scores: Sequence[Sequence[float]], labels: Sequence[int], positive: int) -> Margins:
    """Margins of images whose label is 0 or 1, 1 being the score `positive`.

    >>> margins_of([[0.0, 2.0], [1.5, 1.0]], [1, 0], 1)
    Margins(positive=(2.0,), negative=(-0.5,))
    """
    margins = [row[positive] - max(value for place, value in enumerate(row) if place != positive) for row in scores]
    by_label = [tuple(round(float(margin), 4) for margin, label in zip(margins, labels, strict=True) if label == wanted)
                for wanted in (1, 0)]
    return Margins(*by_label)


@cache
def _part(name: str) -> str:
    return (Path(__file__).parents[1] / "templates" / name).read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Content-Security-Policy: own style and script, WebAssembly, pictures and videos that the user drops; no network."""
    style, script = (base64.b64encode(hashlib.sha256(_part(name).encode()).digest()).decode() for name in ("live.css", "live.js"))
    return (f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}' 'wasm-unsafe-eval'; "
            "img-src blob: data:; media-src blob: mediastream:; base-uri 'none'; form-action 'none'")
