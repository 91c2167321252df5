/**
 * Links in long tables. A link of the router computes its address anew whenever the address of the page changes, which counts where there
 * are hundreds: these are plain, and `followPlain` on what is around them makes the router go there.
 */
import type { MouseEvent, ReactNode } from 'react'
import { useRouter } from '@tanstack/react-router'

export const flowPath = (flow: string): string => `/flows/${encodeURIComponent(flow)}`
export const runPath = (run: string): string => `/runs/${encodeURIComponent(run)}`

export function CellLink({
  to,
  className,
  title,
  children,
}: {
  /** By `flowPath` or `runPath`. */
  readonly to: string
  readonly className?: string | undefined
  readonly title?: string | undefined
  readonly children: ReactNode
}) {
  return (
    <a href={to} data-cell-link className={className} title={title}>
      {children}
    </a>
  )
}

/** For the table around them: a plain click goes there within the page; with a key or another button the browser does what it does. */
export function useFollowPlain(): (event: MouseEvent<HTMLElement>) => void {
  const router = useRouter()
  return (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    const link = event.target instanceof Element ? event.target.closest('a[data-cell-link]') : null
    const to = link?.getAttribute('href')
    if (to === null || to === undefined) return
    event.preventDefault()
    router.history.push(to)
  }
}
