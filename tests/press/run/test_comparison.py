"""One difference for one cause, under each policy; alignment by name and by content."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment.record import Claim, DataUse, Figure, Result, Table
from press.results.accepted import Accepted, MadeWith
from press.run.alignment import text_changes
from press.run.comparison import (
    BITS,
    EXACT,
    Difference,
    compare,
    compare_cells,
    compare_digests,
    compare_mappings,
    compare_named,
    tolerant,
)
from press.run.spread import Spread

TOLERANT = tolerant(lambda was, now: Difference("figure", f"{now.name}: other pixels"))
CELLS = [f"import numpy as np\nx{n} = np.arange({n})\nprint(x{n})" for n in range(20)]


class Held:
    """As much of a record as is compared."""

    def __init__(self, **parts):
        self.parameters = {"seed": 0, "dose": 0.5}
        self.data = [use("ct", "0"), use("mr", "1"), use("us", "2")]
        self.results = [
            Result(name=f"r{n}", value=n + 0.5, unit="dB", low=n, high=n + 1, n=9, atol=0.01)
            for n in range(4)
        ]
        self.claims = [
            Claim(text=text, holds=True, margin=margin, unit="dB")
            for text, margin in [
                ("the network beats every filter", 1.0),
                ("blur costs contrast at low dose", 2.0),
                ("nothing is found where nothing is", 3.0),
            ]
        ]
        rows = [{"dose": d, "psnr": 30.0 + d} for d in range(4)]
        self.tables = [Table(name=f"t{n}", caption="", rows=[{"n": n}, *rows]) for n in range(3)]
        self.sentences = [f"The {word} gains {n}.0 dB." for n, word in enumerate(WORDS)]
        self.figures = [figure(f"f{n}", str(n)) for n in range(3)]
        vars(self).update(parts)


WORDS = ("first network over the filter", "second one, however, of all", "third")


def use(name, digit, kind="real"):
    return DataUse(name=name, kind=kind, sha256=digit * 64)


def figure(name, digit, **update):
    about = {"alt": ["Black left of white."], "caption": "Grey rises.", "data": "simulated"}
    about |= {"kind": "static", "files": [f"{name}.png"], "pixels_sha256": [digit * 64]}
    return Figure(name=name, **(about | update))


HELD = Held()


def put(field, place, item):
    return {field: [*getattr(HELD, field)[:place], item, *getattr(HELD, field)[place:]]}


def drop(field, place):
    return {field: getattr(HELD, field)[:place] + getattr(HELD, field)[place + 1 :]}


def edit(field, place, **update):
    items = list(getattr(HELD, field))
    items[place] = items[place].model_copy(update=update)
    return {field: items}


def rows(change):
    return edit("tables", 1, rows=change(HELD.tables[1].rows))


EXTRA = Claim(text="sharpness is not what doctors see", holds=True, margin=0.5)
PLANTED = {
    "parameter": ({"parameters": {"seed": 0, "dose": 0.6}}, "parameter: dose was 0.5, is 0.6"),
    "parameter's type": (
        {"parameters": {"seed": 0.0, "dose": 0.5}},
        "parameter: seed was 0, is 0.0",
    ),
    "parameter new": (
        {"parameters": {"seed": 0, "n": 1, "dose": 0.5}},
        "parameter: n is new",
    ),
    "parameter gone": ({"parameters": {"seed": 0}}, "parameter: dose is gone, was 0.5"),
    "data new": (put("data", 0, use("xr", "3")), "data: xr is new"),
    "data gone": (drop("data", 0), "data: ct is no longer read"),
    "data renamed": (edit("data", 1, name="mri"), "data: mr is now called mri"),
    "data changed": (
        edit("data", 1, sha256="9" * 64),
        "data: mr was sha256 111111111111..., is 999999999999...",
    ),
    "data of another kind": (
        edit("data", 1, kind="simulated"),
        "data: mr: its kind was 'real', is 'simulated'",
    ),
    "result new": (put("results", 0, Result(name="gain", value=9)), "result: gain is new"),
    "result gone": (drop("results", 0), "result: r0 is no longer measured"),
    "result renamed": (edit("results", 2, name="psnr"), "result: r2 is now called psnr"),
    "result moved": (edit("results", 1, value=1.6), "result: r1 was 1.5"),
    "result and its interval": (
        edit("results", 1, value=1.6, low=1.1, high=1.9),
        "result: r1 was 1.5",
    ),
    "interval gone": (edit("results", 1, low=None, high=None), "result: r1: its "),
    "lower end": (edit("results", 1, low=0.9), "result: r1: its lower end was 1"),
    "upper end": (edit("results", 1, high=2.1), "result: r1: its upper end was 2"),
    "unit": (edit("results", 1, unit="HU"), "result: r1: its unit was 'dB', is 'HU'"),
    "n": (edit("results", 1, n=8), "result: r1: its n was 9, is 8"),
    "level": (edit("results", 1, level=0.9), "result: r1: its level was 0.95, is 0.9"),
    "tolerance": (edit("results", 1, atol=1.0), "result: r1: its atol was 0.01, is 1.0"),
    "claim new": (put("claims", 0, EXTRA), "claim: 'sharpness is not what doctors see' is new"),
    "claim gone": (drop("claims", 0), "claim: 'the network beats every filter' is no longer made"),
    "claim reworded": (
        edit("claims", 0, text="the network beats every linear filter", margin=1.5),
        "claim: 'the network beats every filter' is now called 'the network beats every linear fil",
    ),
    "control": (
        edit("claims", 2, control=True),
        "claim: 'nothing is found where nothing is': its control was False, is True",
    ),
    "table new": (put("tables", 0, Table(name="t9", caption="", rows=[{"n": 9}])), "t9 is new"),
    "table gone": (drop("tables", 0), "table: t0 is no longer printed"),
    "table renamed": (edit("tables", 1, name="doses"), "table: t1 is now called doses"),
    "cell of a table": (
        rows(lambda all_: [*all_[:2], {"dose": 1, "psnr": 31.5}, *all_[3:]]),
        "table: t1: row 3, column 'psnr' was 31.0, is 31.5",
    ),
    "row new": (rows(lambda all_: [{"n": 7}, *all_]), "table: t1: row 1 is new"),
    "row gone": (rows(lambda all_: all_[1:]), "table: t1: row 1 is gone"),
    "sentence new": (
        {"sentences": ["Something else altogether.", *HELD.sentences]},
        "sentence: 'Something else altogether.' was not said",
    ),
    "sentence gone": (drop("sentences", 0), "gains 0.0 dB.' is no longer said"),
    "sentence changed": (
        {"sentences": [HELD.sentences[0], "Altered.", HELD.sentences[2]]},
        "sentence: was 'The second one, however, of all gains 1.0 dB.', is 'Altered.'",
    ),
    "sentences swapped": (
        {"sentences": [HELD.sentences[1], HELD.sentences[0], HELD.sentences[2]]},
        "is said at another place",
    ),
    "figure new": (put("figures", 0, figure("f9", "9")), "figure: f9 is new"),
    "figure gone": (drop("figures", 0), "figure: f0 is no longer drawn"),
    "figure renamed": (edit("figures", 1, name="ramp"), "figure: f1 is now called ramp"),
    "pixels": (edit("figures", 1, pixels_sha256=["9" * 64]), "figure: f1: "),
    "frames": (
        edit("figures", 1, pixels_sha256=["1" * 64, "2" * 64]),
        "figure: f1 had 1 frames, has 2",
    ),
    "alt": (edit("figures", 1, alt=["Another."]), "figure: f1: its alt text differs"),
    "caption": (edit("figures", 1, caption="Another."), "figure: f1: its caption differs"),
    "picture of other data": (
        edit("figures", 1, data="real"),
        "figure: f1: its data was 'simulated', is 'real'",
    ),
}


@pytest.mark.parametrize("policy", [EXACT, BITS, TOLERANT], ids=["exact", "bits", "tolerant"])
@pytest.mark.parametrize("name", PLANTED)
def test_one_change_is_one_difference(name, policy):
    change, expected = PLANTED[name]
    (found,) = compare(HELD, Held(**change), policy)
    assert expected in str(found)


@pytest.mark.parametrize("policy", [EXACT, BITS, TOLERANT])
def test_what_is_equal_does_not_differ(policy):
    assert list(compare(HELD, Held(), policy)) == []


def test_causes_come_first():
    changes = [PLANTED[name][0] for name in ("pixels", "sentence new", "lower end", "data new")]
    now = Held(**dict(itertools.chain.from_iterable(change.items() for change in changes)))
    assert [found.kind for found in compare(HELD, now, BITS)] == [
        "data",
        "result",
        "sentence",
        "figure",
    ]


def test_what_was_kept_of_a_record_is_compared_with_the_whole_of_it():
    claims = [claim.model_dump(exclude={"holds", "falsified_by"}) for claim in HELD.claims]
    made = MadeWith(python="3", platform="x", device="cpu", wall_s=1, cpu_s=1, peak_memory_mib=1)
    kept = Accepted(
        chapter="a/b", title="t", seed=0, parameters=HELD.parameters, made_with=made, claims=claims
    )
    now = Held(data=[], results=[], figures=[])
    assert list(compare(kept, now, TOLERANT)) == []
    (found,) = compare(kept, Held(data=[], results=[], figures=[], claims=HELD.claims[1:]), BITS)
    assert "is no longer made" in found.message


# -- policies --------------------------------------------------------------------------------------

numbers = st.floats(-1e6, 1e6)


@given(was=numbers, now=numbers, atol=st.floats(0, 1e3), rtol=st.floats(0, 0.1))
def test_a_result_drifts_exactly_beyond_its_tolerance(was, now, atol, rtol):
    before = [Result(name="x", value=was, atol=atol, rtol=rtol)]
    after = [Result(name="x", value=now, atol=atol, rtol=rtol)]
    found = list(compare_named("result", before, after, TOLERANT))
    assert (found == []) == (abs(now - was) <= atol + rtol * abs(was))


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("atol", "rtol"), [(1.0, 0.0), (0.0, 0.1), (0.5, 0.05)])
def test_an_end_of_an_interval_may_move_as_far_as_the_value_and_no_further(end, sign, atol, rtol):
    was = Result(name="x", value=10.0, low=2.0, high=100.0, atol=atol, rtol=rtol)
    assert was.tolerance == 1.0  # not .7, 6 or 10, which the ends' own sizes would give
    for step, count in ((0.99, 0), (1.01, 1)):
        now = was.model_copy(update={end: getattr(was, end) + sign * step})
        found = list(compare_named("result", [was], [now], TOLERANT))
        assert len(found) == count
        assert all("; tolerance 1" in item.message for item in found)


def test_the_message_says_which_was_is_and_tolerance():
    was = Result(name="psnr", value=41.9, unit="dB", atol=0.3, rtol=0)
    now = Result(name="psnr", value=41.5, unit="dB", atol=0.3, rtol=0)
    (found,) = compare_named("result", [was], [now], TOLERANT)
    assert found.message == "psnr was 41.9 dB, is 41.5 dB; tolerance 0.3 dB"


def test_not_a_number_agrees_with_itself_alone():
    was = Result(name="x", value=1.0, atol=9.0)
    nan = was.model_copy(update={"value": math.nan})
    for policy in (BITS, EXACT, TOLERANT):
        assert list(compare_named("result", [was], [nan], policy))
        assert not list(compare_named("result", [nan], [nan.model_copy()], policy))


def test_bits_tell_zeros_apart_and_values_do_not():
    was, now = (Result(name="x", value=zero) for zero in (0.0, -0.0))
    (found,) = compare_named("result", [was], [now], BITS)
    assert found.message == "x was 0.0, is -0.0"
    assert not list(compare_named("result", [was], [now], EXACT))


def test_a_claims_margin_may_move_only_where_tolerance_is_asked_for():
    now = Held(**edit("claims", 0, margin=1.5))
    assert [len(list(compare(HELD, now, p))) for p in (BITS, EXACT, TOLERANT)] == [1, 1, 0]


def test_pictures_are_looked_at_only_where_nothing_else_differs():
    again = {"pixels_sha256": ["9" * 64]}
    (found,) = compare(HELD, Held(**edit("figures", 1, **again)), TOLERANT)
    assert found.message == "f1: other pixels"
    (found,) = compare(HELD, Held(**edit("figures", 1, data="real", **again)), TOLERANT)
    assert "its data was" in found.message


def test_a_digest_is_noted_only_where_the_policy_says_so_and_nothing_else_differs():
    lenient = tolerant(lambda was, now: Difference("figure", ""), redrawn=lambda was, now: True)
    digest = Held(**edit("data", 1, sha256="9" * 64))
    kind = Held(**edit("data", 1, sha256="9" * 64, kind="simulated"))
    told = {
        name: [d.severity for d in compare(HELD, now, lenient)]
        for name, now in (("digest", digest), ("kind", kind))
    }
    assert told == {"digest": ["note"], "kind": ["error"]}
    assert [d.severity for d in compare(HELD, digest, TOLERANT)] == ["error"]


# -- spread over seeds -----------------------------------------------------------------------------

# Two draws of ten with a standard deviation of .01 are .046 apart at most, 99 times of 100; the
# upper end of the interval scatters more.
OVER_SEEDS = {"r1": Spread(10, 1.5, {"value": 0.01, "low": 0.01, "high": 0.1})}


def judged(now, *, over_seeds=OVER_SEEDS, another_draw=False):
    policy = tolerant(
        lambda was, now: Difference("figure", ""), spreads=over_seeds, another_draw=another_draw
    )
    return [(d.severity, d.message) for d in compare(HELD, now, policy)]


@pytest.mark.parametrize(("value", "wrong"), [(1.5049, 0), (1.5051, 1), (1.495, 0), (1.4949, 1)])
def test_no_tolerance_is_wider_than_half_the_spread_over_seeds(value, wrong):
    found = judged(Held(**edit("results", 1, value=value)))
    assert [severity for severity, _ in found] == ["error"] * wrong
    assert all(message.endswith("; tolerance 0.005 dB") for _, message in found)


def test_a_tolerance_that_is_narrower_stays():
    wide = {"r1": Spread(10, 1.5, {"value": 0.5})}
    ((severity, message),) = judged(Held(**edit("results", 1, value=1.52)), over_seeds=wide)
    assert (severity, message.split("; ")[1]) == ("error", "tolerance 0.01 dB")


@pytest.mark.parametrize(
    ("changes", "severities"),
    [
        ({"value": 1.545}, ["note"]),
        ({"value": 1.547}, ["error"]),
        ({"low": 1.045}, ["note"]),
        ({"low": 1.047}, ["error"]),
        ({"high": 2.4}, ["note"]),
        ({"high": 2.5}, ["error"]),
        ({"value": 1.545, "high": 2.5}, ["error"]),
        ({"value": 1.545, "n": 8}, ["error"]),
        ({"value": 1.545, "low": None, "high": None}, ["error"]),
        ({"value": math.nan}, ["error"]),
        ({"value": 1.5}, []),
    ],
)
def test_another_draw_is_noted_as_far_as_two_seeds_are_apart(changes, severities):
    now = Held(**edit("results", 1, **changes))
    found = judged(now, another_draw=True)
    assert [severity for severity, _ in found] == severities
    told = {
        severity == "note": "another draw may be as far off" in text for severity, text in found
    }
    assert all(noted == said for noted, said in told.items())
    assert [severity for severity, _ in judged(now)] == ["error"] * len(severities)


@pytest.mark.parametrize(
    ("changes", "severities"),
    [
        ({"value": 0.9375, "low": 0.698, "high": 0.998}, ["note"]),
        ({"value": 0.875}, ["error"]),
        ({"value": 0.95}, ["error"]),
        ({"value": 0.9375, "low": 0.66}, ["error"]),
    ],
)
def test_a_share_that_all_seeds_agree_on_may_move_by_one_of_its_things(changes, severities):
    share = Result(name="found", value=1.0, low=0.794, high=1.0, n=16, atol=0.01)
    policy = tolerant(
        lambda was, now: Difference("figure", ""),
        spreads={"found": Spread(10, 1.0, {"value": 0.0})},
        another_draw=True,
    )
    again = share.model_copy(update=changes)
    found = compare_named("result", [share], [again], policy)
    assert [each.severity for each in found] == severities


@pytest.mark.parametrize(
    "over_seeds", [{}, {"r1": Spread(10, 1.5, {"value": 1e-9})}, {"r1": Spread(1, 1.5, {})}]
)
def test_without_a_spread_another_draw_keeps_the_stated_tolerance(over_seeds):
    for value, severities in ((1.509, []), (1.511, ["error"])):
        now = Held(**edit("results", 1, value=value))
        found = judged(now, over_seeds=over_seeds, another_draw=True)
        assert [severity for severity, _ in found] == severities


@pytest.mark.parametrize(
    ("was", "now"), [(1, 1.0), (1, True), ([1], [True]), ("1", 1), (None, False)]
)
def test_another_type_is_another_parameter(was, now):
    (found,) = compare_mappings("parameter", {"x": was}, {"x": now}, EXACT)
    assert found.message == f"x was {was!r}, is {now!r}"


def test_files_are_compared_by_their_digests():
    was = {"a.py": "1", "b.py": "2", "c.py": "3", "d.py": "4"}
    found = compare_digests("code", was, {"a.py": "1", "b.py": "9", "d.py": "", "e.py": "5"})
    assert [d.message for d in found] == ["b.py changed", "c.py is gone", "d.py cannot be read"]


# -- cells -----------------------------------------------------------------------------------------


def told(now):
    return [str(found) for found in compare_cells(CELLS, now)]


def test_a_cell_put_in_anywhere_is_one_difference():
    for place in range(len(CELLS) + 1):
        now = [*CELLS[:place], "import os\nos.getcwd()", *CELLS[place:]]
        assert told(now) == [f"code: code cell {place + 1} is new: first line `import os`"]


def test_a_copy_of_a_cell_is_one_difference():
    for place in range(len(CELLS)):
        (line,) = told([*CELLS[:place], CELLS[3], *CELLS[place:]])
        assert "is new: first line `import numpy as np`" in line


def test_a_cell_taken_out_anywhere_is_one_difference():
    for place in range(len(CELLS)):
        (line,) = told([*CELLS[:place], *CELLS[place + 1 :]])
        assert f"code cell {place + 1} is gone: its first line was `import numpy as np`" in line


def test_a_cell_changed_anywhere_is_one_difference():
    for place in range(len(CELLS)):
        for text in (CELLS[place].replace("arange", "zeros"), "altogether = different"):
            (line,) = told([*CELLS[:place], text, *CELLS[place + 1 :]])
            assert line.startswith(f"code: code cell {place + 1} changed, from its line ")


def test_a_cell_put_in_before_one_that_changed_makes_two():
    changed = CELLS[4].replace("print(x4)", "print(x4 + 1)")
    assert told([*CELLS[:4], "import os", changed, *CELLS[5:]]) == [
        "code: code cell 5 is new: first line `import os`",
        "code: code cell 6 changed, from its line 3: was `print(x4)`, is `print(x4 + 1)`",
    ]


def test_a_cell_that_was_moved_is_one_difference():
    now = [*CELLS[:3], *CELLS[4:10], CELLS[3], *CELLS[10:]]
    assert told(now) == ["code: code cell 4 is now code cell 10: `import numpy as np`"]


def test_a_cell_that_was_split_or_joined_is_one_difference():
    first, rest = CELLS[5].split("\n", 1)
    now = [*CELLS[:5], first, rest, *CELLS[6:]]
    assert told(now) == ["code: the code of cell 6 is now divided into cells 6 to 7"]
    (found,) = compare_cells(now, CELLS)
    assert found.message == "the code of cells 6 to 7 is now divided into cell 6"


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_changes_account_for_every_text(was, now):
    changes = text_changes(was, now)
    assert (changes == []) == (was == now)
    removed = {place for change in changes for place in change.was}
    added = {place for change in changes for place in change.now}
    assert [t for i, t in enumerate(was) if i not in removed] == [
        t for i, t in enumerate(now) if i not in added
    ]
