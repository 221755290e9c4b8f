"""The cards: front matter that YAML reads, the run's own figures, licences, and nothing from outside as markup."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_run import HOSTILE, make_images, make_run, record_again, rendered

from tinysieve.dataset.sources.split_tables import WakeVisionSource
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import UltralyticsDetector
from tinysieve.pipeline.config.sections import Card
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.report.markdown_cards import DATASET_CARD, MODEL_CARD, markdown, slug
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.report.terms import data_terms, tool_terms
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, samples_of, versions_of


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("cards")
    made = make_run(folder / "run", make_images(folder))
    rendered(made)
    return made


@pytest.fixture(scope="module")
def cards(run: Run) -> dict[str, str]:
    return {name: (run.at("report") / name).read_text(encoding="utf-8") for name in (MODEL_CARD, DATASET_CARD)}


def front_matter(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))


def body(card: str) -> str:
    return card.split("\n---\n", 1)[1]


def test_front_matter_is_yaml_with_the_measured_result(cards: dict[str, str]) -> None:
    """10 of 12 right; of 6 persons and 6 backgrounds the first two, a pair of one class, are wrong."""
    model = front_matter(cards[MODEL_CARD])
    assert model["license"] == "unknown"
    assert {"tflite", "int8"} <= set(model["tags"])
    result = model["model-index"][0]["results"][0]
    assert result["task"]["type"] == "image-classification"
    assert result["dataset"]["split"] == "test"
    figures = {one["type"]: one["value"] for one in result["metrics"]}
    assert figures["accuracy"] == round(10 / 12, 4)
    assert sorted(model["metrics"]) == sorted(figures)
    assert all(0 <= value <= 1 for value in figures.values())
    data = front_matter(cards[DATASET_CARD])
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["image-classification"]
    assert data["license"] == "unknown"


def test_cards_say_what_was_found_and_what_is_not_known(cards: dict[str, str]) -> None:
    model, data = (body(cards[name]).replace("\N{NARROW NO-BREAK SPACE}", " ") for name in (MODEL_CARD, DATASET_CARD))
    assert "| this model, int8 | 83.3 % |" in model
    assert "Gate missed: arena" in model
    assert "must not stand beside published results" in model
    assert "set `card.model_license` before it is passed on" in model
    assert "Trained on PASCAL VOC 2007 photos" in model
    assert "| train | 8 → 7 | 8 | 0 | 0 → 1 |" in data
    assert "2 images are in the review queue, 0 of them changed already." in data
    assert "| person | background | 2 |" in data


def test_nothing_from_outside_is_markup(cards: dict[str, str]) -> None:
    for card in cards.values():
        assert not re.search(r"<(?!/?sup)[a-z!/]", body(card)), "an element of HTML"
    assert "policy &lt;default&gt;" in cards[DATASET_CARD]
    for text in (*HOSTILE, "a | b", "# title\n- item", "[x](javascript:y)"):
        safe = markdown(text)
        assert "\n" not in safe
        assert not re.search(r"<|>|(?<!\\)[|\[\]`*_]", safe)


def test_every_row_of_a_table_has_the_cells_of_its_head(cards: dict[str, str]) -> None:
    for card in cards.values():
        for table in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE):
            rows = table.strip().split("\n")
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
            assert len(cells) == 1, rows
            assert re.fullmatch(r"[|\-]+", rows[1]), rows


def test_terms_are_those_of_the_configuration(run: Run) -> None:
    config = run.config
    assert data_terms(config).images.licence == "unknown"
    named = config.model_copy(update={"card": Card(dataset_name="My photos", dataset_license="cc0-1.0")})
    assert (data_terms(named).name, data_terms(named).labels.licence) == ("My photos", "cc0-1.0")
    wake = WakeVisionSource(kind="wake_vision", images="x", train=["a"], validation=["b"], test=["c"])
    published = data_terms(config.model_copy(update={"dataset": config.dataset.model_copy(update={"source": wake})}))
    assert (published.images.licence, published.labels.licence) == ("cc-by-2.0", "cc-by-4.0")
    detector = UltralyticsDetector(kind="ultralytics", weights="yolo11n.pt")
    seen = tool_terms(config.model_copy(update={"filter": config.filter.model_copy(update={"detector": detector})}))
    assert "agpl-3.0" in [one.licence for one in seen]
    assert "agpl-3.0" not in [one.licence for one in tool_terms(config)]
    with pytest.raises(ValueError, match="dataset_license"):
        Card(dataset_license="CC BY: 4")


def test_drawn_held_out_photos_are_said_with_what_they_do_to_an_accuracy(run: Run, tmp_path: Path) -> None:
    copied = shutil.copytree(run.folder, tmp_path / "run")
    drawn = Run(run.config.model_copy(update={"run": copied}), copied)
    facts = copied / "ingest" / INGEST_FACTS.file
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"drawn": ["test", "validation"]}))
    record_again(copied / "ingest")
    shutil.rmtree(copied / "report")
    said = "no test and no validation split"
    assert said in rendered(drawn)
    for name in (MODEL_CARD, DATASET_CARD):
        assert said in (drawn.at("report") / name).read_text(encoding="utf-8")
        assert said not in (run.at("report") / name).read_text(encoding="utf-8")


def test_a_dataset_card_names_its_labels_and_refuses_others(run: Run, cards: dict[str, str], tmp_path: Path) -> None:
    samples, version = samples_of(run), versions_of(run).load("HEAD")
    words = {0: "background", 1: "person", -1: "", -2: "dropped"}
    pairs = sorted(zip(samples.sample_ids.to_pylist(), version.labels.tolist(), strict=True))
    digest = hashlib.sha256("".join(f"{name},{words[code]}\n" for name, code in pairs).encode()).hexdigest()
    assert f"label version `{version.id}` and no other" in cards[DATASET_CARD]
    assert f"SHA-256 `{digest}`" in cards[DATASET_CARD]
    copied = shutil.copytree(run.folder, tmp_path / "run")
    versions_of(Run(run.config, copied)).checkout("0")
    with pytest.raises(InputError, match=f"the mended model was trained on {version.id}"):
        _ = ReportSource(Run(run.config, copied), ()).chain


def test_names_become_identifiers() -> None:
    assert slug("  ") == "dataset"
    assert slug(slug("A (b) C")) == slug("A (b) C") == "a-b-c"


def test_the_same_run_gives_the_same_cards(run: Run, cards: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / run.folder.name
    shutil.copytree(run.folder, copy, ignore=shutil.ignore_patterns("report", ".lock"))
    rendered(Run(run.config, copy))
    assert {name: (copy / "report" / name).read_text(encoding="utf-8") for name in cards} == cards
