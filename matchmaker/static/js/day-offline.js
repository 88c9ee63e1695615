// Asks the browser to keep this page and what it is made of, so that it opens without network.
(() => {
  "use strict";

  if (!("serviceWorker" in navigator) || !window.caches) return;

  const keep = async () => {
    await navigator.serviceWorker.register("/jour/hors-ligne.js", { scope: "/jour/" });
    await navigator.serviceWorker.ready;
    const parts = performance.getEntriesByType("resource").map((entry) => entry.name);
    // And what the page asks for only once somebody needs it.
    parts.push(...[...document.querySelectorAll("[data-keep]")].map((element) => new URL(element.dataset.keep, location.href).href));
    const ours = [location.href.split("#")[0], ...parts].filter((name) => name.startsWith(`${location.origin}/`));
    const shelf = await caches.open("jour-1");
    const wanted = [...new Set(ours)].filter((name) => /^\/(static|jour)\//.test(new URL(name).pathname));
    await Promise.all(wanted.map(async (name) => {
      if (!(await shelf.match(name)) || name === location.href) {
        const answer = await fetch(name);
        if (answer.status === 200 && !answer.headers.get("X-Kept")) await shelf.put(name, answer);
      }
    }));
    document.documentElement.dataset.kept = "1";
  };
  // Without it the page works as long as there is a network.
  window.addEventListener("load", () => keep().catch(() => undefined));
})();
