"""YOLO on a CPU through OpenVINO: exports as they come, two streams, one image each.

Streams are plain threads with a blocking request each, not OpenVINO's asynchronous queue, which is
known to hang on some CPUs. One image a request also makes a result independent of its neighbours.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tinysieve.filtering.evidence.detectors import yolo_head
from tinysieve.filtering.evidence.detectors.weights import DetectorSettings, fingerprint, require_weights
from tinysieve.filtering.evidence.detectors.weights_names import classes_of, names_in
from tinysieve.ground.errors import InputError, MissingRequirement


class OpenVinoDetector:
    """A `Detector` over an OpenVINO export of a YOLO network, fixed or dynamic in size.

    Computes in float32 (int8 layers stay int8): bfloat16, the default on newer CPUs, would make the boxes depend on
    the machine.
    """

    name = "openvino"

    def __init__(self, settings: DetectorSettings, model_folder: Path | None = None) -> None:
        """Load `model_folder`, by default the weights themselves; `settings.weights` gives the fingerprint."""
        require_weights(settings)
        self.settings = settings
        self.fingerprint = fingerprint(self.name, settings)
        streams = _usable_cores()
        graph = _graph_file(model_folder or settings.weights)
        self._model = _compile(graph, streams)
        self._canvas = _fixed_canvas(self._model)
        self._end_to_end = self._model.outputs[0].get_partial_shape()[2] == 6
        self.classes = classes_of(names_in(graph), dict(settings.names) or None, settings.classes, settings.weights,
                                  None if self._end_to_end else _class_count(self._model))
        self._kept = settings.kept(self.classes)
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(self._warm_request())
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="openvino")

    def detect(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Boxes of each image, float32 [n, 6]: x1, y1, x2, y2 (image pixels), confidence, class; best first."""
        return list(self._pool.map(self._one, images))

    def _warm_request(self) -> Any:
        """A request that has run once, on this thread.

        The first tensor that OpenVINO makes from an array initialises its Python binding; two threads that do so at
        the same moment can wait for each other for ever (seen with 2026.4, one start in fifty).
        """
        request = self._model.create_infer_request()
        height, width = self._canvas or (yolo_head.STRIDE, yolo_head.STRIDE)
        _run(request, np.zeros((height, width, 3), np.uint8))
        return request

    def _one(self, image: np.ndarray) -> np.ndarray:
        settings = self.settings
        canvas = self._canvas or yolo_head.canvas_shape(image.shape[0], image.shape[1], settings.image_size)
        pixels, placement = yolo_head.letterbox(image, canvas)
        request = self._requests.get()
        try:
            rows = self._read(_run(request, pixels))
        finally:
            self._requests.put(request)
        return yolo_head.to_image(rows, placement)

    def _read(self, output: np.ndarray) -> np.ndarray:
        """Boxes of one output; it is the request's own memory, so it is read before the request is used again."""
        settings = self.settings
        if self._end_to_end:
            return yolo_head.read_end_to_end(output, self._kept, settings.confidence)
        candidates = yolo_head.read_head(output, self._kept, settings.confidence)
        return yolo_head.foremost(yolo_head.suppress(candidates, settings.iou), self.classes.numbers)


def _run(request: Any, pixels: np.ndarray) -> np.ndarray:
    """One image through the network, blocking; float [4 + K, A] or [n, 6]."""
    output: np.ndarray = request.infer({0: pixels[None]}, share_inputs=True, share_outputs=True)[0][0]
    return output


def _usable_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _graph_file(weights: Path) -> Path:
    files = [weights] if weights.suffix == ".xml" else sorted(weights.glob("*.xml")) if weights.is_dir() else []
    if len(files) != 1:
        raise InputError(f"{len(files)} .xml files, one is needed", where=str(weights),
                         fix="name the folder of one OpenVINO export, or use detector.engine: ultralytics")
    return files[0]


def _compile(graph: Path, streams: int) -> Any:
    """Compile for uint8 NHWC input, so that the scaling runs inside the network's own threads."""
    try:
        import openvino as ov
    except ImportError as error:
        raise MissingRequirement("package openvino is not installed", why="detector.engine needs it",
                                 fix="pip install 'tinysieve[detect]', or set detector.engine: ultralytics") from error
    core = ov.Core()
    model = core.read_model(graph)
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    steps.input().model().set_layout(ov.Layout("NCHW"))
    options = {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams, "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(steps.build(), "CPU", options)


def _class_count(model: Any) -> int | None:
    """Classes in a head [1, 4 + K, A]; None where the export leaves that open."""
    rows = model.outputs[0].get_partial_shape()[1]
    return None if rows.is_dynamic else rows.get_length() - 4


def _fixed_canvas(model: Any) -> tuple[int, int] | None:
    shape = model.inputs[0].get_partial_shape()
    if shape[1].is_dynamic or shape[2].is_dynamic:
        return None
    return shape[1].get_length(), shape[2].get_length()
