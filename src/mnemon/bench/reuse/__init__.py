"""Reuse of kept keys and values, measured on one model; torch is imported when it is."""
