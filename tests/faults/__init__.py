"""Faults made on purpose, and what must hold after each; the figures are in the run's output."""
