// Saves clicks; every page works without it.
"use strict";

// A form that is under way cannot be sent again: one click is one order.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});

// Coming back with the browser's back button starts afresh.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

const ask = async (address) => {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null; // The record system is being restarted; the next look will tell.
  }
};

// The panel of what was written back looks again every few seconds while the page is seen. When
// something was written, the cards that were given before it are replaced, unless somebody is in them.
const panel = document.querySelector("[data-refresh]");
const cards = document.querySelector("[data-cards]");
if (panel) {
  const stamp = (part) => part.querySelector("[data-stamp]")?.dataset.stamp;
  const look = async () => {
    if (document.hidden || panel.contains(document.activeElement)) return;
    const html = await ask(panel.dataset.refresh);
    if (html === null) return;
    const found = document.createElement("template");
    found.innerHTML = html;
    if (stamp(found.content) === stamp(panel)) return;
    panel.replaceChildren(found.content);
    if (cards && !cards.contains(document.activeElement)) {
      const fresh = await ask(cards.dataset.cards);
      if (fresh !== null) cards.innerHTML = fresh;
    }
  };
  setInterval(look, 3000);
  const now = document.querySelector("[data-refresh-now]");
  now?.addEventListener("click", (event) => {
    event.preventDefault();
    look();
  });
}

// The patient list narrows while one types.
const find = document.querySelector("#q");
const counted = document.querySelector("[data-count]");
const listed = document.querySelectorAll("tr[data-words]");
if (find && counted && listed.length) {
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of listed) {
      row.hidden = !row.dataset.words.toLowerCase().includes(wanted);
      if (!row.hidden) shown += 1;
    }
    counted.textContent = `${shown} ${shown === 1 ? "patient" : "patients"}`;
  });
}

// What was just done is read out first.
document.querySelector("#note")?.focus({ preventScroll: true });
