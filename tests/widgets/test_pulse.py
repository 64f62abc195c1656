"""The pulse: a beat does its work and is answered, and none comes from where nobody looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbregistry.errors import InvalidInput
from nbregistry.widgets.pulse import Pulse
from tests.browsing import windows


def beat(pulse: Pulse, told: Any) -> None:
    """Send a beat as a front end does, by a message."""
    pulse._handle_msg({"content": {"data": {"method": "custom", "content": told}}, "buffers": []})


def test_a_beat_is_done_and_answered() -> None:
    """Everything is done once for each beat, and only then is it answered."""
    pulse = Pulse(every=0.5)
    done: list[int] = []
    pulse.on_tick(lambda: done.append(pulse.answered))
    pulse.on_tick(lambda: done.append(-1))
    for number in (1, 2):
        beat(pulse, {"kind": "tick", "number": number})
    assert [0, -1, 1, -1] == done
    assert (2, 0.5) == (pulse.answered, pulse.every)


def test_two_windows_on_one_kernel() -> None:
    """A window that is behind does not set back what was answered, which would leave the other waiting for good."""
    pulse = Pulse()
    for number, answered in ((7, 7), (3, 7), (8, 8)):
        beat(pulse, {"kind": "tick", "number": number})
        assert answered == pulse.answered


def test_a_beat_that_fails_is_answered_too(caplog: Any) -> None:
    """An error in what is done does not stop the pulse."""
    pulse = Pulse()
    pulse.on_tick(lambda: 1 / 0)
    beat(pulse, {"kind": "tick", "number": 7})
    assert 7 == pulse.answered


@pytest.mark.parametrize(
    "told", [None, [], "tick", {"kind": "tick"}, {"kind": "tick", "number": "1"}, {"kind": "tick", "number": True},
             {"kind": "tick", "number": -1}, {"kind": "tick", "number": 2**70}, {"kind": "x", "number": 1}],
)  # fmt: skip
def test_what_is_no_beat_is_passed_over(told: Any) -> None:
    """A message of any other form does nothing."""
    pulse, done = Pulse(), []
    pulse.on_tick(lambda: done.append(1))
    beat(pulse, told)
    assert ([], 0) == (done, pulse.answered)


def test_it_beats_at_a_bearable_pace() -> None:
    """A pace that no kernel keeps up with is refused."""
    for every in (0.0, -1.0, float("nan")):
        with pytest.raises(InvalidInput, match=r"every 0\.1 seconds at most"):
            Pulse(every)


PAGE = """<!DOCTYPE html><title>pulse</title><body style="margin: 0"><div class="nbr-panel" style="height: 300px">
<div id="pulse"></div></div><div style="height: 5000px"></div><script type="module">
MODULE
const heard = {};
window.ticks = 0; window.answering = true; window.clock = 0;
const state = { every: 0.05, answered: 41 };
const model = {
  get: (name) => state[name],
  on: (name, call) => (heard[name] ??= new Set()).add(call),
  off: (name, call) => heard[name]?.delete(call),
  send: (told) => {
    window.ticks += 1; window.told = told;
    if (window.answering) setTimeout(() => window.answer(told.number), 1);
  },
};
window.answer = (number) => { state.answered = number; for (const call of [...heard["change:answered"]]) call(); };
const pulse = window.pulse();
pulse.initialize({ model });
window.close_view = pulse.render({ model, el: document.getElementById("pulse") });
setInterval(() => { window.clock += 1; }, 50);
let state_of_page = "visible";
Object.defineProperty(document, "visibilityState", { get: () => state_of_page });
window.show = (seen) => { state_of_page = seen; document.dispatchEvent(new Event("visibilitychange")); };
window.ready = true;
</script>"""


@pytest.mark.browser
def test_nothing_beats_where_nobody_looks(chromium: str, tmp_path: Path) -> None:
    """It beats in sight; not unanswered, not scrolled away, not in a tab behind, not once its view is closed."""
    code = str(Pulse._esm).replace("export default", "window.pulse =")
    page_file = tmp_path / "pulse.html"
    page_file.write_text(PAGE.replace("MODULE", code), "utf-8")
    with windows(chromium, width=600, height=400) as opened:
        window = opened()
        page = window.page
        page.goto(page_file.as_uri())
        page.wait_for_function("window.ready && window.ticks >= 3")
        assert ["tick", True] == page.evaluate("[window.told.kind, window.told.number >= 44]")

        def beats_no_more(why: str) -> None:
            """Let the page's own clock, of the same pace, go on for a while: one beat may have been under way."""
            before, clock = page.evaluate("[window.ticks, window.clock]")
            page.wait_for_function(f"window.clock >= {clock + 12}")
            assert page.evaluate("window.ticks") <= before + 1, why

        def beats_again() -> None:
            page.wait_for_function(f"window.ticks >= {page.evaluate('window.ticks') + 3}")

        page.evaluate("window.answering = false")
        beats_no_more("a beat was not answered")
        page.evaluate("window.answering = true; window.answer(window.told.number)")
        beats_again()
        page.evaluate("window.answer(window.told.number + 5)")  # to another window on the same kernel
        beats_again()
        assert page.evaluate("window.told.number >= 50")
        page.evaluate("window.scrollTo(0, 3000)")
        page.wait_for_function("window.scrollY > 400")
        beats_no_more("it is scrolled away")
        page.evaluate("window.scrollTo(0, 0)")
        beats_again()
        page.evaluate("window.show('hidden')")
        beats_no_more("the tab is behind")
        page.evaluate("window.show('visible')")
        beats_again()
        page.evaluate("window.close_view()")
        beats_no_more("its view is closed")
        assert ([], []) == (window.outside, window.errors)
