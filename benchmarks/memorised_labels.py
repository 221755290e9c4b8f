"""Does the small network learn wrong labels by heart, which is what data parameters are to prevent?

    python benchmarks/memorised_labels.py [--images 600] [--epochs 40]

CIFAR-10 (TINYSIEVE_SHARED, else ../shared), 40 % of the labels corrupt, network and plan of `experiment cifar-noise`. After
chosen epochs: the share of wrong labels that the network gives itself (chance: a tenth), and its accuracy on 1,000 test images.
Without and with data parameters. Writes benchmarks/results/memorised_labels.json, prints a line a reading.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from voc2007 import SHARED

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.keras_trainer import KerasTrainer
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.experiments.cifar_networks import small_network
from tinysieve.pipeline.experiments.problem import plant_uniform
from tinysieve.pipeline.experiments.tempered_training import MOMENTUM, TrainingPlan, batches

RESULT = Path(__file__).parent / "results" / "memorised_labels.json"
CORRUPT, CLASSES, TESTED, BATCH = 0.4, 10, 1000, 64


def pictures(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first so many, with their true labels."""
    table = pq.read_table(SHARED / "data/cifar10n/cifar10n_train_jpeg.parquet").slice(0, count)
    images = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in table["jpeg"].to_pylist()])
    return images, np.asarray(table["clean_label"].to_numpy(), np.int64)


def readings(count: int, epochs: int, instance: TableSettings | None) -> list[dict[str, Any]]:
    """After each eighth of the epochs."""
    images, truth = pictures(count + TESTED)
    given = plant_uniform(truth[:count], CORRUPT, CLASSES, np.random.default_rng(0))
    wrong, plan = given != truth[:count], TrainingPlan("small", epochs, BATCH, 0.1, 0)
    temperatures = Temperatures.start(count, CLASSES, instance, None)
    optimizer = keras.optimizers.SGD(plan.learning_rate, momentum=MOMENTUM)
    trainer = KerasTrainer(small_network(CLASSES, 0), optimizer, temperatures, BATCH)
    made = []
    for epoch in range(epochs):
        trainer.set_learning_rate(plan.rate(epoch))
        for rows, shown in batches(images[:count], plan, epoch):
            trainer.step(shown, given[rows], rows)
        if (epoch + 1) % max(epochs // 8, 1) == 0:
            answers = trainer.logits(images).argmax(axis=1)
            made.append({"epoch": epoch + 1, "wrong_labels_given": round(float((answers[:count] == given)[wrong].mean()), 3),
                         "test_accuracy": round(float((answers[count:] == truth[count:]).mean()), 3)})
            print(json.dumps(made[-1]), flush=True)
    return made


def main() -> None:
    """Without and with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    made: dict[str, Any] = {"images": options.images, "epochs": options.epochs, "corrupt": CORRUPT, "tested": TESTED}
    for name, instance in (("without", None), ("with", TableSettings(learning_rate=2.0))):
        print(name, flush=True)
        made[name] = readings(options.images, options.epochs, instance)
        write_text(RESULT, json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
