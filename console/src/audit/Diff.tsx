import { Switch, Text } from '@mantine/core'
import { useState } from 'react'
import classes from './Diff.module.css'
import { differences } from './diff.ts'

/** What was before and what is after, field by field. */
export function Diff({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const [all, setAll] = useState(false)
  const every = differences(before, after)
  const changed = every.filter(({ kind }) => kind !== 'same')
  const same = every.length - changed.length
  const shown = all || changed.length === 0 ? every : changed
  if (every.length === 0) return <Text c="dimmed">Nothing was recorded beyond that it was done.</Text>
  return (
    <>
      {same > 0 && changed.length > 0 && (
        <Switch
          size="xs"
          mb="xs"
          label={`${same} more stayed as they were`}
          checked={all}
          onChange={(event) => setAll(event.currentTarget.checked)}
        />
      )}
      <table className={classes['table']} aria-label="What changed">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ path, kind, before: was, after: is }) => (
            <tr key={path} data-kind={kind}>
              <td>{path === '' ? 'all of it' : path}</td>
              <td>{was ?? '–'}</td>
              <td>{is ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
