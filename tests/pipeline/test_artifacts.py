"""Artifacts: what one stage writes, others read as the same frozen object; what cannot be read is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_run import make_images, make_run
from test_fit_report import FIT

from tinysieve.ground.errors import GateMissed, InputError
from tinysieve.pipeline.engine.artifacts import Facts
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, SAMPLES, samples_of
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS, ErrorModelFacts
from tinysieve.pipeline.stages.quantize import INT8_MODEL, QUANTIZE_FACTS
from tinysieve.pipeline.stages.train import HISTORY, TRAIN_FACTS
from tinysieve.pipeline.stages.verify import SCORES, VERDICT, require_gates
from tinysieve.quantize.passes.fit_model import PassGain

ALL: tuple[Facts[Any], ...] = (INGEST_FACTS, *TRAIN_FACTS.values(), *QUANTIZE_FACTS.values(), VERDICT, POLICY_FACTS)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("artifacts")
    return make_run(folder / "run", make_images(folder))


@pytest.mark.parametrize("artifact", ALL, ids=lambda artifact: artifact.stage)
def test_what_is_written_is_read_again(artifact: Facts[Any], run: Run, tmp_path: Path) -> None:
    facts = artifact.of(run)
    artifact.write(facts, tmp_path)
    assert artifact.read(tmp_path / artifact.file) == facts
    assert artifact.of_folder(run.folder) == facts
    assert facts.__dataclass_params__.frozen


def test_nested_facts_are_read_as_their_types(run: Run, tmp_path: Path) -> None:
    fit = replace(FIT, passes=(PassGain("squeeze", ("names dropped",), 12, None),), left_alone=("nothing",))
    quantized = replace(QUANTIZE_FACTS["mended"].of(run), fit=fit)
    QUANTIZE_FACTS["mended"].write(quantized, tmp_path)
    assert QUANTIZE_FACTS["mended"].read(tmp_path / QUANTIZE_FACTS["mended"].file).fit == fit
    verdict = replace(VERDICT.of(run), fit=fit, leaked_train_images={"mended": 2, "baseline": None})
    VERDICT.write(verdict, tmp_path)
    assert VERDICT.read(tmp_path / VERDICT.file) == verdict
    policy = replace(POLICY_FACTS.of(run), model=ErrorModelFacts({"box": 1.5}, 0.1, 0.02, 0.03, 0.6))
    POLICY_FACTS.write(policy, tmp_path)
    assert POLICY_FACTS.read(tmp_path / POLICY_FACTS.file) == policy


def test_the_verdict_s_file_says_what_follows_from_its_figures(run: Run) -> None:
    """Programs read `verify --json`: which gates are missed, whether it is better, and balanced accuracy stand in it."""
    plain, verdict = json.loads(VERDICT.path(run).read_text()), VERDICT.of(run)
    assert plain["gates_missed"] == [gate.name for gate in verdict.gates_missed] == ["arena"]
    assert plain["gates_unmeasured"] == []
    assert verdict.comparison is not None
    assert (plain["comparison"]["better"], plain["comparison"]["worse"]) == (verdict.comparison.better, verdict.comparison.worse)
    assert plain["confusion"]["balanced_accuracy"] == verdict.confusion.balanced_accuracy
    with pytest.raises(GateMissed, match="arena: 363,184 B against 327,680"):
        require_gates(run)


def test_what_is_not_there_names_the_stage_that_makes_it(run: Run, tmp_path: Path) -> None:
    empty = Run(run.config, tmp_path)
    for artifact in (*ALL, SAMPLES, SCORES, *INT8_MODEL.values(), *HISTORY.values()):
        assert not artifact.exists(empty)
        with pytest.raises(InputError, match=artifact.file) as raised:
            artifact.of(empty)
        assert f"'{artifact.stage}' makes it" in str(raised.value.why)


@pytest.mark.parametrize("artifact", ALL, ids=lambda artifact: artifact.stage)
def test_a_field_that_is_gone_or_of_another_type_is_named(artifact: Facts[Any], run: Run, tmp_path: Path) -> None:
    plain = json.loads(artifact.path(run).read_text())
    name = next(key for key in ("review", "samples", "macs", "seed", "file_bytes") if key in plain)
    path = tmp_path / artifact.file
    for changed in ({key: value for key, value in plain.items() if key != name}, plain | {name: "many"}):
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError, match=f"{artifact.file} cannot be read: {name}") as raised:
            artifact.read(path)
        assert raised.value.where == str(path)
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        artifact.read(path)


def test_the_sample_table_is_an_artifact(run: Run) -> None:
    assert SAMPLES.of(run).fingerprint == samples_of(run).fingerprint
    assert SCORES.of(run).int8.shape == SCORES.of(run).baseline.shape == (VERDICT.of(run).test_rows, 2)
