"""What `distil_texts.py` and `distil_static.py` are made of, one concept a file."""
