/** How far a rollup has come, what it is made of, and what of it is out of date. */
import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Rollup } from '../../client/model/rollup.ts'
import { useGetRollup } from '../../client/rollups.ts'
import { useNow } from '../../frame/clock.ts'
import { Command } from '../../frame/Command.tsx'
import { ErrorPanel } from '../../frame/ErrorPanel.tsx'
import { Facts } from '../../frame/Facts.tsx'
import { Loading } from '../../frame/Loading.tsx'
import { roughly } from '../../frame/moment.ts'
import { count, plural } from '../../frame/number.ts'
import { Section } from '../../frame/PageHeader.tsx'
import { ButtonLink, PageLink } from '../../frame/PageLink.tsx'
import { useMay } from '../../frame/session.ts'
import { Count, None, Time } from '../../frame/shown.tsx'
import { State } from '../../frame/State.tsx'
import { Tiles } from '../../frame/Tiles.tsx'
import { errorWords } from './compared.ts'
import classes from './Rollup.module.css'
import { measureName } from './series.ts'
import { treeOf } from './tree.ts'
import { standWords, untilWords } from './words.ts'

export function GrainsTab({ flow }: { readonly flow: string }) {
  // No event tells that an application has changed its rows.
  const found = useGetRollup(flow, { query: { refetchInterval: 30_000 } })
  if (found.isPending) return <Loading />
  if (found.isError) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />
  return <Shown rollup={found.data} />
}

function Shown({ rollup }: { readonly rollup: Rollup }) {
  const now = useNow(5_000)
  const operator = useMay('operator')
  const { flow, through, grains, verified, zone } = rollup
  const dirty = grains.reduce((sum, one) => sum + one.dirty, 0)
  return (
    <>
      <Tiles
        tiles={[
          {
            name: 'Counted until',
            value: through === null ? '–' : untilWords(new Date(through), zone, now),
            about: through === null ? 'it has not run yet' : zone,
          },
          {
            name: 'Dirty buckets',
            value: count(dirty),
            about: dirty === 0 ? 'nothing has changed' : 'the next run counts them anew',
          },
          { name: 'Rows', value: count(grains.reduce((sum, one) => sum + one.rows, 0)), about: rollup.target },
          { name: 'Compared', value: <Verified verified={verified} />, about: verdictWords(verified) },
        ]}
      />
      <Section
        title="How far it is"
        aside={
          operator && (
            <ButtonLink to="/backfills/new" search={{ flow }} size="xs" variant="default">
              New backfill
            </ButtonLink>
          )
        }
      >
        <Text>{standWords(rollup, now)}</Text>
        {(through === null || dirty > 0) && (
          <div className={classes['command']}>
            <Command text={`sluice run ${flow}`} />
          </div>
        )}
      </Section>
      <Section title="What is made of what" flush>
        <GrainTree rollup={rollup} />
      </Section>
      <Section title="What is counted">
        <What rollup={rollup} />
      </Section>
    </>
  )
}

type Verdict = Rollup['verified']

function Verified({ verified }: { readonly verified: Verdict }) {
  if (verified === null) return <None says="not compared yet" />
  return (
    <Link to="/runs/$run" params={{ run: verified.run }} className={classes['verdict']}>
      <State state={verified.failed > 0 ? 'failed' : verified.differs > 0 ? 'differs' : 'identical'} />
    </Link>
  )
}

function verdictWords(verified: Verdict) {
  if (verified === null) return 'with the events: not yet'
  const { at, slices, differs, failed } = verified
  const odd = differs + failed
  return (
    <>
      {odd === 0 ? plural(slices, 'slice') : `${count(odd)} of ${plural(slices, 'slice')}`}, <Time at={at} />
    </>
  )
}

function GrainTree({ rollup: { flow, grains, source } }: { readonly rollup: Rollup }) {
  return (
    <div className={classes['scroll']} role="region" aria-label="Grains" tabIndex={0}>
      <table className={classes['tree']}>
        <thead>
          <tr>
            <th scope="col">Grain</th>
            <th scope="col" data-hide="phone">
              Made of
            </th>
            <th scope="col">Rows</th>
            <th scope="col">Dirty</th>
            <th scope="col" data-hide="phone">
              Slices
            </th>
            <th scope="col" data-hide="phone">
              Kept
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">events</th>
            <td data-hide="phone">
              <code>{source.table}</code>
            </td>
            <td colSpan={4} />
          </tr>
          {treeOf(grains).map(({ grain, depth }) => (
            <tr key={grain.grain}>
              <th scope="row" style={{ paddingLeft: 16 + (depth + 1) * 20 }}>
                <span className={classes['branch']} aria-hidden>
                  └
                </span>
                <PageLink
                  to="/flows/$flow"
                  params={{ flow }}
                  search={{ tab: 'slices', grain: grain.grain }}
                  underline="always"
                >
                  {grain.grain}
                </PageLink>
              </th>
              <td data-hide="phone">{grain.madeOf ?? 'events'}</td>
              <td>
                <Count value={grain.rows} />
              </td>
              <td data-dirty={grain.dirty > 0 || undefined}>
                {grain.dirty > 0 ? <State state="dirty" says="events of them have changed" /> : null}{' '}
                <Count value={grain.dirty} />
              </td>
              <td data-hide="phone">{plural(grain.slices, grain.slice)}</td>
              <td data-hide="phone">{grain.keep === null ? 'for ever' : roughly(grain.keep)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function What({ rollup }: { readonly rollup: Rollup }) {
  const { source, zone, weekStart, dimensions, levels, measures, keepRaw, lookback, grains } = rollup
  return (
    <Facts
      facts={[
        [
          'Events',
          <>
            <code>{source.table}</code>
            {source.store !== null && ` in ${source.store}`}, by <code>{source.at}</code>
            {source.joined.length > 0 && `, joined with ${source.joined.join(', ')}`}
          </>,
        ],
        ['Zone', zone],
        grains.some(({ grain }) => grain === 'week') ? ['Weeks begin', `on ${weekStart}`] : null,
        [
          'Measures',
          measures
            .map(({ name, fn, of, approximate }) => {
              const how = of === null ? fn : fn === 'approximate' ? `distinct of ${of}` : `${fn} of ${of}`
              const error = approximate === null ? '' : `, approximate: ${errorWords(approximate)}`
              return `${measureName(name, approximate)} (${how}${error})`
            })
            .join(', '),
        ],
        [
          'Dimensions',
          dimensions.length === 0
            ? 'none'
            : dimensions.map(({ name, from }) => (name === from ? name : `${name} (${from})`)).join(', '),
        ],
        ['Levels', levels.map(({ name }) => name).join(', ')],
        ['Events are kept', keepRaw === null ? 'for ever' : roughly(keepRaw)],
        [
          'Changes',
          lookback !== null
            ? `of the last ${roughly(lookback)} are counted anew by every run`
            : source.store === null
              ? 'are marked by triggers, whatever their age'
              : 'whenever its files or tables are others than they were, all events are counted anew',
        ],
      ]}
    />
  )
}
