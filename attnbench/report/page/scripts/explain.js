// What models look at: each picture beside the map of each model.

const explain = (() => {
  const { find, make, fill } = elements;
  const found = data.explained;
  let done = false;

  const figure = (canvas, text) =>
    make("figure", {}, canvas, make("figcaption", { "aria-hidden": "true" }, text));

  const plain = (picture, image) => {
    const place = pixels.canvas(picture.size, { role: "img", "aria-label": picture.name });
    place.pen.drawImage(image, 0, 0, place.width, place.height);
    picture.boxes.forEach((box) => pixels.frame(place, box));
    return figure(place.made, picture.name.split("/").at(-1));
  };

  const mapped = (picture, image, one, model) => {
    const place = pixels.canvas(picture.size,
      { role: "img", "aria-label": `${picture.name}, ${model}: ${one.text}` });
    place.pen.drawImage(image, 0, 0, place.width, place.height);
    pixels.map(place, pixels.bytes(one.values), one.cells, "turbo", { smooth: true, opacity: 0.5 });
    picture.boxes.forEach((box) => pixels.frame(place, box));
    if (one.detected.length) pixels.frame(place, one.detected, { dashed: true, colour: "#ffffff" });
    return figure(place.made, one.text);
  };

  const rows = async () => {
    const cells = [make("span", {}, "picture"),
      ...found.models.map((model) => make("span", {}, model))];
    for (const picture of found.pictures) {
      const image = await pixels.image(picture.jpeg);
      cells.push(plain(picture, image),
        ...picture.maps.map((one, at) => mapped(picture, image, one, found.models[at])));
    }
    return cells;
  };

  const note = () => [
    `Grad-CAM: red speaks for the class below a map, blue does not; each map from its own least to its
      own largest value. Below: the class, and ${found.shares_are}.`,
    found.pictures.some((one) => one.boxes.length) ? "Frames: the boxes that the numbers are about." : "",
    found.pictures.some((one) => one.maps.some((map) => map.detected.length))
      ? "Dashed: the detection that is explained." : "",
  ].filter(Boolean).join(" ");

  const draw = () => {
    if (!found) return;
    tokens.draw();
    if (done) return; // neither the size nor the colours of the page change a picture
    done = true;
    find("explain-about").textContent = note();
    rows().then((cells) => fill(find("explain-maps"),
      make("div", { class: "maps", style: `--columns: ${1 + found.models.length}` }, ...cells)));
  };

  return { draw };
})();
