import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import classes from './ErrorPanel.module.css'
import { asProblem } from './http.ts'

/** What went wrong, as code, why and fix: of an answer of the API, or of a run's record. */
export interface Fault {
  readonly code: string
  readonly title: string
  readonly why: string
  readonly fix: string
  /** By name: `flow`, `table`, `column`, … */
  readonly where?: object | undefined
  readonly requestId?: string | undefined
}

export function FaultPanel({ fault, retry }: { readonly fault: Fault; readonly retry?: (() => void) | undefined }) {
  const where = Object.entries(fault.where ?? {}).filter(([, value]) => typeof value === 'string')
  return (
    <section className={classes['panel']} role="alert" aria-label={fault.title}>
      <div className={classes['head']}>
        <IconAlertTriangle size={18} aria-hidden color="var(--sluice-failed)" />
        <strong>{fault.title}</strong>
        <code className={classes['code']}>{fault.code}</code>
      </div>
      <dl className={classes['facts']}>
        <dt>Why</dt>
        <dd>{fault.why}</dd>
        <dt>Fix</dt>
        <dd>{fault.fix}</dd>
        {where.length > 0 && (
          <>
            <dt>Where</dt>
            <dd>{where.map(([name, value]) => `${name} ${value}`).join(' · ')}</dd>
          </>
        )}
        {fault.requestId !== undefined && (
          <>
            <dt>Request</dt>
            <dd>
              <code>{fault.requestId}</code>
            </dd>
          </>
        )}
      </dl>
      {retry !== undefined && (
        <Button variant="default" size="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </section>
  )
}

/** Whatever a query or a mutation threw. */
export function ErrorPanel({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const problem = asProblem(error)
  return <FaultPanel fault={problem} retry={retry} />
}
