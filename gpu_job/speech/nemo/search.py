"""Greedy search over encoder frames, then a confidence for every token that it found.

Label looping: Bataev et al. 2024, https://arxiv.org/abs/2406.06220.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from gpu_job.speech import alphabets
from gpu_job.speech.nemo.cuda import first_line, shortage
from gpu_job.speech.nemo.nemo_parts import (
    GreedyBatchedTDTLabelLoopingComputer,
    check_cuda_python_cuda_graphs_conditional_nodes_supported,
)
from gpu_job.speech.nemo.phrase_trees import PhraseTrees
from gpu_job.speech.words import Tokens
from shared.languages import alphabet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_job.speech.nemo.networks import Networks

SCORED_TOGETHER = 4096
"""Tokens whose probabilities are computed at one time: 130 MB with 8,192 tokens in the vocabulary."""


class Search:
    """Finds the tokens in encoder frames."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._plain = _decoder(networks, with_phrases=False)
        self.trees = PhraseTrees(
            partial(_decoder, networks, with_phrases=True),
            networks.tokenizer,
            networks.network.blank,
            networks.device,
        )

    def tokens(
        self,
        encoded: torch.Tensor,
        frames: torch.Tensor,
        lists: Sequence[int],
        languages: Sequence[str | None],
    ) -> list[Tokens]:
        """The tokens of each window, with their probabilities and durations.

        Args:
            encoded: `(windows, frames, width)`.
            frames: how many are real, `(windows,)`.
            lists: the numbers of their phrase lists, see `PhraseTrees.numbers`.
            languages: those that were asked for, as codes; windows of one alphabet are searched together.
        """
        kinds = [alphabet(one) if one else None for one in languages]
        if len(set(kinds)) == 1:
            with self._written_in(languages[0]):
                return self._tokens(encoded, frames, lists)
        found = [Tokens.none()] * len(encoded)
        for kind in dict.fromkeys(kinds):
            rows = [row for row, one in enumerate(kinds) if one == kind]
            with self._written_in(languages[rows[0]]):
                some = self._tokens(encoded[rows], frames[rows], [lists[row] for row in rows])
            for row, one in zip(rows, some, strict=True):
                found[row] = one
        return found

    @contextmanager
    def _written_in(self, language: str | None) -> Iterator[None]:
        """Rule out tokens in other alphabets, by the biases of the joint network: captured graphs read them anew."""
        network = self._networks.network
        penalty = alphabets.penalty(network.pieces, language)
        if penalty is None:
            yield
            return
        bias = self._networks.joint.joint_net[-1].bias
        plain = bias.clone()
        try:
            bias[: len(penalty)] += torch.from_numpy(penalty).to(bias)
            yield
        finally:
            bias.copy_(plain)

    def _tokens(self, encoded: torch.Tensor, frames: torch.Tensor, lists: Sequence[int]) -> list[Tokens]:
        if max(lists) < 0:
            found, _ = self._plain(x=encoded, out_len=frames)
        else:
            which = torch.tensor(lists, device=encoded.device)
            found, _ = self.trees.decoder(x=encoded, out_len=frames, multi_biasing_ids=which)
        # A replayed graph answers for as many windows as it was captured for, which may be more.
        counts = found.current_lengths[: len(encoded)]
        longest = int(counts.max())
        if not longest:
            return [Tokens.none()] * len(encoded)
        ids = found.transcript[: len(encoded), :longest]
        at = found.timestamps[: len(encoded), :longest]
        confidences, durations = self._score(encoded, ids, at, counts)
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

    def _score(
        self, encoded: torch.Tensor, ids: torch.Tensor, at: torch.Tensor, counts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Softmax probability of each token among all tokens and blank, and its predicted duration.

        It is one pass over the finished tokens, outside the decoder's loop. NeMo's own confidence measures are rounded to
        the weights' precision, copy all logits at every step, and with phrases belong to another token. Its CPU path
        mixes up the durations of the windows of a batch.

        Args:
            encoded: `(windows, frames, width)`.
            ids: tokens, `(windows, tokens)`.
            at: frame of each, `(windows, tokens)`.
            counts: tokens that are real, `(windows,)`.

        Returns:
            Both `(windows, tokens)`; 0 if there is no token.
        """
        network, joint = self._networks.network, self._networks.joint
        real = torch.arange(ids.shape[1], device=ids.device) < counts[:, None]
        outputs, _ = self._networks.decoder.predict(ids.masked_fill(~real, 0), state=None, add_sos=True)
        before = joint.project_prednet(outputs[:, :-1])[real]
        rows = real.nonzero()[:, 0]
        heard = joint.project_encoder(encoded[rows, at[real]].unsqueeze(0))[0]
        confidences = torch.zeros(ids.shape, device=ids.device)
        durations = torch.zeros_like(ids)
        classes = network.blank + 1
        frames_of = torch.tensor(network.durations, device=ids.device)
        sure, long = [], []
        for one, two, chosen in zip(
            *(tensor.split(SCORED_TOGETHER) for tensor in (heard, before, ids[real])), strict=True
        ):
            logits = joint.joint_after_projection(one.unsqueeze(1), two.unsqueeze(1))[:, 0, 0].float()
            sure.append(logits[:, :classes].softmax(dim=1).gather(1, chosen[:, None])[:, 0])
            long.append(frames_of[logits[:, classes:].argmax(dim=1)])
        confidences[real], durations[real] = torch.cat(sure), torch.cat(long)
        return confidences, durations

    def capture(self, windows: int, frames: int) -> None:
        """Capture the decoder's CUDA graphs for batches up to this size."""
        networks = self._networks
        shape = (windows, frames, networks.joint.enc.in_features)
        empty = torch.zeros(shape, device=networks.device, dtype=networks.dtype)
        self._plain(x=empty, out_len=torch.zeros(windows, dtype=torch.long, device=networks.device))

    def forget_graphs(self) -> None:
        """Give back the memory of captured graphs."""
        for decoder in (self._plain, self.trees.decoder):
            if decoder is not None:
                decoder.reset_cuda_graphs_state()

    def graphs(self) -> str:
        """How the decoder uses CUDA graphs, and if not fully, why."""
        mode = str(self._plain.cuda_graphs_mode)
        try:
            check_cuda_python_cuda_graphs_conditional_nodes_supported()
        except (ImportError, OSError) as error:
            return f"{mode}: {' '.join(str(error).split())}"
        return f"{mode}: {self._plain.why_not_full}" if self._plain.why_not_full else mode


class _Decoder(GreedyBatchedTDTLabelLoopingComputer):  # type: ignore[misc]  # NeMo publishes no types
    """NeMo's decoder, which remembers why it could not capture its loop as one graph."""

    why_not_full = ""

    def _raise_or_warn_no_while_loop_cuda_graphs(self, error: Exception) -> None:
        if shortage(error):
            raise error  # a smaller batch may be captured as a whole
        self.why_not_full = first_line(error)
        super()._raise_or_warn_no_while_loop_cuda_graphs(error)


def _decoder(networks: Networks, *, with_phrases: bool) -> _Decoder:
    # Triton builds its launcher with a C compiler at the first call, and the image has none. Without Triton a phrase
    # tree is walked in plain torch, which CUDA graphs cannot capture.
    triton = any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang"))
    decoder = _Decoder(
        decoder=networks.decoder,
        joint=networks.joint,
        blank_index=networks.network.blank,
        durations=list(networks.network.durations),
        max_symbols_per_step=networks.network.max_per_frame,
        allow_cuda_graphs=networks.device.type == "cuda" and (triton or not with_phrases),
        enable_per_stream_biasing=with_phrases,
    )
    if with_phrases and not triton:
        decoder.biasing_multi_model.use_triton = False
    return decoder
