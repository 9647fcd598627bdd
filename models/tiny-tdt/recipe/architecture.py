"""The model: Parakeet's architecture (FastConformer encoder, TDT decoder) with 1.65 M parameters.

Preprocessing, 8-fold subsampling, durations and the names of everything are Parakeet's, so the same code loads both.
"""

from __future__ import annotations

import random
from pathlib import Path

import sentencepiece
from nemo.collections.asr.models import EncDecRNNTBPEModel
from omegaconf import OmegaConf
from sentences import sentence

CONFIG = OmegaConf.load(Path(__file__).with_suffix(".yaml"))
DURATIONS = list(CONFIG.model_defaults.tdt_durations)
SIGMA = CONFIG.loss.tdt_kwargs.sigma
TOKENS = 256


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
    config = OmegaConf.merge(CONFIG, {"tokenizer": {"dir": str(tokenizer)}})
    OmegaConf.resolve(config)
    return EncDecRNNTBPEModel(cfg=config)
