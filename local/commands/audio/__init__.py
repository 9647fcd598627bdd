"""Commands that take recordings: from files now, from a folder as they come, or for a deployment.

transcribe   files now, and `demo`         inputs        the files of a command line
screen        progress while it runs
report        the table at its end
up           watch an inbox
submit       ask a deployment
route        which engine, and why
"""
