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

  // A wide table or formula scrolls in its own box, which must be reachable from the keyboard.
  const scrollable = () => {
    document.querySelectorAll("article .pst-scrollable-table-container, article div.math").forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("figure.medbook-frames").forEach(watch);
    scrollable();
    window.addEventListener("resize", scrollable);
    window.addEventListener("load", scrollable);
  });
})();
