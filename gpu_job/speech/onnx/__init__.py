"""Parakeet on a CPU, with ONNX Runtime.

onnx_engine.py   the engine, read this first        mel.py   its features
tdt.py           its decoder, for whole batches
"""
