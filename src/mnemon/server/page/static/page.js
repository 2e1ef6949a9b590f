// What every page has: the theme switch, keys, and a search that keeps the page where it is.

const root = document.documentElement;
const themes = ["system", "light", "dark"];
const button = document.querySelector("[data-theme-switch]");

function theme() {
  return root.dataset.theme ?? "system";
}

function label() {
  button.querySelector("span").textContent = `Theme: ${theme()}`;
}

if (button) {
  button.hidden = false;
  label();
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(theme()) + 1) % themes.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem("mnemon-theme", next);
    } catch {
      // It holds for this page only.
    }
    label();
    say(`Theme: ${next}`);
  });
}

export function say(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function step(by) {
  const links = [...document.querySelectorAll("#main a.open")];
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.max(0, Math.min(links.length - 1, next))].focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.getElementById("q");
  if (event.key === "Escape" && event.target === field) field.blur();
  if (typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    if (field) field.select();
    else document.querySelector("header nav a").click();
  }
  if ((event.key === "j" && step(1)) || (event.key === "k" && step(-1))) event.preventDefault();
});

// Search without loading the page anew, so that a screen reader is told of the hits only. Where
// anything goes wrong the browser does what it would have done without this.
const form = document.querySelector("form[data-search]");

async function search(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.redirected) throw new Error("signed out");
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const results = found.getElementById("results");
  if (!results) throw new Error("no results in the answer");
  document.getElementById("results").replaceWith(results);
  document.title = found.title;
  say(results.querySelector("[data-said], .wrong")?.textContent ?? "");
}

if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = [...new FormData(form)].filter(([, value]) => value !== "");
    const address = `/?${new URLSearchParams(asked)}`;
    form.setAttribute("aria-busy", "true");
    try {
      await search(address);
      history.pushState(null, "", address);
    } catch {
      location.assign(address);
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
  window.addEventListener("popstate", () => location.reload());
}
