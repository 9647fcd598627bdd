"""Train one stage: `python train.py base|long|anneal --corpus CORPUS.npz --folder FOLDER`.

Stages build on each other, see `stages.py`. Each writes FOLDER/STAGE.nemo, and goes on writing it
while it trains, so that a look at a half-trained model is possible.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from architecture import DURATIONS, SIGMA, build, train_tokenizer
from batches import Batch, batches, load, steps_of
from nemo.collections.asr.models import ASRModel, EncDecRNNTBPEModel
from stages import STAGES, Stage
from tdt_loss import tdt_loss

REPORT_EVERY, SAVE_EVERY = 20, 200
"""Steps."""


def loss_of(model: EncDecRNNTBPEModel, batch: Batch) -> torch.Tensor:
    """One pass through the model, and its loss."""
    features, frames = model.preprocessor(input_signal=batch.audio, length=batch.samples)
    features = model.spec_augmentation(input_spec=features, length=frames)
    encoded, frames = model.encoder(audio_signal=features, length=frames)
    predicted, _, _ = model.decoder(targets=batch.labels, target_length=batch.tokens)
    logits = model.joint.joint(encoded.transpose(1, 2), predicted.transpose(1, 2))
    return tdt_loss(logits, batch.labels, frames, batch.tokens, durations=len(DURATIONS), sigma=SIGMA)


def train(stage: Stage, model: EncDecRNNTBPEModel, corpus: Path, target: Path, steps: int | None) -> None:
    """Train, and write the model to `target`.

    Args:
        stage: how.
        model: starting point; changed in place.
        corpus: what `synthesis.py` wrote.
        target: file to write.
        steps: number of batches; None is the full stage.
    """
    heard = load(corpus, model.tokenizer.text_to_ids)
    steps = steps or steps_of(stage, heard)
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.rate, weight_decay=1e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=stage.rate, total_steps=steps, pct_start=stage.warm_up
    )
    model.train()
    began, total = time.monotonic(), 0.0
    for step, batch in zip(range(1, steps + 1), batches(stage, heard), strict=False):
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % REPORT_EVERY == 0 or step == steps:
            since = (step - 1) % REPORT_EVERY + 1
            pace = (time.monotonic() - began) / step
            print(f"step {step} of {steps}: loss {total / since:.4f}, {pace:.2f} s a step", flush=True)
            total = 0.0
        if step % SAVE_EVERY == 0 or step == steps:
            model.save_to(str(target))


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="batches; the full stage where it is not given")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    stage = STAGES[arguments.stage]
    model = build(train_tokenizer(arguments.folder / "tokenizer"))
    if stage.after:
        before = ASRModel.restore_from(str(arguments.folder / f"{stage.after}.nemo"), map_location="cpu")
        model.load_state_dict(before.state_dict())
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(f"{arguments.stage}: {weights / 1e6:.2f} M parameters")
    train(stage, model, arguments.corpus, arguments.folder / f"{arguments.stage}.nemo", arguments.steps)


if __name__ == "__main__":
    main()
