"""The consensus as a policy of a run, its table of precision, and an audit there and back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_run import make_images, write_config

from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.decisions.audit import STRATA
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, plan, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.review.audit_sample import audit_result, write_audit
from tinysieve.pipeline.review.order import first_looks
from tinysieve.pipeline.stages import consensus
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.opinions import opinions_of, scores_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE, eligible_rows

CHANGES = ("filter.out_of_fold.sure=0.6", "filter.neighbors={enabled: true, k: 5, searched: 12}",
           "policy={kind: consensus, max_change: 1}")


def open_tiny(folder: Path, *changes: str) -> Run:
    config = load_config(folder / "config.yaml", (*CHANGES, *changes))
    return Run(config, config.run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Until `policy`, pictures of noise: nothing can be learnt, which is all the same to the machinery."""
    folder = tmp_path_factory.mktemp("consensus")
    make_images(folder / "images")
    write_config(folder / "config.yaml", folder / "images", folder / "run")
    made = open_tiny(folder)
    run_stages(made, stages_until(made.config, "policy"), lambda status: None)
    return made


def test_the_summary_shows_the_model_and_promises_nothing_from_few_labels(run: Run) -> None:
    summary = json.loads((run.at("policy") / "policy.json").read_text())
    assert summary["policy"] == "consensus"
    assert set(summary["model"]["weights"]) == {"box", "any_box", "box_area", "out_of_fold", "neighbors"}
    assert 0 < summary["model"]["negative_as_positive"] < 0.5
    assert summary["precision"] == {}
    # A score or two a label: what is known of boxes from other photos is most of what is known.
    assert summary["model"]["prior_share"] > 0.5
    asked = read_table(REVIEW_QUEUE.path(run))
    assert summary["next_looks"]["looks"] == len(asked)
    # No look gains more than a wrong label that becomes right: 1 + harm of 3.
    assert 0 < summary["next_looks"]["gain"] <= 4 * len(asked)


def test_with_enough_labels_each_filter_has_its_precision(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consensus, "LABELS_FOR_AN_ESTIMATE", 2)
    samples, opinions = samples_of(run), opinions_of(run)
    eligible = eligible_rows(run, samples)
    found = consensus.precision_table(run, samples, samples.labels, opinions, eligible, None)
    for row in json.loads((run.at("policy") / "policy.json").read_text())["filters"]:
        votes = found[row["filter"]]
        assert votes.against == row["to_positive"] + row["to_negative"]
        assert (votes.precision is None) == (votes.against == 0)


def test_scores_are_of_every_sample_and_of_independent_signals(run: Run) -> None:
    scores = scores_of(run)
    assert {len(one.values) for one in scores} == {len(samples_of(run))}
    assert {one.name: one.signal for one in scores} == {
        "box": "presence_head", "any_box": "presence_head", "box_area": "presence_head", "out_of_fold": "out_of_fold",
        "neighbors": "out_of_fold"}


def test_the_test_split_is_as_it_was(run: Run) -> None:
    frozen = samples_of(run).in_split("test", "validation")
    assert (versions_of(run).load("HEAD").labels[frozen] == samples_of(run).labels[frozen]).all()


def test_a_budget_of_looks_cuts_the_queue(run: Run) -> None:
    whole = REVIEW_QUEUE.path(run)
    asked = read_table(whole)["sample_id"].to_pylist()
    assert len(asked) > 3
    assert read_table(first_looks(run, whole, 2))["sample_id"].to_pylist() == asked[:2]


def test_answers_teach_and_are_carried_out(run: Run, tmp_path: Path) -> None:
    samples = samples_of(run)
    row = int(np.flatnonzero(samples.in_split("train"))[0])
    name, said = samples.sample_ids[row].as_py(), "background" if samples.labels[row] == 1 else "person"
    answers = tmp_path / "answers.csv"
    answers.write_text(f"sample_id,decision\n{name},{said}\n")
    taught = open_tiny(run.folder.parent, f"policy.verified={answers}")
    policy = next(one for one in plan(taught, stages_until(taught.config, "policy")) if one.stage == "policy")
    assert any("verified" in reason for reason in policy.reasons)
    run_stages(taught, stages_until(taught.config, "policy"), lambda status: None)
    assert versions_of(taught).load("HEAD").labels[row] == 1 - samples.labels[row]
    run_stages(run, stages_until(run.config, "policy"), lambda status: None)


def test_an_audit_goes_out_and_comes_back(run: Run) -> None:
    path = write_audit(run, 20)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    with pytest.raises(InputError, match="nothing is answered"):
        audit_result(run, path)
    samples = samples_of(run)
    truth = dict(zip(samples.sample_ids.to_pylist(), samples.labels, strict=True))
    for one in rows:
        # A person who finds every given label right, and that unlabelled pictures show nobody.
        one["decision"] = "person" if truth[one["sample_id"]] == 1 else "background"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = audit_result(run, path)
    assert found["wrong_before"] is not None
    assert found["wrong_before"].value == 0
    if found["precision_of_flips"] is not None:
        assert found["precision_of_flips"].value == 0


def test_an_audit_of_another_policy_is_refused(run: Run) -> None:
    """Its answers were drawn from other strata: a flip that was looked at may be kept now."""
    path = write_audit(run, 20)
    text = path.read_text().replace(',""\n', ',"person"\n').replace(",\n", ",person\n")
    strata = [name for name in STRATA if f'"{name}"' in text]
    path.write_text(text.replace(f'"{strata[0]}"', f'"{STRATA[0] if strata[0] != STRATA[0] else STRATA[1]}"', 1))
    with pytest.raises(InputError, match=f"and now in '{strata[0]}'"):
        audit_result(run, path)


def test_a_file_that_is_no_audit_is_refused(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "queue.csv"
    other.write_text("sample_id,decision\n")
    with pytest.raises(InputError, match="no column 'stratum'"):
        audit_result(run, other)


def test_a_file_of_boxes_may_move_without_being_read_again(tmp_path: Path) -> None:
    make_images(tmp_path / "images")
    write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("filepath,x1,y1,x2,y2,class,confidence\ntrain/person/0.jpg,0,0,100,100,person,0.9\n")

    def opened(file: Path) -> Run:
        return open_tiny(tmp_path, f"filter.detector={{kind: boxes, file: {file}}}")

    run_stages(opened(boxes), stages_until(opened(boxes).config, "detect"), lambda status: None)
    moved = boxes.rename(tmp_path / "moved.csv")
    assert not plan(opened(moved), stages_until(opened(moved).config, "detect"))[-1].runs
    moved.write_text(moved.read_text().replace("0.9", "0.8"))
    assert plan(opened(moved), stages_until(opened(moved).config, "detect"))[-1].runs
