// One track on the page: what is being done with it, what came of it, and the evidence.

import { button, bytes, claimed, make, pretty, sentence, visible } from "./dom.js";
import { admitted, checks, day, holds, known, plain, saying, sourceName, uses } from "./words.js";

const facts = (pairs) => make("dl", { class: "facts" }, ...pairs
  .filter(([, value]) => value !== null && value !== undefined && value !== "")
  .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
const mono = (text) => (text ? make("span", { class: "mono" }, visible(text)) : null);
// Codes break where their words do.
const coded = (code) => make("code", {}, ...visible(code).split("_").flatMap((word, at) => (at ? ["_", make("wbr"), word] : [word])));

const meanings = (items, codes) => make("ul", {}, ...items.map(([code, message]) => make("li", {}, coded(code), " ",
  Object.hasOwn(codes, code) ? codes[code][1] : "a code that this page does not know",
  message ? make("span", { class: "told soft" }, claimed(message, 600)) : null)));

const usesTable = (record, codes) => make("table", { class: "uses" },
  make("caption", {}, "What the file says of five uses"),
  make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Use"), make("th", { scope: "col" }, "It says"))),
  make("tbody", {}, ...uses(record, codes).map(({ label, asked, state, word }) => make("tr", {},
    make("th", { scope: "row" }, label, asked ? make("span", { class: "asked" }, "asked about") : null),
    make("td", {}, make("span", { class: `use ${state}` }, word))))));

const signalPanel = (signal, codes) => {
  const signer = signal.signed_by;
  const found = checks(signal);
  return make("div", { class: "panel" },
    make("h4", {}, `${sourceName(signal.source)}${signal.lifted ? " (a signed mark speaks for it)" : ""}`),
    found.length ? make("ul", { class: "checks", "aria-label": "Checks" }, ...found.map(({ check, result, word }) =>
      make("li", { class: `check-${result}` }, make("span", { class: "check" }, `${check}: `), word))) : null,
    facts([
      ["Says", saying(signal)],
      ["In its words", signal.message ? claimed(signal.message, 600) : null],
      ["Signed as", signer ? claimed(signer.subject || "(no name)") : null],
      ["Known as", signer ? known(signal) : null],
      ["Trust entry", signer ? mono(signer.trusted_as) : null],
      ["Key", signer ? mono(signer.kid) : null],
      ["Signed on", signal.signed_at ? `${day(signal.signed_at) || "?"} (${visible(signal.signed_at)})` : null],
      ["Found in", signal.place ? claimed(signal.place) : null],
      ["Id", mono(signal.id)],
    ]),
    signal.codes.length ? meanings(signal.codes.map((code) => [code, null]), codes) : null);
};

const evidence = (record, codes) => {
  const reasons = [...(record.error ? [record.error] : []), ...record.reasons, ...(record.notes || [])];
  return make("details", { class: "evidence" }, make("summary", {}, "Evidence"),
    make("div", { class: "panels" },
      make("div", { class: "panel" }, make("h4", {}, "Why"), meanings(reasons.map(({ code, message }) => [code, message]), codes)),
      ...record.signals.map((signal) => signalPanel(signal, codes))),
    make("p", { class: "soft" }, "A denial counts whatever its checks say. A permission counts only if all four hold, and this server lets its signer permit."));
};

const recordPart = (text, name, announce) => {
  const shown = pretty(text);
  const pre = make("pre", { tabindex: "0", role: "group", "aria-label": "Verdict record" }, shown);
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(shown);
      announce("The record was copied.");
    } catch {
      getSelection().selectAllChildren(pre);
      announce("The record is selected: copy it with your keyboard.");
    }
  });
  const save = button("Download", () => {
    const url = URL.createObjectURL(new Blob([`${shown}\n`], { type: "application/json" }));
    make("a", { href: url, download: `${name}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
  return make("details", { class: "record" }, make("summary", {}, "Record for programs (JSON)"),
    make("p", { class: "buttons" }, copy, save), pre);
};

/**
 * A card in the list. `on` has what the page does at its buttons: cancel, retry, remove, mark (null where this
 * server marks nothing); `announce` speaks to screen readers.
 */
export const makeCard = (number, file, on, announce) => {
  const body = make("div", { class: "body" });
  const from = make("p", { class: "from", hidden: "" });
  const close = button("×", on.remove, "close quiet");
  close.setAttribute("aria-label", `Remove ${visible(file.name)}`);
  const title = make("h3", { id: `card-${number}`, tabindex: "-1" }, claimed(file.name, 200));
  const element = make("li", {}, make("article", { class: "card", "aria-labelledby": title.id },
    make("header", {}, title, make("span", { class: "soft size" }, bytes(file.size)), close), from, body));
  const article = element.firstElementChild;
  const show = (kind, ...children) => {
    article.className = `card ${kind}`;
    // Buttons go away with what they did: the focus stays on this card.
    const held = body.contains(document.activeElement);
    body.replaceChildren(...children.filter(Boolean));
    if (held) title.focus();
  };
  const bar = make("progress", { max: "1", "aria-label": `Progress of ${visible(file.name)}` });
  const word = make("p", { class: "soft" });
  const say = (text) => announce(`${visible(file.name, 80)}: ${text}`);

  const stopped = (words, retry) => show("stopped",
    make("p", { class: "headline" }, make("span", { class: "icon failed", "aria-hidden": "true" }), visible(words, 600)),
    retry ? make("p", { class: "buttons" }, button("Try again", on.retry)) : null);

  return {
    element,
    focus: () => title.focus(),
    waiting: () => { word.textContent = "Waiting for its turn."; bar.removeAttribute("value"); show("busy", word, make("p", { class: "buttons" }, button("Cancel", on.cancel))); },
    sending: (fraction, doing = "Sending") => { bar.value = fraction; word.textContent = `${doing}: ${Math.floor(fraction * 100)} %`; if (!bar.isConnected) show("busy", word, bar, make("p", { class: "buttons" }, button("Cancel", on.cancel))); },
    working: (words) => { bar.removeAttribute("value"); word.textContent = words; },
    stopped: (words, retry) => { stopped(words, retry); say(words); },
    /** Where a marked copy says so, with its download. */
    marked: (url, name, notices) => {
      from.hidden = false;
      from.replaceChildren(make("strong", {}, "Your marked copy. "), "Pass this one on, and keep your original. ",
        make("a", { class: "download", href: url, download: name }, "Download it"));
      if (notices.length) from.append(make("ul", { class: "notices" }, ...notices.map((notice) => make("li", {}, claimed(notice, 400)))));
      return from.querySelector("a");
    },
    /** What became of an attempt to mark. */
    note: (words) => {
      body.prepend(make("p", { class: "warning" }, visible(words, 600)));
      say(words);
    },
    verdict: (record, text, codes, quietly) => {
      const told = plain(record);
      const { mark } = on;
      const headline = make("p", { class: "headline" }, ...sentence(told.lead));
      show(`done ${record.decision}`,
        make("div", { class: "answer" }, make("span", { class: "icon sign", "aria-hidden": "true" }),
          make("div", {}, make("p", { class: "title" }, told.title), headline,
            ...told.more.map((parts) => make("p", {}, ...sentence(parts))))),
        make("div", { class: "halves" }, usesTable(record, codes),
          make("div", { class: "advice" }, make("h4", {}, "If you build a dataset"), make("p", {}, told.advice),
            make("p", { class: "soft" }, `Here: ${admitted(record) ? "admitted" : "not admitted"}, by the policy ${visible(record.policy, 40)}.`))),
        mark ? make("p", { class: "buttons" }, button("Mark this track", mark, holds(record) ? "quiet" : "primary")) : null,
        evidence(record, codes), recordPart(text, visible(file.name, 100).replace(/[\\/:]/g, "_"), announce));
      if (!quietly) say(`${told.title}. ${headline.textContent}`);
    },
  };
};
