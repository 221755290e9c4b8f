"""An opinion: what one filter thinks of every sample. Opinions never write labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, Codes
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.ground.worded import worded

ABSTAIN = -1
# What a filter may ask for that is no label: out with the sample, or let a person look before anything is done to it.
ASK_DROP, ASK_REVIEW = DROPPED, -3
PROPOSALS = (ABSTAIN, NEGATIVE, POSITIVE, ASK_DROP, ASK_REVIEW)


@dataclass(frozen=True, eq=False)
class Opinions:
    """One filter's opinion of N samples, in sample order.

    Args:
        filter: name of the filter.
        signal: what the opinion rests on; two filters that look at the same boxes are one signal.
        proposed: int8 [N]: a vote for NEGATIVE or POSITIVE, a request (ASK_DROP, ASK_REVIEW), or ABSTAIN.
        confidence: float32 [N] in [0, 1], 1 surely right; 0 where it abstains.
        reason_codes: int8 [N], index into `reasons`.
        reasons: words that a person can read.

    Raises:
        InputError: lengths differ, or a value is out of range.
    """

    filter: str
    signal: str
    proposed: Codes
    confidence: NDArray[np.float32]
    reason_codes: Codes
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.proposed) == len(self.confidence) == len(self.reason_codes):
            raise InputError(f"opinions of '{self.filter}' differ in length: {len(self.proposed)} proposals, "
                             f"{len(self.confidence)} confidences, {len(self.reason_codes)} reasons")
        if not np.isin(self.proposed, PROPOSALS).all():
            raise InputError(f"opinions of '{self.filter}' propose something else than "
                             "0, 1, drop, review or abstain")
        if not ((self.confidence >= 0) & (self.confidence <= 1)).all():
            raise InputError(f"opinions of '{self.filter}' hold a confidence outside [0, 1]")

    def __len__(self) -> int:
        return len(self.proposed)

    @property
    def votes(self) -> NDArray[np.bool_]:
        """bool [N]: it votes for a label; requests are no votes."""
        return self.proposed >= NEGATIVE

    def save(self, path: Path) -> None:
        """Write as Parquet, columns proposed, confidence, reason."""
        reasons = worded(self.reason_codes, self.reasons)
        table = pa.table({"proposed": self.proposed, "confidence": self.confidence, "reason": reasons})
        about = {"filter": self.filter, "signal": self.signal, "reasons": json.dumps(self.reasons)}
        with replacing(path) as temporary:
            pq.write_table(table.replace_schema_metadata(about), temporary, compression="zstd")

    @staticmethod
    def load(path: Path) -> Opinions:
        """Read what `save` wrote."""
        table = pq.read_table(path, read_dictionary=["reason"])
        about = {key.decode(): value.decode() for key, value in table.schema.metadata.items() if not key.startswith(b"AR")}
        reasons = tuple(json.loads(about["reasons"]))
        stored = table["reason"].combine_chunks()
        to_code = np.array([reasons.index(text) for text in stored.dictionary.to_pylist()], np.int8)
        return Opinions(about["filter"], about["signal"], table["proposed"].to_numpy().astype(np.int8),
                        table["confidence"].to_numpy().astype(np.float32), to_code[stored.indices.to_numpy()], reasons)


def opine(filter_name: str, signal: str, cases: Sequence[tuple[NDArray[np.bool_], int, str]],
          confidence: NDArray[np.floating], otherwise: str) -> Opinions:
    """Build opinions from cases in order of precedence.

    Args:
        filter_name: name of the filter.
        signal: what it rests on.
        cases: (mask bool [N], proposal, reason); the first case that holds decides.
        confidence: float [N] in [0, 1]; set to 0 where the proposal is ABSTAIN.
        otherwise: the reason to abstain where no case holds.
    """
    masks = [mask for mask, _, _ in cases]
    proposed = np.select(masks, [np.int8(value) for _, value, _ in cases], np.int8(ABSTAIN))
    codes = np.select(masks, [np.int8(index) for index in range(len(cases))], np.int8(len(cases)))
    kept = np.where(proposed == ABSTAIN, 0, confidence).astype(np.float32)
    return Opinions(filter_name, signal, proposed, kept, codes, (*(reason for _, _, reason in cases), otherwise))
