// Reads badges with the camera of any phone: window.dayScan = { start(video, decoder, onText), stop(video), isPossible }.
// A phone shows one camera to a page only over https, and after its owner agreed. The pictures stay on the phone.
(() => {
  "use strict";

  const EVERY_MS = 200;
  // The same badge stays in front of the camera for a while: it is told once.
  const SAME_MS = 4000;
  // A code fills a third of the picture or more: this is plenty, and quick on an old phone.
  const LONGEST_PX = 640;

  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let timer;

  const load = (decoder) => new Promise((resolve, reject) => {
    if (window.jsQR) {
      resolve();
      return;
    }
    const script = document.createElement("script");
    script.src = decoder;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });

  const read = (video) => {
    const { videoWidth, videoHeight } = video;
    if (!videoWidth || !videoHeight) return "";
    const scale = Math.min(1, LONGEST_PX / Math.max(videoWidth, videoHeight));
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    const found = window.jsQR(picture.data, canvas.width, canvas.height, { inversionAttempts: "dontInvert" });
    return found ? found.data : "";
  };

  const stop = (video) => {
    clearTimeout(timer);
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };

  const start = async (video, decoder, onText) => {
    await load(decoder);
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    let last = "";
    let lastAt = 0;
    const look = () => {
      if (!video.srcObject) return;
      const text = read(video);
      if (text && (text !== last || performance.now() - lastAt > SAME_MS)) onText(text);
      if (text) [last, lastAt] = [text, performance.now()];
      timer = setTimeout(look, EVERY_MS);
    };
    look();
  };

  window.dayScan = { start, stop, isPossible: Boolean(navigator.mediaDevices?.getUserMedia) };
})();
