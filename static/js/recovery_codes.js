// Buttons that copy and print recovery codes. Without JavaScript they can be downloaded and marked all the same.
const acts = document.querySelector("[data-copy]");
const add = (label, act) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", () => act(button));
  acts.append(button);
};
if (navigator.clipboard) {
  add(acts.dataset.copyLabel, async (button) => {
    await navigator.clipboard.writeText(acts.dataset.copy);
    button.textContent = acts.dataset.copied;
    button.setAttribute("aria-live", "polite");
  });
}
add(acts.dataset.printLabel, () => window.print());
