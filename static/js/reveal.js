// A button beside a password that shows it. Without JavaScript there is no button, and nothing is missing.
for (const box of document.querySelectorAll("[data-reveal]")) {
  const input = box.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = box.dataset.reveal;
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.textContent = show ? box.dataset.hide : box.dataset.reveal;
    button.setAttribute("aria-pressed", String(show));
  });
  box.append(button);
}
