"""The model: Parakeet's architecture (FastConformer encoder, TDT decoder) with 1.65 M parameters.

Parakeet-TDT-0.6B has 24 layers of width 1024 where this has 6 of width 96; preprocessing, 8-fold
subsampling, durations and the names of everything are the same, so the same code loads both.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import sentencepiece
from nemo.collections.asr.models import EncDecRNNTBPEModel
from omegaconf import OmegaConf
from sentences import sentence

if TYPE_CHECKING:
    from pathlib import Path

DURATIONS = [0, 1, 2, 3, 4]
"""Frames (of 80 ms) that one step of the decoder may advance."""
SIGMA = 0.02
"""Logit under-normalisation of the loss, see `tdt_loss`."""
TOKENS = 256
WIDTH, LAYERS = 96, 6
PREDICTION_WIDTH = JOINT_WIDTH = 128


def train_tokenizer(folder: Path) -> Path:
    """Byte-pair tokens, learned from the text of the full corpus whatever part of it is trained on.

    Returns:
        The folder, with `tokenizer.model` and `vocab.txt` as NeMo wants them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "tokenizer.model"
    if not model.exists():
        text = folder / "text.txt"
        text.write_text("\n".join(sentence(random.Random(seed)) for seed in range(12_000)))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(folder / "tokenizer"),
            vocab_size=TOKENS,
            model_type="bpe",
            character_coverage=1.0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            unk_id=0,
        )
        pieces = sentencepiece.SentencePieceProcessor(str(model))
        names = (pieces.id_to_piece(index) for index in range(1, pieces.get_piece_size()))
        marked = (name[1:] if name.startswith("▁") else f"##{name}" for name in names)
        (folder / "vocab.txt").write_text("\n".join(marked))
    return folder


def build(tokenizer: Path) -> EncDecRNNTBPEModel:
    """The model with random weights.

    Args:
        tokenizer: folder that `train_tokenizer` made.
    """
    config: dict[str, Any] = {
        "sample_rate": 16_000,
        "model_defaults": {
            "enc_hidden": WIDTH,
            "pred_hidden": PREDICTION_WIDTH,
            "joint_hidden": JOINT_WIDTH,
            "tdt_durations": DURATIONS,
            "num_tdt_durations": len(DURATIONS),
        },
        "train_ds": None,
        "validation_ds": None,
        "test_ds": None,
        "tokenizer": {"dir": str(tokenizer), "type": "bpe"},
        "preprocessor": _preprocessor(),
        "spec_augment": {
            "_target_": "nemo.collections.asr.modules.SpectrogramAugmentation",
            "freq_masks": 2,
            "time_masks": 2,
            "freq_width": 20,
            "time_width": 0.05,
        },
        "encoder": _encoder(),
        "decoder": {
            "_target_": "nemo.collections.asr.modules.RNNTDecoder",
            "normalization_mode": None,
            "random_state_sampling": False,
            "blank_as_pad": True,
            "prednet": {
                "pred_hidden": PREDICTION_WIDTH,
                "pred_rnn_layers": 1,
                "t_max": None,
                "dropout": 0.1,
            },
        },
        "joint": _joint(),
        "decoding": {
            "strategy": "greedy_batch",
            "model_type": "tdt",
            "durations": DURATIONS,
            "greedy": {"max_symbols": 10},
            "beam": {"beam_size": 2, "return_best_hypothesis": False, "score_norm": True},
        },
        # Only for NeMo's own training on a GPU; `train.py` uses `tdt_loss`.
        "loss": {
            "loss_name": "tdt",
            "tdt_kwargs": {
                "fastemit_lambda": 0.0,
                "clamp": -1.0,
                "durations": DURATIONS,
                "sigma": SIGMA,
                "omega": 0.1,
            },
        },
        "optim": {"name": "adamw", "lr": 1e-3},
    }
    return EncDecRNNTBPEModel(cfg=OmegaConf.create(config))


def _preprocessor() -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
        "sample_rate": 16_000,
        "normalize": "per_feature",
        "window_size": 0.025,
        "window_stride": 0.01,
        "window": "hann",
        "features": 80,
        "n_fft": 512,
        "frame_splicing": 1,
        "dither": 1e-5,
        "pad_to": 0,
    }


def _encoder() -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.ConformerEncoder",
        "feat_in": 80,
        "feat_out": -1,
        "n_layers": LAYERS,
        "d_model": WIDTH,
        "use_bias": True,
        "subsampling": "dw_striding",
        "subsampling_factor": 8,
        "subsampling_conv_channels": 32,
        "causal_downsampling": False,
        "ff_expansion_factor": 4,
        "self_attention_model": "rel_pos",
        "n_heads": 4,
        "att_context_size": [-1, -1],
        "att_context_style": "regular",
        "xscaling": False,
        "untie_biases": True,
        "pos_emb_max_len": 5000,
        "conv_kernel_size": 9,
        "conv_norm_type": "batch_norm",
        "dropout": 0.05,
        "dropout_pre_encoder": 0.05,
        "dropout_emb": 0.0,
        "dropout_att": 0.05,
    }


def _joint() -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.RNNTJoint",
        "log_softmax": None,
        "preserve_memory": False,
        "fuse_loss_wer": False,
        "fused_batch_size": 4,
        "jointnet": {
            "joint_hidden": JOINT_WIDTH,
            "activation": "relu",
            "dropout": 0.1,
            "encoder_hidden": WIDTH,
            "pred_hidden": PREDICTION_WIDTH,
        },
        "num_extra_outputs": len(DURATIONS),
    }
