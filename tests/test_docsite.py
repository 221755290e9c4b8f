"""The site: pages made from the code and from results are current, figures are those of the result files, it builds strictly."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from docsite.config_reference import config_page
from docsite.measured_tables import MADE, TABLES, with_tables
from docsite.pages import made_pages
from docsite.result_tables import percent, result
from docsite.scale_tables import SCALE_TABLES
from docsite.selection_tables import SELECTION_TABLES

ROOT = Path(__file__).parents[1]
README, MEASURED = ROOT / "README.md", ROOT / "docs/measured.md"


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    return made_pages()


@pytest.mark.parametrize("name", ["reference/commands.md", "reference/configuration.md", "reference/run-files.md",
                                  "reference/exit-codes.md", "measured.md", "scale.md", "filters.md"])
def test_made_pages_are_current(pages: dict[Path, str], name: str) -> None:
    page = ROOT / "docs" / name
    assert page.read_text(encoding="utf-8") == pages[page], "run: python -m docsite"


@pytest.mark.parametrize(("page", "tables"), [("measured.md", TABLES), ("scale.md", SCALE_TABLES),
                                             ("filters.md", SELECTION_TABLES)])
def test_every_made_table_stands_on_the_page_once(page: str, tables: dict[str, Any]) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert sorted(name for _, name, _ in MADE.findall(text)) == sorted(tables)
    assert text.count("<!-- made:") == text.count("<!-- end -->") == len(tables)


def test_a_changed_figure_is_made_again() -> None:
    text = MEASURED.read_text(encoding="utf-8")
    changed = text.replace("402,288 to 297,416", "402,288 to 297,417", 1)
    assert changed != text
    assert with_tables(changed) == text


def test_the_configuration_page_has_every_key_of_the_shipped_configurations() -> None:
    named = set(re.findall(r"^\| `(\w+)`", config_page(), re.MULTILINE))
    for path in (ROOT / "src/tinysieve/configs").glob("*.yaml"):
        if path.stem != "boards":
            # What stands under these is the user's own: words of a class, columns of a table.
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
            assert set(_keys(given, ("classes", "columns"))) <= named, path


def _keys(given: Any, free: tuple[str, ...]) -> Iterator[str]:
    for key, value in given.items() if isinstance(given, dict) else ():
        yield key
        if key not in free:
            yield from _keys(value, free)


def bare(value: float, digits: int) -> str:
    """A share as the docs write it: without the zero before the point.

    >>> bare(0.2393, 3)
    '.239'
    """
    return f"{value:.{digits}f}".removeprefix("0")


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def gain(setting: str, weighing: str) -> tuple[str, str]:
    row = result("gap_won_back")["20 epochs"][setting]["consensus"][weighing]
    return points(row["gain"]), f"{points(row['gain_low'])} to {points(row['gain_high'])}"


def accuracies(setting: str) -> tuple[str, ...]:
    row = result("gap_won_back")["20 epochs"][setting]["consensus"]["plain"]
    return tuple(percent(row[name]) for name in ("noisy", "clean", "mended"))


JUDGES = ("consensus (ours)", "detector alone (seed)", "cleanlab")


def mended(setting: str, judge: str) -> tuple[dict[str, Any], dict[str, float]]:
    """What a judge made of all 3,422 photos with YOLO's boxes, and the wrong labels that it left per planted one."""
    row = result("few_labels")["labels"][f"3422, {setting}"]["YOLO11n"][judge]
    return row, row["wrong_after"]


