// Times in the viewer's zone, Airflow's theme, forms that apply themselves, links that Airflow's frame would swallow.
"use strict";

const framed = window.top !== window.self;

function airflowIsDark() {
  try {
    if (framed) return window.parent.document.documentElement.classList.contains("dark");
  } catch { /* another site's frame: the browser's own preference decides */ }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function applyTheme() {
  document.documentElement.dataset.theme = airflowIsDark() ? "dark" : "light";
}

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
try {
  if (framed) new MutationObserver(applyTheme).observe(window.parent.document.documentElement, { attributeFilter: ["class"] });
} catch { /* the same */ }

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
for (const element of document.querySelectorAll("time")) {
  element.title = element.textContent;
  element.textContent = shown.format(new Date(element.dateTime));
}

// datetime-local inputs are in the viewer's zone; what is sent is UTC, so that an address means the same for everybody.
function toLocalInput(moment) {
  const two = (number) => String(number).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

for (const form of document.querySelectorAll("form.filters")) {
  for (const input of form.querySelectorAll("[data-moment]")) {
    const sent = form.elements[input.dataset.moment];
    if (sent.value) input.value = toLocalInput(new Date(sent.value));
    input.addEventListener("change", () => {
      sent.value = input.value ? new Date(input.value).toISOString() : "";
      form.elements.last.value = "";
    });
  }
  for (const select of form.querySelectorAll("[data-apply]")) select.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", () => {
    for (const element of form.elements) if (element.name && !element.value) element.disabled = true;
    document.body.classList.add("busy");
  });
}
// A page that comes back from the browser's memory is as it was left.
addEventListener("pageshow", (event) => {
  document.body.classList.remove("busy");
  if (event.persisted) for (const element of document.querySelectorAll("form.filters :disabled")) element.disabled = false;
});

// A page that takes its time says so; a file or a page elsewhere does not replace this one.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.defaultPrevented;
  if (link && isPlain && !link.matches("[download], .outside, [data-own]")) document.body.classList.add("busy");
});
for (const form of document.querySelectorAll("form.find")) {
  form.addEventListener("submit", () => document.body.classList.add("busy"));
}
// "/" leads to the search, as in most lists.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
  const search = document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

const outside = document.getElementById("outside");
function offerAddress(address) {
  const field = outside.querySelector("input");
  field.value = address;
  outside.hidden = false;
  field.focus();
  field.select();
}
outside.querySelector("[data-copy]").addEventListener("click", async () => {
  const field = outside.querySelector("input");
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
});
outside.querySelector("[data-close]").addEventListener("click", () => { outside.hidden = true; });

for (const link of document.querySelectorAll("a.outside, a[data-own]")) {
  if (!framed) {
    if (link.hasAttribute("data-own")) link.hidden = true;
    continue;
  }
  link.addEventListener("click", (event) => {
    event.preventDefault();
    offerAddress(link.href);
  });
}

// A page that waits for a task looks again by itself, unless somebody is about to do something.
if (document.querySelector("[data-waits]")) {
  setInterval(() => { if (!document.querySelector("dialog[open]")) location.reload(); }, 4000);
}

// Actions: one dialog each. What is asked for is recorded first; a run is then started with the person's own login.
const told = document.getElementById("told");
const TOLD_KEY = "connector-logs-told";
try {
  const news = sessionStorage.getItem(TOLD_KEY);
  if (news && told) { told.textContent = news; told.hidden = false; }
  sessionStorage.removeItem(TOLD_KEY);
} catch { /* no storage: the page itself shows what came of it */ }

async function send(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-Connector-Logs": "1" },
    body: JSON.stringify(body),
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const detail = content.detail;
    throw new Error(typeof detail === "string" ? detail : `Airflow answered with ${answer.status}.`);
  }
  return content;
}

for (const button of document.querySelectorAll("[data-dialog]")) {
  const dialog = document.getElementById(button.dataset.dialog);
  const form = dialog.querySelector("form");
  const refusal = form.querySelector(".refusal");
  button.addEventListener("click", () => { refusal.hidden = true; dialog.showModal(); });
  form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(new FormData(form));
    if ("company_id" in body) body.company_id = Number(body.company_id);
    const submit = form.querySelector("button");
    const label = submit.textContent;
    submit.disabled = true;
    submit.textContent = "Please wait…";
    try {
      const done = await send(form.dataset.path, body);
      if (done.dag_id) {
        await send(`../api/v2/dags/${encodeURIComponent(done.dag_id)}/dagRuns`, { logical_date: null, conf: done.conf });
      }
      for (const pool of done.pools || []) await send("../api/v2/pools", pool);
      try { sessionStorage.setItem(TOLD_KEY, done.message); } catch { /* see above */ }
      location.reload();
    } catch (error) {
      refusal.textContent = error.message;
      refusal.hidden = false;
      submit.disabled = false;
      submit.textContent = label;
    }
  });
}
