import { Alert, Group, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { Workers } from '../client/model/workers.ts'
import { Command } from '../frame/Command.tsx'
import { duration } from '../frame/moment.ts'
import { count } from '../frame/number.ts'
import { Age } from '../frame/shown.tsx'
import { Tiles } from '../frame/Tiles.tsx'
import { faultsOf } from './standing.ts'

/** How the project's processes keep up, and what is wrong with them. */
export function Standing({ workers }: { readonly workers: Workers }) {
  const { queue, items } = workers
  const living = items.filter(({ alive }) => alive)
  const { finished, failed, waitMs } = queue.lastHour
  return (
    <>
      {faultsOf(workers.alive, queue.waiting, items).map(({ title, says, command }) => (
        <Alert
          key={title}
          variant="light"
          color="orange"
          mb="md"
          icon={<IconAlertTriangle size={18} aria-hidden />}
          title={title}
        >
          <Group gap="sm">
            <Text size="sm" c="var(--mantine-color-text)">
              {says}
            </Text>
            <Command text={command} />
          </Group>
        </Alert>
      ))}
      <Tiles
        tiles={[
          {
            name: 'Processes alive',
            value: count(living.length),
            about: `${count(items.length - living.length)} ended within a day`,
          },
          { name: 'Running', value: count(queue.running), about: `${count(queue.delayed)} between two attempts` },
          { name: 'Waiting', value: count(queue.waiting), about: `${count(queue.paused)} of what is paused` },
          { name: 'Oldest waits', value: <Age at={queue.oldest} />, about: 'since it could begin' },
          {
            name: 'Wait, last hour',
            value: waitMs === null ? '–' : duration(waitMs),
            about: '95 of 100 began sooner',
          },
          { name: 'Ended, last hour', value: count(finished), about: `${count(failed)} of them failed` },
        ]}
      />
    </>
  )
}
