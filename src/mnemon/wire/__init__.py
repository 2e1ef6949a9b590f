"""What goes over a wire: the vocabulary as JSON and back, errors as problem documents."""
