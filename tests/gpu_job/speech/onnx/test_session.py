"""How ONNX Runtime runs a network."""

from __future__ import annotations

import pytest

from gpu_job.speech.onnx.session import open_session
from gpu_job.weights.catalogue import BUNDLED


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_runs_on_the_processor_with_so_many_threads_that_do_not_spin(threads):
    session = open_session(BUNDLED / "decoder_joint-model.onnx", threads)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert session.get_providers() == ["CPUExecutionProvider"]
