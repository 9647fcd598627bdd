"""Randomly initialised weights of Parakeet's real architecture: its speed is known where its weights are not.

FastConformer-TDT 0.6B as NVIDIA publishes it (v3: 8,192 tokens; v2: 1,024): 24 layers, 1,024 wide, 8 heads,
convolutions of 9, 128 mel features, subsampling by 8 through 256 channels, a prediction network of two LSTM
layers of 640, a joint network of 640, durations of 0 to 4 frames. NeMo's own classes build and save it.

Random weights hear nothing, so nothing of the text means anything. What a decoder costs, however, depends on how
often it finds a token: blank's bias is set so that tokens come as often as in speech, and duration 0 is made rare,
as it is in a trained model. All frames of a random encoder are nearly the same: they differ by 3 % of their length, and
by 1.5 % from those of bfloat16, so that one rounding would decide whether all of them are blank or none. So the joint
network is given what differs, as large as it is in a trained one: then every precision finds about as many tokens.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from gpu_job.weights.catalogue import BUNDLED

TINY = BUNDLED / "tiny-tdt.nemo"
TOKENS_A_SECOND = 3.5
"""English at two and a half words a second, 1.4 tokens a word."""
SEED = 3
"""Seed of the speech in which that many are found."""
NEVER = -100.0
"""Bias of what is not to come: duration 0, and the demo's tokens."""
NEAR = 0.1
"""Tokens a second by which the rate may be off."""
KNOWN = 256
"""Tokens of the demo's tokenizer, the first ones. Each of the others has one `x`, by which they are counted."""


def write(path: Path, *, layers: int = 24, vocabulary: int = 8192, seed: int = 0) -> tuple[int, float]:
    """Write a `.nemo` file.

    Args:
        path: of the file.
        layers: of the encoder; fewer for a quick trial of everything but the speed.
        vocabulary: tokens, 256 or more.
        seed: of the weights.

    Returns:
        How many parameters it has, and the tokens a second that it finds in speech.
    """
    import torch
    from nemo.collections.asr.models import ASRModel, EncDecRNNTBPEModel
    from nemo.utils import logging
    from omegaconf import open_dict

    logging.setLevel(logging.ERROR)
    torch.manual_seed(seed)
    config = ASRModel.restore_from(str(TINY), return_config=True)
    with tempfile.TemporaryDirectory() as folder, open_dict(config):
        pieces = _tokenizer(Path(folder), vocabulary)
        config.tokenizer = {"dir": folder, "type": "bpe"}
        config.model_defaults.update(enc_hidden=1024, pred_hidden=640, joint_hidden=640)
        config.preprocessor.features = 128
        config.encoder.update(
            feat_in=128, n_layers=layers, d_model=1024, n_heads=8, use_bias=False, xscaling=False,
            subsampling_conv_channels=256, conv_kernel_size=9,
        )  # fmt: skip
        config.decoder.vocab_size = vocabulary
        config.decoder.prednet.update(pred_hidden=640, pred_rnn_layers=2)
        config.joint.update(num_classes=vocabulary, vocabulary=pieces)
        config.joint.jointnet.update(joint_hidden=640, encoder_hidden=1024, pred_hidden=640)
        config.labels = pieces
        model = EncDecRNNTBPEModel(cfg=config).eval()
        rate = _speak(model)
        model.save_to(str(path))
    return sum(one.numel() for one in model.parameters()), rate


def _tokenizer(folder: Path, vocabulary: int) -> list[str]:
    """The demo's tokenizer with tokens added until there are enough, as NeMo wants it; the tokens."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    with tarfile.open(TINY) as tar:
        name = next(name for name in tar.getnames() if name.endswith("_tokenizer.model"))
        model.ParseFromString(tar.extractfile(name).read())
    if len(model.pieces) != KNOWN:
        raise ValueError(f"the demo has {len(model.pieces)} tokens")
    for number in range(KNOWN, vocabulary):
        start = "▁" if number % 3 else ""  # two tokens of three begin a word
        model.pieces.add(piece=f"{start}x{number}", score=-float(number))
    model.trainer_spec.vocab_size = vocabulary
    (folder / "tokenizer.model").write_bytes(model.SerializeToString())
    pieces = [one.piece for one in model.pieces]
    (folder / "vocab.txt").write_text("".join(f"{one}\n" for one in pieces[1:]), encoding="utf-8")
    (folder / "tokenizer.vocab").write_text("".join(f"{one}\t0\n" for one in pieces), encoding="utf-8")
    return pieces


def _speak(model) -> float:
    """Set the joint network so that tokens come as in speech; the tokens a second that come of it."""
    import torch

    from gpu_job.speech import windowing
    from tests.speech import SAMPLE_RATE, talk

    samples, _ = talk(60.0, seed=SEED)
    windows = windowing.waveforms(samples)
    sound = torch.zeros(len(windows), max(map(len, windows)))
    for row, window in zip(sound, windows, strict=True):
        row[: len(window)] = torch.from_numpy(window)
    lengths = torch.tensor([len(one) for one in windows])
    with torch.inference_mode(False), torch.no_grad():
        encoded, frames = model(input_signal=sound, input_signal_length=lengths)
        encoded = encoded.transpose(1, 2)
        _spread(model.joint.enc, torch.cat([one[:count] for one, count in zip(encoded, frames, strict=True)]))
        computer = model.decoding.decoding.decoding_computer
        bias = model.joint.joint_net[-1].bias
        blank = model.joint.num_classes_with_blank - 1 - len(computer.durations)
        bias[:KNOWN] = bias[blank + 1] = NEVER

        def rate(of_blank: float) -> float:
            bias[blank] = of_blank
            found, *_ = computer(x=encoded, out_len=frames)
            return float(found.current_lengths.sum()) / (float(lengths.sum()) / SAMPLE_RATE)

        low, high = -10.0, 10.0
        while abs((found := rate((low + high) / 2)) - TOKENS_A_SECOND) > NEAR:
            low, high = ((low + high) / 2, high) if found > TOKENS_A_SECOND else (low, (low + high) / 2)
        return found


def _spread(layer, frames) -> None:
    """Give what a linear layer makes of some frames a mean of 0 and a deviation of 1 in each of its outputs."""
    projected = layer(frames)
    layer.bias -= projected.mean(0)
    deviation = projected.std(0)
    layer.weight /= deviation[:, None]
    layer.bias /= deviation


def tokens(text: str) -> int:
    """How many tokens of such weights a text consists of."""
    return text.count("x")
