-- The roles of an organisation's own: all of them in one row, so that a file of them is applied whole or not at all. How often they were
-- changed is readable; what they are called and what they hold is sealed.
create table role_set (
  -- It goes with the organisation, so `erase_org` need not know of it.
  org uuid primary key references organisation (org) on delete cascade,
  version integer not null,
  body bytea not null
);
select tenant_table('role_set', 'all');
