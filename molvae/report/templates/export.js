// Candidates as files: CSV, SDF and SMILES. Texts may be a stranger's, and are made harmless as in molvae.text.

// What a spreadsheet takes for the beginning of a formula, and numbers that begin likewise.
const FORMULA = /^[=+\-@\t]/;
const NO_FORMULA = /^(?:[-+]?[0-9.,]+(?:e[-+]?[0-9]+)?|[-+]+|[-+]?(?:inf(?:inity)?|nan))$/i;

/** Return a text that is no formula to a spreadsheet; what would be one is put behind an apostrophe. */
function withoutFormula(value) {
  const text = value.replaceAll("\r", "\\r");
  return FORMULA.test(text) && !NO_FORMULA.test(text) ? `'${text}` : text;
}

function escaped(character) {
  const short = { "\t": "\\t", "\n": "\\n", "\r": "\\r" }[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0);
  const [letter, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(width, "0")}`;
}

/** Return a text with control characters and ends of lines as escapes. */
function oneLine(value) {
  return String(value).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped);
}

/** Return the text of a data field of an SD file, which does not end the record. */
function sdfField(value) {
  return oneLine(value).replace(/^\$\$\$\$/, " $&");
}

function csvField(value) {
  if (value === null) return "";
  const text = typeof value === "string" ? withoutFormula(value) : String(value);
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
      .map(([field, value]) => `>  <${oneLine(field)}>\n${sdfField(value)}\n`);
    return `${molBlock(sketch, sdfField(id))}\n${data.join("\n")}\n$$$$\n`;
  });
  return records.join("");
}

/** Return rows as lines of a SMILES and an ID. */
function asSmiles(rows) {
  return rows.map(({ smiles, id }) => `${smiles} ${oneLine(id)}\n`).join("");
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
