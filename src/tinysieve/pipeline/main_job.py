"""The main job: the stages of a configuration, in order."""

from __future__ import annotations

from dataclasses import replace

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.stages import Stage
from tinysieve.pipeline.report.report_stage import report_stage
from tinysieve.pipeline.stages.detect import DETECT
from tinysieve.pipeline.stages.embed import EMBED
from tinysieve.pipeline.stages.filters import evidence_stages, filter_stages, made_kinds
from tinysieve.pipeline.stages.ingest import INGEST
from tinysieve.pipeline.stages.policy import policy_stage
from tinysieve.pipeline.stages.quantize import QUANTIZE_BASELINE, QUANTIZE_MENDED
from tinysieve.pipeline.stages.select import select_stages, selecting_kinds
from tinysieve.pipeline.stages.train import TRAIN_BASELINE, TRAIN_MENDED
from tinysieve.pipeline.stages.verify import verify_stage
from tinysieve.pipeline.track.track_stage import track_stages


def stages_of(config: Config) -> tuple[Stage, ...]:
    """All stages of the main job; those of evidence and filters as far as the configuration asks for them."""
    kinds = made_kinds(config) | selecting_kinds(config)
    evidence = (stage for stage in evidence_stages(config, *kinds) if stage not in (INGEST, DETECT, EMBED))
    selected = select_stages(config)
    mended = replace(TRAIN_MENDED, needs=(*TRAIN_MENDED.needs, *(stage.name for stage in selected)))
    return (INGEST, DETECT, EMBED, *evidence, *filter_stages(config), policy_stage(config), *selected,
            TRAIN_BASELINE, mended, QUANTIZE_BASELINE, QUANTIZE_MENDED, verify_stage(config), report_stage(config),
            *track_stages(config))


def stages_until(config: Config, last: str) -> tuple[Stage, ...]:
    """All stages up to and with `last`.

    Raises:
        InputError: this configuration has no stage of that name.
    """
    stages = stages_of(config)
    names = [stage.name for stage in stages]
    if last == "select" and config.policy.select is None:
        raise InputError("nothing to select: the configuration has no policy.select", where="policy.select",
                         fix="set it, such as -o 'policy.select={budget: 0.5, by: [coverage]}'")
    if last not in names:
        raise InputError(f"no stage '{last}'", fix="one of " + ", ".join(names))
    return stages[: names.index(last) + 1]
