// A meter below a new password: how hard it is to guess, asked of this server when the typing rests. Nothing is asked
// for each key, and without JavaScript the rule stands there as text.
for (const box of document.querySelectorAll("[data-strength]")) {
  const input = box.querySelector("input");
  const meter = document.createElement("meter");
  const words = document.createElement("p");
  Object.assign(meter, { min: 0, max: 4, low: 2, high: 3, optimum: 4, hidden: true });
  meter.setAttribute("aria-label", box.dataset.label);
  words.className = "hint";
  words.setAttribute("role", "status");
  const line = document.createElement("div");
  line.className = "strength";
  line.append(meter, words);
  box.after(line);
  let resting = 0;
  const ask = async () => {
    const password = input.value;
    const form = new FormData(input.form);
    const sent = new URLSearchParams({ password, email: form.get("email") ?? "" });
    try {
      const answer = await fetch(box.dataset.strength, {
        method: "POST",
        headers: { "X-CSRFToken": form.get("csrfmiddlewaretoken") },
        body: sent,
      });
      if (!answer.ok || password !== input.value) return;
      const said = await answer.json();
      meter.value = said.score;
      meter.hidden = false;
      words.textContent = said.words;
    } catch {
      meter.hidden = true;
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(resting);
    if (input.value) resting = setTimeout(ask, 500);
    else {
      meter.hidden = true;
      words.textContent = "";
    }
  });
}
