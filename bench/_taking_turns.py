"""Works that are timed side by side, so that what disturbs one disturbs the other."""

import time


def shortest_seconds(works: dict, *, rounds: int) -> dict[str, float]:
    """Shortest wall time of each work, all taking turns."""
    times = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return {name: min(taken) for name, taken in times.items()}
