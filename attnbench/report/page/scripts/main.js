// Draws the sections, those in sight first, and again whenever a choice or the size changes.

(() => {
  const sections = { frontier: frontier.draw, scaling: scaling.draw, limits: roofline.draw,
    training: training.draw, explain: explain.draw, cells: cellTable.draw };
  // The choices that each section shows; all others are filters of the cells.
  const chosenIn = { frontier: ["task", "cost", "machine"], scaling: ["conditions", "curves", "metric"],
    limits: ["conditions"], training: ["training"], explain: ["picture", "layer", "token"] };
  const elsewhere = ["at", ...Object.values(chosenIn).flat()];
  const shows = (name, key) => (name === "cells" ? !elsewhere.includes(key) : chosenIn[name].includes(key));
  const seen = new Set();

  const draw = (name) => sections[name]();
  const redraw = (key) => {
    charts.hideTip();
    for (const name of seen) if (key === undefined || shows(name, key)) draw(name);
  };

  // One section a frame, so that the first chart is seen before the others are drawn.
  const waiting = [];
  const drawWaiting = () => {
    if (!waiting.length) return;
    draw(waiting[0]);
    requestAnimationFrame(() => setTimeout(() => {
      waiting.shift();
      drawWaiting();
    }));
  };

  const watch = new IntersectionObserver((entries) => {
    const isIdle = !waiting.length;
    for (const entry of entries) {
      const { id } = entry.target;
      if (!entry.isIntersecting || seen.has(id)) continue;
      seen.add(id);
      waiting.push(id);
    }
    if (isIdle) drawWaiting();
  }, { rootMargin: "600px" });
  for (const name of Object.keys(sections)) {
    const section = document.getElementById(name);
    if (section) watch.observe(section);
  }

  // Links to sections keep the choices in the address.
  document.querySelectorAll("a[href^='#']").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(link.getAttribute("href").slice(1))?.scrollIntoView();
    state.set("at", link.getAttribute("href").slice(1), null);
  }));
  const start = document.getElementById(state.get("at", ""));
  if (start) requestAnimationFrame(() => start.scrollIntoView());

  let resized = 0;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(resized);
    resized = setTimeout(() => redraw(), 150);
  });
  charts.dark.addEventListener("change", () => redraw());
  window.addEventListener("beforeprint", () => Object.keys(sections).forEach((name) => {
    if (document.getElementById(name)) { seen.add(name); draw(name); }
  }));
  state.listen(redraw);
})();
