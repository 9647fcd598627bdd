import hashlib
import json
import shutil

import huggingface_hub
import pytest

from gpu_job.speech.onnx import onnx_engine
from gpu_job.weights import lookup
from gpu_job.weights.catalogue import BUNDLED, FILES, catalogue
from gpu_job.weights.lookup import digest, locate
from shared.errors import ModelUnavailable
from tests.irregular import IRREGULAR, irregular

V3 = "nvidia/parakeet-tdt-0.6b-v3"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub's client."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put_in_cache(release, *, without=()):
    release.folder.mkdir(parents=True)
    for file in release.files:
        if file.name not in without:
            with (release.folder / file.name).open("wb") as sparse:
                sparse.truncate(file.size)
    return release.folder


def named(name):
    return next(one for one in catalogue() if one.name == name)


def export(folder, **config):
    for name in FILES:
        (folder / name).write_text(json.dumps(config) if name == "config.json" else name, encoding="utf-8")
    return folder


@pytest.fixture
def no_download(monkeypatch):
    def refuse(*_):
        pytest.fail("nothing was to be downloaded")

    monkeypatch.setattr("gpu_job.weights.download.download", refuse)


def test_the_catalogue_says_who_made_what_and_pins_every_download():
    assert [one.name for one in catalogue()] == [V3, "nvidia/parakeet-tdt-0.6b-v2", "tiny"]
    for one in catalogue():
        for release in (one.onnx, one.nemo):
            assert all(len(bytes.fromhex(file.sha256)) == 32 and file.size > 0 for file in release.files)
            if release.repository is None:
                assert one.licence == "Apache-2.0"
            else:
                assert (one.licence, one.owner) == ("CC-BY-4.0", "NVIDIA")
                assert len(bytes.fromhex(release.commit)) == 20
        assert {file.name for file in one.onnx.files} >= set(FILES)
    assert named(V3).language is None
    assert named("nvidia/parakeet-tdt-0.6b-v2").language == "en"
    assert (named(V3).onnx.size, named(V3).nemo.size) == (2_549_805_955, 2_509_332_480)


def test_the_demo_weights_are_here_and_say_what_they_are():
    tiny = named("tiny")
    assert tiny.onnx.on_disk() == BUNDLED
    assert "160 words" in tiny.about
    assert "no human speech" in tiny.about
    located = locate("tiny")
    assert (located.path, located.language) == (BUNDLED, "en")
    assert located.revision == digest(BUNDLED)


def test_the_demo_weights_are_here_as_a_nemo_archive_too():
    located = locate("tiny", "nemo")
    assert (located.path, located.language) == (BUNDLED / "tiny-tdt.nemo", "en")
    assert located.revision == "sha256:" + digest(BUNDLED / "tiny-tdt.nemo")[7:]
    assert located.revision != locate("tiny").revision


def test_the_digest_changes_with_any_file_and_ignores_what_is_no_part_of_the_model(tmp_path):
    export(tmp_path, model_type="nemo-conformer-tdt")
    before = digest(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert digest(tmp_path) == before
    (tmp_path / "vocab.txt").write_text("other")
    assert digest(tmp_path) != before


def test_a_copy_of_an_archive_under_another_name_is_the_same_revision(tmp_path):
    copy = shutil.copy(BUNDLED / "tiny-tdt.nemo", tmp_path / "mine.nemo")
    content = hashlib.sha256((BUNDLED / "tiny-tdt.nemo").read_bytes()).hexdigest()
    assert locate(str(copy), "nemo").revision == locate("tiny", "nemo").revision == f"sha256:{content[:16]}"


def test_a_folder_with_an_export_is_used_as_it_is(tmp_path):
    located = locate(str(export(tmp_path, model_type="nemo-conformer-tdt")))
    assert located.path == tmp_path
    assert located.language is None
    assert located.revision.startswith("sha256:")


@pytest.mark.parametrize("inside", [True, False])
def test_a_nemo_archive_is_used_as_it_is_by_its_path_or_its_folder(tmp_path, inside):
    path = shutil.copy(BUNDLED / "tiny-tdt.nemo", tmp_path / "mine.nemo")
    located = locate(str(tmp_path if inside else path), "nemo")
    assert located.path == path
    assert located.language is None
    assert located.revision.startswith("sha256:")


def test_a_folder_with_two_nemo_archives_or_none_is_refused(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"holds no \.nemo files"):
        locate(str(tmp_path), "nemo")
    for name in ("a.nemo", "b.nemo"):
        shutil.copy(BUNDLED / "tiny-tdt.nemo", tmp_path / name)
    with pytest.raises(ModelUnavailable, match=r"holds 2 \.nemo files"):
        locate(str(tmp_path), "nemo")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "mine.nemo").write_bytes(b"half a download" * 100)
    with pytest.raises(ModelUnavailable, match="no NeMo archive"):
        locate(str(tmp_path / "mine.nemo"), "nemo")


