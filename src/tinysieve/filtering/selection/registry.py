"""The ways to select, by name."""

from __future__ import annotations

from tinysieve.filtering.selection.way import Way
from tinysieve.filtering.selection.ways.coverage import Coverage
from tinysieve.filtering.selection.ways.label_quality import LabelQuality
from tinysieve.filtering.selection.ways.random_choice import RandomChoice
from tinysieve.filtering.selection.ways.representativeness import Representativeness
from tinysieve.filtering.selection.ways.uncertainty import Uncertainty
from tinysieve.filtering.selection.ways.uniqueness import Uniqueness

WAYS: dict[str, Way] = {way.name: way for way in (
    RandomChoice(), Uniqueness(), Representativeness(), Coverage(), LabelQuality(), Uncertainty(),
)}
