/**
 * Whoever uses keys alone must never be left nowhere. What held the focus may go: a row that changed, a form that was sent, a menu that
 * closed, a page that was left. Then the nearest that is still there takes it, at last the content of the page.
 */
export function keepFocus(): void {
  let path: readonly HTMLElement[] = [];
  // What had the focus before a dialog took it: there it goes when the dialog closes.
  let opener: HTMLElement | undefined;
  const isInDialog = (one: HTMLElement | undefined) => Boolean(one?.closest("[role=dialog]"));
  document.addEventListener("focusin", (event) => {
    const before = path[0];
    path = event.composedPath().filter((one) => one instanceof HTMLElement);
    if (!isInDialog(path[0])) opener = undefined;
    else if (!isInDialog(before)) opener = before;
  });
  let isDue = false;
  const look = () => {
    isDue = false;
    const [last] = path;
    if (!last || (document.activeElement !== document.body && document.activeElement?.checkVisibility())) return;
    // A button that is busy cannot hold the focus; it gets it back.
    if (last.isConnected && last.hasAttribute("data-loading")) return;
    // A link that was drawn anew, as those of a device's pages are, is the same to whoever follows it.
    const href = last.getAttribute("href");
    const again = href === null ? null : document.querySelector<HTMLElement>(`main a[href="${CSS.escape(href)}"]`);
    for (const one of [last, again, opener, ...path.slice(1), document.querySelector<HTMLElement>("main")]) {
      if (!one || one === document.body || !one.isConnected || !one.checkVisibility({ visibilityProperty: true }))
        continue;
      one.focus({ preventScroll: true });
      if (document.activeElement === one) return;
    }
  };
  new MutationObserver(() => {
    if (isDue) return;
    isDue = true;
    // After what the kit does itself: a dialog that closes gives the focus back to what opened it.
    setTimeout(look, 50);
  }).observe(document.body, {
    subtree: true,
    childList: true,
    attributeFilter: ["disabled", "data-loading", "data-closed"],
  });
}
