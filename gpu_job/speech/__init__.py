"""Turn windows of sound into words.

    windowing.py   cut decoded sound at silences
    loading.py     which engine runs some weights here
    words.py       words with times from decoded tokens
    onnx/          Parakeet on a processor        nemo/   Parakeet on a GPU

`transcriber.py` is what the pipeline asks of any engine.
"""
