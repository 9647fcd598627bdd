"""What is in a `.nemo` file: NeMo's archive of a configuration, a tokenizer and weights.

Read here without NeMo or torch, so that a wrong file is refused before either is imported.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import yaml

from gpu_job.weights.nemo_tar import is_packed, open_tar
from shared.errors import ModelUnavailable
from shared.in_words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONFIG = "model_config.yaml"
WEIGHTS = "model_weights.ckpt"
MOST_CONFIG = 2_000_000
"""Bytes of a configuration: most of one is its vocabulary, a few hundred kilobytes."""
MOST_VALUES = 100_000
"""In a configuration, keys included; one with a vocabulary of 8,192 pieces, twice, has 17,000."""
MOST_DIGITS = 100
"""Most digits of a number in a configuration: reading takes a time that grows with the square of their count."""
MOST_NUMBER = 100_000
"""Size of a part of a network: real ones have a few thousand at most."""
MOST_LAYERS = 1000
"""Real networks have some forty."""
MOST_POSITIONS = 2**27
"""Numbers of a table of positions, one row of the encoder's width each: real ones have some five million."""
MOST_QUOTED = 60
"""Characters of a value that a refusal quotes."""

_HEARD_AS = {
    "sample_rate": 16_000,
    "window_size": 0.025,
    "window_stride": 0.01,
    "window": "hann",
    "normalize": "per_feature",
    "n_fft": 512,
    "preemph": 0.97,
    "log": True,
    "frame_splicing": 1,
    "mag_power": 2.0,
    "exact_pad": False,
    "log_zero_guard_type": "add",
    "log_zero_guard_value": 2**-24,
}
"""The front end that `networks.py` computes: that of every Parakeet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """How to build a FastConformer-TDT."""

    encoder: dict[str, Any]
    """Arguments of NeMo's `ConformerEncoder`."""
    decoder: dict[str, Any]
    """Arguments of NeMo's `RNNTDecoder`, the prediction network."""
    joint: dict[str, Any]
    """Arguments of NeMo's `RNNTJoint`."""
    pieces: tuple[str, ...]
    """The vocabulary by index, blank left out; a leading space for SentencePiece's mark of a word's start."""
    durations: tuple[int, ...]
    """Frames that each duration class stands for."""
    max_per_frame: int
    """Tokens that may follow one another at one encoder frame."""
    frame_seconds: float
    """Length of an encoder frame."""

    @property
    def blank(self) -> int:
        """Index of blank."""
        return len(self.pieces)


