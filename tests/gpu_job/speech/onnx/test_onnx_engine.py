"""The bundled weights on real (synthetic) speech, against the truth and against onnx-asr's own decoder."""

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnx_asr
import pytest

from gpu_job.speech import windowing
from gpu_job.speech.onnx import onnx_engine
from gpu_job.weights.catalogue import BUNDLED
from gpu_job.weights.lookup import locate
from shared.errors import ModelUnavailable
from tests.speech import SAMPLE_RATE, sentences, talk, text_of, word_errors


@pytest.fixture(scope="module")
def tiny():
    return onnx_engine.load("tiny", threads=2)


@pytest.fixture(scope="module")
def reference():
    return onnx_asr.load_model("nemo-conformer-tdt", BUNDLED).asr


@pytest.fixture(scope="module")
def speech():
    """Two minutes, in windows of 16 kHz float samples, with their starts and the true words."""
    samples, truth = talk(120.0, seed=11)
    windows = windowing.cut(samples)
    return [samples[w.start : w.end] / np.float32(32768) for w in windows], [w.start for w in windows], truth


def test_speech_becomes_the_right_words_in_order(tiny, speech):
    windows, _, truth = speech
    heard = " ".join(word.text for words in tiny.transcribe(windows) for word in words)
    errors, count = word_errors(text_of(truth), heard)
    assert count > 150
    assert errors / count < 0.03


def test_a_word_lies_where_it_is_spoken(tiny, speech):
    windows, starts, truth = speech
    heard = [
        (word.text, word.start + start / SAMPLE_RATE, word.end + start / SAMPLE_RATE)
        for start, words in zip(starts, tiny.transcribe(windows), strict=True)
        for word in words
    ]
    off = []
    for text, start, end in heard:
        middle = (start + end) / 2
        same = [abs((true.start + true.end) / 2 - middle) for true in truth if true.word == text]
        off.append(min(same, default=9.0))
    assert np.percentile(off, 95) < 0.4
    assert np.median(off) < 0.2


def test_words_of_a_window_are_ordered_within_it_and_have_probabilities(tiny, speech):
    windows, _, _ = speech
    for window, words in zip(windows, tiny.transcribe(windows), strict=True):
        assert words
        for before, after in itertools.pairwise(words):
            assert before.start <= before.end <= after.start
        assert words[-1].end <= len(window) / SAMPLE_RATE + 0.08
        assert all(0.0 <= word.confidence <= 1.0 for word in words)


def test_tokens_frames_and_probabilities_are_those_of_onnx_asr(tiny, reference, speech):
    encoded = [frames for window in speech[0] for frames in tiny._sessions.encode([window])]
    for frames, ours in zip(encoded, tiny._sessions.decode(encoded), strict=True):
        ((ids, at, logarithms),) = reference._decoding(
            frames[None], np.array([len(frames)]), need_logprobs=True
        )
        assert ours.ids.tolist() == ids
        assert ours.frames.tolist() == at
        assert ours.confidences == pytest.approx(np.exp(logarithms), abs=1e-4)


def test_a_low_limit_of_tokens_a_frame_means_what_it_means_to_onnx_asr(tiny, reference, monkeypatch):
    """Noise in place of encoder frames makes the network babble, so that the limit is reached."""
    monkeypatch.setitem(reference.config, "max_tokens_per_step", 1)
    limited = replace(tiny._sessions, export=replace(tiny._sessions.export, max_per_frame=1))
    random = np.random.default_rng(5)
    encoded = [random.standard_normal((count, 96)).astype(np.float32) * 3 for count in (40, 7, 55)]
    ours = limited.decode(encoded)
    assert sum(len(tokens.ids) for tokens in ours) < sum(
        len(tokens.ids) for tokens in tiny._sessions.decode(encoded)
    )
    for frames, tokens in zip(encoded, ours, strict=True):
        ((ids, at, _),) = reference._decoding(frames[None], np.array([len(frames)]))
        assert tokens.ids.tolist() == list(ids)
        assert tokens.frames.tolist() == list(at)


def test_the_text_is_that_of_onnx_asr_whatever_the_company_in_the_batch(tiny, reference):
    windows = [sentence.samples / np.float32(32768) for sentence in sentences()[:40]]
    alone = [next(iter(reference.recognize_batch(one[None], np.array([len(one)])))).text for one in windows]
    together = [" ".join(word.text for word in words) for words in tiny.transcribe(windows)]
    errors, count = word_errors(" ".join(alone), " ".join(together))
    assert errors / count < 0.01  # padding changes the last digits of what the encoder gives


