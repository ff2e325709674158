"""A door for looking: a viewer's own files, and behind it an archive that is read and not written.

A viewer runs in a browser, and a browser asks only whom its page came from, unless the archive says
otherwise; so the archive's password would have to be in the page. Here one listener on loopback
serves both: the files of a viewer that you fetched yourself (it is not part of this book), its
settings, and the three questions of DICOMweb. The password stays on this side.

    python -m medlib.systems.clinic.viewer_door OHIF_DIST FOLDER_OF_DICOM_FILES
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import http.client
import json
import mimetypes
import re
import secrets
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydicom import dcmread

from medlib.systems.clinic.dicom_server import DicomServer, dicom_server
from medlib.systems.clinic.server_or_files import archive_of

__all__ = ["ViewerDoor", "viewer_config", "viewer_door"]

_COOKIE = "__Host-viewer"
_READS = re.compile(r"/dicom-web/(studies|series|instances)(/(?!\.+(/|$))[A-Za-z0-9.,_-]+)*/?")
_HEADERS = {
    # nothing of a patient can leave by a script that the viewer brings: it may ask nobody else
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'"
    " blob: data:; frame-ancestors 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class ViewerDoor:
    """A door that is open.

    Attributes:
        address: to be opened in a browser; whoever has it may look.
        authority: PEM file of who signed its certificate, for the browser.
        port: at which it listens on 127.0.0.1.
    """

    address: str
    authority: Path
    port: int


def viewer_config(*, name: str = "Archive of this run") -> str:
    """The file `app-config.js` of OHIF: one source, the archive behind the same door, to be read.

    Example:
        >>> viewer_config().splitlines()[0]
        'window.config = {'

    Source: OHIF 3.13, its `dataSources` of the kind `dicomweb`.
    """
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "archive",
        "configuration": {
            "friendlyName": name,
            "name": "archive",
            "wadoUriRoot": "/dicom-web",
            "qidoRoot": "/dicom-web",
            "wadoRoot": "/dicom-web",
            "qidoSupportsIncludeField": False,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "supportsFuzzyMatching": False,
            "supportsWildcard": True,
            "staticWado": True,
            "singlepart": "bulkdata,video",
            "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
            "omitQuotationForMultipartRequest": False,
        },
    }
    settings = {
        "routerBasename": None,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": True,
        "showCPUFallbackMessage": True,
        "strictZSpacingForVolumeViewport": True,
        "defaultDataSourceName": "archive",
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(settings, indent=2)};\n"


@contextlib.contextmanager
def viewer_door(server: DicomServer, *, viewer: Path) -> Iterator[ViewerDoor]:
    """Open a door to an archive; close it at the end of the block.

    It listens on 127.0.0.1 with the archive's own certificate, TLS 1.3. Who comes in by the address
    gets a cookie; without it nothing is given. Only GET and HEAD, and of the archive only what asks
    for studies, series and instances.

    Args:
        server: the archive, running.
        viewer: folder with the viewer's `index.html`.

    Raises:
        ValueError: there is none.
    """
    if not (viewer / "index.html").is_file():
        raise ValueError(f"{viewer} has no index.html; it is the folder `dist` of a built viewer")
    token = secrets.token_urlsafe(24)
    listener = _Listener(("127.0.0.1", 0), _handler(server, viewer.resolve(), token))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    own = server.authority.parent
    context.load_cert_chain(own / "server.pem", own / "server.key")
    # the handshake is made by the thread of each guest, so that a slow one keeps nobody out
    listener.socket = context.wrap_socket(
        listener.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    port = listener.server_address[1]
    try:
        yield ViewerDoor(f"https://127.0.0.1:{port}/enter/{token}", server.authority, port)
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: browsers hang up on a certificate that they do not know yet."""


def _handler(server: DicomServer, viewer: Path, token: str) -> type[BaseHTTPRequestHandler]:
    config = viewer_config().encode()
    archive = urlsplit(server.rest_url)
    trusted = ssl.create_default_context(cafile=server.authority)
    password = b64encode(f"{server.user}:{server.password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if self.headers.get("Host", "").partition(":")[0] not in ("127.0.0.1", "localhost"):
                return self._say(403, b"another name\n")
            if hmac.compare_digest(path.encode(), f"/enter/{token}".encode()):
                let_in = f"{_COOKIE}={token}; Secure; HttpOnly; SameSite=Strict; Path=/"
                return self._say(303, b"", {"Set-Cookie": let_in, "Location": "/"})
            if not self._was_let_in():
                return self._say(403, b"come in by the address that was printed\n")
            if path.startswith("/dicom-web"):
                return self._ask(path) if _READS.fullmatch(path) else self._say(404, b"not here\n")
            if path == "/app-config.js":
                return self._say(200, config, {"Content-Type": "text/javascript"})
            return self._give(viewer / path.lstrip("/"))

        do_HEAD = do_GET

        def _was_let_in(self) -> bool:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
            return found is not None and hmac.compare_digest(found.value.encode(), token.encode())

        def _ask(self, path: str) -> None:
            """Hand a question on to the archive, with its password, and the answer back."""
            query = urlsplit(self.path).query
            link = http.client.HTTPSConnection(
                archive.hostname, archive.port, context=trusted, timeout=60
            )
            with contextlib.closing(link):
                wanted = self.headers.get("Accept", "*/*")
                headers = {
                    "Accept": wanted,
                    "Authorization": f"Basic {password}",
                    # by this name the archive writes where large values are to be had
                    "Forwarded": f"host=127.0.0.1:{self.server.server_address[1]};proto=https",
                }
                link.request("GET", path + (f"?{query}" if query else ""), headers=headers)
                answer = link.getresponse()
                kind = answer.getheader("Content-Type", "application/octet-stream")
                self._say(answer.status, answer.read(), {"Content-Type": kind})

        def _give(self, file: Path) -> None:
            """A file of the viewer; its first page for all other paths, which it reads itself."""
            file = file.resolve()
            if not (file.is_relative_to(viewer) and file.is_file()):
                file = viewer / "index.html"
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._say(200, file.read_bytes(), {"Content-Type": kind})

        def _say(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
            self.send_response(status)
            headers = _HEADERS | (more or {}) | {"Content-Length": str(len(body))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: addresses bear UIDs and the token."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("viewer", type=Path, help="folder `dist` of a built OHIF")
    parser.add_argument("files", type=Path, help="folder of DICOM files, all below it")
    wanted = parser.parse_args()
    datasets = [dcmread(path) for path in sorted(wanted.files.rglob("*")) if path.is_file()]
    with dicom_server() as server, viewer_door(server, viewer=wanted.viewer) as door:
        archive_of(server).store(datasets)
        print(f"certificate: {door.authority}")
        print(f"{len(datasets)} objects at {door.address}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
