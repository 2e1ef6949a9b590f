"""OAuth 2.1: access tokens of one issuer open what keys open. This is a resource server, and issues
no tokens itself.

`options.py` is what a server is told, `template.py` makes namespaces of claims, `rules.py` a key
of a token's claims. `issuer.py` reads the issuer's documents, `signing.py` its keys, `keyset.py`
keeps those, `tokens.py` checks tokens by them; `challenge.py` tells clients where to get one.
"""

from mnemon.server.oauth.options import OAuth
from mnemon.server.oauth.tokens import Tokens

__all__ = ["OAuth", "Tokens"]
