// Passkeys. A form with data-passkey="get" or "create" asks the browser's passkeys when it is sent, puts their answer
// into its field "credential" and goes on as an ordinary form. What is asked comes from data-options; what people are
// told stands in the form's data attributes. With data-conditional, passkeys are offered in the autofill of the e-mail
// field, too.

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const withBytes = (list) => list?.map((one) => ({ ...one, id: toBytes(one.id) }));

const OFFERED = "passkey-offered";
const RENEW_BEFORE = 15_000;
let autofill; // what aborts the offer in the autofill: a browser has one ceremony at a time

async function optionsOf(form) {
  const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" }, redirect: "error" });
  if (!answer.ok) throw new TypeError("no options");
  const options = await answer.json();
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
  if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
  return options;
}

function asJson(credential) {
  const { response } = credential;
  const told = { clientDataJSON: toText(response.clientDataJSON) };
  if (response.attestationObject) {
    told.attestationObject = toText(response.attestationObject);
    told.transports = response.getTransports?.() ?? [];
  } else {
    told.authenticatorData = toText(response.authenticatorData);
    told.signature = toText(response.signature);
    told.userHandle = response.userHandle?.byteLength ? toText(response.userHandle) : null;
  }
  const id = toText(credential.rawId);
  const clientExtensionResults = credential.getClientExtensionResults();
  return { id, rawId: id, type: credential.type, response: told, clientExtensionResults };
}

function send(form, credential) {
  const answer = asJson(credential);
  form.elements.credential.value = JSON.stringify(answer);
  const remember = document.querySelector("input[type=checkbox][name=remember]");
  if (form.elements.remember) form.elements.remember.value = remember?.checked ? "on" : "";
  sessionStorage.setItem(OFFERED, answer.id);
  form.submit();
}

function tell(form, why) {
  const note = form.querySelector("[role=alert]");
  note.textContent = form.dataset[why] ?? form.dataset.failed;
  note.hidden = false;
}

function whyNot(error, began, timeout) {
  if (error.name === "NotAllowedError") return Date.now() - began > timeout - 1000 ? "late" : "cancelled";
  if (error.name === "InvalidStateError") return "known";
  if (error.name === "NotSupportedError" || error.name === "ConstraintError") return "unfit";
  if (error.name === "SecurityError") return "elsewhere";
  if (error instanceof TypeError) return "offline";
  return "failed";
}

async function ask(form) {
  const button = form.querySelector("button");
  const began = Date.now();
  let timeout = Infinity;
  form.querySelector("[role=alert]").hidden = true;
  autofill?.abort();
  button.disabled = true;
  try {
    const publicKey = await optionsOf(form);
    ({ timeout } = publicKey);
    const how = form.dataset.passkey === "create" ? "create" : "get";
    send(form, await navigator.credentials[how]({ publicKey }));
  } catch (error) {
    tell(form, whyNot(error, began, timeout));
    if ("conditional" in form.dataset) offer(form);
  } finally {
    button.disabled = false;
  }
}

// In the autofill, until a passkey is chosen or the button is pressed. Each challenge is renewed before it is too old.
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const control = (autofill = new AbortController());
  while (!control.signal.aborted) {
    const round = new AbortController();
    const end = () => round.abort();
    control.signal.addEventListener("abort", end);
    let timer;
    try {
      const publicKey = await optionsOf(form);
      timer = setTimeout(end, publicKey.timeout - RENEW_BEFORE);
      send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: round.signal }));
      return;
    } catch (error) {
      if (error.name !== "AbortError") return; // the button is still there
    } finally {
      clearTimeout(timer);
      control.signal.removeEventListener("abort", end);
    }
  }
}

// What the browser's passkeys should know: which of them are good here, and which is not.
async function keepInStep() {
  const list = document.querySelector("[data-passkeys-accepted]");
  const offered = sessionStorage.getItem(OFFERED);
  sessionStorage.removeItem(OFFERED);
  try {
    if (list) {
      const { rp: rpId, handle: userId, user: name, display: displayName, passkeysAccepted } = list.dataset;
      const allAcceptedCredentialIds = passkeysAccepted.split(" ").filter(Boolean);
      await PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds });
      await PublicKeyCredential.signalCurrentUserDetails?.({ rpId, userId, name, displayName });
    } else if (offered && document.querySelector(".unknown-passkey")) {
      const rpId = document.querySelector("form[data-passkey]").dataset.rp;
      await PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: offered });
    }
  } catch {
    // A courtesy: nothing depends on it.
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!globalThis.PublicKeyCredential) {
    form.querySelector("button").disabled = true;
    if ("conditional" in form.dataset) form.hidden = true;
    else tell(form, "unsupported");
    continue;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation(); // the guard against double clicks would swallow a second try
    ask(form);
  });
  if ("conditional" in form.dataset) offer(form);
}
if (globalThis.PublicKeyCredential) keepInStep();
