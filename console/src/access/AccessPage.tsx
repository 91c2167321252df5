import { Tabs } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { PageHeader } from '../frame/PageHeader.tsx'
import { oneIn } from '../frame/search.ts'
import { People } from './People.tsx'
import { accessTabs } from './routes.ts'
import { Tokens } from './Tokens.tsx'

const route = getRouteApi('/inside/access')

export function AccessPage() {
  const { tab = 'tokens' } = route.useSearch()
  const navigate = useNavigate({ from: '/access' })
  return (
    <>
      <PageHeader
        title="Tokens and people"
        about="Who may ask, and what for: a viewer looks, an operator runs, pauses and repairs, an admin changes flows and this page."
      />
      <Tabs
        value={tab}
        onChange={(value) => void navigate({ search: { tab: oneIn(value, accessTabs) }, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
          <Tabs.Tab value="people">People</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}
