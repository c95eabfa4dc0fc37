// The composer gets a counter of what is left and, when people are mentioned, a fresh answer to "who will see this".
// Without this file the bar still shows the sentence of the chosen audience, and "Preview" asks the server.

const PAUSE = 400;

function countCharacters(text) {
  return [...new Intl.Segmenter().segment(text)].length;
}

function showLeftOver(form, text) {
  const place = form.querySelector("[data-left-over]");
  const limit = Number(form.dataset.limit);
  if (!place || !limit) return;
  const left = limit - countCharacters(text.value);
  place.textContent = new Intl.NumberFormat(document.documentElement.lang).format(left);
  place.toggleAttribute("data-over", left < 0);
}

async function askReach(form) {
  const audience = form.elements.audience;
  const bar = form.querySelector(`.reach[data-audience="${audience.value}"]`);
  if (!bar || !form.dataset.preview) return;
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const reach = await answer.json();
  if (reach.audience !== audience.value) return;
  bar.querySelector("p").textContent = reach.sentence;
  bar.classList.toggle("reach-outside", reach.crosses);
}

function prepare(form) {
  const text = form.elements.text;
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(() => askReach(form).catch(() => {}), PAUSE); };
  text.addEventListener("input", () => { showLeftOver(form, text); if (text.value.includes("@")) later(); });
  form.elements.audience?.addEventListener("change", later);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector("[data-send]"));
  });
  showLeftOver(form, text);
}

export function prepareComposers(root = document) {
  for (const form of root.querySelectorAll("form[data-composer]")) prepare(form);
}
