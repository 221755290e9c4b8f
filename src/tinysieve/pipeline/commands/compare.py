"""`compare`: two finished runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import MODEL
from tinysieve.pipeline.commands.options import Json

commands = typer.Typer()


@commands.command(rich_help_panel=MODEL)
def compare(
    run_a: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    run_b: Annotated[Path, typer.Argument(help="Folder of the other finished run.")],
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    json: Json = False,
) -> None:
    """Compare data, recipe, model and accuracy of two runs. Says whether the difference is statistically significant."""
    import json as text

    import numpy as np

    from tinysieve.pipeline.compare.run_comparison import compare_runs
    from tinysieve.pipeline.console.comparison import comparison_text
    from tinysieve.pipeline.stages.recorded_run import open_recorded

    comparison = compare_runs(open_recorded(run_a), open_recorded(run_b), np.random.default_rng(seed))
    typer.echo(text.dumps(comparison.to_json(), indent=1) if json else comparison_text(comparison))
