// A page that is written anew while a study runs comes again by itself, as the reader left it. A
// file may not ask what has changed, so it is loaded again after a while: sooner where the last time
// brought something new, later where it did not, and never under a reader's hands.
{
  const mark = document.querySelector("[data-renew]");
  const SLOWEST = 60; // seconds
  const PAUSE = 5000; // milliseconds without a key, a pointer pressed or a wheel turned
  const places = () => [...document.querySelectorAll("main section[id], main h3, main tbody th")];
  const placeName = (place) =>
    place.tagName === "SECTION"
      ? place.id
      : `${place.closest("section[id]")?.id}/${place.closest("table")?.caption?.textContent}/${place.textContent}`;
  const folds = () => [...document.querySelectorAll("details")];
  const foldName = (fold) =>
    `${fold.closest("section[id]")?.id}/${fold.querySelector("summary")?.textContent}`;
  const fields = () => [...document.querySelectorAll("input, select, textarea")];
  const fieldName = (field) =>
    `${field.closest("[data-filter]")?.id ?? ""}/${field.labels?.[0]?.textContent ?? field.id}`;
  const tableName = (table) => table.caption?.textContent ?? "";
  const boxes = () => [...document.querySelectorAll(".scroll")];
  const boxName = (box) => box.getAttribute("aria-label");

  const state = () => {
    const far = (place) => Math.abs(place.getBoundingClientRect().top);
    const near = places().reduce((one, other) => (one && far(one) <= far(other) ? one : other), null);
    const field = fields().find((element) => element === document.activeElement);
    return {
      y: window.scrollY,
      near: near && placeName(near),
      offset: near && near.getBoundingClientRect().top,
      open: folds().filter((fold) => fold.open).map(foldName),
      shut: folds().filter((fold) => !fold.open).map(foldName),
      fields: fields().map((one) => [fieldName(one), one.value]),
      focus: field && [fieldName(field), field.selectionStart, field.selectionEnd],
      sorted: [...document.querySelectorAll("table.sortable [aria-sort]")].map((heading) => [
        tableName(heading.closest("table")),
        heading.textContent,
        heading.getAttribute("aria-sort"),
      ]),
      across: boxes().filter((box) => box.scrollLeft).map((box) => [boxName(box), box.scrollLeft]),
    };
  };

  const restore = (kept) => {
    for (const fold of folds()) {
      if (kept.open.includes(foldName(fold))) fold.open = true;
      else if (kept.shut.includes(foldName(fold))) fold.open = false;
    }
    for (const [name, value] of kept.fields) {
      const field = fields().find((one) => fieldName(one) === name);
      if (!field || field.value === value) continue;
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    for (const [table, text, order] of kept.sorted) {
      const heading = [...document.querySelectorAll("table.sortable")]
        .filter((one) => tableName(one) === table)
        .flatMap((one) => [...one.tHead.rows[0].cells])
        .find((cell) => cell.textContent === text);
      const button = heading?.querySelector("button");
      for (let i = 0; i < 2 && button && heading.getAttribute("aria-sort") !== order; i += 1) {
        button.click();
      }
    }
    for (const [name, left] of kept.across) {
      const box = boxes().find((one) => boxName(one) === name);
      if (box) box.scrollLeft = left;
    }
    if (kept.focus) {
      const field = fields().find((one) => fieldName(one) === kept.focus[0]);
      field?.focus({ preventScroll: true });
      field?.setSelectionRange?.(kept.focus[1], kept.focus[2]);
    }
    // What stood at the top of the window, since what is above it may have grown.
    const near = kept.y > 0 && places().find((place) => placeName(place) === kept.near);
    const top = near ? near.getBoundingClientRect().top + window.scrollY - kept.offset : kept.y;
    window.scrollTo({ top, behavior: "instant" });
  };

  if (mark) {
    const kept = history.state?.watched;
    const quiet = kept && kept.made === mark.dataset.made ? kept.quiet + 1 : 0;
    const wait = 1000 * Math.min(SLOWEST, Number(mark.dataset.renew) * 2 ** Math.min(quiet, 6));
    const began = Date.now();
    let touched = 0;
    for (const kind of ["keydown", "input", "pointerdown", "wheel", "touchmove"]) {
      document.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
    }
    const busy = () =>
      document.hidden ||
      Date.now() - touched < PAUSE ||
      document.querySelector(".point.now") !== null ||
      !(getSelection()?.isCollapsed ?? true);
    history.scrollRestoration = "manual";
    // When all other scripts have made their boxes and buttons.
    if (kept) addEventListener("load", () => restore(kept));
    setInterval(() => {
      if (Date.now() - began < wait || busy()) return;
      const watched = { ...state(), made: mark.dataset.made, quiet };
      history.replaceState({ ...history.state, watched }, "");
      location.reload();
    }, 250);
  } else if (history.state?.watched) {
    // The last page of a watch: as the reader left it, once, and then like any other.
    const kept = history.state.watched;
    history.replaceState(null, "");
    addEventListener("load", () => restore(kept));
  }
}
