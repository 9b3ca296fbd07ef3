// What was typed at checkout is still there after a look at the cart or in the other language. It is
// kept by this tab alone, never sent before the order, and forgotten once that is placed.
(() => {
  "use strict";
  const KEY = "checkout";
  const LIFETIME = 30 * 60 * 1000; // milliseconds
  const LEFT_OUT = ["csrf_token", "idempotency_key", "seen", "consent"]; // the page's own, and a word given anew
  const CHOSEN = /^(region_code|payment_method|delivery-.*)$/; // what the ways of delivery depend on
  const form = document.querySelector("form[data-kept]");

  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || {};
    } catch {
      return {}; // a browser that keeps nothing
    }
  };
  const keep = (draft) => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(draft));
    } catch { /* the same */ }
  };
  const draft = kept();

  if (!form) {
    if (draft.sent) keep({});
    return;
  }
  const owner = form.dataset.kept; // an account, or nobody
  const store = (sent) => {
    const fields = [...new FormData(form)].filter(([name]) => !LEFT_OUT.includes(name));
    keep({ owner, sent, at: Date.now(), fields: Object.fromEntries(fields) });
  };
  const show = (selector, address, fields) => {
    const asked = new URLSearchParams(fields);
    return htmx.ajax("GET", `${address}?${asked}`, { target: selector, swap: "outerHTML" });
  };

  // Another person, or somebody who comes later to a phone that many use, finds nothing.
  const mine = draft.owner === owner && Date.now() - draft.at < LIFETIME;
  if (!mine) keep({});
  const fields = mine ? draft.fields || {} : {};
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements[name];
    if (field && field.type !== "radio") field.value = value;
  }
  if (fields.region_code && !form.querySelector("[name=region_code]:checked")) {
    const { region_code, region_q } = fields;
    const chosen = Object.entries(fields).filter(([name]) => CHOSEN.test(name));
    show("#region-options", form.dataset.regions, { q: region_q, region_code })
      .then(() => show("#delivery", form.dataset.delivery, chosen));
  }
  form.addEventListener("input", () => store(false));
  form.addEventListener("change", () => store(false));
  form.addEventListener("submit", () => store(true));
})();
