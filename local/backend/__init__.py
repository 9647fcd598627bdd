"""The ports on folders and one SQLite file.

In reading order:

    embedded_ports   puts the ports together
    copies           what else there is of a recording: copies for a person, messages
    incoming         recordings from standard input and the web, for a while
    state_copy       all of it once more, on a disk that outlasts the machine
    sqlite/          records, messages and words in the database
    files/           objects as files
    remembered       folders and options of `up`, kept with the state

sqlite/ and remembered take from files/, never the other way.
"""
