// Score against cost: where each model stands, and what the paper prints in a panel of its own.

const frontier = (() => {
  const { find, make, select, buttons, fill, table } = elements;
  const COSTS = ["macs", "latency", "memory", "energy", "params"];
  const SHAPES = { "on the frontier": "circle", "cannot tell": "triangle-up", dominated: "cross" };
  const abouts = [...new Set(data.frontiers.map((one) => one.about))];
  const ofTask = (about) => data.frontiers.filter((one) => one.about === about);
  // First the task of the most models, as its frontier says most.
  const size = (about) => Math.max(...ofTask(about).map((one) => one.total));
  const usual = abouts.reduce((best, about, at) => (size(about) > size(abouts[best]) ? at : best), 0);

  const chosen = () => {
    const about = abouts[state.place("task", abouts.length, usual)];
    const known = ofTask(about);
    const costs = COSTS.filter((cost) => known.some((one) => one.cost === cost));
    const usualCost = costs.includes(data.cost) ? data.cost : costs[0];
    const asked = state.get("cost", usualCost);
    const cost = costs.includes(asked) ? asked : usualCost;
    const groups = known.filter((one) => one.cost === cost);
    return { about, costs, cost, usualCost, groups,
      group: groups[state.place("machine", groups.length)] };
  };

  const controls = ({ about, costs, cost, usualCost, groups, group }) => {
    const label = (name) => data.metrics[data.frontiers.find((one) => one.cost === name).metric].label;
    return [
      select("task and data", abouts, abouts.indexOf(about),
        (at) => state.set("task", at, usual)),
      buttons("cost axis", costs.map((name) => [name, label(name)]), cost,
        (name) => state.set("cost", name, usualCost)),
      groups.length > 1
        ? select("machine", groups.map((one) => one.machine), groups.indexOf(group),
          (at) => state.set("machine", at, 0))
        : null,
    ];
  };

  const standingText = (group, point) => {
    if (point.standing === "dominated" && point.by !== null)
      return `dominated by ${group.points[point.by].name}`;
    if (point.standing !== "cannot tell") return point.standing;
    const why = point.seeds === 1 ? "one seed has no interval" : "intervals overlap";
    return point.beaten ? `cannot tell (${why})` : `cannot tell (${why}), ahead by the numbers`;
  };

  const facts = (group, point) => {
    const [score, cost] = [data.metrics[group.score], data.metrics[group.metric]];
    const between = (metric, value, ends) => format.withInterval(metric, value, ...(ends ?? [null, null]));
    return [
      [score.label, between(score, point.score, point.scores)],
      [cost.label, between(cost, point.cost, point.costs)],
      ["seeds", String(point.seeds)],
      ["standing", standingText(group, point)],
      ["where", group.machine],
    ].filter(([, text]) => text);
  };

  // The step line of the best score up to each cost.
  const steps = (points, better) => {
    const sign = better === "higher" ? 1 : -1;
    const best = points.filter((point) => !point.beaten)
      .sort((a, b) => a.cost - b.cost || sign * (b.score - a.score));
    return best.map((point) => ({ x: point.x, y: point.y }));
  };

  const spec = (place, group, hollow) => {
    const [score, cost] = [data.metrics[group.score], data.metrics[group.metric]];
    const size = charts.room(place, { right: 40 });
    const points = group.points.map((point, id) => ({
      id, order: 0, name: point.name, beaten: point.beaten, cost: point.cost, score: point.score,
      x: point.cost * cost.scale, y: point.score * score.scale,
      low: (point.scores?.[0] ?? point.score) * score.scale,
      high: (point.scores?.[1] ?? point.score) * score.scale,
      left: (point.costs?.[0] ?? point.cost) * cost.scale,
      right: (point.costs?.[1] ?? point.cost) * cost.scale,
      colour: charts.colour(point.attention), shape: SHAPES[point.standing] ?? "circle",
      fill: hollow || point.standing !== "on the frontier" ? "transparent"
        : charts.colour(point.attention),
      text: `${point.name}: ${format.of(score, point.score)}, ${format.of(cost, point.cost)}`,
    }));
    const x = charts.scaleOf(points.flatMap((p) => [p.left, p.right]), size.width, { margin: 0.08 });
    const y = charts.scaleOf(points.flatMap((p) => [p.low, p.high]), size.height,
      { margin: 0.08, log: false });
    const named = points.filter((point) => point.x > 0 || !x.isLog)
      .sort((a, b) => a.beaten - b.beaten || a.x - b.x).slice(0, 40)
      .map((point) => ({ text: point.name, x: x.pixel(point.x), y: size.height - y.pixel(point.y) }));
    const placed = labels.place(named, size.width, size.height,
      hollow ? [] : obstacles(points, steps(points, score.better), { x, y }, size.height));
    return layered(group, size, points, { x, y }, placed, hollow);
  };

  // The boxes of whiskers and of the step line.
  const obstacles = (points, corners, { x, y }, height) => {
    const row = (value) => height - y.pixel(value);
    const box = (left, right, top, bottom) =>
      ({ left: left - 2, right: right + 2, top: top - 2, bottom: bottom + 2 });
    return [
      ...points.map((one) => box(x.pixel(one.x), x.pixel(one.x), row(one.high), row(one.low))),
      ...points.map((one) => box(x.pixel(one.left), x.pixel(one.right), row(one.y), row(one.y))),
      ...corners.slice(1).map((one, at) => box(x.pixel(corners[at].x), x.pixel(one.x),
        row(corners[at].y), row(corners[at].y))),
    ];
  };

  const layered = (group, size, points, { x, y }, placed, hollow) => {
    const [score, cost] = [data.metrics[group.score], data.metrics[group.metric]];
    const at = {
      x: { field: "x", type: "quantitative", scale: x.scale, axis: charts.axis(x, cost.axis) },
      y: { field: "y", type: "quantitative", scale: y.scale,
        axis: charts.axis(y, score.axis, charts.upright) },
    };
    const paint = { color: { field: "colour", scale: null, legend: null } };
    const point = { type: "point", size: 90, strokeWidth: 2, aria: false };
    return {
      description: `${score.label} against ${cost.label}: ${points.length} models`,
      width: size.width, height: size.height, padding: size.padding, autosize: size.autosize,
      data: { values: points },
      layer: [
        ...(hollow ? [] : [{ data: { values: steps(points, score.better) }, encoding: at,
          mark: { type: "line", interpolate: "step-after", color: charts.ink().faint,
            strokeDash: [4, 3], strokeWidth: 1.2, aria: false } }]),
        { mark: { type: "rule", aria: false, opacity: 0.6 },
          encoding: { ...at, ...paint, y: { ...at.y, field: "low" }, y2: { field: "high" } } },
        { mark: { type: "rule", aria: false, opacity: 0.6 },
          encoding: { ...at, ...paint, x: { ...at.x, field: "left" }, x2: { field: "right" } } },
        { mark: point, encoding: { ...at, ...paint, shape: { field: "shape", scale: null },
          fill: { field: "fill", scale: null } } },
        ...labels.layers(placed),
        { mark: { type: "point", size: 500, filled: true, opacity: 0, style: "hit" }, name: "points",
          encoding: { ...at, description: { field: "text" } } },
      ],
    };
  };

  const standings = (group) => {
    const [score, cost] = [data.metrics[group.score], data.metrics[group.metric]];
    const ordered = [...group.points].sort((a, b) => a.cost - b.cost);
    const left = group.total - group.points.length;
    return [
      table([["model"], [cost.label, true], [score.label, true], ["seeds", true], ["standing"]],
        ordered.map((point) => [
          point.name, format.withInterval(cost, point.cost, ...(point.costs ?? [null, null])),
          format.withInterval(score, point.score, ...(point.scores ?? [null, null])),
          String(point.seeds), standingText(group, point)]),
        "Standing of each model"),
      left ? make("p", { class: "small" }, `${left} more models are in models.csv.`) : null,
    ];
  };

  const legend = () => make("p", { class: "legend" },
    make("span", {}, "● on the frontier"), make("span", {}, "△ cannot tell"),
    make("span", {}, "✚ dominated"), make("span", {}, "┄ best by the numbers"));

  const drawPrinted = (task, cost) => {
    const panel = data.printed.find((one) => one.task === task);
    const place = find("printed");
    place.hidden = !panel;
    if (!panel) return;
    const own = cost === "params" ? "params" : "operations";
    const points = panel.points.filter((point) => point[own] !== null)
      .map((point) => ({ ...point, cost: point[own], attention: point.ours ? "anchor" : "",
        beaten: true, standing: "as printed", seeds: 0 }));
    const metric = own === "params" ? "params" : "operations";
    data.metrics.operations = { label: "FLOPs as printed", axis: "FLOPs as printed (G)",
      scale: 1e-9, format: "giga_macs" };
    const group = { points, score: panel.score, metric, machine: "" };
    find("printed-about").textContent = `${panel.about}: as the paper prints it, measured by `
      + "others on other data, so no point here stands beside one above. Its FLOPs mix one and two "
      + `a multiply-add.${cost === "macs" || cost === "params" ? "" : " It prints no such cost; FLOPs are shown."}`;
    charts.draw(find("printed-chart"), spec(find("printed-chart"), group, true), (id) => [
      points[id].name, [
        [data.metrics[panel.score].label, format.of(data.metrics[panel.score], points[id].score)],
        ["FLOPs as printed", points[id].operations === null ? "" : `${format.plain(points[id].operations / 1e9)} G`],
        ["parameters", format.of(data.metrics.params, points[id].params)],
        ["source", panel.about]].filter(([, text]) => text)]);
  };

  const draw = () => {
    if (!abouts.length) {
      if (data.printed.length) drawPrinted("classification", "macs");
      return;
    }
    const now = chosen();
    const { group } = now;
    fill(find("frontier-controls"), ...controls(now));
    find("frontier-about").textContent = [group.subtitle, ...group.notes].join(". ");
    charts.draw(find("frontier-chart"), spec(find("frontier-chart"), group, false),
      (id) => [group.points[id].name, facts(group, group.points[id])]);
    fill(find("frontier-standings"), legend(), ...standings(group));
    drawPrinted(group.task, now.cost);
  };

  return { draw };
})();
