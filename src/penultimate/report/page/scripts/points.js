// Points of figures say whose they are: under the mouse, on a tap, and with the keyboard. Each
// figure is one stop of the Tab key; arrow keys go from point to point. The same network is lit
// in all figures of its section.
{
  const NEAR = 28; // pixels: what is further away is not meant
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // a point's own label says the same
  let now = null;

  const hide = () => {
    if (!now) return;
    for (const point of document.querySelectorAll(".lit")) point.classList.remove("lit");
    now.classList.remove("now");
    now = null;
    tip.hidden = true;
  };

  const show = (point) => {
    if (point === now) return;
    hide();
    now = point;
    const same = `[data-of="${CSS.escape(point.dataset.of)}"]`;
    for (const other of point.closest("section").querySelectorAll(same)) other.classList.add("lit");
    point.classList.add("now");
    const [name, ...lines] = point.dataset.text.split("\n");
    const first = document.createElement("b");
    first.textContent = name;
    tip.replaceChildren(first, ...lines.map((line) => {
      const span = document.createElement("span");
      span.textContent = line;
      return span;
    }));
    tip.hidden = false;
    place();
  };

  const place = () => {
    if (!now) return;
    const at = now.getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const left = at.left + at.width / 2 - box.width / 2;
    const above = at.top - box.height - 8;
    tip.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - box.width - 8))}px`;
    tip.style.top = `${above >= 8 ? above : at.bottom + 8}px`;
  };

  const figures = new Set([...document.querySelectorAll("svg .point")].map((p) => p.ownerSVGElement));
  for (const figure of figures) {
    const points = [...figure.querySelectorAll(".point")];
    points.forEach((point, i) => {
      const title = point.querySelector("title");
      point.dataset.text = title.textContent;
      point.setAttribute("aria-label", title.textContent.split("\n").join(", "));
      title.remove(); // or the browser would show it too
      point.setAttribute("tabindex", i === 0 ? "0" : "-1");
      point.addEventListener("focus", () => show(point));
      point.addEventListener("blur", hide);
    });
    const nearest = (event) => {
      let best = null;
      let least = NEAR;
      for (const point of points) {
        const box = (point.querySelector(".dot") ?? point).getBoundingClientRect();
        const far = Math.hypot(
          event.clientX - (box.left + box.width / 2),
          event.clientY - (box.top + box.height / 2),
        );
        if (far < least) [best, least] = [point, far];
      }
      return best;
    };
    const look = (event) => {
      const point = nearest(event);
      if (point) show(point);
      else hide();
    };
    figure.addEventListener("pointermove", look);
    figure.addEventListener("pointerdown", look);
    figure.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") hide();
    });
    figure.addEventListener("keydown", (event) => {
      const place = points.indexOf(document.activeElement);
      const last = points.length - 1;
      const next = {
        ArrowRight: Math.min(place + 1, last),
        ArrowDown: Math.min(place + 1, last),
        ArrowLeft: Math.max(place - 1, 0),
        ArrowUp: Math.max(place - 1, 0),
        Home: 0,
        End: last,
      }[event.key];
      if (place < 0 || next === undefined) return;
      event.preventDefault();
      points[place].setAttribute("tabindex", "-1");
      points[next].setAttribute("tabindex", "0");
      points[next].focus();
    });
  }
  if (figures.size) document.body.append(tip);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("svg")) hide();
  });
  window.addEventListener("scroll", place, { passive: true, capture: true });
  window.addEventListener("resize", place);
  document.documentElement.classList.add("scripted");
}
