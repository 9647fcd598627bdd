"""From windows of audio to words.

    transcriber.py   what the pipeline asks of any engine: read this first
    windowing.py     cut decoded audio at silences
    packing.py       windows into batches
    nemo/            Parakeet with NeMo, on a GPU   onnx/   Parakeet on a CPU, and what both engines need
    words.py         words with times, from decoded tokens
    alphabets.py     tokens that a language cannot have

Each engine is a package that alone imports its library, and that is imported only when it is wanted. nemo/ takes from
onnx/, never the other way.
"""
