// The page at /demo/: what is shown, and what its buttons do. The protocol is in openid.js.

import { isSigned } from "./jwt.js";
import { Client, Refused } from "./openid.js";
import { show as showToken, tick } from "./token.js";

const page = document.getElementById("demo");
const { issuer, clientId, redirectUri, api, ordersUrl } = page.dataset;
const client = new Client({ issuer, clientId, redirectUri, resource: api });

const BASIC = "openid profile email orders:read";
let tokens = null;
let refreshes = 0;

const actions = {
  "sign-in": () => client.signIn({ scope: BASIC }),
  "sign-in-silently": () => client.signIn({ scope: BASIC, prompt: "none" }),
  orders: () => call(ordersUrl),
  order: placeOrder,
  userinfo: async () => answer(await client.userinfo(tokens)),
  refresh: async () => {
    tokens = await client.refresh(tokens);
    refreshes += 1;
    await showTokens();
    say("New tokens. The old refresh token works no more: using it again would end them all.");
  },
  revoke: async () => {
    await client.revoke(tokens.refresh_token ?? tokens.access_token);
    say("Revoked. The access token has not expired, but see what the API says to it now.");
  },
  "sign-out": () => client.signOut(tokens),
};

// Asks the API first, and the person only where the API says that a permission is missing.
async function placeOrder() {
  const response = await client.call(ordersUrl, tokens, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ item: "Bramley apples", quantity: 3 }),
  });
  const missing = /error="insufficient_scope".*scope="([^"]+)"/.exec(response.headers.get("WWW-Authenticate") ?? "");
  if (response.status === 403 && missing) {
    say(`The API wants ${missing[1]}. You are being asked for it.`);
    await client.signIn({ scope: [...new Set([...BASIC.split(" "), ...missing[1].split(" ")])].join(" "), then: "order" });
    return;
  }
  await answer(response);
}

async function call(url) {
  await answer(await client.call(url, tokens));
}

// Shows what an endpoint said: status, challenge and body.
async function answer(response) {
  const body = await response.text();
  const challenge = response.headers.get("WWW-Authenticate");
  document.getElementById("answer").hidden = false;
  document.getElementById("answer-title").textContent = `${new URL(response.url).pathname} answered ${response.status}`;
  document.getElementById("answer-challenge").textContent = challenge ? `WWW-Authenticate: ${challenge}` : "";
  document.getElementById("answer-body").textContent = pretty(body);
  say(response.ok ? "" : `The API refused with ${response.status}.`, !response.ok);
  return response.ok ? body : null;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function showTokens() {
  const signed = await Promise.all([tokens.id_token, tokens.access_token].map((token) => isSigned(token, client.keys)));
  showToken(document.getElementById("id-token"), tokens.id_token, signed[0]);
  showToken(document.getElementById("access-token"), tokens.access_token, signed[1]);
  const times = { 0: "not used yet", 1: "used once" }[refreshes] ?? `used ${refreshes} times`;
  document.getElementById("refresh-state").textContent = tokens.refresh_token ? times : "none was given";
  page.querySelector('[data-action="refresh"]').disabled = !tokens.refresh_token;
  document.getElementById("granted").textContent = tokens.scope ?? BASIC;
}

async function signedIn(answered) {
  tokens = answered.tokens;
  document.getElementById("signed-out").hidden = true;
  document.getElementById("signed-in").hidden = false;
  await showTokens();
  const person = await (await client.userinfo(tokens)).json();
  document.getElementById("name").textContent = person.name ?? person.email ?? person.sub;
  if (Object.hasOwn(actions, answered.then)) {
    await actions[answered.then]();
  }
}

function say(text, isBad = false) {
  const message = document.getElementById("message");
  message.textContent = text;
  message.classList.toggle("error", isBad);
}

async function run(name, button) {
  button.disabled = true;
  say("");
  try {
    await actions[name]();
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
  }
}

function complain(error) {
  const known = error instanceof Refused;
  say(known ? error.message : `That did not work: ${error.message}`, true);
  if (!known) {
    console.error(error);
  }
}

for (const button of page.querySelectorAll("[data-action]")) {
  button.addEventListener("click", () => run(button.dataset.action, button));
}
setInterval(tick, 1000);

try {
  await client.discover();
  if (client.signedOut()) {
    say("You are signed out, here and at the identity center.");
  }
  const answered = await client.answered();
  if (answered) {
    await signedIn(answered);
  }
} catch (error) {
  complain(error);
}
page.dataset.ready = "true";
