// Candidates as files: CSV, SDF and SMILES.

function csvField(value) {
  if (value === null) return "";
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Return rows as a CSV file with all fields. */
function asCsv(fields, rows) {
  return [fields, ...rows.map(({ values }) => values)].map((line) => line.map(csvField).join(",")).join("\n") + "\n";
}

/** Return rows as an SD file: each has a block with its ID as name, and its fields as data. */
function asSdf(fields, rows) {
  const records = rows.map(({ id, sketch, values }) => {
    const data = fields
      .map((field, i) => [field, values[i]])
      .filter(([, value]) => value !== null && value !== "")
      .map(([field, value]) => `>  <${field}>\n${String(value)}\n`);
    return `${molBlock(sketch, id)}\n${data.join("\n")}\n$$$$\n`;
  });
  return records.join("");
}

/** Return rows as lines of a SMILES and an ID. */
function asSmiles(rows) {
  return rows.map(({ smiles, id }) => `${smiles} ${id}\n`).join("");
}

/** Offer a text as a file to save. */
function save(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
