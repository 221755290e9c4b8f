"""What an accuracy is worth where the source had no held-out photos, and they were drawn from the training photos."""

from __future__ import annotations

from collections.abc import Sequence


def drawn_holdouts(splits: Sequence[str], label_noise: str = "") -> str:
    """What it does to an accuracy that held-out photos were drawn from training photos; "" where none was.

    A model that is right with probability a on labels of which a share e is wrong, whichever photo it is, measures
    a (1 - e) + (1 - a) e: 1 - e for a = 1, and 1 - 2 e of a difference between two models.

    >>> drawn_holdouts(["test"])[:62]
    'The source has no test split: its photos were drawn from train'
    """
    if not splits:
        return ""
    names = " and no ".join(splits)
    return " ".join(filter(None, [
        f"The source has no {names} split: its photos were drawn from train, and their labels have the errors of the training "
        "labels. With a share e of them wrong, a perfect model measures 1 − e, and a difference between two models shrinks to "
        "1 − 2e of itself. A model of mended labels is charged for photos on which it is right and the label is wrong.",
        label_noise]))
