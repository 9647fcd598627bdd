"""NeMo's engine on a processor: the same words as the ONNX engine's, from the same weights."""

from __future__ import annotations

import importlib.util
import io
import itertools
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from gpu_job import parakeet_onnx, segments
from gpu_job.engine import EngineLost, OutOfMemory
from gpu_job.weights import BUNDLED
from shared.errors import ModelUnavailable
from tests.speech import SAMPLE_RATE, read_media, sentences, talk, text_of, word_errors

pytestmark = [
    pytest.mark.nemo,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None, reason="torch is not installed: `make test` installs it"
    ),
    pytest.mark.filterwarnings("ignore"),  # NeMo and what it imports warn about their own affairs
]
ROOT = Path(__file__).parent.parent.parent
ARCHIVE = BUNDLED / "tiny-tdt.nemo"


@pytest.fixture(scope="module")
def parakeet():
    from gpu_job import parakeet  # noqa: PLC0415 - not importable everywhere

    return parakeet


@pytest.fixture(scope="module")
def tiny(parakeet):
    import torch  # noqa: PLC0415 - not importable everywhere

    torch.set_num_threads(1)  # threads that wait for one another crawl on a busy machine
    return parakeet.load("tiny", device="cpu")


@pytest.fixture(scope="module")
def onnx():
    return parakeet_onnx.load("tiny", threads=2)


@pytest.fixture(scope="module")
def speech():
    """Two minutes in windows of 16 kHz float samples, and the true words."""
    samples, truth = talk(120.0, seed=11)
    return [samples[w.start : w.end] / np.float32(32768) for w in segments.cut(samples)], truth


def text(words):
    return " ".join(word.text for word in words)


def same(ours, theirs):
    assert [text(words) for words in ours] == [text(words) for words in theirs]
    for one, other in zip(itertools.chain(*ours), itertools.chain(*theirs), strict=True):
        assert one.start == pytest.approx(other.start, abs=0.08)
        assert one.end == pytest.approx(other.end, abs=0.08)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-3)


def test_words_times_and_confidences_are_those_of_the_onnx_engine(tiny, onnx, speech):
    windows, truth = speech
    heard = tiny.transcribe(windows)
    same(heard, onnx.transcribe(windows))
    errors, count = word_errors(text_of(truth), " ".join(text(words) for words in heard))
    assert count > 150
    assert errors / count < 0.03


@pytest.mark.parametrize("name", ["order-hotline.m4a", "voice-note.opus", "warehouse-tour.mp4"])
def test_a_bundled_sample_is_heard_as_the_onnx_engine_hears_it(tiny, onnx, name):
    samples = read_media(ROOT / "samples" / name)
    windows = [samples[w.start : w.end] / np.float32(32768) for w in segments.cut(samples)]
    same(tiny.transcribe(windows), onnx.transcribe(windows))


def test_the_company_in_a_batch_changes_nothing(tiny, speech):
    """NeMo's own processor path gives tokens the durations of other windows; ours are those of each alone."""
    windows, _ = speech
    same(tiny.transcribe(windows), [tiny.transcribe([window])[0] for window in windows])


def test_features_are_those_of_nemos_preprocessor(tmp_path):
    import torch  # noqa: PLC0415 - not importable everywhere

    from gpu_job.parakeet_mel import Mel  # noqa: PLC0415 - imports torch

    script = """
import sys, numpy, torch
from nemo.collections.asr.modules import AudioToMelSpectrogramPreprocessor
given = numpy.load(sys.argv[1])
made = AudioToMelSpectrogramPreprocessor(sample_rate=16000, window_size=0.025, window_stride=0.01, n_fft=512,
                                         features=80, normalize="per_feature", dither=0.0, pad_to=0).eval()
features, counts = made(input_signal=torch.tensor(given["sound"]), length=torch.tensor(given["lengths"]))
numpy.savez(sys.argv[1], features=features, counts=counts, filters=made.featurizer.fb[0])
"""
    lengths = np.array([16_000, 9_999, 400])
    sound = np.random.default_rng(1).standard_normal((3, 16_000), dtype=np.float32) * np.float32(0.1)
    sound *= np.arange(16_000) < lengths[:, None]
    path = tmp_path / "sound.npz"
    np.savez(path, sound=sound, lengths=lengths)
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, path], check=True, capture_output=True)
    nemo = np.load(path)
    ours, frames = Mel(torch.tensor(nemo["filters"]))(torch.tensor(sound), torch.tensor(lengths))
    assert frames.tolist() == nemo["counts"].tolist() == [100, 62, 2]
    np.testing.assert_allclose(ours, nemo["features"][:, :, :100], atol=1e-3)


