"""A run of the main job in a notebook or a script: the verbs of the command line, and what they leave, as objects."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tinysieve.dataset.versions import diff
from tinysieve.face.html import table_html
from tinysieve.face.rows import Picture, Rows
from tinysieve.face.run_verdict import RunVerdict
from tinysieve.face.settings import overrides_of
from tinysieve.ground.errors import InputError
from tinysieve.model import Model
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.console.run_tables import announce
from tinysieve.pipeline.engine.records import require_recorded
from tinysieve.pipeline.engine.stages import Run as RunFolder
from tinysieve.pipeline.engine.stages import identity, plan, run_stages
from tinysieve.pipeline.main_job import stages_of, stages_until
from tinysieve.pipeline.report.report_stage import REPORT_PAGE
from tinysieve.pipeline.review.review_pictures import photos_of
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import read_verdict, require_gates

THUMBNAIL_SIDE = 144


class Run:
    """A configuration and its run folder.

    Each verb runs what is not up to date, up to its stage, says so on standard error, and returns the run; a verb that was
    interrupted resumes where it stopped.
    """

    def __init__(self, config: str | Path, /, **settings: object) -> None:
        """Read a configuration.

        Args:
            config: a YAML file.
            settings: changes to it, each by its path in the file (`seed=1`, `**{"train.recipe": "demo"}`). A mapping changes
                the settings that it names and leaves the others: `policy={"max_change": 0.5}`. Any other value replaces what
                stands there; a word for a section that has a `kind` is that kind with its defaults: `policy="consensus"`.

        Raises:
            InputError: no such file, an unknown setting (with what was probably meant), or a value out of range.
        """
        try:
            loaded = load_config(Path(config), overrides_of(Path(config), settings))
        except InputError as error:
            error.where = error.where.replace("-o ", "")
            raise
        self._run = RunFolder(loaded, loaded.run)

    def __repr__(self) -> str:
        return f"run {self.folder}"

    @property
    def config(self) -> Config:
        """All settings."""
        return self._run.config

    @property
    def folder(self) -> Path:
        """Where its stages keep what they make."""
        return self._run.folder

    def ingest(self) -> Run:
        """Decode every image once, quarantine the broken, freeze the test split, make version 0."""
        return self._until("ingest")

    def filter(self) -> Run:
        """Find and correct wrong labels, label what has none."""
        return self._until("policy")

    def select(self) -> Run:
        """Keep as many photos to train on as `policy.select` holds."""
        return self._until("select")

    def train(self) -> Run:
        """Train the baseline on version 0 and the mended model on the current version."""
        return self._until("train-mended")

    def quantize(self) -> Run:
        """Convert both models to full-integer int8 and fit the mended one into its budgets."""
        return self._until("quantize-mended")

    def verify(self) -> Run:
        """Measure the int8 model against the baseline and the budgets.

        Raises:
            GateMissed: a gate is missed; `verdict` has the figures.
        """
        self._until("verify")
        require_gates(self._run)
        return self

    def report(self) -> Run:
        """Run everything and write the page at `report_page`; gates are not judged."""
        return self._until("report")

    @property
    def status(self) -> Rows:
        """For each stage whether it is up to date, and why not."""
        statuses = plan(self._run, stages_of(self.config))
        return Rows(repr(self), pa.table({
            "stage": [status.stage for status in statuses], "up_to_date": [not status.runs for status in statuses],
            "reason": ["; ".join(status.reasons) for status in statuses],
        }))  # fmt: skip

    @property
    def samples(self) -> Rows:
        """Every image: its split, the label as it came (`given`) and the current one (`label`)."""
        self._require("ingest", "ingest")
        samples = samples_of(self._run)
        names = ["sample_id", "filepath", "split", "width", "height", "label"]
        table = samples.table.select(names).rename_columns([*names[:-1], "given"])
        labels = samples.classes.states(versions_of(self._run).load("HEAD").labels)
        return Rows(f"{len(samples):,} samples", table.append_column("label", labels), self._picture(table),
                    ("filepath", "split", "label"))

    @property
    def versions(self) -> Rows:
        """The versions of the labels, newest first."""
        self._require("ingest", "ingest")
        entries = versions_of(self._run).log()
        names = ("id", "parent", "note", "changes", "current", "at", "names")
        return Rows("versions", pa.table({name: [getattr(entry, name) for entry in entries] for name in names}))

    def diff(self, old: str = "0", new: str = "HEAD") -> Rows:
        """Images whose label differs between two versions: an id, its beginning, "HEAD" or "0".

        Raises:
            InputError: no such version.
        """
        self._require("ingest", "ingest")
        store = versions_of(self._run)
        table = diff(samples_of(self._run), store.load(old), store.load(new))
        return Rows(f"{table.num_rows:,} labels differ between {old} and {new}", table, self._picture(table),
                    ("filepath", "old_label", "new_label"))

    @property
    def review_queue(self) -> Rows:
        """Images that are worth a person's look, most doubtful first."""
        self._require_fresh("policy", "filter")
        table = REVIEW_QUEUE.of(self._run)
        captions = ("filepath", "label", "proposed", "reason")
        return Rows(f"{table.num_rows:,} images to review", table, self._picture(table), captions)

    @property
    def verdict(self) -> RunVerdict:
        """What `verify` measured, gates missed or not."""
        self._require_fresh("verify", "verify")
        return RunVerdict.of(read_verdict(self._run))

    @property
    def model(self) -> Model:
        """The mended int8 model."""
        self._require_fresh("quantize-mended", "quantize")
        return Model.open(require_recorded(self._run.at(INT8_MODEL[MENDED].stage), INT8_MODEL[MENDED].file))

    @property
    def report_page(self) -> Path:
        """The HTML page; opens without a network."""
        self._require_fresh("report", "report")
        return REPORT_PAGE.path(self._run)

    def _repr_html_(self) -> str:
        status = self.status
        rows = [tuple(row.values()) for row in status.table.to_pylist()]
        return table_html(repr(self), status.columns, rows, len(rows))

    def _until(self, last: str) -> Run:
        run_stages(self._run, stages_until(self.config, last), announce)
        return self

    def _require(self, stage: str, verb: str) -> None:
        if not identity(self._run, stage):
            raise InputError(f"stage '{stage}' has not run yet", where=str(self.folder), fix=f"call .{verb}() first")

    def _require_fresh(self, stage: str, verb: str) -> None:
        """Refuse what other settings or other labels have left. The images themselves are not looked at again."""
        self._require(stage, verb)
        behind = [status for status in plan(self._run, stages_until(self.config, stage)[1:]) if status.runs]
        if behind:
            raise InputError(f"stage '{stage}' is not up to date: {behind[0].stage}: {behind[0].reasons[0]}",
                             where=str(self.folder), why="what it left belongs to other settings or labels",
                             fix=f"call .{verb}() again")

    def _picture(self, table: pa.Table) -> Picture:
        photos = photos_of(self._run)
        rows = photos.samples.rows_of(table["sample_id"].combine_chunks())

        def jpeg(number: int) -> bytes | None:
            return None if rows[number] < 0 else photos.jpeg(int(rows[number]), THUMBNAIL_SIDE)

        return jpeg
