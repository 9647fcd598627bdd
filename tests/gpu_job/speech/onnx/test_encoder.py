from __future__ import annotations

import numpy as np

from gpu_job.speech.onnx.encoder import rows


def test_each_window_gets_its_frames_and_none_of_the_padding():
    encoded = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    first, second = rows(encoded, np.array([4, 2]))
    assert first.tolist() == encoded[0].T.tolist()
    assert second.tolist() == encoded[1, :, :2].T.tolist()
    encoded[:] = 0
    assert second.any()
