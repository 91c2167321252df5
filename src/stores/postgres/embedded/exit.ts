import { dismissCluster, type Cluster } from './cluster.ts'
import { dropLease, livingHolders, type Lease } from './leases.ts'
import { tryLock } from './lock.ts'

interface Held {
  readonly cluster: Cluster
  readonly files: { readonly lock: string; readonly leases: string }
}

/**
 * What a process does for its leases if it ends without giving them back: at `exit`, and at a signal that nobody else handles.
 * Best effort, and synchronous: the lease goes, and the last one out sends the server away. Where that fails (SIGKILL, or another
 * process just holds the lock), the next command adopts the server and stops it when it is done.
 */
const held = new Map<Lease, Held>()
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let watching = false

export function releaseAtExit(lease: Lease, what: Held): void {
  held.set(lease, what)
  if (watching) return
  watching = true
  process.on('exit', releaseAll)
  for (const signal of signals) process.on(signal, endUnlessHandled)
}

export function forgetAtExit(lease: Lease): void {
  held.delete(lease)
  if (held.size > 0 || !watching) return
  watching = false
  process.off('exit', releaseAll)
  for (const signal of signals) process.off(signal, endUnlessHandled)
}

/** Listening for a signal takes away its effect; where nobody else listens, it is given back. */
function endUnlessHandled(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  releaseAll()
  process.off(signal, endUnlessHandled)
  process.kill(process.pid, signal)
}

function releaseAll(): void {
  for (const [lease, { cluster, files }] of held) {
    held.delete(lease)
    try {
      dropLease(lease)
      const lock = tryLock(files.lock)
      if (lock === null) continue
      try {
        if (livingHolders(files.leases).length === 0) dismissCluster(cluster)
      } finally {
        lock.release()
      }
    } catch {
      // The process is ending; the next command finds what is left.
    }
  }
}
