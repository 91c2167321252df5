// Before the first paint, so that a dark page does not flash white. A file, since the policy forbids scripts in the page.
{
  let chosen = null
  try {
    chosen = localStorage.getItem('sluice-scheme')
  } catch {
    // Storage is refused: the system's choice.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
}
