/** A bucket: what its events say on one side, what its table has on the other. */
import { Select, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { Bucket } from '../../client/model/bucket.ts'
import type { BucketComparison } from '../../client/model/bucketComparison.ts'
import type { BucketState } from '../../client/model/bucketState.ts'
import type { Grain } from '../../client/model/grain.ts'
import { useCompareBucket } from '../../client/rollups.ts'
import { ErrorPanel } from '../../frame/ErrorPanel.tsx'
import { Loading } from '../../frame/Loading.tsx'
import { count, plural } from '../../frame/number.ts'
import { State } from '../../frame/State.tsx'
import { comparedWords, differenceWords, differs, errorWords, measuresShown, sidesText } from './compared.ts'
import classes from './Rollup.module.css'
import { measureName } from './series.ts'
import { bucketWords } from './words.ts'

const route = getRouteApi('/inside/flows/$flow')

/** What a state means for the comparison; nothing where it goes without saying. */
const means: Readonly<Partial<Record<BucketState, string>>> = {
  dirty: 'Its events have changed since it was counted; the next run counts it anew.',
  partial: 'It is not over: both sides are as far as everything is counted.',
  frozen: 'Its events are no longer kept: what the table has stays as it was counted.',
  waiting: 'It begins after all that is counted.',
  expired: 'It is no longer kept.',
}

export function BucketRows({
  flow,
  grain,
  bucket: { from, to },
  zone,
  levels,
}: {
  readonly flow: string
  readonly grain: Grain
  readonly bucket: Bucket
  readonly zone: string
  readonly levels: readonly string[]
}) {
  const { level: asked } = route.useSearch()
  const navigate = route.useNavigate()
  const level = asked !== undefined && levels.includes(asked) ? asked : undefined
  const found = useCompareBucket(flow, { grain, bucket: from, ...(level === undefined ? {} : { level }) })
  const words = bucketWords(from, to, grain, zone)
  return (
    <section className={classes['beside']} aria-label={words}>
      <div className={classes['head']}>
        <h3>{words}</h3>
        {found.data !== undefined && <State state={found.data.state} says={means[found.data.state]} />}
        {levels.length > 1 && (
          <Select
            aria-label="Level"
            size="xs"
            data={[{ value: '', label: 'every level' }, ...levels.map((name) => ({ value: name, label: name }))]}
            value={level ?? ''}
            allowDeselect={false}
            onChange={(to_) =>
              void navigate({
                search: (before) => ({ ...before, level: to_ === null || to_ === '' ? undefined : to_ }),
                resetScroll: false,
              })
            }
          />
        )}
      </div>
      {found.isError && <ErrorPanel error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <Loading rows={3} />}
      {found.data !== undefined && <Sides found={found.data} />}
    </section>
  )
}

function Sides({ found }: { readonly found: BucketComparison }) {
  const { rows, dimensions, counts, state, approximate } = found
  const measures = measuresShown(found)
  const total = counts.table + counts.missing
  return (
    <>
      <Text size="sm">{comparedWords(found)}</Text>
      {means[state] !== undefined && (
        <Text size="sm" c="dimmed">
          {means[state]}
        </Text>
      )}
      {rows.length > 0 && (
        <div className={classes['scroll']} role="region" aria-label="Raw beside rollup" tabIndex={0}>
          <table className={classes['sides']}>
            <thead>
              <tr>
                <th scope="col" rowSpan={2}>
                  Difference
                </th>
                <th scope="col" rowSpan={2}>
                  Level
                </th>
                {dimensions.map((name) => (
                  <th key={name} scope="col" rowSpan={2}>
                    {name}
                  </th>
                ))}
                {measures.map((name) => (
                  <th
                    key={name}
                    scope="colgroup"
                    colSpan={2}
                    data-group
                    title={
                      approximate[name] === undefined ? undefined : `approximate, ${errorWords(approximate[name])}`
                    }
                  >
                    {measureName(name, approximate[name])}
                  </th>
                ))}
              </tr>
              <tr>
                {measures.map((name) => [
                  <th key={`${name} raw`} scope="col" data-number>
                    raw
                  </th>,
                  <th key={`${name} rollup`} scope="col" data-number>
                    rollup
                  </th>,
                ])}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={JSON.stringify([row.level, row.key])} data-difference={row.difference ?? undefined}>
                  <td>{differenceWords(row.difference)}</td>
                  <td>{row.level}</td>
                  {dimensions.map((name) => (
                    <td key={name}>
                      {row.key[name] ?? (
                        <Text span c="dimmed" inherit>
                          {row.level.split('+').includes(name) ? 'null' : 'all'}
                        </Text>
                      )}
                    </td>
                  ))}
                  {measures.map((name) => {
                    const marked = approximate[name] !== undefined
                    const odd = differs(row, name, marked)
                    // It says the same, and would not once it is put together with others.
                    const hidden = odd && marked && row.columns.length > 0 && !row.columns.includes(name)
                    const [raw, rollup] = sidesText(row, name)
                    return [
                      <td key={`${name} raw`} data-number data-differs={odd || undefined}>
                        {raw}
                      </td>,
                      <td
                        key={`${name} rollup`}
                        data-number
                        data-differs={odd || undefined}
                        title={hidden ? 'told from other values' : undefined}
                      >
                        {rollup}
                        {odd && ' ≠'}
                      </td>,
                    ]
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length < total && (
        <Text size="sm" c="dimmed">
          The first {plural(rows.length, 'row')} of {count(total)}, those that differ before the others.
        </Text>
      )}
    </>
  )
}
