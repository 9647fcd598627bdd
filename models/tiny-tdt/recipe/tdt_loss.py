"""The loss of a token-and-duration transducer (TDT), in plain torch.

Xu et al. 2023, "Efficient Sequence Transduction by Jointly Predicting Tokens and Durations",
https://arxiv.org/abs/2304.06795. NeMo's own implementation needs CUDA; this one runs anywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

IMPOSSIBLE = -1e30
"""Logarithm of a probability of nothing; finite, so that differences of two stay numbers."""


def tdt_loss(
    logits: Tensor, labels: Tensor, frames: Tensor, tokens: Tensor, *, durations: int = 5, sigma: float = 0.0
) -> Tensor:
    """Mean over the batch of the negative log-likelihood of the labels, for each label.

    The forward recursion of the paper, in log space and one step a frame:
    with `a[t, u]` the probability of all paths that have emitted u labels when they arrive at frame t,

        a[t, u] = sum over d >= 1 of a[t-d, u]   · P(blank at t-d, u)   · P(duration d at t-d, u)
                + sum over d >= 0 of a[t-d, u-1] · P(label u at t-d, u-1) · P(duration d at t-d, u-1)

    A path ends with a blank whose duration takes it exactly to the end. The terms with d >= 1 come
    from earlier frames and are summed at once for all u. Those with d = 0 stay within the frame; with
    S[u] the running sum of their logarithms, they become one cumulative log-sum-exp of `a - S`.

    Args:
        logits: joint network's output, (batch, frames, labels + 1, vocabulary + 1 + durations); the
            last of the vocabulary is the blank; the durations are 0, 1, 2, …
        labels: token ids, (batch, labels), padded with anything.
        frames: number of valid frames of each, (batch,).
        tokens: number of valid labels of each, (batch,).
        durations: how many durations the network predicts.
        sigma: logit under-normalisation (Xu et al. 2022, "Multi-blank Transducers for Speech
            Recognition"): subtracted from the log-probability of every token, so that paths with
            fewer steps, which are those with long durations, are preferred.

    Returns:
        A scalar.
    """
    batch, longest, states, _ = logits.shape
    token = torch.log_softmax(logits[..., :-durations].float(), -1) - sigma
    duration = torch.log_softmax(logits[..., -durations:].float(), -1)
    blank = token[..., -1]
    index = labels[:, None, :, None].expand(batch, longest, states - 1, 1)
    label = torch.gather(token[:, :, :-1, :], 3, index).squeeze(3)

    forward: list[Tensor] = []
    for t in range(longest):
        if t == 0:
            arrived = logits.new_full((batch, states), IMPOSSIBLE, dtype=torch.float32)
            arrived[:, 0] = 0
        else:
            terms = []
            for d in range(1, min(durations - 1, t) + 1):
                before = forward[t - d]
                terms.append(before + blank[:, t - d] + duration[:, t - d, :, d])
                emitted = before[:, :-1] + label[:, t - d] + duration[:, t - d, :-1, d]
                terms.append(torch.nn.functional.pad(emitted, (1, 0), value=IMPOSSIBLE))
            arrived = torch.logsumexp(torch.stack(terms), 0)
        within = torch.nn.functional.pad(torch.cumsum(label[:, t] + duration[:, t, :-1, 0], 1), (1, 0))
        forward.append(within + torch.logcumsumexp(arrived - within, 1))

    paths = torch.stack(forward, 1)
    each = torch.arange(batch, device=logits.device)
    endings = []
    for d in range(1, durations):
        last = frames - d
        at = (each, last.clamp(min=0), tokens)
        ending = paths[at] + blank[at] + duration[*at, d]
        endings.append(torch.where(last >= 0, ending, torch.full_like(ending, IMPOSSIBLE)))
    likelihood = torch.logsumexp(torch.stack(endings), 0)
    return -(likelihood / tokens.clamp(min=1)).mean()
