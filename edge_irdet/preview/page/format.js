// Numbers and times as a person reads them.

const grouped = new Intl.NumberFormat("en-GB");

export function count(value) {
  return grouped.format(value);
}

export function milliseconds(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value >= 10000) return duration(value / 1000);
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`;
}

export function rate(value) {
  return value === null ? "–" : value.toFixed(value < 10 ? 2 : 1);
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

// The last part of a URI is what tells sources apart: a path's end, a host, a device.
export function shortName(uri) {
  const [, name, number] = uri.match(/^(.*?)( #\d+)?$/s);
  const plain = name.replace(/\?.*$/s, "").replace(/\/+$/, "");
  const short = /^[a-z0-9+.-]+:\/\/[^/]+\//i.test(plain) || !plain.includes("/") ? (name.length > 48 ? plain : name) : plain.slice(plain.lastIndexOf("/") + 1) || name;
  return short + (number ?? "");
}
