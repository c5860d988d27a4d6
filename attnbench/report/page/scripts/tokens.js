// A token is picked in a picture by mouse, touch or arrow keys; beside it stands the attention that
// the anchors imply for it.

const tokens = (() => {
  const { find, make, select, buttons, fill } = elements;
  const pictures = (data.explained?.pictures ?? []).filter((one) => one.tokens.length);
  const images = new Map();
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const percent = (share) => format.forms.percent(share);

  const chosen = () => {
    const at = state.place("picture", pictures.length);
    const picture = pictures[at];
    const layer = state.place("layer", picture.tokens.length, picture.tokens.length - 1);
    const maps = picture.tokens[layer];
    const [rows, columns] = maps.cells;
    const usual = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
    return { at, picture, layer, maps, usual, cell: state.place("token", rows * columns, usual) };
  };

  const boxOf = ({ picture, maps }, cell) => {
    const [rows, columns] = maps.cells;
    const [height, width] = [picture.size[0] / rows, picture.size[1] / columns];
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    return [column * width, row * height, (column + 1) * width, (row + 1) * height];
  };

  const rowOf = ({ maps, cell }) => {
    const count = maps.cells[0] * maps.cells[1];
    return pixels.bytes(maps.values).subarray(cell * count, (cell + 1) * count);
  };

  const placeOf = ({ maps }, cell) =>
    `row ${Math.floor(cell / maps.cells[1]) + 1}, column ${(cell % maps.cells[1]) + 1}`;

  // In words what the second picture shows.
  const words = (now) => {
    const values = rowOf(now);
    const top = values.indexOf(Math.max(...values));
    const largest = now.maps.largest[now.cell];
    const own = percent((values[now.cell] / 255) * largest);
    const cells = now.maps.block > 1 ? ` (each ${now.maps.block} × ${now.maps.block} tokens)` : "";
    const [first, ...rest] = placeOf(now, now.cell);
    return `${first.toUpperCase()}${rest.join("")} of ${now.maps.cells.join(" × ")}${cells}: pays most, `
      + `${percent(largest)}, to ${top === now.cell ? "itself" : placeOf(now, top)}`
      + `${top === now.cell ? "" : `, and ${own} to itself`}. An even share is `
      + `${percent(1 / values.length)}.`;
  };

  const pick = (now, cell) => state.set("token", cell, now.usual);

  const onkey = (now) => (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const [rows, columns] = now.maps.cells;
    const row = Math.min(Math.max(Math.floor(now.cell / columns) + step[0], 0), rows - 1);
    const column = Math.min(Math.max((now.cell % columns) + step[1], 0), columns - 1);
    pick(now, row * columns + column);
  };

  const onpointer = (now, canvas) => (event) => {
    if (event.buttons !== 1 && event.type !== "click") return;
    const [rows, columns] = now.maps.cells;
    const box = canvas.getBoundingClientRect();
    const part = (at, start, size, count) =>
      Math.min(Math.max(Math.floor(((at - start) / size) * count), 0), count - 1);
    pick(now, part(event.clientY, box.top, box.height, rows) * columns
      + part(event.clientX, box.left, box.width, columns));
  };

  const picker = (now, image) => {
    const place = pixels.canvas(now.picture.size, { tabindex: "0", role: "application", id: "explain-picker",
      "aria-label": `${now.picture.name}: pick a token by click or arrow keys`,
      "aria-describedby": "explain-token" });
    place.pen.drawImage(image, 0, 0, place.width, place.height);
    pixels.frame(place, boxOf(now, now.cell));
    const pointer = onpointer(now, place.made);
    ["click", "pointermove"].forEach((type) => place.made.addEventListener(type, pointer));
    place.made.addEventListener("keydown", onkey(now));
    return make("figure", {}, place.made, make("figcaption", {}, "pick a token here"));
  };

  const implied = (now) => {
    const place = pixels.canvas(now.picture.size,
      { role: "img", "aria-label": "attention that the anchors imply for the token" });
    pixels.map(place, rowOf(now), now.maps.cells, "viridis", { smooth: false, opacity: 1 });
    pixels.frame(place, boxOf(now, now.cell));
    return make("figure", {}, place.made,
      make("figcaption", {}, `its attention, 0 to ${percent(now.maps.largest[now.cell])}`));
  };

  const controls = (now) => [
    pictures.length > 1
      ? select("picture", pictures.map((one) => one.name), now.at, (at) => state.set("picture", at, 0))
      : null,
    now.picture.tokens.length > 1
      ? buttons("layer", now.picture.tokens.map((one, at) => [at, one.layer]), now.layer,
        (at) => state.set("layer", at, now.picture.tokens.length - 1))
      : null,
  ];

  const draw = async () => {
    if (!pictures.length) return;
    find("explain-tokens").hidden = false;
    const { picture } = chosen();
    if (!images.has(picture)) images.set(picture, await pixels.image(picture.jpeg));
    const now = chosen();
    if (!images.has(now.picture)) return; // another was chosen while this one was read
    const hadFocus = document.activeElement?.id === "explain-picker";
    fill(find("explain-controls"), ...controls(now));
    fill(find("explain-pair"), picker(now, images.get(now.picture)), implied(now));
    if (hadFocus) find("explain-picker").focus({ preventScroll: true });
    find("explain-token").textContent = words(now);
  };

  return { draw };
})();
