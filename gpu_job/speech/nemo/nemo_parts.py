"""What the engine uses of NeMo, imported without the rest (`lean_import.py`).

One file, because a lean import removes its modules again: a second one would build every class anew.
"""

from __future__ import annotations

from typing import Any

import torch

from gpu_job.speech.nemo.lean_import import as_a_library, lean


class _Bare(torch.nn.Module):  # type: ignore[misc]  # torch is optional, and untyped if it is missing
    """What a phrase tree needs of NeMo's model class."""

    def __init__(self, cfg: Any, trainer: Any = None) -> None:  # noqa: ARG002 - as NeMo calls it
        super().__init__()


with lean(ModelPT=_Bare):
    from nemo.collections.asr.modules.conformer_encoder import ConformerEncoder
    from nemo.collections.asr.modules.rnnt import RNNTDecoder, RNNTJoint
    from nemo.collections.asr.parts.context_biasing.boosting_graph_batched import GPUBoostingTreeModel
    from nemo.collections.asr.parts.context_biasing.context_graph_universal import ContextGraph
    from nemo.collections.asr.parts.submodules.transducer_decoding.tdt_label_looping import (
        GreedyBatchedTDTLabelLoopingComputer,
    )
    from nemo.core.classes.common import typecheck
    from nemo.core.utils.cuda_python_utils import check_cuda_python_cuda_graphs_conditional_nodes_supported
    from nemo.utils import logging as nemo_logging

nemo_logging.captureWarnings(capture=False)
as_a_library()  # the warnings that matter are in `Device.graphs`
typecheck.set_typecheck_enabled(
    enabled=False
)  # the shapes are ours, and checking them costs time in each call

__all__ = [
    "ConformerEncoder",
    "ContextGraph",
    "GPUBoostingTreeModel",
    "GreedyBatchedTDTLabelLoopingComputer",
    "RNNTDecoder",
    "RNNTJoint",
    "check_cuda_python_cuda_graphs_conditional_nodes_supported",
]
