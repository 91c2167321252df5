import { fileURLToPath } from 'node:url'
import { defineConfig, file, sync } from 'sluice'

const data = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/vega-datasets/data/${name}`, import.meta.url))

export default defineConfig({
  project: 'flights',
  flows: {
    airports: sync({
      from: { csv: data('airports.csv') },
      to: 'airports',
      key: ['iata'],
      every: '1d',
    }),
    flights: sync({
      // The file repeats rows, so what names a row is its number in the file.
      from: { file: file('sql/flights.sql'), params: { path: data('flights-3m.parquet') } },
      to: 'flights',
      key: ['id'],
      columns: { delay: { type: 'smallint' }, distance: { type: 'smallint' } },
      after: ['airports'],
      every: '1h',
      late: '30m',
    }),
  },
})
