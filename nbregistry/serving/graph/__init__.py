"""Graphs that answer: each node of ``domain.graph`` becomes one ``async (Batch) -> Batch``.

``build`` makes them, ``endpoint`` offers the whole under one name; ``reading`` reads YAML, ours and Seldon's. What has
to be remembered between requests, processes and restarts (who was sent where, rewards, when a canary began) is in
``state``. Models themselves are leaves that somebody else follows and runs.
"""
