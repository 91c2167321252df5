import { Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useEffect } from 'react'
import classes from './PageHeader.module.css'

/** The name of the page, what it is about in a line, and what can be done here. Also names the tab. */
export function PageHeader({
  title,
  about,
  children,
}: {
  readonly title: string
  readonly about?: ReactNode
  readonly children?: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Sluice`
  }, [title])
  return (
    <header className={classes['header']}>
      <div className={classes['words']}>
        <Title order={1} size="h3">
          {title}
        </Title>
        {about !== undefined && <div className={classes['about']}>{about}</div>}
      </div>
      {children !== undefined && <div className={classes['actions']}>{children}</div>}
    </header>
  )
}

/** A part of a page, with a heading. */
export function Section({
  title,
  aside,
  children,
  flush = false,
  bare = false,
}: {
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
  /** The content brings its own padding, such as a table. */
  readonly flush?: boolean
  /** The title is only said: the page's own says the same. */
  readonly bare?: boolean
}) {
  return (
    <section className={classes['section']} aria-label={title}>
      {bare ? null : (
        <div className={classes['heading']}>
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      <div className={flush ? undefined : classes['body']}>{children}</div>
    </section>
  )
}
