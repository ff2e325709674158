"""Grad-CAM against Captum's and MONAI's, on one network and one batch, side by side in one process.

    python bench/grad_cam.py [--side 128] [--batch 16]

EfficientNet-Lite0 with its ImageNet weights, crops of a real photograph, one thread. The three take
turns, so that a busy machine is fair to all; the shortest time of each counts.
"""

from __future__ import annotations

import argparse
import copy

import numpy as np
import torch
from _taking_turns import shortest_seconds

from data_fetch import packaged
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.pixels.maps.grad_cam import grad_cam

GOAL = 1.0
LAYERS = ("stages.2", "stages.4", "stages.6")


def main() -> None:
    from captum.attr import LayerGradCam
    from monai.visualize import GradCAM

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    network = load_imagenet(packaged.imagenet_weights_path())
    cat = packaged.photograph("cat").array
    corners = np.linspace(0, 300 - wanted.side, wanted.batch).astype(int)
    x = preprocess(np.stack([cat[c : c + wanted.side, c : c + wanted.side] for c in corners]))

    print(f"Grad-CAM, EfficientNet-Lite0, {wanted.batch} images of {wanted.side}², 1 thread")
    for layer in LAYERS:
        captum = LayerGradCam(network, network.get_submodule(layer))
        monai = GradCAM(copy.deepcopy(network), target_layers=layer)
        works = {
            "medlib.pixels": lambda layer=layer: grad_cam(network, x, layer=layer, target=282).map,
            "Captum": lambda peer=captum: peer.attribute(x, target=282, relu_attributions=True)[
                :, 0
            ],
            "MONAI": lambda peer=monai: peer.compute_map(x, class_idx=282)[:, 0],
        }
        maps = {name: work().detach() for name, work in works.items()}
        taken = shortest_seconds(works, rounds=wanted.rounds)
        for name, seconds in taken.items():
            ratio = seconds / taken["medlib.pixels"]
            apart = float((maps[name] - maps["medlib.pixels"]).abs().max())
            print(
                f"  {layer}  {name:14s} {seconds:7.3f} s   ratio {ratio:5.2f} x   apart {apart:.0e}"
            )
        worst = min(taken[peer] for peer in ("Captum", "MONAI")) / taken["medlib.pixels"]
        print(f"  {layer}  goal {GOAL:.1f} x: {'met' if worst >= GOAL else 'MISSED'}")


if __name__ == "__main__":
    main()
