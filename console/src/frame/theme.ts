import { createTheme, localStorageColorSchemeManager, Modal, Tooltip } from '@mantine/core'
import type { MantineColorsTuple } from '@mantine/core'

/** Water: one accent, everything else grey, so that the states are the only colours that call. */
const water: MantineColorsTuple = [
  '#e8f6f8',
  '#d3eaef',
  '#a6d5df',
  '#74bfce',
  '#4daec1',
  '#34a3b9',
  '#1a8ba1',
  '#0b7285',
  '#095f70',
  '#044d5c',
]

/** The key that public/scheme.js reads before the first paint. */
export const schemes = localStorageColorSchemeManager({ key: 'sluice-scheme' })

export const theme = createTheme({
  colors: { water },
  primaryColor: 'water',
  primaryShade: 7,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '620' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '20px', xl: '28px' },
  components: {
    // Its head is no second banner of the page.
    Modal: Modal.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' }, attributes: { header: { role: 'none' } } },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 250, withArrow: true, events: { hover: true, focus: true, touch: true } },
    }),
  },
})
