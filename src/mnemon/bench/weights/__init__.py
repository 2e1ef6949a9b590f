"""`mnemon bench weights`: facts trained into the bundled model, asked, and forgotten."""
