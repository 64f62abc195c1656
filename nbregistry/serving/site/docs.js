"use strict";
// Everything a server tells is put in as text, never as markup. The token stays in this page's memory.

const $ = (id) => document.getElementById(id);

function el(tag, attributes, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...inside.filter((part) => part !== null && part !== undefined));
  return made;
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  const token = $("token").value.trim();
  if (token) headers.Authorization = "Bearer " + token;
  return fetch(path, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error" });
}

async function got(path) {
  const answer = await ask(path);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message || found.error || "status " + answer.status);
  return found;
}

const state = { api: null, models: [], metadata: {} };

const modelPath = (name) => "/models/" + encodeURIComponent(name);
const operation = (path, method) => ((state.api.paths || {})[path] || {})[method];

function predictRoutes(name) {
  const first = state.models.length && state.models[0].name === name;
  const mine = [["native", "/models/" + name + "/predict"], ["Open Inference v2", "/v2/models/" + name + "/infer"]];
  mine.splice(1, 0, ["MLflow", first ? "/invocations" : "/models/" + name + "/invocations"]);
  if (first) mine.push(["Seldon v1", "/api/v1.0/predictions"]);
  return mine.filter(([, path]) => operation(path, "post"));
}

function badge(text, kind) { return el("span", { class: "badge " + (kind || "") }, text); }

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.filter(([, value]) => value).map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function snippet(text) {
  const copy = el("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1200);
  } }, "Copy");
  return el("div", { class: "snippet" }, el("pre", {}, text), copy);
}

function quoted(text) { return "'" + text.replaceAll("'", "'\\''") + "'"; }

function compact(text) {
  try { return JSON.stringify(JSON.parse(text)); } catch { return text; }
}

function tryIt(name) {
  const routes = predictRoutes(name);
  if (!routes.length) return el("p", { class: "quiet" }, "Nothing can be asked of it yet.");
  const route = el("select", { "aria-label": "Protocol" }, ...routes.map(([label], at) => el("option", { value: at }, label)));
  const example = el("select", { "aria-label": "Example" });
  const body = el("textarea", { spellcheck: "false", "aria-label": "Body of the request" });
  const answer = el("pre", { class: "answer", "aria-live": "polite" }, "The answer stands here.");
  const told = el("div", { class: "bar" }, el("strong", {}, "Answer"));
  const where = el("p", { class: "mono quiet" });
  const snippets = el("div", { class: "pair" });
  const explain = el("input", { type: "checkbox" });

  const path = () => routes[route.value][1];
  const examples = () => operation(path(), "post").requestBody.content["application/json"].examples || {};

  function showSnippets() {
    const url = location.origin + encodeURI(path());
    const header = $("token").value.trim() ? " -H 'Authorization: Bearer '\"$TOKEN\"" : "";
    const sent = compact(body.value);
    const curl = "curl " + url + " \\\n  -H 'Content-Type: application/json'" + header + " \\\n  -d " + quoted(sent);
    const python = "import json, urllib.request\n\nrequest = urllib.request.Request(\n    " + JSON.stringify(url)
      + ",\n    " + JSON.stringify(sent) + ".encode(),\n    {\"Content-Type\": \"application/json\"" + (header ? ", \"Authorization\": \"Bearer <token>\"" : "") + "},\n)\n"
      + "print(json.load(urllib.request.urlopen(request)))";
    snippets.replaceChildren(
      el("div", {}, el("h3", {}, "Command line"), snippet(curl)), el("div", {}, el("h3", {}, "Python"), snippet(python)));
  }
  function showExample() {
    const found = examples()[example.value];
    body.value = found ? JSON.stringify(found.value, null, 2) : "";
    showSnippets();
  }
  function showRoute() {
    example.replaceChildren(...Object.keys(examples()).map((key) => el("option", { value: key }, key)));
    where.textContent = "POST " + path();
    showExample();
  }
  async function send() {
    button.disabled = true;
    const started = performance.now();
    try {
      const target = encodeURI(path()) + (explain.checked ? "?explain=1" : "");
      const found = await ask(target, { method: "POST", headers: { "Content-Type": "application/json" }, body: body.value });
      const text = await found.text();
      const ms = performance.now() - started;
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
      answer.textContent = shown;
      const by = found.headers.get("x-model-name");
      told.replaceChildren(
        el("strong", {}, "Answer"), badge(String(found.status), found.ok ? "good" : "bad"),
        el("span", { class: "quiet" }, ms.toFixed(1) + " ms" + (by ? ", by " + by + "/" + found.headers.get("x-model-version") : "")));
    } catch (fault) {
      told.replaceChildren(el("strong", {}, "Answer"), badge("failed", "bad"));
      answer.textContent = String(fault.message || fault);
    }
    button.disabled = false;
  }
  const button = el("button", { class: "main", type: "button", onclick: send }, "Send");
  route.addEventListener("change", showRoute);
  example.addEventListener("change", showExample);
  body.addEventListener("input", showSnippets);
  body.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); });
  showRoute();
  return el("div", {},
    el("div", { class: "try" },
      el("section", {}, el("div", { class: "bar" }, el("strong", {}, "Request"), route, example), where, body,
        el("div", { class: "bar" }, button, el("label", { class: "quiet" }, explain, " explain"),
          el("span", { class: "quiet" }, "Ctrl+Enter sends"))),
      el("section", {}, told, answer)),
    snippets);
}

