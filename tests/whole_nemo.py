"""The whole of NeMo in a process of its own: it takes longer to import than most tests to run.

One process does all that tests want of it, in this order: the engine's lean import, both exports as a person asks for
them, the features of some sound, and what NeMo hears by itself.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from gpu_job.weights.catalogue import BUNDLED
from tests.speech import sentences

EXPORTED = "Both are exported.\n"
SCRIPT = f"""
import logging, sys, warnings
import numpy, torch
from gpu_job.speech.nemo import nemo_engine
from local.cli import main
assert "lightning" not in sys.modules

sound, folder, before = *sys.argv[1:], warnings.showwarning
for form, *option in ["fp32"], ["int8", "--int8"]:
    sys.argv = ["dropscribe", "models", "export-onnx", "tiny", f"{{folder}}/{{form}}", *option]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, ended
    assert logging.root.manager.disable == logging.NOTSET and warnings.showwarning is before
    if not option:
        logging.getLogger("somebody").warning("heard")
        logging.getLogger("nemo_logger").error("heard as well")
sys.stderr.write({EXPORTED!r})

warnings.simplefilter("ignore")
from nemo.collections.asr.models import ASRModel
import lightning.pytorch
model = ASRModel.restore_from({str(BUNDLED / "tiny-tdt.nemo")!r}, map_location="cpu")
assert isinstance(model, lightning.pytorch.LightningModule)

from nemo.collections.asr.modules import AudioToMelSpectrogramPreprocessor
given = numpy.load(sound)
made = AudioToMelSpectrogramPreprocessor(sample_rate=16000, window_size=0.025, window_stride=0.01, n_fft=512,
                                         features=80, normalize="per_feature", dither=0.0, pad_to=0).eval()
features, counts = made(input_signal=torch.tensor(given["sound"]), length=torch.tensor(given["lengths"]))

spoken = [given[name].astype("float32") / 32768 for name in given if name.startswith("spoken")]
texts = [one.text for one in model.eval().transcribe(spoken, batch_size=8, verbose=False)]
numpy.savez(sound, features=features, counts=counts, filters=made.featurizer.fb[0], texts=texts)
"""


def run(folder):
    """How the process ended, where its exports are, some sound and its features of that, and what it hears."""
    lengths = np.array([16_000, 9_999, 400])
    sound = np.random.default_rng(1).standard_normal((3, 16_000), dtype=np.float32) * np.float32(0.1)
    sound *= np.arange(16_000) < lengths[:, None]
    spoken = {f"spoken{index:02}": one.samples for index, one in enumerate(sentences()[::10])}
    path, exports = folder / "sound.npz", folder / "exports"
    np.savez(path, sound=sound, lengths=lengths, **spoken)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, exports],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    with np.load(path) as made:
        return SimpleNamespace(done=done, exports=exports, sound=sound, lengths=lengths, made=dict(made))
