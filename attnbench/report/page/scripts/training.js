// The score after each epoch of training, for the runs on one task and data.

const training = (() => {
  const { find, make, select, fill } = elements;
  const NAMED = 8;

  const pointsOf = (one) => one.runs.flatMap((run, order) => run.epochs.map((epoch, at) => ({
    id: `${order}.${at}`, order, run: order, x: epoch,
    y: run.scores[at] * data.metrics[one.score].scale, colour: charts.colour(run.attention),
    shape: charts.shape(run.attention),
    text: `${run.name}, epoch ${epoch}: ${format.of(data.metrics[one.score], run.scores[at])}`,
  })));

  const spec = (place, one) => {
    const size = charts.room(place, { right: 150, height: 360 });
    const points = pointsOf(one);
    const x = charts.scaleOf(points.map((p) => p.x), size.width, { log: false });
    const y = charts.scaleOf(points.map((p) => p.y), size.height, { log: false });
    const last = one.runs.map((run, at) => points.filter((p) => p.run === at).at(-1));
    const named = size.wide && one.runs.length <= NAMED ? last.map((point, at) => ({ text: one.runs[at].name,
      x: x.pixel(point.x), y: size.height - y.pixel(point.y) })) : [];
    const epochs = Math.max(...points.map((p) => p.x));
    const at = {
      x: { field: "x", type: "quantitative", scale: x.scale,
        axis: charts.axis(x, "epoch", { tickCount: Math.min(epochs, 10), tickMinStep: 1, grid: false }) },
      y: { field: "y", type: "quantitative", scale: y.scale,
        axis: charts.axis(y, data.metrics[one.score].axis, charts.upright) },
      detail: { field: "run" },
      color: { field: "colour", scale: null, legend: null },
    };
    return {
      description: `${data.metrics[one.score].label} after each epoch, ${one.runs.length} runs`,
      width: size.width, height: size.height, padding: size.padding, autosize: size.autosize,
      data: { values: points },
      layer: [
        { mark: { type: "line", strokeWidth: 1.6, aria: false, opacity: 0.8 }, encoding: at },
        { mark: { type: "point", size: 28, filled: true, aria: false },
          encoding: { ...at, shape: { field: "shape", scale: null } } },
        ...labels.layers(labels.place(named, size.width + size.padding.right - 18, size.height)),
        { mark: { type: "point", size: 200, filled: true, opacity: 0 }, name: "points",
          encoding: { x: at.x, y: at.y, description: { field: "text" } } },
      ],
    };
  };

  // What the colours mean, where there are too many runs for their names.
  const legend = (runs) => (runs.length <= NAMED ? null : make("p", { class: "legend" },
    ...[...new Set(runs.map((run) => run.attention))].filter(Boolean).map((attention) =>
      make("span", {}, make("span", { class: "swatch dot", style: `--swatch: ${charts.colour(attention)}` }),
        attention))));

  const draw = () => {
    if (!data.trainings.length) return;
    const place = state.place("training", data.trainings.length);
    const one = data.trainings[place];
    fill(find("training-controls"), data.trainings.length > 1
      ? select("task and data", data.trainings.map((other) => other.about), place,
        (at) => state.set("training", at, 0)) : null);
    const left = one.total - one.runs.length;
    find("training-about").textContent = one.about
      + (left ? `. ${left} more runs are in training.csv.` : "");
    fill(find("training-legend"), legend(one.runs));
    charts.draw(find("training-chart"), spec(find("training-chart"), one), (id) => {
      const [run, at] = id.split(".").map(Number);
      const { name, epochs, scores } = one.runs[run];
      return [name, [["epoch", String(epochs[at])],
        [data.metrics[one.score].label, format.of(data.metrics[one.score], scores[at])]]];
    });
  };

  return { draw };
})();
