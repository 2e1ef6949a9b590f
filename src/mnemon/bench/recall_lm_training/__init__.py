"""Training recall-lm from nothing: a recipe, a time limit, one GPU.

`mnemon bench train-recall-lm` runs it; `run.train` is the call. Needs the extra `kv`.
"""
