// A page that is closed ends its own kernel, from the first moment on and not only when its widgets have come to life.
(() => {
  const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  addEventListener("pagehide", () => {
    navigator.sendBeacon(`${page.baseUrl}voila/api/shutdown/${page.kernelId}`);
  });
  // Shown again from the browser's memory, it has no kernel any more.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
