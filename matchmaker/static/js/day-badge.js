// A badge opened by the phone's own camera, on a phone that holds the desk of the same job dating: one touch checks its owner in at the desk.
// Where this site may not use the camera, nothing more than this is needed.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";

  const badge = document.querySelector("[data-badge]");
  if (!badge) return;
  let desk;
  try {
    desk = JSON.parse(localStorage.getItem("accueil"));
  } catch {
    return;
  }
  if (!desk || desk.jobDating !== badge.dataset.jobDating || desk.until < Date.now()) return;
  badge.querySelector("a").href = `${desk.path}#arrivee-${badge.dataset.badge}`;
  badge.hidden = false;
});
