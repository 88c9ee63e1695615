// Keeps the pages of the day for when there is no network. The network goes first; what was read last answers when it does not.
"use strict";

const SHELF = "jour-1";
const LATE_MS = 6000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const asKept = async (response) => {
  const headers = new Headers(response.headers);
  headers.set("X-Kept", "1");
  return new Response(await response.blob(), { status: response.status, statusText: response.statusText, headers });
};

const answer = async (request) => {
  const shelf = await caches.open(SHELF);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(LATE_MS) });
    if (response.status === 200) await shelf.put(request.url, response.clone());
    // A link that was ended is not kept on the phone.
    if (response.status === 404 || response.status === 410) await shelf.delete(request.url);
    return response;
  } catch (error) {
    const kept = await shelf.match(request.url);
    if (kept) return asKept(kept);
    throw error;
  }
};

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isOurs = url.origin === self.location.origin && (url.pathname.startsWith("/jour/") || url.pathname.startsWith("/static/"));
  if (event.request.method === "GET" && isOurs) event.respondWith(answer(event.request));
});
