// Notices on this phone (Web Push): asked for on the inbox page, shown by worker/events.js.
(() => {
  "use strict";
  const panel = document.getElementById("phone");
  // An iPhone takes notices only from an app on its first page; only there is this known (false).
  if (panel && navigator.standalone === false && !("PushManager" in window)) {
    panel.querySelector("[data-state=install]").hidden = false;
    panel.querySelectorAll("[data-state=on], [data-state=off]").forEach((part) => part.remove());
    panel.hidden = false;
    return;
  }
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!panel || !able || Notification.permission === "denied") return;

  const KNOWN = "phone-told"; // in the session's store: what the server was last told
  const problem = panel.querySelector("[role=alert]");
  const buttons = panel.querySelectorAll("[data-push]");

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };
  const show = (on) => {
    panel.querySelectorAll("[data-state=on], [data-state=off]").forEach((part) => {
      part.hidden = (part.dataset.state === "on") !== on;
    });
    panel.hidden = false;
  };
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  const post = async (address, fields) => {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: new URLSearchParams({ csrf_token: panel.querySelector("input").value, ...fields }),
    });
    if (answer.status !== 204 || answer.headers.has("HX-Redirect")) throw new Error("refused");
  };
  const tell = async (subscription) => {
    const { endpoint, keys } = subscription.toJSON();
    await post(panel.dataset.subscribe, { endpoint, p256dh: keys.p256dh, auth: keys.auth });
    sessionStorage.setItem(KNOWN, `${panel.dataset.session} ${endpoint}`);
  };
  const sameKey = (subscription) => {
    const kept = subscription.options && subscription.options.applicationServerKey;
    if (!kept) return true;
    const key = bytes(panel.dataset.key);
    return new Uint8Array(kept).every((byte, place) => byte === key[place]);
  };

  const turnOn = async () => {
    if ((await Notification.requestPermission()) !== "granted") {
      say(panel.dataset.denied);
      return;
    }
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(panel.dataset.key),
    });
    await tell(subscription);
    show(true);
  };
  const turnOff = async () => {
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await pushManager.getSubscription();
    if (subscription) {
      await post(panel.dataset.remove, { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    sessionStorage.removeItem(KNOWN);
    show(false);
  };
  panel.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-push]");
    if (!button) return;
    say("");
    buttons.forEach((each) => { each.disabled = true; });
    try {
      await (button.dataset.push === "on" ? turnOn() : turnOff());
    } catch {
      say(panel.dataset.failed);
    } finally {
      buttons.forEach((each) => { each.disabled = false; });
    }
  });

  const begin = async () => {
    const registration = await navigator.serviceWorker.register("/sw.js");
    let subscription = await registration.pushManager.getSubscription();
    if (subscription && !sameKey(subscription)) {
      // The market has another key now: what was asked for under the old one never comes.
      await subscription.unsubscribe();
      subscription = null;
    }
    show(Boolean(subscription));
    const known = sessionStorage.getItem(KNOWN);
    if (subscription && known !== `${panel.dataset.session} ${subscription.endpoint}`) {
      // Signed in anew, another account, or a server that has lost it: signing out ends what this
      // browser is told, and the browser still has what was asked for. It goes to who is here.
      await tell(subscription).catch(() => show(false));
    }
  };
  begin().catch(() => {});
})();
