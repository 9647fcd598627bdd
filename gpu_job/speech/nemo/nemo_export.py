"""The ONNX export of a NeMo archive. Beside nemo_parts.py the only file that imports NeMo.

It needs the whole model class, with the export hooks of its parts; the engine builds only the parts.
"""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gpu_job.speech.nemo.lean_import import as_a_library
from gpu_job.speech.onnx.export import BLANK
from gpu_job.weights.lookup import MODEL_TYPE
from shared.errors import ConfigurationError, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def export(archive: Path, folder: Path) -> None:
    """Write the two graphs, the vocabulary and the description that onnx-asr loads as `nemo-conformer-tdt`.

    Args:
        archive: a `.nemo` file of a FastConformer-TDT.
        folder: exists; gets `FILES` of `gpu_job/weights/catalogue.py`, and tensors beside them if a graph is larger than
            2 GB.

    Raises:
        ConfigurationError: torch or NeMo is not installed.
        ModelUnavailable: the archive cannot be loaded, is a model of another kind, or cannot be exported.
    """
    with _quiet():
        model = _exported(archive, folder)
    _gather(folder)
    tokens = [*model.tokenizer.vocab, BLANK]
    (folder / "vocab.txt").write_text(
        "".join(f"{token} {index}\n" for index, token in enumerate(tokens)), encoding="utf-8"
    )
    config = {
        "model_type": MODEL_TYPE,
        "features_size": int(model.cfg.preprocessor.features),
        "subsampling_factor": int(model.cfg.encoder.subsampling_factor),
    }
    (folder / "config.json").write_text(json.dumps(config) + "\n", encoding="utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """Only errors are shown inside: warnings of NeMo and of what it imports do not concern the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
            as_a_library()


def _exported(archive: Path, folder: Path) -> Any:
    """NeMo's model, once its graphs are written."""
    try:
        from nemo.collections.asr.models import ASRModel  # noqa: PLC0415 - optional, and seconds to import
    except ImportError as error:
        raise ConfigurationError(
            f"An export from a .nemo file needs torch and NeMo, which are not installed ({error}). Install them with "
            "`pip install 'dropscribe[nemo]'` (in a clone: `make test` does); the export itself needs no GPU."
        ) from error
    try:
        model = ASRModel.restore_from(str(archive), map_location="cpu").eval()
        kind = model.cfg.get("decoding", {}).get("model_type", "rnnt")
        if kind == "tdt":
            # NeMo names the two graphs encoder-NAME and decoder_joint-NAME.
            model.export(str(folder / "model.onnx"))
    except Exception as error:
        # The errors of restoring and exporting have no common root.
        raise ModelUnavailable(
            f"{archive} cannot be exported: {type(error).__name__}: {str(error).strip() or 'no reason given'}. "
            "Check that it is whole (`dropscribe models verify`, where it came from the hub) and that NeMo can "
            "restore it."
        ) from error
    if kind != "tdt":
        raise ModelUnavailable(
            f"{archive} is a model of type {kind!r}; Dropscribe runs token-and-duration transducers (tdt), such as "
            "nvidia/parakeet-tdt-0.6b-v3."
        )
    return model


def _gather(folder: Path) -> None:
    """Put the tensors of a graph over 2 GB, for each of which torch makes a file, into one file beside the graph."""
    graphs = sorted(folder.glob("*.onnx"))
    loose = set(folder.iterdir()) - set(graphs)
    if not loose:
        return
    import onnx  # noqa: PLC0415 - optional; comes with NeMo

    for path in graphs:
        bare = onnx.load(path, load_external_data=False)
        if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in bare.graph.initializer):
            onnx.save_model(onnx.load(path), path, save_as_external_data=True, location=f"{path.name}.data")
    for path in loose:
        path.unlink()
