// Small comforts. Every page reads and works without this file; it is loaded in the head, so it only listens, on the document.
(() => {
  "use strict";

  document.documentElement.classList.add("js");

  // A button with aria-expanded and aria-controls folds its panel (class lc-panel, or the menu).
  const fold = (button) => {
    const isOpen = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(isOpen));
    document.getElementById(button.getAttribute("aria-controls")).classList.toggle("show", isOpen);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[aria-expanded][aria-controls]")) fold(button);
    if (button.matches("[data-print]")) window.print();
  });

  document.addEventListener("keydown", (event) => {
    const button = document.querySelector(".lc-nav-toggle[aria-expanded=true]");
    if (event.key !== "Escape" || !button) return;
    fold(button);
    button.focus();
  });

  // A panel with data-shown-by="answer=no" is there while the choice « answer » of its form is « no »; "answer=no|later" for either.
  const showChosen = (root) => {
    root.querySelectorAll("[data-shown-by]").forEach((panel) => {
      const [name, value] = panel.dataset.shownBy.split("=");
      const chosen = new FormData(panel.closest("form")).getAll(name);
      panel.hidden = !value.split("|").some((one) => chosen.includes(one));
    });
  };

  document.addEventListener("change", (event) => {
    if (event.target.form) showChosen(event.target.form);
  });

  // One sending at a time. aria-disabled and not disabled: the button keeps the focus, and its name and value are sent.
  const WAIT_MS = 15000;
  const sending = new Map();

  const release = () => {
    sending.forEach(({ button, label, timer }) => {
      clearTimeout(timer);
      button.removeAttribute("aria-disabled");
      button.replaceChildren(...label);
    });
    sending.clear();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (sending.has(form)) event.preventDefault();
    const button = event.submitter;
    // htmx sends by itself (hx-disabled-elt is its own way), and a search leaves the page where it is when it is a download.
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post" || !button?.matches(".btn")) return;
    const label = [...button.childNodes];
    sending.set(form, { button, label, timer: setTimeout(release, WAIT_MS) });
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Envoi en cours…";
  });

  // Coming back with the browser's arrow brings the page as it was left.
  window.addEventListener("pageshow", release);

  document.addEventListener("DOMContentLoaded", () => {
    showChosen(document);
    document.querySelector("[data-focus]")?.focus();
  });
  document.addEventListener("htmx:load", (event) => showChosen(event.target));

  // htmx says nothing when the server does not answer.
  const sayNoAnswer = () => {
    const place = document.getElementById("sans-reponse");
    if (!place) return;
    place.textContent = "Pas de réponse. Votre texte est gardé ici, réessayez dans une minute.";
    place.classList.add("lc-notice", "lc-notice-error", "show");
  };
  document.addEventListener("htmx:sendError", sayNoAnswer);
  document.addEventListener("htmx:responseError", sayNoAnswer);
})();
