// The table of the panels: rows of plain data, searched, sorted, paged and selected in the browser.
//
// A cell is a list of parts, each an array that starts with its kind. Text becomes a page's text through textContent
// alone, classes come from a fixed set, and pictures are drawn from numbers: nothing a user typed can be markup.

const LOOKS = new Set([
  "muted", "strong", "code", "number", "good", "bad", "warn", "chip", "alias", "struck",
  "badge", "badge-good", "badge-bad", "badge-warn", "badge-info", "badge-quiet",
]);
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, EDGE] = [76, 18, 2];
const FEW = 8; // rows up to which a search box is more noise than help

function make(name, options = {}, ...children) {
  const found = document.createElement(name);
  const { text, cls, ...attributes } = options;
  if (text !== undefined) found.textContent = text;
  if (cls) found.className = cls;
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

function draw(name, attributes) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

// -- parts of cells: ["s", text, look, title], ["n", text, value, title], ["w", milliseconds], ["p", heights, bars, told]

function ago(then, now) {
  const seconds = (now - then) / 1000;
  if (seconds < -60) return stamp(then).slice(0, 16);
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length) {
      const count = Math.floor(seconds / length);
      return unit === "d" && count > 30 ? stamp(then).slice(0, 10) : `${count} ${unit} ago`;
    }
  }
  return "just now";
}

function stamp(then) {
  return new Date(then).toISOString().slice(0, 19).replace("T", " ");
}

function drawn(part) {
  switch (part[0]) {
    case "n": return make("span", { text: part[1], cls: "nbr-number", ...(part[3] ? { title: part[3] } : {}) });
    case "w": {
      const exact = `${stamp(part[1])} UTC`;
      return make("time", { text: ago(part[1], Date.now()), datetime: new Date(part[1]).toISOString(), title: exact });
    }
    case "p": return picture(part[1], part[2], part[3]);
    default: {
      const look = LOOKS.has(part[2]) ? part[2] : "plain";
      const cls = look.startsWith("badge-") ? `nbr-badge nbr-${look}` : `nbr-${look}`;
      // Isolated, what reads from right to left cannot pull its neighbours along.
      return make("bdi", { text: part[1], cls, ...(part[3] ? { title: part[3] } : {}) });
    }
  }
}

function picture(heights, bars, told) {
  const size = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "nbr-spark" };
  const found = draw("svg", { ...size, ...(told ? { role: "img", "aria-label": told } : { "aria-hidden": "true" }) });
  if (bars) {
    const step = WIDTH / Math.max(heights.length, 1);
    heights.forEach((height, at) => {
      if (!height) return;
      const tall = Math.max(height * (HEIGHT - 1), 1);
      found.append(draw("rect", { x: at * step, y: HEIGHT - tall, width: Math.max(step - 1, 0.6), height: tall }));
    });
    return found;
  }
  const step = (WIDTH - 2 * EDGE) / Math.max(heights.length - 1, 1);
  const points = heights.map((height, at) =>
    height === null ? null : [EDGE + at * step, HEIGHT - EDGE - height * (HEIGHT - 2 * EDGE)]);
  let run = [];
  for (const point of [...points, null]) {
    if (point) { run.push(point); continue; }
    if (run.length > 1) found.append(draw("polyline", { points: run.map((p) => p.join(",")).join(" ") }));
    run = [];
  }
  const end = points.filter(Boolean).at(-1);
  if (end) found.append(draw("circle", { cx: end[0], cy: end[1], r: 1.8 }));
  return found;
}

function words(part) {
  if (part[0] === "w") return stamp(part[1]);
  return part[0] === "p" ? "" : `${part[1]} ${part[3] || ""}`;
}

// What a cell is sorted by: the first part that says something; null stands last, whichever way.
function weight(cell) {
  for (const part of cell) {
    if (part[0] === "n" && part[2] !== null) return part[2];
    if (part[0] === "w") return part[1];
    if (part[0] === "s" && part[1] && part[1] !== "—") return part[1];
  }
  return null;
}

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return order.compare(String(a), String(b));
}

const thousands = (count) => count.toLocaleString("en-US");

