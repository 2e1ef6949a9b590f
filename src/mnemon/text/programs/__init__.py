"""The slot `text.programs`: programs, each a composition of text methods; see `mnemon.text.program.Program`."""
