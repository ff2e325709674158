"""A server on loopback, the ways in which it can answer, and an entry to fetch from it."""

import hashlib
import http.server
from collections.abc import Callable
from dataclasses import dataclass, field

from data_fetch.catalog import Dataset
from data_fetch.download import Transfer

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """`answers[path]` are used up in order; the last one stays."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


def whole(body: bytes) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def truncated(body: bytes, *, sent: int) -> Answer:
    """Promises the whole body, sends its start, hangs up."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:sent])
        handler.close_connection = True

    return answer


def ranged(body: bytes) -> Answer:
    """Honours `Range: bytes=N-`."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            return status(416)(handler)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        handler.wfile.write(body[start:])
        return None

    return answer


def resumable(body: bytes) -> Answer:
    """The whole, or from where it is asked to go on; 416 where there is nothing after that."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        (ranged(body) if handler.headers["Range"] else whole(body))(handler)

    return answer


def misplaced(body: bytes) -> Answer:
    """The whole, or, where a range is asked for, another one than that."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        if not handler.headers["Range"]:
            return whole(body)(handler)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 5-{len(body) - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(body) - 5))
        handler.end_headers()
        handler.wfile.write(body[5:])
        return None

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.end_headers()

    return answer


BODY = bytes(range(256)) * 400
QUICK = Transfer(attempts=3, backoff_s=0.0, timeout_s=5.0, progress=False)


def entry(*urls: str, body: bytes = BODY, **changes: object) -> Dataset:
    fields = {
        "name": "example",
        "title": "An example",
        "source": "network",
        "card": "example.md",
        "call": "nowhere.load",
        "urls": urls,
        "file": "example.bin",
        "sha256": hashlib.sha256(body).hexdigest(),
        "licence": "CC0",
        "cite": "Nobody 2020",
    }
    return Dataset(**(fields | changes))
