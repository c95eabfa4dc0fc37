// Keeps relative times true while a page stays open. The server has already written words; this only renews them.

const STEPS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const language = document.documentElement.lang || "en";
const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

function describe(seconds) {
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return words.format(-Math.floor(seconds / size), unit);
  }
  return words.format(0, "second");
}

export function renewTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const then = Date.parse(element.dateTime);
    if (!Number.isNaN(then)) element.textContent = describe((Date.now() - then) / 1000);
  }
}
