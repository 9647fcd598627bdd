"""Parakeet with NVIDIA NeMo, on a GPU or a processor. The only file that imports NeMo and torch.

NeMo's own `transcribe()` writes a manifest and builds a data loader for every call. Here its encoder and its
label-looping decoder are called on tensors; what a model class adds around them (data sets, metrics, training)
is never built, so that weights go from the file to the device once, in the precision they are used in.

    windows ─▶ log-mel features (float32) ─▶ encoder ─▶ greedy decoder ─▶ one look at every token ─▶ words
"""

from __future__ import annotations

import inspect
import shutil
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from omegaconf import OmegaConf

from gpu_job import words
from gpu_job.attention import LocalAttention
from gpu_job.engine import SAMPLE_RATE, Device, DeviceMemory, EngineLost, OutOfMemory
from gpu_job.mel import ANALYSIS, FFT, HOP
from gpu_job.nemo_archive import WEIGHTS, Archive, Network, opened
from gpu_job.nemo_import import lean
from gpu_job.phrases import spell
from gpu_job.tdt import Tokens
from gpu_job.weights import Located, locate
from shared.errors import ConfigurationError, ModelUnavailable


class _Bare(torch.nn.Module):  # type: ignore[misc]  # torch is optional, and not typed where it is missing
    """What a phrase tree needs of NeMo's model class."""

    def __init__(self, cfg: Any, trainer: Any = None) -> None:  # noqa: ARG002 - as NeMo calls it
        super().__init__()


with lean(ModelPT=_Bare):
    from nemo.collections.asr.modules.conformer_encoder import ConformerEncoder
    from nemo.collections.asr.modules.rnnt import RNNTDecoder, RNNTJoint
    from nemo.collections.asr.parts.context_biasing.boosting_graph_batched import GPUBoostingTreeModel
    from nemo.collections.asr.parts.context_biasing.context_graph_universal import ContextGraph
    from nemo.collections.asr.parts.submodules.transducer_decoding.tdt_label_looping import (
        GreedyBatchedTDTLabelLoopingComputer,
    )
    from nemo.core.classes.common import typecheck
    from nemo.core.utils.cuda_python_utils import check_cuda_python_cuda_graphs_conditional_nodes_supported
    from nemo.utils import logging as nemo_logging

nemo_logging.setLevel(nemo_logging.ERROR)  # what matters of its warnings is told by `Device.graphs`

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from shared.model import Engine
    from shared.results import Word

FULL_ATTENTION = 120 * SAMPLE_RATE
"""Samples: every frame of a window attends to every other up to here. The scores of eight heads then take
72 MB a window and layer, and they grow with the square: an hour would need more than 100 GB."""
GRAPH_WINDOWS, GRAPH_FRAMES = 64, 376
"""Windows and encoder frames (30 s) that the decoder's CUDA graphs are captured for at the start. Larger
batches capture them anew, which takes about a second."""
JUDGED_TOGETHER = 4096
"""Tokens whose probabilities are computed at one time: 130 MB with 8,192 tokens in the vocabulary."""
PHRASE_LISTS = 64
"""Phrase lists kept on the device, the one used longest ago makes room."""


