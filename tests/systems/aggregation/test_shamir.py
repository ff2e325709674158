"""Any t shares give the secret back; t - 1 fit every secret equally well; the field is a field."""

import itertools
from collections import Counter
from math import gcd, isqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.shamir import PRIME, Share, join, split, weights_at_zero

# Why PRIME is prime. Each row (n, a, b, x, y, q): on y² = x³ + ax + b modulo n the point (x, y) is
# taken to zero by q, which is prime by the next row and larger than (n^¼ + 1)². Modulo a factor
# p <= √n of n the point would have order q too, and no curve modulo p has so many points, by Hasse.
# So n has no such factor. Goldwasser and Kilian 1999, doi:10.1145/320211.320213; found after Atkin
# and Morain 1993, doi:10.1090/S0025-5718-1993-1199989-X, with curves of class number one.
CERTIFICATE = [
    (
        115792089237316195423570985008687907853269984665640564039457584007913129640233,
        64342986757731946678409911571587627921339759790163825970938532352953034249859,
        103272500562454909748384807489641150336417756769085787205248121921709205133208,
        76789875438516448741078233670813995947620727609377850432077786029874180009205,
        87299723402321035199044190963007086669928438078432804474711295582757243265858,
        428231280612069529291071780094593324494630276179893429705353,
    ),
    (
        428231280612069529291071780094593324494630276179893429705353,
        412546836579899642838342817521514460072612834994023320934299,
        321122248900180516056269453834092069501303208073861429022086,
        282779667456994769795602834966221314538602900876899944574163,
        308400636793343850643799153471060581424196154053035244261447,
        155305152365982738214533060146942289596348354476201,
    ),
    (
        155305152365982738214533060146942289596348354476201,
        12116264118304538441973121375050842729778970823743,
        0,
        131304640234892762235850541186309977758859500248690,
        124531438597518155464368121288716880012538462656075,
        168929718439447701387027992663985350533,
    ),
    (
        168929718439447701387027992663985350533,
        0,
        41300065546265579048461954850709640265,
        86040365308226765686187092055545314512,
        103943103286288103045743634439285483192,
        6681606974369306535721241521,
    ),
    (
        6681606974369306535721241521,
        0,
        2166702422438079442666000864,
        2354161017208672225120550408,
        2116411902913915168821896986,
        307991795115318283,
    ),
    (
        307991795115318283,
        0,
        304157648313333640,
        271062021496930517,
        176413508522794570,
        23168728123,
    ),
]


def add(one, two, *, a, n):
    """Of two points; an inverse that does not exist raises, and n would have a factor."""
    if one is None or two is None:
        return one or two
    (x, y), (u, v) = one, two
    if x == u and (y + v) % n == 0:
        return None
    slope = (3 * x * x + a) * pow(2 * y, -1, n) if one == two else (v - y) * pow(u - x, -1, n)
    w = (slope * slope - x - u) % n
    return w, (slope * (x - w) - y) % n


def times(k, point, *, a, n):
    total = None
    while k:
        if k & 1:
            total = add(total, point, a=a, n=n)
        point, k = add(point, point, a=a, n=n), k >> 1
    return total


def proves(row):
    n, a, b, x, y, q = row
    return (
        gcd(6, n) == 1
        and gcd(4 * a**3 + 27 * b**2, n) == 1
        and (y * y - x**3 - a * x - b) % n == 0
        and q > (isqrt(isqrt(n)) + 2) ** 2
        and times(q, (x, y), a=a, n=n) is None
    )


def test_the_field_is_a_field():
    numbers = [PRIME] + [row[-1] for row in CERTIFICATE]
    for number, row in zip(numbers, CERTIFICATE, strict=False):
        assert row[0] == number
        assert proves(row)
    last = numbers[-1]
    assert all(last % d for d in range(2, isqrt(last) + 1))


def test_the_proof_does_not_hold_for_another_number():
    n, a, b, x, y, q = CERTIFICATE[0]
    assert not proves((n, a, b, x, y, q + 2))
    assert not proves((n, a, b, x, (y + 1) % n, q))


def test_it_is_the_least_prime_that_holds_all_32_bytes():
    for number in range(2**256, PRIME):
        by_a_small_one = any(number % d == 0 for d in range(2, 1000))
        assert by_a_small_one or pow(3, number - 1, number) != 1  # after Fermat


secrets_of_32_bytes = st.binary(min_size=32, max_size=32).map(lambda b: int.from_bytes(b, "little"))


@st.composite
def splits(draw):
    holders = draw(st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=9, unique=True))
    threshold = draw(st.integers(1, len(holders)))
    kept = draw(st.permutations(holders))[: draw(st.integers(threshold, len(holders)))]
    return holders, threshold, kept


