"""Who speaks in a chunk: turns and embeddings, from which the merger tells the speakers of a recording apart.

    diarizer.py       what the pipeline asks: read this first
    onnx_diarizer.py  the answer, from two networks on the processor
    core.py           which window answers for which stretch, and its turns
    features.py       log-mel energies for the embedding
    networks.py       the two networks as ONNX files, whichever export they are

A chunk is diarized alone, on whichever worker; the merger then clusters the voices of all chunks.
"""
