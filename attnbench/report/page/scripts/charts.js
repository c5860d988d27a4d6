// Draws charts with Vega-Lite as SVG, in the colours of the page, with a box of facts at a point.

const charts = (() => {
  const { make, find } = elements;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const PALETTES = {
    light: ["#0b6bb5", "#5c6670", "#b85f00", "#087f5b", "#a83a93", "#5a55c4", "#c2334d", "#2a7a8c",
      "#6f7000", "#8a5a20"],
    dark: ["#5db4ea", "#b4bec8", "#f2a33d", "#44cb9b", "#e890d6", "#a9a6ff", "#ff8c99", "#74cfe0",
      "#cccf5c", "#d4a578"],
  };
  const SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"];
  const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4]];
  const LOG_FROM = 3;
  const drawn = new Map();
  vega.expressionFunction("plain", (value) => format.plain(value));

  const ink = () => (dark.matches
    ? { text: "#d9d9d6", faint: "#a0a3a8", line: "#3a3d42", ground: "#212326" }
    : { text: "#333333", faint: "#666666", line: "#e4e4e1", ground: "#ffffff" });

  const colour = (attention) => {
    const palette = dark.matches ? PALETTES.dark : PALETTES.light;
    return palette[Math.max(0, data.mechanisms.indexOf(attention)) % palette.length];
  };
  const shape = (attention) =>
    SHAPES[Math.max(0, data.mechanisms.indexOf(attention)) % SHAPES.length];

  const config = () => ({
    background: null,
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    view: { stroke: null },
    axis: { labelColor: ink().text, titleColor: ink().faint, gridColor: ink().line,
      domainColor: ink().faint, tickColor: ink().line, labelFontSize: 12, titleFontSize: 12,
      titleFontWeight: 500, labelPadding: 6 },
  });

  // Round numbers on a logarithmic axis, no more than there is room for.
  const ticks = (low, high, most) => {
    const found = (steps) => {
      const values = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
        for (const step of steps) {
          const value = Number((step * 10 ** power).toPrecision(3));
          if (value >= low && value <= high) values.push(value);
        }
      return values;
    };
    const steps = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]];
    const fitting = steps.map(found).find((values) => values.length <= most);
    const values = fitting ?? found([1]);
    return values.filter((_, at) => at % Math.ceil(values.length / most) === 0);
  };

  // Values of the axis that keep a distance from each other.
  const thinned = (values, place, least) => {
    const kept = [];
    for (const value of [...new Set(values)].sort((a, b) => a - b))
      if (!kept.length || place(value) - place(kept.at(-1)) >= least) kept.push(value);
    return kept;
  };

  // A scale that the charts and their labels share: domain, whether it is logarithmic, and pixels.
  const scaleOf = (values, length, { margin = 0.05, include = [], log = null } = {}) => {
    const known = [...values, ...include].filter((value) => value !== null && isFinite(value));
    let [low, high] = [Math.min(...known), Math.max(...known)];
    const isLog = log ?? (low > 0 && high >= LOG_FROM * low);
    const into = isLog ? Math.log : (value) => value;
    const back = isLog ? Math.exp : (value) => value;
    const least = isLog ? 0.2 : Math.abs(high) * 0.02 || 1;
    const room = Math.max((into(high) - into(low)) * margin, least / 2);
    [low, high] = [back(into(low) - room), back(into(high) + room)];
    const part = (value) => (into(value) - into(low)) / (into(high) - into(low));
    return {
      isLog, low, high, pixel: (value) => part(value) * length,
      scale: { type: isLog ? "log" : "linear", domain: [low, high], nice: false, ...(isLog ? {} : { zero: false }) },
      ticks: (most) => (isLog ? ticks(low, high, most) : undefined),
    };
  };

  const axis = (scale, title, more = {}) => ({
    title, labelExpr: "plain(datum.value)", grid: true, ticks: false,
    ...(scale.isLog ? { values: scale.ticks(7) } : { tickCount: 5 }), ...more,
  });

  const upright = { titleAngle: 0, titleAlign: "left", titleAnchor: "end", titleX: -56,
    titleY: -14, titleBaseline: "bottom", domain: false };

  // The size of the plot inside a place of the page.
  const room = (place, { right = 18, height = 380 } = {}) => {
    const whole = Math.max(280, place.clientWidth);
    const low = Math.min(height, Math.max(260, whole * 0.75));
    const padding = { left: 60, right: whole > 560 ? right : 18, top: 34, bottom: 46 };
    return {
      padding, wide: whole > 560, autosize: "none",
      width: whole - padding.left - padding.right, height: low - padding.top - padding.bottom,
    };
  };

  const tip = find("tip");
  const showTip = (title, facts, x, y) => {
    tip.replaceChildren(make("strong", {}, title),
      make("dl", {}, ...facts.flatMap(([name, text]) =>
        [make("dt", {}, name), make("dd", {}, text)])));
    tip.hidden = false;
    const left = Math.min(x + 14, window.innerWidth - tip.offsetWidth - 8);
    const below = y + 14 + tip.offsetHeight < window.innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, below ? y + 14 : y - tip.offsetHeight - 14)}px`;
  };
  const hideTip = () => { tip.hidden = true; };

  // Draws a chart; `factsAt` gives title and facts of a point, whose datum has an `id`.
  const draw = (place, spec, factsAt) => {
    drawn.get(place)?.finalize();
    const compiled = vegaLite.compile({ ...spec, config: config() }).spec;
    const view = new vega.View(vega.parse(compiled), { renderer: "svg", hover: true });
    drawn.set(place, view);
    const show = (item, x, y) => showTip(...factsAt(item.datum.id), x, y);
    const at = (event, item) => {
      if (item?.datum?.id === undefined) hideTip();
      else show(item, event.clientX, event.clientY);
    };
    view.addEventListener("mousemove", at);
    view.addEventListener("click", at);
    view.addEventListener("mouseout", hideTip);
    view.initialize(place).runAsync().then(() => {
      if (drawn.get(place) === view) keyboard.walk(place, show, hideTip);
    });
  };

  const empty = (place) => {
    drawn.get(place)?.finalize();
    drawn.delete(place);
    place.replaceChildren();
  };

  return { dark, colour, shape, ink, DASHES, draw, empty, room, scaleOf, axis, upright, thinned,
    hideTip };
})();
