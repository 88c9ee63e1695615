// The gestures of the desk that have not reached the server yet, in the phone's own memory: they survive a closed page and a lost network.
// window.dayQueue = { add(act), waiting(), acts(), known(), line() }; it dispatches « desk:told » with the server's answer, and « desk:line ».
(() => {
  "use strict";

  const KEY = `gestes:${location.pathname}`;
  const KNOWN = `gestes-connus:${location.pathname}`;
  const CLOCK = "gestes:horloge";
  const EVERY_MS = 12000;
  const LATE_MS = 10000;
  const MOST = 200;

  let isLost = !navigator.onLine;
  let isSending = false;

  const stored = (key, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(key)) || otherwise;
    } catch {
      return otherwise;
    }
  };
  const read = () => stored(KEY, []);
  const write = (acts) => localStorage.setItem(KEY, JSON.stringify(acts));
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  const line = () => ({ isLost, waiting: read().length });

  // Times are those of the server as far as this phone knows them: two phones must agree on what came last.
  const now = () => Date.now() + Number(localStorage.getItem(CLOCK) || 0);
  const keepTime = (told, asked) => {
    if (told) localStorage.setItem(CLOCK, String(Math.round(told + (Date.now() - asked) / 2 - Date.now())));
  };

  // Made by hand: crypto.randomUUID is not there on every phone of a third place.
  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  const send = async () => {
    if (isSending) return;
    isSending = true;
    const acts = read().slice(0, MOST);
    const asked = Date.now();
    try {
      const body = new URLSearchParams({ acts: JSON.stringify(acts), csrf_token: document.querySelector("input[name=csrf_token]").value });
      const answer = await fetch(location.pathname, {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
        cache: "no-store",
        signal: AbortSignal.timeout(LATE_MS),
      });
      if (answer.status === 410 || answer.status === 404) {
        tell("desk:ended");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      keepTime(Number(answer.headers.get("X-Server-Time")), asked);
      const told = await answer.json();
      const done = new Set(told.done);
      write(read().filter((act) => !done.has(act.id)));
      localStorage.setItem(KNOWN, JSON.stringify({ at: now(), people: told.people }));
      isLost = false;
      tell("desk:told", told);
    } catch {
      isLost = true;
    } finally {
      isSending = false;
      tell("desk:line", line());
    }
    if (!isLost && read().length) send();
  };

  const add = (act) => {
    const whole = { id: newId(), at: Math.round(now()), ...act };
    write([...read(), whole]);
    tell("desk:line", line());
    send();
    return whole;
  };

  window.dayQueue = { add, acts: read, line, waiting: () => read().length, known: () => stored(KNOWN, { at: 0, people: {} }) };

  window.addEventListener("online", send);
  window.addEventListener("offline", () => {
    isLost = true;
    tell("desk:line", line());
  });
  document.addEventListener("visibilitychange", () => document.hidden || send());
  document.addEventListener("DOMContentLoaded", () => {
    setInterval(send, EVERY_MS);
    send();
  });
})();
