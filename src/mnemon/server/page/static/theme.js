// Before the first paint, so that a chosen theme does not flash in. "system" is the absence of one.
try {
  const chosen = localStorage.getItem("mnemon-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is forbidden here: the system's theme is used.
}
