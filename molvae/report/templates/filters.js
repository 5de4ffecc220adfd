// Which candidates are shown: by text, by ranges of values, by substructures.

class Filters {
  /** `onChange` is called whenever the choice has changed. */
  constructor(element, data, onChange) {
    Object.assign(this, { element, data, onChange, ranges: new Map(), wanted: new Set() });
    this.text = element.querySelector(".text");
    this.onlyTicked = element.querySelector(".only-ticked");
    this.texts = data.rows.map((_, index) => searched(data, index));
    this.text.addEventListener("input", onChange);
    this.onlyTicked.addEventListener("change", onChange);
    this.addRanges(element.querySelector(".ranges .fields"));
    this.addSubstructures(element.querySelector(".substructures"));
    element.querySelector(".reset").addEventListener("click", () => this.reset());
  }

  addRanges(place) {
    for (const column of this.data.columns.filter(({ kind }) => kind === "number")) {
      const field = this.data.fields.indexOf(column.key);
      const [low, high] = extent(this.data.rows.map((row) => row[field]));
      if (low === high) continue;
      const set = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = column.title;
      set.append(legend);
      for (const [end, value, name] of [["min", low, "least"], ["max", high, "largest"]]) {
        const input = document.createElement("input");
        input.type = "number";
        input.step = "any";
        input.placeholder = formatNumber(value, column.decimals);
        input.setAttribute("aria-label", `${column.title}, ${name}`);
        input.addEventListener("input", () => {
          const range = this.ranges.get(field) ?? { decimals: column.decimals };
          range[end] = input.value === "" ? undefined : Number(input.value);
          this.ranges.set(field, range);
          this.onChange();
        });
        set.append(input);
      }
      place.append(set);
    }
  }

  addSubstructures(details) {
    const groups = Object.entries(this.data.substructures);
    details.hidden = !groups.length;
    for (const [title, substructures] of groups) {
      const set = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = title;
      set.append(legend);
      for (const substructure of substructures) {
        const label = document.createElement("label");
        label.className = "check";
        label.title = substructure.pattern;
        const input = document.createElement("input");
        input.type = "checkbox";
        const rows = new Set(substructure.rows);
        input.addEventListener("change", () => {
          if (input.checked) this.wanted.add(rows);
          else this.wanted.delete(rows);
          this.onChange();
        });
        label.append(input, ` ${substructure.name} (${substructure.rows.length})`);
        set.append(label);
      }
      details.querySelector(".fields").append(set);
    }
  }

  reset() {
    this.ranges.clear();
    this.wanted.clear();
    for (const input of this.element.querySelectorAll(".ranges input, .text")) input.value = "";
    for (const input of this.element.querySelectorAll(".substructures input")) input.checked = false;
    this.onlyTicked.checked = false;
    this.onChange();
  }

  /** Say whether a row is shown, given whether it is ticked. */
  passes(index, isTicked) {
    if (this.onlyTicked.checked && !isTicked) return false;
    const query = this.text.value.trim();
    const { smiles, others } = this.texts[index];
    if (query && !smiles.includes(query) && !others.includes(query.toLowerCase())) return false;
    for (const rows of this.wanted) if (!rows.has(index)) return false;
    for (const [field, { min, max, decimals }] of this.ranges) {
      // As it is shown: whoever types a value that is in a cell means that row too.
      const exact = this.data.rows[index][field];
      const value = exact === null ? null : Number(exact.toFixed(decimals));
      if (min !== undefined && !(value !== null && value >= min)) return false;
      if (max !== undefined && !(value !== null && value <= max)) return false;
    }
    return true;
  }
}

/** Return what the text filter looks in: the candidate's own texts, not those of its nearest training molecule. */
function searched(data, index) {
  const text = (name) => data.rows[index][data.fields.indexOf(name)] ?? "";
  // Case matters in SMILES: small letters are aromatic atoms.
  return { smiles: text("smiles"), others: ["id", "alerts", "origin"].map(text).join("\n").toLowerCase() };
}

function formatNumber(value, decimals) {
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
}
