// The table of all cells: sorted, filtered, saved as CSV; each row gives the command that made it.

const cellTable = (() => {
  const { find, make, fill, command } = elements;
  const AT_ONCE = 100;
  let shownRows = AT_ONCE;
  const has = (name) => cells.rows.some((row) => row[name] !== null && row[name] !== "");
  const metric = (name, low, high) => ({
    head: data.metrics[name].label, key: name, numeric: true,
    text: (row) => format.withInterval(data.metrics[name], row[name], low ? row[low] : null,
      high ? row[high] : null),
  });
  const SCORE = { head: "scores", key: "scores", sort: (row) => row.score };
  const COLUMNS = [
    { head: "name", key: "label" },
    { head: "size", key: "size", sort: (row) => row.tokens ?? row.height * row.width },
    ...["params", "macs"].map((name) => metric(name)),
    metric("latency_s", "latency_low_s", "latency_high_s"),
    { head: "grade", key: "trust" },
    metric("memory_bytes"), metric("energy_j"),
    metric("speedup", "speedup_low", "speedup_high"),
    metric("percent_of_limit"), { head: "bound by", key: "bound_by" }, SCORE,
    { head: "mode", key: "mode" }, { head: "dtype", key: "dtype" },
    { head: "batch", key: "batch", numeric: true }, { head: "device", key: "device" },
    { head: "about", key: "about" },
    { head: "status", key: "status", text: (row) => (row.reason ? `${row.status}: ${row.reason}` : row.status) },
  ].filter((column) => has(column.key));
  const FILTERS = [["kind", "kind"], ["attention", "mechanism"], ["device", "device"],
    ["mode", "mode"], ["dtype", "dtype"], ["trust", "grade"], ["status", "status"]];
  const textOf = (column, row) => (column.text ? column.text(row) : String(row[column.key] || format.MISSING));
  const searched = cells.rows.map((row) =>
    [row.label, row.size, row.device, row.about, row.status, row.reason, row.notes].join(" ").toLowerCase());

  const filtered = () => {
    const words = state.get("text", "").toLowerCase().split(/\s+/).filter(Boolean);
    const kept = cells.rows.filter((row) =>
      FILTERS.every(([key]) => { const asked = state.get(key, null); return asked === null || row[key] === asked; })
      && words.every((word) => searched[row.at].includes(word)));
    const [key, way] = state.get("sort", "").split(":");
    const column = COLUMNS.find((one) => one.key === key);
    if (!column) return kept;
    const value = column.sort ?? ((row) => row[column.key]);
    const sign = way === "down" ? -1 : 1;
    const known = kept.filter((row) => value(row) !== null && value(row) !== "");
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en") : a - b);
    known.sort((a, b) => sign * compare(value(a), value(b)));
    return [...known, ...kept.filter((row) => value(row) === null || value(row) === "")];
  };

  const sortBy = (key) => {
    const [old, way] = state.get("sort", "").split(":");
    const next = old !== key ? `${key}:up` : way === "up" ? `${key}:down` : "";
    state.set("sort", next, "");
  };

  const head = (column) => {
    const [key, way] = state.get("sort", "").split(":");
    const order = key !== column.key ? "none" : way === "down" ? "descending" : "ascending";
    const sign = { none: "", ascending: " ▲", descending: " ▼" }[order];
    return make("th", { scope: "col", "aria-sort": order, class: column.numeric ? "number" : null },
      make("button", { type: "button", onclick: () => sortBy(column.key) }, `${column.head}${sign}`));
  };

  const copyCell = (row) => make("td", {}, row.command
    ? make("button", { type: "button", class: "copy", "data-command": row.command,
      "aria-label": `copy the command of ${row.label}, ${row.size}`,
      onclick: (event) => show(event.currentTarget, row.command) }, "copy")
    : "");

  const line = (row) => {
    const [name, ...others] = COLUMNS.map((column) =>
      make("td", { class: column.numeric ? "number" : null,
        title: column.key === "trust" && row.doubts ? row.doubts : null }, textOf(column, row)));
    return make("tr", { class: row.trust === "C" ? "doubtful" : null }, name, copyCell(row), ...others);
  };

  const heads = () => {
    const [name, ...others] = COLUMNS.map(head);
    return [name, make("th", { scope: "col" }, "command"), ...others];
  };

  const show = async (button, text) => {
    await elements.copy(text);
    button.textContent = "copied";
    fill(find("cells-command"), make("span", { class: "small" }, "Measures this cell again: "), command(text));
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };

  // A sheet would compute a text that begins like a formula; an apostrophe says that it is text.
  const field = (value) => {
    if (value === null || value === undefined) return "";
    const text = String(value);
    const safe = typeof value === "string" && /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (rows) => {
    const names = [...Object.keys(data.cells.texts), ...Object.keys(data.cells.numbers)];
    return [names.join(","), ...rows.map((row) => names.map((name) => field(row[name])).join(","))]
      .join("\n") + "\n";
  };
  const save = () => {
    const url = URL.createObjectURL(new Blob([csv(filtered())], { type: "text/csv" }));
    const link = make("a", { href: url, download: "cells.csv" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };

  const drawFilters = () => {
    const search = make("input", { type: "search", value: state.get("text", ""), id: "cells-text",
      oninput: () => { shownRows = AT_ONCE; state.set("text", search.value, ""); } });
    const boxes = FILTERS.map(([key, name]) => {
      const values = [...new Set(cells.rows.map((row) => row[key]).filter(Boolean))].sort();
      if (values.length < 2) return null;
      const asked = state.get(key, null);
      const box = make("select", { onchange: () => { shownRows = AT_ONCE; state.set(key, box.value || null, null); } },
        make("option", { value: "" }, "all"),
        ...values.map((value) => make("option", { value, selected: value === asked }, value)));
      return make("label", { class: "field" }, make("span", {}, name), box);
    });
    fill(find("cells-controls"), make("label", { class: "field" }, make("span", {}, "text"), search),
      ...boxes, make("button", { type: "button", id: "cells-save", onclick: save }, "download CSV"));
  };

  const drawRows = () => {
    const rows = filtered();
    find("cells-count").textContent = `${format.forms.count(rows.length)} of `
      + `${format.forms.count(cells.rows.length)} cells`;
    fill(find("cells-table"), make("table", {},
      make("thead", {}, make("tr", {}, ...heads())),
      make("tbody", {}, ...rows.slice(0, shownRows).map(line))));
    fill(find("cells-more"), rows.length > shownRows
      ? make("button", { type: "button", onclick: () => { shownRows += 5 * AT_ONCE; drawRows(); } },
        `show more (${format.forms.count(rows.length - shownRows)} left)`) : null);
  };

  const draw = () => {
    if (!cells.rows.length) return;
    const search = document.getElementById("cells-text");
    if (document.activeElement !== search || !search) drawFilters();
    drawRows();
  };

  return { draw };
})();
