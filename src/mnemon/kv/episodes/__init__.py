"""EpiCache: a long conversation as a few small caches, one an episode; a question opens one.

    from mnemon.kv.episodes.episodic import EpisodicCache
    memory = EpisodicCache.build(model, tokenizer, turns, embed=embed, episodes=4, budget=1024)
    cache = memory.cache_for("where did Ana go in May?")

Memory bounded also while it is built: the text is taken block by block, and what is beyond the
budget goes after each.
"""
