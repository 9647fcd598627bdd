"""The weights that are known by name, each file pinned."""

from __future__ import annotations

import re

import pytest

from gpu_job.weights import catalogue
from gpu_job.weights.catalogue import BUNDLED, FILES

RELEASES = [
    pytest.param(one, release, id=f"{one.name}-{release.kind}")
    for one in catalogue.catalogue()
    for release in (one.onnx, one.nemo)
]


@pytest.mark.parametrize(("weights", "release"), RELEASES)
def test_every_file_is_pinned_by_length_digest_and_commit(weights, release):
    for file in release.files:
        assert file.size > 0
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256), file.name
    assert bool(release.repository) == bool(re.fullmatch(r"[0-9a-f]{40}", release.commit))
    assert weights.release(release.kind) is release


@pytest.mark.parametrize(("weights", "release"), RELEASES)
def test_a_release_holds_what_its_engine_loads_the_large_files_last(weights, release):
    names = [file.name for file in release.files]
    if release.kind == "onnx":
        assert set(FILES) <= set(names)
        assert release.path == release.folder
    else:
        assert names[-1].endswith(".nemo")
        assert release.path == release.folder / names[-1]
    assert release.files[-1].size == max(file.size for file in release.files) or release.kind == "onnx"
    assert release.size == sum(file.size for file in release.files)


def test_names_are_known_once_and_others_are_not():
    names = [one.name for one in catalogue.catalogue()]
    assert len(set(names)) == len(names)
    assert [catalogue.by_name(name) for name in names] == list(catalogue.catalogue())
    assert catalogue.by_name("whisper") is None


def test_a_release_is_on_disk_where_all_its_files_are_in_full_length(tmp_path, monkeypatch):
    tiny = catalogue.by_name("tiny")
    assert (tiny.onnx.on_disk(), tiny.language) == (BUNDLED, "en")
    monkeypatch.setattr(catalogue, "BUNDLED", tmp_path)
    for file in tiny.onnx.files:
        assert tiny.onnx.on_disk() is None
        (tmp_path / file.name).write_bytes(bytes(file.size))
    assert tiny.onnx.on_disk() == tmp_path
    (tmp_path / "vocab.txt").write_bytes(b"")
    assert tiny.onnx.on_disk() is None


def test_weights_of_several_languages_have_no_one_language():
    assert catalogue.by_name("nvidia/parakeet-tdt-0.6b-v3").language is None
