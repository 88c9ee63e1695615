// A soft bell when the room changes, once somebody has asked for it.
(() => {
  "use strict";

  let audio = null;

  const bell = () => {
    if (!audio) return;
    [523.25, 659.25].forEach((pitch, place) => {
      const start = audio.currentTime + place * 0.35;
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.18, start + 0.04);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 1.6);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 1.7);
    });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sound]");
    if (!button) return;
    if (audio) {
      audio.close();
      audio = null;
    } else {
      audio = new AudioContext();
      bell();
    }
    button.setAttribute("aria-pressed", String(Boolean(audio)));
    button.textContent = audio ? "Couper le son" : "Activer le son";
  });

  document.addEventListener("day:turn", bell);
})();
