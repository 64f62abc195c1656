"""Keeping, never deciding: the journal is the truth, TinyDB is the document layer over it, blobs hold what is big."""
