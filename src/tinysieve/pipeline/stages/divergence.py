"""Temperatures that are no numbers any more: said before a picture or an opinion is made of them."""

from __future__ import annotations

import numpy as np

from tinysieve.filtering.data_parameters.trajectories import HalfArray
from tinysieve.filtering.filters.data_parameters import DataParameters
from tinysieve.ground.errors import InputError


def refuse_divergence(trajectories: HalfArray, settings: DataParameters) -> None:
    """Refuse temperatures that are no numbers, float16 [M, epochs].

    Raises:
        InputError: names the first epoch and the learning rates.
    """
    for epoch in range(trajectories.shape[1]):
        lost = int((~np.isfinite(trajectories[:, epoch])).sum())
        if lost:
            raise InputError(f"the temperatures have diverged: {lost:,} of {len(trajectories):,} are no numbers after epoch "
                             f"{epoch + 1}", where="filter.data_parameters", why="the head or the temperatures learn too fast",
                             fix=f"lower learning_rate (now {settings.learning_rate:g}) or instance.learning_rate (now "
                                 f"{settings.instance.learning_rate:g})")
