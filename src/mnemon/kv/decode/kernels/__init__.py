"""Triton kernels of the decoding step. Each has a plain torch reference beside its launcher."""
