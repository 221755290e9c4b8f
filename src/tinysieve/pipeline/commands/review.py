"""`review`: show doubtful samples to a person and import the decisions."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from tinysieve.pipeline.commands.command_group import LABELS, CommandGroup
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run, run_until


class _ServeByDefault(CommandGroup):
    """`tinysieve review` with no command is `tinysieve review serve`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


commands = typer.Typer()
review = typer.Typer(cls=_ServeByDefault, help="Review doubtful samples and import the decisions.\n\n"
                                               "Without a command: serve.")
commands.add_typer(review, name="review", rich_help_panel=LABELS)

QueueOption = Annotated[Path | None, typer.Option(help="Review this queue (CSV with sample_id) instead of the policy's.")]
ReviewerOption = Annotated[str, typer.Option(help="Name of the reviewer.")]


@review.command("serve")
def review_serve(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, queue: QueueOption = None,
                 reviewer: ReviewerOption = "human",
                 port: Annotated[int, typer.Option(help="On this machine only; 0: any free port.")] = 8017,
                 json: Json = False) -> None:
    """Review samples in a browser. Works with the keyboard; every decision is saved at once. Ctrl-C stops the server."""
    from tinysieve.pipeline.engine.words import count
    from tinysieve.pipeline.review.decision_log import DECISION_LOG
    from tinysieve.pipeline.review.server import ReviewServer
    from tinysieve.pipeline.review.session import hold_review

    run = open_run(config, o)

    def ready(server: ReviewServer, cards: int) -> None:
        if json:
            typer.echo(json_text.dumps({"address": server.address, "cards": cards, "decisions": str(run.folder / DECISION_LOG)}))
            return
        typer.echo(f"{count(cards, 'sample', 'samples')} to review at\n  {server.address}\n"
                   f"from another machine: ssh -L {server.server_port}:127.0.0.1:{server.server_port} THIS_MACHINE, then the "
                   f"same address\ndecisions: {run.folder / DECISION_LOG}\nCtrl-C stops the review")

    standing = hold_review(run, _queue(config, o, queue), reviewer, port, ready)
    if not json:
        typer.echo(f"\n{count(standing, 'decision', 'decisions')} by {reviewer}; apply with: tinysieve review import -c {config}")


@review.command("queue")
def review_queue(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    submission: Annotated[Path | None, typer.Option(help="Also write the order as a DataPerf submission: one row of the "
                                                         "sample table per line, from 0.")] = None,
    order: Annotated[Path | None, typer.Option(help="Use the order of this DataPerf submission.")] = None,
    looks: Annotated[int | None, typer.Option(min=1, help="Only the first N samples: the review budget.")] = None,
) -> None:
    """Write the review queue as a CSV file."""
    from tinysieve.filtering.decisions.answers import decision_words
    from tinysieve.pipeline.review.order import first_looks, queue_in_order, save_queue_as_submission
    from tinysieve.pipeline.stages.policy import REVIEW_QUEUE

    run = open_run(config, o)
    run_until(config, o, "policy", False, False, False)
    queue = REVIEW_QUEUE.path(run) if order is None else queue_in_order(run, order)
    if looks is not None:
        queue = first_looks(run, queue, looks)
    if submission is not None:
        save_queue_as_submission(run, queue, submission)
    named = "" if queue == REVIEW_QUEUE.path(run) else f" --queue {queue}"
    typer.echo(f"review queue: {queue}\n"
               f"decide in a browser: tinysieve review serve -c {config}{named}\n"
               f"or fill in the column 'decision' with {', '.join(decision_words(run.config.task.classes))}, then: "
               f"tinysieve review import FILE -c {config}")


@review.command("export")
def review_export(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, queue: QueueOption = None, reviewer: ReviewerOption = "human",
    pages: Annotated[Path | None, typer.Option(help="Write a page that opens without a server, into this new "
                                                    "folder.")] = None,
    label_studio: Annotated[Path | None, typer.Option(help="Write tasks and labelling configuration of Label Studio into "
                                                           "this folder.")] = None,
    json: Json = False,
) -> None:
    """Export the review queue as a web page or for Label Studio."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.engine.words import count
    from tinysieve.pipeline.review.label_studio import write_label_studio
    from tinysieve.pipeline.review.review_page import write_pages
    from tinysieve.pipeline.review.review_pictures import photos_of
    from tinysieve.pipeline.review.session import sheet_of

    if pages is None and label_studio is None:
        raise InputError("nothing to write", fix="use --pages FOLDER or --label-studio FOLDER")
    run = open_run(config, o)
    sheet, written = sheet_of(run, _queue(config, o, queue)), {}
    lines = [count(len(sheet.cards), "sample", "samples")]
    if pages is not None:
        with progress("thumbnails") as report:
            page = write_pages(sheet, photos_of(run), pages, reviewer, report)
        written["page"] = str(page)
        lines += [f"open {page} in a browser, download decisions.csv there, then: "
                  f"tinysieve review import decisions.csv -c {config}"]
    if label_studio is not None:
        handover = write_label_studio(sheet, photos_of(run), label_studio)
        written |= {"tasks": str(handover.tasks), "labeling": str(handover.labeling),
                    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
                    "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(handover.document_root), "storage": str(handover.storage)}
        lines += [*handover.steps]
    typer.echo(json_text.dumps({"samples": len(sheet.cards), **written}, indent=1) if json else "\n".join(lines))


@review.command("import")
def review_import(
    file: Annotated[Path | None, typer.Argument(help="decisions.csv, a filled-in queue, or a JSON export of Label "
                                                     "Studio. Default: the decisions of 'tinysieve review'.")] = None,
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    reviewer: Annotated[str, typer.Option(help="Name of the reviewer, where the file has none.")] = "human",
    leave_conflicts: Annotated[bool, typer.Option("--leave-conflicts", help="Do not change samples on which reviewers "
                                                                            "disagree.")] = False,
    control: Annotated[str | None, typer.Option(help="Name of the Choices control that decides, in a Label Studio project that "
                                                     "has several.")] = None,
    fiftyone: Annotated[bool, typer.Option("--fiftyone", help="Import changes made in the dataset of 'tinysieve "
                                                              "explore': labels, and tags named like a class, or drop.")] = False,
    json: Json = False,
) -> None:
    """Import decisions as a new version of the labels. Either all of the file is applied, or nothing."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.console.run_tables import show_imported
    from tinysieve.pipeline.review.queue import import_answers, read_diary, read_file

    run = open_run(config, o)
    if fiftyone:
        from tinysieve.pipeline.explore.pending import read_answers_in_fiftyone

        if file is not None:
            raise InputError("both a file and --fiftyone", fix="import them one after the other")
        answers = read_answers_in_fiftyone(run, reviewer)
    else:
        answers = read_diary(run) if file is None else read_file(run, file, reviewer, control)
    show_imported(import_answers(run, answers, leave_conflicts), json)


def _queue(config: Path, o: list[str] | None, named: Path | None) -> Path:
    """The named queue, or the policy's after running what is not up to date."""
    if named is not None:
        return named
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.main_job import stages_until
    from tinysieve.pipeline.stages.policy import REVIEW_QUEUE

    run = open_run(config, o)
    run_stages(run, stages_until(run.config, "policy"), console.announce)
    return REVIEW_QUEUE.path(run)
