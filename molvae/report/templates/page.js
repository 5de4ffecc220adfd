// Charts, and sorting and filtering of the candidates. Modules run in order, once the page is parsed.

for (const element of document.querySelectorAll(".chart")) {
  const specification = JSON.parse(element.querySelector("script").textContent);
  const options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "svg" };
  window.vegaEmbed(element, specification, options);
}

function order(cell) {
  const value = cell.dataset.order;
  if (value === undefined) return null;
  return cell.classList.contains("number") ? Number(value) : value;
}

// Cells without a value stay last in either direction.
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  return direction * (a < b ? -1 : a > b ? 1 : 0);
}

function sortBy(table, heading) {
  const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [order(row.cells[heading.cellIndex]), row]);
  keyed.sort(([a], [b]) => compare(a, b, direction));
  body.append(...keyed.map(([, row]) => row));
}

function filter(part, text) {
  const query = text.trim().toLowerCase();
  let shown = 0;
  for (const row of part.querySelectorAll("tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(query);
    shown += row.hidden ? 0 : 1;
  }
  const total = `${part.dataset.total} candidate${part.dataset.total === "1" ? "" : "s"}`;
  part.querySelector(".shown").textContent = query ? `${shown} of ${total}` : total;
}

for (const part of document.querySelectorAll(".candidates")) {
  const table = part.querySelector("table");
  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", () => sortBy(table, button.closest("th")));
  }
  part.querySelector("input[type=search]").addEventListener("input", (event) => filter(part, event.target.value));
  part.querySelector("input[type=checkbox]").addEventListener("change", (event) => {
    table.classList.toggle("everything", event.target.checked);
  });
}

// Mark the section in view in the table of contents.
const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) links.get(entry.target.id)?.classList.toggle("current", entry.isIntersecting);
  },
  { rootMargin: "-20% 0px -75% 0px" },
);
for (const section of document.querySelectorAll("section[id]")) watcher.observe(section);
