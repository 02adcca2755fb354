"""Reading and changing frozen graphs, for the techniques of the stage ``frozen``."""
