// What a verdict record says, in plain words. A sentence is a list of strings, and of {claimed: …} for what
// somebody else wrote. Nothing here touches the page.

export const USES = [
  ["cawg.ai_generative_training", "Training generative AI", "training of generative AI"],
  ["cawg.ai_training", "Training other AI", "training of other AI"],
  ["cawg.data_mining", "Text and data mining", "text and data mining"],
  ["cawg.ai_inference", "Input to an AI", "use as input to an AI"],
  ["org.noai.voice_likeness", "Imitating voice, style or likeness", "imitation of voice, style or likeness"],
];
export const DECISIONS = { rejected: "Reserved", undecided: "Not known", allowed: "Allowed", unreserved: "Not reserved" };
const SOURCES = {
  marker: "Signed mark", c2pa: "C2PA manifest", xmp: "XMP field", tdmrep: "TDM reservation", tag: "Tag",
  statement: "Sentence in a text field", aipref: "AI preference", http: "What the site says", grant: "Grant", registry: "Registry",
};
export const sourceName = (source) => (Object.hasOwn(SOURCES, source) ? SOURCES[source] : "Something else");
const LISTED = "on this server’s trust list";
const NO_TIME = "the date is what the signer says";
const BROKEN = ["signature_invalid", "essence_mismatch", "c2pa_invalid", "c2pa_hash_mismatch", "scheme_mismatch"];
const CUT = ["source_unreadable", "source_changed", "container_malformed", "essence_truncated", "essence_unreadable", "limit_exceeded"];

/** Raises for anything that is no verdict record: an answer that is not understood is no answer. */
export const checked = (record) => {
  const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const whole = object(record) && /^noai\.verdict\/1(\.|$)/.test(record.schema) && Object.hasOwn(DECISIONS, record.decision)
    && typeof record.admitted === "boolean" && object(record.uses)
    && [record.reasons, record.signals, record.requested].every(Array.isArray)
    && record.signals.every((signal) => object(signal) && object(signal.uses) && Array.isArray(signal.codes));
  if (!whole) throw new TypeError("no verdict record");
  return record;
};

