// The cart saves a changed number by itself (hx-trigger), one change after another (hx-sync). Here:
// no answer overwrites a later change, and nobody goes on before everything in sight is saved.
(() => {
  "use strict";
  const GO_ON = "[data-when-saved]";
  let goingOn = false;

  const forms = () => [...document.querySelectorAll("#cart form")];
  const number = (form) => form.elements.quantity;
  // Something of this form has not even been sent: a press of its button, or a later number.
  const isDue = (form) => "due" in form.dataset
    || Boolean(number(form)) && number(form).value !== (form.dataset.sent ?? number(form).defaultValue);
  const isOpen = (form) => isDue(form) || form.matches(".htmx-request")
    || Boolean(number(form)) && number(form).value !== number(form).defaultValue;
  const ofCart = (element) => element.matches("#cart form");
  const stay = () => {
    goingOn = false;
    document.querySelector(GO_ON)?.removeAttribute("aria-busy");
  };

  document.addEventListener("submit", ({ target }) => {
    if (ofCart(target)) target.dataset.due = "";
  }, true);
  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (!ofCart(target)) return;
    delete target.dataset.due;
    if (number(target)) target.dataset.sent = number(target).value;
  });

  // What is due comes next, and its answer has all: this one would only take it off the screen.
  // But who takes a line out no longer wants the number that was typed there.
  document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
    const asker = detail.requestConfig.elt;
    const counts = (form) => form === asker || form.parentElement !== asker.parentElement;
    if (target.id === "cart" && forms().some((form) => counts(form) && isDue(form))) {
      detail.shouldSwap = false;
    }
  });
  document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
    if (detail.successful || !ofCart(target)) return;
    stay();
    delete target.dataset.sent;
    // The line is gone: there is nothing to be saved.
    if (detail.xhr.status === 404 && number(target)) number(target).value = number(target).defaultValue;
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest(GO_ON);
    const open = forms().filter(isOpen);
    if (!link || !open.length) return;
    event.preventDefault();
    goingOn = true;
    link.setAttribute("aria-busy", "true");
    open.filter(isDue).forEach((form) => form.requestSubmit());
  });
  // Whoever changes something is not gone yet.
  document.addEventListener("input", ({ target }) => {
    if (target.closest("#cart")) stay();
  });
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (target.id !== "cart" || !goingOn) return;
    stay();
    // Without the link something must be mended first, and the page says what.
    document.querySelector(GO_ON)?.click();
  });
})();
