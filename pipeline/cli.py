"""The command `tinysieve`: one verb a stage. Heavy imports happen inside the verb that needs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataset.errors import TinysieveError

if TYPE_CHECKING:
    from pipeline.stages import Run

app = typer.Typer(
    name="tinysieve", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Sieve the data, shrink the model, ship the .tflite.\n\n"
         "Exit codes: 0 fine, 1 a gate missed, 2 the input, 3 the environment.",
)
review_app = typer.Typer(no_args_is_help=True, help="Give doubtful samples to a person and take the decisions back.")
config_app = typer.Typer(no_args_is_help=True, help="Look at the configuration.")
app.add_typer(review_app, name="review")
app.add_typer(config_app, name="config")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="YAML file; see configs/.")]
Overrides = Annotated[list[str] | None, typer.Option("-o", help="Override a setting: -o train.recipe=seed")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")]
Explain = Annotated[bool, typer.Option("--explain", help="With --dry-run: say why.")]
DEFAULT_CONFIG = Path("configs/demo.yaml")


def _open(config: Path, overrides: list[str] | None) -> Run:
    from pipeline.config_file import load_config
    from pipeline.stages import Run

    loaded = load_config(config, tuple(overrides or ()))
    return Run(loaded, loaded.run)


def _stages(config: Path, overrides: list[str] | None, last: str, dry_run: bool, explain: bool, json: bool) -> None:
    from pipeline import console
    from pipeline.job import stages_until
    from pipeline.stages import foresee, run_stages

    run, stages = _open(config, overrides), stages_until(last)
    if dry_run or explain:
        console.show_outlooks(foresee(run, stages), explain, json)
        return
    run_stages(run, stages, console.announce)
    console.show_result(run, last, json)


@app.command()
def ingest(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Decode every image once, quarantine the broken, freeze the test split, make version 0."""
    _stages(config, o, "ingest", dry_run, explain, json)


@app.command(name="filter")
def filter_(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
            explain: Explain = False, json: Json = False) -> None:
    """Find and mend wrong labels, label what has none: detect, embed, opinions, policy."""
    _stages(config, o, "policy", dry_run, explain, json)


@app.command()
def train(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
          explain: Explain = False, json: Json = False) -> None:
    """Train the baseline on version 0 and the mended model on the current version, same recipe and seed."""
    _stages(config, o, "train-mended", dry_run, explain, json)


@app.command()
def quantize(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
             explain: Explain = False, json: Json = False) -> None:
    """Convert both models to full-integer int8."""
    _stages(config, o, "quantize-mended", dry_run, explain, json)


@app.command()
def verify(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Measure the int8 model against the baseline and the budgets; exit code 1 when a gate is missed."""
    from pipeline.model_stages import require_gates

    _stages(config, o, "verify", dry_run, explain, json)
    if not (dry_run or explain):
        require_gates(_open(config, o))


@app.command()
def report(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
           explain: Explain = False, json: Json = False) -> None:
    """Run everything and write report.html."""
    _stages(config, o, "report", dry_run, explain, json)


@app.command()
def run(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False,
        explain: Explain = False, json: Json = False) -> None:
    """Run all stages up to the report, then judge the gates like `verify`."""
    from pipeline.model_stages import require_gates

    _stages(config, o, "report", dry_run, explain, json)
    if not (dry_run or explain):
        require_gates(_open(config, o))


@app.command()
def status(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Say for each stage whether it is up to date, and why not."""
    _stages(config, o, "report", True, True, json)


@app.command()
def log(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """List the versions of the labels, newest first."""
    from pipeline import console
    from pipeline.data_stages import versions_of

    console.show_log(versions_of(_open(config, o)).log(), json)


@app.command()
def diff(old: str, new: str, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, json: Json = False) -> None:
    """Show which labels differ between two versions (an id, its beginning, HEAD or 0)."""
    from dataset.versions import diff as difference
    from pipeline import console
    from pipeline.data_stages import samples_of, versions_of

    run = _open(config, o)
    store = versions_of(run)
    console.show_diff(difference(samples_of(run), store.load(old), store.load(new)), json)


@app.command()
def checkout(version: str, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Make a version current; training uses it."""
    from pipeline.data_stages import versions_of
    from pipeline.stages import locked

    run = _open(config, o)
    with locked(run.folder):
        typer.echo(f"current version: {versions_of(run).checkout(version).id}")


@app.command()
def undo(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Make the parent of the current version current; nothing is deleted."""
    from pipeline.data_stages import versions_of
    from pipeline.stages import locked

    run = _open(config, o)
    with locked(run.folder):
        typer.echo(f"current version: {versions_of(run).undo().id}")


@review_app.command("queue")
def review_queue(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Write the samples that a person should look at, and say where."""
    from pipeline.filter_stages import REVIEW_QUEUE

    run = _open(config, o)
    _stages(config, o, "policy", False, False, False)
    typer.echo(f"review queue: {run.at('policy') / REVIEW_QUEUE}\n"
               "fill the column 'decision' with person, background, drop or skip, then: tinysieve review import FILE")


@review_app.command("import")
def review_import(file: Path, config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
                  reviewer: Annotated[str, typer.Option(help="Who decided.")] = "human") -> None:
    """Apply a person's decisions as a new version on top of the current one; all of the file or nothing."""
    from pipeline.review import import_decisions

    version = import_decisions(_open(config, o), file, reviewer)
    typer.echo(f"current version: {version.id} ({version.ledger.num_rows} changes)")


@config_app.command("show")
def config_show(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None) -> None:
    """Print the effective configuration, defaults filled in."""
    import yaml

    typer.echo(yaml.safe_dump(_open(config, o).config.model_dump(mode="json"), sort_keys=False), nl=False)


@app.command()
def doctor(config: Annotated[Path | None, typer.Option("--config", "-c")] = None, json: Json = False) -> None:
    """Look at Python, packages, weights, GPU, TFLM, disk and licences, and say what to do."""
    from pipeline.doctor import examine, render

    typer.echo(render(examine(config), json))


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Where photos and run go.")] = Path("runs/demo"),
         seed: int = 0) -> None:
    """The whole job on photos that installed packages carry: shows the machinery, not an accuracy."""
    from pipeline.demo import run_demo

    run_demo(folder, seed)


def main() -> None:
    """Entry point; errors become sentences unless --debug is given."""
    # TensorFlow's C++ side talks on standard error unless told otherwise before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except TinysieveError as error:
        if debug:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("interrupted; the next run goes on from the last finished piece", err=True)
        sys.exit(130)
