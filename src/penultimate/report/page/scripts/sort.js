"use strict";
// Tables come sorted from the server; this lets a reader sort them otherwise. Each heading that can
// sort gets a button, so that mouse, keyboard and screen reader all find it.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const kind = heading.dataset.sort;
    if (!kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      // Numbers are asked for from the top, names and ranks from the beginning.
      const first = kind === "number" && heading.textContent !== "#" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = now === first ? other : first;
      headings.forEach((cell) => cell.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      sort(table.tBodies[0], column, kind, order === "ascending" ? 1 : -1);
    });
  });
}

function sort(body, column, kind, sign) {
  const value = (row) => {
    const cell = row.cells[column];
    if (kind === "text") return cell.textContent.trim();
    const number = Number.parseFloat(cell.dataset.value);
    return Number.isNaN(number) ? null : number;
  };
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null); // the undefined stay last
    return sign * (kind === "text" ? a.localeCompare(b) : a - b);
  };
  const rows = [...body.rows].map((row) => [value(row), row]);
  body.append(...rows.sort((a, b) => compare(a[0], b[0])).map((pair) => pair[1]));
}
