"""Objects as files.

Read store first.

    store          the port of object stores
    names          names of objects ↔ paths of files
    atomic_write   files that appear completely or not at all
    staged         files that get their name when they are complete
    beneath        opens what is below a folder, without following links
    permissions    what others may do with a file
    presence       whether the folder of a bucket is there
    fd_cache       descriptors kept open between reads
    disk_errors    errors of the disk in words
"""
