"""A review from a queue to the ledger: in a real browser where one is installed, as a file, and through Label Studio's files."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from review_run import ReviewRun, make_review_run
from tiny_run import ROOT

from tests.command_here import tinysieve
from tinysieve.dataset.classes import NEGATIVE, POSITIVE
from tinysieve.dataset.image_store import content_id
from tinysieve.dataset.samples import REQUIRED, SampleTable
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.ground.errors import FrozenSplit, InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.review.label_studio import write_label_studio
from tinysieve.pipeline.review.queue import import_answers, read_file
from tinysieve.pipeline.review.review_cards import Card, build_cards
from tinysieve.pipeline.review.review_page import Sheet, write_pages
from tinysieve.pipeline.review.review_pictures import Photos, photos_of
from tinysieve.pipeline.review.session import sheet_of
from tinysieve.pipeline.stages.ingest import versions_of

KEYS = {"p": "person", "b": "background", "d": "drop", "s": "skip"}
SAVED = "document.getElementById('saved').textContent === 'All saved'"
DECIDED = ("[...document.querySelectorAll('.card[data-decision]')]"
           ".map((one) => [Number(one.dataset.number), one.dataset.decision])")
OPEN_AND_DECIDED = "[document.getElementById('{}').open, document.querySelectorAll('[data-decision]').length]"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> ReviewRun:
    return make_review_run(tmp_path_factory.mktemp("review"))


@pytest.fixture
def made(prepared: ReviewRun, tmp_path: Path) -> ReviewRun:
    """A copy that a test may change."""
    shutil.copytree(prepared.run.folder, tmp_path / "run")
    return ReviewRun(prepared.config, Run(prepared.run.config, tmp_path / "run"), prepared.queue)


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Any]:
    """A page of a real browser; skips where there is none."""
    pytest.importorskip("websocket")
    from benchmarks.chromium import browse, find_browser

    browser = find_browser()
    if browser is None:
        pytest.skip("needs Chromium")
    with browse(browser) as opened:
        opened.resize(1280, 900)
        yield opened


def open_file(page: Any, sheet: Sheet, made: ReviewRun, folder: Path) -> None:
    """Write the pages and open them in a browser that has not seen them."""
    written = write_pages(sheet, photos_of(made.run), folder, "ann, b", lambda done, total: None)
    page.open(written.as_uri())
    page.evaluate("localStorage.clear()")
    page.reload()


@pytest.fixture
def page(browser_page: Any) -> Any:
    """The page, with nothing held against it yet."""
    browser_page.complaints.clear()
    return browser_page


def options(made: ReviewRun) -> list[str]:
    return ["-c", str(made.config), "-o", f"run={made.run.folder}"]


def rows_of(made: ReviewRun, *splits: str) -> list[dict[str, Any]]:
    return [row for row in made.samples.table.to_pylist() if row["split"] in splits]


def decide_twenty(page: Any, address: str) -> None:
    """Twenty decisions by keyboard, a look after loading again, the last one undone, the first one changed."""
    page.open(address)
    for number in range(20):
        page.press("pbds"[number % 4])
    page.until(SAVED)
    expected = [[number, KEYS["pbds"[number % 4]]] for number in range(20)]
    assert page.evaluate(DECIDED) == expected
    page.reload()
    assert page.evaluate(DECIDED) == expected
    assert page.evaluate("Number(document.activeElement.dataset.number)") == 20
    page.press("u")
    page.until(SAVED)
    assert page.evaluate(DECIDED) == expected[:-1]
    for key in ("Home", "b"):
        page.press(key)
    page.until(SAVED)
    assert page.complaints == []


def test_decide_twenty_by_keyboard_reload_undo_kill_import(made: ReviewRun, page: Any) -> None:
    command = [sys.executable, "-m", "tinysieve", "review", *options(made), "--queue", str(made.queue), "--port", "0",
               "--reviewer", "ann", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            assert ready["cards"] == len(made.asked)
            decide_twenty(page, ready["address"])
        finally:
            server.kill()
    assert server.returncode == -signal.SIGKILL
    said = json.loads(tinysieve("review", "import", *options(made), "--json").stdout)
    assert (said["taken_back"], said["skipped"], said["conflicts"]) == (2, 4, 0)
    words = [KEYS["pbds"[number % 4]] for number in range(19)]
    words[0] = "background"
    labels = dict(zip(made.samples.sample_ids.to_pylist(), made.samples.table["label"].to_pylist(), strict=True))
    wanted = {sample: None if word == "drop" else word for sample, word in zip(made.asked, words, strict=False)
              if word == "drop" or (word != "skip" and word != labels[sample])}
    head = versions_of(made.run).load("HEAD")
    assert {row["sample_id"]: row["new_label"] for row in head.ledger.to_pylist()} == wanted
    assert set(head.ledger["by"].to_pylist()) == {"ann"}
    assert all(at.startswith("20") and at.endswith("+00:00") for at in head.ledger["at"].to_pylist())
    assert said["changed"] == len(wanted)
    again = json.loads(tinysieve("review", "import", *options(made), "--json").stdout)
    assert (again["version"], again["changed"]) == (said["version"], 0)


def test_keys_move_turn_pages_help_and_enlarge(made: ReviewRun, page: Any, tmp_path: Path) -> None:
    sheet = sheet_of(made.run, made.queue)
    few = Sheet(sheet.title, sheet.cards, 10)
    open_file(page, few, made, tmp_path / "pages")
    focused = "Number(document.activeElement.dataset.number)"

    def after(*keys: str) -> int:
        for key in keys:
            page.press(key, shift=key == "?")
        return int(page.evaluate(focused))

    assert after() == 0
    assert [after(key) for key in ("j", "ArrowRight", "k", "ArrowLeft", "ArrowLeft")] == [1, 2, 1, 0, 0]
    columns = page.evaluate("getComputedStyle(document.getElementById('sheet')).gridTemplateColumns.split(' ').length")
    moved = [after(key) for key in ("ArrowDown", "ArrowUp", "End", "k", "ArrowDown", "j", "k", "]", "[")]
    assert moved == [columns, 0, 9, 8, 9, 10, 9, 10, 0]
    page.press("?", shift=True)
    assert page.evaluate("document.getElementById('help').open")
    page.press("p")
    page.press("?", shift=True)
    assert page.evaluate(OPEN_AND_DECIDED.format("help")) == [False, 0]
    page.press(" ")
    page.press(" ")
    assert page.evaluate(OPEN_AND_DECIDED.format("large")) == [False, 0]
    page.press(" ")
    page.press("d")
    assert page.evaluate(OPEN_AND_DECIDED.format("large")) == [True, 1]
    assert page.evaluate("document.querySelector('#large img').alt") == few.cards[1].name
    page.press(" ")
    page.until(f"{focused} === 1")
    assert page.evaluate(DECIDED) == [[0, "drop"]]
    page.press("u")
    assert page.evaluate(DECIDED) == []
    assert after() == 0


def test_a_page_opened_as_a_file_keeps_decisions_and_hands_them_out(made: ReviewRun, page: Any, tmp_path: Path) -> None:
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "downloads"))
    open_file(page, sheet_of(made.run, made.queue), made, tmp_path / "pages")
    page.until("document.images[0].complete && document.images[0].naturalWidth === 210")
    for key in "bpds":
        page.press(key)
    page.reload()
    assert page.evaluate(DECIDED) == [[0, "background"], [1, "person"], [2, "drop"], [3, "skip"]]
    page.press("u")
    page.evaluate("document.getElementById('download').click()")
    file = tmp_path / "downloads" / "decisions.csv"
    for _ in range(200):
        if file.exists():
            break
        page.until("true")
        page.evaluate("new Promise((done) => setTimeout(done, 50))")
    answers = read_file(made.run, file, "nobody")
    assert answers.sample_ids.to_pylist() == made.asked[:3]
    assert set(answers.reviewers.to_pylist()) == {"ann, b"}
    assert import_answers(made.run, answers, False).changed >= 1
    assert page.complaints == []


def test_the_large_view_of_a_folder_is_sharper_than_its_thumbnail(page: Any, tmp_path: Path) -> None:
    sizes = [(1600, 1200), (200, 150), (500, 1000)]
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    for number, (width, height) in enumerate(sizes):
        Image.fromarray(noise[:height, :width]).save(tmp_path / f"{number}.jpg")
    ids = [content_id((tmp_path / f"{number}.jpg").read_bytes()) for number in range(3)]
    table = pa.table({"sample_id": ids, "filepath": [f"{number}.jpg" for number in range(3)],
                      "width": [width for width, _ in sizes], "height": [height for _, height in sizes], "split": ["train"] * 3,
                      "label": ["person"] * 3, "pixel_row": range(3)})
    cards = tuple(Card(number, str(number), f"{number}.jpg", width, height, "person", "", "hard", (), ())
                  for number, (width, height) in enumerate(sizes))
    photos = Photos(SampleTable(table), FolderStore(tmp_path), np.zeros((0, 144, 144, 3), np.uint8))
    page.open(write_pages(Sheet("large", cards), photos, tmp_path / "pages", "ann", lambda done, total: None).as_uri())
    # The second is as sharp as it can be already; nothing is enlarged.
    assert sorted(one.name for one in (tmp_path / "pages/photos").iterdir()) == ["0.jpg", "2.jpg"]
    thumbnails = "[...document.querySelectorAll('#sheet img')]"
    page.until(f"{thumbnails}.every((one) => one.complete && one.naturalWidth)")
    seen = page.evaluate(f"{thumbnails}.map((one) => [one.naturalWidth, one.naturalHeight])")
    assert seen == [[320, 240], [200, 150], [160, 320]]
    page.press(" ")
    for width, height in ((960, 720), (200, 150), (480, 960)):
        page.until(f"(({{ complete, naturalWidth, naturalHeight }}) => complete && naturalWidth === {width}"
                   f" && naturalHeight === {height})(document.querySelector('#large img'))")
        page.press("j")
    assert page.complaints == []


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (820, True), (390, False), (390, True)])
def test_nothing_is_cut_off_at_any_width(made: ReviewRun, page: Any, tmp_path: Path, width: int, dark: bool) -> None:
    page.resize(width, 800, dark)
    open_file(page, sheet_of(made.run, made.queue), made, tmp_path / "pages")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    place = "getBoundingClientRect()"
    assert page.evaluate("[...document.querySelectorAll('.card button')].every((one) => one.scrollWidth <= one.clientWidth + 1"
                         f" && one.{place}.right <= one.closest('.card').{place}.right)")
    if width == 390:
        # 44 CSS pixels is what a thumb hits.
        heights = page.evaluate(f"[...document.querySelectorAll('.card button')].map((one) => one.{place}.height)")
        assert min(heights) >= 44
    page.resize(1280, 900)


def test_cards_say_what_is_known(made: ReviewRun) -> None:
    cards = build_cards(made.run, made.queue)
    labels = {row["sample_id"]: row["label"] for row in made.samples.table.to_pylist()}
    assert [one.sample_id for one in cards] == made.asked
    # One vote for person at .9 against one for background at .2: .7 apart.
    assert all(one.hardness == ("hard" if labels[one.sample_id] == "background" else "easy") for one in cards)
    assert {one.boxes for one in cards} == {((0.0, 0.0, 50.0, 100.0, 0.9),)}
    assert {one.reasons for one in cards} == {("boxes: one box", "out_of_fold says background")}


def test_the_triage_of_data_parameters_goes_first(made: ReviewRun) -> None:
    folder = made.run.at("data-parameters")
    folder.mkdir()
    pq.write_table(pa.table({"sample_id": made.asked[:2], "triage": ["need review", "easy"]}), folder / "triage.parquet")
    before = build_cards(made.run, made.queue)
    assert [one.hardness for one in before[:2]] == ["need review", "easy"]
    assert {one.hardness for one in before[2:]} == {"hard", "easy"}


@pytest.mark.parametrize(("line", "words"), [("zzz", "no sample has the id"), ("FIRST", "asks twice"), ("TEST", "test split")])
def test_a_queue_that_cannot_be_asked_is_refused_with_the_line(made: ReviewRun, tmp_path: Path, line: str, words: str) -> None:
    named = {"FIRST": made.asked[0], "TEST": rows_of(made, "test")[0]["sample_id"]}
    queue = tmp_path / "queue.csv"
    queue.write_text(f"sample_id\n{made.asked[0]}\n{named.get(line, line)}\n")
    with pytest.raises(InputError, match=words) as caught:
        build_cards(made.run, queue)
    assert caught.value.where == f"{queue}:3"


def test_a_lost_photo_is_shown_from_the_packed_pixels(made: ReviewRun, tmp_path: Path) -> None:
    photos = photos_of(made.run)
    lost = Photos(photos.samples, FolderStore(tmp_path), photos.pixels)
    assert lost.jpeg(0, 320)[:2] == b"\xff\xd8"


def _understands(labeling: ElementTree.Element, task: dict[str, Any]) -> None:
    """Every field that the configuration shows is in the task, every prediction is for a control and a word of it."""
    shown = {value[1:] for one in labeling.iter() if (value := one.get("value", "")).startswith("$")}
    assert shown == {"question", "image"}
    assert shown <= set(task["data"])
    controls = {one.get("name"): {child.get("value") for child in one} for one in labeling if one.get("toName") == "image"}
    for one in task["predictions"][0]["result"]:
        assert set(one["value"].get("choices") or one["value"]["rectanglelabels"]) <= controls[one["from_name"]]


def test_label_studio_and_back(made: ReviewRun, tmp_path: Path) -> None:
    cards = build_cards(made.run, made.queue)
    images = made.run.config.dataset.source.images
    handover = write_label_studio(Sheet("run", cards), photos_of(made.run), tmp_path / "out")
    tasks = json.loads(handover.tasks.read_text())
    assert handover.document_root / tasks[0]["data"]["image"].split("?d=")[1] == Path(images) / cards[0].name
    assert {one["type"] for one in tasks[0]["predictions"][0]["result"]} == {"choices", "rectanglelabels"}
    _understands(ElementTree.parse(handover.labeling).getroot(), tasks[0])
    trained = [one for one in tasks if one["data"]["label"] == "person"]
    choice = {"from_name": "decision", "to_name": "image", "type": "choices", "value": {"choices": ["background"]}}
    for number, one in enumerate(trained):
        one |= {"id": number, "annotations": [{"id": 1, "completed_by": 2, "was_cancelled": number == 0, "result": [choice],
                                               "updated_at": "2026-03-01T00:00:00Z"}]}
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(trained))
    said = json.loads(tinysieve("review", "import", str(file), *options(made), "--json").stdout)
    assert (said["changed"], said["skipped"]) == (len(trained) - 1, 1)
    ledger = versions_of(made.run).load("HEAD").ledger
    assert set(ledger["by"].to_pylist()) == {"annotator 2"}
    assert set(ledger["new_label"].to_pylist()) == {"background"}


def test_label_studio_finds_photos_of_any_name(tmp_path: Path) -> None:
    names = ["a b#1%20.jpg", "ü?&+.jpg", "below/x.jpg", "semi;colon,=.jpg", "quote'\".jpg"]
    cards = tuple(Card(number, str(number), name, 4, 2, "", "", "easy", (), ()) for number, name in enumerate(names))
    images = FolderStore(tmp_path / "two words" / "my photos + more")
    nobody = SampleTable(pa.table({name: pa.array([], pa.string()) for name in REQUIRED}))
    photos = Photos(nobody, images, np.zeros((0, 144, 144, 3), np.uint8))
    handover = write_label_studio(Sheet("run", cards), photos, tmp_path / "out")
    asked = [urlsplit(one["data"]["image"]) for one in json.loads(handover.tasks.read_text())]
    assert [parse_qs(one.query)["d"][0] for one in asked] == [f"my photos + more/{name}" for name in names]
    assert {(one.path, one.fragment) for one in asked} == {("/data/local-files/", "")}
    # The line is pasted into a shell.
    setting = next(one for one in handover.steps if "DOCUMENT_ROOT=" in one)
    assert shlex.split(setting) == ["export", f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={tmp_path / 'two words'}"]


def test_conflicts_stop_the_import_unless_they_are_to_be_left(made: ReviewRun, tmp_path: Path) -> None:
    one, other = [row["sample_id"] for row in rows_of(made, "train") if row["label"] == "person"][:2]
    file = tmp_path / "decisions.csv"
    file.write_text(f"sample_id,decision,reviewer\n{one},drop,ann\n{other},background,ann\n{one},background,ben\n")
    store = versions_of(made.run)
    before = store.load("HEAD").id
    failed = tinysieve("review", "import", str(file), *options(made))
    assert failed.returncode == 2
    assert f"{file}:4" in failed.stderr
    assert store.load("HEAD").id == before
    done = tinysieve("review", "import", str(file), *options(made), "--leave-conflicts")
    assert done.stdout.splitlines()[1].endswith("1 conflict")
    assert store.load("HEAD").ledger["sample_id"].to_pylist() == [other]


def test_the_test_split_stays_frozen_for_people(made: ReviewRun, tmp_path: Path) -> None:
    test, train = rows_of(made, "test")[0], rows_of(made, "train")[0]
    file = tmp_path / "decisions.csv"
    file.write_text(f"sample_id,decision\n{train['sample_id']},drop\n{test['sample_id']},drop\n")
    with pytest.raises(FrozenSplit):
        import_answers(made.run, read_file(made.run, file, "ann"), False)
    assert versions_of(made.run).load("HEAD").parent is None


def test_commands_write_pages_and_say_what_label_studio_needs(made: ReviewRun, tmp_path: Path) -> None:
    export = ("review", "export", *options(made), "--queue", str(made.queue))
    told = tinysieve(*export, "--pages", str(tmp_path / "p"), "--label-studio", str(tmp_path / "l"))
    assert told.returncode == 0, told.stderr
    root = Path(made.run.config.dataset.source.images).parent
    assert "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true" in told.stdout
    assert f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={root}\n" in told.stdout
    assert len(list((tmp_path / "p" / "thumbnails").iterdir())) == len(made.asked)
    assert tinysieve(*export, "--pages", str(tmp_path / "p")).returncode == 2
    assert tinysieve(*export).returncode == 2


def test_nothing_decided_yet_is_a_sentence(made: ReviewRun) -> None:
    failed = tinysieve("review", "import", *options(made))
    assert failed.returncode == 2
    assert "nothing was decided yet" in failed.stderr


def test_a_queue_without_doubt_is_a_page_that_says_so(made: ReviewRun, page: Any, tmp_path: Path) -> None:
    queue = tmp_path / "queue.csv"
    queue.write_text("sample_id,proposed,reason\n")
    open_file(page, sheet_of(made.run, queue), made, tmp_path / "pages")
    for key in ("p", "j", "End", "u", " "):
        page.press(key)
    assert page.evaluate("document.getElementById('empty').hidden") is False
    assert page.complaints == []


def test_labels_of_the_queue_are_those_of_the_current_version(made: ReviewRun) -> None:
    codes = versions_of(made.run).load("HEAD").labels[made.samples.rows_of(made.asked)]
    words = {POSITIVE: "person", NEGATIVE: "background"}
    assert [one.label for one in build_cards(made.run, made.queue)] == [words.get(int(code), "") for code in codes]