const listed = (words, last = "and") => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`);
const permission = (signal, use) => (Object.hasOwn(signal.uses, use) && !(signal.granted || []).includes(use) ? signal.uses[use] : null);
const denies = (signal, of = USES.map(([use]) => use)) => of.some((use) => ["notAllowed", "constrained"].includes(permission(signal, use)));
const standing = (record) => record.signals.filter((signal) => !signal.lifted);

const said = (signal) => {
  const of = (value) => USES.filter(([use]) => permission(signal, use) === value).map(([, , words]) => words);
  const [no, asked] = [of("notAllowed"), of("constrained")];
  const parts = [];
  if (no.length === USES.length) parts.push("no use by AI: no training of any kind, no data mining, no input to an AI, no imitation of voice, style or likeness");
  else if (no.length) parts.push(listed(no.map((words) => `no ${words}`)));
  if (asked.length) parts.push(`${listed(asked)} only with permission`);
  return parts.join("; ");
};

export const day = (iso) => {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? null : new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(at);
};

const name = (signal) => {
  const by = signal.signed_by || {};
  return { claimed: by.subject || `the holder of key ${by.kid || "?"}` };
};

/** Who a signer is to this server. */
export const known = (signal) => {
  const as = signal.signed_by && signal.signed_by.trusted_as;
  if (signal.signer === "pass" && typeof as === "string") {
    return as.startsWith("own:") ? "an identity of this server" : LISTED;
  }
  return signal.signer === "unknown" ? "not known to this server: the name is what the certificate claims" : "not proven";
};

const signedOn = (signal) => {
  const at = signal.signed_at && day(signal.signed_at);
  return at ? `Signed on ${at}. ` : "";
};

/** Whether a signature was left alone, because the decision was certain without it, and not because it is broken. */
const unchecked = (signal, record) => signal.signature === "not_run" && record.depth === "decision";

/** The signal that explains the decision best: what is signed and holds first. */
const best = (signals) => {
  const rank = (signal) => (signal.signature === "pass" ? 16 : 0) + (signal.binding === "pass" ? 8 : 0)
    + (signal.signer === "pass" ? 4 : 0) + (signal.signature === "fail" ? 2 : 0) + (signal.source === "marker" ? 1 : 0);
  return [...signals].sort((a, b) => rank(b) - rank(a))[0];
};

const reserved = (record) => {
  const denying = standing(record).filter((signal) => denies(signal, record.requested));
  const main = best(denying);
  if (!main) return { lead: ["The file says no to a use that was asked about."], more: [] };
  const no = said(main);
  const anyway = "The reservation counts all the same.";
  if (main.signature === "pass") {
    const holder = name(main);
    if (main.binding === "fail") {
      return {
        lead: ["Somebody tampered with this file after it was signed. ", anyway],
        more: [["Signed as ", holder, `, with the words: ${no}. The signature is right, but the audio is not the audio that was signed: it was changed, or the mark was moved here from another recording.`]],
      };
    }
    const lead = main.signer === "pass" && main.time === "pass" ? [holder, ` says: ${no}.`] : ["Somebody who signs as ", holder, ` says: ${no}.`];
    const audio = main.binding === "pass" ? "the audio is unchanged since" : "whether the audio is unchanged was not checked";
    const more = [[`${signedOn(main)}The signature is right, and ${audio}.`]];
    if (main.signer === "fail" || main.time === "fail") more.push(["Its certificate does not hold, so who signed is not proven. ", anyway]);
    else if (main.signer !== "pass") more.push(["This server does not know the signer: the name is what the certificate claims. A “no” counts from anybody."]);
    if (denying.some((signal) => signal.signature === "fail" || signal.binding === "fail")) more.push(["Something else in the file that is signed does not hold: see the evidence."]);
    return { lead, more };
  }
  if (main.signature === "fail") {
    return {
      lead: ["Somebody tampered with what this file says, or forged it. ", anyway],
      more: [["It says: ", `${no}, and names `, name(main), " as its signer, but the signature is wrong: this proves nothing about that name."]],
    };
  }
  if (main.source === "marker" && unchecked(main, record)) {
    return {
      lead: [`A mark in this file says: ${no}.`],
      more: [["Its signature was not checked, so who signed it, and whether it is genuine, is not known. A “no” counts without that."]],
    };
  }
  if (main.source === "marker") {
    return { lead: ["A signed mark in this file is damaged or forged. ", anyway], more: [[`It says: ${no}. Who signed it cannot be checked.`]] };
  }
  return {
    lead: [`The file says: ${no}.`],
    more: [[`It says so in a place that is not signed (${sourceName(main.source)}). A “no” needs no signature, so it counts; who wrote it is not proven.`]],
  };
};

const unknown = (record) => {
  const codes = [...(record.error ? [record.error.code] : []), ...record.reasons.map((reason) => reason.code)];
  const has = (...wanted) => wanted.some((code) => codes.includes(code));
  const more = [["What cannot be judged is never taken for a “yes”."]];
  if (has("source_empty")) return { lead: ["The file is empty."], more };
  if (has("container_unknown")) return { lead: ["This is not audio of a kind that noai knows."], more };
  if (has(...CUT)) return { lead: ["The file could not be read to its end, so nobody may rely on it."], more };
  if (has(...BROKEN)) return { lead: ["Somebody tampered with this file, or forged what it says, so nobody may rely on it."], more };
  return { lead: ["Something in this file that could matter could not be read or checked, so nobody may rely on it."], more };
};

const allowed = (record) => {
  // The record does not say which of several permissions was the proven one: then nobody is named.
  const proven = standing(record).filter((signal) => Object.values(signal.uses).includes("allowed") && known(signal) === LISTED
    && ["signature", "binding", "time"].every((check) => signal[check] === "pass"));
  const main = new Set(proven.map((signal) => signal.signed_by.kid)).size === 1 ? best(proven) : null;
  return {
    lead: main ? [name(main), " permits the uses that were asked about, and proves it."] : ["The uses that were asked about are permitted, and the permission is proven."],
    more: [
      ...(main ? [[`${signedOn(main)}Signature, signer, audio and time were checked, and all hold.`]] : []),
      ...(deniedBesides(record).length ? [[`The file says no to ${listed(deniedBesides(record))}.`]] : []),
    ],
  };
};

const open = (record) => {
  if (!record.marked && !record.signals.length) {
    return { lead: ["Nothing in this file speaks about AI."], more: [["Every place where it could was read to its end."]] };
  }
  const more = [];
  if (record.reasons.some((reason) => String(reason.code).startsWith("permission_"))) {
    more.push(["A permission stands in the file, but not by anybody whom this server trusts to give it. It counts as nothing."]);
  }
  const others = deniedBesides(record);
  if (others.length) {
    return { lead: [`This file says no to ${listed(others)}, but not to what was asked about: ${listed(askedAbout(record))}.`], more };
  }
  return { lead: ["This file speaks about AI, but not against the uses that were asked about."], more };
};

/** What the file says no to, but was not asked about. */
const deniedBesides = (record) => USES.filter(([use]) => !record.requested.includes(use) && standing(record).some((signal) => denies(signal, [use])))
  .map(([, , words]) => words);
const askedAbout = (record) => {
  const words = USES.filter(([use]) => record.requested.includes(use)).map(([, , named]) => named);
  return words.length ? words : ["another use"];
};

const ADVICE = {
  rejected: "Leave this track out, unless the artist grants you the use.",
  undecided: "Do not let this track in. Whoever offers it may send a whole, unaltered copy.",
  allowed: "This track may come in, also where only what is permitted may (opt-in).",
  unreserved: "This track may come in where everything may that nobody reserved (opt-out). Where only what is permitted may come in (opt-in), leave it out.",
};

/** Whether a reservation stands in the file that is signed and holds, by whomever. */
export const holds = (record) => record.decision === "rejected"
  && standing(record).some((signal) => signal.source === "marker" && signal.signature === "pass" && signal.binding === "pass" && denies(signal, record.requested));

/** Whether something was left unread or unchecked, so that silence means nothing. */
const blind = (record, codes) => record.decision === "undecided" || record.error
  || [...(record.notes || []).map((note) => note.code), ...standing(record).flatMap((signal) => signal.codes)].some((code) => !Object.hasOwn(codes, code) || codes[code][0]);

/** Each use with its state: denied, constrained, allowed, unstated or unknown, and the word for it. */
export const uses = (record, codes) => USES.map(([use, label]) => {
  const value = Object.hasOwn(record.uses, use) ? record.uses[use] : null;
  const asked = record.requested.includes(use);
  const row = (state, word) => ({ use, label, asked, state, word });
  if (value === "notAllowed") return row("denied", "Denied");
  if (value === "constrained") return row("constrained", "Only with permission");
  if (value !== null && value !== "allowed") return row("unknown", "Not known");
  if (blind(record, codes)) return row("unknown", "Not known");
  return value === "allowed" ? row("allowed", "Allowed") : row("unstated", "Not stated");
});

/** Whether it may come in here. Nothing admits what is reserved or not known, whatever an answer says. */
export const admitted = (record) => record.admitted && ["allowed", "unreserved"].includes(record.decision);

/** The verdict for people: title, lead, further sentences, and advice to who builds a dataset. */
export const plain = (record) => {
  const told = { rejected: reserved, undecided: unknown, allowed, unreserved: open }[record.decision](record);
  const limited = ["allowed", "unreserved"].includes(record.decision) && deniedBesides(record).length > 0;
  return {
    title: `${DECISIONS[record.decision]}${limited ? " for what was asked about" : ""}`,
    advice: limited ? `${ADVICE[record.decision]} This goes for ${listed(askedAbout(record))} alone.` : ADVICE[record.decision],
    ...told,
  };
};

const CHECKS = {
  signature: { pass: "the signature is right", fail: "the signature is wrong", not_run: "the signature was not checked" },
  signer: { pass: "the signer is known here", unknown: "the signer is not known here", fail: "the certificate does not hold", not_run: "who signed was not checked" },
  binding: { pass: "the audio is the one that was signed", fail: "the audio is not the one that was signed", not_run: "the audio was not compared" },
  time: { pass: "valid at that time", fail: "not valid at that time", not_run: "the time was not checked" },
};

/** The four checks of a signed signal in words; none for what is not signed. */
export const checks = (signal) => (signal.source === "marker" || signal.signed_by ? Object.entries(CHECKS).map(([check, words]) => {
  const result = Object.hasOwn(words, signal[check]) ? signal[check] : "not_run";
  let word = words[result];
  if (check === "time" && result === "pass") word += signal.codes.includes("time_proven") ? ", by a trusted timestamp" : `; ${NO_TIME}`;
  return { check, result, word };
}) : []);

export const saying = (signal) => said(signal) || (Object.values(signal.uses).includes("allowed") ? "permits, as far as it is proven" : "nothing about the five uses");
