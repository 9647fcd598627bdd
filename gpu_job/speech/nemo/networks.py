"""Parakeet's networks on their device: from the file to encoder frames.

What NeMo's model class adds around them (data sets, metrics, training) is never built, and weights go from the file to
the device once, in the precision in which they are used.
"""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch

from gpu_job.speech.nemo.archive import WEIGHTS, Archive, Network
from gpu_job.speech.nemo.nemo_parts import ConformerEncoder, RNNTDecoder, RNNTJoint
from gpu_job.speech.onnx.mel import ANALYSIS, FFT, HOP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray


class Mel:
    """The features of `AudioToMelSpectrogramPreprocessor` (per-feature, no dither), for a batch on the device.

    `gpu_job/speech/onnx/mel.py` is the same in numpy.

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks:
    """Encoder, prediction network and joint network, with their weights."""

    network: Network
    """Their description in the file."""
    device: torch.device
    """Where they are."""
    dtype: torch.dtype
    """Precision of their weights."""
    mel: Mel
    """The front end."""
    encoder: Any
    """NeMo's `ConformerEncoder`."""
    decoder: Any
    """NeMo's `RNNTDecoder`, the prediction network."""
    joint: Any
    """NeMo's `RNNTJoint`."""
    tokenizer: bytes
    """The file's SentencePiece model."""

    @classmethod
    def of(cls, archive: Archive, device: torch.device, dtype: torch.dtype) -> Networks:
        """Build the networks without memory, then put each tensor of the file in its place.

        Args:
            archive: an opened `.nemo` file.
            device: where they go.
            dtype: precision of their weights there.

        Raises:
            ModelUnavailable: the archive lacks a part, or is of another architecture.
            RuntimeError: among others, which torch and NeMo raise for a damaged checkpoint.
        """
        network = archive.network()
        with _weightless():
            encoder = ConformerEncoder(**network.encoder)
            decoder = RNNTDecoder(**_without_dropout(network.decoder))
            joint = RNNTJoint(**network.joint)
        with archive.open(WEIGHTS) as file:
            _check_plain(file)
            state = torch.load(file, map_location="cpu", weights_only=True)
        _fill({"encoder": encoder, "decoder": decoder, "joint": joint}, state, device, dtype)
        del encoder.pos_enc.pe  # not in the file: computed anew, on the device
        encoder.set_max_audio_length(encoder.pos_emb_max_len)
        for module in (encoder, decoder, joint):
            module.eval().requires_grad_(False)
        for module in decoder.modules():
            if isinstance(module, torch.nn.LSTM):
                module.flatten_parameters()  # cuDNN wants its weights in one block
        _check_size("preprocessor.featurizer.fb", bank := state["preprocessor.featurizer.fb"])
        bank = bank.to(device, torch.float32)
        return cls(
            network=network,
            device=device,
            dtype=dtype,
            mel=Mel(bank[0]),
            encoder=encoder,
            decoder=decoder,
            joint=joint,
            tokenizer=archive.tokenizer(),
        )

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder frames of windows of audio.

        Args:
            windows: each `(samples,)`.

        Returns:
            `(windows, frames, width)`, and how many of the frames are real, `(windows,)`.
        """
        lengths = np.array([len(window) for window in windows])
        padded = torch.zeros((len(windows), int(lengths.max())), pin_memory=self.device.type == "cuda")
        for row, window in zip(padded.numpy(), windows, strict=True):
            row[: len(window)] = window
        counts = torch.from_numpy(lengths).to(self.device, non_blocking=True)
        features, frames = self.mel(padded.to(self.device, non_blocking=True), counts)
        encoded, frames = self.encoder(audio_signal=features.to(self.dtype), length=frames)
        return encoded.transpose(1, 2), frames


def _without_dropout(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Dropout is for training; torch warns about it if the prediction network has one layer."""
    return {**arguments, "prednet": {**arguments["prednet"], "dropout": 0.0}}


@contextmanager
def _weightless() -> Iterator[None]:
    """Modules built inside have parameters without memory or values: no time goes into random initialisation."""
    register = torch.nn.Module.register_parameter

    def without_memory(module: torch.nn.Module, name: str, parameter: torch.nn.Parameter | None) -> None:
        register(module, name, parameter if parameter is None else torch.nn.Parameter(parameter.to("meta")))

    torch.nn.Module.register_parameter = without_memory
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = register


def _check_plain(file: IO[bytes]) -> None:
    """Check that a checkpoint, which is a zip archive, is as large as what is in it; torch compresses nothing.

    Raises:
        ValueError: a part is compressed, and may unpack to a thousand times its size, or it is no such archive.
    """
    try:
        with zipfile.ZipFile(file) as parts:
            packed = [one.filename for one in parts.infolist() if one.compress_type != zipfile.ZIP_STORED]
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"no checkpoint of torch's ({error})") from error
    if packed:
        raise ValueError("a part of the checkpoint is compressed, which torch does not do")
    file.seek(0)


def _check_size(name: str, tensor: torch.Tensor) -> None:
    """Check that a tensor has a value of its own for each place.

    Raises:
        ValueError: one value stands for many, and copies of the tensor are larger than its file.
    """
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"{name[:60]!r} is larger than what is stored of it")


def _fill(
    modules: Mapping[str, torch.nn.Module],
    state: dict[str, torch.Tensor],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Move each tensor to its device and precision, one at a time, and into its module."""
    for prefix, module in modules.items():
        own: dict[str, torch.Tensor] = {}
        for name in [name for name in state if name.startswith(f"{prefix}.")]:
            tensor = state.pop(name)
            _check_size(name, tensor)
            kind = dtype if tensor.is_floating_point() else tensor.dtype
            own[name.removeprefix(f"{prefix}.")] = tensor.to(device, kind)
        module.load_state_dict(own, assign=True)
