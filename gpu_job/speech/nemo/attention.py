"""Full attention for windows, local attention for sound that is too long for it; both with the same weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = 128
"""Encoder frames on either side that a frame attends to: NVIDIA's choice for hours of sound."""


class LocalAttention:
    """Switches a NeMo `ConformerEncoder` from full to local attention and back.

    NeMo's own switch builds new layers and copies the weights each time; here that is done once, the copies
    are dropped, and to switch is to exchange references.
    """

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._local: tuple[Any, ...] | None = None

    def prepare(self) -> None:
        """Build the local layers; not under `torch.inference_mode`."""
        if self._local is not None:
            return
        full = self._layers()
        self._encoder.change_attention_model("rel_pos_local_attn", [CONTEXT, CONTEXT], update_config=False)
        self._encoder.eval()  # what was just built would drop parts of its input, as in training
        for layer, (old, _) in zip(self._encoder.layers, full[-1], strict=True):
            for name, part in old.named_modules():
                for key, weight in part.named_parameters(recurse=False):
                    setattr(layer.self_attn.get_submodule(name), key, weight)
        self._local = self._layers()
        self._use(full)

    @contextmanager
    def used(self) -> Iterator[None]:
        """The encoder attends locally inside."""
        assert self._local is not None
        full = self._layers()
        self._use(self._local)
        try:
            yield
        finally:
            self._use(full)

    def _layers(self) -> tuple[Any, ...]:
        encoder = self._encoder
        layers = [(layer.self_attn, layer.self_attention_model) for layer in encoder.layers]
        return encoder.pos_enc, encoder.self_attention_model, encoder.att_context_size, layers

    def _use(self, chosen: tuple[Any, ...]) -> None:
        encoder = self._encoder
        encoder.pos_enc, encoder.self_attention_model, encoder.att_context_size, layers = chosen
        for layer, (attention, name) in zip(encoder.layers, layers, strict=True):
            layer.self_attn, layer.self_attention_model = attention, name
