"""Fork workers that need import nothing any more: ``python -m press.run.nursery SOCKET``.

The nursery imports, once, what the chapters import, and nothing of the project's own; what those
packages do the first time that they are used, it has done. Each order that comes through the socket
is answered with a forked worker, which forks its kernel before it does anything else. Only for
quick runs and tests: the book's own runs have clean kernels.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
import threading
from typing import Any

from press.run.forked_kernel import ForkedKernel, leave

# what most of a cold start is spent on; whatever is missing here is imported by the run itself
THIRD_PARTY = (
    "PIL.Image",
    "ipykernel.debugger",  # each kernel imports it, and with it 150 modules
    "ipykernel.kernelapp",
    "ipykernel.kernelspec",
    "ipywidgets",
    "jaxtyping",
    "matplotlib.figure",
    "monai",
    "nbclient",
    "nibabel",
    "papermill",
    "pooch",
    "pydantic.fields",
    "pydantic.functional_validators",
    "pydantic.type_adapter",
    "pydicom",
    "scipy.stats",
    "skimage.color.colorconv",  # skimage looks for its modules when they are used
    "skimage.metrics.simple_metrics",
    "skimage.transform._warps",
    "sklearn.ensemble",
    "sklearn.isotonic",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "torch",
    "torch._dynamo",  # the first optimizer imports it
    "tqdm",
)
OWN = ("medlib", "data_fetch", "chapters")
MOST_BYTES = 1 << 20


def main() -> int:
    """Serve orders until the other end of the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started the nursery ends it
    door = socket.socket(fileno=int(sys.argv[1]))
    prepare()
    door.sendall(b"+")
    children: dict[int, tuple[int, int]] = {}  # by pidfd: the process, and who waits for its end
    while True:
        ready, _, _ = select.select([door, *children], [], [])
        for handle in ready:
            if handle is door:
                message, handles, _, _ = socket.recv_fds(door, MOST_BYTES, 4)
                if not message:
                    return 0
                stdin, stdout, log, ending = handles
                if (process := os.fork()) == 0:
                    door.close()
                    live(json.loads(message), stdin=stdin, stdout=stdout, log=log, close=children)
                for theirs in (stdin, stdout, log):
                    os.close(theirs)
                os.write(ending, f"{process}\n".encode())
                children[os.pidfd_open(process)] = process, ending
            else:
                process, ending = children.pop(handle)
                _, status, used = os.wait4(process, 0)
                os.close(handle)
                with contextlib.suppress(BrokenPipeError):
                    told = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
                    os.write(ending, "{} {:.3f}\n".format(*told).encode())
                os.close(ending)


def prepare() -> None:
    """Import the packages; nothing that is the project's own, and no second thread.

    Raises:
        RuntimeError: something was imported or started that a fork must not inherit.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in THIRD_PARTY:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        do_once()
    if own := sorted(name for name in sys.modules if name.partition(".")[0] in OWN):
        raise RuntimeError(f"the nursery imported {own[0]}, which each run must read for itself")
    if threading.active_count() > 1 or len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a package started a thread, which a fork would lose")
    gc.collect()
    gc.freeze()


def do_once() -> None:
    """What each worker and each kernel would do again the first time that they need it.

    The schema of notebooks is compiled, readers of picture formats are looked up, fonts are found
    and the parser of formulas is built.
    """
    import nbformat
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    nbformat.validate(nbformat.v4.new_notebook())
    Image.init()
    figure = Figure(figsize=(1, 1))
    figure.subplots().set_title("$x$")
    FigureCanvasAgg(figure).print_png(io.BytesIO())


def live(
    order: dict[str, Any], *, stdin: int, stdout: int, log: int, close: dict[int, tuple[int, int]]
) -> None:
    """Be the worker that `order` asks for; never returns."""
    code = 1
    try:
        for handle, (_, ending) in close.items():
            os.close(handle)
            os.close(ending)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for source, target in ((stdin, 0), (stdout, 1), (log, 2)):
            os.dup2(source, target)
            os.close(source)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        kernel = ForkedKernel()
        from press.run import worker

        code = worker.main(kernel)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


if __name__ == "__main__":
    sys.exit(main())