def readme_figures() -> Iterator[str]:
    """What the README's first screen and table must say, word for word, by the result files."""
    fits = {(row["model"], row["ram_bytes"]): row for row in result("fit")["rows"]}
    row = fits["seed_submission.tflite", 327_680]
    yield f"{row['arena_bytes'][0]:,} B to **{row['arena_bytes'][1]:,} B**"
    yield f"{row['arena_bytes'][0]:,} B; {row['file_bytes'][0]:,} B | **{row['arena_bytes'][1]:,} B; {row['file_bytes'][1]:,} B**"
    (ours, left), (_, alone), (peer, other) = (mended("wake_vision_rates", name) for name in JUDGES)
    yield f"detector alone {bare(alone['mean'], 2)}; cleanlab {bare(other['mean'], 3)} with {percent(peer['dropped']['mean'])}"
    yield f"**{bare(left['mean'], 3)}** with {percent(ours['dropped']['mean'])}"
    yield f"about **{100 * left['mean']:.0f}** wrong labels are left, where a detector alone leaves {100 * alone['mean']:.0f}"
    noisy, clean, after = accuracies("a_quarter_each_way")
    yield f"noisy labels {noisy}; clean and complete ones {clean} | **{after}**"
    yield "**{} points** ({})".format(*gain("a_quarter_each_way", "plain"))
    issues = result("label_errors")["contestants"]
    mine, theirs = issues["tinysieve"], issues["cleanlab"]
    took = [f"{row['seconds']:.2f} s, {row['peak_gb']:.2f} GB" for row in (theirs, mine)]
    yield f"cleanlab {took[0]} | **{took[1]}**"
    start = result("starting_weights")["test"]["int8"]
    yield f"{percent(start['accuracy'])} of VOC's test photos (int8) where training from noise reached {clean}"
    small = next(row for row in result("mcu")["rows"] if row["flash_bytes"])
    yield f"**{small['ram_bytes'] / 1000:.0f} kB, {small['flash_bytes'] / 1000:.0f} kB**"


def measured_figures() -> Iterator[str]:
    """Figures in the sentences of docs/measured.md that a result file holds."""
    for setting in ("a_quarter_each_way", "wake_vision_rates"):
        words = " points over the noisy labels" if setting == "a_quarter_each_way" else " points"
        yield "`consensus` gains {0}{2} ({1}".format(*gain(setting, "plain"), words)
        yield "{} ({}".format(*gain(setting, "balanced"))
    balanced = result("gap_won_back")["20 epochs"]["wake_vision_rates"]["consensus"]["balanced"]
    yield f"Balanced, the means are {100 * balanced['noisy']:.1f} and {percent(balanced['mended'])}."
    row = result("gap_won_back")["20 epochs"]["a_quarter_each_way"]["consensus"]["plain"]
    yield f"{100 * row['share']:.0f} % ({100 * row['share_low']:.0f} % to {100 * row['share_high']:.0f} %"
    yield f"{points(row['over_clean'])} points ({points(row['over_clean_low'])} to {points(row['over_clean_high'])})"
    for setting in ("a_quarter_each_way", "wake_vision_rates"):
        left = mended(setting, JUDGES[0])[1]
        yield f"{bare(left['mean'], 3)} ± {bare(left['sd'], 3)}"
        former = result("label_quality")["voc2007"][setting]["consensus (ours)"]["wrong_afterwards_per_planted"]
        yield f"{bare(former, 3)}"
    f1 = mended("wake_vision_rates", JUDGES[0])[0]["f1"]
    yield f"{bare(f1['mean'], 3)} ± {bare(f1['sd'], 3)}"
    scale = result("scale")
    yield f"{scale['rows']:,} rows"
    yield f"{scale['seconds_without_building']:.1f} s ({scale['seconds_total']:.0f} s with building"
    yield f"{scale['peak_memory_gb']:.2f} GB at peak"
    large = result("dataperf_selection")["large"]
    yield f"{large['rows']:,} x 256 rows: {large['wall_s']:.1f} s, {large['cpu_s']:.1f} s of processor time"
    yield f"{large['peak_mb']:.0f} MB at peak"
    lists = result("neighbors")["lists_of_many"]
    yield f"recall {bare(lists['recall'], 3)} of the 20 nearest and {bare(lists['recall_of_the_nearest'], 3)}"
    yield f"{result('loader_mutations')['mutations']:,} damaged copies"


@pytest.mark.parametrize("figure", tuple(readme_figures()))
def test_the_readme_says_what_was_measured(figure: str) -> None:
    assert figure in " ".join(README.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("figure", tuple(measured_figures()))
def test_sentences_say_what_was_measured(figure: str) -> None:
    assert figure in " ".join(MEASURED.read_text(encoding="utf-8").split())


def test_whoever_cites_names_the_version_that_is_installed() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"]
    assert f'version = "{cited}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {cited}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_page_has_a_place_in_the_navigation() -> None:
    named = set(re.findall(r": ([\w/.-]+\.(?:md|ipynb))$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    docs = ROOT / "docs"
    assert {str(page.relative_to(docs)) for page in docs.rglob("*.md")} <= named
    assert all((docs / name).is_file() for name in named)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    if find_spec("mkdocs") is None or find_spec("material") is None:
        pytest.skip("needs the extra 'docs'")
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "reference/configuration/index.html").is_file()
