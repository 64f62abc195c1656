// The theme, before the first paint: what the address asks for, else what the reader's system has; and the two buttons
// that need no kernel.
(() => {
  const root = document.documentElement;
  const base = new URL("../../", document.currentScript.src).pathname;
  const sheets = {};
  const wear = (dark) => {
    const name = dark ? "dark" : "light";
    root.dataset.theme = name;
    if (!sheets[name]) {
      sheets[name] = document.createElement("link");
      sheets[name].rel = "stylesheet";
      sheets[name].href = `${base}voila/templates/lab/static/theme-${name}.css`;
      document.head.append(sheets[name]);
    }
    for (const [other, sheet] of Object.entries(sheets)) sheet.disabled = other !== name;
    if (document.body) {
      document.body.dataset.jpThemeLight = String(!dark);
      document.body.dataset.jpThemeName = dark ? "JupyterLab Dark" : "JupyterLab Light";
    }
  };
  const asked = () => new URLSearchParams(location.search);
  const theme = asked().get("theme");
  wear(theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

  const filled = () => {
    const field = document.getElementById("nbr-q");
    if (field) field.value = asked().get("q") || "";
  };
  const copy = async (button) => {
    const address = location.href;
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value: address });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1500);
  };
  addEventListener("DOMContentLoaded", () => {
    wear(root.dataset.theme === "dark");
    filled();
    addEventListener("nbr-drawn", filled);
    addEventListener("click", (event) => {
      const pressed = event.target.closest?.("[data-nbr]");
      if (pressed?.dataset.nbr === "copy") copy(pressed);
      if (pressed?.dataset.nbr === "theme") {
        const next = root.dataset.theme === "dark" ? "light" : "dark";
        const address = new URL(location.href);
        address.searchParams.set("theme", next);
        history.replaceState(null, "", address.pathname + address.search);
        wear(next === "dark");
      }
    });
    // A link that loads the page anew keeps the theme that was chosen.
    addEventListener("click", (event) => {
      const link = event.target.closest?.("a.nbr-link");
      const chosen = asked().get("theme");
      if (!link || !chosen || event.defaultPrevented) return;
      const address = new URL(link.href);
      address.searchParams.set("theme", chosen);
      link.href = address.pathname + address.search;
    });
  });
})();
