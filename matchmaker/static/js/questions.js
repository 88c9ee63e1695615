// A form with data-questions shows one question at a time. Without this file, and on demand, all of them are on one page.
(() => {
  "use strict";

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-questions]");
    if (!form) return;
    const questions = [...form.querySelectorAll("[data-question]")];
    const nav = form.querySelector("[data-questions-nav]");
    const end = form.querySelector("[data-questions-end]");
    const [next, previous, all] = ["next", "previous", "all"].map((name) => nav.querySelector(`[data-${name}]`));
    const step = form.elements.etape;
    const last = questions.length - 1;
    let current = Math.min(last, Math.max(0, (parseInt(step.value, 10) || 1) - 1));
    let isWhole = false;

    const show = () => {
      questions.forEach((question, place) => {
        question.hidden = !isWhole && place !== current;
      });
      nav.hidden = isWhole;
      next.hidden = current === last;
      previous.hidden = current === 0;
      end.hidden = !isWhole && current !== last;
    };

    const go = (place) => {
      current = place;
      step.value = String(place + 1);
      show();
      questions[place].querySelector("h2").focus();
      // The draft remembers where one was.
      form.dispatchEvent(new Event("etape"));
    };

    next.addEventListener("click", () => go(Math.min(last, current + 1)));
    previous.addEventListener("click", () => go(Math.max(0, current - 1)));
    all.addEventListener("click", () => {
      isWhole = true;
      show();
      questions[0].querySelector("h2").focus();
    });
    // The key Enter in a field goes on, as on the last page it sends.
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || isWhole || current === last || !event.target.matches("input")) return;
      event.preventDefault();
      go(current + 1);
    });
    show();
  });
})();
