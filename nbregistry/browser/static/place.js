// Goes from view to view without a reload: links and searches are handed to the kernel, which draws the next view.
// Where the kernel is gone the same links load the page anew, so nothing here is needed to read the registry.
const PATIENCE = 6000; // milliseconds for an answer before the page is loaded anew

export default {
  render({ model, el }) {
    const page = document.getElementById("nbr-view");
    const view = page || el.appendChild(document.createElement("div"));
    view.classList.add("nbr-view");
    let late = 0;

    const draw = () => {
      clearTimeout(late);
      view.removeAttribute("aria-busy");
      const html = model.get("html");
      if (!html) return;
      view.innerHTML = html; // drawn by the kernel, which escapes every text
      if (page) document.title = model.get("title");
      view.dispatchEvent(new CustomEvent("nbr-drawn", { bubbles: true }));
    };

    const go = (address, push) => {
      if (page && push) history.pushState(null, "", address.pathname + address.search);
      view.setAttribute("aria-busy", "true");
      if (page) late = setTimeout(() => location.reload(), PATIENCE);
      model.set({ asked: address.search, turn: model.get("turn") + 1 });
      model.save_changes();
    };

    const ours = (address) => address.origin === location.origin && address.pathname === location.pathname;
    const rests = () => page && "rests" in document.documentElement.dataset; // then the browser loads pages by itself
    const clicked = (event) => {
      const link = event.target.closest?.("a.nbr-link");
      if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const address = new URL(link.getAttribute("href"), location.origin + location.pathname);
      if (!ours(address) || rests()) return;
      event.preventDefault();
      const theme = new URLSearchParams(location.search).get("theme");
      if (page && theme) address.searchParams.set("theme", theme);
      go(address, true);
      if (page) scrollTo(0, 0);
    };
    const searched = (event) => {
      const form = event.target.closest?.(".nbr-search");
      if (!form || rests()) return;
      event.preventDefault();
      const address = new URL(location.pathname, location.origin);
      const words = new FormData(form).get("q").trim();
      if (words) address.searchParams.set("q", words);
      const theme = new URLSearchParams(location.search).get("theme");
      if (page && theme) address.searchParams.set("theme", theme);
      go(address, true);
    };
    const back = () => (rests() ? location.reload() : go(new URL(location.href), false));

    view.addEventListener("click", clicked);
    view.addEventListener("submit", searched);
    if (page) addEventListener("popstate", back);
    model.on("change:drawn", draw);
    if (!page) draw();
    // What is being served changes by itself: as long as somebody looks, it is drawn again.
    const clock = setInterval(() => {
      const live = new URLSearchParams(page ? location.search : model.get("asked")).get("view") === "serving";
      if (live && !rests() && !document.hidden && !view.hasAttribute("aria-busy")) {
        model.set("turn", model.get("turn") + 1);
        model.save_changes();
      }
    }, 2000);
    view.dataset.alive = "yes";
    return () => {
      clearInterval(clock);
      clearTimeout(late);
      view.removeEventListener("click", clicked);
      view.removeEventListener("submit", searched);
      if (page) removeEventListener("popstate", back);
    };
  },
};
