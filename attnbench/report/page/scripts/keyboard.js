// The points of a chart by keyboard: one stop of the tab key, then arrows from point to point.

const keyboard = (() => {
  // `show(item, x, y)` shows the facts of a point.
  const walk = (place, show, hide) => {
    const points = [...place.querySelectorAll(".points_marks path")];
    const items = points.map((point) => point.__data__);
    const order = points.map((_, at) => at)
      .sort((a, b) => items[a].datum.order - items[b].datum.order || items[a].x - items[b].x);
    const go = (from, to) => {
      points[order[from]].setAttribute("tabindex", "-1");
      points[order[to]].setAttribute("tabindex", "0");
      points[order[to]].focus({ preventScroll: true });
    };
    order.forEach((number, at) => {
      const point = points[number];
      point.setAttribute("tabindex", at === 0 ? "0" : "-1");
      point.addEventListener("focus", () => {
        const box = point.getBoundingClientRect();
        show(items[number], box.left + box.width / 2, box.top + box.height / 2);
      });
      point.addEventListener("blur", hide);
      point.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === "Escape") hide();
        if (!step) return;
        event.preventDefault();
        go(at, (at + step + order.length) % order.length);
      });
    });
  };
  return { walk };
})();