def load(name: str, *, device: str | None = None) -> Parakeet:
    """Load weights, downloading them where that is needed.

    Args:
        name: a name of `catalogue()`, or the path of a `.nemo` file.
        device: `cuda` or `cpu`; None for the GPU where there is one.

    Raises:
        ConfigurationError: torch cannot use the GPU.
        ModelUnavailable: says what is missing and what to do.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if target.type == "cuda":
        _check_cuda()
    located = locate(name, "nemo")
    with opened(located.path) as archive:
        try:
            parts = _Parts.of(archive, target)
        except (RuntimeError, TypeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
            # What a damaged or foreign checkpoint makes torch and NeMo raise.
            raise ModelUnavailable(
                f"The weights in {located.path} cannot be loaded: {str(error).strip() or type(error).__name__}. "
                f"They may be damaged: {located.remedy}."
            ) from error
    return Parakeet(name, located, parts)


class Parakeet:
    """Loaded weights; a `Transcriber`. May be called from several threads, which take turns."""

    batch: int | None = None
    hears_phrases = True

    def __init__(self, name: str, located: Located, parts: _Parts) -> None:
        self.model = name
        self.revision = located.revision
        self.language = located.language
        self._parts = parts
        self._gpu = parts.device.type == "cuda"
        self.engine: Engine = "parakeet-gpu" if self._gpu else "parakeet-cpu"
        self._weights = torch.cuda.memory_allocated() if self._gpu else 0
        self._lock = threading.Lock()

    @property
    def device(self) -> Device:
        """What it runs on, for logs, `--check` and benchmarks."""
        dtype = str(self._parts.dtype).removeprefix("torch.")
        if not self._gpu:
            return Device(name="processor", memory=0, driver="", dtype=dtype, graphs="no CUDA graphs: no GPU")
        return Device(
            name=torch.cuda.get_device_name(),
            memory=torch.cuda.get_device_properties(0).total_memory,
            driver=_driver(),
            dtype=dtype,
            graphs=self._parts.graphs(),
        )

    def memory(self) -> DeviceMemory | None:
        """Memory of the GPU, its peak counted anew from here; None on the processor."""
        if not self._gpu:
            return None
        peak = torch.cuda.max_memory_reserved()
        torch.cuda.reset_peak_memory_stats()
        total = torch.cuda.get_device_properties(0).total_memory
        return DeviceMemory(total=total, weights=self._weights, peak=peak)

    def warm_up(self) -> None:
        """Compile, capture and allocate what the first windows would otherwise wait for."""
        if self._gpu:
            with self._lock, torch.inference_mode():
                self._parts.capture(GRAPH_WINDOWS, GRAPH_FRAMES)
        noise = np.random.default_rng(0).standard_normal(10 * SAMPLE_RATE, dtype=np.float32) * 0.01
        self.transcribe([noise, noise])

    def transcribe(
        self, windows: Sequence[NDArray[np.float32]], phrases: Sequence[tuple[str, ...]] = ()
    ) -> list[tuple[Word, ...]]:
        """Recognise windows of sound, see `Transcriber`. Windows shorter than 25 ms hold no word."""
        heard: list[tuple[Word, ...]] = [()] * len(windows)
        usable = [index for index, window in enumerate(windows) if len(window) >= ANALYSIS]
        short = [index for index in usable if len(windows[index]) <= FULL_ATTENTION]
        long = [[index] for index in usable if len(windows[index]) > FULL_ATTENTION]
        network = self._parts.network
        with self._lock, self._told_apart():
            if long:
                self._parts.attention.prepare()
            lists = self._parts.phrase_lists(phrases or [()] * len(windows))
            for group in [short, *long] if short else long:
                with torch.inference_mode():
                    chosen = [windows[index] for index in group]
                    tokens = self._parts.recognise(chosen, [lists[index] for index in group])
                for index, one in zip(group, tokens, strict=True):
                    heard[index] = words.words(one, network.pieces, network.frame_seconds)
        return heard

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        """Tell windows that do not fit, and a GPU that is lost to this process, from what else goes wrong."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            self._parts.forget_graphs()
            shortage = str(error).split(".", 1)[0]
        except Exception as error:
            # After a failed kernel or an uncorrectable memory error every call fails, the next chunks' as well.
            if self._gpu and (reason := _why_lost()):
                raise EngineLost(reason) from error
            raise
        else:
            return
        # Out here the error no longer keeps the frames, and with them the tensors, of the failed call.
        torch.cuda.empty_cache()
        raise OutOfMemory(shortage)


