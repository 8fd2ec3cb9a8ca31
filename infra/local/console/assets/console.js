// What a page needs beyond htmx: the stream of changes, dropping files, keys.
"use strict";

// Changes arrive as the names of topics; parts of the page wait for `live:{topic}`.
let stream = null;

function listen() {
  stream = new EventSource("/live");
  stream.addEventListener("open", () => document.documentElement.removeAttribute("data-offline"));
  stream.addEventListener("error", () => document.documentElement.setAttribute("data-offline", ""));
  stream.addEventListener("message", (event) => {
    for (const topic of event.data.split(" ")) htmx.trigger(document.body, `live:${topic}`);
  });
}

// A browser has few connections to a host: pages nobody looks at do not keep one.
document.addEventListener("visibilitychange", () => {
  if (stream) stream.close();
  if (!document.hidden) listen();
});

// What a person has opened stays open when a part of the page is renewed.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");

function notice(text, bad) {
  const line = document.createElement("p");
  line.textContent = text;
  line.className = bad ? "bad" : "good";
  document.getElementById("notices").append(line);
  setTimeout(() => line.remove(), bad ? 15000 : 5000);
}

document.addEventListener("notice", (event) => notice(event.detail.value));
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.requestConfig.verb !== "get") notice("That did not work. The local host's terminal says more.", true);
});

async function send(file) {
  const organization = document.getElementById("organization").value;
  const trying = zone.getAttribute("action") === "/workbench";
  const address = `${zone.getAttribute("action")}?organization=${encodeURIComponent(organization)}&name=${encodeURIComponent(file.name)}`;
  try {
    const answer = await fetch(address, { method: "POST", body: file });
    if (answer.ok && trying) location.assign(answer.headers.get("location"));
    else if (answer.ok) notice(`${file.name} is dropped.`);
    else notice(`${file.name} was not taken: ${await answer.text()}.`, true);
  } catch {
    notice(`${file.name} could not be sent. Is the local host running?`, true);
  }
}

const zone = document.getElementById("zone");
if (zone) {
  const input = document.getElementById("file");
  input.addEventListener("change", async () => {
    for (const file of input.files) await send(file);
    input.value = "";
  });
  zone.addEventListener("submit", (event) => event.preventDefault());
  const chosen = document.getElementById("organization");
  chosen.addEventListener("change", () => {
    document.cookie = `iris_console_organization=${encodeURIComponent(chosen.value)}; Path=/; SameSite=Strict; Max-Age=31536000`;
  });
  // The whole page takes files: a file dropped beside the zone would otherwise replace the page.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    for (const file of event.dataTransfer.files) await send(file);
  });
}

// Keys: 1 to 6 open a view, / goes to the search, u chooses a file.
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const link = document.querySelector(`nav [aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  const search = document.getElementById("q");
  const file = document.getElementById("file");
  if (link) link.click();
  else if (event.key === "/" && search) search.focus();
  else if (event.key === "u" && file) file.click();
  else return;
  event.preventDefault();
});

listen();
