"""`tinysieve init`: choose how to read what is there, write the configuration, and say what it would read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tinysieve.dataset.sources.image_places import in_words
from tinysieve.dataset.table_file import check_table, open_table
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.first_look.config_text import config_text, detector_class
from tinysieve.pipeline.first_look.losses import FirstLook, look_ahead, require_usable, table_lines
from tinysieve.pipeline.first_look.packed import look_at_packed
from tinysieve.pipeline.first_look.readings import Reading, box_tables, readings
from tinysieve.pipeline.first_look.sight import Sight, look_at_folder

# Below this a class is learnt by heart, and its accuracy is known to a few percent at best.
FEW_PHOTOS = 200
Choose = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class FirstConfig:
    """What `init` made.

    Args:
        file: the configuration.
        look: what an ingest would read and lose.
        lines: what was found, a line each.
    """

    file: Path
    look: FirstLook
    lines: tuple[str, ...]


def write_first_config(path: Path, file: Path, choose: Choose, positive: str | None = None,
                       overwrite: bool = False, follow_links: tuple[Path, ...] = ()) -> FirstConfig:
    """Look at a folder or a table and write a configuration that runs.

    Args:
        path: a folder of photos, a table beside them, an archive, or shards.
        file: where the configuration goes.
        choose: picks one of several readings, by its number.
        positive: the word of what is to be detected, if a person said so.
        overwrite: whether a file that is there may be replaced.
        follow_links: folders that links among the photos may lead into.

    Raises:
        InputError: nothing that can be read or ingested, or the configuration exists already.
    """
    if file.exists() and not overwrite:
        raise InputError(f"{file} exists", why="init never overwrites a configuration by itself",
                         fix="name another with --out FILE, or say --overwrite")
    with tempfile.TemporaryDirectory() as cache:
        packed = look_at_packed(path, Path(cache))
    table = None if packed is not None or path.is_dir() else path
    if table is not None:
        check_table(table)
    sight = packed or look_at_folder(path if table is None else path.parent, follow_links)
    boxes = (*sight.box_files, *box_tables(sight))
    possible = readings(sight, positive, table)
    if not possible:
        _refuse_broken(sight.tables)
        raise _nothing_to_read(sight, boxes, table, positive)
    reading = possible[choose([reading.words for reading in possible]) if len(possible) > 1 else 0]
    config, look = _tried(reading, _home(path, sight), file, follow_links)
    lines = (*_found(reading, boxes, look, config), *_odd(look, config, reading))
    write_text(file, config_text(reading, config.run, boxes, lines, file, follow_links))
    return FirstConfig(file, look, lines)


def _tried(reading: Reading, root: Path, file: Path, follow_links: tuple[Path, ...]) -> tuple[Config, FirstLook]:
    """Read the configuration as every command will, and the data as ingest will, before anything is written."""
    text = config_text(reading, _run_folder(root), (), (), file, follow_links)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / file.name
        draft.write_text(text, encoding="utf-8")
        config = load_config(draft)
    look = look_ahead(config)
    require_usable(look, config)
    return config, look


def _home(path: Path, sight: Sight) -> Path:
    """What a person would call the photos: their folder, or an archive without its endings."""
    if not sight.packed:
        return sight.root
    return path.with_name(path.name.partition(".")[0]) if path.is_file() else path


def _run_folder(root: Path) -> Path:
    """A new folder `runs/NAME` here, or beside the photos where here is among them."""
    real = root.resolve()
    name = real.name or "photos"
    runs = Path("runs")
    if runs.resolve().is_relative_to(real):
        runs = Path(os.path.relpath(real.parent / runs))
    numbered = (runs / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(run for run in numbered if not run.exists())


def _found(reading: Reading, boxes: Sequence[Path], look: FirstLook, config: Config) -> list[str]:
    lines = [f"{look.photos:,} photos in {in_words(config.dataset.source.images)}", *table_lines(look, config)]
    lines += [f"read as {reading.words}"] if reading.meaning.words else []
    lines += [f"boxes, perhaps: {path}" for path in boxes]
    return [*lines, *look.notes]


def _odd(look: FirstLook, config: Config, reading: Reading) -> list[str]:
    """What a person should know before an hour of training."""
    names = config.task.classes.positive_first
    sums = {name: sum(number for (_, label), number in look.counts.items() if label == name) for name in names}
    few = [f"odd: only {number:,} photos of {name}; with fewer than {FEW_PHOTOS} of a class accuracy is known roughly at best"
           for name, number in sums.items() if number < FEW_PHOTOS]
    low, high = sorted(sums.values())
    skew = [f"odd: one class has {high / low:.0f} times the photos of the other"] if low and high / low >= 20 else []
    head = [] if config.filter.detector.kind == "presence_head" else [
        f"odd: no presence head ships for '{detector_class(reading)}': filter.detector needs weights or boxes before "
        "'tinysieve filter'; ingest and train run as they are"]
    rows = [f"odd: {reading.repeated:,} rows more than photos: several annotators, or copies"] if reading.repeated else []
    split = [f"odd: column '{reading.unread_split}' may say splits, and its words are none of train, val and test: the splits "
             "are drawn without it"] if reading.unread_split else []
    return [*few, *skew, *rows, *split, *head, *(f"lost: {number:,}: {reason}" for reason, number in look.reasons.items())]


def _refuse_broken(tables: Sequence[Path]) -> None:
    """A table that cannot be read may be the one that says what the photos show."""
    for path in tables:
        open_table(path)


def _nothing_to_read(sight: Sight, boxes: Sequence[Path], table: Path | None, positive: str | None) -> InputError:
    """A sentence for each way in which a folder or a table can hold no labels."""
    photos, where = len(sight.images.photos), str(table or sight.root)
    if positive is not None:
        return InputError(f"no folder and no column says '{positive}'", where=where,
                          fix="leave --positive out to see what there is")
    if table is not None:
        columns = ", ".join(open_table(table).table.column_names[:20])
        return InputError(f"no column names photos, or none has two classes; its columns: {columns}", where=where,
                          fix="a table has a column of file names and one of labels, such as filename and person (1 or 0)")
    if boxes:
        return InputError(f"{photos:,} photos with boxes and without labels: {boxes[0]}", where=where,
                          why="a label says for a whole photo whether it shows the class; boxes only judge such labels",
                          fix="write a table with the columns filename and person (1 or 0), and name it: tinysieve init TABLE")
    if not photos and sight.images.unfollowed:
        return InputError(f"no photos, and {len(sight.images.unfollowed):,} links to folders that are not followed, such as "
                          f"{sight.images.unfollowed[0]!r}", where=where,
                          fix="name the folders that links may lead into: tinysieve init PATH --follow-links FOLDER")
    if not photos:
        return InputError("no photos", where=where, fix="name the folder above the photos")
    return InputError(f"{photos:,} photos, and nothing that says what they show", where=where,
                      why="labels are folders of two classes, or a table with a column of file names and one of labels",
                      fix="put the photos into folders person and background, or name the table: tinysieve init TABLE")
