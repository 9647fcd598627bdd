"""Cloud Storage's client against an emulator, and against a network that loses and spoils answers."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import google.auth
import google.auth.transport.requests
import google.oauth2.credentials
import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import storage
from test_utils.prefixer import Prefixer

from shared.adapters import gcs
from shared.adapters.gcs import GcsStore
from shared.audio import Sandbox
from shared.errors import BadMedia, BadRequest, BucketRefused, ConfigurationError, StoreUnavailable
from shared.model import StoredObject
from tests.adapters import proxy as faults
from tests.audio.media import make

PROJECT = "dropscribe-tests"
NAMES = Prefixer("dropscribe", "adapters", separator="-")
UPLOAD = "POST /upload"
DOWNLOAD = "GET /download"


@pytest.fixture
def cloud(gcs_address, monkeypatch):
    """A store, a bucket for this test, Google's own client, and the proxy that both go through."""
    monkeypatch.setattr(gcs, "RETRY", gcs.RETRY.with_delay(initial=0.01, maximum=0.01).with_timeout(2.0))
    with faults.before(gcs_address) as (proxy, address):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{address}")
        store = GcsStore(PROJECT)
        bucket = NAMES.create_prefix()
        with storage.Client(PROJECT, AnonymousCredentials()) as client:
            client.create_bucket(bucket)
            yield SimpleNamespace(store=store, bucket=bucket, client=client, proxy=proxy)
        store.close()


def put(cloud, name, data, **properties):
    """Upload as somebody else would, replacing what is there."""
    blob = cloud.client.bucket(cloud.bucket).blob(name)
    for key, value in properties.items():
        setattr(blob, key, value)
    blob.upload_from_string(data, content_type="audio/wav")
    return cloud.store.stat(cloud.bucket, name)


def test_stat_tells_type_metadata_and_generation(cloud):
    found = put(cloud, "a talk.wav", b"sound", metadata={"dropscribe-method": "parakeet"})
    assert (found.size, found.content_type) == (5, "audio/wav")
    assert found.metadata == {"dropscribe-method": "parakeet"}
    blob = cloud.client.bucket(cloud.bucket).get_blob("a talk.wav")
    assert found.generation == blob.generation
    assert list(cloud.store.list(cloud.bucket)) == [found]


@pytest.mark.parametrize("gone", ["replaced", "deleted"])
def test_a_generation_that_is_gone_is_missing_for_good(cloud, gone):
    source = put(cloud, "talk.wav", b"first version")
    if gone == "replaced":
        put(cloud, "talk.wav", b"other version")
    else:
        cloud.client.bucket(cloud.bucket).blob("talk.wav").delete()
    with pytest.raises(BadMedia, match="Upload it again") as caught:
        cloud.store.read(source, 0, 5)
    assert caught.value.code == "missing"


def test_an_object_marked_as_gzip_is_read_as_it_is_stored(cloud):
    source = put(cloud, "talk.wav", b"\x1f\x8b no gzip at all", content_encoding="gzip")
    assert cloud.store.read(source, 2, 100) == b" no gzip at all"
    assert cloud.store.load(cloud.bucket, "talk.wav") == b"\x1f\x8b no gzip at all"


def test_a_recording_that_was_uploaded_compressed_is_refused_with_what_to_do(cloud):
    """Also where the service would unpack it for others: ranges are those of the stored bytes."""
    sound = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=3.0)
    packed = gzip.compress(sound, mtime=0)
    source = put(cloud, "talk.wav", packed, content_encoding="gzip")
    address = (
        f"{os.environ['STORAGE_EMULATOR_HOST']}/download/storage/v1/b/{cloud.bucket}/o/talk.wav?alt=media"
    )
    unpacked = requests.get(address, headers={"Accept-Encoding": "identity"}, timeout=10)
    assert unpacked.content == sound, "others are given what was compressed"
    assert source.size == len(packed)
    assert cloud.store.read(source, 0, 200) == packed[:200]
    assert cloud.store.read(source, 1000, 200) == packed[1000:1200]
    assert cloud.store.read(source, len(packed) - 50, 200) == packed[-50:]
    stored = SimpleNamespace(size=source.size, read=partial(cloud.store.read, source))
    with Sandbox() as sandbox, pytest.raises(BadMedia, match="Content-Encoding: gzip") as caught:
        sandbox.probe(stored, name="talk.wav")
    assert caught.value.code == "not-media"
    assert "--gzip-local" in str(caught.value)