@settings(max_examples=60)
@given(secrets_of_32_bytes | st.sampled_from([0, 2**256 - 1, PRIME - 1]), splits(), st.randoms())
def test_any_t_give_the_secret_back(secret, how, random):
    holders, threshold, kept = how
    shares = split(secret, threshold=threshold, holders=holders, draw=random.randbytes)
    by_holder = {share.holder: share for share in shares}
    found = join([by_holder[h] for h in kept], threshold=threshold, holders=holders)
    assert found == secret


class Spelt:
    """A source that gives the coefficients one wants."""

    def __init__(self, numbers):
        self.numbers = iter(numbers)

    def __call__(self, n_bytes):
        return next(self.numbers).to_bytes(n_bytes, "little")


@pytest.mark.parametrize(("prime", "threshold"), [(5, 2), (7, 2), (5, 3), (7, 3)])
def test_fewer_than_t_shares_say_nothing(prime, threshold):
    """By exhaustion: whatever t - 1 holders see, they see it equally often for every secret."""
    holders = [1, 2, 3, 4]
    for group in itertools.combinations(range(4), threshold - 1):
        seen = {secret: Counter() for secret in range(prime)}
        for secret in range(prime):
            for drawn in itertools.product(range(prime), repeat=threshold - 1):
                shares = split(
                    secret, threshold=threshold, holders=holders, draw=Spelt(drawn), prime=prime
                )
                seen[secret][tuple(shares[i].value for i in group)] += 1
        assert all(counts == seen[0] for counts in seen.values())
        assert len(seen[0]) == prime ** (threshold - 1)


def test_t_shares_say_all():
    """The control of the test above: with one more share, each view belongs to one secret."""
    views = {}
    for secret, a in itertools.product(range(7), range(7)):
        shares = split(secret, threshold=2, holders=[1, 2, 3], draw=Spelt([a]), prime=7)
        views.setdefault((shares[0].value, shares[2].value), set()).add(secret)
    assert len(views) == 49
    assert all(len(secrets) == 1 for secrets in views.values())


def test_coefficients_too_large_are_drawn_again_not_wrapped():
    drawn = Spelt([7, 6, 5, 3])  # the first three are no numbers of this field
    share, _ = split(1, threshold=2, holders=[1, 2], draw=drawn, prime=5)
    assert share.value == 4


@settings(max_examples=20)
@given(splits(), st.integers(1, PRIME - 1), st.randoms())
def test_a_wrong_share_changes_the_result_and_nothing_notices(how, error, random):
    holders, threshold, kept = how
    shares = [
        share
        for share in split(9, threshold=threshold, holders=holders, draw=random.randbytes)
        if share.holder in kept[:threshold]
    ]
    shares[0] = Share(shares[0].holder, (shares[0].value + error) % PRIME)
    assert join(shares, threshold=threshold, holders=holders) != 9


@given(st.lists(st.integers(1, 96), min_size=1, max_size=8, unique=True))
def test_the_weights_read_every_polynomial_of_their_degree_at_zero(holders):
    weights = weights_at_zero(holders, prime=97)
    for power in range(len(holders)):
        at_zero = sum(w * h**power for w, h in zip(weights, holders, strict=True)) % 97
        assert at_zero == (1 if power == 0 else 0)


def test_what_is_wrong_is_refused(seeded):
    give = {"threshold": 2, "holders": [1, 2, 3]}
    one, two, three = split(5, draw=seeded, **give)
    assert join([three, one], **give) == 5
    with pytest.raises(ValueError, match="1 shares; 2 are needed"):
        join([one], **give)
    with pytest.raises(ValueError, match="two shares of holder 2"):
        join([two, one, two], **give)
    with pytest.raises(ValueError, match="no share was given to 4"):
        join([one, Share(4, 0)], **give)
    with pytest.raises(ValueError, match="the share of 1 lies outside"):
        join([two, Share(1, PRIME)], **give)
    with pytest.raises(ValueError, match="secret lies outside"):
        split(PRIME, draw=seeded, **give)
    for threshold in (0, 4):
        with pytest.raises(ValueError, match=f"threshold is {threshold}"):
            split(5, threshold=threshold, holders=[1, 2, 3], draw=seeded)
    for holders in ([1, 1], [0, 1]):
        with pytest.raises(ValueError, match="holders are"):
            split(5, threshold=1, holders=holders, draw=seeded)


def test_shares_do_not_show_their_values():
    assert "12345" not in repr(Share(1, 12345))
