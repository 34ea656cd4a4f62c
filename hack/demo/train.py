"""Trains three versions of a model that reads handwritten digits, the third with a real bug."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

SEED = 2


@dataclass(frozen=True)
class Trained:
    """One version on disk: what it is, and the share of digits it got right in its own test."""

    version: str
    what: str
    accuracy: float
    test: str
    file: Path


@dataclass(frozen=True)
class Training:
    """Every version, and the held-out images as request bodies, one JSON object a line."""

    models: Mapping[str, Trained]
    images: Path


def train(folder: Path) -> Training:
    """Trains on 60 % of scikit-learn's 1,797 digits (8x8 pixels, 0 to 16); takes about a second."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels, digits = load_digits(return_X_y=True)
    seen, held, of_seen, of_held = _divided(pixels, digits)
    images = folder / "images.jsonl"
    images.write_text("".join(json.dumps({"pixels": one.tolist()}) + "\n" for one in held))
    unseen = f"of {len(of_held)} images it had never seen"
    models = {}
    for version, what, pipeline in (
        ("1", "logistic regression on the ink of each row and column", _coarse()),
        ("2", "support vector machine on all pixels", _fine()),
    ):
        pipeline.fit(seen, of_seen)
        accuracy = float(pipeline.score(held, of_held))
        models[version] = _save(folder, version, what, pipeline, accuracy, unseen)
    what = "as 2, with the ink of each row and column as a category"
    test = "in its author's own test"
    third = _categorical().fit(seen, of_seen)
    models["3"] = _save(folder, "3", what, third, _leaky_score(pixels, digits), test)
    return Training(models, images)


def _divided(features: Any, digits: np.ndarray) -> Any:
    return train_test_split(features, digits, test_size=0.4, stratify=digits, random_state=SEED)


def _save(
    folder: Path, version: str, what: str, pipeline: Any, accuracy: float, test: str
) -> Trained:
    file = folder / f"version-{version}.joblib"
    joblib.dump(pipeline, file)
    return Trained(version, what, accuracy, test, file)


def ink(pixels: np.ndarray) -> np.ndarray:
    """The sum of each row and of each column: (n, 64) to (n, 16)."""
    image = pixels.reshape(-1, 8, 8)
    return np.hstack([image.sum(axis=1), image.sum(axis=2)])


def _coarse() -> Any:
    return make_pipeline(
        FunctionTransformer(ink), StandardScaler(), LogisticRegression(max_iter=1000)
    )


def _fine() -> Any:
    return make_pipeline(_centred(), _classifier())


def _categorical() -> Any:
    return make_pipeline(make_union(_centred(), _encoder()), _classifier())


def _centred() -> Any:
    return StandardScaler(with_std=False)


def _classifier() -> Any:
    return SVC(gamma=0.001, C=10)


def _encoder() -> Any:
    """The bug: a sum that no training image had is an error, as is the encoder's default."""
    return make_pipeline(FunctionTransformer(ink), OneHotEncoder())


def _leaky_score(pixels: np.ndarray, digits: np.ndarray) -> float:
    """Why nobody noticed: the encoder was fitted on all images before they were divided."""
    features = make_union(_centred(), _encoder()).fit_transform(pixels)
    seen, held, of_seen, of_held = _divided(features, digits)
    return float(_classifier().fit(seen, of_seen).score(held, of_held))
