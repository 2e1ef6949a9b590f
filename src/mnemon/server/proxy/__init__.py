"""The proxy: chats go on to an OpenAI-compatible API, with what memory holds on them.

`exchange.py` is the whole way of a chat. `chat.py` and `responses.py` are the two dialects: where
the turns are, where memory goes, what the answer was. `recalling.py` and `storing.py` are the two
ends in memory, `upstream.py` and `relay.py` the two in the network.
"""
