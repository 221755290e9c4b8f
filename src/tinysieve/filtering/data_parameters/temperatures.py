"""The data parameters of a training set: a temperature a sample, a class, or the sum of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.gradients import TemperedLoss, tempered_cross_entropy
from tinysieve.filtering.data_parameters.indexed_sgd import FloatArray, TableSettings, TemperatureTable


@dataclass(frozen=True, eq=False)
class Temperatures:
    """Temperatures by sample, by class, or both; those of both are added (not multiplied), as published.

    Args:
        instance: N entries, or None.
        by_class: K entries, or None.
    """

    instance: TemperatureTable | None
    by_class: TemperatureTable | None

    @staticmethod
    def start(samples: int, classes: int, instance: TableSettings | None, by_class: TableSettings | None) -> Temperatures:
        """Fresh tables for those parts that have settings; without any, sigma is 1 and nothing is learnt."""
        return Temperatures(
            TemperatureTable.start(samples, instance) if instance else None,
            TemperatureTable.start(classes, by_class) if by_class else None,
        )  # fmt: skip

    def sigma(self, rows: NDArray[np.integer], labels: NDArray[np.integer]) -> FloatArray:
        """What divides the logits: float32 [B], of the samples int [B] with these labels int [B]."""
        parts = [table.sigma(entries) for table, entries in self._tables(rows, labels)]
        return np.sum(parts, axis=0) if parts else np.ones(len(rows), np.float32)

    def learn(
        self, logits: NDArray[np.floating], rows: NDArray[np.integer], labels: NDArray[np.integer], batch_size: int
    ) -> TemperedLoss:
        """Take one step of the temperatures and say what the logits should do.

        Args:
            logits: float [B, K], not yet divided.
            rows: int [B], which samples.
            labels: int [B].
            batch_size: what sums are divided by; the nominal size, so that a short last batch moves a sample no further.

        Returns:
            Losses and gradients before the step, not divided.
        """
        made = tempered_cross_entropy(logits, labels, self.sigma(rows, labels))
        self.follow(made.sigma_gradient / batch_size, rows, labels)
        return made

    def follow(self, sigma_gradient: NDArray[np.floating], rows: NDArray[np.integer], labels: NDArray[np.integer]) -> None:
        """One step along the gradient of the mean loss with respect to sigma, float [B]."""
        # d sigma / d log sigma_part = sigma_part, for either part; both are taken before either moves.
        pulls = [(table, entries, sigma_gradient * table.sigma(entries)) for table, entries in self._tables(rows, labels)]
        for table, entries, pull in pulls:
            table.step(entries, pull)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything that moves, by name."""
        tables = {"instance": self.instance, "by_class": self.by_class}
        return {f"{kind}.{name}": array for kind, table in tables.items() if table is not None
                for name, array in (("log_sigma", table.log_sigma), ("velocity", table.velocity))}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up what `state` gave."""
        for name, array in self.state().items():
            array[...] = state[name]

    def _tables(
        self, rows: NDArray[np.integer], labels: NDArray[np.integer]
    ) -> list[tuple[TemperatureTable, NDArray[np.integer]]]:
        pairs = ((self.instance, rows), (self.by_class, labels))
        return [(table, entries) for table, entries in pairs if table is not None]
