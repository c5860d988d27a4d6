// The limits of the machine: the rate of MACs of each cell under the roofs that were measured.

const roofline = (() => {
  const { find, make, fill, select, command } = elements;
  const placed = (place) => cells.under(place)
    .filter((row) => row.macs_per_s !== null && row.macs_per_byte !== null);
  const known = data.conditions.map((one, at) => at)
    .filter((at) => data.conditions[at].roofs && placed(at).length);

  const chosen = () => {
    const place = scaling.conditions();
    return known.includes(place) ? place : known[0];
  };

  const SCALE = 1e-9;
  const NAMES = { memory: "copies larger than the caches", cache: "copies at best" };

  const roofsOf = (roofs, x) => Object.entries(roofs.bytes_per_s).flatMap(([name, rate]) => {
    const bend = roofs.macs_per_s / rate;
    return [x.low, bend, x.high].filter((at) => at >= x.low && at <= x.high)
      .map((at) => ({ name, x: at, y: Math.min(roofs.macs_per_s, rate * at) * SCALE }));
  });

  const pointsOf = (rows) => rows.map((row) => {
    const colour = charts.colour(row.attention);
    return { id: row.at, order: row.series, x: row.macs_per_byte, y: row.macs_per_s * SCALE, colour,
      shape: row.percent_of_limit > 1 ? "triangle-up" : "circle",
      fill: row.fused ? "transparent" : colour,
      text: `${row.label}, ${row.size}: ${format.of(data.metrics.macs_per_s, row.macs_per_s)}` };
  });

  const spec = (place, rows, roofs) => {
    const size = charts.room(place, { right: 40, height: 400 });
    const points = pointsOf(rows);
    const bends = Object.values(roofs.bytes_per_s).map((rate) => roofs.macs_per_s / rate);
    const x = charts.scaleOf(points.map((p) => p.x), size.width,
      { include: bends, margin: 0.1, log: true });
    const y = charts.scaleOf(points.map((p) => p.y), size.height,
      { include: [roofs.macs_per_s * SCALE], margin: 0.1, log: true });
    const lines = roofsOf(roofs, x).filter((one) => one.y >= y.low);
    const at = {
      x: { field: "x", type: "quantitative", scale: x.scale, axis: charts.axis(x, "MACs per byte moved") },
      y: { field: "y", type: "quantitative", scale: y.scale,
        axis: charts.axis(y, data.metrics.macs_per_s.axis, charts.upright) },
    };
    return {
      description: `Rate of MACs against MACs per byte, ${points.length} cells under the roofs`,
      width: size.width, height: size.height, padding: size.padding, autosize: size.autosize,
      data: { values: points },
      layer: [
        { data: { values: lines }, mark: { type: "line", color: charts.ink().faint, aria: false,
          strokeWidth: 1.6, clip: true },
          encoding: { ...at, detail: { field: "name" }, strokeDash: { field: "name", legend: null,
            scale: { domain: ["memory", "cache"], range: [[1, 0], [5, 3]] } } } },
        { mark: { type: "point", size: 60, strokeWidth: 1.8, aria: false },
          encoding: { ...at, color: { field: "colour", scale: null, legend: null },
            shape: { field: "shape", scale: null }, fill: { field: "fill", scale: null } } },
        { mark: { type: "point", size: 360, filled: true, opacity: 0 }, name: "points",
          encoding: { ...at, description: { field: "text" } } },
      ],
    };
  };

  // A share above 100 % says that the limit was measured too low, and is told so.
  const beyond = (rows) => {
    const over = rows.filter((row) => row.percent_of_limit > 1);
    if (!over.length) return null;
    const named = over.slice(0, 6).map((row) =>
      `${row.label} at ${format.forms.count(row.tokens)} tokens `
      + `(${format.of(data.metrics.percent_of_limit, row.percent_of_limit)})`);
    const more = over.length > named.length ? ` and ${over.length - named.length} more` : "";
    return make("div", { class: "warning" },
      make("p", {}, `The limit was measured too low: ${named.join(", ")}${more} ran faster than it. `
        + "To measure the limits again, on a quiet machine:"),
      command("attnbench ceilings"));
  };

  const legend = (rows, roofs) => make("p", { class: "legend" },
    ...[...new Set(rows.map((row) => row.attention))].map((attention) =>
      make("span", {}, make("span", { class: "swatch dot", style: `--swatch: ${charts.colour(attention)}` }),
        attention)),
    make("span", {}, "● unfused, by the bytes it moves"),
    make("span", {}, "○ fused, by the least bytes"),
    make("span", {}, "△ above the limit"),
    make("span", {}, `flat roof: products, ${roofs.products}`),
    ...Object.entries(roofs.copies).map(([name, rate]) =>
      make("span", {}, `${name === "memory" ? "─" : "┄"} ${NAMES[name]}, ${rate}`)));

  const draw = () => {
    if (!known.length) return;
    const place = chosen();
    const rows = placed(place);
    const { roofs } = data.conditions[place];
    fill(find("limits-controls"), select("conditions", known.map((at) => data.conditions[at].name),
      known.indexOf(place), (at) => scaling.choose(known[at])));
    fill(find("limits-warning"), beyond(rows));
    charts.draw(find("limits-chart"), spec(find("limits-chart"), rows, roofs),
      (id) => [cells.rows[id].label, factsOf(cells.rows[id])]);
    fill(find("limits-legend"), legend(rows, roofs));
  };

  return { draw, known };
})();
