// Molecules from their sketches (see molvae/report/sketches.py): drawings, and blocks of an SD file.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const BOND_TYPES = { single: 1, double: 2, triple: 3, wedged: 4, hashed: 5, either: 6 };
const DRAWING = { width: 240, height: 160, margin: 12, scale: 0.14 };
const SVG = "http://www.w3.org/2000/svg";

/** Return the atoms (x, y in hundredths of an angstrom, element, hydrogens, charge) and the bonds of a sketch. */
function decodeSketch(sketch) {
  const [packed, ...labels] = sketch.split(" ");
  let place = 0;
  const take = (n) => {
    let value = 0;
    for (let i = 0; i < n; i++) value = value * DIGITS.length + DIGITS.indexOf(packed[place++]);
    return value;
  };
  const nAtoms = take(2);
  const atoms = [];
  for (let i = 0; i < nAtoms; i++) {
    atoms.push({ x: take(2), y: take(2), element: "C", hydrogens: 0, charge: 0, isLabelled: false });
  }
  const width = nAtoms <= DIGITS.length ? 1 : 2;
  const bonds = [];
  for (let n = take(2); n > 0; n--) bonds.push({ begin: take(width), end: take(width), type: take(1) });
  for (const label of labels) {
    const [atom, element, hydrogens, charge] = label.split(":");
    Object.assign(atoms[Number(atom)], {
      element,
      hydrogens: Number(hydrogens),
      charge: Number(charge),
      isLabelled: true,
    });
  }
  return { atoms, bonds };
}

