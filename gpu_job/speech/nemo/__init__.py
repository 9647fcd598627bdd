"""Parakeet with NVIDIA NeMo, on a GPU or a CPU.

    nemo_engine.py   the engine, read this first
    archive.py       what is in a `.nemo` file
    networks.py      from audio to encoder frames
    search.py        from frames to tokens              phrase_trees.py   phrases that it prefers
    cuda.py          memory and faults of a GPU
    nemo_parts.py    what is used of NeMo               lean_import.py    without what is only for training
    nemo_export.py   from a `.nemo` file to the files of an ONNX export

Only nemo_parts.py and nemo_export.py import NeMo; only files of this package import torch.
"""
