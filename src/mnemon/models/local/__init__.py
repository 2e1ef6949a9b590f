"""Local models: a causal language model of Hugging Face that recalls, answers and remembers.

from mnemon import Memory
from mnemon.models.local import Runtime, load
runtime = Runtime(load("recall-lm"), Memory("notes.db"))
"""
