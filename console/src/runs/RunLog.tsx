/** The log of a run: from a level up, with a text, following its end until somebody scrolls back; as a file. */
import { Button, Group, SegmentedControl, Switch, Text, TextInput } from '@mantine/core'
import { IconDownload, IconSearch } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { LogLine } from '../client/model/logLine.ts'
import { absolute } from '../frame/moment.ts'
import { count, plural } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { useZone } from '../frame/zone.tsx'
import type { Followed } from './follow.ts'
import { fieldsOf, type LogLevel, logLevels, logText, shownLines } from './log.ts'
import classes from './RunLog.module.css'

const stateWords = {
  connecting: 'asking for the log',
  following: 'live',
  offline: 'the stream broke off; trying again',
  ended: 'complete',
} as const

export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}

export function RunLog({
  run,
  followed,
  level,
  text,
  onChange,
}: {
  readonly run: string
  readonly followed: Followed
  readonly level: LogLevel
  readonly text: string
  readonly onChange: (part: { readonly level?: LogLevel; readonly q?: string }) => void
}) {
  const { lines, state } = followed
  const shown = useMemo(() => shownLines(lines, level, text), [lines, level, text])
  const [follow, setFollow] = useState(true)
  return (
    <Section
      title="Log"
      flush
      aside={
        <Text size="xs" c="dimmed" role="status">
          {shown.length === lines.length ? '' : `${count(shown.length)} of `}
          {plural(lines.length, 'line')} · {stateWords[state]}
        </Text>
      }
    >
      <Group gap="xs" p="xs" className={classes['tools']}>
        <SegmentedControl
          size="xs"
          aria-label="From this level up"
          data={logLevels.map((one) => ({ value: one, label: one }))}
          value={level}
          onChange={(chosen) => {
            const found = logLevels.find((one) => one === chosen)
            if (found !== undefined) onChange({ level: found })
          }}
        />
        <TextInput
          type="search"
          size="xs"
          aria-label="Find in the log"
          placeholder="Find in the log"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={text}
          onChange={(event) => onChange({ q: event.currentTarget.value })}
          className={classes['find']}
        />
        {state !== 'ended' && (
          <Switch
            size="xs"
            label="Follow the end"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />
        )}
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={14} aria-hidden />}
          disabled={lines.length === 0}
          onClick={() => download(`sluice-${run}.log`, logText(lines))}
        >
          Download
        </Button>
      </Group>
      {shown.length === 0 ? (
        <Text size="sm" c="dimmed" p="md">
          {lines.length > 0
            ? 'No line of this level has that text.'
            : state === 'ended'
              ? 'Nothing was logged.'
              : 'Nothing is logged yet: the first lines appear when a worker begins.'}
        </Text>
      ) : (
        <Lines lines={shown} follow={follow && state !== 'ended'} letGo={() => setFollow(false)} />
      )}
    </Section>
  )
}

/** What scrolls has to be reached by the keyboard; a reader of the screen is not told of each line. */
const scrolls = { role: 'log', 'aria-label': 'Lines of the log', 'aria-live': 'off', tabIndex: 0 } as const

function Lines({
  lines,
  follow,
  letGo,
}: {
  readonly lines: readonly LogLine[]
  readonly follow: boolean
  readonly letGo: () => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const zone = useZone()
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => 22,
    overscan: 20,
  })
  useEffect(() => {
    if (follow) virtual.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [follow, lines.length, virtual])
  return (
    <div
      ref={place}
      className={classes['lines']}
      // As high as its lines, up to where it scrolls.
      style={{ height: virtual.getTotalSize() + 8 }}
      {...scrolls}
      onWheel={(event) => {
        if (event.deltaY < 0 && follow) letGo()
      }}
    >
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index]
          if (line === undefined) return null
          const fields = fieldsOf(line)
          return (
            <div
              key={line.id}
              ref={virtual.measureElement}
              data-index={item.index}
              className={classes['line']}
              data-level={line.level}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <time dateTime={line.at} title={absolute(new Date(line.at), zone)} className={classes['time']}>
                {absolute(new Date(line.at), zone).slice(11, 19)}
              </time>
              <span className={classes['level']}>{line.level}</span>
              <span className={classes['message']}>
                {line.message}
                {fields !== '' && <span className={classes['fields']}> {fields}</span>}
              </span>
            </div>
          )
        })}
      </div>
    </div>
  )
}
