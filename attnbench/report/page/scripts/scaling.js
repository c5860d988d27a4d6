// Cost against tokens, under one set of conditions: few curves at first, the others by toggles.

const scaling = (() => {
  const { find, make, select, buttons, fill, table, command } = elements;
  const METRICS = ["latency_s", "memory_bytes", "macs", "speedup"];
  const BOUNDS = { latency_s: ["latency_low_s", "latency_high_s", "quotable"],
    speedup: ["speedup_low", "speedup_high", "speedup_quotable"] };
  const AT_FIRST = 8;
  let othersAreOpen = false;

  const linesOf = (place) => {
    const rows = cells.under(place).filter((row) => row.on_line);
    const found = new Map();
    for (const row of rows) {
      if (!found.has(row.series)) found.set(row.series, []);
      found.get(row.series).push(row);
    }
    for (const members of found.values()) members.sort((a, b) => a.tokens - b.tokens);
    return found;
  };

  // First the conditions with the most latencies that may be quoted, then the most cells.
  const merit = (one, at) => [one.timed - one.poor, cells.under(at).length];
  const usual = data.conditions.reduce((best, one, at) => {
    const [own, other] = [merit(one, at), merit(data.conditions[best], best)];
    return own[0] > other[0] || (own[0] === other[0] && own[1] > other[1]) ? at : best;
  }, 0);
  const conditions = () => state.place("conditions", data.conditions.length, usual);

  // At first the leaders of few mechanisms, in the order of the registry: more cannot be told apart.
  const leaders = (place, lines) => {
    const rank = (at) => data.mechanisms.indexOf(cells.series[at].attention);
    return [...lines.keys()].filter((at) => cells.series[at].leads.includes(place))
      .sort((a, b) => rank(a) - rank(b));
  };

  const visible = (place, lines) => {
    const first = new Set(leaders(place, lines).slice(0, AT_FIRST));
    const usualOnes = [...lines.keys()].filter((at) => first.has(at));
    const asked = state.get("curves", null);
    const shown = asked === null ? usualOnes : asked.split(".").map(Number);
    return { usual: usualOnes.join("."), shown: new Set(shown.filter((at) => lines.has(at))) };
  };

  const toggle = (place, lines, at) => {
    const { usual: usualOnes, shown } = visible(place, lines);
    if (!shown.delete(at)) shown.add(at);
    state.set("curves", [...lines.keys()].filter((one) => shown.has(one)).join("."), usualOnes);
  };

  // The look of each curve: one colour and shape a mechanism, one dash an implementation.
  const looks = (place, lines) => {
    const times = {};
    const order = [...lines.keys()].sort((a, b) =>
      cells.series[b].leads.includes(place) - cells.series[a].leads.includes(place));
    return new Map(order.map((at) => {
      const { attention } = cells.series[at];
      times[attention] = (times[attention] ?? -1) + 1;
      return [at, { colour: charts.colour(attention), shape: charts.shape(attention),
        dash: charts.DASHES[times[attention] % charts.DASHES.length] }];
    }));
  };

  const toggles = (place, lines, look) => {
    const { shown } = visible(place, lines);
    const groups = data.mechanisms.map((attention) =>
      [attention, [...lines.keys()].filter((at) => cells.series[at].attention === attention)]);
    const box = (at) => make("label", { class: "toggle" },
      make("input", { type: "checkbox", checked: shown.has(at), value: at,
        onchange: () => toggle(place, lines, at) }),
      make("span", { class: "swatch", style: `--swatch: ${look.get(at).colour}` }),
      make("span", {}, cells.series[at].name));
    const fieldset = ([attention, members]) => {
      const first = members.filter((at) => cells.series[at].leads.includes(place) || shown.has(at));
      const rest = members.filter((at) => !first.includes(at));
      return make("fieldset", {}, make("legend", {}, attention), ...first.map(box),
        rest.length ? make("details", {}, make("summary", {}, `${rest.length} more`), ...rest.map(box))
          : null);
    };
    const known = groups.filter(([, members]) => members.length);
    const isShown = ([, members]) => members.some((at) => shown.has(at));
    const others = known.filter((group) => !isShown(group));
    return [...known.filter(isShown).map(fieldset), others.length
      ? make("details", { class: "others", open: othersAreOpen,
        ontoggle: (event) => { othersAreOpen = event.target.open; } },
      make("summary", {}, `${others.length} more mechanism${others.length > 1 ? "s" : ""}`),
      ...others.map(fieldset)) : null].filter(Boolean);
  };

  const pointsOf = (lines, shown, look, name) => {
    const { scale } = data.metrics[name];
    const [low, high, sure] = BOUNDS[name] ?? [];
    return [...shown].flatMap((at, order) => lines.get(at)
      .filter((row) => row[name] !== null && row[name] > 0)
      .map((row) => {
        const isSure = sure ? row[sure] : true;
        return { id: row.at, order, series: at, name: cells.series[at].name, x: row.tokens,
          y: row[name] * scale, sure: isSure,
          low: (low && isSure ? row[low] ?? row[name] : row[name]) * scale,
          high: (high && isSure ? row[high] ?? row[name] : row[name]) * scale,
          ...look.get(at), fill: isSure ? look.get(at).colour : "transparent",
          text: `${cells.series[at].name}, ${row.size}: ${format.of(data.metrics[name], row[name])}`
            + `${isSure ? "" : " (grade C)"}` };
      }));
  };

  const spec = (place, points, name) => {
    const size = charts.room(place, { right: 150, height: 440 });
    const x = charts.scaleOf(points.map((p) => p.x), size.width);
    const y = charts.scaleOf(points.flatMap((p) => [p.low, p.high]), size.height,
      { include: name === "speedup" ? [0.9, 1.1] : [] });
    const sizes = charts.thinned(points.map((p) => p.x), x.pixel, 46);
    const ends = new Map();
    for (const point of points) ends.set(point.series, point);
    const named = size.wide ? [...ends.values()].sort((a, b) => b.y - a.y).map((point) =>
      ({ text: point.name, x: x.pixel(point.x), y: size.height - y.pixel(point.y) })) : [];
    const placed = labels.place(named, size.width + size.padding.right - 18, size.height);
    const at = {
      x: { field: "x", type: "quantitative", scale: x.scale,
        axis: charts.axis(x, "tokens", { values: sizes, grid: false }) },
      y: { field: "y", type: "quantitative", scale: y.scale,
        axis: charts.axis(y, data.metrics[name].axis, charts.upright) },
      detail: { field: "series" },
    };
    const paint = { color: { field: "colour", scale: null, legend: null } };
    const sure = { transform: [{ filter: "datum.sure" }] };
    return {
      description: `${data.metrics[name].label} against tokens, ${ends.size} curves`,
      width: size.width, height: size.height, padding: size.padding, autosize: size.autosize,
      data: { values: points },
      layer: [
        ...(name === "speedup" ? [{ data: { values: [{ y: 1 }] }, encoding: { y: at.y },
          mark: { type: "rule", color: charts.ink().faint, strokeWidth: 1.5, aria: false } }] : []),
        { ...sure, mark: { type: "area", opacity: 0.18, aria: false },
          encoding: { ...at, ...paint, y: { ...at.y, field: "low" }, y2: { field: "high" } } },
        { ...sure, mark: { type: "line", strokeWidth: 2, aria: false },
          encoding: { ...at, ...paint, strokeDash: { field: "dash", scale: null, type: "nominal",
            legend: null } } },
        { mark: { type: "point", size: 55, strokeWidth: 1.6, aria: false },
          encoding: { ...at, ...paint, shape: { field: "shape", scale: null },
            fill: { field: "fill", scale: null } } },
        ...labels.layers(placed),
        { mark: { type: "point", size: 360, filled: true, opacity: 0 }, name: "points",
          encoding: { ...at, description: { field: "text" } } },
      ],
    };
  };

  // Says first that most cells are graded C, and what to run.
  const warning = (one) => {
    if (!one.poor) return null;
    const most = one.poor * 2 >= one.timed;
    const text = `${one.poor} of ${one.timed} latencies under these conditions are graded C: `
      + "hollow, not joined, and nothing is concluded from them. To measure them again:";
    return make("details", { class: most ? "warning" : "remark", open: most },
      make("summary", {}, text), ...one.again.map(command));
  };

  const growthTable = (place, shown) => {
    const rows = data.growth.filter((one) => one.conditions === place && shown.has(one.series));
    const heads = [...new Set(rows.flatMap((one) => Object.keys(one.texts)))];
    if (!rows.length) return null;
    const columns = heads.map((head) => head.replace("overtakes: ", "less than dense in ")
      .replace("exponent: ", "growth of "));
    return make("div", {},
      make("h3", {}, "Where it overtakes dense, in tokens, and the exponent of its growth"),
      table([["attention"], ...columns.map((head) => [head])],
        rows.map((one) => [cells.series[one.series].name,
          ...heads.map((head) => one.texts[head] ?? format.MISSING)]),
        "Crossovers and growth"));
  };

  const metricOf = (lines) => {
    const known = METRICS.filter((name) =>
      [...lines.values()].some((rows) => rows.some((row) => row[name] !== null)));
    const asked = state.get("metric", known[0]);
    return { known, name: known.includes(asked) ? asked : known[0] };
  };

  const aboutText = (place, lines, name) => {
    const one = data.conditions[place];
    const over = name === "speedup" && one.baselines.length
      ? ` Speed-up over ${one.baselines.join(" or ")}, the fastest dense attention.` : "";
    const bands = BOUNDS[name] ? " Bands: 95 % intervals." : " Counted, so without an interval.";
    const first = leaders(place, lines).length > AT_FIRST
      ? `of ${AT_FIRST} mechanisms; the boxes show the others` : "of each mechanism";
    return `${one.name}.${over}${bands} At first, the fastest implementation ${first}.`;
  };

  const draw = () => {
    if (!data.conditions.length) return;
    const place = conditions();
    const lines = linesOf(place);
    const look = looks(place, lines);
    const { shown } = visible(place, lines);
    const { known, name } = metricOf(lines);
    fill(find("scaling-controls"),
      select("conditions", data.conditions.map((one) => one.name), place, choose),
      known.length ? buttons("metric", known.map((key) => [key, data.metrics[key].label]), name,
        (key) => state.set("metric", key, known[0])) : null);
    fill(find("scaling-warning"), warning(data.conditions[place]));
    find("scaling-about").textContent = name ? aboutText(place, lines, name) : data.conditions[place].name;
    fill(find("scaling-toggles"), ...toggles(place, lines, look));
    fill(find("scaling-growth"), growthTable(place, shown));
    const points = name ? pointsOf(lines, shown, look, name) : [];
    const chart = find("scaling-chart");
    if (!points.length) {
      charts.empty(chart);
      chart.append(make("p", { class: "small" }, "No curve that is shown has such a number."));
      return;
    }
    charts.draw(chart, spec(chart, points, name),
      (id) => [cells.rows[id].label, factsOf(cells.rows[id])]);
  };

  // Other conditions have other curves.
  const choose = (at) => {
    state.set("curves", null, null);
    state.set("conditions", at, usual);
  };

  return { draw, conditions, choose, looks, linesOf, visible };
})();
