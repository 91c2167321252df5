export const unitMark = '# Written by `sluice schedule install systemd`'

/** `sluice-schools.service`; what a file name cannot hold becomes a dash. */
export function unitName(project: string): string {
  return `sluice-${project.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').replace(/^-+/, '')}.service`
}

/** A unit of the user that keeps `sluice up` running. Pure. */
export function systemdUnit(service: {
  readonly project: string
  readonly directory: string
  readonly command: readonly string[]
}): string {
  return `${unitMark}: it is overwritten by the next one.
[Unit]
Description=Sluice of ${service.project.replaceAll(/[\r\n%]/g, ' ')}
After=network-online.target

[Service]
WorkingDirectory=${service.directory.replaceAll('%', '%%')}
ExecStart=${service.command.map(quote).join(' ')}
Restart=on-failure
RestartSec=10
# The first signal drains.
KillSignal=SIGTERM
TimeoutStopSec=90

[Install]
WantedBy=default.target
`
}

function quote(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`
}
