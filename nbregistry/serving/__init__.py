"""A hot path that knows nothing of notebooks: from bytes on a socket to the answer of the version in charge.

One shape carries everything: ``Node = async (Batch) -> Batch`` (``node``). A request is decoded into a ``Table`` by the
signature (``table``, ``intake``, ``codec``), passes the graph of its endpoint (``graph``), is put together with others
while the model is busy (``batching``), and is run by an engine (``engine``, ``compiling``) of a loaded version
(``live``), which follows the ledger (``following``). ``app`` is the door: routes, permissions and limits; ``process``
starts and stops all of it from a notebook, and ``client`` asks it.
"""
