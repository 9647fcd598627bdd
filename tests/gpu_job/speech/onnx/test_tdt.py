"""The batched decoder against the plain loop of the TDT paper, one window at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_job.speech.onnx.tdt import decode

VOCABULARY, BLANK, DURATIONS, WIDTH = 6, 5, 5, 4


class RandomNetwork:
    """Random weights, with a state that depends on everything spoken before."""

    def __init__(self, seed, *, bias=()):
        random = np.random.default_rng(seed)
        self.from_frame = random.standard_normal((WIDTH, VOCABULARY + DURATIONS)).astype(np.float32)
        self.from_state = random.standard_normal((3, VOCABULARY + DURATIONS)).astype(np.float32)
        self.of_token = random.standard_normal((VOCABULARY, 3)).astype(np.float32)
        self.bias = np.zeros(VOCABULARY + DURATIONS, np.float32)
        for index, value in bias:
            self.bias[index] = value
        self.calls = 0

    def __call__(self, frames, tokens, state):
        self.calls += 1
        hidden = np.tanh(state[0][0] * 0.5 + self.of_token[tokens])
        logits = frames @ self.from_frame + hidden @ self.from_state + self.bias
        return logits, (hidden[None], state[1] + 1)


START = (np.zeros((1, 1, 3), np.float32), np.zeros((1, 1, 3), np.float32))


def plain(frames, network, max_per_frame):
    """Figure 2 of the paper, with the limit on tokens at one frame that all implementations have."""
    state, last, at, here, found = START, BLANK, 0, 0, []
    while at < len(frames):
        logits, after = network(frames[at][None], np.array([last]), state)
        token, step = int(logits[0, :VOCABULARY].argmax()), int(logits[0, VOCABULARY:].argmax())
        if token != BLANK:
            found.append((token, at, step))
            state, last, here = after, token, here + 1
        if step > 0:
            at, here = at + step, 0
        elif token == BLANK or here == max_per_frame:
            at, here = at + 1, 0
    return found


def run(windows, network, max_per_frame=10):
    options = {"vocabulary": VOCABULARY, "blank": BLANK, "max_per_frame": max_per_frame}
    return decode(windows, network, START, **options)


def triples(tokens):
    return list(zip(tokens.ids.tolist(), tokens.frames.tolist(), tokens.durations.tolist(), strict=True))


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.integers(0, 40), min_size=1, max_size=9),
    st.integers(1, 4),
    st.floats(-3, 6),
)
def test_a_batch_gives_the_tokens_of_each_window_alone(seed, lengths, max_per_frame, towards_zero):
    """Also where duration 0 is likely, so that the limit of tokens at one frame matters."""
    network = RandomNetwork(seed, bias=[(VOCABULARY, towards_zero)])
    random = np.random.default_rng(seed + 1)
    windows = [random.standard_normal((length, WIDTH)).astype(np.float32) for length in lengths]
    decoded = run(windows, network, max_per_frame)
    assert [triples(tokens) for tokens in decoded] == [
        plain(frames, network, max_per_frame) for frames in windows
    ]
    for tokens in decoded:
        assert ((tokens.confidences > 1 / VOCABULARY - 1e-6) & (tokens.confidences <= 1)).all()


def test_one_call_serves_all_windows():
    network = RandomNetwork(1, bias=[(BLANK, 100.0), (VOCABULARY + 1, 100.0)])
    run([np.zeros((length, WIDTH), np.float32) for length in (7, 3, 5)], network)
    assert network.calls == 7


def test_a_window_that_never_moves_on_is_moved_on_by_the_limit():
    network = RandomNetwork(1, bias=[(2, 100.0), (VOCABULARY, 100.0)])
    (tokens,) = run([np.zeros((3, WIDTH), np.float32)], network, max_per_frame=2)
    assert triples(tokens) == [(2, frame, 0) for frame in (0, 0, 1, 1, 2, 2)]


def test_windows_without_frames_have_no_tokens():
    empty = np.zeros((0, WIDTH), np.float32)
    assert [len(tokens.ids) for tokens in run([empty, empty], RandomNetwork(1))] == [0, 0]
    assert run([], RandomNetwork(1)) == []


def test_confidence_is_a_softmax_over_the_tokens_and_leaves_durations_out():
    def network(frames, _tokens, state):
        logits = np.log(np.array([[1, 2, 4, 1, 1, 1, 50, 400, 50, 50, 50]], np.float32))
        return logits.repeat(len(frames), axis=0), state

    (tokens,) = run([np.zeros((1, WIDTH), np.float32)], network)
    assert tokens.confidences == pytest.approx([0.4])
