"""What a person does in the App, done by a program of its own, for FiftyOne's import warns and its database outlives a test.

    python explore_driver.py DATASET show          prints the dataset as JSON
    python explore_driver.py DATASET change JSON   {"labels": {id: label}, "tags": {id: tag}}
"""

from __future__ import annotations

import json
import sys

from tinysieve.pipeline.explore.database import load, open_fiftyone
from tinysieve.pipeline.explore.fields import SAMPLE_ID

FIELDS = ("tags", "ground_truth.label", "given.label", "opinion_disagreement.label", "opinion_disagreement.confidence",
          "opinion_out_of_fold.label", "opinion_out_of_fold.reason", "detections.detections.bounding_box", "uniqueness",
          "representativeness", "near_duplicate_group", "is_label_issue", "label_quality", "probability_of_error",
          "metadata.width", "filepath", "last_modified_at")


def main() -> None:
    """Show or change."""
    fiftyone = open_fiftyone()
    dataset = load(fiftyone, sys.argv[1])
    if sys.argv[2] == "change":
        wanted = json.loads(sys.argv[3])
        labels = {one: fiftyone.Classification(label=label) for one, label in wanted.get("labels", {}).items()}
        dataset.set_values("ground_truth", labels, key_field=SAMPLE_ID)
        for one, tag in wanted.get("tags", {}).items():
            dataset.match({SAMPLE_ID: one}).tag_samples(tag)
        return
    ids, *columns = dataset.values([SAMPLE_ID, *FIELDS])
    shown = {name: dict(zip(ids, column, strict=True)) for name, column in zip(FIELDS, columns, strict=True)}
    views = {name: dataset.load_saved_view(name).values(SAMPLE_ID) for name in dataset.list_saved_views()}
    vectors = {"embedding": len(dataset.first()["embedding"]), "points": len(dataset.load_brain_results("umap").points)}
    print(json.dumps({**shown, **vectors, "views": views, "persistent": dataset.persistent}, default=str))


if __name__ == "__main__":
    main()
