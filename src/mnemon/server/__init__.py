"""The service: Mnemon over HTTP. A sync core in a thread pool; async only at this edge.

`app.py` puts it together, `routes/` holds a file for each group of calls, `serving.py` runs it.
"""
