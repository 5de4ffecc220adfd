// Colours: those of the page as a canvas needs them, and the choice between light and dark.

const THEME_KEY = "molvae:theme";

/** Return a value from the browser's store, or null where it has none or allows none. */
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that stores nothing for a file keeps the choice until the page is closed.
  }
}

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** Return one of the page's colours, such as "accent", as it is now. */
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

// Viridis, in eleven steps.
const GRADIENT = ["440154", "482475", "414487", "355f8d", "2a788e", "21918c", "22a884", "44bf70", "7ad151", "bddf26", "fde725"];

/** Return the colour of a value from 0 to 1. */
function gradient(t) {
  return `#${GRADIENT[Math.round(Math.min(Math.max(t, 0), 1) * (GRADIENT.length - 1))]}`;
}

/** Show in an element from which to which value the gradient goes. */
function showScale(element, values, decimals) {
  const [low, high] = extent(values);
  const text = (value) => value.toFixed(decimals);
  const stops = GRADIENT.map((hex) => `#${hex}`).join();
  const strip = document.createElement("i");
  strip.style.background = `linear-gradient(90deg, ${stops})`;
  element.replaceChildren(text(low), strip, text(high));
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  return [low, high];
}

const redraws = [];

/** Call a function whenever colours change, and before and after printing. */
function onColours(redraw) {
  redraws.push(redraw);
}

function recolour() {
  for (const redraw of redraws) redraw();
}

const dark = matchMedia("(prefers-color-scheme: dark)");
for (const query of [dark, matchMedia("print")]) query.addEventListener("change", recolour);

const themeButton = document.querySelector(".theme");
if (themeButton) {
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const name = () => {
    themeButton.textContent = isDark() ? "Light colours" : "Dark colours";
  };
  const stored = recall(THEME_KEY);
  if (stored) document.documentElement.dataset.theme = stored;
  themeButton.hidden = false;
  name();
  themeButton.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    remember(THEME_KEY, document.documentElement.dataset.theme);
    name();
    recolour();
  });
  dark.addEventListener("change", name);
}
