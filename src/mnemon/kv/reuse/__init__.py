"""Keys and values of text, kept and used again: as a prefix, or anywhere with some recomputed."""
