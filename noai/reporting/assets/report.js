(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en");
  const DECISION_WORDS = { rejected: "Rejected", undecided: "Undecided", allowed: "Allowed", unreserved: "Unreserved" };
  const CHECKS = ["signature", "signer", "binding", "time"];
  const CHECK_WORDS = { pass: "pass", fail: "fail", unknown: "unknown", not_run: "not run" };
  const PERMISSION_WORDS = { allowed: "allowed", notAllowed: "not allowed", constrained: "constrained" };

  // -- data ----------------------------------------------------------------------------------
  const inflate = async (block) => {
    const bytes = Uint8Array.from(atob(block.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  const blocks = new Map();
  const evidence = async (row) => {
    const which = Math.floor(row / data.block);
    if (!blocks.has(which)) {
      if (blocks.size > 8) blocks.clear();
      blocks.set(which, inflate($(`evidence-${which}`)));
    }
    return (await blocks.get(which))[row % data.block];
  };
  let data;

  // Everything that the file says goes through here: as text, never as markup.
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  const bytes = (size) => {
    if (size === null) return "";
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (size >= 999.5 && unit < units.length - 1) { size /= 1000; unit += 1; }
    return `${unit ? size.toFixed(size < 10 ? 1 : 0) : size} ${units[unit]}`;
  };
  const signerName = ([kid, subject]) => subject || kid;
  const trusted = (as) => (as === null ? "not known here" : as.startsWith("own:") ? "own identity" : "on the trust list");
  const meaning = (code) => (Object.hasOwn(data.codes, code) ? data.codes[code] : "");

  // -- choosing rows ---------------------------------------------------------------------------
  const state = { terms: [], decision: -1, container: -1, reason: "", signer: "", sort: null, down: false, page: 0 };
  let chosen = [];
  let haystack = null;
  const ranks = new Map();

  const searchable = () => {
    const reasons = data.reasons.map((codes) => codes.join(" "));
    const signers = data.signers.map((all) => all.map(([kid, subject]) => `${kid} ${subject || ""}`).join(" "));
    return Array.from({ length: data.rows }, (_, row) => [
      data.path[row] || "", (data.member && data.member[row]) || "", data.containers[data.container[row]] || "",
      data.decisions[data.decision[row]], reasons[data.reason[row]], signers[data.signer[row]],
    ].join("\n").toLowerCase());
  };

  const keys = {
    path: (row) => `${data.path[row] || ""}\n${(data.member && data.member[row]) || ""}`,
    decision: (row) => data.decision[row],
    container: (row) => data.containers[data.container[row]] || "",
    reason: (row) => data.reasons[data.reason[row]].join(" "),
    signer: (row) => data.signers[data.signer[row]].map(signerName).join(" "),
    size: (row) => (data.size[row] === null ? -1 : data.size[row]),
  };
  // The place of each row in the order of one column: rows of one value share a place.
  const ranking = (column) => {
    if (!ranks.has(column)) {
      const values = Array.from({ length: data.rows }, (_, row) => keys[column](row));
      const order = Array.from(values, (_, row) => row);
      order.sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b));
      const rank = new Uint32Array(data.rows);
      for (let at = 1; at < order.length; at += 1) {
        rank[order[at]] = rank[order[at - 1]] + (values[order[at]] === values[order[at - 1]] ? 0 : 1);
      }
      ranks.set(column, rank);
    }
    return ranks.get(column);
  };

  const choose = () => {
    const { terms, decision, container, reason, signer } = state;
    if (terms.length && !haystack) haystack = searchable();
    const hasReason = reason && data.reasons.map((codes) => codes.includes(reason));
    const hasSigner = signer && data.signers.map((all) => (signer === "-" ? !all.length : all.some(([kid]) => kid === signer)));
    chosen = [];
    for (let row = 0; row < data.rows; row += 1) {
      if (decision >= 0 && data.decision[row] !== decision) continue;
      if (container >= 0 && data.container[row] !== container) continue;
      if (reason && !hasReason[data.reason[row]]) continue;
      if (signer && !hasSigner[data.signer[row]]) continue;
      if (terms.length && !terms.every((term) => haystack[row].includes(term))) continue;
      chosen.push(row);
    }
    if (state.sort) {
      const rank = ranking(state.sort);
      const way = state.down ? -1 : 1;
      chosen.sort((a, b) => way * (rank[a] - rank[b]) || a - b);
    }
    state.page = 0;
    show();
  };

  // -- showing rows ------------------------------------------------------------------------------
  const perPage = () => Number($("per-page").value);
  const pages = () => Math.max(1, Math.ceil(chosen.length / perPage()));

  const show = () => {
    const size = perPage();
    const start = state.page * size;
    const rows = chosen.slice(start, start + size);
    const body = $("rows");
    body.replaceChildren(...rows.map(fileRow));
    if (!rows.length) {
      body.append(make("tr", { role: "row" }, make("td", { role: "cell", colspan: 6, class: "empty" }, "No file matches. Clear the filters to see all.")));
    }
    const all = `${number.format(data.rows)} listed`;
    $("status").textContent = rows.length
      ? `${number.format(start + 1)} to ${number.format(start + rows.length)} of ${number.format(chosen.length)} ${chosen.length === 1 ? "file" : "files"}` + (chosen.length === data.rows ? "" : ` (${all})`)
      : `No file of ${all}`;
    $("page").textContent = `Page ${number.format(state.page + 1)} of ${number.format(pages())}`;
    $("first").disabled = $("previous").disabled = state.page === 0;
    $("next").disabled = $("last").disabled = state.page >= pages() - 1;
    for (const heading of document.querySelectorAll("#table th[data-sort]")) {
      heading.setAttribute("aria-sort", heading.dataset.sort !== state.sort ? "none" : state.down ? "descending" : "ascending");
    }
  };

  const fileRow = (row) => {
    const member = data.member && data.member[row];
    const shown = member || data.path[row] || "(no path)";
    const cut = shown.lastIndexOf("/") + 1;
    const folder = member ? `${data.path[row] || ""} › ${shown.slice(0, cut)}` : shown.slice(0, cut);
    const decision = data.decisions[data.decision[row]];
    const codes = data.reasons[data.reason[row]];
    const signers = data.signers[data.signer[row]];
    const opener = make("button", { type: "button", class: "file", "aria-expanded": "false" },
      make("bdi", {}, shown.slice(cut) || shown, folder ? make("span", { class: "folder" }, folder) : null));
    const tr = make("tr", { role: "row" },
      make("th", { role: "rowheader", scope: "row" }, opener),
      make("td", { role: "cell", "data-label": "Decision" },
        make("span", { class: `decision ${decision}` }, DECISION_WORDS[decision]),
        data.admitted[row] ? make("span", { class: "let-in" }, "admitted") : make("span", { class: "kept-out" }, "not admitted")),
      make("td", { role: "cell", "data-label": "Container" }, data.containers[data.container[row]] || make("span", { class: "soft" }, "unknown")),
      make("td", { role: "cell", "data-label": "Reasons" }, ...codes.flatMap((code, at) => [at ? ", " : "", ...breakable(code)])),
      make("td", { role: "cell", ...(signers.length ? { "data-label": "Signer" } : {}) }, ...signers.flatMap((signer, at) => [at ? ", " : "", make("bdi", {}, signerName(signer))])),
      make("td", { role: "cell", class: "number", "data-label": "Size" }, bytes(data.size[row])));
    opener.addEventListener("click", () => toggle(row, tr, opener));
    return tr;
  };

  const toggle = async (row, tr, opener) => {
    const next = tr.nextElementSibling;
    if (next && next.classList.contains("detail")) {
      next.remove();
      tr.classList.remove("open");
      opener.setAttribute("aria-expanded", "false");
      opener.removeAttribute("aria-controls");
      return;
    }
    if (opener.dataset.opening) return;
    opener.dataset.opening = "yes";
    const told = await evidence(row);
    delete opener.dataset.opening;
    opener.setAttribute("aria-expanded", "true");
    const id = `detail-${row}`;
    tr.after(make("tr", { role: "row", class: "detail", id }, make("td", { role: "cell", colspan: 6 }, detail(row, told))));
    tr.classList.add("open");
    opener.setAttribute("aria-controls", id);
  };

  // -- evidence ------------------------------------------------------------------------------------
  const facts = (pairs) => make("dl", { class: "facts" }, ...pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const bdi = (text) => make("bdi", {}, text);
  const mono = (text) => (text ? make("span", { class: "mono" }, text) : null);
  const panel = (title, ...children) => make("div", { class: "panel" }, make("h3", {}, title), ...children);
  // Codes break where their words do.
  const breakable = (code) => code.split("_").flatMap((word, at) => (at ? ["_", make("wbr"), word] : [word]));
  const coded = (items) => {
    const explained = new Set();
    return make("ul", {}, ...items.map(([code, message, source]) => {
      const explain = !explained.has(code) && meaning(code) && meaning(code) !== message;
      explained.add(code);
      return make("li", {}, make("code", {}, ...breakable(code)), explain ? make("span", { class: "soft" }, ` ${meaning(code)}`) : null,
        make("span", { class: "told" }, source ? `${source}: ` : null, bdi(message)));
    }));
  };
  const uses = (said) => {
    const by = new Map();
    for (const entry of Object.entries(said)) by.set(entry[1], [...(by.get(entry[1]) || []), entry]);
    return [...by].map(([permission, entries]) => {
      const named = entries.length === data.uses ? "all five uses" : entries.map(([use]) => use).join(", ");
      return `${PERMISSION_WORDS[permission] || permission}: ${named}`;
    }).join("; ");
  };

  const detail = (row, told) => {
    const panels = [];
    if (told.error) panels.push(panel("Could not be read", coded([told.error])));
    panels.push(panel("Why", told.reasons ? coded(told.reasons) : make("p", {}, "The record gives no reason.")));
    panels.push(panel("The file", facts([
      ["Path", data.path[row] === null ? null : bdi(data.path[row])],
      ["Member", data.member && data.member[row] !== null ? bdi(data.member[row]) : null],
      ["Size", told.bytes ? `${told.bytes} bytes` : null],
      ["Modified", told.modified],
      ["SHA-256", mono(told.sha256)],
      ["Uses", told.uses ? uses(told.uses) : "nothing is stated"],
    ])));
    if (told.notes) panels.push(panel("Notes", coded(told.notes)));
    for (const signal of told.signals || []) panels.push(signalPanel(signal));
    return make("div", { class: "detail-grid" }, ...panels);
  };

  const signalPanel = (signal) => {
    const signer = signal.signer;
    const title = `Signal: ${signal.source}${signal.lifted ? " (lifted)" : ""}`;
    const checks = signal.checks && make("ul", { class: "checks", "aria-label": "Checks" }, ...signal.checks.map((result, at) =>
      make("li", { class: `check-${result}` }, `${CHECKS[at]}: ${CHECK_WORDS[result]}`)));
    return panel(title,
      signal.message ? make("p", {}, bdi(signal.message)) : null,
      checks || null,
      facts([
        ["Place", signal.place ? bdi(signal.place) : null],
        ["Says", signal.uses ? uses(signal.uses) : null],
        ["Signed as", signer ? bdi(signer[1] || "(no name)") : null],
        ["Known as", signer ? trusted(signer[2]) : null],
        ["Trust entry", signer && signer[2] ? mono(signer[2]) : null],
        ["Key", signer ? mono(signer[0]) : null],
        ["Signed at", signal.signed_at],
        ["Id", mono(signal.id)],
        ["Granted", signal.granted ? `${signal.granted.join(", ")}: what is said of it here does not count` : null],
        ["Lifted", signal.lifted ? "a valid marker speaks in its place; it counts no longer" : null],
      ]),
      signal.codes ? coded(signal.codes.map((code) => [code, meaning(code) || "a code that this version does not know", null])) : null);
  };

  // -- controls --------------------------------------------------------------------------------------
  const fill = (select, all, options) => select.replaceChildren(make("option", { value: "" }, all), ...options.map(([value, label]) => make("option", { value }, label)));

  const counted = (column, size) => {
    const counts = new Uint32Array(size);
    for (const value of data[column]) counts[value] += 1;
    return counts;
  };

  const setUp = () => {
    const decisions = counted("decision", data.decisions.length);
    fill($("by-decision"), "All", data.decisions.map((name, at) => [at, `${DECISION_WORDS[name]} (${number.format(decisions[at])})`]).filter((_, at) => decisions[at]));
    const containers = counted("container", data.containers.length);
    fill($("by-container"), "All", data.containers
      .map((name, at) => [at, `${name || "unknown"} (${number.format(containers[at])})`, containers[at]])
      .filter(([, , count]) => count).sort((a, b) => b[2] - a[2]));
    const codes = [...new Set(data.reasons.flat())].sort();
    fill($("by-reason"), "All", codes.map((code) => [code, code]));
    const signers = new Map(data.signers.flat().map((signer) => [signer[0], signerName(signer)]));
    const named = [...signers].sort((a, b) => (a[1] < b[1] ? -1 : 1)).slice(0, 500);
    fill($("by-signer"), "All", [["-", "Nobody signed"], ...named]);

    const select = (id, name, convert) => $(id).addEventListener("change", () => {
      const value = $(id).value;
      state[name] = convert ? (value === "" ? -1 : Number(value)) : value;
      choose();
    });
    select("by-decision", "decision", true);
    select("by-container", "container", true);
    select("by-reason", "reason", false);
    select("by-signer", "signer", false);
    let waiting = 0;
    $("search").addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        state.terms = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
        choose();
      }, 120);
    });
    const form = document.querySelector(".controls");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => {
      clearTimeout(waiting);
      Object.assign(state, { terms: [], decision: -1, container: -1, reason: "", signer: "" });
      choose();
    });
    for (const heading of document.querySelectorAll("#table th[data-sort]")) {
      heading.firstElementChild.addEventListener("click", () => {
        state.down = state.sort === heading.dataset.sort ? !state.down : heading.dataset.sort === "size";
        state.sort = heading.dataset.sort;
        choose();
      });
    }
    const go = (id, page) => $(id).addEventListener("click", () => {
      state.page = Math.min(Math.max(page(), 0), pages() - 1);
      show();
      $("table").scrollIntoView();
      // A button that is now switched off would lose the focus to the top of the page.
      if ($(id).disabled) $(id === "first" || id === "previous" ? "next" : "previous").focus();
    });
    go("first", () => 0);
    go("previous", () => state.page - 1);
    go("next", () => state.page + 1);
    go("last", () => pages() - 1);
    $("per-page").addEventListener("change", () => { state.page = 0; show(); });
    $("explorer").hidden = false;
    choose();
  };

  if (typeof DecompressionStream === "undefined") {
    $("files").append(make("p", { class: "warning" }, "This browser is too old to show the table of files: it cannot inflate data. Everything above is complete."));
    return;
  }
  inflate($("index")).then((read) => { data = read; setUp(); });
})();
