"""Evidence about images: boxes, features, neighbours, quality. Nothing here knows a label."""
