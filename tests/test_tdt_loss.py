"""The loss that the tiny model was trained with, against an enumeration of every path."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.nemo,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None, reason="torch is not installed: `make test` installs it"
    ),
]
RECIPE = Path(__file__).parent.parent / "models" / "tiny-tdt" / "recipe"


@pytest.fixture(scope="module")
def tdt_loss():
    spec = importlib.util.spec_from_file_location("tdt_loss", RECIPE / "tdt_loss.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tdt_loss


def probability(token, duration, labels, frames):
    """Sum over all paths from (frame 0, no label) to the end, by plain recursion."""

    def after(frame, emitted):
        if frame == frames and emitted == len(labels):
            return 1.0
        if frame >= frames:
            return 0.0
        total = 0.0
        for step, chance in enumerate(duration[frame][emitted]):
            blank = token[frame][emitted][-1]
            if step > 0:
                is_end = frame + step == frames and emitted == len(labels)
                if is_end or frame + step < frames:
                    total += chance * blank * after(frame + step, emitted)
            # A label never ends a path: a blank must follow it, within the frames.
            if emitted < len(labels) and frame + step < frames:
                label = token[frame][emitted][labels[emitted]]
                total += chance * label * after(frame + step, emitted + 1)
        return total

    return after(0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_the_sum_over_every_path(tdt_loss, seed):
    import torch  # noqa: PLC0415 - not installed everywhere

    generator = torch.Generator().manual_seed(seed)
    lengths = [(5, 3), (6, 2), (3, 1), (4, 3)]
    longest, most = max(f for f, _ in lengths), max(t for _, t in lengths)
    vocabulary, durations = 4, 3
    logits = torch.randn(
        len(lengths), longest, most + 1, vocabulary + 1 + durations, generator=generator, dtype=torch.float64
    )
    labels = torch.randint(0, vocabulary, (len(lengths), most), generator=generator)
    token = torch.softmax(logits[..., :-durations], -1).tolist()
    duration = torch.softmax(logits[..., -durations:], -1).tolist()
    expected = [
        -math.log(probability(token[i], duration[i], labels[i, :tokens].tolist(), frames)) / tokens
        for i, (frames, tokens) in enumerate(lengths)
    ]
    frames, tokens = (torch.tensor(column) for column in zip(*lengths, strict=True))
    loss = tdt_loss(logits, labels, frames, tokens, durations=durations)
    assert loss.item() == pytest.approx(sum(expected) / len(expected), rel=1e-5)


def test_under_normalisation_charges_every_step(tdt_loss):
    import torch  # noqa: PLC0415 - not installed everywhere

    # Two frames, no label, certain durations of one frame: exactly two steps, both blank.
    logits = torch.zeros(1, 2, 2, 2 + 3)
    logits[..., 3] = 100.0
    arguments = (torch.zeros(1, 1, dtype=torch.long), torch.tensor([2]), torch.tensor([0]))
    plain = tdt_loss(logits, *arguments, durations=3)
    charged = tdt_loss(logits, *arguments, durations=3, sigma=0.25)
    assert plain.item() == pytest.approx(2 * math.log(2), rel=1e-5)
    assert charged.item() == pytest.approx(2 * math.log(2) + 0.5, rel=1e-5)


def test_padding_changes_nothing(tdt_loss):
    import torch  # noqa: PLC0415 - not installed everywhere

    generator = torch.Generator().manual_seed(9)
    logits = torch.randn(1, 6, 4, 9, generator=generator)
    labels = torch.tensor([[1, 0, 2]])
    sizes = torch.tensor([4]), torch.tensor([2])
    whole = tdt_loss(logits, labels, *sizes, durations=3)
    cut = tdt_loss(logits[:, :4, :3], labels[:, :2], *sizes, durations=3)
    assert whole.item() == pytest.approx(cut.item(), rel=1e-5)