def test_more_windows_than_are_decoded_together_keep_their_places(tiny, speech):
    window = speech[0][0]
    first, second = window[: 2 * SAMPLE_RATE], window[2 * SAMPLE_RATE : 4 * SAMPLE_RATE]
    expected = tiny.transcribe([first, second])
    heard = tiny.transcribe([first, second] * (onnx_engine.DECODED_TOGETHER + 3))
    assert [text(words) for words in heard] == [text(words) for words in expected] * (len(heard) // 2)


def text(words):
    return " ".join(word.text for word in words)


def test_it_may_be_called_from_several_threads(tiny, speech):
    windows, _, _ = speech
    expected = tiny.transcribe(windows)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(tiny.transcribe, [windows] * 3)) == [expected] * 3


@pytest.mark.parametrize("count", [0, 1, 399, 400, 1_600, 16_000])
def test_silence_of_any_length_is_no_words(tiny, count):
    assert tiny.transcribe([np.zeros(count, np.float32)]) == [()]


def test_no_windows_are_no_results(tiny):
    assert tiny.transcribe([]) == []


def test_it_says_what_it_is(tiny):
    assert (tiny.engine, tiny.model, tiny.language) == ("parakeet-cpu", "tiny", "en")
    assert tiny.revision.startswith("sha256:")


def test_damaged_weights_say_where_they_are_and_what_to_do(tmp_path):
    folder = shutil.copytree(BUNDLED, tmp_path / "model", ignore=shutil.ignore_patterns("*.nemo", "recipe"))
    (folder / "encoder-model.onnx").write_bytes(b"half a download")
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded.*export the model again") as raised:
        onnx_engine.load(str(folder))
    assert str(folder) in str(raised.value)


def test_a_language_is_written_in_its_own_alphabet_window_by_window(tiny, speech):
    windows = speech[0][:3]
    plain = tiny.transcribe(windows)
    heard = tiny.transcribe(windows, languages=["en", "ru", None])
    assert (heard[0], heard[2]) == (plain[0], plain[2])
    assert any(letter.isalpha() for word in plain[1] for letter in word.text)
    # The vocabulary of these weights has no other letters.
    assert not any(letter.isalpha() for word in heard[1] for letter in word.text)
    assert tiny.transcribe(windows, languages=["ru"] * 3)[1] == heard[1]
    assert tiny.transcribe(windows) == plain, "what one call rules out does not last"


class Roomy:
    """An encoder with room for 64 s, which notes how many windows come in each call."""

    precision = "as exported"
    together = 64 * SAMPLE_RATE

    def __init__(self, encoder, call_cost):
        self._encoder = encoder
        self.call_cost = call_cost
        self.calls = []

    def __call__(self, features, lengths):
        self.calls.append(len(lengths))
        return self._encoder(features, lengths)


def test_an_encoder_whose_calls_cost_little_gets_more_calls_with_less_padding(tiny):
    windows = [np.zeros(round(seconds * SAMPLE_RATE), np.float32) for seconds in (8.0, 8.0, 4.0, 4.0)]
    for call_cost, calls in ((20 * SAMPLE_RATE, [4]), (2 * SAMPLE_RATE, [2, 2])):
        roomy = Roomy(tiny._sessions.encoder, call_cost)
        onnx_engine.Parakeet("tiny", locate("tiny"), replace(tiny._sessions, encoder=roomy), 1).transcribe(
            windows
        )
        assert roomy.calls == calls


def test_windows_share_a_call_as_the_encoder_likes_it_and_give_the_same_words(tiny, speech):
    encoder = Roomy(tiny._sessions.encoder, 20 * SAMPLE_RATE)
    roomy = onnx_engine.Parakeet("tiny", locate("tiny"), replace(tiny._sessions, encoder=encoder), 2)
    heard = roomy.transcribe(speech[0])
    assert sum(encoder.calls) == len(speech[0])
    assert max(encoder.calls) > 2
    expected = tiny.transcribe(speech[0])
    assert [[word.text for word in one] for one in heard] == [[word.text for word in one] for one in expected]
