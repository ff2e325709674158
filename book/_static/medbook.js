// Small things that the theme leaves undone. Everything still reads well without this script.
(() => {
  "use strict";

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
