"""A viewer may look: who was not let in sees nothing, nobody writes, no page knows a password."""

import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from medlib.systems.clinic.server_or_files import archive_of
from medlib.systems.clinic.viewer_door import viewer_config, viewer_door
from tests.systems.clinic.conftest import PAUL, study

ROOT = Path(__file__).parents[3]
# Keys and kinds of the one source in `dist/app-config.js` of OHIF 3.13.2, as npm has it:
# npm pack @ohif/app@3.13.2; namespace and sourceName stand beside, and three keys it does not set
# are left out here as well.
OF_OHIF = {
    "friendlyName": str, "name": str, "wadoUriRoot": str, "qidoRoot": str, "wadoRoot": str,
    "qidoSupportsIncludeField": bool, "imageRendering": str, "thumbnailRendering": str,
    "enableStudyLazyLoad": bool, "supportsFuzzyMatching": bool, "supportsWildcard": bool,
    "staticWado": bool, "singlepart": str, "bulkDataURI": dict,
    "omitQuotationForMultipartRequest": bool,
}  # fmt: skip


@pytest.fixture(scope="module")
def stored(server):
    """A study in the archive."""
    images = study(7, patient=PAUL, accession="V1")
    archive = archive_of(server)
    archive.store(images)
    yield images
    archive.forget(images[0].StudyInstanceUID)


