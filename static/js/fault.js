// After a refusal the first field at fault has the focus. Without JavaScript it is the first field.
document.querySelector("main [aria-invalid=true]")?.focus();
