import json
import os
import subprocess
import sys
import time

import huggingface_hub
import pytest

from gpu_job.weights import BUNDLED, FILES, catalogue, digest, locate
from shared.errors import ModelUnavailable

V3 = "nvidia/parakeet-tdt-0.6b-v3"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub's client."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put_in_cache(cache, weights, names):
    folder = cache / f"models--{weights.repository.replace('/', '--')}" / "snapshots" / weights.commit
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def by_name(name):
    return next(weights for weights in catalogue() if weights.name == name)


def export(folder, **config):
    for name in FILES:
        (folder / name).write_text(json.dumps(config) if name == "config.json" else name, encoding="utf-8")
    return folder


def test_the_catalogue_says_who_made_what_and_pins_every_download():
    assert [weights.name for weights in catalogue()] == [V3, "nvidia/parakeet-tdt-0.6b-v2", "tiny"]
    for weights in catalogue():
        if weights.repository is None:
            assert weights.licence == "Apache-2.0"
        else:
            assert (weights.licence, weights.owner) == ("CC-BY-4.0", "NVIDIA")
            assert len(bytes.fromhex(weights.commit)) == 20
    assert by_name(V3).language is None
    assert by_name("nvidia/parakeet-tdt-0.6b-v2").language == "en"


def test_the_demo_weights_are_here_and_say_what_they_are():
    tiny = by_name("tiny")
    assert tiny.on_disk() == BUNDLED
    assert "160 words" in tiny.about
    assert "no human speech" in tiny.about
    located = locate("tiny")
    assert (located.folder, located.language) == (BUNDLED, "en")
    assert located.revision == digest(BUNDLED)


def test_the_digest_changes_with_any_file_and_ignores_what_is_no_part_of_the_model(tmp_path):
    export(tmp_path, model_type="nemo-conformer-tdt")
    before = digest(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert digest(tmp_path) == before
    (tmp_path / "vocab.txt").write_text("other")
    assert digest(tmp_path) != before


def test_a_folder_with_an_export_is_used_as_it_is(tmp_path):
    located = locate(str(export(tmp_path, model_type="nemo-conformer-tdt")))
    assert located.folder == tmp_path
    assert located.language is None
    assert located.revision.startswith("sha256:")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ModelUnavailable, match=r"no weights called 'large'.*parakeet-tdt-0\.6b-v3.*tiny"):
        locate("large")


def test_an_incomplete_folder_says_what_is_missing(tmp_path):
    export(tmp_path, model_type="nemo-conformer-tdt")
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(ModelUnavailable, match=r"vocab\.txt is missing"):
        locate(str(tmp_path))


def test_a_model_of_another_kind_is_refused_by_name(tmp_path):
    with pytest.raises(ModelUnavailable, match="'whisper'"):
        locate(str(export(tmp_path, model_type="whisper")))


@pytest.mark.parametrize("content", ["not json", "[]"])
def test_a_damaged_description_is_refused(tmp_path, content):
    export(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelUnavailable, match="not a JSON object"):
        locate(str(tmp_path))


def test_cached_weights_need_no_network(cache, monkeypatch):
    weights = by_name(V3)
    folder = put_in_cache(cache, weights, (*FILES, *weights.external))
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", None)
    located = locate(V3)
    assert (located.folder, located.revision) == (folder, weights.commit)


def test_half_a_download_does_not_count_as_being_here(cache):
    weights = by_name(V3)
    put_in_cache(cache, weights, FILES)
    assert weights.on_disk() is None


def test_the_pinned_commit_and_only_the_needed_files_are_downloaded(cache, monkeypatch):
    asked = {}

    def download(repository, *, revision, allow_patterns):
        asked.update(repository=repository, revision=revision, files=allow_patterns)
        return str(cache)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert locate(V3).folder == cache
    assert asked["repository"] == "istupakov/parakeet-tdt-0.6b-v3-onnx"
    assert asked["revision"] == by_name(V3).commit
    assert set(asked["files"]) == {*FILES, "encoder-model.onnx.data"}


def test_a_download_that_breaks_off_says_so(cache, monkeypatch):
    def download(*_, **__):
        raise ConnectionError("connection reset")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(ModelUnavailable, match="broke off: connection reset"):
        locate(V3)


def test_without_a_connection_the_answer_comes_in_seconds_and_says_what_to_do(tmp_path):
    """The real client against an address where nobody listens."""
    program = f"from gpu_job.weights import locate\ntry:\n locate({V3!r})\nexcept Exception as e:\n print(type(e).__name__, e)"
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
    for part in (V3, "http://127.0.0.1:9", "was not reached", "HF_HOME", "--model tiny", "no human speech"):
        assert part in done.stdout
