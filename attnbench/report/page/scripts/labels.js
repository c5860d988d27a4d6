// Names beside points, where they cover neither a point nor another name; the others have none.

const labels = (() => {
  const HEIGHT = 14;
  const LETTER = 6.4;
  const SIDES = [
    { dx: 9, dy: 0, align: "left" }, { dx: 0, dy: -13, align: "center" },
    { dx: 0, dy: 14, align: "center" }, { dx: -9, dy: 0, align: "right" },
    { dx: 7, dy: -11, align: "left" }, { dx: 7, dy: 12, align: "left" },
    { dx: -7, dy: -11, align: "right" }, { dx: -7, dy: 12, align: "right" },
  ];

  const box = (point, side) => {
    const width = point.text.length * LETTER;
    const start = { left: 0, center: -width / 2, right: -width }[side.align];
    const left = point.x + side.dx + start;
    const middle = point.y + side.dy;
    return { left, right: left + width, top: middle - HEIGHT / 2, bottom: middle + HEIGHT / 2 };
  };
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  // Points have pixels x and y and a text, in order of importance. Obstacles are boxes in pixels:
  // a name covers them only where it has no other place.
  const place = (points, width, height, obstacles = []) => {
    const taken = points.map(({ x, y }) =>
      ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
    const inside = (own) =>
      own.left >= 0 && own.right <= width && own.top >= -8 && own.bottom <= height + 8;
    const found = [];
    for (const point of points) {
      const free = SIDES.filter((one) => {
        const own = box(point, one);
        return inside(own) && !taken.some((other) => meet(own, other));
      });
      const side = free.find((one) => !obstacles.some((other) => meet(box(point, one), other)))
        ?? free[0];
      if (!side) continue;
      taken.push(box(point, side));
      found.push({ text: point.text, x: point.x + side.dx, y: point.y + side.dy,
        align: side.align });
    }
    return found;
  };

  // The layers of a chart that write these names.
  const layers = (placed) => ["left", "center", "right"].map((align) => ({
    data: { values: placed.filter((one) => one.align === align) },
    mark: { type: "text", align, baseline: "middle", fontSize: 11.5, aria: false,
      color: charts.ink().text, tooltip: false },
    encoding: {
      x: { field: "x", type: "quantitative", scale: null, axis: null },
      y: { field: "y", type: "quantitative", scale: null, axis: null },
      text: { field: "text" },
    },
  }));

  return { place, layers };
})();