function kindOf(column) {
  const shape = column.shape && column.shape.length > 1 ? " [" + column.shape.slice(1).join(" × ") + "]" : "";
  return column.dtype + shape;
}

function columns(signature) {
  if (!signature || !signature.inputs || !signature.inputs.length) return el("p", { class: "quiet" }, "Nothing is known of its rows; they are passed on as they come.");
  const rows = signature.inputs.map((column) => el("tr", {},
    el("td", { class: "mono" }, column.name || "input"), el("td", {}, kindOf(column)),
    el("td", {}, column.nullable ? "may be missing" : "required"),
    el("td", { class: "long quiet" }, column.categories ? "one of " + column.categories.slice(0, 12).join(", ") + (column.categories.length > 12 ? " …" : "") : "")));
  return el("div", { class: "box" }, el("table", {}, el("thead", {}, el("tr", {},
    ...["Column", "Type", "Missing values", "Values"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows)));
}

function running(found) {
  const compiled = found.compiled || {};
  const batching = found.batching || {};
  const why = [compiled.why ? "original: " + compiled.why : "", batching.why ? "batching: " + batching.why : ""].filter(Boolean);
  return [
    facts([
      ["Serves", found.serves], ["Asked for", found.asked || found.ref], ["Stage", found.stage], ["Aliases", (found.aliases || []).join(", ")],
      ["Estimator", found.estimator], ["Methods", (found.methods || []).join(", ")],
      ["Runs", compiled.used === true ? "compiled, proven equal" : compiled.used === false ? "original" : ""],
      ["Digest", found.digest ? found.digest.slice(0, 12) : ""],
    ]),
    why.length ? el("p", { class: "quiet" }, why.join("; ")) : null,
  ];
}

async function showModel(name) {
  let found = state.models.find((model) => model.name === name) || {};
  try { found = { ...found, ...await got(modelPath(name) + "/metadata") }; } catch { /* not ready: what is known stays */ }
  return [
    el("h1", {}, name), ...running(found),
    found.trouble ? el("p", { class: "note" }, found.trouble) : null,
    el("h2", {}, "Try it"), tryIt(name),
    el("h2", {}, "Rows"), columns(found.signature),
  ];
}

function showGroup(tag) {
  const rows = [];
  for (const [path, methods] of Object.entries(state.api.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      if (!told.tags.includes(tag)) continue;
      rows.push(el("div", { class: "route" }, badge(method.toUpperCase(), method), el("span", { class: "mono" }, path),
        el("span", { class: "quiet" }, told.summary + (told.security ? " (token)" : ""))));
    }
  }
  return [el("h1", {}, tag), el("p", { class: "quiet" }, rows.length + " routes. "), ...rows,
    el("p", {}, el("a", { href: "/openapi.json" }, "/openapi.json"), " describes all of them to programs.")];
}

function drawNav() {
  const here = decodeURIComponent(location.hash.slice(1));
  const link = (key, label, model) => el("a", { href: "#" + encodeURIComponent(key), "aria-current": here === key ? "page" : false },
    model ? el("span", { class: "dot" + (model.ready && !model.trouble ? "" : " bad"), "aria-hidden": "true" }) : null, label);
  $("nav").replaceChildren(
    el("h3", {}, "Models"), ...state.models.map((model) => link("m:" + model.name, model.name, model)),
    el("h3", {}, "Routes"), ...state.api.tags.map((tag) => link("t:" + tag.name, tag.name)));
}

async function draw() {
  if (!state.api) return;
  let key = decodeURIComponent(location.hash.slice(1));
  if (!key && state.models.length) { history.replaceState(null, "", "#" + encodeURIComponent("m:" + state.models[0].name)); key = "m:" + state.models[0].name; }
  drawNav();
  const parts = key.startsWith("t:") ? showGroup(key.slice(2)) : key ? await showModel(key.slice(2)) : [el("p", {}, "No model is served.")];
  $("main").replaceChildren(...parts.filter(Boolean));
  document.title = (key.slice(2) || "nbregistry") + " · nbregistry";
}

async function health() {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    $("ready").textContent = answer.ok ? "ready" : "not ready";
    $("ready").className = "state " + (answer.ok ? "good" : "bad");
  } catch {
    $("ready").textContent = "not reached";
    $("ready").className = "state bad";
  }
}

async function begin() {
  health();
  try {
    state.api = await got("/openapi.json");
    state.models = (await got("/models")).models.filter((model, at, all) => all.findIndex((m) => m.name === model.name) === at);
    $("release").textContent = state.api.info.version;
    await draw();
  } catch (fault) {
    $("main").replaceChildren(el("h1", {}, "nbregistry"), el("p", { class: "note" }, String(fault.message || fault)),
      el("p", { class: "quiet" }, "If this server wants a token, type it in above."));
  }
}

window.addEventListener("hashchange", draw);
$("token").addEventListener("change", begin);
setInterval(health, 10000);
begin();
