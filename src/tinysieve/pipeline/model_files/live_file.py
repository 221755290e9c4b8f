"""What `live` does around the page: read the model, find its labels and validation scores, write the page, serve it."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import typer

from tinysieve.dataset.classes import POSITIVE, UNLABELED, Codes
from tinysieve.dataset.packed_pixels import PackedPixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.live.live_page import LiveModel, Margins, margins_of
from tinysieve.pipeline.model_files.firmware_files import known_labels
from tinysieve.pipeline.model_files.metadata_file import require_model_of
from tinysieve.pipeline.model_files.model_file import about, check_output, read_model
from tinysieve.pipeline.stages.ingest import PIXELS
from tinysieve.pipeline.stages.recorded_run import RecordedRun, open_recorded
from tinysieve.quantize.firmware.bundle_words import axes_words, require_codes, scores_of
from tinysieve.quantize.tflite.graph import Graph, read_graph
from tinysieve.quantize.tflite.io_contract import stated_for

PAGE = "live.html"
_LOOPBACK = "127.0.0.1"
_SECONDS_A_REQUEST = 10


def write_live_page(path: Path, out: Path | None, labels: tuple[str, ...], positive: str | None, run: Path | None,
                    force: bool) -> Path:
    """Write the page of one model and say where it is.

    Raises:
        InputError: the page exists, the model takes no picture or gives no list of scores, or labels and scores differ in number.
    """
    page = out or path.parent / PAGE
    check_output(page, path, force)
    model = live_model(path, labels, positive, run)
    with about(path), progress("live page"):
        text = model.html()
    write_text(page, text)
    typer.echo(f"done: {page} ({len(text):,} B); open it in a browser")
    return page


def live_model(path: Path, labels: tuple[str, ...] = (), positive: str | None = None, run: Path | None = None) -> LiveModel:
    """What the page shows of one model: its labels where none are given, and its margins on the validation images of its run.

    Raises:
        InputError: the model takes no picture or gives no list of scores, or labels and scores differ in number.
    """
    with about(path):
        model = read_model(path)
        graph = read_graph(model)
        require_codes(graph)
        scores = _scores_of(graph)
        named = labels or known_labels(model, path, run, scores) or tuple(f"score {number}" for number in range(scores))
        if len(named) != scores:
            raise InputError(f"{len(named)} labels for {scores} scores", fix="give one --label per score, in the model's order")
        recorded = None if run is None else open_recorded(run)
        margins = None if recorded is None else _margins_of_run(recorded, model)
        return LiveModel(path.stem, model, named, _positive(named, positive, recorded), margins)


def _scores_of(graph: Graph) -> int:
    if scores := scores_of(graph):
        return scores
    given = " and ".join(axes_words(tensor) for tensor in graph.outputs)
    raise InputError(f"the model gives {len(graph.outputs)} output{'s' if len(graph.outputs) > 1 else ''} of {given}",
                     why="the page shows one list of scores", fix="see what it computes with 'tinysieve emulate'")


def _positive(labels: tuple[str, ...], wanted: str | None, recorded: RecordedRun | None) -> int:
    if wanted is None:
        return POSITIVE if recorded is not None else len(labels) - 1
    if wanted not in labels:
        raise InputError(f"no score is called {wanted!r}", fix=f"give one of {', '.join(labels)}")
    return labels.index(wanted)


def _margins_of_run(recorded: RecordedRun, model: bytes) -> Margins:
    require_model_of(recorded, model)
    return validation_margins(model, recorded.samples, recorded.trained_version.labels, PIXELS.of_folder(recorded.folder))


def validation_margins(model: bytes, samples: SampleTable, labels: Codes, pixels: PackedPixels) -> Margins:
    """How sure an int8 model is of each labelled image of the split validation."""
    from tinysieve.quantize.interpreters import LiteRTReference

    rows = np.flatnonzero(samples.in_split("validation") & (labels > UNLABELED))
    images = pixels[samples.numbers("pixel_row")[rows]]
    with progress("validation images", "images") as report:
        scores = LiteRTReference(model, stated_for(samples.classes)).predict_logits(images, report)
    return margins_of(scores.tolist(), labels[rows].tolist(), POSITIVE)


def serve_page(page: Path, port: int) -> None:
    """Serve one page on loopback until Ctrl-C."""
    content = page.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS_A_REQUEST

        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK if self.path == "/" else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content) if self.path == "/" else 0))
            self.end_headers()
            self.wfile.write(content if self.path == "/" else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the page asks once."""

    try:
        server = HTTPServer((_LOOPBACK, port), Handler)
    except OSError as error:
        raise InputError(f"port {port} cannot be opened: {error.strerror}",
                         fix="name another with --port, or 0 for any") from error
    with server:
        typer.echo(f"open http://{_LOOPBACK}:{server.server_port}/ ; Ctrl-C ends it")
        server.serve_forever()