def test_a_window_of_minutes_is_heard_with_local_attention_and_the_encoder_is_left_as_it_was(tiny, speech):
    windows, truth = speech
    before = tiny.transcribe(windows)
    samples, _ = talk(120.0, seed=11)
    (long,) = tiny.transcribe([np.concatenate([samples, samples]) / np.float32(32768)])
    errors, count = word_errors(" ".join([text_of(truth)] * 2), text(long))
    assert errors / count < 0.05
    assert tiny._networks.encoder.self_attention_model == "rel_pos"
    assert tiny.transcribe(windows) == before


def test_phrases_are_preferred_where_the_sound_leaves_a_choice(tiny):
    noise = np.random.default_rng(3)
    chosen = sentences()[:60]
    sounds = []
    for sentence in chosen:
        sound = sentence.samples / np.float32(32768)
        loudness = np.float32(0.5 * np.sqrt(np.mean(sound**2)))
        sounds.append(sound + noise.standard_normal(len(sound), dtype=np.float32) * loudness)
    wrong = right = 0
    for sentence, sound, words in zip(chosen, sounds, tiny.transcribe(sounds), strict=True):
        if text(words) != sentence.text:
            wrong += word_errors(sentence.text, text(words))[0]
            right += word_errors(sentence.text, text(tiny.transcribe([sound], [(sentence.text,)])[0]))[0]
    assert wrong > 3
    assert right <= wrong / 3


def test_phrases_leave_calls_without_them_as_they_are(tiny, speech):
    windows, _ = speech
    before = tiny.transcribe(windows)
    tiny.transcribe(windows, [("zulu papa", "denver")] * len(windows))
    assert tiny.transcribe(windows) == before


def test_a_phrase_that_the_vocabulary_cannot_spell_is_named_and_passed_over(tiny, speech, caplog):
    windows, _ = speech
    assert tiny.transcribe(windows, [("Übergröße",)] * len(windows)) == tiny.transcribe(windows)
    assert "Übergröße" in caplog.text


def test_more_phrase_lists_than_are_kept_do_no_harm(tiny, speech, monkeypatch):
    monkeypatch.setattr("gpu_job.parakeet_phrases.PHRASE_LISTS", 3)
    window = speech[0][0]
    for phrase in ("alpha", "bravo", "charlie", "delta", "echo", "alpha"):
        assert tiny.transcribe([window], [(phrase,)])[0]
    assert list(tiny._search.trees.kept) == [("delta",), ("echo",), ("alpha",)]


def test_each_window_of_a_batch_has_its_own_phrases(tiny, monkeypatch):
    """More lists at one time than are kept, and windows without any among them."""
    monkeypatch.setattr("gpu_job.parakeet_phrases.PHRASE_LISTS", 2)
    chosen = sentences()[:6]
    sounds = [sentence.samples / np.float32(32768) for sentence in chosen]
    lists = [(sentence.text,) if index % 3 else () for index, sentence in enumerate(chosen)]
    alone = [tiny.transcribe([sound], [list_])[0] for sound, list_ in zip(sounds, lists, strict=True)]
    same(tiny.transcribe(sounds, lists), alone)


@pytest.mark.parametrize("count", [0, 1, 399, 400, 1_600, 16_000])
def test_silence_of_any_length_is_no_words(tiny, count):
    assert tiny.transcribe([np.zeros(count, np.float32)]) == [()]


def test_no_windows_are_no_results(tiny):
    assert tiny.transcribe([]) == []


