// A list with data-roving: one row at a time is on the way of Tab. j and k, or the arrows, go from row to row; a letter presses
// the control of the row that has it as data-key. Letters count only while the focus is in the list, and not in a field.
(() => {
  "use strict";

  const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const CONTROLS = "a, button, summary, input:not([type=hidden]), select, textarea";

  const linkOf = (row) => row.querySelector("[data-roving-to]");

  const choose = (list, chosen) => {
    [...list.children].forEach((row) => {
      row.querySelectorAll(CONTROLS).forEach((control) => {
        control.tabIndex = row === chosen ? 0 : -1;
      });
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-roving]").forEach((list) => choose(list, list.firstElementChild));
  });

  // Who clicks in another row goes on from there.
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-roving] > *");
    if (row) choose(row.parentElement, row);
  });

  document.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-roving] > *");
    if (!row || event.target.matches("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in MOVES) {
      const other = MOVES[event.key] > 0 ? row.nextElementSibling : row.previousElementSibling;
      event.preventDefault();
      if (other) linkOf(other).focus();
      return;
    }
    const control = /^[a-z]$/.test(event.key) && row.querySelector(`[data-key=${event.key}]`);
    if (!control) return;
    event.preventDefault();
    control.focus();
    control.click();
  });
})();
