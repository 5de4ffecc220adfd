// A plot of points on a canvas: hover, click and arrow keys tell which point is meant.

// What text calls the shapes, by number.
const SHAPES = ["●", "▲", "■", "◆", "✚", "▼", "⬟"];
const PLOT = { left: 52, right: 14, top: 12, bottom: 40, height: 380, reach: 18 };

/** Points in the plane; `describe` returns lines of text and `molecule` a sketch and a SMILES for a point. */
class Plot {
  constructor(element, { describe, molecule, onChoose, shapes }) {
    Object.assign(this, { element, describe, molecule, onChoose, shapes, points: [], current: null, marked: new Set() });
    this.canvas = document.createElement("canvas");
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.said = document.createElement("p");
    this.said.className = "unseen";
    this.said.setAttribute("role", "status");
    element.append(this.canvas, this.tip, this.said);
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-roledescription", "plot");
    element.setAttribute("aria-label", `${element.dataset.label}. Arrow keys go from point to point, Enter chooses one.`);
    this.canvas.addEventListener("pointermove", (event) => this.point(this.nearest(event)));
    this.canvas.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", (event) => {
      const index = this.nearest(event);
      this.point(index);
      if (index !== null) this.onChoose(index);
    });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(element);
    onColours(() => this.draw());
  }

  /**
   * Show points: each has x, y, a colour value from 0 to 1 or null, a shape's number, and whether it is shown. Each of
   * `lines` joins the points of some indices.
   */
  show(points, titles, lines = []) {
    this.points = points;
    this.lines = lines;
    this.titles = titles;
    this.ranges = ["x", "y"].map((axis) => padded(extent(points.map((point) => point[axis]))));
    this.draw();
  }

  mark(indices) {
    this.marked = new Set(indices);
    this.draw();
  }

  place({ x, y }) {
    const [[left, right], [low, high]] = this.ranges;
    const width = this.canvas.clientWidth - PLOT.left - PLOT.right;
    const height = PLOT.height - PLOT.top - PLOT.bottom;
    return {
      x: PLOT.left + ((x - left) / (right - left)) * width,
      y: PLOT.top + (1 - (y - low) / (high - low)) * height,
    };
  }

  draw() {
    const width = this.element.clientWidth;
    if (!this.points.length || !width) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = PLOT.height * ratio;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.drawAxes(context, width);
    const plain = colour("accent");
    const ring = colour("axis");
    const last = [];
    this.points.forEach((point, index) => {
      if (!point.isShown || point.x === null || point.y === null) return;
      if (this.marked.has(index) || index === this.current || point.isBold) last.push(index);
      else this.drawPoint(context, point, point.colour === null ? plain : gradient(point.colour), ring, 3.6);
    });
    this.drawLines(context);
    for (const index of last) {
      const point = this.points[index];
      const isMarked = this.marked.has(index) || index === this.current;
      const fill = point.colour === null ? plain : gradient(point.colour);
      this.drawPoint(context, point, fill, colour(isMarked ? "mark" : "ink"), isMarked ? 7 : 5.5, 2.5);
    }
  }

  drawLines(context) {
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.2;
    for (const line of this.lines) {
      context.beginPath();
      for (const index of line) {
        const { x, y } = this.place(this.points[index]);
        context.lineTo(x, y);
      }
      context.stroke();
    }
  }

  drawAxes(context, width) {
    const bottom = PLOT.height - PLOT.bottom;
    context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    context.strokeStyle = colour("grid");
    context.fillStyle = colour("soft");
    context.lineWidth = 1;
    const [xs, ys] = this.ranges.map((range) => ticks(range));
    for (const value of xs) {
      const { x } = this.place({ x: value, y: 0 });
      segment(context, x, PLOT.top, x, bottom);
      label(context, tickText(value), x, bottom + 15, "center");
    }
    for (const value of ys) {
      const { y } = this.place({ x: 0, y: value });
      segment(context, PLOT.left, y, width - PLOT.right, y);
      label(context, tickText(value), PLOT.left - 7, y + 4, "right");
    }
    label(context, this.titles.x, (PLOT.left + width - PLOT.right) / 2, PLOT.height - 6, "center");
    context.save();
    context.translate(12, (PLOT.top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    label(context, this.titles.y, 0, 0, "center");
    context.restore();
  }

  drawPoint(context, point, fill, edge, radius, lineWidth = 0.8) {
    const { x, y } = this.place(point);
    context.beginPath();
    if (point.shape === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
    else outlineOf(point.shape).forEach(([right, down]) => context.lineTo(x + right * radius, y + down * radius));
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = edge;
    context.lineWidth = lineWidth;
    context.stroke();
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    let [best, least] = [null, PLOT.reach];
    this.points.forEach((point, index) => {
      if (!point.isShown || point.x === null || point.y === null) return;
      const far = distance(this.place(point), at);
      if (far < least) [best, least] = [index, far];
    });
    return best;
  }

  key(event) {
    const shown = [...this.points.keys()].filter((index) => this.points[index].isShown && this.points[index].x !== null);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && shown.length) {
      const at = shown.indexOf(this.current);
      this.point(shown[(at + step + shown.length) % shown.length] ?? shown[0]);
      event.preventDefault();
    } else if (event.key === "Enter" && this.current !== null) this.onChoose(this.current);
    else if (event.key === "Escape") this.point(null);
  }

  /** Show what a point is, or nothing. */
  point(index) {
    if (index === this.current) return;
    this.current = index;
    this.draw();
    this.tip.hidden = index === null;
    this.canvas.style.cursor = index === null ? "default" : "pointer";
    if (index === null) return;
    this.tip.replaceChildren(...moleculeCard(this.molecule(index), this.describe(index)));
    this.said.textContent = this.describe(index).join(", ");
    const { x, y } = this.place(this.points[index]);
    const width = this.element.clientWidth;
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, width - this.tip.offsetWidth))}px`;
    const above = y - this.tip.offsetHeight - 12;
    this.tip.style.top = `${above < 0 ? y + 14 : above}px`;
  }
}

/** Return the corners of a shape that is not round, for a radius of 1. */
function outlineOf(shape) {
  const third = 0.4;
  return [
    [[0, -1.3], [1.15, 0.8], [-1.15, 0.8]],
    [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
    [
      [-third, -1.3], [third, -1.3], [third, -third], [1.3, -third], [1.3, third], [third, third],
      [third, 1.3], [-third, 1.3], [-third, third], [-1.3, third], [-1.3, -third], [-third, -third],
    ],
    [[0, 1.3], [1.15, -0.8], [-1.15, -0.8]],
    [[0, -1.3], [1.25, -0.4], [0.8, 1.1], [-0.8, 1.1], [-1.25, -0.4]],
  ][shape - 1];
}

/** Return the elements of a card: a drawing where there is one, and lines of text. */
function moleculeCard({ sketch, smiles }, lines) {
  const elements = sketch ? [drawSketch(sketch, smiles)] : [];
  for (const text of lines) {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    elements.push(paragraph);
  }
  return elements;
}

function padded([low, high]) {
  const margin = (high - low || 1) * 0.04;
  return [low - margin, high + margin];
}

/** Return about six round values within a range. */
function ticks([low, high]) {
  const raw = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw);
  const values = [];
  // Multiples, not sums: a sum that should be 0 may be 1e-17.
  for (let n = Math.ceil(low / step); n * step <= high; n++) values.push(Number((n * step).toPrecision(10)));
  return values;
}

function tickText(value) {
  const size = Math.abs(value);
  const digits = size < 1 ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: 3 };
  const text = size > 0 && size < 1e-4 ? value.toExponential() : value.toLocaleString("en", digits);
  return text.replaceAll("-", "−");
}

function segment(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function label(context, text, x, y, align) {
  context.textAlign = align;
  context.fillText(text, x, y);
}
