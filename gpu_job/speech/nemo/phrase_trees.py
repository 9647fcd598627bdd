"""A caller's words and names as trees of tokens on the device, whose branches the decoder prefers.

Boosting by tree and label looping: Andrusenko et al. 2025, "TurboBias", https://arxiv.org/abs/2508.07014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sentencepiece

from gpu_job.speech.nemo.nemo_parts import ContextGraph, GPUBoostingTreeModel
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

PHRASE_LISTS = 64
"""Phrase lists on the device at most; the one used longest ago is dropped first."""


class PhraseTrees:
    """The trees of the lists that were used last.

    Args:
        make: gives the decoder that walks them; called with the first list that can be spelled.
        tokenizer: a SentencePiece model.
        vocabulary: how many tokens there are, blank left out.
        device: where the trees go.
    """

    def __init__(
        self, make: Callable[[], Any], tokenizer: bytes, vocabulary: int, device: torch.device
    ) -> None:
        self.decoder: Any = None
        """What walks them, None until there is one."""
        self._make = make
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._device = device
        # The lists that are on the device, the one used longest ago first.
        self._numbers: dict[tuple[str, ...], int] = {}

    def numbers(self, wanted: Sequence[tuple[str, ...]]) -> list[int]:
        """Put lists of phrases on the device; not under `torch.inference_mode`.

        Returns:
            Number of each list's tree, -1 for a list with no phrase in it that the model can spell.
        """
        distinct = [phrases for phrases in dict.fromkeys(wanted) if phrases]
        for phrases in distinct:
            if phrases in self._numbers:  # so that the lists of this call are the last to be dropped
                self._numbers[phrases] = self._numbers.pop(phrases)
        for phrases in distinct:
            if phrases not in self._numbers:
                while len(self._numbers) >= max(PHRASE_LISTS, len(distinct)):
                    if (oldest := self._numbers.pop(next(iter(self._numbers)))) >= 0:
                        self.decoder.biasing_multi_model.remove_model(oldest)
                self._numbers[phrases] = self._tree(phrases)
        return [self._numbers.get(phrases, -1) for phrases in wanted]

    def _tree(self, phrases: tuple[str, ...]) -> int:
        spelled = _spelled(phrases, self._tokenizer)
        if not spelled:
            return -1
        if self.decoder is None:
            self.decoder = self._make()
        graph = ContextGraph(context_score=1.0, depth_scaling=2.0)
        graph.build(
            token_ids=list(spelled.values()),
            scores=[0.0] * len(spelled),
            phrases=list(spelled),
            uniform_weights=False,
        )
        tree = GPUBoostingTreeModel.from_context_graph(
            graph, vocab_size=self._vocabulary, uniform_weights=False
        )
        models = self.decoder.biasing_multi_model.to(self._device)
        number: int = models.add_model(tree.to(self._device))
        return number


def _spelled(phrases: Sequence[str], tokenizer: bytes) -> dict[str, list[int]]:
    """Tokens of each phrase that the vocabulary can spell; a warning names the others."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer)
    spelled = {phrase: processor.encode(phrase) for phrase in phrases}
    unknown = [phrase for phrase, ids in spelled.items() if not ids or processor.unk_id() in ids]
    if unknown:
        log.warning("the model cannot spell these phrases: %s", ", ".join(map(repr, unknown)))
    return {phrase: ids for phrase, ids in spelled.items() if phrase not in unknown}
