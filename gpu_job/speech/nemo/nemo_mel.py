"""NeMo's log-mel features in torch, for a batch on the device. `gpu_job/speech/onnx/mel.py` is the same in numpy."""

from __future__ import annotations

import torch

from gpu_job.speech.onnx.mel import ANALYSIS, FFT, HOP


class Mel:
    """The features of `AudioToMelSpectrogramPreprocessor` (per-feature, no dither).

    Args:
        filters: the filter bank, `(features, 257)`, single precision, on the device.
    """

    def __init__(self, filters: torch.Tensor) -> None:
        self._filters = filters
        self._window = torch.hann_window(ANALYSIS, periodic=False, device=filters.device)

    def __call__(self, sound: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised features.

        Args:
            sound: `(windows, samples)`, zero beyond each window's end.
            lengths: samples of each window, `(windows,)`.

        Returns:
            `(windows, features, frames)`, zero beyond a window's end; frames of each, `(windows,)`.
        """
        emphasised = sound.clone()
        emphasised[:, 1:] -= 0.97 * sound[:, :-1]
        emphasised *= torch.arange(sound.shape[1], device=sound.device) < lengths[:, None]
        spectrum = torch.stft(
            emphasised, FFT, hop_length=HOP, win_length=ANALYSIS, window=self._window,
            center=True, pad_mode="constant", return_complex=True,
        )  # fmt: skip
        power = spectrum.real.square() + spectrum.imag.square()
        frames = lengths // HOP
        features = torch.log(self._filters @ power[:, :, : sound.shape[1] // HOP] + 2.0**-24)
        real = (torch.arange(features.shape[2], device=sound.device) < frames[:, None])[:, None]
        count = frames[:, None, None]
        features -= (features * real).sum(dim=2, keepdim=True) / count
        features *= real
        deviation = torch.sqrt(features.square().sum(dim=2, keepdim=True) / (count - 1))
        return features / (deviation + 1e-5), frames
