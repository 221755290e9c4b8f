"""What people call the splits."""

from __future__ import annotations

from tinysieve.dataset.samples import SPLITS

SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train", "testing": "test",
               "train_quality": "train", "train_large": "train", **{name: name for name in SPLITS}}
UNLABELED_FOLDERS = ("unlabeled", "unlabeled_images", "unlabelled")
