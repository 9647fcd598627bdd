"""Where a voice is: looked for in any bytes, whatever holds them."""

from __future__ import annotations

import base64
import itertools
import zlib


def forms(embedding):
    """Bytes that show that an embedding is there: itself, and the middle of its base64, which has three alignments."""
    texts = [base64.b64encode(b"x" * shift + embedding)[60:120] for shift in range(3)]
    return [embedding[16:48], *texts, repr(embedding[16:24]).encode()[2:-1]]


def has_voice(data, embedding):
    """Whether some bytes have it, compressed or not."""
    unpacked = [data]
    for bits in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16, -zlib.MAX_WBITS):
        try:
            unpacked.append(zlib.decompressobj(bits).decompress(data))
        except zlib.error:
            continue
    return any(form in one for form, one in itertools.product(forms(embedding), unpacked))
