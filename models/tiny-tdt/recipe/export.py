"""Export for onnx-asr: `python export.py MODEL.nemo FOLDER` fills FOLDER with what it loads.

onnx-asr then reads the folder as `nemo-conformer-tdt`: two graphs, the vocabulary and a config.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from nemo.collections.asr.models import ASRModel


def export(source: Path, folder: Path) -> None:
    """Write `encoder-model.onnx`, `decoder_joint-model.onnx`, `vocab.txt`, `config.json`, `tiny-tdt.nemo`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = ASRModel.restore_from(str(source), map_location="cpu")
    model.eval()
    # NeMo names the two graphs encoder-NAME and decoder_joint-NAME.
    model.export(str(folder / "model.onnx"))
    tokens = [*model.tokenizer.vocab, "<blk>"]
    lines = "".join(f"{token} {index}\n" for index, token in enumerate(tokens))
    (folder / "vocab.txt").write_text(lines, encoding="utf-8")
    config = {"model_type": "nemo-conformer-tdt", "features_size": 80, "subsampling_factor": 8}
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copyfile(source, folder / "tiny-tdt.nemo")


def main() -> None:
    """Read the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    export(arguments.model, arguments.folder)


if __name__ == "__main__":
    main()
