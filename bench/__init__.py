"""What is measured, a module for each part: `python -m bench`, whose `__main__` lists the parts.

Read machine.py first, then flow.py: most parts measure with the one, many run the other.

engines    against NeMo's own ways and onnx-asr, at the real size, on GPUs and processors
accuracy   word error rates, and who speaks when
page       the console's server, and its page in Chromium
flow       from submitting to the last output file
worker     what it adds to its engine; keeps_up: with a fast GPU
load       thousands of recordings at once; router, google (queue and records), telemetry, probe, search
machine    what a figure was measured on
"""

import argparse


def command_line(part, about):
    """The parser of a part's own options."""
    return argparse.ArgumentParser(
        prog=f"python -m bench {part}", description=about, formatter_class=argparse.RawTextHelpFormatter
    )
