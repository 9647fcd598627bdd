"""From windows of audio to words.

    transcriber.py   what the pipeline asks of any engine: read this first
    windowing.py     cut decoded audio at silences
    loading.py       which engine runs some weights here
    onnx/            Parakeet on a CPU              nemo/   Parakeet with NeMo, on a GPU
    alphabets.py     tokens that a language cannot have
    words.py         words with times, from decoded tokens

Each engine is a package that alone imports its library, and that is imported only when it is wanted.
"""
