// Signing in and marking. The token lives in a variable of this module: in no storage and in no address.

import { bytes, claimed, make, visible } from "./dom.js";
import { Failure, formOf, nameIn, post } from "./sending.js";

const $ = (id) => document.getElementById(id);
const PROFILES = {
  "no-ai": ["Everything", "No AI use at all: no training, no data mining, no input to an AI, no imitation of voice, style or likeness."],
  "no-training": ["Training", "No training of any AI, and no imitation. Data mining and input to an AI are left open."],
  "no-generative": ["Generative AI", "No training of generative AI, and no imitation. Other training, such as for search or recommendations, is left open."],
};

const noticesOf = (header) => {
  try {
    const told = JSON.parse(header || "[]");
    return Array.isArray(told) ? told.filter((notice) => typeof notice === "string") : [];
  } catch { return []; }
};

const profileChoice = (profile, first) => {
  const [name, words] = Object.hasOwn(PROFILES, profile) ? PROFILES[profile] : [profile, ""];
  const input = make("input", { type: "radio", name: "profile", value: profile, id: `profile-${profile}`, "aria-describedby": `about-${profile}` });
  input.checked = first;
  return make("div", { class: "choice" }, input, make("label", { for: input.id }, visible(name, 60)),
    make("small", { id: `about-${profile}` }, words));
};

/** `page` has tracks(), add(), shown(), offline() and announce(). */
export const setUpMarking = (page) => {
  let token = null;
  let chosen = [];
  let able = false;

  const signedIn = (value) => {
    token = value;
    $("signed-in").hidden = token === null;
    $("token-field").hidden = token !== null;
    $("token").required = token === null;
    $("token").value = "";
  };
  const complain = (words) => {
    $("dialog-error").hidden = words === "";
    $("dialog-error").textContent = words;
  };

  const markOne = async (track, form, given) => {
    const { card, file } = track;
    track.abort = new AbortController();
    track.state = "running";
    card.sending(0, "Sending to be marked");
    page.shown();
    const body = formOf(file);
    for (const [name, value] of form) body.append(name, value);
    try {
      const answer = await post("v1/mark", body, {
        token: given, signal: track.abort.signal,
        progress: (fraction) => card.sending(fraction, "Sending to be marked"), sent: () => card.working("Marking …"),
      });
      const name = nameIn(answer.header("Content-Disposition")) || file.name;
      const copy = new File([answer.body], name, { type: answer.type });
      return { copy, name, notices: noticesOf(answer.header("Noai-Notices")) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.kind === "offline") page.offline();
      if (error.status === 401) signedIn(null);
      return { failure: error };
    }
  };

  const markAll = async (tracks, form, given) => {
    for (const [at, track] of tracks.entries()) {
      const { copy, name, notices, failure } = await markOne(track, form, given);
      // What the file itself says is as it was.
      track.again();
      page.shown();
      if (failure && failure.status === 401) {
        open(tracks.slice(at), failure.message);
        return;
      }
      if (failure) {
        track.card.note(failure.kind === "cancelled" ? "Marking was cancelled." : `It was not marked. ${failure.message}`);
        continue;
      }
      const { link, card } = page.add(copy, URL.createObjectURL(copy), name, notices, track);
      page.announce(`Marked: ${visible(name, 80)}.`);
      if (tracks.length === 1) {
        link.click();
        card.focus();
      }
    }
  };

  const open = (tracks, trouble = "") => {
    chosen = tracks;
    const one = tracks.length === 1;
    $("dialog-title").textContent = one ? "Mark this track" : `Mark ${tracks.length} tracks`;
    $("do-mark").textContent = one ? "Mark and download" : "Mark them";
    const size = tracks.reduce((sum, track) => sum + track.file.size, 0);
    $("dialog-what").replaceChildren(one ? claimed(tracks[0].file.name, 120) : bytes(size));
    complain(trouble);
    $("dialog").showModal();
    $(token === null ? "token" : "dialog-title").focus();
  };

  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = token === null ? $("token").value.trim() : token;
    // A header takes no other characters; a browser would refuse it with words of its own.
    if (!/^[\x21-\x7e]+$/.test(given)) {
      complain("An access token has letters, digits and signs, and no spaces.");
      $("token").focus();
      return;
    }
    const profile = $("form").querySelector("input[name=profile]:checked");
    const form = [["profile", profile ? profile.value : "no-ai"]];
    for (const id of ["holder", "contact"]) if ($(id).value.trim()) form.push([id, $(id).value.trim()]);
    const tracks = chosen;
    $("dialog").close();
    signedIn(given);
    markAll(tracks, form, given);
  });
  $("dismiss").addEventListener("click", () => $("dialog").close());
  $("sign-out").addEventListener("click", () => {
    signedIn(null);
    page.announce("You are signed out.");
    $("marking-title").tabIndex = -1;
    $("marking-title").focus();
  });

  return {
    isOpen: () => $("dialog").open,
    markable: () => (able ? page.tracks().filter((track) => track.state === "done" && !track.isCopy && track.unmarked) : []),
    open,
    meet: (server) => {
      able = server.marking === true;
      $("marking").hidden = false;
      $("marking-on").hidden = !able;
      $("marking-off").hidden = able;
      if (!able) return;
      $("signs-as").textContent = visible((server.identity && server.identity.subject) || "an identity without a name");
      const profiles = (Array.isArray(server.profiles) ? server.profiles : Object.keys(PROFILES)).filter((name) => /^[a-z][a-z-]*$/.test(name));
      $("profiles").replaceChildren($("profiles").querySelector("legend"), ...profiles.map((profile, at) => profileChoice(profile, at === 0)));
    },
  };
};
