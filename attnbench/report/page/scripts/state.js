// What the reader chose, kept in the address: a link shows what its sender saw.

const state = (() => {
  const read = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  let chosen = read();
  const listeners = [];
  // `key` is what changed; without one, all may have.
  const tell = (key) => listeners.forEach((listener) => listener(key));

  window.addEventListener("hashchange", () => {
    chosen = read();
    tell();
  });

  return {
    get: (key, usual) => chosen.get(key) ?? usual,

    // A choice that is the usual one does not stand in the address.
    set(key, value, usual) {
      if (String(value) === String(usual)) chosen.delete(key);
      else chosen.set(key, value);
      const text = chosen.toString();
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
      tell(key);
    },

    // The number of one of `count` things; the first if the address names none of them.
    place(key, count, usual = 0) {
      const number = Number(chosen.get(key) ?? usual);
      return Number.isInteger(number) && number >= 0 && number < count ? number : usual;
    },

    listen: (listener) => listeners.push(listener),
  };
})();
