"""One file per command: each defines ``command``; ``cli/main.py`` loads the one that is called."""
