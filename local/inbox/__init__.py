"""The folder that `dropscribe up` watches: complete files become uploads.

Read watcher first, then ignore.

watcher          finds files, and publishes each when it is complete
ignore           which files it ignores
renamed          a file that was renamed after it was done gets its transcript
reappeared       a file that was gone and is there again is transcribed after all
earlier_uploads  uploads from before there was an inbox
"""
