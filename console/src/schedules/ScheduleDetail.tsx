/** One schedule: its next due times, what it missed, its policies; paused, resumed, run now. */
import { Button, Group, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { pauseFlow, resumeFlow } from '../client/flows.ts'
import type { Occurrence } from '../client/model/occurrence.ts'
import type { Schedule } from '../client/model/schedule.ts'
import { requestRun } from '../client/runs.ts'
import { getListSchedulesQueryKey } from '../client/schedules.ts'
import { Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { ask } from '../frame/reason.tsx'
import { useMay } from '../frame/session.ts'
import { Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { tell } from '../frame/tell.tsx'
import { shortId } from '../runs/words.ts'
import classes from './Schedules.module.css'
import { localInWords, oddityInWords, policiesOf } from './words.ts'

export function ScheduleDetail({ schedule }: { readonly schedule: Schedule }) {
  const { flow, words, paused } = schedule
  return (
    <div>
      <Section
        title={flow}
        aside={
          <PageLink to="/flows/$flow" params={{ flow }} fz="sm">
            Open the flow
          </PageLink>
        }
      >
        <Text mb="xs">Due {words}.</Text>
        {paused !== null && (
          <Text mb="xs">
            <State state="paused" /> by {paused.by} <Time at={paused.at} />
            {paused.reason === null ? '' : `: ${paused.reason}`}
          </Text>
        )}
        <Actions schedule={schedule} />
      </Section>
      <Section title="Next due times" flush>
        <Next schedule={schedule} />
      </Section>
      <Section title="Skipped, and waited for" flush>
        <Occurrences of={schedule.missed} empty="Every due time lately became a run." />
      </Section>
      <Section title="Last due times" flush>
        <Occurrences of={schedule.last} empty="No due time has passed since it has this schedule." />
      </Section>
      <Section title="What it does then">
        <dl className={classes['policies']}>
          {policiesOf(schedule).flatMap(({ name, value, says }) => [
            <dt key={`${name} name`}>{name}</dt>,
            <dd key={`${name} value`}>
              <code>{value}</code>
            </dd>,
            <dd key={`${name} says`} className={classes['quiet']}>
              {says}
            </dd>,
          ])}
        </dl>
      </Section>
    </div>
  )
}

function Actions({ schedule: { flow, paused } }: { readonly schedule: Schedule }) {
  const may = useMay('operator')
  const client = useQueryClient()
  const navigate = useNavigate()
  const again = () => client.invalidateQueries({ queryKey: getListSchedulesQueryKey() })
  const pause = useMutation({ mutationFn: (reason: string | null) => pauseFlow(flow, { reason }), onSuccess: again })
  const resume = useMutation({ mutationFn: () => resumeFlow(flow), onSuccess: again })
  const run = useMutation({
    mutationFn: () => requestRun(flow, {}),
    onSuccess: async (answer) => {
      tell(answer.joined ? 'It is asked for already' : 'Asked for', answer.warning ?? undefined)
      await navigate({ to: '/runs/$run', params: { run: answer.run.id } })
    },
  })
  if (!may) return null
  return (
    <Group gap="xs">
      <Button size="xs" loading={run.isPending} disabled={paused !== null} onClick={() => run.mutate()}>
        Run now
      </Button>
      {paused === null ? (
        <Button
          size="xs"
          variant="default"
          loading={pause.isPending}
          onClick={() =>
            ask(
              {
                title: `Pause ${flow}`,
                says: 'Nothing of it begins any more; what runs goes on. Due times are skipped with this reason.',
                action: 'Pause',
              },
              (reason) => pause.mutate(reason),
            )
          }
        >
          Pause…
        </Button>
      ) : (
        <Button size="xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>
          Resume
        </Button>
      )}
    </Group>
  )
}

function Next({ schedule: { next, spec } }: { readonly schedule: Schedule }) {
  if (next.length === 0)
    return (
      <Text p="md" c="dimmed">
        {spec === null
          ? 'It is run by hand: `every` or `cron` in its definition gives it a schedule.'
          : 'None is to come.'}
      </Text>
    )
  return (
    <ol className={classes['list']}>
      {next.map((due) => {
        const odd = oddityInWords(due)
        return (
          <li key={due.at}>
            <span className={classes['local']}>
              {localInWords(due.local)} <span className={classes['quiet']}>{due.zone}</span>
            </span>
            <Time at={due.at} />
            {odd !== null && <span className={classes['odd']}>Daylight saving: {odd}.</span>}
          </li>
        )
      })}
    </ol>
  )
}

function Occurrences({ of, empty }: { readonly of: readonly Occurrence[]; readonly empty: string }) {
  if (of.length === 0)
    return (
      <Text p="md" c="dimmed">
        {empty}
      </Text>
    )
  return (
    <ul className={classes['list']}>
      {of.map(({ dueAt, state, reason, run }) => (
        <li key={dueAt}>
          <Group gap="xs" wrap="nowrap">
            <State state={state} />
            {run !== null && (
              <PageLink to="/runs/$run" params={{ run }} ff="monospace" fz="xs">
                {shortId(run)}
              </PageLink>
            )}
          </Group>
          <Time at={dueAt} show="both" />
          {reason !== null && <span className={classes['odd']}>{reason}</span>}
        </li>
      ))}
    </ul>
  )
}
