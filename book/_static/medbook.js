// Small things that the theme leaves undone. Everything still reads well without this script.
(() => {
  "use strict";

  // The widget manager finds its icons below the folder that require.js is told of.
  if (!window.require) window.require = { baseUrl: new URL("vendor/", document.currentScript.src).href };

  // It also asks for MathJax 2, whose queue MathJax 3 does not have: hand its wishes on.
  const hub = {
    Queue: ([, , element]) =>
      window.MathJax.startup && window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
  };
  let mathjax = window.MathJax;
  Object.defineProperty(window, "MathJax", {
    configurable: true,
    get: () => mathjax,
    set: (value) => {
      mathjax = value;
      if (value) value.Hub = hub;
    },
  });
  if (mathjax) mathjax.Hub = hub;

  // A figure with a slider first shows its still picture; once the widget is there, the still goes.
  const settle = (figure) => {
    const live = figure.querySelector(".medbook-live");
    const slider = live && live.querySelector(".noUi-handle, input[type=range]");
    if (!slider) return false;
    figure.classList.add("medbook-is-live");
    const label = live.querySelector(".widget-label");
    if (label && !slider.getAttribute("aria-label")) slider.setAttribute("aria-label", label.textContent);
    return true;
  };

  const watch = (figure) => {
    if (settle(figure)) return;
    const observer = new MutationObserver(() => settle(figure) && observer.disconnect());
    observer.observe(figure, { childList: true, subtree: true });
  };

  // What is too wide scrolls in a box of its own, which the keyboard must reach and a screen reader name.
  const BOXES = "article .pst-scrollable-table-container, article div.math, article pre, article .cell_output > .output";
  const scrolls = (box) =>
    box.scrollWidth > box.clientWidth || (box.scrollHeight > box.clientHeight && !box.matches(".math"));
  const nameOf = (box) => (box.matches(".math") ? "formula" : box.querySelector("table") ? "table" : "text");
  const scrollable = () => {
    document.querySelectorAll(BOXES).forEach((box, place) => {
      if (scrolls(box)) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", `Wide ${nameOf(box)}, ${place + 1}`); // no two regions share a name
      } else if (box.getAttribute("role") === "region") {
        ["tabindex", "role", "aria-label"].forEach((attribute) => box.removeAttribute(attribute));
      }
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("figure.medbook-frames").forEach(watch);
    scrollable();
    window.addEventListener("resize", scrollable);
    window.addEventListener("load", scrollable);
    document.addEventListener("toggle", scrollable, true); // a fold was opened: what it holds has a width now
  });
})();