@pytest.fixture
def door(server, tmp_path):
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>a viewer</title>", "utf-8")
    (dist / "assets" / "app.js").write_text("1", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (dist / "out.txt").symlink_to(tmp_path / "secret.txt")
    with viewer_door(server, viewer=dist) as found:
        yield found


def guest(door, *, enters=True):
    """Somebody with a browser; and the root of the door."""
    made = requests.Session()
    made.trust_env = False
    made.verify = str(door.authority)
    if enters:
        assert made.get(door.address, timeout=20).text == "<title>a viewer</title>"
    return made, f"https://127.0.0.1:{door.port}"


def cookie_of(session):
    return "; ".join(f"{one.name}={one.value}" for one in session.cookies)


def test_who_comes_in_by_the_address_reads_what_the_archive_holds(door, server, stored):
    session, root = guest(door)
    client = DICOMwebClient(f"{root}/dicom-web", session=session)
    uid = stored[0].StudyInstanceUID
    assert uid in {one["0020000D"]["Value"][0] for one in client.search_for_studies()}
    through = client.retrieve_study(uid, media_types=(("application/dicom", "*"),))
    assert sorted(one.PixelData for one in through) == sorted(one.PixelData for one in stored)
    first = client.retrieve_study_metadata(uid)[0]
    links = [value["BulkDataURI"] for value in first.values() if "BulkDataURI" in value]
    assert links
    assert all(link.startswith(f"{root}/dicom-web/studies/{uid}/") for link in links)
    assert session.get(links[0], timeout=20).status_code == 200


def test_without_the_address_nothing_is_given(door, stored):
    session, root = guest(door, enters=False)
    wrong = {"Cookie": "__Host-viewer=guessed"}
    for path in ("/", "/app-config.js", "/dicom-web/studies", "/enter/guessed", "/enter/"):
        for headers in ({}, wrong):
            answer = session.get(root + path, headers=headers, timeout=20)
            assert answer.status_code == 403, path
            assert stored[0].StudyInstanceUID not in answer.text
    named = session.get(door.address, headers={"Host": "evil.example"}, timeout=20)
    assert named.status_code == 403
    assert not session.cookies


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nobody_writes(door, server, stored, verb):
    session, root = guest(door)
    uid = stored[0].StudyInstanceUID
    for path in (
        f"/dicom-web/studies/{uid}",
        "/dicom-web/studies",
        f"/dicom-web/studies/{uid}/reject",
    ):
        assert session.request(verb, root + path, data=b"x", timeout=20).status_code == 501
    assert len(archive_of(server).instances(uid)) == len(stored)


@pytest.mark.parametrize(
    "path",
    [
        "/dicom-web/servers", "/dicom-web/../instances", "/dicom-web/studies/../../system",
        "/dicom-web/studies/%2e%2e/%2e%2e/instances", "/dicom-web", "/dicom-web/studies//x",
    ],
)  # fmt: skip
def test_of_the_archive_only_questions_of_dicomweb_are_passed_on(door, path):
    session, _ = guest(door)
    trusted = ssl.create_default_context(cafile=door.authority)
    link = http.client.HTTPSConnection("127.0.0.1", door.port, context=trusted, timeout=20)
    with contextlib.closing(link):  # which sends a path as it stands; others tidy it
        link.request("GET", path, headers={"Cookie": cookie_of(session)})
        assert link.getresponse().status == 404


def test_of_the_viewer_only_its_own_files(door):
    session, root = guest(door)
    assert session.get(f"{root}/assets/app.js", timeout=20).text == "1"
    for path in ("/out.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/instances", "/viewer"):
        assert session.get(root + path, timeout=20).text == "<title>a viewer</title>"


def test_its_settings_have_the_shape_of_ohifs_own_and_name_no_password(door, server):
    session, root = guest(door)
    text = session.get(f"{root}/app-config.js", timeout=20).text
    assert text == viewer_config()
    assert server.password not in text
    settings = json.loads(text.removeprefix("window.config = ").removesuffix(";\n"))
    (source,) = settings["dataSources"]
    assert source["sourceName"] == settings["defaultDataSourceName"]
    assert source["namespace"] == "@ohif/extension-default.dataSourcesModule.dicomweb"
    assert {key: type(value) for key, value in source["configuration"].items()} == OF_OHIF
    roots = {source["configuration"][key] for key in ("wadoUriRoot", "qidoRoot", "wadoRoot")}
    assert roots == {"/dicom-web"}


def test_its_pages_may_ask_nobody_else(door):
    session, root = guest(door)
    for path in ("/", "/app-config.js", "/dicom-web/studies"):
        policy = session.get(root + path, timeout=20).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "http" not in policy


def test_a_silent_guest_keeps_nobody_out_and_older_tls_stays_out(door):
    with socket.create_connection(("127.0.0.1", door.port)):
        assert guest(door)[0].get(door.address, timeout=20).status_code == 200
    old = ssl.create_default_context(cafile=door.authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", door.port)) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_it_is_shut_when_the_block_ends_and_wants_a_viewer(server, tmp_path):
    with pytest.raises(ValueError, match="no index"), viewer_door(server, viewer=tmp_path):
        pass
    (tmp_path / "index.html").write_text("", "utf-8")
    with viewer_door(server, viewer=tmp_path) as found:
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", found.port))


def test_the_command_that_is_documented_stores_a_folder_and_ends_with_an_interrupt(
    server, tmp_path
):
    images = study(9, patient=PAUL, accession="V2")
    for i, image in enumerate(images):
        image.save_as(tmp_path / f"{i}.dcm", enforce_file_format=True)
    viewer = tmp_path.parent / f"{tmp_path.name} viewer"
    viewer.mkdir()
    (viewer / "index.html").write_text("<title>a viewer</title>", "utf-8")
    started = subprocess.Popen(
        [sys.executable, "-m", "medlib.systems.clinic.viewer_door", viewer, tmp_path],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # in the background, too
    )  # fmt: skip
    try:
        authority = Path(started.stdout.readline().split(": ")[1].strip())
        count, address = started.stdout.readline().strip().split(" objects at ")
        session = requests.Session()
        session.trust_env, session.verify = False, str(authority)
        session.get(address, timeout=20)
        found = session.get(address.split("/enter/")[0] + "/dicom-web/instances", timeout=20).json()
    finally:
        started.send_signal(signal.SIGINT)
        code = started.wait(60)
        started.stdout.close()
    assert int(count) == len(found) == len(images)
    assert code == 0
    assert not authority.exists()
