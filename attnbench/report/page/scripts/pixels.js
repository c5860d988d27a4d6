// Pictures and maps on canvases. Maps come as bytes in base64.

const pixels = (() => {
  const { make } = elements;
  const FRAME = "#31e0ff"; // none of the colour scales has it

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  const image = async (jpeg) => {
    const found = new Image();
    found.src = `data:image/jpeg;base64,${jpeg}`;
    await found.decode();
    return found;
  };

  // A canvas of the shape of a picture; coordinates are those of the picture.
  const canvas = ([height, width], more = {}) => {
    const across = 2 * Math.min(width, 240);
    const made = make("canvas", { width: across, height: Math.round((across * height) / width), ...more });
    const pen = made.getContext("2d");
    pen.scale(made.width / width, made.height / height);
    return { made, pen, width, height, unit: width / made.width };
  };

  const colours = (name) => {
    const scale = vega.scheme(name);
    return Array.from({ length: 256 }, (_, at) => scale(at / 255).match(/\d+/g).map(Number));
  };
  const scales = { turbo: colours("turbo"), viridis: colours("viridis") };

  // The values between the middles of cells, as bilinear enlarging gives them.
  const between = (values, [rows, columns], y, x) => {
    const within = (place, most) => Math.min(Math.max(place, 0), most);
    const [down, across] = [within(y * rows - 0.5, rows - 1), within(x * columns - 0.5, columns - 1)];
    const [top, left] = [Math.floor(down), Math.floor(across)];
    const [low, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
    const row = (at) => values[at * columns + left] * (1 - across + left)
      + values[at * columns + right] * (across - left);
    return row(top) * (1 - down + top) + row(low) * (down - top);
  };

  // Draws a map over the whole of a canvas.
  const map = ({ pen, width, height }, values, cells, scale, { smooth, opacity }) => {
    const [rows, columns] = smooth ? [96, 96] : cells;
    const small = make("canvas", { width: columns, height: rows });
    const content = new ImageData(columns, rows);
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        const value = smooth
          ? between(values, cells, (row + 0.5) / rows, (column + 0.5) / columns)
          : values[row * columns + column];
        content.data.set([...scales[scale][Math.round(value)], 255], 4 * (row * columns + column));
      }
    small.getContext("2d").putImageData(content, 0, 0);
    pen.save();
    pen.globalAlpha = opacity;
    pen.imageSmoothingEnabled = smooth;
    pen.drawImage(small, 0, 0, width, height);
    pen.restore();
  };

  const frame = ({ pen, unit }, [left, top, right, low], { dashed = false, colour = FRAME } = {}) => {
    pen.lineWidth = 3 * unit;
    pen.setLineDash(dashed ? [8 * unit, 6 * unit] : []);
    pen.strokeStyle = colour;
    pen.strokeRect(left, top, right - left, low - top);
  };

  return { bytes, image, canvas, map, frame };
})();
