"""The main job: the tuple of stages, in order."""

from __future__ import annotations

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Stage
from tinysieve.pipeline.report.report_stage import REPORT
from tinysieve.pipeline.stages.filter_stages import DETECT, EMBED, OPINIONS, POLICY
from tinysieve.pipeline.stages.ingest import INGEST
from tinysieve.pipeline.stages.quantize import QUANTIZE_BASELINE, QUANTIZE_MENDED
from tinysieve.pipeline.stages.train import TRAIN_BASELINE, TRAIN_MENDED
from tinysieve.pipeline.stages.verify import VERIFY

STAGES: tuple[Stage, ...] = (INGEST, DETECT, EMBED, OPINIONS, POLICY, TRAIN_BASELINE, TRAIN_MENDED,
                             QUANTIZE_BASELINE, QUANTIZE_MENDED, VERIFY, REPORT)


def stages_until(last: str) -> tuple[Stage, ...]:
    """All stages up to and with `last`."""
    names = [stage.name for stage in STAGES]
    if last not in names:
        raise InputError(f"no stage '{last}'", fix="one of " + ", ".join(names))
    return STAGES[: names.index(last) + 1]
