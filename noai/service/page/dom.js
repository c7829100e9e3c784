// Building the page. What a file or a server says goes through here: as text, never as markup.

// As noai.text.printable: control, format (bidi overrides among them), surrogate, private use, unassigned, separators.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

const escaped = (character) => {
  const code = character.codePointAt(0);
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
};

/** `text` with everything escaped that does not print as itself, cut at `limit` characters. */
export const visible = (text, limit = 300) => {
  const whole = String(text);
  return (whole.length > limit ? `${whole.slice(0, limit - 1)}…` : whole).replace(HIDDEN, escaped);
};

/** The same JSON text indented, every number as it was written; what does not print, as JSON escapes it. */
export const pretty = (json) => {
  const out = [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    const empty = out.length && /[[{]$/.test(out.at(-1));
    if (token === "{" || token === "[") {
      if (empty) out.push(line());
      out.push(token);
      depth += 1;
    } else if (token === "}" || token === "]") {
      depth -= 1;
      out.push(empty ? token : line() + token);
    } else if (token === ",") out.push(",", line());
    else if (token === ":") out.push(": ");
    else out.push(empty ? line() + token : token);
  }
  const units = (text) => Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`);
  return out.join("").replace(HIDDEN, (sign) => (sign === "\n" ? sign : units(sign).join("")));
};

export const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

/** A name or text that somebody else chose: isolated, so that it turns nothing around it. */
export const claimed = (text, limit) => make("bdi", { class: "claimed", dir: "auto" }, visible(text, limit));

/** A sentence of words.js: strings of ours, and what somebody else claims. */
export const sentence = (parts) => parts.map((part) => (typeof part === "string" ? part : claimed(part.claimed)));

export const button = (label, act, kind = "quiet") => {
  const made = make("button", { type: "button", class: kind }, label);
  made.addEventListener("click", act);
  return made;
};

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
export const bytes = (size, round = (left) => left.toFixed(left < 10 ? 1 : 0)) => {
  let unit = 0;
  let left = size;
  while (left >= 999.5 && unit < UNITS.length - 1) { left /= 1000; unit += 1; }
  return `${unit ? round(left) : left} ${UNITS[unit]}`;
};
