"""One table of verbs for the notebook and the command line, so that the two cannot drift apart.

``table`` lists every verb with its arguments; ``words`` and ``parsing`` read a line as people type it; ``offering``
answers TAB; ``reading``, ``changing``, ``registering`` and ``keeping`` hold the bodies, which only ask the registry and
return its objects. ``magics`` and ``cli`` add nothing but the way in and out.
"""
