"""The slot `text.programs`: compositions of text methods; see `mnemon.text.program.Program`."""
