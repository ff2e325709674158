"""The checks of the exercises of pixels/grad_cam."""

import numpy as np

from medlib.experiment.answers import as_array, as_number
from medlib.experiment.exercises import Choice, Code, Mistake, Number, Scene

# ---------------------------------------------------------------------------- the map of a decision


def decision_map(honest, x_tumour, layer, *, signed=True):
    """The map of a network whose only output is the difference of the two scores."""
    import torch

    from medlib.pixels.maps.grad_cam import grad_cam

    minus = torch.nn.Linear(2, 1, bias=False).to(x_tumour.device)
    minus.weight.data[:] = torch.tensor([-1.0, 1.0])
    decision = torch.nn.Sequential(honest, minus).eval()
    found = grad_cam(decision, x_tumour, layer=f"0.{layer}", target=0, signed=signed)
    return found.map.cpu().numpy().astype(float)


def score_map(scene, target, *, signed=True):
    """The map of one of the two scores."""
    from medlib.pixels.maps.grad_cam import grad_cam

    given = scene.given
    options = {"layer": given["layer"], "target": target, "signed": signed}
    return grad_cam(given["honest"], given["x_tumour"], **options).map.cpu().numpy().astype(float)


def true_map(scene):
    """What the solution computes."""
    return decision_map(scene.given["honest"], scene.given["x_tumour"], scene.given["layer"])


def check_decision(answer, scene):
    """Compare with the map of the network that is made for the decision."""
    d = true_map(scene)
    found = as_array(answer, shape=d.shape, means="tiles, grid, grid")
    near = 1e-3 * np.abs(d).max()

    def like(values):
        return np.allclose(found, values, atol=near)

    if like(d):
        return None
    if like(-d):
        return "the sign is turned: the decision is tumour minus normal"
    if like(np.maximum(d, 0)):
        return "a ReLU took what speaks against; the map without it is asked for"
    if like(score_map(scene, 1)) or like(score_map(scene, 0)):
        return "that is the map of one score; the decision rests on the difference of two"
    if like(score_map(scene, 1, signed=False) - score_map(scene, 0, signed=False)):
        return "the two maps lost their negative parts before you subtracted: ask for signed ones"
    if like(d / np.abs(d).max()):
        return "it is scaled to one; leave it as it comes"
    return "it is not the map of tumour minus normal at this layer"


def check_share(answer, scene):
    """Compare with the pointing game of the map."""
    from medlib.pixels.maps.map_agreement import pointing_game

    inside, d = scene.given["inside"], true_map(scene)
    right, share = float(pointing_game(d, inside).mean()), as_number(answer)
    if abs(share - right) < 0.005:
        return None
    for wrong, words in (
        (100 * right, "give a share, not per cent"),
        (1 - right, "that is the share of tiles in which it lies outside"),
        (right * len(d), "that is a number of tiles; divide by how many there are"),
        (float(inside.mean()), "that is the share of cells in the tumour, what chance would score"),
        (float((d[inside] > 0).mean()), "only the highest cell of each tile counts"),
    ):
        if abs(share - wrong) < 0.005:
            return words
    return "find each tile's highest cell, and look whether it lies `inside`"


def small_scene():
    """An untrained network, and eight tiles of noise."""
    import torch

    from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise

    rng = np.random.default_rng(0)
    network = EfficientNetLite0(classes=2)
    network = initialise(network, generator=torch.Generator().manual_seed(0)).eval()
    noise = rng.standard_normal((8, 3, 64, 64), dtype=np.float32)
    inside = np.zeros((8, 4, 4), dtype=bool)
    inside[:, :2] = True
    inside[:3, 2] = True
    given = {"honest": network, "x_tumour": torch.from_numpy(noise), "layer": "stages.4"}
    return Scene({**given, "inside": inside, "shortcut": network, "tiles": given["x_tumour"][:6]})


DECISION = Code(
    name="grad-cam-decision",
    asks="an array of shape (tiles, grid, grid)",
    check=check_decision,
    example=true_map,
    scene=small_scene,
    needs=("honest", "x_tumour", "layer"),
    hints=[
        "A gradient is linear in the score. So is everything in Grad-CAM but one step: which?",
        "Subtract the signed map of target 0 from the signed map of target 1.",
    ],
    solution=r"""
A gradient is linear in the score, and so is everything before the ReLU. So subtract the signed map
of target 0 from that of target 1:

```python
normal = grad_cam(honest, x_tumour, layer=LAYER, target=0, signed=True)
for_decision = signed(honest, x_tumour) - as_numbers(normal.map)
```

Two maps with ReLU cannot be subtracted: what each has lost is lost.
""",
    wrong=[
        lambda scene: -true_map(scene),
        lambda scene: np.maximum(true_map(scene), 0),
        lambda scene: score_map(scene, 1),
        lambda scene: score_map(scene, 1, signed=False) - score_map(scene, 0, signed=False),
        lambda scene: true_map(scene) / np.abs(true_map(scene)).max(),
        lambda scene: true_map(scene)[:2],
        lambda scene: true_map(scene).mean(0),
        lambda scene: true_map(scene).ravel().tolist(),
    ],
)


