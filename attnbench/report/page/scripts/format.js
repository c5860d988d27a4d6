// Numbers as people read them: the same texts as in the terminal (attnbench/units.py).

const format = (() => {
  const digits = (value, places) =>
    value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

  const three = (value) => {
    const size = Math.abs(value);
    return digits(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  };

  const scaled = (value, steps) => {
    const [step, unit] = steps.find(([least]) => Math.abs(value) >= 0.9995 * least) ?? steps.at(-1);
    return `${three(value / step)} ${unit}`;
  };

  const gigas = (value) => {
    const giga = value / 1e9;
    const size = Math.abs(giga);
    if (size > 0 && size < 0.1) return `${giga.toFixed(2 - Math.floor(Math.log10(size)))} G`;
    return `${giga < 10 ? giga.toFixed(3) : digits(giga, 1)} G`;
  };

  const forms = {
    seconds: (value) => scaled(value, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]),
    bytes: (value) =>
      Math.abs(value) < 1024
        ? `${value.toFixed(0)} B`
        : scaled(value, [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [1024, "KiB"]]),
    giga_macs: gigas,
    params: (value) =>
      Math.abs(value) < 1e3 ? value.toFixed(0) : scaled(value, [[1e6, "M"], [1e3, "k"]]),
    percent: (value) => `${(100 * value).toFixed(1)} %`,
    number: three,
    count: (value) => digits(value, 0),
    joules: (value) => scaled(value, [[1, "J"], [1e-3, "mJ"], [1e-6, "µJ"]]),
    mac_rate: (value) => `${three(value / 1e9)} GMACs/s`,
    bandwidth: (value) => `${three(value / 2 ** 30)} GiB/s`,
    ratio: (value) => `${three(value)}×`,
    rate: (value) => `${three(value)}/s`,
    loss: (value) => value.toFixed(3),
  };
  const MISSING = "–";

  // The number of an axis: 1,000 or 0.05, never 10³.
  const plain = (value) =>
    Math.abs(value) >= 100 ? digits(value, 0) : String(Number(value.toPrecision(6)));

  const of = (metric, value) => (value === null ? MISSING : forms[metric.format](value));

  return {
    forms, MISSING, plain, of,

    // "4.23 ms [3.96 ms – 4.55 ms]"
    withInterval(metric, value, low, high) {
      const text = of(metric, value);
      return low === null || high === null || value === null
        ? text
        : `${text} [${of(metric, low)} – ${of(metric, high)}]`;
    },
  };
})();
