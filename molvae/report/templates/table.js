// The table of the candidates of one objective, with its plots.

// Fewer on a phone, where each row is a card.
const ROWS_AT_ONCE = matchMedia("(max-width: 640px)").matches ? 10 : 50;

class Candidates {
  constructor(element) {
    this.element = element;
    this.data = JSON.parse(element.querySelector("script.data").textContent);
    this.field = Object.fromEntries(this.data.fields.map((name, place) => [name, place]));
    this.key = `molvae:${document.title}:${this.data.name}`;
    this.ids = this.data.rows.map((row) => row[this.field.id]);
    const stored = new Set(JSON.parse(recall(this.key) ?? "[]"));
    this.ticked = new Set([...this.ids.keys()].filter((index) => stored.has(this.ids[index])));
    this.elements = new Map();
    this.limit = ROWS_AT_ONCE;
    this.sorted = { key: this.data.sorted, direction: this.data.sorted === "rank" ? 1 : -1 };
    this.table = element.querySelector("table");
    this.body = this.table.tBodies[0];
    this.status = element.querySelector(".status");
    this.filters = new Filters(element, this.data, () => this.restart());
    this.addHeadings();
    this.addControls();
    this.addPlots();
    this.update();
  }

  value(index, key) {
    return this.data.rows[index][this.field[key]] ?? null;
  }

  addHeadings() {
    const row = this.table.tHead.rows[0];
    row.replaceChildren(headingCell({ title: "Tick", note: "", kind: "tick", shown: true }));
    for (const column of this.data.columns) {
      const cell = headingCell(column);
      cell.dataset.key = column.key;
      cell.querySelector("button")?.addEventListener("click", () => this.sortBy(column.key));
      row.append(cell);
    }
    this.chooser = this.element.querySelector(".sort");
    for (const { key, title, kind } of this.data.columns) {
      if (kind !== "molecule") this.chooser.append(new Option(title, key));
    }
    this.chooser.value = this.sorted.key;
    this.chooser.addEventListener("change", () => this.sortBy(this.chooser.value));
  }

  addControls() {
    const find = (selector) => this.element.querySelector(selector);
    find(".controls").hidden = false;
    find(".everything").addEventListener("change", (event) => {
      this.table.classList.toggle("with-all", event.target.checked);
    });
    find(".tick-shown").addEventListener("click", () => this.tick(this.shown, true));
    find(".untick").addEventListener("click", () => this.tick([...this.ticked], false));
    find(".more button").addEventListener("click", () => {
      const first = this.limit;
      this.limit += ROWS_AT_ONCE;
      this.update();
      // After the last rows the button is gone, and the focus with it.
      this.row(this.shown[first]).focus({ preventScroll: true });
    });
    // On a phone the headings are hidden.
    find(".reverse").addEventListener("click", () => this.sortBy(this.sorted.key));
    for (const button of this.element.querySelectorAll("[data-format]")) {
      button.addEventListener("click", () => this.export(button.dataset.format));
    }
    find(".scope").value = this.ticked.size ? "ticked" : "shown";
  }

  restart() {
    this.limit = ROWS_AT_ONCE;
    this.update();
  }

  sortBy(key) {
    const first = this.data.columns.find((column) => column.key === key);
    const isSame = this.sorted.key === key;
    const best = ["score", "targets_met"].includes(key) || first.desirability ? -1 : 1;
    this.sorted = { key, direction: isSame ? -this.sorted.direction : best };
    this.chooser.value = key;
    this.update();
  }

  /** Values that look the same are ties, which the number of targets met decides, and then the rank. */
  compare(a, b) {
    const { key, direction } = this.sorted;
    const column = this.data.columns.find((one) => one.key === key);
    const [x, y] = [a, b].map((index) => {
      const value = this.value(index, key);
      return column.kind === "number" && value !== null ? Number(value.toFixed(column.decimals)) : value;
    });
    if (x === null || y === null) {
      if (x !== y) return (x === null) - (y === null);
    } else if (x !== y) return direction * (x < y ? -1 : 1);
    return this.value(b, "targets_met") - this.value(a, "targets_met") || a - b;
  }

  /** Show what passes the filters, in order, as many rows as are wanted. */
  update() {
    const passing = [...this.ids.keys()].filter((index) => this.filters.passes(index, this.ticked.has(index)));
    this.shown = passing.sort((a, b) => this.compare(a, b));
    const visible = this.shown.slice(0, this.limit);
    this.keepFocus(() => this.body.replaceChildren(...visible.map((index) => this.row(index))));
    const more = this.element.querySelector(".more");
    more.hidden = this.shown.length <= this.limit;
    for (const cell of this.table.tHead.rows[0].cells) {
      if (cell.dataset.key !== this.sorted.key) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", this.sorted.direction === 1 ? "ascending" : "descending");
    }
    this.report();
    this.updatePlots();
  }

