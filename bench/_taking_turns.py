"""Works that are timed side by side, so that what disturbs one disturbs the other."""

import time


def shortest_seconds(works: dict, *, rounds: int, clock=time.perf_counter) -> dict[str, float]:
    """Shortest time of each work, all taking turns.

    It is wall time. Of works that run in this thread alone, `time.process_time` says the same on a
    quiet machine, and still says it on a busy one.
    """
    times = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = clock()
            work()
            times[name].append(clock() - start)
    return {name: min(taken) for name, taken in times.items()}
