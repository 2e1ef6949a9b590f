"""Changing one entry of a client's configuration file, and no other byte of it."""