def test_a_nemo_archive_given_to_the_processor_says_how_to_export_it():
    with pytest.raises(ModelUnavailable, match=r"models export-onnx .*tiny-tdt\.nemo FOLDER"):
        locate(str(BUNDLED / "tiny-tdt.nemo"))


@pytest.mark.parametrize(("kind", "thing"), [("onnx", "folder"), ("nemo", "file")])
def test_an_unknown_name_is_answered_with_the_known_ones(kind, thing):
    pattern = rf"no weights called 'large', and no such {thing}.*parakeet-tdt-0\.6b-v3.*tiny"
    with pytest.raises(ModelUnavailable, match=pattern):
        locate("large", kind)


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


@pytest.mark.parametrize("kind", ["onnx", "nemo"])
def test_cached_weights_need_no_network(cache, no_download, kind):
    release = named(V3).release(kind)
    folder = put_in_cache(release)
    located = locate(V3, kind)
    expected = folder if kind == "onnx" else folder / "parakeet-tdt-0.6b-v3.nemo"
    assert (located.path, located.revision) == (expected, release.commit)


def test_what_the_hubs_own_client_downloaded_is_found(cache):
    release = named(V3).nemo
    put_in_cache(release)
    found = huggingface_hub.try_to_load_from_cache(
        release.repository, release.files[0].name, revision=release.commit, cache_dir=cache
    )
    assert found == str(release.path)


def test_half_a_download_does_not_count_as_being_here(cache):
    release = named(V3).onnx
    folder = put_in_cache(release, without={"encoder-model.onnx.data"})
    assert release.on_disk() is None
    (folder / "encoder-model.onnx.data").write_bytes(b"cut short")
    assert release.on_disk() is None


def test_what_is_missing_is_downloaded_and_its_progress_told(cache, monkeypatch):
    asked = []

    def download(*arguments):
        asked.append(arguments)
        return cache

    monkeypatch.setattr("gpu_job.weights.download.download", download)
    assert locate(V3, "nemo", progress=print).path == cache
    assert asked == [(named(V3), named(V3).nemo, print)]


def test_damaged_demo_weights_say_how_to_get_them_back(monkeypatch, tmp_path):
    monkeypatch.setattr("gpu_job.weights.catalogue.BUNDLED", tmp_path)
    with pytest.raises(ModelUnavailable, match="git checkout -- models"):
        lookup.locate("tiny")


def test_weights_that_are_not_what_was_pinned_are_not_loaded(cache):
    put_in_cache(named(V3).onnx)  # files of the right length
    locate(V3)
    with pytest.raises(ModelUnavailable, match=r"SHA-256.*models pull nvidia/parakeet-tdt-0.6b-v3` fetches"):
        lookup.verify(V3)


def test_weights_as_pinned_and_those_that_nobody_pinned_pass(tmp_path):
    lookup.verify("tiny")
    lookup.verify("tiny", "nemo")
    lookup.verify(str(tmp_path))


def test_the_engine_verifies_before_it_loads(monkeypatch):
    class NotPinnedError(Exception):
        pass

    def refuse(*_):
        raise NotPinnedError

    monkeypatch.setattr(onnx_engine, "verify", refuse)
    with pytest.raises(NotPinnedError):
        onnx_engine.load("tiny")


@pytest.mark.parametrize("kind", sorted({*IRREGULAR} - {"folder"}))
def test_weights_that_are_no_files_are_refused_and_nobody_waits_for_them(tmp_path, kind):
    export(tmp_path, model_type="nemo-conformer-tdt")
    irregular(tmp_path / "encoder-model.onnx.data", kind)
    with pytest.raises(ModelUnavailable, match=r"encoder-model\.onnx\.data is no file"):
        locate(str(tmp_path))
    irregular(tmp_path / "a.nemo", kind)
    for name in (tmp_path / "a.nemo", tmp_path):
        with pytest.raises(ModelUnavailable, match="no such file"):
            locate(str(name), "nemo")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"model_type": ' + "9" * 10_000 + "}", "\udcff", ""])
def test_a_description_of_an_export_that_nobody_writes_is_refused(tmp_path, text):
    export(tmp_path)
    (tmp_path / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelUnavailable, match=r"config\.json is not a JSON object"):
        locate(str(tmp_path))
