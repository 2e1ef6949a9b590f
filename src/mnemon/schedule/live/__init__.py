"""The scheduler at work on a store: what is used, what is kept, what to do, and doing it."""
