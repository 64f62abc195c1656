// A page that is closed ends its own kernel, from the first moment on and not only when its widgets have come to life:
// it says so when it goes, and when it cannot, the connection that it held on to breaks.
(() => {
  const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const here = new WebSocket(`${location.origin.replace(/^http/, "ws")}${page.baseUrl}-/here/${page.kernelId}`);
  addEventListener("pagehide", () => {
    here.close();
    navigator.sendBeacon(`${page.baseUrl}voila/api/shutdown/${page.kernelId}`);
  });
  // Shown again from the browser's memory, it has no kernel any more.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
