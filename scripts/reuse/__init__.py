"""Parts of measure_reuse.py."""
