"""The filters by name: ours in the order in which the consensus weighs them, and those that other packages register.

A package registers a filter under the entry point group `tinysieve.filters`; it is imported only where a configuration names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint

from tinysieve.filtering.filter import Filter
from tinysieve.filtering.filters.annotators import Annotators
from tinysieve.filtering.filters.data_parameters import DataParameters
from tinysieve.filtering.filters.depictions import Depictions
from tinysieve.filtering.filters.disagreement import Disagreement
from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.filtering.filters.image_model import ImageModel
from tinysieve.filtering.filters.label_errors import LabelErrorFilter
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement
from tinysieve.filtering.filters.out_of_fold import OutOfFold
from tinysieve.filtering.filters.poor_images import PoorImages
from tinysieve.filtering.filters.presence_head import PresenceHead
from tinysieve.filtering.filters.pseudo_label import PseudoLabel
from tinysieve.filtering.filters.seed_rule import SeedRule
from tinysieve.ground.errors import InputError
from tinysieve.ground.plugins import load_plugin, registered

GROUP = "tinysieve.filters"
BUILT_IN: tuple[type[Filter], ...] = (
    Disagreement, PseudoLabel, SeedRule, PresenceHead, OutOfFold, LabelErrorFilter, NeighborAgreement, Depictions,
    ImageModel, DataParameters, Duplicates, PoorImages, Annotators,
)


def filters_for(names: Iterable[str]) -> dict[str, type[Filter]]:
    """All built-in filters, and of the registered ones those that are named.

    Raises:
        InputError: a registered filter cannot be imported, is none, or calls itself otherwise.
    """
    ours = {filter_type.name: filter_type for filter_type in BUILT_IN}
    others = registered(GROUP)
    return ours | {name: _load(others[name]) for name in names if name in others and name not in ours}


def _load(point: EntryPoint) -> type[Filter]:
    loaded = load_plugin(point, Filter)  # type: ignore[type-abstract]
    if loaded.name != point.name:
        raise InputError(f"the filter '{point.name}' calls itself '{loaded.name}'", where=f"{GROUP}: {point.value}",
                         fix="mend or remove the package that registers it")
    return loaded
