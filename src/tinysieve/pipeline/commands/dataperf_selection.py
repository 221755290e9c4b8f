"""`dataperf selection`, `select` and `download`: score chosen train sets, choose one, fetch the data for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.options import Json

if TYPE_CHECKING:
    from tinysieve.dataperf.embedding_store import EmbeddingStore
    from tinysieve.dataperf.train_set import TrainSet

commands = typer.Typer()

SetupOption = Annotated[Path, typer.Option("--setup_yaml_path", "--setup-yaml-path", "--setup", help="Setup file.")]
DockerOption = Annotated[str, typer.Option("--docker_flag", "--docker-flag", metavar="True|False",
                                           help="True: use docker_data_dir instead of data_dir.")]
ReaderOption = Annotated[str, typer.Option(metavar="parquet|ray", help="How to read embeddings; ray needs the extra 'scale'.")]


@commands.command()
def selection(setup_yaml_path: SetupOption = Path("task_setup.yaml"), docker_flag: DockerOption = "False",
              reader: ReaderOption = "parquet", json: Json = False) -> None:
    """Score train sets. Trains on the chosen images of each task, tests on its test set, writes result_UTC-....json."""
    from datetime import UTC, datetime

    from tinysieve.dataperf.selection import evaluate, result_text, write_results
    from tinysieve.dataperf.selection_setup import read_setup

    setup = read_setup(setup_yaml_path, _one_of("--docker_flag", docker_flag.title(), ("True", "False")) == "True")
    results = evaluate(setup, open_store(setup.embeddings, reader), lambda line: typer.echo(line, err=json), warn)
    path = write_results(results, setup.results, datetime.now(UTC))
    typer.echo(result_text(results))
    typer.echo(f"Results saved in {path}", err=json)


@commands.command()
def select(
    positives: Annotated[Path, typer.Option(help="CSV with ImageID and Confidence: known images of the class (1) and, if "
                                                 "any, known images of other classes (0).")],
    embeddings: Annotated[Path, typer.Option(help="Parquet file or Spark directory with ImageID and embedding.")],
    out: Annotated[Path, typer.Option(help="The train CSV to write.")],
    strategy: Annotated[str, typer.Option(help="random, n_closest, farthest_point, uncertainty or pseudo_positives.")]
    = "pseudo_positives",
    o: Annotated[list[str] | None, typer.Option("-o", help="Setting of the strategy, such as -o size=300.")] = None,
    seed: int = 0,
    reader: ReaderOption = "parquet",
    json: Json = False,
) -> None:
    """Choose a train set from a few known images of a class."""
    from json import dumps

    train = choose(positives, embeddings, out, strategy, _settings(o or ()), seed, reader)
    counts = {"rows": len(train), "positives": int(train.labels.sum()), "file": str(out)}
    typer.echo(dumps(counts) if json else f"{counts['rows']:,} rows, {counts['positives']:,} positive: {out}")


@commands.command()
def download(
    url: Annotated[str, typer.Option(help="URL of the file, http or https.")],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the file; or record: note it now, require it from then on.")],
    out: Annotated[Path, typer.Option(help="Folder for the file or the unpacked archive.")],
    limit_gb: Annotated[float, typer.Option(min=0, help="Largest size in GB, packed or unpacked.")] = 20.0,
    json: Json = False,
) -> None:
    """Download a file, verify its checksum and unpack it. Resumes a broken download; refuses archives that write elsewhere."""
    from json import dumps

    from tinysieve.dataperf.download import RECORD, recorded_checksums
    from tinysieve.dataperf.download import download as fetch
    from tinysieve.pipeline.engine.progress_display import progress

    with progress("download", "B") as report:
        names = fetch(url, sha256, out, int(limit_gb * 1e9), report)
    if sha256.lower() == RECORD:
        typer.echo(f"required from now on: --sha256 {recorded_checksums(out)[url]}", err=True)
    typer.echo(dumps({"folder": str(out), "files": names}, indent=1) if json else f"{len(names):,} files in {out}")


def choose(positives: Path, embeddings: Path, out: Path, strategy: str, settings: dict[str, str], seed: int,
           reader: str = "parquet") -> TrainSet:
    """Read the known ids and the pool, choose with a strategy, write the CSV."""
    import numpy as np

    from tinysieve.dataperf.strategies.pool import load_pool
    from tinysieve.dataperf.strategies.registry import make_strategy
    from tinysieve.dataperf.train_set import ONLINE_LIMIT, read_train_set, write_train_set

    chooser = make_strategy(strategy, settings)
    pool = load_pool(open_store(embeddings, reader), read_train_set(positives), warn)
    train = chooser.choose(pool, np.random.default_rng(seed))
    write_train_set(train, out)
    if len(train) > ONLINE_LIMIT:
        warn(f"{len(train):,} rows; the online challenge refuses more than {ONLINE_LIMIT:,}")
    return train


def open_store(path: Path, reader: str) -> EmbeddingStore:
    """The embeddings, read by this process or by Ray."""
    from tinysieve.dataperf.embedding_store import open_parquet
    from tinysieve.dataperf.ray_embeddings import open_ray

    return open_ray(path) if _one_of("--reader", reader, ("parquet", "ray")) == "ray" else open_parquet(path)


def warn(line: str) -> None:
    """A line on standard error."""
    typer.echo(f"warning: {line}", err=True)


def _one_of(option: str, written: str, known: Sequence[str]) -> str:
    from tinysieve.ground.errors import InputError

    if written not in known:
        raise InputError(f"{option} is {written!r}", fix="write " + " or ".join(known))
    return written


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    from tinysieve.ground.errors import InputError

    if torn := [pair for pair in pairs if "=" not in pair]:
        raise InputError(f"-o {torn[0]!r} has no '='", fix="write -o setting=value")
    return dict(pair.split("=", 1) for pair in pairs)
