"""Secure aggregation against Flower's SecAgg+: processor time of one client, side by side.

    python bench/secure_aggregation.py [--parameters 1000000] [--clients 10] [--threshold 7]

Both take the same vectors of floats through a whole round of one client: keys, shares sealed for
all others, quantisation, masks, and shares given back; nobody drops out. Flower's are the four
functions of its client, called as its own wrapper calls them, without its transport; ours go
through `medlib.systems.aggregation` and sign besides. One process, one thread; the two take turns,
the least mean over clients counts. The server's part and the bytes of the wire are not compared,
but the upload is printed. What both sums decode to is compared with the plain sum.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from medlib.systems.aggregation.protocol import aggregate
from medlib.systems.aggregation.quantisation import plan, quantise, sum_of

GOAL = 10.0
CLIP = 8.0  # Flower's default, as are its 2^22 levels below


def ours(vectors: np.ndarray, threshold: int) -> tuple[float, int, np.ndarray]:
    """Processor seconds and bytes up, of a client on average, and the decoded sum."""
    by = plan(clip=CLIP, clients=len(vectors))
    began = time.process_time()
    words = np.stack([quantise(vector, by=by).words for vector in vectors])
    spent = time.process_time() - began
    done = aggregate(words, threshold=threshold, rng=None)
    spent += sum(done.client_cpu_s.values())
    return spent / len(vectors), done.up[1], sum_of(done.sum, by=by)


def flowers(vectors: np.ndarray, threshold: int) -> tuple[float, int, np.ndarray]:
    """The same by Flower; it weighs clients, here equally, and decodes to a mean."""
    from importlib import import_module

    from flwr.common import bytes_to_ndarray, ndarrays_to_parameters
    from flwr.common.secure_aggregation.quantization import dequantize
    from flwr.common.secure_aggregation.secaggplus_constants import Key
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    # by name: the package shows a function in the module's place
    client = import_module("flwr.client.mod.secure_aggregation.secaggplus_mod")
    n, levels, weight, heaviest = len(vectors), 2**22, 1, 1.0
    sent, spent = {}, 0.0
    states = [client.SecAggPlusState(nid=i) for i in range(n)]
    terms = {
        Key.SAMPLE_NUMBER: n,
        Key.SHARE_NUMBER: n,
        Key.THRESHOLD: threshold,
        Key.CLIPPING_RANGE: CLIP,
        Key.TARGET_RANGE: levels,
        Key.MOD_RANGE: 2**32,
        Key.MAX_WEIGHT: heaviest,
    }
    parameters = [ndarrays_to_parameters([vector]) for vector in vectors]
    began = time.process_time()
    keys = [client._setup(state, terms) for state in states]
    roster = {str(i): (one[Key.PUBLIC_KEY_1], one[Key.PUBLIC_KEY_2]) for i, one in enumerate(keys)}
    shares = [client._share_keys(state, dict(roster)) for state in states]
    spent += time.process_time() - began
    letters = {i: ([], []) for i in range(n)}
    for i, one in enumerate(shares):
        for to, letter in zip(one[Key.DESTINATION_LIST], one[Key.CIPHERTEXT_LIST], strict=True):
            letters[to][0].append(i)
            letters[to][1].append(letter)
    began = time.process_time()
    for i, state in enumerate(states):
        post = {Key.SOURCE_LIST: letters[i][0], Key.CIPHERTEXT_LIST: letters[i][1]}
        sent[i] = client._collect_masked_vectors(state, post, weight, parameters[i])
    end = {Key.ACTIVE_NODE_ID_LIST: [*range(n)], Key.DEAD_NODE_ID_LIST: []}
    for state in states:
        client._unmask(state, end)
    spent += time.process_time() - began
    # What its server does, not timed: add up, take off self-masks, decode.
    uploads = [one[Key.MASKED_PARAMETERS] for one in sent.values()]
    shapes = [bytes_to_ndarray(part).shape for part in uploads[0]]
    total = sum(bytes_to_ndarray(upload[1]) for upload in uploads)
    total = total - sum(pseudo_rand_gen(s.rd_seed, 2**32, shapes)[1] for s in states)
    mean = dequantize([total & (2**32 - 1)], CLIP, levels)[0] - (n - 1) * CLIP
    return spent / n, sum(len(part) for part in uploads[0]), mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--threshold", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = wanted.clients, wanted.parameters
    vectors = rng.normal(scale=0.1, size=shape).clip(-CLIP, CLIP).astype(np.float32)
    works = {"medlib.systems": ours, "Flower SecAgg+": flowers}
    times, done = {name: [] for name in works}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Flower warns of names of its own
        for _ in range(wanted.rounds):
            for name, work in works.items():
                done[name] = work(vectors, wanted.threshold)
                times[name].append(done[name][0])
    print(f"{wanted.parameters} parameters, {wanted.clients} clients, threshold {wanted.threshold}")
    fastest = {name: min(taken) for name, taken in times.items()}
    for name, seconds in fastest.items():
        ratio = seconds / fastest["medlib.systems"]
        _, up, total = done[name]
        apart = np.abs(total - vectors.sum(axis=0, dtype=np.float64)).max()
        print(
            f"  {name:15s} {1e3 * seconds:7.2f} CPU ms a client   ratio {ratio:5.2f} x   "
            f"up {up / 1e6:.1f} MB   sum apart {apart:.0e}"
        )
    met = fastest["Flower SecAgg+"] / fastest["medlib.systems"] >= GOAL
    print(f"  goal {GOAL:.1f} x: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
