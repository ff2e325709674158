// How much code a page shows: key cells, all cells, or none. This script runs in the page's head, before
// anything is drawn, and sets each fold while the page is still being read: so nothing jumps.
(() => {
  "use strict";
  const KEY = "medbook-code";
  const MODES = ["key", "all", "none"];
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the choice holds for this page
    }
  };
  const keep = (mode) => {
    try {
      localStorage.setItem(KEY, mode);
    } catch {
      /* as above */
    }
  };
  const known = (mode) => (MODES.includes(mode) ? mode : "key");

  let mode = known(stored());
  root.dataset.code = mode;

  const FOLD = "details.above-input, details.below-input";
  const setFold = (fold) => {
    fold.open = mode === "all";
  };
  const setSwitch = (input) => {
    input.checked = input.value === mode;
  };
  const within = (node, what) => [...(node.matches(what) ? [node] : []), ...node.querySelectorAll(what)];
  const settle = (node) => {
    if (mode === "all") within(node, FOLD).forEach(setFold);
    within(node, `input[name="${KEY}"]`).forEach(setSwitch);
  };

  const choose = (wish, { remember }) => {
    mode = known(wish);
    root.dataset.code = mode;
    document.querySelectorAll(FOLD).forEach(setFold);
    document.querySelectorAll(`input[name="${KEY}"]`).forEach(setSwitch);
    if (remember) keep(mode);
  };

  // What the parser adds is settled before it is painted.
  const observer = new MutationObserver((changes) => {
    for (const change of changes)
      for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) settle(node);
  });
  observer.observe(root, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    observer.disconnect();
    settle(root);
  });

  document.addEventListener("change", (event) => {
    if (event.target.name === KEY) choose(event.target.value, { remember: true });
  });
  // The same choice in every open page; and again in one that comes back from the browser's cache.
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) choose(event.newValue, { remember: false });
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) choose(stored(), { remember: false });
  });
})();
