"""Parakeet on a CPU, from an ONNX export.

onnx_engine.py        the engine, read this first
session.py            how ONNX Runtime runs a network
export.py             what an export says about itself
mel.py                its features
encoder.py            its encoder, with ONNX Runtime
openvino_encoder.py   the same in bfloat16, with OpenVINO
openvino_graph.py     what is changed in its graph for that
tdt.py                its decoder, for whole batches
"""
