// A producer's phone, 3 of 3: what reaches the worker. Public pages, the cart, the desk and
// pictures pass it by.

// No waiting for old pages to close: no page depends on which worker it meets, and what is kept
// bears a version. An app on a phone is hardly ever closed: a mended worker would never come.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const old = (name) => name !== ASSETS && !name.startsWith(PAGES);
  await Promise.all((await caches.keys()).filter(old).map((name) => caches.delete(name)));
  await self.clients.claim();
})()));

// Signing out, and erasing the account. Who signs out everywhere, or ends this device, comes to
// /sign-in; who has a new password stays.
const LEAVING = ["/sign-out", "/account/erasure"];
// What waits goes first, as long as it may. The pages are erased whatever comes of it, the taps
// when the person is out indeed.
const signOut = async (event) => {
  await Promise.race([send().catch(() => {}), later(LONGEST_SEEN)]);
  await erasePages();
  return passOn(event, async (answer) => {
    if (answer.type === "opaqueredirect") await eraseTaps(null).catch(() => {});
  });
};
const passOn = async (event, after) => {
  const answer = await fetch(event.request);
  await after(answer);
  return answer;
};
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = bare(request.url);
  if (new URL(request.url).origin !== self.location.origin) return;
  if (request.method === "POST" && request.headers.has("Tap-Account")) {
    const answer = tap(event);
    event.respondWith(answer);
    event.waitUntil(answer.catch(() => {}));
  } else if (request.method === "GET" && path.startsWith("/assets/")) {
    // Its name changes with its content, so a copy is never out of date.
    const copy = caches.match(request.url, { cacheName: ASSETS, ignoreVary: true });
    event.respondWith(copy.then((found) => found || fetch(request)));
  } else if (request.mode !== "navigate") {
    return;
  } else if (request.method === "GET" && /^\/inbox(\/|$)/.test(path)) {
    event.respondWith(openPage(event));
  } else if (request.method === "GET" && path === "/sign-in") {
    // Shown only to those who are not signed in, or no longer.
    event.respondWith(passOn(event, async (answer) => { if (answer.ok) await erasePages(); }));
  } else if (request.method === "POST" && ["/sign-in", "/register"].includes(path)) {
    event.respondWith(passOn(event, async (answer) => {
      if (answer.type !== "opaqueredirect") return;
      await erasePages();
      event.waitUntil(askSession().catch(() => {})); // what another account has left here
    }));
  } else if (request.method === "POST" && LEAVING.includes(path)) {
    event.respondWith(signOut(event));
  }
});

self.addEventListener("sync", (event) => {
  event.waitUntil((async () => {
    await send();
    // The browser tries again, later each time.
    if ((await allTaps()).some(isWaiting)) throw new Error("still waiting");
  })());
});
self.addEventListener("message", (event) => {
  const { ask, address, id } = event.data || {};
  const work = {
    send: async () => {
      if (await keptCopy(address, false)) await tell({ kept: address });
      await ((await allTaps()).some(isWaiting) ? send() : tell({}));
    },
    adopt: () => self.clients.claim().then(() => fetchAndKeep(address)),
    keep: () => fetchAndKeep(address),
    dismiss: () => remove({ id }).then(() => tell({})),
  }[ask];
  if (work) event.waitUntil(work().catch(() => {}));
});

// Notices: what the market tells is shown, and the order opens when it is tapped.

const read = (event) => {
  try {
    return event.data.json();
  } catch {
    return {};
  }
};
// Only a path of this very site: whatever a push may say, a tap leads nowhere else.
const place = (path) => {
  const address = new URL(typeof path === "string" ? path : "/inbox", self.location.origin);
  return address.origin === self.location.origin ? address.href : `${self.location.origin}/inbox`;
};
self.addEventListener("push", (event) => {
  const told = read(event);
  event.waitUntil(
    self.registration.showNotification(told.title || "OVOP Market", {
      body: told.body || "",
      lang: told.lang || "id",
      tag: told.tag || "ovop",
      data: { path: told.path },
    }),
  );
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = place(event.notification.data && event.notification.data.path);
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = pages.find((page) => page.url === address);
    return there ? there.focus() : self.clients.openWindow(address);
  };
  event.waitUntil(open());
});
