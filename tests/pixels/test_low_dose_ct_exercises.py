"""The self-checks of the chapter accept the right answer, and no other."""

import numpy as np
import pytest
import torch

from medlib.pixels.ct.dose_residual import thin
from medlib.pixels.ct.photon_noise import draw_photons, log_transform, read_out
from medlib.pixels.ct.projection import ParallelBeam, project
from tests.self_checks import self_checks

ALPHA, N0, SIGMA_E, N_DRAWS = 0.1, 1e5, 5.0, 40_000


@pytest.fixture(scope="module")
def checks():
    return self_checks("pixels/low_dose_ct")


@pytest.fixture(scope="module")
def names():
    rng = np.random.default_rng(0)
    left = torch.tensor([5, 50, 100, 200, 1000, 10_000.0]).double()
    p = (ALPHA * N0 / left).log()[:, None].expand(-1, N_DRAWS)
    photons = draw_photons(p, n0=N0, rng=rng)
    kept = thin(photons, dose_fraction=ALPHA, rng=rng)
    p_full, p_thin = (
        log_transform(read_out(counts, sigma_e=SIGMA_E, rng=rng), n0=n0).line_integrals
        for counts, n0 in ((photons, N0), (kept, ALPHA * N0))
    )
    return {
        "beam": ParallelBeam(size=96, n_views=4, pixel_cm=0.2),
        "dose_fraction": ALPHA,
        "draw_photons": draw_photons,
        "left": left,
        "log_transform": log_transform,
        "n0": N0,
        "n_draws": N_DRAWS,
        "np": np,
        "p_full": p_full,
        "p_thin": p_thin,
        "photons": photons,
        "project": project,
        "rng": rng,
        "sigma_e": SIGMA_E,
        "thin": thin,
        "torch": torch,
    }


def verdict(source, old, new, names, capsys):
    assert source.count(old) == 1
    exec(source.replace(old, new), dict(names))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "old", "right", "wrong"),
    [
        (0, "answer = None", "answer = 0.16", ["0.4", "0.84", "6.25", "0.18", "0.14"]),
        (
            1,
            "None, None",
            "447, 0.0473",
            ["447, 1", "447, 447**-1", "446, 447**0.5", "30, 0.0473", "4.47, 0.2", "447, 0.067"],
        ),
        (
            2,
            "return None",
            "return dose_fraction / (1 + sigma_e**2 / photons_left)",
            [
                "return dose_fraction + 0 * photons_left",  # electronic noise forgotten
                "return 1 - dose_fraction + 0 * photons_left",
                "return dose_fraction**0.5 / (1 + sigma_e**2 / photons_left)",
                "return dose_fraction / (1 + sigma_e**2 / (photons_left / dose_fraction))",
            ],
        ),
    ],
)
def test_right_answers_are_accepted_and_wrong_ones_are_not(
    exercise, old, right, wrong, checks, names, capsys
):
    assert verdict(checks[exercise], old, right, names, capsys) == "Right.\n"
    for answer in wrong:
        new = answer if exercise == 1 or "return" in answer else f"answer = {answer}"
        assert verdict(checks[exercise], old, new, names, capsys).startswith("Not yet")


@pytest.fixture(scope="module")
def training():
    """Stand-ins for what the chapter holds by then: a network that changes nothing."""
    spot = torch.zeros(8, 8, dtype=torch.bool)
    spot[3:5, 3:5] = True
    absent = torch.zeros(4, 8, 8)
    return {
        "absent": (None, absent),
        "auc": lambda sick, well: type("Auc", (), {"value": 1.0}),
        "contrast": {"FBP": 20.0},
        "fit": lambda loss, pairs: lambda images: images,
        "heads": np.zeros((4, 8, 8), dtype=np.float32),
        "hu_to_mu": lambda hu: hu,
        "judge": lambda sick, well: (sick, well),
        "least_squares": None,
        "lesion_hu": 20.0,
        "n_inserts": 0,
        "n_train": 3,
        "present": (None, absent + 20.0 * spot),
        "project": lambda mu, beam: mu,
        "run": type("Run", (), {"device": "cpu"}),
        "scatter_ellipses": lambda heads, n_inserts, rng: heads,
        "spot": spot,
        "training_pairs": lambda rays, rng: rays,
    }


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("head[:] = head", "Type your answer first."),
        ("head[2, 2] += 20", "contrast left: 100%, AUC: 1.000"),
        ("head[2, 2] += 10", "Not yet: a head has no whole disc."),
        ("heads_hu[0][2, 2] += 20", "Not yet: a head has no whole disc."),
    ],
)
def test_lesions_are_looked_at_before_anything_is_trained(
    lines, said, checks, names, training, capsys
):
    answered = checks[3].replace("head[:] = head", lines, 1)
    assert (answered == checks[3]) == (lines == "head[:] = head")
    exec(answered + "\n" + checks[4], names | training)
    assert capsys.readouterr().out.strip() == said


def test_unanswered_they_ask_for_an_answer(checks, names, training, capsys):
    for source in (*checks[:3], checks[3] + "\n" + checks[4]):
        exec(source, dict(names) if source in checks else names | training)
        assert capsys.readouterr().out.startswith("Type your answer")


def test_no_self_check_shows_the_formula_it_asks_for(checks):
    assert not any("exp(-" in c or "** 2" in c or "sigma_e" in c for c in checks)
