// The list of requests at the foot of the page. Paths and statuses only: no token ever stands in it.

const KEPT = "demo-log";
const list = document.getElementById("log");

// A request by this page, told in one line. Without cookies: what the tokens alone are worth is what we want to see.
export async function request(url, options = {}) {
  const began = performance.now();
  const method = options.method ?? "GET";
  try {
    const response = await fetch(url, { cache: "no-store", credentials: "omit", ...options });
    add({ method, path: pathOf(url), status: response.status, took: Math.round(performance.now() - began) });
    return response;
  } catch (error) {
    add({ method, path: pathOf(url), status: "no answer", took: Math.round(performance.now() - began) });
    throw error;
  }
}

// The browser leaves this page. The list is kept in this tab until it comes back.
export function leaving(url) {
  add({ method: "→", path: pathOf(url), status: "this page is left" });
  sessionStorage.setItem(KEPT, JSON.stringify(entries));
}

const entries = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
sessionStorage.removeItem(KEPT);
entries.forEach(show);

function add(entry) {
  entries.push(entry);
  show(entry);
}

function show({ method, path, status, took }) {
  const item = document.createElement("li");
  item.dataset.kind = typeof status === "number" ? (status < 400 ? "good" : "bad") : "";
  item.append(...Object.entries({ method, path, status, took: took === undefined ? "" : `${took} ms` }).map(part));
  list.append(item);
  list.parentElement.scrollTop = list.parentElement.scrollHeight;
}

function part([name, text]) {
  const span = document.createElement("span");
  span.dataset.part = name;
  span.textContent = text;
  return span;
}

function pathOf(url) {
  return new URL(url, location.href).pathname;
}
