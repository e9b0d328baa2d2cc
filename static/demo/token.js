// One token on the page: whether its signature is good, when it expires, its header and claims.

import { decoded } from "./jwt.js";

const TIMES = new Set(["iat", "exp", "auth_time", "nbf", "updated_at"]);
const MEANINGS = {
  iss: "who made it",
  sub: "who it is about",
  aud: "whom it is for",
  azp: "who asked for it",
  client_id: "who uses it",
  exp: "works until",
  iat: "made",
  auth_time: "signed in",
  nonce: "this request, not another",
  acr: "how strong the sign-in was",
  amr: "how she signed in",
  at_hash: "belongs to this access token",
  sid: "this sign-in",
  gid: "what she granted to this app",
  fid: "what this code bought",
  jti: "this very token",
  scope: "what it may do",
  uep: "dies when her epoch is raised",
  aep: "dies when the app's epoch is raised",
};

export function show(card, token, isSigned) {
  const { header, claims } = decoded(token);
  badge(part(card, "signature"), isSigned, isSigned ? `${header.alg} signature is good` : "the signature is wrong");
  part(card, "expiry").dataset.expires = claims.exp;
  part(card, "header").textContent = JSON.stringify(header);
  part(card, "raw").textContent = token;
  part(card, "claims").replaceChildren(...Object.entries(claims).map(row));
  tick();
}

// Once a second, on every card.
export function tick() {
  for (const element of document.querySelectorAll("[data-expires]")) {
    const left = Math.max(0, Math.ceil(element.dataset.expires - Date.now() / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    badge(element, left > 0, left > 0 ? `expires in ${clock}` : "expired");
  }
}

function part(card, name) {
  return card.querySelector(`[data-part="${name}"]`);
}

function badge(element, isGood, text) {
  element.textContent = text;
  element.classList.toggle("good", isGood);
  element.classList.toggle("bad", !isGood);
}

function row([name, value]) {
  const line = document.createElement("div");
  const term = document.createElement("dt");
  term.textContent = name;
  const meaning = document.createElement("span");
  meaning.className = "quiet";
  meaning.textContent = MEANINGS[name] ?? "";
  term.append(" ", meaning);
  const definition = document.createElement("dd");
  definition.textContent = words(name, value);
  line.append(term, definition);
  return line;
}

function words(name, value) {
  if (TIMES.has(name)) {
    return `${value} · ${new Date(value * 1000).toLocaleTimeString()}`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
