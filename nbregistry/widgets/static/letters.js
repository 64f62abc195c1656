// Holds the first click after typing until the kernel has what was typed: see letters.py.

function render({ model, el }) {
  el.style.display = "none";
  let typed = false;
  let held = null;
  let patience = 0;

  // The panel that an event is in; one panel may lie in another. A table searches and turns pages without the kernel.
  const mine = (event) => {
    if (event.target.closest?.(".nbr-rows")) return false;
    const panel = event.target.closest?.(".nbr-panel");
    return panel && panel === el.closest(".nbr-panel");
  };
  const waits = (button, yes) => {
    button.classList.toggle("nbr-held", yes);
    button.setAttribute("aria-busy", String(yes));
  };
  const onInput = (event) => {
    if (mine(event)) typed = true;
  };
  const onClick = (event) => {
    const button = event.target.closest?.("button");
    if (!button || !mine(event) || !(typed || held)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (held) return;
    typed = false;
    held = button;
    // A kernel that runs a cell answers when it is done, one that is gone never: either way it must not look like nothing.
    patience = setTimeout(() => waits(button, true), 1500);
    model.send("typed");
  };
  const onAnswer = (told) => {
    if (told !== "taken in" || !held) return;
    const button = held;
    held = null;
    clearTimeout(patience);
    waits(button, false);
    button.click();
  };

  document.addEventListener("input", onInput, true);
  document.addEventListener("click", onClick, true);
  model.on("msg:custom", onAnswer);
  return () => {
    clearTimeout(patience);
    document.removeEventListener("input", onInput, true);
    document.removeEventListener("click", onClick, true);
    model.off("msg:custom", onAnswer);
  };
}

export default { render };
