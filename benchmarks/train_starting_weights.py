"""Train the starting weights that ship in models/: MCUNet, distilled from EfficientNet-Lite0, on persons of VOC 2007 and COCO.

    python benchmarks/train_starting_weights.py --voc ../shared/data/voc2007_person --coco ../shared/data/coco256 [--minutes 85]

Three things teach the network on every random crop: whether a person is in it (the mean of the true label, as far as the crop
shows a person, and of the shipped presence head's opinion), where (the share of each cell of the last map that a person's box
covers), and what Lite0 sees in the photo (the principal components of its features, scaled to unit variance). VOC's train split
and COCO's photos are learned from, VOC's validation split chooses the moment whose weights are kept, its test split is never
read. The rate and the size of the images follow the clock, so that the training ends in time on a processor that others use
too; the result is therefore not the same bytes twice. A killed training goes on from its last look at the validation photos.
Writes models/starting_weights.npz, half precision.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Threads take a shard each; more of them inside a layer would wait for one another.
os.environ["OMP_NUM_THREADS"] = "1"

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from mcunet_torch import McunetTorch, as_keras  # noqa: E402
from taught_photos import TaughtPhotos, read_taught  # noqa: E402

from tinysieve.ground.atomic_files import replacing  # noqa: E402

SHARDS, SHARD_SIZE = 2, 32
RATE, WARM_UP, DECAY = 4e-3, 0.03, 0.05
# From which share of the time on which side of the images, in pixels: small ones teach most in the same time.
SIDES = ((0.0, 64), (0.4, 96), (0.7, 144))
SMALLEST_CROP = 0.5
LOOK_EVERY_S = 300.0
SEED = 0


def main() -> None:
    """Read, then train until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voc", type=Path, required=True, help="folder with labels.csv (filename, split, person, person_boxes)")
    parser.add_argument("--coco", type=Path, required=True, help="the same without splits: all of it is learned from")
    parser.add_argument("--minutes", type=float, default=85, help="how long to train")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "starting_weights", help="state of the training")
    parser.add_argument("--out", type=Path, default=ROOT / "src" / "tinysieve" / "models" / "starting_weights.npz")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    arguments.work.mkdir(parents=True, exist_ok=True)
    photos = read_taught(arguments.voc, arguments.coco, ROOT / "runs" / "benchmark_classes")
    Training(photos, arguments.minutes * 60, arguments.work / "state.pt", arguments.out).run()
    print(f"{arguments.out}: SHA-256 {hashlib.sha256(arguments.out.read_bytes()).hexdigest()}")


class Training:
    """The network, its optimizer and the time that is used up.

    Args:
        photos: what to learn from and what to choose by.
        seconds: of the whole training.
        state: where it is kept.
        out: where the best weights go.
    """

    def __init__(self, photos: TaughtPhotos, seconds: float, state: Path, out: Path) -> None:
        self.photos, self.seconds, self.state, self.out = photos, seconds, state, out
        self.net = McunetTorch(photos.train_taught.shape[1]).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=DECAY)
        self.used, self.step, self.best = 0.0, 0, 0.0

    def run(self) -> None:
        """Steps, and a look at the validation photos every few minutes and at the end."""
        if self.state.exists():
            kept = torch.load(self.state, weights_only=True)
            self.net.load_state_dict(kept["net"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.used, self.step, self.best = kept["used"], kept["step"], kept["best"]
        with ThreadPoolExecutor(SHARDS) as threads:
            while self.used < self.seconds:
                began, losses = time.monotonic(), []
                until = min(LOOK_EVERY_S, self.seconds - self.used)
                at_start = self.used
                while time.monotonic() - began < until:
                    losses.append(self._step(threads))
                    self.used = at_start + time.monotonic() - began
                self._look(np.mean(losses, axis=0))

    def _step(self, threads: ThreadPoolExecutor) -> NDArray[np.float64]:
        share = self.used / self.seconds
        rate = RATE * min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share))) + 1e-6
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        side = [size for start, size in SIDES if share >= start][-1]
        self.net.train()
        rows = np.random.default_rng([SEED, self.step]).choice(len(self.photos.train), (SHARDS, SHARD_SIZE), replace=False)
        shards = list(threads.map(lambda shard: self._shard(rows[shard], side, shard), range(SHARDS)))
        for parameter, *gradients in zip(self.net.parameters(), *(shard[0] for shard in shards), strict=True):
            parameter.grad = torch.stack(gradients).mean(0)
        self.optimizer.step()
        self.step += 1
        return np.mean([shard[1] for shard in shards], axis=0)

    def _shard(self, rows: NDArray[np.int64], side: int, shard: int) -> tuple[tuple[torch.Tensor, ...], list[float]]:
        """Gradients and the three losses of one thread's images. Moving moments of all threads mix, whoever comes first."""
        rng = np.random.default_rng([SEED, self.step, shard])
        crops = [self.photos.crop(row, side, SMALLEST_CROP, rng) for row in rows]
        p = torch.tensor([crop.p_person for crop in crops], dtype=torch.float32)
        logits, taught, cells = self.net(as_batch(jittered(np.stack([crop.pixels for crop in crops]), rng)))
        covered = torch.from_numpy(np.stack([crop.covered for crop in crops]))
        losses = [functional.cross_entropy(logits, torch.stack([1 - p, p], 1)),
                  functional.binary_cross_entropy_with_logits(cells, covered),
                  functional.mse_loss(taught, torch.from_numpy(self.photos.train_taught[rows]))]
        return torch.autograd.grad(sum(losses), list(self.net.parameters())), [loss.item() for loss in losses]

    def _look(self, losses: NDArray[np.float64]) -> None:
        self.net.eval()
        with torch.inference_mode():
            parts = [self.net(as_batch(part.astype(np.float32)))[0] for part in np.array_split(self.photos.validation, 46)]
        says_person = torch.cat(parts).argmax(1).numpy().astype(bool)
        right, labels = says_person == self.photos.validation_labels, self.photos.validation_labels
        accuracy, balanced = float(right.mean()), float((right[labels].mean() + right[~labels].mean()) / 2)
        if accuracy + balanced >= self.best:
            self.best = accuracy + balanced
            with replacing(self.out) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **{name: array.astype(np.float16) for name, array in as_keras(self.net).items()})
        kept = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}
        with replacing(self.state) as temporary:
            torch.save(kept | {"used": self.used, "step": self.step, "best": self.best}, temporary)
        person, where, features = losses
        print(f"{self.used / 60:5.1f} min, step {self.step:,}, losses: person {person:.3f}, where {where:.3f}, "
              f"features {features:.3f}; validation {accuracy:.1%}, balanced {balanced:.1%}", flush=True)


def as_batch(images: NDArray[np.float32]) -> torch.Tensor:
    """float32 [N, H, W, 3] as torch's [N, 3, H, W], channels last in memory."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def jittered(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Brightness, contrast and saturation of each image drawn anew: float32, 0..255."""
    contrast, saturation = rng.uniform(0.7, 1.3, (2, len(images), 1, 1, 1)).astype(np.float32)
    brightness = rng.uniform(-25, 25, (len(images), 1, 1, 1)).astype(np.float32)
    x = images.astype(np.float32)
    gray = x.mean(3, keepdims=True)
    x = gray + (x - gray) * saturation
    mean = x.mean((1, 2, 3), keepdims=True)
    return np.clip((x - mean) * contrast + mean + brightness, 0, 255)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
