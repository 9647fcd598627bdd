"""The folder that `dropscribe up` watches: complete files become uploads."""