def test_short_long_and_empty_windows_keep_their_places(tiny, speech):
    window = speech[0][0]
    expected = tiny.transcribe([window])[0]
    assert tiny.transcribe([np.zeros(10, np.float32), window, np.zeros(0, np.float32)]) == [(), expected, ()]


def test_it_may_be_called_from_several_threads(tiny, speech):
    windows, _ = speech
    expected = tiny.transcribe(windows)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(tiny.transcribe, [windows] * 3)) == [expected] * 3


def test_too_little_memory_is_an_error_of_its_own_and_the_engine_goes_on(tiny, speech, monkeypatch):
    import torch  # noqa: PLC0415 - not importable everywhere

    windows, _ = speech
    expected = tiny.transcribe(windows)

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has …")

    with monkeypatch.context() as patch:
        patch.setattr(type(tiny._networks), "encode", full)
        with pytest.raises(OutOfMemory, match="out of memory"):
            tiny.transcribe(windows)
    assert tiny.transcribe(windows) == expected


@pytest.mark.parametrize("lost", [True, False])
def test_only_an_error_after_which_the_gpu_does_nothing_more_is_told_as_its_loss(
    tiny, speech, parakeet, monkeypatch, lost
):
    import torch  # noqa: PLC0415 - not importable everywhere

    def broken(*_):
        raise RuntimeError(
            "CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"
        )

    monkeypatch.setattr(tiny, "_gpu", True)
    monkeypatch.setattr(type(tiny._networks), "encode", broken)
    monkeypatch.setattr(torch.cuda, "synchronize", broken if lost else lambda: None)
    with pytest.raises(EngineLost if lost else RuntimeError, match="launch failure") as raised:
        tiny.transcribe(speech[0])
    assert isinstance(raised.value, EngineLost) == lost
    assert lost == ("reported later" not in str(raised.value))


def test_it_says_what_it_is(tiny):
    assert (tiny.engine, tiny.model, tiny.language) == ("parakeet-cpu", "tiny", "en")
    assert tiny.revision
    assert tiny.memory() is None
    assert tiny.device.graphs == "no CUDA graphs: no GPU"


def test_a_nemo_file_is_loaded_by_its_path(parakeet, speech, tmp_path):
    path = tmp_path / "mine.nemo"
    path.write_bytes(ARCHIVE.read_bytes())
    assert parakeet.load(str(path), device="cpu").transcribe(speech[0][:1])[0]


def changed(tmp_path, suffix, change):
    """A copy of the bundled archive in which one member is another."""
    path = tmp_path / "mine.nemo"
    with tarfile.open(ARCHIVE) as old, tarfile.open(path, "w") as new:
        for member in old.getmembers():
            if member.isfile():
                data = old.extractfile(member).read()
                data = change(data) if member.name.endswith(suffix) else data
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return str(path)


def test_damaged_weights_say_where_they_are_and_what_to_do(parakeet, tmp_path):
    path = changed(tmp_path, ".ckpt", lambda data: data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match=r"mine\.nemo cannot be loaded"):
        parakeet.load(path, device="cpu")


def test_weights_of_another_size_are_refused_rather_than_half_filled(parakeet, tmp_path):
    path = changed(tmp_path, ".yaml", lambda data: data.replace(b"n_layers: 6", b"n_layers: 7"))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        parakeet.load(path, device="cpu")


def test_a_lean_import_leaves_room_for_the_whole_of_nemo_afterwards():
    script = (
        "from gpu_job import parakeet; import sys; assert 'lightning' not in sys.modules; "
        "from nemo.collections.asr.models import ASRModel; import lightning.pytorch; "
        f"model = ASRModel.restore_from({str(ARCHIVE)!r}, map_location='cpu'); "
        "assert isinstance(model, lightning.pytorch.LightningModule)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, cwd=ROOT)


def test_a_second_of_sound_in_long_windows_is_not_longer_than_its_window(tiny, speech):
    for window, words in zip(speech[0], tiny.transcribe(speech[0]), strict=True):
        assert words[-1].end <= len(window) / SAMPLE_RATE + 0.08
