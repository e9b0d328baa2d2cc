// A button that waits before it may be pressed again, and says so. Without JavaScript it may be pressed at once.
for (const button of document.querySelectorAll("[data-wait]")) {
  const words = button.textContent;
  let left = Number(button.dataset.wait);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waiting.replace("%s", left) : words;
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
}
