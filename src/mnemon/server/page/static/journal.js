// The live journal: asks every two seconds for what is new. Nothing is held open, so a browser that
// hangs or sleeps costs the server nothing; a hidden page does not ask.

import { say } from "./page.js";

const table = document.querySelector("table.journal");
const rows = table.tBodies[0];
const button = document.querySelector("[data-live]");
const pause = 2000;
const longest = 60_000;
const most = 500;
let newest = table.dataset.newest;
let wait = pause;
let live = true;

function show(text) {
  button.querySelector("span:last-child").textContent = text;
  button.setAttribute("aria-pressed", String(live));
}

async function ask() {
  const address = new URL(table.dataset.events, location.href);
  address.searchParams.set("after", newest);
  const answer = await fetch(address);
  if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
  newest = answer.headers.get("Mnemon-Newest");
  const made = document.createElement("template");
  made.innerHTML = await answer.text(); // rows that the server made and escaped
  const fresh = made.content.querySelectorAll("tr");
  if (!fresh.length) return;
  fresh.forEach((row) => row.classList.add("fresh"));
  rows.prepend(...fresh);
  document.querySelector("#main > .empty")?.remove();
  while (rows.rows.length > most) rows.deleteRow(-1);
  say(fresh.length === 1 ? "One new event" : `${fresh.length} new events`);
}

async function loop() {
  if (live && !document.hidden) {
    try {
      await ask();
      wait = pause;
      show("Live");
    } catch {
      wait = Math.min(longest, wait * 2);
      show("Out of reach, trying again");
    }
  }
  setTimeout(loop, wait);
}

button.parentElement.hidden = false;
button.addEventListener("click", () => {
  live = !live;
  show(live ? "Live" : "Paused");
});
setTimeout(loop, pause);
