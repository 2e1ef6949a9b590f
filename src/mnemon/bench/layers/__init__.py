"""`mnemon bench layers`: trained memory modules beside models of equal parameters or operations."""
