"""What makes large scopes fast: columns, posting lists, sign bits and lists of vectors.

All of it is derived from the store and may be deleted at any time: files lie in `<store>-index/`,
one folder a namespace and embedding space, and are made again when missing, damaged or from another
moment of the store. A purge deletes them all. Nothing here decides what is true.
"""
