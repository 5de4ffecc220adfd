// The map of the latent space: layers, colours, and molecules pinned below it.

class LatentMap {
  constructor(element) {
    this.element = element;
    this.data = JSON.parse(element.querySelector("script.data").textContent);
    this.hidden = new Set();
    this.pins = element.querySelector(".pins");
    this.choice = element.querySelector(".colour");
    this.data.colourings.forEach(({ title }, place) => this.choice.append(new Option(title, place)));
    this.choice.addEventListener("change", () => this.update());
    this.addLayers(element.querySelector(".layers"));
    this.plot = new Plot(element.querySelector(".plot"), {
      describe: (index) => this.describe(index),
      molecule: (index) => ({ sketch: this.data.points[index][4], smiles: this.data.points[index][3] }),
      onChoose: (index) => this.pin(index),
    });
    this.update();
  }

  addLayers(place) {
    this.data.layers.forEach((title, layer) => {
      const label = document.createElement("label");
      label.className = "check";
      const input = document.createElement("input");
      input.type = "checkbox";
      input.checked = true;
      input.addEventListener("change", () => {
        if (input.checked) this.hidden.delete(layer);
        else this.hidden.add(layer);
        this.update();
      });
      label.append(input, ` ${SHAPES[layer % SHAPES.length]} ${title}`);
      place.append(label);
    });
  }

  update() {
    const { values, decimals } = this.data.colourings[Number(this.choice.value)] ?? { values: [], decimals: 0 };
    const [low, high] = extent(values);
    const points = this.data.points.map(([x, y, layer], index) => {
      const value = values[index] ?? null;
      return {
        x,
        y,
        colour: value === null ? null : (value - low) / (high - low || 1),
        shape: layer % SHAPES.length,
        isShown: !this.hidden.has(layer),
        isBold: this.data.emphasised.includes(layer),
      };
    });
    const lines = this.data.joined
      .filter((layer) => !this.hidden.has(layer))
      .map((layer) => [...points.keys()].filter((index) => this.data.points[index][2] === layer));
    if (values.length) showScale(this.element.querySelector(".scale"), values, decimals);
    this.plot.show(points, { x: "First principal component", y: "Second principal component" }, lines);
  }

  describe(index) {
    const [, , layer, smiles] = this.data.points[index];
    const values = this.data.colourings
      .filter(({ values }) => values[index] !== null)
      .map(({ title, values, decimals }) => `${title} ${formatNumber(values[index], decimals)}`);
    return [smiles, this.data.layers[layer].replace(/s$/, ""), values.join(", ")];
  }

  pin(index) {
    const pin = document.createElement("div");
    pin.className = "pin";
    const [, , , smiles, sketch] = this.data.points[index];
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${smiles}`);
    button.addEventListener("click", () => {
      const next = pin.nextElementSibling ?? pin.previousElementSibling;
      pin.remove();
      (next?.querySelector("button") ?? this.plot.element).focus();
    });
    pin.append(...moleculeCard({ sketch, smiles }, this.describe(index)), button);
    this.pins.append(pin);
  }
}
