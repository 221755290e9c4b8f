"""A review from a queue to the last decision: cards dealt, the decision_log held open, the server answering until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.review.decision_log import DECISION_LOG, opened
from tinysieve.pipeline.review.review_cards import build_cards
from tinysieve.pipeline.review.review_page import Sheet
from tinysieve.pipeline.review.review_pictures import photos_of
from tinysieve.pipeline.review.server import ReviewContext, ReviewServer, new_token
from tinysieve.pipeline.stages.ingest import samples_of


def sheet_of(run: Run, queue: Path) -> Sheet:
    """The cards of a queue, under the run's name."""
    return Sheet(run.folder.name, build_cards(run, queue), classes=samples_of(run).classes)


def hold_review(run: Run, queue: Path, reviewer: str, port: int, ready: Callable[[ReviewServer, int], None]) -> int:
    """Serve until interrupted.

    Args:
        port: 0 for any that is free.
        ready: called once the server answers, with it and the number of cards.

    Returns:
        How many decisions of this reviewer stand.

    Raises:
        InputError: the queue or the reviewer's name is wrong, the port is taken, or another review is open.
    """
    sheet = sheet_of(run, queue)
    with opened(run.folder / DECISION_LOG, reviewer) as decision_log:
        with ReviewServer(ReviewContext(sheet, photos_of(run), decision_log, new_token()), port) as server:
            ready(server, len(sheet.cards))
            with suppress(KeyboardInterrupt):
                server.serve_forever()
        return len(decision_log.standing)
