"""Data parameters of a run: learn a temperature a sample on the stored features, read them in time, sort the samples by them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.data_parameters.learnt_triage import LearntTriage
from tinysieve.filtering.data_parameters.linear_fit import LinearFitSettings, fit_linear, held_out_losses
from tinysieve.filtering.data_parameters.rare_or_wrong import contradicted_by_neighbors, forgotten, wrong_not_rare
from tinysieve.filtering.data_parameters.row_stream import IntArray, RowStream
from tinysieve.filtering.data_parameters.second_split import second_split_retention
from tinysieve.filtering.data_parameters.trajectories import HalfArray, TrajectorySummary, summarise
from tinysieve.filtering.data_parameters.triage import HARD, RULES, TRIAGE_NAMES, TriageRule, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.filters.data_parameters import DataParameters
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement
from tinysieve.ground.atomic_files import replacing, write_text
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage, identity
from tinysieve.pipeline.stages.divergence import refuse_divergence
from tinysieve.pipeline.stages.embed import features_of
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import LEARNING, PICTURES

FOLDER, TRIAGE_FILE, SUMMARY = "data-parameters", "triage.parquet", "data-parameters.json"
TRIAGE = Artifact(FOLDER, TRIAGE_FILE, pq.read_table)
_VOTERS = 10
_READ = "reading.json"


@dataclass(frozen=True, eq=False)
class Triaged:
    """What the temperatures of M labelled train samples came to.

    Args:
        rows: int64 [M], in the sample table.
        trajectories: float16 [M, epochs].
        epoch: when they were read, from 0.
        read: of the trajectories until then.
        sorted_by: of the trajectories until the triage looked.
        codes: int8 [M], triage.
        wrong: bool [M], hard and not merely rare.
        suspicion: float64 [M] in [0, 1), 1 surely wrong.
    """

    rows: IntArray
    trajectories: HalfArray
    epoch: int
    read: TrajectorySummary
    sorted_by: TrajectorySummary
    codes: Codes
    wrong: Mask
    suspicion: NDArray[np.float64]


def triage_run(run: Run, folder: Path) -> Triaged:
    """Learn and read the temperatures of the train split's given labels; keeps trajectories and reading in `folder`."""
    samples, settings = samples_of(run), run.config.filter.of(DataParameters)
    features = features_of(run)
    rows = np.flatnonzero(samples.in_split("train") & (samples.labels > UNLABELED))
    stream, labels = RowStream(features, rows), samples.labels[rows].astype(np.int64)
    # A fit that diverges is told of once, in words.
    with progress("temperatures", "visits") as report, np.errstate(over="ignore", invalid="ignore"):
        trajectories = fit_linear(
            stream, labels, _fit_settings(settings), run.config.seed, identity(run, "embed"), folder, report
        )
    refuse_divergence(trajectories, settings)
    epoch = _reading(run, stream, labels, folder)
    read = summarise(trajectories, epoch)
    sorted_by = summarise(trajectories, -1) if settings.triage_read == "last" else read
    codes = triage(sorted_by, triage_rule(settings))
    wrong = wrong_not_rare(codes, _against(run, features, rows, stream, labels))
    return Triaged(rows, trajectories, epoch, read, sorted_by, codes, wrong, suspicion(read))


def learnt_triage(run: Run, samples: SampleTable) -> LearntTriage:
    """The stored triage by row of the sample table."""
    table = TRIAGE.of(run)
    rows = samples.rows_of(table["sample_id"].combine_chunks())
    sigma, codes = np.full(len(samples), np.nan), np.full(len(samples), np.int8(UNLABELED))
    wrong = np.zeros(len(samples), bool)
    sigma[rows] = table["final"].to_numpy()
    codes[rows] = pc.index_in(table["triage"], pa.array(TRIAGE_NAMES)).to_numpy()
    wrong[rows] = pc.fill_null(pc.equal(table["hard_because"], "wrong"), False).to_numpy()
    return LearntTriage(sigma, codes, wrong)


def triage_rule(settings: DataParameters) -> TriageRule:
    """The triage rule that the configuration names or spells out."""
    return RULES[settings.triage] if isinstance(settings.triage, str) else settings.triage


