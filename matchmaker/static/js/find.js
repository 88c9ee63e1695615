// A long list of this page: a box finds among its rows (data-words), which may be folded (data-fold); a fold counts what is ticked in it.
// Without this file the list is there whole, and its folds open one by one.
(() => {
  "use strict";

  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  // A fold that was open before somebody looked for something is open again afterwards.
  const showFold = (fold, isLooking) => {
    fold.hidden = !fold.querySelector("[data-words]:not([hidden])");
    if (isLooking) {
      fold.dataset.before ??= String(fold.open);
      fold.open = true;
    } else if (fold.dataset.before) {
      fold.open = fold.dataset.before === "true";
      delete fold.dataset.before;
    }
  };

  const find = (input) => {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    const list = document.getElementById(input.dataset.find);
    const rows = [...list.querySelectorAll("[data-words]")];
    rows.forEach((row) => { row.hidden = !words.every((word) => folded(row.dataset.words).includes(word)); });
    list.querySelectorAll("[data-fold]").forEach((fold) => showFold(fold, words.length > 0));
    const shown = rows.filter((row) => !row.hidden).length;
    const said = shown ? `${shown}\u00a0sur ${rows.length}.` : "Rien ne répond à ces mots.";
    input.closest(".lc-find").querySelector("[data-found]").textContent = words.length ? said : "";
  };

  const count = (fold) => {
    fold.querySelector("[data-ticked]").textContent = String(fold.querySelectorAll("input:checked").length);
  };

  const unfold = (button) => {
    const isOpen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOpen));
    document.getElementById(button.dataset.unfold).querySelectorAll("[data-fold]").forEach((fold) => { fold.open = isOpen; });
  };

  document.addEventListener("input", ({ target }) => target.matches("[data-find]") && find(target));
  document.addEventListener("click", ({ target }) => target.matches("[data-unfold]") && unfold(target));
  // A list inside a form: Enter looks for something, it does not send the form.
  document.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("[data-find]") && event.preventDefault());
  document.addEventListener("change", ({ target }) => {
    const fold = target.closest("[data-fold]");
    if (fold) count(fold);
  });
  // Coming back with the browser's arrow, boxes are ticked as they were left.
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-fold]").forEach(count));
})();
