"""A whole evaluation: tasks side by side in processes, and what is wrong with one submission stops no other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tinysieve.dataperf.debugging import TaskEvaluation, evaluate
from tinysieve.dataperf.debugging_data import load_task
from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.dataperf.submissions import Order, find_submissions, read_submission
from tinysieve.ground.errors import InputError, TinysieveError
from tinysieve.ground.progress import Progress


@dataclass(frozen=True)
class TaskOutcome:
    """What became of one task.

    Args:
        data_id: name of the task.
        evaluation: of the submissions that could be read; None where the task itself could not.
        file: the result file, None likewise.
        failures: one a submission or file that is wrong.
    """

    data_id: str
    evaluation: TaskEvaluation | None
    file: Path | None
    failures: tuple[TinysieveError, ...]


def evaluate_tasks(setup: DebuggingSetup, tasks: Sequence[TaskSetup], methods: Sequence[str], workers: int,
                   progress: Progress | None = None) -> list[TaskOutcome]:
    """Evaluate tasks and write each one's result file as soon as it is there.

    Args:
        setup: where the files lie.
        tasks: of the setup.
        methods: submissions to evaluate; all where none is named.
        workers: processes at most; one uses one core.
        progress: called with (tasks done, tasks).

    Returns:
        One outcome a task, in the given order.
    """
    outcomes: dict[str, TaskOutcome] = {}
    for outcome in _outcomes(setup, tasks, tuple(methods), min(workers, len(tasks))):
        outcomes[outcome.data_id] = outcome
        if progress is not None:
            progress(len(outcomes), len(tasks))
    return [outcomes[task.data_id] for task in tasks]


def _outcomes(setup: DebuggingSetup, tasks: Sequence[TaskSetup], methods: tuple[str, ...],
              workers: int) -> Iterator[TaskOutcome]:
    if workers < 2:
        yield from (evaluate_task(setup, task, methods) for task in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(evaluate_task, setup, task, methods) for task in tasks]
        yield from (done.result() for done in as_completed(running))


def evaluate_task(setup: DebuggingSetup, task: TaskSetup, methods: tuple[str, ...]) -> TaskOutcome:
    """Read, evaluate and write one task on one core."""
    try:
        loaded = load_task(setup, task)
        files = find_submissions(setup.submission_folder, task.data_id)
    except TinysieveError as error:
        return TaskOutcome(task.data_id, None, None, (error,))
    orders, failures = _readable(_wanted(files, methods), len(loaded.train.labels), loaded.budget)
    failures += [_absent(name, task, files) for name in methods if name not in files]
    evaluation = evaluate(loaded, orders)
    return TaskOutcome(task.data_id, evaluation, evaluation.save(setup.results_folder), tuple(failures))


def _wanted(files: dict[str, Path], methods: tuple[str, ...]) -> dict[str, Path]:
    return {method: path for method, path in files.items() if not methods or method in methods}


def _readable(files: dict[str, Path], rows: int, budget: int) -> tuple[list[tuple[str, Order]], list[TinysieveError]]:
    orders: list[tuple[str, Order]] = []
    failures: list[TinysieveError] = []
    for method, path in files.items():
        try:
            orders.append((method, read_submission(path, rows, budget)))
        except InputError as error:
            failures.append(error)
    return orders, failures


def _absent(name: str, task: TaskSetup, files: dict[str, Path]) -> InputError:
    return InputError(f"no submission '{name}' for task {task.data_id}", fix=f"one of: {', '.join(files) or 'none'}")