class Table {
  constructor(model, el) {
    this.model = model;
    this.page = 0;
    this.sort = null;
    this.at = null; // key of the row that takes the focus
    this.root = make("div", { cls: "nbr-rows" });
    this.count = make("span", { cls: "nbr-count", role: "status" });
    this.search = make("input", { type: "search", spellcheck: "false", autocomplete: "off" });
    this.label = make("span", { text: "Search" });
    this.searching = make("label", {}, this.label, this.search);
    this.top = make("div", { cls: "nbr-top" }, this.searching, this.count);
    this.head = make("tr", { role: "row", "aria-rowindex": "1" });
    this.body = make("tbody", { role: "rowgroup" });
    const head = make("thead", { role: "rowgroup" }, this.head);
    // JupyterLab would take the arrow keys and Enter for itself.
    this.grid = make("table", { role: "grid", "data-lm-suppress-shortcuts": "true" }, head, this.body);
    this.none = make("div", { cls: "nbr-none" });
    this.back = make("button", { type: "button", text: "Previous" });
    this.next = make("button", { type: "button", text: "Next" });
    this.where = make("span");
    this.pages = make("div", { cls: "nbr-pages" }, this.back, this.next, this.where);
    this.root.append(this.top, make("div", { cls: "nbr-box" }, this.grid), this.none, this.pages);
    this.search.addEventListener("input", () => { this.page = 0; this.show(); });
    this.back.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.taken = () => this.take();
    this.marked = () => this.mark();
    model.on("change:table", this.taken);
    model.on("change:selected", this.marked);
    this.clock = setInterval(() => this.tick(), 30_000);
    this.take();
    el.append(this.root);
  }

  close() {
    clearInterval(this.clock);
    this.model.off("change:table", this.taken);
    this.model.off("change:selected", this.marked);
  }

  // -- what there is

  take() {
    const found = JSON.parse(this.model.get("table"));
    const names = JSON.stringify(found.columns);
    if (names !== this.names) this.sort = null;
    this.names = names;
    this.found = found;
    this.texts = new Array(found.rows.length);
    this.weights = new Map();
    this.grid.setAttribute("aria-label", found.label);
    this.grid.setAttribute("aria-multiselectable", String(found.multiple));
    this.grid.setAttribute("aria-colcount", found.columns.length);
    this.label.textContent = `Search ${found.label.toLowerCase()}`;
    this.searching.hidden = found.rows.length <= FEW;
    this.searching.style.display = this.searching.hidden ? "none" : "";
    if (this.searching.hidden) this.search.value = "";
    this.heads();
    this.show();
  }

  heads() {
    this.head.replaceChildren(...this.found.columns.map(([name, right], at) => {
      const sorted = this.sort && this.sort.at === at ? this.sort.down : null;
      const arrow = make("span", { cls: "nbr-arrow", "aria-hidden": "true", text: sorted === null ? "" : sorted ? "▼" : "▲" });
      const button = make("button", { type: "button" }, make("bdi", { text: name }), arrow);
      button.addEventListener("click", () => this.order(at));
      const told = sorted === null ? "none" : sorted ? "descending" : "ascending";
      return make("th", { scope: "col", role: "columnheader", "aria-sort": told, cls: right ? "nbr-right" : "" }, button);
    }));
  }

  matching() {
    const wanted = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    this.found.rows.forEach(([, cells], at) => {
      if (wanted.length) {
        const text = this.texts[at] ??= cells.flat().map(words).join(" ").toLowerCase();
        if (!wanted.every((word) => text.includes(word))) return;
      }
      found.push(at);
    });
    if (!this.sort) return found;
    const { at: column, down } = this.sort;
    if (!this.weights.has(column)) this.weights.set(column, this.found.rows.map(([, cells]) => weight(cells[column])));
    const weights = this.weights.get(column);
    return found.sort((a, b) => {
      const [one, two] = [weights[a], weights[b]];
      if (one === null || two === null) return (one === null) - (two === null) || a - b;
      return (down ? compare(two, one) : compare(one, two)) || a - b;
    });
  }

  // -- what is seen

