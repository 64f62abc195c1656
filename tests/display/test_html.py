"""HTML: one self-contained element in which nothing that a user typed is more than text."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from nbregistry import display
from nbregistry.display.blocks import MOST_ROWS
from nbregistry.display.style import SHEET
from nbregistry.domain.entities import Annotation
from nbregistry.domain.lifecycle import Stage
from nbregistry.domain.results import Annotations, Events, Models, Versions
from nbregistry.errors import InvalidInput
from tests.display import corpus, samples
from tests.display.seen import Seen

ELEMENTS = {
    "div", "style", "span", "code", "time", "bdi", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "pre",
    "p", "br", "hr", "strong", "em", "s", "blockquote", "a", "details", "summary",
}  # fmt: skip
ATTRIBUTES = {
    "class": re.compile(r"((nbr(-[a-z]+)*|tex2jax_ignore|mathjax_ignore)( |$))+"),
    "title": re.compile(r"[A-Za-z0-9][A-Za-z0-9 :+.,_/-]*"),
    "datetime": re.compile(r"[0-9:TZ-]+"),
    "scope": re.compile("col|row"),
    "href": re.compile(r"(https?://|mailto:)[^\s<>\"']+", re.IGNORECASE),
    "rel": re.compile("noopener noreferrer nofollow"),
    "target": re.compile("_blank"),
}
KINDS = sorted(samples.everything())


def faults(html: str) -> list[str]:
    """Return everything in a representation that is not ours to have."""
    seen = Seen(html)
    found = list(seen.faults)
    found += [f"<{element}>" for element, _ in seen.elements if element not in ELEMENTS]
    for element, attributes in seen.elements:
        for name, value in attributes.items():
            if name not in ATTRIBUTES or not ATTRIBUTES[name].fullmatch(value):
                found.append(f"<{element} {name}={value[:80]!r}>")
            if name != "href" and corpus.CANARY in value:
                found.append(f"<{element} {name}> holds what a user typed")
    if [text for element, text in seen.texts if element == "style"] != [SHEET]:
        found.append("another style sheet")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_stays_text(kind: str) -> None:
    """Whatever stands in whichever field, no element, attribute or link comes of it, and it is shown."""
    obj = samples.everything()[kind]
    for text in corpus.EVERYTHING:
        html = display.html(samples.poisoned(obj, text))
        assert [] == faults(html), text[:80]
        if kind != "no versions":
            assert corpus.CANARY in Seen(html).text, text[:80]


@pytest.mark.parametrize("kind", KINDS)
def test_honest_text_has_no_faults_either(kind: str) -> None:
    """The rules of the test above hold for plausible content, links and tables included."""
    assert [] == faults(display.html(samples.everything()[kind]))


def test_the_judge_sees_faults() -> None:
    """The parser behind these tests would report what they say does not happen."""
    for bad in ("<img src=x>", "<p onclick=x>", "<p class='x'>", "<a href='javascript:x'>", "</p>", "<p>", "<!--x-->"):
        assert len(faults(f"<div class='nbr'><style>{SHEET}</style>{bad}</div>")) > 0


def test_a_links_own_address_is_all_that_prose_may_carry() -> None:
    """Of an honest link the address arrives, with no way back to our page."""
    seen = Seen(display.html(samples.model(description="[x](https://ok.example/a?b=1&c=2) [y](/lab) [z](#top)")))
    links = [attributes for element, attributes in seen.elements if element == "a"]
    wanted = {"href": "https://ok.example/a?b=1&c=2", "target": "_blank", "rel": "noopener noreferrer nofollow"}
    assert [wanted] == links


def test_shows_nothing_invisible() -> None:
    """Controls, overrides and zero-width characters become visible in names, authors and notes."""
    version = samples.version(created_by="ana\u202e\x1b\u200b", note="\u2066x\x00")
    text = Seen(display.html(version)).text
    assert "ana⟨U+202E⟩␛⟨U+200B⟩" in text
    assert "⟨U+2066⟩x␀" in text


def test_right_to_left_text_is_isolated() -> None:
    """A name in Hebrew stands in an element of its own direction."""
    seen = Seen(display.html(samples.version(created_by="דנה")))
    assert ("bdi", "דנה") in seen.texts


def test_dollars_are_no_mathematics() -> None:
    """Both generations of MathJax are told to leave the element alone."""
    classes = Seen(display.html(samples.version(note="$5 and $6"))).elements[0][1]["class"].split()
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(classes)


def test_numbers_align_and_tell_all_on_hover() -> None:
    """A column of numbers has one number of decimals, stands to the right, and each hover has the exact value."""
    html = display.html(
        Versions([samples.version(2, metrics={"auc": 0.93123456}), samples.version(1, metrics={"auc": 0.5})])
    )
    assert '<td class="nbr-right"><span class="nbr-number" title="0.93123456">0.9312</span></td>' in html
    assert '<td class="nbr-right"><span class="nbr-number" title="0.5">0.5000</span></td>' in html


def test_times_are_relative_with_the_moment_on_hover_and_as_of_when() -> None:
    """A saved notebook stays true: it says when it was drawn."""
    html = display.html(samples.version(created_at=samples.NOW - timedelta(hours=2)), now=samples.NOW)
    assert '<time datetime="2026-11-21T10:00:00Z" title="2026-11-21 10:00:00 UTC">2 h ago</time>' in html
    assert "Times as of 2026-11-21 12:00 UTC." in html


def test_digests_are_short_with_the_whole_on_hover() -> None:
    """A digest shows twelve digits and carries all; what only claims to be one carries nothing."""
    assert f'<code class="nbr-code" title="{samples.DIGEST}">ab12cd34ef56</code>' in display.html(samples.version())
    assert 'title="../../etc' not in display.html(samples.version(digest="../../etc/passwd"))


@pytest.mark.parametrize(
    ("stage", "look"),
    [(Stage.PRODUCTION, "good"), (Stage.STAGING, "info"), (Stage.ARCHIVED, ""), (Stage.NONE, "quiet")],
)
def test_each_stage_has_its_badge(stage: Stage, look: str) -> None:
    """A stage is a badge with a word, so colour is never all there is."""
    html = display.html(Versions([samples.version(stage=stage)]))
    classes = f"nbr-badge nbr-badge-{look}" if look else "nbr-badge"
    assert f'<span class="{classes}">{stage.value}</span>' in html


def test_failed_cannot_be_missed() -> None:
    """A failed version has a badge in the list and a banner with the reason in its card."""
    failed = samples.versions()[0]
    assert '<span class="nbr-badge nbr-badge-bad">FAILED</span>' in display.html(Versions([failed]))
    assert "nbr-banner-bad" in display.html(failed)
    assert "predicts other values than before" in Seen(display.html(failed)).text


@pytest.mark.parametrize(
    "many",
    [
        Versions([samples.version(n + 1) for n in range(MOST_ROWS + 7)]),
        Models([samples.model(name=f"m{n}") for n in range(MOST_ROWS + 7)]),
        Events([samples.event(n) for n in range(MOST_ROWS + 7)]),
    ],
    ids=["versions", "models", "events"],
)
def test_long_lists_are_capped_and_say_how_to_go_on(many: Versions | Models | Events) -> None:
    """Two hundred rows are drawn, in a box that scrolls; the rest is counted, with the way to get it."""
    html = display.html(many)
    assert MOST_ROWS + 1 == html.count("<tr>")
    assert "7 more: [200:] shows them, .to_frame() has them all." in html
    assert '<div class="nbr-box"><table class="nbr-table">' in html


def test_a_page_says_that_there_are_more() -> None:
    """A list with a cursor tells of it."""
    assert "cursor" in Seen(display.html(Versions([samples.version()], cursor="x"))).text
    assert "cursor" not in Seen(display.html(Versions([samples.version()]))).text


def test_one_representation_has_a_bounded_size() -> None:
    """A thousand notes of 64 KiB, or one of a megabyte, do not freeze the notebook."""
    long = samples.thread()[0]
    notes = Annotations([Annotation(n, "churn/3", "*a* " * 16_384, long.kind, "ana", samples.NOW) for n in range(250)])
    assert len(display.html(notes)) < 3_000_000
    assert "more characters are not shown" in Seen(display.html(samples.model(description="a " * 500_000))).text


def test_replies_nest_and_circles_do_not_hang() -> None:
    """A reply stands inside what it answers; an answer to itself or to the future stands alone."""
    first, second = samples.thread()[:2]
    html = display.html(Annotations([first, second]))
    assert (
        html.index("Looks <strong>good</strong>")
        < html.index('<div class="nbr-replies">')
        < html.index("Recall drops for")
    )
    circle = Annotations(
        [Annotation(n, "c", "text", first.kind, "a", samples.NOW, reply_to=(n + 1) % 3) for n in range(3)]
    )
    assert 3 == Seen(display.html(circle)).text.count("text")


def test_a_thread_of_any_depth_can_be_drawn() -> None:
    """Two hundred replies, each to the one before, are drawn without running out of stack or of page."""
    kind = samples.thread()[0].kind
    deep = Annotations([Annotation(n, "c", f"say {n}", kind, "a", samples.NOW, reply_to=n - 1) for n in range(1, 200)])
    html = display.html(deep)
    assert "say 199" in html
    assert 6 == html.count('<div class="nbr-replies">')
    assert "say 199" in display.markdown(deep)
    assert "say 199" in display.text(deep)


def test_a_note_taken_back_is_not_shown() -> None:
    """Of a deleted note the author and the time remain, the text does not."""
    seen = Seen(display.html(samples.thread()))
    assert "taken back" in seen.text
    assert "nonsense" not in seen.text


def test_earlier_texts_are_kept_behind_a_fold() -> None:
    """An edit shows that there was one, when, and what was said before."""
    html = display.html(samples.thread())
    assert "<summary>1 earlier text</summary>" in html
    assert "<p>Recall drops.</p>" in html


def test_a_title_attribute_takes_only_our_own_forms() -> None:
    """A receipt, whose store comes from elsewhere, reaches the hover only when it looks like one."""
    assert f'title="{samples.RECEIPT}"' in display.html(samples.card())
    poisoned = samples.poisoned(samples.card(), "x' onmouseover='y")
    assert "onmouseover" not in "".join(str(attributes) for _, attributes in Seen(display.html(poisoned)).elements)


def test_unknown_objects_are_refused_by_name() -> None:
    """What no registry gives has no representation, and the message lists what has."""
    with pytest.raises(InvalidInput, match=r"no representation of a dict: there is of Annotation, .*Versions"):
        display.html({})
