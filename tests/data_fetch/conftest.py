"""A real HTTP server on loopback whose answers a test decides one by one."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.data_fetch.loopback import Server, status


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.requests.append((self.path, dict(self.headers)))
            queue = made.answers.get(self.path, [status(404)])
            (queue.pop(0) if len(queue) > 1 else queue[0])(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        made.address = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        listening.shutdown()
        thread.join()
