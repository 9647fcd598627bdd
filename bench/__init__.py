"""What is measured, a module for each part: `python -m bench`."""

import argparse


def command_line(part, about):
    """The parser of a part's own options."""
    return argparse.ArgumentParser(
        prog=f"python -m bench {part}", description=about, formatter_class=argparse.RawTextHelpFormatter
    )
