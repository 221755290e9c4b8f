"""The model card and the dataset card of a run: Markdown with the front matter that Hugging Face reads.

Names and notes come from outside: in the text they are escaped, in the front matter YAML quotes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine import words
from tinysieve.pipeline.report.terms import data_terms, tool_terms

if TYPE_CHECKING:
    from tinysieve.pipeline.report.provenance import Provenance
    from tinysieve.pipeline.report.report_data import ReportData

MODEL_CARD, DATASET_CARD = "MODEL_CARD.md", "DATASET_CARD.md"
NETWORK = "mcunet-320kb-1mb_vww"
INTENDED_USE = ("To tell on a microcontroller whether a person is in the picture, for instance to wake a larger system; "
                "to compare ways of mending labels.")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


def cards_of(config: Config, data: ReportData, provenance: Provenance) -> dict[str, str]:
    """Both cards, by file name; to publish one, call it README.md."""
    shown = {"config": config, "data": data, "verdict": data.verdict, "provenance": provenance, "terms": data_terms(config),
             "tools": tool_terms(config), "network": NETWORK, "intended_use": config.card.intended_use or INTENDED_USE}
    return {MODEL_CARD: _page(model_front_matter(config, data), "model_card.md.j2", shown),
            DATASET_CARD: _page(dataset_front_matter(config, data), "dataset_card.md.j2", shown)}


def model_front_matter(config: Config, data: ReportData) -> dict[str, Any]:
    """What Hugging Face reads of a model: licence, tags, and the measured results as `model-index`."""
    name, cells = data_terms(config).name, data.verdict["confusion"]
    metrics = [_metric("accuracy", "int8 accuracy on the frozen test images", data.verdict["int8"]["value"])]
    said_person = cells["negative_as_positive"] + cells["positive_as_positive"]
    there = cells["positive_as_negative"] + cells["positive_as_positive"]
    if said_person:
        metrics.append(_metric("precision", "precision of person", cells["positive_as_positive"] / said_person))
    if there:
        metrics.append(_metric("recall", "recall of person", cells["positive_as_positive"] / there))
    result = {"task": {"type": "image-classification", "name": "person or background"},
              "dataset": {"name": name, "type": slug(name), "split": "test"}, "metrics": metrics}
    return {"license": config.card.model_license, "library_name": "tflite", "pipeline_tag": "image-classification",
            "tags": ["tflite", "int8", "tinyml", "microcontroller", "person-detection", "mcunet"],
            "metrics": [one["type"] for one in metrics],
            "model-index": [{"name": f"{NETWORK}, {data.recipe['name']}", "results": [result]}]}


def dataset_front_matter(config: Config, data: ReportData) -> dict[str, Any]:
    """What Hugging Face reads of a data set: licence of the labels, size, task."""
    terms = data_terms(config)
    images = sum(sum(row.after) for row in data.counts)
    size = next((size for limit, size in _SIZES if images < limit), "n>10M")
    return {"pretty_name": f"{terms.name}, labels mended", "license": terms.labels.licence,
            "task_categories": ["image-classification"], "annotations_creators": ["machine-generated"],
            "source_datasets": ["extended"], "size_categories": [size],
            "tags": ["person-detection", "tinyml", "label-errors", "data-centric"]}


def slug(name: str) -> str:
    """A name as an identifier: lower case letters, digits and single hyphens; "dataset" where nothing is left.

    >>> slug("PASCAL VOC 2007, test photos")
    'pascal-voc-2007-test-photos'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "dataset"


def markdown(value: object) -> str:
    """Text that stands for itself in Markdown, in a table's cell too: one line, nothing of it markup.

    >>> print(markdown("<b> a|b *c*\\n# d"))
    &lt;b&gt; a\\|b \\*c\\* # d
    """
    text = re.sub(r"([\\`*_\[\]|]|^[#+\-])", r"\\\1", " ".join(str(value).split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _metric(kind: str, name: str, value: float) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": round(float(value), 4)}


def _page(front_matter: dict[str, Any], template: str, shown: dict[str, Any]) -> str:
    # Markdown, not HTML: every value that comes from outside goes through `md`.
    pages = Environment(loader=PackageLoader("tinysieve.pipeline"), undefined=StrictUndefined, trim_blocks=True,
                        lstrip_blocks=True, keep_trailing_newline=True)
    for made in (words.percent, words.points, words.count, words.size, words.judgement, words.interval):
        pages.filters[made.__name__] = made
    pages.filters["md"] = markdown
    pages.globals.update(amount=words.amount, zip=zip)
    data = shown["data"]
    text = pages.get_template(template).render(
        **shown, summary=words.sentences(data.verdict, data.change, data.recipe), leaks=words.leaks(data.verdict))
    head = yaml.safe_dump(front_matter, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{head}---\n\n{text}"
