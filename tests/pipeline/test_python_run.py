"""`tinysieve.Run`: a run's verbs and what they left, as objects."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_run import TinyRun, write_config

import tinysieve as ts
from tinysieve.face.rows import Rows
from tinysieve.filtering.decisions.consensus import Consensus
from tinysieve.filtering.decisions.policy import TwoSignals


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")


def test_without_keywords_the_file_holds(config: Path) -> None:
    run = ts.Run(config)
    assert run.folder == config.parent / "run"
    assert isinstance(run.config.policy, TwoSignals)
    assert repr(ts.Run(str(config))) == f"run {run.folder}"


def test_a_word_for_a_section_is_that_kind_with_its_defaults(config: Path) -> None:
    # The file's label_votes is no setting of the consensus.
    assert ts.Run(config, policy="consensus").config.policy == Consensus()


def test_a_mapping_changes_what_it_names_and_leaves_the_rest(config: Path) -> None:
    policy = ts.Run(config, policy={"flip_votes": 1}).config.policy
    assert policy == TwoSignals(drop_confidence=2, label_votes=1, flip_votes=1)
    section = ts.Run(config, filter={"folds": 3, "out_of_fold": {"sure": 0.5}}).config.filter
    assert (section.folds, section.detector.kind, section.out_of_fold.sure) == (3, "presence_head", 0.5)  # type: ignore[attr-defined]


@pytest.mark.parametrize("settings", [{"train": {"recipe": {"epochs": 5}}}, {"train.recipe": {"epochs": 5}},
                                      {"train.recipe.epochs": 5}, {"train": {"recipe.epochs": 5}}])
def test_a_path_and_a_mapping_say_the_same(settings: dict[str, Any], config: Path) -> None:
    recipe = ts.Run(config, **settings).config.train.recipe
    assert (recipe.epochs, recipe.base, recipe.batch_size) == (5, "demo", 16)  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "value"), [
    ("run", Path("else where")), ("seed", 7), ("verify.min_accuracy", 1e-05), ("verify.ram", "192KiB"), ("train.recipe", "demo"),
    ("filter.disagreement", False), ("card.dataset_terms", "yes: 'no', #1 — ü\nsecond line"), ("card.dataset_terms", "..."),
    ("card.intended_use", "x" * 500 + " y" * 200)])
def test_a_value_arrives_as_it_was_given(name: str, value: object, config: Path) -> None:
    """Against the same value written into the file itself."""
    data = yaml.safe_load(config.read_text())
    *sections, last = name.split(".")
    place = data
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = str(value) if isinstance(value, Path) else value
    written = config.with_name("written.yaml")
    written.write_text(yaml.safe_dump(data))
    runs = ts.Run(config), ts.Run(config, **{name: value}), ts.Run(written)
    plain, changed, in_file = (run.config.model_dump() for run in runs)
    assert changed == in_file
    assert changed != plain


@pytest.mark.parametrize(("settings", "words"), [
    ({"polcy": "consensus"}, ("polcy", "policy")), ({"policy": {"flip_vote": 1}}, ("policy.flip_vote", "policy.flip_votes")),
    ({"policy": "consenus"}, ("consenus",)), ({"seed": -1}, ("seed",)), ({"seed": object()}, ("seed", "object")),
    ({"seed.deep": 1}, ("seed",))])
def test_a_wrong_keyword_is_named(settings: dict[str, Any], words: tuple[str, ...], config: Path) -> None:
    with pytest.raises(ts.InputError) as error:
        ts.Run(config, **settings)
    assert all(word in str(error.value) for word in words)
    assert "-o " not in str(error.value)


def test_no_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ts.InputError, match=r"gone\.yaml"):
        ts.Run(tmp_path / "gone.yaml", seed=1)
    (tmp_path / "bad.yaml").write_text("run: [")
    with pytest.raises(ts.InputError, match="not YAML"):
        ts.Run(tmp_path / "bad.yaml", seed=1)


@pytest.mark.parametrize("name", ["samples", "versions", "review_queue", "verdict", "model", "report_page"])
def test_what_no_stage_has_made_names_the_verb(name: str, config: Path) -> None:
    with pytest.raises(ts.InputError, match=r"call \.(ingest|filter|quantize|verify|report)\(\) first"):
        getattr(ts.Run(config), name)
    assert not (config.parent / "run").exists()


def test_a_finished_run_is_read(tiny: TinyRun) -> None:
    run = ts.Run(tiny.config)
    assert set(run.status.column("up_to_date")) == {True}
    # 2 classes of 12, 4 and 4 images in splits, and 4 without a label.
    samples = run.samples
    assert len(samples) == 2 * (12 + 4 + 4) + 4
    assert samples.column("given").count(None) == 4
    assert [one for one in run.versions.column("current") if one] == [True]
    changed = run.diff("0", "HEAD")
    columns = (samples.column(name) for name in ("sample_id", "given", "label"))
    assert {name for name, given, label in zip(*columns, strict=True) if given != label} == set(changed.column("sample_id"))
    assert len(run.diff("0", "0")) == 0
    assert run.model.data == (tiny.run / "quantize-mended" / "model.tflite").read_bytes()
    assert run.report_page.read_text(encoding="utf-8").lstrip().startswith("<!")


def test_a_notebook_sees_thumbnails_and_tables(tiny: TinyRun) -> None:
    run = ts.Run(tiny.config)
    assert run.samples._repr_html_().count("data:image/jpeg;base64,") == 24
    assert "and 20 more" in run.samples._repr_html_()
    assert run.review_queue._repr_html_().count("data:image/jpeg;base64,") == min(len(run.review_queue), 24)
    assert "<td>ingest</td>" in run._repr_html_()
    assert run.samples.to_pandas()["split"].value_counts()["train"] == 24
    with pytest.raises(ts.InputError, match="given"):
        run.samples.column("colour")


def test_the_verdict_is_that_of_verify(tiny: TinyRun) -> None:
    run, stored = ts.Run(tiny.config), json.loads((tiny.run / "verify" / "verify.json").read_text())
    verdict = run.verdict
    assert (verdict.accuracy.value, verdict.baseline.value) == (stored["int8"]["value"], stored["baseline_int8"]["value"])
    assert verdict.difference == pytest.approx(verdict.accuracy.value - verdict.baseline.value)
    assert [budget.name for budget in verdict.missed] == stored["gates_missed"]
    assert verdict.to_pandas()["name"].tolist() == [budget.name for budget in verdict.budgets]
    assert all(f"<td>{budget.name}</td>" in verdict._repr_html_() for budget in verdict.budgets)


def test_verify_raises_where_the_verdict_misses_a_gate(tiny: TinyRun) -> None:
    run = ts.Run(tiny.config)
    missed = run.verdict.missed
    names = "; ".join(f"{budget.name}.*" for budget in missed)
    with pytest.raises(ts.GateMissed, match=names) if missed else nullcontext():
        assert run.filter().train().quantize().verify() is run


@pytest.mark.parametrize(("settings", "name", "stage"), [
    ({"policy": "consensus"}, "review_queue", "policy"), ({"filter": {"folds": 2}}, "review_queue", "folds"),
    ({"verify": {"ram": "100KiB"}}, "verdict", "ram"), ({"train": {"recipe": {"epochs": 3}}}, "model", "recipe")])
def test_what_other_settings_made_is_not_shown_as_this_runs(
    settings: dict[str, Any], name: str, stage: str, tiny: TinyRun) -> None:
    with pytest.raises(ts.InputError, match="not up to date") as error:
        getattr(ts.Run(tiny.config, **settings), name)
    assert stage in str(error.value)


def test_every_text_of_a_row_is_escaped() -> None:
    import pyarrow as pa

    table = pa.table({"<i>": ["<script>alert(1)</script>", '" onerror="x']})
    for picture in (None, lambda row: b"jpeg", lambda row: None):
        shown = Rows("<u>", table, picture, ("<i>",))._repr_html_()
        assert "<script>" not in shown
        assert "<i>" not in shown
        assert "<u>" not in shown
        assert '" onerror="' not in shown
