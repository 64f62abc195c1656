"""How models become bytes and bytes models: one library, one small file, and one gate in front of all of them.

``table`` finds the flavor of an object or a name, ``protocol`` says what a flavor is, ``opening`` is the only way from
stored bytes to a model, and ``trust`` knows whose bytes may run code. Nothing here imports a library before it is used.
"""
