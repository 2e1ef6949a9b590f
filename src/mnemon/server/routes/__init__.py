"""Routes: each file has one `router`; a handler parses, calls one core function, formats."""
