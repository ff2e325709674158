"""The checks of the exercises of pixels/virtual_staining."""

import math

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ---------------------------------------------------------------------------- a mixture of two dyes

RED = [0.650 / math.hypot(0.650, 0.704, 0.286), 0.268 / math.hypot(0.268, 0.570, 0.776)]
DENSITY = 0.4 * RED[0] + 0.2 * RED[1]

MIXTURE = Number(
    name="virtual-staining-mixture",
    asks="share of red light that passes",
    answer=10**-DENSITY,
    tolerance=0.01,
    within=(0, 1),
    mistakes=[
        Mistake(DENSITY, "that is the optical density; how much light does it let through?"),
        Mistake(1 - 10**-DENSITY, "that is the share that is absorbed"),
        Mistake(math.exp(-DENSITY), "optical density counts powers of ten, not of e"),
        Mistake(
            10**-0.6, "a dye does not absorb red with all its strength: weigh it by its vector"
        ),
        Mistake(10 ** -(0.4 * RED[1] + 0.2 * RED[0]), "the two stain vectors are exchanged"),
        Mistake(1 - DENSITY, "densities add up, light does not: it falls by powers of ten"),
    ],
    otherwise="add the densities of the two dyes in red, then ask how much light passes",
    hints=[
        "A dye's density in red is its amount times the first number of its stain vector.",
        "Densities add. The light that passes is ten to the minus density.",
    ],
    solution=r"""
The red components of the unit vectors are $0.65$ and $0.27$, so $\mathrm{OD}_R = 0.4 \cdot 0.65 +
0.2 \cdot 0.27 = 0.31$ and $10^{-0.31} \approx 0.49$ of the light passes.
""",
    wrong=[0.5 + 0.02, 0.4, 49],
)

# ------------------------------------------------------------------------------ a stripe that moves

BOX = Number(
    name="virtual-staining-box",
    asks="brightness of the stripe's middle, as a share of the true one",
    answer=1 / 4,
    tolerance=0.01,
    within=(0, 1),
    mistakes=[
        Mistake(1 / 2, "that is one over s; how wide is the interval from -s to s?"),
        Mistake(1 / 5, "pixels are not counted: the shift is uniform, not a whole number"),
        Mistake(1 / 3, "three pixels would be the width for a smaller shift"),
        Mistake(1 / 8, "over the interval the stripe's profile has area one, not one half"),
        Mistake(1, "the shift blurs: only some of the shifts leave light in the middle"),
    ],
    otherwise="average the brightness that the middle has over all the shifts",
    hints=[
        "The best image for squared error is the mean of all shifted stripes.",
        "A stripe one pixel wide, interpolated, is a triangle of area one. Over which width is it"
        " spread?",
    ],
    solution=r"""
The stripe, interpolated linearly, is a triangle of height one that reaches one pixel to each side:
area one. The average over shifts of a width of $2s = 4$ is $1/4$ of that height. The light is not
lost, it is spread.
""",
    wrong=[0.75, 0.22, 0.28],
)

# ------------------------------------------------------------------------------- the cheapest image


def stack_of_answers():
    """Fifteen answers to one place, drawn anew for the check; (answers, 3, height, width)."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return torch.rand(15, 3, 6, 5, generator=generator) ** 2


def check_cheapest(function, scene):
    """No image made of the answers may cost less, at any pixel."""
    stack = stack_of_answers()
    image = as_array(
        attempt(function, stack.clone()), shape=(3, 6, 5), means="channels, height, width"
    )
    answers = stack.numpy().astype(float)
    cost = np.abs(answers - image).mean(0)
    least = np.stack([np.abs(answers - one).mean(0) for one in answers]).min(0)
    if (cost <= least + 1e-4).all():
        return None
    for wrong, words in (
        (answers.mean(0), "that is the mean, the cheapest for *squared* error"),
        ((answers.min(0) + answers.max(0)) / 2, "that is halfway between the extremes"),
        (least, "that is the cost of the cheapest image, not the image"),
    ):
        if np.allclose(image, wrong, atol=1e-5):
            return words
    if any(np.allclose(image, one, atol=1e-5) for one in answers):
        return "that is one of the answers, whole; each pixel may take another"
    share = (cost > least + 1e-4).mean()
    return f"at {share:.0%} of the values another of the answers would be cheaper"


MEDIAN = Code(
    name="virtual-staining-median",
    asks="a function of a stack of images",
    check=check_cheapest,
    example=lambda scene: lambda stack: stack.median(0).values,
    hints=[
        "Move a value a little to the right: its error grows towards all answers on the left, and"
        " shrinks towards all on the right. When do the two balance?",
        "Every pixel and every colour by itself: as many answers above it as below.",
    ],
    solution=r"""
