-- Allow and deny lists. Since when and until when an entry holds, and how often it decided, are readable; what it is about, its comment and
-- who made it are sealed. Doors are sealed in the bodies of products and devices, and need no columns.

create table list_entry (
  -- Goes with its organisation: `erase_org` need not name it.
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  expires_at bigint,
  hits bigint not null default 0,
  last_hit_at bigint,
  body bytea not null,
  primary key (org, id)
);
create index on list_entry (org, created_at, id);
select tenant_table('list_entry', 'all');

