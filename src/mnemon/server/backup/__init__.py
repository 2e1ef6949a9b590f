"""Backups: a store with its keys and audit log in one file, made while the server works.

A tar: `manifest.json` with the bytes and SHA-256 of every other member, `store.db`, `keys.json`,
`audit/…`, `blobs/…`. `making.py` writes it, `restoring.py` reads it, `purged.py` knows what was
purged since.
"""
