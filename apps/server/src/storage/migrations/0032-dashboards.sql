-- Dashboards: pictures of what devices measure. What each is called and shows is sealed.
create table dashboard (
  -- It goes with the organisation, so `erase_org` need not know of it.
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
select tenant_table('dashboard', 'all');

-- A link to one is a credential, and stays among them when the dashboard is gone.
alter table credential add column dashboard uuid;
create index on credential (org, dashboard) where dashboard is not null;
