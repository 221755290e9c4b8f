"""One epoch of training images, or one pass over validation images, as Keras reads them on any backend.

Batches are made in a background thread (`keras.utils.PyDataset` with one worker) while the model computes. The order
of the images and what happens to each depend on (seed, epoch) alone, so an epoch that is begun again is the same
epoch.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from numpy.typing import NDArray

from tinysieve.training.augment import apply_transforms, draw_transforms
from tinysieve.training.labelled_images import LabelledImages
from tinysieve.training.recipe import Recipe


class EpochBatches(keras.utils.PyDataset):
    """The training images of one epoch: shuffled, augmented, uint8, the last batch as small as it comes.

    Args:
        images: what to train on.
        recipe: batch size and augmentation.
        seed: of the run.
        epoch: 1-based.
        threads: that warp the images; they change nothing but the time.
    """

    def __init__(
        self,
        images: LabelledImages,
        recipe: Recipe,
        *,
        seed: int,
        epoch: int,
        threads: ThreadPoolExecutor | None = None,
    ) -> None:
        super().__init__(workers=1, max_queue_size=4)
        rng = np.random.default_rng([seed, epoch])
        self._images, self._batch_size, self._threads = images, recipe.batch_size, threads
        self._order = rng.permutation(len(images))
        self._transforms = draw_transforms(
            len(images), rotation=recipe.rotation, mirror=recipe.horizontal_flip, rng=rng
        )

    def __len__(self) -> int:
        return -(-len(self._images) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        chosen = self._order[part]
        pixels = self._images.pixels[self._images.rows[chosen]]
        pixels = apply_transforms(pixels, self._transforms[part], self._threads)
        return pixels, self._images.labels[chosen].astype(np.int32)


class PlainBatches(keras.utils.PyDataset):
    """Images in the order of their rows, as they are, without labels."""

    def __init__(self, images: LabelledImages, batch_size: int) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self._images, self._batch_size = images, batch_size

    def __len__(self) -> int:
        return -(-len(self._images) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8]]:
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        return (self._images.pixels[self._images.rows[part]],)
