"""NeMo's engine on a processor: the same words as the ONNX engine's, from the same weights."""

from __future__ import annotations

import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx_asr
import onnxruntime
import pytest

from gpu_job.speech import windowing
from gpu_job.speech.transcriber import EngineLost, OutOfMemory
from gpu_job.weights.catalogue import BUNDLED
from shared.errors import ModelUnavailable
from tests.gpu_job.speech.hearing import nemo_tests, same, text
from tests.speech import SAMPLE_RATE, read_media, sentences, talk, text_of, word_errors

pytestmark = nemo_tests()
ROOT = Path(__file__).parents[4]
ARCHIVE = BUNDLED / "tiny-tdt.nemo"


def test_words_times_and_confidences_are_those_of_the_onnx_engine(heard, onnx, speech):
    windows, truth = speech
    same(heard, onnx.transcribe(windows))
    errors, count = word_errors(text_of(truth), " ".join(text(words) for words in heard))
    assert count > 150
    assert errors / count < 0.03


@pytest.mark.parametrize("name", ["order-hotline.m4a", "voice-note.opus", "warehouse-tour.mp4"])
def test_a_bundled_sample_is_heard_as_the_onnx_engine_hears_it(tiny, onnx, name):
    samples = read_media(ROOT / "samples" / name)
    windows = [samples[w.start : w.end] / np.float32(32768) for w in windowing.cut(samples)]
    same(tiny.transcribe(windows), onnx.transcribe(windows))


def test_the_company_in_a_batch_changes_nothing(tiny, speech, heard):
    """NeMo's own processor path gives tokens the durations of other windows; ours are those of each alone."""
    windows, _ = speech
    same(heard, [tiny.transcribe([window])[0] for window in windows])


@pytest.mark.slow
def test_a_window_of_minutes_is_heard_as_well(tiny, speech, heard):
    windows, truth = speech
    samples, _ = talk(120.0, seed=11)
    (long,) = tiny.transcribe([samples / np.float32(32768)])
    errors, count = word_errors(text_of(truth), text(long))
    assert errors / count < 0.05
    assert tiny.transcribe(windows) == heard


@pytest.mark.parametrize("count", [0, 1, 399, 400, 1_600, 16_000])
def test_silence_of_any_length_is_no_words(tiny, count):
    assert tiny.transcribe([np.zeros(count, np.float32)]) == [()]


def test_no_windows_are_no_results(tiny):
    assert tiny.transcribe([]) == []


def test_short_long_and_empty_windows_keep_their_places(tiny, speech):
    window = speech[0][0]
    expected = tiny.transcribe([window])[0]
    assert tiny.transcribe([np.zeros(10, np.float32), window, np.zeros(0, np.float32)]) == [(), expected, ()]


def test_it_may_be_called_from_several_threads(tiny, speech, heard):
    windows, _ = speech
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(tiny.transcribe, [windows] * 3)) == [heard] * 3


def test_too_little_memory_is_an_error_of_its_own_and_the_engine_goes_on(tiny, speech, heard, monkeypatch):
    import torch  # noqa: PLC0415 - not importable everywhere

    windows, _ = speech

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has …")

    with monkeypatch.context() as patch:
        patch.setattr(type(tiny._networks), "encode", full)
        with pytest.raises(OutOfMemory, match="out of memory"):
            tiny.transcribe(windows)
    assert tiny.transcribe(windows) == heard


@pytest.mark.parametrize("lost", [True, False])
def test_only_an_error_after_which_the_gpu_does_nothing_more_is_told_as_its_loss(
    tiny, speech, nemo_engine, monkeypatch, lost
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


def test_a_nemo_file_is_loaded_by_its_path(nemo_engine, speech, tmp_path):
    path = tmp_path / "mine.nemo"
    path.write_bytes(ARCHIVE.read_bytes())
    assert nemo_engine.load(str(path), device="cpu").transcribe(speech[0][:1])[0]


def test_a_hybrid_with_a_second_decoder_is_heard_as_the_transducer_that_it_is(
    nemo_engine, tiny, speech, tmp_path, torch
):
    """Such as parakeet-tdt_ctc-110m: NeMo's hybrids hold a CTC decoder beside it."""

    def with_ctc(data):
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        state["ctc_decoder.decoder_layers.0.weight"] = torch.zeros(257, 96, 1)
        file = io.BytesIO()
        torch.save(state, file)
        return file.getvalue()

    path = changed(tmp_path, ".ckpt", with_ctc)
    config = b"aux_ctc:\n  ctc_loss_weight: 0.3\n  decoder: {feat_in: 96, num_classes: 256}\n"
    path = changed(tmp_path / "hybrid", ".yaml", lambda data: data + config, of=Path(path))
    same(nemo_engine.load(path, device="cpu").transcribe(speech[0]), tiny.transcribe(speech[0]))


def changed(tmp_path, suffix, change, of=ARCHIVE):
    """A copy of the bundled archive in which one member is another."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "mine.nemo"
    with tarfile.open(of) as old, tarfile.open(path, "w") as new:
        for member in old.getmembers():
            if member.isfile():
                data = old.extractfile(member).read()
                data = change(data) if member.name.endswith(suffix) else data
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return str(path)


def test_damaged_weights_say_where_they_are_and_what_to_do(nemo_engine, tmp_path):
    path = changed(tmp_path, ".ckpt", lambda data: data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match=r"mine\.nemo cannot be loaded"):
        nemo_engine.load(path, device="cpu")


def test_one_value_that_stands_for_many_is_not_copied_to_all_its_places(nemo_engine, tmp_path, torch):
    def expand(data):
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        state["joint.enc.weight"] = torch.zeros(1).expand(1000, 1000)
        file = io.BytesIO()
        torch.save(state, file)
        return file.getvalue()

    with pytest.raises(ModelUnavailable, match="larger than what is stored"):
        nemo_engine.load(changed(tmp_path, ".ckpt", expand), device="cpu")


@pytest.mark.parametrize(
    ("method", "says"), [(zipfile.ZIP_DEFLATED, "is compressed"), (None, "no checkpoint of torch's")]
)
def test_a_checkpoint_that_may_unpack_to_more_than_it_is_is_not_loaded(nemo_engine, tmp_path, method, says):
    def repack(data):
        file = io.BytesIO()
        if method is not None:
            with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", method) as new:
                for name in old.namelist():
                    new.writestr(name, old.read(name))
        return file.getvalue()

    with pytest.raises(ModelUnavailable, match=says):
        nemo_engine.load(changed(tmp_path, ".ckpt", repack), device="cpu")


def test_weights_of_another_size_are_refused_rather_than_half_filled(nemo_engine, tmp_path):
    path = changed(tmp_path, ".yaml", lambda data: data.replace(b"n_layers: 6", b"n_layers: 7"))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        nemo_engine.load(path, device="cpu")


@pytest.mark.slow
def test_nemo_and_onnx_asr_by_themselves_give_the_same_text(whole_nemo):
    """One training, two formats."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnx_asr.load_model("nemo-conformer-tdt", BUNDLED, sess_options=options)
    heard = [model.recognize(one.samples.astype(np.float32) / 32768) for one in sentences()[::10]]
    assert whole_nemo.made["texts"].tolist() == heard


def test_a_second_of_sound_in_long_windows_is_not_longer_than_its_window(tiny, speech):
    for window, words in zip(speech[0], tiny.transcribe(speech[0]), strict=True):
        assert words[-1].end <= len(window) / SAMPLE_RATE + 0.08
