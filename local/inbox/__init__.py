"""The folder that `dropscribe up` watches: complete files become uploads.

Read watcher first, then ignore.

watcher       finds files, and publishes each when it is complete
ignore        which files it ignores
same_content  a file that was renamed after it was done gets its transcript
returned      a file that was gone and is there again is transcribed after all
leftovers     uploads from before there was an inbox
"""
