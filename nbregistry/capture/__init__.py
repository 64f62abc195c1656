"""One look at the live process at register time: environment, cells, source, secrets, data, signature, example.

Everything here runs in-process, takes milliseconds and asks the user nothing. Captures that meet foreign code go
through ``boundary.attempt``, so that a strange object costs one capture, never a registration.
"""
