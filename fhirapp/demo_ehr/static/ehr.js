// Saves clicks; every page works without it.
"use strict";

// The panel of what was written back looks again every few seconds while the page is seen.
const panel = document.querySelector("[data-refresh]");
if (panel) {
  const look = async () => {
    if (document.hidden || panel.contains(document.activeElement)) return;
    try {
      const answer = await fetch(panel.dataset.refresh, { headers: { Accept: "text/html" } });
      const html = answer.ok ? await answer.text() : null;
      if (html !== null && html !== panel.dataset.shown) {
        panel.innerHTML = html;
        panel.dataset.shown = html;
      }
    } catch {
      // The record system is being restarted; the next look will tell.
    }
  };
  panel.dataset.shown = panel.innerHTML;
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

// One click is one order: a form that is under way cannot be sent again.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    setTimeout(() => form.addEventListener("submit", (again) => again.preventDefault()), 0);
  });
}

// What was just done is read out first.
document.querySelector("#note")?.focus({ preventScroll: true });
