// A pulse: one message a second to the kernel, for as long as somebody looks.
//
// It beats while a view of it is in the page, on the screen and in the tab in front, and while the kernel has answered
// the beat before: a kernel that is busy finds one beat waiting, not a hundred, and one that is gone hears no more.

export default () => {
  let sent = 0; // number of the latest beat; another window on the same kernel may be ahead
  let begun = -Infinity; // when it was sent
  let waiting = false; // whether its answer is still to come

  function initialize({ model }) {
    sent = model.get("answered");
    model.on("change:answered", () => {
      if (model.get("answered") >= sent) waiting = false;
    });
  }

  function render({ model, el }) {
    let timer = 0;
    let onScreen = false;
    el.style.height = "1px"; // what has no height is on no screen
    el.setAttribute("aria-hidden", "true");

    const seen = () => onScreen && document.visibilityState === "visible";

    function beat() {
      clearTimeout(timer);
      if (!seen()) return;
      const every = Math.max(model.get("every") * 1000, 10);
      const left = begun + every - performance.now();
      if (left <= 0 && !waiting) {
        sent = Math.max(sent, model.get("answered")) + 1;
        begun = performance.now();
        waiting = true;
        model.send({ kind: "tick", number: sent });
      }
      // While an answer is awaited there is no timer: the answer wakes it.
      if (!waiting) timer = setTimeout(beat, Math.max(left, 1));
    }

    // Whoever comes back to the page does not wait for an answer that was lost meanwhile.
    function back() {
      if (seen() && performance.now() - begun > 30000) waiting = false;
      beat();
    }

    const observer = new IntersectionObserver((entries) => {
      onScreen = entries[entries.length - 1].isIntersecting;
      back();
    });
    // The whole panel counts as what is looked at; where there is none, the pulse itself.
    const attached = requestAnimationFrame(() => observer.observe(el.closest(".nbr-panel") ?? el));
    document.addEventListener("visibilitychange", back);
    model.on("change:answered", beat);
    model.on("change:every", beat);

    return () => {
      cancelAnimationFrame(attached);
      clearTimeout(timer);
      onScreen = false;
      observer.disconnect();
      document.removeEventListener("visibilitychange", back);
      model.off("change:answered", beat);
      model.off("change:every", beat);
    };
  }

  return { initialize, render };
};
