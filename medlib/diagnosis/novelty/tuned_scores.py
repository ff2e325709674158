"""Each score tuned by one procedure, on validation images: depth, units and its own setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import log_loss

from medlib.diagnosis.novelty.candidates import METHODS, candidates
from medlib.diagnosis.novelty.feature_scaling import SCALINGS, FeatureScaling, fit_scaling
from medlib.measures.auc import auc
from medlib.nets.features import fit_head

__all__ = ["Tuned", "TunedScore", "tune_scores"]

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # of the classifiers, C; smaller = more shrinkage
ByDepth = Mapping[str, Float[np.ndarray, "_ _"]]


@dataclass(frozen=True, eq=False)
class TunedScore:
    """A score with its depth and units chosen: call it with features by depth.

    Attributes:
        method: one of `METHODS`.
        depth: which depth it reads.
        scaling: the units.
        setting: its own, in words.
        score: from scaled features to scores.
        by_kind: the AUC of validation images against each kind of validation outliers.
    """

    method: str
    depth: str
    scaling: FeatureScaling
    setting: str
    score: Callable[[np.ndarray], np.ndarray]
    by_kind: Mapping[str, float]

    @property
    def validation_auc(self) -> float:
        """The mean over the kinds, by which it was chosen."""
        return float(np.mean(list(self.by_kind.values())))

    def __call__(self, by_depth: ByDepth) -> Float[np.ndarray, " n"]:
        """Return the scores, higher = more unusual."""
        return self.score(self.scaling(by_depth[self.depth]))


@dataclass(frozen=True, eq=False)
class Tuned:
    """Everything that validation chose.

    Attributes:
        at: the best score of each method at each depth.
        classifier: the best classifier of the known classes: `logits` at `classifier_depth`.
        classifier_depth: chosen by the validation images' log loss.
    """

    at: dict[tuple[str, str], TunedScore]
    classifier: Callable[[np.ndarray], np.ndarray]
    classifier_depth: str

    def best(
        self, method: str, *, among: Sequence[str] | None = None, without: str = ""
    ) -> TunedScore:
        """Return the best of a method, among all depths or some; of equals the shallowest.

        Args:
            method: one of `METHODS`.
            among: depths.
            without: a kind of validation outliers that the choice of the depth shall not know; each
                depth keeps its units and setting. It shows on how few kinds a choice rests.
        """
        found = [one for (name, _), one in self.at.items() if name == method]
        found = [one for one in found if among is None or one.depth in among]
        if not found:
            raise ValueError(f"nothing of {method!r} at {among}; methods: {', '.join(METHODS)}")

        def mean(one: TunedScore) -> float:
            return float(np.mean([v for kind, v in one.by_kind.items() if kind != without]))

        return max(found, key=mean)

    def logits(self, by_depth: ByDepth) -> Float[np.ndarray, "n classes"]:
        """Return the best classifier's scores of each class."""
        return self.classifier(by_depth[self.classifier_depth])


def tune_scores(
    known: ByDepth,
    labels: Int[np.ndarray, " n"],
    *,
    validation: ByDepth,
    validation_labels: Int[np.ndarray, " m"],
    outliers: Mapping[str, ByDepth],
) -> Tuned:
    """Try every depth, all units and every setting; keep each method's best by mean AUC.

    The AUC of validation images against each kind of validation outliers is averaged over kinds:
    one procedure for all. The outliers should be of kinds that will not be tested. For the two
    scores of confidence a logistic regression is fitted at each depth, its strength chosen by the
    validation images' log loss.

    Args:
        known: features of known images to learn from, by depth, shallowest first.
        labels: of those, 0..classes-1.
        validation: of other known images.
        validation_labels: of those.
        outliers: by kind, by depth.

    Raises:
        ValueError: there are no outliers.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> some = lambda n, at=0: {"stem": rng.normal(at, 1, size=(n, 2))}
        >>> found = tune_scores(some(60), np.arange(60) % 2, validation=some(40),
        ...     validation_labels=np.arange(40) % 2, outliers={"far": some(20, at=9)})
        >>> found.best("Mahalanobis").validation_auc > 0.99
        True
    """
    if not outliers:
        raise ValueError("outliers is empty: give validation outliers of one kind or more")
    at: dict[tuple[str, str], TunedScore] = {}
    best_loss, classifier, classifier_depth = np.inf, None, ""
    for depth, features in known.items():
        for kind in SCALINGS:
            scaling = fit_scaling(features, kind=kind)
            learned, seen = scaling(features), scaling(validation[depth])
            strange = {name: scaling(each[depth]) for name, each in outliers.items()}
            head, loss = _classifier(learned, labels, seen, validation_labels)
            logits = partial(_logits, head=head)
            if loss < best_loss:
                best_loss, classifier_depth = loss, depth
                classifier = partial(_scaled_logits, scaling=scaling, head=head)
            together = np.concatenate([seen, *strange.values()])
            ends = np.cumsum([len(seen), *map(len, strange.values())])[:-1]
            for one in candidates(learned, labels, logits=logits):
                usual, *unusual = np.split(one.score(together), ends)
                pairs = zip(strange, unusual, strict=True)
                values = {kind: auc(each, usual).value for kind, each in pairs}
                tried = TunedScore(one.method, depth, scaling, one.setting, one.score, values)
                key = (one.method, depth)
                if key not in at or tried.validation_auc > at[key].validation_auc:
                    at[key] = tried
    return Tuned(at, classifier, classifier_depth)


def _logits(features: np.ndarray, *, head) -> Float[np.ndarray, "n classes"]:
    """One column a class; of two classes scikit-learn gives their difference alone."""
    scores = head.decision_function(features)
    return scores if scores.ndim == 2 else np.stack([-scores / 2, scores / 2], axis=1)


def _scaled_logits(features: np.ndarray, *, scaling: FeatureScaling, head) -> np.ndarray:
    return _logits(scaling(features), head=head)


def _classifier(learned, labels, seen, seen_labels):
    """The head whose strength has the least log loss on validation images, and that loss."""
    classes = np.arange(int(np.max(labels)) + 1)
    heads = [fit_head(learned, labels, strength=strength) for strength in STRENGTHS]
    losses = [log_loss(seen_labels, head.predict_proba(seen), labels=classes) for head in heads]
    best = int(np.argmin(losses))
    return heads[best], losses[best]
