import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from molvae.errors import ConfigError, DataError
from molvae.inputs import PRESETS, RAW, expand, remote_of
from molvae.prepare.fetch import fetch, fetch_missing

CONTENT = "".join(f"{'C' * (n % 30 + 1)}O m{n}\n" for n in range(5000)).encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.path.partition("?")[0] == "/none.smi":
            self.send_error(404)
            return
        if self.path == "/checksums.txt":
            self.answer(f"{SHA256}  chembl_9_chemreps.txt.gz\n".encode())
            return
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers.get("Range") else 0
        # As some servers do, it compresses for whoever reads that, and counts the bytes of what it sends.
        encoding = "gzip" if "gzip" in self.headers.get("Accept-Encoding", "") else "identity"
        content = gzip.compress(CONTENT) if encoding == "gzip" else CONTENT
        self.answer(content[start:], encoding, drop=self.server.drops > 0, status=206 if start else 200)
        self.server.drops -= 1

    def answer(self, content, encoding="identity", *, drop=False, status=200):
        self.send_response(status)
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if drop else content)
        if drop:
            self.wfile.flush()
            self.connection.close()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.drops = [], 0
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def left(folder=RAW):
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_fetched_once_and_checked(server):
    name = f"{server.address}/library.smi#sha256={SHA256}"
    for _ in range(2):
        fetch_missing([name])
        [path] = expand([name])
        assert path.read_bytes() == CONTENT
    assert path.is_relative_to(RAW)
    assert len(server.asked) == 1


def test_a_dropped_connection_is_gone_on_with(server, monkeypatch):
    monkeypatch.setattr("molvae.prepare.fetch._PIECE", 1000)
    server.drops = 1
    path = fetch(remote_of(f"{server.address}/library.smi#sha256={SHA256}"))
    assert path.read_bytes() == CONTENT
    first, second = (begin for _, begin in server.asked)
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= len(CONTENT) // 2
    assert left() == ["library.smi"]


def test_a_connection_that_keeps_dropping_is_one_clear_error_and_leaves_no_file(server):
    server.drops = 99
    with pytest.raises(DataError, match=r"library\.smi: expected a whole file, found the connection failing"):
        fetch(remote_of(f"{server.address}/library.smi#sha256={SHA256}"))
    assert left() == [".library.smi.part"]
    server.drops = 0
    assert fetch(remote_of(f"{server.address}/library.smi#sha256={SHA256}")).read_bytes() == CONTENT
    assert left() == ["library.smi"]


def test_a_missing_file_is_one_clear_error(server):
    with pytest.raises(DataError, match=r"none\.smi: expected a file, found that the server refuses it .*404"):
        fetch(remote_of(f"{server.address}/none.smi"))
    assert left() == []


def test_a_server_that_is_not_there_is_one_clear_error(server):
    with pytest.raises(DataError, match="found the connection failing"):
        fetch(remote_of("http://127.0.0.1:9/library.smi"))


def test_a_wrong_checksum_is_one_clear_error_and_nothing_is_kept(server):
    with pytest.raises(DataError, match="expected a file with the checksum md5:0000, found one with another"):
        fetch(remote_of(f"{server.address}/library.smi#md5=0000"))
    assert left() == []


def test_offline_names_what_is_missing(server):
    with pytest.raises(DataError) as error:
        fetch_missing(["moses", "mine.smi", "zinc250k"], offline=True)
    assert "data/raw/moses/train.csv from https://" in str(error.value)
    assert "data/raw/zinc250k/250k_rndm_zinc_drugs_clean_3.csv from https://" in str(error.value)
    for name in ["moses", "zinc250k"]:
        [path] = expand([name])
        path.parent.mkdir(parents=True)
        path.touch()
    with pytest.raises(DataError, match=r"data/raw/moses/train\.csv: expected a file with the checksum sha256:49fe"):
        fetch_missing(["moses", "mine.smi", "zinc250k"], offline=True)
    assert server.asked == []


@pytest.mark.parametrize("offline", [False, True])
def test_a_file_that_is_there_is_checked_too_and_kept(server, offline):
    address = f"{server.address}/library.smi"
    fetch_missing([address])
    fetch_missing([f"{address}#sha256={SHA256}"], offline=offline)
    with pytest.raises(
        DataError, match=r"library\.smi: expected a file with the checksum sha256:0+, found one .* remove"
    ):
        fetch_missing([f"{address}#sha256={'0' * 64}"], offline=offline)
    [path] = expand([address])
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_addresses_that_differ_anywhere_are_files_of_their_own():
    paths = ["a/t.smi", "b/t.smi", "a/t.smi?part=2", "t.smi"]
    addresses = [f"{scheme}://example.org/{path}" for path in paths for scheme in ("http", "https")]
    places = {remote_of(address).place for address in addresses}
    assert len(places) == len(addresses)
    assert all(place.startswith("example.org/") and place.endswith("/t.smi") for place in places)
    assert remote_of("http://me:secret@example.org/t.smi").place.startswith("example.org/")
    assert len({remote_of(f"http://example.org/t.smi{checksum}").place for checksum in ("", "#md5=0")}) == 1


def test_chembl_is_checked_by_the_list_beside_it(server, monkeypatch):
    monkeypatch.setattr("molvae.inputs._CHEMBL", server.address)
    remote = remote_of("chembl_9")
    assert remote.place == "chembl/chembl_9_chemreps.tsv.gz"
    monkeypatch.setattr("molvae.inputs._CHEMBL", None)
    listed = type(remote)(remote.url, remote.place, checksums_url=f"{server.address}/checksums.txt")
    assert fetch(listed).read_bytes() == CONTENT
    other = type(remote)(f"{server.address}/chembl_10_chemreps.txt.gz", "x", checksums_url=listed.checksums_url)
    with pytest.raises(DataError, match=r"expected the checksum of chembl_10_chemreps\.txt\.gz, found none"):
        fetch(other)


def test_inputs_that_are_no_preset_are_files_of_the_users():
    assert remote_of("moses.smi") is None
    assert remote_of("chembl.csv") is None
    assert remote_of("guacamol") is PRESETS["guacamol"]
    with pytest.raises(ConfigError, match="expected the address of a file"):
        remote_of("https://example.org/")


def test_a_password_and_a_signature_are_in_no_message(server, caplog):
    address = server.address.replace("http://", "http://user:s3cret@")
    with caplog.at_level("INFO", logger="molvae"):
        fetch_missing([f"{address}/library.smi?signature=t0ken"])
        with pytest.raises(DataError) as caught:
            fetch_missing([f"{address}/none.smi?signature=t0ken"])
        with pytest.raises(DataError) as offline:
            fetch_missing([f"{address}/other.smi?signature=t0ken"], offline=True)
    said = caplog.text + str(caught.value) + str(offline.value) + "".join(map(str, RAW.rglob("*")))
    assert "library.smi" in said
    assert "s3cret" not in said
    assert "t0ken" not in said
