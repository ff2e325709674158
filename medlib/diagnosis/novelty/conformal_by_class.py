"""p-values by rank within each class, so that no class pays for another's calm."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from medlib.diagnosis.novelty.conformal import conformal_p

__all__ = ["conformal_p_by_class"]


def conformal_p_by_class(
    distances: Float[np.ndarray, "n classes"],
    *,
    calibration: Float[np.ndarray, "m _"],
    labels: Int[np.ndarray, " _"],
) -> Float[np.ndarray, "n classes"]:
    """p_c(x), the rank of x's distance to class c among the calibration images of class c.

    p_c(x) = (1 + #{i: y_i = c, M_c(x_i) ≥ M_c(x)}) / (m_c + 1)

    An image is called unusual if it fits no class: max_c p_c ≤ α. An image of class c is then
    flagged with probability at most α *in that class*, as max_c p_c ≥ p_c: often less. A true label
    is needed for the calibration images only.

    Args:
        distances: of the images to be judged, to each class.
        calibration: the same of known images that took no part in fitting or tuning.
        labels: the class of each of those.

    Returns:
        One p-value an image and class.

    Raises:
        ValueError: numbers of classes differ, or a class has no calibration image.

    Example:
        >>> near_a, near_b = [1.0, 9.0], [9.0, 1.0]
        >>> p = conformal_p_by_class(np.array([[2.0, 2.0]]),
        ...     calibration=np.array([near_a, near_a, near_b]), labels=np.array([0, 0, 1]))
        >>> p.round(2).tolist()
        [[0.33, 0.5]]

    Source: Mondrian conformal prediction, Vovk, Gammerman and Shafer (2005),
    doi:10.1007/b106715; class by class, Vovk (2012), doi:10.48550/arXiv.1209.2673.
    """
    distances, calibration = np.asarray(distances, float), np.asarray(calibration, float)
    labels, classes = np.asarray(labels), distances.shape[1]
    if calibration.shape != (len(labels), classes):
        raise ValueError(
            f"calibration of shape {calibration.shape}; expected ({len(labels)}, {classes}): one"
            " row a label, one column a class"
        )
    if missing := sorted(set(range(classes)) - set(labels.tolist())):
        raise ValueError(f"class {missing[0]} has no calibration image: nothing to rank among")
    columns = [
        conformal_p(distances[:, c], calibration=calibration[labels == c, c])
        for c in range(classes)
    ]
    return np.stack(columns, axis=1)
