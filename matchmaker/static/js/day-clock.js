// Pages of the day follow the server's clock: they show what is true now, count down, and read themselves again when the plan changes.
// An element with data-clock (the server's instant, in ms) holds, with instants in ms:
//   data-from, data-to            shown between the two
//   data-now-from, data-now-to    marked as current between the two
//   data-countdown                « 4:12 » until then       data-wait   « dans 4 minutes » until then
//   data-hour                     the present hour, anywhere in the page
//   data-bar-from, data-bar-to   a bar that fills between the two
//   data-offline                  shown while the server does not answer
// Its data-every is how many seconds pass between two readings.
(() => {
  "use strict";

  const LATE_MS = 10000;
  let root;
  let offset = 0;
  let stamp = "";
  let failures = 0;

  const now = () => Date.now() + offset;

  // The server's instant was read somewhere between asking and the answer: the quickest answer tells best.
  let best = Infinity;
  const keepTime = (told, asked, answered) => {
    const took = answered - asked;
    if (!told || took > best + 200) return;
    best = Math.min(best * 1.1, took);
    offset = told + took / 2 - answered;
  };

  const two = (number) => String(number).padStart(2, "0");
  const counted = (until) => {
    const seconds = Math.max(0, Math.ceil((until - now()) / 1000));
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60);
    return hours ? `${hours}\u00a0h\u00a0${two(minutes % 60)}` : `${minutes}:${two(seconds % 60)}`;
  };
  const waited = (until) => {
    const minutes = Math.max(0, Math.ceil((until - now()) / 60000));
    if (minutes >= 60) return `dans ${Math.floor(minutes / 60)}\u00a0h\u00a0${two(minutes % 60)}`;
    return minutes ? `dans ${minutes}\u00a0minute${minutes > 1 ? "s" : ""}` : "maintenant";
  };
  const hour = new Intl.DateTimeFormat("fr-FR", { timeZone: "Europe/Paris", hour: "numeric", minute: "2-digit" });
  const written = () => {
    const parts = Object.fromEntries(hour.formatToParts(now()).map((part) => [part.type, part.value]));
    return `${Number(parts.hour)}\u00a0h\u00a0${parts.minute}`;
  };

  const put = (element, words) => {
    if (element.textContent !== words) element.textContent = words;
  };

  const show = () => {
    const at = now();
    let changed = false;
    root.querySelectorAll("[data-from]").forEach((element) => {
      const isOut = at < Number(element.dataset.from) || at >= Number(element.dataset.to);
      if (element.hidden !== isOut) {
        element.hidden = isOut;
        changed = changed || !isOut;
      }
    });
    root.querySelectorAll("[data-now-from]").forEach((element) => {
      const isNow = at >= Number(element.dataset.nowFrom) && at < Number(element.dataset.nowTo);
      element.classList.toggle("now", isNow);
      if (isNow) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    });
    root.querySelectorAll("[data-countdown]").forEach((element) => put(element, counted(Number(element.dataset.countdown))));
    root.querySelectorAll("[data-wait]").forEach((element) => {
      if (Number(element.dataset.wait) - at < 24 * 3600000) put(element, waited(Number(element.dataset.wait)));
    });
    document.querySelectorAll("[data-hour]").forEach((element) => put(element, written()));
    root.querySelectorAll("[data-bar-from]").forEach((bar) => {
      const [from, to] = [Number(bar.dataset.barFrom), Number(bar.dataset.barTo)];
      bar.setAttribute("width", String(Math.round(720 * Math.min(1, Math.max(0, (at - from) / (to - from))))));
    });
    root.querySelectorAll("[data-offline]").forEach((element) => {
      element.hidden = failures < 2;
    });
    if (changed) document.dispatchEvent(new CustomEvent("day:turn"));
  };

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-clock]");
    if (fresh) root.replaceChildren(...fresh.childNodes);
  };

  const read = async () => {
    const asked = Date.now();
    try {
      const answer = await fetch(location.href, {
        headers: stamp ? { "If-None-Match": stamp } : {},
        cache: "no-store",
        signal: AbortSignal.timeout(LATE_MS),
      });
      // A copy that the worker kept says nothing of the present.
      if (answer.headers.get("X-Kept")) throw new Error("kept");
      keepTime(Number(answer.headers.get("X-Server-Time")), asked, Date.now());
      if (answer.status === 200) {
        stamp = answer.headers.get("ETag") || "";
        replace(await answer.text());
      } else if (answer.status === 410 || answer.status === 404) {
        location.reload();
        return;
      } else if (answer.status !== 304) {
        throw new Error(String(answer.status));
      }
      failures = 0;
    } catch {
      failures += 1;
    }
    show();
    setTimeout(read, Number(root.dataset.every) * 1000 * (0.9 + Math.random() / 5));
  };

  document.addEventListener("DOMContentLoaded", () => {
    root = document.querySelector("[data-clock]");
    if (!root) return;
    offset = Number(root.dataset.clock) - Date.now();
    // An old copy of the page holds an old instant: the phone's own clock is nearer then, until the server answers.
    if (Math.abs(offset) > 120000 && !navigator.onLine) offset = 0;
    show();
    setInterval(show, 500);
    read();
  });
})();
