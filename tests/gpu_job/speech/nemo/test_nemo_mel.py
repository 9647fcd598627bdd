"""Features in torch: the same numbers as NeMo's."""

from __future__ import annotations

import numpy as np

from tests.gpu_job.speech.hearing import nemo_tests

pytestmark = nemo_tests()


def test_features_are_those_of_nemos_preprocessor(whole_nemo):
    import torch  # noqa: PLC0415 - not importable everywhere

    from gpu_job.speech.nemo.nemo_mel import Mel  # noqa: PLC0415 - imports torch

    assert whole_nemo.done.returncode == 0, whole_nemo.done.stderr
    nemo = whole_nemo.made
    mel = Mel(torch.tensor(nemo["filters"]))
    ours, frames = mel(torch.tensor(whole_nemo.sound), torch.tensor(whole_nemo.lengths))
    assert frames.tolist() == nemo["counts"].tolist() == [100, 62, 2]
    np.testing.assert_allclose(ours, nemo["features"][:, :, :100], atol=1e-3)