function svgElement(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

/** Return a drawing of a sketch as an <svg> element, named by the molecule's SMILES. */
function drawSketch(sketch, smiles) {
  const { atoms, bonds } = decodeSketch(sketch);
  const place = placed(atoms);
  const svg = svgElement("svg", {
    viewBox: `0 0 ${DRAWING.width} ${DRAWING.height}`,
    role: "img",
    "aria-label": smiles,
    class: "molecule sketch",
  });
  const neighbours = atoms.map(() => []);
  for (const { begin, end } of bonds) {
    neighbours[begin].push(end);
    neighbours[end].push(begin);
  }
  const lines = bonds.flatMap((bond) => bondLines(bond, atoms, place, neighbours));
  svg.append(svgElement("path", { d: lines.join(""), class: "bonds" }));
  const wedges = bonds.filter(({ type }) => type === BOND_TYPES.wedged).map((bond) => wedge(bond, place));
  if (wedges.length) svg.append(svgElement("path", { d: wedges.join(""), class: "wedges" }));
  atoms.forEach((atom, i) => {
    if (atom.isLabelled) svg.append(atomLabel(atom, place[i], neighbours[i].map((other) => place[other])));
  });
  return svg;
}

/** Return where the atoms are drawn: centred, with bonds of one length where the molecule fits. */
function placed(atoms) {
  const width = Math.max(...atoms.map(({ x }) => x));
  const height = Math.max(...atoms.map(({ y }) => y));
  const room = { x: DRAWING.width - 2 * DRAWING.margin, y: DRAWING.height - 2 * DRAWING.margin };
  const scale = Math.min(DRAWING.scale, room.x / (width || 1), room.y / (height || 1));
  return atoms.map(({ x, y }) => ({
    x: DRAWING.width / 2 + (x - width / 2) * scale,
    y: DRAWING.height / 2 - (y - height / 2) * scale,
  }));
}

function bondLines({ begin, end, type }, atoms, place, neighbours) {
  const [a, b] = shortened(place[begin], place[end], atoms[begin].isLabelled, atoms[end].isLabelled);
  const across = { x: (b.y - a.y) / distance(a, b), y: (a.x - b.x) / distance(a, b) };
  const shifted = (by, trim = 0) => {
    const along = { x: (b.x - a.x) * trim, y: (b.y - a.y) * trim };
    return line(
      { x: a.x + across.x * by + along.x, y: a.y + across.y * by + along.y },
      { x: b.x + across.x * by - along.x, y: b.y + across.y * by - along.y },
    );
  };
  if (type === BOND_TYPES.triple) return [shifted(0), shifted(3), shifted(-3)];
  if (type === BOND_TYPES.hashed) return hashes(a, b, across);
  if (type === BOND_TYPES.wedged) return [];
  if (type !== BOND_TYPES.double && type !== BOND_TYPES.either) return [shifted(0)];
  const isTerminal = neighbours[begin].length === 1 || neighbours[end].length === 1;
  if (isTerminal) return [shifted(1.7), shifted(-1.7)];
  return [shifted(0), shifted(3.2 * inside(begin, end, place, neighbours, across), 0.12)];
}

/** Say on which side of a bond, 1 or -1, its ring lies, or without a ring more of the other atoms. */
function inside(begin, end, place, neighbours, across) {
  const ring = smallestRing(begin, end, neighbours);
  const others = ring ?? [...neighbours[begin], ...neighbours[end]].filter((atom) => atom !== begin && atom !== end);
  const sum = others.reduce(
    (total, atom) =>
      total + (place[atom].x - place[begin].x) * across.x + (place[atom].y - place[begin].y) * across.y,
    0,
  );
  return sum >= 0 ? 1 : -1;
}

/** Return the atoms of the smallest ring with a bond, by a search of the shortest way around it. */
function smallestRing(begin, end, neighbours) {
  const cameFrom = new Map([[begin, null]]);
  const queue = [begin];
  while (queue.length) {
    const atom = queue.shift();
    for (const next of neighbours[atom]) {
      if (cameFrom.has(next) || (atom === begin && next === end)) continue;
      cameFrom.set(next, atom);
      if (next !== end) {
        queue.push(next);
        continue;
      }
      const ring = [];
      for (let at = end; at !== null; at = cameFrom.get(at)) ring.push(at);
      return ring.length <= 8 ? ring : null;
    }
  }
  return null;
}

function shortened(a, b, atBegin, atEnd) {
  const length = distance(a, b) || 1;
  const cut = Math.min(6.5, length / 3) / length;
  const towards = (from, to) => ({ x: from.x + (to.x - from.x) * cut, y: from.y + (to.y - from.y) * cut });
  return [atBegin ? towards(a, b) : a, atEnd ? towards(b, a) : b];
}

function hashes(a, b, across) {
  return [0.1, 0.3, 0.5, 0.7, 0.9].map((t) => {
    const middle = { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
    const half = { x: across.x * 3 * t, y: across.y * 3 * t };
    return line({ x: middle.x - half.x, y: middle.y - half.y }, { x: middle.x + half.x, y: middle.y + half.y });
  });
}

function wedge({ begin, end }, place) {
  const [a, b] = [place[begin], place[end]];
  const across = { x: ((b.y - a.y) / distance(a, b)) * 3, y: ((a.x - b.x) / distance(a, b)) * 3 };
  const tip = `${round(b.x + across.x)} ${round(b.y + across.y)}L${round(b.x - across.x)} ${round(b.y - across.y)}`;
  return `M${round(a.x)} ${round(a.y)}L${tip}Z`;
}

function atomLabel({ element, hydrogens, charge }, at, others) {
  const toRight = others.reduce((sum, other) => sum + other.x - at.x, 0) > 1;
  const subscript = hydrogens > 1 ? String.fromCharCode(0x2080 + hydrogens) : "";
  const attached = hydrogens ? `H${subscript}` : "";
  const sign = charge ? `${Math.abs(charge) > 1 ? Math.abs(charge) : ""}${charge > 0 ? "⁺" : "⁻"}` : "";
  const text = toRight ? `${attached}${element}${sign}` : `${element}${attached}${sign}`;
  const anchor = !attached ? "middle" : toRight ? "end" : "start";
  const shift = anchor === "middle" ? 0 : anchor === "end" ? 4.2 : -4.2;
  return svgElement(
    "text",
    { x: round(at.x + shift), y: round(at.y + 4.1), "text-anchor": anchor, class: `atom atom-${element}` },
    text,
  );
}

function line(a, b) {
  return `M${round(a.x)} ${round(a.y)}L${round(b.x)} ${round(b.y)}`;
}

function distance(a, b) {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

function round(value) {
  return Math.round(value * 10) / 10;
}

/** Return a sketch as a V2000 block, with a name in its first line. */
function molBlock(sketch, name) {
  const { atoms, bonds } = decodeSketch(sketch);
  const order = { [BOND_TYPES.wedged]: 1, [BOND_TYPES.hashed]: 1, [BOND_TYPES.either]: 2 };
  const stereo = { [BOND_TYPES.wedged]: 1, [BOND_TYPES.hashed]: 6, [BOND_TYPES.either]: 3 };
  const column = (value, width) => String(value).padStart(width);
  const lines = [name, "  molvae", "", `${column(atoms.length, 3)}${column(bonds.length, 3)}  0  0  0  0  0  0  0  0999 V2000`];
  for (const { x, y, element } of atoms) {
    const place = [x, y, 0].map((value) => column((value / 100).toFixed(4), 10)).join("");
    lines.push(`${place} ${element.padEnd(3)} 0  0  0  0  0  0  0  0  0  0  0  0`);
  }
  for (const { begin, end, type } of bonds) {
    const numbers = [begin + 1, end + 1, order[type] ?? type, stereo[type] ?? 0];
    lines.push(numbers.map((value) => column(value, 3)).join(""));
  }
  atoms.forEach(({ charge }, i) => {
    if (charge) lines.push(`M  CHG  1${column(i + 1, 4)}${column(charge, 4)}`);
  });
  lines.push("M  END");
  return lines.join("\n");
}