The median of the stack, pixel by pixel: `stack.median(0).values`. It does not escape. The median
over displacements of an image with smooth grey values lies near their mean. It takes sides only
where two answers compete and one is more frequent, as in the diagram of the two costs: an edge
stays a little sharper, fine texture goes.
""",
    wrong=[
        lambda scene: lambda stack: stack.mean(0),
        lambda scene: lambda stack: stack[0],
        lambda scene: lambda stack: (stack.amin(0) + stack.amax(0)) / 2,
        lambda scene: lambda stack: stack.median(0).values + 0.01,
        lambda scene: lambda stack: stack.quantile(0.4, dim=0),
        lambda scene: lambda stack: stack.median(0),
        lambda scene: lambda stack: stack.median(),
        lambda scene: lambda stack: stack.flatten(1).median(1).values,
    ],
)

# ------------------------------------------------------------------------------ exchanging two dyes


def tissue():
    """A field with both dyes and a little rest, and the matrix of its stains."""
    import torch

    from medlib.pixels.staining.optical_density import transmitted
    from medlib.pixels.staining.stain import DAB, HAEMATOXYLIN, recompose_stains, stain_matrix

    matrix = stain_matrix(HAEMATOXYLIN, DAB)
    generator = torch.Generator().manual_seed(1)
    amounts = torch.rand(1, 3, 16, 16, generator=generator)
    amounts = amounts * torch.tensor([0.5, 0.3, 0.1]).view(1, 3, 1, 1)
    return transmitted(recompose_stains(amounts, matrix=matrix)).clamp(0, 1), matrix


def dyes_of(image, matrix):
    """Amounts of the two dyes, and the rest."""
    from medlib.pixels.staining.optical_density import optical_density
    from medlib.pixels.staining.stain import separate_stains

    return separate_stains(optical_density(image), matrix=matrix)


def check_swap(function, scene):
    """Amounts exchanged, the rest kept, and twice is nothing."""
    import torch

    image, matrix = tissue()
    returned = as_array(
        attempt(function, image.clone()), shape=image.shape, means="images, channels, height, width"
    )
    before, after = dyes_of(image, matrix), dyes_of(torch.from_numpy(returned).to(image), matrix)
    if (after - before).abs().mean() < 1e-3:
        return "the image comes back with its amounts as they were"
    if float((after[:, :2] - before[:, [1, 0]]).abs().mean()) >= 0.01:
        if np.allclose(returned, image.flip(1), atol=1e-3):
            return "you exchanged red and blue; the dyes are mixtures of all three colours"
        if np.allclose(returned, before[:, [1, 0, 2]], atol=1e-3):
            return "that is the amounts; recompose them, and say how much light passes"
        return "the amounts of the two dyes are not exchanged: separate, exchange, recompose"
    twice = as_array(attempt(function, torch.from_numpy(returned).to(image)), shape=image.shape)
    if np.abs(twice - image.numpy()).mean() >= 0.01:
        return "done twice it should give the image back; keep the third amount, the rest"
    return None


def swapped(order):
    """A student's function that puts the amounts into another order."""

    def swap(image):
        from medlib.pixels.staining.optical_density import transmitted
        from medlib.pixels.staining.stain import recompose_stains

        _, matrix = tissue()
        return transmitted(recompose_stains(dyes_of(image, matrix)[:, list(order)], matrix=matrix))

    return swap


EXCHANGE = Code(
    name="virtual-staining-exchange",
    asks="a function of a batch of images",
    check=check_swap,
    example=lambda scene: swapped((1, 0, 2)),
    hints=[
        "`dyes_of(image)` has three channels: haematoxylin, DAB, and the rest. Which order do you"
        " want?",
        "From amounts back to an image: `recompose_stains`, then `transmitted`.",
    ],
    solution=r"""
Separate the dyes, exchange the first two, and go back:

```python
def swap(image):
    return transmitted(recompose_stains(dyes_of(image)[:, [1, 0, 2]], matrix=matrix))
```
""",
    wrong=[
        lambda scene: lambda image: image,
        lambda scene: lambda image: image.flip(1),
        lambda scene: swapped((1, 2, 0)),
        lambda scene: swapped((0, 2, 1)),
        lambda scene: lambda image: dyes_of(image, tissue()[1])[:, [1, 0, 2]],
        lambda scene: lambda image: image.mean(1),
        lambda scene: "swap",
    ],
)

OBJECTS = Choice(
    name="virtual-staining-objection",
    asks="which part of the CycleGAN objects",
    options={
        "a": "The cycle error of $x$.",
        "b": "The cycle error of $y$, and it alone.",
        "c": "The critics, for the swapped field has colours that tissue has not.",
        "d": "Structure.",
        "e": "Nothing: the loss cannot see it.",
        "f": "The pixel error, which holds each painted colour against the true one.",
    },
    answer="c",
    because={
        "a": r"write it out: $F\pi^{-1}\pi G(x)$ is $F(G(x))$, as before",
        "b": "it asks about swapped tissue, which is one thing; look at the picture's colours"
        " first",
        "c": "there is more DAB here than haematoxylin, so the swapped field is far too blue",
        "d": "no part of the CycleGAN measures structure; it is a judge that needs the true image",
        "e": "it would be so if swapped tissue were as likely as tissue; look at `judge`",
        "f": "that takes a stained twin for each image, as *pix2pix* has it; a CycleGAN holds an"
        " image against its own round trip only",
    },
    hints=[
        r"Write both cycle errors with $\pi G$ for $G$ and $F\pi^{-1}$ for $F$. Which one changes?",
        "Look at `swap(y_test)`. Would you take it for a photograph of this section?",
    ],
    solution=r"""
$F\pi^{-1}\pi G(x) = F(G(x))$: the cycle error of $x$ is the same, up to rounding. That of $y$
becomes $\lVert \pi G F \pi^{-1} y - y\rVert_1$, which asks $F$ and $G$ about swapped tissue, and is
the same in the mean only if swapped tissue were as likely as tissue. It is not: there is more DAB
here than haematoxylin, so the swapped field is far too blue. PSNR says so, and a critic of colour
alone would object. So this $\pi$ is *not* one that the loss cannot see. The
dangerous ones keep the colours of the crowd and move them to the wrong places; structure sees
those.
""",
)

EXERCISES = [MIXTURE, BOX, MEDIAN, EXCHANGE, OBJECTS]
