// What makes the parts of the page work. Runs once the page is parsed.

const tables = new Map();
for (const element of document.querySelectorAll(".candidates")) tables.set(element.dataset.name, new Candidates(element));
// The map is far down and its points are many, so it does not hold up the rest of the page.
addEventListener("load", () => {
  setTimeout(() => {
    for (const element of document.querySelectorAll(".figure.map")) new LatentMap(element);
  });
});

// From a suggested molecule to its row.
for (const link of document.querySelectorAll(".to-row")) {
  const table = tables.get(link.dataset.table.replace(/^candidates-/, ""));
  const index = table ? table.ids.indexOf(link.dataset.id) : -1;
  if (index < 0) continue;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    table.goTo(index);
  });
}

// What a mark in a chart is.
const chartTip = document.createElement("div");
chartTip.className = "chart-tip";
chartTip.hidden = true;
document.body.append(chartTip);
document.addEventListener("pointermove", (event) => {
  const text = event.target.closest?.("[data-tip]")?.dataset.tip;
  chartTip.hidden = !text;
  if (!text) return;
  chartTip.textContent = text;
  chartTip.style.left = `${Math.min(event.clientX + 12, innerWidth - chartTip.offsetWidth - 8)}px`;
  chartTip.style.top = `${event.clientY + 14}px`;
});

// On paper nothing can be opened, so that all of what to distrust is printed.
let openedForPrint = [];
matchMedia("print").addEventListener("change", ({ matches }) => {
  if (matches) openedForPrint = [...document.querySelectorAll(".cautions details:not([open])")];
  for (const details of openedForPrint) details.open = matches;
});

// Charts as files, in the colours that the page has now.
for (const button of document.querySelectorAll(".save")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const svg = button.parentElement.querySelector("svg").cloneNode(true);
    svg.setAttribute("xmlns", SVG);
    const names = new Set(svg.outerHTML.match(/var\(--[a-z-]+\)/g));
    let text = svg.outerHTML;
    for (const name of names) text = text.replaceAll(name, colour(name.slice(6, -1)));
    save(text, `${button.dataset.name}.svg`, "image/svg+xml");
  });
}

// Whoever has no mouse scrolls a wide table with the arrow keys, for which it must take the focus.
function letScroll() {
  document.querySelectorAll(".scroll:not(.candidates *), pre").forEach((element, place) => {
    if (element.scrollWidth <= element.clientWidth && element.scrollHeight <= element.clientHeight) return;
    element.tabIndex = 0;
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", `Part ${place + 1}: ${element.querySelector("th")?.textContent ?? "settings"}`);
  });
}
letScroll();
addEventListener("resize", letScroll);
document.addEventListener("toggle", letScroll, true);

const written = document.querySelector(".written");
if (written) {
  const date = new Date(document.lastModified);
  written.textContent = ` · written ${date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })}`;
}

// Mark the section in view in the table of contents.
const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const link = links.get(entry.target.id);
      link?.classList.toggle("current", entry.isIntersecting);
      if (entry.isIntersecting) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  },
  { rootMargin: "-20% 0px -75% 0px" },
);
for (const section of document.querySelectorAll("section[id]")) watcher.observe(section);
