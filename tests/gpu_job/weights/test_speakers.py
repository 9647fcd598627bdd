"""The two networks that tell speakers apart: pinned, fetched together, or of the deployment's own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest

from gpu_job.weights import speakers
from gpu_job.weights.catalogue import File
from gpu_job.weights.speakers import locate
from shared.errors import ModelUnavailable
from shared.in_words import human_size


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and both networks a few bytes long."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    small = []
    for one in speakers.NETWORKS:
        content = one.about.encode()
        file = File(
            name=one.release.files[0].name, size=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        small.append(replace(one, release=replace(one.release, files=(file,))))
    monkeypatch.setattr(speakers, "NETWORKS", tuple(small))
    monkeypatch.setattr(speakers, "SEGMENTATION", small[0])
    monkeypatch.setattr(speakers, "EMBEDDING", small[1])
    return tmp_path


def fetched(one):
    one.file.parent.mkdir(parents=True, exist_ok=True)
    one.file.write_bytes(one.about.encode())


@pytest.fixture
def hub(monkeypatch):
    asked = []

    def download(known, release, progress):
        asked.append((known.name, release.repository))
        fetched(known)

    monkeypatch.setattr("gpu_job.weights.download.download", download)
    return asked


def test_both_are_pinned_by_commit_length_and_digest():
    for one in speakers.NETWORKS:
        assert re.fullmatch(r"[0-9a-f]{40}", one.release.commit)
        [file] = one.release.files
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.name.endswith(".onnx")
    assert sum(one.release.size for one in speakers.NETWORKS) == 34_274_077
    assert [one.licence for one in speakers.NETWORKS] == ["MIT", "Apache-2.0"]


def test_both_are_fetched_once(cache, hub):
    found = locate()
    assert hub == [("speakers", one.release.repository) for one in speakers.NETWORKS]
    assert found.segmentation.read_bytes() == speakers.SEGMENTATION.about.encode()
    assert found.embedding.read_bytes() == speakers.EMBEDDING.about.encode()
    assert locate() == found
    assert len(hub) == 2


def test_missing_is_what_is_not_on_this_disk(cache):
    first, second = (one.release.size for one in speakers.NETWORKS)
    assert speakers.missing() == first + second
    fetched(speakers.SEGMENTATION)
    assert speakers.missing() == second
    fetched(speakers.EMBEDDING)
    assert speakers.missing() == 0


def test_without_a_connection_the_message_says_what_to_pull(cache, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable) as told:
        locate()
    message = str(told.value)
    assert "The weights speakers are not on this machine" in message
    both = human_size(sum(one.release.size for one in speakers.NETWORKS))
    assert f"`dropscribe models pull speakers` ({both} once, " in message
    assert "DROPSCRIBE_SPEAKER_WEIGHTS" in message
    assert "without speakers (diarize, channels)" in message
    assert "--model" not in message


def test_a_file_that_was_changed_is_refused(cache, hub):
    locate()
    name = speakers.EMBEDDING.file
    name.write_bytes(bytes(speakers.EMBEDDING.release.size))
    with pytest.raises(
        ModelUnavailable, match=r"is damaged or was changed.*delete it, and `dropscribe models pull speakers`"
    ):
        locate()


def own(folder, segmentation="segmentation.onnx", embedding="embedding.onnx"):
    folder.mkdir()
    (folder / segmentation).write_bytes(b"one")
    (folder / embedding).write_bytes(b"two")
    return folder


def test_a_folder_of_ones_own_is_used_as_it_is(tmp_path):
    found = locate(str(own(tmp_path / "mine", "segmentation.half.onnx")))
    assert found.segmentation.name == "segmentation.half.onnx"
    assert found.embedding.name == "embedding.onnx"
    digests = (hashlib.sha256(content).hexdigest()[:16] for content in (b"one", b"two"))
    assert found.revision == "+".join(digests)


def test_equal_files_are_one_revision_wherever_they_are(cache, hub, tmp_path):
    pinned = locate()
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "segmentation.onnx").write_bytes(pinned.segmentation.read_bytes())
    (folder / "embedding.onnx").write_bytes(pinned.embedding.read_bytes())
    assert locate(str(folder)).revision == pinned.revision


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], r"which has no files segmentation\*\.onnx"),
        (["segmentation.onnx"], r"which has no files embedding\*\.onnx"),
        (["segmentation.onnx", "segmentation-2.onnx"], r"which has 2 files segmentation\*\.onnx"),
    ],
)
def test_a_folder_without_both_says_what_is_missing(tmp_path, names, told):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelUnavailable, match=rf"DROPSCRIBE_SPEAKER_WEIGHTS names .*{told}.*unset it"):
        locate(str(tmp_path))
    with pytest.raises(ModelUnavailable, match="has no files"):
        locate(str(tmp_path / "elsewhere"))
