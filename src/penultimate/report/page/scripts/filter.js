// A box above long tables that leaves only the rows whose words contain what is typed; of a table
// with many columns, a second one for these. Without this script everything is there to read.
{
  const LONG = 8; // rows, or columns, from which a box is worth its place; data-long says otherwise
  let boxes = 0;

  const words = (row) => [...row.cells]
    .filter((cell) => cell.tagName === "TH" || !cell.classList.contains("num"))
    .map((cell) => cell.textContent)
    .join(" ")
    .toLowerCase();

  const box = (noun, items, text, show) => {
    const form = document.createElement("div");
    form.className = "filter";
    const input = document.createElement("input");
    input.type = "search";
    input.id = `filter${boxes++}`;
    input.autocomplete = "off";
    input.spellcheck = false;
    const label = document.createElement("label");
    label.htmlFor = input.id;
    label.textContent = `Filter ${noun}`;
    const status = document.createElement("output");
    status.htmlFor = input.id;
    status.setAttribute("aria-live", "polite");
    form.append(label, input, status);
    const apply = () => {
      const typed = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const item of items) {
        const keep = typed.every((word) => text(item).includes(word));
        show(item, keep);
        left += keep;
      }
      status.textContent = typed.length ? `${left} of ${items.length} ${show.noun}: \u201c${input.value.trim()}\u201d` : "";
    };
    input.addEventListener("input", apply);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !input.value) return;
      event.preventDefault();
      input.value = "";
      apply();
    });
    return form;
  };

  const showRow = (row, keep) => { row.hidden = !keep; };
  showRow.noun = "rows";
  const showColumn = ({ table, index }, keep) => {
    for (const row of table.rows) row.cells[index].hidden = !keep;
  };
  showColumn.noun = "columns";

  for (const section of document.querySelectorAll("[data-filter]")) {
    const own = (element) => element.closest("[data-filter]") === section;
    const tables = [...section.querySelectorAll("table.sortable")].filter(own);
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    const columns = tables.flatMap((table) => [...table.tHead.rows[0].cells]
      .filter((cell) => "column" in cell.dataset)
      .map((cell) => ({ table, index: cell.cellIndex, text: cell.textContent.toLowerCase() })));
    const made = [];
    if (rows.length >= (Number(section.dataset.long) || LONG)) {
      const texts = new Map(rows.map((row) => [row, words(row)]));
      made.push(box(section.dataset.filter, rows, (row) => texts.get(row), showRow));
    }
    if (columns.length >= LONG) {
      made.push(box(section.dataset.columns, columns, (column) => column.text, showColumn));
    }
    if (!made.length) continue;
    const bar = document.createElement("div");
    bar.className = "filters";
    bar.append(...made);
    const first = tables[0].closest(".scroll");
    const heading = first.previousElementSibling?.tagName === "H3" ? first.previousElementSibling : first;
    // Above the first table, and above its heading where several tables are filtered together.
    (tables.length > 1 ? heading : first).before(bar);
  }
}
