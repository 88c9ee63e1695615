// The desk: a touch shows at once and goes to the queue; what other phones did comes with each answer of the server.
(() => {
  "use strict";

  const SAID = {
    expected: "attendue",
    present: "arrivée",
    late: "en retard",
    excused: "excusée",
    no_show: "absente",
    left: "partie",
  };
  const UNDO_MS = 20000;
  const hour = new Intl.DateTimeFormat("fr-FR", { timeZone: "Europe/Paris", hour: "numeric", minute: "2-digit" });
  const at = (ms) => {
    const parts = Object.fromEntries(hour.formatToParts(ms).map((part) => [part.type, part.value]));
    return `${Number(parts.hour)}\u00a0h\u00a0${parts.minute}`;
  };
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const plural = (count, one, many) => `${count}\u00a0${count > 1 ? many : one}`;

  let desk;
  let undoTimer;

  const rowOf = (id) => desk.querySelector(`[data-participant="${CSS.escape(id)}"]`);
  const rows = () => [...desk.querySelectorAll("[data-participant]")];

  // Show a row as its last gesture says, in the list where it belongs, by name.
  const paint = (row, { state, delegates, time, isUnsent }) => {
    Object.assign(row.dataset, { state, delegates: String(delegates), at: String(time) });
    row.querySelector("[data-said]").hidden = state === "expected";
    row.querySelector("[data-words]").textContent = time ? `${SAID[state]} à ${at(time)}` : SAID[state];
    row.querySelectorAll("[data-unsent]").forEach((element) => {
      element.hidden = !isUnsent;
    });
    row.querySelector("[data-if=waited]").hidden = !["expected", "late"].includes(state);
    const list = [...desk.querySelectorAll("[data-group]")].find((group) => group.dataset.group.split(" ").includes(state)).querySelector("ul");
    if (row.parentElement === list) return;
    const isInside = row.contains(document.activeElement);
    const after = [...list.children].find((other) => other.dataset.name.localeCompare(row.dataset.name, "fr") > 0);
    list.insertBefore(row, after || null);
    row.querySelector("details").open = false;
    // Where a row goes, the keyboard goes with it, and the screen stays where it is.
    list.closest("[data-group]").hidden = false;
    if (isInside) row.querySelector("summary").focus({ preventScroll: true });
  };

  const count = () => {
    const all = rows();
    const here = all.filter((row) => row.dataset.state === "present");
    const people = here.reduce((sum, row) => sum + Number(row.dataset.delegates), 0);
    desk.querySelector("[data-here]").textContent = plural(here.length, "arrivée", "arrivées");
    desk.querySelector("[data-all]").textContent = String(all.length);
    desk.querySelector("[data-bar]").setAttribute("width", String(here.length));
    desk.querySelector("[data-people]").textContent = plural(people, "personne", "personnes");
    desk.querySelectorAll("[data-group]").forEach((group) => {
      const number = group.querySelectorAll("[data-participant]").length;
      group.hidden = !number;
      group.querySelector("[data-count]").textContent = String(number);
    });
  };

  // What the server knows, or what it does not know yet where that is newer. Each row is written once: it does not go there and back.
  const merge = (people) => {
    const unsent = new Map(window.dayQueue.acts().filter((act) => act.participant).map((act) => [act.participant, act]));
    new Set([...Object.keys(people), ...unsent.keys()]).forEach((id) => {
      const [row, one, act] = [rowOf(id), people[id], unsent.get(id)];
      if (!row) return;
      const since = one ? one.at : Number(row.dataset.at);
      if (act && act.at >= since) paint(row, { state: act.state, delegates: act.delegates, time: act.at, isUnsent: true });
      else if (one) paint(row, { state: one.state, delegates: one.delegates, time: one.at, isUnsent: false });
    });
    count();
  };

  const showLine = ({ isLost, waiting }) => {
    desk.querySelector("[data-offline]").hidden = !isLost;
    const words = waiting ? `, ${plural(waiting, "geste", "gestes")} en attente` : "";
    desk.querySelector("[data-offline-words]").textContent = `Hors ligne${words}.`;
  };

  const say = (words, undo) => {
    const place = desk.querySelector("[data-undo]");
    const text = document.createElement("span");
    text.textContent = words;
    place.replaceChildren(text);
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-outline-primary btn-sm";
      button.textContent = "Annuler ce geste";
      button.addEventListener("click", undo);
      place.append(button);
    }
    clearTimeout(undoTimer);
    undoTimer = setTimeout(() => place.replaceChildren(), UNDO_MS);
  };

  const act = (row, state, delegates) => {
    const before = { state: row.dataset.state, delegates: Number(row.dataset.delegates) };
    const made = window.dayQueue.add({ participant: row.dataset.participant, state, delegates });
    paint(row, { state, delegates, time: made.at, isUnsent: true });
    count();
    say(`${row.dataset.name}\u00a0: ${SAID[state]}.`, () => {
      const back = window.dayQueue.add({ participant: row.dataset.participant, ...before });
      paint(row, { ...before, time: back.at, isUnsent: true });
      count();
      say(`${row.dataset.name}\u00a0: ${SAID[before.state]}, comme avant.`);
    });
  };

  // A badge holds the address of its owner's page, whose key begins with the participant's id in base 64.
  const participantIn = (text) => {
    const key = /\/jour\/([\w-]{22})\.[\w-]+$/.exec(text);
    if (!key) return null;
    const bytes = [...atob(`${key[1].replaceAll("-", "+").replaceAll("_", "/")}==`)].map((letter) => letter.charCodeAt(0));
    const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  const search = () => {
    const wanted = desk.querySelector("[data-search]").value.trim();
    const code = wanted.toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
    let shown = 0;
    rows().forEach((row) => {
      row.hidden = Boolean(wanted) && !folded(row.dataset.name).includes(folded(wanted)) && row.dataset.code !== code;
      shown += row.hidden ? 0 : 1;
    });
    const nobody = wanted && !shown ? "Personne de ce nom ni de ce code. Est-ce une structure qui arrive sans inscription\u00a0?" : "";
    desk.querySelector("[data-nobody]").textContent = nobody;
  };

  // A badge was read, here or by the phone's own camera: its owner has arrived.
  const arrive = (id) => {
    const row = rowOf(id);
    if (!row) say("Ce badge n’est pas sur la liste. Est-ce une structure qui arrive sans inscription\u00a0?");
    else if (row.dataset.state === "present") say(`${row.dataset.name}\u00a0: déjà arrivée.`);
    else act(row, "present", Number(row.dataset.delegates));
  };

  const showCamera = (isOn) => {
    const button = desk.querySelector("[data-scan]");
    button.textContent = isOn ? "Arrêter" : "Scanner";
    desk.querySelector("[data-aim]").hidden = !isOn;
    desk.querySelector("[data-camera]").hidden = !isOn;
  };

  const stopScan = () => {
    window.dayScan.stop(desk.querySelector("[data-camera]"));
    showCamera(false);
  };

  const scan = async () => {
    const camera = desk.querySelector("[data-camera]");
    if (!camera.hidden) {
      stopScan();
      return;
    }
    showCamera(true);
    try {
      await window.dayScan.start(camera, desk.querySelector("[data-scan]").dataset.keep, (text) => arrive(participantIn(text) || "?"));
    } catch {
      stopScan();
      desk.querySelector("[data-nobody]").textContent = "Cette page n’a pas accès à l’appareil photo.";
      desk.querySelector("[data-by-camera]").hidden = false;
    }
  };

  // The phone's own camera opened a badge's page, and that page sent back here: its owner has arrived.
  const welcome = () => {
    const told = /^#arrivee-([\da-f-]{36})$/.exec(location.hash);
    if (!told) return;
    history.replaceState(null, "", location.pathname);
    arrive(told[1]);
  };

  const start = () => {
    desk = document.querySelector("[data-desk]");
    if (!desk) return;
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.matches("[data-act]")) {
        event.preventDefault();
        const row = form.closest("[data-participant]");
        const delegates = Math.min(9, Math.max(1, Number(form.elements.delegates.value) || 1));
        act(row, event.submitter.value, delegates);
      } else if (form.matches("[data-walk-in]") && form.elements.name.value.trim()) {
        event.preventDefault();
        const name = form.elements.name.value.trim();
        window.dayQueue.add({ name, kind: form.elements.kind.value, title: form.elements.title.value, delegates: 1 });
        form.reset();
        say(`${name}\u00a0: arrivée sans inscription.`);
      }
    }, true);
    desk.querySelector("[data-search]").addEventListener("input", search);
    const scanButton = desk.querySelector("[data-scan]");
    scanButton.hidden = !window.dayScan.isPossible;
    desk.querySelector("[data-by-camera]").hidden = !scanButton.hidden;
    // What a badge's page of this phone needs to lead back here.
    localStorage.setItem("accueil", JSON.stringify({ path: location.pathname, jobDating: desk.dataset.jobDating, until: Number(desk.dataset.until) }));
    scanButton.addEventListener("click", scan);
    // A phone put back in a pocket films nothing.
    document.addEventListener("visibilitychange", () => document.hidden && stopScan());
    // A page that the phone kept is older than what the server told last.
    const known = window.dayQueue.known();
    merge(known.at > Number(desk.dataset.server) ? known.people : {});
    showLine(window.dayQueue.line());
    welcome();
    window.addEventListener("hashchange", welcome);
  };

  // Somebody who is not on this page's list yet: read the page again, and keep what waits.
  const readAgain = async () => {
    const answer = await fetch(location.pathname, { cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok || answer.headers.get("X-Kept")) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const groups = [...fresh.querySelectorAll("[data-group]")];
    desk.querySelectorAll("[data-group]").forEach((group, place) => group.replaceWith(groups[place]));
    merge({});
    search();
  };

  document.addEventListener("desk:told", ({ detail }) => {
    merge(detail.people);
    if (detail.problems.length) say(detail.problems.join(" "));
    if (Object.keys(detail.people).some((id) => !rowOf(id))) readAgain();
  });
  document.addEventListener("desk:line", ({ detail }) => showLine(detail));
  document.addEventListener("desk:ended", () => {
    localStorage.removeItem("accueil");
    location.reload();
  });
  document.addEventListener("DOMContentLoaded", start);
})();
