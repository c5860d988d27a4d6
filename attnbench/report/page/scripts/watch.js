"use strict";
// Only in pages that `report --watch` writes: loads the page anew when there is a newer version.
// The choices stand in the address and stay; the place on the page is kept beside it.

(() => {
  const OWN = "VERSION";
  const EVERY_MS = 2000;
  const QUIET_MS = 3000;

  // The section at the top of the window, and how far it is scrolled.
  const place = () => {
    const passed = [...document.querySelectorAll("section[id]")]
      .filter((one) => one.getBoundingClientRect().top <= 0).at(-1);
    return passed ? { id: passed.id, down: -passed.getBoundingClientRect().top } : null;
  };
  // A page must not go away from under somebody who types or chooses.
  let used = -Infinity;
  for (const kind of ["keydown", "pointerdown", "input", "wheel", "touchmove"])
    window.addEventListener(kind, () => { used = performance.now(); }, { passive: true, capture: true });
  const isBusy = () => performance.now() - used < QUIET_MS;

  window.attnbenchNewest = (version) => {
    if (version === OWN || isBusy()) return;
    history.replaceState({ place: place() }, "");
    location.reload();
  };

  const look = () => {
    const script = document.createElement("script");
    script.src = `watch.js?${Date.now()}`;
    script.onload = () => script.remove();
    script.onerror = () => clearInterval(looking); // the page is finished
    document.head.append(script);
  };
  const looking = setInterval(look, EVERY_MS);

  history.scrollRestoration = "manual";
  const kept = history.state?.place;
  const section = kept && document.getElementById(kept.id);
  if (section) requestAnimationFrame(() => {
    section.scrollIntoView();
    window.scrollBy(0, kept.down);
  });
})();
