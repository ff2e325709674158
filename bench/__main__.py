"""`make bench`: every comparison in this folder, one after the other, each in a process of its own.

A comparison is a file with a `main()` that prints ratios against a named peer, measured side by
side in one run. `python -m bench NAME ...` runs the named ones only.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the comparisons; return how many of them failed."""
    found = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem[0] != "_"}
    if unknown := [name for name in names if name not in found]:
        print(f"no comparison {unknown[0]!r}; there are {', '.join(found)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or found:
        print(f"\n== {name}", flush=True)
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        done = subprocess.run([sys.executable, found[name]], env=environment, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
