// A double click sends a form once. A second try is let through: the answer may have been lost on its way.
const sent = new WeakMap();
document.addEventListener("submit", (event) => {
  if (event.timeStamp - (sent.get(event.target) ?? -Infinity) < 2000) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});
