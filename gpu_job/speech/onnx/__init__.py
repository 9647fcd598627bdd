"""Parakeet on a processor, with ONNX Runtime: onnx_engine.py first, then tdt.py, its decoder."""
