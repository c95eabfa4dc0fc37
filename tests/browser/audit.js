// What an accessibility checker would say of a page: run inside the browser, returns a list of sentences, empty when all is well.
() => {
  const problems = [];
  const describe = (element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") || ""}"> ${(element.textContent || "").trim().slice(0, 30)}`;
  const isShown = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && element.getClientRects().length > 0;

  const name = (element) => {
    const by = element.getAttribute("aria-labelledby");
    if (by) return by.split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ").trim();
    return (element.getAttribute("aria-label") || [...(element.labels || [])].map((label) => label.textContent).join(" ") || element.textContent || element.title || "").trim();
  };

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (field.hidden) continue;
    const label = field.getAttribute("aria-label") || [...(field.labels || [])].map((each) => each.textContent).join("").trim();
    if (!label) problems.push(`no label: ${describe(field)} ${field.name}`);
    for (const id of (field.getAttribute("aria-describedby") || "").split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) problems.push(`described by nothing: ${field.name} ${id}`);
    }
  }
  for (const control of document.querySelectorAll("a[href], button, summary")) {
    if (isShown(control) && !name(control)) problems.push(`no name: ${describe(control)}`);
  }
  for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) problems.push(`no alt: ${image.src}`);

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((each, place) => ids.indexOf(each) !== place))) problems.push(`id twice: ${id}`);

  const headings = [...document.querySelectorAll("main h1, main h2, main h3, main h4")];
  if (document.querySelectorAll("h1").length !== 1) problems.push(`${document.querySelectorAll("h1").length} h1`);
  let before = 0;
  for (const heading of headings) {
    if (heading.closest(".prose")) continue;
    const level = Number(heading.tagName[1]);
    if (level > before + 1) problems.push(`heading skips from ${before} to ${level}: ${heading.textContent.trim()}`);
    before = level;
  }
  if (!document.documentElement.lang) problems.push("no lang");
  if (!document.title.trim()) problems.push("no title");
  if (document.querySelectorAll("main").length !== 1) problems.push("not one main");

  for (const control of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select")) {
    if (!isShown(control)) continue;
    const inText = control.tagName === "A" && getComputedStyle(control).display === "inline";
    const box = control.getBoundingClientRect();
    if (!inText && !control.closest(".skip") && (box.width < 24 || box.height < 23.5)) problems.push(`small target ${Math.round(box.width)}x${Math.round(box.height)}: ${describe(control)}`);
  }

  // Contrast of every piece of text against what is painted behind it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, below) => [0, 1, 2].map((part) => top[part] * top[3] + below[part] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = (colour) => { const [r, g, b] = colour.slice(0, 3).map((part) => { const s = part / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element) || !isShown(element) || element.closest(".visually-hidden, .skip, .invisible, option")) continue;
    seen.add(element);
    const behind = ground(element);
    const ink = over(parse(getComputedStyle(element).color), behind);
    const [bright, dark] = [luminance(ink), luminance(behind)].sort((a, b) => b - a);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.45) problems.push(`contrast ${ratio.toFixed(2)}: ${describe(element)}`);
  }

  const sideways = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (sideways > 0) problems.push(`${sideways} px too wide`);
  return problems;
}
