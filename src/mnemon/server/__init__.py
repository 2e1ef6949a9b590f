"""Servers: a memory for programs that are not Python, or not on this machine."""
