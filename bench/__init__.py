"""What is measured, a module for each part: `python -m bench`, whose `__main__` lists the parts.

speed      against NeMo's own ways and onnx-asr: contest (turns), contenders, nemo_script, flow
real_size  random_weights of the real size on a GPU; processors: on a processor
wer        word error rates; seams: words lost or added between chunks
speakers   who speaks when: mixtures (with reference), diarization (errors); sorting
worker     what it adds to its engine; keeps_up: with a fast GPU
load       thousands of recordings at once; router, google (queue and records), telemetry, probe, search
console    its server; console_page and console_sound: the page in Chromium
machine    what a figure was measured on
"""

import argparse


def command_line(part, about):
    """The parser of a part's own options."""
    return argparse.ArgumentParser(
        prog=f"python -m bench {part}", description=about, formatter_class=argparse.RawTextHelpFormatter
    )