def test_a_range_is_one_request_and_only_that_range(cloud):
    source = put(cloud, "talk.wav", bytes(1000))
    cloud.proxy.seen.clear()
    assert len(cloud.store.read(source, 100, 50)) == 50
    assert cloud.store.read(source, 1000, 50) == b""
    assert cloud.store.read(source, 0, 0) == b""
    assert cloud.proxy.count(DOWNLOAD) == len(cloud.proxy.seen) == 1
    assert f"generation={source.generation}" in cloud.proxy.seen[0]


def test_create_asks_for_absence_and_keeps_the_type(cloud):
    assert cloud.store.create(cloud.bucket, "x.json", b"{}", "application/json")
    assert all("ifGenerationMatch=0" in one for one in cloud.proxy.seen if UPLOAD in one)
    assert cloud.store.stat(cloud.bucket, "x.json").content_type == "application/json"


def test_a_large_object_asks_for_absence_too(cloud):
    """Above 8 MiB the client uploads in a session; the service checks the precondition there, the emulator
    does not, so that only the request can be looked at."""
    data = os.urandom(9_000_000)
    assert cloud.store.create(cloud.bucket, "large", data, "application/json")
    assert cloud.store.load(cloud.bucket, "large") == data
    started = [one for one in cloud.proxy.seen if "uploadType=resumable" in one and one.startswith("POST")]
    assert started
    assert all("ifGenerationMatch=0" in one for one in started)


def test_create_whose_answer_was_lost_knows_its_own_object(cloud):
    cloud.proxy.faults = [(UPLOAD, faults.lost_answer), (UPLOAD, faults.lost_answer)]
    assert cloud.store.create(cloud.bucket, "x", b"same", "text/plain")
    assert cloud.proxy.count(UPLOAD) == 3
    assert cloud.store.load(cloud.bucket, "x") == b"same"
    assert not cloud.store.create(cloud.bucket, "x", b"same", "text/plain")


@pytest.mark.parametrize("fault", [faults.lost_request, faults.status(503), faults.status(429)])
def test_create_is_repeated_where_the_request_was_lost(cloud, fault):
    cloud.proxy.faults = [(UPLOAD, fault)]
    assert cloud.store.create(cloud.bucket, "x", b"1", "text/plain")
    assert cloud.proxy.count(UPLOAD) == 2


def test_create_that_was_overtaken_while_it_repeated_says_so_even_for_the_same_bytes(cloud):
    other = GcsStore(PROJECT)
    overtaken = faults.status(503, then=lambda: other.create(cloud.bucket, "x", b"same", "text/plain"))
    cloud.proxy.faults = [(UPLOAD, overtaken)]
    assert not cloud.store.create(cloud.bucket, "x", b"same", "text/plain")
    other.close()


def upload(cloud, data):
    with cloud.store.stage(cloud.bucket) as file:
        file.write(data)
        return cloud.store.create_from(
            cloud.bucket, "x.wav", file, metadata={"dropscribe-language": "de"}, ahead=lambda _: None
        )


def test_a_file_becomes_an_object_with_its_metadata_and_the_generation_that_it_got(cloud):
    made = upload(cloud, b"sound")
    assert made == cloud.store.stat(cloud.bucket, "x.wav")
    assert made.metadata["dropscribe-language"] == "de"
    (sent,) = [one for one in cloud.proxy.seen if UPLOAD in one]
    assert "ifGenerationMatch=0" in sent
    assert upload(cloud, b"other") is None


@pytest.mark.parametrize("fault", [faults.lost_answer, faults.lost_request, faults.status(503)])
def test_a_file_whose_upload_was_not_heard_of_is_ours_all_the_same(cloud, fault):
    cloud.proxy.faults = [(UPLOAD, fault)]
    made = upload(cloud, b"sound")
    assert made == cloud.store.stat(cloud.bucket, "x.wav")