  show() {
    const { rows, page: size, empty } = this.found;
    this.shown = this.matching();
    const total = this.shown.length;
    const last = Math.max(Math.ceil(total / size) - 1, 0);
    this.page = Math.min(this.page, last);
    const first = this.page * size;
    const keys = this.shown.slice(first, first + size);
    if (!keys.some((at) => rows[at][0] === this.at)) this.at = keys.length ? rows[keys[0]][0] : null;
    const held = this.body.contains(document.activeElement);
    this.body.replaceChildren(...keys.map((at, place) => this.row(rows[at], first + place + 2)));
    this.grid.setAttribute("aria-rowcount", total + 1);
    this.none.textContent = rows.length ? "Nothing matches this search." : empty;
    this.none.hidden = total > 0;
    this.count.textContent = total === rows.length ? `${thousands(total)} in all` : `${thousands(total)} of ${thousands(rows.length)}`;
    this.top.hidden = this.searching.hidden;
    this.pages.hidden = last === 0;
    this.back.disabled = this.page === 0;
    this.next.disabled = this.page === last;
    this.where.textContent = `${thousands(first + 1)} to ${thousands(first + keys.length)} of ${thousands(total)}`;
    this.mark();
    if (held) this.focus();
  }

  row([key, cells], index) {
    const { columns, multiple } = this.found;
    const found = make("tr", { role: "row", "aria-rowindex": index, tabindex: key === this.at ? "0" : "-1" });
    found.nbrKey = key;
    cells.forEach((cell, at) => {
      const [, right, wide] = columns[at];
      const place = make("td", { role: "gridcell", cls: right ? "nbr-right" : wide ? "nbr-wide" : "" });
      if (multiple && at === 0) place.append(make("span", { cls: "nbr-tickbox", "aria-hidden": "true" }));
      const parts = cell.map(drawn);
      if (parts.length === 1) place.append(parts[0]);
      else if (parts.length) place.append(make("span", { cls: "nbr-parts" }, ...parts));
      found.append(place);
    });
    return found;
  }

  mark() {
    const chosen = new Set(this.model.get("selected"));
    for (const row of this.body.children) row.setAttribute("aria-selected", String(chosen.has(row.nbrKey)));
  }

  tick() {
    for (const time of this.body.querySelectorAll("time")) time.textContent = ago(Date.parse(time.dateTime), Date.now());
  }

  // -- what is done

  order(at) {
    const falls = this.found.columns[at][1] || this.found.rows.some(([, cells]) => cells[at].some((p) => p[0] === "w"));
    // What is looked for in numbers and times is the highest and the newest.
    if (!this.sort || this.sort.at !== at) this.sort = { at, down: falls };
    else this.sort = this.sort.down === falls ? { at, down: !falls } : null;
    this.page = 0;
    this.heads();
    this.show();
    this.head.children[at].firstChild.focus();
  }

  turn(by) {
    this.page = Math.max(this.page + by, 0);
    this.show();
  }

  focus() {
    for (const row of this.body.children) {
      row.tabIndex = row.nbrKey === this.at ? 0 : -1;
      if (row.tabIndex === 0) row.focus();
    }
  }

  clicked(event) {
    const row = event.target.closest("tr");
    if (!row || String(document.getSelection())) return; // who marks text to copy it means no row
    this.at = row.nbrKey;
    this.focus();
    this.choose(row.nbrKey);
  }

  choose(key) {
    const chosen = this.model.get("selected");
    const kept = chosen.filter((other) => other !== key);
    this.model.set("selected", !this.found.multiple ? [key] : kept.length < chosen.length ? kept : [...chosen, key]);
    this.model.save_changes();
    this.mark();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.nbrKey) return;
    const size = this.found.page;
    const place = this.shown.findIndex((at) => this.found.rows[at][0] === event.target.nbrKey);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: size, PageUp: -size, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const goal = Math.min(Math.max(place + steps[event.key], 0), this.shown.length - 1);
      this.at = this.found.rows[this.shown[goal]][0];
      const page = Math.floor(goal / size);
      if (page !== this.page) { this.page = page; this.show(); }
      this.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(event.target.nbrKey);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default {
  render({ model, el }) {
    const table = new Table(model, el);
    return () => table.close();
  },
};
