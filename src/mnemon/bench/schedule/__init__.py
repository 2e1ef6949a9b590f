"""`mnemon bench schedule`: policies of scheduling on traces, by what they cost."""
