"""What people call the splits."""

from __future__ import annotations

import re

from tinysieve.dataset.samples import SPLITS

SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train", "testing": "test",
               "train_quality": "train", "train_large": "train", **{name: name for name in SPLITS},
               # COCO's folders.
               "train2014": "train", "train2017": "train", "val2014": "validation", "val2017": "validation", "test2014": "test",
               "test2015": "test", "test2017": "test"}
UNLABELED_FOLDERS = ("unlabeled", "unlabeled_images", "unlabelled")


_OF_PHOTOS = re.compile(r"[\s_-]*(set|data|dataset|images?|imgs?|photos?|split)$")


def split_key(name: str) -> str:
    """The name of a folder as `SPLIT_NAMES` has it, without what says that photos lie in it; any other name in lower case.

    >>> split_key("Train-Set"), split_key("test_images"), split_key("person")
    ('train', 'test', 'person')
    """
    low = name.strip().lower()
    short = _OF_PHOTOS.sub("", low)
    return short if low not in SPLIT_NAMES and short in SPLIT_NAMES else low


def split_words(file: str) -> set[str]:
    """The splits that words in a file's name mean.

    >>> split_words("data/train_quality_part_0-00003-of-00030.parquet"), split_words("wake_vision-test.tfrecord-00000-of-00002")
    ({'train'}, {'test'})
    """
    words = re.split(r"[^a-z]+", re.split(r"[\\/]", file.lower())[-1])
    return {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
