"""Protocols: each file reads one kind of request into an ``Asked`` and writes the answer or the refusal back.

``decode(body, content_type, intake)`` raises InvalidInput (400) for what is not the protocol, UnsupportedMedia (415)
for another content type and BadRows (422) for rows that do not fit. ``encode(answer, asked)`` returns the body, its
content type and headers of its own. ``refusal(error, id)`` is an error as the protocol's clients read it.
"""
