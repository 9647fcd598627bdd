"""The ports on folders and one SQLite file.

In reading order:

    embedded_ports           puts the ports together
    store                    objects as files
      names                  names of objects ↔ paths of files
      atomic_write           files that appear completely or not at all
      staged                 files that get their name when they are complete
      beneath                opens what is below a folder, without following links
      permissions            what others may do with a file
      fd_cache               descriptors kept open between reads
      disk_errors            errors of the disk in words
    copies                   what else there is of a recording: copies for a person, messages
    database                 the SQLite file, shared by processes and threads
      schema                 its tables
    incoming                 recordings from standard input and the web, for a while
    state_copy               all of it once more, on a disk that outlasts the machine
    records                  documents in the database
    search                   words of all transcripts, in a database of their own
    queue                    messages in the database
      upkeep                 what the queue does beyond its port
      process_ids            whose lease a message is under
      dead_letter_attributes what Pub/Sub adds to a dead letter
"""
