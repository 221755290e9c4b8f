"""Every image as a point in the plane, look-alikes close together; made once for each set of features and kept."""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import MissingRequirement

FloatArray = NDArray[np.float32]
_COMPONENTS, _NEIGHBORS = 50, 15
# UMAP's spectral start needs a few points more than dimensions.
_FEWEST = 10
_PARAMETRIC = "umap.parametric_umap"


def points_file(features: NDArray[np.floating], folder: Path, seed: int) -> Path:
    """Where the points of these features and this seed are kept."""
    digest = hashlib.blake2b(np.ascontiguousarray(features).data, digest_size=8, salt=str(seed).encode()[:16]).hexdigest()
    return folder / f"umap-{digest}.npy"


def kept_points(features: NDArray[np.floating], folder: Path, seed: int) -> FloatArray:
    """`umap_points`, made once and kept in `folder`."""
    file = points_file(features, folder, seed)
    if not file.exists():
        points = umap_points(features, seed)
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, points)
    return np.asarray(np.load(file, allow_pickle=False), np.float32)


def umap_points(features: NDArray[np.floating], seed: int) -> FloatArray:
    """UMAP (McInnes et al. 2018) of the first 50 principal components, cosine distance.

    Args:
        features: float [N, D].
        seed: the same one gives the same points on the same machine.

    Returns:
        float32 [N, 2]; below ten images, where there is no map to make, the first two features.

    Raises:
        MissingRequirement: umap-learn is not installed.
    """
    from sklearn.decomposition import PCA

    rows = np.asarray(features, np.float32)
    if len(rows) < _FEWEST:
        return np.pad(rows[:, :2], ((0, 0), (0, max(0, 2 - rows.shape[1]))))
    components = min(_COMPONENTS, *rows.shape)
    reduced = PCA(components, svd_solver="randomized", random_state=seed).fit_transform(rows)
    learner = _umap_class()(n_neighbors=min(_NEIGHBORS, len(rows) - 1), metric="cosine", random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(learner.fit_transform(reduced), np.float32)


def _umap_class() -> type:
    """UMAP without its parametric part, which would import TensorFlow or torch: more processor time than the map itself."""
    held = sys.modules.get(_PARAMETRIC)
    if held is None:
        sys.modules[_PARAMETRIC] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP
    except ImportError as error:
        raise MissingRequirement(f"UMAP cannot be imported: {error}", fix="pip install 'tinysieve[explore]'") from error
    finally:
        if held is None:
            sys.modules.pop(_PARAMETRIC, None)
    return UMAP  # type: ignore[no-any-return]
