// Parallel coordinates: each candidate as a line through the desirabilities of its terms.

const LINES = { width: 520, height: 360, left: 16, right: 16, top: 44, bottom: 26 };

class Parallel {
  constructor(element, axes, rows, { onChoose, onPoint }) {
    Object.assign(this, { axes, rows });
    this.svg = svgElement("svg", {
      viewBox: `0 0 ${LINES.width} ${LINES.height}`,
      role: "img",
      "aria-label": "Desirability of each term of each candidate; the values are in the table.",
    });
    this.paths = rows.map((row, index) => {
      const path = svgElement("path", { d: this.path(row.values), class: row.isBold ? "bold" : "" });
      path.addEventListener("click", () => onChoose(index));
      path.addEventListener("pointerenter", () => onPoint(index));
      path.addEventListener("pointerleave", () => onPoint(null));
      return path;
    });
    this.front = svgElement("g", {});
    const back = svgElement("g", {});
    this.paths.forEach((path, index) => (rows[index].isBold ? this.front : back).append(path));
    this.svg.append(this.frame(), back, this.front);
    element.append(this.svg);
  }

  x(axis) {
    const width = LINES.width - LINES.left - LINES.right;
    const inset = width / (2 * this.axes.length);
    return LINES.left + inset + (axis * (width - 2 * inset)) / Math.max(1, this.axes.length - 1);
  }

  y(value) {
    return LINES.top + (1 - value) * (LINES.height - LINES.top - LINES.bottom);
  }

  path(values) {
    const places = values.map((value, axis) => (value === null ? null : `${round(this.x(axis))} ${round(this.y(value))}`));
    return `M${places.filter((place) => place !== null).join("L")}`;
  }

  frame() {
    const group = svgElement("g", { class: "frame" });
    this.axes.forEach((title, axis) => {
      const x = this.x(axis);
      group.append(svgElement("line", { x1: x, x2: x, y1: this.y(0), y2: this.y(1) }));
      const words = title.length > 14 ? title.split(" ") : [title];
      const half = Math.ceil(words.length / 2);
      const lines = words.length > 1 ? [words.slice(0, half).join(" "), words.slice(half).join(" ")] : words;
      lines.forEach((text, place) => {
        const y = LINES.top - 12 - (lines.length - 1 - place) * 13;
        group.append(svgElement("text", { x, y, "text-anchor": "middle" }, text));
      });
    });
    for (const value of [0, 1]) {
      group.append(svgElement("text", { x: 2, y: this.y(value) + 4 }, String(value)));
    }
    return group;
  }

  /** Show only some of the lines. */
  show(isShown) {
    this.paths.forEach((path, index) => path.classList.toggle("out", !isShown(index)));
  }

  mark(indices) {
    const marked = new Set(indices);
    this.paths.forEach((path, index) => path.classList.toggle("marked", marked.has(index)));
    // One that is moved is entered by the pointer anew, and gets no click.
    const [last] = [...marked].slice(-1);
    if (last !== undefined && this.paths[last] === this.paths[last].parentNode.lastChild) return;
    for (const index of marked) this.paths[index].parentNode.append(this.paths[index]);
  }
}
