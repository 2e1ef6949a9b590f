"""`mnemon bench latent`: memories in latent states of a model, written, read, and erased.

A method's part is one file with one function, `rows(setting)`, named in `run.SECTIONS`.
"""
