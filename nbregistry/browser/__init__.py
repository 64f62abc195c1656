"""The registry browser: a page for those who decide about models and do not write notebooks.

``nbregistry browse`` starts a Voila of its own on one notebook. The server proves who a visitor is (``identity``,
``entrance``, ``provider``) and tells the visitor's kernel over a way that no browser can use (``visits``); the kernel
opens the registry with no more than that visitor may do (``access``). A page is drawn whole before any script runs
(``pages``), and goes on without a reload where a script is there (``site``).
"""
