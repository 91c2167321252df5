import type { ReactNode } from 'react'
import { Command } from './Command.tsx'
import classes from './Empty.module.css'

/** Nothing here, why, and the next command or button that changes it. */
export function Empty({
  title,
  children,
  command,
  action,
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly command?: string
  readonly action?: ReactNode
}) {
  return (
    <div className={classes['empty']}>
      <p className={classes['title']}>{title}</p>
      {children !== undefined && <p className={classes['text']}>{children}</p>}
      {command !== undefined && <Command text={command} />}
      {action}
    </div>
  )
}
