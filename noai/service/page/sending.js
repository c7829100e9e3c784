// Talking to the server that this page came from, and to nobody else.

import { visible } from "./dom.js";

/** Why there is no answer. `kind`: offline, cancelled, refused (`status` says why) or strange. */
export class Failure extends Error {
  constructor(kind, message, status = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

const REFUSALS = {
  400: "The server could not make sense of what was sent.",
  401: "The access token is not right.",
  403: "The server does not let you do this.",
  404: "This server does not offer this.",
  408: "Sending took too long, and the server gave up.",
  413: "The file is larger than this server takes.",
  415: "The server does not take this kind of file.",
  421: "This server does not answer under this name.",
  422: "The server cannot do this with this file.",
  429: "Too much was asked of the server at once. Try again in a moment.",
  500: "The server failed.",
  502: "The server behind the proxy does not answer.",
  503: "The server is busy. Try again in a moment.",
  504: "The server behind the proxy does not answer in time.",
};

const problem = async (status, type, body) => {
  let detail = "";
  if (type.startsWith("application/problem+json")) {
    try {
      const told = JSON.parse(await body.text());
      if (told && typeof told.detail === "string") detail = told.detail;
    } catch { /* a problem that is none: its status says enough */ }
  }
  const words = REFUSALS[status] || `The server refused with status ${status}.`;
  return new Failure("refused", detail && detail !== words ? `${words} It says: ${detail}` : words, status);
};

/** A name that the server takes: no path, nothing hidden, and of a very long one its beginning and its end. */
const nameOf = (file) => {
  const name = visible(file.name, Infinity).replace(/["\\/]/g, "_");
  const signs = [...name];
  return new TextEncoder().encode(name).length > 250 ? [...signs.slice(0, 40), ...signs.slice(-20)].join("") : name;
};

/** A form with the file in it. Its type is left to the server: a browser only knows the end of its name. */
export const formOf = (file) => {
  const form = new FormData();
  form.append("file", file.slice(0, file.size, "application/octet-stream"), nameOf(file));
  return form;
};

/**
 * POST a form; resolves to `{type, body, header(name)}` of a 200, and rejects with a Failure.
 * `progress(fraction)` is called while bytes go out, `sent()` when they are all gone.
 */
export const post = (path, form, { token = null, signal, progress, sent }) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open("POST", path);
  request.responseType = "blob";
  if (token !== null) request.setRequestHeader("Authorization", `Bearer ${token}`);
  request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
  request.upload.addEventListener("load", sent);
  request.addEventListener("load", async () => {
    const type = request.getResponseHeader("Content-Type") || "";
    if (request.status === 200) resolve({ type, body: request.response, header: (name) => request.getResponseHeader(name) });
    else reject(await problem(request.status, type, request.response));
  });
  request.addEventListener("abort", () => reject(new Failure("cancelled", "You cancelled this.")));
  request.addEventListener("error", async () => {
    // A browser does not say what broke: whether the server answers at all is what tells these apart.
    const there = await identity().then(() => true, () => false);
    reject(there
      ? new Failure("refused", "The file could not be sent: it was changed or moved since you chose it, or the server hung up.")
      : new Failure("offline", "The server does not answer. Nothing is known about this file."));
  });
  signal.addEventListener("abort", () => request.abort());
  request.send(form);
});

/** What this server is and does. */
export const identity = async () => {
  const answer = await fetch("v1/identity", { cache: "no-store", credentials: "omit", redirect: "error" });
  if (!answer.ok) throw new Failure("refused", "", answer.status);
  return answer.json();
};

/** The file name of a Content-Disposition, or null. */
export const nameIn = (disposition) => {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(disposition || "");
  if (extended) {
    try { return decodeURIComponent(extended[1]); } catch { /* the plain one, then */ }
  }
  const plain = /filename="((?:[^"\\]|\\.)*)"/i.exec(disposition || "");
  return plain ? plain[1].replace(/\\(.)/g, "$1") : null;
};
