"""Make pytorch_ood_fpr_at_tpr.json: false positive rates by pytorch-ood 0.4.0.

    pip install --no-deps --target PEER pytorch-ood==0.4.0 torchvision==0.28.0
    PYTHONPATH=PEER python tests/golden/make_pytorch_ood_fpr_at_tpr.py

Of (scores, labels), labels below 0 = strangers = the positive class; turned: of the scores with the
other sign, known images being the positive class. It is no part of the book's environment.
"""

import json
from pathlib import Path

import numpy as np

from bench._pytorch_ood import pytorch_ood

CASES = (  # strangers, known, share, decimals
    (20, 37, 0.95, 4),
    (100, 50, 0.95, 4),
    (40, 60, 0.95, 0),
    (7, 9, 0.5, 0),
    (30, 30, 1.0, 4),
    (25, 80, 0.8, 0),
)


def main() -> None:
    import torch

    rate = pytorch_ood("pytorch_ood.metrics.functional").fpr_at_tpr
    rng, found = np.random.default_rng(20), []
    for strangers, known, share, decimals in CASES:
        scores = np.concatenate([rng.normal(1, 1, strangers), rng.normal(size=known)])
        scores, labels = np.round(scores, decimals), np.repeat([-1, 0], [strangers, known])
        own, turned = (
            float(rate(torch.tensor(s), torch.tensor(y), share))
            for s, y in ((scores, labels), (-scores, -1 - labels))
        )
        found.append({"tpr": share, "scores": scores.tolist(), "labels": labels.tolist()})
        found[-1] |= {"fpr_at_tpr": own, "fpr_at_tpr_turned": turned}
    text = json.dumps({"command": __doc__, "cases": found}, indent=0)
    Path(__file__).with_name("pytorch_ood_fpr_at_tpr.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