def true_share(scene):
    """The pointing game of the map of the decision."""
    from medlib.pixels.maps.map_agreement import pointing_game

    return float(pointing_game(true_map(scene), scene.given["inside"]).mean())


SHARE = Code(
    name="grad-cam-decision-share",
    asks="a share of the tiles",
    check=check_share,
    example=true_share,
    scene=small_scene,
    needs=("honest", "x_tumour", "layer", "inside"),
    hints=[
        "The chapter has played this game: what is it called?",
        "`pointing_game` takes maps and `inside`, and says of each tile whether it is won.",
    ],
    solution=r"""
It is the pointing game once more, with the map of the decision:

```python
share_inside = pointing_game(for_decision, inside).mean()
```
""",
    wrong=[
        lambda scene: 100 * true_share(scene),
        lambda scene: 1 - true_share(scene),
        lambda scene: 8 * true_share(scene),
        lambda scene: float(scene.given["inside"].mean()),
        lambda scene: -1.0,
        lambda scene: true_map(scene),
        lambda scene: [true_share(scene)],
    ],
)

# ------------------------------------------------------------------------------- without a gradient


def true_occlusion(scene):
    """The library's occlusion map; the notebook hands in how it blurs."""
    from medlib.pixels.maps.occlusion import occlusion_map

    tiles = scene.given["tiles"]
    options = {"baseline": scene.given["blurred"](tiles), "target": 1, "grid": 4}
    found = occlusion_map(scene.given["shortcut"], tiles, **options)
    return found.cpu().numpy().astype(float)


def check_occlusion(answer, scene):
    """Compare with the library's."""
    found = as_array(answer, shape=(6, 4, 4), means="tiles, rows, columns")
    peer = true_occlusion(scene)
    near = 1e-3 * np.abs(peer).max()
    if np.abs(found - peer).max() < near:
        return None
    if np.abs(found + peer).max() < near:
        return "the sign is turned: higher shall mean that the probability *falls* by more"
    if np.abs(found - peer.transpose(0, 2, 1)).max() < near:
        return "rows and columns are exchanged"
    if found.min() >= 0 and np.abs(found - np.abs(peer)).max() < near:
        return "a cell whose cover *raises* the probability counts as negative"
    if np.abs(found).max() > 1:
        return "a fall of a probability is at most one: is it a score that you compare?"
    return "is it the probability of tumour, before minus after, with the blurred tile in the cell?"


OCCLUSION = Code(
    name="grad-cam-occlusion",
    asks="an array of shape (6, 4, 4)",
    check=check_occlusion,
    example=true_occlusion,
    scene=lambda: Scene(
        {
            **small_scene().given,
            "blurred": lambda x: x.mean(dim=(2, 3), keepdim=True).expand_as(x),
        }
    ),
    needs=("shortcut", "tiles", "blurred"),
    hints=[
        "For each of the 16 cells make a mask that is True in the cell, and put the blurred tile"
        " there"
        " with `torch.where`.",
        "`class_probabilities(shortcut, ...)[:, 1]` is the probability of tumour. Take it before,"
        " and subtract it after.",
    ],
    solution=r"""
For each of the 16 cells build `mask`, True in the cell, and `torch.where(mask, blurred(tiles_6),
tiles_6)`; the map is the probability before minus the probability after, from
`class_probabilities(shortcut, ...)[:, 1]`. It points at the ink, whatever the depth of the network:
it asks the image, not a layer.
""",
    wrong=[
        lambda scene: -true_occlusion(scene),
        lambda scene: true_occlusion(scene).transpose(0, 2, 1),
        lambda scene: np.abs(true_occlusion(scene)) + 1e-9 * (true_occlusion(scene) < 0),
        lambda scene: 1e4 * true_occlusion(scene),
        lambda scene: np.zeros((6, 4, 4)),
        lambda scene: true_occlusion(scene)[:2],
        lambda scene: true_occlusion(scene).ravel(),
    ],
)

# -------------------------------------------------------------------------------- two perfect signs

