"""The model card and the dataset card of a run: Markdown with the front matter that Hugging Face reads.

Names and notes come from outside: in the text they are escaped, in the front matter YAML quotes them.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from tinysieve.pipeline.engine.words import leaks, sentences, with_article
from tinysieve.pipeline.report.label_counts import label_titles
from tinysieve.pipeline.report.report_stage import DATASET_CARD_TEXT, MODEL_CARD_TEXT
from tinysieve.pipeline.report.section import add_words
from tinysieve.pipeline.report.shared_tables import confusion_rows, vote_titles
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.report.terms import data_terms, tool_terms
from tinysieve.pipeline.stages.train import MENDED

MODEL_CARD, DATASET_CARD = MODEL_CARD_TEXT.file, DATASET_CARD_TEXT.file
NETWORK = "mcunet-320kb-1mb_vww"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


def cards_of(source: ReportSource) -> dict[str, str]:
    """Both cards, by file name; to publish one, call it README.md."""
    config = source.config
    shown = {"config": config, "source": source, "verdict": source.verdict, "provenance": source.provenance,
             "classes": source.classes, "label_titles": label_titles(source.classes), "vote_titles": vote_titles(source.classes),
             "terms": data_terms(config), "tools": tool_terms(config), "network": NETWORK,
             "intended_use": config.card.intended_use or intended_use(source.classes.positive),
             "summary": sentences(source.verdict, source.change, source.recipe),
             "leaks": leaks(source.verdict.leaked_train_images.get(MENDED))}
    return {MODEL_CARD: _page(model_front_matter(source), "model_card.md.j2", shown),
            DATASET_CARD: _page(dataset_front_matter(source), "dataset_card.md.j2", shown)}


def intended_use(positive: str) -> str:
    """What a model that tells this class from its absence is for.

    >>> intended_use("apple")[:69]
    'To tell on a microcontroller whether an apple is in the picture, for '
    """
    return (f"To tell on a microcontroller whether {with_article(positive)} is in the picture, for instance to wake a larger "
            "system; to compare ways of mending labels.")


def model_front_matter(source: ReportSource) -> dict[str, Any]:
    """What Hugging Face reads of a model: licence, tags, and the measured results as `model-index`."""
    config, classes, verdict = source.config, source.classes, source.verdict
    name, positive = data_terms(config).name, classes.positive
    (_, false_alarms), (misses, hits) = confusion_rows(verdict.confusion)
    metrics = [_metric("accuracy", "int8 accuracy on the frozen test images", verdict.int8.value)]
    if false_alarms + hits:
        metrics.append(_metric("precision", f"precision of {positive}", hits / (false_alarms + hits)))
    if misses + hits:
        metrics.append(_metric("recall", f"recall of {positive}", hits / (misses + hits)))
    result = {"task": {"type": "image-classification", "name": f"{positive} or {classes.negative}"},
              "dataset": {"name": name, "type": slug(name), "split": "test"}, "metrics": metrics}
    return {"license": config.card.model_license, "library_name": "tflite", "pipeline_tag": "image-classification",
            "tags": ["tflite", "int8", "tinyml", "microcontroller", f"{slug(positive)}-detection", "mcunet"],
            "metrics": [metric["type"] for metric in metrics],
            "model-index": [{"name": f"{NETWORK}, {source.recipe.name}", "results": [result]}]}


def dataset_front_matter(source: ReportSource) -> dict[str, Any]:
    """What Hugging Face reads of a data set: licence of the labels, size, task."""
    terms = data_terms(source.config)
    images = sum(sum(row.after) for row in source.counts)
    size = next((size for limit, size in _SIZES if images < limit), "n>10M")
    return {"pretty_name": f"{terms.name}, labels mended", "license": terms.labels.licence,
            "task_categories": ["image-classification"], "annotations_creators": ["machine-generated"],
            "source_datasets": ["extended"], "size_categories": [size],
            "tags": [f"{slug(source.classes.positive)}-detection", "tinyml", "label-errors", "data-centric"]}


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
    add_words(pages)
    pages.filters["md"] = markdown
    text = pages.get_template(template).render(**shown)
    head = yaml.safe_dump(front_matter, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{head}---\n\n{text}"
