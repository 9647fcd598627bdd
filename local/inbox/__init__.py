"""The folder that `dropscribe up` watches: complete files become uploads.

Read watcher first.

watcher          finds files, and publishes each when it is complete
folder_watch     has the operating system report changes in it
ignore           which files it ignores
renamed          a file that was renamed after it was done gets its transcript
reappeared       a file that was gone and is there again is transcribed after all
earlier_uploads  uploads from before there was an inbox
"""
