// JSON Web Tokens as a client sees them: taken apart, and checked against the published keys.

export function decoded(token) {
  const [header, payload, signature] = token.split(".");
  return { header: json(header), claims: json(payload), signed: `${header}.${payload}`, signature: bytes(signature) };
}

const VERIFYING = {
  ES256: [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, "RSASSA-PKCS1-v1_5"],
};

// Whether one of these keys (a JWK Set) signed this token. The key decides the algorithm, never the token.
export async function isSigned(token, keys) {
  const { header, signed, signature } = decoded(token);
  const jwk = keys.find((key) => key.kid === header.kid);
  const algorithms = jwk && VERIFYING[jwk.alg];
  if (!algorithms || header.alg !== jwk.alg) {
    return false;
  }
  const key = await crypto.subtle.importKey("jwk", jwk, algorithms[0], false, ["verify"]);
  return crypto.subtle.verify(algorithms[1], key, signature, new TextEncoder().encode(signed));
}

export function base64url(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

function json(text) {
  return JSON.parse(new TextDecoder().decode(bytes(text)));
}
