"""Parakeet with NVIDIA NeMo, on a GPU or a processor.

    nemo_engine.py   the engine            archive.py       what is in a `.nemo` file
    networks.py      sound → frames        nemo_mel.py      its features
    search.py        frames → tokens       phrase_trees.py  phrases that it prefers
    cuda.py          memory and faults     nemo_parts.py, lean_import.py   NeMo without what trains

Only `nemo_parts.py` imports NeMo, only files of this folder import torch.
"""
