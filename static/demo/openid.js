// A public client of OpenID Connect: authorization code with PKCE, and what one can do with the tokens.
// State, nonce and verifier wait in sessionStorage during the round trip; tokens never leave this page's memory.

import { base64url, decoded, isSigned } from "./jwt.js";
import { leaving, request } from "./log.js";

const SIGN_IN = "demo-sign-in";
const SIGN_OUT = "demo-sign-out";

// What the server or a check refused, in words for the page.
export class Refused extends Error {}

export class Client {
  constructor({ issuer, clientId, redirectUri, resource }) {
    Object.assign(this, { issuer, clientId, redirectUri, resource });
  }

  // What the issuer says of itself. It is asked once, and again where no answer came.
  discover() {
    this.discovery ??= this.fetchMetadata().catch((error) => {
      this.discovery = null;
      throw error;
    });
    return this.discovery;
  }

  async fetchMetadata() {
    const response = await request(`${this.issuer}/.well-known/openid-configuration`);
    const metadata = await response.json();
    if (metadata.issuer !== this.issuer) {
      throw new Refused(`The discovery document is of another issuer: ${metadata.issuer}`);
    }
    this.endpoints = metadata;
    this.keys = (await (await request(metadata.jwks_uri)).json()).keys;
  }

  // Leaves for the authorization endpoint. `then` is what to do when we are back.
  async signIn({ scope, prompt, then }) {
    await this.discover(); // who clicks as soon as there is a button is quicker than the answer
    const waiting = { state: random(), nonce: random(), verifier: random(), then };
    sessionStorage.setItem(SIGN_IN, JSON.stringify(waiting));
    const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(waiting.verifier));
    leave(this.endpoints.authorization_endpoint, {
      response_type: "code",
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      scope,
      resource: this.resource,
      state: waiting.state,
      nonce: waiting.nonce,
      code_challenge: base64url(challenge),
      code_challenge_method: "S256",
      ...(prompt && { prompt }),
    });
  }

  // The answer in this page's address, if there is one: its tokens and what was to be done then, or null.
  async answered() {
    const answer = new URLSearchParams(location.search);
    if (!answer.has("code") && !answer.has("error")) {
      return null;
    }
    history.replaceState(null, "", location.pathname); // a code in the address would end up in the history
    const waiting = JSON.parse(sessionStorage.getItem(SIGN_IN) ?? "null");
    sessionStorage.removeItem(SIGN_IN); // good for one answer
    if (!waiting || answer.get("state") !== waiting.state) {
      throw new Refused("An answer came that this tab has not asked for (state). It was thrown away.");
    }
    if (answer.get("iss") !== this.issuer) {
      throw new Refused("The answer is not by our issuer (iss). It was thrown away."); // RFC 9207
    }
    if (answer.has("error")) {
      throw new Refused(told(answer.get("error"), answer.get("error_description")));
    }
    const tokens = await this.tokens({
      grant_type: "authorization_code",
      code: answer.get("code"),
      redirect_uri: this.redirectUri,
      code_verifier: waiting.verifier,
    });
    await this.checkIdToken(tokens.id_token, { nonce: waiting.nonce });
    return { tokens, then: waiting.then };
  }

  async refresh(tokens) {
    const renewed = await this.tokens({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    if (renewed.id_token) {
      await this.checkIdToken(renewed.id_token, { sub: decoded(tokens.id_token).claims.sub });
    }
    return { ...tokens, ...renewed };
  }

  async tokens(fields) {
    const response = await this.post(this.endpoints.token_endpoint, fields);
    const answer = await response.json();
    if (!response.ok) {
      throw new Refused(told(answer.error, answer.error_description));
    }
    return answer;
  }

  revoke(token) {
    return this.post(this.endpoints.revocation_endpoint, { token });
  }

  userinfo(tokens) {
    return this.call(this.endpoints.userinfo_endpoint, tokens);
  }

  call(url, tokens, options = {}) {
    return request(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${tokens.access_token}` } });
  }

  // Leaves for the sign-out page of the issuer, which sends the browser back here.
  signOut(tokens) {
    const state = random();
    sessionStorage.setItem(SIGN_OUT, state);
    leave(this.endpoints.end_session_endpoint, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: this.redirectUri,
      state,
    });
  }

  // Whether the browser has just come back from signing out.
  signedOut() {
    const state = sessionStorage.getItem(SIGN_OUT);
    sessionStorage.removeItem(SIGN_OUT);
    if (!state || new URLSearchParams(location.search).get("state") !== state) {
      return false;
    }
    history.replaceState(null, "", location.pathname);
    return true;
  }

  // OpenID Connect Core sections 3.1.3.7 and 12.2. `expected` are claims that it must repeat.
  async checkIdToken(token, expected) {
    const { claims } = decoded(token);
    const faults = {
      signature: !(await isSigned(token, this.keys)),
      iss: claims.iss !== this.issuer,
      aud: claims.aud !== this.clientId,
      exp: claims.exp <= Date.now() / 1000,
    };
    for (const [name, value] of Object.entries(expected)) {
      faults[name] = claims[name] !== value;
    }
    const wrong = Object.keys(faults).filter((name) => faults[name]);
    if (wrong.length) {
      throw new Refused(`The ID token is not for this sign-in (${wrong.join(", ")}). It was thrown away.`);
    }
  }

  post(url, fields) {
    return request(url, { method: "POST", body: new URLSearchParams({ ...fields, client_id: this.clientId }) });
  }
}

function told(error, description) {
  return description && description !== error ? `${error}: ${description}` : error;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function leave(endpoint, parameters) {
  leaving(endpoint);
  location.assign(`${endpoint}?${new URLSearchParams(parameters)}`);
}