def test_a_large_file_goes_in_pieces(cloud, monkeypatch):
    data = bytes(range(256)) * 40_000
    monkeypatch.setattr(gcs, "PIECE", 4 * 256 * 1024)
    made = upload(cloud, data)
    assert made.size == len(data)
    assert cloud.store.load(cloud.bucket, "x.wav") == data
    assert sum(one.startswith("PUT") for one in cloud.proxy.seen) > 1


def test_create_that_finds_an_object_at_once_tries_no_more(cloud):
    put(cloud, "x", b"same")
    cloud.proxy.seen.clear()
    assert not cloud.store.create(cloud.bucket, "x", b"same", "text/plain")
    assert cloud.proxy.count(UPLOAD) == 1


POLICY = faults.status(412, "Request violates constraint 'constraints/gcp.restrictNonCmekServices'")


def test_a_refusal_by_a_policy_does_not_mean_that_there_is_an_object(cloud):
    """Cloud Storage has one status for both."""
    cloud.proxy.faults = [(UPLOAD, POLICY)]
    with pytest.raises(BucketRefused, match="restrictNonCmekServices"):
        cloud.store.create(cloud.bucket, "x", b"1", "text/plain")
    cloud.proxy.faults = [(UPLOAD, POLICY)]
    with pytest.raises(BucketRefused, match="restrictNonCmekServices"):
        upload(cloud, b"sound")
    assert list(cloud.store.list(cloud.bucket)) == []


@pytest.mark.parametrize("fault", [faults.lost_answer, faults.cut_short, faults.status(503)])
def test_reads_are_repeated_until_they_are_whole(cloud, fault):
    source = put(cloud, "talk.wav", bytes(range(200)))
    cloud.proxy.faults = [(DOWNLOAD, fault)]
    assert cloud.store.read(source, 10, 100) == bytes(range(10, 110))
    cloud.proxy.faults = [(DOWNLOAD, fault)]
    assert cloud.store.load(cloud.bucket, "talk.wav") == bytes(range(200))


def test_an_answer_with_too_few_bytes_is_no_end_of_the_file(cloud):
    source = put(cloud, "talk.wav", bytes(200))
    cloud.proxy.faults = [(DOWNLOAD, faults.too_little)]
    with pytest.raises(StoreUnavailable, match="50 of 100"):
        cloud.store.read(source, 10, 100)


def calls(cloud):
    source = StoredObject(bucket=cloud.bucket, name="x", generation=1, size=9)
    return {
        "stat": (lambda: cloud.store.stat(cloud.bucket, "x"), "storage.objectViewer"),
        "read": (lambda: cloud.store.read(source, 0, 1), "storage.objectViewer"),
        "load": (lambda: cloud.store.load(cloud.bucket, "x"), "storage.objectViewer"),
        "list": (lambda: list(cloud.store.list(cloud.bucket)), "storage.objectViewer"),
        "create": (lambda: cloud.store.create(cloud.bucket, "x", b"", "text/plain"), "storage.objectCreator"),
        "delete": (lambda: cloud.store.delete(cloud.bucket, "x", 1), "storage.objectViewer"),
    }


@pytest.mark.parametrize("method", ["read", "stat"])
def test_a_missing_bucket_is_named_and_not_taken_for_a_missing_object(cloud, method):
    source = StoredObject(bucket=NAMES.create_prefix(), name="talk.wav", generation=1, size=9)
    calls = {
        "read": lambda: cloud.store.read(source, 0, 5),
        "stat": lambda: cloud.store.stat(source.bucket, source.name),
    }
    with pytest.raises(ConfigurationError, match=f"there is no bucket {source.bucket}"):
        calls[method]()


def test_a_deletion_names_its_generation_and_the_role_that_it_needs(cloud):
    found = put(cloud, "x", b"content")
    cloud.proxy.faults = [("DELETE", faults.status(403, "no such permission"))]
    with pytest.raises(ConfigurationError, match=r"storage\.objectUser"):
        cloud.store.delete(cloud.bucket, "x", found.generation)
    assert cloud.store.delete(cloud.bucket, "x", found.generation)
    assert cloud.proxy.count("DELETE") == cloud.proxy.count(f"ifGenerationMatch={found.generation}") == 2


