"""Weights by name: what there is, where it is, how it gets here.

    catalogue.py     the weights known by name, pinned in catalogue.json: read this first
    lookup.py        where some weights are on disk; located.py: what that gives
    derived.py       other forms of them, made once; int8.py: in 8 bits
    digests.py       SHA-256 of files, computed once
    speakers.py      the two networks that tell speakers apart
    download.py      from the hub, resumed and checked
    nemo_tar.py      opens a `.nemo` file without trusting its sizes

No engine is imported here before it is needed.
"""
