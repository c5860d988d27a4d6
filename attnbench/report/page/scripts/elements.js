// Small helpers to build the page. Text from records is only ever set as text.

const elements = (() => {
  const find = (id) => document.getElementById(id);

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  };

  // A choice of one among several, whose number stands in the address.
  const select = (label, names, chosen, onchange) => {
    const options = names.map((name, at) =>
      make("option", { value: at, selected: at === chosen }, name));
    const box = make("select", { onchange: () => onchange(Number(box.value)) }, ...options);
    return make("label", { class: "field" }, make("span", {}, label), box);
  };

  // Buttons of which one is pressed.
  const buttons = (label, names, chosen, onchange) =>
    make("div", { class: "buttons", role: "group", "aria-label": label },
      ...names.map(([value, name]) =>
        make("button",
          { type: "button", "aria-pressed": String(value === chosen), "data-value": value,
            onclick: () => onchange(value) },
          name)));

  // Replaces what a place holds; the focus stays on the same control.
  const fill = (place, ...children) => {
    const controls = () => [...place.querySelectorAll("button, select, input, summary")];
    const before = controls().indexOf(document.activeElement);
    place.replaceChildren(...children.filter((child) => child !== null));
    if (before >= 0) controls()[before]?.focus({ preventScroll: true });
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", { class: "hidden", "aria-label": "text to copy" }, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  // A command with a button that copies it.
  const command = (text) => {
    const button = make("button", { type: "button", class: "copy", onclick: async () => {
      await copy(text);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    } }, "copy");
    return make("span", { class: "command" }, make("code", {}, text), button);
  };

  const table = (heads, rows, label) =>
    make("div", { class: "table", tabindex: "0", role: "region", "aria-label": label },
      make("table", {},
        make("thead", {}, make("tr", {}, ...heads.map(([name, numeric]) =>
          make("th", { scope: "col", class: numeric ? "number" : null }, name)))),
        make("tbody", {}, ...rows.map((row) =>
          make("tr", {}, ...row.map((cell, at) =>
            make("td", { class: heads[at][1] ? "number" : null }, cell)))))));

  return { find, make, select, buttons, fill, copy, command, table };
})();
