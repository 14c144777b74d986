"""What earlier runs have found, on disk: see `results` for what is kept, and what it depends on.

folder.py    a folder of entries: each may be missing, and is believed only where it was made
key.py       what an entry is called: all that is known before anything is looked at
trace.py     what a result was worked out from, noted while that happens
values.py    findings as JSON, and back
results.py   the entries of files and of repositories
"""
