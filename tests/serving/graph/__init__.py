"""Graphs that answer."""
