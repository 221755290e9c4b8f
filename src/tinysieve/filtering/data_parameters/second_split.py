"""Second-split forgetting: what tells a wrong label from a rare sample, both of which look hard.

Maini et al. 2022 ("Characterizing Datapoints via Second-Split Forgetting"): train on one half until it is known by heart, go on
with the other half alone, and see when samples of the first half are forgotten. Wrong labels go at once, since everything in the
second half speaks against them; rare samples stay, since nothing does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.data_parameters.linear_fit import LinearFitSettings, LinearTrainer, check_labels
from tinysieve.filtering.data_parameters.row_stream import IntArray, RowStream
from tinysieve.ground.progress import Progress

# A head that must learn by heart: no decay holds it back, no temperature excuses it.
BY_HEART = LinearFitSettings(epochs=20, learning_rate=10.0, weight_decay=0.0, instance=None)


def second_split_retention(
    stream: RowStream, labels: IntArray, seed: int, progress: Progress, settings: LinearFitSettings = BY_HEART
) -> NDArray[np.float32]:
    """How long each given label is remembered while the other half is learnt; each half is the first one once.

    Args:
        stream: features of M labelled rows.
        labels: int64 [M], 0..K-1.
        seed: of the halves and the order.
        progress: told (halves done, 2).
        settings: of each training.

    Returns:
        float32 [M] in [0, 1]: 0 never learnt or forgotten at once, which speaks for a wrong label; 1 remembered to the end, rare
        at most. It is the share of second-half epochs up to the last one that still gave the label.
    """
    check_labels(labels, len(stream))
    mixed = np.random.default_rng([seed, len(labels), 2]).permutation(len(labels))
    halves = (np.sort(mixed[: len(mixed) // 2]), np.sort(mixed[len(mixed) // 2 :]))
    plain = replace(settings, instance=None, by_class=None)
    kept = np.zeros(len(labels), np.float32)
    for turn, (first, second) in enumerate((halves, halves[::-1])):
        kept[first] = _retained(LinearTrainer(stream, labels, plain, seed), first, second)
        progress(turn + 1, 2)
    return kept


def _retained(trainer: LinearTrainer, first: IntArray, second: IntArray) -> NDArray[np.float32]:
    epochs = trainer.settings.epochs
    for epoch in range(epochs):
        trainer.run_epoch(epoch, first)
    learnt = _knows(trainer, first)
    last = np.zeros(len(first), np.int64)
    for epoch in range(1, epochs + 1):
        trainer.run_epoch(epochs + epoch, second)
        last[learnt & _knows(trainer, first)] = epoch
    return (last / epochs).astype(np.float32)


def _knows(trainer: LinearTrainer, places: IntArray) -> NDArray[np.bool_]:
    return np.asarray(trainer.logits_of(places).argmax(axis=1) == trainer.labels[places])