  /** Change the rows, and leave the focus on its row, or on the one that takes its place. */
  keepFocus(change) {
    const focused = document.activeElement;
    const place = [...this.body.rows].findIndex((row) => row.contains(focused));
    const before = this.body.rows[place];
    change();
    if (!before) return;
    const row = before.isConnected ? before : this.body.rows[Math.min(place, this.body.rows.length - 1)];
    const target = focused === before ? row : row?.querySelector("input");
    target?.focus({ preventScroll: true });
  }

  report() {
    const total = `${this.ids.length} candidate${this.ids.length === 1 ? "" : "s"}`;
    const shown = this.shown.length === this.ids.length ? total : `${this.shown.length} of ${total}`;
    this.status.textContent = `${shown}, ${this.ticked.size} ticked`;
  }

  row(index) {
    if (!this.elements.has(index)) this.elements.set(index, this.makeRow(index));
    return this.elements.get(index);
  }

  makeRow(index) {
    const row = document.createElement("tr");
    row.tabIndex = -1;
    row.dataset.id = this.ids[index];
    row.append(this.tickCell(index), ...this.data.columns.map((column) => this.cell(index, column)));
    row.classList.toggle("suggested", Boolean(this.value(index, "suggested")));
    for (const [name, marked] of [["pointerenter", [index]], ["focusin", [index]], ["pointerleave", []], ["focusout", []]]) {
      row.addEventListener(name, () => this.mark(marked));
    }
    return row;
  }

  tickCell(index) {
    const cell = document.createElement("td");
    cell.className = "of-tick";
    const input = document.createElement("input");
    input.type = "checkbox";
    input.checked = this.ticked.has(index);
    input.setAttribute("aria-label", `Tick ${this.ids[index]}`);
    input.addEventListener("change", () => this.tick([index], input.checked));
    cell.append(input);
    return cell;
  }

  cell(index, column) {
    const cell = document.createElement(column.key === "id" ? "th" : "td");
    if (column.key === "id") cell.scope = "row";
    cell.className = `of-${column.kind}${column.shown ? "" : " secondary"}${column.key === "score" ? " main" : ""}`;
    cell.dataset.title = column.title;
    cell.dataset.key = column.key;
    const value = this.value(index, column.key);
    if (column.kind === "molecule") {
      const sketch = (column.key === "smiles" ? this.data.sketches : this.data.nearest)[index];
      const code = document.createElement("code");
      code.textContent = value;
      cell.append(...(sketch ? [drawSketch(sketch, value)] : []), code);
    } else cell.textContent = cellText(value, column);
    const desirability = column.desirability ? this.value(index, column.desirability) : null;
    if (desirability !== null) cell.append(bar(desirability));
    return cell;
  }

  tick(indices, isTicked) {
    for (const index of indices) {
      if (isTicked) this.ticked.add(index);
      else this.ticked.delete(index);
      const input = this.elements.get(index)?.querySelector("input");
      if (input) input.checked = isTicked;
    }
    remember(this.key, JSON.stringify([...this.ticked].map((index) => this.ids[index])));
    if (this.filters.onlyTicked.checked) this.update();
    else this.report();
  }

  export(format) {
    const scope = this.element.querySelector(".scope").value;
    const chosen = {
      ticked: () => this.shownOrder([...this.ticked]),
      shown: () => this.shown,
      all: () => [...this.ids.keys()],
    }[scope]();
    if (!chosen.length) {
      this.status.textContent = "Nothing is ticked: tick rows, or save those shown or all.";
      return;
    }
    const rows = chosen.map((index) => ({
      id: this.ids[index],
      smiles: this.value(index, "smiles"),
      sketch: this.data.sketches[index],
      values: this.data.rows[index],
    }));
    const name = `candidates_${this.data.name}${scope === "all" ? "" : `_${scope}`}.${format}`;
    const fields = this.data.fields;
    if (format === "csv") save(asCsv(fields, rows), name, "text/csv");
    else if (format === "sdf") save(asSdf(fields, rows), name, "chemical/x-mdl-sdfile");
    else save(asSmiles(rows), name, "chemical/x-daylight-smiles");
    this.status.textContent = `${rows.length} saved as ${name}`;
  }

  shownOrder(indices) {
    return indices.sort((a, b) => this.compare(a, b));
  }

