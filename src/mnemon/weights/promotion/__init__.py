"""Promotion: an alias says which adapters answer, and a gate decides what it may be moved to.

An alias is a name of a namespace and a base; it points at a set of adapters and has a past that is
only added to. See docs/weights-promotion.md.
"""
