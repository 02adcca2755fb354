"""What a person who decides what to ship reads of a release.

``release.py`` reads a manifest; ``summary.py`` says what it means; ``terminal.py``,
``markdown.py``, ``data.py`` (JSON) and ``page.py`` (HTML) show it.
"""