BOTH = Choice(
    name="grad-cam-both",
    asks="what decides how much of each sign is read",
    options={
        "a": "How well each sign tells the classes apart: the ink does it better than tissue.",
        "b": "Chance: both signs fit, so whatever was drawn (tissue, last layer, batches) decides.",
        "c": "Which test patients were drawn: in some draws their tissue is hidden by the ink.",
        "d": "The number of steps: with more of them every network ends at the tissue.",
        "e": "The labels' errors: where they err, only the ink can be right.",
        "f": "Simplicity: a dot of one colour is learned first, and leaves tissue nothing to add.",
    },
    answer="b",
    because={
        "a": "on clean tiles these networks are right as well (`auc_inked_truth`): tissue is as"
        " perfect a sign",
        "c": "an honest network reads the same tiles with swapped ink, and is not harmed"
        " (`auc_honest_swapped`)",
        "d": "look at the longer trainings, `drawn('auc_inked_swapped', LENGTHS[-1])`: they still"
        " fall",
        "e": "that is why the *shortcut* networks read ink; here no label errs",
        "f": "the dot is as simple in every draw, and yet in some it is hardly read: what is alike"
        " in all draws cannot tell them apart",
    },
    hints=[
        "A network reads a sign while that lowers the loss. Which loss is left when either sign is"
        " enough?",
        "Compare `auc_inked_truth` and `auc_inked_archive`: could anybody tell from these two what"
        " the network reads?",
    ],
    solution=r"""
Either sign brings the loss to nothing, and then nothing pushes the network towards the other. How
much of each it reads is left to what was drawn: its last layer, the order of its batches, the
tissue it happened to see. Validation on the archive cannot tell these networks apart; swapped ink
can. With wrong labels, as archives have them, the ink is the better sign, and all read it.

With `label_error` at zero three claims fail. The alarm must: no score is too good for labels that
are never wrong. The two that say that maps point at the ink in most patients do because the network
now reads tissue as well, and in many tiles the map points at the tissue. It still reads ink:
look at its AUC where the ink is swapped.
""",
)

# ----------------------------------------------------------------------------------- a map of noise

CHANCE = Number(
    name="grad-cam-chance",
    asks="IoU at equal area that noise scores",
    answer=1 / 3,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(
            0.3434,
            "that is the mean over all ways in which eight cells may fall; take one overlap only",
        ),
        Mistake(1 / 2, "that is what chance scores in the pointing game"),
        Mistake(1 / 4, "that is the overlap as a share of all cells; IoU divides by the union"),
        Mistake(2 / 3, "that is the whole tumour over the union; only shared cells count above"),
        Mistake(1, "the chosen cells are as many as the tumour's, but not the same"),
        Mistake(1 / 5, "choose as many cells as the tumour has: eight, not four"),
    ],
    otherwise="count the cells in the intersection and in the union, for eight cells of sixteen",
    hints=[
        "The tumour has eight of sixteen cells, and so has the map. How many do they share, on"
        " average?",
        "Four are shared. In the union are eight and eight, less those counted twice.",
    ],
    solution=r"""
The highest cell is any cell, so the pointing game is won with probability $q$. Let $m = qk$ cells
be chosen. On average $I = qm$ of them fall inside, and $I/(2m - I) = q/(2 - q)$, a third for $q =
1/2$.
""",
    wrong=[0.3, 0.375, 33],
)

HIGHER = Choice(
    name="grad-cam-chance-higher",
    asks="why the simulated mean is higher",
    options={
        "a": "Noise has no reason to lie outside the tumour.",
        "b": "The overlap scatters, and tiles differ in $q$; both raise the mean of a curved"
        " function.",
        "c": "Cells come in whole numbers, so that the area is rounded up.",
        "d": "Neighbouring cells are alike, in the noise and in the tumour.",
        "e": "With so few tiles the simulation is not yet exact.",
        "f": "The highest cells are picked, and picking favours cells that happen to lie inside.",
    },
    answer="b",
    because={
        "a": "nor has it one to lie inside: that alone gives the third that you computed",
        "c": "rounding goes both ways, and here area is equal by construction",
        "d": "your noise has no neighbours that are alike; each cell is drawn by itself",
        "e": "the difference does not shrink with more tiles; it is no error of the simulation",
        "f": "picking follows the noise, which knows no tumour: the picked cells are a random"
        " handful, and on average a share $q$ of them lies inside",
    },
    hints=[
        "In the exercise before you took the overlap as fixed. Draw IoU as a function of it.",
        "The curve bends upwards. What does Jensen say of the mean of such a function?",
    ],
    solution=r"""
The simulated mean is higher than $q/(2 - q)$ at the mean $q$ for two reasons: $I/(2m - I)$ is
convex in $I$, so scatter of $I$ raises its mean (Jensen), and $q$ differs from tile to tile, which
helps in the same way.
""",
)

EXERCISES = [DECISION, SHARE, OCCLUSION, BOTH, CHANCE, HIGHER]
