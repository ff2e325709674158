"""Patients whose image, genome, hospital and response follow written equations.

The anatomy is real (one averaged brain), all else is simulated. What this captures and what not:
cards/simulated_radiogenomic_cohort.md.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter
from scipy.special import expit, ndtr

from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array

__all__ = ["ARROWS", "PIXEL_MM", "SIDE", "Cohort", "Genome", "World", "radiogenomic_cohort"]

SIDE, PIXEL_MM = 32, 2.0
ARROWS = ("site to response", "response to site")
_BLUR_PX = (0.45, 0.95)  # of the two scanners: of the image,
_GRAIN_PX = (0.0, 0.8)  # and of its noise
_LEVELS_MM = (-4.0, 50.0)


@dataclass(frozen=True, kw_only=True)
class Genome:
    """How genes lie in pathways, and which of these matter.

    Attributes:
        pathways, genes: how many pathways, and genes in each; no gene is in two.
        correlation: between two genes of one pathway, 0..1; 0 between pathways.
        matter: pathways that change the response: the first so many.
        spread: "dense": every gene of such a pathway has an effect, of either sign; "same sign":
            all effects are positive; "scattered": one gene of each of `matter` pathways has one.
        stratified: by how many SD the genes of the *last* pathway, which does not matter, differ
            between the hospitals' populations: ancestry.
    """

    pathways: int = 20
    genes: int = 10
    correlation: float = 0.4
    matter: int = 3
    spread: str = "dense"
    stratified: float = 0.0


@dataclass(frozen=True, kw_only=True)
class World:
    r"""The equations, with $S = 2s - 1$ for hospital s in {0, 1}.

    z = ε + shift · S (biology: how much of the tumour is necrotic), genes as `Genome` says, η their
    score with SD 1, and log-odds of response = by_biology · z + by_genome · η + link · S. With the
    other arrow, log-odds = by_biology · z + by_genome · η and then log-odds of s = link · (2y - 1).

    Attributes:
        by_biology, by_genome: log-odds per SD.
        shift: half of what biology differs by between the hospitals, in SD.
        scanners: 0 = both hospitals scan like the first, 1 = each its own way, and between.
    """

    by_biology: float = 1.6
    by_genome: float = 1.2
    shift: float = 0.0
    scanners: float = 1.0
    genome: Genome = Genome()


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohort:
    """Patients before it is said how hospital and response hang together.

    Attributes:
        sample: images (patients, 2, 32, 32): each patient on either hospital's scanner. Only one
            of the two was ever taken; the other is what a simulation knows and no clinic does.
        biology: z of each patient, drawn at `site`.
        genes: (patients, pathways · genes), pathway by pathway.
        pathway_of: which pathway each gene is in.
        truth: pathways that matter.
        score: η of each patient.
        site: the hospital, 0 or 1, by a coin.
        luck: two uniform numbers of each patient, that decide.
        world: its equations.
    """

    sample: Sample
    biology: Float[np.ndarray, " n"]
    genes: Float[np.ndarray, "n genes"]
    pathway_of: Int[np.ndarray, " genes"]
    truth: tuple[int, ...]
    score: Float[np.ndarray, " n"]
    site: Int[np.ndarray, " n"]
    luck: Float[np.ndarray, "n 2"]
    world: World

    def __len__(self) -> int:
        return len(self.site)

    def linked(
        self, link: float, *, arrow: str = ARROWS[0]
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Hospital and response of each patient when the two hang together so strongly.

        The same patients and the same luck at any link: with "site to response" hospital and image
        stay, and some responses change; with "response to site" responses stay, and some patients
        go to the other hospital.

        Args:
            link: log-odds; 0 = none, negative = reversed.
            arrow: one of `ARROWS`.

        Returns:
            Hospital and response, 0 or 1 each.

        Raises:
            ValueError: another arrow; or biology that differs by hospital before patients have one.
        """
        if arrow not in ARROWS:
            raise ValueError(f"arrow is {arrow!r}; choose {ARROWS[0]!r} or {ARROWS[1]!r}")
        world = self.world
        odds = world.by_biology * self.biology + world.by_genome * self.score
        if arrow == ARROWS[0]:
            signed = 2 * self.site - 1
            return self.site, (self.luck[:, 0] < expit(odds + link * signed)).astype(np.int64)
        if world.shift or world.genome.stratified:
            raise ValueError(
                "patients go to a hospital because of their response, so biology and genes cannot"
                " depend on the hospital: shift and stratified must be 0"
            )
        response = (self.luck[:, 0] < expit(odds)).astype(np.int64)
        return (self.luck[:, 1] < expit(link * (2 * response - 1))).astype(np.int64), response

    def taken_at(self, site: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 32 32"]:
        """The image of each patient on the scanner of its hospital."""
        return self.sample.array[np.arange(len(site)), site]


def radiogenomic_cohort(n: int, *, rng: np.random.Generator, world: World | None = None) -> Cohort:
    """Patients with a tumour in real anatomy, on either of two scanners, and 200 genes each.

    A bright rim around a dark core: the core's share of the area is .12 + .5 Φ(z). Radius, place,
    shape and brightness vary and mean nothing. The second scanner blurs more, and its noise is
    smoother. Each image is scaled to mean 0 and SD 1, and this does not remove the scanner.

    Args:
        n: patients, >= 1.
        rng: the source of randomness; patient i does not depend on n, effects of genes do not
            depend on patients.
        world: the equations.

    Raises:
        ValueError: a number out of its range.

    >>> cohort = radiogenomic_cohort(3, rng=np.random.default_rng(0))
    >>> cohort.sample.array.shape, cohort.genes.shape, cohort.truth
    ((3, 2, 32, 32), (3, 200), (0, 1, 2))
    """
    world = world or World()
    _check(n, world)
    for_effects, for_patients = rng.spawn(2)
    effects = gene_effects(world.genome, rng=for_effects)
    site, luck = np.empty(n, dtype=np.int64), np.empty((n, 2))
    biology, genes = np.empty(n), np.empty((n, effects.size))
    clean, noise = np.empty((n, SIDE, SIDE)), np.empty((n, SIDE, SIDE))
    for i, own in enumerate(for_patients.spawn(n)):
        site[i] = own.integers(2)
        luck[i] = own.random(2)
        biology[i] = own.standard_normal() + world.shift * (2 * site[i] - 1)
        genes[i] = _genes(world.genome, int(site[i]), own).ravel()
        clean[i] = _tumour(_anatomy(own), biology[i], own)
        noise[i] = own.standard_normal((SIDE, SIDE))
    images = np.stack([_scan(clean, noise, world.scanners * s) for s in (0, 1)], axis=1)
    shape = effects.shape
    template = mni152("t1", resolution_mm=2)
    sample = Sample(
        images.astype(np.float32),
        name="simulated/radiogenomic_cohort",
        kind="simulated",
        unit="standard deviations of an image",
        sha256=sha256_of_array(images.astype(np.float32)),
        spacing_mm=(PIXEL_MM, PIXEL_MM),
        licence=f"Apache-2.0 (the generator); the template: {template.licence}",
        cite="Pixels to Patients, data_fetch/tasks/radiogenomic_cohort.py, on: " + template.cite,
        doi=template.doi,
        note="real anatomy of one averaged brain; tumours, scanners, genes, responses simulated",
    )
    return Cohort(
        sample=sample,
        biology=biology,
        genes=genes,
        pathway_of=np.repeat(np.arange(shape[0]), shape[1]),
        truth=tuple(np.flatnonzero(effects.any(axis=1)).tolist()),
        score=genes @ effects.ravel(),
        site=site,
        luck=luck,
        world=world,
    )


def gene_effects(
    genome: Genome, *, rng: np.random.Generator
) -> Float[np.ndarray, "pathways genes"]:
    """Effect of each gene on the response's score, scaled so that the score has SD 1.

    >>> gene_effects(Genome(spread="scattered"), rng=np.random.default_rng(0)).any(axis=1).sum()
    np.int64(3)
    """
    effects = np.zeros((genome.pathways, genome.genes))
    size = (genome.matter, genome.genes)
    if genome.spread == "scattered":
        chosen = rng.integers(genome.genes, size=genome.matter)
        effects[np.arange(genome.matter), chosen] = rng.choice([-1.0, 1.0], size=genome.matter)
    elif genome.spread == "same sign":
        effects[: genome.matter] = rng.uniform(0.5, 1.5, size=size)
    else:
        effects[: genome.matter] = rng.uniform(0.5, 1.5, size=size) * rng.choice([-1, 1], size=size)
    own = (1 - genome.correlation) * np.square(effects).sum()
    shared = genome.correlation * np.square(effects.sum(axis=1)).sum()
    return effects / max(np.sqrt(own + shared), 1e-12)


def _genes(genome: Genome, site: int, rng: np.random.Generator) -> np.ndarray:
    shared = rng.standard_normal((genome.pathways, 1))
    own = rng.standard_normal((genome.pathways, genome.genes))
    genes = np.sqrt(genome.correlation) * shared + np.sqrt(1 - genome.correlation) * own
    genes[-1] += genome.stratified * (site - 0.5)
    return genes


@lru_cache(maxsize=1)
def _template() -> tuple[np.ndarray, np.ndarray]:
    """T1 at 2 mm, axial slices (levels, y, x), and places where a whole patch is brain."""
    t1 = mni152("t1", resolution_mm=2)
    low, high = (int((mm - t1.affine[2, 3]) / PIXEL_MM) for mm in _LEVELS_MM)
    slices = np.ascontiguousarray(t1.array[:, :, low:high].transpose(2, 1, 0))
    inside = gaussian_filter((slices > 0.2).astype(float), (0, 4, 4)) > 0.9
    half = SIDE // 2
    inside[:, :half] = inside[:, -half:] = False
    inside[:, :, :half] = inside[:, :, -half:] = False
    return slices, np.argwhere(inside)


def _anatomy(rng: np.random.Generator) -> np.ndarray:
    slices, places = _template()
    level, row, column = places[rng.integers(len(places))]
    half = SIDE // 2
    patch = slices[level, row - half : row + half, column - half : column + half]
    return patch[:, ::-1] if rng.random() < 0.5 else patch


def _tumour(anatomy: np.ndarray, biology: float, rng: np.random.Generator) -> np.ndarray:
    """A rim and a core in the anatomy; the core's share of the area follows biology."""
    down, across = SIDE / 2 - 0.5 + rng.uniform(-2, 2, size=2)
    radius, aspect, turn = rng.uniform(8, 12), rng.uniform(0.75, 1), rng.uniform(0, np.pi)
    rim, core, halo = rng.uniform([0.85, 0.2, 0.42], [1.15, 0.4, 0.52])
    off = rng.uniform(-1, 1, size=2) * 0.15 * radius
    waves, phases = rng.normal(0, 0.06, size=(2, 2)), rng.uniform(0, 2 * np.pi, size=(2, 2))
    outer, inner = ((aspect, turn, waves[k], phases[k]) for k in (0, 1))
    share = 0.12 + 0.5 * ndtr(biology)
    whole = _inside(radius, (down, across), *outer)
    middle = _inside(radius * np.sqrt(share), (down + off[0], across + off[1]), *inner)
    around = _inside(1.25 * radius, (down, across), *outer)
    image = anatomy + (halo - anatomy) * 0.6 * around
    image = image + (rim - image) * whole
    return image + (core - image) * middle


def _inside(
    size: float,
    where: tuple[float, float],
    aspect: float,
    turn: float,
    waves: np.ndarray,
    phases: np.ndarray,
) -> np.ndarray:
    """1 inside a wavy ellipse, 0 outside."""
    rows, columns = np.indices((SIDE, SIDE))
    v, u = rows - where[0], columns - where[1]
    along = (np.cos(turn) * u + np.sin(turn) * v) * np.sqrt(aspect)
    aside = (np.cos(turn) * v - np.sin(turn) * u) / np.sqrt(aspect)
    theta = np.arctan2(aside, along)
    reach = size * (1 + sum(waves[j] * np.cos((j + 2) * theta + phases[j]) for j in (0, 1)))
    return expit((reach - np.hypot(along, aside)) / 0.4)


def _scan(clean: np.ndarray, noise: np.ndarray, how: float) -> np.ndarray:
    """Blur, noise with a grain, and every image scaled to mean 0 and SD 1; how = 0..1."""
    blur = _BLUR_PX[0] + how * (_BLUR_PX[1] - _BLUR_PX[0])
    grain = _GRAIN_PX[0] + how * (_GRAIN_PX[1] - _GRAIN_PX[0])
    grains = gaussian_filter(noise, (0, grain, grain)) if grain > 0 else noise
    grains = grains / grains.std(axis=(1, 2), keepdims=True)
    images = gaussian_filter(clean, (0, blur, blur)) + 0.16 * grains
    images -= images.mean(axis=(1, 2), keepdims=True)
    return images / images.std(axis=(1, 2), keepdims=True)


def _check(n: int, world: World) -> None:
    genome = world.genome
    if n < 1 or not 0 <= world.scanners <= 1:
        raise ValueError(f"n={n} (>= 1) patients, scanners={world.scanners} (0..1)")
    if not 0 <= genome.correlation < 1 or min(genome.pathways, genome.genes) < 1:
        raise ValueError(
            f"correlation={genome.correlation} (0..1), pathways={genome.pathways} and"
            f" genes={genome.genes} (>= 1): one is out of range"
        )
    if not 1 <= genome.matter < genome.pathways:
        raise ValueError(
            f"matter={genome.matter} of {genome.pathways} pathways: one at least, and not the last"
        )
    if genome.spread not in ("dense", "same sign", "scattered"):
        raise ValueError(f'spread is {genome.spread!r}; choose "dense", "same sign" or "scattered"')
