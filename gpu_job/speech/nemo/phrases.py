"""A caller's words and names, spelled as a model spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sentencepiece

from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Sequence


def spell(phrases: Sequence[str], tokenizer: bytes) -> dict[str, list[int]]:
    """Tokens of each phrase that the vocabulary can spell; a warning names the others.

    Args:
        phrases: as people write them.
        tokenizer: a SentencePiece model.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer)
    spelled = {phrase: processor.encode(phrase) for phrase in phrases}
    unknown = [phrase for phrase, ids in spelled.items() if not ids or processor.unk_id() in ids]
    if unknown:
        log.warning("the model has no letters for these phrases: %s", ", ".join(map(repr, unknown)))
    return {phrase: ids for phrase, ids in spelled.items() if phrase not in unknown}
