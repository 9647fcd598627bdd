"""Features in torch: the same numbers as NeMo's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from tests.gpu_job.speech.hearing import nemo_tests

pytestmark = nemo_tests()


def test_features_are_those_of_nemos_preprocessor(tmp_path):
    import torch  # noqa: PLC0415 - not importable everywhere

    from gpu_job.speech.nemo.nemo_mel import Mel  # noqa: PLC0415 - imports torch

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
