"""Text that has hurt somebody: markup, links, Markdown, mathematics, controls, direction marks."""

from __future__ import annotations

CANARY = "canary"
"""Stands in every entry, so that a test sees that the text was shown and not merely dropped."""

MARKUP = (
    f"<script>{CANARY}()</script>",
    f"<img src=x onerror={CANARY}()>",
    f"\"><svg onload='{CANARY}()'>",
    f"'\"/><iframe srcdoc='<script>{CANARY}()</script>'></iframe>",
    f"<a href='javascript:{CANARY}()'>x</a>",
    f"<form action=//evil.example/{CANARY}><input name=q><button data-commandlinker-command=x>go</button></form>",
    f"</style><style>*{{background:url(//evil.example/{CANARY})}}</style>",
    f"</div></td></table></pre></details>{CANARY}",
    f"<base href=//evil.example/{CANARY}><meta http-equiv=refresh content='0;url=//evil.example'>",
    f"<object data=//evil.example/{CANARY}></object><embed src=x><math><mi//xlink:href='data:x,1'>",
    f"<!-- {CANARY} --><![CDATA[ x ]]>&lt;script&gt;&#60;script&#62;",
    f"` onfocus={CANARY}() autofocus x=`",
    f"\x00<scr\x00ipt>{CANARY}</scr\x00ipt>",
)
MARKDOWN = (
    f"[{CANARY}](javascript:alert(1)) [x](data:text/html,<script>1</script>) [y](vbscript:x)",
    f"![{CANARY}](https://evil.example/pixel.png)",
    f"[{CANARY}][1]\n\n[1]: javascript:alert(1)",
    f"<https://evil.example/{CANARY}> https://evil.example www.evil.example mailto:a@evil.example a@evil.example",
    f"| {CANARY} | b |\n|---|---|\n| <b>1</b> | 2 |",
    f"a\\| <img src=x onerror={CANARY}()> | `b\\`",
    f"```\n{CANARY}\n```\n<b>x</b>",
    f"``` {CANARY} ` <img src=x>",
    f"# {CANARY}\n\n===\n---\n1. x\n- y\n+ z\n* * *",
    f"{CANARY} *a* **b** _c_ __d__ ~~e~~ ^f^ ==g== :smile: [^1] @cite {{#id .class}}",
    f"$\\href{{javascript:alert(1)}}{{{CANARY}}}$ \\(x\\) \\[y\\] $$z$$ \\begin{{equation}}",
    f"&#106;avascript:{CANARY} &lt;b&gt; &amp;lt;",
    f"[{CANARY}](//evil.example) [x](/lab/tree/secret) [y](#z) [z](files/x.html)",
    f"[{CANARY}](https://ok.example/?q=\"onmouseover='x') [x](<https://ok.example/ onclick=1>)",
)
CONTROLS = (
    f"\x1b[2J\x1b]0;title\x07{CANARY}\x9b31m",
    f"{CANARY}\r\n200 OK\r\nSet-Cookie: a=b",
    f"{CANARY}\x08\x08\x08\x08\x7f\x0b\x0c\x85",
    f"\u202egnp.{CANARY}\u202c \u2066x\u2069 \u200f\u200e\u061c",
    f"can\u200bary {CANARY}\u200d\u2060\ufeff\u00ad\u034f\u3164\u2800",
    f"\u2028{CANARY}\u2029\ufff9\U000e0041\U000e0042\ufe01",
    f"\ud800{CANARY}\udfff",
    f"{CANARY}" + "\u0336\u0489" * 60,
)
EVERYTHING = (
    *MARKUP,
    *MARKDOWN,
    *CONTROLS,
    CANARY + "x" * 100_000,
    f"{CANARY} 東京 👩\u200d💻 \u0645\u06cc\u200c\u062e\u0648",
)
