"""One file per command: each defines ``command``; ``cli.py`` loads the one that is called."""
