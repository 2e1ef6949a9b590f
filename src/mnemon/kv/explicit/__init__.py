"""Memory³: texts as sparse explicit memories, a few tokens a head, read while generating.

from mnemon.kv.explicit.library import Library
library = Library.write(model, tokenizer, texts, embed=embed)
ids = library.generate(prompt, 64)
"""
