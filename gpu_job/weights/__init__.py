"""Weights by their names: what there is, where it is, how it gets here.

    catalogue.py     what Dropscribe knows by name, pinned
    lookup.py        where some weights are
    download.py      from the hub, checked
    onnx_export.py, nemo_export.py   from a `.nemo` file to an ONNX export

Nothing here imports an engine before it is asked to.
"""