class Archive:
    """An open `.nemo` file."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self._members = {member.name.removeprefix("./"): member for member in tar.getmembers()}
        if missing := [name for name in (CONFIG, WEIGHTS) if name not in self._members]:
            raise ModelUnavailable(f"{path} is not a NeMo .nemo file: it lacks {listed(missing, 'and')}.")
        if self._members[CONFIG].size > MOST_CONFIG:
            raise ModelUnavailable(
                f"The configuration in {path} is too large to be valid. Download the file again."
            )
        self.config: Mapping[str, Any] = _yaml(self.read(CONFIG), path)

    def read(self, name: str) -> bytes:
        """All bytes of a small member."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> IO[bytes]:
        """A member, seekable, read where it lies: weights are not copied to disk or memory first."""
        member = self._members.get(name)
        # Links are not followed: they may lead to one another for ever.
        file = self._tar.extractfile(member) if member is not None and member.isreg() else None
        if file is None:
            raise ModelUnavailable(f"{_quoted(name)} in {self._path} is no file. Get the archive again.")
        # Members of a compressed archive seek by reading all over again.
        return io.BytesIO(file.read()) if is_packed(self._tar) else file

    def tokenizer(self) -> bytes:
        """The SentencePiece model that writes text as tokens."""
        name = str(self.config["tokenizer"]["model_path"]).removeprefix("nemo:")
        return self.read(name)

    def network(self) -> Network:
        """Check that it is a Parakeet-TDT, and take out what building it needs.

        Raises:
            ModelUnavailable: it is another kind of model, or sounds are to be prepared in another way.
        """
        config = self.config
        try:
            tdt = config["decoding"].get("model_type") == "tdt" or config["loss"]["loss_name"] == "tdt"
            defaults, joint = config["model_defaults"], dict(config["joint"])
            if not tdt:
                raise ModelUnavailable(
                    f"{self._path} holds a {_quoted(config.get('target', 'model'))}; Dropscribe runs token-and-duration "
                    "transducers (Parakeet-TDT). Name one of those."
                )
            heard_as = {**_HEARD_AS, **config["preprocessor"]}
            wrong = [name for name, value in _HEARD_AS.items() if heard_as[name] != value]
            if wrong:
                raise ModelUnavailable(
                    f"The model in {self._path} expects different audio preprocessing than every Parakeet "
                    f"({', '.join(f'{name} {_quoted(heard_as[name])}' for name in wrong)}). Name another model."
                )
            pieces = tuple(piece.replace("▁", " ") for piece in joint["vocabulary"])
            joint |= {"num_classes": len(pieces)}
            joint["jointnet"] = {
                **joint["jointnet"],
                "encoder_hidden": defaults["enc_hidden"],
                "pred_hidden": defaults["pred_hidden"],
            }
            encoder = _arguments(config["encoder"])
            large = _largest([encoder, joint, config["decoder"]])
            layers = _largest([encoder.get("n_layers"), config["decoder"]["prednet"].get("pred_rnn_layers")])
            positions = _largest(encoder.get("d_model")) * _largest(encoder.get("pos_emb_max_len"))
            if large > MOST_NUMBER or layers > MOST_LAYERS or positions > MOST_POSITIONS:
                raise ModelUnavailable(
                    f"The configuration in {self._path} is implausibly large (a dimension of "
                    f"{_quoted(max(large, layers, positions))}). Download the file again."
                )
            return Network(
                encoder=encoder,
                decoder=_arguments({**config["decoder"], "vocab_size": len(pieces)}),
                joint=_arguments(joint),
                pieces=pieces,
                durations=tuple(defaults["tdt_durations"]),
                max_per_frame=config["decoding"].get("greedy", {}).get("max_symbols") or 10,
                frame_seconds=heard_as["window_stride"] * encoder["subsampling_factor"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelUnavailable(
                f"The configuration in {self._path} is not that of a Parakeet-TDT model ({error!r}). "
                "Name another model."
            ) from error


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a `.nemo` file.

    Raises:
        ModelUnavailable: it is missing, damaged, or no such file.
    """
    with ExitStack() as stack:
        try:
            archive = Archive(stack.enter_context(open_tar(path)), path)
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            # All but the first line lists every compression that it is not.
            said = str(error).partition("\n")[0].rstrip(":")
            raise ModelUnavailable(
                f"{path} cannot be read as a .nemo file: {said}. Download it again."
            ) from error
        yield archive


def _arguments(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section without the class it asks for: which classes are built is not the file's to say."""
    return {name: value for name, value in section.items() if not name.startswith("_")}


def _largest(value: Any) -> float:
    """The largest number in sections of a configuration."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return value if isinstance(value, int | float) else 0


_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


class _WithoutAliases(yaml.SafeLoader):  # type: ignore[misc]  # publishes no types
    """Reads no `*alias`: a few of them stand for more than any memory holds, and NeMo writes none."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node."""
        self._values = getattr(self, "_values", 0) + 1
        if self._values > MOST_VALUES:
            raise yaml.YAMLError(f"it has more than {MOST_VALUES:,} values")
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it has an alias (*), which NeMo does not use")
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> Any:
        """The next value."""
        node = super().compose_scalar_node(anchor)
        if len(node.value) > MOST_DIGITS and node.tag in _NUMBERS:
            raise yaml.YAMLError(f"it has a number of more than {MOST_DIGITS} digits")
        if node.tag == _MERGE:
            raise yaml.YAMLError("it merges sections (<<), which NeMo does not use")
        return node


def _quoted(value: object) -> str:
    """A value of a configuration for a refusal, as far as it is short."""
    if isinstance(value, (str, int, float, bool, type(None))):
        text = repr(value)
        return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"
    return f"a {type(value).__name__}"


def _yaml(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        config = yaml.load(data, _WithoutAliases)  # noqa: S506 - a safe loader
    except Exception as error:
        # Besides YAMLError: RecursionError, ValueError, OverflowError, whatever building a value raises.
        raise ModelUnavailable(
            f"The configuration in {path} cannot be read: {str(error)[:500]}. Download the file again."
        ) from error
    if not isinstance(config, dict):
        raise ModelUnavailable(f"The configuration in {path} is empty. Download the file again.")
    return config
