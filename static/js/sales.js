// The price of a sale follows the number of packs, until somebody writes another one. Without this
// file the field stays empty, which means the list price.
(() => {
  "use strict";
  const listed = (form) => form.dataset.price * form.elements.quantity.value;
  const written = (field) => Number(field.value.replace(/\D/g, ""));
  const fill = (form) => {
    const due = listed(form);
    form.elements.total.value = due > 0 ? due.toLocaleString("id-ID") : "";
  };
  const begin = () => {
    const form = document.querySelector("form[data-price]");
    if (!form || form.dataset.begun) return;
    form.dataset.begun = "1";
    const { total } = form.elements;
    if (total.value === "") fill(form);
    else if (written(total) !== listed(form)) form.dataset.own = "1";
  };
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form[data-price]");
    if (!form) return;
    if (target === form.elements.total) form.dataset.own = target.value.trim() && "1";
    else if (target === form.elements.quantity && !form.dataset.own) fill(form);
  });
  document.addEventListener("htmx:load", begin);
  begin();
})();
