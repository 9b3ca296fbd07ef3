// Shows what the market tells a producer's phone, and opens the order when it is tapped.
"use strict";

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

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

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
