// Live pages: when the log has a new head, take over the main part of the same page. Without this file a link reloads.
"use strict";
const root = document.documentElement;
const note = document.getElementById("news");
const shows = () => document.querySelector("main").dataset.head;
const busy = () => {
  const field = document.activeElement;
  return field && field.matches("input, textarea, select") && document.querySelector("main").contains(field);
};
async function renew(head) {
  if (head === shows()) return;
  if (busy() || document.querySelector("main").dataset.still === "yes") {
    note.hidden = false;
    return;
  }
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const open = [...document.querySelectorAll("main details[open][id]")].map((each) => each.id);
  const focused = document.activeElement && document.activeElement.getAttribute("href");
  for (const name of ["main", "#where", "#state"]) {
    const now = document.querySelector(name), next = fresh.querySelector(name);
    if (now && next) now.replaceWith(document.importNode(next, true));
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  document.title = fresh.title;
  document.getElementById("told").textContent = `Updated: ${document.querySelector("#state")?.textContent.trim() ?? ""}`;
}
if (root.dataset.live === "yes" && "EventSource" in window) {
  const stream = new EventSource(`/live?head=${encodeURIComponent(shows())}`);
  stream.addEventListener("head", (event) => renew(JSON.parse(event.data).head).catch(() => { note.hidden = false; }));
}
const slider = document.getElementById("slider");
slider?.addEventListener("input", () => { slider.form.querySelector("output").textContent = slider.value; });
slider?.addEventListener("change", () => slider.form.requestSubmit());
