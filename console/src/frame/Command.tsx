import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import classes from './Command.module.css'

/** A command line, or several lines of code, with a button that copies it. */
export function Command({ text, label = 'Command' }: { readonly text: string; readonly label?: string }) {
  const block = text.includes('\n')
  return (
    <div className={classes['command']} data-block={block || undefined}>
      <pre
        className={classes['text']}
        title={block ? undefined : text}
        {...(block ? { role: 'region', 'aria-label': `${label}, as code`, tabIndex: 0 } : {})}
      >
        <code>{text}</code>
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              onClick={copy}
              aria-label={copied ? 'Copied' : `Copy: ${label}`}
            >
              {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </div>
  )
}
