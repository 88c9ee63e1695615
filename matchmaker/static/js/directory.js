// The map of the directory. The server draws one that needs no script; here it becomes the ground of a map that zooms, with the communes
// of all results clustered. No picture is fetched: the ground is the same SVG. Without an answer, the drawn map stays.
(() => {
  "use strict";

  // Units of the drawn map per unit of Leaflet: zoom 3 is one pixel a unit.
  const SCALE = 8;
  const MIN_ZOOM = 1;
  const MAX_ZOOM = 7;
  const FIRST_ZOOM_AT_MOST = 5;
  const CLUSTER_PX = 46;

  const at = (x, y) => L.latLng(-y / SCALE, x / SCALE);

  const badge = (count, words) => {
    const element = document.createElement("span");
    const told = document.createElement("span");
    told.className = "visually-hidden";
    told.textContent = ` ${words}`;
    element.append(String(count), told);
    const side = count < 10 ? 32 : count < 100 ? 38 : 46;
    return L.divIcon({ className: "lc-map-badge", html: element, iconSize: [side, side] });
  };

  const ground = (drawn) => {
    const copy = drawn.cloneNode(true);
    copy.removeAttribute("role");
    copy.removeAttribute("aria-label");
    copy.setAttribute("aria-hidden", "true");
    copy.querySelectorAll("text, [data-pin]").forEach((element) => element.remove());
    return copy;
  };

  const towns = (drawn) =>
    [...drawn.querySelectorAll("text:not([data-pin])")].map((text) => {
      const name = document.createElement("span");
      name.textContent = text.textContent;
      const icon = L.divIcon({ className: "lc-map-town", html: name, iconSize: null });
      return L.marker(at(Number(text.getAttribute("x")), Number(text.getAttribute("y"))), { icon, interactive: false, keyboard: false });
    });

  // What answers in a commune is fetched when its window opens.
  const fill = async (popup, url) => {
    const place = document.createElement("div");
    place.tabIndex = -1;
    place.textContent = "Un instant…";
    popup.setContent(place);
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(String(response.status));
      place.innerHTML = await response.text();
    } catch {
      place.textContent = "Pas de réponse. Fermez, et réessayez dans une minute.";
    }
    popup.update();
    place.focus({ preventScroll: true });
  };

  const build = (frame, { noun, points }) => {
    const drawn = frame.querySelector("svg.lc-map");
    const [, , width, height] = drawn.getAttribute("viewBox").split(" ").map(Number);
    const place = document.createElement("div");
    place.className = "lc-live-map";
    place.setAttribute("role", "region");
    place.setAttribute("aria-label", "Carte des résultats : les flèches la déplacent, + et − l’agrandissent et la réduisent");
    drawn.replaceWith(place);

    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const map = L.map(place, {
      crs: L.CRS.Simple,
      minZoom: MIN_ZOOM,
      maxZoom: MAX_ZOOM,
      zoomSnap: 0.5,
      attributionControl: false,
      zoomControl: false,
      // The wheel, and one finger, go on moving the page.
      scrollWheelZoom: false,
      dragging: !window.matchMedia("(pointer: coarse)").matches,
      zoomAnimation: !calm,
      fadeAnimation: !calm,
      markerZoomAnimation: !calm,
    });
    L.control.zoom({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" }).addTo(map);
    const bounds = L.latLngBounds(at(0, height), at(width, 0));
    map.setMaxBounds(bounds.pad(0.2));
    const seen = points.length ? L.latLngBounds(points.map(([, , x, y]) => at(x, y))).pad(0.08) : bounds;
    map.fitBounds(seen, { maxZoom: FIRST_ZOOM_AT_MOST, animate: false });
    L.svgOverlay(ground(drawn), bounds).addTo(map);
    towns(drawn).forEach((town) => town.addTo(map));

    const words = (count) => (count > 1 ? noun[1] : noun[0]);
    const group = L.markerClusterGroup({
      maxClusterRadius: CLUSTER_PX,
      showCoverageOnHover: false,
      animate: !calm,
      iconCreateFunction: (cluster) => {
        const communes = cluster.getAllChildMarkers();
        const count = communes.reduce((sum, marker) => sum + marker.options.count, 0);
        return badge(count, `${words(count)} dans ${communes.length} communes, agrandir`);
      },
    });
    points.forEach(([code, name, x, y, count]) => {
      const marker = L.marker(at(x, y), { icon: badge(count, `${words(count)} à ${name}`), count });
      marker.bindPopup(L.popup({ minWidth: 180, maxWidth: 260 }));
      marker.on("popupopen", (event) => fill(event.popup, frame.dataset.commune.replace("00000", code)));
      // The window took the focus with it: back to what opened it.
      marker.on("popupclose", () => {
        if (document.activeElement === document.body) marker.getElement()?.focus();
      });
      group.addLayer(marker);
    });
    // Leaflet hears this key only while the map itself has the focus.
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") map.closePopup();
    });
    // The pressed cluster is gone after the zoom: the focus stays in the map.
    group.on("clusterkeypress", () => map.once("moveend", () => place.focus()));
    group.addTo(map);
  };

  const draw = async (frame) => {
    try {
      const response = await fetch(frame.dataset.points, { headers: { Accept: "application/json" } });
      if (response.ok) build(frame, await response.json());
    } catch {
      // No answer: the drawn map says the same.
    }
  };

  // On a phone the map waits behind its words: it is built, and its points are fetched, once it is there to be seen.
  const start = () => {
    const frame = document.querySelector("[data-directory-map]");
    if (!frame || !window.L?.markerClusterGroup) return;
    const fold = frame.closest("details");
    let isDrawn = false;
    const drawOnce = () => {
      if (isDrawn || !(fold.open || getComputedStyle(fold.querySelector("summary")).display === "none")) return;
      isDrawn = true;
      draw(frame);
    };
    fold.addEventListener("toggle", drawOnce);
    window.addEventListener("resize", drawOnce);
    drawOnce();
  };

  document.addEventListener("DOMContentLoaded", start);
})();
