/** The tabs whose files come when they are opened. The route asks for them before the flow is known; what is there is drawn at once. */
import { part } from '../frame/part.tsx'

export const tabPages = {
  grains: part(() => import('../kinds/rollup/GrainsTab.tsx').then(({ GrainsTab }) => GrainsTab)),
  chart: part(() => import('../kinds/rollup/ChartTab.tsx').then(({ ChartTab }) => ChartTab)),
  slices: part(() => import('./SlicesTab.tsx').then(({ SlicesTab }) => SlicesTab)),
  runs: part(() => import('./RunsTab.tsx').then(({ RunsTab }) => RunsTab)),
  rows: part(() => import('./RowsTab.tsx').then(({ RowsTab }) => RowsTab)),
  schema: part(() => import('./SchemaTab.tsx').then(({ SchemaTab }) => SchemaTab)),
  config: part(() => import('./ConfigTab.tsx').then(({ ConfigTab }) => ConfigTab)),
} as const
