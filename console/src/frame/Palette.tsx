/** Ctrl K: any flow, page or action by a few letters. */
import { useMantineColorScheme } from '@mantine/core'
import { Spotlight } from '@mantine/spotlight'
import type { SpotlightActionGroupData } from '@mantine/spotlight'
import { IconDatabase, IconMoon, IconPlayerPause, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import { useLive } from './live.tsx'
import { usePageActions } from './page-actions.ts'
import type { NavigationEntry } from './page.ts'

export function Palette({ entries }: { readonly entries: readonly NavigationEntry[] }) {
  const navigate = useNavigate()
  const live = useLive()
  const { toggleColorScheme } = useMantineColorScheme()
  const [opened, setOpened] = useState(false)
  const flows = useQuery({ ...getListFlowsQueryOptions({ limit: 500 }), enabled: opened })
  const here = usePageActions()
  const groups: SpotlightActionGroupData[] = [
    {
      group: 'Here',
      actions: here.map((action) => ({ id: `here ${action.label}`, label: action.label, onClick: action.run })),
    },
    {
      group: 'Pages',
      actions: entries.map((entry) => ({
        id: entry.to,
        label: entry.label,
        keywords: [...(entry.words ?? [])],
        leftSection: <entry.icon size={18} stroke={1.6} aria-hidden />,
        ...(entry.key === undefined ? {} : { rightSection: `g ${entry.key}` }),
        onClick: () => void navigate({ to: entry.to }),
      })),
    },
    {
      group: 'Flows',
      actions: (flows.data?.items ?? []).map((flow) => ({
        id: `flow ${flow.name}`,
        label: flow.name,
        description: `${flow.kind} · ${flow.state}`,
        leftSection: <IconDatabase size={18} stroke={1.6} aria-hidden />,
        onClick: () => void navigate({ to: '/flows/$flow', params: { flow: flow.name } }),
      })),
    },
    {
      group: 'Display',
      actions: [
        {
          id: 'scheme',
          label: 'Light or dark',
          keywords: ['theme', 'colours'],
          leftSection: <IconMoon size={18} stroke={1.6} aria-hidden />,
          onClick: toggleColorScheme,
        },
        {
          id: 'live',
          label: live.state === 'paused' ? 'Follow changes again' : 'Hold the page still',
          keywords: ['live', 'pause', 'refresh'],
          leftSection: <IconPlayerPause size={18} stroke={1.6} aria-hidden />,
          onClick: live.toggle,
        },
      ],
    },
  ].filter((group) => group.actions.length > 0)
  return (
    <Spotlight
      actions={groups}
      attributes={{ content: { 'aria-label': 'Palette' } }}
      shortcut={['mod + K']}
      onSpotlightOpen={() => setOpened(true)}
      nothingFound="Nothing of that name"
      highlightQuery
      limit={40}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'A flow, a page, an action',
        'aria-label': 'Go to',
      }}
    />
  )
}