@dataclass(kw_only=True, slots=True)
class _Parts:
    """The networks on their device, and how they are called."""

    network: Network
    device: torch.device
    dtype: torch.dtype
    mel: _Mel
    encoder: Any
    decoder: Any
    joint: Any
    attention: LocalAttention
    tokenizer: bytes
    plain: Any
    biased: Any = None
    lists: dict[tuple[str, ...], int]

    @classmethod
    def of(cls, archive: Archive, device: torch.device) -> _Parts:
        """Build the networks without memory, then give each tensor of the file its place."""
        network = archive.network()
        bfloat = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
        dtype = torch.bfloat16 if bfloat else torch.float32
        typecheck.set_typecheck_enabled(enabled=False)  # the shapes are ours, and the checks cost time a call
        with _weightless():
            encoder = ConformerEncoder(**network.encoder)
            # `change_attention_model` reads what it was built with from here.
            encoder._cfg = OmegaConf.create(_with_defaults(ConformerEncoder, network.encoder))  # noqa: SLF001 - NeMo's
            decoder = RNNTDecoder(**network.decoder)
            joint = RNNTJoint(**network.joint)
        with archive.open(WEIGHTS) as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
        _fill({"encoder": encoder, "decoder": decoder, "joint": joint}, state, device, dtype)
        del encoder.pos_enc.pe  # not in the file: computed anew, on the device
        encoder.set_max_audio_length(encoder.pos_emb_max_len)
        for module in (encoder, decoder, joint):
            module.eval().requires_grad_(False)
        for module in decoder.modules():
            if isinstance(module, torch.nn.LSTM):
                module.flatten_parameters()  # cuDNN wants its weights in one piece
        bank = state["preprocessor.featurizer.fb"].to(device, torch.float32)
        parts = cls(
            network=network,
            device=device,
            dtype=dtype,
            mel=_Mel(bank[0]),
            encoder=encoder,
            decoder=decoder,
            joint=joint,
            attention=LocalAttention(encoder),
            tokenizer=archive.tokenizer(),
            plain=None,
            lists={},
        )
        parts.plain = parts._computer(with_phrases=False)
        return parts

    def _computer(self, *, with_phrases: bool) -> Any:
        # Triton builds its launcher with the machine's C compiler at the first call; the image has none. Without
        # Triton a phrase tree walks in plain torch, which CUDA graphs cannot capture.
        triton = any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang"))
        computer = GreedyBatchedTDTLabelLoopingComputer(
            decoder=self.decoder,
            joint=self.joint,
            blank_index=self.network.blank,
            durations=list(self.network.durations),
            max_symbols_per_step=self.network.max_per_frame,
            allow_cuda_graphs=self.device.type == "cuda" and (triton or not with_phrases),
            enable_per_stream_biasing=with_phrases,
        )
        if with_phrases and not triton:
            computer.biasing_multi_model.use_triton = False
        return computer

    def recognise(
        self,
        windows: Sequence[NDArray[np.float32]],
        lists: Sequence[int],
    ) -> list[Tokens]:
        """Tokens of each window; `lists` are the numbers of their phrase lists."""
        lengths = np.array([len(window) for window in windows])
        sound = torch.zeros((len(windows), int(lengths.max())), pin_memory=self.device.type == "cuda")
        for row, window in zip(sound.numpy(), windows, strict=True):
            row[: len(window)] = window
        counts = torch.from_numpy(lengths).to(self.device, non_blocking=True)
        features, frames = self.mel(sound.to(self.device, non_blocking=True), counts)
        with self.attention.used() if max(lengths) > FULL_ATTENTION else nullcontext():
            encoded, frames = self.encoder(audio_signal=features.to(self.dtype), length=frames)
        return self._decode(encoded.transpose(1, 2), frames, lists)

    def _decode(self, encoded: torch.Tensor, frames: torch.Tensor, lists: Sequence[int]) -> list[Tokens]:
        """Greedy search, then the probability and duration of what it found.

        Args:
            encoded: `(windows, frames, width)`.
            frames: how many are real, `(windows,)`.
            lists: see `phrase_lists`.
        """
        if max(lists) < 0:
            found, _ = self.plain(x=encoded, out_len=frames)
        else:
            which = torch.tensor(lists, device=self.device)
            found, _ = self.biased(x=encoded, out_len=frames, multi_biasing_ids=which)
        counts = found.current_lengths[: len(encoded)]
        longest = int(counts.max())
        if not longest:
            return [Tokens.none()] * len(encoded)
        ids = found.transcript[: len(encoded), :longest]
        at = found.timestamps[: len(encoded), :longest]
        confidences, durations = self._judge(encoded, ids, at, counts)
        columns = torch.stack((ids, at, durations)).cpu().numpy().astype(np.int32)
        probabilities = confidences.cpu().numpy()
        return [
            Tokens(
                ids=columns[0, row, :count],
                frames=columns[1, row, :count],
                durations=columns[2, row, :count],
                confidences=probabilities[row, :count],
            )
            for row, count in enumerate(counts.tolist())
        ]

    def _judge(
        self, encoded: torch.Tensor, ids: torch.Tensor, at: torch.Tensor, counts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Softmax probability of each token among all tokens and blank, and its predicted duration.

        One pass over the finished tokens, outside the decoder's loop: NeMo's own confidence measures are
        rounded to the weights' precision, copy all logits at every step, and under phrases are those of
        another token; its processor path mixes up the durations of the windows of a batch.

        Args:
            encoded: `(windows, frames, width)`.
            ids: tokens, `(windows, tokens)`.
            at: frame of each, `(windows, tokens)`.
            counts: tokens that are real, `(windows,)`.

        Returns:
            Both `(windows, tokens)`; 0 where there is no token.
        """
        real = torch.arange(ids.shape[1], device=self.device) < counts[:, None]
        outputs, _ = self.decoder.predict(ids.masked_fill(~real, 0), state=None, add_sos=True)
        before = self.joint.project_prednet(outputs[:, :-1])[real]
        rows = real.nonzero()[:, 0]
        heard = self.joint.project_encoder(encoded[rows, at[real]].unsqueeze(0))[0]
        confidences = torch.zeros(ids.shape, device=self.device)
        durations = torch.zeros_like(ids)
        classes = self.network.blank + 1
        frames_of = torch.tensor(self.network.durations, device=self.device)
        sure, long = [], []
        for one, two, chosen in zip(
            *(tensor.split(JUDGED_TOGETHER) for tensor in (heard, before, ids[real])), strict=True
        ):
            logits = self.joint.joint_after_projection(one.unsqueeze(1), two.unsqueeze(1))[:, 0, 0].float()
            sure.append(logits[:, :classes].softmax(dim=1).gather(1, chosen[:, None])[:, 0])
            long.append(frames_of[logits[:, classes:].argmax(dim=1)])
        confidences[real], durations[real] = torch.cat(sure), torch.cat(long)
        return confidences, durations

    def phrase_lists(self, wanted: Sequence[tuple[str, ...]]) -> list[int]:
        """Put lists of phrases on the device, each as a tree whose branches the decoder prefers.

        Boosting by tree and label looping: Andrusenko et al. 2025, "TurboBias", https://arxiv.org/abs/2508.07014.

        Returns:
            Number of each list's tree, -1 for a list with no phrase in it that the model can spell.
        """
        distinct = [phrases for phrases in dict.fromkeys(wanted) if phrases]
        for phrases in distinct:
            if phrases in self.lists:  # so that the lists of this call are the last to make room
                self.lists[phrases] = self.lists.pop(phrases)
        for phrases in distinct:
            if phrases not in self.lists:
                while len(self.lists) >= max(PHRASE_LISTS, len(distinct)):
                    if (oldest := self.lists.pop(next(iter(self.lists)))) >= 0:
                        self.biased.biasing_multi_model.remove_model(oldest)
                self.lists[phrases] = self._tree(phrases)
        return [self.lists.get(phrases, -1) for phrases in wanted]

    def _tree(self, phrases: tuple[str, ...]) -> int:
        spelled = spell(phrases, self.tokenizer)
        if not spelled:
            return -1
        if self.biased is None:
            self.biased = self._computer(with_phrases=True)
        graph = ContextGraph(context_score=1.0, depth_scaling=2.0)
        graph.build(
            token_ids=list(spelled.values()),
            scores=[0.0] * len(spelled),
            phrases=list(spelled),
            uniform_weights=False,
        )
        tree = GPUBoostingTreeModel.from_context_graph(
            graph, vocab_size=self.network.blank, uniform_weights=False
        )
        number: int = self.biased.biasing_multi_model.to(self.device).add_model(tree.to(self.device))
        return number

    def capture(self, windows: int, frames: int) -> None:
        """Capture the decoder's CUDA graphs for batches up to this size."""
        width = self.joint.enc.in_features
        empty = torch.zeros((windows, frames, width), device=self.device, dtype=self.dtype)
        self.plain(x=empty, out_len=torch.zeros(windows, dtype=torch.long, device=self.device))

    def forget_graphs(self) -> None:
        """Give back the memory of captured graphs."""
        for computer in (self.plain, self.biased):
            if computer is not None:
                computer.reset_cuda_graphs_state()

    def graphs(self) -> str:
        """How the decoder uses CUDA graphs, and why not better."""
        mode = self.plain.cuda_graphs_mode
        try:
            check_cuda_python_cuda_graphs_conditional_nodes_supported()
        except (ImportError, OSError) as error:
            return f"{mode}: {' '.join(str(error).split())}"
        return str(mode)


class _Mel:
    """NeMo's log-mel features (`AudioToMelSpectrogramPreprocessor`, per-feature, no dither) for a batch."""

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


def _with_defaults(kind: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    defaults = inspect.signature(kind).parameters.items()
    return {name: arguments.get(name, parameter.default) for name, parameter in defaults}


@contextmanager
def _weightless() -> Iterator[None]:
    """Modules built inside have parameters without memory or values: no time goes into drawing random ones."""
    register = torch.nn.Module.register_parameter

    def without_memory(module: torch.nn.Module, name: str, parameter: torch.nn.Parameter | None) -> None:
        register(module, name, parameter if parameter is None else torch.nn.Parameter(parameter.to("meta")))

    torch.nn.Module.register_parameter = without_memory
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = register


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
            kind = dtype if tensor.is_floating_point() else tensor.dtype
            own[name.removeprefix(f"{prefix}.")] = tensor.to(device, kind)
        module.load_state_dict(own, assign=True)


def _check_cuda() -> None:
    """Raises ConfigurationError with torch's reason where it cannot use the GPU."""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        raise ConfigurationError(
            f"torch {torch.__version__} is built for {built} and cannot use the GPU: {error}. Check that the task "
            "has a GPU and that its driver is new enough for this build (docs/gpu-image.md)."
        ) from error


def _why_lost() -> str:
    """What the GPU says where it does nothing more for this process; empty where it works."""
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ""


def _driver() -> str:
    """`CUDA 12.2, 535.216.03`, the second part where the system tells."""
    version = torch._C._cuda_getDriverVersion()  # noqa: SLF001 - torch has no public way to it
    told = Path("/proc/driver/nvidia/version")
    kernel = told.read_text(encoding="utf-8").split("Kernel Module", 1)[-1].split() if told.is_file() else []
    number = next((part for part in kernel if part[0].isdigit() and "." in part), "")
    return f"CUDA {version // 1000}.{version % 1000 // 10}" + (f", {number}" if number else "")
