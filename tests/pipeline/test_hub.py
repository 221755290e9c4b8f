"""The hub: what is published of a run, sent and brought back by the real huggingface_hub over a server on loopback."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_run import make_images, make_run, stages
from repository_server import TOKEN, Hub, serving

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.engine.stages import Run, Stage, run_stages
from tinysieve.pipeline.hub.published import LABELS, MODEL, README, SUMS, bring, check_sums, publish_labels, publish_model
from tinysieve.pipeline.hub.repository import Repository
from tinysieve.pipeline.report.report_stage import report_stage
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED


def until_report(run: Run) -> tuple[Stage, ...]:
    return (*stages(), report_stage(run.config))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("published")
    made = make_run(folder / "run", make_images(folder))
    run_stages(made, until_report(made), lambda status: None)
    return made


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    hub = Hub()
    with serving(hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


def published(run: Run, folder: Path) -> Path:
    folder.mkdir()
    publish_model(run, until_report(run), folder)
    return folder


def test_the_model_is_the_one_of_its_card(run: Run, tmp_path: Path) -> None:
    folder = published(run, tmp_path / "model")
    digest = hashlib.sha256((folder / MODEL).read_bytes()).hexdigest()
    assert (folder / MODEL).read_bytes() == INT8_MODEL[MENDED].of(run)
    assert digest in (folder / README).read_text()
    assert f"{digest}  {MODEL}" in (folder / SUMS).read_text().splitlines()
    assert check_sums(folder) == len(list(folder.iterdir())) - 1


def test_labels_come_without_photos(run: Run, tmp_path: Path) -> None:
    publish_labels(run, until_report(run), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {README, LABELS, SUMS}
    with (tmp_path / LABELS).open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(samples_of(run))


def test_a_run_that_changed_after_its_report_is_not_published(run: Run, tmp_path: Path) -> None:
    changed = Run(run.config.model_copy(update={"seed": run.config.seed + 1}), run.folder)
    with pytest.raises(InputError, match="is not up to date"):
        publish_model(changed, until_report(changed), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["no hash", f"{'0' * 64}  ../outside", f"{'0' * 64}  {MODEL}", f"{'0' * 64}  not_there"])
def test_sums_that_do_not_fit_are_refused(line: str, tmp_path: Path) -> None:
    (tmp_path.parent / "outside").write_text("")
    (tmp_path / MODEL).write_bytes(b"another")
    (tmp_path / SUMS).write_text(f"{line}\n")
    with pytest.raises(InputError):
        check_sums(tmp_path)


def test_what_is_sent_comes_back(run: Run, hub: Hub, tmp_path: Path) -> None:
    sent = published(run, tmp_path / "sent")
    repository = Repository("somebody/thing", "model")
    address = repository.push(sent, "first", public=False)
    brought = bring(repository, tmp_path / "brought", None)
    assert address.endswith(brought.commit)
    assert (brought.compared, brought.files) == (3, 4)
    assert hub.private == {"models/somebody/thing": True}
    assert {path.name: path.read_bytes() for path in (tmp_path / "brought").iterdir()} == {
        path.name: path.read_bytes() for path in sent.iterdir()}


def test_a_model_that_somebody_changed_on_the_hub_is_not_brought(run: Run, hub: Hub, tmp_path: Path) -> None:
    repository = Repository("somebody/thing", "model")
    repository.push(published(run, tmp_path / "sent"), "first", public=True)
    hub.files["models/somebody/thing"][MODEL] = b"another model"
    with pytest.raises(InputError, match=f"{MODEL} is not the file"):
        bring(repository, tmp_path / "brought", None)
    assert [path.name for path in tmp_path.iterdir()] == ["sent"]


def test_nothing_is_overwritten(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there already"):
        bring(Repository("somebody/thing", "model"), tmp_path, None)
    assert hub.calls == []


def test_what_the_hub_refuses_is_said(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / README).write_text("text")
    with pytest.raises(InputError, match="Repository not found"):
        bring(Repository("nobody/nothing", "dataset"), tmp_path / "brought", None)
    with pytest.raises(InputError, match="is no name of a repository"):
        bring(Repository("not a name", "dataset"), tmp_path / "brought", None)
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    with pytest.raises(InputError, match="Invalid username or password"):
        Repository("somebody/thing", "model").push(tmp_path, "first", public=False)


def test_a_hub_that_does_not_answer_is_a_missing_requirement(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingRequirement, match="does not answer"):
        bring(Repository("somebody/thing", "model"), tmp_path / "brought", None)
