/** Plays the morphs of a page: one slider, one button, all drawings at the same time t in [0, 1]. */

/** Seconds from one end to the other, and of rest at each end. */
const [travel, rest] = [4, 0.8];

/** The controls. They stay hidden where scripts do not run. */
export const controls = `<div class="controls" id="controls" hidden>
<button type="button" id="play">Play</button>
<input type="range" id="time" min="0" max="1" step="0.001" value="0" aria-label="time">
<output id="shown" for="time">t = 0.00</output>
</div>`;

/**
 * The script. Circles go from their place (cx, cy) to (data-x, data-y); of the children of an element with `data-frames`, the two nearest in
 * time are seen. It starts by itself unless the user prefers reduced motion, and pauses when the slider is moved.
 */
export const player: string = `(() => {
  const byId = (id) => document.getElementById(id);
  const [button, slider, shown] = [byId("play"), byId("time"), byId("shown")];
  const number = (element, name) => Number(element.getAttribute(name));
  const circles = [...document.querySelectorAll("circle[data-x]")].map((circle) => ({
    circle,
    from: [number(circle, "cx"), number(circle, "cy")],
    to: [number(circle, "data-x"), number(circle, "data-y")],
  }));
  const stacks = [...document.querySelectorAll("[data-frames]")].map((stack) => [...stack.children]);
  const show = (t) => {
    for (const { circle, from, to } of circles) {
      circle.setAttribute("cx", from[0] + t * (to[0] - from[0]));
      circle.setAttribute("cy", from[1] + t * (to[1] - from[1]));
    }
    for (const frames of stacks) {
      const at = t * (frames.length - 1);
      frames.forEach((frame, k) => frame.setAttribute("opacity", Math.max(0, 1 - Math.abs(at - k))));
    }
    slider.value = String(t);
    shown.textContent = "t = " + t.toFixed(2);
  };
  // There and back again: time in seconds, of which one round has so many.
  const round = 2 * (${travel} + ${rest});
  const timeToT = (s) => Math.min(1, Math.max(0, s < round / 2 ? s / ${travel} : (round - ${rest} - s) / ${travel}));
  let playing = false;
  let seconds = 0;
  let last = null;
  const tick = (now) => {
    if (!playing) return;
    // After a pause of the page, go on from where it was.
    if (last !== null) seconds = (seconds + Math.min(0.1, (now - last) / 1000)) % round;
    last = now;
    show(timeToT(seconds));
    requestAnimationFrame(tick);
  };
  const setPlaying = (on) => {
    if (on === playing) return;
    playing = on;
    last = null;
    button.textContent = on ? "Pause" : "Play";
    if (on) requestAnimationFrame(tick);
  };
  button.addEventListener("click", () => setPlaying(!playing));
  slider.addEventListener("input", () => {
    setPlaying(false);
    seconds = Number(slider.value) * ${travel};
    show(Number(slider.value));
  });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  calm.addEventListener("change", () => calm.matches && setPlaying(false));
  byId("controls").hidden = false;
  show(0);
  setPlaying(!calm.matches);
})();`;
