"""Plaintext methods: slots `represent`, `extract`, `retrieve`, `fuse`, `maintain`, and programs."""
