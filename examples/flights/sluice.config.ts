import { fileURLToPath } from 'node:url'
import { defineConfig, file, rollup, sync } from 'sluice'

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
    departures: rollup({
      // Departures by origin: of each hour, and of each day, week, month and year, made of the hours.
      from: 'flights',
      at: 'departed_at',
      to: 'departures',
      grains: ['hour', 'day', 'week', 'month', 'year'],
      by: ['origin'],
      measures: { flights: 'count', delay: { avg: 'delay' }, longest: { max: 'distance' } },
      after: ['flights'],
    }),
  },
})
