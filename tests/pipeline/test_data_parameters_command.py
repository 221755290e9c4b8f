"""`tinysieve data-parameters` on forty small pictures: every file it promises, the same bytes twice, a vote where asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tiny_run import make_images, write_config
from typer.testing import CliRunner

from tinysieve.filtering.data_parameters.triage import TRIAGE_NAMES
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.data_parameters import commands
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, plan, run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.stages.data_parameters import DATA_PARAMETERS, triage_run
from tinysieve.pipeline.stages.embed import EMBED
from tinysieve.pipeline.stages.ingest import INGEST, samples_of
from tinysieve.pipeline.stages.opinions import opinions_by

SHORT = ("filter.data_parameters.epochs=4", "filter.data_parameters.batch_size=8")


@dataclass(frozen=True)
class Made:
    """A run after the command: its configuration, its folder, and what was printed."""

    config: Path
    run: Path
    printed: str

    @property
    def folder(self) -> Path:
        return self.run / "data-parameters"

    def open(self, *overrides: str) -> Run:
        return Run(load_config(self.config, (*SHORT, *overrides)), self.run)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The command on pictures that nothing has been done to yet: it needs no detector and no training."""
    base = tmp_path_factory.mktemp("temperatures")
    make_images(base / "images")
    config = write_config(base / "config.yaml", base / "images", base / "run")
    options = [part for option in SHORT for part in ("-o", option)]
    done = CliRunner().invoke(commands, ["--config", str(config), *options, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return Made(config, base / "run", done.stdout)


def test_it_prints_what_it_wrote_and_has_nothing_to_do_twice(made: Made) -> None:
    assert json.loads(made.printed) == json.loads((made.folder / "data-parameters.json").read_text())
    assert [one.runs for one in plan(made.open(), (INGEST, EMBED, DATA_PARAMETERS))] == [False, False, False]
    assert not (made.run / "detect").exists()


def test_every_labelled_train_sample_is_in_the_table(made: Made) -> None:
    table = pq.read_table(made.folder / "triage.parquet")
    samples = samples_of(made.open())
    expected = np.flatnonzero(samples.in_split("train") & (samples.labels >= 0))
    assert sorted(samples.rows_of(table["sample_id"].combine_chunks()).tolist()) == expected.tolist()
    assert set(table["triage"].to_pylist()) <= set(TRIAGE_NAMES)
    assert (np.diff(table["suspicion"].to_numpy()) <= 0).all()
    final, highest, lowest = (table[name].to_numpy() for name in ("final", "highest", "lowest"))
    assert (lowest <= final).all()
    assert (final <= highest).all()
    hard = np.array(table["triage"].to_pylist()) == "hard"
    assert [cause is not None for cause in table["hard_because"].to_pylist()] == hard.tolist()


def test_the_table_leads_to_the_trajectories(made: Made) -> None:
    table, trajectories = pq.read_table(made.folder / "triage.parquet"), np.load(made.folder / "trajectories.npy")
    assert trajectories.shape == (table.num_rows, 4)
    read = json.loads((made.folder / "data-parameters.json").read_text())["read_after_epoch"]
    rows = table["trajectory_row"].to_numpy()
    for epoch, name in ((read - 1, "temperature"), (-1, "final")):
        np.testing.assert_array_equal(trajectories[rows, epoch], np.float16(table[name].to_numpy()))


def test_pictures_are_there_and_counts_add_up(made: Made) -> None:
    names = {path.name for path in (made.folder / "pictures").iterdir()}
    assert names == {"rows-person.png", "rows-background.png", "map-person.png", "map-background.png", "trajectories.png"}
    for name in names:
        with Image.open(made.folder / "pictures" / name) as image:
            assert min(image.size) > 200
    found = json.loads((made.folder / "data-parameters.json").read_text())
    assert sum(sum(row.values()) for row in found["triage"].values()) == found["samples"]
    assert found["hard"]["wrong"] + found["hard"]["rare"] == sum(row["hard"] for row in found["triage"].values())


@pytest.mark.parametrize("axis", ["neighbors", "second_split"])
def test_the_filter_votes_only_where_the_configuration_says(made: Made, tmp_path: Path, axis: str) -> None:
    assert "filters/data_parameters" not in {stage.name for stage in stages_of(made.open().config)}
    asked = ("enabled=true", f"second_axis={axis}", "read=last")
    run = Run(made.open(*(f"filter.data_parameters.{setting}" for setting in asked)).config, tmp_path / "run")
    shutil.copytree(made.run, run.folder)
    wanted = ("ingest", "embed", "data-parameters", "filters/data_parameters")
    run_stages(run, [stage for stage in stages_of(run.config) if stage.name in wanted], lambda status: None)
    opinions = opinions_by("data_parameters").of(run)
    assert len(opinions) == len(samples_of(run))
    untaught = ~samples_of(run).in_split("train")
    assert not opinions.votes[untaught].any()


@pytest.mark.parametrize("read", ["last", "turning_point"])
def test_temperatures_that_diverged_are_told_of_and_not_drawn(made: Made, tmp_path: Path, read: str) -> None:
    wild = ("enabled=true", "learning_rate=1e38", f"read={read}")
    run = made.open(*(f"filter.data_parameters.{one}" for one in wild))
    with pytest.raises(InputError, match=r"temperatures have diverged: .* after epoch") as caught:
        triage_run(run, tmp_path)
    assert "lower learning_rate (now 1e+38)" in caught.value.fix


def test_the_same_seed_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    run = made.open("filter.data_parameters.enabled=true")
    triage_run(run, tmp_path)
    for name in ("trajectories.npy", "reading.json"):
        assert (tmp_path / name).read_bytes() == (made.folder / name).read_bytes()
