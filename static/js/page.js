// The one module a page loads. Everything here makes a working page nicer; nothing depends on it.

import { prepareComposers } from "./composer.js";
import { prepareMenus } from "./menu.js";
import { renewTimes } from "./times.js";

prepareComposers();
prepareMenus();
renewTimes();
setInterval(renewTimes, 60000);

// Having looked at the notifications counts as having seen them; without script a button says so.
for (const form of document.querySelectorAll("form[data-send-quietly]")) {
  fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).then(() => { form.hidden = true; }).catch(() => {});
}

// A form is sent once, however often one presses.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
