"""Measurements, run by name: ``python3 tests/bench/peers.py`` and ``python3 tests/bench/scale.py``."""
