// Light or dark: as the system has it, until somebody chooses. For a page with a hidden button "theme".

{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = document.getElementById("theme");
  const stored = () => {
    // A browser may forbid storage, and a page that was opened as a file may have none.
    try { return localStorage.getItem("noai-theme"); } catch { return null; }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const show = () => { theme.textContent = isDark() ? "Light colours" : "Dark colours"; };

  if (["dark", "light"].includes(stored())) root.dataset.theme = stored();
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("noai-theme", root.dataset.theme); } catch { /* it is forgotten, then */ }
    show();
  });
  dark.addEventListener("change", show);
  theme.hidden = false;
  show();
}
