"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const SETS = ["verdict", "base", "question", "only"];
  const byId = (id) => document.getElementById(id);
  const table = document.querySelector("table.matrix");
  const scroller = document.querySelector(".scroller.grid");
  const dialog = byId("cell");
  const keys = byId("keys");

  // Elements are made here alone, and text goes in as text: what a container said is never read as HTML.

  function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  function draw(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /** A sentence of ours; what stands in backquotes is code. */
  function prose(words) {
    const parts = words.split("`");
    return parts.length % 2 ? parts.map((part, n) => (n % 2 ? make("code", {}, part) : part)) : [words];
  }

  // The matrix as it is on the page.

  const columns = [...table.tHead.rows[1].cells].map((th) => ({
    th, base: th.dataset.base, question: th.dataset.question, engine: th.dataset.engine, shown: true, first: false,
  }));
  const groups = [...table.tHead.rows[0].cells].slice(1).map((th) => ({
    th, columns: columns.filter((column) => column.base === th.dataset.base),
  }));
  const rows = [...table.tBodies[0].rows].map((tr) => ({
    tr,
    name: tr.cells[0].querySelector("b").textContent,
    text: tr.cells[0].textContent.toLowerCase(),
    places: [...tr.cells].slice(1).map((td) => ({ td, buttons: [...td.children] })),
  }));
  const places = new Map();
  rows.forEach((row, y) => row.places.forEach((place, x) => {
    for (const button of place.buttons) places.set(button, { x, y });
  }));
  const all = [...places.keys()];
  const toggles = [...document.querySelectorAll("[data-set]")];

  // Filters: what is chosen is in `state`, and in the page's address.

  const state = { text: "", verdict: new Set(), base: new Set(), question: new Set(), only: new Set() };
  const chosen = (set, value) => set.size === 0 || set.has(value);

  function wanted(button) {
    return chosen(state.verdict, button.dataset.verdict)
      && (!state.only.has("unexpected") || button.classList.contains("unexpected"))
      && (!state.only.has("changed") || button.classList.contains("changed"));
  }

  function showColumns() {
    for (const column of columns) {
      column.shown = chosen(state.base, column.base) && chosen(state.question, column.question);
      column.th.hidden = !column.shown;
    }
    for (const group of groups) {
      const shown = group.columns.filter((column) => column.shown);
      group.th.hidden = shown.length === 0;
      group.th.colSpan = shown.length || 1;
      group.columns.forEach((column) => {
        column.first = column === shown[0];
        column.th.classList.toggle("first", column.first);
      });
    }
  }

  function showRow(row) {
    const named = row.text.includes(state.text.toLowerCase());
    let count = 0;
    row.places.forEach(({ td, buttons }, x) => {
      td.hidden = !columns[x].shown;
      td.classList.toggle("first", columns[x].first);
      for (const button of buttons) {
        const shown = named && columns[x].shown && wanted(button);
        button.hidden = !shown;
        count += shown;
      }
    });
    row.tr.hidden = count === 0;
    return count;
  }

  function filter() {
    showColumns();
    const count = rows.reduce((sum, row) => sum + showRow(row), 0);
    byId("count").textContent = `${count} of ${all.length} ${all.length === 1 ? "cell" : "cells"}`;
    byId("nothing").hidden = count > 0 || all.length === 0;
    scroller.hidden = count === 0;
    byId("reset").disabled = state.text === "" && SETS.every((name) => state[name].size === 0);
    toggles.forEach((toggle) => toggle.setAttribute("aria-pressed", state[toggle.dataset.set].has(toggle.dataset.value)));
    if (byId("text").value !== state.text) byId("text").value = state.text;
    rest(current.hidden ? all.find((button) => !button.hidden) : current);
    fit();
  }

  function changed() {
    filter();
    remember();
  }

  function reset() {
    state.text = "";
    SETS.forEach((name) => state[name].clear());
    changed();
    byId("text").focus();
  }

  /** A table that has room scrolls with the page, its head in sight; one that has none scrolls by itself. */
  function fit() {
    scroller.classList.toggle("fits", table.offsetWidth <= scroller.clientWidth);
  }

  // The page's address: #cell=BASE/VARIANT/QUESTION&q=TEXT&verdict=…&base=…&question=…&only=…

  function remember() {
    const hash = new URLSearchParams();
    if (dialog.open) hash.set("cell", shown.id.slice("cell=".length));
    if (state.text) hash.set("q", state.text);
    SETS.forEach((name) => state[name].forEach((value) => hash.append(name, value)));
    const text = hash.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
    try {
      history.replaceState(null, "", `#${text}`);
    } catch {
      // Some browsers allow so many a minute; the page is as good without.
    }
  }

  function recall() {
    const hash = new URLSearchParams(location.hash.slice(1));
    state.text = hash.get("q") || "";
    for (const name of SETS) {
      const known = toggles.filter(({ dataset }) => dataset.set === name).map(({ dataset }) => dataset.value);
      state[name] = new Set(hash.getAll(name).filter((value) => known.includes(value)));
    }
    filter();
    const cell = hash.has("cell") ? byId(`cell=${hash.get("cell")}`) : null;
    if (cell) open(cell, null);
    else if (dialog.open) dialog.close();
    else if (SETS.some((name) => state[name].size)) byId("matrix").scrollIntoView();
  }

  // Moving in the matrix: one cell of it is in the tab order, arrow keys choose which.

  let current = all[0] || document.createElement("button");

  function rest(button) {
    if (!button) return;
    current.tabIndex = -1;
    button.tabIndex = 0;
    current = button;
  }

  function at(x, y) {
    return rows[y].places[x].buttons.find((button) => !button.hidden);
  }

  function step(button, dx, dy) {
    let { x, y } = places.get(button);
    for (x += dx, y += dy; x >= 0 && x < columns.length && y >= 0 && y < rows.length; x += dx, y += dy) {
      const next = at(x, y);
      if (next) return next;
    }
    return button;
  }

  function inRow(button) {
    return rows[places.get(button).y].places.flatMap((place) => place.buttons).filter((other) => !other.hidden);
  }

  const visible = () => all.filter((button) => !button.hidden);

  function target(event, button) {
    const within = event.ctrlKey ? visible : inRow;
    switch (event.key) {
      case "ArrowLeft": return step(button, -1, 0);
      case "ArrowRight": return step(button, 1, 0);
      case "ArrowUp": return step(button, 0, -1);
      case "ArrowDown": return step(button, 0, 1);
      case "Home": return within(button)[0];
      case "End": return within(button).at(-1);
      default: return null;
    }
  }

  function move(event) {
    const button = event.target.closest("[data-cell]");
    const next = button && !event.altKey && !event.metaKey ? target(event, button) : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // The dialog of a cell.

  let data = null;
  let shown = null;
  let opener = null;
  const read = () => (data ??= JSON.parse(byId("data").textContent));
  const text = (number) => read().texts[number];

  function open(button, from) {
    shown = button;
    if (!button.hidden) rest(button);
    show(button);
    if (!dialog.open) {
      opener = from;
      dialog.showModal();
      byId("cell-title").focus();
    }
    byId("story").scrollTop = 0;
    remember();
    drawPath(button);
  }

  function closed() {
    if (opener) opener.focus();
    else if (shown && !shown.hidden) shown.focus();
    shown = null;
    byId("story").replaceChildren();
    remember();
  }

  function turn(by) {
    const order = visible();
    const next = order[order.indexOf(shown) + by];
    if (next) open(next, null);
  }

  function show(button) {
    const { x, y } = places.get(button);
    const cell = read().cells[button.dataset.cell];
    const order = visible();
    const place = order.indexOf(button);
    byId("cell-title").replaceChildren(badge(button.dataset.verdict), ` ${rows[y].name}`);
    byId("cell-where").textContent = [columns[x].base, columns[x].engine, columns[x].question].filter(Boolean).join(", ");
    byId("cell-at").textContent = place < 0 ? "" : `${place + 1} of ${order.length}`;
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place + 1 >= order.length;
    byId("said").textContent = "";
    byId("story").replaceChildren(...story(cell, read().starts[y]));
  }

  function story(cell, starts) {
    return [
      make("p", { class: "reason" }, ...prose(text(cell.reason))),
      ...(cell.notes || []).map(([kind, note]) => make("p", { class: `note ${text(kind)}` }, ...prose(text(note)))),
      ...(cell.apps || []).map((app) => make("p", { class: "chosen" }, make("b", {}, "App"), ` ${text(app)}`)),
      pairs("cell-facts", cell.facts),
      path(cell),
      section("The roll call", cell.calls && rollCall(cell)),
      section(cell.good ? "To change" : "How to fix it", fix(cell)),
      section("What is started", (starts.length || cell.starts) && pairs("code", [...starts, ...(cell.starts || [])])),
      section("Processes", cell.after !== undefined && processes(cell)),
      section("What was found", cell.finding !== undefined && make("p", { class: "lines" }, text(cell.finding))),
      section("What others say", cell.others && list(cell.others)),
      section(`${(cell.runs || []).length} runs, of which one is shown here`, cell.runs && runs(cell.runs)),
      section("Engine events", cell.events && pairs("events", cell.events)),
      section("The log", cell.log && pre("The log", cell.log)),
      section("To reproduce it by hand", cell.hand && byHand(cell.hand)),
    ].filter((part) => part !== null);
  }

  function section(title, body) {
    return body ? make("section", {}, make("h3", {}, title), body) : null;
  }

  function pairs(kind, entries) {
    return make("dl", { class: kind }, ...entries.map(([name, value]) =>
      make("div", {}, make("dt", {}, text(name)), make("dd", {}, text(value)))));
  }

  function list(lines) {
    return make("ul", {}, ...lines.map((line) => make("li", {}, text(line))));
  }

  function pre(label, lines) {
    return make("pre", { tabindex: "0", role: "region", "aria-label": label }, lines.map(text).join("\n"));
  }

  /** What was tried, and what it brought; then what to change, in words. */
  function fix(cell) {
    const parts = [cell.tried && tried(cell.tried), cell.advice !== undefined && advice(text(cell.advice))];
    return parts.some(Boolean) && make("div", {}, ...parts.filter(Boolean));
  }

  /** Lines that are indented are to be taken over as they are. */
  function advice(words) {
    return make("div", { class: "advice" }, ...words.split("\n").map((line) => (
      line.startsWith("  ") ? make("code", { class: "line" }, line.trim()) : make("p", {}, ...prose(line)))));
  }

  function byHand(commands) {
    return make("div", { class: "hand" }, make("button", { type: "button", "data-copy": "" }, "Copy"),
      pre("Commands", commands));
  }

  function runs(entries) {
    return make("ol", { class: "runs" }, ...entries.map(([verdict, reason, more]) =>
      make("li", {}, badge(verdict), " ", ...prose(text(reason)), " ", make("small", {}, text(more)))));
  }

  function tried(entries) {
    return make("ul", { class: "tried", "aria-label": "Tried" }, ...entries.map(([verdict, change, brought, patch]) =>
      make("li", {}, "tried ", make("code", {}, text(change)), ": ", badge(verdict), " ", ...prose(text(brought)),
        patch.length ? diff(patch) : null)));
  }

  /** A patch that was built and run: lines that come and lines that go look different, and begin with their signs. */
  function diff(lines) {
    return make("pre", { class: "patch", tabindex: "0", role: "region", "aria-label": "The patch, built and run" },
      ...lines.map(([sort, line]) => make("span", { class: text(sort) }, text(line))));
  }

  function badge(verdict) {
    const [symbol, tone] = read().looks[verdict];
    return make("span", { class: `look ${tone}` }, make("span", { "aria-hidden": "true" }, symbol), ` ${verdict}`);
  }

  /** A table of processes: its head, and rows; what is below it. */
  function tree(name, kind, titles, body, ...below) {
    const head = titles.map((title) => make("th", { scope: "col" }, title));
    const table = make("table", { class: kind }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
    return make("div", {},
      body.length ? make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": name }, table)
        : make("p", {}, "None could be seen."),
      ...below);
  }

  function command(depth, ...words) {
    return make("td", { class: "command" }, ...Array.from({ length: depth }, () => make("span", { class: "deep" })), ...words);
  }

  function rollCall(cell) {
    const body = cell.calls.map(([pid, depth, app, ...words]) => {
      const [args, ...said] = words.map(text);
      return make("tr", {}, make("td", { class: "number" }, String(pid)),
        command(depth, args, ...(app ? [" ", make("b", { class: "app" }, "app")] : [])),
        ...said.map((word) => make("td", {}, word)));
    });
    return tree("The roll call", "calls", ["PID", "process", "told", "what it did", "how it ended"], body,
      cell.inferred === undefined ? null : make("p", {}, text(cell.inferred)));
  }

  function processes(cell) {
    const body = (cell.processes || []).map(([pid, depth, ...words]) => {
      const [args, before, after, catches] = words.map(text);
      return make("tr", { class: after === "gone" ? "gone" : "" },
        make("td", { class: "number" }, String(pid)), command(depth, args),
        ...[before, after, catches].map((word) => make("td", {}, word)));
    });
    const after = text(cell.after);
    return tree("Processes", "processes", ["PID", "command", "before", "after", "catches"], body, after ? make("p", {}, after) : null);
  }

  // The path of the signal: a drawing, and the same in words.

  const party = (cell, number) => {
    const [pid, name] = cell.parties[number];
    return pid === null ? text(name) : `${pid} ${text(name)}`;
  };

  function path(cell) {
    if (cell.unseen) {
      return section("The path of the signal",
        make("p", {}, "There is no kernel’s record of it here; the processes and the log are what there is."));
    }
    if (!cell.path) return null;
    const words = make("ol", { class: "steps" }, ...cell.path.map(([, moment, said]) => make("li", {},
      make("span", { class: "number" }, text(moment)), ` ${text(said)}`)));
    return section("The path of the signal", make("div", {},
      make("div", { class: "scroller drawing", tabindex: "0", role: "region", "aria-label": "Drawing of the signal’s path" }),
      make("details", matchMedia("(max-width: 48rem)").matches ? { open: "" } : {},
        make("summary", {}, "The same in words"), words)));
  }

  function drawPath(button) {
    const cell = read().cells[button.dataset.cell];
    const room = byId("story").querySelector(".drawing");
    if (room && cell.path) room.replaceChildren(drawing(cell, room.clientWidth));
  }

  const GUTTER = 88;
  const MARGIN = 132;
  const HEAD = 58;
  const ROW = 34;
  const LOOP = 26;
  const LETTER = 7;

  /** Where all is: a lifeline per party, a line per step, and room where much time passes. */
  function layout(cell, room) {
    const gaps = cell.parties.length - 1;
    const left = GUTTER + 62;
    const width = gaps > 0 ? Math.min(230, Math.max(132, (room - left - MARGIN) / gaps)) : 0;
    let y = HEAD + 22;
    const lines = cell.path.map(([pause, moment, , label, fate, kind, who, to, outcome]) => {
      y += pause === null ? 0 : ROW;
      const line = { y, pause, moment, label, fate, kind, who, to, outcome };
      y += ROW;
      return line;
    });
    const beside = lines.filter((line) => line.who === gaps && (line.to === null || line.to === gaps)).map((line) =>
      LOOP + 16 + LETTER * Math.max(...[line.label, line.fate].map((said) => (said === null ? 0 : text(said).length))));
    return {
      lines,
      x: (number) => left + number * width,
      box: Math.min(200, (width || 130) - 10),
      width: left + gaps * width + Math.max(MARGIN, ...beside),
      height: y,
    };
  }

  function drawing(cell, room) {
    const plan = layout(cell, room);
    const svg = draw("svg", {
      role: "img", "aria-label": `The signal’s path: ${cell.path.length} steps, in words below`,
      width: plan.width, height: plan.height, viewBox: `0 0 ${plan.width} ${plan.height}`,
    });
    svg.append(...cell.parties.map((_, number) => lifeline(cell, plan, number)));
    plan.lines.filter((line) => line.pause !== null).forEach((line) => svg.append(pause(plan, line)));
    plan.lines.forEach((line) => svg.append(...drawStep(plan, line)));
    return svg;
  }

  function lifeline(cell, plan, number) {
    const end = plan.lines.find((line) => line.kind === "end" && line.who === number);
    const x = plan.x(number);
    const [pid, name] = cell.parties[number];
    const lines = wrap(pid === null ? text(name) : `${pid}  ${text(name)}`, Math.floor((plan.box - 12) / 6.7));
    return draw("g", { class: pid === null ? "party outside" : "party" },
      draw("title", {}, party(cell, number)),
      draw("line", { class: "life", x1: x, x2: x, y1: HEAD - 8, y2: end ? end.y : plan.height - 6 }),
      draw("rect", { x: x - plan.box / 2, y: 6, width: plan.box, height: HEAD - 14, rx: 5 }),
      ...lines.map((line, n) => label(x, 6 + (HEAD - 14) / 2 + 4.5 + (n - (lines.length - 1) / 2) * 15, line, "name")));
  }

  /** A name on two lines at most; what is left over becomes an ellipsis. */
  function wrap(name, most) {
    if (name.length <= most) return [name];
    const space = name.lastIndexOf(" ", most);
    const cut = space > 2 ? space : most;
    const rest = name.slice(cut).trim();
    return [name.slice(0, cut).trim(), rest.length <= most ? rest : `${rest.slice(0, most - 1)}…`];
  }

  function pause(plan, { y, pause: said }) {
    const at = y - ROW;
    return draw("g", { class: "pause" },
      draw("rect", { x: GUTTER - 6, y: at - 11, width: plan.width - GUTTER, height: 20 }),
      label(GUTTER + 6, at + 3, text(said), "aside start"));
  }

  function drawStep(plan, line) {
    const time = label(GUTTER - 14, line.y + 4, text(line.moment), "time end");
    if (line.kind === "send") return [time, send(plan, line)];
    const mark = line.kind === "end" ? death : taking;
    return [time, mark(plan.x(line.who), line)];
  }

  function send(plan, { y, label: said, fate, who: from, to, outcome }) {
    const kind = `send ${outcome}`;
    const [x1, x2] = [plan.x(from), plan.x(to)];
    const words = (x, above, below, anchor) => [
      label(x, y + above, text(said), anchor),
      fate === null ? null : label(x, y + below, text(fate), anchor),
    ];
    if (from === to) {
      return draw("g", { class: kind },
        draw("path", { class: "arrow", d: `M${x1},${y - 8} h${LOOP} v14 h${7 - LOOP}` }), head(x1 + 1, y + 6, -1, outcome),
        ...words(x1 + LOOP + 8, fate === null ? 3 : -4, 10, "start"));
    }
    const way = Math.sign(x2 - x1);
    const tip = x2 - way * (arrives(outcome) ? 1 : 7);
    return draw("g", { class: kind },
      draw("line", { class: "arrow", x1, x2: tip - way * 7, y1: y, y2: y }), head(tip, y, way, outcome),
      draw("circle", { class: "source", cx: x1, cy: y, r: 3 }),
      ...words((x2 + plan.x(to - way)) / 2, -6, 14, "middle"));
  }

  const arrives = (outcome) => outcome === "delivered" || outcome === "merged";

  /** An arrow's head: full if the signal arrived, open if it adds nothing, with a bar if it does not pass. */
  function head(x, y, way, outcome) {
    const d = `M${x - way * 9},${y - 5} L${x},${y} L${x - way * 9},${y + 5}`;
    if (outcome === "delivered") return draw("path", { class: "head", d: `${d} Z` });
    const bar = arrives(outcome) ? "" : ` M${x + way * 3},${y - 7} v14`;
    return draw("path", { class: "arrow open", d: d + bar });
  }

  function death(x, { y, label: said }) {
    return draw("g", { class: "death" },
      draw("path", { d: `M${x - 6},${y - 6} l12,12 m0,-12 l-12,12` }), label(x + 13, y + 4, text(said), "start"));
  }

  function taking(x, { y, kind, label: said }) {
    const handler = kind === "handler";
    return draw("g", { class: handler ? "taking" : "taking default" },
      handler ? draw("rect", { x: x - 5, y: y - 10, width: 10, height: 20, rx: 2 })
        : draw("path", { d: `M${x},${y - 8} l8,8 -8,8 -8,-8 Z` }),
      label(x + 13, y + 4, text(said), "start"));
  }

  function label(x, y, words, kind) {
    return draw("text", { x, y, class: kind }, words);
  }

  // Copying: a page from disk may not have the clipboard's own interface.

  async function copy(button) {
    const commands = button.parentElement.querySelector("pre");
    const done = await byClipboard(commands.textContent) || bySelection(commands);
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    byId("said").textContent = button.textContent;
  }

  async function byClipboard(words) {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      return false;
    }
  }

  function bySelection(element) {
    getSelection().selectAllChildren(element);
    const done = document.execCommand("copy");
    if (done) getSelection().removeAllRanges();
    return done;
  }

  // What a reader does. No cell has a listener of its own.

  function click(event) {
    const hit = (selector) => event.target.closest(selector);
    const toggle = hit("[data-set]");
    if (toggle) {
      const set = state[toggle.dataset.set];
      if (!set.delete(toggle.dataset.value)) set.add(toggle.dataset.value);
      changed();
    } else if (hit("[data-cell]")) open(hit("[data-cell]"), null);
    else if (hit("[data-opens]")) follow(event, hit("[data-opens]"));
    else if (hit("#reset, [data-reset]")) reset();
    else if (hit("#help")) keys.showModal();
    else if (hit("#previous")) turn(-1);
    else if (hit("#next")) turn(1);
    else if (hit("[data-copy]")) copy(hit("[data-copy]"));
    else if (hit("#close, [data-close]") || event.target === dialog || event.target === keys) hit("dialog").close();
  }

  function follow(event, link) {
    const cell = byId(decodeURIComponent(link.hash.slice(1)));
    if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(cell, link);
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    if (dialog.open) {
      if (event.key === "n") turn(1);
      if (event.key === "p") turn(-1);
    } else if (event.key === "?" && !keys.open) keys.showModal();
    else if (event.key === "/" && !keys.open) {
      event.preventDefault();
      byId("text").focus();
    }
  }

  function leaveText(event) {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    current.focus();
  }

  /** The words for a pointer where there is no room for them; made when they are asked for. */
  function hint(event) {
    const place = event.target.closest("[data-cell], th[scope=row]");
    if (place && !place.title) place.title = place.getAttribute("aria-label") || place.textContent;
  }

  document.addEventListener("click", click);
  document.addEventListener("keydown", press);
  table.addEventListener("keydown", move);
  table.addEventListener("focusin", (event) => rest(event.target.closest("[data-cell]")));
  table.addEventListener("pointerover", hint);
  dialog.addEventListener("close", closed);
  byId("text").addEventListener("input", (event) => {
    state.text = event.target.value;
    changed();
  });
  byId("text").addEventListener("keydown", leaveText);
  window.addEventListener("hashchange", recall);
  window.addEventListener("resize", () => {
    fit();
    if (shown) drawPath(shown);
  });
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details.changes")) part.open = true;
  });
  document.querySelector(".filters").hidden = false;
  recall();
})();
