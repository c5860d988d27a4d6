// The records, as rows: columns come as numbers and as texts that are written once.

const data = JSON.parse(document.getElementById("data").textContent);

const cells = (() => {
  const { texts, numbers, flags, places, series } = data.cells;
  const count = texts.kind.at.length;
  const rows = Array.from({ length: count }, (_, at) => {
    const row = { at };
    for (const name in texts) row[name] = texts[name].names[texts[name].at[at]];
    for (const name in numbers) row[name] = numbers[name][at];
    for (const name in flags) row[name] = flags[name][at] === 1;
    for (const name in places) row[name] = places[name][at];
    return row;
  });
  return { rows, series, under: (place) => rows.filter((row) => row.conditions === place) };
})();

// What stands beside a point: the facts of a cell.
const factsOf = (row) => {
  const of = (name, value = row[name]) => format.of(data.metrics[name], value);
  const between = (name, suffix = "") => format.withInterval(
    data.metrics[`${name}${suffix}`], row[`${name}${suffix}`], row[`${name}_low${suffix}`],
    row[`${name}_high${suffix}`]);
  const facts = [
    ["size", row.size],
    ["latency", row.latency_s === null ? "" : between("latency", "_s")],
    ["grade", row.trust && `${row.trust}${row.doubts ? `: ${row.doubts}` : ""}`],
    ["speed-up", row.speedup === null ? ""
      : `${between("speedup")}${row.speedup_quotable ? "" : " (rests on grade C)"}`],
    ["memory", row.memory_bytes === null ? "" : of("memory_bytes")],
    ["MACs", row.macs === null ? "" : of("macs")],
    ["scores", row.scores],
    ["energy", row.energy_j === null ? "" : of("energy_j")],
    ["of limit", row.percent_of_limit === null ? "" : of("percent_of_limit")],
    ["bound by", row.bound_by],
    ["status", row.status === "ok" ? "" : `${row.status}: ${row.reason}`],
    ["where", row.device],
    ["how", [row.mode, row.dtype, `batch ${row.batch}`, row.about].join(", ")],
  ];
  return facts.filter(([, text]) => text);
};