def test_what_is_replaced_between_the_look_and_the_deletion_is_not_deleted(cloud):
    found = put(cloud, "x", b"content")
    cloud.proxy.faults = [("DELETE", faults.status(412, "another generation"))]
    assert not cloud.store.delete(cloud.bucket, "x", found.generation)


@pytest.mark.parametrize("fault", [faults.lost_request, faults.status(503)])
def test_a_deletion_that_was_not_heard_is_repeated(cloud, fault):
    found = put(cloud, "x", b"content")
    cloud.proxy.faults = [("DELETE", fault)]
    assert cloud.store.delete(cloud.bucket, "x", found.generation)
    assert cloud.store.stat(cloud.bucket, "x") is None


def test_a_deletion_whose_answer_was_lost_happened_once(cloud):
    found = put(cloud, "x", b"content")
    cloud.proxy.faults = [("DELETE", faults.lost_answer)]
    assert not cloud.store.delete(cloud.bucket, "x", found.generation)
    assert cloud.store.stat(cloud.bucket, "x") is None


METHODS = ["stat", "read", "load", "list", "create", "delete"]


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_permission_is_a_setting_to_correct_and_names_the_role(cloud, method):
    call, role = calls(cloud)[method]
    cloud.proxy.seen.clear()
    cloud.proxy.faults = [(" /", faults.status(403, "no such permission"))] * 3
    with pytest.raises(ConfigurationError, match=role) as caught:
        call()
    assert cloud.bucket in str(caught.value)
    assert len(cloud.proxy.seen) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_service_that_stays_away_is_unavailable(cloud, method, monkeypatch):
    monkeypatch.setattr(gcs, "RETRY", gcs.RETRY.with_timeout(0.5))
    call, _ = calls(cloud)[method]
    cloud.proxy.faults = [(" /", faults.status(503))] * 1000
    with pytest.raises(StoreUnavailable):
        call()
    assert len(cloud.proxy.faults) < 999


def test_nobody_there_is_unavailable(monkeypatch):
    monkeypatch.setattr(gcs, "RETRY", gcs.RETRY.with_delay(initial=0.01).with_timeout(0.1))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    store = GcsStore(PROJECT)
    with pytest.raises(StoreUnavailable):
        store.stat("bucket", "x")
    store.close()


def test_a_bucket_that_does_not_exist_is_a_setting_to_correct(cloud):
    with pytest.raises(ConfigurationError, match="there is no bucket dropscribe-nowhere"):
        cloud.store.create("dropscribe-nowhere", "x", b"", "text/plain")
    with pytest.raises(ConfigurationError, match="there is no bucket dropscribe-nowhere"):
        list(cloud.store.list("dropscribe-nowhere"))


@pytest.mark.parametrize("name", ["", "x" * 1025, "é" * 513, "a\nb", "a\rb", ".", "..", "\ud800"])
def test_names_that_no_object_can_have_are_refused_before_any_request(name):
    store = GcsStore(PROJECT)
    for call in (store.stat, store.load):
        with pytest.raises(BadRequest):
            call("bucket", name)
    with pytest.raises(BadRequest):
        store.create("bucket", name, b"", "text/plain")


def test_missing_credentials_show_at_the_first_call_and_say_what_to_run(monkeypatch):
    def none(**_):
        raise DefaultCredentialsError("not found")

    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google.auth, "default", none)
    store = GcsStore(PROJECT)
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        store.stat("bucket", "x")


def test_the_flow_needs_no_google_library():
    code = (
        "import sys; sys.modules['google'] = None\n"
        "import shared.flow.chunk, shared.flow.merge, shared.flow.upload, shared.connect, gpu_job.pipeline.worker"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_there_is_no_signed_address_from_an_emulator_or_a_person(cloud, monkeypatch):
    source = StoredObject(bucket="audio", name="a.mp3", generation=17, size=5)
    assert cloud.store.signed_url(replace(source, bucket=cloud.bucket), 600.0) is None
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    person = GcsStore(PROJECT, google.oauth2.credentials.Credentials("token"))
    assert person.signed_url(source, 600.0) is None
    person.close()
