// A page that is closed ends its own kernel, from the first moment on and not only when its widgets have come to life:
// it says so when it goes, and when it cannot, the connection that it held on to breaks. Over the same connection it
// says that somebody uses it, and hears when its kernel has gone all the same: then it rests, and says that it does.
(() => {
  const RESTS = 4410; // how the server closes the connection when the kernel has gone
  const OFTEN = 3000; // milliseconds between two signs of use
  const AGAIN = 1000; // milliseconds before a broken connection is tried once more
  const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const address = `${location.origin.replace(/^http/, "ws")}${page.baseUrl}-/here/${page.kernelId}`;
  const root = document.documentElement;
  let here = null;
  let leaves = false;
  let said = 0;

  const hold = (last) => {
    let opened = false;
    here = new WebSocket(address);
    here.addEventListener("open", () => (opened = true));
    here.addEventListener("close", (event) => {
      if (leaves) return;
      if (event.code === RESTS || (last && !opened)) rest();
      else setTimeout(() => leaves || hold(true), AGAIN);
    });
  };

  const used = () => {
    const now = Date.now();
    if (now - said < OFTEN || here.readyState !== WebSocket.OPEN) return;
    said = now;
    here.send(".");
  };
  const signs = ["input", "keydown", "pointerdown", "pointermove", "wheel", "scroll"];
  for (const sign of signs) addEventListener(sign, used, { capture: true, passive: true });

  // Nothing that needs the kernel can be pressed any more; what was typed can still be read, marked and copied.
  const rest = () => {
    if (root.dataset.rests) return;
    root.dataset.rests = "yes";
    for (const sign of signs) removeEventListener(sign, used, { capture: true });
    let typed = false;
    for (const control of document.querySelectorAll("#rendered_cells :is(button, input, select, textarea)")) {
      if (control.matches("textarea, input:not([type]), input[type=text]")) {
        control.readOnly = true;
        typed ||= control.value.trim() !== "";
      } else control.disabled = true;
    }
    const told = document.createElement("aside");
    told.className = "nbr-rests";
    told.setAttribute("role", "status");
    const link = Object.assign(document.createElement("a"), { href: location.href, textContent: "Open it again" });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      location.reload();
    });
    told.append("This page has rested. ", link, " to go on.");
    if (typed) told.append(" What you typed can still be copied.");
    document.body.append(told);
  };

  hold(false);
  addEventListener("pagehide", () => {
    leaves = true;
    here.close();
    navigator.sendBeacon(`${page.baseUrl}voila/api/shutdown/${page.kernelId}`);
  });
  // Shown again from the browser's memory, it has no kernel any more.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
