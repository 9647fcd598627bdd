"""How the decoder's CUDA graphs are captured, with torch's errors made by hand: there is no GPU where these run."""

from __future__ import annotations

import pytest

from tests.gpu_job.speech.hearing import during, nemo_tests, same

pytestmark = nemo_tests()


def test_a_shortage_while_the_loop_is_captured_does_not_give_the_whole_graph_up(torch):
    from gpu_job.speech.nemo import nemo_engine  # noqa: PLC0415 - not importable everywhere

    decoder = nemo_engine.load("tiny", device="cpu")._search._plain
    hidden = during(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has …"),
        torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture"),
    )
    with pytest.raises(torch.AcceleratorError):
        decoder._raise_or_warn_no_while_loop_cuda_graphs(hidden)
    assert not decoder.why_not_full


def test_why_the_loop_is_not_one_graph_is_told_where_the_driver_would_allow_it(torch, monkeypatch):
    from gpu_job.speech.nemo import nemo_engine, search  # noqa: PLC0415 - not importable everywhere

    loaded = nemo_engine.load("tiny", device="cpu")._search
    checked = "check_cuda_python_cuda_graphs_conditional_nodes_supported"
    monkeypatch.setattr(search, checked, lambda: None)
    assert loaded.graphs() == "None"
    loaded._plain._raise_or_warn_no_while_loop_cuda_graphs(
        torch.AcceleratorError("CUDA error: invalid device function\nCUDA kernel errors might be …")
    )
    assert loaded.graphs() == "None: CUDA error: invalid device function"


@pytest.fixture
def replayed(torch, monkeypatch):
    """An engine whose decoder keeps its state as CUDA graphs need it, each step computed instead of replayed."""
    from gpu_job.speech.nemo import nemo_engine, search  # noqa: PLC0415 - not importable everywhere

    def stateful(decoder, x, out_len, multi_biasing_ids=None):
        if decoder.cuda_graphs_mode is None:
            decoder.force_cuda_graphs_mode("no_graphs")
        return decoder.cuda_graphs_impl(x, out_len, multi_biasing_ids=multi_biasing_ids)

    monkeypatch.setattr(search._Decoder, "__call__", stateful)
    return nemo_engine.load("tiny", device="cpu")


def test_a_batch_smaller_or_larger_than_what_was_captured_is_heard_as_without_graphs(
    replayed, tiny, speech, torch
):
    windows, _ = speech
    with torch.inference_mode():
        replayed._search.capture(len(windows) - 2, 376)
    captured = replayed._search._plain.state
    same(replayed.transcribe(windows[:3]), tiny.transcribe(windows[:3]))
    assert replayed._search._plain.state is captured, "it was not captured anew"
    same(replayed.transcribe(windows), tiny.transcribe(windows))
    assert replayed._search._plain.state is not captured
    same(replayed.transcribe(windows[1:2]), tiny.transcribe(windows[1:2]))


def test_phrases_are_heard_the_same_with_the_state_that_graphs_need(replayed, tiny, speech):
    windows, _ = speech
    for lists in (
        [("zulu papa", "denver"), (), ("alpha",)],
        [(), ("bravo", "flight"), ()],
    ):
        same(replayed.transcribe(windows[:3], lists), tiny.transcribe(windows[:3], lists))


def test_a_language_is_written_in_its_own_alphabet_window_by_window(tiny, speech):
    windows = speech[0][:3]
    plain = tiny.transcribe(windows)
    heard = tiny.transcribe(windows, languages=["en", "ru", None])
    same([heard[0], heard[2]], [plain[0], plain[2]])
    assert any(letter.isalpha() for word in plain[1] for letter in word.text)
    # The vocabulary of these weights has no other letters.
    assert not any(letter.isalpha() for word in heard[1] for letter in word.text)
    same(tiny.transcribe(windows, languages=["ru"] * 3)[1:2], heard[1:2])
    same(tiny.transcribe(windows), plain)  # what one call rules out does not last
