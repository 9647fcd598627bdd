"""Parakeet on a CPU, from an ONNX export, for whole batches.

With small weights the encoder runs on several windows at the same time, one thread each, as these gain little from
sharing an operator among threads; with large ones all threads share each call, so that a lone window has all cores.
`tdt.decode` then decodes many windows together.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from gpu_job.cores import cores
from gpu_job.speech import alphabets, packing, words
from gpu_job.speech.onnx import export, openvino_encoder, tdt
from gpu_job.speech.onnx.encoder import Encoder, OnnxEncoder
from gpu_job.speech.onnx.export import Export
from gpu_job.speech.onnx.mel import ANALYSIS, HOP, LogMel
from gpu_job.speech.onnx.session import open_session
from gpu_job.speech.transcriber import SAMPLE_RATE, Device, OutOfMemory
from gpu_job.weights.lookup import locate, verify
from shared.engines import PARAKEET_CPU
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gpu_job.weights.located import Located
    from shared.model import Engine
    from shared.results import Word

log = logging.getLogger("dropscribe")

SMALL = 200_000_000
"""Bytes of weights below which one thread per window beats sharing a window among threads."""
DECODED_TOGETHER = 64
"""Windows decoded in one loop: a step costs the same for one as for many, as long as memory does not matter."""


def load(name: str, *, threads: int | None = None, callers: int | None = None) -> Parakeet:
    """Load weights, downloading them where that is needed.

    Args:
        name: a name of `catalogue()`, or the path of a folder with an ONNX export. `tiny` is a demo that knows about
            160 words of synthetic English and no human speech.
        threads: CPU cores to use; None for all that this process may use.
        callers: batches of windows in hand at one time; None for two of large weights, of which one has its features
            computed while the encoder takes all threads for the other, and for one a thread of small ones. Two cores
            were measured (decision 40): on four and more this is a guess.

    Raises:
        ModelUnavailable: says what is missing and what to do.
    """
    located = locate(name)
    verify(name)
    threads = threads or cores()
    large = sum(path.stat().st_size for path in located.path.glob("encoder-model.onnx*")) >= SMALL
    try:
        sessions = _Sessions.load(located, threads, large=large)
    except Exception as error:
        # The errors of onnxruntime have no common root.
        raise ModelUnavailable(
            f"The weights in {located.path} cannot be loaded: {str(error).strip().rstrip('.') or type(error).__name__}. "
            f"They may be damaged: {located.remedy}."
        ) from error
    return Parakeet(name, located, sessions, callers or (min(2, threads) if large else threads))


class Parakeet:
    """Loaded weights; a `Transcriber`. May be called from several threads."""

    engine: Engine = PARAKEET_CPU.name
    batch: int | None = DECODED_TOGETHER
    hears_phrases = False

    def __init__(self, name: str, located: Located, sessions: _Sessions, callers: int) -> None:
        self.model = name
        self.revision = located.revision
        self.language = located.language
        self._sessions = sessions
        self._callers = callers

    @property
    def device(self) -> Device:
        """The CPU."""
        return Device(
            name="processor",
            memory=0,
            driver="",
            dtype=self._sessions.encoder.precision,
            graphs="no CUDA graphs: no GPU",
        )

    def memory(self) -> None:
        """None: it runs on a CPU."""

    def warm_up(self) -> None:
        """Let onnxruntime allocate."""
        self.transcribe([np.zeros(SAMPLE_RATE, np.float32)])

    def transcribe(
        self,
        windows: Sequence[NDArray[np.float32]],
        phrases: Sequence[tuple[str, ...]] = (),  # noqa: ARG002 - see `hears_phrases`
        languages: Sequence[str | None] = (),
    ) -> list[tuple[Word, ...]]:
        """Recognise windows of audio, see `Transcriber`. Windows shorter than 25 ms hold no word."""
        try:
            return self._transcribe(windows, languages or [None] * len(windows))
        except RuntimeException as error:
            # onnxruntime has no class for it.
            if "alloc" not in str(error):
                raise
            raise OutOfMemory(str(error)) from error

    def _transcribe(
        self, windows: Sequence[NDArray[np.float32]], languages: Sequence[str | None]
    ) -> list[tuple[Word, ...]]:
        heard: list[tuple[Word, ...]] = [()] * len(windows)
        long_enough = [index for index, window in enumerate(windows) if len(window) >= ANALYSIS]
        lengths = [len(windows[index]) for index in long_enough]
        packed = packing.pack(
            lengths,
            max_windows=DECODED_TOGETHER,
            max_padded=self._sessions.encoder.together,
            call_cost=self._sessions.encoder.call_cost,
        )
        batches = [[long_enough[position] for position in batch] for batch in packed]
        for indices, encoded in self._encoded(windows, batches):
            tokens = self._sessions.decode(encoded, [languages[index] for index in indices])
            for index, one in zip(indices, tokens, strict=True):
                heard[index] = words.words(
                    one, self._sessions.export.pieces, self._sessions.export.frame_seconds
                )
        return heard

    def _encoded(
        self, windows: Sequence[NDArray[np.float32]], batches: Sequence[Sequence[int]]
    ) -> Iterator[tuple[list[int], list[NDArray[np.float32]]]]:
        """Encoder frames in groups large enough to decode, while the pool encodes what follows."""
        indices: list[int] = []
        frames: list[NDArray[np.float32]] = []
        with ThreadPoolExecutor(self._callers, thread_name_prefix="encoder") as pool:
            encoded = pool.map(lambda batch: self._sessions.encode([windows[i] for i in batch]), batches)
            for batch, result in zip(batches, encoded, strict=True):
                indices += batch
                frames += result
                if len(indices) >= DECODED_TOGETHER:
                    yield indices, frames
                    indices, frames = [], []
        if indices:
            yield indices, frames


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sessions:
    """The networks of an export, and how they are called."""

    encoder: Encoder
    decoder_joint: onnxruntime.InferenceSession
    mel: LogMel
    export: Export
    start: tdt.State

    @classmethod
    def load(cls, located: Located, threads: int, *, large: bool) -> _Sessions:
        """Read an export.

        Args:
            located: where it is.
            threads: CPU cores to use.
            large: whether they share each call of the encoder.
        """
        said = export.read(located.path)
        decoder_joint = open_session(located.path / "decoder_joint-model.onnx", 1)
        shapes = {one.name: one.shape for one in decoder_joint.get_inputs()}
        hidden, cell = (
            np.zeros((shapes[name][0], 1, shapes[name][2]), np.float32)
            for name in ("input_states_1", "input_states_2")
        )
        return cls(
            encoder=_encoder(located, threads, large=large),
            decoder_joint=decoder_joint,
            mel=LogMel.slaney(said.features),
            export=said,
            start=(hidden, cell),
        )

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Encoder frames of each window, `(frames, width)`."""
        lengths = np.array([len(window) // HOP for window in windows], dtype=np.int64)
        features = np.zeros((len(windows), len(self.mel.starts), lengths.max()), dtype=np.float32)
        for row, window, length in zip(features, windows, lengths, strict=True):
            self.mel(window, out=row[:, :length])
        return self.encoder(features, lengths)

    def decode(
        self, encoded: Sequence[NDArray[np.float32]], languages: Sequence[str | None] = ()
    ) -> list[words.Tokens]:
        """Tokens of each window, in the alphabet of its language."""
        return tdt.decode(
            encoded,
            self._predict,
            self.start,
            vocabulary=len(self.export.pieces),
            blank=self.export.blank,
            max_per_frame=self.export.max_per_frame,
            penalties=alphabets.penalties(self.export.pieces, languages),
        )

    def _predict(
        self, frames: NDArray[np.float32], tokens: NDArray[np.int32], state: tdt.State
    ) -> tuple[NDArray[np.float32], tdt.State]:
        logits, hidden, cell = self.decoder_joint.run(
            ["outputs", "output_states_1", "output_states_2"],
            {
                "encoder_outputs": frames[:, :, None],
                "targets": tokens[:, None],
                "target_length": np.ones(len(tokens), dtype=np.int32),
                "input_states_1": state[0],
                "input_states_2": state[1],
            },
        )
        return logits[:, 0, 0], (hidden, cell)


def _encoder(located: Located, threads: int, *, large: bool) -> Encoder:
    """In bfloat16 where the processor has it and the weights are large; else in the precision of the export."""
    if large and openvino_encoder.suits(located):
        try:
            return openvino_encoder.load(located, threads)
        # Whatever is wrong with OpenVINO, a library that is missing or of another version too, the weights are not.
        except (OSError, RuntimeError, ImportError, AttributeError) as error:
            log.warning("bfloat16 is not used, and recognition is slower: %s", str(error).strip())
    return OnnxEncoder(open_session(located.path / "encoder-model.onnx", threads if large else 1))
