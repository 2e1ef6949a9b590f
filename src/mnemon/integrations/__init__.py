"""Adapters: Mnemon as the memory of agent frameworks, a folder and an extra each.

They translate and keep nothing of their own: every item, message or file is a cube, and all of
them work on a file as on `Memory("http://…")`. Importing one imports its framework.
"""
