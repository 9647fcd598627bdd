"""Downloads from a hub on this machine that breaks off, lies, or is not there."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gpu_job.weights import download as module
from gpu_job.weights.catalogue import File, Release, Weights
from gpu_job.weights.download import download
from shared.errors import ModelUnavailable

SMALL, LARGE = b"a few words", bytes(range(256)) * 20_000
COMMIT = "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce"


class Hub(ThreadingHTTPServer):
    """Serves files by range, and closes a connection after `limit` bytes of a body."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"vocab.txt": SMALL, "encoder-model.onnx.data": LARGE}
        self.limit = None
        self.ranges = True
        self.refuse = 0
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted, self.headers.get("Authorization")))
        if self.server.refuse:
            self.server.refuse -= 1
            self.send_error(503)
            return
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        self.send_response(206 if start else 200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.limit])
        if self.server.limit is not None and self.server.limit < len(body):
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "BACK_OFF", 0.001)
    monkeypatch.setattr(module, "get_token", lambda: None)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def pinned(name, content):
    return File(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def release():
    files = (pinned("vocab.txt", SMALL), pinned("encoder-model.onnx.data", LARGE))
    return Release(kind="onnx", repository="someone/model", commit=COMMIT, files=files)


@pytest.fixture
def weights(release):
    return Weights(
        name="someone/model",
        about="",
        licence="",
        owner="",
        onnx=release,
        nemo=release,
    )


def contents(release):
    return [(release.folder / file.name).read_bytes() for file in release.files]


def test_every_file_comes_from_the_pinned_commit_into_the_cache(hub, weights, release):
    told = []
    assert download(weights, release, lambda *step: told.append(step)) == release.folder
    assert contents(release) == [SMALL, LARGE]
    assert [path for path, _, _ in hub.asked] == [
        f"/someone/model/resolve/{COMMIT}/{file.name}" for file in release.files
    ]
    assert told[-1] == ("encoder-model.onnx.data", len(LARGE), len(LARGE))
    assert release.on_disk() == release.folder
    assert not list(release.folder.parent.parent.glob("blobs/*"))


def test_what_is_here_already_is_not_asked_for_again(hub, weights, release):
    release.folder.mkdir(parents=True)
    (release.folder / "vocab.txt").write_bytes(SMALL)
    download(weights, release)
    assert [path.rsplit("/", 1)[-1] for path, _, _ in hub.asked] == ["encoder-model.onnx.data"]


def test_a_connection_that_breaks_is_made_again_and_goes_on_where_it_broke(hub, weights, release):
    hub.limit = 2_000_000
    download(weights, release)
    assert contents(release) == [SMALL, LARGE]
    assert [wanted for _, wanted, _ in hub.asked] == [None, None, "bytes=2000000-", "bytes=4000000-"]


def test_the_next_run_goes_on_where_a_killed_one_ended(hub, weights, release):
    part = release.folder.parent.parent / "blobs" / f"{release.files[1].sha256}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(LARGE[:1_500_000])
    download(weights, release)
    assert contents(release) == [SMALL, LARGE]
    assert hub.asked[1][1] == "bytes=1500000-"


def test_a_hub_without_ranges_sends_the_whole_file_again(hub, weights, release):
    hub.ranges = False
    part = release.folder.parent.parent / "blobs" / f"{release.files[1].sha256}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(LARGE[:1_500_000])
    download(weights, release)
    assert contents(release) == [SMALL, LARGE]


def test_a_hub_that_is_busy_is_asked_again(hub, weights, release):
    hub.refuse = 2
    download(weights, release)
    assert contents(release) == [SMALL, LARGE]


def test_a_hub_that_stays_busy_ends_the_download_and_keeps_what_came(hub, weights, release):
    hub.refuse = 100
    with pytest.raises(ModelUnavailable, match="the hub answered 503"):
        download(weights, release)
    assert len(hub.asked) == module.TRIES


def test_other_bytes_than_the_pinned_ones_are_refused_and_deleted(hub, weights, release):
    hub.files["encoder-model.onnx.data"] = LARGE[:-1] + b"!"
    with pytest.raises(ModelUnavailable, match=r"where .* was pinned; it was deleted"):
        download(weights, release)
    assert not (release.folder / "encoder-model.onnx.data").exists()
    assert not list(release.folder.parent.parent.glob("blobs/*"))


def test_a_file_longer_than_pinned_is_refused(hub, weights, release):
    hub.files["vocab.txt"] = SMALL + b" more"
    with pytest.raises(ModelUnavailable, match="was pinned"):
        download(weights, release)


def test_a_file_that_is_gone_from_the_hub_is_named(hub, weights, release):
    del hub.files["vocab.txt"]
    with pytest.raises(ModelUnavailable, match=r"404 Not Found.*vocab\.txt"):
        download(weights, release)


def test_a_stored_token_is_sent_to_the_hub(hub, weights, release, monkeypatch):
    monkeypatch.setattr(module, "get_token", lambda: "hf_secret")
    download(weights, release)
    assert {sent for _, _, sent in hub.asked} == {"Bearer hf_secret"}


def test_two_downloads_at_the_same_time_fetch_every_byte_once(hub, weights, release):
    threads = [threading.Thread(target=download, args=(weights, release)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(release) == [SMALL, LARGE]
    assert len(hub.asked) == 2


def test_a_part_that_another_download_finishes_while_it_is_looked_at_is_no_failure(
    hub, weights, release, monkeypatch
):
    part = module._part(release.folder, release.files[1])
    part.parent.mkdir(parents=True)
    part.write_bytes(LARGE)
    stat = Path.stat

    def then_finished(path, **how):
        found = stat(path, **how)
        if path == part and not hub.asked:
            part.replace(release.folder / "encoder-model.onnx.data")
        return found

    monkeypatch.setattr(Path, "stat", then_finished)
    download(weights, release)
    assert contents(release) == [SMALL, LARGE]


def test_a_full_disk_is_said_before_anything_is_fetched(hub, weights, release, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(ModelUnavailable, match=r"need 5\.1 MB more .* Make room, or set HF_HOME"):
        download(weights, release)
    assert hub.asked == []


def test_offline_mode_is_named(hub, weights, release, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match=r"HF_HUB_OFFLINE is set.*; unset it"):
        download(weights, release)
    assert hub.asked == []


def test_without_a_connection_the_answer_comes_in_seconds_and_says_what_to_do(tmp_path):
    program = (
        "from gpu_job.weights.lookup import locate\n"
        "try:\n locate('nvidia/parakeet-tdt-0.6b-v3')\n"
        "except Exception as e:\n print(type(e).__name__, e)"
    )
    environment = os.environ | {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
    }
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert time.monotonic() - started < 20
    assert done.stdout.startswith("ModelUnavailable")
    for part in (
        "nvidia/parakeet-tdt-0.6b-v3",
        "http://127.0.0.1:9",
        "was not reached",
        "HF_HOME",
        "models pull",
        "--model tiny",
        "no human speech",
    ):
        assert part in done.stdout
