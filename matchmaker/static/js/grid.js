// Moving meetings on the grid of a plan, by pointer and by keyboard. The page's plain form does the same without this file; a move is that
// form, filled in and sent. What stands in the way of each seat is asked of the server when a meeting is picked up.
(() => {
  "use strict";

  const grid = document.querySelector("[data-grid]");
  const form = document.getElementById("place");
  const said = document.getElementById("grille-dit");
  if (!grid || !form) return;

  const cells = [...grid.querySelectorAll("td[data-round]")];
  const width = grid.tBodies[0].rows[0].cells.length - 1;
  let picked = null; // {card, button, seats, at}
  let pressed = null; // {card, x, y, isDrag}

  const say = (words) => { said.textContent = words; };
  const key = (cell) => `${cell.dataset.round}:${cell.dataset.table}`;
  const why = (cell) => picked?.seats?.[key(cell)] ?? "";

  const mark = () => cells.forEach((cell) => {
    const isLoaded = Boolean(picked?.seats);
    cell.classList.toggle("cannot", isLoaded && why(cell) !== "");
    cell.classList.toggle("can", isLoaded && why(cell) === "" && !cell.contains(picked.card));
  });

  const point = (index) => {
    cells.forEach((cell) => cell.classList.remove("aimed"));
    if (!picked) return;
    picked.at = index;
    const cell = cells[index];
    cell.classList.add("aimed");
    // Under a pointer nothing may move: the cell that it aims at would slip away.
    if (!pressed?.isDrag) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    say(`${cell.dataset.name}\u00a0: ${why(cell) || (cell.contains(picked.card) ? "là où il est." : "possible. Entrée pour déposer.")}`);
  };

  const drop = () => {
    if (!picked) return;
    picked.button.setAttribute("aria-pressed", "false");
    picked.card.classList.remove("picked");
    picked = null;
    mark();
    point(-1);
  };

  const pick = async (card) => {
    drop();
    const button = card.querySelector("[data-pick]");
    const mine = { card, button, seats: null, at: Math.max(0, cells.findIndex((cell) => cell.contains(card))) };
    picked = mine;
    card.classList.add("picked");
    button.setAttribute("aria-pressed", "true");
    try {
      const answer = await fetch(card.dataset.seats, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (picked !== mine) return;
      mine.seats = told.seats;
    } catch {
      // The server says it when the form is sent.
      if (picked === mine) mine.seats = {};
    }
    if (picked !== mine) return;
    mark();
    point(mine.at);
  };

  const put = (cell) => {
    if (!picked || cell.contains(picked.card)) return drop();
    if (why(cell)) return say(`${cell.dataset.name}\u00a0: ${why(cell)}`);
    form.elements.meeting.value = picked.card.dataset.meeting;
    form.elements.round.value = cell.dataset.round;
    form.elements.table.value = cell.dataset.table;
    drop();
    form.requestSubmit();
  };

  grid.ownerDocument.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    const cell = event.target.closest("td[data-round]");
    if (!button) {
      // A finger picks up with the button and points at the cell.
      if (picked && cell && !event.target.closest("a, form")) put(cell);
      return;
    }
    const card = button.closest("[data-meeting]");
    if (picked?.card === card) put(cells[picked.at]);
    else pick(card);
  });

  document.addEventListener("keydown", (event) => {
    if (!picked || !event.target.closest("[data-pick]")) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width };
    if (event.key === "Escape") {
      drop();
      say("Déplacement annulé.");
    } else if (event.key in steps) {
      event.preventDefault();
      const next = picked.at + steps[event.key];
      const isSideways = Math.abs(steps[event.key]) === 1;
      const isSameRow = Math.floor(next / width) === Math.floor(picked.at / width);
      if (next >= 0 && next < cells.length && (!isSideways || isSameRow)) point(next);
    }
  });

  // By pointer: a move of a few pixels is a drag, less is a press.
  const cellUnder = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("td[data-round]");

  document.addEventListener("pointerdown", (event) => {
    const card = event.target.closest("[data-meeting]");
    if (!card || event.button !== 0 || event.pointerType === "touch" || event.target.closest("button, a, form")) return;
    pressed = { card, x: event.clientX, y: event.clientY, isDrag: false };
    event.preventDefault();
  });

  document.addEventListener("pointermove", (event) => {
    if (!pressed) return;
    if (!pressed.isDrag && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 6) {
      pressed.isDrag = true;
      document.body.classList.add("lc-dragging");
      pick(pressed.card);
    }
    const cell = pressed.isDrag && cellUnder(event);
    if (cell && cells.indexOf(cell) !== picked?.at) point(cells.indexOf(cell));
  });

  document.addEventListener("pointerup", (event) => {
    const was = pressed;
    pressed = null;
    document.body.classList.remove("lc-dragging");
    if (!was?.isDrag) return;
    const cell = cellUnder(event);
    if (cell) put(cell);
    else drop();
  });
  document.addEventListener("pointercancel", () => { pressed = null; drop(); });
})();