  addPlots() {
    if (!this.ids.length) return;
    this.element.querySelector(".plots").hidden = false;
    const numbers = this.data.columns.filter(({ kind }) => kind === "number");
    this.axes = {};
    const defaults = { x: "nearest_train_similarity", y: "score", colour: "targets_met" };
    for (const [name, chosen] of Object.entries(defaults)) {
      this.axes[name] = this.element.querySelector(`.scatter .${name}`);
      for (const { key, title } of numbers) this.axes[name].append(new Option(title, key));
      this.axes[name].value = chosen;
      this.axes[name].addEventListener("change", () => this.updatePlots());
    }
    this.plot = new Plot(this.element.querySelector(".plot"), {
      describe: (index) => this.describe(index),
      molecule: (index) => ({ sketch: this.data.sketches[index], smiles: this.value(index, "smiles") }),
      onChoose: (index) => this.goTo(index),
    });
    const terms = this.data.columns.filter(({ desirability }) => desirability);
    const lines = this.element.querySelector(".parallel");
    lines.hidden = terms.length < 2;
    if (lines.hidden) return;
    const rows = [...this.ids.keys()].map((index) => ({
      values: terms.map(({ desirability }) => this.value(index, desirability)),
      isBold: Boolean(this.value(index, "suggested")),
    }));
    this.parallel = new Parallel(lines.querySelector(".lines"), terms.map(({ title }) => title), rows, {
      onChoose: (index) => this.goTo(index),
      onPoint: (index) => this.mark(index === null ? [] : [index]),
    });
  }

  updatePlots() {
    if (!this.plot) return;
    const shown = new Set(this.shown);
    const keys = Object.fromEntries(Object.entries(this.axes).map(([name, select]) => [name, select.value]));
    const column = (key) => this.data.columns.find((one) => one.key === key);
    const values = this.ids.map((_, index) => this.value(index, keys.colour));
    const [low, high] = extent(values);
    const points = this.ids.map((_, index) => ({
      x: this.value(index, keys.x),
      y: this.value(index, keys.y),
      colour: values[index] === null ? null : (values[index] - low) / (high - low || 1),
      shape: 0,
      isShown: shown.has(index),
      isBold: Boolean(this.value(index, "suggested")),
    }));
    const title = (key) => [column(key).title, column(key).note.length < 25 ? column(key).note : ""].filter(Boolean).join(", ");
    this.plot.show(points, { x: title(keys.x), y: title(keys.y) });
    showScale(this.element.querySelector(".scale"), values, column(keys.colour).decimals);
    this.parallel?.show((index) => shown.has(index));
  }

  describe(index) {
    const shown = new Set(["id", "rank", "score", "targets_met", this.axes.x.value, this.axes.y.value]);
    return this.data.columns
      .filter(({ key }) => shown.has(key))
      .map((column) => `${column.title} ${cellText(this.value(index, column.key), column)}`);
  }

  mark(indices) {
    this.plot?.mark(indices);
    this.parallel?.mark(indices);
  }

  /** Go to the row of a candidate, which may be hidden by the filters or further down. */
  goTo(index) {
    if (!this.shown.includes(index)) this.filters.reset();
    const place = this.shown.indexOf(index);
    if (place >= this.limit) {
      this.limit = Math.ceil((place + 1) / ROWS_AT_ONCE) * ROWS_AT_ONCE;
      this.update();
    }
    for (const other of this.body.querySelectorAll(".linked")) other.classList.remove("linked");
    const row = this.row(index);
    row.classList.add("linked");
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    this.mark([index]);
  }
}

function headingCell({ title, note, kind, shown }) {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.className = `of-${kind}${shown ? "" : " secondary"}`;
  const name = document.createElement(kind === "number" || kind === "text" ? "button" : "span");
  if (name instanceof HTMLButtonElement) name.type = "button";
  name.textContent = title;
  cell.append(name);
  if (note) {
    const small = document.createElement("span");
    small.className = "wanted";
    small.textContent = note;
    cell.append(small);
  }
  return cell;
}

function cellText(value, { key, kind, decimals }) {
  if (key === "passes_filters") return value === null ? "–" : value ? "pass" : "fail";
  if (key === "alerts") return value || "none";
  if (value === null) return "–";
  return kind === "number" ? formatNumber(value, decimals) : String(value);
}

function bar(desirability) {
  const element = document.createElement("span");
  element.className = `bar${desirability >= 0.99 ? " full" : ""}`;
  element.style.setProperty("--d", desirability);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", `desirability ${desirability.toFixed(2)}`);
  return element;
}
