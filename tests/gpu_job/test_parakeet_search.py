"""How the decoder's CUDA graphs are captured, with torch's errors made by hand: there is no GPU where these run."""

from __future__ import annotations

import pytest

from tests.gpu_job.hearing import during, nemo_tests

pytestmark = nemo_tests()


def test_a_shortage_while_the_loop_is_captured_does_not_give_the_whole_graph_up(torch):
    from gpu_job import parakeet  # noqa: PLC0415 - not importable everywhere

    decoder = parakeet.load("tiny", device="cpu")._search._plain
    hidden = during(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has …"),
        torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture"),
    )
    with pytest.raises(torch.AcceleratorError):
        decoder._raise_or_warn_no_while_loop_cuda_graphs(hidden)
    assert not decoder.why_not_full


def test_why_the_loop_is_not_one_graph_is_told_where_the_driver_would_allow_it(torch, monkeypatch):
    from gpu_job import parakeet, parakeet_search  # noqa: PLC0415 - not importable everywhere

    search = parakeet.load("tiny", device="cpu")._search
    checked = "check_cuda_python_cuda_graphs_conditional_nodes_supported"
    monkeypatch.setattr(parakeet_search, checked, lambda: None)
    assert search.graphs() == "None"
    search._plain._raise_or_warn_no_while_loop_cuda_graphs(
        torch.AcceleratorError("CUDA error: invalid device function\nCUDA kernel errors might be …")
    )
    assert search.graphs() == "None: CUDA error: invalid device function"
