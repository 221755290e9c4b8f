"""The executor that the configuration names."""

from __future__ import annotations

from tinysieve.dataset.executors.executor import Executor
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.pipeline.config.sections import Config, RayExecutor


def executor_of(config: Config) -> Executor:
    """Where chunks are worked on; no stage's key depends on it.

    Raises:
        MissingRequirement: Ray is configured and not installed.
    """
    match config.executor:
        case RayExecutor() as settings:
            from tinysieve.dataset.executors.ray_data import RayDataExecutor

            return RayDataExecutor(settings.address, settings.workers, settings.gpus_per_worker, settings.patience)
        case _:
            return LocalExecutor(config.workers)
