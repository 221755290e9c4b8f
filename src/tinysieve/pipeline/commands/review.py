"""`review`: doubtful samples to a person, and the decisions back."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, Json, Overrides, open_run, run_until


class _ServeUnlessTold(TyperGroup):
    """`tinysieve review` with nothing, or with options only, is `tinysieve review serve`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


commands = typer.Typer()
review = typer.Typer(cls=_ServeUnlessTold, help="Give doubtful samples to a person and take the decisions back.\n\n"
                                                "Without a subcommand: serve.")
commands.add_typer(review, name="review")

QueueOption = Annotated[Path | None, typer.Option(help="Show this queue (CSV with sample_id) instead of the policy's.")]
ReviewerOption = Annotated[str, typer.Option(help="Who decides.")]


@review.command("serve")
def review_serve(config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, queue: QueueOption = None,
                 reviewer: ReviewerOption = "human",
                 port: Annotated[int, typer.Option(help="On this machine only; 0 for any.")] = 8017, json: Json = False) -> None:
    """Show the review queue in a browser, keyboard first; every decision is on disk at once. Ctrl-C ends it."""
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
                   f"same address\ndecisions: {run.folder / DECISION_LOG}\nCtrl-C ends the review")

    standing = hold_review(run, _queue(config, o, queue), reviewer, port, ready)
    if not json:
        typer.echo(f"\n{count(standing, 'decision', 'decisions')} by {reviewer}; apply with: tinysieve review import -c {config}")


@review.command("queue")
def review_queue(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    submission: Annotated[Path | None, typer.Option(help="Write the order as a DataPerf submission too: a row of the sample "
                                                         "table, from 0, a line.")] = None,
    order: Annotated[Path | None, typer.Option(help="Ask in the order of this DataPerf submission instead.")] = None,
    looks: Annotated[int | None, typer.Option(min=1, help="Only the first so many: the budget of looks.")] = None,
) -> None:
    """Write the samples that a person should look at, and say where."""
    from tinysieve.filtering.decisions.answers import decision_words
    from tinysieve.pipeline.review.order import first_looks, queue_in_order, save_queue_as_submission
    from tinysieve.pipeline.stages.filter_stages import REVIEW_QUEUE

    run = open_run(config, o)
    run_until(config, o, "policy", False, False, False)
    queue = run.at("policy") / REVIEW_QUEUE if order is None else queue_in_order(run, order)
    if looks is not None:
        queue = first_looks(run, queue, looks)
    if submission is not None:
        save_queue_as_submission(run, queue, submission)
    named = "" if queue == run.at("policy") / REVIEW_QUEUE else f" --queue {queue}"
    typer.echo(f"review queue: {queue}\n"
               f"decide in a browser: tinysieve review serve -c {config}{named}\n"
               f"or fill the column 'decision' with {', '.join(decision_words(run.config.task.classes))}, then: "
               f"tinysieve review import FILE -c {config}")


@review.command("export")
def review_export(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, queue: QueueOption = None, reviewer: ReviewerOption = "human",
    pages: Annotated[Path | None, typer.Option(help="Write the review as a page to open as a file, into this new "
                                                    "folder.")] = None,
    label_studio: Annotated[Path | None, typer.Option(help="Write Label Studio's tasks and labelling configuration into "
                                                           "this folder.")] = None,
    json: Json = False,
) -> None:
    """Hand the review queue to somebody without this program: as a page in a folder, or to Label Studio."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.engine.words import count
    from tinysieve.pipeline.review.label_studio import write_label_studio
    from tinysieve.pipeline.review.review_page import write_pages
    from tinysieve.pipeline.review.review_pictures import photos_of
    from tinysieve.pipeline.review.session import sheet_of

    if pages is None and label_studio is None:
        raise InputError("nothing to write", fix="give --pages FOLDER or --label-studio FOLDER")
    run = open_run(config, o)
    sheet, written = sheet_of(run, _queue(config, o, queue)), {}
    told = [count(len(sheet.cards), "sample", "samples")]
    if pages is not None:
        with progress("thumbnails") as report:
            page = write_pages(sheet, photos_of(run), pages, reviewer, report)
        written["page"] = str(page)
        told += [f"open {page} in a browser, download decisions.csv there, then: "
                 f"tinysieve review import decisions.csv -c {config}"]
    if label_studio is not None:
        handover = write_label_studio(sheet, run.config.dataset.source.images, label_studio)
        written |= {"tasks": str(handover.tasks), "labeling": str(handover.labeling),
                    "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
                    "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(handover.document_root), "storage": str(handover.storage)}
        told += [*handover.steps]
    typer.echo(json_text.dumps({"samples": len(sheet.cards), **written}, indent=1) if json else "\n".join(told))


@review.command("import")
def review_import(
    file: Annotated[Path | None, typer.Argument(help="decisions.csv, a filled queue, or Label Studio's export as JSON; "
                                                     "without it, what was decided in 'tinysieve review'.")] = None,
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None,
    reviewer: Annotated[str, typer.Option(help="Who decided, where the file does not say.")] = "human",
    leave_conflicts: Annotated[bool, typer.Option("--leave-conflicts", help="Leave samples on which people contradict each "
                                                                            "other as they are.")] = False,
    fiftyone: Annotated[bool, typer.Option("--fiftyone", help="Read what was changed in the dataset that 'tinysieve "
                                                              "explore' filled: labels, and the tags that are called as a "
                                                              "class, or drop.")] = False,
    json: Json = False,
) -> None:
    """Apply a person's decisions as a new version on top of the current one; all of the file or nothing."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.console.run_tables import show_imported
    from tinysieve.pipeline.review.queue import import_answers, read_diary, read_file

    run = open_run(config, o)
    if fiftyone:
        from tinysieve.pipeline.explore.pending import read_answers_in_fiftyone

        if file is not None:
            raise InputError("a file and --fiftyone", fix="import one after the other")
        answers = read_answers_in_fiftyone(run, reviewer)
    else:
        answers = read_diary(run) if file is None else read_file(run, file, reviewer)
    show_imported(import_answers(run, answers, leave_conflicts), json)


def _queue(config: Path, o: list[str] | None, named: Path | None) -> Path:
    """The queue that was named, else the policy's, made first where it is not up to date."""
    if named is not None:
        return named
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.main_job import stages_until
    from tinysieve.pipeline.stages.filter_stages import REVIEW_QUEUE

    run = open_run(config, o)
    run_stages(run, stages_until("policy"), console.announce)
    return run.at("policy") / REVIEW_QUEUE
