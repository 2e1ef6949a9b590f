"""Tuning embedders for recall: questions are drawn to the turns that answer them."""
