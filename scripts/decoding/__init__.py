"""What `measure_kv_decoding.py` is made of."""
