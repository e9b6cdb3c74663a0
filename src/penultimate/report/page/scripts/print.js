// Paper has nothing to click: what is folded away is unfolded for printing, but for the grids of
// single trainings and lists of names, which would be most of the pages.
{
  const folded = "details:not(.grid):not(.list):not([open])";
  let opened = [];
  window.matchMedia("print").addEventListener("change", (event) => {
    if (event.matches) {
      opened = [...document.querySelectorAll(folded)];
      for (const details of opened) details.open = true;
    } else {
      for (const details of opened) details.open = false;
      opened = [];
    }
  });
}
