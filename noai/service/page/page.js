// The page as a whole: tracks come in, each is sent and answered, and one who is signed in marks them.

import { makeCard } from "./card.js";
import { bytes, make, visible } from "./dom.js";
import { setUpMarking } from "./marking.js";
import { Failure, formOf, identity, post } from "./sending.js";
import { checked, holds } from "./words.js";
import "./theme.js";

const $ = (id) => document.getElementById(id);
const AT_ONCE = 2;

const state = { server: null, codes: {}, tracks: [], running: 0, numbers: 0 };

// What comes is spoken one after the other: each is an element of its own.
const announce = (text) => {
  while ($("said").childElementCount > 20) $("said").firstElementChild.remove();
  $("said").append(make("span", {}, `${text} `));
};

// -- the list of tracks ----------------------------------------------------------------------------

const shown = () => {
  const { tracks } = state;
  const busy = tracks.filter((track) => ["new", "waiting", "running"].includes(track.state)).length;
  const ready = marking.markable();
  $("tracks").hidden = !tracks.length;
  $("drop").classList.toggle("small", tracks.length > 0);
  $("tally").textContent = busy ? `${tracks.length - busy} of ${tracks.length} checked` : `${tracks.length} checked`;
  $("mark-all").hidden = ready.length < 2 || busy > 0;
  $("mark-all").textContent = `Mark all ${ready.length}`;
};

const remove = (track) => {
  track.abort.abort();
  if (track.url) URL.revokeObjectURL(track.url);
  const at = state.tracks.indexOf(track);
  state.tracks.splice(at, 1);
  track.card.element.remove();
  shown();
  const next = state.tracks[Math.min(at, state.tracks.length - 1)];
  if (next) next.card.focus();
  else $("choose").focus();
};

const add = (file, { after = null } = {}) => {
  state.numbers += 1;
  const track = { file, state: "new", abort: new AbortController(), card: null, url: null, unmarked: false, isCopy: after !== null };
  track.card = makeCard(state.numbers, file, {
    cancel: () => track.abort.abort(),
    retry: () => start(track),
    remove: () => remove(track),
    // Asked for at each verdict: the server may have been out of reach when the track came.
    get mark() { return state.server && state.server.marking === true && !track.isCopy ? () => marking.open([track]) : null; },
  }, announce);
  return track;
};

const place = (tracks, before) => {
  // Unless that one was removed in the meantime.
  const at = Math.max(state.tracks.indexOf(before), 0);
  const elements = tracks.map((track) => track.card.element);
  if (state.tracks.length) state.tracks[at].card.element.before(...elements);
  else $("cards").append(...elements);
  state.tracks.splice(at, 0, ...tracks);
  tracks.forEach(start);
};

// -- checking ---------------------------------------------------------------------------------------

const exact = (number) => new Intl.NumberFormat("en").format(number);

const start = (track) => {
  const limit = state.server && state.server.max_bytes;
  track.abort = new AbortController();
  if (typeof limit === "number" && track.file.size > limit) {
    stop(track, `This file has ${exact(track.file.size)} bytes; this server takes up to ${exact(limit)}. It was not sent, and nothing is known about it.`, false);
    return;
  }
  track.state = "waiting";
  track.card.waiting();
  track.abort.signal.addEventListener("abort", () => track.state === "waiting" && stop(track, "You cancelled this.", true));
  shown();
  next();
};

const stop = (track, words, retry) => {
  track.state = "stopped";
  track.card.stopped(words, retry);
  shown();
};

const next = () => {
  while (state.running < AT_ONCE) {
    const track = state.tracks.find((one) => one.state === "waiting");
    if (!track) return;
    track.state = "running";
    state.running += 1;
    check(track).finally(() => { state.running -= 1; shown(); next(); });
  }
};

const check = async (track) => {
  const { card, file } = track;
  card.sending(0);
  try {
    const answer = await post("v1/verify?depth=evidence", formOf(file), {
      signal: track.abort.signal, progress: card.sending, sent: () => card.working("Checking …"),
    });
    const text = await answer.body.text();
    const record = understood(text);
    track.unmarked = record.container !== null && !holds(record);
    track.again = (quietly = true) => {
      track.state = "done";
      card.verdict(record, text, state.codes, quietly);
    };
    track.again(false);
    $("trouble").hidden = true;
  } catch (error) {
    failed(track, error);
  }
};

const understood = (text) => {
  try { return checked(JSON.parse(text)); } catch {
    throw new Failure("strange", "The server’s answer could not be understood. Nothing is known about this file.");
  }
};

const failed = (track, error) => {
  if (!state.tracks.includes(track)) return;
  if (!(error instanceof Failure)) console.error(error);
  const offline = error instanceof Failure && error.kind === "offline";
  if (offline) $("trouble").hidden = false;
  stop(track, error instanceof Failure ? error.message : "This page failed. Nothing is known about this file.", true);
};

// -- marking ----------------------------------------------------------------------------------------

const marking = setUpMarking({
  tracks: () => state.tracks,
  add: (file, url, name, notices, before) => {
    const track = add(file, { after: before });
    track.url = url;
    const link = track.card.marked(url, name, notices);
    place([track], before);
    return { link, card: track.card };
  },
  offline: () => { $("trouble").hidden = false; },
  shown, announce,
});

// -- files come in ------------------------------------------------------------------------------------

const take = (files) => {
  if (!files.length) return;
  place(files.map((file) => add(file)), null);
  announce(files.length === 1 ? `Checking ${visible(files[0].name, 80)}` : `Checking ${files.length} tracks`);
};

$("choose").addEventListener("change", () => {
  take([...$("choose").files]);
  $("choose").value = ""; // so that the same file can be chosen again
});

const carriesFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
let depth = 0;
const over = (on) => { depth = on ? depth : 0; $("drop").classList.toggle("over", on); };
addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; over(true); } });
addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) over(false); });
// Beside the zone, too: a browser would leave the page for the file.
addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  over(false);
  if (marking.isOpen()) return;
  const entries = [...event.dataTransfer.items].map((item) => item.kind === "file" && item.webkitGetAsEntry && item.webkitGetAsEntry());
  const folders = entries.filter((entry) => entry && entry.isDirectory).map((entry) => entry.name);
  take([...event.dataTransfer.files].filter((file) => !folders.includes(file.name)));
  if (folders.length) announce("A folder cannot be dropped here: drop the tracks in it.");
});
$("clear").addEventListener("click", () => { for (const track of [...state.tracks]) remove(track); });
$("mark-all").addEventListener("click", () => marking.open(marking.markable()));

// -- the server ----------------------------------------------------------------------------------------

const meet = async () => {
  try {
    state.server = await identity();
    $("trouble").hidden = true;
  } catch {
    $("trouble").hidden = false;
    return;
  }
  if (typeof state.server.max_bytes === "number") $("limit").textContent = `Up to ${bytes(state.server.max_bytes, (left) => Math.floor(left * 10) / 10)} each.`;
  marking.meet(state.server);
  for (const track of state.tracks) if (track.state === "stopped") start(track);
};

const learn = async () => {
  // Without the words for codes, verdicts are shown all the same.
  try { state.codes = await (await fetch("codes.json", { credentials: "omit" })).json(); } catch { state.codes = {}; }
};

$("again").addEventListener("click", meet);
$("host").textContent = location.host;
Promise.all([learn(), meet()]).then(() => {
  $("drop").hidden = false;
  $("private").hidden = false;
  document.documentElement.dataset.ready = "yes";
});
