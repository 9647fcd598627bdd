"""Records, messages and the words of all transcripts in SQLite files.

In reading order:

    database                 the SQLite file, shared by processes and threads
      migration              made in a new file, and brought to this version in an older one
      schema                 its tables
      sqlite_errors          errors of SQLite as ours
    records                  documents in the database
    search                   words of all transcripts, in a database of their own
    queue                    messages in the database
      upkeep                 what the queue does beyond its port
      runs                   recordings that one process has to itself
      process_ids            whose lease a message is under, and whose lock a file
      dead_letter_attributes what Pub/Sub adds to a dead letter
"""
