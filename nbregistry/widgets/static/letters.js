// Holds the first click after typing until the kernel has what was typed: see letters.py.

function render({ model, el }) {
  el.style.display = "none";
  let typed = false;
  let held = null;

  // The panel that an event is in; one panel may lie in another. A table searches and turns pages without the kernel.
  const mine = (event) => {
    if (event.target.closest?.(".nbr-rows")) return false;
    const panel = event.target.closest?.(".nbr-panel");
    return panel && panel === el.closest(".nbr-panel");
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
    model.send("typed");
  };
  const onAnswer = (told) => {
    if (told !== "taken in" || !held) return;
    const button = held;
    held = null;
    button.click();
  };

  document.addEventListener("input", onInput, true);
  document.addEventListener("click", onClick, true);
  model.on("msg:custom", onAnswer);
  return () => {
    document.removeEventListener("input", onInput, true);
    document.removeEventListener("click", onClick, true);
    model.off("msg:custom", onAnswer);
  };
}

export default { render };