def triage_table(samples: SampleTable, made: Triaged) -> pa.Table:
    """One row a labelled train sample, most suspect first: who, its label, triage, temperatures and suspicion.

    `temperature` is that of the reading, on which `suspicion` rests; `final`, `highest`, `lowest` and `mean` are the triage's.
    """
    order = np.lexsort((made.rows, -made.suspicion))
    rows, seen = made.rows[order], made.sorted_by
    hard = np.where(made.wrong, "wrong", "rare")
    columns = {
        "sample_id": samples.sample_ids.combine_chunks().take(pa.array(rows)),
        "filepath": samples.table["filepath"].combine_chunks().take(pa.array(rows)),
        "label": samples.classes.names(samples.labels[rows]),
        "triage": pa.array(TRIAGE_NAMES).take(pa.array(made.codes[order])),
        "hard_because": pa.array(hard[order], pa.string(), mask=made.codes[order] != HARD),
        "temperature": made.read.final[order], "final": seen.final[order], "highest": seen.highest[order],
        "lowest": seen.lowest[order], "mean": seen.mean[order], "suspicion": made.suspicion[order], "trajectory_row": order,
    }  # fmt: skip
    return pa.table(columns)


def _work(run: Run, folder: Path) -> str:
    made, samples = triage_run(run, folder), samples_of(run)
    with replacing(folder / TRIAGE_FILE) as temporary:
        pq.write_table(triage_table(samples, made), temporary, compression="zstd")
    _draw(run, samples, made, folder / "pictures")
    write_text(folder / SUMMARY, json.dumps(_counts(run, samples, made), indent=1) + "\n")
    return ""


def _draw(run: Run, samples: SampleTable, made: Triaged, folder: Path) -> None:
    # matplotlib and scikit-learn take a second to import, and only this function wants them.
    from tinysieve.pipeline.pictures.trajectories import draw_triage
    from tinysieve.pipeline.pictures.triage import Triage

    pixels, pixel_row = open_pixels(run.at("ingest")), samples.numbers("pixel_row")[made.rows]
    shown = Triage(lambda row: pixels[pixel_row[row]], samples.labels[made.rows], samples.classes.in_code_order, made.codes,
                   made.sorted_by, made.suspicion, made.trajectories, made.epoch)
    draw_triage(shown, folder, run.config.seed)


def _counts(run: Run, samples: SampleTable, made: Triaged) -> dict[str, object]:
    labels, rule = samples.labels[made.rows], run.config.filter.of(DataParameters).triage
    by_class = {name: {triage_name: int(((labels == code) & (made.codes == number)).sum())
                       for number, triage_name in enumerate(TRIAGE_NAMES)} 
                for code, name in enumerate(samples.classes.in_code_order)}
    return {"samples": len(made.rows), "epochs": int(made.trajectories.shape[1]), "read_after_epoch": made.epoch + 1,
            "rule": rule if isinstance(rule, str) else "limits", "triage": by_class,
            "hard": {"wrong": int(made.wrong.sum()), "rare": int(((made.codes == HARD) & ~made.wrong).sum())}}


def _fit_settings(settings: DataParameters) -> LinearFitSettings:
    return LinearFitSettings(settings.epochs, settings.batch_size, settings.learning_rate,
                             instance=settings.instance, by_class=settings.by_class)


def _reading(run: Run, stream: RowStream, labels: IntArray, folder: Path) -> int:
    """The epoch to read, from 0; a killed run that has found it does not look again."""
    settings, file = run.config.filter.of(DataParameters), folder / _READ
    if settings.read == "last":
        return settings.epochs - 1
    if not file.is_file():
        with progress("turning point", "visits") as report:
            losses = held_out_losses(stream, labels, _fit_settings(settings), run.config.seed, settings.held_out, report)
        summary = {"turning_point": turning_point(losses),
                   "held_out_loss": losses.mean(axis=1, dtype=np.float64).round(5).tolist()}
        write_text(file, json.dumps(summary) + "\n")
    return int(json.loads(file.read_text())["turning_point"])


def _against(
    run: Run, features: NDArray[np.floating], rows: IntArray, stream: RowStream, labels: IntArray
) -> NDArray[np.float32]:
    filters = run.config.filter
    with progress("rare or wrong", "steps") as report:
        if filters.of(DataParameters).second_axis == "second_split":
            return forgotten(second_split_retention(stream, labels, run.config.seed, report))
        chosen = features if len(rows) == len(features) else features[rows]
        look_alikes = nearest(chosen, min(_VOTERS, len(labels) - 1), filters.of(NeighborAgreement).exact_up_to, report)
        return contradicted_by_neighbors(look_alikes, labels)


def _settings(config: Config) -> object:
    settings = TypeAdapter(DataParameters).dump_python(config.filter.of(DataParameters), mode="json")
    return {"filter": {name: value for name, value in settings.items() if name != "enabled"}, "seed": config.seed}


DATA_PARAMETERS = Stage(
    FOLDER, 2, ("ingest", "embed"),
    _settings, _work, libraries=(*LEARNING, *PICTURES, "pyarrow"),
)
