"""Watching a memory: frames of what is there and what happens, and drawing them."""
