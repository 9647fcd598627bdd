"""The whole of NeMo in a process of its own: it takes longer to import than most tests to run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gpu_job.weights.catalogue import BUNDLED
from tests.speech import sentences

SCRIPT = f"""
import sys, numpy, torch
from gpu_job.speech.nemo import nemo_engine
assert "lightning" not in sys.modules
from nemo.collections.asr.models import ASRModel
import lightning.pytorch
model = ASRModel.restore_from({str(BUNDLED / "tiny-tdt.nemo")!r}, map_location="cpu")
assert isinstance(model, lightning.pytorch.LightningModule)

from nemo.collections.asr.modules import AudioToMelSpectrogramPreprocessor
given = numpy.load(sys.argv[1])
made = AudioToMelSpectrogramPreprocessor(sample_rate=16000, window_size=0.025, window_stride=0.01, n_fft=512,
                                         features=80, normalize="per_feature", dither=0.0, pad_to=0).eval()
features, counts = made(input_signal=torch.tensor(given["sound"]), length=torch.tensor(given["lengths"]))

spoken = [given[name].astype("float32") / 32768 for name in given if name.startswith("spoken")]
texts = [one.text for one in model.eval().transcribe(spoken, batch_size=8, verbose=False)]
numpy.savez(sys.argv[1], features=features, counts=counts, filters=made.featurizer.fb[0], texts=texts)
"""


def _whole_nemo(folder):
    lengths = np.array([16_000, 9_999, 400])
    sound = np.random.default_rng(1).standard_normal((3, 16_000), dtype=np.float32) * np.float32(0.1)
    sound *= np.arange(16_000) < lengths[:, None]
    spoken = {f"spoken{index:02}": one.samples for index, one in enumerate(sentences()[:40])}
    path = folder / "sound.npz"
    np.savez(path, sound=sound, lengths=lengths, **spoken)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, path],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    with np.load(path) as made:
        return SimpleNamespace(done=done, sound=sound, lengths=lengths, made=dict(made))


@pytest.fixture(scope="session")
def whole_nemo(once):
    """NeMo after a lean import: how its process ended, some sound and its features of that, and what it hears."""
    return once("whole-nemo", _whole_nemo)
